// One model's panel: what it has read and keeps at a place of the text, and the lives of its rows, painted as the player does.
import { el, setAttribute, setText } from "../../../../../player/js/dom.js";
import { lifeReading } from "../../../../../player/js/life_words.js";
import { lifeUpTo, stateAt } from "../../../../../player/js/lives.js";
import { gettext } from "../../../../../player/js/translation.js";
import { LifePicture } from "../../../../parts/js/life_picture.js";
import { bytesAt, description, inBytes, layersOf, nRead, times, tokensRead } from "./in_step_words.js";

/**
 * @import { Palette } from "../../../../../player/js/colour.js"
 * @import { LifeCell } from "../../../../parts/js/life_picture.js"
 * @import { LayerLife, Reader } from "./in_step_buffer.js"
 *
 * @typedef {LifeCell & { life: number }} PointedCell
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
    this.count = el("b", { class: "fc-count" });
    this.more = el("span", { class: "kf-more" });
    this.read = el("span", { class: "kf-read" });
    this.lives = reader.lives.map((life, number) => new LayerPicture(reader, life, number, calls));
    this.root = el("section", { "data-model": reader.name, "data-n-steps": reader.cache_bytes.length, "data-n-tokens": reader.tokens.length }, [
      el("h4", {}, [reader.title]),
      el("p", { class: "fc-total" }, [this.count, " ", this.more]),
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

/** The lives of rows in the layers that have the same one. */
class LayerPicture {
  /** @param {Reader} reader @param {LayerLife} life @param {number} number @param {PanelCalls} calls */
  constructor(reader, life, number, { point, go }) {
    this.reader = reader;
    this.life = life;
    this.picture = new LifePicture(life.lives, "on", { role: "img" }, { point: (cell) => point(cell && { life: number, ...cell }), go });
    this.root = el("div", { class: "kf-life", "data-kvviz": "history", "data-cache": "on", "data-model": `${reader.name} ${number}` }, [
      el("p", { class: "kf-layers" }, [layersOf(life, reader.lives.length === 1)]), this.picture.canvas,
    ]);
  }

  /** @param {PanelScene} scene @param {number} step @param {PointedCell | null} lit */
  paint({ stop, ...size }, step, lit) {
    const { lives } = this.life;
    this.picture.paint({ ...size, step, lit, text: (row) => this.reader.tokens[row] });
    setAttribute(this.root, "data-step", String(step));
    setAttribute(this.root, "data-n-computed-total", String(lives.computed[step]));
    setAttribute(this.root, "data-n-evicted", String(lives.n_evicted[step]));
    setAttribute(this.picture.canvas, "aria-label", description(this.reader, stop));
  }
}
