// What the pictures say in words. Pure.
import { glyphs, percent, small, weightPercent, whole } from "../../../../player/js/format.js";
import { CHANGED, NEW, OTHER_TOKEN, weightOf, within } from "./buffer.js";

/** @import { Payload, Side } from "./buffer.js" */

/**
 * @typedef {"left" | "right"} Which
 *
 * @typedef {object} RowCounts
 * @property {number} changed
 * @property {number} earlier Rows that were there before, over all layers.
 * @property {number[]} same Rows that did not change, by layer.
 * @property {number} before Rows that changed before the first place with another token.
 */

/** @param {Side} side @param {number[]} positions @returns {string} */
export function named(side, positions) {
  return positions.map((position) => `“${glyphs(side.tokens[position])}”`).join(" ");
}

/**
 * How a unit of one model looks at another unit: one weight where tokens stand one to one, else the
 * mean over the queries of what they give to all the keys.
 * @param {Payload} payload @param {Which} which @param {{ layer: number, head: number }} view
 * @param {number[]} queries @param {number[]} keys @returns {number | "forbidden" | "absent"}
 */
export function lookOf(payload, which, view, queries, keys) {
  if (!queries.length || !keys.length) return "absent";
  const { layer, head } = within(payload.header[which], view);
  let sum = 0;
  let allowed = false;
  for (const query of queries) {
    for (const key of keys) {
      const weight = weightOf(payload, which, layer, head, query, key);
      if (weight === null) continue;
      allowed = true;
      sum += weight;
    }
  }
  return allowed ? sum / queries.length : "forbidden";
}

/** @param {Side} side @param {number | "forbidden" | "absent"} look @returns {string} */
export function lookText(side, look) {
  if (look === "absent") return `${side.name} has no such token`;
  if (look === "forbidden") return `${side.name}: forbidden by the mask`;
  return `${side.name} ${weightPercent(look)}`;
}

/**
 * Rows that changed out of those that were there before, in one group of maps.
 * @param {Payload} payload @param {number} group @param {Which} which
 * @returns {RowCounts | null}
 */
export function countRows(payload, group, which) {
  const rows = payload.arrays.get(`${group}.${which}.rows`);
  if (!rows) return null;
  const [n_layers, n] = rows.shape;
  let changed = 0;
  let earlier = 0;
  /** @type {number[]} */
  const same = [];
  const others = Array.from({ length: n }, (_, position) => rows.data[position] === OTHER_TOKEN);
  const edge = others.includes(true) ? others.indexOf(true) : n;
  let before = 0;
  for (let layer = 0; layer < n_layers; layer++) {
    let here = 0;
    for (let position = 0; position < n; position++) {
      const state = rows.data[layer * n + position];
      if (state === NEW) continue;
      earlier++;
      if (state === CHANGED || state === OTHER_TOKEN) {
        here++;
        if (position < edge) before++;
      }
    }
    changed += here;
    same.push(earlier / (layer + 1) - here);
  }
  return { changed, earlier, same, before };
}

/** @param {RowCounts} counts @returns {{ count: string, rest: string }} */
export function rowsSentence({ changed, earlier, same, before }) {
  const count = `${whole(changed)} of ${whole(earlier)} earlier rows changed.`;
  const a_layer = earlier / same.length;
  const above = new Set(same.slice(1));
  if (changed === 0) return { count, rest: "All can be reused: that is the cache." };
  if (before === 0) return { count, rest: "Every row before the other token is as it was and can be reused." };
  if (changed === earlier) return { count, rest: "Nothing can be reused." };
  if (above.size === 1 && above.has(0)) {
    return { count, rest: `Layer 0 keeps ${whole(same[0])} of its ${whole(a_layer)}, the layers above none: nothing worth keeping.` };
  }
  if (above.size === 1) return { count, rest: `Every layer above the first keeps ${whole(same[1])} of its ${whole(a_layer)}.` };
  return { count, rest: "" };
}

/**
 * @param {Side} side @param {number} layer @param {number} position @param {number} state @param {number} largest
 * @returns {string}
 */
export function rowText(side, layer, position, state, largest) {
  const place = `${side.name}, layer ${layer}, position ${position} “${glyphs(side.tokens[position])}”`;
  if (state === NEW) return `${place}: new, there was no such row before`;
  if (state === CHANGED) return `${place}: changed, by up to ${small(largest)}`;
  if (state === OTHER_TOKEN) return `${place}: changed, by up to ${small(largest)}; another token stands here now`;
  return `${place}: the same to the last bit`;
}

/**
 * @param {Payload} payload @param {Which} which @param {{ layer: number, head: number }} view
 * @returns {{ forward: string, entropy: string, distance: string } | null}
 */
export function measuresOf(payload, which, view) {
  const measures = payload.arrays.get(`${which}.measures`);
  if (!measures) return null;
  const { layer, head } = within(payload.header[which], view);
  const [, n_layers, n_heads] = measures.shape;
  const at = (/** @type {number} */ kind) => measures.data[(kind * n_layers + layer) * n_heads + head];
  return { forward: percent(at(0)), entropy: `${at(1).toFixed(2)} bits`, distance: `${at(2).toFixed(1)} tokens` };
}

/** @param {Side} side @returns {string} */
export function maskText(side) {
  return side.mask === "causal" ? "looks back" : "looks both ways";
}

/** @param {Side} side @param {{ layer: number, head: number }} view @returns {string} */
export function headText(side, view) {
  const { layer, head } = within(side, view);
  return layer === view.layer && head === view.head ? "" : ` · nearest it has: layer ${layer}, head ${head}`;
}
