// How a row of one of the two models is made, from the rows that were sent of it. Pure.
import { glyphs, whole } from "../../../../player/js/format.js";
import { makingOf, packedRows } from "../../../../player/js/row_making.js";
import { gettext } from "../../../../player/js/translation.js";
import { within } from "./buffer.js";

/**
 * @import { RowMaking } from "../../../../player/js/row_making.js"
 * @import { Payload, Place, Side } from "./buffer.js"
 * @import { View } from "./scene.js"
 */

/** @param {Side} side @param {number} query @returns {number} Keys that its mask lets a row see, from 0 on. */
export function nKeys({ mask, tokens }, query) {
  return mask === "causal" ? query + 1 : tokens.length;
}

/** @param {Payload} payload @param {Place} place @param {View} view @returns {RowMaking | null} Null where the layer is not here, or the mask forbids the cell. */
export function rowMaking({ header, arrays }, { which, query, key }, view) {
  const side = header[which];
  const { layer, head } = within(side, view);
  const kv = Math.floor((head * side.n_kv_heads) / side.n_heads);
  const rows = packedRows(arrays, `${which}.`, layer, head, kv, side.d_head);
  const n = nKeys(side, query);
  return rows && key < n ? makingOf(rows, query, n, side.score_scale[layer]) : null;
}

/**
 * The place a move leads to: no further than the text, and than the mask lets the row see.
 * @param {Side} side @param {Place} place @param {number} down @param {number} right @returns {Place}
 */
export function movedPlace(side, { which, query, key }, down, right) {
  const inside = (/** @type {number} */ at, /** @type {number} */ n) => Math.max(0, Math.min(n - 1, at));
  const row = inside(query + down, side.tokens.length);
  return { which, query: row, key: inside(key + right, nKeys(side, row)) };
}

/** @param {RowMaking} making @returns {number} The key that weighs most. */
export function heaviestKey({ weights }) {
  return weights.reduce((best, weight, key) => (weight > weights[best] ? key : best), 0);
}

/** @param {Side} side @param {Place} place @returns {string} Why key and value could be kept, or could not. */
export function keptSentence(side, { query, key }) {
  const { mask, name, tokens } = side;
  const said = { model: name, query, key, token: glyphs(tokens[key]), n: whole(tokens.length) };
  return mask === "causal"
    ? gettext("{model} looks back: row {query} sees the keys of rows 0 to {query}. What comes later changes neither the key nor the value of row {key}, so a cache may keep both.", said)
    : gettext("{model} looks both ways: row {query} sees all {n} keys, also those after it. A token that comes later changes the keys and values of every layer above the first, so none can be kept.", said);
}
