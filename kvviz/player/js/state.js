// The player's state and everything that can happen to it. Pure: events become actions, actions a new state.
import { availableCaches, cellWithin, fittingView, mainRun } from "./run.js";
import { nearestSeen } from "./unseen.js";

/**
 * @import { Cache, Cell, Payload, RunCache, View } from "./buffer.js"
 * @import { RowPart } from "./head_origin.js"
 *
 * A place in the picture: a row, and a column of the pattern or of K or V. The parts of the
 * cross-attention cache have names of their own; their rows are the encoder's positions, but for
 * the pattern's. In a life the column is a step.
 * @typedef {object} Spot
 * @property {"pattern" | "keys" | "values" | "row" | "cross-pattern" | "cross-keys" | "cross-values" | "cross-row" | "life" | "cross-life"} part
 * @property {RunCache} cache The run it was pointed at.
 * @property {number} row
 * @property {number | null} column
 *
 * @typedef {object} State
 * @property {number} step
 * @property {number} layer
 * @property {number} head
 * @property {Cache} cache
 * @property {boolean} playing
 * @property {number} speed Steps a second at 1.
 * @property {boolean} dragging While the timeline is held, nothing is told to the host.
 * @property {Spot | null} hover
 * @property {Spot | null} pin
 * @property {Cell | null} cell Whose making is on show.
 * @property {RowPart | "becoming" | null} further What of the cell's making is followed further: how a row of it
 *   came about, or what its mix becomes.
 * @property {number} nAsked How often a person has asked for one; a link has not.
 * @property {{ layer: number | null, cache: Cache | null }} wanted What the host was asked for.
 * @property {boolean} table
 * @property {string | null} open Which popover is open.
 * @property {number | null} windowRow Row that the K/V window was moved to, or null to follow the step.
 * @property {{ layer: number, head: number } | null} begun Of a run under way, where it was seen first.
 *
 * @typedef {(
 *   | { type: "step", to: number }
 *   | { type: "step-by", by: number }
 *   | { type: "layer", to: number }
 *   | { type: "head", to: number }
 *   | { type: "pick", layer: number, head: number }
 *   | { type: "cache", to: Cache }
 *   | { type: "play", on?: boolean }
 *   | { type: "tick" }
 *   | { type: "speed", to: number }
 *   | { type: "drag", on: boolean }
 *   | { type: "hover", spot: Spot | null }
 *   | { type: "pin", spot: Spot | null }
 *   | { type: "cell", cell: Cell | null }
 *   | { type: "cell-by", query: number, key: number }
 *   | { type: "further", what: RowPart | "becoming" | null }
 *   | { type: "edit", row: number }
 *   | { type: "take", id: number }
 *   | { type: "window", row: number | null }
 *   | { type: "table", on?: boolean }
 *   | { type: "open", id: string | null }
 *   | { type: "escape" }
 * )} Action
 */

export const SPEEDS = [0.5, 1, 2, 4, 8];

/** @param {Payload} payload @returns {State} A run under way is seen at its newest step, or as near as it is to where a link leads. */
export function initialState(payload) {
  const { growing, n_steps, view } = payload.header;
  if (growing === null) return stateAt(payload);
  const step = Math.min(growing.step ?? Infinity, n_steps - 1);
  const cache = availableCaches(payload).includes(growing.cache) ? null : growing.cache;
  const state = { ...stateAt(payload), ...fittingView(payload, { ...view, step }), wanted: { layer: null, cache } };
  return { ...state, begun: { layer: state.layer, head: state.head } };
}

/** @param {Payload} payload @returns {State} */
function stateAt(payload) {
  return {
    ...fittingView(payload, payload.header.view),
    playing: false,
    speed: 1,
    dragging: false,
    hover: null,
    pin: null,
    further: null,
    nAsked: 0,
    wanted: { layer: null, cache: null },
    table: false,
    open: null,
    windowRow: null,
    begun: null,
  };
}

/**
 * The state after a new buffer. The same run keeps its view; so does the same prompt when it comes
 * back with the run that was asked for, and a run that has grown. Anything else starts where its header
 * says, and so does what comes with a new number of its view: the host has been asked for that one since.
 *
 * @param {State} state @param {Payload} before @param {Payload} after @returns {State}
 */
export function stateAfterUpdate(state, before, after) {
  if (hasGrown(before, after)) return stateAfterGrowth(state, before, after);
  const same = before.header.id === after.header.id;
  const answers = state.wanted.cache !== null && sameQuestion(before, after);
  const isAsked = before.header.view_number !== after.header.view_number;
  if (isAsked || (!same && !answers)) return { ...initialState(after), speed: state.speed, table: state.table };
  return { ...kept(state, after), hover: null };
}

/**
 * Whether one buffer is a run under way, and the other the same run later, or its end.
 * @param {Payload} before @param {Payload} after @returns {boolean}
 */
export function hasGrown(before, after) {
  const { growing, model, prompt, options, n_prompt, tokens } = before.header;
  if (growing === null) return false;
  const asked = (/** @type {Payload["header"]} */ one) => JSON.stringify([one.model.name, one.prompt, one.options, one.n_prompt]);
  const goesOn = tokens.every(({ id }, at) => after.header.tokens[at]?.id === id);
  return goesOn && asked(after.header) === asked({ ...after.header, model, prompt, options, n_prompt });
}

/**
 * Who looks at the newest step goes with the run, at most to where a link leads; who looks elsewhere stays.
 * @param {State} state @param {Payload} before @param {Payload} after @returns {State}
 */
function stateAfterGrowth(state, before, after) {
  const newest = after.header.n_steps - 1;
  const goal = before.header.growing?.step ?? Infinity;
  const follows = state.step === before.header.n_steps - 1 && state.step !== goal && !state.dragging;
  const to = Math.min(!follows ? state.step : goal > state.step ? goal : newest, newest);
  const next = { ...atStep(state, to, after), ...placeAtTheEnd(state, after) };
  const isHere = next.wanted.layer !== null || after.header.layers.includes(next.layer);
  const found = kept(isHere ? next : { ...next, wanted: { ...next.wanted, layer: next.layer } }, after);
  // A cell that a link names opens with the whole run, if nobody has looked at another meanwhile.
  const { step, cell } = after.header.view;
  const opens = found.nAsked === 0 && found.cell === null && found.step === step;
  return opens ? { ...found, cell: cellWithin(after, found, cell) } : found;
}

/**
 * A head that nobody has picked was the best of what there was, and gives way to that of the whole run: a
 * link leads to the same head, whether one has seen the run grow or not.
 * @param {State} state @param {Payload} after @returns {Partial<State>}
 */
function placeAtTheEnd({ begun, layer, head, wanted }, { header: { growing, view } }) {
  if (growing !== null) return {};
  const isPicked = wanted.layer !== null || layer !== begun?.layer || head !== begun.head;
  return { begun: null, ...(!isPicked && { layer: view.layer, head: view.head }) };
}

/**
 * A state as far as a buffer has what it looks at, and with what was asked for where that has come.
 * @param {State} state @param {Payload} after @returns {State}
 */
function kept(state, after) {
  const available = availableCaches(after);
  const { layer, cache } = state.wanted;
  const layerHere = layer !== null && after.header.layers.includes(layer);
  const cacheHere = cache !== null && available.includes(cache);
  const view = fittingView(after, {
    step: state.step,
    head: state.head,
    layer: layerHere ? layer : state.layer,
    cache: cacheHere ? cache : state.cache,
    cell: state.cell,
  });
  return {
    ...state,
    ...view,
    wanted: { layer: layerHere ? null : layer, cache: cacheHere ? null : cache },
  };
}

/** @param {Payload} a @param {Payload} b @returns {boolean} */
function sameQuestion(a, b) {
  const key = (/** @type {Payload} */ p) =>
    JSON.stringify([p.header.model.name, p.header.prompt, p.header.n_prompt, p.header.n_steps]);
  return key(a) === key(b);
}

/**
 * @param {State} state @param {Action} action @param {Payload} payload
 * @param {boolean} canAsk Whether a host is there that can fetch a layer or make a run.
 * @returns {State}
 */
export function reduce(state, action, payload, canAsk) {
  const after = changed(state, action, payload, canAsk);
  return after === state ? state : { ...after, cell: after.cell && seenCell(after.cell, after, payload) };
}

/**
 * A cell whose query sees its key in the layer and head on show: of one that it does not, the nearest.
 * @param {Cell} cell @param {State} state @param {Payload} payload @returns {Cell}
 */
function seenCell(cell, { layer, head, cache }, payload) {
  if (cell.cross) return cell;
  const key = nearestSeen(payload, mainRun(cache), { layer, head }, cell.query, cell.key);
  return key === cell.key ? cell : { ...cell, key };
}

/** @param {State} state @param {Action} action @param {Payload} payload @param {boolean} canAsk @returns {State} */
function changed(state, action, payload, canAsk) {
  const { n_steps, model, layers } = payload.header;
  const clamp = (/** @type {number} */ n, /** @type {number} */ count) => Math.min(Math.max(n, 0), count - 1);
  switch (action.type) {
    case "step":
      return atStep(state, clamp(action.to, n_steps), payload);
    case "step-by":
      return { ...atStep(state, clamp(state.step + action.by, n_steps), payload), playing: false };
    case "layer":
      return withLayer(state, clamp(action.to, model.n_layers), layers, canAsk);
    case "head":
      return { ...state, head: clamp(action.to, model.n_heads) };
    case "pick":
      return withLayer({ ...state, head: clamp(action.head, model.n_heads) }, clamp(action.layer, model.n_layers), layers, canAsk);
    case "cache": {
      if (!availableCaches(payload).includes(action.to)) {
        return canAsk ? { ...state, wanted: { ...state.wanted, cache: action.to } } : state;
      }
      return { ...state, cache: action.to, pin: null, hover: null, wanted: { ...state.wanted, cache: null } };
    }
    case "play": {
      const on = action.on ?? !state.playing;
      // Play at the end starts over: there is nothing left to play.
      return on && state.step === n_steps - 1 ? { ...atStep(state, 0, payload), playing: n_steps > 1 } : { ...state, playing: on };
    }
    case "tick": {
      const step = clamp(state.step + 1, n_steps);
      return { ...atStep(state, step, payload), playing: state.playing && step < n_steps - 1 };
    }
    case "speed":
      return { ...state, speed: action.to };
    case "drag":
      return { ...state, dragging: action.on, playing: action.on ? false : state.playing };
    case "hover":
      return sameSpot(state.hover, action.spot) ? state : { ...state, hover: action.spot };
    case "pin":
      return { ...state, pin: sameSpot(state.pin, action.spot) ? null : action.spot };
    case "cell": {
      const cell = cellWithin(payload, state, action.cell);
      // A second click on a cell closes what the first has opened.
      const next = sameCell(state.cell, cell) ? null : cell;
      return { ...state, cell: next, further: next && state.further, nAsked: state.nAsked + 1 };
    }
    case "further":
      return state.cell ? { ...state, further: state.further === action.what ? null : action.what } : state;
    case "cell-by": {
      if (!state.cell) return state;
      const { cross, query, key } = state.cell;
      const row = clamp(query + action.query, payload.header.n_prompt + state.step);
      const n_keys = cross ? payload.header.encoder?.tokens.length ?? 1 : row + 1;
      return { ...state, cell: { cross, query: row, key: clamp(key + action.key, n_keys) }, pin: null, hover: null };
    }
    case "edit":
    case "take":
      return state;
    case "window":
      return { ...state, windowRow: action.row };
    case "table":
      return { ...state, table: action.on ?? !state.table };
    case "open":
      return { ...state, open: state.open === action.id ? null : action.id };
    case "escape":
      if (state.open !== null) return { ...state, open: null };
      if (state.further !== null) return { ...state, further: null };
      if (state.cell !== null) return { ...state, cell: null, pin: null };
      return { ...state, pin: null, hover: null, wanted: { layer: null, cache: null } };
  }
}

/** @param {State} state @param {number} step @param {Payload} payload @returns {State} */
function atStep(state, step, payload) {
  if (step === state.step) return state;
  return { ...state, step, windowRow: null, cell: state.cell && movedCell(state.cell, state.step, step, payload) };
}

/**
 * The cell on show at another step. What looks from the newest row goes with it; what looks from a
 * row that is not there yet falls back to the newest that is.
 * @param {Cell} cell @param {number} from @param {number} to @param {Payload} payload @returns {Cell}
 */
function movedCell(cell, from, to, { header: { n_prompt } }) {
  const last = n_prompt + to - 1;
  const query = cell.query === n_prompt + from - 1 ? last : Math.min(cell.query, last);
  return { ...cell, query, key: cell.cross ? cell.key : Math.min(cell.key, query) };
}

/** @param {Cell | null} a @param {Cell | null} b @returns {boolean} */
export function sameCell(a, b) {
  return a !== null && b !== null && a.cross === b.cross && a.query === b.query && a.key === b.key;
}

/**
 * @param {State} state @param {number} layer @param {number[]} layers @param {boolean} canAsk
 * @returns {State}
 */
function withLayer(state, layer, layers, canAsk) {
  if (layers.includes(layer)) return { ...state, layer, wanted: { ...state.wanted, layer: null } };
  return canAsk ? { ...state, wanted: { ...state.wanted, layer } } : state;
}

/** @param {Spot | null} a @param {Spot | null} b @returns {boolean} */
export function sameSpot(a, b) {
  return a === b || (a !== null && b !== null && a.part === b.part && a.cache === b.cache && a.row === b.row && a.column === b.column);
}

/** @type {WeakMap<Cell, Spot>} The same cell is the same spot, so that what shows it is drawn once. */
const spots = new WeakMap();

/**
 * What is lit in all pictures: the place pointed at, or kept, or else the cell whose making is on show.
 * @param {State} state @returns {Spot | null}
 */
export function spotOnShow({ hover, pin, cell, cache }) {
  if (hover || pin || !cell) return hover ?? pin;
  const run = mainRun(cache);
  const known = spots.get(cell);
  if (known?.cache === run) return known;
  /** @type {Spot} */
  const spot = { part: cell.cross ? "cross-pattern" : "pattern", cache: run, row: cell.query, column: cell.key };
  spots.set(cell, spot);
  return spot;
}

/**
 * Whether Escape has something to close here; where not, the key is of what stands around.
 * @param {State} state @returns {boolean}
 */
function hasToLetGo({ open, further, cell, pin, hover, wanted }) {
  return [open, further, cell, pin, hover, wanted.layer, wanted.cache].some((one) => one !== null);
}

/**
 * The part of a state that the host keeps, in a link or a session.
 * @param {State} state @returns {View}
 */
export function viewOf({ step, layer, head, cache, cell }) {
  return { step, layer, head, cache, cell };
}

/**
 * @typedef {{ key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean, altGraph: boolean }} Key
 */

/**
 * What a key does. Keys with Ctrl, Alt or Cmd belong to the browser; AltGr is how some keyboards
 * type a bracket. Up and down belong to the page unless the focus is inside the player.
 *
 * @param {Key} key @param {State} state @param {boolean} inside @param {number} n_steps
 * @returns {Action | null}
 */
export function actionOfKey(key, state, inside, n_steps) {
  if ((key.ctrlKey || key.metaKey || key.altKey) && !key.altGraph) return null;
  switch (key.key) {
    case "ArrowRight":
      return { type: "step-by", by: 1 };
    case "ArrowLeft":
      return { type: "step-by", by: -1 };
    case "PageDown":
      return inside ? { type: "step-by", by: 10 } : null;
    case "PageUp":
      return inside ? { type: "step-by", by: -10 } : null;
    case "Home":
      return { type: "step-by", by: -n_steps };
    case "End":
      return { type: "step-by", by: n_steps };
    case " ":
      return { type: "play" };
    case "ArrowUp":
      return inside ? { type: "layer", to: layerInView(state) - 1 } : null;
    case "ArrowDown":
      return inside ? { type: "layer", to: layerInView(state) + 1 } : null;
    case "[":
      return { type: "head", to: state.head - 1 };
    case "]":
      return { type: "head", to: state.head + 1 };
    case "Escape":
      return hasToLetGo(state) ? { type: "escape" } : null;
    case "t":
      return inside ? { type: "table" } : null;
    case "?":
      return { type: "open", id: "keys" };
    default:
      return null;
  }
}

/** @param {State} state @returns {number} The layer picked last, though it may still be on its way. */
export function layerInView(state) {
  return state.wanted.layer ?? state.layer;
}
