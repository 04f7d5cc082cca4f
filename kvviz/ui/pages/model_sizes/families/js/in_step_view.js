// The component: several models have read one text; one control moves all to the same place of it.
import { el, setAttribute, setText } from "../../../../../player/js/dom.js";
import { saveButtons } from "../../../../../player/js/element_picture.js";
import { figureTag, writeTags } from "../../../../../player/js/figure_tag.js";
import { BufferError } from "../../../../../player/js/packed_buffer.js";
import { followTheme, readTheme, wearTheme } from "../../../../../player/js/theme.js";
import { gettext } from "../../../../../player/js/translation.js";
import { LABELS } from "../../../../../player/js/words.js";
import { FamilyPanel } from "./family_panel.js";
import { decode } from "./in_step_buffer.js";
import { stopSentence } from "./in_step_words.js";

/**
 * @import { InStep } from "./in_step_buffer.js"
 * @import { PointedCell } from "./family_panel.js"
 */

const STACKED_BELOW = 640;
const GAP = 32;
/** A place is told once a person comes to rest at it: each that is told is an entry of the browser's history. */
const TELL_AFTER_MS = 250;

export class InStepView {
  /** @param {HTMLElement} root @param {(told: { stop: number, view_number: number }) => void} onView Told each place that a person comes to rest at. */
  constructor(root, onView = () => {}) {
    this.root = root;
    this.onView = onView;
    this.teller = 0;
    /** @type {unknown} */
    this.loaded = null;
    /** @type {InStep | null} */
    this.told = null;
    /** @type {FamilyPanel[]} */
    this.panels = [];
    this.stop = 0;
    /** @type {{ panel: number, cell: PointedCell } | null} */
    this.pointed = null;
    root.className = "kvviz-families";
    root.dataset.kvviz = "families-in-step";
    this.probe = el("span", { class: "kf-probe" });
    this.read = el("span", { class: "kf-text-read" });
    this.ahead = el("span", { class: "kf-text-ahead" });
    this.slider = el("input", { class: "kf-slider", type: "range", min: 0, step: 1, "aria-label": gettext("Place in the text") });
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
    this.body = el("div", { class: "kf-panels" });
    this.reading = el("p", { class: "kf-reading", "aria-live": "polite" });
    const key = (/** @type {string} */ kind, /** @type {string} */ text) => el("span", {}, [el("i", { class: `kf-key ${kind}` }), ` ${text}`]);
    this.evictedKey = key("kf-evicted", LABELS.legendEvicted);
    const legend = el("p", { class: "kf-legend" }, [
      key("kf-computed", LABELS.legendComputed), key("kf-read-key", LABELS.legendReused), this.evictedKey, key("kf-absent", LABELS.legendAbsent),
    ]);
    root.replaceChildren(
      this.probe,
      el("div", { class: "kf-bar" }, [
        el("h3", {}, [gettext("One text, read in step")]),
        figureTag("measured"),
        el("span", { class: "kf-note", "data-no-picture": "" }, [gettext("down: tokens · across: steps · drag, or ← →")]),
        saveButtons(gettext("One text, read in step"), "kvviz-families", () => root),
      ]),
      el("p", { class: "kf-text" }, [this.read, this.ahead]),
      this.slider, this.body, legend, this.reading,
    );
    writeTags(root, false);
    this.unfollow = followTheme(root, this.probe, () => this.paint());
    this.watch = new ResizeObserver(() => this.paint());
    this.watch.observe(root);
  }

  /** @param {unknown} buffer */
  load(buffer) {
    if (buffer === this.loaded) return;
    this.loaded = buffer;
    window.clearTimeout(this.teller);
    try {
      this.told = decode(buffer);
    } catch (error) {
      if (!(error instanceof BufferError)) throw error;
      this.told = null;
      this.body.replaceChildren(el("p", { role: "alert" }, [`${error.message} ${gettext("Reload the page.")}`]));
      return;
    }
    const { readers, ends, stop } = this.told;
    this.stop = Math.min(stop, ends.length - 1);
    this.pointed = null;
    this.panels = readers.map((reader, panel) => new FamilyPanel(reader, readers[0], {
      point: (cell) => this.point(cell && { panel, cell }),
      // The last place at which no more is read than at that step.
      go: (step) => this.go(reader.steps.filter((at) => at <= step).length - 1),
    }));
    this.body.replaceChildren(...this.panels.map((panel) => panel.root));
    this.slider.max = String(ends.length - 1);
    this.evictedKey.hidden = !readers.some(({ lives }) => lives.some(({ lives: { n_evicted } }) => n_evicted.some(Boolean)));
    this.paint();
  }

  destroy() {
    window.clearTimeout(this.teller);
    this.unfollow();
    this.watch.disconnect();
    this.root.replaceChildren();
  }

  /** @param {{ panel: number, cell: PointedCell } | null} pointed */
  point(pointed) {
    if (JSON.stringify(pointed) === JSON.stringify(this.pointed)) return;
    this.pointed = pointed;
    this.paint();
  }

  /** @param {number} stop */
  go(stop) {
    if (!this.told) return;
    const to = Math.max(0, Math.min(this.told.ends.length - 1, stop));
    if (to === this.stop) return;
    this.stop = to;
    this.paint();
    const { view_number } = this.told;
    window.clearTimeout(this.teller);
    this.teller = window.setTimeout(() => this.onView({ stop: this.stop, view_number }), TELL_AFTER_MS);
  }

  paint() {
    if (!this.told || !this.root.clientWidth) return;
    const { theme, palette } = readTheme(this.root);
    wearTheme(this.root, theme, palette);
    const { text, ends, readers } = this.told;
    const { stop, pointed } = this;
    const inside = this.body.clientWidth;
    const stacked = inside < STACKED_BELOW || readers.length === 1;
    this.root.classList.toggle("kf-stacked", stacked);
    const width = stacked ? inside : (inside - GAP) / 2;
    const scene = { stop, width, palette, dpr: window.devicePixelRatio || 1 };
    this.panels.forEach((panel, number) => panel.paint(scene, pointed?.panel === number ? pointed.cell : null));
    setText(this.read, text.slice(0, ends[stop]).join(""));
    setText(this.ahead, text.slice(ends[stop]).join(""));
    const said = stopSentence(readers, stop, ends.length, ends[stop] / text.length);
    setText(this.reading, pointed ? this.panels[pointed.panel].reading(pointed.cell) : said);
    this.slider.value = String(stop);
    setAttribute(this.slider, "aria-valuetext", said);
    setAttribute(this.root, "data-stop", String(stop));
    setAttribute(this.root, "data-n-stops", String(ends.length));
    this.root.dataset.ready = "true";
  }
}
