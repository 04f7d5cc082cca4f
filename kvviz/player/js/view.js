// The player's parts in their places.
import { el } from "./dom.js";
import { heads } from "./heads.js";
import { history } from "./history.js";
import { makingPanel } from "./making_panel.js";
import { inputStrip } from "./input_strip.js";
import { panel } from "./panel.js";
import { popover } from "./popover.js";
import { bill, nextBars } from "./side.js";
import { strip } from "./strip.js";
import { stepTable } from "./table.js";
import { toolbar } from "./toolbar.js";
import * as words from "./words.js";

/**
 * @import { Action } from "./state.js"
 * @import { Part } from "./player.js"
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

  const layerSelect = el("select", { class: "kv-select", "aria-label": words.LABELS.layer });
  const headSelect = el("select", { class: "kv-select", "aria-label": words.LABELS.head });
  layerSelect.onchange = () => dispatch({ type: "layer", to: Number(layerSelect.value) });
  headSelect.onchange = () => dispatch({ type: "head", to: Number(headSelect.value) });
  const picker = el("span", { class: "kv-picker" }, [
    el("label", {}, [words.LABELS.layer, layerSelect]),
    el("label", {}, [words.LABELS.head, headSelect]),
  ]);
  const stageTop = el("div", { class: "kv-stage-top" }, [pictureChoice(root)]);
  const stage = el("div", { class: "kv-stage" }, [lives.node, panels.on.node, panels.off.node]);
  const making = makingPanel(dispatch);
  const side = el("div", { class: "kv-side" }, [next.node, cost.node]);
  const { legend, scale, evicted } = buildLegend();
  const main = el("div", { class: "kv-card kv-main" }, [stageTop, el("div", { class: "kv-main-grid" }, [stage, making.node, side]), legend]);

  const proof = el("span", { class: "kv-proof" });
  const tableButton = tool("table", words.LABELS.table, () => dispatch({ type: "table" }));
  const picture = tool("picture", words.LABELS.picture, () => dispatch({ type: "open", id: "picture" }));
  picture.dataset.open = "picture";
  picture.setAttribute("aria-haspopup", "dialog");
  const keys = tool("keys", words.LABELS.help, () => dispatch({ type: "open", id: "keys" }));
  keys.dataset.open = "keys";
  keys.setAttribute("aria-haspopup", "dialog");
  const tools = el("div", { class: "kv-tools" }, [
    proof,
    el("span", { class: "kv-tool-group" }, [tableButton, picture, keys]),
  ]);

  bar.node.append(input.label, input.node, input.outputLabel, tokens.node);
  bar.node.classList.add("kv-card");
  const body = el("div", { class: "kv-body" }, [
    bar.node, main, el("div", { class: "kv-card" }, [overview.node]), tools, table.node, pop.node,
  ]);
  root.replaceChildren(probe, said, alert, body);
  /** @type {Part[]} */
  const parts = [bar, input, tokens, lives, making, next, cost, overview, table, pop];
  return {
    alert, said, probe, body, bar, tokens, panels, overview, lives, parts, layerSelect, headSelect, picker, stageTop, stage, scale, evicted, proof, tableButton,
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

function buildLegend() {
  const item = (/** @type {string} */ kind, /** @type {string} */ text) =>
    el("span", { class: "kv-legend-item" }, [el("i", { class: `kv-swatch kv-swatch-${kind}`, "aria-hidden": "true" }), text]);
  const evicted = item("evicted", words.LABELS.legendEvicted);
  const scale = el("i", { class: "kv-scale", "aria-hidden": "true" });
  const legend = el("div", { class: "kv-legend" }, [
    item("computed", words.LABELS.legendComputed),
    item("reused", words.LABELS.legendReused),
    evicted,
    item("mask", words.LABELS.legendMask),
    item("absent", words.LABELS.legendAbsent),
    el("span", { class: "kv-legend-item kv-legend-scale" }, [`${words.LABELS.legendAttention} 0`, scale, "100\u202f%"]),
  ]);
  return { legend, scale, evicted };
}

/** @param {string} name @param {string} text @param {() => void} run @returns {HTMLButtonElement} */
function tool(name, text, run) {
  const button = el("button", { type: "button", class: "kv-tool", "data-tool": name }, [text]);
  button.onclick = run;
  return button;
}
