// The training film: one slider over the points of a training, scrubbed wholly in the browser.
// Loss curves of the twins, and what each would say at six fixed places, as it was recorded.

/**
 * @typedef {object} Said What a model made of one sentence at one point.
 * @property {[string, number][]} guesses Likeliest tokens and their probabilities.
 * @property {string} continuation
 *
 * @typedef {object} Point
 * @property {number} n_tokens Tokens seen.
 * @property {number} progress Share of the training, 0 to 1.
 * @property {number} bits Loss on held-out text, in bits a predicted token.
 * @property {Said[]} said One a sentence.
 *
 * @typedef {object} Film
 * @property {string} name
 * @property {"gpt2" | "bert"} family
 * @property {Point[]} points
 *
 * @typedef {object} Sentence
 * @property {string} before @property {string} word @property {string} after
 *
 * @typedef {object} Films
 * @property {number} point Where to begin.
 * @property {number} most_bits Loss of a fair draw from the vocabulary.
 * @property {Film[]} films
 * @property {Sentence[]} sentences
 * @property {string[]} notes What stands below the chart.
 *
 * @typedef {object} Component
 * @property {Films} data
 * @property {HTMLElement | ShadowRoot} parentElement
 * @property {(name: string, value: unknown) => void} setStateValue
 */

const FRAME_MS = 550;
const REST_MS = 350;
const N_GUESSES = 3;
const BACK = "M11.5 3v10L4.5 8z";
const PLAY = "M4.5 2.5v11L13 8z";
const PAUSE = "M4 3h3v10H4zM9 3h3v10H9z";
const FORWARD = "M4.5 3v10l7-5z";
const CHART = { width: 420, height: 330, left: 38, right: 14, top: 26, bottom: 40 };

/**
 * Where a number of tokens lies on a log axis, 0 to 1. No tokens at all have no logarithm: the
 * untrained model stands at the left edge, and the first point that has seen any one part to the right.
 * @param {number} n_tokens @param {number} first The smallest number above 0. @param {number} last
 * @returns {number}
 */
export function along(n_tokens, first, last) {
  const GAP = 0.07;
  if (n_tokens <= 0) return 0;
  if (last <= first) return 1;
  return GAP + (1 - GAP) * (Math.log(n_tokens / first) / Math.log(last / first));
}

/** @param {number} bits @returns {number} As unsure as a fair draw among so many tokens. */
export function fairDraw(bits) {
  return 2 ** bits;
}

/**
 * The point of a film that lies nearest in the training to another film's.
 * @param {Pick<Point, "progress">[]} points @param {number} progress @returns {number}
 */
export function nearest(points, progress) {
  let best = 0;
  points.forEach((point, i) => {
    if (Math.abs(point.progress - progress) <= Math.abs(points[best].progress - progress)) best = i;
  });
  return best;
}

/** @param {number} n @returns {string} A count of tokens as a person says it. */
export function tokensText(n) {
  if (n >= 999_500) return `${(n / 1e6).toFixed(1)} million`;
  return n.toLocaleString("en");
}

/** @param {number} share @returns {string} */
export function shareText(share) {
  const percent = 100 * share;
  return `${percent >= 9.95 ? percent.toFixed(0) : percent.toFixed(1)} %`;
}

/** @param {number} p @returns {string} */
export function chanceText(p) {
  return p >= 0.0995 ? `${(100 * p).toFixed(0)} %` : `${(100 * p).toFixed(1)} %`;
}

/**
 * The point that a key leads to, or null if it leads nowhere.
 * @param {string} key @param {number} point @param {number} n @returns {number | null}
 */
export function pointAfterKey(key, point, n) {
  /** @type {Record<string, number>} */
  const points = { ArrowRight: point + 1, ArrowLeft: point - 1, Home: 0, End: n - 1 };
  return key in points ? Math.max(0, Math.min(n - 1, points[key])) : null;
}

/** @type {WeakMap<Element | ShadowRoot, Screen>} */
const drawn = new WeakMap();

/** @param {Component} component */
export default function trainingFilm({ data, parentElement, setStateValue }) {
  const known = drawn.get(parentElement);
  if (!known) {
    drawn.set(parentElement, new Screen(parentElement, data, (point) => setStateValue("point", point)));
  } else if (JSON.stringify(known.data) !== JSON.stringify(data)) {
    known.take(data);
  }
  return () => {
    drawn.get(parentElement)?.end();
    drawn.delete(parentElement);
  };
}

class Screen {
  /** @param {HTMLElement | ShadowRoot} parent @param {Films} data @param {(point: number) => void} rest */
  constructor(parent, data, rest) {
    this.tellRest = rest;
    this.timer = 0;
    this.resting = 0;
    this.point = -1;
    this.root = element("section", "kvviz-lm kvviz-film");
    this.root.dataset.kvviz = "training-film";
    this.root.tabIndex = -1;
    this.back = this.button("One point back", BACK, () => this.scrub(this.point - 1));
    this.play = this.button("Play", PLAY, () => this.toggle());
    this.play.classList.add("is-main");
    this.forward = this.button("One point on", FORWARD, () => this.scrub(this.point + 1));
    this.slider = document.createElement("input");
    this.slider.type = "range";
    this.slider.min = "0";
    this.slider.step = "1";
    this.slider.setAttribute("aria-label", "Point of the training");
    this.slider.addEventListener("input", () => this.scrub(Number(this.slider.value)));
    this.sentence = element("p", "lm-sentence");
    this.sentence.setAttribute("aria-live", "polite");
    this.root.addEventListener("keydown", (event) => this.press(event));
    this.data = data;
    this.chart = this.newChart();
    this.cards = this.newCards();
    this.build();
    parent.append(this.root);
    this.go(data.point);
  }

  /** @param {Films} data */
  take(data) {
    this.pause();
    this.data = data;
    this.chart = this.newChart();
    this.cards = this.newCards();
    this.build();
    this.point = -1;
    this.go(data.point);
  }

  end() {
    this.pause();
    clearTimeout(this.resting);
    this.root.remove();
  }

  /** The film that the slider goes by. */
  get lead() {
    return this.data.films[0].points;
  }

  get last() {
    return this.lead.length - 1;
  }

  newChart() {
    return new Chart(this.data, (point) => this.scrub(point));
  }

  newCards() {
    return this.data.sentences.map((sentence, i) => new SentenceCard(sentence, this.data.films, i));
  }

  build() {
    this.slider.max = String(this.last);
    const bar = element("div", "lm-bar-row");
    const buttons = element("div", "lm-buttons");
    buttons.append(this.back, this.play, this.forward);
    bar.append(buttons, this.slider);
    const sentences = element("div", "lm-sentences");
    sentences.append(...this.cards.map((card) => card.root));
    const body = element("div", "lm-film-body");
    body.append(this.chart.root, sentences);
    this.root.replaceChildren(bar, this.sentence, body);
    this.root.dataset.nPoints = String(this.lead.length);
    this.root.dataset.nFilms = String(this.data.films.length);
  }

  /** @param {string} words @param {string} path @param {() => void} act @returns {HTMLButtonElement} */
  button(words, path, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "lm-step";
    button.setAttribute("aria-label", words);
    button.title = words;
    button.append(drawing(path));
    button.addEventListener("click", act);
    return button;
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const inSlider = event.target === this.slider;
    if (event.key === " " && !(event.target instanceof HTMLButtonElement)) {
      event.preventDefault();
      this.toggle();
      return;
    }
    const next = inSlider ? null : pointAfterKey(event.key, this.point, this.last + 1);
    if (next === null) return;
    event.preventDefault();
    this.scrub(next);
  }

  toggle() {
    if (this.timer) {
      this.pause();
      this.rest();
      return;
    }
    if (this.point === this.last) this.go(0);
    this.timer = window.setInterval(() => {
      this.go(this.point + 1);
      if (this.point === this.last) {
        this.pause();
        this.rest();
      }
    }, FRAME_MS);
    this.showPlaying();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = 0;
    this.showPlaying();
  }

  showPlaying() {
    const words = this.timer ? "Pause" : "Play";
    this.play.setAttribute("aria-label", words);
    this.play.title = words;
    this.play.replaceChildren(drawing(this.timer ? PAUSE : PLAY));
  }

  /** Goes where a person points, and tells so once they come to rest. @param {number} point */
  scrub(point) {
    this.pause();
    this.go(point);
    this.rest();
  }

  rest() {
    clearTimeout(this.resting);
    this.resting = window.setTimeout(() => this.tellRest(this.point), REST_MS);
  }

  /** @param {number} point */
  go(point) {
    const to = Math.max(0, Math.min(this.last, point));
    if (to === this.point) return;
    this.point = to;
    const now = this.data.films.map((film) => film.points[nearest(film.points, this.lead[to].progress)]);
    this.slider.value = String(to);
    this.slider.style.setProperty("--done", `${(100 * to) / Math.max(1, this.last)}%`);
    this.slider.setAttribute("aria-valuetext", `${tokensText(now[0].n_tokens)} tokens seen`);
    this.back.disabled = to === 0;
    this.forward.disabled = to === this.last;
    this.tell(now);
    this.chart.go(now);
    this.cards.forEach((card, i) => card.go(now.map((point) => point.said[i])));
    Object.assign(this.root.dataset, {
      point: String(to),
      tokens: String(now[0].n_tokens),
      bits: now[0].bits.toFixed(4),
      said: now[0].said.map((said) => said.guesses[0][0]).join("|"),
    });
  }

  /** @param {Point[]} now */
  tell(now) {
    const lead = now[0];
    const seen = lead.n_tokens
      ? ["After ", strong(tokensText(lead.n_tokens)), ` tokens, ${shareText(lead.progress)} of the training, `]
      : [strong("Before the first token"), " "];
    const parts = this.data.films.flatMap((film, i) => {
      // Films are set side by side by the share of the training; the twin may have seen other numbers.
      const apart = now[i].n_tokens === lead.n_tokens ? "" : `, ${tokensText(now[i].n_tokens)} tokens into its own,`;
      return [
        i ? `, and ${film.name}${apart} among ` : `${film.name} is as unsure as a fair draw among `,
        strong(Math.round(fairDraw(now[i].bits)).toLocaleString("en")),
        `${i ? "" : " tokens"} (${now[i].bits.toFixed(2)} bits)`,
      ];
    });
    this.sentence.replaceChildren(...seen, ...parts, ".");
  }
}

class Chart {
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
    this.root = element("figure", "lm-chart");
    const { width, height } = CHART;
    this.svg = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
    this.svg.setAttribute("aria-label", `Loss on held-out text over the tokens seen, ${data.films.map((film) => film.name).join(" and ")}`);
    this.drawAxes();
    /** @type {SVGElement[]} */
    this.dots = [];
    data.films.forEach((film) => this.drawCurve(film));
    this.line = svg("line", { class: "lm-now", y1: CHART.top, y2: height - CHART.bottom });
    this.svg.append(this.line, ...this.dots);
    const caption = element("figcaption", "lm-caption");
    for (const film of data.films) {
      const item = element("span", `lm-film-key is-${film.family}`);
      item.append(element("i", ""), film.name);
      caption.append(item);
    }
    this.root.append(this.svg, caption, ...data.notes.map((note) => element("p", "lm-note", note)));
    const follow = (/** @type {PointerEvent} */ event) => {
      const box = this.svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * width;
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
    this.svg.append(
      svg("line", { class: "lm-fair", x1: left, x2: width - right, y1: fair, y2: fair }),
      label(`a fair draw from all ${Math.round(2 ** this.data.most_bits).toLocaleString("en")} tokens`, width - right, fair - 6, "end"),
      label("bits a predicted token, held-out text", 2, 12, "start"),
      label("tokens seen", width - right, height - 4, "end"),
      label("none", this.x(0), height - bottom + 17, "middle"),
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

class SentenceCard {
  /** @param {Sentence} sentence @param {Film[]} films @param {number} number */
  constructor(sentence, films, number) {
    this.word = sentence.word;
    this.root = element("div", "lm-card");
    this.root.dataset.sentence = String(number);
    const head = element("p", "lm-sentence-text");
    head.append(sentence.before, element("mark", "", " ? "), element("span", "lm-after", sentence.after));
    this.root.append(head);
    this.models = films.map((film) => {
      const part = element("div", "lm-model");
      const name = element("p", `lm-film-key is-${film.family}`);
      name.append(element("i", ""), film.name, element("small", "", film.family === "gpt2" ? "sees what stands before" : "sees both sides"));
      const list = element("ol", "lm-guesses");
      const lines = Array.from({ length: N_GUESSES }, () => {
        const line = element("li", "");
        const text = element("span", "lm-guess");
        const track = element("span", "lm-track");
        const fill = element("i", "");
        const p = element("span", "lm-p");
        track.append(fill);
        line.append(text, track, p);
        list.append(line);
        return { line, text, fill, p };
      });
      part.append(name, list);
      const goes = film.points.some((point) => point.said[number].continuation) ? element("p", "lm-goes") : null;
      if (goes) part.append(goes);
      this.root.append(part);
      return { lines, goes };
    });
  }

  /** @param {Said[]} said What each model made of it. */
  go(said) {
    said.forEach(({ guesses, continuation }, i) => {
      const { lines, goes } = this.models[i];
      lines.forEach(({ line, text, fill, p }, place) => {
        const guess = guesses[place];
        line.style.visibility = guess ? "" : "hidden";
        if (!guess) return;
        text.textContent = guess[0];
        fill.style.width = `${(100 * guess[1]).toFixed(2)}%`;
        p.textContent = chanceText(guess[1]);
        line.classList.toggle("is-real", guess[0] === this.word);
      });
      if (goes) goes.textContent = continuation ? `… ${continuation}` : "… (it ends the text)";
    });
  }
}

/** @param {string} tag @param {string} name @param {string} [text] @returns {HTMLElement} */
function element(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}

/** @param {string} text @returns {HTMLElement} */
function strong(text) {
  return element("b", "", text);
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

/** @param {string} path @returns {SVGElement} */
function drawing(path) {
  const node = svg("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" });
  node.append(svg("path", { d: path, fill: "currentColor" }));
  return node;
}
