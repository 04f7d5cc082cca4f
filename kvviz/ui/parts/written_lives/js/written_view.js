// The component: two models have written as many tokens; what became of the rows of either, at every step.
import { el } from "../../../../player/js/dom.js";
import { LIFE_STATES } from "../../../../player/js/lives.js";
import { gettext } from "../../../../player/js/translation.js";
import { LABELS } from "../../../../player/js/words.js";
import { FigureCard, legendKey } from "../../js/figure_card.js";
import { RestTimer } from "../../js/rest_timer.js";
import { decode } from "./written_buffer.js";
import { WriterHalf } from "./writer_half.js";
import { cellSentence, rowBeside, stepSentence } from "./written_words.js";

/**
 * @import { LifeState } from "../../../../player/js/lives.js"
 * @import { LifeCell } from "../../js/life_picture.js"
 * @import { Writer } from "./written_buffer.js"
 */

/** @param {Writer[]} writers @returns {HTMLElement[]} What the colours and shapes mean that their lives have. */
function legendOf(writers) {
  const has = (/** @type {LifeState} */ state) => writers.some(({ lives }) => lives.states.includes(LIFE_STATES.indexOf(state)));
  return [
    legendKey("fc-computed", LABELS.legendComputed),
    ...(has("taken") ? [legendKey("fc-taken", gettext("computed and taken back"))] : []),
    legendKey("fc-read", LABELS.legendReused),
    ...(has("shared") ? [legendKey("fc-shared", writers[0].shared || LABELS.legendShared)] : []),
    legendKey("fc-absent", LABELS.legendAbsent),
  ];
}

export class WrittenView {
  /** @param {HTMLElement} root @param {(told: { step: number, view_number: number }) => void} onView Told each step that a person comes to rest at. */
  constructor(root, onView) {
    this.rest = new RestTimer(() => onView({ step: this.step, view_number: this.viewNumber }));
    this.viewNumber = -1;
    /** @type {Writer[]} */
    this.writers = [];
    /** @type {WriterHalf[]} */
    this.halves = [];
    this.step = 0;
    /** @type {{ half: number, cell: LifeCell } | null} */
    this.pointed = null;
    this.card = new FigureCard(root, {
      className: "kvviz-lives",
      hook: "written-lives",
      title: LABELS.history,
      origin: "counted",
      hint: gettext("down: positions · across: steps · drag, or ← →"),
      file: "kvviz-lives",
      body: el("div", { class: "fc-halves" }),
      legend: [],
    }, () => this.paint());
  }

  /** @param {unknown} buffer */
  load(buffer) {
    const told = this.card.read(buffer, decode);
    if (told === undefined) return;
    this.rest.stop();
    this.writers = told?.writers ?? [];
    this.halves = [];
    this.pointed = null;
    if (told === null) return;
    this.step = Math.min(told.step, this.writers[0].lives.n_steps - 1);
    this.viewNumber = told.view_number;
    this.halves = this.writers.map((writer, half) => new WriterHalf(writer, {
      point: (cell) => this.point(cell && { half, cell }),
      go: (step) => this.go(step),
    }));
    this.card.body.replaceChildren(...this.halves.map((half) => half.root));
    this.card.legend.replaceChildren(...legendOf(this.writers));
    this.paint();
  }

  destroy() {
    this.rest.stop();
    this.card.destroy();
  }

  /** @param {{ half: number, cell: LifeCell } | null} pointed */
  point(pointed) {
    const [was, is] = [this.pointed, pointed];
    if (was?.half === is?.half && was?.cell.row === is?.cell.row && was?.cell.step === is?.cell.step) return;
    this.pointed = pointed;
    this.paint();
  }

  /** @param {number} step */
  go(step) {
    const to = Math.max(0, Math.min(this.writers[0].lives.n_steps - 1, step));
    if (to === this.step) return;
    this.step = to;
    this.paint();
    this.rest.begin();
  }

  paint() {
    if (!this.halves.length || !this.card.hasRoom) return;
    const { writers, step, pointed } = this;
    const { palette, dpr } = this.card.ink();
    const n_lines = Math.max(...writers.map(({ lives, first }) => first + lives.n_rows));
    const scene = { writers, n_lines, width: this.card.partWidth(writers.length), palette, dpr, step };
    this.halves.forEach((half, i) => {
      if (!pointed) half.paint(scene, null);
      else if (pointed.half === i) half.paint(scene, pointed.cell);
      else {
        const row = rowBeside(writers[pointed.half], writers[i], pointed.cell.row, step);
        half.paint(scene, row === null ? null : { row, step: null });
      }
    });
    this.card.say(pointed ? cellSentence(writers[pointed.half], pointed.cell.row, pointed.cell.step) : stepSentence(writers, step));
  }
}
