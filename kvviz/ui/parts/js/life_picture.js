// The lives of one run's rows on a canvas of their own, painted as the player does. A pointer reads a cell, and drags
// along the steps.
import { el, pointOn } from "../../../player/js/dom.js";
import { paintOn } from "../../../player/js/element_picture.js";
import { hitHistory, lifeGeometry } from "../../../player/js/history_layout.js";
import { REST } from "../../../player/js/motion.js";
import { paintHistory } from "../../../player/js/paint_history.js";

/**
 * @import { RunCache } from "../../../player/js/buffer.js"
 * @import { Palette } from "../../../player/js/colour.js"
 * @import { HistoryGeometry } from "../../../player/js/history_layout.js"
 * @import { Lives } from "../../../player/js/lives.js"
 *
 * @typedef {{ row: number, step: number }} LifeCell
 * @typedef {{ row: number, step: number | null }} LitRow A row that is lit, and the cell of it that is pointed at, if it is here.
 *
 * @typedef {object} LifeScene
 * @property {number} step @property {number} width @property {Palette} palette @property {number} dpr
 * @property {(row: number) => string} text Of a row's token.
 * @property {LitRow | null} lit
 * @property {number} [n_lines] Rows that must have room, where another picture beside it has more.
 * @property {number} [first] The line in which row 0 stands.
 *
 * @typedef {object} LifeCalls
 * @property {(cell: LifeCell | null) => void} point
 * @property {(step: number) => void} go
 */

export class LifePicture {
  /**
   * @param {Lives} lives @param {RunCache} cache
   * @param {Record<string, string | number>} attributes Of the canvas. @param {LifeCalls} calls
   */
  constructor(lives, cache, attributes, { point, go }) {
    this.lives = lives;
    this.cache = cache;
    /** @type {HistoryGeometry | null} */
    this.place = null;
    this.canvas = el("canvas", { class: "fc-life", ...attributes });
    let held = false;
    this.canvas.addEventListener("pointerdown", (event) => {
      const cell = this.cellAt(event);
      if (event.button > 0 || !cell) return;
      held = true;
      this.canvas.setPointerCapture(event.pointerId);
      point(cell);
      go(cell.step);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const cell = this.cellAt(event);
      point(cell);
      if (held && cell) go(cell.step);
    });
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => (held = false));
    this.canvas.addEventListener("pointerleave", (event) => {
      // A finger leaves when it is lifted, and what it has pointed at is to be read then.
      if (event.pointerType === "mouse") point(null);
    });
  }

  /** @param {PointerEvent} event @returns {LifeCell | null} */
  cellAt(event) {
    const { x, y } = pointOn(event, this.canvas);
    const hit = this.place && hitHistory(this.place, x, y);
    return hit && hit.step !== null && hit.row < this.lives.n_rows ? { row: hit.row, step: hit.step } : null;
  }

  /** @param {LifeScene} scene */
  paint({ step, width, palette, dpr, text, lit, n_lines = this.lives.n_rows, first = 0 }) {
    const { lives, cache } = this;
    this.place = lifeGeometry(lives, width, n_lines, first);
    const spot = lit && { part: /** @type {const} */ ("life"), cache, row: lit.row, column: lit.step };
    const view = { text, history: this.place, runs: [{ cache, own: lives, cross: null }], step, spot, palette, moment: REST };
    paintOn(this.canvas, dpr, (sheet, at) => paintHistory(sheet, { ...view, dpr: at }));
  }
}
