// Frames into an animated GIF: one palette for all of them, so that a colour is the same everywhere, and
// of each frame only what has changed. Pure.
//
// The format: GIF89a, https://www.w3.org/Graphics/GIF/spec-gif89a.txt, and its LZW as in appendix F.

/** Index of what is left as it stood; the others are colours. */
const UNCHANGED = 0;
const N_COLOURS = 255;
/** How far apart colours of the palette must be, from coarse to fine: first every hue has a share, then what is frequent gets its shades. */
const APART = [48, 32, 24, 16, 12, 8, 5, 3, 1];
/** LZW codes: a byte is itself, two have a meaning of their own, and the rest stand for what was seen. */
const [CLEAR, END, N_CODES] = [256, 257, 4096];

/** After so many pixels, or colours, whoever does the work may let others have their turn: some milliseconds at most. */
const A_STRETCH = 1 << 16;

/**
 * @typedef {Uint32Array} Pixels Red, green, blue and alpha from the lowest byte on; alpha is not read.
 * @typedef {[number, number, number]} Rgb
 */

/** Counts colours of frames, and makes a palette of the most frequent ones. */
export class Colours {
  constructor() {
    /** @type {Map<number, number>} */
    this.counts = new Map();
  }

  /** @param {Pixels} pixels @returns {Generator<void, void>} */
  *adding(pixels) {
    const { counts } = this;
    for (let i = 0, from = 0, rest = A_STRETCH; i < pixels.length; i = from) {
      if (i > rest) {
        yield;
        rest = i + A_STRETCH;
      }
      const pixel = pixels[i];
      while (pixels[from] === pixel) from++;
      counts.set(pixel, (counts.get(pixel) ?? 0) + from - i);
    }
  }

  /** @returns {Generator<void, Rgb[]>} No more than `N_COLOURS`, each as it was in some frame. */
  *choosing() {
    /** @type {Map<number, [number, number]>} Of colours that hardly differ, the most frequent. */
    const bins = new Map();
    for (const [pixel, n] of this.counts) {
      const bin = pixel & 0xfcfcfc;
      if (n > (bins.get(bin)?.[1] ?? 0)) bins.set(bin, [pixel, n]);
    }
    const left = [...bins.values()].sort((a, b) => b[1] - a[1]).map(([pixel]) => ({ colour: rgbOf(pixel), apart: Infinity }));
    /** @type {Rgb[]} */
    const taken = [];
    let n_compared = 0;
    for (const apart of APART) {
      for (const one of left) {
        if (one.apart < apart ** 2 || taken.length >= N_COLOURS) continue;
        taken.push(one.colour);
        if ((n_compared += left.length) > A_STRETCH) {
          yield;
          n_compared = 0;
        }
        for (const other of left) other.apart = Math.min(other.apart, distance(one.colour, other.colour));
      }
    }
    return taken;
  }
}

export class Gif {
  /** @param {number} width @param {number} height @param {Rgb[]} palette */
  constructor(width, height, palette) {
    this.width = width;
    this.height = height;
    this.palette = palette;
    /** @type {Map<number, number>} */
    this.found = new Map();
    /** @type {Pixels | null} */
    this.before = null;
    /** What a code followed by a byte is known as while a frame is compressed: 0 if it is not. */
    this.known = new Uint16Array(N_CODES * 256);
    const colours = Array.from({ length: 256 }, (_, i) => palette[i - 1] ?? [0, 0, 0]).flat();
    // A table of 256 colours for all frames; then the note that it begins anew without end.
    this.parts = [
      Uint8Array.of(...ascii("GIF89a"), ...words(width, height), 0xf7, 0, 0, ...colours),
      Uint8Array.of(0x21, 0xff, 11, ...ascii("NETSCAPE2.0"), 3, 1, 0, 0, 0),
    ];
  }

  /** @returns {number} */
  get n_bytes() {
    return this.parts.reduce((sum, { length }) => sum + length, 0);
  }

  /** @param {Pixels} pixels @param {number} ms How long the frame stands. @returns {Generator<void, void>} */
  *adding(pixels, ms) {
    const { width, before } = this;
    const { x, y, w, h } = changedBox(before, pixels, width, this.height);
    const indices = new Uint8Array(w * h).fill(UNCHANGED);
    let [last, index] = [-1, 0];
    yield;
    const stretch = Math.max(1, Math.floor(A_STRETCH / w));
    for (let row = 0, at = 0; row < h; row++) {
      if (row % stretch === stretch - 1) yield;
      for (let i = (y + row) * width + x, end = i + w; i < end; i++, at++) {
        const pixel = pixels[i];
        if (before?.[i] === pixel) continue;
        // Most pixels are as the one to their left.
        if (pixel !== last) [last, index] = [pixel, this.indexOf(pixel)];
        indices[at] = index;
      }
    }
    // Left standing when its time is over, and seen through where nothing has changed.
    this.parts.push(
      Uint8Array.of(0x21, 0xf9, 4, before ? 5 : 4, ...words(ms / 10), UNCHANGED, 0, 0x2c, ...words(x, y, w, h), 0, 8),
      yield* compressed(indices, this.known),
    );
    this.before = pixels;
  }

  /** @param {number} pixel @returns {number} Of the colour that is nearest; the same one for the same pixel in every frame. */
  indexOf(pixel) {
    const known = this.found.get(pixel);
    if (known !== undefined) return known;
    const colour = rgbOf(pixel);
    const apart = this.palette.map((other) => distance(colour, other));
    const index = apart.indexOf(Math.min(...apart)) + 1;
    this.found.set(pixel, index);
    return index;
  }

  /** @returns {Uint8Array<ArrayBuffer>} The file. */
  finished() {
    const file = new Uint8Array(this.n_bytes + 1);
    let at = 0;
    for (const part of this.parts) {
      file.set(part, at);
      at += part.length;
    }
    file[at] = 0x3b;
    return file;
  }
}

/**
 * @param {Uint8Array} indices @param {Uint16Array} known Zeros, and left so.
 * @returns {Generator<void, Uint8Array<ArrayBuffer>>} In blocks, each after its length; the last one is empty.
 */
function* compressed(indices, known) {
  // At worst every byte becomes a code of 12 bits.
  const out = new Uint8Array(Math.ceil(indices.length * 1.52) + 64);
  let [at, block, bits, n_bits] = [1, 0, 0, 0];
  const put = (/** @type {number} */ code) => {
    bits |= code << n_bits;
    n_bits += size;
    while (n_bits > 0 && (n_bits >= 8 || code === END)) {
      if (at - block > 255) {
        out[block] = 255;
        block = at++;
      }
      out[at++] = bits;
      bits >>>= 8;
      n_bits -= 8;
    }
  };
  /** @type {number[]} */
  let keys = [];
  let [size, next, prefix] = [9, END + 1, indices[0]];
  const forget = () => {
    for (const key of keys) known[key] = 0;
  };
  put(CLEAR);
  for (let i = 1; i < indices.length; i++) {
    if (i % A_STRETCH === 0) yield;
    const key = (prefix << 8) | indices[i];
    if (known[key]) {
      prefix = known[key];
      continue;
    }
    put(prefix);
    prefix = indices[i];
    if (next < N_CODES) {
      if (next === 1 << size) size++;
      known[key] = next++;
      keys.push(key);
    } else {
      put(CLEAR);
      forget();
      [keys, size, next] = [[], 9, END + 1];
    }
  }
  put(prefix);
  forget();
  // Who reads it counts one more code here.
  if (next === 1 << size && size < 12) size++;
  put(END);
  out[block] = at - block - 1;
  return out.slice(0, at + 1);
}

/** @param {string} text @returns {number[]} */
function ascii(text) {
  return [...text].map((letter) => letter.charCodeAt(0));
}

/** @param {number[]} numbers @returns {number[]} Two bytes each, the low one first. */
function words(...numbers) {
  return numbers.flatMap((number) => [number & 255, number >> 8]);
}

/**
 * Where a frame differs from the one before it; a single pixel if it does not.
 * @param {Pixels | null} before @param {Pixels} pixels @param {number} width @param {number} height
 * @returns {import("./layout.js").Box}
 */
export function changedBox(before, pixels, width, height) {
  if (!before) return { x: 0, y: 0, w: width, h: height };
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    const start = y * width;
    let first = 0;
    while (first < width && before[start + first] === pixels[start + first]) first++;
    if (first === width) continue;
    let last = width - 1;
    while (before[start + last] === pixels[start + last]) last--;
    left = Math.min(left, first);
    right = Math.max(right, last);
    top = Math.min(top, y);
    bottom = y;
  }
  return right < 0 ? { x: 0, y: 0, w: 1, h: 1 } : { x: left, y: top, w: right - left + 1, h: bottom - top + 1 };
}

/** @param {number} pixel @returns {Rgb} */
function rgbOf(pixel) {
  return [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
}

/** @param {Rgb} a @param {Rgb} b @returns {number} Squared. */
function distance([r, g, b], [r2, g2, b2]) {
  return (r - r2) ** 2 + (g - g2) ** 2 + (b - b2) ** 2;
}
