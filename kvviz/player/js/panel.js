// One run's panel: K and V grids and the attention pattern on shared rows, and the line that reads them.
import { el, pointOn, setAttribute, setText, show, whenChanged } from "./dom.js";
import { decoderSpot } from "./cross.js";
import { crossPanel } from "./cross_panel.js";
import { figureTag } from "./figure_tag.js";
import { lifeReading } from "./history.js";
import { groupOf } from "./kv_heads.js";
import { hasPickerInTitle } from "./layout.js";
import { paintHeat } from "./paint_heat.js";
import { paintKv } from "./paint_kv.js";
import { hitHeat, hitKv, windowStart } from "./pictures_layout.js";
import { weightMade } from "./row_making.js";
import { attention, attentionRow, isSpecial, kvNumber, partingRow, rowsCompared, rowState, stepFacts, tokenText } from "./run.js";
import { LABELS as MAKING } from "./making_words.js";
import { whyUnseen } from "./unseen.js";
import * as words from "./words.js";

/**
 * @import { Payload, RunCache } from "./buffer.js"
 * @import { Several } from "./picture.js"
 * @import { Scene, Part } from "./scene.js"
 * @import { Action, Spot, State } from "./state.js"
 * @import { StepFacts } from "./run.js"
 * @import { PanelView } from "./paint_kv.js"
 */

/** Width of K and V from which their title has room for a few more words. */
const ROOM_FOR_HINT = 400;

/**
 * @param {RunCache} cache @param {(action: Action) => void} dispatch
 * @returns {Part & Several & { picker: HTMLElement }}
 */
export function panel(cache, dispatch) {
  const kvCanvas = el("canvas", { class: "kv-canvas", role: "img" });
  const heatCanvas = el("canvas", { class: "kv-canvas", role: "img" });
  const picker = el("span", { class: "kv-picker-slot" });
  const hint = el("span", { class: "kv-hint" }, [words.LABELS.patternHint]);
  const same = el("span", { class: "kv-hint kv-same" });
  const kvTitle = el("h3", {}, [words.LABELS.kv]);
  const heatTitle = el("h3", {}, [words.LABELS.pattern]);
  const kvBox = el("div", { class: "kv-part kv-part-kv" }, [
    el("div", { class: "kv-title" }, [kvTitle, figureTag("measured"), same]),
    kvCanvas,
  ]);
  const heatBox = el("div", { class: "kv-part kv-part-heat" }, [
    el("div", { class: "kv-title" }, [heatTitle, figureTag("measured"), hint, picker]),
    heatCanvas,
  ]);
  const reading = el("p", { class: "kv-reading" });
  const making = el("button", { type: "button", class: "kv-link kv-making-open" }, [MAKING.open]);
  making.addEventListener("click", () => {
    if (!scene) return;
    const query = scene.payload.header.n_prompt + scene.state.step - 1;
    const row = attentionRow(scene.payload, cache, scene.state.layer, scene.state.head, query);
    if (row) dispatch({ type: "cell", cell: { cross: false, query, key: row.indexOf(Math.max(...row)) } });
  });
  const below = el("div", { class: "kv-below" }, [reading, making]);
  const body = el("div", { class: "kv-panel-body" }, [kvBox, heatBox, below]);
  const cross = crossPanel(cache, dispatch);
  const node = el("section", { class: "kv-panel", "data-run": cache }, [body, cross.node]);

  /** @type {Scene | null} */
  let scene = null;
  let first = 0;
  const bounds = (/** @type {PointerEvent | WheelEvent} */ event, /** @type {HTMLCanvasElement} */ canvas) => pointOn(event, canvas);
  const kvSpot = (/** @type {PointerEvent} */ event) => {
    if (!scene) return null;
    const { x, y } = bounds(event, kvCanvas);
    const { n_rows, model } = scene.payload.header;
    return hitKv(scene.layout.kv, n_rows, model.d_head, first, x, y);
  };
  const moveWindow = (/** @type {number} */ row) => dispatch({ type: "window", row });
  let panning = false;
  kvCanvas.addEventListener("pointermove", (event) => {
    const hit = kvSpot(event);
    if (panning && hit) return moveWindow(hit.row);
    if (!hit || hit.part === "overview") return dispatch({ type: "hover", spot: null });
    dispatch({ type: "hover", spot: { part: hit.part, cache, row: hit.row, column: hit.column } });
  });
  kvCanvas.addEventListener("pointerdown", (event) => {
    const hit = kvSpot(event);
    if (hit?.part !== "overview") return;
    panning = true;
    kvCanvas.setPointerCapture(event.pointerId);
    moveWindow(hit.row);
  });
  kvCanvas.addEventListener("pointerup", () => (panning = false));
  kvCanvas.addEventListener("click", (event) => {
    const hit = kvSpot(/** @type {PointerEvent} */ (event));
    if (!hit || hit.part === "overview") return;
    dispatch({ type: "pin", spot: { part: hit.part, cache, row: hit.row, column: hit.column } });
  });
  kvCanvas.addEventListener(
    "wheel",
    (event) => {
      if (!scene || scene.layout.kv.mode !== "window" || event.ctrlKey) return;
      const { n_rows } = scene.payload.header;
      const by = Math.sign(event.deltaY) * Math.max(1, Math.round(Math.abs(event.deltaY) / 30));
      const middle = first + Math.floor(scene.layout.kv.n_visible * 0.72);
      const to = Math.min(Math.max(0, middle + by), n_rows - 1);
      // At either end the page scrolls on.
      if (windowStart(scene.layout.kv, n_rows, to) === first) return;
      event.preventDefault();
      moveWindow(to);
    },
    { passive: false },
  );
  const heatSpot = (/** @type {PointerEvent} */ event) => {
    if (!scene) return null;
    const { x, y } = bounds(event, heatCanvas);
    const hit = hitHeat(scene.layout.heat, scene.payload.header.n_rows, x, y);
    if (!hit) return null;
    const row = hit.row < 0 ? scene.payload.header.n_prompt + scene.state.step - 1 : hit.row;
    return /** @type {Spot} */ ({ part: "pattern", cache, row, column: hit.column });
  };
  heatCanvas.addEventListener("pointermove", (event) => dispatch({ type: "hover", spot: heatSpot(event) }));
  heatCanvas.addEventListener("click", (event) => {
    const spot = heatSpot(/** @type {PointerEvent} */ (event));
    if (!spot || spot.column === null) return;
    dispatch({ type: "pin", spot });
    dispatch({ type: "cell", cell: { cross: false, query: spot.row, key: spot.column } });
  });
  for (const canvas of [kvCanvas, heatCanvas]) {
    canvas.addEventListener("pointerleave", () => dispatch({ type: "hover", spot: null }));
  }

  const readingChanged = whenChanged();
  const kvChanged = whenChanged();
  const heatChanged = whenChanged();
  const placed = whenChanged();
  const compared = whenChanged();

  return {
    node,
    picker,
    draw(scene, newSheet) {
      const [kv, heat] = [newSheet(), newSheet()];
      const view = viewOf(scene, stepFacts(scene.payload, cache, scene.state));
      paintKv(kv, view);
      paintHeat(heat, view);
      return [kv, heat, ...cross.draw(scene, newSheet)];
    },
    update(/** @type {Scene} */ next) {
      scene = next;
      const { payload, state, layout, palette, dpr, moment } = next;
      const facts = stepFacts(payload, cache, state);
      const view = viewOf(next, facts);
      const { spot } = view;
      first = view.first;
      placed([payload, layout, state.cache], () => {
        setText(kvTitle, layout.cross ? words.LABELS.selfKv : words.LABELS.kv);
        setText(heatTitle, layout.cross ? words.LABELS.selfPattern : words.LABELS.pattern);
        show(hint, layout.heat.w >= 330 && !hasPickerInTitle(layout));
        body.style.columnGap = `${layout.gap}px`;
        kvBox.style.width = layout.besides ? `${layout.kv.w}px` : "";
        heatBox.style.width = layout.besides ? `${layout.heat.w}px` : "";
      });
      compared([payload, layout, state.step, state.cache], () => {
        const room = layout.bands || layout.kv.w >= ROOM_FOR_HINT;
        const rows = state.cache === "both" && room ? rowsCompared(payload, facts.n_rows) : null;
        setText(same, rows ? words.drawnOnce(rows, facts.n_rows) : "");
        setAttribute(same, "data-difference", rows && String(rows.difference));
      });
      const keys = [payload, state.step, state.layer, state.head, palette, dpr, layout, first, spot, moment];
      kvChanged(keys, () => paintKv(kvCanvas, view));
      heatChanged(keys, () => paintHeat(heatCanvas, view));
      readingChanged([payload, state.step, state.layer, state.head, spot, state.pin], () => {
        const text = readingOf({ ...next, spot }, cache, facts);
        setText(reading, text ?? words.LABELS.readHint);
        reading.classList.toggle("is-reading", text !== null);
        reading.classList.toggle("is-pinned", text !== null && state.pin !== null && state.hover === null);
      });
      cross.update(next, facts);
      setAttribute(kvCanvas, "aria-label", words.kvDescription(state.layer, state.head, groupOf(payload, state.head), facts));
      setAttribute(heatCanvas, "aria-label", words.patternDescription(state.layer, state.head, facts.n_rows));
    },
  };
}

/** @param {Scene} scene @param {StepFacts} facts Of the panel's run. @returns {PanelView} */
function viewOf(scene, facts) {
  const { payload, state, layout, theme, palette, dpr, moment, store } = scene;
  const { kv, heat } = layout;
  return {
    payload, facts, layer: state.layer, head: state.head, theme, palette, dpr, kv, heat, moment, store,
    first: kv.mode === "window" ? windowStart(kv, payload.header.n_rows, windowRow(scene, facts)) : 0,
    spot: decoderSpot(scene.spot),
    parted: state.cache === "both" ? partingRow(payload) : Infinity,
  };
}

/** @param {Scene} scene @param {StepFacts} facts @returns {number} */
function windowRow({ state, spot }, facts) {
  // A row pointed at in the strip or the pattern is brought into the window; one pointed at in the
  // window itself must not make it jump.
  if (state.windowRow !== null) return state.windowRow;
  if (spot && spot.part === "pattern" && spot.row < facts.n_rows && state.pin !== null) return spot.row;
  if (spot && spot.part === "row" && state.pin !== null && state.hover === null) return spot.row;
  return facts.n_rows - 1;
}

/** @param {Payload} payload @param {State} state @param {number} row @returns {string[]} Where both runs are on show: how their rows agree. */
function bothWays(payload, state, row) {
  const difference = payload.header.comparison?.row_differences[row];
  if (state.cache !== "both" || difference === undefined) return [];
  return [words.rowCompared(difference, row >= partingRow(payload))];
}

/** @param {Scene} scene @param {RunCache} cache @param {StepFacts} facts @returns {string | null} */
function readingOf({ payload, state, spot, lives }, cache, facts) {
  if (!spot) return null;
  const { layer, head } = state;
  const text = (/** @type {number} */ row) => tokenText(payload, cache, row);
  if (spot.part === "life") return lifeReading(lives[spot.cache]?.own ?? null, spot, text(spot.row));
  const special = isSpecial(payload, cache, spot.row) ? [words.LABELS.special] : [];
  const rowWords = [words.rowReading(spot.row, text(spot.row), rowState(facts, spot.row)), ...special, ...bothWays(payload, state, spot.row)].join(" · ");
  if (spot.row >= facts.n_rows) return rowWords;
  if (spot.part !== "pattern" && rowState(facts, spot.row) === "evicted") {
    return lifeReading(lives[cache]?.own ?? null, { ...spot, column: state.step }, text(spot.row));
  }
  if (spot.part === "pattern" && spot.column !== null) {
    if (spot.column >= facts.n_rows) return words.rowReading(spot.column, "", "absent");
    const weight = attention(payload, cache, layer, head, spot.row, spot.column);
    const why = spot.column > spot.row ? "later" : whyUnseen(payload, cache, state, spot.row, spot.column);
    if (weight === null) return words.maskedReading(text(spot.row), text(spot.column), why ?? "later", facts.window);
    const made = weightMade(payload, { cache, cross: false, layer, head, query: spot.row, key: spot.column });
    return words.attentionReading(text(spot.row), text(spot.column), made ?? weight, layer, head);
  }
  if ((spot.part === "keys" || spot.part === "values") && spot.column !== null) {
    const number = kvNumber(payload, cache, spot.part, layer, head, spot.row, spot.column);
    return number === null ? rowWords : `${rowWords} · ${words.numberReading(spot.part, spot.column, number)}`;
  }
  const weight = attention(payload, cache, layer, head, facts.n_rows - 1, spot.row);
  return weight === null ? rowWords : `${rowWords} · ${words.attentionReading(text(facts.n_rows - 1), text(spot.row), weight, layer, head)}`;
}
