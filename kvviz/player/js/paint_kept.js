// Draws why keys and values may be kept, and queries need not: a row as it was written and as it was at
// the end, with the fingerprints of its bits; and the queries of all rows, of which one is asked.
import { MONO, begin, frame } from "./pen.js";
import { LINE, STRIP, caption, largest, strip } from "./paint_making.js";
import * as words from "./making_words.js";

/**
 * @import { Taken } from "./fingerprints.js"
 * @import { RowMaking } from "./row_making.js"
 * @import { Sheet } from "./paint_origin.js"
 *
 * @typedef {object} KeptRow
 * @property {"key" | "value"} part
 * @property {Float64Array} numbers
 * @property {Taken} taken
 * @property {number} written Step at which it was written.
 * @property {boolean} isGone Whether it was dropped, which is when its last fingerprint was taken.
 */

const THIN = 12;
const BETWEEN = 4;
const AIR = 12;
const ROOM_FOR_ALL = 360;
const HEIGHT = 4 * (LINE + THIN) + 2 * BETWEEN + AIR;
const MOST_LINE = 12;

/** @param {HTMLCanvasElement} canvas @param {Sheet} sheet @param {KeptRow[]} rows */
export function paintKept(canvas, { width, theme, palette, dpr }, rows) {
  const pen = begin(canvas, width, HEIGHT, dpr);
  let y = 0;
  for (const { part, numbers, taken, written, isGone } of rows) {
    const most = largest(numbers);
    const lines = /** @type {const} */ ([
      [words.writtenAt(part, written), taken.written, "", palette.computed, palette.computedText],
      [isGone ? words.LABELS.whenDropped : words.LABELS.atTheEnd, taken.final, taken.same ? "= " : "≠ ", palette.reused, palette.reusedText],
    ]);
    lines.forEach(([what, digits, sign, edge, ink], line) => {
      caption(pen, palette, what, "", palette.text, y, width);
      pen.textAlign = "right";
      pen.font = `600 12px ${MONO}`;
      pen.fillStyle = ink;
      pen.fillText(sign + (width < ROOM_FOR_ALL ? shortened(digits) : digits), width, y + LINE / 2);
      const box = { x: 0, y: y + LINE, w: width, h: THIN };
      // The numbers are those at the end; that they were these when they were written is known by the bits.
      if (line === 1 || taken.same) strip(pen, numbers, box, most, theme);
      frame(pen, box, 1.5, edge, dpr);
      y += LINE + THIN + (line === 0 ? BETWEEN : AIR);
    });
  }
}

/**
 * @param {HTMLCanvasElement} canvas @param {Sheet} sheet
 * @param {Float64Array[]} earlier Queries of the rows before. @param {RowMaking} making
 */
export function paintQueries(canvas, { width, theme, palette, dpr }, earlier, { query }) {
  const pen = begin(canvas, width, HEIGHT, dpr);
  const room = HEIGHT - 2 * LINE - STRIP - 6;
  const line = Math.min(MOST_LINE, Math.max(1, Math.floor((2 * room) / Math.max(1, earlier.length)) / 2));
  const shown = earlier.slice(-Math.floor(room / line));
  caption(pen, palette, words.earlierQueries(earlier.length, shown.length), "", palette.text, 0, width);
  const most = Math.max(...shown.map(largest), 1e-12);
  const cell = width / query.length;
  shown.forEach((numbers, row) => {
    const y = LINE + row * line;
    pen.fillStyle = palette.muted;
    numbers.forEach((number, i) => {
      pen.globalAlpha = 0.06 + 0.6 * (Math.abs(number) / most);
      pen.fillRect(i * cell, y, cell - (cell > 4 ? 0.5 : 0), Math.max(line - (line >= 3 ? 1 : 0), 0.75));
    });
  });
  pen.globalAlpha = 1;
  const y = LINE + shown.length * line + 4;
  caption(pen, palette, words.LABELS.askedNow, "", palette.text, y, width);
  strip(pen, query, { x: 0, y: y + LINE, w: width, h: STRIP }, largest(query), theme);
  frame(pen, { x: 0, y: y + LINE, w: width, h: STRIP }, 1.5, palette.computed, dpr);
}

/** @param {string} digits @returns {string} */
function shortened(digits) {
  return `${digits.slice(0, 4)} … ${digits.slice(-4)}`;
}
