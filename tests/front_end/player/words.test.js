import assert from "node:assert/strict";
import { test } from "node:test";
import { billExplanation, comparisonLine } from "../../../kvviz/player/js/bill_words.js";
import { readBuffer } from "../../../kvviz/player/js/buffer.js";
import { cut, fitted, glyphs, inUnit, parted, percent, significant, small, sumText, unitFor, weightPercent, whole, withBlanks } from "../../../kvviz/player/js/format.js";
import { groupOf } from "../../../kvviz/player/js/kv_heads.js";
import { billSide, stepFacts } from "../../../kvviz/player/js/run.js";
import { useCatalogue } from "../../../kvviz/player/js/translation.js";
import * as words from "../../../kvviz/player/js/words.js";
import { makeBuffer } from "./fixture.js";

const plainSpaces = (/** @type {string} */ text) => text.replaceAll("\u202f", " ");
const both = readBuffer(makeBuffer({ caches: ["on", "off"] }));
const { model } = both.header;

test("numbers are written as people read them", () => {
  assert.equal(whole(12288), "12,288");
  assert.equal(whole(999), "999");
  assert.equal(significant(0.1444), "0.14");
  assert.equal(significant(31.23), "31.2");
  assert.equal(significant(147.4), "147");
  assert.equal(significant(56730), "56,730");
  assert.equal(small(1.4e-6), "1.4e-6");
  assert.equal(small(0), "0");
});

test("percentages keep one decimal below ten and never call something nothing", () => {
  assert.equal(plainSpaces(percent(0.412)), "41 %");
  assert.equal(plainSpaces(percent(0.0234)), "2.3 %");
  assert.equal(plainSpaces(percent(0.00001)), "< 0.1 %");
  assert.equal(plainSpaces(percent(0)), "0 %");
  assert.equal(plainSpaces(percent(0.0996)), "10 %");
  assert.equal(plainSpaces(weightPercent(0)), "< 0.2 %", "a byte of 0 is a weight below 1/510");
});

test("one unit serves a row and rounds no number of it to nothing", () => {
  assert.equal(unitFor("flops", 1.4e8, 6.6e8).name, "GFLOP");
  assert.equal(unitFor("flops", 5e6).name, "MFLOP");
  assert.equal(unitFor("flops", 2.4e9, 1.19e11).name, "GFLOP");
  assert.equal(unitFor("bytes", 147456, 0).name, "kB");
  assert.equal(unitFor("bytes", 0, 0).name, "B");
  assert.equal(unitFor("seconds", 0.031, null).name, "ms");
  assert.equal(unitFor("seconds", 3.05).name, "s");
  assert.equal(inUnit(147456, unitFor("bytes", 147456)), "147");
});

test("no white space or control character of a token stays invisible", () => {
  assert.equal(glyphs(" girl"), "␣girl");
  assert.equal(glyphs("\n\n"), "↵↵");
  assert.equal(glyphs("\t"), "⇥");
  assert.equal(glyphs(""), "∅");
  assert.equal(glyphs("\u0000\u001b"), "\\x00\\x1b");
  assert.equal(glyphs("\u200d·1/3"), "\\u200d·1/3");
  assert.equal(glyphs("👩\u200d👧"), "👩\u200d👧");
  assert.equal(glyphs("\u202eabc\u200b"), "\\u202eabc\\u200b");
  assert.equal(glyphs("\u00a0"), "\\xa0");
  assert.equal(glyphs("👩‍👧"), "👩‍👧", "a joiner inside an emoji is what holds it together");
  assert.equal(glyphs("שלום"), "שלום");
  assert.equal(glyphs("<script>"), "<script>", "markup is text like any other");
  assert.equal(cut("👩👩👩👩", 3), "👩👩…");
});

test("a sentinel that is cut keeps its number, other tokens their beginning", () => {
  const upTo = (/** @type {number} */ length) => (/** @type {string} */ text) => text.length <= length;
  assert.equal(fitted("<extra_id_12>", upTo(13)), "<extra_id_12>");
  assert.equal(fitted("<extra_id_12>", upTo(9)), "<…id_12>");
  assert.equal(fitted("<extra_id_12>", upTo(5)), "<…12>");
  assert.equal(fitted("<extra_id_12>", upTo(1)), "<12>");
  assert.equal(fitted("␣together", upTo(5)), "␣to…r");
  assert.equal(fitted("<|endoftext|>", upTo(9)), "<|endo…|>");
  assert.equal(fitted("␣together", upTo(0)), "␣…");
  assert.deepEqual(parted("<extra_id_2>"), ["<extra_", "id_2>"]);
  assert.deepEqual(parted("␣together"), ["␣together", ""]);
});

test("what an encoder read as sentinels is written as a person types it", () => {
  assert.equal(withBlanks("I saw a<extra_id_0> in the<extra_id_12>."), "I saw a ___ in the ___.");
});

test("a long sum leaves its middle away and keeps its last term", () => {
  assert.equal(sumText([7, 1, 1], whole), "7 + 1 + 1");
  assert.equal(sumText([7, 1, 1, 1, 1, 1, 1, 1, 2], whole), "7 + 1 + 1 + 1 + 1 + 1 + … + 2");
});

test("one sentence says the step", () => {
  const say = (/** @type {"on" | "off"} */ cache, /** @type {number} */ step) => words.plain(words.stepSentence(stepFacts(both, cache, { step, layer: 0, head: 0 })));
  assert.equal(say("on", 0), "Prefill, fed 7 tokens, 7 rows computed, nothing to reuse yet, in every layer and head.");
  assert.equal(say("on", 5), "Decode step 5 of 15, fed 1 token, 1 row computed, 11 rows reused, in every layer and head.");
  assert.equal(say("off", 5), "Decode step 5 of 15, fed 12 tokens, 12 rows computed, 0 rows reused, in every layer and head.");
  assert.equal(words.plain(words.bothSentence(stepFacts(both, "on", { step: 5, layer: 0, head: 0 }), stepFacts(both, "off", { step: 5, layer: 0, head: 0 }))),
    "Decode step 5 of 15, 1 row computed with the cache, 12 rows without, in every layer and head.");
});

test("every figure of the bill opens into arithmetic that gives the figure", () => {
  const on = billSide(both, "on", 5);
  const off = billSide(both, "off", 5);
  assert.equal(billExplanation("rows", on, model, 7, 5).lines[0], "7 + 1 + 1 + 1 + 1 + 1 = 12 rows");
  assert.equal(billExplanation("rows", off, model, 7, 5).lines[0], "7 + 8 + 9 + 10 + 11 + 12 = 57 rows");
  const bytes = billExplanation("cache_bytes", on, model, 7, 5);
  assert.deepEqual(bytes.lines, ["2 × 6 layers × 8 heads × 32 numbers × 4 B = 12,288 B a token", "12,288 B × 12 rows = 147,456 B"]);
  assert.match(billExplanation("flops", on, model, 7, 5).lines[2], /q = 1, n = 12/);
  assert.match(billExplanation("flops", off, model, 7, 5).lines[2], /q = 12, n = 12/);
});

test("of one there is one, also in the arithmetic", () => {
  const small = { ...model, n_layers: 1, n_heads: 1, n_kv_heads: 1, cache_bytes_per_token: 256 };
  const on = billSide(both, "on", 5);
  assert.equal(billExplanation("cache_bytes", on, small, 7, 5).lines[0], "2 × 1 layer × 1 head × 32 numbers × 4 B = 256 B a token");
  assert.match(billExplanation("flops", on, { ...model, n_layers: 1 }, 7, 5).lines[2], /^L = 1 layer, /);
});

test("labels and lists are read in the language of the moment", (t) => {
  t.after(() => useCatalogue(null));
  const messages = { "not there yet": "noch nicht da", "first token": "erstes Token", Space: "Leertaste", "{n} row computed": ["{n} Zeile", "{n} Zeilen"] };
  useCatalogue({ language: "de", forms: "1011", messages });
  assert.equal(words.STATES.absent, "noch nicht da");
  assert.equal(words.ROLE_SHORT["first-token"], "erstes Token");
  assert.ok(words.keysAndDeeds().some(([key]) => key === "Leertaste"));
  assert.equal(words.stepSentence(stepFacts(both, "on", { step: 5, layer: 0, head: 0 }))[2].text, "1 Zeile");
  useCatalogue(null);
  assert.equal(words.STATES.absent, "not there yet");
});

test("what was not run says so and shows no time", () => {
  const single = readBuffer(makeBuffer());
  const off = billSide(single, "off", 5);
  assert.match(billExplanation("rows", off, model, 7, 5).note, /By formula/);
  const on = billSide(single, "on", 5);
  assert.match(billExplanation("seconds", on, model, 7, 5).note ?? "", /Run once/);
  assert.match(billExplanation("seconds", { ...on, n_timings: 3 }, model, 7, 5).note ?? "", /Run 3 times.*least time/);
  assert.match(billExplanation("seconds", { ...on, n_together: 30 }, model, 7, 5).note ?? "", /up to 30 runs at once/);
  assert.doesNotMatch(billExplanation("seconds", on, model, 7, 5).note ?? "", /at once/);
  assert.match(billExplanation("seconds", off, model, 7, 5).lines[0], /Not run/);
});

test("a time that was taken while the machine was busy says so", () => {
  const on = billSide(readBuffer(makeBuffer()), "on", 5);
  const note = (/** @type {number[]} */ terms) =>
    billExplanation("seconds", { ...on, seconds: { total: 1, terms } }, model, 7, terms.length - 1).note ?? "";
  const even = Array(8).fill(0.004);
  assert.match(note([0.02, ...even.slice(1), 0.08]), /slowest step took 20 times as long .* busy/);
  // The prompt takes its time, and a few steps tell nothing.
  assert.doesNotMatch(note([0.9, ...even]), /busy/);
  assert.doesNotMatch(note([0.02, 0.004, 0.08]), /busy/);
  assert.doesNotMatch(note([0.02, ...even.slice(1), 0.016]), /busy/);
});

test("the comparison is said plainly, also where the runs part", () => {
  assert.equal(comparisonLine({ n_same: 5, parted: false, difference: 1.4e-6, dtype: "float32" }), "Same 5 tokens both ways · largest logit difference 1.4e-6 (float32)");
  assert.match(comparisonLine({ n_same: 1, parted: false, difference: 0, dtype: "float32" }), /^The same token both ways · largest logit difference 0 /);
  assert.match(comparisonLine({ n_same: 5, parted: true, difference: 0.03, dtype: "bfloat16" }), /Same 5 tokens both ways, then the two runs part/);
  assert.match(comparisonLine({ n_same: 0, parted: true, difference: 0.03, dtype: "bfloat16" }), /part at the first token/);
});

test("a reading names both tokens, the weight, the layer and the head", () => {
  assert.equal(plainSpaces(words.attentionReading(" girl", " Lily", 0.12, 3, 5)), "␣girl looks at ␣Lily: 12 % (layer 3, head 5)");
  assert.match(words.maskedReading(" a", " b", "later", null), /may not look/);
  assert.equal(words.rowReading(4, " a", "absent"), "Position 4: not there yet", "no word of a token to come");
});

test("where query heads share a KV head, what is drawn of it says which", () => {
  const shape = { n_prompt: 4, n_steps: 3, n_layers: 2, n_heads: 4, n_kv_heads: 2, d_head: 6, caches: ["on"] };
  const grouped = readBuffer(makeBuffer(shape));
  const facts = stepFacts(grouped, "on", { step: 1, layer: 0, head: 0 });
  assert.match(words.kvDescription(1, 3, groupOf(grouped, 3), facts), /head 3 of layer 1 reads, those of KV head 1\. Decode step/);
  assert.match(words.kvDescription(1, 3, null, facts), /^Keys and values, layer 1, head 3\./);
  const side = billSide(grouped, "on", 1);
  const told = (figure, of) => billExplanation(figure, side, { ...grouped.header.model, ...of }, 4, 1).lines.join(" ");
  assert.match(told("cache_bytes", {}), /2 layers × 2 KV heads × 6 numbers/);
  assert.match(told("flops", {}), /L \(4qDA \+ 4qDB \+ 4qDI \+ 4qnA\) \+ 2DV A = 24, .*; B = 12, that of all KV heads/);
  assert.match(told("flops", { n_kv_heads: 4, mlp_is_gated: true }), /\+ 6qDI \+ 4qnA\) \+ 2DV A = 24, .*; B = 24/);
});
