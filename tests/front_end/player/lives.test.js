import assert from "node:assert/strict";
import { test } from "node:test";
import { readBuffer } from "../../../kvviz/player/js/buffer.js";
import { lifeReading } from "../../../kvviz/player/js/history.js";
import { lifeReading as readingOf } from "../../../kvviz/player/js/life_words.js";
import { layoutPlayer } from "../../../kvviz/player/js/layout.js";
import { crossLivesOf, lifeUpTo, livesOf, livesOfSpans, stateAt } from "../../../kvviz/player/js/lives.js";
import { paintSteps } from "../../../kvviz/player/js/paint_history.js";
import { cumulativeRows } from "../../../kvviz/player/js/run.js";
import { makeBuffer } from "./fixture.js";

const payload = readBuffer(makeBuffer({ n_prompt: 3, n_steps: 4, caches: ["on", "off"], n_layers: 1, n_heads: 1, n_encoder: 5 }));
const picture = (/** @type {import("../../../kvviz/player/js/lives.js").Lives} */ lives) =>
  Array.from({ length: lives.n_rows }, (_, row) =>
    Array.from({ length: lives.n_steps }, (_, step) => ({ computed: "#", read: "o", absent: "." })[stateAt(lives, row, step)]).join(""),
  );

test("with the cache the lives are an L, without it a full triangle", () => {
  assert.deepEqual(picture(livesOf(payload, "on", { layer: 0, head: 0 })), ["#ooo", "#ooo", "#ooo", ".#oo", "..#o", "...#"]);
  assert.deepEqual(picture(livesOf(payload, "off", { layer: 0, head: 0 })), ["####", "####", "####", ".###", "..##", "...#"]);
});

test("rows of another run are read from the first step on, and no step computed them", () => {
  const lives = livesOfSpans(Int32Array.of(0, 4, 0, 2, 0, 1, 2, 3, 1, 2, 0, 3, 1, 1, 3, 4), 4, 2);
  assert.deepEqual([lives.n_shared, lives.n_read, lives.computed], [2, [2, 3], [1, 2]]);
  const [first, last] = [0, 1].map((step) => readingOf(0, "The", step, stateAt(lives, 0, step), lifeUpTo(lives, 0, step)));
  assert.equal(first, "Step 0 read row 0, The, which another run has computed · computed by another run · read 1 time");
  assert.equal(last, "Step 1 read row 0, The, from the cache · computed by another run · read 2 times");
  assert.deepEqual(lifeUpTo(lives, 3, 1), { computed: [1], n_read: 0, gone: null });
});

test("rows that are read from fewer bits are told as such, and are reads", () => {
  // Step 0 computes 0 and 1; step 1 reads 0 packed and 1 as it was written, and computes 2.
  const lives = livesOfSpans(Int32Array.of(0, 1, 0, 2, 1, 6, 0, 1, 1, 2, 1, 2, 1, 1, 2, 3), 3, 2);
  assert.deepEqual([lives.n_packed, lives.n_read, lives.computed], [[0, 1], [0, 2], [2, 3]]);
  assert.deepEqual([0, 1, 2].map((row) => stateAt(lives, row, 1)), ["packed", "read", "computed"]);
  assert.deepEqual(lifeUpTo(lives, 0, 1), { computed: [0], n_read: 1, gone: null });
  const told = readingOf(0, "The", 1, stateAt(lives, 0, 1), lifeUpTo(lives, 0, 1));
  assert.match(told, /^Step 1 read row 0, The, from what is kept of it in fewer bits or numbers/);
});

test("the rows of the second cache are computed once with it, and at each step without", () => {
  assert.deepEqual(picture(crossLivesOf(payload, "on")), Array(5).fill("#ooo"));
  assert.deepEqual(picture(crossLivesOf(payload, "off")), Array(5).fill("####"));
});

test("the rows computed so far are those of the bill", () => {
  for (const cache of /** @type {const} */ (["on", "off"])) {
    const [own, cross] = [livesOf(payload, cache, { layer: 0, head: 0 }), crossLivesOf(payload, cache)];
    assert.deepEqual(own.computed.map((n, step) => n + cross.computed[step]), cumulativeRows(payload, cache));
  }
});

test("the number of a step stands within the picture and apart from others, of a thousand steps too", () => {
  const written = (/** @type {number} */ n_steps, /** @type {number} */ step) => {
    const { history } = layoutPlayer({ width: 1400, height: 900, both: false, n_rows: n_steps + 7, n_steps, d_head: 32, n_layers: 1, n_heads: 1 });
    /** @type {[string, number, number][]} */
    const texts = [];
    const pen = { measureText: (/** @type {string} */ text) => ({ width: 7 * text.length }), fillText: (/** @type {string} */ text, /** @type {number} */ x) => texts.push([text, x, x + 7 * text.length]) };
    const runs = [{ cache: "on", own: { n_steps }, cross: null }];
    paintSteps(/** @type {any} */ (pen), /** @type {any} */ ({ history, step, runs, palette: {} }), history.grids[0]);
    for (const [text, x, end] of texts) assert.ok(x >= 0 && end <= history.w, `${text} from ${x} to ${end} of ${history.w}`);
    const inLine = [...texts].sort((a, b) => a[1] - b[1]);
    inLine.slice(1).forEach(([, x], i) => assert.ok(x > inLine[i][2], String(inLine)));
    return texts.map(([text]) => text);
  };
  assert.deepEqual(written(1017, 1016), ["1016", "0"]);
  assert.deepEqual(written(1017, 500), ["500", "0", "1016"]);
  assert.deepEqual(written(1017, 930), ["930", "0"]);
  assert.deepEqual(written(12, 5), ["5", "0", "11"]);
  assert.deepEqual(written(1, 0), ["0"]);
});

test("a run that was not made, or has no second cache, has no such lives", () => {
  const alone = readBuffer(makeBuffer({ n_layers: 1, n_heads: 1 }));
  assert.equal(livesOf(alone, "off", { layer: 0, head: 0 }), null);
  assert.equal(crossLivesOf(alone, "on"), null);
});

test("a row's life is told up to a step, in one sentence", () => {
  const lives = livesOf(payload, "on", { layer: 0, head: 0 });
  assert.deepEqual(lifeUpTo(lives, 3, 3), { computed: [1], n_read: 2, gone: null });
  assert.deepEqual(lifeUpTo(lives, 3, 0), { computed: [], n_read: 0, gone: null });
  const spot = (/** @type {number} */ row, /** @type {number} */ column) => ({ part: /** @type {const} */ ("life"), cache: /** @type {const} */ ("on"), row, column });
  assert.equal(lifeReading(lives, spot(3, 3), " a"), "Step 3 read row 3, ␣a, from the cache · computed at step 1 · read 2 times");
  assert.equal(lifeReading(lives, spot(3, 1), " a"), "Step 1 computed row 3, ␣a · computed at step 1");
  assert.equal(lifeReading(lives, spot(5, 1), " a"), "Step 1: position 5 is not there yet");
  assert.equal(lifeReading(livesOf(payload, "off", { layer: 0, head: 0 }), spot(0, 2), "Once"), "Step 2 computed row 0, Once · computed 3 times up to here");
  assert.equal(lifeReading(lives, spot(99, 1), ""), null);
});
