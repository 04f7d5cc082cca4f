// Where the small pictures of all heads stand, those that read one KV head together. Pure.

/**
 * @import { Box } from "./layout.js"
 *
 * @typedef {{ n_layers: number, n_heads: number, n_kv_heads?: number }} HeadsInput Where no KV heads are told, each head has its own.
 *
 * @typedef {object} HeadsGeometry
 * @property {number} w
 * @property {number} h
 * @property {number} size
 * @property {Box[]} thumbs At layer * n_heads + head.
 * @property {{ layer: number, x: number, y: number }[]} labels
 * @property {Box[]} lines
 * @property {{ layer: number, kv: number, box: Box }[]} groups Below the heads that read one KV head; none where no head is shared.
 */

const LABEL = 26;
const GAP = 6;
/** Of a head and the gap beside it, where a layer takes several lines. */
const LEAST = 40;
/** Between layers in one line. */
const BETWEEN = 22;
/** Between the lines of layers. */
const LINES_APART = 14;
/** Between heads of different groups, more than between those of one. */
const GROUPS_APART = 10;
/** Below the heads of a group: the bracket that holds them, and its name. */
const BRACKET = 20;

/** @param {HeadsInput} input @returns {number} Heads that read one KV head; 0 where none is shared. */
function groupSize({ n_heads, n_kv_heads = n_heads }) {
  return n_kv_heads < n_heads ? n_heads / n_kv_heads : 0;
}

/** @param {HeadsInput} input @param {number} head @param {number} size @returns {number} How far right of the first one of its line a head stands. */
function offsetOf(input, head, size) {
  const shared = groupSize(input);
  return head * (size + GAP) + (shared ? Math.floor(head / shared) * GROUPS_APART : 0);
}

/**
 * Thumbnails in lines of one or more layers, as large as they may be without growing tall.
 * @param {HeadsInput} input @param {number} content @returns {HeadsGeometry}
 */
export function headsGeometry(input, content) {
  const { n_layers, n_heads } = input;
  const apart = LINES_APART + (groupSize(input) ? BRACKET : 0);
  const widthOf = (/** @type {number} */ size, /** @type {number} */ layers) =>
    layers * (LABEL + offsetOf(input, n_heads - 1, size) + size) + (layers - 1) * BETWEEN;
  let best = { size: 0, perLine: 1, score: -Infinity };
  for (let perLine = 1; perLine <= n_layers; perLine++) {
    if (widthOf(30, perLine) > content) break;
    for (let size = 30; size <= 72 && widthOf(size, perLine) <= content; size++) {
      const height = Math.ceil(n_layers / perLine) * (size + apart);
      // Wanted: near 54 px each, not much taller than 300 px, the width used, and no line half empty.
      const unused = 1 - widthOf(size, perLine) / content;
      const score = -Math.abs(size - 54) - Math.max(0, height - 300) / 8 - 40 * unused - (n_layers % perLine ? 6 : 0);
      if (score > best.score) best = { size, perLine, score };
    }
  }
  if (best.size === 0) return wrappedHeads(input, content);
  const { size, perLine } = best;
  /** @type {HeadsGeometry} */
  const heads = { w: content, h: 0, size, thumbs: [], labels: [], lines: [], groups: [] };
  const pitch = size + apart;
  const step = widthOf(size, 1) + BETWEEN;
  for (let layer = 0; layer < n_layers; layer++) {
    const x = (layer % perLine) * step;
    const y = Math.floor(layer / perLine) * pitch + 4;
    heads.labels.push({ layer, x, y: y + size / 2 });
    addLine(heads, input, { layer, x: x + LABEL, y }, 0, n_heads);
  }
  heads.h = Math.ceil(n_layers / perLine) * pitch + 2;
  return heads;
}

/**
 * Too many heads for one line: each layer takes as many lines as it needs.
 * @param {HeadsInput} input @param {number} content @returns {HeadsGeometry}
 */
function wrappedHeads(input, content) {
  const { n_layers, n_heads } = input;
  const shared = groupSize(input);
  const room = content - LABEL + GAP;
  // A group is parted only where it is longer than a line; then a line may hold the end of one and the beginning of the next.
  const whole = shared && Math.floor((room + GROUPS_APART) / (shared * LEAST + GROUPS_APART));
  const most = Math.max(1, Math.floor((room - (shared ? GROUPS_APART : 0)) / LEAST));
  const perLine = whole ? whole * shared : Math.ceil(n_heads / Math.ceil(n_heads / most));
  const n_between = whole ? whole - 1 : shared ? 1 : 0;
  const size = Math.min(52, Math.floor((room - n_between * GROUPS_APART) / perLine) - GAP);
  /** @type {HeadsGeometry} */
  const heads = { w: content, h: 0, size, thumbs: [], labels: [], lines: [], groups: [] };
  let y = 4;
  for (let layer = 0; layer < n_layers; layer++) {
    heads.labels.push({ layer, x: 0, y: y + size / 2 });
    for (let first = 0; first < n_heads; first += perLine) {
      addLine(heads, input, { layer, x: LABEL, y }, first, Math.min(n_heads, first + perLine));
      y += size + 8 + (shared ? BRACKET : 0);
    }
    y += 8;
  }
  return { ...heads, h: y };
}

/**
 * Adds heads of a layer that stand in one line, and the brackets below them.
 * @param {HeadsGeometry} heads @param {HeadsInput} input @param {{ layer: number, x: number, y: number }} at @param {number} first @param {number} end
 */
function addLine({ size, thumbs, lines, groups }, input, { layer, x, y }, first, end) {
  const shared = groupSize(input);
  const start = offsetOf(input, first, size);
  const boxOf = (/** @type {number} */ head) => ({ x: x + offsetOf(input, head, size) - start, y, w: size, h: size });
  for (let head = first; head < end; head++) thumbs.push(boxOf(head));
  const last = boxOf(end - 1);
  lines.push({ x, y, w: last.x + size - x, h: size });
  for (let head = first; shared && head < end; ) {
    const next = Math.min(end, (Math.floor(head / shared) + 1) * shared);
    const [left, right] = [boxOf(head).x, boxOf(next - 1).x + size];
    groups.push({ layer, kv: Math.floor(head / shared), box: { x: left, y: y + size + 5, w: right - left, h: BRACKET - 5 } });
    head = next;
  }
}
