// Draws the making of a row: a query and a key with their products, scores and weights, values and mix.
import { divergingColour } from "./colour.js";
import { glyphs, percent } from "./format.js";
import * as words from "./making_words.js";
import { MONO, begin, frame, textWithin } from "./pen.js";
import { productsOf } from "./row_making.js";

/**
 * @import { Palette, Theme } from "./colour.js"
 * @import { Box } from "./layout.js"
 * @import { RowMaking } from "./row_making.js"
 *
 * @typedef {object} MakingView
 * @property {number} width
 * @property {RowMaking} making
 * @property {number} key Row that is looked at.
 * @property {number | null} at Number of a row that is pointed at.
 * @property {(row: number) => string} text Of a key's token.
 * @property {string} asks Text of the token that looks.
 * @property {boolean} fresh Whether the key was computed at this step, and not kept.
 * @property {Theme} theme @property {Palette} palette @property {number} dpr
 */

export const STRIP = 18;
const LETTER = 12;
export const LINE = 16;
const PRODUCTS_HEIGHT = 58;
export const PRODUCTS_CANVAS = 2 * (LINE + STRIP + 8) + LINE + PRODUCTS_HEIGHT + 4;
const CHART = 52;
export const WEIGHTS_CANVAS = 2 * (LINE + CHART + 10);
const VALUE_ROW = 18;
const VALUE_LABELS = 104;
const MIXED_GAP = 8;

/** @param {number} n_shown Rows drawn, that of the others included. @returns {number} Height of the values and their mix. */
function mixCanvas(n_shown) {
  return (n_shown + 1) * VALUE_ROW + MIXED_GAP + 2;
}

/** @param {HTMLCanvasElement} canvas @param {MakingView} view */
export function paintProducts(canvas, view) {
  const { width, making, key, at, text, asks, fresh, theme, palette, dpr } = view;
  const pen = begin(canvas, width, PRODUCTS_CANVAS, dpr);
  const n = making.query.length;
  const cell = width / n;
  let y = 0;
  const rows = /** @type {const} */ ([
    [words.LABELS.query, asks, making.query, palette.computed, palette.computedText],
    [words.LABELS.key, text(key), making.keys[key], fresh ? palette.computed : palette.reused, fresh ? palette.computedText : palette.reusedText],
  ]);
  for (const [what, token, numbers, edge, ink] of rows) {
    caption(pen, palette, what, glyphs(token), ink, y, width);
    strip(pen, numbers, { x: 0, y: y + LINE, w: width, h: STRIP }, largest(numbers), theme);
    frame(pen, { x: 0, y: y + LINE, w: width, h: STRIP }, 1.5, edge, dpr);
    y += LINE + STRIP + 8;
  }
  caption(pen, palette, words.LABELS.product, "", palette.text, y, width);
  const products = productsOf(making, key);
  bars(pen, products, { x: 0, y: y + LINE, w: width, h: PRODUCTS_HEIGHT }, palette, (i) => divergingColour(theme, Math.sign(products[i]) * 0.8), at);
  if (at === null) return;
  frame(pen, { x: at * cell - 1, y: LINE - 2, w: cell + 2, h: PRODUCTS_CANVAS - LINE }, 1, palette.text, dpr);
}

/** @param {HTMLCanvasElement} canvas @param {MakingView} view */
export function paintWeights(canvas, { width, making, key, palette, dpr }) {
  const pen = begin(canvas, width, WEIGHTS_CANVAS, dpr);
  const { scores, weights, n_keys } = making;
  caption(pen, palette, words.LABELS.scores, words.numeral(scores[key]), palette.text, 0, width);
  bars(pen, scores, { x: 0, y: LINE, w: width, h: CHART }, palette, (i) => (i === key ? palette.text : palette.slot), null);
  const top = LINE + CHART + 10;
  caption(pen, palette, words.LABELS.softmax, percent(weights[key]), palette.text, top, width);
  bars(pen, weights, { x: 0, y: top + LINE, w: width, h: CHART }, palette, (i) => (i === key ? palette.text : palette.bar), null);
  const cell = width / n_keys;
  if (cell >= 3) frame(pen, { x: key * cell, y: LINE - 2, w: cell, h: WEIGHTS_CANVAS - LINE }, 1, palette.line, dpr);
}

/**
 * @param {HTMLCanvasElement} canvas @param {MakingView} view
 * @param {{ shown: number[], others: { n: number, weight: number, mix: Float64Array } | null }} heaviest
 */
export function paintMix(canvas, { width, making, key, at, text, theme, palette, dpr }, { shown, others }) {
  const pen = begin(canvas, width, mixCanvas(shown.length + (others ? 1 : 0)), dpr);
  const box = (/** @type {number} */ y) => ({ x: VALUE_LABELS, y: y + 1, w: width - VALUE_LABELS, h: VALUE_ROW - 4 });
  const most = Math.max(...shown.map((row) => largest(making.values[row])));
  let y = 0;
  for (const row of shown) {
    const weight = making.weights[row];
    rowLabel(pen, palette, glyphs(text(row)), y, row === key, percent(weight));
    // Each value as far as it counts; the root, so that a tenth can still be seen.
    pen.globalAlpha = Math.max(0.06, Math.sqrt(weight));
    strip(pen, making.values[row], box(y), most, theme);
    pen.globalAlpha = 1;
    if (row === key) frame(pen, box(y), 1, palette.text, dpr);
    y += VALUE_ROW;
  }
  if (others) {
    rowLabel(pen, palette, words.others(others.n, others.weight), y, false);
    strip(pen, others.mix, box(y), most, theme);
    y += VALUE_ROW;
  }
  pen.fillStyle = palette.line;
  pen.fillRect(0, y + MIXED_GAP / 2 - 1, width, 1);
  y += MIXED_GAP;
  rowLabel(pen, palette, words.LABELS.mixed, y, true);
  strip(pen, making.mix, box(y), most, theme);
  frame(pen, box(y), 1.5, palette.computed, dpr);
  if (at === null) return;
  const cell = (width - VALUE_LABELS) / making.mix.length;
  frame(pen, { x: VALUE_LABELS + at * cell - 1, y: 0, w: cell + 2, h: y + VALUE_ROW - 2 }, 1, palette.text, dpr);
}

/** @param {number} width @param {number} n @param {number} x @returns {number | null} Which number of a row lies at x, in the values' picture. */
export function numberOfMix(width, n, x) {
  const at = Math.floor(((x - VALUE_LABELS) / (width - VALUE_LABELS)) * n);
  return at >= 0 && at < n ? at : null;
}

/** @param {ArrayLike<number>} numbers @returns {number} */
export function largest(numbers) {
  let most = 1e-12;
  for (let i = 0; i < numbers.length; i++) most = Math.max(most, Math.abs(numbers[i]));
  return most;
}

/** @param {CanvasRenderingContext2D} pen @param {Palette} palette @param {string} what @param {string} token @param {string} ink @param {number} y @param {number} width */
export function caption(pen, palette, what, token, ink, y, width) {
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.font = `${LETTER}px ${palette.sans}`;
  pen.fillStyle = palette.muted;
  pen.fillText(what, 0, y + LINE / 2);
  const x = pen.measureText(`${what} `).width + 3;
  pen.font = `600 ${LETTER}px ${MONO}`;
  pen.fillStyle = ink;
  textWithin(pen, token, x, y + LINE / 2, width - x);
}

/**
 * A name that may be cut, and a weight that may not.
 * @param {CanvasRenderingContext2D} pen @param {Palette} palette @param {string} text @param {number} y
 * @param {boolean} strong @param {string} [weight]
 */
function rowLabel(pen, palette, text, y, strong, weight = "") {
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.font = `${strong ? 650 : 400} ${LETTER}px ${palette.sans}`;
  pen.fillStyle = strong ? palette.text : palette.muted;
  const right = VALUE_LABELS - 8;
  pen.fillText(weight, right, y + VALUE_ROW / 2);
  const taken = weight ? pen.measureText(`${weight} `).width + 2 : 0;
  textWithin(pen, text, right - taken, y + VALUE_ROW / 2, right - taken - 2);
}

/** @param {CanvasRenderingContext2D} pen @param {Float32Array | Float64Array} numbers @param {Box} box @param {number} most @param {Theme} theme */
export function strip(pen, numbers, box, most, theme) {
  const cell = box.w / numbers.length;
  numbers.forEach((number, i) => {
    pen.fillStyle = divergingColour(theme, number / most);
    pen.fillRect(box.x + i * cell, box.y, Math.ceil(cell * 2) / 2 + 0.5, box.h);
  });
}

/**
 * Bars up and down from a line of zero.
 * @param {CanvasRenderingContext2D} pen @param {Float64Array} numbers @param {Box} box @param {Palette} palette
 * @param {(i: number) => string} colour @param {number | null} lit
 */
export function bars(pen, numbers, box, palette, colour, lit) {
  const there = numbers.filter((number) => !Number.isNaN(number));
  const high = Math.max(0, ...there);
  const low = Math.min(0, ...there);
  const span = high - low || 1;
  const zero = box.y + (high / span) * box.h;
  const cell = box.w / numbers.length;
  const air = cell >= 4 ? 1 : 0;
  numbers.forEach((number, i) => {
    // Of a key that the query did not see.
    if (Number.isNaN(number)) return;
    const y = zero - (number / span) * box.h;
    pen.fillStyle = i === lit ? palette.text : colour(i);
    pen.fillRect(box.x + i * cell, Math.min(y, zero), Math.max(cell - air, 0.5), Math.max(Math.abs(y - zero), 0.75));
  });
  pen.fillStyle = palette.slot;
  pen.fillRect(box.x, zero - 0.5, box.w, 1);
}
