// A text with its labels: what was fed, what was asked for, the loss, and what the model expected.
// Hover, focus or tap a token to read it.
import { el } from "../../../../player/js/dom.js";
import { saveButtons } from "../../../../player/js/element_picture.js";
import { gettext, pgettext } from "../../../../player/js/translation.js";
import { bitsText, heat, percent, placeAfterKey, running, surroundings, unseenWords } from "./reading.js";

/** @import { Column, Reading } from "./reading.js" */

/** More tokens than this are shown as running text at first. */
const MOST_IN_COLUMNS = 72;

/** @type {Reading} */
const NOTHING = { id: "", model: "", mode: "next-token", revealed: false, most_bits: 1, n_recorded: 0, wait: "", columns: [] };

export class Columns {
  /** @param {HTMLElement} place Where they stand. */
  constructor(place) {
    /** @type {Reading} */
    this.reading = NOTHING;
    this.strip = el("div", { class: "lm-strip", role: "listbox" });
    this.panel = el("div", { class: "lm-panel", "aria-live": "polite" });
    this.legend = el("div", { class: "lm-legend" });
    const body = el("div", { class: "lm-columns-body" }, [this.strip, this.panel]);
    this.root = el("section", { class: "kvviz-lm kvviz-columns", "data-kvviz": "token-columns" }, [this.legend, body]);
    place.append(this.root);
    this.compact = false;
    this.pinned = -1;
    this.place = -1;
    /** @type {HTMLElement[]} */
    this.cells = [];
    this.listen();
    // Where the strip is as high as it may be, its lower edge fades as long as more is below.
    this.strip.addEventListener("scroll", () => this.fade(), { passive: true });
    this.sizes = new ResizeObserver(() => this.fade());
    this.sizes.observe(this.strip);
  }

  fade() {
    const { scrollHeight, scrollTop, clientHeight } = this.strip;
    this.root.dataset.more = String(scrollHeight - scrollTop - clientHeight > 4);
  }

  destroy() {
    this.sizes.disconnect();
  }

  /** @param {Reading} reading */
  load(reading) {
    if (JSON.stringify(reading) === JSON.stringify(this.reading)) return;
    if (reading.id !== this.reading.id) {
      this.compact = reading.columns.length > MOST_IN_COLUMNS;
      this.pinned = -1;
    }
    this.reading = reading;
    this.draw();
  }

  listen() {
    // What was looked at last stays. In a narrow window the panel lies over the text: were it emptied when
    // the mouse leaves, it would shrink, uncover the text below the mouse, and grow again, without end.
    this.strip.addEventListener("pointerover", (event) => {
      const place = placeOf(event);
      if (place !== null && event.pointerType === "mouse" && this.pinned < 0) this.look(place);
    });
    this.strip.addEventListener("click", (event) => {
      const place = placeOf(event);
      if (place === null) return;
      this.pinned = this.pinned === place ? -1 : place;
      this.look(place);
    });
    this.strip.addEventListener("focusin", (event) => {
      const place = placeOf(event);
      if (place !== null && this.pinned < 0) this.look(place);
    });
    this.strip.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        if (this.pinned >= 0) event.preventDefault();
        this.pinned = -1;
        this.look(-1);
        return;
      }
      const now = placeOf(event) ?? 0;
      const next = placeAfterKey(event.key, now, this.cells.length);
      if (next === null) return;
      event.preventDefault();
      this.pinned = -1;
      this.cells[next].focus();
      this.look(next);
    });
  }

  draw() {
    const { reading } = this;
    const asked = reading.columns.filter((column) => column.asked !== null);
    Object.assign(this.root.dataset, {
      mode: reading.mode,
      revealed: String(reading.revealed),
      nTokens: String(reading.columns.length),
      nSignals: String(asked.length),
      layout: this.compact ? "text" : "rows",
    });
    this.strip.setAttribute("aria-label", gettext("Tokens that {model} reads, and their labels", { model: reading.model }));
    this.cells = reading.columns.map((column, place) => this.column(column, place));
    this.strip.replaceChildren(...this.cells);
    this.strip.classList.toggle("is-text", this.compact);
    this.drawLegend();
    this.look(this.pinned >= 0 && this.pinned < this.cells.length ? this.pinned : -1);
    this.fade();
  }

  /** @param {Column} column @param {number} place @returns {HTMLElement} */
  column(column, place) {
    const { mode } = this.reading;
    const cell = el("div", { class: `lm-column is-${column.kind}`, role: "option", tabindex: place === 0 ? 0 : -1, "data-place": place });
    // Its name is what is on screen and a few words between, so that whoever speaks what they see is understood.
    const unseen = unseenWords(column, mode);
    const loss = column.bits === null ? "" : bitsText(column.bits);
    if (this.compact) {
      // Running text: for the next token each token wears the loss of the prediction before it.
      const shown = mode === "next-token" ? this.reading.columns[place - 1] : column;
      this.warm(cell, shown);
      const text = mode === "next-token" ? column.fed : (column.asked ?? column.fed);
      const rest = mode === "next-token" ? [unseen.asked, column.asked ?? ""] : [column.asked === null ? unseen.asked : `, ${pgettext("token", "hidden")}`];
      cell.append(span("lm-asked", running(text)), span("lm-unseen", [...rest, loss && `, ${loss}`, unseen.loss].join("")));
      return cell;
    }
    this.warm(cell, column);
    const bar = el("span", { class: "lm-loss" }, [el("i"), el("b", {}, [loss])]);
    const between = span("lm-unseen", loss && ", ");
    cell.append(span("lm-fed", column.fed), span("lm-unseen", unseen.asked), span("lm-asked", column.asked ?? ""), between, bar, span("lm-unseen", unseen.loss));
    return cell;
  }

  /** @param {HTMLElement} cell @param {Column | undefined} column Whose loss it wears. */
  warm(cell, column) {
    const bits = column?.bits ?? null;
    cell.style.setProperty("--heat", bits === null ? "0" : heat(bits, this.reading.most_bits).toFixed(4));
    cell.classList.toggle("is-asked", column !== undefined && column.asked !== null);
  }

  drawLegend() {
    const { reading } = this;
    const key = el("div", { class: "lm-key" });
    const fed = el("span", { class: "lm-key-item" });
    fed.append(el("i", { class: "lm-key-fed" }), gettext("goes in"));
    const asked = el("span", { class: "lm-key-item" });
    const label = reading.mode === "next-token" ? gettext("label: the token after it") : gettext("label: what was hidden");
    asked.append(el("i", { class: "lm-key-asked" }), this.compact && reading.mode === "next-token" ? gettext("how dear a token was, foreseen from those before it") : label);
    key.append(...(this.compact ? [asked] : [fed, asked]));
    if (reading.revealed) {
      const bits = bitsText(reading.most_bits);
      const scale = el("span", { class: "lm-key-item lm-scale" });
      scale.append("0", el("i", { class: "lm-ramp" }), gettext("{bits} bits or more", { bits }));
      scale.title = gettext("{bits} bits: a fair draw from the whole vocabulary. A worse guess costs more", { bits });
      key.append(scale);
    }
    const switcher = el("div", { class: "lm-switch", "data-no-picture": "" });
    for (const [compact, words] of /** @type {[boolean, string][]} */ ([[false, gettext("In and label")], [true, gettext("Running text")]])) {
      const button = el("button", { type: "button", "aria-pressed": String(this.compact === compact) }, [words]);
      button.addEventListener("click", () => {
        this.compact = compact;
        this.draw();
        const pressed = this.legend.querySelector("button[aria-pressed=true]");
        if (pressed instanceof HTMLElement) pressed.focus();
      });
      switcher.append(button);
    }
    const saves = saveButtons(gettext("Tokens and their labels"), `kvviz-text-${reading.mode}`, () => this.root);
    this.legend.replaceChildren(key, saves, switcher);
  }

  /** Which prediction a cell stands for: in running text of the next token, the one before it. */
  /** @param {number} place @returns {number} */
  judged(place) {
    return this.compact && this.reading.mode === "next-token" ? place - 1 : place;
  }

  /** @param {number} place A cell, or -1 for none. */
  look(place) {
    this.cells[this.place]?.classList.remove("is-looked", "is-pinned");
    this.place = place;
    const cell = this.cells[place];
    if (cell) {
      for (const other of this.strip.querySelectorAll('[tabindex="0"]')) other.setAttribute("tabindex", "-1");
      cell.tabIndex = 0;
      cell.classList.add("is-looked");
      cell.classList.toggle("is-pinned", place === this.pinned);
    }
    const judged = place < 0 ? -1 : this.judged(place);
    const column = this.reading.columns[judged];
    this.root.dataset.selected = String(place);
    this.root.dataset.bits = column?.bits == null ? "" : column.bits.toFixed(4);
    this.root.dataset.rank = column?.bits == null ? "" : String(column.rank);
    this.panel.replaceChildren(...this.told(place, judged, column));
    this.panel.toggleAttribute("data-no-picture", place < 0);
  }

  /** @param {number} place @param {number} judged @param {Column | undefined} column @returns {Node[]} */
  told(place, judged, column) {
    const { reading } = this;
    if (!reading.revealed) return [el("p", { class: "lm-quiet" }, [reading.wait])];
    if (place < 0) {
      return [el("p", { class: "lm-quiet" }, [gettext("Point at a token, tap it, or move with the arrow keys: here you see what the model expected.")])];
    }
    if (!column || column.asked === null || column.bits === null || column.probability === null) {
      const why =
        reading.mode === "masked-token"
          ? column?.kind === "special"
            ? gettext("A mark that frames the text. Nothing is asked here.")
            : gettext("This token is in plain sight, so nothing is asked and nothing is learnt here.")
          : judged < 0
            ? gettext("The first token is given: there is nothing before it to predict it from.")
            : gettext("Nothing follows, so there is no label here.");
      return [el("p", { class: "lm-quiet" }, [why])];
    }
    const { before, after } = surroundings(reading, judged);
    const context = el("p", { class: "lm-context" });
    context.append(before, el("mark", {}, ["?"]), after);
    const real = column.asked;
    /** @type {Node[]} */
    const nodes = [context, el("p", { class: "lm-eyebrow" }, [gettext("{model} expected", { model: reading.model })])];
    const list = el("ol", { class: "lm-guesses" });
    const shown = column.guesses.slice(0, 6);
    for (const [text, p] of shown) list.append(bar(text, p, text === real, ""));
    if (!shown.some(([text]) => text === real)) {
      const place = column.rank > 0 ? `${column.rank.toLocaleString("en")}. ` : `${gettext("beyond {n}.", { n: reading.n_recorded })} `;
      list.append(bar(real, column.probability, true, place));
    }
    nodes.push(list);
    const sum = el("p", { class: "lm-sum" });
    sum.append(
      el("b", {}, [gettext("{bits} bits", { bits: column.bits.toFixed(2) })]),
      ` = −log₂ ${column.probability >= 0.001 ? column.probability.toPrecision(3) : column.probability.toExponential(2)}`,
    );
    nodes.push(sum);
    return nodes;
  }
}

/**
 * @param {string} text @param {number} p @param {boolean} real @param {string} place
 * @returns {HTMLElement}
 */
function bar(text, p, real, place) {
  const line = el("li", { class: real ? "is-real" : "" });
  const track = el("span", { class: "lm-track" });
  const fill = el("i");
  fill.style.width = `${(100 * p).toFixed(2)}%`;
  track.append(fill);
  const name = el("span", { class: "lm-guess" }, [text]);
  if (place) name.prepend(el("small", {}, [place]));
  line.append(name, track, el("span", { class: "lm-p" }, [percent(p)]));
  if (real) line.setAttribute("aria-label", gettext("{token}, {share}, the real one", { token: text, share: percent(p) }));
  return line;
}

/** @param {Event} event @returns {number | null} */
function placeOf(event) {
  const cell = event.target instanceof Element ? event.target.closest("[data-place]") : null;
  return cell instanceof HTMLElement ? Number(cell.dataset.place) : null;
}

/** @param {string} name @param {string} text @returns {HTMLElement} */
function span(name, text) {
  return el("span", { class: name }, [text]);
}
