// The token strip: what has been read so far, and by what each token's row came about.
import { el, setAttribute, whenChanged } from "./dom.js";
import { decoderSpot } from "./cross.js";
import { glyphs } from "./format.js";
import { isSpecial, mainRun, rowState, tokenText } from "./run.js";
import { LABELS } from "./words.js";

/**
 * @import { Scene, Part } from "./scene.js"
 * @import { Action } from "./state.js"
 */

/** How much of the line is kept free of what has been read, for what comes next. */
const AHEAD = 0.25;
const FADE = "28px";
const MOST_SLOTS = 64;
const STATUSES = ["absent", "reused", "computed", "evicted", "next"];
const MARKS = ["plain", "lit", "looked"];

/** @param {(action: Action) => void} dispatch @returns {Part} */
export function strip(dispatch) {
  const node = el("div", { class: "kv-strip", role: "group", "aria-label": LABELS.tokens });
  /** @type {HTMLButtonElement[]} */
  let chips = [];
  let codes = new Int8Array(0);
  let current = -1;
  let scrollTo = 0;
  let scrolledTo = 0;
  /** @type {number[] | null} */
  let ends = null;
  let room = 0;
  let cache = /** @type {"on" | "off"} */ ("on");
  const built = whenChanged();
  const measured = whenChanged();
  const scrolled = whenChanged();
  const moved = whenChanged();

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

  // A token that is cut off fades, so that one sees that the text goes on.
  let cut = "";
  const cutAt = (/** @type {number} */ left) => {
    const most = ends ? ends[ends.length - 1] - room : 0;
    const [start, end] = [left > 1 ? FADE : "0px", left < most - 1 ? FADE : "0px"];
    if (cut === start + end) return;
    cut = start + end;
    node.style.setProperty("--kv-cut-start", start);
    node.style.setProperty("--kv-cut-end", end);
  };
  node.addEventListener("scroll", () => cutAt(node.scrollLeft), { passive: true });

  return {
    node,
    update(/** @type {Scene} */ scene) {
      const { state, payload, facts, layout } = scene;
      cache = mainRun(state.cache);
      built([payload, cache], () => {
        chips = payload.header.tokens.map(({ bytes }, row) =>
          el("button", { type: "button", class: "kv-chip", "data-row": row, "data-about": isSpecial(payload, cache, row) ? LABELS.special : bytes ?? false, "data-special": isSpecial(payload, cache, row), tabindex: -1 }, [
            el("span", { class: "kv-chip-text" }, [glyphs(tokenText(payload, cache, row))]),
            el("span", { class: "kv-chip-row" }, [String(row)]),
          ]),
        );
        codes = new Int8Array(chips.length).fill(-1);
        current = -1;
        ends = null;
        // A long run is a text that scrolls; only a short one shows its empty places.
        node.classList.toggle("has-slots", chips.length <= MOST_SLOTS);
        node.replaceChildren(...chips);
      });
      const { joined, settled } = scene.moment;
      moved([joined, settled], () => {
        node.style.setProperty("--kv-joined", joined.toFixed(3));
        node.style.setProperty("--kv-settled", settled.toFixed(3));
      });
      const spot = decoderSpot(scene.spot);
      const looked = spot?.part === "pattern" ? spot.column : null;
      for (let row = 0; row < chips.length; row++) {
        const status = row === facts.n_rows ? "next" : rowState(facts, row);
        const mark = row === spot?.row ? "lit" : row === looked && row < facts.n_rows ? "looked" : "plain";
        const code = STATUSES.indexOf(status) * MARKS.length + MARKS.indexOf(mark);
        if (codes[row] === code) continue;
        codes[row] = code;
        dress(chips[row], status, mark);
      }
      if (current !== facts.n_rows - 1) {
        chips[current]?.setAttribute("tabindex", "-1");
        current = facts.n_rows - 1;
        chips[current].setAttribute("tabindex", "0");
      }
      measured([payload, layout, cache, scene.measured], () => (ends = null));
      scrolled([payload, state.step, layout, cache, scene.measured], () => {
        // Read once a layout: after a chip has changed its dress the browser would lay out all of them for it.
        if (!ends) [ends, room] = [measure(node, chips), node.clientWidth];
        const chip = Math.min(facts.n_rows, chips.length - 1);
        const most = Math.max(0, ends[chips.length - 1] - room);
        scrollTo = Math.round(Math.min(most, Math.max(0, ends[chip] - (1 - AHEAD) * room)));
      });
    },
    settle() {
      // Writing a scroll position makes the browser lay out at once: only when it moves.
      if (scrollTo !== scrolledTo) node.scrollLeft = scrollTo;
      scrolledTo = scrollTo;
      cutAt(scrollTo);
    },
  };
}

/** @param {HTMLButtonElement} chip @param {string} status @param {string} mark */
function dress(chip, status, mark) {
  chip.className = `kv-chip is-${status} is-${mark}`;
  chip.disabled = status === "absent" || status === "next";
  setAttribute(chip, "aria-pressed", String(mark === "lit"));
  setAttribute(chip, "aria-hidden", status === "absent" ? "true" : null);
  setAttribute(chip, "title", status === "next" ? LABELS.nextTitle : chip.dataset.about ?? null);
}

/**
 * Where each chip ends once all tokens are there. A chip never moves when a later one appears, so
 * this is read once.
 * @param {HTMLElement} node @param {HTMLElement[]} chips @returns {number[]}
 */
function measure(node, chips) {
  node.classList.add("is-measuring");
  const ends = chips.map((chip) => chip.offsetLeft + chip.offsetWidth);
  node.classList.remove("is-measuring");
  return ends;
}
