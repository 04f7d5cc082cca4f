// What a person asks of the page around the player, and the player cannot do itself.
import { reducedMotion } from "./dom.js";
import { leadTo } from "./lead_to.js";

/**
 * @import { Payload } from "./buffer.js"
 * @import { HostMessages } from "./host_messages.js"
 * @import { Action, State } from "./state.js"
 */

/** Where a page changes a token of the prompt; player.css shows the way there only where it is. */
const EXPERIMENT = '[data-kvviz="edited-token"]'; // not for people: a selector

/**
 * Leads to the experiment below that changes a token of the prompt, with this one chosen; or asks for a
 * branch of the run with another token after the step in view.
 * @param {Action} action @param {Payload} payload @param {State} state @param {HostMessages} messages
 * @returns {boolean} Whether it was such a thing.
 */
export function askPage(action, payload, { step }, messages) {
  if (action.type !== "edit" && action.type !== "take") return false;
  if (payload.header.growing) return true;
  if (action.type === "take") messages.branch(payload, step, action.id);
  else {
    messages.edit(payload, action.row);
    leadTo(EXPERIMENT, reducedMotion());
  }
  return true;
}
