// Where everything stands for a given width: pure geometry in CSS pixels, and its inverse.
import { headsGeometry } from "./heads_layout.js";

/**
 * @import { HeadsGeometry } from "./heads_layout.js"
 *
 * @typedef {{ x: number, y: number, w: number, h: number }} Box
 * @typedef {"wide" | "medium" | "narrow"} Mode
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
 *
 * @typedef {object} Layout
 * @property {Mode} mode
 * @property {number} pad
 * @property {number} content Width inside the padding.
 * @property {boolean} besides Whether K/V and heatmap stand side by side.
 * @property {boolean} bands Whether the lives stand beside them too, so that a row is one line through all.
 * @property {number} gap Between the parts of a panel.
 * @property {HistoryGeometry} history
 * @property {KvGeometry} kv
 * @property {HeatGeometry} heat
 * @property {HeadsGeometry} heads
 * @property {{ kv: KvGeometry, heat: CrossHeatGeometry } | null} cross The second cache, where there is one.
 * @property {{ side: number } | null} twoBands Where the rows of both caches stand in line with their lives, the second cache's
 *   above: the width left for next tokens and bill beside them, 0 where they stand below.
 *
 * @typedef {object} LayoutInput
 * @property {number} width
 * @property {number} n_rows
 * @property {number} n_steps
 * @property {number} d_head
 * @property {number} n_layers
 * @property {number} n_heads
 * @property {number} [n_kv_heads] As many as heads if it is not told.
 * @property {boolean} both
 * @property {number} [height] Of the window; that of a small laptop's if nobody knows it.
 * @property {number} [n_encoder] Positions that an encoder read.
 */

const MIN_ROW_PITCH = 10;
/** Cells smaller than this are drawn as one picture, without gaps. */
const MIN_CELL_PITCH = 6;
/** Width from which the pattern's title has room for the lists of layers and heads. */
const PICKER_WIDTH = 300;
/** A pattern is not drawn larger: it should stand on a screen together with its step. */
const MAX_GRID = 560;
const MAX_ROW_PITCH = 30;
/** What stands above and below the rows of the bands in a window: title, toolbar, next tokens, bill. */
const AROUND_BANDS = 576;
const USUAL_HEIGHT = 900;
const MAX_BAND_PITCH = 24;
/** As wide as what is inside the player is on a large screen, where all is larger. */
const LARGE = 1200;
const MAX_LARGE_BAND_PITCH = 32;
const MAX_LARGE_GRID = 900;
const MAX_KV = 520;
const MAX_LARGE_KV = 640;
const LARGE_LIFE = 256;
const LARGE_LIFE_OF_TWO = 190;
const WINDOW_PITCH = 18;
const HEADER = 64;
const PROFILE = 40;
const PROFILE_GAP = 10;
const KV_GAP = 10;
const FOOT = 4;
/** Room right of a pattern, where the slanting name of its last column runs out. */
const SLANT = 24;
/** Room under K and V for the scale of their colours. */
const SCALE = 34;
/** Room for the tokens of the rows, left of their lives. */
const TOKENS = 84;
/** Between two lives. */
const LIFE_GAP = 24;
/** The widest life, alone and as one of two. */
const LIFE = 200;
const LIFE_OF_TWO = 144;
const MAX_COLUMN_PITCH = 16;
/** Room of a life in a band, however few its steps: its title and its count stand above it. */
const LEAST_LIFE = 126;
const MIN_COLUMN_PITCH = 4;
/** Rows of lives that stand by themselves. */
const MAX_LIFE_PITCH = 14;
const LIFE_HEIGHT = 230;
/** The same where they stand beside the pictures of two caches. */
const TWO_CACHES_HEIGHT = 560;
/** Room above lives that stand by themselves. */
const LIFE_TOP = 58;
/** Rows of lives that are a page's own picture, their greatest width, and the room for the steps' numbers above. */
const ONE_LIFE_HEIGHT = 520;
const ONE_LIFE = 420;
const STEPS_TOP = 20;
/** Between the rows of two caches. */
const PARTING = 8;
/** Two caches in line with their lives: what stands above and below them in a window, their rows, and how many they may be. */
const AROUND_TWO = 518;
const LEAST_TWO_PITCH = 9;
const MOST_TWO_ROWS = 64;
/** Height of a title over its picture, and between two such; player.css has the same. */
const TITLE = 32;
const BLOCK_GAP = 12;
/** From the end of the second cache's rows to where the first's begin, title included. */
export const BANDS_APART = BLOCK_GAP + TITLE;
/** Room above a pattern whose names are short. */
const SHORT_HEADER = 44;
/** Room above the second cache's rows, for the counts of their lives and the names of their columns. */
const TWO_TOP = 60;
/** Next tokens and bill below the second cache's pattern: their height, their width, and the way to the first's. */
const SIDE_HEIGHT = 352;
const LEAST_SIDE = 250;
const MOST_SIDE = 420;
const SIDE_GAP = 24;
/** Least width of K and V side by side: three pixels a number of a small head. */
const LEAST_KV = 248;

/** @param {LayoutInput} input @returns {Layout} */
export function layoutPlayer(input) {
  const width = Math.max(280, Math.floor(input.width));
  /** @type {Mode} */
  const mode = width >= 940 ? "wide" : width >= 600 ? "medium" : "narrow";
  const pad = mode === "wide" ? 22 : mode === "medium" ? 18 : 12;
  const content = width - 2 * pad;
  const besides = mode !== "narrow";
  const bands = mode === "wide";
  const gap = 24;
  const two = bands && input.n_encoder ? twoCachesPanel(input, input.n_encoder, content, gap) : null;
  if (two) return { mode, pad, content, besides, bands, gap, ...two, heads: headsGeometry(input, content) };
  const { kv, heat, history } = bands
    ? bandsPanel(input, content, gap)
    : { ...(besides ? besidesPanel(input, content, gap) : stackedPanel(input, content)), history: aloneHistory(input, content) };
  return {
    mode, pad, content, besides, bands, gap, kv, heat, history, twoBands: null,
    heads: headsGeometry(input, content),
    cross: input.n_encoder ? crossGeometry(input, input.n_encoder, bands ? content - history.w - gap : content, gap, besides, kv, heat) : null,
  };
}

/** @param {LayoutInput} input @param {number} content */
function stackedPanel(input, content) {
  return { kv: kvGeometry(input, content, null), heat: heatGeometry(input, content, 46) };
}

/**
 * Lives, K/V and pattern side by side: row 5 of all of them is one line.
 * @param {LayoutInput} input @param {number} width @param {number} gap
 */
function bandsPanel(input, width, gap) {
  const n_lives = input.both ? 2 : 1;
  const [one, ofTwo] = width >= LARGE ? [LARGE_LIFE, LARGE_LIFE_OF_TWO] : [LIFE, LIFE_OF_TWO];
  const column = lifeColumn(input.n_steps, input.both ? ofTwo : one);
  const lives = n_lives * Math.max(column * input.n_steps, LEAST_LIFE) + (n_lives - 1) * LIFE_GAP;
  const [mostPitch, mostGrid, mostKv] = width >= LARGE
    ? [MAX_LARGE_BAND_PITCH, MAX_LARGE_GRID, MAX_LARGE_KV]
    : [MAX_BAND_PITCH, MAX_GRID, MAX_KV];
  // As high as the window holds all rows of them together with what is above and below.
  const high = Math.floor(((input.height ?? USUAL_HEIGHT) - AROUND_BANDS) / input.n_rows);
  const most = Math.min(mostPitch, Math.max(MIN_ROW_PITCH, high));
  const room = width - TOKENS - lives - 2 * gap - LEAST_KV - 4 - 2 - SLANT;
  const pitch = Math.min(most, Math.floor(Math.min(room, mostGrid) / input.n_rows));
  if (input.n_encoder) {
    // The rows of two caches stand one below the other, beside the pictures of both.
    const history = historyGeometry(input, { ...lifeRows(input, TWO_CACHES_HEIGHT), column, top: LIFE_TOP, foot: 0, least: LEAST_LIFE });
    return { ...besidesPanel(input, width - history.w - gap, gap), history };
  }
  if (pitch >= MIN_ROW_PITCH) {
    const heat = heatGeometry(input, pitch * input.n_rows + 4 + 2 + SLANT, 4, 26, mostGrid);
    const kv = kvGeometry(input, Math.min(mostKv, width - TOKENS - lives - 2 * gap - heat.w), heat);
    return { kv, heat, history: historyGeometry(input, { column, row: pitch, top: heat.grid.y, foot: heat.h, labels: TOKENS, least: LEAST_LIFE }) };
  }
  const rest = width - lives - gap;
  const { kv, heat } = besidesPanel(input, rest, gap, LIFE_TOP);
  return { kv, heat, history: historyGeometry(input, { column, row: heat.pitch, top: heat.grid.y, foot: heat.h, labels: 0, least: LEAST_LIFE }) };
}

/**
 * Two caches in one band: a row of either, and its life, is one line; the second cache's stand above. Its
 * pattern has the decoder's rows too, and stands beside.
 * @param {LayoutInput} input @param {number} n_encoder @param {number} width @param {number} gap
 * @returns {Pick<Layout, "kv" | "heat" | "history" | "cross" | "twoBands"> | null} Null of a run too long for it.
 */
function twoCachesPanel(input, n_encoder, width, gap) {
  const n_all = input.n_rows + n_encoder;
  const high = Math.floor(((input.height ?? USUAL_HEIGHT) - AROUND_TWO) / n_all);
  const n_lives = input.both ? 2 : 1;
  const column = lifeColumn(input.n_steps, input.both ? LIFE_OF_TWO : LIFE);
  const left = TOKENS + n_lives * Math.max(column * input.n_steps, LEAST_LIFE) + (n_lives - 1) * LIFE_GAP + gap;
  const kvWidth = Math.max(LEAST_KV, Math.min(MAX_KV, Math.round((width - left) * 0.38)));
  const right = width - left - kvWidth - gap;
  const labels = 64;
  // No higher than leaves room beside the first cache's pattern, where there can be such.
  const beside = Math.floor((right - labels - 2 - SLANT - SIDE_GAP - LEAST_SIDE) / input.n_rows);
  const row = Math.min(MAX_BAND_PITCH, Math.max(LEAST_TWO_PITCH, high), beside < LEAST_TWO_PITCH ? Infinity : beside);
  const columnPitch = Math.min(MAX_ROW_PITCH, Math.floor((right - labels - 2 - SLANT) / n_encoder));
  if (n_all > MOST_TWO_ROWS || columnPitch < MIN_CELL_PITCH) return null;
  const heat = heatGeometry(input, row * input.n_rows + labels + 2 + SLANT, labels, 26, MAX_LARGE_GRID, SHORT_HEADER);
  const rows = (/** @type {number} */ n, /** @type {number} */ top) =>
    /** @type {HeatGeometry} */ ({ ...heat, grid: { x: 0, y: top, w: 0, h: row * n }, h: top + row * n + SCALE });
  const crossKv = kvGeometry({ ...input, n_rows: n_encoder }, kvWidth, rows(n_encoder, TWO_TOP), LEAST_TWO_PITCH);
  const kv = kvGeometry(input, kvWidth, rows(input.n_rows, heat.grid.y), LEAST_TWO_PITCH);
  const all = 2 * TITLE + crossKv.h + BLOCK_GAP + Math.max(kv.h, heat.h);
  // As high as the rows of the second cache, and as leaves room for what stands below it.
  const foot = PROFILE_GAP + PROFILE + FOOT;
  const side = right - heat.w - SIDE_GAP;
  const most = side < LEAST_SIDE ? crossKv.h : Math.min(crossKv.h, all - TITLE - BLOCK_GAP - SIDE_HEIGHT);
  const tall = Math.floor((most - TWO_TOP - foot) / input.n_rows);
  const rowPitch = Math.min(MAX_ROW_PITCH, Math.max(LEAST_TWO_PITCH, tall));
  const grid = { x: labels, y: TWO_TOP, w: columnPitch * n_encoder, h: rowPitch * input.n_rows };
  const crossHeat = {
    w: labels + grid.w + 2 + SLANT, h: TWO_TOP + grid.h + foot, grid, rowPitch, columnPitch, cells: true,
    rowLabels: { x: 0, y: TWO_TOP, w: labels - 6, h: grid.h },
    columnLabels: { x: labels, y: 0, w: grid.w, h: TWO_TOP - 6 },
    profile: { x: labels, y: TWO_TOP + grid.h + PROFILE_GAP, w: grid.w, h: PROFILE },
  };
  const isBeside = side >= LEAST_SIDE && TITLE + crossHeat.h + BLOCK_GAP + SIDE_HEIGHT <= all;
  const own = crossKv.h + BANDS_APART + heat.grid.y;
  return {
    kv, heat, cross: { kv: crossKv, heat: crossHeat }, twoBands: { side: isBeside ? Math.min(side, MOST_SIDE) : 0 },
    history: historyGeometry(input, { column, row, top: TWO_TOP, own, foot: 0, labels: TOKENS, least: LEAST_LIFE }),
  };
}

/** @param {number} n_steps @param {number} room @returns {number} Width of a step: whole pixels where it is a cell. */
function lifeColumn(n_steps, room) {
  const column = Math.min(MAX_COLUMN_PITCH, room / n_steps);
  return column >= MIN_COLUMN_PITCH ? Math.floor(column) : column;
}

/**
 * Lives that stand by themselves, above what else there is.
 * @param {LayoutInput} input @param {number} width @returns {HistoryGeometry}
 */
function aloneHistory(input, width) {
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

/**
 * Rows as high as a height allows, and the width for their tokens where these can be read.
 * @param {Pick<LayoutInput, "n_rows" | "n_encoder">} input @param {number} height @param {number} [most]
 */
function lifeRows({ n_rows, n_encoder = 0 }, height, most = TOKENS) {
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
function historyGeometry({ both, n_rows, n_steps, n_encoder = 0 }, { column, row, top, own = top + (n_encoder ? n_encoder * row + PARTING : 0), foot, labels, least = 0 }) {
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
 * The second cache below the first: its K and V under the other's, its pattern under the other's.
 * @param {LayoutInput} input @param {number} n_encoder @param {number} width @param {number} gap
 * @param {boolean} besides @param {KvGeometry} kv @param {HeatGeometry} heat
 * @returns {{ kv: KvGeometry, heat: CrossHeatGeometry }}
 */
function crossGeometry(input, n_encoder, width, gap, besides, kv, heat) {
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
 * K/V and heatmap side by side share their rows: row 5 of K, V and pattern is one line.
 * @param {LayoutInput} input @param {number} width @param {number} gap @param {number} [above]
 */
function besidesPanel(input, width, gap, above = 26) {
  const least = width >= 700 ? LEAST_KV + 44 : Math.max(196, Math.round(width * 0.4));
  const labels = 64;
  const room = width - least - gap;
  const pitch = Math.floor(Math.min(MAX_ROW_PITCH, Math.min(room - labels - SLANT, MAX_GRID) / input.n_rows));
  if (pitch >= MIN_ROW_PITCH) {
    const heat = heatGeometry(input, room, labels);
    const kvWidth = Math.min(520, width - gap - heat.w);
    return { heat, kv: kvGeometry(input, kvWidth, heat) };
  }
  const kvWidth = Math.max(Math.min(330, Math.round(width * 0.5)), Math.round(width * 0.44));
  const heat = heatGeometry(input, width - gap - kvWidth, 60, above);
  return { heat, kv: kvGeometry(input, Math.min(520, width - gap - heat.w), heat) };
}

/**
 * @param {LayoutInput} input @param {number} width @param {number} labels
 * @param {number} [least] Room above the grid where its names need less.
 * @param {number} [most] Size of the grid. @param {number} [header] Room above cells, for their names. @returns {HeatGeometry}
 */
function heatGeometry(input, width, labels, least = 26, most = MAX_GRID, header = HEADER) {
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
 * @param {LayoutInput} input @param {number} width
 * @param {HeatGeometry | null} beside The heatmap whose rows these must meet, or none.
 * @param {number} [least] Height of such a row from which each is drawn.
 * @returns {KvGeometry}
 */
function kvGeometry(input, width, beside, least = MIN_ROW_PITCH) {
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

/** @param {Layout} layout @returns {boolean} Whether the lists of layers and heads stand in the pattern's title. */
export function hasPickerInTitle(layout) {
  return layout.besides && layout.heat.w >= PICKER_WIDTH;
}

/**
 * @typedef {{ life: number, cross: boolean, row: number, step: number }} HistoryHit
 */

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
 * @typedef {{ part: "keys" | "values" | "row" | "overview", row: number, column: number | null }} KvHit
 * @typedef {{ row: number, column: number }} HeatHit
 */

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
