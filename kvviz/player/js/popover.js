// The arithmetic behind a figure, beside the figure.
import { billExplanation, savedExplanation, whyNotZero } from "./bill_words.js";
import { canMove } from "./animate.js";
import { animationForm } from "./animation_form.js";
import { el, show, whenChanged } from "./dom.js";
import { emptyBox, placeBox, writeExplanation } from "./explanation_box.js";
import { shareExplanation } from "./making_shares.js";
import { fullExplanation, heldAt } from "./named_cache_words.js";
import { nextExplanation } from "./number_words.js";
import { rowMaking } from "./row_making.js";
import { billSide, mainRun, nextTokens, textOfId } from "./run.js";
import { FORMATS, figuresOf, savePicture } from "./picture.js";
import { BARS, FIGURES } from "./side.js";
import * as words from "./words.js";

/**
 * @import { RunCache } from "./buffer.js"
 * @import { Explanation } from "./bill_words.js"
 * @import { Scene, Part } from "./scene.js"
 * @import { Action } from "./state.js"
 * @import { Figure, Figures, Format } from "./picture.js"
 */

/** @param {HTMLElement} root @param {(action: Action) => void} dispatch @param {Figures} figures @returns {Part} */
export function popover(root, dispatch, figures) {
  const { node, title, content } = emptyBox(() => dispatch({ type: "open", id: null }));
  const changed = whenChanged();
  /** @type {HTMLElement | null} */
  let anchor = null;
  /** @type {Scene | null} */
  let scene = null;
  const animation = animationForm(figures, () => placeBox(root, node, anchor), () => dispatch({ type: "open", id: null }));
  const save = (/** @type {Figure} */ figure, /** @type {Format} */ format) => {
    if (format === "gif") animation.open(figure);
    else if (scene) savePicture(scene, figures, figure, format);
  };

  const leave = (/** @type {PointerEvent} */ event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (node.hidden || animation.node.dataset.running !== undefined || (target && (node.contains(target) || target.closest("[data-open]")))) return;
    dispatch({ type: "open", id: null });
  };
  document.addEventListener("pointerdown", leave, true);

  return {
    node,
    destroy() {
      document.removeEventListener("pointerdown", leave, true);
      animation.open(null);
    },
    update(/** @type {Scene} */ next) {
      scene = next;
      const { state, payload, layout } = next;
      animation.update(next);
      // What is not about the step stays as it is, and the focus in it.
      changed([...dependsOn(state), payload, layout], () => {
        const opening = state.open !== null && node.hidden;
        // Hiding takes the focus away.
        const hadFocus = root.contains(document.activeElement);
        if (state.open !== "picture") animation.open(null);
        show(node, state.open !== null);
        for (const other of root.querySelectorAll("[data-open]")) {
          other.setAttribute("aria-expanded", String(other.getAttribute("data-open") === state.open));
        }
        if (state.open === null) {
          if (anchor && hadFocus) anchor.focus({ preventScroll: true });
          anchor = null;
          return;
        }
        const found = root.querySelector(`[data-open="${CSS.escape(state.open)}"]`);
        anchor = found instanceof HTMLElement ? found : null;
        if (state.open === "picture") {
          title.textContent = words.LABELS.picture;
          content.replaceChildren(el("dl", { class: "kv-pictures" }, pictureRows(next, save)), el("p", { class: "kv-note" }, [words.LABELS.pictureNote]), animation.node);
        } else fill(next, state.open, title, content);
        node.setAttribute("aria-label", title.textContent ?? "");
        placeBox(root, node, anchor);
        if (opening && root.contains(document.activeElement)) node.focus({ preventScroll: true });
      });
    },
  };
}

/** @param {import("./state.js").State} state @returns {unknown[]} All that what is open tells of. */
function dependsOn({ open, step, cache, cell, layer, head }) {
  if (open?.startsWith("bill.") || open === "saved") return [open, step, layer, head];
  if (open?.startsWith("next.")) return [open, step, cache];
  return open?.startsWith("making.") ? [open, step, cache, cell, layer, head] : [open];
}

/** @param {Scene} scene @param {string} id @returns {Explanation | null} Null of what is no figure on show. */
function explanationOf({ payload, state, facts }, id) {
  const { model, n_prompt, comparison, encoder, options } = payload.header;
  const [of, name, side] = id.split(".");
  const cache = mainRun(state.cache);
  if (of === "next") {
    const tokens = nextTokens(payload, cache, state.step, BARS);
    const token = tokens[Number(name)];
    return token ? nextExplanation(token, tokens, textOfId(payload, token.id), options) : null;
  }
  if (of === "making") {
    const { layer, head, cell } = state;
    const making = cell && rowMaking(payload, { cache, layer, head, ...cell });
    if (!making || !cell) return null;
    return shareExplanation(name, making, cell.key);
  }
  const { savings } = payload.header;
  const held = heldAt(payload, state.step, facts.n_live);
  if (of === "saved") {
    const bytes = billSide(payload, "on", state.step).cache_bytes.total ?? 0;
    if (held) return fullExplanation(held, bytes);
    return savings && savedExplanation(model, savings, bytes, state.step);
  }
  const figure = FIGURES.find((one) => one === name);
  return figure
    ? billExplanation(figure, billSide(payload, /** @type {RunCache} */ (side), state.step), model, n_prompt, state.step, encoder, held)
    : whyNotZero(comparison?.dtype ?? model.dtype);
}

/** @param {Scene} scene @param {string} id @param {HTMLElement} title @param {HTMLElement} content */
function fill(scene, id, title, content) {
  if (id === "keys") {
    title.textContent = words.LABELS.help;
    const rows = words.keysAndDeeds().map(([keys, what]) => [el("dt", {}, [keys]), el("dd", {}, [what])]).flat();
    content.replaceChildren(el("dl", { class: "kv-keys" }, rows));
    return;
  }
  const explanation = explanationOf(scene, id);
  if (!explanation) {
    title.textContent = words.LABELS.gone;
    content.replaceChildren();
    return;
  }
  writeExplanation(title, content, explanation);
}

/** @param {Scene} scene @param {(figure: Figure, format: Format) => void} save @returns {HTMLElement[]} A line a figure, a button a format. */
function pictureRows(scene, save) {
  return [...figuresOf(scene)].flatMap(([figure, name]) => {
    const buttons = FORMATS.filter((format) => format !== "gif" || canMove(figure)).map((format) => {
      const label = words.pictureLabel(name, format.toUpperCase());
      const button = el("button", { type: "button", class: "kv-tool", "data-figure": figure, "data-format": format, "aria-label": label, title: label }, [format.toUpperCase()]);
      button.onclick = () => save(figure, format);
      return button;
    });
    return [el("dt", {}, [name]), el("dd", {}, buttons)];
  });
}
