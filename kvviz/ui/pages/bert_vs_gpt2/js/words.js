// What the pictures say in words. Pure.
import { glyphs, percent, small, weightPercent, whole } from "../../../../player/js/format.js";
import { gettext, ngettext } from "../../../../player/js/translation.js";
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
  if (look === "absent") return gettext("{model} has no such token", { model: side.name });
  if (look === "forbidden") return gettext("{model}: forbidden by the mask", { model: side.name });
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
  const count = ngettext("{changed} of {n} earlier row changed.", "{changed} of {n} earlier rows changed.", earlier, {
    changed: whole(changed),
    n: whole(earlier),
  });
  const a_layer = earlier / same.length;
  const above = new Set(same.slice(1));
  if (changed === 0) return { count, rest: gettext("All can be reused: that is the cache.") };
  if (before === 0) return { count, rest: gettext("Every row before the other token is as it was and can be reused.") };
  if (changed === earlier) return { count, rest: gettext("Nothing can be reused.") };
  if (above.size === 1 && above.has(0)) {
    const kept = { n: whole(same[0]), all: whole(a_layer) };
    return { count, rest: gettext("Layer 0 keeps {n} of its {all}, the layers above none: nothing worth keeping.", kept) };
  }
  if (above.size === 1) {
    const kept = { n: whole(same[1]), all: whole(a_layer) };
    return { count, rest: gettext("Every layer above the first keeps {n} of its {all}.", kept) };
  }
  return { count, rest: "" };
}

/**
 * @param {Side} side @param {number} layer @param {number} position @param {number} state @param {number} largest
 * @returns {string}
 */
export function rowText(side, layer, position, state, largest) {
  const token = glyphs(side.tokens[position]);
  const place = gettext("{model}, layer {layer}, position {position} “{token}”", { model: side.name, layer, position, token });
  const change = small(largest);
  if (state === NEW) return gettext("{place}: new, there was no such row before", { place });
  if (state === CHANGED) return gettext("{place}: changed, by up to {change}", { place, change });
  if (state === OTHER_TOKEN) {
    return gettext("{place}: changed, by up to {change}; another token stands here now", { place, change });
  }
  return gettext("{place}: the same to the last bit", { place });
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
  return {
    forward: percent(at(0)),
    entropy: gettext("{n} bits", { n: at(1).toFixed(2) }),
    distance: gettext("{n} tokens", { n: at(2).toFixed(1) }),
  };
}

/** @param {Side} side @returns {string} */
export function maskText(side) {
  return side.mask === "causal" ? gettext("looks back") : gettext("looks both ways");
}

/** @param {Side} side @param {{ layer: number, head: number }} view @returns {string} */
export function headText(side, view) {
  const { layer, head } = within(side, view);
  return layer === view.layer && head === view.head ? "" : ` · ${gettext("nearest it has: layer {layer}, head {head}", { layer, head })}`;
}
