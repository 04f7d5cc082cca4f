// One level deeper in the making of a row: how its query, its key or its value came about. And one level
// on: what its mix becomes. Both from what the model was seen to do, fetched for the head on show.
import { el, pointOn, setAttribute, setText, show, whenChanged } from "./dom.js";
import { ROW_PARTS, largestAt, normAt, originAt, rowOrigin, streamAt, sumOf, turnAt } from "./head_origin.js";
import * as words from "./origin_words.js";
import { columnsOf, hitOrigin, originLayout, paintBecoming, paintOrigin } from "./paint_origin.js";
import { mixOfHead } from "./row_making.js";
import { mainRun } from "./run.js";

/**
 * @import { Cell } from "./buffer.js"
 * @import { HeadOrigin, RowOrigin, RowPart } from "./head_origin.js"
 * @import { Scene } from "./scene.js"
 * @import { Action, State } from "./state.js"
 *
 * @typedef {object} Told What the panel above tells of its cell.
 * @property {string} asks Token that looks.
 * @property {string} asked Token that is looked at.
 * @property {boolean} fresh Whether the key and the value were computed at this step.
 * @property {number} width
 */

const NAMED = 4;

/** @param {(action: Action) => void} dispatch */
export function originPanel(dispatch) {
  const choices = /** @type {const} */ ([...ROW_PARTS, "becoming"]).map((what) => {
    const button = el("button", { type: "button", class: "kv-segment", "data-further": what, "aria-expanded": "false" }, [words.LABELS[what]]);
    button.onclick = () => dispatch({ type: "further", what });
    return button;
  });
  const title = el("h4");
  const hint = el("span", { class: "kv-hint" });
  const waiting = el("p", { class: "kv-making-waiting", role: "status", hidden: true }, [words.LABELS.asking]);
  const refused = el("p", { class: "kv-making-line", hidden: true });
  const canvas = el("canvas", { class: "kv-canvas", role: "img" });
  const line = el("p", { class: "kv-making-line kv-making-sum" });
  const stages = el("p", { class: "kv-making-line kv-making-sum", hidden: true });
  const all = el("button", { type: "button", class: "kv-link", "aria-expanded": "false" }, [words.LABELS.all]);
  const list = el("ol", { class: "kv-making-products", tabindex: 0, "aria-label": words.LABELS.everyProduct, hidden: true });
  const note = el("p", { class: "kv-note" });
  const section = el("section", { class: "kv-making-further", role: "group", tabindex: -1, hidden: true }, [
    el("div", { class: "kv-title" }, [title, hint]), waiting, refused, canvas, line, stages, all, list, note,
  ]);
  const node = el("div", { class: "kv-making-level" }, [
    el("div", { class: "kv-segments", role: "group", "aria-label": words.LABELS.further }, choices), section,
  ]);

  /** @type {Scene | null} */
  let scene = null;
  /** @type {Told | null} */
  let told = null;
  /** @type {RowOrigin | null} */
  let origin = null;
  /** @type {number | null} Number of the row that a person has chosen; else the largest is looked at. */
  let chosen = null;
  /** @type {number | null} */
  let at = null;
  let isWhole = false;
  /** @type {State["further"]} */
  let was = null;
  const made = whenChanged();

  canvas.addEventListener("pointermove", (event) => {
    if (!origin || !told) return;
    const { x, y } = pointOn(event, canvas);
    const { entered, row } = origin;
    const hit = hitOrigin(originLayout(told.width, row.length, columnsOf(origin).length), entered.length, row.length, x, y);
    if (!hit) return;
    [chosen, at] = [hit.number, hit.at];
    draw();
  });
  canvas.addEventListener("pointerleave", () => {
    at = null;
    draw();
  });
  all.onclick = () => {
    isWhole = !isWhole;
    draw();
  };
  section.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || !origin || event.ctrlKey || event.metaKey || event.altKey) return;
    const n = origin.row.length;
    chosen = ((chosen ?? largestAt(origin.row)) + by + n) % n;
    at = null;
    draw();
    event.preventDefault();
    event.stopPropagation();
  });

  function draw() {
    if (!scene || !told || !scene.state.cell || !scene.state.further) return;
    const { payload, state } = scene;
    const { further } = state;
    const cell = /** @type {Cell} */ (state.cell);
    const place = { cache: mainRun(state.cache), layer: state.layer, head: state.head, cross: cell.cross };
    const found = originAt(payload, place);
    const isHere = found !== null && found.refused === "";
    show(waiting, found === null && scene.canAsk);
    show(refused, !isHere && (found !== null || !scene.canAsk));
    setText(refused, found?.refused || words.notCarried(payload));
    const isRow = further !== "becoming";
    setText(hint, isRow && isHere ? words.LABELS.numbers : words.LABELS.back);
    if (isRow) drawRow(/** @type {RowPart} */ (further), cell, isHere ? found : null);
    else drawBecoming(cell, isHere ? found : null);
    setAttribute(section, "aria-label", `${title.textContent}. ${hint.textContent}`);
    setAttribute(canvas, "aria-label", [line, stages].filter((one) => !one.hidden).map((one) => one.textContent).join(". "));
  }

  /** @param {RowPart} part @param {Cell} cell @param {HeadOrigin | null} found */
  function drawRow(part, { query, key, cross }, found) {
    const { theme, palette, dpr, canAsk } = /** @type {Scene} */ (scene);
    const { asks, asked, fresh, width } = /** @type {Told} */ (told);
    const row = part === "query" ? query : key;
    setText(title, words.title(part, part === "query" ? asks : asked, row));
    made([found, part, row], () => {
      origin = found && rowOrigin(found, part, row);
      list.replaceChildren();
    });
    for (const one of [canvas, line, all, note]) show(one, origin !== null);
    show(list, origin !== null && isWhole);
    show(stages, origin !== null && (origin.norm ?? origin.turn) !== null);
    const { state } = /** @type {Scene} */ (scene);
    Object.assign(section.dataset, { kvviz: "row-origin", layer: state.layer, head: state.head, part, row, cross });
    for (const name of ["within", "number", "sum"]) delete section.dataset[name];
    if (!origin) return;
    const number = Math.min(chosen ?? largestAt(origin.row), origin.row.length - 1);
    const sum = sumOf(origin, number, NAMED);
    paintOrigin(canvas, { width, theme, palette, dpr }, { origin, part, encoder: cross && part !== "query", sum, number, at, fresh: part === "query" || fresh });
    const pointed = at === null ? undefined : [...sum.named, ...sum.others].find((term) => term.at === at);
    setText(line, [words.sumLine(sum, number), pointed ? words.termLine(pointed) : ""].filter(Boolean).join(" · "));
    const [norm, turn] = [normAt(origin, number), turnAt(origin, number)];
    setText(stages, [norm && words.normLine(norm), turn && words.turnLine(turn, row)].filter(Boolean).join(" · "));
    setText(all, isWhole ? words.LABELS.fewer : words.LABELS.all);
    setAttribute(all, "aria-expanded", String(isWhole));
    if (isWhole) list.replaceChildren(...[...sum.named, ...sum.others].map((term) => el("li", {}, [words.termLine(term)])));
    setText(note, [words.originPrecision(origin), canAsk || !found ? "" : words.carried(found)].filter(Boolean).join(" "));
    Object.assign(section.dataset, { within: origin.within, number, sum: origin.row[number] });
  }

  /** @param {Cell} cell @param {HeadOrigin | null} found */
  function drawBecoming(cell, found) {
    const { payload, state, theme, palette, dpr, canAsk } = /** @type {Scene} */ (scene);
    const { asks, width } = /** @type {Told} */ (told);
    origin = null;
    setText(title, words.becomingTitle(asks, cell.query));
    for (const one of [canvas, line]) show(one, true);
    for (const one of [stages, all, list]) show(one, false);
    const place = { cache: mainRun(state.cache), layer: state.layer, ...cell };
    const mixes = Array.from({ length: payload.header.model.n_heads }, (_, head) => mixOfHead(payload, { ...place, head }));
    paintBecoming(canvas, { width, theme, palette, dpr }, { mixes, head: state.head, stream: found && streamAt(found, cell.query), isNormed: found?.added_is_normed ?? false });
    setText(line, words.becomingLine(found?.added_is_normed ?? false));
    show(note, found !== null && !canAsk);
    setText(note, found ? words.carried(found) : "");
    Object.assign(section.dataset, { kvviz: "mix-becoming", layer: state.layer, head: state.head, row: cell.query, cross: cell.cross });
    for (const name of ["within", "number", "sum", "part"]) delete section.dataset[name];
  }

  return {
    node,
    /** @param {Scene} next @param {Told | null} cell Null where none is on show. */
    update(next, cell) {
      scene = next;
      told = cell;
      const further = cell ? next.state.further : null;
      for (const button of choices) {
        const isOn = button.dataset.further === further;
        setAttribute(button, "aria-expanded", String(isOn));
      }
      const hadFocus = section.contains(document.activeElement);
      show(section, further !== null);
      if (further !== was) {
        chosen = at = null;
        if (further !== null && choices.includes(/** @type {HTMLButtonElement} */ (document.activeElement))) {
          section.focus({ preventScroll: true });
          section.scrollIntoView({ block: "nearest" });
        }
        if (further === null && hadFocus && cell) choices.find((button) => button.dataset.further === was)?.focus({ preventScroll: true });
      }
      was = further;
      draw();
    },
  };
}
