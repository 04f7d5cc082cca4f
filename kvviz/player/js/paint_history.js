// Draws the lives of the rows: down the rows, across the steps. What is past is in full colour, the
// step in view is framed, and what is to come is pale.
import { glyphs } from "./format.js";
import { LIFE_STATES } from "./lives.js";
import { REST, rowWritten } from "./motion.js";
import { isNamed, rowNames } from "./names.js";
import { MONO, begin, cross, dotted, textWithin } from "./pen.js";

/**
 * @import { RunCache } from "./buffer.js"
 * @import { Palette } from "./colour.js"
 * @import { HistoryGeometry } from "./history_layout.js"
 * @import { Box } from "./layout.js"
 * @import { Lives, LifeState } from "./lives.js"
 * @import { Spot } from "./state.js"
 *
 * @typedef {object} LifeView One run's lives.
 * @property {RunCache} cache
 * @property {Lives} own
 * @property {Lives | null} cross
 *
 * @typedef {object} HistoryView
 * @property {(row: number, ofInput: boolean) => string} text Of the token whose row it is, of the run's own or of the encoder's.
 * @property {HistoryGeometry} history
 * @property {LifeView[]} runs
 * @property {number} step
 * @property {Spot | null} spot
 * @property {Palette} palette
 * @property {number} dpr
 * @property {import("./motion.js").Moment} moment What of the step has been seen happening.
 */

const PALE = 0.26;
const LENS_CELLS = 9;
const LENS_PITCH = 13;
/** Least size of a letter. */
const SMALL = 11;
/** Between the numbers of two steps. */
const STEPS_APART = 5;

/**
 * How each state looks: colour and shape both tell which. What is not there yet is left empty.
 * @type {Record<LifeState, ((pen: CanvasRenderingContext2D, box: Box, palette: Palette) => void) | null>}
 */
const LOOKS = {
  absent: null,
  computed(pen, { x, y, w, h }, palette) {
    pen.fillStyle = palette.computed;
    pen.fillRect(x, y, w, h);
  },
  read(pen, { x, y, w, h }, palette) {
    pen.strokeStyle = palette.reused;
    pen.lineWidth = 1;
    pen.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
  },
  shared(pen, { x, y, w, h }, palette) {
    pen.fillStyle = palette.reused;
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x + w, y);
    pen.lineTo(x, y + h);
    pen.closePath();
    pen.fill();
    pen.strokeStyle = palette.reused;
    pen.lineWidth = 1;
    pen.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
  },
  packed(pen, { x, y, w, h }, palette) {
    pen.strokeStyle = palette.reused;
    pen.lineWidth = 1;
    pen.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
    // A grid inside: the row is there, told by fewer marks.
    pen.fillStyle = palette.reused;
    const n = Math.max(1, Math.min(3, Math.floor((Math.min(w, h) - 3) / 2)));
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) pen.fillRect(x + ((i + 1) * w) / (n + 1) - 0.5, y + ((j + 1) * h) / (n + 1) - 0.5, 1, 1);
    }
  },
  taken(pen, { x, y, w, h }, palette) {
    pen.strokeStyle = palette.computed;
    pen.lineWidth = 1;
    pen.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
    pen.beginPath();
    for (const part of [0.5, 1, 1.5]) {
      pen.moveTo(x + Math.min(1, part) * w, y + Math.max(0, part - 1) * h);
      pen.lineTo(x + Math.max(0, part - 1) * w, y + Math.min(1, part) * h);
    }
    pen.stroke();
  },
  evicted(pen, box, palette) {
    const { x, y, w, h } = box;
    if (Math.min(w, h) >= 8) dotted(pen, box, palette.evicted);
    cross(pen, x + w / 2, y + h / 2, Math.min(3, Math.min(w, h) / 2 - 1), palette.evicted);
  },
};

/** @param {HTMLCanvasElement} canvas @param {HistoryView} view */
export function paintHistory(canvas, view) {
  const { history, runs, dpr } = view;
  const pen = begin(canvas, history.w, history.h, dpr);
  paintLabels(pen, view);
  runs.forEach((run, i) => {
    const parts = /** @type {[Lives, Box][]} */ ([[run.own, history.grids[i]], ...(run.cross ? [[run.cross, history.crossGrids[i]]] : [])]);
    for (const [lives, box] of parts) (history.cells ? paintCells : paintPixels)(pen, view, lives, box);
    const top = history.crossGrids[i] ?? history.grids[i];
    paintSteps(pen, view, top);
    const own = history.grids[i];
    const isApart = own.y > top.y + top.h + 2 * history.rowPitch;
    if (isApart) {
      frameStep(pen, view, top, top, true);
      frameStep(pen, view, own, own, false);
    } else frameStep(pen, view, top, own, false);
  });
  if (view.spot) paintSpot(pen, view, view.spot);
}

/** @param {CanvasRenderingContext2D} pen @param {HistoryView} view @param {Lives} lives @param {Box} box */
function paintCells(pen, { history, step, palette, moment }, lives, box) {
  const computed = lives.computed[step] - (lives.computed[step - 1] ?? 0);
  const there = lives.states.subarray(step * lives.n_rows, (step + 1) * lives.n_rows).filter(Boolean).length;
  let n_before = 0;
  for (let at = 0; at < lives.n_steps; at++) {
    for (let row = 0; row < lives.n_rows; row++) {
      const state = LIFE_STATES[lives.states[at * lives.n_rows + row]];
      pen.globalAlpha = at > step ? PALE : 1;
      if (at === step && moment !== REST) {
        // Written one after another, then read from the first on.
        const seen = state === "computed" || state === "taken" ? rowWritten(moment, n_before++, computed) : Number((row + 1) / there <= moment.swept);
        pen.globalAlpha = PALE + (1 - PALE) * seen;
      }
      LOOKS[state]?.(pen, cellBox(history, box, row, at), palette);
    }
  }
  pen.globalAlpha = 1;
}

/** @param {HistoryGeometry} history @param {Box} box @param {number} row @param {number} step @returns {Box} */
function cellBox({ rowPitch, columnPitch }, box, row, step) {
  const air = columnPitch >= 8 ? 2 : 1;
  return { x: box.x + step * columnPitch, y: box.y + row * rowPitch + 1, w: columnPitch - air, h: rowPitch - (rowPitch >= 8 ? 3 : 1) };
}

/** The picture of lives of small cells, of all steps: of each lives the one in the colours that were asked for last. */
const pictures = /** @type {WeakMap<Lives, { palette: Palette, picture: HTMLCanvasElement }>} */ (new WeakMap());

/**
 * Cells too small to be drawn one by one: one pixel each, in the colours alone. A lens shows the shapes.
 * @param {Lives} lives @param {Palette} palette @returns {HTMLCanvasElement}
 */
function pixelsOf(lives, palette) {
  const kept = pictures.get(lives);
  if (kept?.palette === palette) return kept.picture;
  const picture = document.createElement("canvas");
  picture.width = lives.n_steps;
  picture.height = lives.n_rows;
  const brush = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
  const colours = { absent: null, computed: palette.computed, read: palette.reusedWash, evicted: palette.evictedWash, shared: palette.reused, taken: palette.computedWash, packed: palette.reusedWash };
  for (let at = 0; at < lives.n_steps; at++) {
    for (let row = 0; row < lives.n_rows; ) {
      const state = lives.states[at * lives.n_rows + row];
      let end = row + 1;
      while (end < lives.n_rows && lives.states[at * lives.n_rows + end] === state) end++;
      const colour = colours[LIFE_STATES[state]];
      if (colour) {
        brush.fillStyle = colour;
        brush.fillRect(at, row, 1, end - row);
      }
      row = end;
    }
  }
  pictures.set(lives, { palette, picture });
  return picture;
}

/**
 * What is past in full colour, what is to come pale.
 * @param {CanvasRenderingContext2D} pen @param {HistoryView} view @param {Lives} lives @param {Box} box
 */
function paintPixels(pen, { step, palette }, lives, box) {
  const picture = pixelsOf(lives, palette);
  const past = step + 1;
  const cut = (box.w * past) / lives.n_steps;
  // Wide cells of colour alone stay sharp; where many fall into one pixel they are mixed.
  pen.imageSmoothingEnabled = box.w < lives.n_steps || box.h < lives.n_rows;
  pen.drawImage(picture, 0, 0, past, lives.n_rows, box.x, box.y, cut, box.h);
  if (past === lives.n_steps) return;
  pen.globalAlpha = PALE;
  pen.drawImage(picture, past, 0, lives.n_steps - past, lives.n_rows, box.x + cut, box.y, box.w - cut, box.h);
  pen.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} pen @param {HistoryView} view */
function paintLabels(pen, view) {
  const { history, runs } = view;
  if (!history.labels) return;
  const { own, cross } = runs[0];
  labelRows(pen, view, own, history.grids[0], false);
  if (cross) labelRows(pen, view, cross, history.crossGrids[0], true);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {HistoryView} view @param {Lives} lives @param {Box} box
 * @param {boolean} ofInput Whether the rows are the encoder's positions.
 */
function labelRows(pen, { history, text, step, spot, palette }, lives, box, ofInput) {
  const { labels, rowPitch } = history;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  const names = rowNames(rowPitch);
  const lit = spot && isOfInput(spot) === ofInput ? spot.row : -1;
  const there = lives.states.subarray(step * lives.n_rows, (step + 1) * lives.n_rows);
  const newest = there.filter((state) => LIFE_STATES[state] !== "absent").length - 1;
  const matter = lit >= 0 ? [lit] : ofInput ? [] : [newest];
  for (let row = 0; row < lives.n_rows; row++) {
    const state = LIFE_STATES[there[row]];
    // What is still to come is not told before its step.
    if (state === "absent" || !isNamed(row, rowPitch, names, matter)) continue;
    const isLit = row === lit;
    pen.font = `${isLit ? 700 : 400} ${names.size}px ${MONO}`;
    pen.fillStyle = isLit ? palette.text : { computed: palette.computedText, read: palette.reusedText, evicted: palette.evicted, shared: palette.reusedText, taken: palette.computedText, packed: palette.reusedText }[state];
    textWithin(pen, glyphs(text(row, ofInput)), labels - 8, box.y + (row + 0.5) * rowPitch, labels - 8);
  }
}

/** @param {Spot} spot @returns {boolean} Whether its row is one of the encoder's positions. */
function isOfInput(spot) {
  return spot.part.startsWith("cross-") && spot.part !== "cross-pattern";
}

/**
 * The numbers of the first, the current and the last step, where they have room.
 * @param {CanvasRenderingContext2D} pen @param {Pick<HistoryView, "history" | "step" | "runs" | "palette">} view @param {Box} box
 */
export function paintSteps(pen, { history, step, runs, palette }, box) {
  const last = runs[0].own.n_steps - 1;
  pen.textBaseline = "alphabetic";
  pen.textAlign = "left";
  // Above its column, and as far beside it as the picture goes.
  const write = (/** @type {number} */ at, /** @type {{ x: number, end: number } | null} */ beside) => {
    pen.font = `${at === step ? 700 : 400} ${SMALL}px ${palette.sans}`;
    pen.fillStyle = at === step ? palette.text : palette.muted;
    const { width } = pen.measureText(String(at));
    const middle = box.x + (at + 0.5) * history.columnPitch;
    const x = Math.max(0, Math.min(middle - width / 2, history.w - width));
    const hasRoom = !beside || x > beside.end + STEPS_APART || x + width < beside.x - STEPS_APART;
    if (hasRoom) pen.fillText(String(at), x, box.y - 5);
    return { x, end: x + width };
  };
  const now = write(step, null);
  for (const at of new Set([0, last])) if (at !== step) write(at, now);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {HistoryView} view @param {Box} top @param {Box} bottom
 * @param {boolean} ofInput Whether the frame ends with the rows of the second cache.
 */
function frameStep(pen, { history, step, runs, palette }, top, bottom, ofInput) {
  const w = Math.max(history.columnPitch, 3);
  const own = (ofInput && runs[0].cross) || runs[0].own;
  let n = 0;
  for (let row = 0; row < own.n_rows; row++) if (own.states[step * own.n_rows + row]) n = row + 1;
  const y = top.y - 1.5;
  pen.strokeStyle = palette.text;
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.roundRect(top.x + step * history.columnPitch - 1.5, y, w + (history.cells ? 1 : 0), bottom.y + n * history.rowPitch + 1 - y, 3);
  pen.stroke();
}

/** @param {CanvasRenderingContext2D} pen @param {HistoryView} view @param {Spot} spot */
function paintSpot(pen, view, spot) {
  const { history, runs, palette } = view;
  const inInput = isOfInput(spot);
  const boxes = inInput ? history.crossGrids : history.grids;
  const n_rows = inInput ? runs[0].cross?.n_rows ?? 0 : runs[0].own.n_rows;
  if (spot.row >= n_rows) return;
  pen.strokeStyle = palette.text;
  pen.lineWidth = 1;
  for (const box of boxes) {
    pen.strokeRect(box.x - 2.5, box.y + spot.row * history.rowPitch - 0.5, box.w + 4, Math.max(history.rowPitch, 3));
  }
  if (spot.part !== "life" && spot.part !== "cross-life") return;
  const life = runs.findIndex(({ cache }) => cache === spot.cache);
  if (life < 0 || spot.column === null) return;
  const lives = /** @type {Lives} */ (inInput ? runs[life].cross : runs[life].own);
  if (history.cells) {
    const cell = cellBox(history, boxes[life], spot.row, spot.column);
    pen.lineWidth = 2;
    pen.strokeRect(cell.x - 1, cell.y - 1, cell.w + 2, cell.h + 2);
  } else paintLens(pen, view, lives, boxes[life], spot.row, spot.column);
}

/**
 * The cells around the one pointed at, large enough for their shapes. It lies where rows are not there yet.
 * @param {CanvasRenderingContext2D} pen @param {HistoryView} view @param {Lives} lives @param {Box} box
 * @param {number} row @param {number} step
 */
function paintLens(pen, { palette }, lives, box, row, step) {
  const inside = (/** @type {number} */ at, /** @type {number} */ n) => Math.min(Math.max(0, at - (LENS_CELLS >> 1)), Math.max(0, n - LENS_CELLS));
  const [firstRow, firstStep] = [inside(row, lives.n_rows), inside(step, lives.n_steps)];
  const [rows, steps] = [Math.min(LENS_CELLS, lives.n_rows), Math.min(LENS_CELLS, lives.n_steps)];
  const lens = { x: box.x, y: box.y + box.h - rows * LENS_PITCH - 6, w: steps * LENS_PITCH + 6, h: rows * LENS_PITCH + 6 };
  // Not over what is pointed at.
  if (row / lives.n_rows > 0.5 && step / lives.n_steps < 0.5) lens.x = box.x + box.w - lens.w;
  pen.fillStyle = palette.card;
  pen.strokeStyle = palette.text;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.roundRect(lens.x + 0.5, lens.y + 0.5, lens.w - 1, lens.h - 1, 4);
  pen.fill();
  pen.stroke();
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < steps; j++) {
      const cell = { x: lens.x + 4 + j * LENS_PITCH, y: lens.y + 4 + i * LENS_PITCH, w: LENS_PITCH - 3, h: LENS_PITCH - 3 };
      LOOKS[LIFE_STATES[lives.states[(firstStep + j) * lives.n_rows + firstRow + i]]]?.(pen, cell, palette);
      if (firstRow + i !== row || firstStep + j !== step) continue;
      pen.strokeStyle = palette.text;
      pen.lineWidth = 2;
      pen.strokeRect(cell.x - 1, cell.y - 1, cell.w + 2, cell.h + 2);
    }
  }
}
