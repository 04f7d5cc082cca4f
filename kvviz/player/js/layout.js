// Where everything stands for a given width: pure geometry in CSS pixels. What stands in each picture is in
// history_layout.js and pictures_layout.js.
import { headsGeometry } from "./heads_layout.js";
import { LIFE_GAP, LIFE_TOP, TOKENS, aloneHistory, historyGeometry, lifeColumn, lifeRows } from "./history_layout.js";
import {
  FOOT, MAX_GRID, MAX_LARGE_BAND_PITCH, MAX_ROW_PITCH, MIN_CELL_PITCH, MIN_ROW_PITCH, PROFILE, PROFILE_GAP, SCALE, SLANT,
  crossGeometry, heatGeometry, kvGeometry,
} from "./pictures_layout.js";

/**
 * @import { HeadsGeometry } from "./heads_layout.js"
 * @import { HistoryGeometry } from "./history_layout.js"
 * @import { CrossHeatGeometry, HeatGeometry, KvGeometry } from "./pictures_layout.js"
 *
 * @typedef {{ x: number, y: number, w: number, h: number }} Box
 * @typedef {"wide" | "medium" | "narrow"} Mode
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
 * @property {boolean} [alone] Whether next tokens and bill are not on the screen with the pictures.
 * @property {number} [n_encoder] Positions that an encoder read.
 */

/** Between the parts of a panel. */
const GAP = 24;
/** Width from which the pattern's title has room for the lists of layers and heads; outside the bands also for where it comes from. */
const PICKER_WIDTH = 300;
const PICKER_AND_TAG_WIDTH = 390;
/** What stands above and below the rows of the bands in a window: title, toolbar, next tokens, bill. */
const AROUND_BANDS = 576;
/** The same where neither next tokens nor bill are on the screen: rows are then high enough for letters that a class can read. */
const AROUND_BANDS_ALONE = 400;
const USUAL_HEIGHT = 900;
const MAX_BAND_PITCH = 24;
/** As wide as what is inside the player is on a large screen, where all is larger. */
const LARGE = 1200;
const MAX_LARGE_GRID = 900;
const MAX_KV = 520;
const MAX_LARGE_KV = 640;
const LARGE_LIFE = 256;
const LARGE_LIFE_OF_TWO = 190;
/** The widest life, alone and as one of two. */
const LIFE = 200;
const LIFE_OF_TWO = 144;
/** Room of a life in a band, however few its steps: its title and its count stand above it. */
const LEAST_LIFE = 126;
/** Rows of lives that stand beside the pictures of two caches. */
const TWO_CACHES_HEIGHT = 560;
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
const MOST_SIDE = 480;
/** The same beside two lives in a player that is not large: their remarks then take more lines, and less lies between the parts. */
const LEAST_SLIM_SIDE = 190;
const SLIM_SIDE_HEIGHT = 371;
const SLIM_GAP = 17;
const SLIM_KV = 250;
const SIDE_GAP = 24;
/** How many times as high as wide a cell of the second cache's pattern may be, where there is room. */
const MAX_TALL = 1.6;
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
  const gap = GAP;
  const two = bands && input.n_encoder ? twoCachesPanel(input, input.n_encoder, content) : null;
  if (two) return { mode, pad, content, besides, bands, ...two, heads: headsGeometry(input, content) };
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
  const high = Math.floor(((input.height ?? USUAL_HEIGHT) - (input.alone ? AROUND_BANDS_ALONE : AROUND_BANDS)) / input.n_rows);
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
 * @param {LayoutInput} input @param {number} n_encoder @param {number} width
 * @returns {Pick<Layout, "gap" | "kv" | "heat" | "history" | "cross" | "twoBands"> | null} Null of a run too long for it.
 */
function twoCachesPanel(input, n_encoder, width) {
  const n_all = input.n_rows + n_encoder;
  const high = Math.floor(((input.height ?? USUAL_HEIGHT) - AROUND_TWO) / n_all);
  const n_lives = input.both ? 2 : 1;
  const hasLess = input.both && width < LARGE;
  const gap = hasLess ? SLIM_GAP : GAP;
  const column = lifeColumn(input.n_steps, hasLess ? LEAST_LIFE : input.both ? LIFE_OF_TWO : LIFE);
  const leastSide = hasLess ? LEAST_SLIM_SIDE : LEAST_SIDE;
  const left = TOKENS + n_lives * Math.max(column * input.n_steps, LEAST_LIFE) + (n_lives - 1) * LIFE_GAP + gap;
  const kvWidth = hasLess ? SLIM_KV : Math.max(LEAST_KV, Math.min(MAX_KV, Math.round((width - left) * 0.38)));
  const right = width - left - kvWidth - gap;
  const labels = 64;
  // No higher than leaves room beside the first cache's pattern, where there can be such.
  const beside = Math.floor((right - labels - 2 - SLANT - SIDE_GAP - leastSide) / input.n_rows);
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
  const sideHeight = side < LEAST_SIDE ? SLIM_SIDE_HEIGHT : SIDE_HEIGHT;
  const most = side < leastSide ? crossKv.h : Math.min(crossKv.h, all - TITLE - BLOCK_GAP - sideHeight);
  const tall = Math.floor((most - TWO_TOP - foot) / input.n_rows);
  const rowPitch = Math.min(Math.max(MAX_ROW_PITCH, MAX_TALL * columnPitch), Math.max(LEAST_TWO_PITCH, tall));
  const grid = { x: labels, y: TWO_TOP, w: columnPitch * n_encoder, h: rowPitch * input.n_rows };
  const crossHeat = {
    w: labels + grid.w + 2 + SLANT, h: TWO_TOP + grid.h + foot, grid, rowPitch, columnPitch, cells: true,
    rowLabels: { x: 0, y: TWO_TOP, w: labels - 6, h: grid.h },
    columnLabels: { x: labels, y: 0, w: grid.w, h: TWO_TOP - 6 },
    profile: { x: labels, y: TWO_TOP + grid.h + PROFILE_GAP, w: grid.w, h: PROFILE },
  };
  const isBeside = side >= leastSide && TITLE + crossHeat.h + BLOCK_GAP + sideHeight <= all;
  const own = crossKv.h + BANDS_APART + heat.grid.y;
  return {
    gap, kv, heat, cross: { kv: crossKv, heat: crossHeat }, twoBands: { side: isBeside ? Math.min(side, MOST_SIDE) : 0 },
    history: historyGeometry(input, { column, row, top: TWO_TOP, own, foot: 0, labels: TOKENS, least: LEAST_LIFE }),
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

/** @param {Layout} layout @returns {boolean} Whether next tokens and bill stand beside two caches with less room than they need to say all. */
export function isSlim({ twoBands }) {
  return twoBands !== null && twoBands.side > 0 && twoBands.side < LEAST_SIDE;
}

/** @param {Layout} layout @returns {boolean} Whether the lists of layers and heads stand in the pattern's title. */
export function hasPickerInTitle(layout) {
  return layout.besides && layout.heat.w >= (layout.bands ? PICKER_WIDTH : PICKER_AND_TAG_WIDTH);
}
