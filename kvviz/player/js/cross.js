// The second cache of an encoder-decoder: rows made of what the encoder read, written once. Pure.
import { parted } from "./format.js";

/**
 * @import { Payload, RunCache } from "./buffer.js"
 * @import { Numbers } from "./packed_buffer.js"
 * @import { StepFacts } from "./run.js"
 * @import { Spot } from "./state.js"
 */

/** @type {WeakMap<Payload, Payload>} */
const sides = new WeakMap();

const PARTS = ["keys", "values", "key_rest", "value_rest", "key_scale", "value_scale"];

/**
 * The cross-attention cache as a run of its own, whose rows are the encoder's positions, so that it
 * is drawn by what draws the other cache.
 * @param {Payload} payload @returns {Payload}
 */
export function crossSide(payload) {
  const known = sides.get(payload);
  if (known) return known;
  const { header } = payload;
  const tokens = header.encoder?.tokens ?? [];
  const arrays = new Map();
  for (const { cache } of header.runs) {
    for (const layer of header.layers) {
      for (const part of PARTS) arrays.set(`${cache}.${part}.${layer}`, payload.arrays.get(`${cache}.cross_${part}.${layer}`));
    }
  }
  const side = { ...payload, arrays, header: { ...header, tokens, n_rows: tokens.length, n_prompt: tokens.length } };
  sides.set(payload, side);
  return side;
}

/**
 * What a step did with the rows of that cache.
 * @param {StepFacts} facts @returns {StepFacts}
 */
export function crossFacts(facts) {
  return { ...facts, ...facts.cross };
}

/**
 * What a decoder position looks at in the input, as bytes.
 * @param {Payload} payload @param {RunCache} cache @param {number} layer @param {number} head
 * @param {number} row @returns {Numbers | null} Null where the layer is not here.
 */
export function crossRow(payload, cache, layer, head, row) {
  const pattern = payload.arrays.get(`${cache}.cross_pattern.${layer}`);
  if (!pattern) return null;
  const [, n_rows, n_encoder] = pattern.shape;
  const start = (head * n_rows + row) * n_encoder;
  return pattern.data.subarray(start, start + n_encoder);
}

/** @param {Spot | null} spot @returns {boolean} Whether it is a place in the second cache. */
function isCross(spot) {
  return spot !== null && spot.part.startsWith("cross-");
}

/**
 * A spot as the panel of the decoder's own cache sees it.
 * @param {Spot | null} spot @returns {Spot | null}
 */
export function decoderSpot(spot) {
  if (spot === null || !isCross(spot)) return spot;
  return spot.part === "cross-pattern" ? { ...spot, part: "row", column: null } : null;
}

/**
 * A spot as the rows of the second cache see it, where rows are the encoder's positions.
 * @param {Spot | null} spot @returns {Spot | null}
 */
export function encoderSpot(spot) {
  if (spot === null || !isCross(spot)) return null;
  if (spot.part !== "cross-pattern") return { ...spot, part: /** @type {Spot["part"]} */ (spot.part.slice("cross-".length)) };
  return spot.column === null ? null : { ...spot, part: "row", row: spot.column, column: null };
}

/**
 * A spot as the cross-attention pattern sees it: a decoder position, and a place in the input.
 * @param {Spot | null} spot @returns {{ row: number | null, column: number | null }}
 */
export function patternSpot(spot) {
  if (spot === null) return { row: null, column: null };
  if (!isCross(spot)) return { row: spot.row, column: null };
  return spot.part === "cross-pattern" ? { row: spot.row, column: spot.column } : { row: null, column: spot.row };
}

/**
 * The columns of an input whose names are written: as many as have room, and sentinels before others.
 * @param {string[]} names @param {number} every Columns that a name takes. @returns {Set<number>}
 */
export function namedColumns(names, every) {
  /** @type {Set<number>} */
  const kept = new Set();
  const isFree = (/** @type {number} */ column) => {
    for (let other = column - every + 1; other < column + every; other++) if (kept.has(other)) return false;
    return true;
  };
  for (const sentinels of [true, false]) {
    names.forEach((name, column) => {
      if ((parted(name)[1] !== "") === sentinels && isFree(column)) kept.add(column);
    });
  }
  return kept;
}
