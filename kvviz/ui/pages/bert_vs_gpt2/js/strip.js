// The text, token by token, both models in line: a unit of the alignment is a little column.
import { el } from "../../../../player/js/dom.js";
import { glyphs } from "../../../../player/js/format.js";
import { gettext } from "../../../../player/js/translation.js";
import { membersOf } from "./geometry.js";

/** @import { Header, Side } from "./buffer.js" */

/**
 * @param {HTMLElement} root @param {Header} header
 * @param {(unit: number | null, pinned: boolean) => void} pointed Told the unit under the pointer or the focus.
 */
export function drawStrip(root, header, pointed) {
  const lines = { left: membersOf(header.left.units, header.n_units), right: membersOf(header.right.units, header.n_units) };
  // A button's name is what is on screen, with the model's name before each line for whoever hears it.
  const line = (/** @type {Side} */ side, /** @type {number[]} */ members) => [
    unseen(members.length ? `${side.name}: ` : gettext("{model}: no token", { model: side.name })),
    el("span", { class: "kt-chips" }, members.map((position) => chip(side, position))),
  ];
  const columns = Array.from({ length: header.n_units }, (_, unit) => {
    // One stop for Tab; arrow keys go on from there.
    const column = el("button", { class: "kt-unit", type: "button", "data-unit": unit, tabindex: unit ? -1 : 0 }, [
      ...line(header.left, lines.left[unit]),
      unseen(", "),
      ...line(header.right, lines.right[unit]),
    ]);
    column.addEventListener("pointerenter", () => pointed(unit, false));
    column.addEventListener("focus", () => {
      for (const other of columns) other.tabIndex = other === column ? 0 : -1;
      pointed(unit, false);
    });
    column.addEventListener("keydown", (event) => {
      const next = columns[nextAlong(event.key, unit, columns.length)];
      if (!next || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      next.focus();
    });
    column.addEventListener("click", () => pointed(unit, true));
    return column;
  });
  const names = el("span", { class: "kt-names", "aria-hidden": "true" }, [
    // Translators: Before a model's name, where its line is the one above.
    el("span", { "data-place": gettext("above:") }, [header.left.name]),
    el("span", { "data-place": gettext("below:") }, [header.right.name]),
  ]);
  root.replaceChildren(names, el("div", { class: "kt-units" }, columns));
  root.onpointerleave = () => pointed(null, false);
}

/** @param {Side} side @param {number} position */
function chip(side, position) {
  const kind = side.marked.includes(position) ? " kt-marked" : side.special[position] ? " kt-special" : "";
  return el("span", { class: `kt-chip${kind}` }, [glyphs(side.tokens[position])]);
}

/** @param {string} words */
function unseen(words) {
  return el("span", { class: "kt-unseen" }, [words]);
}

/**
 * @param {string} key @param {number} at @param {number} n
 * @returns {number} Where a key leads along n columns; -1 where it leads nowhere.
 */
export function nextAlong(key, at, n) {
  const to = { ArrowLeft: at - 1, ArrowUp: at - 1, ArrowRight: at + 1, ArrowDown: at + 1, Home: 0, End: n - 1 }[key];
  return to === undefined || to < 0 || to >= n ? -1 : to;
}
