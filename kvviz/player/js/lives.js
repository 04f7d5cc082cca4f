// The life of each row of a cache, unpacked from what the observers saw. Pure.
import contract from "../contract.json" with { type: "json" };

/**
 * @import { Payload, RunCache } from "./buffer.js"
 *
 * @typedef {"absent" | "computed" | "read"} LifeState
 *
 * @typedef {object} Lives
 * @property {number} n_rows
 * @property {number} n_steps
 * @property {Uint8Array} states At step * n_rows + row, a number of `LIFE_STATES`.
 * @property {number[]} computed Rows computed up to and including each step.
 *
 * @typedef {object} Life One row's life up to a step.
 * @property {number[]} computed The steps that computed it.
 * @property {number} n_read How many steps read it and did not compute it.
 */

/** In the order of their numbers. */
export const LIFE_STATES = /** @type {LifeState[]} */ (contract.row_states);

/**
 * @param {Payload} payload @param {RunCache} cache @param {"lives" | "cross_lives"} part
 * @returns {Lives | null} Null where that run was not made, or has no such cache.
 */
export function livesOf(payload, cache, part = "lives") {
  const packed = payload.arrays.get(`${cache}.${part}`);
  if (!packed) return null;
  const { n_steps, encoder } = payload.header;
  const n_rows = part === "lives" ? payload.header.n_rows : /** @type {NonNullable<typeof encoder>} */ (encoder).tokens.length;
  return livesOfSpans(packed.data, n_rows, n_steps);
}

/**
 * @param {import("./packed_buffer.js").Numbers} data Four numbers a span: step, state, first row, row after the last one.
 * @param {number} n_rows @param {number} n_steps @returns {Lives}
 */
export function livesOfSpans(data, n_rows, n_steps) {
  const states = new Uint8Array(n_steps * n_rows);
  const made = new Array(n_steps).fill(0);
  for (let at = 0; at < data.length; at += 4) {
    const [step, state, first, end] = data.subarray(at, at + 4);
    states.fill(state, step * n_rows + first, step * n_rows + end);
    if (LIFE_STATES[state] === "computed") made[step] += end - first;
  }
  let total = 0;
  return { n_rows, n_steps, states, computed: made.map((n) => (total += n)) };
}

/** @param {Lives} lives @param {number} row @param {number} step @returns {LifeState} */
export function stateAt({ states, n_rows }, row, step) {
  return LIFE_STATES[states[step * n_rows + row]];
}

/** @param {Lives} lives @param {number} row @param {number} step @returns {Life} */
export function lifeUpTo(lives, row, step) {
  const computed = [];
  let n_read = 0;
  for (let at = 0; at <= step; at++) {
    const state = stateAt(lives, row, at);
    if (state === "computed") computed.push(at);
    if (state === "read") n_read++;
  }
  return { computed, n_read };
}
