// Draws how a row came about: what entered, the head's part of the weight, the bias, the row, and what
// a norm and a turn made of it in between; and what the mix becomes.
import { divergingColour, parse } from "./colour.js";
import { MONO, begin, frame } from "./pen.js";
import { turnAt } from "./head_origin.js";
import { LINE, STRIP, bars, caption, largest, strip } from "./paint_making.js";
import * as words from "./origin_words.js";

/**
 * @import { Palette, Theme } from "./colour.js"
 * @import { RowOrigin, RowPart, Sum } from "./head_origin.js"
 * @import { Box } from "./layout.js"
 *
 * @typedef {{ width: number, theme: Theme, palette: Palette, dpr: number }} Sheet
 *
 * @typedef {object} OriginLayout
 * @property {Box} entered
 * @property {Box} matrix
 * @property {Box[]} columns As `columnsOf` names them; the last is the row.
 * @property {Box} products
 * @property {number} height
 *
 * @typedef {object} OriginView
 * @property {RowOrigin} origin
 * @property {RowPart} part
 * @property {boolean} encoder Whether what entered is the encoder's.
 * @property {Sum} sum
 * @property {number} number Which number of the row is looked at.
 * @property {number | null} at Which number that entered is pointed at.
 * @property {boolean} fresh Whether the row was computed at this step.
 *
 * @typedef {object} BecomingView
 * @property {Float64Array[]} mixes One a head.
 * @property {number} head
 * @property {{ added: Float32Array, before: Float32Array, after: Float64Array } | null} stream
 * @property {boolean} isNormed Whether a norm stands before the stream.
 */

const COLUMN = 44;
const COLUMN_STRIP = 18;
const MATRIX_HEIGHT = 192;
const PRODUCTS = 40;
const AIR = 8;
const FAN = 46;

/** @typedef {{ what: "bias" | "product" | "normed" | "row", sign: string, numbers: ArrayLike<number> }} Column */

/** @param {RowOrigin} origin @returns {Column[]} What stands to the right of the weight. */
export function columnsOf({ bias, product, norm, normed, turn, row }) {
  /** @type {Column[]} */
  const columns = [];
  const isRow = norm === null && turn === null;
  if (bias) columns.push({ what: "bias", sign: "+", numbers: bias });
  if (!isRow) columns.push({ what: "product", sign: "=", numbers: product });
  if (norm && turn) columns.push({ what: "normed", sign: "→", numbers: normed });
  columns.push({ what: "row", sign: isRow ? "=" : "→", numbers: row });
  return columns;
}

/** @param {number} width @param {number} n_out @param {number} n_columns @returns {OriginLayout} */
export function originLayout(width, n_out, n_columns) {
  const line = Math.min(8, Math.max(1.5, Math.floor((2 * MATRIX_HEIGHT) / n_out) / 2));
  const w = width - COLUMN * n_columns;
  const entered = { x: 0, y: LINE, w, h: STRIP };
  const matrix = { x: 0, y: LINE + STRIP + AIR + LINE, w, h: line * n_out };
  const column = (/** @type {number} */ n) => ({ x: w + n * COLUMN + COLUMN - COLUMN_STRIP - 2, y: matrix.y, w: COLUMN_STRIP, h: matrix.h });
  const products = { x: 0, y: matrix.y + matrix.h + AIR + LINE, w, h: PRODUCTS };
  return { entered, matrix, columns: Array.from({ length: n_columns }, (_, n) => column(n)), products, height: products.y + PRODUCTS + 2 };
}

/**
 * @param {OriginLayout} layout @param {number} n_in @param {number} n_out @param {number} x @param {number} y
 * @returns {{ number: number, at: number | null } | null} What lies there: a line of the weight, and a number that entered.
 */
export function hitOrigin({ matrix }, n_in, n_out, x, y) {
  const number = Math.floor(((y - matrix.y) / matrix.h) * n_out);
  const at = Math.floor(((x - matrix.x) / matrix.w) * n_in);
  if (number < 0 || number >= n_out || at < 0) return null;
  return { number, at: at < n_in ? at : null };
}

/** @param {HTMLCanvasElement} canvas @param {Sheet} sheet @param {OriginView} view */
export function paintOrigin(canvas, { width, theme, palette, dpr }, { origin, part, encoder, sum, number, at, fresh }) {
  const { entered, weight, row } = origin;
  const columns = columnsOf(origin);
  const layout = originLayout(width, row.length, columns.length);
  const pen = begin(canvas, width, layout.height, dpr);
  const [n_in, n_out] = [entered.length, row.length];
  caption(pen, palette, encoder ? words.LABELS.encoder : words.LABELS.entered, "", palette.text, 0, layout.matrix.w);
  strip(pen, entered, layout.entered, spread(entered), theme);
  caption(pen, palette, words.LABELS.weight, "", palette.text, layout.matrix.y - LINE, layout.matrix.w);
  matrix(pen, weight, n_in, n_out, layout.matrix, theme);
  // A turn keeps the lengths of its pairs, so that what it is given and what it gives have one scale.
  const most = largest(row);
  columns.forEach((one, n) => {
    const [box, isLast] = [layout.columns[n], one.what === "row"];
    const ink = fresh ? palette.computedText : palette.reusedText;
    above(pen, palette, isLast ? words.partName(part) : words.LABELS[/** @type {"bias" | "product" | "normed"} */ (one.what)], box, isLast ? ink : palette.muted);
    sign(pen, palette, one.sign, box, number, n_out);
    const scale = one.what === "bias" ? Math.max(most / 2, largest(one.numbers)) : largest(one.numbers);
    column(pen, one.numbers, box, scale, theme);
    if (isLast) frame(pen, box, 1.5, fresh ? palette.computed : palette.reused, dpr);
  });

  const line = layout.matrix.h / n_out;
  const named = new Set(sum.named.map((term) => term.at));
  const products = new Float64Array(n_in);
  for (const term of [...sum.named, ...sum.others]) products[term.at] = term.product;
  caption(pen, palette, words.LABELS.products, "", palette.text, layout.products.y - LINE, layout.matrix.w);
  bars(pen, products, layout.products, palette, (j) => (named.has(j) ? palette.text : palette.slot), at);
  pen.globalAlpha = 0.4;
  pen.fillStyle = palette.ground;
  const { matrix: whole } = layout;
  pen.fillRect(whole.x, whole.y, whole.w, number * line);
  pen.fillRect(whole.x, whole.y + (number + 1) * line, whole.w, whole.h - (number + 1) * line);
  pen.globalAlpha = 1;
  // The line looked at goes through weight, bias and row.
  for (const box of [layout.matrix, ...layout.columns]) {
    frame(pen, { x: box.x - 2, y: box.y + number * line - 1.5, w: box.w + 4, h: line + 3 }, 1.5, palette.text, dpr);
  }
  const pair = turnAt(origin, number);
  if (pair) {
    const given = layout.columns[layout.columns.length - 2];
    frame(pen, { x: given.x - 2, y: given.y + pair.at * line - 1.5, w: given.w + 4, h: line + 3 }, 1, palette.muted, dpr);
  }
  if (at === null) return;
  const cell = layout.matrix.w / n_in;
  const middle = at * cell + cell / 2;
  pen.fillStyle = palette.text;
  for (const [top, bottom] of [[layout.entered.y - 2, layout.matrix.y - LINE], [layout.matrix.y, layout.matrix.y + number * line], [layout.matrix.y + (number + 1) * line, layout.products.y + PRODUCTS]]) {
    pen.globalAlpha = 0.45;
    pen.fillRect(middle - 0.5, top, 1, Math.max(0, bottom - top));
  }
  pen.globalAlpha = 1;
  frame(pen, { x: middle - Math.max(cell, 3) / 2 - 1, y: LINE - 2, w: Math.max(cell, 3) + 2, h: STRIP + 4 }, 1, palette.text, dpr);
}

/** @param {HTMLCanvasElement} canvas @param {Sheet} sheet @param {BecomingView} view */
export function paintBecoming(canvas, { width, theme, palette, dpr }, { mixes, head, stream, isNormed }) {
  const rows = stream ? FAN + 3 * (LINE + STRIP + AIR) : 0;
  const top = LINE + STRIP + LINE;
  const pen = begin(canvas, width, top + rows, dpr);
  const block = width / mixes.length;
  const inner = block > 24 ? 4 : 2;
  const most = Math.max(...mixes.map(largest));
  caption(pen, palette, words.LABELS.mixes, "", palette.text, 0, width);
  if (stream) fan(pen, palette, { x: 0, y: LINE + STRIP + 2, w: width, h: LINE + FAN - 8 }, mixes.length, head, inner);
  mixes.forEach((mix, number) => {
    const box = { x: number * block + inner / 2, y: LINE, w: block - inner, h: STRIP };
    pen.globalAlpha = number === head ? 1 : 0.6;
    strip(pen, mix, box, most, theme);
    pen.globalAlpha = 1;
    if (number === head) frame(pen, { x: box.x - 1.5, y: box.y - 1.5, w: box.w + 3, h: box.h + 3 }, 2, palette.computed, dpr);
    if (block >= 14 || number === head) label(pen, palette, String(number), box.x + box.w / 2, LINE + STRIP + LINE / 2 + 2, number === head);
  });
  if (!stream) return;
  pen.font = `12px ${palette.sans}`;
  const text = isNormed ? words.LABELS.projectionAndNorm : words.LABELS.projection;
  const room = pen.measureText(text).width + 20;
  const middle = top + FAN / 2 - 8;
  pen.fillStyle = palette.ground;
  pen.strokeStyle = palette.slot;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.roundRect((width - room) / 2, middle - 11, room, 22, 11);
  pen.fill();
  pen.stroke();
  label(pen, palette, text, width / 2, middle, false, palette.text);

  const shared = spread([...stream.added, ...stream.before, ...stream.after]);
  let y = top + FAN;
  for (const [what, mark, numbers] of /** @type {const} */ ([[words.LABELS.added, "", stream.added], [words.LABELS.before, "+ ", stream.before], [words.LABELS.after, "= ", stream.after]])) {
    caption(pen, palette, `${mark}${what}`, "", palette.text, y, width);
    strip(pen, numbers, { x: 0, y: y + LINE, w: width, h: STRIP }, shared, theme);
    if (mark !== "+ ") frame(pen, { x: 0, y: y + LINE, w: width, h: STRIP }, 1.5, palette.computed, dpr);
    y += LINE + STRIP + AIR;
  }
}

/**
 * From each head to all that is added.
 * @param {CanvasRenderingContext2D} pen @param {Palette} palette @param {Box} box @param {number} n @param {number} head @param {number} inner
 */
function fan(pen, palette, box, n, head, inner) {
  const block = box.w / n;
  const order = [...Array.from({ length: n }, (_, number) => number).filter((number) => number !== head), head];
  for (const number of order) {
    pen.globalAlpha = number === head ? 0.22 : 0.5 / n;
    pen.fillStyle = number === head ? palette.computed : palette.muted;
    pen.beginPath();
    pen.moveTo(number * block + inner / 2, box.y);
    pen.lineTo((number + 1) * block - inner / 2, box.y);
    pen.lineTo(box.x + box.w, box.y + box.h);
    pen.lineTo(box.x, box.y + box.h);
    pen.closePath();
    pen.fill();
  }
  pen.globalAlpha = 1;
}

/**
 * Numbers of which a few may be far larger than all others, as a scale: 49 of 50 are within it.
 * @param {ArrayLike<number>} numbers @returns {number}
 */
export function spread(numbers) {
  const sizes = Array.from(numbers, Math.abs).sort((a, b) => a - b);
  return Math.max(sizes[Math.floor((sizes.length - 1) * 0.98)] ?? 0, 1e-12);
}

/**
 * A line of the picture for each number that comes out, so that what entered lies above it.
 * @param {CanvasRenderingContext2D} pen @param {Float32Array} weight @param {number} n_in @param {number} n_out @param {Box} box @param {Theme} theme
 */
function matrix(pen, weight, n_in, n_out, box, theme) {
  const drawn = drawnMatrices.get(weight);
  const image = drawn?.theme === theme ? drawn.image : matrixImage(weight, n_in, n_out, theme);
  drawnMatrices.set(weight, { theme, image });
  pen.imageSmoothingEnabled = false;
  pen.drawImage(image, box.x, box.y, box.w, box.h);
}

/** @type {WeakMap<Float32Array, { theme: Theme, image: HTMLCanvasElement }>} A weight is drawn once, however often a line of it is pointed at. */
const drawnMatrices = new WeakMap();

/** @param {Float32Array} weight @param {number} n_in @param {number} n_out @param {Theme} theme @returns {HTMLCanvasElement} A pixel a number. */
function matrixImage(weight, n_in, n_out, theme) {
  const most = spread(weight);
  const image = new ImageData(n_in, n_out);
  const colours = new Map();
  for (let i = 0; i < n_out; i++) {
    for (let j = 0; j < n_in; j++) {
      const step = Math.round(Math.max(-1, Math.min(1, weight[j * n_out + i] / most)) * 64);
      if (!colours.has(step)) colours.set(step, parse(divergingColour(theme, step / 64)));
      image.data.set([...colours.get(step), 255], 4 * (i * n_in + j));
    }
  }
  const small = document.createElement("canvas");
  small.width = n_in;
  small.height = n_out;
  /** @type {CanvasRenderingContext2D} */ (small.getContext("2d")).putImageData(image, 0, 0);
  return small;
}

/** @param {CanvasRenderingContext2D} pen @param {ArrayLike<number>} numbers @param {Box} box @param {number} most @param {Theme} theme */
function column(pen, numbers, box, most, theme) {
  const cell = box.h / numbers.length;
  for (let i = 0; i < numbers.length; i++) {
    pen.fillStyle = divergingColour(theme, numbers[i] / most);
    pen.fillRect(box.x, box.y + i * cell, box.w, cell + 0.25);
  }
}

/** @param {CanvasRenderingContext2D} pen @param {Palette} palette @param {string} text @param {Box} box @param {string} ink */
function above(pen, palette, text, box, ink) {
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.font = `600 11px ${palette.sans}`;
  pen.fillStyle = ink;
  pen.fillText(text, box.x + box.w + 2, box.y - LINE / 2, COLUMN - 4);
}

/** @param {CanvasRenderingContext2D} pen @param {Palette} palette @param {string} text @param {Box} box @param {number} number @param {number} n */
function sign(pen, palette, text, box, number, n) {
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.font = `600 13px ${MONO}`;
  pen.fillStyle = palette.muted;
  pen.fillText(text, box.x - 11, box.y + ((number + 0.5) / n) * box.h);
}

/** @param {CanvasRenderingContext2D} pen @param {Palette} palette @param {string} text @param {number} x @param {number} y @param {boolean} strong @param {string} [ink] */
function label(pen, palette, text, x, y, strong, ink = strong ? palette.computedText : palette.muted) {
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.font = `${strong ? 650 : 400} ${strong ? 12 : 11}px ${palette.sans}`;
  pen.fillStyle = ink;
  pen.fillText(text, x, y);
}
