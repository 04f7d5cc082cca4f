// Draws the K and V grids: one row a position, framed and marked by what became of it at this step.
import { begin, cross, dot, dotted, frame } from "./pen.js";
import { sharedKvHead } from "./kv_heads.js";
import { kvPictures } from "./images.js";
import { keyInSweep, rowWritten, valueLeft } from "./motion.js";
import { attentionRow, rowState, rowStretches, tokenText } from "./run.js";
import { LABELS, sharedWidthLabel, widthLabel } from "./words.js";
import { divergingColour } from "./colour.js";
import { glyphs, signed } from "./format.js";

/**
 * @import { Payload, RunCache } from "./buffer.js"
 * @import { Palette, Theme } from "./colour.js"
 * @import { PictureStore, KvPictures } from "./images.js"
 * @import { Box } from "./layout.js"
 * @import { HeatGeometry, KvGeometry } from "./pictures_layout.js"
 * @import { RowState, StepFacts } from "./run.js"
 * @import { Spot } from "./state.js"
 *
 * @typedef {object} PanelView What one panel shows; everything that its picture depends on.
 * @property {Payload} payload
 * @property {StepFacts} facts
 * @property {number} layer
 * @property {number} head
 * @property {Theme} theme
 * @property {Palette} palette
 * @property {number} dpr
 * @property {KvGeometry} kv
 * @property {HeatGeometry} heat
 * @property {number} first First row of the K/V window.
 * @property {Spot | null} spot The cell or row pointed at or kept.
 * @property {number} parted First row whose token is another one in the run that is not drawn, or Infinity.
 * @property {import("./motion.js").Moment} moment What of the step has been seen happening.
 * @property {PictureStore} store
 */

/** Between the crosses of a row that is no longer there. */
const CROSSES_APART = 16;

/** @param {HTMLCanvasElement} canvas @param {PanelView} view */
export function paintKv(canvas, view) {
  const { kv, dpr, facts } = view;
  const pen = begin(canvas, kv.w, kv.h, dpr);
  const pictures = picturesOf(view);
  paintTitles(pen, view);
  if (kv.overview) paintOverview(pen, view, pictures);
  const last = Math.min(view.payload.header.n_rows, view.first + kv.n_visible);
  for (let row = view.first; row < last; row++) {
    const y = kv.top + (row - view.first) * kv.pitch;
    paintRow(pen, view, pictures, row, y, rowState(facts, row));
  }
  paintReading(pen, view, last);
  if (pictures) paintScales(pen, view, pictures);
  if (view.spot) paintSpot(pen, view, view.spot, last);
}

/** @param {PanelView} view @returns {KvPictures | null} */
export function picturesOf({ store, payload, facts, layer, head, theme }) {
  return store.get(`kv.${facts.cache}.${layer}.${head}.${theme}`, () =>
    kvPictures(payload, facts.cache, layer, head, theme),
  );
}

/** @param {CanvasRenderingContext2D} pen @param {PanelView} view */
function paintTitles(pen, { kv, palette, payload, head }) {
  const width = payload.header.model.d_head;
  const shared = sharedKvHead(payload, head);
  pen.textBaseline = "alphabetic";
  for (const [name, box] of /** @type {[string, Box][]} */ ([[LABELS.keys, kv.keys], [LABELS.values, kv.values]])) {
    pen.textAlign = "left";
    pen.font = `600 13px ${palette.sans}`;
    pen.fillStyle = palette.text;
    pen.fillText(name, box.x, box.y - 8);
    if (box.w < (shared === null ? 70 : 84)) continue;
    pen.textAlign = "right";
    pen.font = `12px ${palette.sans}`;
    pen.fillStyle = palette.muted;
    const label = shared === null ? widthLabel(width) : sharedWidthLabel(shared, width, box.w >= 150);
    pen.fillText(label, box.x + box.w, box.y - 8);
  }
}

/**
 * What the colours of K and of V mean: each has its own scale.
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view @param {KvPictures} pictures
 */
function paintScales(pen, { kv, palette, theme }, pictures) {
  const y = kv.top + kv.pitch * kv.n_visible + 10;
  for (const [box, edge] of /** @type {[Box, number][]} */ ([[kv.keys, pictures.keyEdge], [kv.values, pictures.valueEdge]])) {
    const { w } = box;
    const gradient = pen.createLinearGradient(box.x, 0, box.x + w, 0);
    for (let i = 0; i <= 8; i++) gradient.addColorStop(i / 8, divergingColour(theme, i / 4 - 1));
    pen.fillStyle = gradient;
    pen.fillRect(box.x, y, w, 6);
    pen.font = `12px ${palette.sans}`;
    pen.fillStyle = palette.muted;
    pen.textBaseline = "top";
    if (w < 84) {
      pen.textAlign = "center";
      pen.fillText(`± ${signed(edge)}`, box.x + w / 2, y + 9);
      continue;
    }
    pen.textAlign = "left";
    pen.fillText(signed(-edge), box.x, y + 9);
    pen.textAlign = "right";
    pen.fillText(signed(edge), box.x + w, y + 9);
    pen.textAlign = "center";
    pen.fillText("0", box.x + w / 2, y + 9);
  }
}

/**
 * What the newest token's query reads just now: key after key, then every value by its weight.
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view @param {number} last
 */
function paintReading(pen, { kv, facts, moment, palette, payload, layer, head, first, dpr }, last) {
  const yOf = (/** @type {number} */ row) => kv.top + (row - first) * kv.pitch;
  const key = keyInSweep(moment, facts.n_rows);
  if (key !== null && key >= first && key < last && rowState(facts, key) !== "evicted") {
    frame(pen, { x: kv.keys.x - 3, y: yOf(key) - 1, w: kv.keys.w + 6, h: kv.pitch + 2 }, 2, palette.text, dpr);
  }
  const weights = moment.mixing > 0 ? attentionRow(payload, facts.cache, layer, head, facts.n_rows - 1) : null;
  if (!weights) return;
  const most = Math.max(1, ...weights);
  pen.fillStyle = palette.card;
  for (let row = first; row < Math.min(last, facts.n_rows); row++) {
    if (rowState(facts, row) === "evicted") continue;
    pen.globalAlpha = 0.9 * (1 - valueLeft(moment, weights[row], most));
    pen.fillRect(kv.values.x - 2, yOf(row), kv.values.w + 4, kv.pitch);
  }
  pen.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view @param {KvPictures | null} pictures
 * @param {number} row @param {number} y @param {RowState} state
 */
function paintRow(pen, view, pictures, row, y, state) {
  const { kv, palette, dpr, payload } = view;
  const snap = (/** @type {number} */ v) => Math.round(v * dpr) / dpr;
  const gap = kv.pitch >= 14 ? 4 : 3;
  const top = snap(y + gap / 2 - 0.5);
  const height = snap(y + kv.pitch - gap / 2 - 0.5) - top;
  for (const part of /** @type {const} */ (["keys", "values"])) {
    const box = { x: kv[part].x, y: top, w: kv[part].w, h: height };
    if (state === "absent") {
      pen.strokeStyle = palette.slot;
      pen.lineWidth = 1;
      pen.setLineDash([2, 3]);
      pen.strokeRect(box.x + 0.5, box.y + 0.5, box.w - 1, box.h - 1);
      pen.setLineDash([]);
      continue;
    }
    if (state === "evicted") {
      paintGone(pen, box, palette);
      continue;
    }
    const { n_rows, n_computed } = view.facts;
    const written = state === "computed" ? rowWritten(view.moment, row - (n_rows - n_computed), n_computed) : 1;
    if (!pictures || written < 1) {
      pen.fillStyle = palette.well;
      pen.fillRect(box.x, box.y, box.w, box.h);
    }
    pen.imageSmoothingEnabled = false;
    // Number by number, so that what stands there is never a stretched part of one.
    const n_written = Math.floor(written * payload.header.model.d_head);
    const w = (box.w * n_written) / payload.header.model.d_head;
    if (pictures && n_written) pen.drawImage(pictures[part], 0, row, n_written, 1, box.x, box.y, w, box.h);
    if (written === 0) continue;
    if (state === "reused") frame(pen, { x: box.x - 1, y: box.y - 1, w: box.w + 2, h: box.h + 2 }, 1, palette.reused, dpr);
    else {
      if (view.moment.glow > 0) {
        pen.globalAlpha = 0.75 * view.moment.glow;
        pen.fillStyle = palette.computed;
        pen.fillRect(box.x, box.y, w, box.h);
        pen.globalAlpha = 1;
      }
      // Where rows lie close, their frames must not run into each other.
      const out = kv.pitch >= 12 ? 2 : 1;
      const around = { x: box.x - out, y: box.y - out, w: box.w + 2 * out, h: box.h + 2 * out };
      frame(pen, around, kv.pitch >= 16 ? 2 : 1.5, palette.computed, dpr);
    }
  }
  paintMark(pen, view, row, top + height / 2, state);
}

/**
 * The place of a row that is no longer there: no number of it is drawn.
 * @param {CanvasRenderingContext2D} pen @param {Box} box @param {Palette} palette
 */
function paintGone(pen, box, palette) {
  dotted(pen, box, palette.evicted);
  const size = Math.min(3, box.h / 2 - 1.5);
  const n = Math.max(1, Math.floor(box.w / CROSSES_APART));
  for (let i = 0; size > 0.5 && i < n; i++) cross(pen, box.x + (box.w * (i + 0.5)) / n, box.y + box.h / 2, size, palette.evicted);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view @param {number} row
 * @param {number} y Middle of the row. @param {RowState} state
 */
function paintMark(pen, view, row, y, state) {
  const { kv, palette } = view;
  const colour = { computed: palette.computedText, reused: palette.reusedText, evicted: palette.evictedText, absent: palette.muted }[state];
  const x = kv.marks.x + 5;
  if (state === "absent") {
    pen.fillStyle = palette.slot;
    pen.fillRect(x - 2, y - 0.5, 4, 1);
  } else if (state === "evicted") cross(pen, x, y, Math.min(3, kv.pitch * 0.25), palette.evicted);
  else dot(pen, x, y, Math.min(4, kv.pitch * 0.32), state === "computed" ? palette.computed : palette.reused, state === "computed");
  // Of a row whose token is another one without the cache.
  if (state !== "absent" && row >= view.parted) {
    pen.font = `600 12px ${palette.sans}`;
    pen.fillStyle = palette.text;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText("≠", x + 9, y + 0.5);
  }
  // Too dense for a number a row: every other one, so that figures do not touch.
  const every = kv.pitch >= 12.5 ? 1 : 2;
  const away = Math.abs(row - (view.facts.n_rows - 1));
  const near = view.spot?.row === row || away === 0;
  if (!near && (row % every !== 0 || (every > 1 && away * kv.pitch < 13))) return;
  pen.font = `${state === "computed" ? 600 : 400} 12px ${palette.sans}`;
  pen.fillStyle = colour;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.fillText(String(row), kv.marks.x + kv.marks.w, y + 0.5);
}

/**
 * All rows at a glance: a bar of states, K and V shrunk, and a frame around the rows in the window.
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view @param {KvPictures | null} pictures
 */
function paintOverview(pen, view, pictures) {
  const { kv, palette, facts, payload, dpr } = view;
  const { bar, keys, values } = /** @type {NonNullable<KvGeometry["overview"]>} */ (kv.overview);
  const { n_rows } = payload.header;
  const yOf = (/** @type {number} */ row) => bar.y + (row / n_rows) * bar.h;
  pen.fillStyle = palette.well;
  pen.fillRect(bar.x, bar.y, values.x + values.w - bar.x, bar.h);
  for (const { state, first, end } of rowStretches(facts)) {
    const h = yOf(end) - yOf(first);
    pen.fillStyle = state === "evicted" ? palette.evicted : palette.reused;
    if (state !== "computed") pen.fillRect(bar.x + 1, yOf(first), bar.w - 3, h);
    if (!pictures || state === "evicted") continue;
    pen.imageSmoothingEnabled = true;
    for (const [picture, box] of /** @type {const} */ ([[pictures.keys, keys], [pictures.values, values]])) {
      pen.drawImage(picture, 0, first, payload.header.model.d_head, end - first, box.x, yOf(first), box.w, h);
    }
  }
  // One row of a thousand is less than a pixel; what was computed must be seen all the same.
  const from = Math.min(yOf(facts.n_rows - facts.n_computed), yOf(facts.n_rows) - 2);
  pen.fillStyle = palette.computed;
  if (facts.n_computed > 0) pen.fillRect(bar.x, from, bar.w, yOf(facts.n_rows) - from);
  if (facts.n_computed > 0 && facts.n_computed <= 2) pen.fillRect(bar.x, from, values.x + values.w - bar.x, yOf(facts.n_rows) - from);
  const upper = yOf(view.first);
  const lower = yOf(Math.min(n_rows, view.first + kv.n_visible));
  const right = values.x + values.w;
  frame(pen, { x: keys.x - 1, y: upper - 1, w: right - keys.x + 2, h: Math.max(4, lower - upper + 2) }, 1, palette.text, dpr);
  pen.strokeStyle = palette.slot;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(right + 1, upper);
  pen.lineTo(kv.marks.x - 4, kv.top + 1);
  pen.moveTo(right + 1, lower);
  pen.lineTo(kv.marks.x - 4, kv.top + kv.n_visible * kv.pitch - 1);
  pen.stroke();
}

/**
 * Frames the row pointed at. In the pattern that is the column's: its key and its value are what the
 * token of the row reads.
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view @param {Spot} spot @param {number} last
 */
function paintSpot(pen, view, spot, last) {
  const { kv, palette, dpr } = view;
  const read = spot.part === "pattern" ? spot.column : spot.row;
  const yOf = (/** @type {number} */ row) => kv.top + (row - view.first) * kv.pitch;
  const inSight = (/** @type {number | null} */ row) => row !== null && row >= view.first && row < last;
  if (inSight(spot.row)) {
    frame(pen, { x: kv.marks.x - 2, y: yOf(spot.row), w: kv.marks.w + 5, h: kv.pitch }, 1, palette.text, dpr);
  }
  if (read === null || !inSight(read)) return;
  const right = kv.values.x + kv.values.w;
  frame(pen, { x: kv.keys.x - 3, y: yOf(read) - 1, w: right - kv.keys.x + 6, h: kv.pitch + 2 }, 1, palette.text, dpr);
  paintColumn(pen, view, yOf(read));
}

/** @param {CanvasRenderingContext2D} pen @param {PanelView} view @param {number} y */
function paintColumn(pen, { kv, spot, palette, payload, dpr, facts }, y) {
  if (!spot || spot.column === null || (spot.part !== "keys" && spot.part !== "values")) return;
  if (spot.row >= facts.n_rows) return;
  const box = kv[spot.part];
  const cell = box.w / payload.header.model.d_head;
  const w = Math.max(4, cell + 2);
  const x = box.x + (spot.column + 0.5) * cell - w / 2;
  frame(pen, { x, y: y - 3, w, h: kv.pitch + 6 }, 1, palette.text, dpr);
}

/**
 * The text of a row's token, for labels.
 * @param {Payload} payload @param {RunCache} cache @param {number} row @returns {string}
 */
export function labelOf(payload, cache, row) {
  return glyphs(tokenText(payload, cache, row));
}

