// The component: one text, two models, pictures that share one grid. It draws what it is given and
// sends back only which head is looked at.
import { el, zoomOf } from "../../../../player/js/dom.js";
import { explanationBox } from "../../../../player/js/explanation_box.js";
import { writeTags } from "../../../../player/js/figure_tag.js";
import { BufferError, sameBytes } from "../../../../player/js/packed_buffer.js";
import { gettext } from "../../../../player/js/translation.js";
import { followTheme, readTheme, wearTheme } from "../../../../player/js/theme.js";
import { RestTimer } from "../../../parts/js/rest_timer.js";
import { decode } from "./buffer.js";
import { geometry, nextUnit } from "./geometry.js";
import { PatternsCard } from "./patterns_card.js";
import { heaviestKey, movedPlace, rowMaking } from "./row_subject.js";
import { RowsCard } from "./rows_card.js";
import { HOOK, NOWHERE, SIDES, litUnits, tokensOf } from "./scene.js";
import { drawStrip } from "./strip.js";
import { measuresOf } from "./words.js";

/**
 * @import { Header, Payload, Place } from "./buffer.js"
 * @import { Cell, Scene, Tokens, View } from "./scene.js"
 * @import { Which } from "./words.js"
 * @typedef {object} Drawn A pair and its cards.
 * @property {Payload} payload
 * @property {Tokens} tokens
 * @property {HTMLElement} strip
 * @property {RowsCard | null} rows
 * @property {PatternsCard} patterns
 */

export class Twins {
  /** @param {HTMLElement} root @param {(told: View & { cell: Place | null, view_number: number }) => void} onView */
  constructor(root, onView) {
    this.root = root;
    this.rest = new RestTimer(() => {
      const view = { ...this.view, cell: this.place, view_number: this.viewNumber };
      if (JSON.stringify(view) === this.told) return;
      this.told = JSON.stringify(view);
      onView(view);
    });
    /** @type {Drawn | null} */
    this.drawn = null;
    /** @type {Scene | null} */
    this.scene = null;
    /** @type {View} */
    this.view = { layer: 0, head: 0, look: "attention" };
    this.cell = NOWHERE;
    this.pinned = false;
    /** @type {Place | null} Whose making is on show. */
    this.place = null;
    /** Of the view that the page told last. */
    this.viewNumber = -1;
    this.told = "";
    root.className = "kvviz-twins";
    root.dataset.kvviz = "twins";
    this.probe = el("span", { class: "kt-probe" });
    this.body = el("div", { class: "kt-body" });
    this.box = explanationBox(root);
    root.replaceChildren(this.probe, this.body, this.box.node);
    this.unfollow = followTheme(root, this.probe, () => this.paint());
    this.watch = new ResizeObserver(() => this.paint());
    this.watch.observe(root);
  }

  /**
   * Draws a buffer. One that cannot be shown is answered with a sentence in its place.
   * @param {unknown} buffer
   */
  load(buffer) {
    const bytes = buffer instanceof ArrayBuffer ? new Uint8Array(buffer) : buffer;
    if (bytes instanceof Uint8Array) {
      if (this.loaded && sameBytes(this.loaded, bytes)) return;
      this.loaded = bytes;
    }
    let payload;
    try {
      payload = decode(bytes);
    } catch (error) {
      if (!(error instanceof BufferError)) throw error;
      this.refuse(error.message);
      return;
    }
    const { view: { cell, ...view }, view_number } = payload.header;
    const isTold = view_number !== this.viewNumber;
    this.viewNumber = view_number;
    if (isTold) this.rest.stop();
    // What the server has not been told yet it cannot have meant to undo.
    if (!this.rest.isRunning) this.view = view;
    const isSame = this.drawn && sameTexts(this.drawn.payload.header, payload.header);
    // Another layer of what is on show: what is pointed at stays.
    if (this.drawn && isSame) this.drawn.payload = payload;
    else this.drawn = this.build(payload);
    if (isTold || !isSame) this.take(cell);
    if (isTold) this.told = JSON.stringify({ ...view, cell, view_number });
    this.paint();
  }

  /** @param {string} message */
  refuse(message) {
    this.drawn = this.scene = null;
    this.body.replaceChildren(el("p", { class: "kt-card kt-refused", role: "alert" }, [`${message} ${gettext("Reload the page.")}`]));
    // Nothing is drawn, so nothing is claimed.
    for (const name of Object.keys(this.root.dataset)) if (name !== "kvviz") delete this.root.dataset[name];
  }

  destroy() {
    this.rest.stop();
    this.unfollow();
    this.watch.disconnect();
    this.box.destroy();
    this.root.replaceChildren();
  }

  /** @param {Payload} payload @returns {Drawn} */
  build(payload) {
    const { header } = payload;
    const point = this.point.bind(this);
    const strip = el("section", { class: "kt-card kt-strip", "aria-label": gettext("The text, token by token") });
    drawStrip(strip, header, (unit, pinned) => point({ query: unit, key: null }, pinned));
    const rows = header.changes.length ? new RowsCard(header, (cell, by) => (by === "key" ? this.put(cell) : point(cell, false))) : null;
    const patterns = new PatternsCard(header, (wish) => this.choose(wish), {
      point,
      step: this.step.bind(this),
      open: (which) => this.open(which),
      explain: (figure, explanation) => this.box.open(figure, explanation),
      close: () => this.make(null, false),
      pick: (key) => this.place && this.make({ ...this.place, key }, false),
      move: (down, right) => this.place && this.make(movedPlace(header[this.place.which], this.place, down, right), false),
    });
    // The pictures come first: they name each token, and the text in line is for who reads on.
    this.body.replaceChildren(...(rows ? [rows.root] : []), patterns.root, strip);
    writeTags(this.body, header.recorded);
    return { payload, tokens: tokensOf(header), strip, rows, patterns };
  }

  /** @param {Partial<View>} wish */
  choose(wish) {
    this.view = { ...this.view, ...wish };
    this.box.leave();
    this.paint();
    this.rest.begin();
  }

  /**
   * Moves what is pointed at, by key: to the next token that the model has.
   * @param {Which} which Whose pattern has the focus. @param {number} down @param {number} right
   */
  step(which, down, right) {
    if (!this.drawn) return;
    const members = this.drawn.tokens.members[which];
    const { query, key } = this.cell;
    this.put({ query: nextUnit(members, query, down), key: nextUnit(members, key, right) });
  }

  /** @param {Cell} cell Is pointed at, by key, whatever was kept by a click. */
  put(cell) {
    this.cell = cell;
    this.light();
  }

  /**
   * @param {Cell} cell @param {boolean} pin A click keeps what is pointed at, another one lets it go.
   * @param {Which} [which] Whose pattern was clicked: how the row came about is shown.
   */
  point(cell, pin, which) {
    if (pin) {
      const again = this.pinned && this.cell.query === cell.query && this.cell.key === cell.key;
      this.pinned = !again && litUnits(cell).length > 0;
      this.cell = again ? NOWHERE : cell;
      this.place = which && !again ? this.placeOf(which) : null;
      this.show(true);
      this.rest.begin();
    } else if (this.pinned) return;
    else this.cell = litUnits(cell).length ? cell : this.focused();
    this.light();
  }

  /** @returns {Cell} The token that keys have come to: a pointer that leaves, if only since the page moves under it, leaves it lit. */
  focused() {
    const unit = this.drawn?.strip.querySelector(".kt-unit:focus-visible")?.getAttribute("data-unit");
    return unit ? { query: Number(unit), key: null } : NOWHERE;
  }

  /** @param {Which} which @returns {Place | null} The cell that is pointed at, by the positions of a side. */
  placeOf(which) {
    const members = this.drawn?.tokens.members[which];
    const { query, key } = this.cell;
    if (!members || query === null || key === null || !members[query].length || !members[key].length) return null;
    return { which, query: members[query][0], key: members[key][0] };
  }

  /** @param {Which | null} which Shows how the row that is pointed at is made; if none is, the last one of the first model. */
  open(which) {
    if (!this.drawn) return;
    const { payload } = this.drawn;
    const place = this.placeOf(which ?? "left");
    if (place) return this.make(place, true);
    const side = which ?? "left";
    const last = { which: side, query: payload.header[side].tokens.length - 1, key: 0 };
    const making = rowMaking(payload, last, this.view);
    if (making) this.make({ ...last, key: heaviestKey(making) }, true);
  }

  /** @param {Place | null} place @param {boolean} isAsked Shows how a row is made, and lights who looks and at whom. */
  make(place, isAsked) {
    this.take(place);
    this.light();
    this.show(isAsked);
    this.rest.begin();
  }

  /** @param {Place | null} place Its row is on show from now on, and nothing else is pointed at. */
  take(place) {
    this.box.leave();
    this.place = place;
    this.pinned = place !== null;
    const units = place && this.drawn?.payload.header[place.which].units;
    this.cell = place && units ? { query: units[place.query], key: units[place.key] } : NOWHERE;
  }

  /** @param {boolean} isAsked */
  show(isAsked) {
    if (this.drawn && this.scene) this.drawn.patterns.open(this.scene, this.place, isAsked);
  }

  paint() {
    if (!this.drawn || !this.root.clientWidth) return;
    const { payload, tokens, strip, rows, patterns } = this.drawn;
    const style = getComputedStyle(strip);
    const width = strip.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const { theme, palette } = readTheme(this.root);
    wearTheme(this.root, theme, palette);
    const place = geometry(width, payload.header.n_slots);
    const ink = { theme, palette, dpr: (window.devicePixelRatio || 1) * zoomOf(this.root) };
    const scene = { payload, tokens, view: this.view, place, ink };
    this.scene = scene;
    this.root.classList.toggle("kt-stacked", place.stacked);
    rows?.paint(scene);
    patterns.paint(scene);
    this.hook(payload);
    this.light();
    this.show(false);
  }

  light() {
    if (!this.drawn || !this.scene) return;
    const { query, key } = this.cell;
    this.drawn.patterns.light(this.scene, this.cell);
    this.drawn.rows?.light(this.scene, this.cell);
    if (query === null || key === null) delete this.root.dataset.pointed;
    else this.root.dataset.pointed = `${query},${key}`;
    this.root.toggleAttribute("data-pinned", this.pinned);
    const lit = litUnits(this.cell).map(String);
    if (lit.length) this.root.dataset.lit = String(lit);
    else delete this.root.dataset.lit;
    for (const node of this.drawn.strip.querySelectorAll(".kt-unit")) {
      node.classList.toggle("kt-lit", lit.includes(node.getAttribute("data-unit") ?? ""));
    }
  }

  /** @param {Payload} payload */
  hook(payload) {
    const { dataset } = this.root;
    dataset.layer = String(this.view.layer);
    dataset.head = String(this.view.head);
    dataset.look = this.view.look;
    dataset.veiled = String(payload.header.veiled);
    for (const which of SIDES) {
      const name = HOOK[which];
      dataset[`mask${name}`] = payload.header[which].mask;
      dataset[`nTokens${name}`] = String(payload.header[which].tokens.length);
      const measures = measuresOf(payload, which, this.view);
      if (measures) dataset[`forward${name}`] = measures.forward.replace(/[^\d.<]/g, "");
      else delete dataset[`forward${name}`];
    }
  }
}

/**
 * Whether two buffers are of one pair of readings, and differ in the layers that they hold alone.
 * @param {Header} one @param {Header} other
 */
function sameTexts(one, other) {
  const told = (/** @type {Header} */ { left, right, arrays: _, view: __, view_number: ___, ...rest }) => JSON.stringify([rest, { ...left, layers: 0 }, { ...right, layers: 0 }]);
  return told(one) === told(other) && [one, other].every(({ left }) => left.layers.length < left.n_layers);
}
