// The fingerprints of a row: equal ones mean equal bits. Pure.

/**
 * @import { Payload, RunCache } from "./buffer.js"
 * @import { PackedArray } from "./packed_buffer.js"
 * @typedef {{ written: string, final: string, same: boolean }} Taken As hexadecimal digits, in fours.
 */

/**
 * @param {Payload} payload @param {{ cache: RunCache, cross: boolean, layer: number, row: number }} place
 * @returns {{ key: Taken, value: Taken } | null} Null where the layer is not here.
 */
export function fingerprintsOf({ arrays }, { cache, cross, layer, row }) {
  const packed = arrays.get(`${cache}.${cross ? "cross_" : ""}fingerprints.${layer}`);
  if (!packed) return null;
  const taken = (/** @type {number} */ part) => {
    const [written, final] = [0, 1].map((when) => digits(packed, when, part, row));
    return { written, final, same: written === final };
  };
  return { key: taken(0), value: taken(1) };
}

/** @param {PackedArray} packed @param {number} when @param {number} part @param {number} row @returns {string} */
function digits({ data, shape: [, n_parts, n_rows] }, when, part, row) {
  const at = ((when * n_parts + part) * n_rows + row) * 2;
  const hex = [data[at + 1], data[at]].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  return /** @type {string[]} */ (hex.match(/.{4}/g)).join(" ");
}
