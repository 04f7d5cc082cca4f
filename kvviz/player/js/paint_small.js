// Draws the timeline, the curves of the bill, and the overview of all heads.
import { badge, begin, frame } from "./pen.js";
import { headsPicture } from "./images.js";
import { kvHead } from "./kv_heads.js";
import { stepCentre, timelineGeometry } from "./timeline_layout.js";
import { kvHeadShort } from "./words.js";

/**
 * @import { Cache, Payload, RunCache } from "./buffer.js"
 * @import { Palette, Theme } from "./colour.js"
 * @import { HeadsGeometry } from "./heads_layout.js"
 * @import { PictureStore } from "./images.js"
 */

export const TIMELINE_HEIGHT = 26;

/**
 * A step's cell wears the state of the rows it wrote: blue once they are reused, orange while they
 * are computed. Without the cache every row is computed at every step, so all of them are orange.
 * @param {HTMLCanvasElement} canvas
 * @param {{ width: number, n_steps: number, step: number, cache: Cache, palette: Palette, dpr: number }} view
 */
export function paintTimeline(canvas, { width, n_steps, step, cache, palette, dpr }) {
  const pen = begin(canvas, width, TIMELINE_HEIGHT, dpr);
  const { prefill, cell, gap } = timelineGeometry(width, n_steps);
  const middle = TIMELINE_HEIGHT / 2;
  const lanes = cache === "both"
    ? [{ y: middle - 5, h: 4, off: false }, { y: middle + 1, h: 4, off: true }]
    : [{ y: middle - 3.5, h: 7, off: cache === "off" }];
  for (const { y, h, off } of lanes) {
    const colour = (/** @type {number} */ at) =>
      at > step ? palette.line : at === step || off ? palette.computed : palette.reused;
    const bar = (/** @type {number} */ x, /** @type {number} */ w, /** @type {string} */ fill) => {
      pen.fillStyle = fill;
      pen.beginPath();
      pen.roundRect(x, y, Math.max(w, 0.5), h, Math.min(2, h / 2, w / 2));
      pen.fill();
    };
    bar(0, prefill - Math.max(gap, 2), colour(0));
    if (gap === 0) {
      // Too many to part: one bar of what is past, one of what is to come, the current step on top.
      const x = prefill + (step - 1) * cell;
      bar(prefill, width - prefill, palette.line);
      if (step > 0) {
        bar(prefill, x - prefill + cell, off ? palette.computed : palette.reused);
        bar(x, Math.max(cell, 2), palette.computed);
      }
    } else {
      for (let at = 1; at < n_steps; at++) bar(prefill + (at - 1) * cell, cell - gap, colour(at));
    }
  }
  const x = Math.min(Math.max(stepCentre(width, n_steps, step), 7), width - 7);
  pen.beginPath();
  pen.arc(x, middle, 10, 0, 2 * Math.PI);
  pen.fillStyle = palette.card;
  pen.fill();
  pen.beginPath();
  pen.arc(x, middle, 8, 0, 2 * Math.PI);
  pen.fillStyle = palette.text;
  pen.fill();
  pen.beginPath();
  pen.arc(x, middle, 4, 0, 2 * Math.PI);
  pen.fillStyle = palette.computed;
  pen.fill();
}

export const CURVE_HEIGHT = 84;

/**
 * Rows computed so far, with and without the cache: a line against a parabola.
 * @param {HTMLCanvasElement} canvas
 * @param {{ width: number, on: number[], off: number[], step: number, palette: Palette, dpr: number }} view
 */
export function paintCurve(canvas, { width, on, off, step, palette, dpr }) {
  const pen = begin(canvas, width, CURVE_HEIGHT, dpr);
  const n = on.length;
  const top = Math.max(off[n - 1], on[n - 1], 1);
  const left = 2;
  const bottom = CURVE_HEIGHT - 6;
  const right = width - 8;
  const xOf = (/** @type {number} */ at) => (n === 1 ? right : left + ((right - left) * at) / (n - 1));
  const yOf = (/** @type {number} */ rows) => bottom - (rows / top) * (bottom - 12);
  pen.fillStyle = palette.line;
  pen.fillRect(left, bottom, right - left, 1);
  const line = (/** @type {number[]} */ rows, /** @type {string} */ colour, /** @type {number[]} */ dash) => {
    for (const [from, to, alpha] of [[step, n - 1, 0.28], [0, step, 1]]) {
      if (from === to && alpha < 1) continue;
      pen.globalAlpha = alpha;
      pen.strokeStyle = colour;
      pen.lineWidth = 2;
      pen.setLineDash(dash);
      pen.beginPath();
      for (let at = from; at <= to; at++) pen.lineTo(xOf(at), yOf(rows[at]));
      pen.stroke();
    }
    pen.globalAlpha = 1;
    pen.setLineDash([]);
    pen.beginPath();
    pen.arc(xOf(step), yOf(rows[step]), 4, 0, 2 * Math.PI);
    pen.fillStyle = colour;
    pen.fill();
    pen.strokeStyle = palette.card;
    pen.lineWidth = 1.5;
    pen.stroke();
  };
  line(off, palette.muted, [4, 3]);
  line(on, palette.computed, []);
}

/**
 * @typedef {object} HeadsView
 * @property {Payload} payload
 * @property {RunCache} cache
 * @property {HeadsGeometry} heads
 * @property {number} n_rows_now
 * @property {number} layer
 * @property {number} head
 * @property {number | null} wantedLayer
 * @property {number} hover Index of the head pointed at, or -1.
 * @property {Map<number, string>} roles By layer * n_heads + head.
 * @property {Theme} theme
 * @property {Palette} palette
 * @property {number} dpr
 * @property {PictureStore} store
 */

/** @param {HTMLCanvasElement} canvas @param {HeadsView} view */
export function paintHeads(canvas, view) {
  const { payload, cache, heads, palette, dpr, theme, store } = view;
  const { n_rows, model } = payload.header;
  const pen = begin(canvas, heads.w, heads.h, dpr);
  const picture = store.get(`heads.${cache}.${theme}.${heads.w}.${heads.size}.${dpr}`, () =>
    headsPicture(payload, cache, heads, dpr, theme),
  );
  const share = view.n_rows_now / n_rows;
  pen.fillStyle = palette.well;
  pen.beginPath();
  for (const { x, y, w, h } of heads.thumbs) {
    pen.moveTo(x, y);
    pen.lineTo(x + w, y + h);
    pen.lineTo(x, y + h);
    pen.closePath();
  }
  pen.fill();
  pen.imageSmoothingEnabled = false;
  const shown = Math.round(heads.size * share * dpr);
  pen.setTransform(1, 0, 0, 1, 0, 0);
  for (const line of heads.lines) {
    const [x, y] = [Math.round(line.x * dpr), Math.round(line.y * dpr)];
    const w = Math.round(line.w * dpr) + 1;
    pen.drawImage(picture, x, y, w, shown, x, y, w, shown);
  }
  pen.setTransform(dpr, 0, 0, dpr, 0, 0);
  const rowHeight = Math.max(1.5, heads.size / n_rows);
  pen.strokeStyle = palette.computed;
  pen.fillStyle = palette.computed;
  heads.thumbs.forEach((box) => {
    const y = box.y + shown / dpr;
    if (rowHeight >= 4) pen.strokeRect(box.x - 0.5, y - rowHeight - 0.5, box.w * share + 1, rowHeight + 1);
    else pen.fillRect(box.x, y - 1.5, box.w * share, 1.5);
  });
  const mark = Math.min(4.5, heads.size / 9);
  for (const [index, role] of view.roles) {
    const box = heads.thumbs[index];
    badge(pen, role, box.x + box.w - mark - 1, box.y + mark + 1, mark, palette);
  }
  pen.font = `12px ${palette.sans}`;
  pen.fillStyle = palette.muted;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  for (const { layer, x, y } of heads.labels) {
    pen.font = `${layer === view.layer ? 600 : 400} 12px ${palette.sans}`;
    pen.fillStyle = layer === view.layer ? palette.text : palette.muted;
    pen.fillText(`L${layer}`, x, y);
  }
  paintGroups(pen, view);
  const around = (/** @type {number} */ index, /** @type {number} */ width, /** @type {string} */ colour) => {
    const { x, y, w, h } = heads.thumbs[index];
    frame(pen, { x: x - 3, y: y - 3, w: w + 6, h: h + 6 }, width, colour, dpr);
  };
  if (view.hover >= 0) around(view.hover, 1, palette.muted);
  around(view.layer * model.n_heads + view.head, 2, palette.text);
  if (view.wantedLayer !== null) {
    const { x, y, w, h } = heads.thumbs[view.wantedLayer * model.n_heads + view.head];
    pen.strokeStyle = palette.muted;
    pen.lineWidth = 1.5;
    pen.setLineDash([4, 3]);
    pen.strokeRect(x - 2.5, y - 2.5, w + 5, h + 5);
    pen.setLineDash([]);
  }
}

/** Width of a bracket from which its name stands below it. */
const ROOM_FOR_NAME = 30;

/**
 * Brackets below the heads that read one KV head.
 * @param {CanvasRenderingContext2D} pen @param {HeadsView} view
 */
function paintGroups(pen, view) {
  const { heads: { groups }, palette, payload, head } = view;
  const lit = kvHead(payload, head);
  for (const { layer, kv, box } of groups) {
    const isLit = layer === view.layer && kv === lit;
    pen.strokeStyle = isLit ? palette.text : palette.slot;
    pen.lineWidth = isLit ? 1.5 : 1;
    pen.beginPath();
    pen.moveTo(box.x + 0.5, box.y);
    pen.lineTo(box.x + 0.5, box.y + 3.5);
    pen.lineTo(box.x + box.w - 0.5, box.y + 3.5);
    pen.lineTo(box.x + box.w - 0.5, box.y);
    pen.stroke();
    if (box.w < ROOM_FOR_NAME) continue;
    pen.font = `${isLit ? 600 : 400} 11px ${palette.sans}`;
    pen.fillStyle = isLit ? palette.text : palette.muted;
    pen.textAlign = "center";
    pen.fillText(kvHeadShort(kv), box.x + box.w / 2, box.y + 11);
  }
  pen.textAlign = "left";
}
