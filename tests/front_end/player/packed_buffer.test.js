import assert from "node:assert/strict";
import { test } from "node:test";
import { BufferError, appended, unpack } from "../../../kvviz/player/js/packed_buffer.js";
import { pack } from "../pack.js";

const ARRAYS = [
  { name: "bytes", dtype: "u8", shape: [3], data: Uint8Array.from([1, 2, 255]) },
  { name: "floats", dtype: "f32", shape: [1, 2], data: Float32Array.from([0.5, -2]) },
  { name: "nothing", dtype: "i32", shape: [0, 4], data: new Int32Array(0) },
];
const read = (/** @type {any} */ input) => unpack(input, "picture", (header) => header);
const refused = (/** @type {any} */ input, /** @type {RegExp} */ words) =>
  assert.throws(() => read(input), (error) => error instanceof BufferError && words.test(error.message));

test("a header and its arrays come back as views, at any place of a larger message", () => {
  const packed = pack({ what: "␣é" }, ARRAYS);
  const wide = new Uint8Array(packed.length + 5);
  wide.set(packed, 5);
  for (const input of [packed, packed.buffer, wide.subarray(5)]) {
    const { header, arrays, n_bytes } = read(input);
    assert.equal(header.what, "␣é");
    assert.deepEqual([...arrays.keys()], ["bytes", "floats", "nothing"]);
    assert.deepEqual([...(arrays.get("floats")?.data ?? [])], [0.5, -2]);
    assert.deepEqual(arrays.get("nothing")?.shape, [0, 4]);
    assert.equal(n_bytes, packed.length);
  }
  assert.equal(read(packed).arrays.get("bytes")?.data.buffer, packed.buffer);
});

test("a header of another kind is refused before the arrays are looked at", () => {
  const packed = pack({ version: 1 }, ARRAYS).subarray(0, 400);
  const check = () => {
    throw new BufferError("Another version.");
  };
  assert.throws(() => unpack(packed.subarray(0, packed.length - 16), "picture", check), /Another version/);
});

test("what is not whole is refused with the name of what it should be", () => {
  const packed = pack({}, ARRAYS);
  refused(packed.subarray(0, packed.length - 8), /^The picture was cut short\. floats would end at byte \d+ of \d+\.$/);
  refused(new Uint8Array(2), /^The picture is empty\. It has 2 bytes\.$/);
  refused("text", /^The picture did not arrive as bytes\. It is string\.$/);
  refused(pack({}, ARRAYS, (header) => delete header.arrays), /arrays are not listed/);
  refused(pack({}, ARRAYS, (header) => (header.arrays[1].dtype = "constructor")), /type this page does not know/);
  refused(pack({}, ARRAYS, (header) => (header.arrays[1].shape = "long")), /no shape/);
});

test("arrays of another buffer stand behind those that are there as if they were packed together", () => {
  const [first, ...others] = ARRAYS;
  const joined = appended(pack({ what: "␣é" }, [first]), pack({ what: "else" }, others));
  const { header, arrays } = read(joined);
  assert.equal(header.what, "␣é");
  for (const { name, shape, data } of ARRAYS) assert.deepEqual(arrays.get(name), { shape, data }, name);
});

test("a buffer that is not whole is left to who reads it, and so is what cannot be joined to it", () => {
  const [whole, cut] = [pack({}, ARRAYS), pack({}, ARRAYS).subarray(0, 20)];
  assert.equal(appended(cut, whole), cut);
  assert.equal(appended(whole, cut), whole);
});
