// One model's half: how many rows it computed while it wrote, and the life of each, painted as the player does.
import { el, setAttribute, setText } from "../../../../player/js/dom.js";
import { paintOn } from "../../../../player/js/element_picture.js";
import { whole } from "../../../../player/js/format.js";
import { hitHistory, lifeGeometry } from "../../../../player/js/history_layout.js";
import { REST } from "../../../../player/js/motion.js";
import { paintHistory } from "../../../../player/js/paint_history.js";
import { description, stepSentence, takenUpTo, unit, wholeSentence } from "./written_words.js";

/**
 * @import { Palette } from "../../../../player/js/colour.js"
 * @import { HistoryGeometry } from "../../../../player/js/history_layout.js"
 * @import { Writer } from "./written_buffer.js"
 *
 * @typedef {{ row: number, step: number }} LifeCell
 * @typedef {{ row: number, step: number | null }} LitRow A row that is lit, and the cell of it that is pointed at, if it is here.
 * @typedef {object} WrittenScene
 * @property {Writer[]} writers
 * @property {number} n_lines Rows that must have room in both halves.
 * @property {number} width Of a half.
 * @property {Palette} palette @property {number} dpr
 * @property {number} step
 *
 * @typedef {object} WriterHalfCalls
 * @property {(cell: LifeCell | null) => void} point
 * @property {(step: number) => void} go
 */

/** How far a key moves along the steps: an end, or by so many. @type {Record<string, (step: number, last: number) => number>} */
const MOVES = {
  ArrowLeft: (step) => step - 1, ArrowDown: (step) => step - 1, ArrowRight: (step) => step + 1, ArrowUp: (step) => step + 1,
  PageDown: (step) => step - 10, PageUp: (step) => step + 10, Home: () => 0, End: (_, last) => last,
};

export class WriterHalf {
  /** @param {Writer} writer @param {WriterHalfCalls} calls */
  constructor(writer, { point, go }) {
    this.writer = writer;
    /** @type {HistoryGeometry | null} */
    this.place = null;
    /** @type {WrittenScene | null} */
    this.scene = null;
    this.count = el("b", { class: "kl-count" });
    this.unit = el("span", { class: "kl-unit" });
    this.canvas = el("canvas", { class: "kl-canvas", role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": writer.lives.n_steps - 1 });
    this.root = el("div", { class: "kl-half", "data-kvviz": "history", "data-cache": writer.cache }, [
      el("h4", {}, [writer.name]),
      el("p", { class: "kl-total" }, [this.count, " ", this.unit]),
      this.canvas,
      el("p", { class: "kl-sentence" }, [wholeSentence(writer)]),
    ]);
    let held = false;
    const goTo = (/** @type {PointerEvent} */ event) => {
      const cell = this.cellAt(event);
      if (cell) go(cell.step);
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.button > 0 || !this.cellAt(event)) return;
      held = true;
      this.canvas.setPointerCapture(event.pointerId);
      point(this.cellAt(event));
      goTo(event);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      point(this.cellAt(event));
      if (held) goTo(event);
    });
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => (held = false));
    this.canvas.addEventListener("pointerleave", (event) => {
      // A finger leaves when it is lifted, and what it has pointed at is to be read then.
      if (event.pointerType === "mouse") point(null);
    });
    this.canvas.addEventListener("keydown", (event) => {
      const move = MOVES[event.key];
      if (!move || !this.scene || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      go(move(this.scene.step, writer.lives.n_steps - 1));
    });
  }

  /** @param {PointerEvent} event @returns {LifeCell | null} */
  cellAt(event) {
    const hit = this.place && hitHistory(this.place, event.offsetX, event.offsetY);
    if (!hit || hit.step === null || hit.row >= this.writer.lives.n_rows) return null;
    return { row: hit.row, step: hit.step };
  }

  /** @param {WrittenScene} scene @param {LitRow | null} lit */
  paint(scene, lit) {
    this.scene = scene;
    const { writers, n_lines, width, palette, dpr, step } = scene;
    const { cache, lives, first, tokenAt } = this.writer;
    this.place = lifeGeometry(lives, width, n_lines, first);
    const text = (/** @type {number} */ row) => tokenAt(step, row) ?? "";
    const spot = lit && { part: /** @type {const} */ ("life"), cache, row: lit.row, column: lit.step };
    const view = { text, history: this.place, runs: [{ cache, own: lives, cross: null }], step, spot, palette, moment: REST };
    paintOn(this.canvas, dpr, (sheet, at) => paintHistory(sheet, { ...view, dpr: at }));
    const n = lives.computed[step];
    setText(this.count, whole(n));
    setText(this.unit, unit(n, step === lives.n_steps - 1));
    setAttribute(this.root, "data-n-computed-total", String(n));
    setAttribute(this.root, "data-n-taken-total", String(takenUpTo(lives, step)));
    setAttribute(this.root, "data-step", String(step));
    setAttribute(this.canvas, "aria-label", description(this.writer, step));
    setAttribute(this.canvas, "aria-valuenow", String(step));
    setAttribute(this.canvas, "aria-valuetext", stepSentence(writers, step));
  }
}
