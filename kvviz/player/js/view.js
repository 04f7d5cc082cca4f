// The player's parts in their places.
import { el } from "./dom.js";
import { headPicker } from "./head_picker.js";
import { heads } from "./heads.js";
import { history } from "./history.js";
import { makingPanel } from "./making_panel.js";
import { inputStrip } from "./input_strip.js";
import { legend } from "./legend.js";
import { panel } from "./panel.js";
import { popover } from "./popover.js";
import { proofLine } from "./proof_line.js";
import { bill, nextBars } from "./side.js";
import { strip } from "./strip.js";
import { stepTable } from "./table.js";
import { toolbar } from "./toolbar.js";
import * as words from "./words.js";

/**
 * @import { Action } from "./state.js"
 * @import { Part } from "./scene.js"
 *
 * @typedef {ReturnType<typeof buildView>} View
 */

/** @param {HTMLElement} root @param {(action: Action) => void} dispatch */
export function buildView(root, dispatch) {
  const alert = el("p", { class: "kv-alert", role: "alert", hidden: true });
  const said = el("p", { class: "kv-sr", "aria-live": "polite" });
  const probe = el("span", { class: "kv-probe", "aria-hidden": "true" });
  const bar = toolbar(dispatch);
  const input = inputStrip(dispatch);
  const tokens = strip(dispatch);
  const panels = { on: panel("on", dispatch), off: panel("off", dispatch) };
  const next = nextBars(dispatch);
  const cost = bill(dispatch);
  const overview = heads(dispatch);
  const lives = history(dispatch);
  const table = stepTable();
  const pop = popover(root, dispatch, { panels, lives, overview });

  const picker = headPicker(dispatch);
  const stageTop = el("div", { class: "kv-stage-top" }, [pictureChoice(root)]);
  const stage = el("div", { class: "kv-stage" }, [lives.node, panels.on.node, panels.off.node]);
  const making = makingPanel(dispatch);
  const side = el("div", { class: "kv-side" }, [next.node, cost.node]);
  const looks = legend();
  const main = el("div", { class: "kv-card kv-main" }, [stageTop, el("div", { class: "kv-main-grid" }, [stage, making.node, side]), looks.node]);

  const proof = proofLine();
  const tableButton = tool("table", words.LABELS.table, () => dispatch({ type: "table" }));
  const picture = tool("picture", words.LABELS.picture, () => dispatch({ type: "open", id: "picture" }));
  picture.dataset.open = "picture";
  picture.setAttribute("aria-haspopup", "dialog");
  const keys = tool("keys", words.LABELS.help, () => dispatch({ type: "open", id: "keys" }));
  keys.dataset.open = "keys";
  keys.setAttribute("aria-haspopup", "dialog");
  const tools = el("div", { class: "kv-tools" }, [
    proof.node,
    el("span", { class: "kv-tool-group" }, [tableButton, picture, keys]),
  ]);

  bar.node.append(input.label, input.node, input.outputLabel, tokens.node);
  bar.node.classList.add("kv-card");
  const body = el("div", { class: "kv-body" }, [
    bar.node, main, el("div", { class: "kv-card" }, [overview.node]), tools, table.node, pop.node,
  ]);
  root.replaceChildren(probe, said, alert, body);
  /** @type {Part[]} */
  const parts = [bar, input, tokens, lives, making, next, cost, looks, overview, proof, table, pop];
  return {
    alert, said, probe, body, bar, tokens, panels, overview, lives, parts, picker, stageTop, stage, tableButton,
  };
}

/**
 * Which of the pictures is on show, where there is room for one at a time.
 * @param {HTMLElement} root
 */
function pictureChoice(root) {
  const choose = (/** @type {string} */ picture) => {
    root.dataset.picture = picture;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.shows === picture));
  };
  const buttons = /** @type {const} */ ([["life", words.LABELS.oneLife], ["kv", words.LABELS.oneKv], ["pattern", words.LABELS.onePattern]]).map(([picture, text]) => {
    const button = el("button", { type: "button", class: "kv-segment", "data-shows": picture }, [text]);
    button.onclick = () => choose(picture);
    return button;
  });
  choose("life");
  return el("div", { class: "kv-segments kv-picture-choice", role: "group", "aria-label": words.LABELS.onShow }, buttons);
}

/** @param {string} name @param {string} text @param {() => void} run @returns {HTMLButtonElement} */
function tool(name, text, run) {
  const button = el("button", { type: "button", class: "kv-tool", "data-tool": name }, [text]);
  button.onclick = run;
  return button;
}
