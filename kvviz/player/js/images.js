// Pictures that do not change with the step: coloured once, kept, and only copied while stepping.
import { attentionTable, divergingTable, saturationOf } from "./colour.js";
import { crossRow } from "./cross.js";
import { kvHead } from "./kv_heads.js";
import { triangleStart } from "./run.js";
import { isIn, unseenRows } from "./unseen.js";

/**
 * @import { Payload, RunCache } from "./buffer.js"
 * @import { Palette, Theme } from "./colour.js"
 * @import { HeadsGeometry } from "./heads_layout.js"
 * @import { CrossHeatGeometry } from "./pictures_layout.js"
 * @import { UnseenSpan } from "./unseen.js"
 *
 * @typedef {OffscreenCanvas | HTMLCanvasElement} Picture
 * @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Pen
 * @typedef {{ keys: Picture, values: Picture, keyEdge: number, valueEdge: number }} KvPictures
 */

const MOST_KEPT = 24;

/** Pictures by name, the longest unused given up first. */
export class PictureStore {
  constructor() {
    /** @type {Map<string, any>} */
    this.kept = new Map();
  }

  /**
   * @template T
   * @param {string} name @param {() => T} make @returns {T}
   */
  get(name, make) {
    const found = this.kept.get(name);
    if (found !== undefined) {
      this.kept.delete(name);
      this.kept.set(name, found);
      return found;
    }
    const made = make();
    this.kept.set(name, made);
    if (this.kept.size > MOST_KEPT) this.kept.delete(/** @type {string} */ (this.kept.keys().next().value));
    return made;
  }

  clear() {
    this.kept.clear();
  }
}

/** @param {number} w @param {number} h @returns {Picture} */
export function newPicture(w, h) {
  const [width, height] = [Math.max(1, Math.round(w)), Math.max(1, Math.round(h))];
  if (typeof OffscreenCanvas !== "undefined") return new OffscreenCanvas(width, height);
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

/** @param {Picture} picture @returns {Pen} */
export function penOf(picture) {
  return /** @type {Pen} */ (picture.getContext("2d"));
}

/** @param {Uint32Array} words @param {number} w @param {number} h @returns {Picture} */
function pictureOf(words, w, h) {
  const picture = newPicture(w, h);
  const pixels = new Uint8ClampedArray(/** @type {ArrayBuffer} */ (words.buffer), 0, w * h * 4);
  penOf(picture).putImageData(new ImageData(pixels, w, h), 0, 0);
  return picture;
}

/**
 * K and V of one head, one pixel a number.
 * @param {Payload} payload @param {RunCache} cache @param {number} layer @param {number} head
 * @param {Theme} theme @returns {KvPictures | null} Null where the layer is not here.
 */
export function kvPictures(payload, cache, layer, head, theme) {
  const { n_rows, model } = payload.header;
  const at = kvHead(payload, head);
  const size = n_rows * model.d_head;
  const draw = (/** @type {"keys" | "values"} */ part) => {
    const array = payload.arrays.get(`${cache}.${part}.${layer}`);
    const scale = payload.arrays.get(`${cache}.${part === "keys" ? "key" : "value"}_scale.${layer}`);
    if (!array || !scale) return null;
    const from = at * size;
    const edge = saturationOf(array.data, from, from + size);
    const table = divergingTable(theme, edge);
    const words = new Uint32Array(size);
    for (let i = 0; i < size; i++) words[i] = table[array.data[from + i] + 128];
    return { picture: pictureOf(words, model.d_head, n_rows), edge: (edge / 127) * scale.data[at] };
  };
  const keys = draw("keys");
  const values = draw("values");
  return keys && values
    ? { keys: keys.picture, values: values.picture, keyEdge: keys.edge, valueEdge: values.edge }
    : null;
}

/**
 * A lower triangle brought to `side` pixels: repeated where it is smaller, and where it is larger the
 * largest weight of each block, so that no line is lost.
 * @param {ArrayLike<number>} bytes @param {number} start @param {number} n @param {number} side
 * @param {Uint32Array} table @param {UnseenSpan[][] | null} [unseen] Keys that each query did not see.
 * @returns {Uint32Array} side x side words, 0 above the diagonal and where nothing was seen.
 */
export function triangleWords(bytes, start, n, side, table, unseen = null) {
  const words = new Uint32Array(side * side);
  if (side >= n) {
    for (let y = 0; y < side; y++) {
      const row = Math.floor((y * n) / side);
      const from = start + triangleStart(row);
      for (let x = 0; x < side; x++) {
        const column = Math.floor((x * n) / side);
        if (column > row) break;
        if (unseen && isIn(unseen[row], column)) continue;
        words[y * side + x] = table[bytes[from + column]];
      }
    }
    return words;
  }
  const largest = new Int16Array(side * side).fill(-1);
  for (let row = 0; row < n; row++) {
    const y = Math.floor((row * side) / n) * side;
    const from = start + triangleStart(row);
    for (let column = 0; column <= row; column++) {
      if (unseen && isIn(unseen[row], column)) continue;
      const at = y + Math.floor((column * side) / n);
      if (bytes[from + column] > largest[at]) largest[at] = bytes[from + column];
    }
  }
  for (let i = 0; i < largest.length; i++) if (largest[i] >= 0) words[i] = table[largest[i]];
  return words;
}

/**
 * The whole pattern of one head at screen resolution, without gaps between cells.
 * @param {Payload} payload @param {RunCache} cache @param {number} layer @param {number} head
 * @param {number} side Device pixels. @param {Theme} theme @returns {Picture | null}
 */
export function patternPicture(payload, cache, layer, head, side, theme) {
  const array = payload.arrays.get(`${cache}.pattern.${layer}`);
  if (!array) return null;
  const start = head * array.shape[1];
  const unseen = unseenRows(payload, cache, { layer, head });
  return pictureOf(triangleWords(array.data, start, payload.header.n_rows, side, attentionTable(theme), unseen), side, side);
}

/**
 * The same with a gap around every cell, for patterns small enough to see each.
 * @param {Payload} payload @param {RunCache} cache @param {number} layer @param {number} head
 * @param {number} pitch CSS pixels. @param {number} dpr @param {Theme} theme @returns {Picture | null}
 */
export function cellsPicture(payload, cache, layer, head, pitch, dpr, theme) {
  const array = payload.arrays.get(`${cache}.pattern.${layer}`);
  if (!array) return null;
  const { n_rows } = payload.header;
  const table = attentionTable(theme);
  const side = Math.round(pitch * dpr * n_rows);
  const words = new Uint32Array(side * side);
  const gap = Math.max(1, Math.round(dpr * (pitch >= 14 ? 1 : 0.75)));
  const unseen = unseenRows(payload, cache, { layer, head });
  for (let row = 0; row < n_rows; row++) {
    const from = head * array.shape[1] + triangleStart(row);
    const top = Math.round(row * pitch * dpr);
    const bottom = Math.round((row + 1) * pitch * dpr) - gap;
    for (let column = 0; column <= row; column++) {
      if (unseen && isIn(unseen[row], column)) continue;
      const word = table[array.data[from + column]];
      const left = Math.round(column * pitch * dpr);
      const right = Math.round((column + 1) * pitch * dpr) - gap;
      for (let y = top; y < bottom; y++) words.fill(word, y * side + left, y * side + right);
    }
  }
  return pictureOf(words, side, side);
}

/**
 * The cross-attention pattern of one head: cells with a gap around each where they are large enough,
 * else the largest weight of each pixel.
 * @param {Payload} payload @param {RunCache} cache @param {number} layer @param {number} head
 * @param {CrossHeatGeometry} heat @param {number} dpr @param {Theme} theme @returns {Picture | null}
 */
export function crossPicture(payload, cache, layer, head, { grid, rowPitch, columnPitch, cells }, dpr, theme) {
  const { n_rows, encoder } = payload.header;
  const n_encoder = encoder?.tokens.length ?? 0;
  if (!crossRow(payload, cache, layer, head, 0)) return null;
  const table = attentionTable(theme);
  const [width, height] = [Math.round(grid.w * dpr), Math.round(grid.h * dpr)];
  const largest = new Int16Array(width * height).fill(-1);
  const gapOf = (/** @type {number} */ pitch) => (cells ? Math.max(1, Math.round(dpr * (pitch >= 14 ? 1 : 0.75))) : 0);
  const edges = (/** @type {number} */ at, /** @type {number} */ pitch) => {
    const from = Math.round(at * pitch * dpr);
    return [from, Math.max(from + 1, Math.round((at + 1) * pitch * dpr) - gapOf(pitch))];
  };
  for (let row = 0; row < n_rows; row++) {
    const weights = /** @type {Uint8Array} */ (crossRow(payload, cache, layer, head, row));
    const [top, bottom] = edges(row, rowPitch);
    for (let column = 0; column < n_encoder; column++) {
      const [left, right] = edges(column, columnPitch);
      for (let y = top; y < Math.min(bottom, height); y++) {
        for (let x = left; x < Math.min(right, width); x++) {
          if (weights[column] > largest[y * width + x]) largest[y * width + x] = weights[column];
        }
      }
    }
  }
  const words = new Uint32Array(width * height);
  for (let i = 0; i < largest.length; i++) if (largest[i] >= 0) words[i] = table[largest[i]];
  return pictureOf(words, width, height);
}

/**
 * Every head's pattern as it stands in the overview, all rows; a step shows the upper part of it.
 * @param {Payload} payload @param {RunCache} cache @param {HeadsGeometry} heads @param {number} dpr
 * @param {Theme} theme @returns {Picture}
 */
export function headsPicture(payload, cache, heads, dpr, theme) {
  const { n_rows, model } = payload.header;
  const table = attentionTable(theme);
  const picture = newPicture(heads.w * dpr, heads.h * dpr);
  const pen = penOf(picture);
  const side = Math.round(heads.size * dpr);
  const blocks = payload.arrays.get("thumbnails");
  heads.thumbs.forEach((box, index) => {
    const layer = Math.floor(index / model.n_heads);
    const head = index % model.n_heads;
    let words;
    const unseen = unseenRows(payload, cache, { layer, head });
    const pattern = payload.arrays.get(`${cache}.pattern.${layer}`);
    if (blocks) {
      const cells = blocks.shape[2];
      words = new Uint32Array(side * side);
      const from = index * cells * cells;
      const seen = unseen && seenBlocks(unseen, cells);
      for (let y = 0; y < side; y++) {
        const row = Math.floor((y * cells) / side);
        for (let x = 0; x <= y; x++) {
          const block = row * cells + Math.floor((x * cells) / side);
          if (!seen || seen[block]) words[y * side + x] = table[blocks.data[from + block]];
        }
      }
    } else if (pattern) {
      words = triangleWords(pattern.data, head * pattern.shape[1], n_rows, side, table, unseen);
    } else return;
    const pixels = new Uint8ClampedArray(/** @type {ArrayBuffer} */ (words.buffer));
    pen.putImageData(new ImageData(pixels, side, side), Math.round(box.x * dpr), Math.round(box.y * dpr));
  });
  return picture;
}

/** What was found for all heads whose queries saw the same. @type {WeakMap<UnseenSpan[][], Uint8Array>} */
const blocksOf = new WeakMap();

/**
 * Which blocks of a thumbnail hold a cell that was seen, as `thumbnails` of patterns.py divides them.
 * @param {UnseenSpan[][]} unseen @param {number} cells @returns {Uint8Array}
 */
function seenBlocks(unseen, cells) {
  const known = blocksOf.get(unseen);
  if (known) return known;
  const n = unseen.length;
  const blockOf = (/** @type {number} */ at) => Math.floor(((at + 1) * cells - 1) / n);
  const seen = new Uint8Array(cells * cells);
  unseen.forEach((spans, row) => {
    for (let column = 0; column <= row; column++) if (!isIn(spans, column)) seen[blockOf(row) * cells + blockOf(column)] = 1;
  });
  blocksOf.set(unseen, seen);
  return seen;
}

/**
 * The hatching of masked cells: thin lines falling to the right.
 * @param {Palette} palette @param {number} dpr @returns {Picture}
 */
export function hatchTile(palette, dpr) {
  const side = Math.round(7 * dpr);
  const picture = newPicture(side, side);
  const pen = penOf(picture);
  pen.strokeStyle = palette.hatch;
  pen.lineWidth = Math.max(1, dpr * 0.8);
  pen.beginPath();
  for (const shift of [-side, 0, side]) {
    pen.moveTo(shift - 1, -1);
    pen.lineTo(shift + side + 1, side + 1);
  }
  pen.stroke();
  return picture;
}
