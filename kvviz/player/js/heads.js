// All heads at this step: one picture, with a button over each head for pointer, keyboard and reader.
import { el, setAttribute, setText, whenChanged } from "./dom.js";
import { figureTag } from "./figure_tag.js";
import { badge, begin } from "./pen.js";
import { paintHeads } from "./paint_small.js";
import { sharedKvHead } from "./kv_heads.js";
import { mainRun } from "./run.js";
import { layerInView } from "./state.js";
import * as words from "./words.js";

/**
 * @import { Payload } from "./buffer.js"
 * @import { Single } from "./picture.js"
 * @import { Scene, Part } from "./scene.js"
 * @import { Action } from "./state.js"
 * @import { HeadsView } from "./paint_small.js"
 */

/** @param {(action: Action) => void} dispatch @returns {Part & Single} */
export function heads(dispatch) {
  const canvas = el("canvas", { class: "kv-canvas", "aria-hidden": "true" });
  const overlay = el("div", { class: "kv-heads-buttons", role: "group", "aria-label": words.LABELS.heads });
  const legend = el("span", { class: "kv-roles" });
  const title = el("h3", {}, [words.LABELS.heads]);
  const node = el("section", { class: "kv-heads" }, [
    el("div", { class: "kv-title" }, [title, figureTag("measured"), el("span", { class: "kv-hint" }, [words.LABELS.headsHint]), legend]),
    el("div", { class: "kv-heads-box" }, [canvas, overlay]),
  ]);
  /** @type {HTMLButtonElement[]} */
  let buttons = [];
  /** @type {Map<number, string>} */
  let roles = new Map();
  let hover = -1;
  let nHeads = 1;
  const indexOf = (/** @type {EventTarget | null} */ target) =>
    target instanceof HTMLElement && target.dataset.index !== undefined ? Number(target.dataset.index) : -1;
  overlay.addEventListener("click", (event) => {
    const index = indexOf(event.target);
    if (index >= 0) dispatch({ type: "pick", layer: Math.floor(index / nHeads), head: index % nHeads });
  });
  const setHover = (/** @type {number} */ index) => {
    if (index === hover) return;
    hover = index;
    dispatch({ type: "hover", spot: null });
  };
  overlay.addEventListener("pointerover", (event) => setHover(indexOf(event.target)));
  overlay.addEventListener("pointerleave", () => setHover(-1));
  overlay.addEventListener("keydown", (event) => {
    const index = indexOf(event.target);
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -nHeads, ArrowDown: nHeads }[event.key];
    if (event.key === " ") event.stopPropagation();
    if (index < 0 || by === undefined) return;
    buttons[Math.min(Math.max(0, index + by), buttons.length - 1)]?.focus();
    event.preventDefault();
    event.stopPropagation();
  });

  const built = whenChanged();
  const placed = whenChanged();
  const legendDrawn = whenChanged();
  const painted = whenChanged();
  const pressed = whenChanged();
  return {
    node,
    draw(scene, newSheet) {
      const sheet = newSheet();
      paintHeads(sheet, viewOf(scene, -1));
      return sheet;
    },
    update(/** @type {Scene} */ scene) {
      const { payload, state, layout, palette, dpr } = scene;
      const { model } = payload.header;
      nHeads = model.n_heads;
      built([payload], () => {
        setText(title, payload.header.encoder ? words.LABELS.selfHeads : words.LABELS.heads);
        roles = rolesOf(payload);
        buttons = layout.heads.thumbs.map((_, index) => {
          const name = words.headLabel(Math.floor(index / nHeads), index % nHeads, roles.get(index), sharedKvHead(payload, index % nHeads));
          return el("button", { type: "button", class: "kv-head", "data-index": index, tabindex: -1, "aria-label": name, title: name });
        });
        overlay.replaceChildren(...buttons);
      });
      placed([payload, layout], () => {
        layout.heads.thumbs.forEach(({ x, y, w, h }, i) => {
          Object.assign(buttons[i].style, { left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${h}px` });
        });
      });
      legendDrawn([payload, palette, dpr], () => {
        const kinds = [...new Set(roles.values())];
        legend.replaceChildren(
          ...kinds.map((role) => {
            const mark = el("canvas", { "aria-hidden": "true" });
            badge(begin(mark, 12, 12, dpr), role, 6, 6, 5, palette);
            const name = el("span", {}, [words.ROLE_SHORT[role] ?? role]);
            return el("span", { class: "kv-role", title: words.ROLE_NAMES[role] ?? role }, [mark, name]);
          }),
        );
      });
      const picked = layerInView(state) * nHeads + state.head;
      painted([payload, state.step, state.layer, state.head, state.wanted.layer, hover, layout, palette, dpr, mainRun(state.cache)], () => paintHeads(canvas, viewOf(scene, hover)));
      pressed([payload, picked], () =>
        buttons.forEach((button, i) => {
          setAttribute(button, "tabindex", i === picked ? "0" : "-1");
          setAttribute(button, "aria-pressed", String(i === picked));
        }),
      );
    },
  };
}

/** @param {Payload} payload @returns {Map<number, string>} The role of a head, at layer * n_heads + head. */
function rolesOf({ header: { roles, model } }) {
  return new Map(roles.map((r) => [r.layer * model.n_heads + r.head, r.role]));
}

/** @param {Scene} scene @param {number} hover Head pointed at, or -1. @returns {HeadsView} */
function viewOf({ payload, state, layout, facts, theme, palette, dpr, store }, hover) {
  return {
    payload, cache: payload.header.runs[0].cache, heads: layout.heads, n_rows_now: facts.n_rows, layer: state.layer,
    head: state.head, wantedLayer: state.wanted.layer, hover, roles: rolesOf(payload), theme, palette, dpr, store,
  };
}
