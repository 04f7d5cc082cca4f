// The second cache of an encoder-decoder: its K and V grids, its attention pattern, and the line that reads them.
import { el, pointOn, setAttribute, setText, show, whenChanged } from "./dom.js";
import { crossFacts, crossRow, crossSide, encoderSpot, patternSpot } from "./cross.js";
import * as crossWords from "./cross_words.js";
import { figureTag } from "./figure_tag.js";
import { lifeReading } from "./history.js";
import { hitCrossHeat, hitKv, windowStart } from "./pictures_layout.js";
import { paintCrossHeat } from "./paint_cross.js";
import { paintKv } from "./paint_kv.js";
import { weightMade } from "./row_making.js";
import { kvNumber, rowState, stepFacts, tokenText } from "./run.js";
import * as words from "./words.js";

/**
 * @import { RunCache } from "./buffer.js"
 * @import { CrossView } from "./paint_cross.js"
 * @import { PanelView } from "./paint_kv.js"
 * @import { Several } from "./picture.js"
 * @import { Scene } from "./scene.js"
 * @import { Action, Spot } from "./state.js"
 * @import { StepFacts } from "./run.js"
 */

/**
 * @param {RunCache} cache @param {(action: Action) => void} dispatch
 * @returns {Several & { node: HTMLElement, update: (scene: Scene, facts: StepFacts) => void }}
 */
export function crossPanel(cache, dispatch) {
  const kvCanvas = el("canvas", { class: "kv-canvas", role: "img" });
  const heatCanvas = el("canvas", { class: "kv-canvas", role: "img" });
  const hint = el("span", { class: "kv-hint" }, [words.LABELS.crossHint]);
  const kvBox = el("div", { class: "kv-part kv-part-kv" }, [
    el("div", { class: "kv-title" }, [el("h3", {}, [words.LABELS.crossKv]), figureTag("measured")]),
    kvCanvas,
  ]);
  const heatBox = el("div", { class: "kv-part kv-part-heat" }, [
    el("div", { class: "kv-title" }, [el("h3", {}, [words.LABELS.crossPattern]), figureTag("measured"), hint]),
    heatCanvas,
  ]);
  const reading = el("p", { class: "kv-reading" });
  const node = el("div", { class: "kv-panel-body kv-cross", hidden: true }, [kvBox, heatBox, reading]);
  /** @type {Scene | null} */
  let scene = null;
  let first = 0;
  let windowRow = 0;
  let inside = false;
  const at = (/** @type {PointerEvent} */ event, /** @type {HTMLCanvasElement} */ canvas) => pointOn(event, canvas);
  /** @param {PointerEvent} event @returns {Spot | null} */
  const kvSpot = (event) => {
    if (!scene?.layout.cross) return null;
    const { x, y } = at(event, kvCanvas);
    const { n_rows, model } = crossSide(scene.payload).header;
    const hit = hitKv(scene.layout.cross.kv, n_rows, model.d_head, first, x, y);
    if (!hit) return null;
    const part = hit.part === "overview" ? "row" : hit.part;
    if (hit.part === "overview" && event.buttons) windowRow = hit.row;
    return { part: /** @type {Spot["part"]} */ (`cross-${part}`), cache, row: hit.row, column: hit.column };
  };
  /** @param {PointerEvent} event @returns {Spot | null} */
  const heatSpot = (event) => {
    if (!scene?.layout.cross) return null;
    const { x, y } = at(event, heatCanvas);
    const { payload, state } = scene;
    const { n_rows, n_prompt } = payload.header;
    const hit = hitCrossHeat(scene.layout.cross.heat, n_rows, crossSide(payload).header.n_rows, x, y);
    if (!hit) return null;
    return { part: "cross-pattern", cache, row: hit.row < 0 ? n_prompt + state.step - 1 : hit.row, column: hit.column };
  };
  for (const [canvas, spotOf] of /** @type {const} */ ([[kvCanvas, kvSpot], [heatCanvas, heatSpot]])) {
    const hover = (/** @type {PointerEvent} */ event) => {
      inside = canvas === kvCanvas;
      dispatch({ type: "hover", spot: spotOf(event) });
    };
    canvas.addEventListener("pointermove", hover);
    canvas.addEventListener("pointerdown", hover);
    canvas.addEventListener("pointerleave", () => {
      inside = false;
      dispatch({ type: "hover", spot: null });
    });
    canvas.addEventListener("click", (event) => {
      const spot = spotOf(/** @type {PointerEvent} */ (event));
      if (!spot) return;
      dispatch({ type: "pin", spot });
      if (canvas === heatCanvas && spot.column !== null) dispatch({ type: "cell", cell: { cross: true, query: spot.row, key: spot.column } });
    });
  }
  const placed = whenChanged();
  const kvChanged = whenChanged();
  const heatChanged = whenChanged();
  const readingChanged = whenChanged();
  return {
    node,
    draw(scene, newSheet) {
      if (!scene.layout.cross) return [];
      const [kv, heat] = [newSheet(), newSheet()];
      const views = viewsOf(scene, stepFacts(scene.payload, cache, scene.state), windowRow);
      paintKv(kv, views.kv);
      paintCrossHeat(heat, views.heat);
      return [kv, heat];
    },
    update(next, facts) {
      scene = next;
      const { payload, state, layout, palette, dpr, moment, spot } = next;
      show(node, layout.cross !== null);
      if (!layout.cross) return;
      const { kv, heat } = layout.cross;
      placed([layout], () => {
        node.style.columnGap = `${layout.gap}px`;
        kvBox.style.width = layout.besides ? `${kv.w}px` : "";
        heatBox.style.width = layout.besides ? `${heat.w}px` : "";
        show(hint, heat.w >= 330);
      });
      const inInput = encoderSpot(spot);
      // A place pointed at elsewhere is brought into the window; one in the window must not make it jump.
      if (inInput && !inside) windowRow = inInput.row;
      const views = viewsOf(next, facts, windowRow);
      first = views.kv.first;
      const keys = [payload, state.step, state.layer, state.head, palette, dpr, layout, spot, first, moment];
      kvChanged(keys, () => paintKv(kvCanvas, views.kv));
      heatChanged(keys.slice(0, -1), () => paintCrossHeat(heatCanvas, views.heat));
      readingChanged([payload, state.step, state.layer, state.head, spot, state.pin], () => {
        const text = readingOf(next, cache, facts);
        setText(reading, text ?? "");
        reading.classList.toggle("is-reading", text !== null);
        reading.classList.toggle("is-pinned", text !== null && state.pin !== null && state.hover === null);
      });
      setAttribute(kvCanvas, "aria-label", crossWords.crossKvDescription(state.layer, state.head, facts));
      setAttribute(heatCanvas, "aria-label", crossWords.crossPatternDescription(state.layer, state.head, facts.n_rows, crossSide(payload).header.n_rows));
    },
  };
}

/**
 * @param {Scene} scene @param {StepFacts} facts Of the panel's run. @param {number} windowRow Row that the K/V window is to show.
 * @returns {{ kv: PanelView, heat: CrossView }}
 */
function viewsOf({ payload, state, layout, theme, palette, dpr, moment, spot, crossStore }, facts, windowRow) {
  const { kv, heat } = /** @type {NonNullable<typeof layout.cross>} */ (layout.cross);
  const side = crossSide(payload);
  const shared = { layer: state.layer, head: state.head, theme, palette, dpr, store: crossStore };
  const first = kv.mode === "window" ? windowStart(kv, side.header.n_rows, windowRow) : 0;
  return {
    kv: { ...shared, payload: side, facts: crossFacts(facts), kv, heat: layout.heat, first, spot: encoderSpot(spot), parted: Infinity, moment },
    heat: { ...shared, payload, facts, heat, spot },
  };
}

/** @param {Scene} scene @param {RunCache} cache @param {StepFacts} facts @returns {string | null} */
function readingOf({ payload, state, spot, lives }, cache, facts) {
  if (!spot?.part.startsWith("cross-")) return null;
  if (spot.part === "cross-life") return lifeReading(lives[spot.cache]?.cross ?? null, spot, payload.header.encoder?.tokens[spot.row]?.text ?? "");
  const { layer, head } = state;
  const side = crossSide(payload);
  const input = (/** @type {number} */ row) => tokenText(side, cache, row);
  if (spot.part === "cross-pattern") {
    const { row, column } = patternSpot(spot);
    if (row === null || column === null) return null;
    if (row >= facts.n_rows) return words.rowReading(row, "", "absent");
    const weights = crossRow(payload, cache, layer, head, row);
    const made = weightMade(payload, { cache, cross: true, layer, head, query: row, key: column });
    return weights && words.attentionReading(tokenText(payload, cache, row), input(column), made ?? weights[column] / 255, layer, head);
  }
  const rowWords = crossWords.inputReading(spot.row, input(spot.row), rowState(crossFacts(facts), spot.row));
  if (spot.column === null) return rowWords;
  const part = spot.part === "cross-keys" ? "keys" : "values";
  const number = kvNumber(side, cache, part, layer, head, spot.row, spot.column);
  return number === null ? rowWords : `${rowWords} · ${words.numberReading(part, spot.column, number)}`;
}
