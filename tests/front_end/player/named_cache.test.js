import assert from "node:assert/strict";
import { test } from "node:test";
import { billExplanation } from "../../../kvviz/player/js/bill_words.js";
import { readBuffer } from "../../../kvviz/player/js/buffer.js";
import { lifeReading } from "../../../kvviz/player/js/life_words.js";
import { lifeUpTo, livesOf, stateAt } from "../../../kvviz/player/js/lives.js";
import { evictedLegend, fullExplanation, fullLine, heldAt, lifeTitle } from "../../../kvviz/player/js/named_cache_words.js";
import { attention, billSide, stepFacts } from "../../../kvviz/player/js/run.js";
import { plain, stepSentence, tableCaption } from "../../../kvviz/player/js/words.js";
import { makeBuffer } from "./fixture.js";

const NAMED = { name: "every-second", told: "every-second (of = 2)" };
const SHAPE = { n_prompt: 4, n_steps: 6, n_layers: 2, n_heads: 4, n_kv_heads: 2, d_head: 4 };
const RUN = readBuffer(makeBuffer({ ...SHAPE, named_cache: NAMED }));
const FULL = readBuffer(makeBuffer(SHAPE));
const at = (/** @type {number} */ head, /** @type {number} */ step) => stepFacts(RUN, "on", { layer: 1, head, step });

test("rows that a named cache dropped are gone in the heads that read them, and there in the others", () => {
  for (const [head, n_evicted] of [[0, 4], [1, 4], [2, 0], [3, 0]]) {
    const facts = at(head, 5);
    assert.deepEqual([facts.n_live, facts.n_evicted, facts.n_live + facts.n_evicted], [9 - n_evicted, n_evicted, 9]);
  }
  assert.equal(attention(RUN, "on", 1, 0, 8, 3), null);
  assert.notEqual(attention(RUN, "on", 1, 3, 8, 3), null);
  assert.equal(stepFacts(FULL, "on", { layer: 1, head: 0, step: 5 }).n_live, 9);
});

test("the sentence, the table and the life of a row name the cache, and speak of no window", () => {
  const told = plain(stepSentence(at(1, 5)));
  assert.match(told, /1 row computed, 4 rows reused, 4 rows evicted, in layer 1, head 1, .*kept by every-second\.$/);
  assert.match(tableCaption({ step: 5, layer: 1, head: 1, cache: "on" }, at(1, 5)), /kept by every-second \(of = 2\)$/);
  const lives = livesOf(RUN, "on", { layer: 1, head: 0 });
  const life = lifeReading(3, "a", 5, stateAt(lives, 3, 5), lifeUpTo(lives, 3, 5));
  assert.match(life, /computed at step 0, dropped by every-second, gone from step 1 on/);
  assert.equal(evictedLegend(NAMED), "evicted by every-second (of = 2): not there any more");
  assert.deepEqual([lifeTitle(NAMED, "on"), lifeTitle(NAMED, "off"), lifeTitle(null, "on")], ["every-second (of = 2)", "Without cache", "With cache"]);
  assert.doesNotMatch(plain(stepSentence(stepFacts(FULL, "on", { layer: 1, head: 0, step: 5 }))), /kept by/);
});

test("above its lives a way is called by what it keeps, and none but those that have a name is", () => {
  const title = (/** @type {string} */ name, /** @type {object} */ kept) => lifeTitle({ name, told: "told", ...kept }, "on");
  assert.equal(title("window", { rows: [16, 16], sinks: 4 }), "window, 16 rows, 4 sinks");
  assert.equal(title("random", { rows: [1, 1] }), "by lot, 1 row");
  assert.equal(title("heavy-hitters", { rows: [4, 1024] }), "heavy hitters, 4–1,024 rows");
  assert.equal(title("least-attended", { shares: [0.5, 0.5] }), "least attended, 50 % of the rows");
  assert.equal(title("quantised", { bits: [2, 4] }), "packed, 2/4 bits");
  assert.deepEqual([title("window", {}), title("toString", { rows: [1, 1] })], ["told", "told"]);
});

test("the bill tells what is measured of it, beside the formula of the full cache", () => {
  const held = heldAt(RUN, 5, at(0, 5).n_live);
  const { model } = RUN.header;
  assert.deepEqual(held, { told: NAMED.told, n_live: 5, full: 9 * model.cache_bytes_per_token });
  assert.equal(heldAt(FULL, 5, 9), null);
  assert.equal(fullLine(held, 288), "With every row kept as it is: 1.15 kB ƒ, 4.0× as much");
  assert.match(fullExplanation(held, 288).lines.join(" "), /holds 288 B, measured.* 1,152 B, 4\.0× as much/);
  const side = billSide(RUN, "on", 5);
  const explained = (/** @type {"flops" | "cache_bytes"} */ figure) => billExplanation(figure, side, model, 4, 5, null, held).lines.join("\n");
  assert.match(explained("cache_bytes"), /With every row kept: 128 B × 9 rows = 1,152 B\nWhat every-second \(of = 2\) holds after this step: /);
  assert.match(explained("flops"), /those that every-second \(of = 2\) had dropped are not among them[^]*q = 1, n = 5/);
});

test("a name that is no text is refused", () => {
  const change = (/** @type {any} */ header) => (header.named_cache = { name: "a", told: 3 });
  assert.throws(() => readBuffer(makeBuffer({ ...SHAPE, change })), /named_cache\.told is 3/);
});
