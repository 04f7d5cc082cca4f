// The component: several models have read one text; one control moves all to the same place of it.
import { el, setAttribute, setText } from "../../../../../player/js/dom.js";
import { gettext } from "../../../../../player/js/translation.js";
import { LABELS } from "../../../../../player/js/words.js";
import { FigureCard, legendKey } from "../../../../parts/js/figure_card.js";
import { RestTimer } from "../../../../parts/js/rest_timer.js";
import { FamilyPanel } from "./family_panel.js";
import { decode } from "./in_step_buffer.js";
import { stopSentence } from "./in_step_words.js";

/**
 * @import { InStep } from "./in_step_buffer.js"
 * @import { PointedCell } from "./family_panel.js"
 */

export class InStepView {
  /** @param {HTMLElement} root @param {(told: { stop: number, view_number: number }) => void} onView Told each place that a person comes to rest at. */
  constructor(root, onView) {
    this.root = root;
    this.rest = new RestTimer(() => this.told && onView({ stop: this.stop, view_number: this.told.view_number }));
    /** @type {InStep | null} */
    this.told = null;
    /** @type {FamilyPanel[]} */
    this.panels = [];
    this.stop = 0;
    /** @type {{ panel: number, cell: PointedCell } | null} */
    this.pointed = null;
    this.read = el("span", { class: "kf-text-read" });
    this.ahead = el("span", { class: "kf-text-ahead" });
    this.slider = el("input", { class: "kf-slider", type: "range", min: 0, step: 1, "aria-label": gettext("Place in the text") });
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
    this.evictedKey = legendKey("fc-evicted", LABELS.legendEvicted);
    this.card = new FigureCard(root, {
      className: "kvviz-families",
      hook: "families-in-step",
      title: gettext("One text, read in step"),
      origin: "measured",
      hint: gettext("down: tokens · across: steps · drag, or ← →"),
      file: "kvviz-families",
      above: [el("p", { class: "kf-text" }, [this.read, this.ahead]), this.slider],
      body: el("div", { class: "fc-halves" }),
      legend: [
        legendKey("fc-computed", LABELS.legendComputed), legendKey("fc-read", LABELS.legendReused), this.evictedKey,
        legendKey("fc-absent", LABELS.legendAbsent),
      ],
    }, () => this.paint());
  }

  /** @param {unknown} buffer */
  load(buffer) {
    const told = this.card.read(buffer, decode);
    if (told === undefined) return;
    this.rest.stop();
    this.told = told;
    if (told === null) return;
    const { readers, ends, stop } = told;
    this.stop = Math.min(stop, ends.length - 1);
    this.pointed = null;
    this.panels = readers.map((reader, panel) => new FamilyPanel(reader, readers[0], {
      point: (cell) => this.point(cell && { panel, cell }),
      // The last place at which no more is read than at that step.
      go: (step) => this.go(reader.steps.filter((at) => at <= step).length - 1),
    }));
    this.card.body.replaceChildren(...this.panels.map((panel) => panel.root));
    this.slider.max = String(ends.length - 1);
    this.evictedKey.hidden = !readers.some(({ lives }) => lives.some(({ lives: { n_evicted } }) => n_evicted.some(Boolean)));
    this.paint();
  }

  destroy() {
    this.rest.stop();
    this.card.destroy();
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
    this.rest.begin();
  }

  paint() {
    if (!this.told || !this.card.hasRoom) return;
    const { text, ends, readers } = this.told;
    const { stop, pointed } = this;
    const { palette, dpr } = this.card.ink();
    const scene = { stop, width: this.card.partWidth(Math.min(readers.length, 2)), palette, dpr };
    this.panels.forEach((panel, number) => panel.paint(scene, pointed?.panel === number ? pointed.cell : null));
    setText(this.read, text.slice(0, ends[stop]).join(""));
    setText(this.ahead, text.slice(ends[stop]).join(""));
    const said = stopSentence(readers, stop, ends.length, ends[stop] / text.length);
    this.slider.value = String(stop);
    setAttribute(this.slider, "aria-valuetext", said);
    setAttribute(this.root, "data-stop", String(stop));
    setAttribute(this.root, "data-n-stops", String(ends.length));
    this.card.say(pointed ? this.panels[pointed.panel].reading(pointed.cell) : said);
  }
}
