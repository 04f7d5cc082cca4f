// Paints the pictures. Every colour comes from the player's palette, so that both mean the same.
import { attentionTable, css, mix, parse } from "../../../../player/js/colour.js";
import { cut, glyphs } from "../../../../player/js/format.js";
import { MONO, begin, dot, frame } from "../../../../player/js/pen.js";
import { gettext } from "../../../../player/js/translation.js";
import { CHANGED, FORBIDDEN, FULL, NEW, OTHER_TOKEN, SAME } from "./buffer.js";
import { LAYER_LABEL } from "./geometry.js";

/**
 * @import { Palette, Rgb, Theme } from "../../../../player/js/colour.js"
 * @import { PackedArray } from "../../../../player/js/packed_buffer.js"
 * @import { Look, Side } from "./buffer.js"
 * @import { Geometry } from "./geometry.js"
 *
 * @typedef {{ theme: Theme, palette: Palette, dpr: number }} Ink
 * @typedef {{ layer: number, position: number }} RowPlace
 * @typedef {{ query: number[], key: number[] } | null} Pointed Positions of this side that are pointed at.
 */

const NAME_LENGTH = 10;
/** In place of a weight: cells that have no token, and cells that the mask forbids. */
const NO_TOKEN = -2;
const ALL_FORBIDDEN = -1;
/** Room above the first layer of a map of rows, for the frame of a column that is lit. */
export const MAP_TOP = 2;
// From this width on a cell has room for a frame and for what is inside.
const FRAMED = 7;
// Names above a narrow column stand more upright, so that they do not touch.
const LEAN = -0.72;
const STEEP = -1.12;

/** @param {string} colour @returns {number} The colour as a little-endian RGBA word. */
function word(colour) {
  const [r, g, b] = /** @type {Rgb} */ (parse(colour)).map(Math.round);
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

// What a mask allows has the colour of a middling weight.
const ALLOWED = 90;

/** @param {Theme} theme @returns {string} */
export function allowedColour(theme) {
  const rgba = attentionTable(theme)[ALLOWED];
  return css([rgba & 255, (rgba >> 8) & 255, (rgba >> 16) & 255]);
}

/**
 * One head's pattern, or its mask, cell by cell into device pixels.
 * @param {PackedArray | undefined} pattern Of a layer. @param {number} head
 * @param {Int32Array} positions Token of each slot, -1 for none. @param {Look} look
 * @param {number} pitch @param {Ink} ink @returns {ImageData}
 */
export function patternImage(pattern, head, positions, look, pitch, { theme, palette, dpr }) {
  const n_slots = positions.length;
  const side = Math.max(1, Math.round(pitch * dpr * n_slots));
  if (pattern && side < n_slots) return densePattern(pattern, head, positions, look, side, { theme, palette, dpr });
  const words = new Uint32Array(side * side);
  const table = attentionTable(theme);
  const [hatch, well, allowed] = [word(palette.hatch), word(palette.well), table[ALLOWED]];
  const period = Math.round(6 * dpr);
  const line = Math.max(1, Math.round(0.8 * dpr));
  const gap = pitch >= 5 ? Math.max(1, Math.round(dpr * (pitch >= 14 ? 1 : 0.75))) : 0;
  const n = pattern ? pattern.shape[1] : 0;
  for (let row = 0; row < n_slots; row++) {
    const query = positions[row];
    if (query < 0) continue;
    const top = Math.round(row * pitch * dpr);
    const bottom = Math.max(top + 1, Math.round((row + 1) * pitch * dpr) - gap);
    for (let column = 0; column < n_slots; column++) {
      const key = positions[column];
      if (key < 0) continue;
      const left = Math.round(column * pitch * dpr);
      const right = Math.max(left + 1, Math.round((column + 1) * pitch * dpr) - gap);
      const byte = pattern ? pattern.data[(head * n + query) * n + key] : -1;
      for (let y = top; y < bottom; y++) {
        if (byte === FORBIDDEN) {
          for (let x = left; x < right; x++) {
            const at = (((x - y) % period) + period) % period;
            if (at < line) words[y * side + x] = hatch;
          }
        } else {
          const colour = byte < 0 ? well : look === "mask" ? allowed : table[Math.round((byte * 255) / FULL)];
          words.fill(colour, y * side + left, y * side + right);
        }
      }
    }
  }
  return new ImageData(new Uint8ClampedArray(words.buffer), side, side);
}

/**
 * A pattern whose cells are smaller than a pixel: the largest weight in each, so that no line is lost.
 * @param {PackedArray} pattern @param {number} head @param {Int32Array} positions @param {Look} look
 * @param {number} side In device pixels. @param {Ink} ink @returns {ImageData}
 */
function densePattern(pattern, head, positions, look, side, { theme, palette, dpr }) {
  const table = attentionTable(theme);
  const [hatch, period, line] = [word(palette.hatch), Math.round(6 * dpr), Math.max(1, Math.round(0.8 * dpr))];
  const largest = largestWeights(pattern, head, positions, side);
  return squareImage(side, (at) => {
    const byte = largest[at];
    if (byte === NO_TOKEN) return 0;
    if (byte === ALL_FORBIDDEN) return (((at % side) - Math.floor(at / side)) % period + period) % period < line ? hatch : 0;
    return look === "mask" ? table[ALLOWED] : table[Math.round((byte * 255) / FULL)];
  });
}

/**
 * @param {PackedArray} pattern @param {number} head @param {Int32Array} positions
 * @param {number} pixels Fewer than there are slots.
 * @returns {Int16Array} The largest byte of the cells in each pixel, or what else is there.
 */
function largestWeights({ data, shape: [, n] }, head, positions, pixels) {
  const n_slots = positions.length;
  const largest = new Int16Array(pixels * pixels).fill(NO_TOKEN);
  const start = head * n * n;
  for (let row = 0; row < n_slots; row++) {
    const y = Math.floor((row * pixels) / n_slots) * pixels;
    for (let column = 0; column < n_slots; column++) {
      if (positions[row] < 0 || positions[column] < 0) continue;
      const byte = data[start + positions[row] * n + positions[column]];
      const at = y + Math.floor((column * pixels) / n_slots);
      largest[at] = Math.max(largest[at], byte === FORBIDDEN ? ALL_FORBIDDEN : byte);
    }
  }
  return largest;
}

/**
 * A pattern with the names of its tokens.
 * @param {HTMLCanvasElement} canvas @param {Side} side @param {Geometry} place @param {Ink} ink
 * @param {ImageData} image @param {number[]} lit Positions whose names stand out.
 */
export function paintPattern(canvas, side, place, ink, image, lit) {
  const { palette, dpr } = ink;
  const pen = begin(canvas, place.column, place.head + place.grid + 2, dpr);
  pen.putImageData(image, Math.round(place.labels * dpr), Math.round(place.head * dpr));
  if (!place.named) return;
  pen.textBaseline = "middle";
  const before = Math.min(...side.slots) * place.pitch;
  const lean = place.pitch >= 20 ? LEAN : STEEP;
  side.tokens.forEach((token, position) => {
    const at = (side.slots[position] + 0.5) * place.pitch;
    pen.font = `${lit.includes(position) ? 700 : 400} ${place.font}px ${MONO}`;
    pen.fillStyle = lit.includes(position) ? palette.ink : side.marked.includes(position) ? palette.computedText : side.special[position] ? palette.muted : palette.text;
    const text = cut(glyphs(token), NAME_LENGTH);
    pen.textAlign = "right";
    pen.fillText(text, place.labels + before - 7, place.head + at, place.labels - 8);
    pen.save();
    pen.translate(place.labels + at, place.head + before - 6);
    pen.rotate(lean);
    pen.textAlign = "left";
    pen.fillText(text, 0, 0);
    pen.restore();
  });
}

/**
 * What lies over a pattern: the row and the column that are pointed at, and a frame around the cells.
 * @param {HTMLCanvasElement} canvas @param {Side} side @param {Geometry} place @param {Ink} ink @param {Pointed} pointed
 */
export function paintPointed(canvas, side, place, { palette, dpr }, pointed) {
  const pen = begin(canvas, place.column, place.head + place.grid + 2, dpr);
  if (!pointed) return;
  const span = (/** @type {number[]} */ positions) => {
    const slots = positions.map((position) => side.slots[position]);
    const from = Math.min(...slots) * place.pitch;
    return { from, size: (Math.max(...slots) + 1) * place.pitch - from };
  };
  const row = pointed.query.length ? span(pointed.query) : null;
  const column = pointed.key.length ? span(pointed.key) : null;
  const thin = (/** @type {import("../../../../player/js/layout.js").Box} */ box) => frame(pen, box, 1, palette.muted, dpr);
  // As far as this side has tokens; the other's may begin before them and end after.
  const all = span(side.slots.map((_, position) => position));
  if (row) thin({ x: place.labels + all.from, y: place.head + row.from, w: all.size, h: row.size });
  if (column) thin({ x: place.labels + column.from, y: place.head + all.from, w: column.size, h: all.size });
  if (row && column) {
    const box = { x: place.labels + column.from - 1, y: place.head + row.from - 1, w: column.size + 2, h: row.size + 2 };
    frame(pen, box, 2.5, palette.ink, dpr);
  }
}

/**
 * All heads of a model as small patterns, layers below each other.
 * @param {HTMLCanvasElement} canvas @param {(layer: number, head: number, pixels: number) => ImageData} imageOf
 * @param {Side} side @param {number} size Of one. @param {number} width @param {Ink} ink
 */
export function paintHeads(canvas, imageOf, side, size, width, { palette, dpr }) {
  const step = size + 4;
  const pen = begin(canvas, width, side.n_layers * step, dpr);
  const pixels = Math.max(1, Math.round(size * dpr));
  pen.font = "11px " + palette.sans;
  pen.textBaseline = "middle";
  for (let layer = 0; layer < side.n_layers; layer++) {
    pen.fillStyle = palette.muted;
    pen.fillText(gettext("layer {layer}", { layer }), 0, layer * step + size / 2, LAYER_LABEL - 4);
    for (let head = 0; head < side.n_heads; head++) {
      pen.putImageData(imageOf(layer, head, pixels), Math.round((LAYER_LABEL + head * step) * dpr), Math.round(layer * step * dpr));
    }
  }
}

/**
 * A head's whole pattern in few pixels: where cells are smaller than a pixel the largest weight of each
 * block, so that no line is lost.
 * @param {PackedArray} pattern Of its layer. @param {number} head @param {Int32Array} positions
 * @param {number} pixels @param {Theme} theme @returns {ImageData}
 */
export function smallPattern(pattern, head, positions, pixels, theme) {
  const table = attentionTable(theme);
  const colour = (/** @type {number} */ byte) => (byte < 0 || byte === FORBIDDEN ? 0 : table[Math.round((byte * 255) / FULL)]);
  const n_slots = positions.length;
  if (pixels < n_slots) {
    const largest = largestWeights(pattern, head, positions, pixels);
    return squareImage(pixels, (at) => colour(largest[at]));
  }
  const n = pattern.shape[1];
  const start = head * n * n;
  return squareImage(pixels, (at) => {
    const [query, key] = [Math.floor(at / pixels), at % pixels].map((pixel) => positions[Math.floor((pixel * n_slots) / pixels)]);
    return query < 0 || key < 0 ? 0 : colour(pattern.data[start + query * n + key]);
  });
}

/**
 * A head as it was sent where its layer was not: a small picture, spread over the slots that the side has.
 * @param {PackedArray} thumbnails @param {Side} side @param {number} n_slots @param {number} layer @param {number} head
 * @param {number} pixels @param {Theme} theme @returns {ImageData}
 */
export function thumbnailImage({ data, shape: [, n_heads, n] }, side, n_slots, layer, head, pixels, theme) {
  const table = attentionTable(theme);
  const [from, size] = [(Math.min(...side.slots) / n_slots) * pixels, (side.slots.length / n_slots) * pixels];
  const start = (layer * n_heads + head) * n * n;
  const cellAt = (/** @type {number} */ pixel) => Math.floor(((pixel + 0.5 - from) / size) * n);
  return squareImage(pixels, (at) => {
    const [row, column] = [cellAt(Math.floor(at / pixels)), cellAt(at % pixels)];
    if (row < 0 || column < 0 || row >= n || column >= n) return 0;
    return side.mask === "causal" && column > row ? 0 : table[data[start + row * n + column]];
  });
}

/** @param {number} pixels @param {(at: number) => number} colour As a little-endian RGBA word. @returns {ImageData} */
function squareImage(pixels, colour) {
  const words = Uint32Array.from({ length: pixels * pixels }, (_, at) => colour(at));
  return new ImageData(new Uint8ClampedArray(words.buffer), pixels, pixels);
}

/**
 * The map of rows: layers below each other, positions side by side. Filled: changed; a frame with a
 * hollow dot: the same; dashed: still to be guessed. Where a cell is too narrow for its frame, the same
 * is a hollow band, changed a fill without a frame, and new the fill that is darkest.
 * @param {HTMLCanvasElement} canvas @param {Side} side @param {PackedArray | undefined} rows
 * @param {PackedArray | undefined} largest @param {number} most Largest difference of all the maps.
 * @param {Geometry} place @param {Ink} ink @param {RowPlace | null} pointed The row that is pointed at.
 * @param {number[]} lit Positions that are lit.
 */
export function paintRows(canvas, side, rows, largest, most, place, { palette, dpr }, pointed, lit) {
  const { pitch: w, cellHeight: h, labels } = place;
  const step = h + 3;
  // Frames lie around the first and the last layer too.
  const pen = begin(canvas, place.column, MAP_TOP + side.n_layers * step, dpr);
  const gap = w >= 8 ? 2 : w >= 4 ? 1 : 0;
  const wash = /** @type {Rgb} */ (parse(palette.computedWash));
  const full = /** @type {Rgb} */ (parse(palette.computed));
  const n = side.tokens.length;
  pen.textBaseline = "middle";
  for (let layer = 0; layer < side.n_layers; layer++) {
    const y = MAP_TOP + layer * step;
    pen.font = `11px ${palette.sans}`;
    pen.textAlign = "left";
    pen.fillStyle = palette.muted;
    pen.fillText(gettext("layer {layer}", { layer }), 0, y + h / 2, LAYER_LABEL - 4);
    for (let position = 0; position < n; position++) {
      // On whole pixels, or cells of unlike widths would show as stripes.
      const snap = (/** @type {number} */ at) => Math.round(at * dpr) / dpr;
      const left = snap(labels + side.slots[position] * w);
      const box = { x: left, y, w: Math.max(1 / dpr, snap(labels + (side.slots[position] + 1) * w) - gap - left), h };
      const [x, middle] = [box.x + box.w / 2, y + h / 2];
      if (!rows) {
        pen.strokeStyle = palette.slot;
        pen.setLineDash([2, 2]);
        pen.strokeRect(box.x + 0.5, box.y + 0.5, box.w - 1, box.h - 1);
        pen.setLineDash([]);
        continue;
      }
      const state = rows.data[layer * n + position];
      if (state === SAME && w < FRAMED) {
        pen.fillStyle = palette.reusedWash;
        pen.fillRect(box.x, box.y, box.w, box.h);
        pen.fillStyle = palette.reused;
        pen.fillRect(box.x, box.y, box.w, 1);
        pen.fillRect(box.x, box.y + box.h - 1, box.w, 1);
      } else if (state === SAME) {
        frame(pen, box, w >= 8 ? 1.5 : 1, palette.reused, dpr);
        if (w >= 10) dot(pen, x, middle, 2.6, palette.reusedText, false);
      } else if (state === NEW) {
        pen.fillStyle = palette.computed;
        pen.fillRect(box.x, box.y, box.w, box.h);
        pen.fillStyle = palette.onInk;
        pen.font = `600 10.5px ${palette.sans}`;
        pen.textAlign = "center";
        if (w >= 30) pen.fillText(gettext("new"), x, middle + 0.5, box.w - 2);
        else if (w >= 9) pen.fillText("+", x, middle + 0.5);
      } else if (state === CHANGED || state === OTHER_TOKEN) {
        const size = largest ? largest.data[layer * n + position] : 0;
        // By the root: a small change is a change, and must not look like none.
        pen.fillStyle = css(mix(wash, full, 0.25 + 0.65 * Math.sqrt(most > 0 ? size / most : 0)));
        pen.fillRect(box.x, box.y, box.w, box.h);
        if (w >= FRAMED) frame(pen, box, 1, palette.computed, dpr);
        if (state === OTHER_TOKEN && w >= 10) {
          pen.fillStyle = palette.text;
          pen.font = `600 12px ${palette.sans}`;
          pen.textAlign = "center";
          pen.fillText("≠", x, middle + 0.5);
        }
      }
    }
  }
  for (const position of lit) {
    frame(pen, { x: labels + side.slots[position] * w - 2, y: 0, w: w - gap + 4, h: MAP_TOP + side.n_layers * step - 1 }, 1, palette.muted, dpr);
  }
  if (pointed) {
    const box = { x: labels + side.slots[pointed.position] * w - 1, y: MAP_TOP + pointed.layer * step - 1, w: w - gap + 2, h: h + 2 };
    frame(pen, box, 2, palette.ink, dpr);
  }
}
