// The token strip: what has been read so far, and by what each token's row came about.
import { el, setAttribute, whenChanged } from "./dom.js";
import { glyphs } from "./format.js";
import { mainRun, rowState, tokenText } from "./run.js";
import { LABELS } from "./words.js";

/**
 * @import { Scene, Part } from "./player.js"
 * @import { Action } from "./state.js"
 */

/** Height of one line of chips with its gap; player.css has the same. */
const LINE = 36;
const MOST_SLOTS = 64;

/** @param {(action: Action) => void} dispatch @returns {Part} */
export function strip(dispatch) {
  const node = el("div", { class: "kv-strip", role: "group", "aria-label": LABELS.tokens });
  /** @type {HTMLButtonElement[]} */
  let chips = [];
  /** @type {string[]} */
  let classes = [];
  /** @type {number[] | null} */
  let tops = null;
  let cache = /** @type {"on" | "off"} */ ("on");
  const built = whenChanged();
  const measured = whenChanged();
  const scrolled = whenChanged();

  const rowOf = (/** @type {EventTarget | null} */ target) => {
    const chip = target instanceof Element ? target.closest(".kv-chip") : null;
    return chip instanceof HTMLElement ? Number(chip.dataset.row) : null;
  };
  node.addEventListener("click", (event) => {
    const row = rowOf(event.target);
    if (row !== null) dispatch({ type: "pin", spot: { part: "row", cache, row, column: null } });
  });
  node.addEventListener("pointerover", (event) => {
    const row = rowOf(event.target);
    if (row !== null) dispatch({ type: "hover", spot: { part: "row", cache, row, column: null } });
  });
  node.addEventListener("pointerleave", () => dispatch({ type: "hover", spot: null }));
  node.addEventListener("keydown", (event) => {
    const row = rowOf(event.target);
    if (row === null || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) {
      // Space presses the chip; it must not reach the player, where it means play.
      if (event.key === " ") event.stopPropagation();
      return;
    }
    const next = chips[row + (event.key === "ArrowRight" ? 1 : -1)];
    if (next && !next.disabled) next.focus();
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    node,
    update(/** @type {Scene} */ scene) {
      const { state, payload, facts, layout } = scene;
      cache = mainRun(state.cache);
      built([payload, cache], () => {
        chips = payload.header.tokens.map((_, row) =>
          el("button", { type: "button", class: "kv-chip", "data-row": row, tabindex: -1 }, [
            el("span", { class: "kv-chip-text" }, [glyphs(tokenText(payload, cache, row))]),
            el("span", { class: "kv-chip-row" }, [String(row)]),
          ]),
        );
        classes = chips.map(() => "");
        tops = null;
        // A long run is a text that scrolls; only a short one shows its empty places.
        node.classList.toggle("has-slots", chips.length <= MOST_SLOTS);
        node.replaceChildren(...chips);
      });
      const spot = scene.spot;
      chips.forEach((chip, row) => {
        const next = row === facts.n_rows;
        const status = next ? "next" : rowState(facts, row);
        const looked = spot?.part === "pattern" && spot.column === row && row < facts.n_rows;
        const lit = spot !== null && spot.row === row ? " is-lit" : looked ? " is-looked" : "";
        const wanted = `kv-chip is-${status}${lit}`;
        if (classes[row] === wanted) return;
        classes[row] = wanted;
        chip.className = wanted;
        chip.disabled = status === "absent" || next;
        setAttribute(chip, "tabindex", row === facts.n_rows - 1 ? "0" : "-1");
        setAttribute(chip, "aria-pressed", String(lit !== ""));
        if (next) setAttribute(chip, "title", "chosen, not yet in the cache");
        else chip.removeAttribute("title");
      });
      measured([payload, layout, cache, scene.measured], () => (tops = null));
      scrolled([payload, state.step, layout, cache, scene.measured], () => {
        tops ??= measure(node, chips);
        const chip = Math.min(facts.n_rows, chips.length - 1);
        const wanted = Math.max(0, tops[chip] - tops[0] - 2 * LINE);
        if (Math.abs(node.scrollTop - wanted) > 1) node.scrollTop = wanted;
      });
    },
  };
}

/**
 * Where each chip stands once all tokens are there. A chip never moves when a later one appears, so
 * this is read once; it also gives the strip its final height from the start.
 * @param {HTMLElement} node @param {HTMLElement[]} chips @returns {number[]}
 */
function measure(node, chips) {
  node.classList.add("is-measuring");
  node.style.minHeight = "";
  node.style.minHeight = `${node.offsetHeight}px`;
  const tops = chips.map((chip) => chip.offsetTop);
  node.classList.remove("is-measuring");
  return tops;
}
