import assert from "node:assert/strict";
import { test } from "node:test";
import { along, fairDraw, nearest, pointAfterKey } from "../../../kvviz/ui/pages/language_modelling/js/film.js";
import { toldOf } from "../../../kvviz/ui/pages/language_modelling/js/told_point.js";
import { pieces, shareText, tokens, tokensText } from "../../../kvviz/ui/pages/language_modelling/js/words.js";

test("the untrained model stands at the edge, all others on a log axis", () => {
  assert.equal(along(0, 4096, 14_102_528), 0);
  assert.equal(along(14_102_528, 4096, 14_102_528), 1);
  assert.ok(along(4096, 4096, 14_102_528) > 0);
  const [a, b, c] = [1e4, 1e5, 1e6].map((n) => along(n, 1e3, 1e7));
  assert.ok(Math.abs(b - a - (c - b)) < 1e-12);
});

test("two to the bits is a fair draw", () => {
  assert.equal(fairDraw(12), 4096);
  assert.equal(fairDraw(0), 1);
});

test("the twin's point is the nearest in progress", () => {
  const points = [0, 0.1, 0.5, 1].map((progress) => ({ progress }));
  assert.equal(nearest(points, 0), 0);
  assert.equal(nearest(points, 0.29), 1);
  assert.equal(nearest(points, 0.31), 2);
  assert.equal(nearest(points, 1), 3);
});

test("numbers read as a person says them", () => {
  assert.equal(tokensText(434_176), "434,176");
  assert.equal(tokensText(14_102_528), "14.1 million");
  assert.equal(shareText(0.0123), "1.2 %");
  assert.equal(shareText(1), "100 %");
  assert.equal(shareText(0.0007), "0.1 %");
  assert.equal(shareText(0.31), "31 %");
});

test("keys stay inside the film", () => {
  assert.equal(pointAfterKey("ArrowRight", 22, 24), 23);
  assert.equal(pointAfterKey("ArrowRight", 23, 24), 23);
  assert.equal(pointAfterKey("ArrowLeft", 0, 24), 0);
  assert.equal(pointAfterKey("End", 3, 24), 23);
  assert.equal(pointAfterKey(" ", 3, 24), null);
});

test("one token is said of one", () => {
  assert.equal(tokens(1, "1"), "1 token");
  assert.equal(tokens(0, "0"), "0 tokens");
  assert.equal(tokens(14_102_528, tokensText(14_102_528)), "14.1 million tokens");
});

test("a point is told in one sentence, with what stands out in every second piece", () => {
  const point = (/** @type {number} */ n_tokens, /** @type {number} */ bits) => ({ n_tokens, bits, progress: 0.31, said: [] });
  assert.deepEqual(pieces(toldOf(["A"], [point(4096, 5)], 12)), [
    "After ", "4,096", " tokens, 31 % of the training, A is as unsure as a fair draw among ", "32", " tokens (5.00 bits).",
  ]);
  assert.equal(
    pieces(toldOf(["A", "B"], [point(4096, 5), point(4096, 4)], 12)).join(""),
    "After 4,096 tokens, 31 % of the training, A is as unsure as a fair draw among 32 tokens (5.00 bits), and B among 16 (4.00 bits).",
  );
  assert.equal(
    pieces(toldOf(["A", "B"], [point(4096, 5), point(1, 4)], 12)).join(""),
    "After 4,096 tokens, 31 % of the training, A is as unsure as a fair draw among 32 tokens (5.00 bits), and B, 1 token into its own, among 16 (4.00 bits).",
  );
});

test("a model that has seen nothing is told of from its first word, and that chance is no knowledge", () => {
  const now = [0, 0].map((n_tokens) => ({ n_tokens, bits: 3.5, progress: 0, said: [] }));
  assert.deepEqual(pieces(toldOf(["A", "B"], now, 3)), [
    "", "Before the first token", " A is as unsure as a fair draw among ", "11", " tokens (3.50 bits), and B among ", "11",
    " (3.50 bits). There are only 8: a model that has learnt nothing guesses worse than a fair draw from all.",
  ]);
});
