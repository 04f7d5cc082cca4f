// What the host is told and asked: the view that a person came to rest at, and what is on show and not here.
import { originWanted } from "./head_origin.js";
import { initialState, viewOf } from "./state.js";

/**
 * @import { Payload, View } from "./buffer.js"
 * @import { OriginPlace } from "./head_origin.js"
 * @import { Action, State } from "./state.js"
 *
 * @typedef {object} Host Whoever the player sits in. Without `onWanted` it shows only what it has.
 * @property {(view: View, number: number, id: string) => void} [onView]
 * @property {(wanted: { id: string, layer?: number, cache?: string, origin?: OriginPlace, edit?: number, branch?: { step: number, token: number } }) => void} [onWanted]
 *
 * @typedef {{ payload: Payload | null, state: State | null }} OnShow
 */

const TELL_MS = 250;
/** After so long, up to twice, the host is told of a view that somebody else led to. */
const LED_TELL_MS = 1500;
/** A question to the model waits so long: whoever goes through the heads asks about the last one. */
const ASK_MS = 200;

export class HostMessages {
  /** @param {Host} host @param {OnShow} onShow Whose payload and state are always those on show. */
  constructor(host, onShow) {
    this.host = host;
    this.onShow = onShow;
    this.tellTimer = 0;
    this.askTimer = 0;
    /** The question about a head that was asked last. */
    this.asked = "";
    this.told = "";
  }

  /** @returns {boolean} Whether the host can bring what is not here. */
  get canAsk() {
    return this.host.onWanted !== undefined;
  }

  /**
   * Takes a view that the host itself brought as told.
   * @param {State} state
   */
  knows(state) {
    this.told = JSON.stringify(viewOf(state));
  }

  /**
   * Asks for what was just picked and is not here; again when it is picked again, since the host may
   * have failed to answer.
   * @param {Action} action @param {Payload} payload @param {State} after
   */
  ask(action, { header: { id } }, { wanted: { layer, cache } }) {
    if (layer !== null && (action.type === "layer" || action.type === "pick")) this.host.onWanted?.({ id, layer });
    if (cache !== null && action.type === "cache") this.host.onWanted?.({ id, cache });
  }

  /** @param {Payload} payload @param {number} row That a person wants changed. */
  edit({ header: { id } }, row) {
    this.host.onWanted?.({ id, edit: row });
  }

  /** @param {Payload} payload @param {number} step After which another token is wanted. @param {number} token */
  branch({ header: { id } }, step, token) {
    this.host.onWanted?.({ id, branch: { step, token } });
  }

  /**
   * Asks how the rows of the head in view came about, where that is on show and not here.
   * @param {boolean} again Whether a person asks, so that what was refused is asked for once more.
   */
  askModel(again) {
    clearTimeout(this.askTimer);
    const { payload, state } = this.onShow;
    const wanted = payload && state && this.canAsk ? originWanted(payload, state, again) : null;
    if (!wanted || !payload) return;
    const question = JSON.stringify([payload.header.id, payload.header.view_number, wanted]);
    if (question === this.asked && !again) return;
    this.askTimer = window.setTimeout(() => {
      this.asked = question;
      this.host.onWanted?.({ id: payload.header.id, origin: wanted });
    }, ASK_MS);
  }

  /**
   * Tells what is in view, once it has come to rest.
   * @param {boolean} isLed Whether somebody else led to it.
   */
  tell(isLed) {
    clearTimeout(this.tellTimer);
    if (!restingView(this.onShow)) return;
    this.tellTimer = window.setTimeout(() => {
      const { payload } = this.onShow;
      const view = restingView(this.onShow);
      const text = JSON.stringify(view);
      if (!view || text === this.told) return;
      this.told = text;
      if (payload) this.host.onView?.(view, payload.header.view_number, payload.header.id);
    }, isLed ? LED_TELL_MS * (1 + Math.random()) : TELL_MS);
  }

  /**
   * Tells of a run that has come to its end what is looked at in it by now, and asks for what of it is not
   * here: the host has heard of neither while the run was made.
   * @param {Payload} payload @param {State} state
   */
  settle(payload, state) {
    const { header } = payload;
    const { layer, cache } = state.wanted;
    if (layer === null && cache === null) {
      this.knows(initialState(payload));
      this.tell(false);
      return;
    }
    // In this order: what is asked for changes the view that was told.
    this.host.onView?.(viewOf(state), header.view_number, header.id);
    this.host.onWanted?.({ id: header.id, ...(layer !== null && { layer }), ...(cache !== null && { cache }) });
  }

  stop() {
    clearTimeout(this.tellTimer);
    clearTimeout(this.askTimer);
  }
}

/** @param {OnShow} onShow @returns {View | null} Null while a person drags, or the run plays. */
function restingView({ state }) {
  return state && !state.dragging && !state.playing ? viewOf(state) : null;
}
