// The second cache of an encoder-decoder, from its buffer to the sentence that says a step.
import assert from "node:assert/strict";
import { test } from "node:test";
import { billExplanation } from "../../../kvviz/player/js/bill_words.js";
import { readBuffer } from "../../../kvviz/player/js/buffer.js";
import { BufferError } from "../../../kvviz/player/js/packed_buffer.js";
import { crossFacts, crossRow, crossSide, decoderSpot, encoderSpot, namedColumns, patternSpot } from "../../../kvviz/player/js/cross.js";
import { layoutPlayer } from "../../../kvviz/player/js/layout.js";
import { hitCrossHeat } from "../../../kvviz/player/js/pictures_layout.js";
import { billSide, cumulativeRows, kvNumber, rowState, stepFacts, tokenText } from "../../../kvviz/player/js/run.js";
import * as words from "../../../kvviz/player/js/words.js";
import { makeBuffer } from "./fixture.js";

const N = 9;
const options = { n_prompt: 1, n_steps: 6, n_layers: 2, n_heads: 4, n_kv_heads: 2, d_head: 6, n_encoder: N };
const both = readBuffer(makeBuffer({ ...options, caches: ["on", "off"] }));
const plainRun = readBuffer(makeBuffer());

test("a buffer without an encoder has none, and its steps no second cache", () => {
  assert.equal(plainRun.header.encoder, null);
  assert.equal(stepFacts(plainRun, "on", { step: 3, layer: 0, head: 0 }).cross, null);
  assert.equal(billSide(plainRun, "on", 3).cross_rows, null);
  assert.ok(!words.plain(words.stepSentence(stepFacts(plainRun, "on", { step: 3, layer: 0, head: 0 }))).includes("cross"));
});

test("cross rows are computed at the first step and reused at all others, or computed always", () => {
  for (let step = 0; step < 6; step++) {
    const crossOf = (/** @type {"on" | "off"} */ cache) => {
      const { n_rows, n_computed, n_reused, states } = stepFacts(both, cache, { step, layer: 0, head: 0 }).cross;
      return [n_rows, n_computed, n_reused, ...states];
    };
    assert.deepEqual(crossOf("on"), step ? [N, 0, N, ...Array(N).fill(2)] : [N, N, 0, ...Array(N).fill(1)]);
    assert.deepEqual(crossOf("off"), [N, N, 0, ...Array(N).fill(1)]);
  }
  assert.equal(billSide(both, "on", 5).cross_rows?.total, N);
  assert.equal(billSide(both, "off", 5).cross_rows?.total, 6 * N);
  assert.deepEqual(cumulativeRows(both, "on"), [1 + N, 2 + N, 3 + N, 4 + N, 5 + N, 6 + N]);
  assert.equal(cumulativeRows(both, "off")[5], 21 + 6 * N);
});

test("the sentence of a step says both caches", () => {
  const say = (/** @type {"on" | "off"} */ cache, /** @type {number} */ step) => words.plain(words.stepSentence(stepFacts(both, cache, { step, layer: 0, head: 0 })));
  assert.match(say("on", 0), /1 row computed.*9 cross rows computed/);
  assert.match(say("on", 2), /1 row computed, 2 rows reused, 9 cross rows reused/);
  assert.match(say("off", 2), /3 rows computed, 0 rows reused, 9 cross rows computed/);
  assert.match(words.plain(words.bothSentence(stepFacts(both, "on", { step: 2, layer: 0, head: 0 }), stepFacts(both, "off", { step: 2, layer: 0, head: 0 }))), /0 with, 9 without/);
});

test("the arithmetic of the second cache gives its figures", () => {
  const { model, encoder } = both.header;
  assert.equal(billExplanation("cross_rows", billSide(both, "on", 3), model, 1, 3, encoder).lines[0], "9 + 0 + 0 + 0 = 9 rows");
  assert.equal(billExplanation("cross_rows", billSide(both, "off", 3), model, 1, 3, encoder).lines[0], "9 + 9 + 9 + 9 = 36 rows");
  const bytes = billExplanation("cache_bytes", billSide(both, "on", 3), model, 1, 3, encoder).lines[1];
  assert.equal(bytes, "192 B × (4 + 9) rows of both caches = 2,496 B");
});

test("the rows of the input are drawn as rows of a run of their own", () => {
  const side = crossSide(both);
  assert.equal(crossSide(both), side, "made once");
  assert.equal(side.header.n_rows, N);
  assert.equal(tokenText(side, "off", 2), both.header.encoder?.tokens[2].text);
  const keys = both.arrays.get("on.cross_keys.1");
  const at = (1 * N + 4) * 6 + 5;
  assert.equal(kvNumber(side, "on", "keys", 1, 3, 4, 5), (Number(keys?.data[at]) * 2) / 127);
  assert.equal(rowState(crossFacts(stepFacts(both, "on", { step: 3, layer: 0, head: 0 })), N - 1), "reused");
  assert.equal(rowState(crossFacts(stepFacts(both, "on", { step: 0, layer: 0, head: 0 })), N - 1), "computed");
  assert.equal(crossRow(both, "on", 1, 2, 3)?.length, N);
  const sum = [.../** @type {Uint8Array} */ (crossRow(both, "on", 1, 2, 3))].reduce((a, b) => a + b, 0);
  assert.ok(Math.abs(sum - 255) <= N / 2, "each weight is rounded by at most half");
  assert.equal(crossRow(plainRun, "on", 0, 0, 0), null);
});

test("a place in one cache is found again in the other", () => {
  const spot = (/** @type {any} */ part, row = 3, column = /** @type {number | null} */ (5)) => ({ part, cache: /** @type {const} */ ("on"), row, column });
  assert.deepEqual(decoderSpot(spot("cross-pattern")), spot("row", 3, null));
  assert.equal(decoderSpot(spot("cross-keys")), null);
  assert.deepEqual(decoderSpot(spot("pattern")), spot("pattern"));
  assert.deepEqual(encoderSpot(spot("cross-pattern")), spot("row", 5, null));
  assert.deepEqual(encoderSpot(spot("cross-values")), spot("values"));
  assert.equal(encoderSpot(spot("keys")), null);
  assert.deepEqual(patternSpot(spot("cross-pattern")), { row: 3, column: 5 });
  assert.deepEqual(patternSpot(spot("cross-row")), { row: null, column: 3 });
  assert.deepEqual(patternSpot(spot("keys")), { row: 3, column: null });
});

test("the second cache stands inside the panel at any width and length", () => {
  for (const width of [300, 390, 700, 1000, 1400]) {
    for (const n_encoder of [1, 9, 60, 500]) {
      for (const twice of [false, true]) {
        const layout = layoutPlayer({ width, both: twice, n_rows: 17, n_steps: 9, d_head: 32, n_layers: 6, n_heads: 8, n_encoder });
        const { kv, heat } = /** @type {NonNullable<typeof layout.cross>} */ (layout.cross);
        const lives = layout.bands ? layout.history.w + layout.gap : 0;
        const all = lives + (layout.besides ? kv.w + layout.gap + heat.w : Math.max(kv.w, heat.w));
        assert.ok(all <= layout.content + 0.01, `${width} ${n_encoder} ${twice}: ${all}`);
        const { grid } = heat;
        assert.deepEqual(hitCrossHeat(heat, 17, n_encoder, grid.x + grid.w - 0.1, grid.y + grid.h - 0.1), { row: 16, column: n_encoder - 1 });
        assert.equal(hitCrossHeat(heat, 17, n_encoder, grid.x - 2, grid.y + 1), null);
      }
    }
  }
  assert.equal(layoutPlayer({ width: 1000, both: false, n_rows: 17, n_steps: 9, d_head: 32, n_layers: 6, n_heads: 8 }).cross, null);
});

test("a second cache that contradicts itself is refused in words", () => {
  /** @type {[(header: any) => void, RegExp][]} */
  const spoils = [
    [(h) => (h.encoder.tokens = []), /read nothing/],
    [(h) => delete h.encoder.flops, /encoder lacks flops/],
    [(h) => (h.encoder.tokens[1].text = 5), /no text/],
    [(h) => (h.runs[0].n_cross_reused[2] = 1), /cross-attention rows.*computed 0 and reused 1 of 9/],
    [(h) => delete h.runs[0].n_cross_computed, /runs lacks n_cross_computed/],
    [(h) => (h.counted.off.cross_rows = [1]), /counted.off.cross_rows/],
    [(h) => (h.arrays.find((/** @type {any} */ a) => a.name === "on.cross_pattern.0").name = "other"), /lacks on.cross_pattern.0/],
  ];
  for (const [change, message] of spoils) {
    assert.throws(() => readBuffer(makeBuffer({ ...options, change })), (error) => {
      assert.ok(error instanceof BufferError, `${error}`);
      assert.match(error.message, message);
      return true;
    });
  }
});

test("where not all columns have room for their names, sentinels have it first", () => {
  const names = ["a", "b", "c", "<extra_id_0>", "d", "e", "f", "<extra_id_1>", "<extra_id_2>"];
  assert.deepEqual([...namedColumns(names, 1)].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual([...namedColumns(names, 2)].sort(), [0, 3, 5, 7]);
  assert.deepEqual([...namedColumns(["a", "b", "c", "d", "e"], 2)].sort(), [0, 2, 4]);
});
