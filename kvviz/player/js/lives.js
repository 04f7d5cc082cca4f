// The life of each row of a cache, unpacked from what the observers saw. Pure.
import contract from "../contract.json" with { type: "json" };
import { kvHead } from "./kv_heads.js";

/**
 * @import { Payload, RunCache } from "./buffer.js"
 * @import { Numbers, PackedArray } from "./packed_buffer.js"
 *
 * @typedef {"absent" | "computed" | "read" | "evicted" | "shared" | "taken" | "packed"} LifeState Shared is what was read and came from another run;
 *   taken is what was computed and taken back at once; packed is what was read from fewer bits or numbers.
 *
 * @typedef {object} Lives
 * @property {number} n_rows
 * @property {number} n_steps
 * @property {Uint8Array} states At step * n_rows + row, a number of `LIFE_STATES`.
 * @property {number[]} computed Rows computed up to and including each step.
 * @property {number[]} n_read Rows read at each step.
 * @property {number[]} n_evicted Rows that are no longer there at each step.
 * @property {number} n_shared Rows that came from another run.
 * @property {number[]} n_packed Rows read at each step from what was kept of them in fewer bits or numbers.
 * @property {string} [droppedBy] The named cache that dropped them; else they fell out of a window.
 *
 * @typedef {object} Life One row's life up to a step.
 * @property {number[]} computed The steps that computed it.
 * @property {number} [n_taken] How many of them took it back, where any did.
 * @property {number} n_read How many steps read it and did not compute it.
 * @property {true} [isShared] It was computed by another run, and by no step of this one.
 * @property {number | null} gone The first step at which it was no longer there.
 * @property {string} [droppedBy] As in `Lives`.
 */

/** In the order of their numbers. */
export const LIFE_STATES = /** @type {LifeState[]} */ (contract.row_states);

/** What was unpacked before, by what it was packed in and the number of the life. @type {WeakMap<PackedArray, Map<number, Lives>>} */
const unpacked = new WeakMap();

/** @param {PackedArray} packed @param {number} number @param {() => Lives} make @returns {Lives} */
function once(packed, number, make) {
  const lives = unpacked.get(packed) ?? new Map();
  unpacked.set(packed, lives);
  const found = lives.get(number) ?? make();
  lives.set(number, found);
  return found;
}

/**
 * The life of the rows that a head of a layer reads.
 * @param {Payload} payload @param {RunCache} cache @param {{ layer: number, head: number }} place
 * @returns {Lives | null} Null where that run was not made.
 */
export function livesOf(payload, cache, { layer, head }) {
  const packed = payload.arrays.get(`${cache}.lives`);
  const lifeOf = payload.arrays.get(`${cache}.life_of`);
  if (!packed || !lifeOf) return null;
  const { n_rows, n_steps, model } = payload.header;
  const number = lifeOf.data[layer * model.n_kv_heads + kvHead(payload, head)];
  return once(packed, number, () => ({ ...livesOfSpans(spansOfLife(packed.data, number), n_rows, n_steps), ...droppedBy(payload, cache) }));
}

/** @param {Payload} payload @param {RunCache} cache @returns {Pick<Lives, "droppedBy">} */
function droppedBy({ header: { named_cache } }, cache) {
  return named_cache && cache === "on" ? { droppedBy: named_cache.name } : {};
}

/** @param {Payload} payload @param {RunCache} cache @returns {Lives | null} Of the second cache's rows; null where there is no such. */
export function crossLivesOf(payload, cache) {
  const packed = payload.arrays.get(`${cache}.cross_lives`);
  const { n_steps, encoder } = payload.header;
  return packed && encoder ? once(packed, 0, () => livesOfSpans(packed.data, encoder.tokens.length, n_steps)) : null;
}

/** @param {Payload} payload @param {RunCache} cache @returns {boolean} Whether rows of all layers and heads have one and the same life. */
export function isOneLife(payload, cache) {
  return payload.arrays.get(`${cache}.life_of`)?.data.every((/** @type {number} */ number) => number === 0) ?? true;
}

/** @param {Numbers} data Five numbers a span, that of its life first. @param {number} number @returns {Int32Array} The spans of one life. */
function spansOfLife(data, number) {
  const found = [];
  for (let at = 0; at < data.length; at += 5) if (data[at] === number) found.push(...data.subarray(at + 1, at + 5));
  return Int32Array.from(found);
}

/**
 * @param {Numbers} data Four numbers a span: step, state, first row, row after the last one.
 * @param {number} n_rows @param {number} n_steps @returns {Lives}
 */
export function livesOfSpans(data, n_rows, n_steps) {
  const states = new Uint8Array(n_steps * n_rows);
  const counts = LIFE_STATES.map(() => new Array(n_steps).fill(0));
  for (let at = 0; at < data.length; at += 4) {
    const [step, state, first, end] = data.subarray(at, at + 4);
    states.fill(state, step * n_rows + first, step * n_rows + end);
    counts[state][step] += end - first;
  }
  const [, made, read, n_evicted, shared, taken, packed] = counts;
  let total = 0;
  const n_read = read.map((n, step) => n + shared[step] + packed[step]);
  return { n_rows, n_steps, states, computed: made.map((n, step) => (total += n + taken[step])), n_read, n_evicted, n_shared: shared[0], n_packed: packed };
}

/** @param {Lives} lives @param {number} row @param {number} step @returns {LifeState} */
export function stateAt({ states, n_rows }, row, step) {
  return LIFE_STATES[states[step * n_rows + row]];
}

/** @param {Lives} lives @param {number} row @param {number} step @returns {Life} */
export function lifeUpTo(lives, row, step) {
  const computed = [];
  let n_read = 0;
  let gone = null;
  let n_taken = 0;
  const isShared = stateAt(lives, row, 0) === "shared";
  for (let at = 0; at <= step; at++) {
    const state = stateAt(lives, row, at);
    if (state === "computed" || state === "taken") computed.push(at);
    if (state === "taken") n_taken++;
    if (state === "read" || state === "shared" || state === "packed") n_read++;
    if (state === "evicted") gone ??= at;
  }
  return { computed, n_read, gone, ...(n_taken ? { n_taken } : {}), ...(isShared ? { isShared } : {}), ...(lives.droppedBy ? { droppedBy: lives.droppedBy } : {}) };
}
