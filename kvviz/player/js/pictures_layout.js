// Where the cells of K and V and of the patterns stand on their canvases: pure geometry in CSS pixels, and its inverse.

/**
 * @import { Box, LayoutInput } from "./layout.js"
 *
 * @typedef {{ part: "keys" | "values" | "row" | "overview", row: number, column: number | null }} KvHit
 * @typedef {{ row: number, column: number }} HeatHit
 *
 * @typedef {object} KvGeometry The K and V grids on their own canvas.
 * @property {number} w
 * @property {number} h
 * @property {"rows" | "window"} mode Every row in full, or an overview beside a window of rows.
 * @property {number} top Where row 0, or the first row of the window, begins.
 * @property {number} pitch Height of one row and its gap.
 * @property {number} n_visible Rows shown in full.
 * @property {Box} marks Ring or dot and number of each row.
 * @property {Box} keys
 * @property {Box} values
 * @property {{ bar: Box, keys: Box, values: Box } | null} overview
 *
 * @typedef {object} HeatGeometry The attention pattern on its own canvas.
 * @property {number} w
 * @property {number} h
 * @property {Box} grid Square; row = query, column = key.
 * @property {number} pitch Height and width of one cell.
 * @property {boolean} cells Whether cells are large enough to be drawn one by one.
 * @property {Box} rowLabels
 * @property {Box} columnLabels
 * @property {Box} profile The current row again, as bars.
 * @property {Box | null} lens
 *
 * @typedef {object} CrossHeatGeometry The cross-attention pattern on its own canvas.
 * @property {number} w
 * @property {number} h
 * @property {Box} grid Row = decoder position, column = encoder position.
 * @property {number} rowPitch
 * @property {number} columnPitch
 * @property {boolean} cells Whether cells are large enough to be drawn one by one.
 * @property {Box} rowLabels
 * @property {Box} columnLabels
 * @property {Box} profile The current row again, as bars.
 */

export const MIN_ROW_PITCH = 10;
/** Cells smaller than this are drawn as one picture, without gaps. */
export const MIN_CELL_PITCH = 6;
/** A pattern is not drawn larger: it should stand on a screen together with its step. */
export const MAX_GRID = 560;
export const MAX_ROW_PITCH = 30;
export const MAX_LARGE_BAND_PITCH = 32;
const WINDOW_PITCH = 18;
const HEADER = 64;
export const PROFILE = 40;
export const PROFILE_GAP = 10;
const KV_GAP = 10;
export const FOOT = 4;
/** Room right of a pattern, where the slanting name of its last column runs out. */
export const SLANT = 24;
/** Room under K and V for the scale of their colours. */
export const SCALE = 34;

/**
 * @param {LayoutInput} input @param {number} width @param {number} labels
 * @param {number} [least] Room above the grid where its names need less.
 * @param {number} [most] Size of the grid. @param {number} [header] Room above cells, for their names. @returns {HeatGeometry}
 */
export function heatGeometry(input, width, labels, least = 26, most = MAX_GRID, header = HEADER) {
  const { n_rows } = input;
  const room = Math.min(width - labels - 2 - SLANT, most) / n_rows;
  // Whole pixels where rows carry text; halves below, where they would waste too much of the room.
  const whole = room >= MIN_ROW_PITCH ? Math.min(MAX_LARGE_BAND_PITCH, Math.floor(room)) : Math.floor(2 * room) / 2;
  const cells = whole >= MIN_CELL_PITCH;
  const left = cells ? labels : Math.min(labels, 40);
  const size = cells ? whole * n_rows : Math.min(MAX_GRID, Math.floor(width - left - 2));
  const pitch = size / n_rows;
  const top = cells ? header : least;
  const grid = { x: left, y: top, w: size, h: size };
  const half = Math.floor(size * 0.46);
  return {
    w: left + size + 2 + (cells ? SLANT : 0),
    h: top + size + PROFILE_GAP + PROFILE + FOOT,
    grid,
    pitch,
    cells,
    rowLabels: { x: 0, y: top, w: left - 6, h: size },
    columnLabels: { x: left, y: 0, w: size, h: top - 6 },
    profile: { x: left, y: top + size + PROFILE_GAP, w: size, h: PROFILE },
    lens: cells ? null : { x: left + size - half, y: top, w: half, h: half },
  };
}

/**
 * The second cache below the first: its K and V under the other's, its pattern under the other's.
 * @param {LayoutInput} input @param {number} n_encoder @param {number} width @param {number} gap
 * @param {boolean} besides @param {KvGeometry} kv @param {HeatGeometry} heat
 * @returns {{ kv: KvGeometry, heat: CrossHeatGeometry }}
 */
export function crossGeometry(input, n_encoder, width, gap, besides, kv, heat) {
  const labels = heat.grid.x;
  const room = (besides ? width - gap - kv.w : width) - labels - 2 - SLANT;
  const wide = Math.min(room, 1.4 * MAX_GRID) / n_encoder;
  const tall = Math.min(MAX_ROW_PITCH, Math.min(MAX_GRID, heat.grid.h) / input.n_rows);
  const cells = wide >= MIN_CELL_PITCH && tall >= MIN_CELL_PITCH;
  const columnPitch = cells ? Math.min(MAX_ROW_PITCH, Math.floor(wide)) : wide;
  const rowPitch = cells ? Math.floor(tall) : tall;
  const top = HEADER;
  const grid = { x: labels, y: top, w: columnPitch * n_encoder, h: rowPitch * input.n_rows };
  const foot = PROFILE_GAP + PROFILE + FOOT;
  // Rows of K and V as high as they are above, where that many have room.
  const free = n_encoder * 16 <= 640;
  const pitch = free ? Math.min(22, Math.max(16, Math.floor(400 / n_encoder))) : 0;
  const rows = { pitch, grid: { x: 0, y: besides ? top : 24, w: 0, h: free ? pitch * n_encoder : 22 * WINDOW_PITCH } };
  const beside = /** @type {HeatGeometry} */ ({ ...heat, ...rows, h: rows.grid.y + rows.grid.h + SCALE });
  return {
    kv: kvGeometry({ ...input, n_rows: n_encoder }, kv.w, beside),
    heat: {
      w: labels + grid.w + 2 + SLANT,
      h: top + grid.h + foot,
      grid, rowPitch, columnPitch, cells,
      rowLabels: { x: 0, y: top, w: labels - 6, h: grid.h },
      columnLabels: { x: labels, y: 0, w: grid.w, h: top - 6 },
      profile: { x: labels, y: top + grid.h + PROFILE_GAP, w: grid.w, h: PROFILE },
    },
  };
}

/**
 * @param {LayoutInput} input @param {number} width
 * @param {HeatGeometry | null} beside The heatmap whose rows these must meet, or none.
 * @param {number} [least] Height of such a row from which each is drawn.
 * @returns {KvGeometry}
 */
export function kvGeometry(input, width, beside, least = MIN_ROW_PITCH) {
  const { n_rows, d_head } = input;
  const free = beside ? beside.pitch >= least : n_rows * 16 <= 640;
  if (free) {
    const pitch = beside ? beside.pitch : Math.min(22, Math.max(16, Math.floor(400 / n_rows)));
    const top = beside ? beside.grid.y : 24;
    const marks = width < 220 ? 38 : 46;
    const { keys, values } = grids(marks, width, d_head, top, pitch * n_rows);
    return {
      w: width, h: beside ? beside.h : top + pitch * n_rows + SCALE, mode: "rows", top, pitch,
      n_visible: n_rows, marks: { x: 0, y: top, w: marks - 8, h: pitch * n_rows }, keys, values, overview: null,
    };
  }
  const top = beside ? beside.grid.y : 24;
  const height = beside ? beside.grid.h : 22 * WINDOW_PITCH;
  const n_visible = Math.min(n_rows, Math.max(6, Math.floor(height / WINDOW_PITCH)));
  const pitch = height / n_visible;
  const strip = width < 280 ? 16 : 26;
  const bar = { x: 0, y: top, w: 6, h: height };
  const overview = {
    bar,
    keys: { x: 9, y: top, w: strip, h: height },
    values: { x: 9 + strip + 2, y: top, w: strip, h: height },
  };
  const start = 9 + 2 * strip + 2 + (width < 280 ? 12 : 20);
  const marks = 52;
  const { keys, values } = grids(start + marks, width, d_head, top, height);
  return {
    w: width, h: beside ? beside.h : top + height + SCALE, mode: "window", top, pitch, n_visible,
    marks: { x: start, y: top, w: marks - 8, h: height }, keys, values, overview,
  };
}

/**
 * Two equal grids from `left` on, each a whole number of pixels a column where there is room.
 * @param {number} left @param {number} width @param {number} d_head @param {number} y @param {number} h
 */
function grids(left, width, d_head, y, h) {
  const room = Math.max(24, Math.floor((width - left - KV_GAP - 2) / 2));
  const w = room >= d_head ? Math.floor(room / d_head) * d_head : room;
  // Half pixels are whole on a HiDPI screen and are better than a third of the room left empty.
  const fine = room >= d_head && w < 0.92 * room ? Math.floor((2 * room) / d_head) * (d_head / 2) : w;
  return {
    keys: { x: left, y, w: fine, h },
    values: { x: left + fine + KV_GAP, y, w: fine, h },
  };
}

/**
 * The first row of the K/V window: centred on a row, inside the run.
 * @param {KvGeometry} kv @param {number} n_rows @param {number} row @returns {number}
 */
export function windowStart(kv, n_rows, row) {
  // The row stands low in the window: what came before it is what it looks at.
  const wanted = row - Math.floor(kv.n_visible * 0.72);
  return Math.min(Math.max(0, wanted), Math.max(0, n_rows - kv.n_visible));
}

/**
 * What lies under a point of the K/V canvas.
 * @param {KvGeometry} kv @param {number} n_rows @param {number} d_head @param {number} first
 * @param {number} x @param {number} y @returns {KvHit | null}
 */
export function hitKv(kv, n_rows, d_head, first, x, y) {
  if (kv.overview) {
    const { bar, values } = kv.overview;
    if (x >= bar.x && x < values.x + values.w && y >= bar.y && y < bar.y + bar.h) {
      return { part: "overview", row: Math.floor(((y - bar.y) / bar.h) * n_rows), column: null };
    }
  }
  const row = first + Math.floor((y - kv.top) / kv.pitch);
  if (y < kv.top || row >= Math.min(n_rows, first + kv.n_visible)) return null;
  for (const part of /** @type {const} */ (["keys", "values"])) {
    const box = kv[part];
    if (x >= box.x && x < box.x + box.w) {
      return { part, row, column: Math.floor(((x - box.x) / box.w) * d_head) };
    }
  }
  return x >= kv.marks.x && x < kv.values.x + kv.values.w ? { part: "row", row, column: null } : null;
}

/**
 * What lies under a point of the heatmap canvas: a cell, by the grid or by a label of its row.
 * @param {HeatGeometry} heat @param {number} n_rows @param {number} x @param {number} y
 * @returns {HeatHit | null}
 */
export function hitHeat(heat, n_rows, x, y) {
  const { grid, profile } = heat;
  const column = Math.floor(((x - grid.x) / grid.w) * n_rows);
  const row = Math.floor(((y - grid.y) / grid.h) * n_rows);
  const inside = column >= 0 && column < n_rows;
  if (inside && y >= profile.y && y < profile.y + profile.h) return { row: -1, column };
  if (!inside || row < 0 || row >= n_rows) return null;
  return { row, column };
}

/**
 * What lies under a point of the cross-attention pattern. Row -1 is the bars of the current row.
 * @param {CrossHeatGeometry} heat @param {number} n_rows @param {number} n_encoder
 * @param {number} x @param {number} y @returns {HeatHit | null}
 */
export function hitCrossHeat({ grid, profile }, n_rows, n_encoder, x, y) {
  const column = Math.floor(((x - grid.x) / grid.w) * n_encoder);
  const row = Math.floor(((y - grid.y) / grid.h) * n_rows);
  if (column < 0 || column >= n_encoder) return null;
  if (y >= profile.y && y < profile.y + profile.h) return { row: -1, column };
  return row < 0 || row >= n_rows ? null : { row, column };
}

/**
 * The cells a lens shows: a square around a cell, inside the run.
 * @param {number} n_rows @param {number} row @param {number} column @param {number} [count]
 * @returns {{ row: number, column: number, count: number }} Its first row and column, and its side.
 */
export function lensWindow(n_rows, row, column, count = 15) {
  const n = Math.min(count, n_rows);
  const inside = (/** @type {number} */ at) => Math.min(Math.max(0, at - Math.floor(n / 2)), n_rows - n);
  return { row: inside(row), column: inside(column), count: n };
}
