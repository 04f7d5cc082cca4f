// What a frame is drawn from, and what draws a part of it. Types alone, and the lives that a scene shows.
import { crossLivesOf, livesOf } from "./lives.js";

/**
 * @import { Payload } from "./buffer.js"
 * @import { Palette, Theme } from "./colour.js"
 * @import { PictureStore } from "./images.js"
 * @import { Layout } from "./layout.js"
 * @import { LifeView } from "./paint_history.js"
 * @import { StepFacts } from "./run.js"
 * @import { Spot, State } from "./state.js"
 *
 * @typedef {object} Scene All that a frame is drawn from.
 * @property {Payload} payload
 * @property {State} state
 * @property {StepFacts} facts Of the main run.
 * @property {Spot | null} spot Pointed at, or kept.
 * @property {Layout} layout
 * @property {number} measured Grows when sizes must be read again.
 * @property {Theme} theme
 * @property {Palette} palette
 * @property {number} dpr
 * @property {import("./motion.js").Moment} moment What of the step in view has been seen happening by now.
 * @property {boolean} canAsk
 * @property {{ on: number[], off: number[] }} cumulative
 * @property {{ on: LifeView | null, off: LifeView | null }} lives Of the rows that the head on show reads.
 * @property {PictureStore} store
 * @property {PictureStore} crossStore Of the second cache: its rows are other rows.
 *
 * @typedef {object} Part
 * @property {HTMLElement} node
 * @property {(scene: Scene) => void} update Draws what changed.
 * @property {() => void} [settle] What needs the layout of the whole frame, once all is written.
 * @property {() => void} [destroy]
 */

/** @param {Payload} payload @param {State} state @returns {Scene["lives"]} */
export function livesOnShow(payload, state) {
  const of = (/** @type {"on" | "off"} */ cache) => {
    const own = livesOf(payload, cache, state);
    return own && { cache, own, cross: crossLivesOf(payload, cache) };
  };
  return { on: of("on"), off: of("off") };
}
