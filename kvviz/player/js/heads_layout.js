// Where the small pictures of all heads stand. Pure.

/** @import { HeadsGeometry, LayoutInput } from "./layout.js" */

/**
 * Thumbnails in lines of one or more layers, as large as they may be without growing tall.
 * @param {LayoutInput} input @param {number} content @returns {HeadsGeometry}
 */
export function headsGeometry({ n_layers, n_heads }, content) {
  const label = 26;
  const gap = 6;
  const between = 22;
  const widthOf = (/** @type {number} */ size, /** @type {number} */ layers) =>
    layers * (label + n_heads * (size + gap) - gap) + (layers - 1) * between;
  let best = { size: 0, perLine: 1, score: -Infinity };
  for (let perLine = 1; perLine <= n_layers; perLine++) {
    if (widthOf(30, perLine) > content) break;
    for (let size = 30; size <= 72 && widthOf(size, perLine) <= content; size++) {
      const height = Math.ceil(n_layers / perLine) * (size + 14);
      // Wanted: near 54 px each, not much taller than 300 px, the width used, and no line half empty.
      const unused = 1 - widthOf(size, perLine) / content;
      const score = -Math.abs(size - 54) - Math.max(0, height - 300) / 8 - 40 * unused - (n_layers % perLine ? 6 : 0);
      if (score > best.score) best = { size, perLine, score };
    }
  }
  if (best.size === 0) return wrappedHeads({ n_layers, n_heads }, content);
  const { size, perLine } = best;
  const thumbs = [];
  const labels = [];
  const lines = [];
  const pitch = size + 14;
  const step = widthOf(size, 1) + between;
  for (let layer = 0; layer < n_layers; layer++) {
    const x = (layer % perLine) * step;
    const y = Math.floor(layer / perLine) * pitch + 4;
    labels.push({ layer, x, y: y + size / 2 });
    lines.push({ x: x + label, y, w: n_heads * (size + gap) - gap, h: size });
    for (let head = 0; head < n_heads; head++) thumbs.push({ x: x + label + head * (size + gap), y, w: size, h: size });
  }
  return { w: content, h: Math.ceil(n_layers / perLine) * pitch + 2, size, thumbs, labels, lines };
}

/**
 * Too many heads for one line: each layer takes as many lines as it needs.
 * @param {{ n_layers: number, n_heads: number }} shape @param {number} content @returns {HeadsGeometry}
 */
function wrappedHeads({ n_layers, n_heads }, content) {
  const label = 26;
  const gap = 6;
  const most = Math.max(1, Math.floor((content - label + gap) / 40));
  const lineCount = Math.ceil(n_heads / most);
  const perLine = Math.ceil(n_heads / lineCount);
  const size = Math.min(52, Math.floor((content - label + gap) / perLine) - gap);
  const thumbs = [];
  const labels = [];
  const lines = [];
  let y = 4;
  for (let layer = 0; layer < n_layers; layer++) {
    labels.push({ layer, x: 0, y: y + size / 2 });
    for (let line = 0; line < lineCount; line++) {
      const count = Math.min(perLine, n_heads - line * perLine);
      lines.push({ x: label, y, w: count * (size + gap) - gap, h: size });
      for (let i = 0; i < count; i++) thumbs.push({ x: label + i * (size + gap), y, w: size, h: size });
      y += size + 8;
    }
    y += 8;
  }
  return { w: content, h: y, size, thumbs, labels, lines };
}
