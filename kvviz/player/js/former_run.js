// The run that was on show before one that is shown while it is made, should that come to nothing.
import { stateAfterUpdate } from "./state.js";

/**
 * @import { Payload } from "./buffer.js"
 * @import { State } from "./state.js"
 */

export class FormerRun {
  constructor() {
    this.run = /** @type {{ payload: Payload, state: State } | null} */ (null);
  }

  /**
   * The state after a new buffer: that of before where the run of before comes back.
   * @param {State} state @param {Payload} before @param {Payload} after @returns {State}
   */
  stateAfter(state, before, after) {
    const { run } = this;
    if (after.header.growing) this.run = before.header.growing ? run : { payload: before, state };
    else this.run = null;
    const isBack = run && !after.header.growing && before.header.growing && sameContent(run.payload, after);
    return isBack ? run.state : stateAfterUpdate(state, before, after);
  }
}

/** @param {Payload} a @param {Payload} b @returns {boolean} */
export function sameContent(a, b) {
  return a.header.id === b.header.id && a.header.view_number === b.header.view_number && a.n_bytes === b.n_bytes && a.header.layers.join() === b.header.layers.join();
}
