// How a row of attention is made: query times keys, scores, softmax, and the mix of values. Pure, from
// the numbers that the run was recorded with.
import { kvHead } from "./kv_heads.js";
import { whyUnseen } from "./unseen.js";

/**
 * @import { Payload, RunCache } from "./buffer.js"
 * @import { PackedArray } from "./packed_buffer.js"
 *
 * @typedef {object} Place A cell of a pattern: who looks, and at whom.
 * @property {RunCache} cache
 * @property {boolean} cross Whether it is the pattern of the second cache.
 * @property {number} layer
 * @property {number} head
 * @property {number} query Row of the token that looks.
 * @property {number} key Row of the token that is looked at.
 *
 * @typedef {{ row: (at: number) => Float64Array, scale: number }} PackedRows The scale is the largest number of the head.
 * @typedef {{ queries: PackedRows, keys: PackedRows, values: PackedRows }} HeadRows
 *
 * @typedef {object} RowMaking All that a row of a pattern is made of.
 * @property {number} n_keys Rows up to the last key that it saw.
 * @property {number[]} seen Keys that it saw: what the window hides, or was dropped before, is not among them.
 * @property {Float64Array} query
 * @property {Float64Array[]} keys
 * @property {Float64Array[]} values
 * @property {number} scale
 * @property {Float64Array} sums Products of the query with each key, summed.
 * @property {Float64Array | null} bias Added to each score; null in a model that has none.
 * @property {Float64Array} scores NaN of a key that it did not see.
 * @property {number} most The largest score: softmax counts from there, so that nothing overflows.
 * @property {number} total Sum of e^(score - most).
 * @property {Float64Array} weights 0 of a key that it did not see.
 * @property {Float64Array} mix The values, each by its weight, summed.
 * @property {number} within A score is no further than this from the model's, packed as it is.
 */

/** The part of a scale that a number of a packed row may be off: see rounding.py. */
const OFF = 1 / 64516;

/**
 * @param {Payload} payload @param {Place} place
 * @returns {RowMaking | null} Null where the layer is not here, or the place is not in the run.
 */
export function rowMaking(payload, { cache, cross, layer, head, query }) {
  const { header, arrays } = payload;
  const n_keys = cross ? header.encoder?.tokens.length ?? 0 : query + 1;
  if (query < 0 || query >= header.n_rows || n_keys === 0) return null;
  const rows = packedRows(arrays, cross ? `${cache}.cross_` : `${cache}.`, layer, head, kvHead(payload, head), header.model.d_head);
  const scale = (cross ? /** @type {NonNullable<typeof header.encoder>} */ (header.encoder).score_scale : header.score_scale)[layer];
  const biases = cross ? undefined : arrays.get("position_bias");
  const biasOf = biases && ((/** @type {number} */ key) => biases.data[head * header.n_rows + query - key]);
  const isSeen = (/** @type {number} */ key) => cross || whyUnseen(payload, cache, { layer, head }, query, key) === null;
  return rows && makingOf(rows, query, n_keys, scale, { biasOf, isSeen });
}

/**
 * The weight of a cell as its making gives it: a pattern is packed in 8 bits a cell, and would say something else beside it.
 * @param {Payload} payload @param {Place} place @returns {number | null} Null where its layer is not here.
 */
export function weightMade(payload, place) {
  return rowMaking(payload, place)?.weights[place.key] ?? null;
}

/**
 * Takes a head's rows out of a buffer, packed in 16 bits a number: see rounding.py.
 * @param {Map<string, PackedArray>} arrays @param {string} start Of the arrays' names, such as "on.".
 * @param {number} layer @param {number} head @param {number} kv Head whose keys and values it reads. @param {number} d_head
 * @returns {HeadRows | null} Null where the layer is not here.
 */
export function packedRows(arrays, start, layer, head, kv, d_head) {
  const queries = rowsOf(arrays, start, "queries", "query", layer, head, d_head);
  const keys = rowsOf(arrays, start, "keys", "key", layer, kv, d_head);
  const values = rowsOf(arrays, start, "values", "value", layer, kv, d_head);
  return queries && keys && values && { queries, keys, values };
}

/**
 * @param {HeadRows} rows @param {number} query Row of the token that looks.
 * @param {number} n_keys Keys that a causal mask lets it see, or none at all, from row 0 on.
 * @param {number} scale Of the products.
 * @param {{ biasOf?: (key: number) => number, isSeen?: (key: number) => boolean }} [of] What is added to the score of a key, if the model
 *   has such; and which of the keys it saw, if not all.
 * @returns {RowMaking | null} Null where it sees no key.
 */
export function makingOf({ queries, keys: keyRows, values: valueRows }, query, n_keys, scale, { biasOf, isSeen = () => true } = {}) {
  const q = queries.row(query);
  const places = Array.from({ length: Math.max(0, n_keys) }, (_, key) => key);
  const seen = places.filter(isSeen);
  if (seen.length === 0) return null;
  const keys = places.map(keyRows.row);
  const values = places.map(valueRows.row);
  const sums = Float64Array.from(keys, (k) => dot(q, k));
  const bias = biasOf ? Float64Array.from(places, biasOf) : null;
  const scores = sums.map((sum, key) => (isSeen(key) ? sum * scale + (bias?.[key] ?? 0) : NaN));
  const most = seen.reduce((a, key) => Math.max(a, scores[key]), -Infinity);
  const powers = scores.map((score) => (Number.isNaN(score) ? 0 : Math.exp(score - most)));
  const total = powers.reduce((a, b) => a + b, 0);
  const weights = powers.map((power) => power / total);
  const mix = q.map((_, i) => values.reduce((sum, v, key) => sum + weights[key] * v[i], 0));
  const widest = keys.reduce((a, k) => Math.max(a, size(k)), 0);
  const [eq, ek] = [queries.scale * OFF, keyRows.scale * OFF];
  const within = scale * (eq * widest + ek * size(q) + eq * ek * q.length);
  return { n_keys, seen, query: q, keys, values, scale, sums, bias, scores, most, total, weights, mix, within };
}

/**
 * What a head has mixed at a row; nothing but zeros where there is no such row.
 * @param {Payload} payload @param {Place} place @returns {Float64Array}
 */
export function mixOfHead(payload, place) {
  return rowMaking(payload, place)?.mix ?? new Float64Array(payload.header.model.d_head);
}

/**
 * The queries of the rows before a row.
 * @param {Payload} payload @param {{ cache: RunCache, cross: boolean, layer: number, head: number }} place @param {number} end
 * @returns {Float64Array[]}
 */
export function queryRows(payload, { cache, cross, layer, head }, end) {
  const { arrays, header } = payload;
  const queries = rowsOf(arrays, cross ? `${cache}.cross_` : `${cache}.`, "queries", "query", layer, head, header.model.d_head);
  return queries ? Array.from({ length: end }, (_, row) => queries.row(row)) : [];
}

/** @param {RowMaking} making @param {number} key @returns {Float64Array} What the query and a key give, number by number. */
export function productsOf({ query, keys }, key) {
  return query.map((q, i) => q * keys[key][i]);
}

/** @param {Float64Array} weights That sum to 1. @returns {number} Entropy in bits: 0 where all is on one, log2 n where it is even. */
export function entropyBits(weights) {
  return weights.reduce((sum, weight) => sum - (weight > 0 ? weight * Math.log2(weight) : 0), 0);
}

/**
 * The rows that weigh most, in the order of their places, and all others as one.
 * @param {RowMaking} making @param {number} count @param {number} key A row that is among them in any case.
 * @returns {{ shown: number[], others: { n: number, weight: number, mix: Float64Array } | null }}
 */
export function heaviest({ seen, weights, values, query }, count, key) {
  const order = [...seen].sort((a, b) => weights[b] - weights[a] || a - b);
  const kept = order.slice(0, count);
  if (!kept.includes(key)) kept[kept.length - 1] = key;
  const shown = kept.sort((a, b) => a - b);
  const rest = order.filter((row) => !shown.includes(row));
  if (rest.length === 0) return { shown, others: null };
  return {
    shown,
    others: {
      n: rest.length,
      weight: rest.reduce((sum, row) => sum + weights[row], 0),
      mix: query.map((_, i) => rest.reduce((sum, row) => sum + weights[row] * values[row][i], 0)),
    },
  };
}

/**
 * @param {Map<string, PackedArray>} arrays @param {string} start @param {string} many @param {string} one
 * @param {number} layer @param {number} head @param {number} d_head @returns {PackedRows | null}
 */
function rowsOf(arrays, start, many, one, layer, head, d_head) {
  const coarse = arrays.get(`${start}${many}.${layer}`);
  const rest = arrays.get(`${start}${one}_rest.${layer}`);
  const scales = arrays.get(`${start}${one}_scale.${layer}`);
  if (!coarse || !rest || !scales) return null;
  const [, n_rows] = coarse.shape;
  const scale = scales.data[head];
  const row = (/** @type {number} */ at) => {
    const from = (head * n_rows + at) * d_head;
    return Float64Array.from({ length: d_head }, (_, i) => ((coarse.data[from + i] + rest.data[from + i] / 254) * scale) / 127);
  };
  return { row, scale };
}

/** @param {Float64Array} a @param {Float64Array} b @returns {number} */
function dot(a, b) {
  return a.reduce((sum, x, i) => sum + x * b[i], 0);
}

/** @param {Float64Array} row @returns {number} Sum of the absolute numbers. */
function size(row) {
  return row.reduce((sum, x) => sum + Math.abs(x), 0);
}
