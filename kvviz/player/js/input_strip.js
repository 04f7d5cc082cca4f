// The input that an encoder read, token by token, and what became of its cross-attention rows.
import { el, setAttribute, setText, show, whenChanged } from "./dom.js";
import { crossFacts, encoderSpot } from "./cross.js";
import { inputLabel } from "./cross_words.js";
import { glyphs } from "./format.js";
import { mainRun, rowState } from "./run.js";
import * as words from "./words.js";

/**
 * @import { Part, Scene } from "./scene.js"
 * @import { Action } from "./state.js"
 */

const FADE = "28px";

/** @param {(action: Action) => void} dispatch @returns {Part & { label: HTMLElement, outputLabel: HTMLElement }} */
export function inputStrip(dispatch) {
  const node = el("div", { class: "kv-strip kv-input", role: "group", "aria-label": words.LABELS.input, hidden: true });
  // In a wide player a word beside each strip, and the sentence for who is read to.
  const sentence = el("span", { class: "kv-label-long" });
  const short = (/** @type {string} */ word) => el("span", { class: "kv-label-short", "aria-hidden": "true" }, [word]);
  const label = el("p", { class: "kv-strip-label", hidden: true }, [short(words.LABELS.inputShort), sentence]);
  const outputLabel = el("p", { class: "kv-strip-label", hidden: true }, [
    short(words.LABELS.outputShort), el("span", { class: "kv-label-long" }, [words.LABELS.output]),
  ]);
  let cache = /** @type {"on" | "off"} */ ("on");
  /** @type {HTMLButtonElement[]} */
  let chips = [];
  const rowOf = (/** @type {EventTarget | null} */ target) => {
    const chip = target instanceof Element ? target.closest(".kv-chip") : null;
    return chip instanceof HTMLElement ? Number(chip.dataset.row) : null;
  };
  node.addEventListener("click", (event) => {
    const row = rowOf(event.target);
    if (row !== null) dispatch({ type: "pin", spot: { part: "cross-row", cache, row, column: null } });
  });
  node.addEventListener("pointerover", (event) => {
    const row = rowOf(event.target);
    if (row !== null) dispatch({ type: "hover", spot: { part: "cross-row", cache, row, column: null } });
  });
  node.addEventListener("pointerleave", () => dispatch({ type: "hover", spot: null }));
  node.addEventListener("keydown", (event) => {
    const row = rowOf(event.target);
    if (event.key === " ") event.stopPropagation();
    if (row === null || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
    chips[row + (event.key === "ArrowRight" ? 1 : -1)]?.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  // A long input is a text that scrolls: its last line in sight fades while there is more below.
  const measure = () => {
    const hidden = node.scrollHeight - node.clientHeight - node.scrollTop;
    node.classList.toggle("has-more", hidden > 4);
    // In a wide player it is one line.
    const right = node.scrollWidth - node.clientWidth - node.scrollLeft;
    node.style.setProperty("--kv-cut-start", node.scrollLeft > 1 ? FADE : "0px");
    node.style.setProperty("--kv-cut-end", right > 1 ? FADE : "0px");
  };
  node.addEventListener("scroll", measure, { passive: true });
  new ResizeObserver(measure).observe(node);
  const built = whenChanged();
  const dressed = whenChanged();
  return {
    node,
    label,
    outputLabel,
    update(/** @type {Scene} */ { payload, state, facts, spot }) {
      const { encoder } = payload.header;
      cache = mainRun(state.cache);
      show(node, encoder !== null);
      show(label, encoder !== null);
      show(outputLabel, encoder !== null);
      if (!encoder) return;
      built([payload], () => {
        chips = encoder.tokens.map(({ text }, row) =>
          el("button", { type: "button", class: "kv-chip", "data-row": row, tabindex: row === 0 ? 0 : -1 }, [
            el("span", { class: "kv-chip-text" }, [glyphs(text)]),
            el("span", { class: "kv-chip-row" }, [String(row)]),
          ]),
        );
        node.replaceChildren(...chips);
        node.scrollTop = 0;
        requestAnimationFrame(measure);
      });
      dressed([payload, state.step, state.cache, spot], () => {
        const ofInput = crossFacts(facts);
        const lit = encoderSpot(spot)?.row;
        setText(sentence, inputLabel(facts));
        chips.forEach((chip, row) => {
          chip.className = `kv-chip is-${rowState(ofInput, row)} is-${row === lit ? "lit" : "plain"}`;
          setAttribute(chip, "aria-pressed", String(row === lit));
        });
      });
    },
  };
}
