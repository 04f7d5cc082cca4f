// Side by side: what each run has computed so far, in figures large enough to feel the difference.
import { el, setText, show, whenChanged } from "./dom.js";
import { whole } from "./format.js";
import { stepFacts } from "./run.js";
import { sentenceNodes } from "./toolbar.js";
import * as words from "./words.js";

/**
 * @import { RunCache } from "./buffer.js"
 * @import { Scene, Part } from "./player.js"
 */

/** @returns {Part} */
export function duel() {
  const sides = /** @type {RunCache[]} */ (["on", "off"]).map((cache) => {
    const total = el("span", { class: "kv-big" });
    const bar = el("span", { class: "kv-big-bar" });
    const sentence = el("p", { class: "kv-sentence" });
    const cell = el("div", { class: "kv-duel-side" }, [
      el("h2", {}, [words.runName(cache)]),
      el("div", { class: "kv-count" }, [total, el("span", { class: "kv-count-label" }, [words.LABELS.computedSoFar])]),
      el("div", { class: "kv-big-track", "aria-hidden": "true" }, [bar]),
      sentence,
    ]);
    return { cache, total, bar, sentence, cell };
  });
  const node = el("div", { class: "kv-duel" }, sides.map((side) => side.cell));
  const changed = whenChanged();
  return {
    node,
    update(/** @type {Scene} */ { payload, state, cumulative }) {
      const both = state.cache === "both";
      show(node, both);
      changed([payload, state.step, both], () => {
        if (!both) return;
        const { on, off } = cumulative;
        const most = Math.max(on[on.length - 1], off[off.length - 1]);
        for (const { cache, total, bar, sentence } of sides) {
          const computed = cumulative[cache][state.step];
          setText(total, whole(computed));
          bar.style.transform = `scaleX(${computed / most})`;
          sentence.replaceChildren(...sentenceNodes(words.stepSentence(stepFacts(payload, cache, state.step)).slice(1, -1)));
        }
      });
    },
  };
}
