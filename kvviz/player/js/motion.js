// A step seen happening: what of it is on show at a moment. Pure: nothing here knows a clock, so that
// a moment looks the same whenever it is drawn.

/** How long a step stands in a run that plays, in ms at a speed of 1. */
export const STEP_MS = 900;
/** How long a step takes to be seen, in ms. */
export const STEP_SEEN_MS = 600;
/** How long what was computed glows where nothing else is shown happening. */
export const GLOW_MS = 150;

/**
 * @typedef {object} Moment What of a step has happened by now.
 * @property {number} joined How far the new token has come to its place in the strip, 0 to 1.
 * @property {number} written Share of the computed rows that stands in its place.
 * @property {number} swept Share of the keys that the query has gone over.
 * @property {number} mixing How far each value is faded to its weight: from 0 to 1, and back once they are mixed.
 * @property {number} settled Share of their length that the bars of the next token have.
 * @property {number} glow Of the rows just computed, from 1 falling to 0.
 */

/** All of it has. @type {Moment} */
export const REST = Object.freeze({ joined: 1, written: 1, swept: 1, mixing: 0, settled: 1, glow: 0 });

/**
 * When each part begins and ends, of the whole: a token joins, its row is written, the keys are read, the
 * values mixed, and then the next token is known.
 */
const JOINED = /** @type {const} */ ([0, 0.2]);
const WRITTEN = /** @type {const} */ ([0, 0.45]);
const SWEPT = /** @type {const} */ ([0.35, 0.7]);
const FADED = /** @type {const} */ ([0.6, 0.75]);
const MIXED = /** @type {const} */ ([0.85, 1]);
const SETTLED = /** @type {const} */ ([0.75, 1]);

/**
 * @param {number} t From 0, when the step begins, to 1, when all of it is seen.
 * @returns {Moment}
 */
export function momentOfStep(t) {
  if (!(t < 1)) return REST;
  const within = (/** @type {readonly [number, number]} */ [from, to]) => eased((t - from) / (to - from));
  return {
    joined: within(JOINED),
    written: within(WRITTEN),
    swept: within(SWEPT),
    mixing: within(FADED) - within(MIXED),
    settled: within(SETTLED),
    glow: 1 - within([0, 0.6]),
  };
}

/**
 * Where one did not go a single step on, nothing is seen happening; what was computed glows.
 * @param {number} t From 0 to 1. @returns {Moment}
 */
export function momentOfJump(t) {
  if (!(t < 1)) return REST;
  return { ...REST, glow: Math.round((1 - Math.max(0, t)) * 20) / 20 };
}

/**
 * In a run that plays each step is seen whole before the next one begins.
 * @param {number} speed @returns {number} How long a step takes to be seen there, in ms.
 */
export function seenMs(speed) {
  return Math.min(STEP_SEEN_MS, (0.7 * STEP_MS) / speed);
}

/**
 * How much of one row is written: rows are written one after another, however many they are.
 * @param {Moment} moment @param {number} i Which of the computed rows, from 0. @param {number} n How many they are.
 * @returns {number} 0 to 1.
 */
export function rowWritten({ written }, i, n) {
  return Math.min(1, Math.max(0, written * n - i));
}

/**
 * The key that the query goes over just now.
 * @param {Moment} moment @param {number} n_keys @returns {number | null} Its row, or null before and after.
 */
export function keyInSweep({ swept }, n_keys) {
  return swept > 0 && swept < 1 ? Math.min(n_keys - 1, Math.floor(swept * n_keys)) : null;
}

/**
 * How much of a value is left of it while values are mixed: the heaviest stays whole.
 * @param {Moment} moment @param {number} weight @param {number} most The largest weight of the row.
 * @returns {number} 0 to 1.
 */
export function valueLeft({ mixing }, weight, most) {
  return 1 - mixing * (1 - weight / most);
}

/** @param {number} t @returns {number} The same with a soft end, 0 before and 1 after. */
function eased(t) {
  const inside = Math.min(1, Math.max(0, t));
  return 1 - (1 - inside) ** 2;
}
