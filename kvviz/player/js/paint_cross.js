// Draws the cross-attention pattern: what each decoder position looks at in the input. Nothing is masked.
import { begin, frame, MONO, textWithin } from "./pen.js";
import { crossRow, crossSide, namedColumns, patternSpot } from "./cross.js";
import { attentionColours } from "./colour.js";
import { glyphs, weightPercent } from "./format.js";
import { crossPicture } from "./images.js";
import { columnNames } from "./names.js";
import { labelOf } from "./paint_kv.js";
import { nameBars } from "./paint_profile.js";

/**
 * @import { Payload } from "./buffer.js"
 * @import { Palette, Theme } from "./colour.js"
 * @import { PictureStore } from "./images.js"
 * @import { CrossHeatGeometry } from "./pictures_layout.js"
 * @import { StepFacts } from "./run.js"
 * @import { Spot } from "./state.js"
 *
 * @typedef {object} CrossView
 * @property {Payload} payload
 * @property {StepFacts} facts
 * @property {number} layer
 * @property {number} head
 * @property {Theme} theme
 * @property {Palette} palette
 * @property {number} dpr
 * @property {CrossHeatGeometry} heat
 * @property {Spot | null} spot
 * @property {PictureStore} store
 */

/** @param {HTMLCanvasElement} canvas @param {CrossView} view */
export function paintCrossHeat(canvas, view) {
  const { heat, facts, palette, payload, dpr } = view;
  const { grid } = heat;
  const pen = begin(canvas, heat.w, heat.h, dpr);
  const n_encoder = crossSide(payload).header.n_rows;
  const yOf = (/** @type {number} */ row) => grid.y + row * heat.rowPitch;
  const xOf = (/** @type {number} */ column) => grid.x + column * heat.columnPitch;
  paintAbsent(pen, view, n_encoder, yOf, xOf);
  paintPattern(pen, view, yOf);
  paintState(pen, view, xOf(n_encoder));
  paintLabels(pen, view, n_encoder, xOf, yOf);
  paintProfile(pen, view, n_encoder, xOf);
  const row = facts.n_rows - 1;
  const height = Math.max(heat.rowPitch, 1.5);
  frame(pen, { x: grid.x - 2, y: yOf(row) - 2, w: grid.w + 3, h: height + 3 }, heat.cells ? 2 : 1.5, palette.computed, dpr);
  const { row: atRow, column } = patternSpot(view.spot);
  if (atRow !== null && atRow < facts.n_rows) {
    frame(pen, { x: grid.x - 1, y: yOf(atRow) - 1, w: grid.w + 1, h: height + 1 }, 1, palette.text, dpr);
  }
  if (column !== null) {
    frame(pen, { x: xOf(column) - 1, y: grid.y - 1, w: Math.max(heat.columnPitch, 1) + 1, h: yOf(facts.n_rows) - grid.y + 1 }, 1, palette.text, dpr);
  }
}

/** @param {CanvasRenderingContext2D} pen @param {CrossView} view @param {(row: number) => number} yOf */
function paintPattern(pen, { payload, facts, layer, head, theme, heat, dpr, store }, yOf) {
  const name = `cross.${facts.cache}.${layer}.${head}.${theme}.${heat.grid.w}.${heat.grid.h}.${dpr}`;
  const picture = store.get(name, () => crossPicture(payload, facts.cache, layer, head, heat, dpr, theme));
  if (!picture) return;
  const rows = Math.round((yOf(facts.n_rows) - heat.grid.y) * dpr);
  pen.save();
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(picture, 0, 0, picture.width, rows, Math.round(heat.grid.x * dpr), Math.round(heat.grid.y * dpr), picture.width, rows);
  pen.restore();
}

/**
 * Rows that no step has reached: dotted places where cells will be.
 * @param {CanvasRenderingContext2D} pen @param {CrossView} view @param {number} n_encoder
 * @param {(row: number) => number} yOf @param {(column: number) => number} xOf
 */
function paintAbsent(pen, { payload, facts, heat, palette }, n_encoder, yOf, xOf) {
  const { n_rows } = payload.header;
  if (facts.n_rows >= n_rows) return;
  if (heat.cells) {
    pen.fillStyle = palette.slot;
    for (let row = facts.n_rows; row < n_rows; row++) {
      for (let column = 0; column < n_encoder; column++) pen.fillRect(Math.floor(xOf(column + 0.5)) - 1, Math.floor(yOf(row + 0.5)) - 1, 2, 2);
    }
    return;
  }
  pen.strokeStyle = palette.slot;
  pen.setLineDash([2, 3]);
  pen.strokeRect(heat.grid.x + 0.5, yOf(facts.n_rows) + 0.5, heat.grid.w - 1, yOf(n_rows) - yOf(facts.n_rows) - 1);
  pen.setLineDash([]);
}

/**
 * A bar along the upper edge: whether the keys of the input were computed or read again.
 * @param {CanvasRenderingContext2D} pen @param {CrossView} view @param {number} right
 */
function paintState(pen, { facts, heat, palette }, right) {
  const { grid } = heat;
  const { cross } = facts;
  if (!cross) return;
  const reused = grid.x + ((right - grid.x) * cross.n_reused) / cross.n_rows;
  pen.fillStyle = palette.reused;
  if (cross.n_reused > 0) pen.fillRect(grid.x, grid.y - 4, reused - grid.x - 1, 1.5);
  pen.fillStyle = palette.computed;
  if (cross.n_computed > 0) pen.fillRect(reused, grid.y - 5, right - reused - 1, 3);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {CrossView} view @param {number} n_encoder
 * @param {(column: number) => number} xOf @param {(row: number) => number} yOf
 */
function paintLabels(pen, { payload, facts, heat, palette, spot }, n_encoder, xOf, yOf) {
  const at = patternSpot(spot);
  const current = facts.n_rows - 1;
  pen.textBaseline = "middle";
  if (heat.rowLabels.w >= 30) {
    const every = Math.ceil(12.5 / heat.rowPitch);
    pen.textAlign = "right";
    for (let row = 0; row < facts.n_rows; row++) {
      const near = row === current || row === at.row;
      if (!near && (row % every !== 0 || Math.abs(row - current) * heat.rowPitch < 13)) continue;
      pen.font = `${near ? 600 : 400} 12px ${MONO}`;
      pen.fillStyle = row === current ? palette.computedText : near ? palette.text : palette.muted;
      const text = heat.cells ? labelOf(payload, facts.cache, row) : String(row);
      textWithin(pen, text, heat.rowLabels.w - 2, yOf(row + 0.5) - 0.5, heat.rowLabels.w - 2);
    }
  }
  const { every, angle, size } = columnNames(heat.columnPitch);
  const side = crossSide(payload);
  const { names, named } = inputNames(side, every);
  for (let column = 0; column < n_encoder; column++) {
    const near = column === at.column;
    if (!near && !named.has(column)) continue;
    pen.save();
    pen.translate(xOf(column + 0.5), heat.columnLabels.h - 3);
    pen.rotate(-angle);
    pen.textAlign = "left";
    pen.font = `${near ? 600 : 400} ${size}px ${MONO}`;
    pen.fillStyle = near ? palette.text : palette.muted;
    const room = Math.min((heat.columnLabels.h - 6) / Math.sin(angle), (heat.w - xOf(column + 0.5)) / Math.cos(angle) + 4);
    if (room > 18) textWithin(pen, names[column], 0, 0, room);
    pen.restore();
  }
}

/** @type {WeakMap<Payload, { every: number, names: string[], named: Set<number> }>} */
const written = new WeakMap();

/**
 * The names of the input's columns and which of them are written, found once and not at each step.
 * @param {Payload} side @param {number} every Columns that a name takes.
 */
function inputNames(side, every) {
  const known = written.get(side);
  if (known?.every === every) return known;
  const names = side.header.tokens.map(({ text }) => glyphs(text));
  const found = { every, names, named: namedColumns(names, every) };
  written.set(side, found);
  return found;
}

/**
 * The current row once more, as bars under the input tokens it looks at.
 * @param {CanvasRenderingContext2D} pen @param {CrossView} view @param {number} n_encoder
 * @param {(column: number) => number} xOf
 */
function paintProfile(pen, { payload, facts, layer, head, heat, palette, theme, spot }, n_encoder, xOf) {
  const { profile } = heat;
  const row = facts.n_rows - 1;
  const weights = crossRow(payload, facts.cache, layer, head, row);
  const bottom = profile.y + profile.h - 1;
  pen.fillStyle = palette.line;
  pen.fillRect(profile.x, bottom, profile.w, 1);
  if (!weights) return;
  let top = 0;
  for (let column = 1; column < n_encoder; column++) if (weights[column] > weights[top]) top = column;
  const colours = attentionColours(theme);
  const gap = heat.columnPitch >= 4 ? 1 : 0;
  for (let column = 0; column < n_encoder; column++) {
    if (weights[column] === 0) continue;
    const h = Math.max(1, (weights[column] / Math.max(1, weights[top])) * (profile.h - 14));
    pen.fillStyle = colours[64 + Math.floor(0.75 * weights[column])];
    pen.fillRect(xOf(column), bottom - h, Math.max(0.5, heat.columnPitch - gap), h);
  }
  const named = patternSpot(spot).column ?? top;
  const name = `${labelOf(crossSide(payload), facts.cache, named)} ${weightPercent(weights[named] / 255)}`;
  nameBars(pen, profile, palette, row, xOf(named + 0.5), name);
}
