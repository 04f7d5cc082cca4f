// The component: two models have written as many tokens; what became of the rows of either, at every step.
import { el, setText, zoomOf } from "../../../../player/js/dom.js";
import { saveButtons } from "../../../../player/js/element_picture.js";
import { figureTag, writeTags } from "../../../../player/js/figure_tag.js";
import { LIFE_STATES } from "../../../../player/js/lives.js";
import { BufferError } from "../../../../player/js/packed_buffer.js";
import { gettext } from "../../../../player/js/translation.js";
import { followTheme, readTheme, wearTheme } from "../../../../player/js/theme.js";
import { LABELS } from "../../../../player/js/words.js";
import { decode } from "./written_buffer.js";
import { WriterHalf } from "./writer_half.js";
import { cellSentence, rowBeside, stepSentence } from "./written_words.js";

/**
 * @import { LifeState } from "../../../../player/js/lives.js"
 * @import { Writer } from "./written_buffer.js"
 */

const STACKED_BELOW = 640;
/** From here on more than two stand three in a line. */
const WIDE = 900;
const GAP = 32;
/** A step is told once a person comes to rest at it: each that is told is an entry of the browser's history. */
const TELL_AFTER_MS = 250;

/** @param {Writer[]} writers @returns {HTMLElement[]} What the colours and shapes mean that their lives have. */
function legendOf(writers) {
  const has = (/** @type {LifeState} */ state) => writers.some(({ lives }) => lives.states.includes(LIFE_STATES.indexOf(state)));
  const key = (/** @type {string} */ kind, /** @type {string} */ text) => el("span", {}, [el("i", { class: `kl-key kl-${kind}` }), ` ${text}`]);
  return [
    key("computed", LABELS.legendComputed),
    ...(has("taken") ? [key("taken", gettext("computed and taken back"))] : []),
    key("read", LABELS.legendReused),
    ...(has("shared") ? [key("shared", writers[0].shared || LABELS.legendShared)] : []),
    key("absent", LABELS.legendAbsent),
  ];
}

export class WrittenView {
  /** @param {HTMLElement} root @param {(told: { step: number, view_number: number }) => void} onView Told each step that a person comes to rest at. */
  constructor(root, onView = () => {}) {
    this.root = root;
    this.onView = onView;
    this.teller = 0;
    this.viewNumber = -1;
    /** @type {Writer[]} */
    this.writers = [];
    /** @type {WriterHalf[]} */
    this.halves = [];
    /** @type {Uint8Array | null} */
    this.loaded = null;
    this.step = 0;
    /** @type {{ half: number, cell: { row: number, step: number } } | null} */
    this.pointed = null;
    root.className = "kvviz-lives";
    root.dataset.kvviz = "written-lives";
    this.probe = el("span", { class: "kl-probe" });
    this.body = el("div", { class: "kl-halves" });
    this.reading = el("p", { class: "kl-reading", "aria-live": "polite" });
    this.legend = el("p", { class: "kl-legend" });
    root.replaceChildren(
      this.probe,
      el("div", { class: "kl-bar" }, [
        el("h3", {}, [LABELS.history]),
        figureTag("counted"),
        el("span", { class: "kl-note", "data-no-picture": "" }, [gettext("down: positions · across: steps · drag, or ← →")]),
        saveButtons(LABELS.history, "kvviz-lives", () => root),
      ]),
      this.body, this.legend, this.reading,
    );
    writeTags(root, false);
    this.unfollow = followTheme(root, this.probe, () => this.paint());
    this.watch = new ResizeObserver(() => this.paint());
    this.watch.observe(root);
  }

  /** @param {unknown} buffer */
  load(buffer) {
    const bytes = buffer instanceof ArrayBuffer ? new Uint8Array(buffer) : buffer;
    if (bytes instanceof Uint8Array) {
      const last = this.loaded;
      if (last && last.length === bytes.length && last.every((byte, at) => byte === bytes[at])) return;
      this.loaded = bytes.slice();
    }
    let told;
    try {
      told = decode(bytes);
    } catch (error) {
      if (!(error instanceof BufferError)) throw error;
      this.writers = this.halves = [];
      this.body.replaceChildren(el("p", { role: "alert" }, [`${error.message} ${gettext("Reload the page.")}`]));
      return;
    }
    window.clearTimeout(this.teller);
    this.writers = told.writers;
    this.step = Math.min(told.step, this.writers[0].lives.n_steps - 1);
    this.viewNumber = told.view_number;
    this.pointed = null;
    this.halves = this.writers.map((writer, half) => new WriterHalf(writer, {
      point: (cell) => this.point(cell && { half, cell }),
      go: (step) => this.go(step),
    }));
    this.body.replaceChildren(...this.halves.map((half) => half.root));
    this.legend.replaceChildren(...legendOf(this.writers));
    this.paint();
  }

  destroy() {
    window.clearTimeout(this.teller);
    this.unfollow();
    this.watch.disconnect();
    this.root.replaceChildren();
  }

  /** @param {{ half: number, cell: { row: number, step: number } } | null} pointed */
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
    window.clearTimeout(this.teller);
    this.teller = window.setTimeout(() => this.onView({ step: this.step, view_number: this.viewNumber }), TELL_AFTER_MS);
  }

  paint() {
    if (!this.halves.length || !this.root.clientWidth) return;
    const { theme, palette } = readTheme(this.root);
    wearTheme(this.root, theme, palette);
    const inside = this.body.clientWidth;
    const stacked = inside < STACKED_BELOW;
    const n_columns = stacked ? 1 : this.writers.length > 2 && inside >= WIDE ? 3 : 2;
    this.body.style.gridTemplateColumns = `repeat(${n_columns}, minmax(0, 1fr))`;
    const width = (inside - (n_columns - 1) * GAP) / n_columns;
    const n_lines = Math.max(...this.writers.map(({ lives, first }) => first + lives.n_rows));
    const scene = { writers: this.writers, n_lines, width, palette, dpr: (window.devicePixelRatio || 1) * zoomOf(this.root), step: this.step };
    const { pointed } = this;
    this.halves.forEach((half, i) => {
      if (!pointed) half.paint(scene, null);
      else if (pointed.half === i) half.paint(scene, pointed.cell);
      else {
        const row = rowBeside(this.writers[pointed.half], this.writers[i], pointed.cell.row, this.step);
        half.paint(scene, row === null ? null : { row, step: null });
      }
    });
    setText(this.reading, pointed
      ? cellSentence(this.writers[pointed.half], pointed.cell.row, pointed.cell.step)
      : stepSentence(this.writers, this.step));
    this.root.dataset.ready = "true";
  }
}
