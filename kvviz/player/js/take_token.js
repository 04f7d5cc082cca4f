// A bar of the likely next tokens as a button that takes its token instead of the one that was chosen. Only
// where a page can run such a branch; player.css shows it only there.
import { el, setAttribute, show } from "./dom.js";
import { gettext } from "./translation.js";

/**
 * @import { NextToken } from "./run.js"
 * @import { Scene } from "./scene.js"
 * @import { Action } from "./state.js"
 */

/** @param {(action: Action) => void} dispatch */
export function takeButton(dispatch) {
  let id = -1;
  const node = el("button", { type: "button", class: "kv-take", "data-no-picture": "", hidden: true });
  node.onclick = () => dispatch({ type: "take", id });
  return {
    node,
    /** @param {Scene} scene @param {NextToken} token @param {string} text As it is shown. */
    update({ state, payload, canAsk }, token, text) {
      ({ id } = token);
      const isRead = canAsk && state.cache !== "off" && payload.header.growing === null;
      show(node, isRead && !token.chosen);
      const label = gettext("Take {token} after step {step} instead", { token: text, step: state.step });
      setAttribute(node, "aria-label", label);
      setAttribute(node, "title", label);
    },
  };
}

/** @returns {HTMLElement} What says, in place of the title's note, that the bars can be pressed, while one is at them. */
export function takeHint() {
  return el("span", { class: "kv-hint kv-take-hint", "data-no-picture": "" }, [gettext("press another: branch off")]);
}
