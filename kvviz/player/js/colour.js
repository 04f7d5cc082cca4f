// Palettes and look-up tables, light and dark. Pure.
//
// Orange means computed at this step, blue means reused and taupe means evicted, everywhere and for nothing
// else. Values run from purple to green, attention from paper to indigo, probabilities are violet.

/**
 * @typedef {"light" | "dark"} Theme
 * @typedef {[number, number, number]} Rgb
 * @typedef {typeof LIGHT & { sans: string }} Palette The colours, and the family of the page's own font.
 */

const LIGHT = {
  ground: "#fbfaf6",
  card: "#ffffff",
  text: "#1d1d20",
  muted: "#63646a",
  line: "#e4e1d9",
  slot: "#cdcac1",
  well: "#f1efe9",
  computed: "#d9660f",
  computedText: "#ad4b05",
  computedWash: "#fdeddd",
  reused: "#2f63c8",
  reusedText: "#2657b5",
  reusedWash: "#e7eefb",
  evicted: "#9a8675",
  evictedText: "#725f4e",
  evictedWash: "#e9e1d8",
  bar: "#7a5ad6",
  barWash: "#ece7fa",
  ink: "#1d1d20",
  onInk: "#ffffff",
  hatch: "#d6d3ca",
  previous: "#0b7f78",
  first: "#8a3fb8",
  induction: "#b8245f",
};

/** @type {typeof LIGHT} */
const DARK = {
  ground: "#141518",
  card: "#1c1e22",
  text: "#ededf0",
  muted: "#a6a8b0",
  line: "#303339",
  slot: "#4a4e57",
  well: "#272a30",
  computed: "#f28a35",
  computedText: "#f79a4e",
  computedWash: "#40291a",
  reused: "#7aa5f7",
  reusedText: "#8fb3f9",
  reusedWash: "#20304f",
  evicted: "#a5917f",
  evictedText: "#c3b0a0",
  evictedWash: "#3a332d",
  bar: "#a58df2",
  barWash: "#322c4b",
  ink: "#ededf0",
  onInk: "#17181b",
  hatch: "#3d4149",
  previous: "#3cc4b8",
  first: "#cf8ff5",
  induction: "#ff7fab",
};

/** @type {Record<Theme, typeof LIGHT>} */
export const PALETTES = { light: LIGHT, dark: DARK };

/** @type {Record<Theme, string[]>} */
const ATTENTION = {
  light: ["#f4f3fb", "#d8d5f0", "#a4a1dd", "#5d58ba", "#1d1a72"],
  dark: ["#25272f", "#3a3a68", "#6361b4", "#a3a0ee", "#f5f3ff"],
};

/** @type {Record<Theme, string[]>} */
const DIVERGING = {
  light: ["#5b2183", "#a87bc6", "#f5f3f2", "#6fb98a", "#0f6b3a"],
  dark: ["#d7a3f7", "#8a55b0", "#2a2c32", "#2f8f5d", "#7fe0a8"],
};

/**
 * Weights are shown by their square root: 5 % of attention is a lot among many tokens, and on a
 * linear scale it could not be told from nothing.
 */
const ATTENTION_POWER = 0.5;

/**
 * The colour of every attention byte, as opaque RGBA words for an ImageData.
 * @param {Theme} theme @returns {Uint32Array} 256 words.
 */
export function attentionTable(theme) {
  const table = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    table[byte] = word(along(ATTENTION[theme], (byte / 255) ** ATTENTION_POWER));
  }
  return table;
}

/** @type {Map<Theme, string[]>} */
const attentionNames = new Map();

/**
 * The same colours as CSS writes them, for cells drawn one by one.
 * @param {Theme} theme @returns {string[]} 256 colours.
 */
export function attentionColours(theme) {
  const known = attentionNames.get(theme);
  if (known) return known;
  const names = Array.from({ length: 256 }, (_, byte) => css(along(ATTENTION[theme], (byte / 255) ** ATTENTION_POWER)));
  attentionNames.set(theme, names);
  return names;
}

/**
 * The colour of every K/V byte. The scale saturates, so that a few outliers do not bleach the rest.
 * @param {Theme} theme @param {number} saturation Largest |byte| told apart, 1 to 127.
 * @returns {Uint32Array} 256 words, indexed by byte + 128.
 */
export function divergingTable(theme, saturation) {
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    const signed = Math.max(-1, Math.min(1, (i - 128) / saturation));
    table[i] = word(along(DIVERGING[theme], (signed + 1) / 2));
  }
  return table;
}

/** @param {Theme} theme @param {number} value In [-1, 1]. @returns {string} */
export function divergingColour(theme, value) {
  return css(along(DIVERGING[theme], (Math.max(-1, Math.min(1, value)) + 1) / 2));
}

/** @param {Theme} theme @returns {string} The scale of the weights as a CSS gradient. */
export function gradient(theme) {
  return `linear-gradient(90deg, ${attentionColours(theme).filter((_, byte) => byte % 15 === 0).join(", ")})`;
}

/**
 * The |byte| below which 98 % of the numbers of a head lie: where its colour scale saturates.
 * @param {ArrayLike<number>} bytes Signed bytes. @param {number} from @param {number} to
 * @returns {number} 1 to 127.
 */
export function saturationOf(bytes, from, to) {
  const counts = new Uint32Array(128);
  for (let i = from; i < to; i++) counts[Math.min(127, Math.abs(bytes[i]))]++;
  let seen = 0;
  for (let size = 0; size < 128; size++) {
    seen += counts[size];
    if (seen >= 0.98 * (to - from)) return Math.max(1, size);
  }
  return 127;
}

/** @param {string} colour "#rrggbb" or "rgb(r, g, b)" @returns {Rgb | null} */
export function parse(colour) {
  const text = colour.trim();
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})([0-9a-f]{2})?$/i.exec(text);
  if (hex) {
    const digits = hex[1].length === 3 ? [...hex[1]].map((d) => d + d).join("") : hex[1];
    const part = (/** @type {number} */ i) => parseInt(digits.slice(i, i + 2), 16);
    return [part(0), part(2), part(4)];
  }
  const rgb = /^rgba?\(\s*([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)/.exec(text);
  return rgb ? [Number(rgb[1]), Number(rgb[2]), Number(rgb[3])] : null;
}

/** @param {Rgb} a @param {Rgb} b @param {number} share Of b, in [0, 1]. @returns {Rgb} */
export function mix(a, b, share) {
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share];
}

/** @param {Rgb} rgb @returns {string} */
export function css(rgb) {
  return `#${rgb.map((n) => Math.round(n).toString(16).padStart(2, "0")).join("")}`;
}

/** @param {Rgb} rgb @returns {number} Relative luminance, WCAG 2.2. */
export function luminance(rgb) {
  const [r, g, b] = rgb.map((n) => {
    const c = n / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {Rgb} a @param {Rgb} b @returns {number} Contrast ratio, 1 to 21, WCAG 2.2. */
export function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

/**
 * The palette for a page's own colours: ground and text follow the page where they read well.
 * @param {Theme} theme @param {string} background The page's, or empty. @param {string} text Likewise.
 * @param {string} [sans] Font family. @returns {Palette}
 */
export function paletteFor(theme, background, text, sans = "sans-serif") {
  const palette = { ...PALETTES[theme], sans };
  const ground = parse(background);
  if (ground) {
    palette.ground = css(ground);
    palette.card = css(mix(ground, [255, 255, 255], theme === "light" ? 0.8 : 0.035));
  }
  const ink = parse(text);
  if (ink && contrast(ink, /** @type {Rgb} */ (parse(palette.card))) >= 7) palette.text = css(ink);
  return palette;
}

/** @param {string} background @returns {Theme | null} */
export function themeOf(background) {
  const rgb = parse(background);
  return rgb ? (luminance(rgb) < 0.18 ? "dark" : "light") : null;
}

/** @param {string[]} stops @param {number} t In [0, 1]. @returns {Rgb} */
function along(stops, t) {
  const at = t * (stops.length - 1);
  const i = Math.min(Math.floor(at), stops.length - 2);
  return mix(/** @type {Rgb} */ (parse(stops[i])), /** @type {Rgb} */ (parse(stops[i + 1])), at - i);
}

/** @param {Rgb} rgb @returns {number} Little-endian RGBA. */
function word(rgb) {
  const [r, g, b] = rgb.map(Math.round);
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}
