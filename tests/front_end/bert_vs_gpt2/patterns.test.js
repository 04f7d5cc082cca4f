import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, weightOf, within } from "../../../kvviz/ui/pages/bert_vs_gpt2/js/buffer.js";
import { BufferError } from "../../../kvviz/player/js/packed_buffer.js";
import { geometry, membersOf, nextUnit, positionsOf, slotAt, thumbSide } from "../../../kvviz/ui/pages/bert_vs_gpt2/js/geometry.js";
import { countRows, headText, lookOf, lookText, measuresOf, named, rowText, rowsSentence } from "../../../kvviz/ui/pages/bert_vs_gpt2/js/words.js";
import { heaviestKey, keptSentence, movedPlace, rowMaking } from "../../../kvviz/ui/pages/bert_vs_gpt2/js/row_subject.js";
import { litPositions, litUnits, tokensOf } from "../../../kvviz/ui/pages/bert_vs_gpt2/js/scene.js";
import { nextAlong } from "../../../kvviz/ui/pages/bert_vs_gpt2/js/strip.js";
import { makeBuffer } from "./fixture.js";

const payload = decode(makeBuffer());
const view = { layer: 0, head: 0 };

test("a buffer is read at any offset of a larger one", () => {
  const packed = makeBuffer();
  const wide = new Uint8Array(packed.length + 3);
  wide.set(packed, 3);
  const found = decode(wide.subarray(3));
  assert.deepEqual([...(found.arrays.get("left.measures")?.data ?? [])], [0, 0.5, 0.25]);
  assert.deepEqual(found.header.right.slots, [0, 1, 2, 3, 4]);
});

test("a buffer of another version, cut short or without a pattern is refused in words", () => {
  const refused = (/** @type {any} */ buffer, /** @type {RegExp} */ words) =>
    assert.throws(() => decode(buffer), (error) => error instanceof BufferError && words.test(error.message));
  refused(makeBuffer({ version: 1 }), /another version of kvviz. Its format is 1; the page reads 4/);
  const whole = makeBuffer();
  refused(whole.subarray(0, whole.length - 8), /picture was cut short/);
  refused(new TextEncoder().encode("<!doctype html>"), /no picture of kvviz/);
  refused(makeBuffer({ left: { ...payload.header.left, n_heads: 3 } }), /left.pattern.0 is \(1,2,2\), not \(3,2,2\)/);
  refused(makeBuffer({ left: { ...payload.header.left, n_layers: 2 } }), /It lacks left.thumbnails/);
  refused(makeBuffer({ right: null }), /lacks right/);
  // Before the answer there is no pattern, and none is called for.
  assert.equal(decode(makeBuffer({ veiled: true, left: { ...payload.header.left, n_heads: 3 } })).header.veiled, true);
});

test("a weight is a share, and null where the mask forbids", () => {
  assert.equal(weightOf(payload, "left", 0, 0, 0, 0), 1);
  assert.equal(weightOf(payload, "left", 0, 0, 0, 1), null);
  assert.equal(weightOf(payload, "left", 0, 0, 1, 0), 0.5);
});

test("a look is told for one token, for several, and where there is none", () => {
  assert.equal(lookOf(payload, "left", view, [0], [1]), "forbidden");
  assert.equal(lookOf(payload, "left", view, [], [1]), "absent");
  // Both halves of "b" give all they have to the first half.
  assert.equal(lookOf(payload, "right", view, [2, 3], [2, 3]), 1);
  assert.equal(lookText(payload.header.left, "forbidden"), "GPT-2: forbidden by the mask");
  assert.equal(lookText(payload.header.left, "absent"), "GPT-2 has no such token");
  assert.equal(named(payload.header.left, [1]), "“␣b”");
});

test("rows are counted without the new ones", () => {
  assert.deepEqual(countRows(payload, 0, "left"), { changed: 0, earlier: 2, same: [1, 1], before: 0 });
  assert.deepEqual(countRows(payload, 0, "right"), { changed: 5, earlier: 8, same: [3, 0], before: 3 });
  assert.equal(countRows(payload, 1, "left"), null);
});

test("the sentence about rows says what can be kept", () => {
  const none = rowsSentence({ changed: 0, earlier: 48, same: [8, 8, 8, 8, 8, 8], before: 0 });
  assert.deepEqual(none, { count: "0 of 48 earlier rows changed.", rest: "All can be reused: that is the cache." });
  assert.match(rowsSentence({ changed: 5, earlier: 8, same: [3, 0], before: 3 }).rest, /^Layer 0 keeps 3 of its 4, the layers above none/);
  assert.match(rowsSentence({ changed: 5, earlier: 12, same: [3, 2, 2], before: 2 }).rest, /above the first keeps 2 of its 4/);
  assert.match(rowsSentence({ changed: 2, earlier: 8, same: [3, 3], before: 0 }).rest, /^Every row before the other token/);
  assert.equal(rowsSentence({ changed: 8, earlier: 8, same: [0, 0], before: 6 }).rest, "Nothing can be reused.");
  assert.equal(rowsSentence({ changed: 5, earlier: 12, same: [3, 2, 2], before: 2 }).count, "5 of 12 earlier rows changed.");
});

test("one row is told with its place, and by how much it changed", () => {
  const side = payload.header.right;
  assert.equal(rowText(side, 1, 1, 1, 0.25), "BERT, layer 1, position 1 “a”: changed, by up to 0.250");
  assert.match(rowText(side, 0, 3, 3, 0.25), /another token stands here now$/);
  assert.match(rowText(side, 0, 0, 0, 0), /the same to the last bit$/);
});

test("measures are those of the head, and a model with fewer heads shows its nearest", () => {
  assert.deepEqual(measuresOf(payload, "left", view), { forward: "0\u202f%", entropy: "0.50 bits", distance: "0.3 tokens" });
  assert.deepEqual(within(payload.header.left, { layer: 7, head: 3 }), { layer: 0, head: 0 });
  assert.match(headText(payload.header.left, { layer: 7, head: 3 }), /layer 0, head 0/);
  assert.equal(headText(payload.header.left, view), "");
});

test("both models fit beside each other, and below each other on a phone", () => {
  for (const [width, n] of [[1100, 9], [1100, 200], [760, 30], [346, 9], [346, 256]]) {
    const place = geometry(width, n);
    const needed = (place.stacked ? 1 : 2) * place.column + (place.stacked ? 0 : 32);
    assert.ok(needed <= width + 1e-9);
    assert.ok(place.labels + place.grid <= place.column + 1e-9, `${width} ${n}`);
    assert.ok(place.pitch > 0);
  }
  assert.equal(geometry(1100, 9).stacked, false);
  assert.equal(geometry(346, 9).stacked, true);
});

test("names stand at the edges as long as they can be read, smaller on a phone", () => {
  assert.deepEqual([geometry(1100, 9).font, geometry(1100, 34).font, geometry(346, 25).font], [12, 10.5, 9]);
  for (const [width, n] of [[1100, 9], [1100, 34], [346, 25]]) {
    const place = geometry(width, n);
    assert.ok(place.named && place.pitch > place.font, "a name would touch the next one");
  }
  assert.deepEqual([geometry(346, 60).named, geometry(346, 60).labels], [false, 52]);
});

test("thumbnails of twelve heads fit into half of the page", () => {
  assert.ok(12 * (thumbSide(530, 12) + 4) + 52 <= 530);
});

test("slots, positions and units lead to one another", () => {
  assert.deepEqual([...positionsOf([1, 2], 4)], [-1, 0, 1, -1]);
  assert.deepEqual(membersOf([0, 1, 2, 2, 3], 4), [[0], [1], [2, 3], [4]]);
  assert.equal(slotAt(19, 10, 3), 1);
  assert.equal(slotAt(-1, 10, 3), null);
  assert.equal(slotAt(31, 10, 3), null);
});

test("a key leads to the nearest unit of which the model has a token, and no further than the edge", () => {
  const members = [[], [0], [], [1, 2], []];
  assert.equal(nextUnit(members, null, 0), 1);
  assert.equal(nextUnit(members, 1, 1), 3);
  assert.equal(nextUnit(members, 3, -1), 1);
  assert.equal(nextUnit(members, 3, 1), 3);
  assert.equal(nextUnit(members, 1, -1), 1);
  assert.equal(nextUnit(members, 1, 0), 1);
  assert.equal(nextUnit([[], []], null, 1), null);
  // What the other model alone has may be lit: from there to the nearest.
  assert.deepEqual([nextUnit(members, 4, 1), nextUnit(members, 0, -1), nextUnit([[], []], 1, 1)], [3, 1, null]);
});

test("a token alone is lit, or who looks and at whom; in a model that cuts it in two, both halves", () => {
  assert.deepEqual(litUnits({ query: 2, key: null }), [2]);
  assert.deepEqual(litUnits({ query: null, key: 1 }), [1]);
  assert.deepEqual(litUnits({ query: 1, key: 1 }), [1]);
  assert.deepEqual(litUnits({ query: null, key: null }), []);
  const tokens = tokensOf(payload.header);
  assert.deepEqual(litPositions(tokens, "left", { query: 2, key: 0 }), [1]);
  assert.deepEqual(litPositions(tokens, "right", { query: 2, key: 0 }), [2, 3, 0]);
});

test("a key leads along the text, and not out of it", () => {
  const found = ["ArrowRight", "ArrowLeft", "Home", "End", "a"].map((key) => nextAlong(key, 1, 4));
  assert.deepEqual(found, [2, 0, 0, 3, -1]);
  assert.deepEqual([nextAlong("ArrowLeft", 0, 4), nextAlong("ArrowDown", 3, 4)], [-1, -1]);
});

test("a row of either model is made of the keys that its mask lets it see", () => {
  const place = (/** @type {any} */ change) => ({ which: /** @type {const} */ ("right"), query: 1, key: 4, ...change });
  const attention = { ...view, look: /** @type {const} */ ("attention") };
  const both = rowMaking(payload, place({}), attention);
  assert.equal(both?.n_keys, 5);
  const back = rowMaking(payload, place({ which: "left", key: 0 }), attention);
  assert.equal(back?.n_keys, 2);
  assert.equal(rowMaking(payload, place({ which: "left", query: 0, key: 1 }), attention), null, "forbidden by the mask");
  for (const making of [both, back]) assert.ok(Math.abs(making.weights.reduce((a, b) => a + b) - 1) < 1e-12);
  both.scores.forEach((score, key) => assert.ok(Math.abs(score - 0.5 * (both.query[0] * both.keys[key][0] + both.query[1] * both.keys[key][1])) < 1e-12));
  const most = heaviestKey(both);
  assert.ok(both.weights.every((weight) => weight <= both.weights[most]));
  const elsewhere = decode(makeBuffer({ veiled: true, left: { ...payload.header.left, layers: [] } }));
  elsewhere.arrays.delete("left.queries.0");
  assert.equal(rowMaking(elsewhere, place({ which: "left", key: 0 }), attention), null, "a layer that was left out");
});

test("arrow keys lead from cell to cell, no further than the mask and the text", () => {
  const { left, right } = payload.header;
  assert.deepEqual(movedPlace(left, { which: "left", query: 1, key: 1 }, -1, 0), { which: "left", query: 0, key: 0 });
  assert.deepEqual(movedPlace(left, { which: "left", query: 1, key: 1 }, 0, 1), { which: "left", query: 1, key: 1 });
  assert.deepEqual(movedPlace(right, { which: "right", query: 0, key: 3 }, -1, 1), { which: "right", query: 0, key: 4 });
});

test("it is said why key and value may be kept, by the mask", () => {
  const { left, right } = payload.header;
  assert.match(keptSentence(left, { which: "left", query: 1, key: 0 }), /GPT-2 looks back: .* row 0, so a cache may keep both/);
  assert.match(keptSentence(right, { which: "right", query: 1, key: 0 }), /BERT looks both ways: row 1 sees all 5 keys.*none can be kept/);
});
