// What the colours and shapes mean, under the pictures.
import { gradient } from "./colour.js";
import { el, setText, show, whenChanged } from "./dom.js";
import { mainRun } from "./run.js";
import { evictedLegend } from "./named_cache_words.js";
import { forgets, isPacked, isShared } from "./unseen.js";
import { LABELS } from "./words.js";

/**
 * @import { Part, Scene } from "./scene.js"
 */

/** @returns {Part} */
export function legend() {
  const item = (/** @type {string} */ kind, /** @type {string | HTMLElement} */ text) =>
    el("span", { class: "kv-legend-item" }, [el("i", { class: `kv-swatch kv-swatch-${kind}`, "aria-hidden": "true" }), text]);
  const whyGone = el("span");
  const evicted = item("evicted", whyGone);
  const shared = item("shared", LABELS.legendShared);
  const packed = item("packed", LABELS.legendPacked);
  const scale = el("i", { class: "kv-scale", "aria-hidden": "true" });
  const node = el("div", { class: "kv-legend" }, [
    item("computed", LABELS.legendComputed),
    item("reused", LABELS.legendReused),
    shared,
    packed,
    evicted,
    item("mask", LABELS.legendMask),
    item("absent", LABELS.legendAbsent),
    el("span", { class: "kv-legend-item kv-legend-scale" }, [`${LABELS.legendAttention} 0`, scale, "100\u202f%"]),
  ]);
  const coloured = whenChanged();
  return {
    node,
    update(/** @type {Scene} */ { payload, state, theme }) {
      show(shared, isShared(payload, mainRun(state.cache), state));
      show(packed, isPacked(payload, mainRun(state.cache), state));
      show(evicted, forgets(payload, mainRun(state.cache), state));
      setText(whyGone, evictedLegend(payload.header.named_cache));
      coloured([theme], () => (scale.style.background = gradient(theme)));
    },
  };
}
