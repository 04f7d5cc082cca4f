// Why the rows may be kept, and why not the queries; and the way to the experiment that changes a token.
import { el, setAttribute, setText, show } from "./dom.js";
import { fingerprintsOf } from "./fingerprints.js";
import * as words from "./making_words.js";
import { paintKept, paintQueries } from "./paint_kept.js";
import { queryRows } from "./row_making.js";
import { livesOf, stateAt } from "./lives.js";
import { mainRun } from "./run.js";

/**
 * @import { Cell, Payload, RunCache } from "./buffer.js"
 * @import { Life } from "./lives.js"
 * @import { Scene } from "./scene.js"
 * @import { RowMaking } from "./row_making.js"
 * @import { Action } from "./state.js"
 *
 * @typedef {{ making: RowMaking, life: Life, width: number }} Kept
 */

/** @param {(action: Action) => void} dispatch */
export function keptPanel(dispatch) {
  const rows = el("canvas", { class: "kv-canvas", role: "img" });
  const queries = el("canvas", { class: "kv-canvas", role: "img" });
  const line = el("p", { class: "kv-making-line" });
  const prints = el("p", { class: "kv-note" }, [words.LABELS.prints]);
  const change = el("button", { type: "button", class: "kv-link kv-to-edit" }, [words.LABELS.change]);
  const node = el("div", { class: "kv-making-level" }, [
    el("h4", {}, [words.LABELS.kept]), el("div", { class: "kv-making-kept" }, [rows, queries]), line, prints, change,
  ]);
  let row = 0;
  change.onclick = () => dispatch({ type: "edit", row });
  return {
    node,
    /** @param {Scene} scene @param {Kept} kept */
    update({ payload, state, theme, palette, dpr }, { making, life, width }) {
      const cell = /** @type {Cell} */ (state.cell);
      const cache = mainRun(state.cache);
      row = cell.key;
      const taken = cache === "on" ? fingerprintsOf(payload, { cache, cross: cell.cross, layer: state.layer, row }) : null;
      const proven = taken !== null && taken.key.same && taken.value.same;
      const sheet = { width, theme, palette, dpr };
      for (const one of [rows, queries, prints]) show(one, taken !== null);
      if (taken) {
        // The last fingerprint of a row is that of the step which dropped it.
        const everGone = isEverGone(payload, { cache, layer: state.layer, head: state.head }, cell);
        const kept = /** @type {const} */ (["key", "value"]).map((part) => ({
          part, numbers: (part === "key" ? making.keys : making.values)[row], taken: taken[part], written: life.computed[0], isGone: everGone,
        }));
        paintKept(rows, sheet, kept);
        setAttribute(rows, "aria-label", words.fingerprintsRead(taken));
        const earlier = queryRows(payload, { cache, cross: cell.cross, layer: state.layer, head: state.head }, cell.query);
        paintQueries(queries, sheet, earlier, making);
        setAttribute(queries, "aria-label", words.earlierQueries(earlier.length));
        node.dataset.key = taken.key.final;
        node.dataset.value = taken.value.final;
      } else for (const name of ["key", "value"]) delete node.dataset[name];
      setText(line, words.keptLine(cell, life, proven, cache === "on"));
      show(change, !cell.cross && row < payload.header.n_prompt);
    },
  };
}

/** @param {Payload} payload @param {{ cache: RunCache, layer: number, head: number }} place @param {Cell} cell @returns {boolean} Whether the row of the key is dropped by the end of what is told. */
function isEverGone(payload, { cache, ...place }, { cross, key }) {
  const lives = cross ? null : livesOf(payload, cache, place);
  return lives !== null && stateAt(lives, key, lives.n_steps - 1) === "evicted";
}
