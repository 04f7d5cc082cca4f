// What pictures and pages draw of a row: each state in a shape of its own, on a sheet that is saved as on the page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PALETTES } from "../../../kvviz/player/js/colour.js";
import { layoutPlayer } from "../../../kvviz/player/js/layout.js";
import { LIFE_STATES, livesOfSpans } from "../../../kvviz/player/js/lives.js";
import { REST } from "../../../kvviz/player/js/motion.js";
import { paintHistory } from "../../../kvviz/player/js/paint_history.js";
import { sheetMaker } from "../../../kvviz/player/js/svg_sheet.js";

const newSheet = sheetMaker({
  measure: (/** @type {string} */ _font, /** @type {string} */ text) => 7 * text.length,
  depthOf: () => 4, encode: () => "data:", encodeData: () => "data:",
});
const SHAPE = { n_rows: 3, n_steps: 4 };
const { history } = layoutPlayer({ width: 1400, height: 900, both: false, d_head: 32, n_layers: 1, n_heads: 1, ...SHAPE });

/** @param {string} state Of row 0 at step 1; all else is the same. @returns {string[]} The shapes of the picture that is saved. */
function picture(state) {
  const spans = [0, 1, 0, 1, 1, LIFE_STATES.indexOf(/** @type {any} */ (state)), 0, 1, 2, 2, 0, 1, 3, 2, 0, 1];
  const own = livesOfSpans(Int32Array.from(spans), SHAPE.n_rows, SHAPE.n_steps);
  const sheet = newSheet();
  const view = { history, runs: [{ cache: "on", own, cross: null }], step: 3, spot: null, dpr: 1, moment: REST, text: () => "a", palette: { ...PALETTES.light, sans: "" } };
  paintHistory(/** @type {any} */ (sheet), /** @type {any} */ (view));
  return sheet.file(1, 1, "").match(/<(rect|path|circle|line)[^>]*>/g) ?? [];
}

test("of a saved picture every state is a shape of its own, rows that are gone or packed too", () => {
  const empty = picture("absent");
  const shapes = Object.fromEntries(LIFE_STATES.slice(1).map((state) => {
    const left = [...empty];
    return [state, picture(state).filter((shape) => !(left.includes(shape) && left.splice(left.indexOf(shape), 1)))];
  }));
  for (const [state, drawn] of Object.entries(shapes)) assert.ok(drawn.length > 0, state);
  assert.equal(new Set(Object.values(shapes).map((drawn) => drawn.join(""))).size, LIFE_STATES.length - 1);
  // A packed row is a read one with a grid of dots in it; one that is gone has the colour of neither.
  const [frame, ...dots] = shapes.packed;
  assert.deepEqual([frame], shapes.read);
  assert.ok(dots.length >= 1 && dots.every((dot) => dot.includes(' width="1" height="1" ')), dots.join("\n"));
  assert.ok(shapes.evicted.every((shape) => shape.includes(PALETTES.light.evicted)));
  assert.ok(shapes.computed.every((shape) => shape.includes(PALETTES.light.computed)));
});
