// A film of trainings: its points, where they lie, and which of them is looked at. Pure.

/**
 * @typedef {object} Said What a model made of one sentence at one point.
 * @property {[string, number][]} guesses Likeliest tokens and their probabilities.
 * @property {string} continuation
 *
 * @typedef {object} Point
 * @property {number} n_tokens Tokens seen.
 * @property {number} progress Share of the training, 0 to 1.
 * @property {number} bits Loss on held-out text, in bits a predicted token.
 * @property {Said[]} said One a sentence.
 *
 * @typedef {object} Film
 * @property {string} name
 * @property {"gpt2" | "bert"} family
 * @property {Point[]} points
 *
 * @typedef {object} Sentence
 * @property {string} before @property {string} word @property {string} after
 *
 * @typedef {object} Films
 * @property {number} point Where to begin.
 * @property {number} most_bits Loss of a fair draw from the vocabulary.
 * @property {Film[]} films
 * @property {Sentence[]} sentences
 * @property {string[]} notes What stands below the chart.
 */

/**
 * Where a number of tokens lies on a log axis, 0 to 1. No tokens at all have no logarithm: the
 * untrained model stands at the left edge, and the first point that has seen any one part to the right.
 * @param {number} n_tokens @param {number} first The smallest number above 0. @param {number} last
 * @returns {number}
 */
export function along(n_tokens, first, last) {
  const GAP = 0.07;
  if (n_tokens <= 0) return 0;
  if (last <= first) return 1;
  return GAP + (1 - GAP) * (Math.log(n_tokens / first) / Math.log(last / first));
}

/** @param {number} bits @returns {number} As unsure as a fair draw among so many tokens. */
export function fairDraw(bits) {
  return 2 ** bits;
}

/**
 * The point of a film that lies nearest in the training to another film's.
 * @param {Pick<Point, "progress">[]} points @param {number} progress @returns {number}
 */
export function nearest(points, progress) {
  let best = 0;
  points.forEach((point, i) => {
    if (Math.abs(point.progress - progress) <= Math.abs(points[best].progress - progress)) best = i;
  });
  return best;
}

/**
 * The point that a key leads to, or null if it leads nowhere.
 * @param {string} key @param {number} point @param {number} n @returns {number | null}
 */
export function pointAfterKey(key, point, n) {
  /** @type {Record<string, number>} */
  const points = { ArrowRight: point + 1, ArrowLeft: point - 1, Home: 0, End: n - 1 };
  return key in points ? Math.max(0, Math.min(n - 1, points[key])) : null;
}
