// The training film: one slider over the points of a training, scrubbed wholly in the browser.
// Loss curves of the twins, and what each would say at six fixed places, as it was recorded.
import { ICONS, el, icon } from "../../../../player/js/dom.js";
import { saveButtons } from "../../../../player/js/element_picture.js";
import { gettext } from "../../../../player/js/translation.js";
import { Chart } from "./chart.js";
import { nearest, pointAfterKey } from "./film.js";
import { SentenceCard } from "./sentence_card.js";
import { toldOf } from "./told_point.js";
import { pieces, tokens, tokensText } from "./words.js";

/** @import { Films, Point } from "./film.js" */

const FRAME_MS = 550;
const REST_MS = 350;

export class Screen {
  /** @param {HTMLElement} place Where it stands. @param {(point: number) => void} rest */
  constructor(place, rest) {
    this.tellRest = rest;
    /** @type {Films} */
    this.data = { point: 0, most_bits: 1, films: [], sentences: [], notes: [] };
    this.timer = 0;
    this.resting = 0;
    /** Aborted while the pointer is not held down. */
    this.held = new AbortController();
    this.held.abort();
    /** The point that the page was told last. */
    this.told = -1;
    this.point = -1;
    this.root = el("section", { class: "kvviz-lm kvviz-film" });
    this.root.dataset.kvviz = "training-film";
    this.root.tabIndex = -1;
    this.back = this.button(gettext("One point back"), ICONS.back, () => this.scrub(this.point - 1));
    this.play = this.button(gettext("Play"), ICONS.play, () => this.toggle());
    this.play.classList.add("is-main");
    this.forward = this.button(gettext("One point on"), ICONS.forward, () => this.scrub(this.point + 1));
    this.slider = el("input", { type: "range", min: 0, step: 1, "aria-label": gettext("Point of the training") });
    this.slider.addEventListener("input", () => this.scrub(Number(this.slider.value)));
    this.sentence = el("p", { class: "lm-sentence", "aria-live": "polite" });
    this.root.addEventListener("keydown", (event) => this.press(event));
    this.root.addEventListener("pointerdown", () => this.hold());
    /** @type {Chart | null} */
    this.chart = null;
    /** @type {SentenceCard[]} */
    this.cards = [];
    place.append(this.root);
  }

  /** @param {Films} data */
  load(data) {
    if (JSON.stringify(data) === JSON.stringify(this.data)) return;
    this.pause();
    this.data = data;
    this.chart = new Chart(data, (point) => this.scrub(point));
    this.cards = data.sentences.map((sentence, i) => new SentenceCard(sentence, data.films, i));
    this.build(this.chart);
    this.point = -1;
    this.told = data.point;
    this.go(data.point);
  }

  destroy() {
    this.pause();
    this.held.abort();
    clearTimeout(this.resting);
  }

  /** The film that the slider goes by. */
  get lead() {
    return this.data.films[0].points;
  }

  get last() {
    return this.lead.length - 1;
  }

  /** @param {Chart} chart */
  build(chart) {
    this.slider.max = String(this.last);
    const buttons = el("div", { class: "lm-buttons" }, [this.back, this.play, this.forward]);
    const saves = saveButtons(gettext("How the two models learnt"), "kvviz-training", () => this.root);
    const bar = el("div", { class: "lm-bar-row", "data-no-picture": "" }, [buttons, this.slider, saves]);
    const sentences = el("div", { class: "lm-sentences" });
    sentences.append(...this.cards.map((card) => card.root));
    const body = el("div", { class: "lm-film-body" });
    body.append(chart.root, sentences);
    this.root.replaceChildren(bar, this.sentence, body);
    this.root.dataset.nPoints = String(this.lead.length);
    this.root.dataset.nFilms = String(this.data.films.length);
  }

  /** @param {string} words @param {string} path @param {() => void} act @returns {HTMLButtonElement} */
  button(words, path, act) {
    const button = el("button", { type: "button", class: "lm-step", "aria-label": words, title: words }, [icon(path)]);
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
    const words = this.timer ? gettext("Pause") : gettext("Play");
    this.play.setAttribute("aria-label", words);
    this.play.title = words;
    this.play.replaceChildren(icon(this.timer ? ICONS.pause : ICONS.play));
  }

  /** Goes where a person points, and tells so once they come to rest. @param {number} point */
  scrub(point) {
    this.pause();
    this.go(point);
    this.rest();
  }

  /** Nobody is told of a point while the pointer is down, however long it stays at one. */
  hold() {
    this.held.abort();
    this.held = new AbortController();
    const { signal } = this.held;
    for (const end of ["pointerup", "pointercancel"]) {
      window.addEventListener(end, () => {
        this.held.abort();
        this.rest();
      }, { capture: true, signal });
    }
  }

  rest() {
    clearTimeout(this.resting);
    this.resting = window.setTimeout(() => {
      if (this.timer || !this.held.signal.aborted || this.point === this.told) return;
      this.told = this.point;
      this.tellRest(this.point);
    }, REST_MS);
  }

  /** @param {number} point */
  go(point) {
    const to = Math.max(0, Math.min(this.last, point));
    if (to === this.point) return;
    this.point = to;
    const now = this.data.films.map((film) => film.points[nearest(film.points, this.lead[to].progress)]);
    this.slider.value = String(to);
    this.slider.style.setProperty("--done", `${(100 * to) / Math.max(1, this.last)}%`);
    const seen = now[0].n_tokens;
    this.slider.setAttribute("aria-valuetext", gettext("{tokens} seen", { tokens: tokens(seen, tokensText(seen)) }));
    this.back.disabled = to === 0;
    this.forward.disabled = to === this.last;
    this.tell(now);
    this.chart?.go(now);
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
    const names = this.data.films.map((film) => film.name);
    const told = toldOf(names, now, this.data.most_bits);
    this.sentence.replaceChildren(...pieces(told).map((piece, i) => (i % 2 ? el("b", {}, [piece]) : piece)));
  }
}
