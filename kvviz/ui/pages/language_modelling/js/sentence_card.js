// One fixed sentence with a gap: what each model would say there at a point of its training.
import { el } from "../../../../player/js/dom.js";
import { gettext } from "../../../../player/js/translation.js";
import { shareText } from "./words.js";

/** @import { Film, Said, Sentence } from "./film.js" */

const N_GUESSES = 3;

export class SentenceCard {
  /** @param {Sentence} sentence @param {Film[]} films @param {number} number */
  constructor(sentence, films, number) {
    this.word = sentence.word;
    this.root = el("div", { class: "lm-card" });
    this.root.dataset.sentence = String(number);
    const head = el("p", { class: "lm-sentence-text" });
    head.append(sentence.before, el("mark", {}, [" ? "]), el("span", { class: "lm-after" }, [sentence.after]));
    this.root.append(head);
    this.models = films.map((film) => {
      const part = el("div", { class: "lm-model" });
      const name = el("p", { class: `lm-film-key is-${film.family}` });
      name.append(el("i"), film.name, el("small", {}, [film.family === "gpt2" ? gettext("sees what stands before") : gettext("sees both sides")]));
      const list = el("ol", { class: "lm-guesses" });
      const lines = Array.from({ length: N_GUESSES }, () => {
        const line = el("li");
        const text = el("span", { class: "lm-guess" });
        const track = el("span", { class: "lm-track" });
        const fill = el("i");
        const p = el("span", { class: "lm-p" });
        track.append(fill);
        line.append(text, track, p);
        list.append(line);
        return { line, text, fill, p };
      });
      part.append(name, list);
      const goes = film.points.some((point) => point.said[number].continuation) ? el("p", { class: "lm-goes" }) : null;
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
        p.textContent = shareText(guess[1]);
        line.classList.toggle("is-real", guess[0] === this.word);
      });
      if (goes) goes.textContent = continuation ? `… ${continuation}` : gettext("… (it ends the text)");
    });
  }
}
