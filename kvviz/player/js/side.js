// Beside the picture: the likely next tokens, and the bill so far with its arithmetic one click away.
import { comparisonLine, curveDescription, fewerRows, figureLabel, savedLine } from "./bill_words.js";
import { el, setAttribute, setText, show, whenChanged } from "./dom.js";
import { figureTag } from "./figure_tag.js";
import { glyphs, inUnit, parted, percent, unitFor, whole } from "./format.js";
import { fullLine, heldAt } from "./named_cache_words.js";
import { shareLabel } from "./number_words.js";
import { CURVE_HEIGHT, paintCurve } from "./paint_small.js";
import { billSide, comparisonAt, mainRun, nextTokens, samplingDiffers, textOfId } from "./run.js";
import { takeButton, takeHint } from "./take_token.js";
import * as words from "./words.js";

/**
 * @import { RunCache } from "./buffer.js"
 * @import { BillSide } from "./run.js"
 * @import { Scene, Part } from "./scene.js"
 * @import { Action } from "./state.js"
 */

export const BARS = 6;
export const FIGURES = /** @type {const} */ (["rows", "cross_rows", "flops", "seconds", "cache_bytes"]);

/** @param {(action: Action) => void} dispatch @returns {Part} */
export function nextBars(dispatch) {
  const after = el("span", { class: "kv-hint" });
  const list = el("ol", { class: "kv-bars" });
  const rows = Array.from({ length: BARS }, (_, number) => {
    // Two parts, so that a token too long for its place can lose its middle and still be read out whole.
    const start = el("span", { class: "kv-bar-start" });
    const end = el("span");
    const token = el("span", { class: "kv-bar-token" }, [start, end]);
    const fill = el("span", { class: "kv-bar-fill" });
    const outline = el("span", { class: "kv-bar-outline" });
    const tag = el("span", { class: "kv-bar-tag" }, [words.LABELS.chosen]);
    const id = `next.${number}`;
    const share = el("button", { type: "button", class: "kv-figure kv-bar-share", "data-open": id, "aria-haspopup": "dialog" });
    share.onclick = () => dispatch({ type: "open", id });
    const take = takeButton(dispatch);
    const row = el("li", { class: "kv-bar" }, [token, el("span", { class: "kv-bar-track" }, [fill, outline, tag]), take.node, share]);
    list.append(row);
    return { row, token, start, end, fill, outline, tag, take, share };
  });
  const note = el("p", { class: "kv-note" }, [words.LABELS.outline]);
  const node = el("section", { class: "kv-next" }, [
    el("div", { class: "kv-title" }, [el("h3", {}, [words.LABELS.next]), figureTag("measured"), after, takeHint()]),
    list,
    note,
  ]);
  const changed = whenChanged();
  const settled = whenChanged();
  return {
    node,
    update(/** @type {Scene} */ scene) {
      const { payload, state, moment, canAsk } = scene;
      const cache = mainRun(state.cache);
      settled([moment.settled], () => list.style.setProperty("--kv-settled", moment.settled.toFixed(3)));
      changed([payload, state.step, cache, canAsk], () => {
        setText(after, words.afterStep(state.step));
        const tokens = nextTokens(payload, cache, state.step, BARS);
        const sampled = samplingDiffers(tokens);
        const most = Math.max(...tokens.map((t) => (sampled ? Math.max(t.prob, t.sampling || 0) : t.prob)), 1e-9);
        show(note, sampled);
        rows.forEach((parts, i) => {
          const token = tokens[i];
          parts.row.style.visibility = token ? "" : "hidden";
          if (!token) return;
          const text = glyphs(textOfId(payload, token.id));
          const [start, end] = parted(text);
          setText(parts.start, start);
          setText(parts.end, end);
          parts.token.title = text;
          parts.take.update(scene, token, text);
          setText(parts.share, percent(token.prob));
          setAttribute(parts.share, "aria-label", shareLabel(text, percent(token.prob)));
          const share = token.prob / most;
          parts.fill.style.width = `${Math.max(0.012, share) * 100}%`;
          const drawn = sampled && token.sampling / most > 0.01;
          show(parts.outline, drawn);
          if (drawn) parts.outline.style.width = `${(token.sampling / most) * 100}%`;
          parts.row.classList.toggle("is-chosen", token.chosen);
          show(parts.tag, token.chosen);
          const inside = Math.max(share, sampled ? token.sampling / most : 0) > 0.55;
          parts.tag.classList.toggle("is-inside", inside && share > 0.55);
          parts.tag.style.left = inside ? "0" : `${Math.max(share, sampled ? token.sampling / most || 0 : 0) * 100}%`;
        });
      });
    },
  };
}

/** @param {(action: Action) => void} dispatch @returns {Part & { canvas: HTMLCanvasElement }} */
export function bill(dispatch) {
  /** @type {Map<string, HTMLButtonElement>} */
  const cells = new Map();
  /** @type {Map<string, HTMLElement>} */
  const names = new Map();
  /** @type {Map<string, HTMLElement>} */
  const lines = new Map();
  const head = {
    on: el("th", { scope: "col" }, [words.LABELS.withCache]),
    off: el("th", { scope: "col" }, [words.LABELS.withoutCache]),
  };
  const bodyRows = FIGURES.map((figure) => {
    const name = el("th", { scope: "row" });
    names.set(figure, name);
    const row = el("tr", {}, [name]);
    for (const side of /** @type {RunCache[]} */ (["on", "off"])) {
      const id = `bill.${figure}.${side}`;
      const cell = el("button", { type: "button", class: "kv-figure", "data-open": id, "aria-haspopup": "dialog" });
      cell.onclick = () => dispatch({ type: "open", id });
      cells.set(`${figure}.${side}`, cell);
      row.append(el("td", {}, [cell]));
    }
    lines.set(figure, row);
    return row;
  });
  const table = el("table", { class: "kv-bill-table" }, [
    el("thead", {}, [el("tr", {}, [el("td"), head.on, head.off])]),
    el("tbody", {}, bodyRows),
  ]);
  const factor = el("span", { class: "kv-hint" });
  const canvas = el("canvas", { class: "kv-curve", role: "img" });
  const curve = el("div", { class: "kv-curve-box" }, [canvas]);
  const formula = el("p", { class: "kv-note" }, [words.LABELS.byFormula]);
  const saved = el("span");
  const savedWhy = el("button", { type: "button", class: "kv-link", "data-open": "saved", "aria-haspopup": "dialog" }, [words.LABELS.arithmetic]);
  savedWhy.onclick = () => dispatch({ type: "open", id: "saved" });
  const savings = el("p", { class: "kv-note kv-saved" }, [saved, " ", savedWhy]);
  const compared = el("span");
  const why = el("button", { type: "button", class: "kv-link", "data-open": "why", "aria-haspopup": "dialog" }, [words.LABELS.whyNotZero]);
  why.onclick = () => dispatch({ type: "open", id: "why" });
  const comparison = el("p", { class: "kv-note" }, [compared, " ", why]);
  const node = el("section", { class: "kv-bill" }, [
    el("div", { class: "kv-title" }, [el("h3", {}, [words.LABELS.bill]), figureTag("counted", "measured"), factor]),
    el("div", { class: "kv-bill-parts" }, [table, curve]), savings, formula, comparison,
  ]);
  const changed = whenChanged();
  const drawn = whenChanged();
  return {
    node,
    canvas,
    update(/** @type {Scene} */ scene) {
      const { payload, state, palette, dpr, layout } = scene;
      changed([payload, state.step, state.cache], () => {
        const sides = { on: billSide(payload, "on", state.step), off: billSide(payload, "off", state.step) };
        const two = payload.header.encoder !== null;
        show(/** @type {HTMLElement} */ (lines.get("cross_rows")), two);
        for (const figure of FIGURES) if (two || figure !== "cross_rows") writeRow(figure, sides, cells, names, scene);
        for (const side of /** @type {RunCache[]} */ (["on", "off"])) {
          head[side].classList.toggle("is-current", state.cache === side || state.cache === "both");
        }
        const [on, off] = [scene.cumulative.on[state.step], scene.cumulative.off[state.step]];
        setText(factor, on > 0 && off > on ? fewerRows(off / on) : "");
        show(formula, sides.on.source === "formula" || sides.off.source === "formula");
        const { savings: without, model } = payload.header;
        const held = heldAt(payload, state.step, scene.facts.n_live);
        const bytes = sides.on.cache_bytes.total ?? 0;
        show(savings, without !== null || held !== null);
        if (held) setText(saved, fullLine(held, bytes));
        else if (without) setText(saved, savedLine(model, without, bytes, state.step));
        setAttribute(savings, "data-plain-bytes", held || without ? String(held?.full ?? without?.plain[state.step]) : null);
        const result = comparisonAt(payload, state.step);
        show(comparison, result !== null);
        if (result) {
          setText(compared, comparisonLine(result));
          show(why, result.difference > 0);
        }
        setAttribute(canvas, "aria-label", curveDescription(on, off));
      });
      const width = curveWidth(layout);
      drawn([payload, state.step, palette, dpr, width], () => {
        curve.style.height = `${CURVE_HEIGHT}px`;
        paintCurve(canvas, { width, ...scene.cumulative, step: state.step, palette, dpr });
      });
    },
  };
}

/**
 * @param {typeof FIGURES[number]} figure @param {{ on: BillSide, off: BillSide }} sides
 * @param {Map<string, HTMLButtonElement>} cells @param {Map<string, HTMLElement>} names @param {Scene} scene
 */
function writeRow(figure, sides, cells, names, { state, payload }) {
  const kind = figure === "cache_bytes" ? "bytes" : figure === "rows" || figure === "cross_rows" ? null : figure;
  const totalOf = (/** @type {RunCache} */ cache) => sides[cache][figure]?.total ?? null;
  const unit = kind ? unitFor(kind, totalOf("on"), totalOf("off")) : null;
  const label = {
    rows: payload.header.encoder ? words.LABELS.selfRows : words.LABELS.rows,
    cross_rows: words.LABELS.crossRows,
    flops: unit?.name ?? "",
    seconds: `${words.LABELS.time}, ${unit?.name}`,
    cache_bytes: `${words.LABELS.bytes}, ${unit?.name}`,
  }[figure];
  setText(/** @type {HTMLElement} */ (names.get(figure)), label);
  for (const cache of /** @type {RunCache[]} */ (["on", "off"])) {
    const cell = /** @type {HTMLButtonElement} */ (cells.get(`${figure}.${cache}`));
    const side = sides[cache];
    const total = totalOf(cache);
    const text = total === null ? words.LABELS.notRun : unit ? inUnit(total, unit) : whole(total);
    const formula = side.source === "formula" && total !== null;
    const written = formula ? `${text} ƒ` : text;
    setText(cell, written);
    cell.classList.toggle("is-formula", side.source === "formula");
    cell.classList.toggle("is-current", state.cache === cache || state.cache === "both");
    cell.classList.toggle("is-rows", kind === null);
    setAttribute(cell, "aria-label", figureLabel(label, cache, written, formula));
  }
}

/**
 * As wide as its place in player.css.
 * @param {import("./layout.js").Layout} layout @returns {number}
 */
function curveWidth({ mode, content }) {
  if (mode === "narrow") return Math.floor(content);
  return Math.floor(mode === "medium" ? content / 2 - 20 : (((content - 40) * 7) / 12 - 32) / 2);
}
