// Which rows changed: a map of layers by positions a side, its count, and what a pointer reads off it.
import { el } from "../../../player/js/dom.js";
import { bar, card, key, readingLine, say } from "./card.js";
import { LAYER_LABEL, slotAt } from "./geometry.js";
import { paintRows } from "./paint.js";
import { HOOK, SIDES } from "./scene.js";
import { countRows, rowText, rowsSentence } from "./words.js";

/**
 * @import { Changes, Header } from "./buffer.js"
 * @import { Scene } from "./scene.js"
 * @import { Which } from "./words.js"
 * @typedef {{ group: number, which: Which, canvas: HTMLCanvasElement, sentence: HTMLElement }} RowMap
 */

export class RowsCard {
  /** @param {Header} header */
  constructor(header) {
    /** @type {Scene | null} */
    this.scene = null;
    this.reading = readingLine();
    /** @type {RowMap[]} */
    this.maps = [];
    const groups = header.changes.map((changes, group) => this.group(header, changes, group));
    const legend = el("p", { class: "kt-legend" }, [
      key("kt-key-same", "the same to the last bit"),
      key("kt-key-changed", "changed; the stronger, the further"),
      key("kt-key-new", "new"),
      el("span", {}, [el("b", {}, ["≠"]), " another token stands here"]),
    ]);
    const foot = el("div", { class: "kt-foot" }, [legend, this.reading]);
    this.root = card([bar("Which K/V rows changed?", header.rows_note), ...groups, foot], "row-changes");
  }

  /** @param {Header} header @param {Changes} changes @param {number} group @returns {HTMLElement} */
  group(header, changes, group) {
    const halves = SIDES.map((which, side) => {
      const { name } = header[which];
      const canvas = el("canvas", { role: "img", tabindex: 0, "aria-label": `${name}: which rows changed` });
      const sentence = el("p", { class: "kt-sentence" });
      const map = { group, which, canvas, sentence };
      this.maps.push(map);
      canvas.addEventListener("pointermove", (event) => this.read(map, event));
      canvas.addEventListener("pointerdown", (event) => this.read(map, event));
      canvas.addEventListener("pointerleave", () => say(this.reading, ""));
      const title = changes.sides.length ? `${name} · ${changes.sides[side]}` : name;
      return el("div", { class: "kt-half" }, [el("h4", { class: "kt-map-name" }, [title]), canvas, sentence]);
    });
    return el("div", { class: "kt-group" }, [
      ...(changes.title ? [el("h4", { class: "kt-group-title" }, [changes.title])] : []),
      el("div", { class: "kt-halves" }, halves),
    ]);
  }

  /** @param {RowMap} map @param {PointerEvent} event */
  read({ group, which }, event) {
    if (!this.scene) return;
    const { payload: { header, arrays }, place, tokens } = this.scene;
    const side = header[which];
    const rows = arrays.get(`${group}.${which}.rows`);
    const largest = arrays.get(`${group}.${which}.largest`);
    const layer = slotAt(event.offsetY, place.cellHeight + 3, side.n_layers);
    const slot = slotAt(event.offsetX - LAYER_LABEL, place.cell, header.n_slots);
    const position = slot === null ? -1 : tokens.positions[which][slot];
    if (!rows || !largest || layer === null || position < 0) {
      say(this.reading, "");
      return;
    }
    const at = layer * side.tokens.length + position;
    say(this.reading, rowText(side, layer, position, rows.data[at], largest.data[at]));
  }

  /** @param {Scene} scene */
  paint(scene) {
    this.scene = scene;
    const { payload: { header, arrays }, place, ink } = scene;
    let most = 0;
    for (const [name, numbers] of arrays) {
      if (name.endsWith(".largest")) for (const size of numbers.data) most = Math.max(most, size);
    }
    for (const map of this.maps) {
      const { group, which, canvas } = map;
      const rows = arrays.get(`${group}.${which}.rows`);
      paintRows(canvas, header[which], rows, arrays.get(`${group}.${which}.largest`), most, place, ink);
      this.tell(scene, map);
    }
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
