// The parts that cards have in common: a bar with a title, the key to a colour, the line that reads out.
import { el, setText } from "../../../../player/js/dom.js";
import { figureTag } from "../../../../player/js/figure_tag.js";

/** @param {(Node | string)[]} children @param {string} hook @returns {HTMLElement} */
export function card(children, hook) {
  return el("section", { class: "kt-card", "data-kvviz": hook }, children);
}

/** @param {string} title @param {string} note @param {Node[]} [tools] @param {string} [kind] */
export function bar(title, note, tools = [], kind = "") {
  return el("div", { class: `kt-bar ${kind}`.trim() }, [
    el("h3", {}, [title]),
    figureTag("measured"),
    el("span", { class: "kt-note" }, [note]),
    ...(tools.length ? [el("span", { class: "kt-tools", "data-no-picture": "" }, tools)] : []),
  ]);
}

/** @param {string} kind @param {string} text */
export function key(kind, text) {
  return el("span", {}, [el("i", { class: `kt-key ${kind}` }), ` ${text}`]);
}

/** A line that keeps its height while it says nothing. @returns {HTMLElement} */
export function readingLine() {
  return el("p", { class: "kt-reading", "aria-live": "polite" });
}

/** @param {HTMLElement} line @param {string} text */
export function say(line, text) {
  setText(line, text || " ");
}
