// Which rows changed: a map of layers by positions a side, its count, and what a pointer reads off it.
import { el } from "../../../../player/js/dom.js";
import { paintOn, saveButtons } from "../../../../player/js/element_picture.js";
import { gettext } from "../../../../player/js/translation.js";
import { bar, card, key, readingLine, say } from "./card.js";
import { MOVES, slotAt } from "./geometry.js";
import { MAP_TOP, paintRows } from "./paint.js";
import { HOOK, NOWHERE, SIDES, litPositions, litUnits } from "./scene.js";
import { countRows, rowText, rowsSentence } from "./words.js";

/**
 * @import { Changes, Header } from "./buffer.js"
 * @import { Cell, Scene } from "./scene.js"
 * @import { Which } from "./words.js"
 * @import { RowPlace } from "./paint.js"
 * @typedef {object} RowMap
 * @property {number} group
 * @property {Which} which
 * @property {HTMLCanvasElement} canvas
 * @property {HTMLElement} sentence
 * @property {RowPlace | null} pointed The row that is pointed at.
 */

export class RowsCard {
  /** @param {Header} header @param {(cell: Cell, by: "pointer" | "key") => void} point Told the token whose row is pointed at. */
  constructor(header, point) {
    this.told = point;
    this.cell = NOWHERE;
    /** @type {Scene | null} */
    this.scene = null;
    this.most = 0;
    this.reading = readingLine();
    /** @type {RowMap[]} */
    this.maps = [];
    const groups = header.changes.map((changes, group) => this.group(header, changes, group));
    const legend = el("p", { class: "kt-legend" }, [
      key("kt-key-same", gettext("the same to the last bit")),
      key("kt-key-changed", gettext("changed; the stronger, the further")),
      key("kt-key-new", gettext("new")),
      el("span", {}, [el("b", {}, ["≠"]), ` ${gettext("another token stands here")}`]),
    ]);
    const foot = el("div", { class: "kt-foot" }, [legend, this.reading]);
    const title = gettext("Which K/V rows changed?");
    const saves = saveButtons(title, "kvviz-bert-gpt2-rows", () => this.root);
    this.root = card([bar(title, header.rows_note, [saves]), ...groups, foot], "row-changes");
  }

  /** @param {Header} header @param {Changes} changes @param {number} group @returns {HTMLElement} */
  group(header, changes, group) {
    const halves = SIDES.map((which, side) => {
      const { name } = header[which];
      const label = gettext("{model}: which rows changed; arrow keys read them one by one", { model: name });
      const canvas = el("canvas", { role: "img", tabindex: 0, "aria-label": label });
      const sentence = el("p", { class: "kt-sentence" });
      /** @type {RowMap} */
      const map = { group, which, canvas, sentence, pointed: null };
      this.maps.push(map);
      for (const name of /** @type {const} */ (["pointermove", "pointerdown"])) {
        canvas.addEventListener(name, (event) => this.point(map, this.rowAt(map, event), "pointer"));
      }
      canvas.addEventListener("pointerleave", (event) => {
        // A finger leaves when it is lifted, and what it has pointed at is to be read then.
        if (event.pointerType === "mouse") this.point(map, null, "pointer");
      });
      canvas.addEventListener("keydown", (event) => this.step(map, event));
      const title = changes.sides.length ? `${name} · ${changes.sides[side]}` : name;
      return el("div", { class: "kt-half" }, [el("h4", { class: "kt-map-name" }, [title]), canvas, sentence]);
    });
    return el("div", { class: "kt-group" }, [
      ...(changes.title ? [el("h4", { class: "kt-group-title" }, [changes.title])] : []),
      el("div", { class: "kt-halves" }, halves),
    ]);
  }

  /** @param {RowMap} map @param {PointerEvent} event @returns {RowPlace | null} */
  rowAt({ which }, event) {
    if (!this.scene) return null;
    const { payload: { header }, place, tokens } = this.scene;
    const layer = slotAt(event.offsetY - MAP_TOP, place.cellHeight + 3, header[which].n_layers);
    const slot = slotAt(event.offsetX - place.labels, place.pitch, header.n_slots);
    const position = slot === null ? -1 : tokens.positions[which][slot];
    return layer === null || position < 0 ? null : { layer, position };
  }

  /** @param {RowMap} map @param {KeyboardEvent} event */
  step(map, event) {
    const move = MOVES[event.key];
    if (!move || !this.scene) return;
    event.preventDefault();
    const side = this.scene.payload.header[map.which];
    const [down, right] = map.pointed ? move : [0, 0];
    const { layer, position } = map.pointed ?? { layer: 0, position: 0 };
    const inside = (/** @type {number} */ at, /** @type {number} */ n) => Math.max(0, Math.min(n - 1, at));
    this.point(map, { layer: inside(layer + down, side.n_layers), position: inside(position + right, side.tokens.length) }, "key");
  }

  /** @param {RowMap} map @param {RowPlace | null} pointed @param {"pointer" | "key"} by */
  point(map, pointed, by) {
    if (!this.scene) return;
    const { header, arrays } = this.scene.payload;
    const { group, which } = map;
    const rows = arrays.get(`${group}.${which}.rows`);
    const largest = arrays.get(`${group}.${which}.largest`);
    for (const other of this.maps) {
      const at = other === map && rows ? pointed : null;
      const moved = other.pointed?.layer !== at?.layer || other.pointed?.position !== at?.position;
      other.pointed = at;
      if (moved) this.draw(this.scene, other);
    }
    this.told(pointed ? { query: header[which].units[pointed.position], key: null } : NOWHERE, by);
    if (!map.pointed || !rows || !largest) {
      say(this.reading, "");
      return;
    }
    const { layer, position } = map.pointed;
    const at = layer * header[which].tokens.length + position;
    say(this.reading, rowText(header[which], layer, position, rows.data[at], largest.data[at]));
  }

  /** @param {Scene} scene */
  paint(scene) {
    this.scene = scene;
    this.most = 0;
    for (const [name, numbers] of scene.payload.arrays) {
      if (name.endsWith(".largest")) for (const size of numbers.data) this.most = Math.max(this.most, size);
    }
    for (const map of this.maps) {
      this.draw(scene, map);
      this.tell(scene, map);
    }
  }

  /** @param {Scene} scene @param {Cell} cell Lights the columns of the same tokens, wherever they are pointed at. */
  light(scene, cell) {
    if (String(litUnits(cell)) === String(litUnits(this.cell))) return;
    this.cell = cell;
    for (const map of this.maps) this.draw(scene, map);
  }

  /** @param {Scene} scene @param {RowMap} map */
  draw({ payload: { header, arrays }, tokens, place, ink }, { group, which, canvas, pointed }) {
    const rows = arrays.get(`${group}.${which}.rows`);
    const largest = arrays.get(`${group}.${which}.largest`);
    const lit = litPositions(tokens, which, this.cell);
    paintOn(canvas, ink.dpr, (sheet, dpr) => paintRows(sheet, header[which], rows, largest, this.most, place, { ...ink, dpr }, pointed, lit));
  }

  /** @param {Scene} scene @param {RowMap} map */
  tell({ payload }, { group, which, sentence }) {
    const counts = countRows(payload, group, which);
    if (!counts) {
      sentence.replaceChildren(" ");
      return;
    }
    const { count, rest } = rowsSentence(counts);
    sentence.replaceChildren(el("b", { class: counts.changed ? "kt-new" : "kt-same" }, [count]), ` ${rest}`);
    this.root.dataset[`changed${group}${HOOK[which]}`] = String(counts.changed);
    this.root.dataset[`earlier${group}${HOOK[which]}`] = String(counts.earlier);
  }
}
