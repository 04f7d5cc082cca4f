// How a player comes to a view that somebody else leads to: by the actions that a person would take.
import { layerInView, sameCell } from "./state.js";

/**
 * @import { View } from "./buffer.js"
 * @import { Action, State } from "./state.js"
 */

/**
 * The ways to a view, one after another; each is asked with the state that the one before has left.
 * @type {((state: State, view: View) => Action | null)[]}
 */
export const WAYS = [
  ({ playing }) => (playing ? { type: "play", on: false } : null),
  (state, { layer, head }) => (layer !== layerInView(state) || head !== state.head ? { type: "pick", layer, head } : null),
  (state, { cache }) => (cache !== state.cache ? { type: "cache", to: cache } : null),
  (state, { step }) => (step !== state.step ? { type: "step", to: step } : null),
  // Asked for once more, a cell that is open closes.
  (state, { cell }) => {
    const wanted = cell ?? state.cell;
    return wanted && !sameCell(cell, state.cell) ? { type: "cell", cell: wanted } : null;
  },
];
