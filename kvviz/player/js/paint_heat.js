// Draws the attention pattern: paper to indigo, the current row lit, masked cells hatched.
import { begin, cross, frame, MONO, textWithin } from "./pen.js";
import { cellsPicture, hatchTile, newPicture, patternPicture, penOf } from "./images.js";
import { kvHead } from "./kv_heads.js";
import { attention, attentionRow, rowState, rowStretches } from "./run.js";
import { unseenRows, whyUnseen } from "./unseen.js";
import { unseenPicture } from "./unseen_picture.js";
import { attentionColours } from "./colour.js";
import { lensWindow } from "./pictures_layout.js";
import { weightPercent } from "./format.js";
import { columnNames } from "./names.js";
import { labelOf } from "./paint_kv.js";
import { nameBars } from "./paint_profile.js";

/**
 * @import { PanelView } from "./paint_kv.js"
 * @import { Box } from "./layout.js"
 * @import { Picture } from "./images.js"
 */

/** @param {HTMLCanvasElement} canvas @param {PanelView} view */
export function paintHeat(canvas, view) {
  const { heat, facts, palette, dpr } = view;
  const { grid } = heat;
  const pen = begin(canvas, heat.w, heat.h, dpr);
  const n = facts.n_rows;
  const yOf = (/** @type {number} */ row) => grid.y + (row / view.payload.header.n_rows) * grid.h;
  const xOf = (/** @type {number} */ column) => grid.x + (column / view.payload.header.n_rows) * grid.w;

  paintAbsent(pen, view);
  paintMasked(pen, view);
  paintPattern(pen, view, patternOf(view), yOf);
  paintPattern(pen, view, unseenOf(view), yOf);
  const { swept, glow } = view.moment;
  if (swept < 1) hideUnread(pen, view, xOf(n * swept), xOf(n), yOf);
  paintStates(pen, view, xOf, yOf);
  paintLabels(pen, view, xOf, yOf);
  pen.save();
  if (swept < 1) {
    pen.beginPath();
    pen.rect(0, 0, xOf(n * swept), heat.h);
    pen.clip();
  }
  paintProfile(pen, view, xOf);
  pen.restore();

  const row = { x: grid.x, y: yOf(n - 1), w: xOf(n) - grid.x, h: yOf(n) - yOf(n - 1) };
  if (glow > 0) {
    pen.globalAlpha = 0.45 * glow;
    pen.fillStyle = palette.computed;
    pen.fillRect(row.x, row.y, row.w * swept, Math.max(row.h, 2));
    pen.globalAlpha = 1;
  }
  if (heat.cells) frame(pen, { x: row.x - 2, y: row.y - 2, w: row.w + 3, h: row.h + 3 }, 2, palette.computed, dpr);
  else {
    const h = Math.max(row.h, 1.5);
    frame(pen, { x: row.x - 1, y: row.y - 1.5, w: row.w + 2, h: h + 3 }, 1.5, palette.computed, dpr);
  }
  paintCross(pen, view, xOf, yOf);
  if (heat.lens) paintLens(pen, view, heat.lens);
}

/**
 * Covers what the query of this step has not read yet, and marks how far it is.
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view
 * @param {number} from @param {number} to @param {(row: number) => number} yOf
 */
function hideUnread(pen, { heat, facts, palette }, from, to, yOf) {
  const top = yOf(facts.n_rows - 1);
  const h = Math.max(yOf(facts.n_rows) - top, 2);
  pen.fillStyle = palette.card;
  pen.fillRect(from, top, to - from, h);
  pen.fillStyle = palette.computed;
  pen.fillRect(Math.max(heat.grid.x, from - 2), top - 2, 3, h + 4);
}

/** @param {PanelView} view @returns {Picture | null} */
function patternOf({ store, payload, facts, layer, head, theme, heat, dpr }) {
  const name = `heat.${facts.cache}.${layer}.${head}.${theme}.${heat.grid.w}.${dpr}`;
  return store.get(name, () =>
    heat.cells
      ? cellsPicture(payload, facts.cache, layer, head, heat.pitch, dpr, theme)
      : patternPicture(payload, facts.cache, layer, head, Math.round(heat.grid.w * dpr), theme),
  );
}

/** @param {PanelView} view @returns {Picture | null} The cells that it does not have; null where it has all of them. */
function unseenOf({ store, payload, facts, layer, head, theme, heat, palette, dpr }) {
  const unseen = unseenRows(payload, facts.cache, { layer, head });
  if (!unseen) return null;
  const name = `unseen.${facts.cache}.${layer}.${kvHead(payload, head)}.${theme}.${heat.grid.w}.${dpr}`;
  return store.get(name, () => unseenPicture(unseen, heat, palette, dpr));
}

/**
 * As much of a picture of the whole pattern as there are rows by now.
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view @param {Picture | null} picture @param {(row: number) => number} yOf
 */
function paintPattern(pen, view, picture, yOf) {
  const { heat, facts, dpr } = view;
  if (!picture) return;
  const rows = Math.round((yOf(facts.n_rows) - heat.grid.y) * dpr);
  pen.save();
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.imageSmoothingEnabled = false;
  const x = Math.round(heat.grid.x * dpr);
  const y = Math.round(heat.grid.y * dpr);
  const w = picture.width;
  pen.drawImage(picture, 0, 0, w, rows, x, y, w, rows);
  pen.restore();
}

/**
 * Rows and columns that no step has reached: dotted places where cells will be.
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view
 */
function paintAbsent(pen, view) {
  const { heat, palette, dpr, store, payload, theme } = view;
  const { n_rows } = payload.header;
  const { grid, pitch } = heat;
  const picture = store.get(`absent.${n_rows}.${pitch}.${theme}.${dpr}`, () => {
    const made = newPicture(grid.w * dpr, grid.h * dpr);
    const tip = penOf(made);
    tip.scale(dpr, dpr);
    if (heat.cells) {
      tip.fillStyle = palette.slot;
      const size = pitch >= 10 ? 2 : 1;
      for (let row = 0; row < n_rows; row++) {
        for (let column = 0; column <= row; column++) {
          tip.fillRect(Math.floor((column + 0.5) * pitch) - 1, Math.floor((row + 0.5) * pitch) - 1, size, size);
        }
      }
    } else {
      tip.strokeStyle = palette.slot;
      tip.setLineDash([2, 3]);
      tip.beginPath();
      tip.moveTo(0.5, 0.5);
      tip.lineTo(0.5, grid.h - 0.5);
      tip.lineTo(grid.w - 0.5, grid.h - 0.5);
      tip.closePath();
      tip.stroke();
    }
    return made;
  });
  const above = view.facts.n_rows / n_rows;
  const from = Math.round(above * picture.height);
  if (heat.cells) {
    if (from < picture.height) {
      pen.drawImage(picture, 0, from, picture.width, picture.height - from, grid.x, grid.y + from / dpr, grid.w, grid.h - from / dpr);
    }
  } else pen.drawImage(picture, 0, 0, picture.width, picture.height, grid.x, grid.y, grid.w, grid.h);
}

/**
 * Cells above the diagonal among the tokens that exist: a token may not look at a later one.
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view
 */
function paintMasked(pen, view) {
  const { heat, palette, dpr, store, theme, facts, payload } = view;
  const { grid } = heat;
  const n = facts.n_rows;
  const size = (n / payload.header.n_rows) * grid.w;
  const tile = store.get(`hatch.${theme}.${dpr}`, () => hatchTile(palette, dpr));
  pen.save();
  pen.beginPath();
  if (heat.cells) {
    for (let row = 0; row < n - 1; row++) {
      pen.rect(grid.x + (row + 1) * heat.pitch, grid.y + row * heat.pitch, size - (row + 1) * heat.pitch, heat.pitch);
    }
  } else {
    pen.moveTo(grid.x, grid.y);
    pen.lineTo(grid.x + size, grid.y);
    pen.lineTo(grid.x + size, grid.y + size);
    pen.closePath();
  }
  pen.clip();
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.fillStyle = /** @type {CanvasPattern} */ (pen.createPattern(tile, "repeat"));
  pen.fillRect(grid.x * dpr, grid.y * dpr, size * dpr, size * dpr);
  pen.restore();
}

/**
 * Thin bars along both edges: whose query was computed at this step, whose key was read again.
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view
 * @param {(column: number) => number} xOf @param {(row: number) => number} yOf
 */
function paintStates(pen, { heat, facts, palette }, xOf, yOf) {
  const { grid } = heat;
  const [reused, all] = [facts.n_rows - facts.n_computed, facts.n_rows];
  for (const { state, first, end } of rowStretches(facts)) {
    if (state !== "reused") continue;
    pen.fillStyle = palette.reused;
    pen.fillRect(xOf(first), grid.y - 4, xOf(end) - xOf(first) - 1, 1.5);
  }
  pen.fillStyle = palette.computed;
  const from = Math.min(xOf(reused), xOf(all) - 2);
  pen.fillRect(from, grid.y - 5, xOf(all) - from - 1, 3);
  if (facts.n_computed > 1) pen.fillRect(grid.x - 5, yOf(reused), 3, yOf(all) - yOf(reused) - 1);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view
 * @param {(column: number) => number} xOf @param {(row: number) => number} yOf
 */
function paintLabels(pen, view, xOf, yOf) {
  const { heat, facts, palette, payload, spot } = view;
  const { n_rows } = payload.header;
  const current = facts.n_rows - 1;
  const named = heat.cells && heat.rowLabels.w >= 30;
  pen.textBaseline = "middle";
  if (!heat.cells) {
    paintTicks(pen, view, xOf, yOf);
    return;
  }
  const every = Math.ceil(12.5 / heat.pitch);
  const colour = (/** @type {number} */ at) =>
    ({ computed: palette.computedText, evicted: palette.evicted, reused: palette.muted, absent: palette.muted })[rowState(facts, at)];
  if (named) {
    pen.textAlign = "right";
    for (let row = 0; row < facts.n_rows; row++) {
      const near = row === current || spot?.row === row;
      if (!near && (row % every !== 0 || Math.abs(row - current) * heat.pitch < 13)) continue;
      pen.font = `${near ? 600 : 400} 12px ${MONO}`;
      pen.fillStyle = near ? palette.text : colour(row);
      if (row === current) pen.fillStyle = palette.computedText;
      textWithin(pen, labelOf(payload, facts.cache, row), heat.rowLabels.x + heat.rowLabels.w - 2, yOf(row + 0.5) - 0.5, heat.rowLabels.w - 2);
    }
  }
  const { angle, size } = columnNames(heat.pitch);
  for (let column = 0; column < facts.n_rows; column++) {
    const near = spot?.column === column && spot.part === "pattern";
    const beside = column !== current && Math.abs(column - current) * heat.pitch < 13;
    if (!near && column !== current && (column % every !== 0 || (every > 1 && beside))) continue;
    pen.save();
    pen.translate(xOf(column + 0.5), heat.columnLabels.h - 3);
    pen.rotate(-angle);
    pen.textAlign = "left";
    pen.font = `${near ? 600 : 400} ${size}px ${MONO}`;
    pen.fillStyle = near ? palette.text : colour(column);
    // The last columns would run out of the picture; their labels are cut to what is left.
    const room = Math.min((heat.columnLabels.h - 6) / Math.sin(angle), (heat.w - xOf(column + 0.5)) / Math.cos(angle) + 4);
    if (room > 18 || n_rows === 1) textWithin(pen, labelOf(payload, facts.cache, column), 0, 0, room);
    pen.restore();
  }
}

/**
 * Positions by number where cells are too small for their tokens.
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view
 * @param {(column: number) => number} xOf @param {(row: number) => number} yOf
 */
function paintTicks(pen, { heat, facts, palette, payload }, xOf, yOf) {
  const { n_rows } = payload.header;
  const rough = n_rows / 7;
  const step = [10, 20, 25, 50, 100, 200, 250, 500].find((n) => n >= rough) ?? 1000;
  pen.font = `12px ${palette.sans}`;
  pen.fillStyle = palette.muted;
  for (let at = 0; at < n_rows; at += step) {
    pen.textAlign = "right";
    if (Math.abs(yOf(at) - yOf(facts.n_rows - 1)) > 15) pen.fillText(String(at), heat.grid.x - 8, yOf(at + 0.5));
    pen.textAlign = "center";
    if (at > 0 && xOf(at) < heat.w - 12) pen.fillText(String(at), xOf(at + 0.5), heat.grid.y - 14);
  }
  pen.textAlign = "right";
  pen.font = `600 12px ${palette.sans}`;
  pen.fillStyle = palette.computedText;
  pen.fillText(String(facts.n_rows - 1), heat.grid.x - 8, yOf(facts.n_rows - 0.5));
}

/**
 * The current row once more, as bars under the columns it looks at. The largest weight fills the
 * height and is written out: among a thousand tokens all are small.
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view @param {(column: number) => number} xOf
 */
function paintProfile(pen, view, xOf) {
  const { heat, facts, palette, payload, theme, layer, head, dpr, spot } = view;
  const { profile } = heat;
  const row = facts.n_rows - 1;
  const weights = attentionRow(payload, facts.cache, layer, head, row);
  const bottom = profile.y + profile.h - 1;
  pen.fillStyle = palette.line;
  pen.fillRect(profile.x, bottom, xOf(facts.n_rows) - profile.x, 1);
  if (!weights) return;
  let top = 0;
  for (let column = 1; column <= row; column++) if (weights[column] > weights[top]) top = column;
  const largest = Math.max(1, weights[top]);
  const colours = attentionColours(theme);
  const gap = heat.pitch >= 4 ? 1 : 0;
  for (let column = 0; column <= row; ) {
    const x = Math.round(xOf(column) * dpr) / dpr;
    let weight = 0;
    let end = x;
    // Columns that share a pixel share a bar, as high as the highest.
    while (column <= row && end <= x) {
      weight = Math.max(weight, weights[column++]);
      end = Math.round(xOf(column) * dpr) / dpr;
    }
    if (weight === 0) continue;
    const h = Math.max(1, (weight / largest) * (profile.h - 14));
    pen.fillStyle = colours[64 + Math.floor(0.75 * weight)];
    pen.fillRect(x, bottom - h, Math.max(1 / dpr, end - x - gap), h);
  }
  const pointed = spot?.part === "pattern" && spot.column !== null && spot.column <= row ? spot.column : top;
  // What the row does not look at has no share.
  const named = whyUnseen(payload, facts.cache, { layer, head }, row, pointed) === null ? pointed : top;
  const name = `${labelOf(payload, facts.cache, named)} ${weightPercent(weights[named] / 255)}`;
  nameBars(pen, profile, palette, row, xOf(named + 0.5), name);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view
 * @param {(column: number) => number} xOf @param {(row: number) => number} yOf
 */
function paintCross(pen, { heat, spot, palette, facts, dpr }, xOf, yOf) {
  if (!spot || spot.row >= facts.n_rows) return;
  const { grid } = heat;
  const least = heat.cells ? 0 : 1;
  const right = xOf(facts.n_rows);
  const y = yOf(spot.row);
  frame(pen, { x: grid.x - 1, y: y - 1, w: right - grid.x + 1, h: Math.max(yOf(spot.row + 1) - y, least) + 1 }, 1, palette.text, dpr);
  const column = spot.part === "pattern" ? spot.column : spot.row;
  if (column === null || column >= facts.n_rows) return;
  const x = xOf(column);
  frame(pen, { x: x - 1, y: grid.y - 1, w: Math.max(xOf(column + 1) - x, least) + 1, h: yOf(facts.n_rows) - grid.y + 1 }, 1, palette.text, dpr);
}

/**
 * A closer look at a few cells, in the corner that the mask leaves free.
 * @param {CanvasRenderingContext2D} pen @param {PanelView} view @param {Box} lens
 */
function paintLens(pen, view, lens) {
  const { facts, palette, payload, theme, layer, head, dpr, spot, heat } = view;
  const { n_rows } = payload.header;
  const n = facts.n_rows;
  const at = spot?.part === "pattern" && spot.column !== null && spot.row < n
    ? { row: spot.row, column: spot.column }
    : spot && spot.row < n ? { row: spot.row, column: spot.row } : { row: n - 1, column: n - 1 };
  const { row, column, count } = lensWindow(n, at.row, at.column);
  const side = lens.w - 12;
  const cell = side / count;
  const [x, y] = [lens.x + 10, lens.y + 2];
  pen.fillStyle = palette.card;
  pen.fillRect(x - 4, y - 4, side + 8, side + 8);
  const colours = attentionColours(theme);
  for (let i = 0; i < count && row + i < n; i++) {
    for (let j = 0; j < count && column + j <= row + i; j++) {
      const weight = attention(payload, facts.cache, layer, head, row + i, column + j);
      if (weight === null && whyUnseen(payload, facts.cache, { layer, head }, row + i, column + j) === "evicted") {
        cross(pen, x + (j + 0.5) * cell, y + (i + 0.5) * cell, Math.min(3, cell / 2 - 1.5), palette.evicted);
      }
      if (weight === null) continue;
      pen.fillStyle = colours[Math.round(255 * weight)];
      pen.fillRect(x + j * cell, y + i * cell, cell - 0.75, cell - 0.75);
    }
  }
  frame(pen, { x: x - 3, y: y - 3, w: side + 5, h: side + 5 }, 1, palette.slot, dpr);
  const line = (/** @type {number} */ r, /** @type {number} */ c, /** @type {string} */ colour, /** @type {number} */ width) => {
    if (r < row || r >= row + count || r >= n) return;
    frame(pen, { x: x - 1, y: y + (r - row) * cell - 1, w: Math.min(count, r - column + 1) * cell + 1, h: cell + 1 }, width, colour, dpr);
    if (c >= column && c < column + count && spot) {
      frame(pen, { x: x + (c - column) * cell - 1, y: y + (r - row) * cell - 1, w: cell + 1, h: cell + 1 }, 2, palette.text, dpr);
    }
  };
  line(n - 1, -1, palette.computed, 2);
  if (spot) line(at.row, at.column, palette.text, 1);
  const scale = heat.grid.w / n_rows;
  const mark = { x: heat.grid.x + column * scale, y: heat.grid.y + row * scale, w: count * scale, h: count * scale };
  frame(pen, { x: mark.x - 1, y: mark.y - 1, w: mark.w + 2, h: mark.h + 2 }, 1, palette.text, dpr);
  pen.strokeStyle = palette.slot;
  pen.beginPath();
  pen.moveTo(mark.x + mark.w, mark.y);
  pen.lineTo(x - 3, y + side + 2);
  pen.stroke();
}
