// Makes an animation of a range of steps: the painters of the page draw each frame on sheets that nobody
// sees, and the page stays free to answer between them.
import { isTooLong, keyFrames } from "./animation.js";
import { Colours, Gif } from "./gif.js";
import { PictureStore } from "./images.js";
import { momentOfStep } from "./motion.js";
import { compose, sceneAt, sentencesEnd } from "./picture.js";

/**
 * @import { KeyFrame, Range } from "./animation.js"
 * @import { Pixels } from "./gif.js"
 * @import { Figure, Figures } from "./picture.js"
 * @import { Scene } from "./scene.js"
 *
 * @typedef {object} Animation What is to be made.
 * @property {KeyFrame[]} frames
 * @property {number} width Of the file, in pixels.
 * @property {number} height
 * @property {boolean} isTooLong
 * @property {(frame: KeyFrame) => HTMLCanvasElement} draw On one and the same sheet.
 */

/** Letters are of 12 pixels and are not to come below 9. */
const LEAST_SCALE = 0.75;
/** Steps whose sentences are measured: the longest are those of the largest numbers, and there are few kinds. */
const N_MEASURED = 24;

/** @param {Figure} figure @returns {boolean} */
export function canMove(figure) {
  return figure === "view" || figure === "history";
}

/**
 * @param {Scene} scene @param {Figures} figures @param {Figure} figure @param {Range} range
 * @param {number} wanted Width in pixels, where letters of that width can be read. @returns {Animation}
 */
export function animationOf(scene, figures, figure, range, wanted) {
  const frames = keyFrames(range, scene.state.speed, figure !== "history" || scene.layout.history.cells);
  // Those of the page are kept for the page.
  const own = { ...scene, dpr: 1, store: new PictureStore(), crossStore: new PictureStore() };
  /** @type {HTMLCanvasElement[]} */
  const sheets = [];
  let n_used = 0;
  const newSheet = () => (sheets[n_used++] ??= readableSheet());
  const n_steps = range.to - range.from;
  const measured = Array.from({ length: N_MEASURED }, (_, i) => range.from + Math.round((n_steps * i) / (N_MEASURED - 1)));
  const end = sentencesEnd(newSheet, own, figure, measured);
  const draw = (/** @type {KeyFrame} */ { step, t }) => {
    n_used = 0;
    return compose(sceneAt(own, step, momentOfStep(t)), figures, figure, newSheet, end);
  };
  const natural = draw(frames[frames.length - 1]);
  own.dpr = Math.max(LEAST_SCALE, wanted / natural.width);
  const [width, height] = [natural.width, natural.height].map((size) => Math.round(size * own.dpr));
  return { frames, width, height, draw, isTooLong: isTooLong(frames.length, width, height) };
}

/** @returns {HTMLCanvasElement} One whose pixels are read often, so that they stay in memory. */
function readableSheet() {
  const canvas = document.createElement("canvas");
  canvas.getContext("2d", { willReadFrequently: true });
  return canvas;
}

/** @returns {boolean} Whether a page may read its own pictures here. Some browsers give noise instead, against tracking. */
export function canRead() {
  const sheet = readableSheet();
  const pen = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
  sheet.width = sheet.height = 8;
  pen.fillStyle = "#d9660f";
  pen.fillRect(0, 0, 8, 8);
  try {
    return new Set(new Uint32Array(pen.getImageData(0, 0, 8, 8).data.buffer)).size === 1;
  } catch {
    return false;
  }
}

/** @returns {Promise<void>} When the page has answered what it was asked meanwhile. A timer would wait for a second in a tab out of sight. */
function breathe() {
  return new Promise((go) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      go();
    };
    port2.postMessage(null);
  });
}

/** So long a piece of work goes on until the page has its turn. */
const TURN_MS = 8;

/**
 * Does a piece of work in stretches, and lets the page answer in between.
 * @template T @param {Generator<void, T>} work @returns {Promise<T>}
 */
async function inTurns(work) {
  await breathe();
  for (let since = performance.now(); ; ) {
    const { done, value } = work.next();
    if (done) return /** @type {T} */ (value);
    if (performance.now() - since < TURN_MS) continue;
    await breathe();
    since = performance.now();
  }
}

/** @param {Animation} animation @param {KeyFrame} frame @returns {Promise<Pixels>} */
async function pixelsOf({ draw, width, height }, frame) {
  const pen = /** @type {CanvasRenderingContext2D} */ (draw(frame).getContext("2d"));
  await breathe();
  const { data } = pen.getImageData(0, 0, width, height);
  await breathe();
  return new Uint32Array(data.buffer);
}

/**
 * A GIF without frames yet, in the colours of some of them: the first and the last step, one in between, and what glows.
 * @param {Animation} animation @param {AbortSignal} signal
 */
async function begun(animation, signal) {
  const { frames, width, height } = animation;
  const colours = new Colours();
  for (const share of [0, 0.33, 0.5, 0.67, 1]) {
    await inTurns(colours.adding(await pixelsOf(animation, frames[Math.round((frames.length - 1) * share)])));
    signal.throwIfAborted();
  }
  return new Gif(width, height, await inTurns(colours.choosing()));
}

/**
 * @param {Animation} animation @param {AbortSignal} signal @param {(n: number) => void} told How many frames there are now.
 * @returns {Promise<Uint8Array<ArrayBuffer>>} The file. Rejected if the signal says so.
 */
export async function make(animation, signal, told) {
  const gif = await begun(animation, signal);
  for (const [i, frame] of animation.frames.entries()) {
    await inTurns(gif.adding(await pixelsOf(animation, frame), frame.ms));
    told(i + 1);
    signal.throwIfAborted();
  }
  return gif.finished();
}

/**
 * How large the file becomes, by the step in the middle: made as all of them will be.
 * @param {Animation} animation @param {AbortSignal} signal @returns {Promise<number>} Bytes, about.
 */
export async function estimate(animation, signal) {
  const { frames } = animation;
  const steps = [...new Set(frames.map(({ step }) => step))];
  const middle = steps[steps.length >> 1];
  const gif = await begun(animation, signal);
  await inTurns(gif.adding(await pixelsOf(animation, { step: Math.max(steps[0], middle - 1), t: 1, ms: 0 }), 0));
  const first = gif.n_bytes;
  for (const frame of frames.filter(({ step }) => step === middle)) {
    await inTurns(gif.adding(await pixelsOf(animation, frame), frame.ms));
    signal.throwIfAborted();
  }
  return first + (gif.n_bytes - first) * steps.length;
}
