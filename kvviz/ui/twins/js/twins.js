// The component: one text, two models, pictures that share one grid. It draws what it is given and
// sends back only which head is looked at.
import { el, setText } from "../../../player/js/dom.js";
import { gradient } from "../../../player/js/colour.js";
import { followTheme, readTheme, wearTheme } from "../../../player/js/theme.js";
import { decode, within } from "./buffer.js";
import { LAYER_LABEL, geometry, membersOf, positionsOf, slotAt, thumbSide } from "./geometry.js";
import { paintHeads, paintPattern, paintPointed, paintRows, patternImage } from "./paint.js";
import { drawStrip } from "./strip.js";
import { countRows, headText, lookOf, lookText, maskText, measuresOf, named, rowText, rowsSentence } from "./words.js";

/**
 * @import { Header, Look, Payload } from "./buffer.js"
 * @import { Geometry } from "./geometry.js"
 * @import { Ink } from "./paint.js"
 * @import { Which } from "./words.js"
 * @typedef {{ layer: number, head: number, look: Look }} View
 * @typedef {{ query: number | null, key: number | null }} Cell Units that are pointed at.
 * @typedef {{ canvas: HTMLCanvasElement, over: HTMLCanvasElement, heads: HTMLCanvasElement, heading: HTMLElement, facts: HTMLElement }} Half
 * @typedef {{ group: number, which: Which, canvas: HTMLCanvasElement, sentence: HTMLElement }} RowMap
 */

/** @type {Which[]} */
const SIDES = ["left", "right"];

export class Twins {
  /** @param {HTMLElement} root @param {(view: View) => void} onView */
  constructor(root, onView) {
    this.root = root;
    this.onView = onView;
    /** @type {Payload | null} */
    this.payload = null;
    /** @type {View} */
    this.view = { layer: 0, head: 0, look: "attention" };
    /** @type {Cell} */
    this.cell = { query: null, key: null };
    this.pinned = false;
    root.className = "kvviz-twins";
    root.dataset.kvviz = "twins";
    this.probe = el("span", { class: "kt-probe" });
    this.body = el("div", { class: "kt-body" });
    root.replaceChildren(this.probe, this.body);
    this.unfollow = followTheme(root, this.probe, () => this.paint());
    this.watch = new ResizeObserver(() => this.paint());
    this.watch.observe(root);
  }

  /** @param {Uint8Array | ArrayBuffer} buffer */
  load(buffer) {
    if (this.loaded && same(this.loaded, buffer)) return;
    this.loaded = buffer instanceof Uint8Array ? buffer : new Uint8Array(buffer);
    this.payload = decode(buffer);
    this.view = { ...this.payload.header.view };
    this.cell = { query: null, key: null };
    this.pinned = false;
    this.build(this.payload.header);
    this.paint();
  }

  destroy() {
    this.unfollow();
    this.watch.disconnect();
    this.root.replaceChildren();
  }

  /** @param {Header} header */
  build(header) {
    this.positions = {
      left: positionsOf(header.left.slots, header.n_slots),
      right: positionsOf(header.right.slots, header.n_slots),
    };
    this.members = {
      left: membersOf(header.left.units, header.n_units),
      right: membersOf(header.right.units, header.n_units),
    };
    const strip = el("section", { class: "kt-card kt-strip", "aria-label": "The text, token by token" });
    drawStrip(strip, header, (unit, pinned) => this.point({ query: unit, key: null }, pinned));
    /** @type {RowMap[]} */
    this.maps = [];
    const cards = [strip];
    if (header.changes.length) cards.push(this.buildRows(header));
    cards.push(this.buildPatterns(header));
    this.body.replaceChildren(...cards);
  }

  /** @param {Header} header @returns {HTMLElement} */
  buildRows(header) {
    this.rowReading = el("p", { class: "kt-reading", "aria-live": "polite" });
    const groups = header.changes.map((changes, group) => {
      const halves = SIDES.map((which) => {
        const canvas = el("canvas", { role: "img", tabindex: 0, "aria-label": `${header[which].name}: which rows changed` });
        const sentence = el("p", { class: "kt-sentence" });
        const map = { group, which, canvas, sentence };
        this.maps?.push(map);
        canvas.addEventListener("pointermove", (event) => this.readRow(map, event));
        canvas.addEventListener("pointerdown", (event) => this.readRow(map, event));
        canvas.addEventListener("pointerleave", () => this.say(this.rowReading, ""));
        return el("div", { class: "kt-half" }, [
          el("h4", { class: "kt-map-name" }, [`${header[which].name}${changes.sides.length ? ` · ${changes.sides[SIDES.indexOf(which)]}` : ""}`]),
          canvas,
          sentence,
        ]);
      });
      return el("div", { class: "kt-group" }, [
        ...(changes.title ? [el("h4", { class: "kt-group-title" }, [changes.title])] : []),
        el("div", { class: "kt-halves" }, halves),
      ]);
    });
    const legend = el("p", { class: "kt-legend" }, [
      key("kt-key-same", "the same to the last bit"),
      key("kt-key-changed", "changed; the stronger, the further"),
      key("kt-key-new", "new"),
      el("span", {}, [el("b", {}, ["≠"]), " another token stands here"]),
    ]);
    return el("section", { class: "kt-card", "data-kvviz": "row-changes" }, [
      head("Which K/V rows changed?", header.rows_note),
      ...groups,
      el("div", { class: "kt-foot" }, [legend, this.rowReading]),
    ]);
  }

  /** @param {Header} header @returns {HTMLElement} */
  buildPatterns(header) {
    this.reading = el("p", { class: "kt-reading", "aria-live": "polite" });
    const most = (/** @type {"n_layers" | "n_heads"} */ what) => Math.max(header.left[what], header.right[what]);
    this.pickers = { layer: this.picker("layer", most("n_layers")), head: this.picker("head", most("n_heads")) };
    this.looks = (/** @type {Look[]} */ (["attention", "mask"])).map((look) => {
      const button = el("button", { class: "kt-segment", type: "button", "data-look": look }, [look === "mask" ? "Mask" : "Attention"]);
      button.addEventListener("click", () => this.choose({ look }));
      return button;
    });
    const bar = el("div", { class: "kt-bar" }, [
      el("h3", {}, ["Attention pattern"]),
      el("span", { class: "kt-note" }, ["row = the token that looks, column = the token looked at"]),
      el("span", { class: "kt-tools" }, [
        el("label", {}, ["layer ", this.pickers.layer]),
        el("label", {}, ["head ", this.pickers.head]),
        el("span", { class: "kt-segments", role: "group", "aria-label": "What is drawn" }, this.looks),
      ]),
    ]);
    this.halves = { left: this.half(header, "left"), right: this.half(header, "right") };
    const row = (/** @type {(half: Half) => (Node | string)[]} */ of) =>
      el("div", { class: "kt-halves" }, SIDES.map((which) => el("div", { class: "kt-half" }, of(/** @type {Record<Which, Half>} */ (this.halves)[which]))));
    this.scale = el("i", { class: "kt-scale" });
    return el("section", { class: "kt-card", "data-kvviz": "attention-twins" }, [
      bar,
      row((half) => [half.heading, el("div", { class: "kt-canvas" }, [half.canvas, half.over]), half.facts]),
      el("div", { class: "kt-foot" }, [
        el("p", { class: "kt-legend" }, [el("span", {}, ["weight 0 ", this.scale, " 1"]), key("kt-key-forbidden", "forbidden by the mask")]),
        this.reading,
      ]),
      ...(header.veiled ? [] : [
        el("div", { class: "kt-bar kt-bar-heads" }, [
          el("h3", {}, ["All heads"]),
          el("span", { class: "kt-note" }, ["click one to see it above in both models; arrow keys step through them"]),
        ]),
        row((half) => [half.heads]),
      ]),
    ]);
  }

  /** @param {"layer" | "head"} what @param {number} count */
  picker(what, count) {
    const select = el("select", { class: "kt-select", "aria-label": what }, Array.from({ length: count }, (_, i) => el("option", { value: i }, [String(i)])));
    select.addEventListener("change", () => this.choose({ [what]: Number(select.value) }));
    return select;
  }

  /** @param {Header} header @param {Which} which @returns {Half} */
  half(header, which) {
    const side = header[which];
    const canvas = el("canvas", { role: "img", "aria-label": `Attention pattern of ${side.name}` });
    const over = el("canvas", { class: "kt-over", "aria-hidden": true });
    const heads = el("canvas", { class: "kt-heads", role: "img", tabindex: 0, "aria-label": `All heads of ${side.name}` });
    canvas.addEventListener("pointermove", (event) => this.pointAt(which, event, false));
    canvas.addEventListener("pointerdown", (event) => this.pointAt(which, event, true));
    canvas.addEventListener("pointerleave", () => this.point({ query: null, key: null }, false));
    heads.addEventListener("click", (event) => this.pickHead(which, event));
    heads.addEventListener("keydown", (event) => this.step(which, event));
    const heading = el("div", { class: "kt-heading" }, [
      el("h4", {}, [side.name]),
      el("span", { class: "kt-note" }, [side.note]),
    ]);
    return { canvas, over, heads, heading, facts: el("div", { class: "kt-facts" }) };
  }

  /** @param {Partial<View>} wish */
  choose(wish) {
    this.view = { ...this.view, ...wish };
    this.paint();
    this.onView(this.view);
  }

  /** @param {Which} which @param {KeyboardEvent} event */
  step(which, event) {
    const moves = /** @type {Record<string, [number, number]>} */ ({ ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] });
    const move = moves[event.key];
    const header = this.payload?.header;
    if (!move || !header) return;
    event.preventDefault();
    const side = header[which];
    const clamp = (/** @type {number} */ n, /** @type {number} */ most) => Math.min(Math.max(n, 0), most - 1);
    this.choose({ layer: clamp(this.view.layer + move[0], side.n_layers), head: clamp(this.view.head + move[1], side.n_heads) });
  }

  /** @param {Which} which @param {MouseEvent} event */
  pickHead(which, event) {
    const header = this.payload?.header;
    if (!header || !this.place) return;
    const side = header[which];
    const size = thumbSide(this.place.column, side.n_heads) + 4;
    const layer = slotAt(event.offsetY, size, side.n_layers);
    const head = slotAt(event.offsetX - LAYER_LABEL, size, side.n_heads);
    if (layer !== null && head !== null) this.choose({ layer, head });
  }

  /** @param {Which} which @param {PointerEvent} event @param {boolean} pin */
  pointAt(which, event, pin) {
    const header = this.payload?.header;
    if (!header || !this.place || !this.positions) return;
    const { labels, head, pitch } = this.place;
    const row = slotAt(event.offsetY - head, pitch, header.n_slots);
    const column = slotAt(event.offsetX - labels, pitch, header.n_slots);
    const unitOf = (/** @type {number | null} */ slot) => {
      const position = slot === null ? -1 : /** @type {Record<Which, Int32Array>} */ (this.positions)[which][slot];
      return position < 0 ? null : header[which].units[position];
    };
    const [query, key] = [unitOf(row), unitOf(column)];
    this.point(query === null || key === null ? { query: null, key: null } : { query, key }, pin);
  }

  /** @param {Cell} cell @param {boolean} pin A click keeps what is pointed at, another one lets it go. */
  point(cell, pin) {
    if (pin) {
      const again = this.pinned && this.cell.query === cell.query && this.cell.key === cell.key;
      this.pinned = !again && cell.query !== null;
      this.cell = again ? { query: null, key: null } : cell;
    } else if (this.pinned) return;
    else this.cell = cell;
    this.paintCell();
  }

  /** @param {HTMLElement | undefined} node @param {string} text */
  say(node, text) {
    if (node) setText(node, text || " ");
  }

  /** @param {RowMap} map @param {PointerEvent} event */
  readRow(map, event) {
    const { payload, place, positions } = this;
    if (!payload || !place || !positions) return;
    const side = payload.header[map.which];
    const rows = payload.arrays.get(`${map.group}.${map.which}.rows`);
    const largest = payload.arrays.get(`${map.group}.${map.which}.largest`);
    const layer = slotAt(event.offsetY, place.cellHeight + 3, side.n_layers);
    const slot = slotAt(event.offsetX - LAYER_LABEL, place.cell, payload.header.n_slots);
    const position = slot === null ? -1 : positions[map.which][slot];
    if (!rows || !largest || layer === null || position < 0) {
      this.say(this.rowReading, "");
      return;
    }
    const at = layer * side.tokens.length + position;
    this.say(this.rowReading, rowText(side, layer, position, rows.data[at], largest.data[at]));
  }

  paint() {
    const { payload, positions, halves } = this;
    if (!payload || !positions || !halves) return;
    const card = this.body.querySelector(".kt-card");
    if (!(card instanceof HTMLElement) || !this.root.clientWidth) return;
    const style = getComputedStyle(card);
    const width = card.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const { theme, palette } = readTheme(this.root);
    wearTheme(this.root, theme, palette);
    const { header } = payload;
    const place = (this.place = geometry(width, header.n_slots));
    const ink = (this.ink = { theme, palette, dpr: window.devicePixelRatio || 1 });
    this.root.classList.toggle("kt-stacked", place.stacked);
    for (const which of SIDES) {
      const pattern = payload.arrays.get(`${which}.pattern`);
      const side = header[which];
      const image = patternImage(pattern, within(side, this.view), positions[which], this.view.look, place.pitch, ink);
      paintPattern(halves[which].canvas, side, place, ink, image);
      if (pattern) this.paintOverview(which, place, ink);
      this.writeFacts(which);
    }
    this.paintMaps(payload, place, ink);
    if (this.scale) this.scale.style.background = gradient(theme);
    if (this.pickers) {
      this.pickers.layer.value = String(this.view.layer);
      this.pickers.head.value = String(this.view.head);
    }
    for (const button of this.looks ?? []) button.setAttribute("aria-pressed", String(button.dataset.look === this.view.look));
    this.hook(header);
    this.paintCell();
  }

  /** @param {Which} which @param {Geometry} place @param {Ink} ink */
  paintOverview(which, place, ink) {
    const { payload, halves, positions } = this;
    const pattern = payload?.arrays.get(`${which}.pattern`);
    if (!payload || !pattern || !halves || !positions) return;
    const side = payload.header[which];
    const size = thumbSide(place.column, side.n_heads);
    paintHeads(halves[which].heads, pattern, side, positions[which], size, place.column, ink);
    const pen = halves[which].heads.getContext("2d");
    const { layer, head } = within(side, this.view);
    if (!pen) return;
    pen.strokeStyle = ink.palette.ink;
    pen.lineWidth = 2.5;
    pen.strokeRect(LAYER_LABEL + head * (size + 4) - 0.5, layer * (size + 4) + 0.5, size + 1, size - 1);
  }

  /** @param {Payload} payload @param {Geometry} place @param {Ink} ink */
  paintMaps(payload, place, ink) {
    const { arrays, header } = payload;
    let most = 0;
    for (const [name, numbers] of arrays) {
      if (name.endsWith(".largest")) for (const size of numbers.data) most = Math.max(most, size);
    }
    for (const { group, which, canvas, sentence } of this.maps ?? []) {
      const name = `${group}.${which}`;
      paintRows(canvas, header[which], arrays.get(`${name}.rows`), arrays.get(`${name}.largest`), most, place, ink);
      const counts = countRows(payload, group, which);
      if (!counts) {
        sentence.replaceChildren(" ");
        continue;
      }
      const { count, rest } = rowsSentence(counts);
      sentence.replaceChildren(el("b", { class: counts.changed ? "kt-new" : "kt-same" }, [count]), ` ${rest}`);
      const box = canvas.closest("section");
      if (box) {
        box.dataset[`changed${group}${which === "left" ? "Left" : "Right"}`] = String(counts.changed);
        box.dataset[`earlier${group}${which === "left" ? "Left" : "Right"}`] = String(counts.earlier);
      }
    }
  }

  /** @param {Which} which */
  writeFacts(which) {
    const { payload, halves } = this;
    if (!payload || !halves) return;
    const side = payload.header[which];
    const found = measuresOf(payload, which, this.view);
    const facts = halves[which].facts;
    if (!found) {
      facts.replaceChildren();
      return;
    }
    const fact = (/** @type {string} */ name, /** @type {string} */ value, /** @type {string} */ title) =>
      el("span", { title }, [`${name} `, el("b", {}, [value])]);
    facts.replaceChildren(
      fact("looks ahead", found.forward, "Share of the attention that goes to later tokens, mean over the tokens of the text"),
      fact("spread", found.entropy, "Entropy of the attention, mean over the tokens: 0 when each looks at one token"),
      fact("reach", found.distance, "Mean distance between the token that looks and the one looked at"),
      el("span", { class: "kt-note" }, [`${maskText(side)}${headText(side, this.view)}`]),
    );
  }

  paintCell() {
    const { payload, halves, members, place, ink } = this;
    if (!payload || !halves || !members || !place || !ink) return;
    const { query, key: looked } = this.cell;
    const lines = { left: { query: /** @type {number[]} */ ([]), key: /** @type {number[]} */ ([]) }, right: { query: /** @type {number[]} */ ([]), key: /** @type {number[]} */ ([]) } };
    for (const which of SIDES) {
      if (query !== null) lines[which].query = members[which][query];
      if (looked !== null) lines[which].key = members[which][looked];
      paintPointed(halves[which].over, payload.header[which], place, ink, query === null ? null : lines[which]);
    }
    this.say(this.reading, this.readingText(payload, lines));
    if (query === null || looked === null) delete this.root.dataset.pointed;
    else this.root.dataset.pointed = `${query},${looked}`;
    this.root.toggleAttribute("data-pinned", this.pinned);
    for (const node of this.root.querySelectorAll(".kt-unit")) {
      node.classList.toggle("kt-lit", query !== null && (node.getAttribute("data-unit") === String(query) || node.getAttribute("data-unit") === String(looked)));
    }
  }

  /** @param {Payload} payload @param {Record<Which, { query: number[], key: number[] }>} lines @returns {string} */
  readingText(payload, lines) {
    const { query, key: looked } = this.cell;
    if (query === null || looked === null || payload.header.veiled) return "";
    const naming = lines.left.query.length && lines.left.key.length ? "left" : "right";
    const side = payload.header[naming];
    const both = SIDES.map((which) => lookText(payload.header[which], lookOf(payload, which, this.view, lines[which].query, lines[which].key)));
    return `${named(side, lines[naming].query)} looks at ${named(side, lines[naming].key)}: ${both.join(" · ")}`;
  }

  /** @param {Header} header */
  hook(header) {
    const { dataset } = this.root;
    dataset.layer = String(this.view.layer);
    dataset.head = String(this.view.head);
    dataset.look = this.view.look;
    dataset.veiled = String(header.veiled);
    for (const which of SIDES) {
      const name = which === "left" ? "Left" : "Right";
      dataset[`mask${name}`] = header[which].mask;
      dataset[`nTokens${name}`] = String(header[which].tokens.length);
      const measures = this.payload && measuresOf(this.payload, which, this.view);
      if (measures) dataset[`forward${name}`] = measures.forward.replace(/[^\d.<]/g, "");
      else delete dataset[`forward${name}`];
    }
  }
}

/** @param {string} title @param {string} note */
function head(title, note) {
  return el("div", { class: "kt-bar" }, [el("h3", {}, [title]), el("span", { class: "kt-note" }, [note])]);
}

/** @param {string} kind @param {string} text */
function key(kind, text) {
  return el("span", {}, [el("i", { class: `kt-key ${kind}` }), ` ${text}`]);
}

/** @param {Uint8Array} one @param {Uint8Array | ArrayBuffer} other */
function same(one, other) {
  const bytes = other instanceof Uint8Array ? other : new Uint8Array(other);
  return one.length === bytes.length && one.every((byte, at) => byte === bytes[at]);
}
