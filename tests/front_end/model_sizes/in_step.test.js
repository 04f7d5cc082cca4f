import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "../../../kvviz/ui/pages/model_sizes/families/js/in_step_buffer.js";
import { bytesAt, inBytes, layersOf, nRead, stopSentence, times, tokensRead } from "../../../kvviz/ui/pages/model_sizes/families/js/in_step_words.js";
import { pack } from "../pack.js";

/** @param {object} [change] Put over the header. Two models that read "a 🐱 b", the second in halves of a character. */
function made(change = {}) {
  const spans = (/** @type {number} */ number, /** @type {number[]} */ numbers) =>
    ({ name: `${number}.0.lives`, dtype: "i32", shape: [numbers.length / 4, 4], data: Int32Array.from(numbers) });
  // step, state (1 computed, 2 read, 3 evicted), first row, row after the last one
  const arrays = [
    spans(0, [0, 1, 0, 1, 1, 2, 0, 1, 1, 1, 1, 2, 2, 2, 0, 2, 2, 1, 2, 3]),
    spans(1, [0, 1, 0, 2, 1, 2, 0, 2, 1, 1, 2, 3, 2, 2, 0, 3, 2, 1, 3, 4, 3, 3, 0, 1, 3, 2, 1, 4, 3, 1, 4, 5]),
  ];
  const model = (/** @type {object} */ of) => ({ special: [], lives: [{ n_layers: 2, window: 0 }], ...of });
  const header = {
    version: 1, text: "a 🐱 b", ends: [1, 3, 5], stop: 1, view_number: 4,
    models: [
      model({ name: "one", title: "One", tokens: ["a", " 🐱", " b"], n_first: 1, steps: [0, 1, 2], cache_bytes: [100, 200, 300] }),
      model({ name: "two", title: "Two", tokens: ["<s>", "a", "🐱·1/2", "🐱·2/2", " b"], special: [0], n_first: 2, steps: [0, 2, 3], cache_bytes: [50, 75, 100, 100] }),
    ],
    ...change,
  };
  return pack(header, arrays);
}

test("at a stop all have read the same text, each in its own number of steps", () => {
  const { readers: [one, two], text, ends, stop, view_number } = decode(made());
  assert.deepEqual([text.slice(0, ends[stop]).join(""), stop, view_number], ["a 🐱", 1, 4]);
  assert.deepEqual([nRead(one, 1), nRead(two, 1)], [2, 4]);
  assert.deepEqual([bytesAt(one, 1), bytesAt(two, 1)], [200, 100]);
  assert.equal(tokensRead(two, 2), "5 of 5 tokens read");
  assert.equal(two.tokens[0], "◇<s>");
  assert.deepEqual([two.lives[0].lives.n_evicted[2], two.lives[0].lives.n_evicted[3]], [0, 1]);
  const said = stopSentence([one, two], 1, 3, 0.6);
  assert.equal(said, "60 % of the text, place 2 of 3: One has read 2 tokens and keeps 200 B; Two has read 4 tokens and keeps 100 B.");
});

test("numbers and layers in words", () => {
  assert.deepEqual([times(3.75), times(0.051), times(22.2)], ["3.8×", "0.05×", "22×"]);
  assert.equal(inBytes(46_080), "46.1 kB");
  const life = { lives: /** @type {any} */ (null), n_layers: 15, window: 512 };
  assert.equal(layersOf(life, true), "in each of its 15 layers");
  assert.equal(layersOf(life, false), "in 15 layers with a window of 512");
  assert.equal(layersOf({ ...life, window: 0 }, false), "in 15 layers that see all");
});

test("a buffer that is not whole is refused in words", () => {
  assert.throws(() => decode(made({ version: 9 })), /another version of kvviz/);
  assert.throws(() => decode(made({ models: [] })), /It lacks models/);
  assert.throws(() => decode(made({ ends: [1] })), /It lacks steps/);
  assert.throws(() => decode(made().slice(0, -8)), /cut short/);
});
