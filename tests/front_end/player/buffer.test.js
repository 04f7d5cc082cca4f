import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readBuffer } from "../../../kvviz/player/js/buffer.js";
import { BufferError } from "../../../kvviz/player/js/packed_buffer.js";
import { makeBuffer } from "./fixture.js";

const contract = JSON.parse(readFileSync(new URL("../../../kvviz/player/contract.json", import.meta.url), "utf8"));
const frame = JSON.parse(readFileSync(new URL("../../../kvviz/player/packed_buffer.json", import.meta.url), "utf8"));
const refused = (/** @type {any} */ bytes, /** @type {RegExp} */ words) =>
  assert.throws(() => readBuffer(bytes), (error) => {
    assert.ok(error instanceof BufferError, `${error}`);
    assert.match(error.message, words);
    return true;
  });
const spoiled = (/** @type {(header: any) => void} */ change, options = {}) => makeBuffer({ ...options, change });

test("a good buffer gives its header and every array with its dtype and shape", () => {
  const { header, arrays } = readBuffer(makeBuffer({ n_prompt: 4, n_steps: 3, n_layers: 2, n_heads: 4, n_kv_heads: 2, d_head: 6, caches: ["on", "off"] }));
  for (const name of contract.header) assert.ok(name in header, name);
  assert.equal(header.n_rows, 6);
  const pattern = arrays.get("off.pattern.1");
  assert.deepEqual(pattern.shape, [4, 21]);
  assert.ok(pattern.data instanceof Uint8Array);
  assert.ok(arrays.get("on.keys.0").data instanceof Int8Array);
  assert.deepEqual(arrays.get("on.keys.0").shape, [2, 6, 6]);
  assert.ok(arrays.get("on.top_ids").data instanceof Int32Array);
  assert.ok(Math.abs(arrays.get("on.key_scale.0").data[0] - 6.4) < 1e-6, "float32 of 6.4");
});

test("an ArrayBuffer and a view at an odd place in a larger one read the same", () => {
  const bytes = makeBuffer({ n_prompt: 3, n_steps: 2, n_layers: 1, n_heads: 1 });
  const within = new Uint8Array(bytes.length + 3);
  within.set(bytes, 3);
  const first = readBuffer(bytes.buffer).arrays.get("on.top_probs").data;
  const second = readBuffer(within.subarray(3)).arrays.get("on.top_probs").data;
  assert.deepEqual([...first], [...second]);
});

test("every cut of a buffer is refused in words", () => {
  const bytes = makeBuffer({ n_prompt: 3, n_steps: 2, n_layers: 1, n_heads: 1, d_head: 4 });
  const header = new DataView(bytes.buffer).getUint32(0, true);
  // The last array is one float and four bytes of padding, which nobody reads.
  for (const length of [0, 3, 4, 40, header, header + 4, bytes.length - 8, bytes.length - 5]) {
    assert.throws(() => readBuffer(bytes.slice(0, length)), BufferError, `cut at ${length}`);
  }
  refused(bytes.slice(0, bytes.length - 8), /cut short/);
});

test("what is no buffer at all is refused in words", () => {
  refused(new TextEncoder().encode("<!doctype html><html>hello</html>"), /no recorded run/);
  refused(new Uint8Array(0), /empty/);
  refused("a string", /did not arrive as bytes/);
  refused(undefined, /did not arrive as bytes/);
  refused(null, /did not arrive as bytes/);
  refused({ 0: 1 }, /did not arrive as bytes/);
});

test("a foreign header, another format, or a header that is no object is refused", () => {
  refused(spoiled((h) => (h.magic = "PNG")), /something else/);
  refused(spoiled((h) => (h.format = 1)), /format is 1; this player reads 6/);
  const list = new TextEncoder().encode("[1,2,3]     ");
  const bytes = new Uint8Array(4 + list.length);
  bytes.set(list, 4);
  bytes[0] = list.length;
  refused(bytes, /something else/);
});

test("each field that the contract names must be there", () => {
  const small = { n_prompt: 2, n_steps: 2, n_layers: 1, n_heads: 1, d_head: 2, caches: /** @type {("on" | "off")[]} */ (["on", "off"]) };
  for (const name of contract.header) refused(spoiled((h) => delete h[name], small), name === "magic" ? /something else/ : name === "format" ? /format/ : new RegExp(name));
  for (const name of contract.model) refused(spoiled((h) => delete h.model[name], small), new RegExp(name));
  for (const name of contract.run) refused(spoiled((h) => delete h.runs[0][name], small), new RegExp(name));
  for (const name of contract.view) refused(spoiled((h) => delete h.view[name], small), new RegExp(name));
  for (const name of contract.comparison) refused(spoiled((h) => delete h.comparison[name], small), new RegExp(name));
  for (const name of contract.counted_run) refused(spoiled((h) => delete h.counted.off[name], small), new RegExp(name));
  for (const name of contract.token) refused(spoiled((h) => delete h.tokens[1][name], small), new RegExp(name));
  for (const name of frame.array) refused(spoiled((h) => delete h.arrays[0][name], small), new RegExp(name));
});

test("parts that contradict each other are refused", () => {
  refused(spoiled((h) => (h.n_rows += 1)), /Rows and steps/);
  refused(spoiled((h) => h.tokens.pop()), /Tokens and rows/);
  refused(spoiled((h) => (h.runs = [])), /no run/);
  refused(spoiled((h) => (h.runs[0].cache = "maybe")), /neither with nor without/);
  refused(spoiled((h) => (h.runs[1].cache = "on"), { caches: ["on", "off"] }), /same kind/);
  refused(spoiled((h) => (h.runs[0].n_computed[3] = 5)), /account for all its rows/);
  refused(spoiled((h) => h.runs[0].seconds.pop()), /seconds/);
  refused(spoiled((h) => (h.layers = [])), /no layer/);
  refused(spoiled((h) => (h.layers = [99])), /does not have/);
  refused(spoiled((h) => (h.model.n_heads = 0)), /positive/);
});

test("arrays must be there, whole, aligned, and of a known type and shape", () => {
  refused(spoiled((h) => (h.arrays = h.arrays.filter((/** @type {any} */ a) => a.name !== "on.values.2"))), /lacks on.values.2/);
  refused(spoiled((h) => (h.arrays = h.arrays.filter((/** @type {any} */ a) => a.name !== "on.lives"))), /lacks on.lives/);
  refused(spoiled((h) => (h.arrays[0].dtype = "f64")), /type this page does not know/);
  refused(spoiled((h) => (h.arrays[0].shape = [1, 1])), /shape that is called for/);
  refused(spoiled((h) => (h.arrays[0].shape = [-1])), /no shape/);
  refused(spoiled((h) => (h.arrays[0].offset = 4)), /does not start where it may/);
  refused(spoiled((h) => (h.arrays[0].offset = 2 ** 40)), /cut short/);
  refused(spoiled((h) => (h.arrays = h.arrays.filter((/** @type {any} */ a) => a.name !== "thumbnails")), { layers: [1] }), /thumbnails/);
});

test("lives of rows, steps or states that the run does not have, or that its counts contradict, are refused", () => {
  /** @type {[number[], RegExp][]} */
  const spoils = [
    [[0, 0, 1, 0, 99], /rows or steps that it does not have/],
    [[0, 99, 1, 0, 7], /rows or steps/],
    [[0, -1, 1, 0, 7], /rows or steps/],
    [[0, 0, 5, 0, 7], /rows or steps/],
    [[0, 0, 0, 0, 7], /rows or steps/],
    [[0, 0, 1, 3, 3], /rows or steps/],
    [[0, 0, 1, 0, 6], /account for all its rows/],
    [[0, 0, 2, 0, 7], /account for all its rows/],
  ];
  for (const [span, message] of spoils) {
    const buffer = makeBuffer({ caches: ["on"] });
    const size = new DataView(buffer.buffer).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(buffer.subarray(4, 4 + size)));
    const { offset } = header.arrays.find((/** @type {any} */ a) => a.name === "on.lives");
    new Int32Array(buffer.buffer, 4 + size + offset, 5).set(span);
    refused(buffer, message);
  }
});
