// The lives of the rows, one picture a run: which rows were computed at which step, and which were read.
import { el, pointOn, setAttribute, setText, show, whenChanged } from "./dom.js";
import { figureTag } from "./figure_tag.js";
import { whole } from "./format.js";
import { LIFE_GAP, hitHistory } from "./history_layout.js";
import * as lifeWords from "./life_words.js";
import { lifeUpTo, stateAt } from "./lives.js";
import { REST } from "./motion.js";
import { lifeTitle } from "./named_cache_words.js";
import { paintHistory } from "./paint_history.js";
import { mainRun, runsOnShow, stepFacts, tokenText } from "./run.js";
import * as words from "./words.js";

/**
 * @import { RunCache } from "./buffer.js"
 * @import { Lives } from "./lives.js"
 * @import { HistoryView, LifeView } from "./paint_history.js"
 * @import { Single } from "./picture.js"
 * @import { Part, Scene } from "./scene.js"
 * @import { Action, Spot } from "./state.js"
 */

/** Width of the lives from which their title has room for its tag; else that stands before it. */
const ROOM_FOR_TAG = 190;
const TAG_GAP = 12;
const NAME_GAP = 6;

/** @param {(action: Action) => void} dispatch @returns {Part & Single} */
export function history(dispatch) {
  const canvas = el("canvas", { class: "kv-canvas kv-history-canvas", role: "img" });
  const heads = /** @type {RunCache[]} */ (["on", "off"]).map((cache) => {
    const count = el("b", { class: "kv-life-count" });
    const unit = el("span", { class: "kv-life-unit" });
    const name = el("span", { class: "kv-life-name" }, [words.runName(cache)]);
    const node = el("div", { class: "kv-life", "data-kvviz": "history", "data-cache": cache }, [name, " ", count, " ", unit]);
    return { cache, name, count, unit, node };
  });
  const picture = el("div", { class: "kv-history-picture" }, [canvas, ...heads.map((head) => head.node)]);
  const tag = figureTag("counted");
  const title = el("div", { class: "kv-title" }, [el("h3", {}, [words.LABELS.history]), tag]);
  const node = el("section", { class: "kv-history" }, [title, picture]);

  /** @type {Scene | null} */
  let scene = null;
  let held = false;

  /** @param {PointerEvent} event @returns {Spot | null} */
  const spotAt = (event) => {
    if (!scene) return null;
    const { x, y } = pointOn(event, canvas);
    const hit = hitHistory(scene.layout.history, x, y);
    return hit && { part: hit.cross ? "cross-life" : "life", cache: runsOnShow(scene.state)[hit.life], row: hit.row, column: hit.step };
  };
  const goTo = (/** @type {PointerEvent} */ event) => {
    const spot = spotAt(event);
    if (spot && spot.column !== null) dispatch({ type: "step", to: spot.column });
  };
  const letGo = () => {
    if (held) dispatch({ type: "drag", on: false });
    held = false;
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 0 || !spotAt(event)) return;
    held = true;
    canvas.setPointerCapture(event.pointerId);
    dispatch({ type: "drag", on: true });
    goTo(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    dispatch({ type: "hover", spot: spotAt(event) });
    if (held) goTo(event);
  });
  canvas.addEventListener("pointerup", letGo);
  canvas.addEventListener("pointercancel", letGo);
  canvas.addEventListener("pointerleave", () => dispatch({ type: "hover", spot: null }));

  const changed = whenChanged();
  const placed = whenChanged();
  const counted = whenChanged();
  return {
    node,
    draw(scene, newSheet) {
      const sheet = newSheet();
      paintHistory(sheet, viewOf(scene));
      return sheet;
    },
    update(/** @type {Scene} */ next) {
      scene = next;
      const { payload, state, layout, palette, dpr, spot, lives } = next;
      const caches = runsOnShow(state);
      placed([payload, layout, state.cache], () => {
        const named = payload.header.named_cache;
        for (const { cache, name, node: head } of heads) {
          const at = caches.indexOf(cache);
          show(head, at >= 0);
          if (at < 0) continue;
          setText(name, lifeTitle(named, cache));
          setAttribute(name, "title", named && cache === "on" ? named.told : null);
          const box = layout.history.grids[at];
          head.style.left = `${box.x}px`;
          // A name may use the room up to the next life.
          head.style.width = `${Math.max(box.w + LIFE_GAP - NAME_GAP, 110)}px`;
        }
        // Words that are longer in another language must not widen what the layout has divided.
        node.style.width = layout.bands ? `${layout.history.w}px` : "";
        const [{ x }] = layout.history.grids;
        const slim = layout.bands && layout.history.w - x < ROOM_FOR_TAG;
        node.classList.toggle("is-slim", slim);
        tag.style.width = slim ? `${x - TAG_GAP}px` : "";
        title.style.paddingLeft = slim ? "" : `${x}px`;
      });
      counted([payload, state.step, state.layer, state.head, state.cache], () => {
        for (const { cache, count, unit, node: head } of heads) {
          const own = lives[cache]?.own;
          if (!own || !caches.includes(cache)) continue;
          const n = own.computed[state.step] + (lives[cache]?.cross?.computed[state.step] ?? 0);
          setText(count, whole(n));
          setText(unit, lifeWords.rowsSoFar(n));
          setAttribute(head, "data-n-computed-total", String(n));
          setAttribute(head, "data-n-live", String(stepFacts(payload, cache, state).n_live));
          setAttribute(head, "data-n-shared", String(own.n_shared));
          setAttribute(head, "data-n-packed", String(own.n_packed[state.step]));
          setAttribute(head, "data-n-evicted", String(own.n_evicted[state.step]));
          setAttribute(head, "data-step", String(state.step));
        }
        setAttribute(canvas, "aria-label", lifeWords.historyDescription(payload.header.named_cache, caches, state.step, lives));
      });
      const view = viewOf(next);
      changed([payload, state.step, state.layer, state.head, state.cache, spot, palette, dpr, layout, view.moment], () => paintHistory(canvas, view));
    },
  };
}

/** @param {Scene} scene @returns {HistoryView} */
function viewOf({ payload, state, layout, palette, dpr, spot, lives, moment }) {
  const runs = /** @type {LifeView[]} */ (runsOnShow(state).map((cache) => lives[cache]));
  const cache = mainRun(state.cache);
  const text = (/** @type {number} */ row, /** @type {boolean} */ ofInput) =>
    ofInput ? payload.header.encoder?.tokens[row].text ?? "" : tokenText(payload, cache, row);
  // Cells of a pixel show no part of a step.
  return { text, history: layout.history, runs, step: state.step, spot, palette, dpr, moment: layout.history.cells ? moment : REST };
}

/** @param {Lives | null} lives @param {Spot} spot @param {string} text @returns {string | null} */
export function lifeReading(lives, { row, column: step }, text) {
  if (lives === null || step === null || row >= lives.n_rows) return null;
  return lifeWords.lifeReading(row, text, step, stateAt(lives, row, step), lifeUpTo(lives, row, step));
}
