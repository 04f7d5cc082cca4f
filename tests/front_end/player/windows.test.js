import assert from "node:assert/strict";
import { test } from "node:test";
import { billExplanation, savedExplanation, savedLine } from "../../../kvviz/player/js/bill_words.js";
import { BufferError } from "../../../kvviz/player/js/packed_buffer.js";
import { readBuffer } from "../../../kvviz/player/js/buffer.js";
import { triangleWords } from "../../../kvviz/player/js/images.js";
import { groupOf, groupsOf, kvHead, sharedKvHead } from "../../../kvviz/player/js/kv_heads.js";
import { isOneLife, lifeUpTo, livesOf, stateAt } from "../../../kvviz/player/js/lives.js";
import { entropyBits, heaviest, rowMaking } from "../../../kvviz/player/js/row_making.js";
import { attention, billSide, fittingView, rowState, rowStretches, stepFacts } from "../../../kvviz/player/js/run.js";
import { initialState, reduce } from "../../../kvviz/player/js/state.js";
import { forgets, nearestSeen, unseenBy, whyUnseen, windowOf } from "../../../kvviz/player/js/unseen.js";
import { lifeReading } from "../../../kvviz/player/js/life_words.js";
import { bothSentence, maskedReading, plain, stepSentence, tableCaption } from "../../../kvviz/player/js/words.js";
import { entropyExplanation, weightExplanation } from "../../../kvviz/player/js/number_words.js";
import { keptLine, unseenLine } from "../../../kvviz/player/js/making_words.js";
import { makeBuffer } from "./fixture.js";

// Four prompt tokens, eight steps; the first and last layer see 3 positions, and three query heads read a KV head.
const SHAPE = { n_prompt: 4, n_steps: 8, n_layers: 3, n_heads: 6, n_kv_heads: 2, d_head: 4, windows: [3, 0, 3] };
const RUN = readBuffer(makeBuffer({ ...SHAPE, caches: ["on", "off"] }));
const PLAIN = readBuffer(makeBuffer({ n_prompt: 4, n_steps: 8, n_layers: 2 }));

test("a row of a layer with a window is computed, read, and gone; elsewhere it stays", () => {
  const windowed = livesOf(RUN, "on", { layer: 0, head: 5 });
  assert.deepEqual([0, 1, 2, 3].map((step) => stateAt(windowed, 2, step)), ["computed", "read", "evicted", "evicted"]);
  assert.deepEqual(lifeUpTo(windowed, 2, 7), { computed: [0], n_read: 1, gone: 2 });
  assert.deepEqual(lifeUpTo(windowed, 2, 1), { computed: [0], n_read: 1, gone: null });
  const whole = livesOf(RUN, "on", { layer: 1, head: 0 });
  assert.deepEqual(lifeUpTo(whole, 2, 7), { computed: [0], n_read: 7, gone: null });
  // Two layers of one life are unpacked once.
  assert.equal(livesOf(RUN, "on", { layer: 2, head: 0 }), windowed);
  assert.deepEqual([isOneLife(RUN, "on"), isOneLife(RUN, "off"), isOneLife(PLAIN, "on")], [false, true, true]);
});

test("a step's facts are those of the layer on show, and complete", () => {
  for (const layer of [0, 1, 2]) {
    for (let step = 0; step < 8; step++) {
      const facts = stepFacts(RUN, "on", { step, layer, head: 4 });
      assert.equal(facts.n_computed + facts.n_reused + facts.n_evicted, 4 + step);
      assert.equal(facts.n_evicted, layer === 1 || step === 0 ? 0 : step + 1);
      assert.deepEqual(facts.group, { kv: 1, first: 3, last: 5 });
    }
  }
  const facts = stepFacts(RUN, "on", { step: 5, layer: 0, head: 0 });
  assert.deepEqual([5, 6, 7, 8, 9].map((row) => rowState(facts, row)), ["evicted", "reused", "reused", "computed", "absent"]);
  assert.deepEqual(rowStretches(facts), [
    { state: "evicted", first: 0, end: 6 }, { state: "reused", first: 6, end: 8 }, { state: "computed", first: 8, end: 9 },
  ]);
  assert.equal(stepFacts(RUN, "off", { step: 5, layer: 0, head: 0 }).n_evicted, 0);
});

test("a pattern has no cell where the window hid a row, nor where the row was gone", () => {
  const place = { layer: 0, head: 2 };
  // Queries 0 to 3 are of the prefill: the rows were there, and the mask hid them.
  assert.deepEqual(unseenBy(RUN, "on", place, 3), [{ first: 0, end: 1, why: "window" }]);
  assert.deepEqual(unseenBy(RUN, "on", place, 6), [{ first: 0, end: 4, why: "evicted" }]);
  // Without the cache every row is there at every step.
  assert.deepEqual(unseenBy(RUN, "off", place, 6), [{ first: 0, end: 4, why: "window" }]);
  assert.deepEqual(unseenBy(RUN, "on", { layer: 1, head: 2 }, 6), []);
  assert.deepEqual([windowOf(RUN, 0), windowOf(RUN, 1), windowOf(PLAIN, 0)], [3, null, null]);
  assert.deepEqual([forgets(RUN, "on", place), forgets(RUN, "on", { layer: 1, head: 0 }), forgets(RUN, "off", place)], [true, false, false]);
  for (let query = 0; query < 11; query++) {
    for (let key = 0; key <= query; key++) {
      const isSeen = query - key < 3;
      assert.equal(attention(RUN, "on", 0, 2, query, key) !== null, isSeen, `${query}.${key}`);
      assert.equal(whyUnseen(RUN, "on", place, query, key) === null, isSeen);
      assert.notEqual(attention(RUN, "on", 1, 2, query, key), null);
    }
  }
});

test("a picture of a pattern leaves the places of cells it does not have empty, at any size", () => {
  const unseen = [[], [], [], [{ first: 0, end: 1, why: "window" }], [{ first: 0, end: 2, why: "evicted" }]];
  const table = new Uint32Array(256).fill(7);
  for (const side of [5, 10]) {
    const words = triangleWords(new Uint8Array(15).fill(9), 0, 5, side, table, unseen);
    const at = (/** @type {number} */ row, /** @type {number} */ column) => words[((row * side) / 5) * side + (column * side) / 5];
    assert.deepEqual([at(3, 0), at(3, 1), at(4, 0), at(4, 1), at(4, 2)], [0, 7, 0, 0, 7]);
  }
  // Smaller than the run: a pixel is empty only where none of its cells was seen.
  const small = triangleWords(new Uint8Array(15).fill(9), 0, 5, 2, table, unseen.map((spans, row) => (row < 3 ? spans : [{ first: 0, end: 3, why: "evicted" }])));
  assert.deepEqual([...small], [7, 0, 0, 7]);
});

test("the making of a row is made of the keys that it saw, and of no others", () => {
  const making = rowMaking(RUN, { cache: "on", cross: false, layer: 0, head: 2, query: 6, key: 5 });
  assert.deepEqual(making.seen, [4, 5, 6]);
  assert.ok([0, 1, 2, 3].every((key) => Number.isNaN(making.scores[key]) && making.weights[key] === 0));
  assert.ok(Math.abs(making.weights.reduce((a, b) => a + b, 0) - 1) < 1e-12);
  const whole = rowMaking(RUN, { cache: "on", cross: false, layer: 1, head: 2, query: 6, key: 5 });
  assert.equal(whole.seen.length, 7);
  const { shown, others } = heaviest(making, 6, 5);
  assert.deepEqual([shown, others], [[4, 5, 6], null]);
  const mixed = making.mix.map((_, i) => [4, 5, 6].reduce((sum, key) => sum + making.weights[key] * making.values[key][i], 0));
  assert.deepEqual([...making.mix], [...mixed]);
  assert.ok(entropyBits(making.weights) <= Math.log2(3) + 1e-12);
  assert.match(entropyExplanation(making).lines.join(), /with 3 rows it can be 1\.58 bits/);
  assert.match(weightExplanation(making, 5).lines.join(), /of all 3 rows: [^N]*$/m);
});

test("a cell stays one that the query sees, wherever one goes", () => {
  const at = (/** @type {object} */ view) => ({ ...initialState(RUN), ...fittingView(RUN, { step: 7, layer: 1, head: 0, cache: "on", cell: null, ...view }) });
  const far = at({ cell: { cross: false, query: 8, key: 1 } });
  assert.deepEqual(far.cell, { cross: false, query: 8, key: 1 });
  // Another layer does not have it: the nearest that it has is shown.
  assert.deepEqual(reduce(far, { type: "layer", to: 0 }, RUN, false).cell, { cross: false, query: 8, key: 6 });
  assert.deepEqual(reduce(far, { type: "pick", layer: 2, head: 3 }, RUN, false).cell, { cross: false, query: 8, key: 6 });
  assert.equal(at({ layer: 0, cell: { cross: false, query: 8, key: 1 } }).cell, null);
  const near = at({ layer: 0, cell: { cross: false, query: 8, key: 6 } });
  assert.deepEqual(reduce(near, { type: "cell-by", query: 0, key: -1 }, RUN, false).cell, { cross: false, query: 8, key: 6 });
  assert.deepEqual(reduce(near, { type: "cell-by", query: 1, key: 0 }, RUN, false).cell, { cross: false, query: 9, key: 7 });
  assert.equal(reduce(near, { type: "cell", cell: { cross: false, query: 8, key: 2 } }, RUN, false).cell, null);
  assert.equal(nearestSeen(RUN, "on", { layer: 0, head: 0 }, 8, 0), 6);
});

test("query heads that share a KV head are told together", () => {
  assert.deepEqual([0, 2, 3, 5].map((head) => kvHead(RUN, head)), [0, 0, 1, 1]);
  assert.deepEqual(groupOf(RUN, 4), { kv: 1, first: 3, last: 5 });
  assert.deepEqual(groupsOf(RUN), [{ kv: 0, first: 0, last: 2 }, { kv: 1, first: 3, last: 5 }]);
  assert.deepEqual([groupOf(PLAIN, 1), groupsOf(PLAIN), sharedKvHead(PLAIN, 1)], [null, [], null]);
});

test("the sentence says what was evicted, in which layer, and who reads the rows", () => {
  const at = (/** @type {number} */ layer, /** @type {number} */ step) => stepFacts(RUN, "on", { step, layer, head: 1 });
  assert.equal(
    plain(stepSentence(at(0, 5))),
    "Decode step 5 of 7, fed 1 token, 1 row computed, 2 rows reused, 6 rows evicted, in layer 0, a window of 3, query heads 0–2 read KV head 0.",
  );
  assert.match(plain(stepSentence(at(1, 5))), /8 rows reused, in layer 1, without a window, query heads 0–2/);
  assert.match(plain(stepSentence(stepFacts(PLAIN, "on", { step: 3, layer: 0, head: 0 }))), /6 rows reused, in every layer and head\.$/);
  const off = stepFacts(RUN, "off", { step: 5, layer: 0, head: 1 });
  assert.match(plain(bothSentence(at(0, 5), off)), /9 rows without, 6 rows evicted, in layer 0/);
  assert.equal(
    tableCaption({ step: 5, layer: 0, head: 1, cache: "on" }, at(0, 5)),
    "Step 5, layer 0, head 1, with the cache · a window of 3 positions · query heads 0–2 read KV head 0",
  );
  const life = lifeUpTo(livesOf(RUN, "on", { layer: 0, head: 0 }), 3, 7);
  assert.equal(lifeReading(3, "x", 7, "evicted", life), "Row 3, x: computed at step 0, read 2 times, out of the window from step 3 on");
  assert.match(maskedReading("a", "b", "evicted", 3), /no longer there/);
  assert.match(maskedReading("a", "b", "window", 3), /outside the layer’s window of 3/);
  assert.match(maskedReading("a", "b", "later", null), /comes later/);
  assert.match(keptLine({ query: 5, key: 3 }, life, true, true), /read 2 times since, with the very same bits\. From step 3 on the row is no longer there\./);
  assert.equal(unseenLine([{ n: 1, why: "window" }, { n: 4, why: "evicted" }]), "1 earlier row lies outside the layer’s window. 4 earlier rows were no longer there when it asked.");
});

test("the bill says what sharing and windows save, and how the bytes come about", () => {
  const { model, savings } = RUN.header;
  const side = billSide(RUN, "on", 7);
  // 11 rows in one layer and 2 in each of two; a row of two KV heads takes 2 x 2 x 4 x 4 bytes.
  assert.equal(side.cache_bytes.total, (11 + 2 + 2) * 64);
  assert.equal(savings.plain[7], 3 * 11 * 64 * 3);
  assert.match(savedLine(model, savings, 960, 7), /^With a KV head for each query head and no windows: 6\.34 kB ƒ, 6\.6× as much$/);
  const told = savedExplanation(model, savings, 960, 7);
  assert.deepEqual(told.lines, [
    "After this step the cache takes 960 B.",
    "With 6 KV heads a layer, one for each query head, in place of 2: 2,880 B, 3.0× as much.",
    "With every row kept in every layer: 2,112 B, 2.2× as much.",
    "With both: 6,336 B, 6.6× as much.",
  ]);
  assert.deepEqual(billExplanation("cache_bytes", side, model, 4, 7).lines, [
    "2 × 2 KV heads × 4 numbers × 4 B = 64 B a row of a layer",
    "1 layer without a window: 11 rows",
    "2 layers with a window of 3: 2 rows each, what the next query can see",
    "64 B × 15 rows = 960 B",
  ]);
  assert.match(billExplanation("flops", side, model, 4, 7).lines.join("\n"), /window of w positions n is q \+ w − 1 at most/);
  const grouped = readBuffer(makeBuffer({ ...SHAPE, windows: undefined }));
  assert.match(savedLine(grouped.header.model, grouped.header.savings, 100, 0), /^With a KV head for each query head: /);
  const windowed = readBuffer(makeBuffer({ ...SHAPE, n_kv_heads: 6 }));
  assert.match(savedLine(windowed.header.model, windowed.header.savings, 100, 0), /^Without windows: /);
  assert.equal(savedExplanation(windowed.header.model, windowed.header.savings, 100, 0).lines.length, 2);
  assert.equal(PLAIN.header.savings, null);
});

test("lives that contradict themselves or their counts are refused", () => {
  const spoilt = (/** @type {(data: Int32Array) => void} */ change, name = "on.lives") => {
    const buffer = readBuffer(makeBuffer(SHAPE));
    const fresh = makeBuffer(SHAPE);
    const { offset, shape } = buffer.header.arrays.find((entry) => entry.name === name);
    const start = 4 + new DataView(fresh.buffer, fresh.byteOffset).getUint32(0, true);
    change(new Int32Array(fresh.buffer, fresh.byteOffset + start + offset, shape.reduce((a, b) => a * b, 1)));
    return () => readBuffer(fresh);
  };
  const width = 5;
  // A row less is gone, then nobody knows what became of it.
  const lastGone = (/** @type {Int32Array} */ data) => {
    for (let at = 0; at < data.length; at += width) if (data[at + 2] === 3) return void (data[at + 4] -= 1);
  };
  assert.throws(spoilt(lastGone), BufferError);
  assert.throws(spoilt((data) => (data[0] = 2)), BufferError);
  assert.throws(spoilt((data) => (data[2] = 4)), BufferError);
  assert.throws(spoilt((data) => (data[0] = 2), "on.life_of"), BufferError);
  assert.throws(spoilt((data) => (data[0] = -1), "on.life_of"), BufferError);
  spoilt(() => {})();
});
