// One model's half of the patterns: its name, its pattern of the chosen head, and that head's measures.
import { el, setAttribute, setText } from "../../../../player/js/dom.js";
import { paintOn } from "../../../../player/js/element_picture.js";
import { figureButton } from "../../../../player/js/explanation_box.js";
import { figureRead, measureExplanation } from "../../../../player/js/number_words.js";
import { gettext } from "../../../../player/js/translation.js";
import { patternOf, within } from "./buffer.js";
import { MOVES, slotAt } from "./geometry.js";
import { paintPattern, paintPointed, patternImage } from "./paint.js";
import { NOWHERE } from "./scene.js";
import { headText, maskText, measuresOf } from "./words.js";

/**
 * @import { Explanation } from "../../../../player/js/bill_words.js"
 * @import { Side } from "./buffer.js"
 * @import { Pointed } from "./paint.js"
 * @import { Cell, Scene } from "./scene.js"
 * @import { Which } from "./words.js"
 *
 * @typedef {object} HalfCalls
 * @property {(cell: Cell, pin: boolean, which?: Which) => void} point A click keeps what is pointed at, and opens how it came about.
 * @property {(which: Which, down: number, right: number) => void} step
 * @property {(which: Which) => void} open How the row that is pointed at is made.
 * @property {(figure: HTMLElement, explanation: Explanation | null) => void} explain The arithmetic behind a figure.
 */

/** @typedef {"forward" | "entropy" | "distance"} Measure */
/** In the order in which they are packed. @type {Measure[]} */
const MEASURES = ["forward", "entropy", "distance"];
/** What is measured of a head, and what it means. @type {{ measure: Measure, name: () => string, about: () => string }[]} */
const FACTS = [
  {
    measure: "forward",
    // Translators: This, "spread" and "reach" are names of what is measured of a head; the number follows.
    name: () => gettext("looks ahead"),
    about: () => gettext("Share of the attention that goes to later tokens, mean over the tokens of the text"),
  },
  {
    measure: "entropy",
    name: () => gettext("spread"),
    about: () => gettext("Entropy of the attention, mean over the tokens: 0 when each looks at one token"),
  },
  {
    measure: "distance",
    name: () => gettext("reach"),
    about: () => gettext("Mean distance between the token that looks and the one looked at"),
  },
];

export class PatternHalf {
  /** @param {Side} side @param {Which} which @param {HalfCalls} calls */
  constructor(side, which, { point, step, open, explain }) {
    this.side = side;
    this.which = which;
    /** @type {Scene | null} */
    this.scene = null;
    /** @type {ImageData | null} */
    this.image = null;
    this.lit = "";
    const label = gettext("Attention pattern of {model}; arrow keys read it cell by cell, Enter shows how a row is made", { model: side.name });
    this.canvas = el("canvas", { role: "img", tabindex: 0, "aria-label": label });
    this.over = el("canvas", { class: "kt-over", "aria-hidden": "true" });
    this.figures = FACTS.map(({ measure, name, about }) => {
      const figure = figureButton();
      figure.title = about();
      figure.addEventListener("click", () => explain(figure, this.explanation(measure)));
      return { measure, figure, fact: el("span", {}, [`${name()} `, figure]) };
    });
    this.mask = el("span", { class: "kt-note" });
    this.facts = el("div", { class: "kt-facts", hidden: true }, [...this.figures.map(({ fact }) => fact), this.mask]);
    this.canvas.addEventListener("pointermove", (event) => point(this.cellAt(event), false));
    this.canvas.addEventListener("click", (event) => point(this.cellAt(event), true, which));
    this.canvas.addEventListener("pointerleave", (event) => {
      // A finger leaves when it is lifted, and what it has pointed at is to be read then.
      if (event.pointerType === "mouse") point(NOWHERE, false);
    });
    this.canvas.addEventListener("keydown", (event) => {
      const move = MOVES[event.key];
      if (!move && event.key !== "Enter") return;
      event.preventDefault();
      if (move) step(which, ...move);
      else open(which);
    });
    this.parts = [
      el("div", { class: "kt-heading" }, [el("h4", {}, [side.name]), el("span", { class: "kt-note" }, [side.note])]),
      el("div", { class: "kt-canvas" }, [this.canvas, this.over]),
      this.facts,
    ];
  }

  /** @param {MouseEvent} event @returns {Cell} */
  cellAt(event) {
    if (!this.scene) return NOWHERE;
    const { payload: { header }, tokens, place } = this.scene;
    const unitAt = (/** @type {number} */ along) => {
      const slot = slotAt(along, place.pitch, header.n_slots);
      const position = slot === null ? -1 : tokens.positions[this.which][slot];
      return position < 0 ? null : this.side.units[position];
    };
    const [x, y] = [event.offsetX - place.labels, event.offsetY - place.head];
    const [query, key] = [unitAt(y), unitAt(x)];
    // The name of a row, of a column, or a cell.
    if (x < 0 && query !== null) return { query, key: null };
    if (y < 0 && key !== null) return { query: null, key };
    return query === null || key === null ? NOWHERE : { query, key };
  }

  /** @param {Scene} scene */
  paint(scene) {
    this.scene = scene;
    const { payload, tokens, view, place, ink } = scene;
    const { layer, head } = within(this.side, view);
    const pattern = patternOf(payload, this.which, layer);
    const positions = tokens.positions[this.which];
    const imageAt = (/** @type {number} */ dpr) => patternImage(pattern, head, positions, view.look, place.pitch, { ...ink, dpr });
    const image = (this.image = imageAt(ink.dpr));
    this.lit = "";
    paintOn(this.canvas, ink.dpr, (sheet, dpr) => {
      paintPattern(sheet, this.side, place, { ...ink, dpr }, dpr === ink.dpr ? image : imageAt(dpr), []);
    });
    this.tell(scene);
  }

  /** @param {Scene} scene */
  tell({ payload, view }) {
    const found = measuresOf(payload, this.which, view);
    this.facts.hidden = !found;
    if (!found) return;
    for (const { measure, figure, fact } of this.figures) {
      setText(figure, found[measure]);
      setAttribute(figure, "aria-label", figureRead((fact.firstChild?.textContent ?? "").trim(), found[measure]));
    }
    setText(this.mask, `${maskText(this.side)}${headText(this.side, view)}`);
  }

  /** @param {Measure} measure @returns {Explanation | null} Null where the layer is not here yet. */
  explanation(measure) {
    if (!this.scene) return null;
    const { payload, view } = this.scene;
    const { layer, head } = within(this.side, view);
    const measured = payload.arrays.get(`${this.which}.measured.${layer}`);
    const found = measuresOf(payload, this.which, view);
    if (!measured || !found) return null;
    const [, n_heads, n] = measured.shape;
    const from = (MEASURES.indexOf(measure) * n_heads + head) * n;
    return measureExplanation(measure, [...measured.data.subarray(from, from + n)], found[measure]);
  }

  /** @param {Scene} scene @param {Pointed} pointed @param {number[]} lit Positions whose names are lit. */
  light({ place, ink }, pointed, lit) {
    paintPointed(this.over, this.side, place, ink, pointed);
    // Names are part of the picture below, which is drawn anew only when others are lit.
    if (this.image && String(lit) !== this.lit) paintPattern(this.canvas, this.side, place, ink, this.image, lit);
    this.lit = String(lit);
  }
}
