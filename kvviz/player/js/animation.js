// An animation of a range of steps: which frames it has, how long each stands, and whether it is too
// long. Pure.
import { STEP_MS, seenMs } from "./motion.js";

/**
 * @typedef {{ from: number, to: number }} Range Steps, both within.
 * @typedef {object} KeyFrame
 * @property {number} step
 * @property {number} t How far the step is, from 0 to 1; see `momentOfStep`.
 * @property {number} ms How long it stands: whole hundredths of a second, as a GIF counts.
 */

/** Pictures a second are enough for a sweep of half a second, and each costs bytes. */
const FRAME_MS = 100;
/** What the last step adds to its stand, before all begins anew. */
const END_MS = 1500;
/** Pixels of all frames together: a minute or two of work, and a file of some ten megabytes. */
export const MOST_PIXELS = 1e9;
/** Of slides, in pixels. */
export const WIDTHS = [960, 1280, 1920];

/**
 * Each step is seen happening and then stands at rest, as in a run that plays.
 * @param {Range} range @param {number} speed Of the player. @param {boolean} moves Whether a step is seen happening at all.
 * @returns {KeyFrame[]} In their order; the last one is at rest.
 */
export function keyFrames({ from, to }, speed, moves) {
  const whole = hundredths(STEP_MS / speed);
  const n_moving = moves ? Math.max(1, Math.round(seenMs(speed) / FRAME_MS)) : 0;
  const ms = n_moving && hundredths(seenMs(speed) / n_moving);
  /** @type {KeyFrame[]} */
  const frames = [];
  for (let step = from; step <= to; step++) {
    // Each shows the middle of its time.
    for (let i = 0; i < n_moving; i++) frames.push({ step, t: (i + 0.5) / n_moving, ms });
    frames.push({ step, t: 1, ms: whole - n_moving * ms + (step === to ? END_MS : 0) });
  }
  return frames;
}

/** @param {number} ms @returns {number} */
function hundredths(ms) {
  return Math.round(ms / 10) * 10;
}

/**
 * A range as it was typed, or as an address says it.
 * @param {string} from Empty for the first step. @param {string} to Empty for the last one. @param {number} n_steps
 * @returns {Range | null} Null if there is no such range.
 */
export function rangeOf(from, to, n_steps) {
  const range = { from: from === "" ? 0 : Number(from), to: to === "" ? n_steps - 1 : Number(to) };
  const isRange = Number.isInteger(range.from) && Number.isInteger(range.to) && range.from >= 0 && range.from <= range.to && range.to < n_steps;
  return isRange ? range : null;
}

/** @param {number} n_frames @param {number} width @param {number} height @returns {boolean} */
export function isTooLong(n_frames, width, height) {
  return n_frames * width * height > MOST_PIXELS;
}
