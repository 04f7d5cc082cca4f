// The same step as a table, for screen readers and for whoever likes numbers better.
import { el, show, whenChanged } from "./dom.js";
import { glyphs, weightPercent } from "./format.js";
import { attention, mainRun, rowState, stepFacts, tokenText } from "./run.js";
import { LABELS, STATES, tableCaption } from "./words.js";

/** @import { Scene, Part } from "./player.js" */

/** @returns {Part} */
export function stepTable() {
  const caption = el("caption");
  const head = el("tr");
  const body = el("tbody");
  const node = el("section", { class: "kv-table", tabindex: 0 }, [
    el("table", {}, [
      caption,
      el("thead", {}, [head]),
      body,
    ]),
  ]);
  const changed = whenChanged();
  return {
    node,
    update(/** @type {Scene} */ { payload, state, facts }) {
      show(node, state.table);
      if (!state.table || state.dragging) return;
      const cache = mainRun(state.cache);
      changed([payload, state.step, state.layer, state.head, state.cache], () => {
        const current = facts.n_rows - 1;
        const other = state.cache === "both" ? stepFacts(payload, "off", state.step) : null;
        const names = [LABELS.position, LABELS.token, LABELS.row, ...(other ? [LABELS.rowWithout] : []), LABELS.attentionOfRow];
        head.replaceChildren(...names.map((name) => el("th", { scope: "col" }, [name])));
        caption.textContent = tableCaption(state.step, state.layer, state.head, state.cache);
        const rows = [];
        for (let row = 0; row <= current; row++) {
          const weight = attention(payload, cache, state.layer, state.head, current, row);
          rows.push(
            el("tr", { class: `is-${rowState(facts, row)}` }, [
              el("th", { scope: "row" }, [String(row)]),
              el("td", { class: "kv-mono" }, [glyphs(tokenText(payload, cache, row))]),
              el("td", {}, [STATES[rowState(facts, row)]]),
              ...(other ? [el("td", {}, [STATES[rowState(other, row)]])] : []),
              el("td", {}, [weight === null ? LABELS.none : weightPercent(weight)]),
            ]),
          );
        }
        rows.push(
          el("tr", { class: "is-next" }, [
            el("th", { scope: "row" }, [String(current + 1)]),
            el("td", { class: "kv-mono" }, [glyphs(tokenText(payload, cache, current + 1))]),
            el("td", {}, [LABELS.nextTitle]),
            ...(other ? [el("td", {}, [LABELS.none])] : []),
            el("td", {}, [LABELS.none]),
          ]),
        );
        body.replaceChildren(...rows);
      });
    },
  };
}
