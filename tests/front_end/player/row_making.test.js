import assert from "node:assert/strict";
import { test } from "node:test";
import { readBuffer } from "../../../kvviz/player/js/buffer.js";
import * as words from "../../../kvviz/player/js/making_words.js";
import { fingerprintsOf } from "../../../kvviz/player/js/fingerprints.js";
import { heaviest, productsOf, queryRows, rowMaking, weightMade } from "../../../kvviz/player/js/row_making.js";
import { kvNumber } from "../../../kvviz/player/js/run.js";
import { makeBuffer } from "./fixture.js";

const gpt2 = readBuffer(makeBuffer());
const t5 = readBuffer(makeBuffer({ n_encoder: 9 }));
const place = (/** @type {any} */ change = {}) => ({ cache: /** @type {const} */ ("on"), cross: false, layer: 2, head: 3, query: 8, key: 4, ...change });
const near = (/** @type {number} */ a, /** @type {number} */ b, within = 1e-12) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);
const sum = (/** @type {Iterable<number>} */ numbers) => [...numbers].reduce((a, b) => a + b, 0);

test("a row is made of its query, the keys up to itself, a softmax and a mix", () => {
  const making = rowMaking(gpt2, place());
  assert.equal(making.n_keys, 9);
  assert.equal(making.bias, null);
  making.scores.forEach((score, key) => near(score, sum(productsOf(making, key)) * making.scale, 1e-9));
  near(sum(making.weights), 1);
  making.weights.forEach((weight, key) => near(weight, Math.exp(making.scores[key]) / sum(making.scores.map(Math.exp)), 1e-9));
  making.mix.forEach((number, i) => near(number, sum(making.values.map((v, key) => making.weights[key] * v[i])), 1e-9));
});

test("a reading of a cell says the weight of its making", () => {
  assert.equal(weightMade(gpt2, place()), rowMaking(gpt2, place()).weights[4]);
  assert.equal(weightMade(t5, place({ cross: true, key: 8 })), rowMaking(t5, place({ cross: true })).weights[8]);
  assert.equal(weightMade(readBuffer(makeBuffer({ layers: [0] })), place()), null);
});

test("its numbers are those that a reading of K and V gives, with what the bytes leave over", () => {
  const making = rowMaking(gpt2, place());
  for (const i of [0, 1, 4, 5]) {
    near(making.keys[4][i], kvNumber(gpt2, "on", "keys", 2, 3, 4, i));
    near(making.values[4][i], kvNumber(gpt2, "on", "values", 2, 3, 4, i));
  }
  const coarse = gpt2.arrays.get("on.keys.2");
  const scale = gpt2.arrays.get("on.key_scale.2").data[3];
  const { n_rows, model } = gpt2.header;
  const whole = (coarse.data[(3 * n_rows + 4) * model.d_head] * scale) / 127;
  near(making.keys[4][0], whole + ((63 / 254) * scale) / 127, 1e-9);
});

test("a score is as near to the model's as 16 bits a number can tell", () => {
  const making = rowMaking(gpt2, place());
  assert.ok(making.within > 0 && making.within < 0.01, String(making.within));
});

test("a model with a bias for the distance adds it, from the key's own place", () => {
  const making = rowMaking(t5, place({ layer: 1, head: 2, query: 6 }));
  const bias = t5.arrays.get("position_bias").data;
  const { n_rows } = t5.header;
  making.scores.forEach((score, key) => near(score, making.sums[key] + bias[2 * n_rows + 6 - key], 1e-9));
});

test("the second cache's row looks at all of the input, without a bias", () => {
  const making = rowMaking(t5, place({ cross: true, layer: 1, head: 2, query: 3 }));
  assert.equal(making.n_keys, 9);
  assert.equal(making.bias, null);
  near(sum(making.weights), 1);
});

test("what is not there has no making", () => {
  assert.equal(rowMaking(gpt2, place({ query: 999 })), null);
  assert.equal(rowMaking(gpt2, place({ query: -1 })), null);
  assert.equal(rowMaking(gpt2, place({ cross: true })), null, "one cache only");
  assert.equal(rowMaking(readBuffer(makeBuffer({ layers: [0] })), place()), null, "a layer that was left out");
});

test("the heaviest rows are shown in their places, the one looked at among them, the rest as one", () => {
  const making = rowMaking(gpt2, place({ query: 14 }));
  const lightest = [...making.weights.keys()].sort((a, b) => making.weights[a] - making.weights[b])[0];
  const { shown, others } = heaviest(making, 4, lightest);
  assert.equal(shown.length, 4);
  assert.ok(shown.includes(lightest));
  assert.deepEqual(shown, [...shown].sort((a, b) => a - b));
  assert.equal(others.n, 11);
  near(others.weight + sum(shown.map((row) => making.weights[row])), 1);
  others.mix.forEach((number, i) => near(number + sum(shown.map((row) => making.weights[row] * making.values[row][i])), making.mix[i], 1e-9));
  assert.equal(heaviest(making, 15, 3).others, null);
});

test("each line of arithmetic holds the numbers that it is about", () => {
  const making = { ...rowMaking(gpt2, place()), sums: Float64Array.of(-3.04), scores: Float64Array.of(-0.5375), scale: 0.1768, most: 5.231, total: 1.56, weights: Float64Array.of(0.002) };
  assert.match(words.scoreLine(making, 0), /products, summed: −3.04, times 0.18: the score −0.54$/);
  assert.equal(words.weightLine(making, 0), "e to the (−0.54) − 5.23 is 0.0031; of 1.56 in all that is 0.2\u202f%");
  assert.match(words.scoreLine({ ...making, scale: 1, bias: Float64Array.of(-1.5) }, 0), /summed: −3.04, plus −1.50 for the distance: the score −0.54$/);
  assert.match(words.scoreLine({ ...making, scale: 1 }, 0), /summed: −3.04, which is the score$/);
});

test("why a key may be kept is said by what became of its row", () => {
  const cell = { query: 8, key: 4 };
  const never = " The query of row 8 is needed for its own row and never again.";
  assert.equal(words.keptLine(cell, { computed: [2], n_read: 3, gone: null }, true, true), `The key and the value of row 4 were computed at step 2 and read 3 times since, with the very same bits.${never}`);
  assert.equal(words.keptLine(cell, { computed: [5], n_read: 0, gone: null }, true, true), `The key and the value of row 4 were computed at this step, 5.${never}`);
  assert.match(words.keptLine(cell, { computed: [2], n_read: 1, gone: null }, false, true), /read 1 time since, but its bits are others now\./);
  assert.match(words.keptLine(cell, { computed: [0, 1, 2], n_read: 0, gone: null }, true, false), /^Without the cache .* were computed 3 times up to here\./);
});

test("a fingerprint is its 64 bits in hexadecimal, and the same at the end where no bit changed", () => {
  for (const [payload, cross, layer] of /** @type {const} */ ([[gpt2, false, 2], [t5, true, 1]])) {
    const { data, shape } = payload.arrays.get(`on.${cross ? "cross_" : ""}fingerprints.${layer}`);
    const found = fingerprintsOf(payload, { cache: "on", cross, layer, row: 3 });
    for (const [part, taken] of /** @type {const} */ ([[0, found.key], [1, found.value]])) {
      const bits = BigInt(`0x${taken.written.replaceAll(" ", "")}`);
      const at = (part * shape[2] + 3) * 2;
      assert.equal(Number(bits & 0xffffffffn), data[at] >>> 0);
      assert.equal(Number(bits >> 32n), data[at + 1] >>> 0);
      assert.equal(taken.written.length, 19);
      assert.ok(taken.same);
    }
  }
  assert.equal(fingerprintsOf(readBuffer(makeBuffer({ layers: [0] })), { cache: "on", cross: false, layer: 2, row: 0 }), null);
});

test("a row whose bits changed is told apart, its key from its value", () => {
  const payload = readBuffer(makeBuffer());
  const { data, shape } = payload.arrays.get("on.fingerprints.2");
  data[((2 + 1) * shape[2] + 3) * 2] += 1; // at the end, of the value, row 3
  const found = fingerprintsOf(payload, { cache: "on", cross: false, layer: 2, row: 3 });
  assert.ok(found.key.same && !found.value.same);
});

test("the queries of earlier rows are those that their own rows were made with", () => {
  const earlier = queryRows(gpt2, place(), 8);
  assert.equal(earlier.length, 8);
  earlier.forEach((query, row) => assert.deepEqual(query, rowMaking(gpt2, place({ query: row, key: 0 })).query));
});

test("how many queries were asked before is said, and where not all of them are drawn", () => {
  assert.equal(words.earlierQueries(0), "no query was asked before");
  assert.equal(words.earlierQueries(1), "1 query before it: asked once, never read again");
  assert.equal(words.earlierQueries(300, 90), "300 queries before it: asked once, never read again (the last 90 are drawn)");
});
