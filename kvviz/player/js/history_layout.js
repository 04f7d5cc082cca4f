// Where the lives of the rows stand, down the rows and across the steps: pure geometry in CSS pixels, and its inverse.
import { MIN_ROW_PITCH } from "./pictures_layout.js";

/**
 * @import { Box, LayoutInput } from "./layout.js"
 *
 * @typedef {{ life: number, cross: boolean, row: number, step: number }} HistoryHit
 *
 * @typedef {object} HistoryGeometry The lives of the rows: down the rows, across the steps.
 * @property {number} w
 * @property {number} h
 * @property {Box[]} grids One for each run on show.
 * @property {Box[]} crossGrids Above them those of the second cache; none where there is no such.
 * @property {number} rowPitch
 * @property {number} columnPitch
 * @property {boolean} cells Whether cells are large enough to be drawn one by one.
 * @property {number} labels Width left of the first life where the rows' tokens stand; 0 where they have no room.
 */

/** Room for the tokens of the rows, left of their lives. */
export const TOKENS = 84;
/** Between two lives. */
export const LIFE_GAP = 24;
const MAX_COLUMN_PITCH = 16;
const MIN_COLUMN_PITCH = 4;
/** Rows of lives that stand by themselves. */
const MAX_LIFE_PITCH = 14;
const LIFE_HEIGHT = 230;
/** Room above lives that stand by themselves. */
export const LIFE_TOP = 58;
/** Rows of lives that are a page's own picture, their greatest width, and the room for the steps' numbers above. */
const ONE_LIFE_HEIGHT = 520;
const ONE_LIFE = 420;
const STEPS_TOP = 20;
/** Between the rows of two caches. */
const PARTING = 8;

/**
 * Lives that stand by themselves, above what else there is.
 * @param {LayoutInput} input @param {number} width @returns {HistoryGeometry}
 */
export function aloneHistory(input, width) {
  const n_lives = input.both ? 2 : 1;
  const { row, labels } = lifeRows(input, LIFE_HEIGHT, Math.round(width * 0.2));
  const column = lifeColumn(input.n_steps, Math.min(320, (width - labels - (n_lives - 1) * LIFE_GAP) / n_lives));
  return historyGeometry(input, { column, row, top: LIFE_TOP, foot: 0, labels });
}

/**
 * One run's lives on a canvas of their own, without a title above them.
 * @param {{ n_rows: number, n_steps: number }} run @param {number} width
 * @param {number} n_lines Rows that must have room: those of the longer of two runs that stand side by side.
 * @param {number} [first] The line in which row 0 stands. @returns {HistoryGeometry}
 */
export function lifeGeometry({ n_rows, n_steps }, width, n_lines, first = 0) {
  const { row, labels } = lifeRows({ n_rows: n_lines }, ONE_LIFE_HEIGHT, Math.round(width * 0.24));
  const column = lifeColumn(n_steps, Math.min(ONE_LIFE, width - labels - 4));
  const input = { both: false, n_rows, n_steps };
  return historyGeometry(input, { column, row, top: STEPS_TOP + first * row, foot: STEPS_TOP + n_lines * row + 2, labels });
}

/** @param {number} n_steps @param {number} room @returns {number} Width of a step: whole pixels where it is a cell. */
export function lifeColumn(n_steps, room) {
  const column = Math.min(MAX_COLUMN_PITCH, room / n_steps);
  return column >= MIN_COLUMN_PITCH ? Math.floor(column) : column;
}

/**
 * Rows as high as a height allows, and the width for their tokens where these can be read.
 * @param {Pick<LayoutInput, "n_rows" | "n_encoder">} input @param {number} height @param {number} [most]
 */
export function lifeRows({ n_rows, n_encoder = 0 }, height, most = TOKENS) {
  const room = Math.min(MAX_LIFE_PITCH, (height - PARTING) / (n_rows + n_encoder));
  const row = room >= MIN_COLUMN_PITCH ? Math.floor(room) : room;
  return { row, labels: row >= MIN_ROW_PITCH ? Math.min(TOKENS, most) : 0 };
}

/**
 * @param {Pick<LayoutInput, "both" | "n_rows" | "n_steps" | "n_encoder">} input
 * @param {{ column: number, row: number, top: number, own?: number, foot: number, labels: number, least?: number }} at
 *   Pitches, where the rows begin, and the run's own below those of a second cache, the whole height if it is given from outside, the width for the
 *   tokens, and the least room of a life.
 * @returns {HistoryGeometry}
 */
export function historyGeometry({ both, n_rows, n_steps, n_encoder = 0 }, { column, row, top, own = top + (n_encoder ? n_encoder * row + PARTING : 0), foot, labels, least = 0 }) {
  const w = column * n_steps;
  const at = (/** @type {number} */ i) => labels + i * (Math.max(w, least) + LIFE_GAP);
  const each = both ? [0, 1] : [0];
  return {
    w: at(each.length) - LIFE_GAP,
    h: Math.max(foot, own + n_rows * row + 2),
    grids: each.map((i) => ({ x: at(i), y: own, w, h: n_rows * row })),
    crossGrids: n_encoder ? each.map((i) => ({ x: at(i), y: top, w, h: n_encoder * row })) : [],
    rowPitch: row,
    columnPitch: column,
    cells: row >= MIN_COLUMN_PITCH && column >= MIN_COLUMN_PITCH,
    labels,
  };
}

/**
 * What lies under a point of the lives: which of them, which row and which step.
 * @param {HistoryGeometry} history @param {number} x @param {number} y @returns {HistoryHit | null}
 */
export function hitHistory({ grids, crossGrids, rowPitch, columnPitch }, x, y) {
  for (const [boxes, cross] of /** @type {const} */ ([[crossGrids, true], [grids, false]])) {
    const life = boxes.findIndex((box) => x >= box.x && x < box.x + box.w && y >= box.y && y < box.y + box.h);
    if (life < 0) continue;
    const box = boxes[life];
    return { life, cross, row: Math.floor((y - box.y) / rowPitch), step: Math.floor((x - box.x) / columnPitch) };
  }
  return null;
}
