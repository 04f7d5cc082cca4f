// The making of a row as a figure: how one token comes to look at another, in three pictures with one line
// of arithmetic each. The player and other pages draw it, each of what it has.
import { el, pointOn, setAttribute, setText, show } from "./dom.js";
import * as words from "./making_words.js";
import { numberOfMix, paintMix, paintProducts, paintWeights } from "./paint_making.js";
import { heaviest } from "./row_making.js";
import { LABELS } from "./words.js";

/**
 * @import { Palette, Theme } from "./colour.js"
 * @import { MakingView } from "./paint_making.js"
 * @import { RowMaking } from "./row_making.js"
 *
 * @typedef {object} MakingSubject What is shown.
 * @property {RowMaking} making
 * @property {number} query @property {number} key
 * @property {number} layer @property {number} head
 * @property {string} where Layer and head in words.
 * @property {string} asks Text of the token that looks.
 * @property {(row: number) => string} text Of a key's token.
 * @property {boolean} fresh Whether the key was computed at this step, and not kept.
 * @property {string} kept Why the key and the value may be kept, or may not; empty where a level says so.
 * @property {string} [unseen] What of the rows before it the query did not see; empty or nothing where it saw all.
 * @property {Record<string, string | number | boolean>} hooks What stands in further `data-` attributes.
 * @property {number} width Of all of it. @property {boolean} besides Whether the three pictures stand side by side.
 * @property {Theme} theme @property {Palette} palette @property {number} dpr
 *
 * @typedef {object} MakingCalls
 * @property {() => void} close
 * @property {(key: number) => void} pick A key that was clicked.
 * @property {(query: number, key: number) => void} move By so many rows and keys.
 *
 * @typedef {object} MakingParts What a host has to say beside it.
 * @property {HTMLElement} [shares] Below the weights.
 * @property {HTMLElement[]} [levels] Below all of it: what is deeper, and further on.
 */

const SHOWN = 6;
/** Between pictures that stand side by side; player.css has the same. */
export const GAP = 32;
/** Left and right of the panel, its border included. */
export const PADDING = 30;
const MOVES = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] });

/**
 * @param {MakingCalls} calls @param {MakingParts} [parts]
 * @returns {{ node: HTMLElement, draw: (subject: MakingSubject | null, isAsked?: boolean) => void }} What it is to
 *   show, null for nothing; asked for by a click or a key it takes the focus, and gives it back when it closes.
 */
export function makingFigure({ close: onClose, pick, move }, { shares, levels = [] } = {}) {
  const title = el("h3");
  const hint = el("span", { class: "kv-hint" });
  const close = el("button", { type: "button", class: "kv-close", "aria-label": LABELS.close }, ["×"]);
  close.onclick = onClose;
  const parts = /** @type {const} */ ([words.LABELS.products, words.LABELS.weights, words.LABELS.mix]).map((name, i) => {
    const canvas = el("canvas", { class: "kv-canvas", role: "img" });
    const line = el("p", { class: "kv-making-line" });
    return { canvas, line, node: el("div", { class: "kv-making-part" }, [el("h4", {}, [`${i + 1} · ${name}`]), canvas, line]) };
  });
  const [products, weights, mix] = parts;
  if (shares) weights.node.append(shares);
  const all = el("button", { type: "button", class: "kv-link" }, [words.LABELS.all]);
  mix.node.append(all);
  const kept = el("p", { class: "kv-making-line" });
  const precision = el("p", { class: "kv-note" });
  const node = el("section", { class: "kv-making", "data-kvviz": "row-making", role: "group", tabindex: -1, hidden: true }, [
    el("div", { class: "kv-title" }, [title, hint, close]),
    el("div", { class: "kv-making-parts" }, parts.map((part) => part.node)),
    kept, precision, ...levels,
  ]);

  /** @type {MakingSubject | null} */
  let subject = null;
  /** @type {number | null} Number of a row that is pointed at. */
  let at = null;
  let isWhole = false;
  let width = 0;
  /** @type {Element | null} */
  let before = null;

  const point = (/** @type {number | null} */ to) => {
    if (to === at) return;
    at = to;
    paint();
  };
  const across = (/** @type {PointerEvent} */ event, /** @type {HTMLElement} */ canvas) => pointOn(event, canvas).x;
  const share = (/** @type {PointerEvent} */ event, /** @type {HTMLElement} */ canvas, /** @type {number} */ n) =>
    Math.min(n - 1, Math.max(0, Math.floor((across(event, canvas) / width) * n)));
  products.canvas.addEventListener("pointermove", (event) => point(subject && share(event, products.canvas, subject.making.query.length)));
  mix.canvas.addEventListener("pointermove", (event) => point(subject && numberOfMix(width, subject.making.mix.length, across(event, mix.canvas))));
  for (const { canvas } of [products, mix]) canvas.addEventListener("pointerleave", () => point(null));
  weights.canvas.addEventListener("click", (event) => {
    if (subject) pick(share(/** @type {PointerEvent} */ (event), weights.canvas, subject.making.n_keys));
  });
  all.onclick = () => {
    isWhole = !isWhole;
    paint();
  };
  node.addEventListener("keydown", (event) => {
    const by = MOVES[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    move(...by);
    event.preventDefault();
    event.stopPropagation();
  });

  function paint() {
    if (!subject) return;
    const { making, key, layer, head, asks, text, fresh, theme, palette, dpr } = subject;
    /** @type {MakingView} */
    const view = { width, making, key, at, text, asks, fresh, theme, palette, dpr };
    const found = heaviest(making, isWhole ? making.n_keys : SHOWN, key);
    paintProducts(products.canvas, view);
    paintWeights(weights.canvas, view);
    paintMix(mix.canvas, view, found);
    setText(title, words.title(subject, asks, text(key)));
    setText(hint, `${subject.where} · ${words.LABELS.keys}`);
    setAttribute(node, "aria-label", `${title.textContent}. ${words.LABELS.keys}`);
    setText(products.line, at === null ? words.scoreLine(making, key) : words.productLine(making, key, at));
    setText(weights.line, words.weightLine(making, key));
    setText(mix.line, at === null ? words.mixLine(making, key) : words.mixedLine(making, key, at));
    for (const { canvas, line } of parts) setAttribute(canvas, "aria-label", line.textContent ?? "");
    setText(all, isWhole ? words.LABELS.fewer : words.LABELS.all);
    show(all, making.seen.length > SHOWN + 1);
    show(kept, subject.kept !== "");
    setText(kept, subject.kept);
    setText(precision, [subject.unseen ?? "", words.precision(making.within)].filter(Boolean).join(" "));
    Object.assign(node.dataset, {
      layer, head, query: subject.query, key, score: making.scores[key], weight: making.weights[key], within: making.within, ...subject.hooks,
    });
  }

  return {
    node,
    draw(next, isAsked = false) {
      const wasOpen = subject !== null;
      const hadFocus = node.contains(document.activeElement);
      subject = next;
      show(node, next !== null);
      if (next) {
        node.classList.toggle("is-besides", next.besides);
        width = Math.floor(next.besides ? (next.width - PADDING - 2 * GAP) / 3 : next.width - PADDING);
        paint();
        if (!wasOpen) before = document.activeElement;
      } else at = null;
      if (next && isAsked) {
        // Its keys go from cell to cell from now on.
        node.focus({ preventScroll: true });
        node.scrollIntoView({ block: "nearest" });
      }
      if (!next && wasOpen && hadFocus && before instanceof HTMLElement) before.focus({ preventScroll: true });
    },
  };
}
