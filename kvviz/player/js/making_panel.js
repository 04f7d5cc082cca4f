// The making of a row, opened by a click on a cell of the pattern: how this token comes to look at that
// one, in three pictures with one line of arithmetic each.
import { el, setAttribute, setText, show, whenChanged } from "./dom.js";
import { percent } from "./format.js";
import { lifeUpTo } from "./lives.js";
import * as words from "./making_words.js";
import { numberOfMix, paintMix, paintProducts, paintWeights } from "./paint_making.js";
import { keptPanel } from "./kept_panel.js";
import { originPanel } from "./origin_panel.js";
import { bits, figureRead } from "./number_words.js";
import { entropyBits, heaviest, rowMaking } from "./row_making.js";
import { mainRun, tokenText } from "./run.js";
import { LABELS } from "./words.js";

/**
 * @import { MakingView } from "./paint_making.js"
 * @import { Part, Scene } from "./player.js"
 * @import { RowMaking } from "./row_making.js"
 * @import { Cell } from "./buffer.js"
 * @import { Action } from "./state.js"
 */

const SHOWN = 6;
/** Between the three pictures where they stand side by side; player.css has the same. */
const GAP = 32;
/** Left and right of the panel, its border included. */
const PADDING = 30;
const MOVES = /** @type {Record<string, { query: number, key: number }>} */ ({
  ArrowLeft: { query: 0, key: -1 }, ArrowRight: { query: 0, key: 1 }, ArrowUp: { query: -1, key: 0 }, ArrowDown: { query: 1, key: 0 },
});

/** @param {(action: Action) => void} dispatch @returns {Part} */
export function makingPanel(dispatch) {
  const title = el("h3");
  const hint = el("span", { class: "kv-hint" });
  const close = el("button", { type: "button", class: "kv-close", "aria-label": LABELS.close }, ["×"]);
  close.onclick = () => dispatch({ type: "cell", cell: null });
  const parts = /** @type {const} */ ([words.LABELS.products, words.LABELS.weights, words.LABELS.mix]).map((name, i) => {
    const canvas = el("canvas", { class: "kv-canvas", role: "img" });
    const line = el("p", { class: "kv-making-line" });
    return { canvas, line, node: el("div", { class: "kv-making-part" }, [el("h4", {}, [`${i + 1} · ${name}`]), canvas, line]) };
  });
  const [products, weights, mix] = parts;
  const figures = /** @type {const} */ (["weight", "entropy"]).map((name) => {
    const id = `making.${name}`;
    const button = el("button", { type: "button", class: "kv-figure", "data-open": id, "aria-haspopup": "dialog" });
    button.onclick = () => dispatch({ type: "open", id });
    return button;
  });
  const [weight, spread] = figures;
  weights.node.append(el("p", { class: "kv-making-figures" }, [words.LABELS.share, " ", weight, " · ", words.LABELS.spread, " ", spread]));
  const all = el("button", { type: "button", class: "kv-link" }, [words.LABELS.all]);
  mix.node.append(all);
  const kept = keptPanel(dispatch);
  const further = originPanel(dispatch);
  const precision = el("p", { class: "kv-note" });
  const node = el("section", { class: "kv-making", "data-kvviz": "row-making", role: "group", tabindex: -1, hidden: true }, [
    el("div", { class: "kv-title" }, [title, hint, close]),
    el("div", { class: "kv-making-parts" }, parts.map((part) => part.node)),
    precision, kept.node, further.node,
  ]);

  /** @type {Scene | null} */
  let scene = null;
  /** @type {RowMaking | null} */
  let making = null;
  /** @type {number | null} Number of a row that is pointed at. */
  let at = null;
  let isWhole = false;
  let width = 0;
  let wasOpen = false;
  let nAsked = 0;
  /** @type {Element | null} */
  let before = null;

  const point = (/** @type {number | null} */ to) => {
    if (to === at) return;
    at = to;
    draw();
  };
  const across = (/** @type {PointerEvent} */ event, /** @type {HTMLElement} */ canvas) => event.clientX - canvas.getBoundingClientRect().left;
  const share = (/** @type {PointerEvent} */ event, /** @type {HTMLElement} */ canvas, /** @type {number} */ n) =>
    Math.min(n - 1, Math.max(0, Math.floor((across(event, canvas) / width) * n)));
  products.canvas.addEventListener("pointermove", (event) => point(making && share(event, products.canvas, making.query.length)));
  mix.canvas.addEventListener("pointermove", (event) => point(making && numberOfMix(width, making.mix.length, across(event, mix.canvas))));
  for (const { canvas } of [products, mix]) canvas.addEventListener("pointerleave", () => point(null));
  weights.canvas.addEventListener("click", (event) => {
    const cell = scene?.state.cell;
    if (cell && making) dispatch({ type: "cell", cell: { ...cell, key: share(/** @type {PointerEvent} */ (event), weights.canvas, making.n_keys) } });
  });
  all.onclick = () => {
    isWhole = !isWhole;
    draw();
  };
  node.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    dispatch({ type: "cell-by", ...move });
    event.preventDefault();
    event.stopPropagation();
  });

  const changed = whenChanged();

  function draw() {
    if (!scene || !making || !scene.state.cell) return;
    const { payload, state, theme, palette, dpr, facts, lives } = scene;
    const cell = /** @type {Cell} */ (state.cell);
    const cache = mainRun(state.cache);
    const text = (/** @type {number} */ row) => (cell.cross ? payload.header.encoder?.tokens[row].text ?? "" : tokenText(payload, cache, row));
    const life = lifeUpTo(/** @type {NonNullable<typeof lives.on>["own"]} */ (cell.cross ? lives[cache]?.cross : lives[cache]?.own), cell.key, state.step);
    const fresh = cache === "off" || life.computed[0] === state.step;
    const asks = tokenText(payload, cache, cell.query);
    /** @type {MakingView} */
    const view = { width, making, key: cell.key, at, text, asks, fresh, theme, palette, dpr };
    const found = heaviest(making, isWhole ? making.n_keys : SHOWN, cell.key);
    paintProducts(products.canvas, view);
    paintWeights(weights.canvas, view);
    paintMix(mix.canvas, view, found);
    setText(title, words.title(cell, asks, text(cell.key)));
    setText(hint, `${words.where(state.layer, state.head)} · ${words.LABELS.keys}`);
    setAttribute(node, "aria-label", `${title.textContent}. ${words.LABELS.keys}`);
    setText(products.line, at === null ? words.scoreLine(making, cell.key) : words.productLine(making, cell.key, at));
    setText(weights.line, words.weightLine(making, cell.key));
    setText(weight, percent(making.weights[cell.key]));
    setAttribute(weight, "aria-label", figureRead(words.LABELS.share, weight.textContent ?? ""));
    setText(spread, bits(entropyBits(making.weights)));
    setAttribute(spread, "aria-label", figureRead(words.LABELS.spread, spread.textContent ?? ""));
    setText(mix.line, at === null ? words.mixLine(making, cell.key) : words.mixedLine(making, cell.key, at));
    for (const { canvas, line } of parts) setAttribute(canvas, "aria-label", line.textContent ?? "");
    setText(all, isWhole ? words.LABELS.fewer : words.LABELS.all);
    show(all, making.n_keys > SHOWN + 1);
    const across = scene.layout.content - PADDING;
    kept.update(scene, { making, life, width: scene.layout.mode === "narrow" ? across : Math.floor((across - GAP) / 2) });
    setText(precision, words.precision(making.within));
    further.update(scene, { asks, asked: text(cell.key), fresh, width: across });
    Object.assign(node.dataset, {
      layer: state.layer, head: state.head, query: cell.query, key: cell.key, score: making.scores[cell.key], weight: making.weights[cell.key],
      within: making.within, cross: cell.cross, step: facts.step,
    });
  }

  return {
    node,
    update(/** @type {Scene} */ next) {
      scene = next;
      const { payload, state, layout, palette, dpr } = next;
      const { cell, layer, head } = state;
      const cache = mainRun(state.cache);
      changed([payload, cell, layer, head, cache, state.step, state.further, palette, dpr, layout], () => {
        making = cell && rowMaking(payload, { cache, layer, head, ...cell });
        const isOpen = making !== null;
        const hadFocus = node.contains(document.activeElement);
        show(node, isOpen);
        if (isOpen) {
          width = Math.floor(layout.mode === "wide" ? (layout.content - PADDING - 2 * GAP) / 3 : layout.content - PADDING);
          draw();
        } else {
          at = null;
          further.update(next, null);
        }
        if (isOpen && !wasOpen) before = document.activeElement;
        if (isOpen && state.nAsked !== nAsked) {
          // Its keys go from cell to cell from now on.
          node.focus({ preventScroll: true });
          node.scrollIntoView({ block: "nearest" });
        }
        nAsked = state.nAsked;
        if (!isOpen && wasOpen && hadFocus && before instanceof HTMLElement) before.focus({ preventScroll: true });
        wasOpen = isOpen;
      });
    },
  };
}
