// One model's panel: what it has read and keeps at a place of the text, and the lives of its rows, painted as the player does.
import { el, pointOn, setAttribute, setText } from "../../../../../player/js/dom.js";
import { paintOn } from "../../../../../player/js/element_picture.js";
import { hitHistory, lifeGeometry } from "../../../../../player/js/history_layout.js";
import { lifeReading } from "../../../../../player/js/life_words.js";
import { lifeUpTo, stateAt } from "../../../../../player/js/lives.js";
import { REST } from "../../../../../player/js/motion.js";
import { paintHistory } from "../../../../../player/js/paint_history.js";
import { gettext } from "../../../../../player/js/translation.js";
import { bytesAt, description, inBytes, layersOf, nRead, times, tokensRead } from "./in_step_words.js";

/**
 * @import { Palette } from "../../../../../player/js/colour.js"
 * @import { HistoryGeometry } from "../../../../../player/js/history_layout.js"
 * @import { LayerLife, Reader } from "./in_step_buffer.js"
 *
 * @typedef {{ life: number, row: number, step: number }} PointedCell
 *
 * @typedef {object} PanelScene
 * @property {number} stop @property {number} width
 * @property {Palette} palette @property {number} dpr
 *
 * @typedef {object} PanelCalls
 * @property {(cell: PointedCell | null) => void} point
 * @property {(step: number) => void} go
 */

export class FamilyPanel {
  /** @param {Reader} reader @param {Reader} first The one it is measured against. @param {PanelCalls} calls */
  constructor(reader, first, calls) {
    this.reader = reader;
    this.first = first;
    this.count = el("b", { class: "kf-count" });
    this.more = el("span", { class: "kf-more" });
    this.read = el("span", { class: "kf-read" });
    this.lives = reader.lives.map((life, number) => new LifePicture(reader, life, number, calls));
    this.root = el("section", { class: "kf-panel", "data-model": reader.name, "data-n-steps": reader.cache_bytes.length, "data-n-tokens": reader.tokens.length }, [
      el("h4", {}, [reader.title]),
      el("p", { class: "kf-total" }, [this.count, " ", this.more]),
      el("p", { class: "kf-read-line" }, [this.read]),
      ...this.lives.map((life) => life.root),
    ]);
  }

  /** @param {PanelScene} scene @param {PointedCell | null} pointed */
  paint(scene, pointed) {
    const { reader, first } = this;
    const { stop } = scene;
    const bytes = bytesAt(reader, stop);
    const step = reader.steps[stop];
    setText(this.count, inBytes(bytes));
    const isFirst = reader === first;
    setText(this.more, isFirst
      ? gettext("in the cache")
      : gettext("in the cache, {times} that of {model}", { times: times(bytes / bytesAt(first, stop)), model: first.title }));
    setText(this.read, tokensRead(reader, stop));
    setAttribute(this.root, "data-step", String(step));
    setAttribute(this.root, "data-n-read", String(nRead(reader, stop)));
    setAttribute(this.root, "data-cache-bytes", String(bytes));
    this.lives.forEach((life, number) => life.paint(scene, step, pointed?.life === number ? pointed : null));
  }

  /** @param {PointedCell} cell @returns {string} */
  reading({ life, row, step }) {
    const { lives } = this.reader.lives[life];
    return `${this.reader.title}: ${lifeReading(row, this.reader.tokens[row], step, stateAt(lives, row, step), lifeUpTo(lives, row, step))}`;
  }
}

class LifePicture {
  /** @param {Reader} reader @param {LayerLife} life @param {number} number @param {PanelCalls} calls */
  constructor(reader, life, number, { point, go }) {
    this.reader = reader;
    this.life = life;
    /** @type {HistoryGeometry | null} */
    this.place = null;
    this.canvas = el("canvas", { class: "kf-canvas", role: "img" });
    this.name = el("p", { class: "kf-layers" }, [layersOf(life, reader.lives.length === 1)]);
    this.root = el("div", { class: "kf-life", "data-kvviz": "history", "data-cache": "on", "data-model": `${reader.name} ${number}` }, [this.name, this.canvas]);
    let held = false;
    const cellAt = (/** @type {PointerEvent} */ event) => {
      const { x, y } = pointOn(event, this.canvas);
      const hit = this.place && hitHistory(this.place, x, y);
      return hit && hit.step !== null && hit.row < life.lives.n_rows ? { life: number, row: hit.row, step: hit.step } : null;
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      const cell = cellAt(event);
      if (event.button > 0 || !cell) return;
      held = true;
      this.canvas.setPointerCapture(event.pointerId);
      point(cell);
      go(cell.step);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const cell = cellAt(event);
      point(cell);
      if (held && cell) go(cell.step);
    });
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => (held = false));
    this.canvas.addEventListener("pointerleave", (event) => {
      // A finger leaves when it is lifted, and what it has pointed at is to be read then.
      if (event.pointerType === "mouse") point(null);
    });
  }

  /** @param {PanelScene} scene @param {number} step @param {PointedCell | null} pointed */
  paint({ stop, width, palette, dpr }, step, pointed) {
    const { lives } = this.life;
    this.place = lifeGeometry(lives, width, lives.n_rows);
    const text = (/** @type {number} */ row) => this.reader.tokens[row];
    const spot = pointed && { part: /** @type {const} */ ("life"), cache: /** @type {const} */ ("on"), row: pointed.row, column: pointed.step };
    const view = { text, history: this.place, runs: [{ cache: /** @type {const} */ ("on"), own: lives, cross: null }], step, spot, palette, moment: REST };
    paintOn(this.canvas, dpr, (sheet, at) => paintHistory(sheet, { ...view, dpr: at }));
    setAttribute(this.root, "data-step", String(step));
    setAttribute(this.root, "data-n-computed-total", String(lives.computed[step]));
    setAttribute(this.root, "data-n-evicted", String(lives.n_evicted[step]));
    setAttribute(this.canvas, "aria-label", description(this.reader, stop));
  }
}
