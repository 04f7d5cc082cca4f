import assert from "node:assert/strict";
import { test } from "node:test";
import { readBuffer } from "../../../kvviz/player/js/buffer.js";
import { ROW_PARTS, largestAt, normAt, originAt, originWanted, rowOrigin, streamAt, sumOf, turnAt } from "../../../kvviz/player/js/head_origin.js";
import * as words from "../../../kvviz/player/js/origin_words.js";
import { columnsOf, hitOrigin, originLayout, spread } from "../../../kvviz/player/js/paint_origin.js";
import { initialState, reduce } from "../../../kvviz/player/js/state.js";
import { pack } from "../pack.js";
import { makeBuffer, random } from "./fixture.js";

const SIZES = { n_heads: 4, d_head: 8, n_layers: 3 };
const D_MODEL = 32;
const near = (/** @type {number} */ a, /** @type {number} */ b, within = 1e-9) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);

/** An origin as Python packs one, with invented numbers. @param {any} header @param {any} [change] */
function packedOrigin(header, { facts = {}, leave = [], shape = {}, rotary = false } = {}) {
  const next = random(3);
  const cross = facts.cross ?? false;
  const of = (/** @type {string} */ name, /** @type {number[]} */ sizes) => {
    const n = (shape[name] ?? sizes).reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
    return { name, dtype: "f32", shape: shape[name] ?? sizes, data: Float32Array.from({ length: n }, () => 2 * next() - 1) };
  };
  const arrays = [
    of("hidden", [header.n_rows, D_MODEL]), ...(cross ? [of("encoder_hidden", [9, D_MODEL])] : []),
    ...ROW_PARTS.map((part) => of(`${part}_weight`, [D_MODEL, 8])), ...(cross ? [] : ROW_PARTS.map((part) => of(`${part}_bias`, [8]))),
    of("stream", [header.n_rows, D_MODEL]), of("added", [header.n_rows, D_MODEL]),
    ...(rotary ? [of("query_norm", [8]), of("key_norm", [8]), of("cos", [header.n_rows, 4]), of("sin", [header.n_rows, 4])] : []),
  ];
  const found = { magic: "kvviz-head-origin", id: header.id, cache: "on", layer: 1, head: 2, cross: false, within: { query: 1e-6, key: 2e-6, value: 3e-6 }, epsilon: rotary ? 0.01 : 0, added_is_normed: rotary, refused: "", ...facts, arrays: [] };
  return pack(found, found.refused ? [] : arrays.filter(({ name }) => !leave.includes(/** @type {never} */ (name))));
}

/** @param {any} [change] @param {any} [options] */
function withOrigin(change, options = {}) {
  const { header } = readBuffer(makeBuffer({ ...SIZES, ...options }));
  const data = packedOrigin(header, change);
  return readBuffer(makeBuffer({ ...SIZES, ...options, more: [{ name: "head_origin", dtype: "u8", shape: [data.length], data }] }));
}

const payload = withOrigin();
const here = { cache: /** @type {const} */ ("on"), layer: 1, head: 2, cross: false };

test("a row is what entered times the head's weight, and the bias", () => {
  const origin = originAt(payload, here);
  for (const part of ROW_PARTS) {
    const made = rowOrigin(origin, part, 5);
    assert.equal(made.row.length, 8);
    made.row.forEach((number, i) => {
      let sum = made.bias[i];
      made.entered.forEach((x, j) => (sum += x * made.weight[j * 8 + i]));
      near(number, sum);
    });
    assert.equal(made.within, origin.within[part]);
  }
  assert.notDeepEqual([...rowOrigin(origin, "query", 4).entered], [...rowOrigin(origin, "query", 5).entered]);
});

test("a key of a rotary model is normed and turned after its product, a value is not", () => {
  const origin = originAt(withOrigin({ rotary: true }), here);
  const made = rowOrigin(origin, "key", 5);
  const root = Math.sqrt(made.product.reduce((sum, x) => sum + x * x, 0) / 8 + 0.01);
  const [norm, cos, sin] = ["key_norm", "cos", "sin"].map((name) => origin.arrays.get(name).data);
  made.product.forEach((x, i) => {
    near(made.normed[i], (x / root) * norm[i]);
    assert.deepEqual(normAt(made, i), { root: made.norm.root, weight: norm[i], after: made.normed[i] });
  });
  for (let pair = 0; pair < 4; pair++) {
    const [a, b, c, s] = [made.normed[pair], made.normed[pair + 4], cos[5 * 4 + pair], sin[5 * 4 + pair]];
    near(made.row[pair], a * c - b * s);
    near(made.row[pair + 4], b * c + a * s);
    assert.deepEqual([turnAt(made, pair).at, turnAt(made, pair + 4).at], [pair + 4, pair]);
    near(turnAt(made, pair + 4).after, made.row[pair + 4]);
  }
  near(sumOf(made, 6, 4).total, made.product[6]);
  assert.deepEqual(columnsOf(made).map(({ what, sign }) => `${sign}${what}`), ["+bias", "=product", "→normed", "→row"]);
  assert.deepEqual(columnsOf({ ...made, norm: null }).map(({ what }) => what), ["bias", "product", "row"]);
  const value = rowOrigin(origin, "value", 5);
  assert.deepEqual([value.norm, value.turn, normAt(value, 0), turnAt(value, 0)], [null, null, null, null]);
  assert.deepEqual(columnsOf(value).map(({ what, sign }) => `${sign}${what}`), ["+bias", "=row"]);
  assert.equal(value.row, value.product);
});

test("a number is the sum of its largest products, all others, and the bias", () => {
  const made = rowOrigin(originAt(payload, here), "key", 3);
  const sum = sumOf(made, 6, 4);
  assert.equal(sum.named.length, 4);
  assert.equal(sum.others.length, D_MODEL - 4);
  const least = Math.min(...sum.named.map(({ product }) => Math.abs(product)));
  assert.ok(sum.others.every(({ product }) => Math.abs(product) <= least));
  near(sum.named.reduce((a, { product }) => a + product, 0) + sum.sum_of_others + sum.bias, sum.total);
  near(sum.total, made.row[6]);
  assert.deepEqual([...sum.named, ...sum.others].map(({ at }) => at).sort((a, b) => a - b), [...Array(D_MODEL).keys()]);
  for (const { at, entered, weight, product } of sum.named) {
    assert.equal(entered, made.entered[at]);
    near(product, entered * weight);
  }
});

test("the row of cross-attention is made of the encoder's where it is a key or a value, without a bias", () => {
  const t5 = withOrigin({ facts: { cross: true } }, { n_encoder: 9 });
  const origin = originAt(t5, { ...here, cross: true });
  assert.equal(originAt(t5, here), null);
  assert.deepEqual(rowOrigin(origin, "key", 8).entered, rowOrigin(origin, "value", 8).entered);
  assert.notDeepEqual(rowOrigin(origin, "key", 3).entered, rowOrigin(origin, "query", 3).entered);
  assert.equal(rowOrigin(origin, "key", 8).bias, null);
  assert.equal(sumOf(rowOrigin(origin, "key", 8), 0, 4).bias, null);
});

test("the stream goes on with what attention adds", () => {
  const { added, before, after } = streamAt(originAt(payload, here), 7);
  assert.equal(after.length, D_MODEL);
  after.forEach((number, i) => near(number, added[i] + before[i]));
});

test("the host is asked for what is on show and not here, and again for what was refused", () => {
  const at = (/** @type {any} */ change) => ({ ...initialState(payload), step: 4, layer: 1, head: 2, cell: { cross: false, query: 6, key: 2 }, further: /** @type {const} */ ("key"), ...change });
  assert.equal(originWanted(payload, at({}), false), null, "it is here");
  assert.deepEqual(originWanted(payload, at({ head: 3 }), false), { ...here, head: 3 });
  assert.deepEqual(originWanted(payload, at({ head: 3, cache: "both" }), false), { ...here, head: 3 });
  assert.equal(originWanted(payload, at({ head: 3, further: null }), false), null);
  assert.equal(originWanted(payload, at({ head: 3, cell: null }), false), null);
  const refused = withOrigin({ facts: { refused: "The model is gone.", within: {} } });
  assert.equal(originWanted(refused, at({}), false), null, "it was told why not");
  assert.deepEqual(originWanted(refused, at({}), true), here);
});

test("what does not belong to the run, or is not whole, is refused in words", () => {
  assert.throws(() => withOrigin({ facts: { id: "another" } }), /does not belong to this run/);
  assert.throws(() => withOrigin({ facts: { layer: 3 } }), /does not belong to this run/);
  assert.throws(() => withOrigin({ facts: { cross: true } }), /does not belong to this run/, "no encoder");
  assert.throws(() => withOrigin({ facts: { within: { query: 1 } } }), /does not belong to this run/);
  assert.throws(() => withOrigin({ facts: { magic: "other" } }), /belongs to something else/);
  assert.throws(() => withOrigin({ leave: ["key_weight"] }), /lacks key_weight/);
  assert.throws(() => withOrigin({ shape: { hidden: [3, D_MODEL] } }), /hidden is \(3,32\)/);
  assert.throws(() => withOrigin({ rotary: true, leave: ["sin"] }), /lacks sin/);
  assert.throws(() => withOrigin({ rotary: true, shape: { cos: [3, 4] } }), /cos is \(3,4\)/);
  assert.throws(() => withOrigin({ facts: { epsilon: "much" } }), /does not belong to this run/);
  assert.throws(() => withOrigin({ shape: { value_weight: [8, D_MODEL] } }), /value_weight is/);
});

test("one level further opens and closes within its cell, and Escape goes back one level at a time", () => {
  const act = (/** @type {any} */ state, /** @type {any} */ action) => reduce(state, action, payload, true);
  let state = { ...initialState(payload), step: 4 };
  assert.equal(act(state, { type: "further", what: "key" }).further, null, "no cell is open");
  state = act(state, { type: "cell", cell: { cross: false, query: 6, key: 2 } });
  state = act(state, { type: "further", what: "key" });
  assert.equal(state.further, "key");
  assert.equal(act(state, { type: "further", what: "key" }).further, null);
  assert.equal(act(state, { type: "cell-by", query: 0, key: 1 }).further, "key", "it goes along");
  assert.equal(act(state, { type: "cell", cell: null }).further, null);
  state = act(state, { type: "escape" });
  assert.equal(state.further, null);
  assert.notEqual(state.cell, null);
  assert.equal(act(state, { type: "escape" }).cell, null);
});

test("a place in the picture is a line of the weight and a number that entered", () => {
  for (const [width, n_columns] of /** @type {const} */ ([[1000, 2], [320, 1], [320, 4]])) {
    const layout = originLayout(width, 32, n_columns);
    const [{ matrix }, row] = [layout, layout.columns[n_columns - 1]];
    assert.ok(row.x + row.w <= width && row.x > matrix.x + matrix.w);
    assert.equal(layout.columns.length, n_columns);
    assert.deepEqual(hitOrigin(layout, 256, 32, matrix.x + 0.5, matrix.y + 0.5), { number: 0, at: 0 });
    assert.deepEqual(hitOrigin(layout, 256, 32, matrix.x + matrix.w - 0.1, matrix.y + matrix.h - 0.5), { number: 31, at: 255 });
    assert.deepEqual(hitOrigin(layout, 256, 32, row.x + 1, matrix.y + 1), { number: 0, at: null });
    assert.equal(hitOrigin(layout, 256, 32, 5, matrix.y - 3), null);
  }
  // Lines of a wide head are thinner, not gone.
  assert.ok(originLayout(1000, 128, 2).matrix.h / 128 >= 1.5);
});

test("a scale is not ruled by one number that is far larger than the others", () => {
  const numbers = Array.from({ length: 100 }, (_, i) => (i % 10) / 10);
  assert.equal(spread([...numbers, -50]), 0.9);
  assert.ok(spread([]) > 0);
  assert.equal(largestAt([0.5, -3, 2]), 1);
});

test("the line of a number holds its products, the others as one, and the bias", () => {
  const sum = { named: [{ at: 7, entered: 1.5, weight: -2, product: -3 }], others: [{ at: 1, entered: 1, weight: 0.5, product: 0.5 }], sum_of_others: 0.5, bias: 0.25, total: -2.25 };
  assert.equal(words.sumLine(sum, 4), "number 4: 1.50 × (−2.00) + 0.50 for the 1 other product + the bias 0.25 = −2.25");
  assert.equal(words.sumLine({ ...sum, bias: null, others: [] }, 4), "number 4: 1.50 × (−2.00) = −2.25");
  assert.equal(words.termLine(sum.named[0]), "place 7: 1.50 × (−2.00) = −3.00");
  assert.equal(words.normLine({ root: 2, weight: -1.5, after: 0.75 }), "divided by 2.00, the root mean square of the product, and times (−1.50): 0.75");
  assert.equal(
    words.turnLine({ own: 3, other: -2, at: 37, cos: 0.6, sin: -0.8, degrees: 53.13, after: 3.4 }, 7),
    "turned by 53.1° in a pair with number 37, since it stands in row 7: 3.00 × 0.60 + (−2.00) × (−0.80) = 3.40",
  );
  assert.match(words.originPrecision(rowOrigin(originAt(payload, here), "key", 0)), /within 0\.000002 of the one that attention used/);
});

test("a file says which head it carries, or that it carries none", () => {
  assert.match(words.notCarried(payload), /layer 1, head 2 alone/);
  assert.match(words.notCarried(readBuffer(makeBuffer(SIZES))), /does not carry/);
});
