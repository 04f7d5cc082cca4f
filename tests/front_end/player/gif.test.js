import assert from "node:assert/strict";
import { test } from "node:test";
import { PALETTES, parse } from "../../../kvviz/player/js/colour.js";
import { Colours, Gif, changedBox } from "../../../kvviz/player/js/gif.js";
import { random } from "./fixture.js";
import { readGif } from "./gif_reader.js";

const [W, H] = [90, 60];
const word = (hex) => {
  const [r, g, b] = parse(hex);
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
};
const { card, computed, reused, text } = Object.fromEntries(Object.entries(PALETTES.light).map(([name, hex]) => [name, word(hex)]));

/** All of a piece of work that is done in stretches. */
function atOnce(work) {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** A ground with boxes of colours on it. */
function picture(...boxes) {
  const pixels = new Uint32Array(W * H).fill(card);
  for (const [x, y, w, h, colour] of boxes) for (let row = y; row < y + h; row++) pixels.fill(colour, row * W + x, row * W + x + w);
  return pixels;
}

/** @param {Uint32Array[]} frames @param {number[]} times */
function gifOf(frames, times) {
  const colours = new Colours();
  for (const pixels of frames) atOnce(colours.adding(pixels));
  const gif = new Gif(W, H, atOnce(colours.choosing()));
  frames.forEach((pixels, i) => atOnce(gif.adding(pixels, times[i])));
  return gif;
}

test("what is read back is what was drawn: size, frames, times, every pixel", () => {
  const frames = [picture([5, 5, 20, 9, computed]), picture([5, 5, 20, 9, computed], [40, 30, 11, 7, reused]), picture([40, 30, 11, 7, text])];
  const gif = gifOf(frames, [100, 900, 2400]);
  const said = gif.n_bytes;
  const file = gif.finished();
  assert.equal(file.length, said + 1);
  const read = readGif(file);
  assert.deepEqual([read.width, read.height, read.loops], [W, H, 0]);
  assert.deepEqual(read.frames.map(({ ms }) => ms), [100, 900, 2400]);
  frames.forEach((pixels, i) => assert.deepEqual(read.frames[i].pixels, pixels));
  assert.equal(read.frames[0].pixels[5 * W + 5], word("#d9660f"));
});

test("of a frame only what has changed is kept, and nothing at all costs a pixel", () => {
  const still = picture([5, 5, 20, 9, computed]);
  const { frames } = readGif(gifOf([still, picture([5, 5, 20, 9, computed], [40, 30, 11, 7, reused]), picture([5, 5, 20, 9, computed], [40, 30, 11, 7, reused])], [10, 10, 10]).finished());
  assert.deepEqual(frames.map(({ x, y, w, h }) => [x, y, w, h]), [[0, 0, W, H], [40, 30, 11, 7], [0, 0, 1, 1]]);
  assert.deepEqual(changedBox(still, still, W, H), { x: 0, y: 0, w: 1, h: 1 });
});

test("a picture wider than a byte can say stands where it belongs", () => {
  const [width, height] = [700, 300];
  const before = new Uint32Array(width * height).fill(card);
  const after = before.slice();
  after[299 * width + 699] = computed;
  const gif = new Gif(width, height, [parse("#ffffff"), parse("#d9660f")]);
  atOnce(gif.adding(before, 20));
  atOnce(gif.adding(after, 20));
  const { frames } = readGif(gif.finished());
  assert.deepEqual([frames[1].x, frames[1].y], [699, 299]);
  assert.deepEqual(frames[1].pixels, after);
});

test("noise that fills the table of codes many times over comes back whole", () => {
  const next = random(7);
  const shades = Array.from({ length: 200 }, (_, i) => (0xff000000 | (i << 16) | ((255 - i) << 8)) >>> 0);
  const palette = shades.map((pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255]);
  for (const size of [1, 2, 257, 4000, 40_000]) {
    const gif = new Gif(size, 1, palette);
    const frames = [0, 1].map(() => Uint32Array.from({ length: size }, () => shades[Math.floor(200 * next())]));
    for (const pixels of frames) atOnce(gif.adding(pixels, 10));
    const read = readGif(gif.finished());
    frames.forEach((pixels, i) => assert.deepEqual(read.frames[i].pixels, pixels, `${size}`));
  }
});

test("codes grow by a bit where the reader expects it, also at the very end", () => {
  const palette = Array.from({ length: 255 }, (_, i) => [i, 255 - i, 0]);
  const next = random(3);
  // In noise nearly every pixel is a code of its own; the 254th is the last of nine bits, the 766th of ten.
  for (const around of [254, 766]) {
    for (let size = around; size < around + 60; size++) {
      const pixels = Uint32Array.from({ length: size }, () => {
        const [r, g] = palette[Math.floor(255 * next())];
        return (0xff000000 | (g << 8) | r) >>> 0;
      });
      const gif = new Gif(size, 1, palette);
      atOnce(gif.adding(pixels, 10));
      assert.deepEqual(readGif(gif.finished()).frames[0].pixels, pixels, `${size}`);
    }
  }
});

test("one palette for all frames holds the frequent colours as they are, and something near to all others", () => {
  const colours = new Colours();
  const ramp = Uint32Array.from({ length: W * H }, (_, i) => (0xff000000 | ((i % 256) << 16) | ((i % 173) << 8) | (i % 91)) >>> 0);
  for (const pixels of [picture([0, 0, 30, 30, computed], [30, 0, 30, 30, reused]), ramp]) atOnce(colours.adding(pixels));
  const palette = atOnce(colours.choosing());
  assert.equal(palette.length, 255);
  for (const exact of ["#ffffff", "#d9660f", "#2f63c8"]) assert.ok(palette.some((colour) => colour.join() === parse(exact).join()), exact);
  const gif = new Gif(W, H, palette);
  atOnce(gif.adding(ramp, 10));
  const [{ pixels }] = readGif(gif.finished()).frames;
  const apart = (shift) => Math.max(...pixels.map((pixel, i) => Math.abs(((pixel >> shift) & 255) - ((ramp[i] >> shift) & 255))));
  // 255 colours for 5,400: coarse, and nowhere another hue.
  assert.ok([0, 8, 16].every((shift) => apart(shift) <= 48));
});

test("the same colour is the same in every frame, whatever stood before it", () => {
  const shades = [0xff0f66d9, 0xff0f66da, 0xff1066d9];
  const frames = shades.map((_, i) => picture(...shades.map((colour, j) => [10 * ((i + j) % 3), 0, 10, 10, colour])));
  const read = readGif(gifOf(frames, [10, 10, 10]).finished()).frames;
  const seen = shades.map((colour) => new Set(frames.flatMap((pixels, i) => [...pixels].flatMap((pixel, at) => (pixel === colour ? [read[i].pixels[at]] : [])))));
  assert.deepEqual(seen.map(({ size }) => size), [1, 1, 1]);
});

test("a frame of a million pixels is made in stretches, so that a page can answer in between", () => {
  const [width, height] = [1280, 800];
  const next = random(5);
  const noise = Uint32Array.from({ length: width * height }, () => (0xff000000 | (next() * 0xffffff)) >>> 0);
  const [colours, gif] = [new Colours(), new Gif(width, height, [parse("#ffffff"), parse("#d9660f")])];
  const n_stretches = (work) => {
    let n = 1;
    while (!work.next().done) n++;
    return n;
  };
  assert.ok(n_stretches(colours.adding(noise)) >= 15);
  assert.ok(n_stretches(gif.adding(noise, 10)) >= 30);
});
