// The loss curves: a log axis of tokens seen, a mark for the point that is looked at.
import { el } from "../../../../player/js/dom.js";
import { gettext, pgettext } from "../../../../player/js/translation.js";
import { along, fairDraw } from "./film.js";
import { tokens } from "./words.js";

/** @import { Film, Films, Point } from "./film.js" */

const CHART = { width: 420, height: 330, left: 38, right: 14, top: 26, bottom: 40 };

export class Chart {
  /** @param {Films} data @param {(point: number) => void} scrub */
  constructor(data, scrub) {
    this.data = data;
    this.lead = data.films[0].points;
    const seen = data.films.flatMap((film) => film.points.map((point) => point.n_tokens)).filter((n) => n > 0);
    this.first = Math.min(...seen);
    this.end = Math.max(...seen);
    const all = data.films.flatMap((film) => film.points.map((point) => point.bits));
    this.most = Math.ceil(Math.max(data.most_bits, ...all));
    this.least = Math.max(0, Math.floor(Math.min(...all)) - 1);
    this.root = el("figure", { class: "lm-chart" });
    const { width, height } = CHART;
    const models = data.films.map((film) => film.name).reduce((first, last) => gettext("{first} and {last}", { first, last }));
    const about = gettext("Loss on held-out text over the tokens seen, {models}", { models });
    this.svg = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": about });
    this.drawAxes();
    /** @type {SVGElement[]} */
    this.dots = [];
    data.films.forEach((film) => this.drawCurve(film));
    this.line = svg("line", { class: "lm-now", y1: CHART.top, y2: height - CHART.bottom });
    this.svg.append(this.line, ...this.dots);
    const caption = el("figcaption", { class: "lm-caption" });
    for (const film of data.films) {
      const item = el("span", { class: `lm-film-key is-${film.family}` });
      item.append(el("i"), film.name);
      caption.append(item);
    }
    this.root.append(this.svg, caption, ...data.notes.map((note) => el("p", { class: "lm-note" }, [note])));
    this.listen(scrub);
  }

  /** @param {(point: number) => void} scrub Told the point that is nearest to a press or a drag. */
  listen(scrub) {
    const follow = (/** @type {PointerEvent} */ event) => {
      const box = this.svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * CHART.width;
      let best = 0;
      this.lead.forEach((point, i) => {
        if (Math.abs(this.x(point.n_tokens) - x) < Math.abs(this.x(this.lead[best].n_tokens) - x)) best = i;
      });
      scrub(best);
    };
    this.svg.addEventListener("pointerdown", (event) => {
      this.svg.setPointerCapture(event.pointerId);
      follow(event);
    });
    this.svg.addEventListener("pointermove", (event) => {
      if (this.svg.hasPointerCapture(event.pointerId)) follow(event);
    });
  }

  /** @param {number} n_tokens */
  x(n_tokens) {
    return CHART.left + along(n_tokens, this.first, this.end) * (CHART.width - CHART.left - CHART.right);
  }

  /** @param {number} bits */
  y(bits) {
    const share = (this.most - bits) / (this.most - this.least);
    return CHART.top + share * (CHART.height - CHART.top - CHART.bottom);
  }

  drawAxes() {
    const { width, height, left, right, bottom } = CHART;
    for (let bits = this.least; bits <= this.most; bits += 2) {
      const y = this.y(bits);
      this.svg.append(svg("line", { class: "lm-grid", x1: left, x2: width - right, y1: y, y2: y }), label(String(bits), left - 8, y + 4, "end"));
    }
    const fair = this.y(this.data.most_bits);
    const n_vocabulary = Math.round(fairDraw(this.data.most_bits));
    const all = tokens(n_vocabulary, n_vocabulary.toLocaleString("en"));
    this.svg.append(
      svg("line", { class: "lm-fair", x1: left, x2: width - right, y1: fair, y2: fair }),
      label(gettext("a fair draw from all {tokens}", { tokens: all }), width - right, fair - 6, "end"),
      label(gettext("bits a predicted token, held-out text"), 2, 12, "start"),
      label(gettext("tokens seen"), width - right, height - 4, "end"),
      label(pgettext("tokens seen", "none"), this.x(0), height - bottom + 17, "middle"),
    );
    for (const [n, words] of /** @type {[number, string][]} */ ([[1e4, "10 k"], [1e5, "100 k"], [1e6, "1 M"], [1e7, "10 M"], [1e8, "100 M"]])) {
      if (n < this.first || n > this.end) continue;
      const x = this.x(n);
      this.svg.append(svg("line", { class: "lm-tick", x1: x, x2: x, y1: height - bottom, y2: height - bottom + 4 }), label(words, x, height - bottom + 17, "middle"));
    }
  }

  /** @param {Film} film */
  drawCurve(film) {
    const path = film.points.map((point, i) => `${i ? "L" : "M"}${this.x(point.n_tokens).toFixed(1)} ${this.y(point.bits).toFixed(1)}`).join("");
    this.svg.append(svg("path", { class: `lm-curve is-${film.family}`, d: path }));
    for (const point of film.points) {
      this.svg.append(svg("circle", { class: `lm-point is-${film.family}`, cx: this.x(point.n_tokens), cy: this.y(point.bits), r: 2.2 }));
    }
    const dot = film.family === "gpt2" ? svg("circle", { r: 6 }) : svg("rect", { x: -5.5, y: -5.5, width: 11, height: 11, rx: 2 });
    dot.setAttribute("class", `lm-dot is-${film.family}`);
    this.dots.push(dot);
  }

  /** @param {Point[]} now */
  go(now) {
    const x = this.x(now[0].n_tokens);
    this.line.setAttribute("x1", String(x));
    this.line.setAttribute("x2", String(x));
    now.forEach((point, i) => this.dots[i].setAttribute("transform", `translate(${this.x(point.n_tokens)} ${this.y(point.bits)})`));
  }
}

/** @param {string} tag @param {Record<string, string | number>} attributes @returns {SVGElement} */
function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

/** @param {string} text @param {number} x @param {number} y @param {string} anchor @returns {SVGElement} */
function label(text, x, y, anchor) {
  const node = svg("text", { x, y, "text-anchor": anchor, class: "lm-label" });
  node.textContent = text;
  return node;
}
