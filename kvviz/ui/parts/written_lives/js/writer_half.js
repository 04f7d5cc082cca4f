// One model's half: how many rows it computed while it wrote, and the life of each, painted as the player does.
import { el, setAttribute, setText } from "../../../../player/js/dom.js";
import { whole } from "../../../../player/js/format.js";
import { LifePicture } from "../../js/life_picture.js";
import { description, stepSentence, takenUpTo, unit, wholeSentence } from "./written_words.js";

/**
 * @import { Palette } from "../../../../player/js/colour.js"
 * @import { LifeCalls, LitRow } from "../../../parts/js/life_picture.js"
 * @import { Writer } from "./written_buffer.js"
 *
 * @typedef {object} WrittenScene
 * @property {Writer[]} writers
 * @property {number} n_lines Rows that must have room in both halves.
 * @property {number} width Of a half.
 * @property {Palette} palette @property {number} dpr
 * @property {number} step
 */

/** How far a key moves along the steps: an end, or by so many. @type {Record<string, (step: number, last: number) => number>} */
const MOVES = {
  ArrowLeft: (step) => step - 1, ArrowDown: (step) => step - 1, ArrowRight: (step) => step + 1, ArrowUp: (step) => step + 1,
  PageDown: (step) => step - 10, PageUp: (step) => step + 10, Home: () => 0, End: (_, last) => last,
};

export class WriterHalf {
  /** @param {Writer} writer @param {LifeCalls} calls */
  constructor(writer, calls) {
    this.writer = writer;
    /** @type {WrittenScene | null} */
    this.scene = null;
    const last = writer.lives.n_steps - 1;
    this.count = el("b", { class: "fc-count" });
    this.unit = el("span", { class: "kl-unit" });
    this.life = new LifePicture(writer.lives, writer.cache, { role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": last }, calls);
    this.root = el("div", { "data-kvviz": "history", "data-cache": writer.cache, "data-model": writer.name }, [
      el("h4", {}, [writer.name]),
      el("p", { class: "fc-total" }, [this.count, " ", this.unit]),
      this.life.canvas,
      el("p", { class: "kl-sentence" }, [wholeSentence(writer)]),
    ]);
    this.life.canvas.addEventListener("keydown", (event) => {
      const move = MOVES[event.key];
      if (!move || !this.scene || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      calls.go(move(this.scene.step, last));
    });
  }

  /** @param {WrittenScene} scene @param {LitRow | null} lit */
  paint(scene, lit) {
    this.scene = scene;
    const { writers, step, ...size } = scene;
    const { lives, first, tokenAt } = this.writer;
    this.life.paint({ ...size, step, first, lit, text: (row) => tokenAt(step, row) ?? "" });
    const n = lives.computed[step];
    setText(this.count, whole(n));
    setText(this.unit, unit(n, step === lives.n_steps - 1));
    setAttribute(this.root, "data-n-computed-total", String(n));
    setAttribute(this.root, "data-n-taken-total", String(takenUpTo(lives, step)));
    setAttribute(this.root, "data-step", String(step));
    const { canvas } = this.life;
    setAttribute(canvas, "aria-label", description(this.writer, step));
    setAttribute(canvas, "aria-valuenow", String(step));
    setAttribute(canvas, "aria-valuetext", stepSentence(writers, step));
  }
}
