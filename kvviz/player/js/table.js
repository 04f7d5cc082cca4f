// The same step as a table, for screen readers and for whoever likes numbers better.
import { el, show, whenChanged } from "./dom.js";
import { crossFacts, crossRow } from "./cross.js";
import { glyphs, weightPercent } from "./format.js";
import { lifeSoFar } from "./life_words.js";
import { lifeUpTo } from "./lives.js";
import { attention, isSpecial, mainRun, rowState, stepFacts, tokenText } from "./run.js";
import { LABELS, STATES, tableCaption } from "./words.js";

/**
 * @import { Payload, RunCache } from "./buffer.js"
 * @import { LifeView } from "./paint_history.js"
 * @import { Part, Scene } from "./scene.js"
 * @import { StepFacts } from "./run.js"
 */

/** @returns {Part} */
export function stepTable() {
  const caption = el("caption");
  const head = el("tr");
  const body = el("tbody");
  const input = inputTable();
  const node = el("section", { class: "kv-table", tabindex: 0 }, [
    el("table", {}, [
      caption,
      el("thead", {}, [head]),
      body,
    ]),
    input.node,
  ]);
  const changed = whenChanged();
  return {
    node,
    update(/** @type {Scene} */ { payload, state, facts, lives }) {
      show(node, state.table);
      if (!state.table || state.dragging) return;
      const cache = mainRun(state.cache);
      changed([payload, state.step, state.layer, state.head, state.cache], () => {
        const current = facts.n_rows - 1;
        const other = state.cache === "both" ? stepFacts(payload, "off", state) : null;
        const names = [LABELS.position, LABELS.token, LABELS.row, ...(other ? [LABELS.rowWithout] : []), LABELS.attentionOfRow];
        head.replaceChildren(...names.map((name) => el("th", { scope: "col" }, [name])));
        caption.textContent = tableCaption(state, facts);
        const rows = [];
        for (let row = 0; row <= current; row++) {
          const weight = attention(payload, cache, state.layer, state.head, current, row);
          rows.push(
            el("tr", { class: `is-${rowState(facts, row)}` }, [
              el("th", { scope: "row" }, [String(row)]),
              tokenCell(payload, cache, row),
              el("td", {}, [soFar(lives[cache], row, state.step, STATES[rowState(facts, row)])]),
              ...(other ? [el("td", {}, [soFar(lives.off, row, state.step, STATES[rowState(other, row)])])] : []),
              el("td", {}, [weight === null ? LABELS.none : weightPercent(weight)]),
            ]),
          );
        }
        rows.push(
          el("tr", { class: "is-next" }, [
            el("th", { scope: "row" }, [String(current + 1)]),
            tokenCell(payload, cache, current + 1),
            el("td", {}, [LABELS.nextTitle]),
            ...(other ? [el("td", {}, [LABELS.none])] : []),
            el("td", {}, [LABELS.none]),
          ]),
        );
        body.replaceChildren(...rows);
        input.fill(payload, cache, state.layer, state.head, facts);
      });
    },
  };
}

/** @param {Payload} payload @param {RunCache} cache @param {number} row @returns {HTMLElement} */
function tokenCell(payload, cache, row) {
  const special = isSpecial(payload, cache, row);
  const text = tokenText(payload, cache, row);
  const token = payload.header.tokens[row];
  const bytes = token?.text === text ? token.bytes : undefined;
  return el("td", { class: "kv-mono", "data-special": special, title: special && LABELS.special }, [
    glyphs(text),
    ...(bytes ? [el("span", { class: "kv-note" }, [` ${bytes}`])] : []),
  ]);
}

/**
 * What happened to a row at a step, and until then: "reused: computed at step 2, read 14 times".
 * @param {LifeView | null} life @param {number} row @param {number} step @param {string} now @returns {string}
 */
function soFar(life, row, step, now) {
  return life ? `${now}: ${lifeSoFar(lifeUpTo(life.own, row, step)).join(", ")}` : now;
}

/** @returns {{ node: HTMLElement, fill: (payload: Payload, cache: RunCache, layer: number, head: number, facts: StepFacts) => void }} */
function inputTable() {
  const body = el("tbody");
  const names = [LABELS.position, LABELS.token, LABELS.crossRow, LABELS.crossOfRow];
  const node = el("table", { hidden: true }, [
    el("caption", {}, [LABELS.input]),
    el("thead", {}, [el("tr", {}, names.map((name) => el("th", { scope: "col" }, [name])))]),
    body,
  ]);
  return {
    node,
    fill(payload, cache, layer, head, facts) {
      const { encoder } = payload.header;
      show(node, encoder !== null);
      const weights = encoder && crossRow(payload, cache, layer, head, facts.n_rows - 1);
      const rows = (encoder?.tokens ?? []).map(({ text }, row) => {
        const state = rowState(crossFacts(facts), row);
        return el("tr", { class: `is-${state}` }, [
          el("th", { scope: "row" }, [String(row)]),
          el("td", { class: "kv-mono" }, [glyphs(text)]),
          el("td", {}, [STATES[state]]),
          el("td", {}, [weights ? weightPercent(weights[row] / 255) : LABELS.none]),
        ]);
      });
      body.replaceChildren(...rows);
    },
  };
}
