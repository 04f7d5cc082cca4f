// The attention patterns side by side: which head is drawn, both halves, all heads, and what is pointed at.
import { gradient } from "../../../../player/js/colour.js";
import { el } from "../../../../player/js/dom.js";
import { gettext } from "../../../../player/js/translation.js";
import { saveButtons } from "../../../../player/js/element_picture.js";
import { makingFigure } from "../../../../player/js/making_figure.js";
import { makingShares, shareExplanation } from "../../../../player/js/making_shares.js";
import { LABELS as MAKING, where } from "../../../../player/js/making_words.js";
import { waiting } from "../../../../player/js/words.js";
import { patternOf, within } from "./buffer.js";
import { bar, card, key, readingLine, say } from "./card.js";
import { HALVES_GAP } from "./geometry.js";
import { HeadsRow } from "./heads_row.js";
import { allowedColour } from "./paint.js";
import { PatternHalf } from "./pattern_half.js";
import { keptSentence, rowMaking } from "./row_subject.js";
import { SIDES, litPositions } from "./scene.js";
import { lookOf, lookText, named } from "./words.js";

/**
 * @import { RowMaking } from "../../../../player/js/row_making.js"
 * @import { Header, Look, Place } from "./buffer.js"
 * @import { HalfCalls } from "./pattern_half.js"
 * @import { Cell, Scene, View } from "./scene.js"
 * @import { Which } from "./words.js"
 * @typedef {import("../../../../player/js/making_figure.js").MakingCalls & { open: (which: Which | null) => void }} MakingCalls
 * @typedef {Record<Which, { query: number[], key: number[] }>} Lines Positions that are pointed at, a side.
 */

export class PatternsCard {
  /** @param {Header} header @param {(wish: Partial<View>) => void} choose @param {HalfCalls & MakingCalls} calls */
  constructor(header, choose, calls) {
    this.choose = choose;
    this.reading = readingLine();
    this.scale = el("i", { class: "kt-scale" });
    const most = (/** @type {"n_layers" | "n_heads"} */ what) => Math.max(header.left[what], header.right[what]);
    const names = { layer: gettext("layer"), head: gettext("head") };
    this.layer = this.picker("layer", names.layer, most("n_layers"));
    this.head = this.picker("head", names.head, most("n_heads"));
    this.looks = [this.segment("attention", gettext("Attention")), this.segment("mask", gettext("Mask"))];
    this.halves = SIDES.map((which) => new PatternHalf(header[which], which, calls));
    this.heads = header.veiled ? [] : SIDES.map((which) => new HeadsRow(header[which], which, choose));
    /** @type {{ making: RowMaking, key: number } | null} What is on show. */
    this.shown = null;
    this.shares = makingShares((share, button) => {
      if (this.shown) calls.explain(button, shareExplanation(share, this.shown.making, this.shown.key));
    });
    this.making = makingFigure(calls, { shares: this.shares.node });
    this.making.node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      calls.close();
    });
    const open = el("button", { class: "kt-link", type: "button", hidden: header.veiled, "data-no-picture": "" }, [MAKING.open]);
    open.addEventListener("click", () => calls.open(null));
    const tools = [
      el("label", {}, [`${names.layer} `, this.layer]),
      el("label", {}, [`${names.head} `, this.head]),
      el("span", { class: "kt-segments", role: "group", "aria-label": gettext("What is drawn") }, this.looks),
      saveButtons(gettext("Attention pattern"), "kvviz-bert-gpt2-patterns", () => this.root),
    ];
    this.weights = el("span", {}, [`${gettext("weight")} 0 `, this.scale, " 1"]);
    this.allowed = key("kt-key-allowed", gettext("allowed"));
    const legend = el("p", { class: "kt-legend" }, [
      this.weights,
      this.allowed,
      key("kt-key-forbidden", gettext("forbidden by the mask")),
    ]);
    const children = [
      bar(gettext("Attention pattern"), gettext("row = the token that looks, column = the token looked at"), tools),
      beside(this.halves.map((half) => half.parts)),
      el("div", { class: "kt-foot" }, [legend, el("div", { class: "kt-reads" }, [this.reading, open])]),
      this.making.node,
    ];
    if (this.heads.length) {
      const note = gettext("click one to see it above in both models; arrow keys step through them");
      children.push(bar(gettext("All heads"), note, [], "kt-bar-heads"), beside(this.heads.map((heads) => [heads.title, heads.root])));
    }
    this.root = card(children, "attention-twins");
  }

  /** @param {"layer" | "head"} what @param {string} name @param {number} count @returns {HTMLSelectElement} */
  picker(what, name, count) {
    const options = Array.from({ length: count }, (_, i) => el("option", { value: i }, [String(i)]));
    const select = el("select", { class: "kt-select", "aria-label": name }, options);
    select.addEventListener("change", () => this.choose({ [what]: Number(select.value) }));
    return select;
  }

  /** @param {Look} look @param {string} words @returns {HTMLButtonElement} */
  segment(look, words) {
    const button = el("button", { class: "kt-segment", type: "button", "data-look": look }, [words]);
    button.addEventListener("click", () => this.choose({ look }));
    return button;
  }

  /** @param {Scene} scene */
  paint(scene) {
    for (const part of [...this.halves, ...this.heads]) part.paint(scene);
    this.scale.style.background = gradient(scene.ink.theme);
    this.root.style.setProperty("--kt-allowed", allowedColour(scene.ink.theme));
    this.layer.value = String(scene.view.layer);
    this.head.value = String(scene.view.head);
    this.weights.hidden = scene.view.look === "mask";
    this.allowed.hidden = scene.view.look !== "mask";
    for (const button of this.looks) button.setAttribute("aria-pressed", String(button.dataset.look === scene.view.look));
  }

  /** @param {Scene} scene @param {Cell} cell */
  light(scene, cell) {
    const { query, key } = cell;
    const { members } = scene.tokens;
    const of = (/** @type {Which} */ which) => ({
      query: query === null ? [] : members[which][query],
      key: key === null ? [] : members[which][key],
    });
    const lines = { left: of("left"), right: of("right") };
    for (const half of this.halves) half.light(scene, lines[half.which], litPositions(scene.tokens, half.which, cell));
    const told = query !== null && key !== null && !scene.payload.header.veiled;
    say(this.reading, told ? lookedText(scene, lines) : "");
    const missing = SIDES.find((which) => !patternOf(scene.payload, which, within(scene.payload.header[which], scene.view).layer));
    if (missing && !scene.payload.header.veiled) say(this.reading, waiting("layer", scene.view.layer));
  }

  /** @param {Scene} scene @param {Place | null} place @param {boolean} isAsked Shows how a row is made, or nothing. */
  open({ payload, view, place: geometry, ink }, place, isAsked) {
    const making = place && rowMaking(payload, place, view);
    this.shown = making && { making, key: place.key };
    if (!place || !making) return this.making.draw(null);
    this.shares.tell(making, place.key);
    const side = payload.header[place.which];
    const { layer, head } = within(side, view);
    const text = (/** @type {number} */ row) => side.tokens[row];
    this.making.draw({
      making, query: place.query, key: place.key, layer, head, text, asks: text(place.query), fresh: true,
      where: `${side.name} · ${where(layer, head)}`,
      kept: keptSentence(side, place), hooks: { side: place.which }, ...ink,
      width: geometry.stacked ? geometry.column : 2 * geometry.column + HALVES_GAP, besides: !geometry.stacked,
    }, isAsked);
  }
}

/** @param {Node[][]} halves @returns {HTMLElement} */
function beside(halves) {
  return el("div", { class: "kt-halves" }, halves.map((parts) => el("div", { class: "kt-half" }, parts)));
}

/** @param {Scene} scene @param {Lines} lines @returns {string} */
function lookedText({ payload, view }, lines) {
  const naming = lines.left.query.length && lines.left.key.length ? "left" : "right";
  const { query, key } = lines[naming];
  const side = payload.header[naming];
  const both = SIDES.map((which) =>
    lookText(payload.header[which], lookOf(payload, which, view, lines[which].query, lines[which].key)));
  const said = { query: named(side, query), key: named(side, key), weights: both.join(" · ") };
  // Translators: One token looks at another; what of the weights: "GPT-2 12 % · BERT 3 %".
  return gettext("{query} looks at {key}: {weights}", said);
}
