// The line that says what proves that rows were reused.
import { crossNote } from "./cross_words.js";
import { el, setText, whenChanged } from "./dom.js";
import { runOf, stepFacts } from "./run.js";
import { LABELS, recomputedNote } from "./words.js";

/**
 * @import { Part, Scene } from "./scene.js"
 */

/** @returns {Part} */
export function proofLine() {
  const node = el("span", { class: "kv-proof" });
  const changed = whenChanged();
  return {
    node,
    update(/** @type {Scene} */ { payload, state }) {
      changed([payload, state.step, state.layer, state.head, state.cache], () => {
        // How the rows of a run under way are at its end is not known before.
        const cached = state.cache === "off" || payload.header.growing !== null ? null : runOf(payload, "on");
        const notes = [];
        if (cached) notes.push(cached.reuse_is_proven ? LABELS.proven : LABELS.unproven, crossNote(payload.header.encoder));
        if (state.cache !== "on") notes.push(recomputedNote(stepFacts(payload, "off", state)));
        setText(node, notes.filter(Boolean).join(" "));
        node.classList.toggle("is-bad", cached !== null && !cached.reuse_is_proven);
      });
    },
  };
}
