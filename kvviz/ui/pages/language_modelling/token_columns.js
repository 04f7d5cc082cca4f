// A text with its labels: what was fed, what was asked for, the loss, and what the model expected.
// Hover, focus or tap a token to read it. Drawn once from plain data; nothing is sent back.

/**
 * @typedef {object} Column One token that went through the model.
 * @property {string} fed Its text, with signs for what is invisible.
 * @property {"plain" | "hidden" | "special"} kind
 * @property {string | null} asked The token that the prediction here is judged by, or null.
 * @property {number | null} bits The loss; null where nothing is asked, or nothing is shown yet.
 * @property {number} rank Of the label, from 1; 0 if it is not among the recorded tokens.
 * @property {number | null} probability Of the label.
 * @property {[string, number][]} guesses The likeliest tokens and their probabilities.
 *
 * @typedef {object} Reading
 * @property {string} id Changes with the text and the model.
 * @property {string} model What the model is called.
 * @property {"next-token" | "masked-token"} mode
 * @property {boolean} revealed Whether losses and guesses are there.
 * @property {number} most_bits Where the scale of the heat ends: a fair draw from the vocabulary.
 * @property {number} n_recorded Tokens that the engine recorded at each place.
 * @property {string} wait What the panel says before anything is revealed.
 * @property {Column[]} columns
 */

/** More tokens than this are shown as running text at first. */
const MOST_IN_COLUMNS = 72;
/** Tokens of context that the panel repeats before the place it tells of. */
const N_BEFORE = 7;
const N_AFTER = 5;
/** Odds up to one in a million are written out; beyond, the power of ten says more. */
const MOST_IN_FULL = 1e6;

/**
 * Where a loss lies on the scale of the heat.
 * @param {number} bits @param {number} most @returns {number} 0 to 1.
 */
export function heat(bits, most) {
  return Math.max(0, Math.min(1, bits / most));
}

/** @param {string} text @returns {string} A token within running text: spaces are spaces, and lines end. */
export function running(text) {
  return text.replaceAll("␣", " ").replaceAll("↵", "↵\n");
}

/** @param {number} p @returns {string} A probability as a person reads it. */
export function percent(p) {
  if (p >= 0.9995) return "100 %";
  if (p >= 0.0995) return `${(100 * p).toFixed(0)} %`;
  if (p >= 0.000995) return `${(100 * p).toFixed(1)} %`;
  if (p <= 0) return "0 %";
  return 1 / p < MOST_IN_FULL ? `1 in ${Math.round(1 / p).toLocaleString("en")}` : `1 in 10${raised(Math.round(-Math.log10(p)))}`;
}

/** @param {number} n @returns {string} A whole number as an exponent. */
function raised(n) {
  return String(n).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]);
}

/** @param {number} bits @returns {string} */
export function bitsText(bits) {
  return bits >= 9.95 ? bits.toFixed(0) : bits.toFixed(1);
}

/**
 * The place that a key leads to among those that can be looked at, or null if it leads nowhere.
 * @param {string} key @param {number} place @param {number} n @returns {number | null}
 */
export function placeAfterKey(key, place, n) {
  /** @type {Record<string, number>} */
  const places = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: n - 1 };
  return key in places ? Math.max(0, Math.min(n - 1, places[key])) : null;
}

/**
 * What stands around a place: for the next token what is before it, for a hidden one both sides.
 * @param {Reading} reading @param {number} place @returns {{ before: string, after: string }}
 */
export function surroundings(reading, place) {
  const fed = reading.columns.map((column) => (column.kind === "special" ? "" : column.fed.replaceAll("␣", " ")));
  const end = reading.mode === "next-token" ? place + 1 : place;
  const start = Math.max(0, end - N_BEFORE);
  const before = (start > 0 ? "…" : "") + fed.slice(start, end).join("");
  if (reading.mode === "next-token") return { before, after: "" };
  const stop = place + 1 + N_AFTER;
  return { before, after: fed.slice(place + 1, stop).join("") + (stop < fed.length ? "…" : "") };
}

/** @type {WeakMap<Element | ShadowRoot, Columns>} */
const drawn = new WeakMap();

/** @param {{ data: Reading, parentElement: HTMLElement | ShadowRoot }} component */
export default function tokenColumns({ data, parentElement }) {
  const known = drawn.get(parentElement);
  if (known) {
    known.take(data);
  } else {
    drawn.set(parentElement, new Columns(parentElement, data));
  }
  return () => {
    drawn.get(parentElement)?.end();
    drawn.delete(parentElement);
  };
}

class Columns {
  /** @param {HTMLElement | ShadowRoot} parent @param {Reading} reading */
  constructor(parent, reading) {
    this.reading = reading;
    this.root = element("section", "kvviz-lm kvviz-columns");
    this.root.dataset.kvviz = "token-columns";
    this.strip = element("div", "lm-strip");
    this.strip.setAttribute("role", "listbox");
    this.panel = element("div", "lm-panel");
    this.panel.setAttribute("aria-live", "polite");
    this.legend = element("div", "lm-legend");
    const body = element("div", "lm-columns-body");
    body.append(this.strip, this.panel);
    this.root.append(this.legend, body);
    parent.append(this.root);
    this.compact = reading.columns.length > MOST_IN_COLUMNS;
    this.pinned = -1;
    this.place = -1;
    /** @type {HTMLElement[]} */
    this.cells = [];
    this.listen();
    // Where the strip is as high as it may be, its lower edge fades as long as more is below.
    this.strip.addEventListener("scroll", () => this.fade(), { passive: true });
    this.sizes = new ResizeObserver(() => this.fade());
    this.sizes.observe(this.strip);
    this.draw();
  }

  fade() {
    const { scrollHeight, scrollTop, clientHeight } = this.strip;
    this.root.dataset.more = String(scrollHeight - scrollTop - clientHeight > 4);
  }

  end() {
    this.sizes.disconnect();
    this.root.remove();
  }

  /** @param {Reading} reading */
  take(reading) {
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
    this.strip.setAttribute("aria-label", `Tokens that ${reading.model} reads, and their labels`);
    this.cells = reading.columns.map((column, place) => this.column(column, place));
    this.strip.replaceChildren(...this.cells);
    this.strip.classList.toggle("is-text", this.compact);
    this.drawLegend();
    this.look(this.pinned >= 0 && this.pinned < this.cells.length ? this.pinned : -1);
    this.fade();
  }

  /** @param {Column} column @param {number} place @returns {HTMLElement} */
  column(column, place) {
    const cell = element("div", `lm-column is-${column.kind}`);
    cell.dataset.place = String(place);
    cell.setAttribute("role", "option");
    cell.tabIndex = place === 0 ? 0 : -1;
    const size = column.bits === null ? 0 : heat(column.bits, this.reading.most_bits);
    cell.style.setProperty("--heat", size.toFixed(4));
    cell.classList.toggle("is-asked", column.asked !== null);
    cell.setAttribute("aria-label", spoken(column, this.reading.mode));
    if (this.compact) {
      // Running text: for the next token each token wears the loss of the prediction before it.
      const before = this.reading.columns[place - 1];
      const shown = this.reading.mode === "next-token" ? before : column;
      const own = shown?.bits ?? null;
      cell.style.setProperty("--heat", own === null ? "0" : heat(own, this.reading.most_bits).toFixed(4));
      cell.classList.toggle("is-asked", shown !== undefined && shown.asked !== null);
      const text = this.reading.mode === "next-token" ? column.fed : (column.asked ?? column.fed);
      cell.append(element("span", "lm-asked", running(text)));
      return cell;
    }
    cell.append(element("span", "lm-fed", column.fed));
    cell.append(element("span", "lm-asked", column.asked ?? ""));
    const bar = element("span", "lm-loss");
    bar.append(element("i", ""), element("b", "", column.bits === null ? "" : bitsText(column.bits)));
    cell.append(bar);
    return cell;
  }

  drawLegend() {
    const { reading } = this;
    const key = element("div", "lm-key");
    const fed = element("span", "lm-key-item");
    fed.append(element("i", "lm-key-fed"), "goes in");
    const asked = element("span", "lm-key-item");
    const label = reading.mode === "next-token" ? "label: the token after it" : "label: what was hidden";
    asked.append(element("i", "lm-key-asked"), this.compact && reading.mode === "next-token" ? "how dear a token was, foreseen from those before it" : label);
    key.append(...(this.compact ? [asked] : [fed, asked]));
    if (reading.revealed) {
      const scale = element("span", "lm-key-item lm-scale");
      scale.append("0", element("i", "lm-ramp"), `${bitsText(reading.most_bits)} bits or more`);
      scale.title = `${bitsText(reading.most_bits)} bits: a fair draw from the whole vocabulary. A worse guess costs more`;
      key.append(scale);
    }
    const switcher = element("div", "lm-switch");
    for (const [compact, words] of /** @type {[boolean, string][]} */ ([[false, "In and label"], [true, "Running text"]])) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = words;
      button.setAttribute("aria-pressed", String(this.compact === compact));
      button.addEventListener("click", () => {
        this.compact = compact;
        this.draw();
        const pressed = this.legend.querySelector("button[aria-pressed=true]");
        if (pressed instanceof HTMLElement) pressed.focus();
      });
      switcher.append(button);
    }
    this.legend.replaceChildren(key, switcher);
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
  }

  /** @param {number} place @param {number} judged @param {Column | undefined} column @returns {Node[]} */
  told(place, judged, column) {
    const { reading } = this;
    if (!reading.revealed) return [element("p", "lm-quiet", reading.wait)];
    if (place < 0) {
      return [element("p", "lm-quiet", "Point at a token, tap it, or move with the arrow keys: here you see what the model expected.")];
    }
    if (!column || column.asked === null || column.bits === null || column.probability === null) {
      const why =
        reading.mode === "masked-token"
          ? column?.kind === "special"
            ? "A mark that frames the text. Nothing is asked here."
            : "This token is in plain sight, so nothing is asked and nothing is learnt here."
          : judged < 0
            ? "The first token is given: there is nothing before it to predict it from."
            : "Nothing follows, so there is no label here.";
      return [element("p", "lm-quiet", why)];
    }
    const { before, after } = surroundings(reading, judged);
    const context = element("p", "lm-context");
    context.append(before, element("mark", "", "?"), after);
    const real = column.asked;
    const nodes = [context, element("p", "lm-eyebrow", `${reading.model} expected`)];
    const list = element("ol", "lm-guesses");
    const shown = column.guesses.slice(0, 6);
    for (const [text, p] of shown) list.append(bar(text, p, text === real, ""));
    if (!shown.some(([text]) => text === real)) {
      const place = column.rank > 0 ? `${column.rank.toLocaleString("en")}. ` : `beyond ${reading.n_recorded}. `;
      list.append(bar(real, column.probability, true, place));
    }
    nodes.push(list);
    const sum = element("p", "lm-sum");
    sum.append(
      element("b", "", `${column.bits.toFixed(2)} bits`),
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
  const line = element("li", real ? "is-real" : "");
  const track = element("span", "lm-track");
  const fill = element("i", "");
  fill.style.width = `${(100 * p).toFixed(2)}%`;
  track.append(fill);
  const name = element("span", "lm-guess", text);
  if (place) name.prepend(element("small", "", place));
  line.append(name, track, element("span", "lm-p", percent(p)));
  if (real) line.setAttribute("aria-label", `${text}, ${percent(p)}, the real one`);
  return line;
}

/** @param {Column} column @param {string} mode @returns {string} */
function spoken(column, mode) {
  if (column.asked === null) return `${column.fed}, nothing is asked here`;
  const loss = column.bits === null ? "" : `, ${bitsText(column.bits)} bits`;
  return mode === "next-token" ? `${column.fed}, then ${column.asked}${loss}` : `hidden: ${column.asked}${loss}`;
}

/** @param {Event} event @returns {number | null} */
function placeOf(event) {
  const cell = event.target instanceof Element ? event.target.closest("[data-place]") : null;
  return cell instanceof HTMLElement ? Number(cell.dataset.place) : null;
}

/** @param {string} tag @param {string} name @param {string} [text] @returns {HTMLElement} */
function element(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}
