import assert from "node:assert/strict";
import { test } from "node:test";
import { readBuffer } from "../../../kvviz/player/js/buffer.js";
import { kvHead } from "../../../kvviz/player/js/kv_heads.js";
import {
  attention, attentionRow, availableCaches, billSide, comparisonAt, cumulativeRows, fittingView, isSpecial, kvNumber, nextTokens, partingRow, rowsCompared, rowState,
  samplingDiffers, stepFacts, textOfId, tokenText, triangleStart,
} from "../../../kvviz/player/js/run.js";
import { makeBuffer } from "./fixture.js";

const P = 7;
const N = 16;
const both = readBuffer(makeBuffer({ caches: ["on", "off"] }));
const single = readBuffer(makeBuffer());

test("prefill computes the prompt's rows; each decode step one row, and reuses all before it", () => {
  for (let step = 0; step < N; step++) {
    const facts = stepFacts(both, "on", { step, layer: 0, head: 0 });
    assert.equal(facts.kind, step === 0 ? "prefill" : "decode");
    assert.equal(facts.n_computed, step === 0 ? P : 1);
    assert.equal(facts.n_reused, step === 0 ? 0 : P + step - 1);
    assert.equal(facts.n_rows, P + step);
    for (let row = 0; row < P + N - 1; row++) {
      const expected = row >= P + step ? "absent" : step === 0 || row === P + step - 1 ? "computed" : "reused";
      assert.equal(rowState(facts, row), expected, `step ${step}, row ${row}`);
    }
  }
});

test("without the cache every step computes every row", () => {
  for (let step = 0; step < N; step++) {
    const facts = stepFacts(both, "off", { step, layer: 0, head: 0 });
    assert.equal(facts.n_computed, P + step);
    assert.equal(facts.n_reused, 0);
    assert.equal(rowState(facts, 0), "computed");
    assert.equal(rowState(facts, P + step), "absent");
  }
});

test("a token that stands for no text is marked wherever it is named", () => {
  const id = single.header.tokens[1].id;
  const plain = tokenText(single, "on", 1);
  const marked = { ...single, header: { ...single.header, special_ids: [id] } };
  assert.equal(tokenText(marked, "on", 1), `◇${plain}`);
  assert.equal(textOfId(marked, id), `◇${textOfId(single, id)}`);
  assert.deepEqual([isSpecial(marked, "on", 1), isSpecial(single, "on", 1)], [true, false]);
});

test("the bill sums the steps so far, and cache bytes are a level, not a sum", () => {
  const on = billSide(both, "on", 5);
  const off = billSide(both, "off", 5);
  assert.equal(on.rows.total, 12);
  assert.deepEqual(on.rows.terms, [7, 1, 1, 1, 1, 1]);
  assert.equal(off.rows.total, 7 + 8 + 9 + 10 + 11 + 12);
  assert.equal(on.cache_bytes.total, 12 * 2 * 6 * 8 * 32 * 4);
  assert.equal(off.cache_bytes.total, 0);
  assert.ok(on.source === "run" && off.source === "run");
});

test("a side that was not run is counted by formula and has no time", () => {
  const off = billSide(single, "off", 5);
  assert.equal(off.source, "formula");
  assert.equal(off.rows.total, 57);
  assert.equal(off.seconds.total, null);
  assert.deepEqual(cumulativeRows(single, "off").slice(0, 3), [7, 15, 24]);
  assert.deepEqual(cumulativeRows(single, "on").slice(0, 3), [7, 8, 9]);
});

test("the views on offer are those of the runs that are there", () => {
  assert.deepEqual(availableCaches(single), ["on"]);
  assert.deepEqual(availableCaches(both), ["on", "off", "both"]);
});

test("attention is read from the packed triangle; above the diagonal there is nothing", () => {
  const { data, shape } = both.arrays.get("on.pattern.2");
  assert.equal(triangleStart(4), 10);
  assert.equal(attention(both, "on", 2, 3, 4, 1), data[3 * shape[1] + 11] / 255);
  assert.equal(attention(both, "on", 2, 3, 4, 5), null);
  assert.equal(attention(both, "on", 2, 3, 99, 5), null);
  assert.equal(attention(single, "off", 2, 3, 4, 1), null);
  assert.deepEqual([...attentionRow(both, "on", 2, 3, 4)], [...data.subarray(3 * shape[1] + 10, 3 * shape[1] + 15)]);
  for (let row = 0; row < 22; row++) {
    const sum = attentionRow(both, "on", 0, 0, row).reduce((a, b) => a + b, 0) / 255;
    // Each of the row's weights is rounded to 1/255, so that a row may miss 1 by half that a cell.
    assert.ok(Math.abs(sum - 1) <= ((row + 1) * 0.5) / 255, `row ${row} sums to ${sum}`);
  }
});

test("query heads that stand together share a K/V head, and numbers are scaled by it", () => {
  const shared = readBuffer(makeBuffer({ n_heads: 6, n_kv_heads: 2, n_layers: 1, d_head: 4 }));
  assert.deepEqual([0, 1, 2, 3, 4, 5].map((head) => kvHead(shared, head)), [0, 0, 0, 1, 1, 1]);
  const { data } = shared.arrays.get("on.keys.0");
  const scale = shared.arrays.get("on.key_scale.0").data[1];
  assert.equal(kvNumber(shared, "on", "keys", 0, 4, 2, 3), (data[(22 + 2) * 4 + 3] * scale) / 127);
  assert.equal(kvNumber(shared, "on", "keys", 5, 4, 2, 3), null);
});

test("the chosen token is always among the next tokens, also when it was an unlikely draw", () => {
  const sampled = readBuffer(makeBuffer({ choice: "sampled" }));
  for (let step = 0; step < N; step++) {
    for (const count of [1, 2, 7, 50]) {
      const rows = nextTokens(sampled, "on", step, count);
      assert.equal(rows.filter((row) => row.chosen).length, 1);
      assert.ok(rows.length <= count);
    }
  }
  assert.equal(samplingDiffers(nextTokens(sampled, "on", 2, 7)), true);
  assert.equal(samplingDiffers(nextTokens(single, "on", 2, 7)), false, "taking the most likely is no draw");
});

test("the comparison says how many tokens agree so far and where the runs part", () => {
  assert.equal(comparisonAt(single, 3), null);
  assert.deepEqual(comparisonAt(both, 0), { n_same: 1, parted: false, difference: 4e-7, dtype: "float32" });
  const parting = readBuffer(makeBuffer({ caches: ["on", "off"], same: false }));
  assert.equal(comparisonAt(parting, N - 2).parted, false);
  assert.deepEqual({ ...comparisonAt(parting, N - 1), difference: 0 }, { n_same: N - 1, parted: true, difference: 0, dtype: "float32" });
  assert.notEqual(tokenText(parting, "on", P + N - 1), tokenText(parting, "off", P + N - 1));
  assert.equal(tokenText(parting, "on", 3), tokenText(parting, "off", 3));
});

test("a view from outside is brought within the run", () => {
  assert.deepEqual(fittingView(single, { step: 99, layer: -4, head: 3.5, cache: "both" }), { step: 15, layer: 0, head: 0, cache: "on", cell: null });
  const one = readBuffer(makeBuffer({ layers: [4] }));
  assert.deepEqual(fittingView(one, { step: 2, layer: 1, head: 7, cache: "on" }), { step: 2, layer: 4, head: 7, cache: "on", cell: null });
});

test("rows of both runs are compared as long as they are of the same tokens", () => {
  const { n_prompt } = both.header;
  const parting = readBuffer(makeBuffer({ caches: ["on", "off"], same: false }));
  assert.equal(partingRow(both), Infinity);
  assert.deepEqual(rowsCompared(both, 4), { difference: 3e-7, n_rows: 4, dtype: "float32" });
  // The tokens part at the last step: the row of the one before is the last that both have.
  assert.equal(partingRow(parting), n_prompt + N - 1);
  assert.equal(rowsCompared(parting, parting.header.n_rows).n_rows, Math.min(parting.header.n_rows, n_prompt + N - 1));
  assert.equal(partingRow(single), Infinity);
  assert.equal(rowsCompared(single, 4), null);
});
