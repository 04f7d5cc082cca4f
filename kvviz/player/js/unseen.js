// Which keys before it a query did not see, and why: the layer's window hid them, or they were dropped
// before it asked. Pure.
import { LIFE_STATES, livesOf, stateAt } from "./lives.js";

/**
 * @import { Payload, RunCache } from "./buffer.js"
 * @import { Lives } from "./lives.js"
 *
 * @typedef {"window" | "evicted"} Unseen Hidden by the mask though its row was there; or its row was gone.
 * @typedef {{ first: number, end: number, why: Unseen }} UnseenSpan From a key up to the one before `end`.
 */

/**
 * Why a query did not see a key. What was dropped is what the observers saw of the step that asked the
 * query; that the mask hides all before a window is the model's word, to which they held the mask.
 * @param {Payload} payload @param {RunCache} cache @param {{ layer: number, head: number }} place
 * @param {number} query @param {number} key At or before the query. @returns {Unseen | null} Null where it saw it.
 */
export function whyUnseen(payload, cache, place, query, key) {
  const lives = livesOf(payload, cache, place);
  const step = Math.max(0, query - payload.header.n_prompt + 1);
  if (lives && LIFE_STATES[lives.states[step * lives.n_rows + key]] === "evicted") return "evicted";
  const window = windowOf(payload, place.layer);
  return window !== null && query - key >= window ? "window" : null;
}

/** @param {Payload} payload @param {number} layer @returns {number | null} How many positions a query of a layer sees; null for all. */
export function windowOf({ header }, layer) {
  return header.model.windows?.[layer] || null;
}

/** Of each life and window: what was found for all queries of a run. @type {WeakMap<Lives, Map<number, UnseenSpan[][]>>} */
const found = new WeakMap();

/**
 * The keys before each query that it did not see.
 * @param {Payload} payload @param {RunCache} cache @param {{ layer: number, head: number }} place
 * @returns {UnseenSpan[][] | null} For each query, ascending; null where each saw all of them.
 */
export function unseenRows(payload, cache, place) {
  const lives = livesOf(payload, cache, place);
  const window = windowOf(payload, place.layer);
  if (!lives || (window === null && !forgets(payload, cache, place))) return null;
  const ofLife = found.get(lives) ?? new Map();
  found.set(lives, ofLife);
  const rows = ofLife.get(window ?? 0) ?? spansOf(lives, payload.header.n_prompt, window ?? Infinity);
  ofLife.set(window ?? 0, rows);
  return rows;
}

/** @param {Lives} lives @param {number} n_prompt @param {number} window @returns {UnseenSpan[][]} */
function spansOf(lives, n_prompt, window) {
  return Array.from({ length: lives.n_rows }, (_, query) => {
    /** @type {UnseenSpan[]} */
    const spans = [];
    const step = Math.max(0, query - n_prompt + 1);
    for (let key = 0; key <= query; key++) {
      const why = stateAt(lives, key, step) === "evicted" ? "evicted" : query - key >= window ? "window" : null;
      const last = spans[spans.length - 1];
      if (last?.end === key && last.why === why) last.end++;
      else if (why) spans.push({ first: key, end: key + 1, why });
    }
    return spans;
  });
}

/** @param {UnseenSpan[]} spans @param {number} key @returns {boolean} */
export function isIn(spans, key) {
  return spans.some(({ first, end }) => key >= first && key < end);
}

/**
 * @param {Payload} payload @param {RunCache} cache @param {{ layer: number, head: number }} place @param {number} query
 * @returns {UnseenSpan[]} The keys before a query that it did not see.
 */
export function unseenBy(payload, cache, place, query) {
  return unseenRows(payload, cache, place)?.[query] ?? [];
}

/** @param {Payload} payload @param {RunCache} cache @param {{ layer: number, head: number }} place @returns {boolean} Whether any row was dropped. */
export function forgets(payload, cache, place) {
  return livesOf(payload, cache, place)?.n_evicted.some((n) => n > 0) ?? false;
}

/** @param {Payload} payload @param {RunCache} cache @param {{ layer: number, head: number }} place @returns {boolean} Whether any row came from another run. */
export function isShared(payload, cache, place) {
  return (livesOf(payload, cache, place)?.n_shared ?? 0) > 0;
}

/** @param {Payload} payload @param {RunCache} cache @param {{ layer: number, head: number }} place @returns {boolean} Whether any row was read from fewer bits or numbers. */
export function isPacked(payload, cache, place) {
  return livesOf(payload, cache, place)?.n_packed.some((n) => n > 0) ?? false;
}

/**
 * The key that a query saw, nearest to one.
 * @param {Payload} payload @param {RunCache} cache @param {{ layer: number, head: number }} place
 * @param {number} query @param {number} key @returns {number}
 */
export function nearestSeen(payload, cache, place, query, key) {
  const isSeen = (/** @type {number} */ at) => at >= 0 && at <= query && whyUnseen(payload, cache, place, query, at) === null;
  for (let by = 0; by <= query; by++) {
    if (isSeen(key + by)) return key + by;
    if (isSeen(key - by)) return key - by;
  }
  return query;
}
