// The form that makes an animation: which steps, how wide, how large it becomes; progress and Cancel.
import { animationOf, canRead, estimate, make } from "./animate.js";
import { WIDTHS, rangeOf } from "./animation.js";
import * as words from "./animation_words.js";
import { el, setText, show, whenChanged } from "./dom.js";
import { download } from "./download.js";
import { fileName, figuresOf } from "./picture.js";

/**
 * @import { Animation } from "./animate.js"
 * @import { Figure, Figures } from "./picture.js"
 * @import { Scene } from "./scene.js"
 *
 * @typedef {object} AnimationForm
 * @property {HTMLElement} node
 * @property {(figure: Figure | null) => void} open For a figure; what was under way is given up.
 * @property {(scene: Scene) => void} update
 */

/** So long nothing is typed before the size is measured. */
const TYPED_MS = 250;
const WIDTH = 1280;

/**
 * @param {Figures} figures @param {() => void} moved The form takes more room, or less.
 * @param {() => void} close @returns {AnimationForm}
 */
export function animationForm(figures, moved, close) {
  const { LABELS } = words;
  const number = () => el("input", { type: "number", class: "kv-select", min: 0, step: 1, required: true });
  const [from, to] = [number(), number()];
  const width = el("select", { class: "kv-select" }, WIDTHS.map((one) => el("option", { value: one, selected: one === WIDTH }, [String(one)])));
  const fields = el("fieldset", { class: "kv-fields" }, [
    el("label", {}, [LABELS.from, from]), el("label", {}, [LABELS.to, to]), el("label", {}, [LABELS.width, width]),
  ]);
  const said = el("p", { class: "kv-note", role: "status" });
  const bar = el("progress", { "aria-label": LABELS.progress, value: 0 });
  const count = el("span", { class: "kv-hint" });
  const running = el("div", { class: "kv-running", hidden: true }, [bar, count]);
  const start = el("button", { type: "submit", class: "kv-tool" }, [LABELS.make]);
  const cancel = el("button", { type: "button", class: "kv-tool", hidden: true }, [LABELS.cancel]);
  const heading = el("h5");
  const node = el("form", { class: "kv-animation", novalidate: true, hidden: true, "data-kvviz": "animation" }, [heading, fields, said, running, el("div", {}, [start, cancel])]);

  /** @type {Scene | null} */
  let scene = null;
  /** @type {Figure | null} */
  let figure = null;
  /** @type {Animation | null} What the form says, if that can be made. */
  let wanted = null;
  let timer = 0;
  let work = new AbortController();
  let isRunning = false;
  /** Whether what is wanted was planned for another view than the one on the page. */
  let isStale = false;

  const say = (/** @type {string} */ text) => {
    setText(said, text);
    moved();
  };
  /**
   * Does one thing in place of another, and says what came of it.
   * @template T @param {(signal: AbortSignal) => Promise<T>} run @param {(result: T) => string} tell @param {string} [given] What is said if it was given up.
   */
  const instead = async (run, tell, given) => {
    work.abort();
    const { signal } = (work = new AbortController());
    try {
      say(tell(await run(signal)));
    } catch (error) {
      if (!signal.aborted) say(words.failed(String(error)));
      else if (given) say(given);
    }
  };
  const plan = () => {
    clearTimeout(timer);
    work.abort();
    wanted = null;
    isStale = false;
    start.disabled = true;
    if (!scene || !figure) return;
    const { n_steps } = scene.payload.header;
    // A field with nothing in it, or no number, is not one that was left out.
    const range = rangeOf(from.value || "–", to.value || "–", n_steps);
    if (!canRead()) return say(LABELS.unreadable);
    if (!range) return say(words.noRange(n_steps));
    const animation = animationOf(scene, figures, figure, range, Number(width.value));
    if (animation.isTooLong) return say(words.tooLong(animation));
    const { speed } = scene.state;
    wanted = animation;
    start.disabled = false;
    say(LABELS.measuring);
    timer = window.setTimeout(
      () => void instead((signal) => estimate(animation, signal), (n_bytes) => words.expected(animation, speed, n_bytes)),
      TYPED_MS,
    );
  };
  const run = (/** @type {boolean} */ on) => {
    const hadFocus = node.contains(document.activeElement) || document.activeElement === document.body;
    isRunning = on;
    fields.disabled = on;
    show(running, on);
    show(start, !on);
    show(cancel, on);
    node.toggleAttribute("data-running", on);
    if (hadFocus) (on ? cancel : start).focus({ preventScroll: true });
    moved();
  };

  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isStale) plan();
    const animation = wanted;
    if (!animation || !scene || !figure) return;
    clearTimeout(timer);
    const { frames } = animation;
    const file = fileName(scene, figure, `steps${frames[0].step}-${frames[frames.length - 1].step}`, "gif");
    bar.max = frames.length;
    bar.value = 0;
    setText(count, "");
    setText(said, "");
    run(true);
    const told = (/** @type {number} */ n) => {
      bar.value = n;
      setText(count, words.made(n, frames.length));
    };
    await instead(
      (signal) => make(animation, signal, told),
      (bytes) => {
        download(new Blob([bytes], { type: "image/gif" }), file);
        return words.saved(file, bytes.length);
      },
      LABELS.cancelled,
    );
    run(false);
  });
  cancel.onclick = () => work.abort();
  for (const field of [from, to, width]) field.addEventListener("input", plan);
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (isRunning) work.abort();
    else close();
  });

  const replanned = whenChanged();
  const another = whenChanged();
  return {
    node,
    open(next) {
      clearTimeout(timer);
      work.abort();
      figure = next;
      show(node, figure !== null);
      if (!scene || !figure) return;
      const title = words.title(figuresOf(scene).get(figure) ?? "");
      setText(heading, title);
      node.setAttribute("aria-label", title);
      plan();
      from.focus({ preventScroll: true });
    },
    update(next) {
      scene = next;
      const { payload, layout, palette, state } = next;
      const last = String(payload.header.n_steps - 1);
      another([payload], () => {
        from.max = to.max = to.value = last;
        from.value = "0";
      });
      // What is being made was begun as all of it stood then.
      replanned([payload, layout, palette, state.cache, state.layer, state.head, state.speed], () => {
        if (isRunning) isStale = true;
        else if (figure) plan();
      });
    },
  };
}
