import assert from "node:assert/strict";
import { test } from "node:test";
import { bitsText, heat, percent, placeAfterKey, running, surroundings, unseenWords } from "../../../kvviz/ui/pages/language_modelling/js/reading.js";

/** @param {string} fed @param {string} [kind] */
const column = (fed, kind = "plain") => ({ fed, kind });
const TEN = "abcdefghij".split("").map((letter) => column(letter));

test("heat goes from a certainty to a fair draw and no further", () => {
  assert.equal(heat(0, 12), 0);
  assert.equal(heat(6, 12), 0.5);
  assert.equal(heat(20.4, 12), 1);
});

test("a probability reads as a share, a small one as one in so many", () => {
  assert.equal(percent(0.9998), "100 %");
  assert.equal(percent(0.665), "67 %");
  assert.equal(percent(0.0123), "1.2 %");
  assert.equal(percent(0.0005), "1 in 2,000");
  assert.equal(percent(1 / 479086), "1 in 479,000");
  assert.equal(percent(0), "0 %");
  assert.equal(percent(2.2e-13), "1 in 10¹³");
});

test("bits have a decimal while it says something", () => {
  assert.equal(bitsText(0.04), "0.0");
  assert.equal(bitsText(9.94), "9.9");
  assert.equal(bitsText(11.97), "12");
});

test("keys move within the text", () => {
  assert.equal(placeAfterKey("ArrowRight", 8, 10), 9);
  assert.equal(placeAfterKey("ArrowRight", 9, 10), 9);
  assert.equal(placeAfterKey("ArrowLeft", 0, 10), 0);
  assert.equal(placeAfterKey("Home", 5, 10), 0);
  assert.equal(placeAfterKey("End", 5, 10), 9);
  assert.equal(placeAfterKey("a", 5, 10), null);
});

test("the next token is foreseen from the left, its own place included", () => {
  const reading = { mode: "next-token", columns: TEN };
  assert.deepEqual(surroundings(reading, 2), { before: "abc", after: "" });
  assert.deepEqual(surroundings(reading, 8), { before: "…cdefghi", after: "" });
});

test("a hidden token is guessed from both sides, marks left out", () => {
  const columns = [column("[CLS]", "special"), ...TEN.slice(0, 8), column("[SEP]", "special")];
  const reading = { mode: "masked-token", columns };
  assert.deepEqual(surroundings(reading, 3), { before: "ab", after: "defgh…" });
  assert.deepEqual(surroundings(reading, 6), { before: "abcde", after: "gh" });
});

test("running text has spaces and lines where the text has them", () => {
  assert.equal(running("␣cat"), " cat");
  assert.equal(running(".↵␣"), ".↵\n ");
  const columns = [column("␣a"), column("␣b")];
  assert.deepEqual(surroundings({ mode: "next-token", columns }, 1), { before: " a b", after: "" });
});

test("what is on screen and what is not make one sentence", () => {
  const asked = { ...column("Once"), asked: "␣upon", bits: 2.34 };
  assert.deepEqual(unseenWords(asked, "next-token"), { asked: ", then ", loss: " bits" });
  assert.deepEqual(unseenWords({ ...asked, bits: null }, "masked-token"), { asked: ", hidden: ", loss: "" });
  assert.deepEqual(unseenWords({ ...asked, asked: null, bits: null }, "next-token"), { asked: ", nothing is asked here", loss: "" });
});
