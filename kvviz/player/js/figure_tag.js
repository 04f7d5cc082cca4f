// Where the numbers of a figure come from, said beside its title.
import { el, setAttribute, setText } from "./dom.js";
import { N_, translated } from "./translation.js";

/** @typedef {"counted" | "measured"} Origin */

const NAMES = translated({ counted: N_("counted"), measured: N_("measured here"), recorded: N_("recorded") });

/** @param {Origin[]} origins Of a run that was made here. @returns {HTMLElement} */
export function figureTag(...origins) {
  return el("span", { class: "kv-tag", "data-origins": origins.join(" ") });
}

/**
 * Writes the tags of all figures.
 * @param {HTMLElement} root @param {boolean} recorded Whether the run was made elsewhere, or before.
 */
export function writeTags(root, recorded) {
  for (const tag of root.querySelectorAll(".kv-tag")) {
    if (!(tag instanceof HTMLElement)) continue;
    const origins = /** @type {(Origin | "recorded")[]} */ (recorded ? ["recorded"] : (tag.dataset.origins ?? "").split(" "));
    setText(tag, origins.map((origin) => NAMES[origin]).join(" · "));
    setAttribute(tag, "data-tags", origins.join(" "));
  }
}
