import assert from "node:assert/strict";
import { test } from "node:test";
import { readBuffer } from "../../../kvviz/player/js/buffer.js";
import * as words from "../../../kvviz/player/js/number_words.js";
import { entropyBits, rowMaking } from "../../../kvviz/player/js/row_making.js";
import { nextTokens } from "../../../kvviz/player/js/run.js";
import { makeBuffer } from "./fixture.js";

const greedy = { temperature: 0, top_k: null, top_p: null, seed: 0 };
const best = { id: 1, rank: 1, prob: 0.5, sampling: 0.8, chosen: false };
const third = { id: 3, rank: 3, prob: 0.125, sampling: 0.2, chosen: true };
const near = (/** @type {number} */ a, /** @type {number} */ b, within = 1e-9) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);

test("a likely token is told by its logit beside the likeliest one's", () => {
  const { title, lines } = words.nextExplanation({ ...third, chosen: false }, [best, third], " cat", greedy);
  assert.equal(title, "How likely ␣cat is");
  // ln(0.125 / 0.5) = -1.386
  assert.equal(lines[0], "Its logit is 1.39 below that of the likeliest token, which has 50\u202f%: e to the −1.39 is 0.25, and 0.25 × 50\u202f% = 13\u202f%.");
  assert.match(lines[1], /^Temperature 0: nothing is drawn/);
  assert.equal(lines[2], "It was not taken.");
  const first = words.nextExplanation({ ...best, chosen: true }, [best], "a", greedy).lines;
  assert.match(first[0], /^Its logit is the largest: .* with 50\u202f%\.$/);
  assert.equal(first.at(-1), "It was taken.");
});

test("what temperature, top-k and top-p make of it follows, and whether it was drawn", () => {
  const { lines } = words.nextExplanation(third, [best, third], "x", { temperature: 0.5, top_k: 20, top_p: 0.9, seed: 7 });
  assert.match(lines[1], /temperature 0.5 the difference is −2.77: e to that is 0.063 of the likeliest/);
  assert.equal(lines[2], "Top-k keeps the 20 likeliest: it is number 3.");
  assert.equal(lines[3], "Top-p keeps the fewest likeliest that together have 90\u202f%.");
  assert.equal(lines[4], "What is left is scaled to 100 %: it was drawn with 20\u202f%.");
  assert.equal(lines[5], "With the seed 7 it was drawn.");
  const out = words.nextExplanation({ ...third, sampling: 0, chosen: false }, [best, third], "x", { temperature: 1, top_k: 2, top_p: null, seed: 7 }).lines;
  assert.equal(out[1], "Temperature 1 leaves the logits as they are.");
  assert.deepEqual(out.slice(3), ["So it was left out of the draw.", "With the seed 7 another was drawn."]);
  const unlisted = words.nextExplanation({ ...third, rank: null, sampling: NaN }, [best, third], "x", { temperature: 2, top_k: 50, top_p: null, seed: 0 }).lines;
  assert.ok(unlisted.some((line) => line.includes("it is further down")));
  assert.ok(!unlisted.some((line) => line.includes("scaled")));
});

test("a token's rank counts from the likeliest that was recorded", () => {
  const payload = readBuffer(makeBuffer());
  nextTokens(payload, "on", 2, 6).forEach(({ rank }, i) => assert.equal(rank, i + 1));
});

test("a share of attention is one power of the sum of all, and all of them make the entropy", () => {
  const making = rowMaking(readBuffer(makeBuffer()), { cache: "on", cross: false, layer: 2, head: 3, query: 4, key: 1 });
  const { lines } = words.weightExplanation(making, 1);
  assert.match(lines[1], /^of all 5 rows: .* \+ .* = /);
  const [power, total] = /^(\S+) \/ (\S+) = /.exec(lines[2]).slice(1).map(Number);
  near(power / total, making.weights[1], 0.01);
  assert.match(words.entropyExplanation(making).lines[1], new RegExp(` = ${entropyBits(making.weights).toFixed(2)} bits$`));
});

test("entropy is 0 where all is on one row and log2 n where it is even", () => {
  assert.equal(entropyBits(Float64Array.of(0, 1, 0)), 0);
  near(entropyBits(new Float64Array(8).fill(1 / 8)), 3);
});
