// Reads a header and arrays out of one buffer of bytes, and refuses in words what is not whole.
// kvviz/player/packed_buffer.py writes it; the frame is written down in ../packed_buffer.json.
import frame from "../packed_buffer.json" with { type: "json" };

/**
 * @typedef {Uint8Array | Int8Array | Int32Array | Float32Array} Numbers
 * @typedef {{ data: Numbers, shape: number[] }} PackedArray
 * @typedef {{ name: string, dtype: string, shape: number[], offset: number }} ArrayEntry
 */

/** A buffer that cannot be shown. The message is meant for the person in front of the screen. */
export class BufferError extends Error {}

/** @type {Record<string, { new (buffer: ArrayBuffer, offset: number, length: number): Numbers, BYTES_PER_ELEMENT: number }>} */
const DTYPES = { u8: Uint8Array, i8: Int8Array, i32: Int32Array, f32: Float32Array };

/**
 * @template {{ arrays: ArrayEntry[] }} H
 * @param {unknown} input A Uint8Array or ArrayBuffer.
 * @param {string} what What it should be, as a person calls it: "recorded run".
 * @param {(header: any) => H} check Refuses, by `fail`, a header of another kind. It is asked before the
 *   arrays are looked at, so that a buffer of an older version is called one, and not cut short.
 * @returns {{ header: H, arrays: Map<string, PackedArray>, n_bytes: number }} Arrays are views of the
 *   bytes; nothing is copied unless it must be aligned.
 * @throws {BufferError} If it is no such buffer, or is cut short.
 */
export function unpack(input, what, check) {
  const bytes = asBytes(input, what);
  if (bytes.byteLength < 4) fail(`The ${what} is empty.`, `It has ${bytes.byteLength} bytes.`);
  const start = 4 + new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  if (start > bytes.byteLength) {
    fail(`This is no ${what} of kvviz, or it was cut short.`, `Its header would end at byte ${start} of ${bytes.byteLength}.`);
  }
  const header = check(readHeader(bytes.subarray(4, start), what));
  if (!Array.isArray(header.arrays)) fail(`The ${what} is not complete.`, "Its arrays are not listed.");
  return { header, arrays: readArrays(header.arrays, bytes, start, what), n_bytes: bytes.byteLength };
}

/** @param {unknown} input @param {string} what @returns {Uint8Array} */
function asBytes(input, what) {
  let bytes;
  if (input instanceof ArrayBuffer) bytes = new Uint8Array(input);
  else if (ArrayBuffer.isView(input)) {
    bytes = new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  } else return fail(`The ${what} did not arrive as bytes.`, `It is ${typeof input}.`);
  // Typed arrays need their own alignment; a buffer handed over inside a larger message may lack it.
  return bytes.byteOffset % frame.alignment === 0 ? bytes : bytes.slice();
}

/** @param {Uint8Array} bytes @param {string} what @returns {Record<string, any>} */
function readHeader(bytes, what) {
  /** @type {unknown} */
  let header;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return fail(`This is no ${what} of kvviz.`, "Its header cannot be read.");
  }
  if (!isRecord(header)) return fail(`This is no ${what} of kvviz.`, "Its header belongs to something else.");
  return header;
}

/**
 * @param {ArrayEntry[]} entries @param {Uint8Array} bytes @param {number} start @param {string} what
 * @returns {Map<string, PackedArray>}
 */
function readArrays(entries, bytes, start, what) {
  const arrays = new Map();
  for (const entry of entries) {
    requireFields(entry, frame.array, "arrays");
    const { name, dtype, shape, offset } = entry;
    if (!Object.hasOwn(frame.dtypes, dtype) || !Object.hasOwn(DTYPES, dtype)) {
      fail("An array has a type this page does not know.", `${name} says ${JSON.stringify(dtype)}.`);
    }
    if (!Array.isArray(shape) || shape.some((n) => !Number.isInteger(n) || n < 0)) {
      fail("An array has no shape.", `${name} says ${JSON.stringify(shape)}.`);
    }
    const Type = DTYPES[dtype];
    const size = shape.reduce((product, n) => product * n, 1);
    const first = start + offset;
    if (!Number.isInteger(offset) || offset < 0 || first % frame.alignment !== 0) {
      fail("An array does not start where it may.", `${name} starts at ${offset}.`);
    }
    const end = first + size * Type.BYTES_PER_ELEMENT;
    if (end > bytes.byteLength) fail(`The ${what} was cut short.`, `${name} would end at byte ${end} of ${bytes.byteLength}.`);
    const data = new Type(/** @type {ArrayBuffer} */ (bytes.buffer), bytes.byteOffset + first, size);
    arrays.set(name, { data, shape });
  }
  return arrays;
}

/**
 * @param {Map<string, PackedArray>} arrays @param {string} name
 * @param {(number | null)[]} shape The lengths of its axes; null is any.
 */
export function requireArray(arrays, name, shape) {
  const array = arrays.get(name);
  if (!array) return fail("The recording is not complete.", `It lacks ${name}.`);
  const fits = array.shape.length === shape.length && shape.every((n, i) => n === null || n === array.shape[i]);
  if (!fits) {
    fail("An array does not have the shape that is called for.", `${name} is (${array.shape}), not (${shape}).`);
  }
}

/** @param {unknown} value @returns {value is Record<string, any>} */
export function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {unknown} value @param {readonly string[]} names @param {string} where */
export function requireFields(value, names, where) {
  if (!isRecord(value)) return fail("The recording is not complete.", `It lacks ${where}.`);
  const missing = names.filter((name) => !(name in value));
  if (missing.length > 0) fail("The recording is not complete.", `${where} lacks ${missing.join(", ")}.`);
}

/** @param {string} wrong @param {string} found @returns {never} */
export function fail(wrong, found) {
  throw new BufferError(`${wrong} ${found}`);
}
