import assert from "node:assert/strict";
import { test } from "node:test";
import { channelSizes, decode, errorAt, largestTold, meanOff } from "../../../kvviz/ui/pages/cache_lab/bits/js/error_map_buffer.js";
import { titleOf } from "../../../kvviz/ui/pages/cache_lab/bits/js/error_map_panel.js";
import { pack } from "../pack.js";

/** @param {object} [change] Put over the header. Two rows of two numbers, the second waiting for its group. */
function made(change = {}) {
  const floats = (/** @type {string} */ name, /** @type {number[]} */ numbers) =>
    ({ name, dtype: "f32", shape: [2, 2], data: Float32Array.from(numbers) });
  const header = {
    version: 1, tokens: ["a", "b"], layer: 2, kv_head: 6,
    panels: [{ part: "keys", axis: "channel", is_control: false }], ...change,
  };
  return pack(header, [
    floats("0.written", [3, 4, -1, 8]), floats("0.read", [3, 1, -1, 8]),
    { name: "0.packed", dtype: "u8", shape: [2], data: Uint8Array.from([1, 0]) },
  ]);
}

test("an error is what is read less what was written, and rows that wait count for none", () => {
  const map = decode(made());
  const [panel] = map.panels;
  assert.deepEqual([0, 1].map((row) => [0, 1].map((channel) => errorAt(map, panel, row, channel))), [[0, -3], [0, 0]]);
  assert.deepEqual(channelSizes(map, panel), [2, 6]);
  assert.equal(meanOff(map, panel), 3 / 5);
  // Of two sizes, 0 and 3, the smaller one is that below which 98 % of the steps between them lie; nothing is no scale.
  assert.equal(largestTold(map, "keys"), 1);
  assert.equal(titleOf(panel), "Keys, by channel");
});

test("what is not whole is refused in words", () => {
  assert.throws(() => decode(made({ version: 2 })), /another version/);
  assert.throws(() => decode(made({ panels: [{ part: "keys" }] })), /lacks axis/);
  assert.throws(() => decode(made({ tokens: ["a"] })), /shape/);
});
