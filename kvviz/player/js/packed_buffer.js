// Reads a header and arrays out of one buffer of bytes, and refuses in words what is not whole.
// kvviz/player/packed_buffer.py writes it; the frame is written down in ../packed_buffer.json.
import frame from "../packed_buffer.json" with { type: "json" };
import { N_, gettext, ngettext, translated } from "./translation.js";

/**
 * @typedef {Uint8Array | Int8Array | Int32Array | Float32Array} Numbers
 * @typedef {{ data: Numbers, shape: number[] }} PackedArray
 * @typedef {{ name: string, dtype: string, shape: number[], offset: number }} ArrayEntry
 */

/** A buffer that cannot be shown. The message is meant for the person in front of the screen. */
export class BufferError extends Error {}

/** @type {Record<string, { new (buffer: ArrayBuffer, offset: number, length: number): Numbers, BYTES_PER_ELEMENT: number }>} */
const DTYPES = { u8: Uint8Array, i8: Int8Array, i32: Int32Array, f32: Float32Array };

/** What a buffer may be, and what is said of one that is not whole. */
const REFUSALS = {
  run: translated({
    empty: N_("The recorded run is empty."),
    other: N_("This is no recorded run of kvviz."),
    otherOrCut: N_("This is no recorded run of kvviz, or it was cut short."),
    incomplete: N_("The recorded run is not complete."),
    noBytes: N_("The recorded run did not arrive as bytes."),
    cut: N_("The recorded run was cut short."),
  }),
  picture: translated({
    empty: N_("The picture is empty."),
    other: N_("This is no picture of kvviz."),
    otherOrCut: N_("This is no picture of kvviz, or it was cut short."),
    incomplete: N_("The picture is not complete."),
    noBytes: N_("The picture did not arrive as bytes."),
    cut: N_("The picture was cut short."),
  }),
};

/** @typedef {keyof typeof REFUSALS} Kind */

/**
 * @template {{ arrays: ArrayEntry[] }} H
 * @param {unknown} input A Uint8Array or ArrayBuffer.
 * @param {Kind} what What it should be.
 * @param {(header: any) => H} check Refuses, by `fail`, a header of another kind. It is asked before the
 *   arrays are looked at, so that a buffer of an older version is called one, and not cut short.
 * @returns {{ header: H, arrays: Map<string, PackedArray>, n_bytes: number }} Arrays are views of the
 *   bytes; nothing is copied unless it must be aligned.
 * @throws {BufferError} If it is no such buffer, or is cut short.
 */
export function unpack(input, what, check) {
  const bytes = asBytes(input, what);
  const n = bytes.byteLength;
  if (n < 4) fail(REFUSALS[what].empty, ngettext("It has {n} byte.", "It has {n} bytes.", n, { n }));
  const start = 4 + new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  if (start > n) {
    fail(REFUSALS[what].otherOrCut, gettext("Its header would end at byte {end} of {n}.", { end: start, n }));
  }
  const header = check(readHeader(bytes.subarray(4, start), what));
  if (!Array.isArray(header.arrays)) fail(REFUSALS[what].incomplete, gettext("Its arrays are not listed."));
  return { header, arrays: readArrays(header.arrays, bytes, start, what), n_bytes: n };
}

/**
 * A buffer with the arrays of another one behind its own. One that is not whole is left as it is: who
 * reads it says what is wrong.
 * @param {Uint8Array} buffer @param {Uint8Array} more Of arrays by other names; what else its header says is left out.
 * @returns {Uint8Array}
 */
export function appended(buffer, more) {
  try {
    const [own, added] = [taken(buffer), taken(more)];
    const behind = aligned(own.data.length);
    const shifted = added.header.arrays.map((/** @type {ArrayEntry} */ entry) => ({ ...entry, offset: entry.offset + behind }));
    return together({ ...own.header, arrays: [...own.header.arrays, ...shifted] }, [own.data, added.data]);
  } catch {
    return buffer;
  }
}

/**
 * @param {object} header With the arrays that it lists. @param {Uint8Array[]} parts What is behind it: each
 *   begins where it is aligned. @returns {Uint8Array}
 */
export function together(header, parts) {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = aligned(4 + text.length);
  const n = parts.reduce((sum, part) => sum + aligned(part.length), start);
  const buffer = new Uint8Array(n);
  buffer.fill(0x20, 4 + text.length, start);
  new DataView(buffer.buffer).setUint32(0, start - 4, true);
  buffer.set(text, 4);
  let at = start;
  for (const part of parts) {
    buffer.set(part, at);
    at += aligned(part.length);
  }
  return buffer;
}

/** @param {number} length @returns {number} Up to where what comes next may begin. */
export function aligned(length) {
  return Math.ceil(length / frame.alignment) * frame.alignment;
}

/**
 * Takes a buffer apart, without a look at what it holds.
 * @param {Uint8Array} bytes @returns {{ header: any, data: Uint8Array }} The header, and all arrays behind it.
 */
export function taken(bytes) {
  const start = 4 + new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  return { header: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(4, start))), data: bytes.subarray(start) };
}

/** @param {unknown} input @param {Kind} what @returns {Uint8Array} */
function asBytes(input, what) {
  let bytes;
  if (input instanceof ArrayBuffer) bytes = new Uint8Array(input);
  else if (ArrayBuffer.isView(input)) {
    bytes = new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  } else return fail(REFUSALS[what].noBytes, gettext("It is {type}.", { type: typeof input }));
  // Typed arrays need their own alignment; a buffer handed over inside a larger message may lack it.
  return bytes.byteOffset % frame.alignment === 0 ? bytes : bytes.slice();
}

/** @param {Uint8Array} bytes @param {Kind} what @returns {Record<string, any>} */
function readHeader(bytes, what) {
  /** @type {unknown} */
  let header;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return fail(REFUSALS[what].other, gettext("Its header cannot be read."));
  }
  if (!isRecord(header)) return fail(REFUSALS[what].other, gettext("Its header belongs to something else."));
  return header;
}

/**
 * @param {ArrayEntry[]} entries @param {Uint8Array} bytes @param {number} start @param {Kind} what
 * @returns {Map<string, PackedArray>}
 */
function readArrays(entries, bytes, start, what) {
  const arrays = new Map();
  for (const entry of entries) {
    requireFields(entry, frame.array, "arrays");
    const { name, dtype, shape, offset } = entry;
    if (!Object.hasOwn(frame.dtypes, dtype) || !Object.hasOwn(DTYPES, dtype)) {
      fail(gettext("An array has a type this page does not know."), says(name, dtype));
    }
    if (!Array.isArray(shape) || shape.some((n) => !Number.isInteger(n) || n < 0)) {
      fail(gettext("An array has no shape."), says(name, shape));
    }
    const Type = DTYPES[dtype];
    const size = shape.reduce((product, n) => product * n, 1);
    const first = start + offset;
    if (!Number.isInteger(offset) || offset < 0 || first % frame.alignment !== 0) {
      fail(gettext("An array does not start where it may."), gettext("{name} starts at {offset}.", { name, offset }));
    }
    const end = first + size * Type.BYTES_PER_ELEMENT;
    if (end > bytes.byteLength) {
      fail(REFUSALS[what].cut, gettext("{name} would end at byte {end} of {n}.", { name, end, n: bytes.byteLength }));
    }
    const data = new Type(/** @type {ArrayBuffer} */ (bytes.buffer), bytes.byteOffset + first, size);
    arrays.set(name, { data, shape });
  }
  return arrays;
}

/** @param {string} name @param {unknown} value @returns {string} */
function says(name, value) {
  return gettext("{name} says {value}.", { name, value: JSON.stringify(value) });
}

/**
 * @param {Map<string, PackedArray>} arrays @param {string} name
 * @param {(number | null)[]} shape The lengths of its axes; null is any.
 */
export function requireArray(arrays, name, shape) {
  const array = arrays.get(name);
  if (!array) return fail(gettext("The recording is not complete."), gettext("It lacks {name}.", { name }));
  const fits = array.shape.length === shape.length && shape.every((n, i) => n === null || n === array.shape[i]);
  if (!fits) {
    const found = gettext("{name} is ({shape}), not ({wanted}).", { name, shape: String(array.shape), wanted: String(shape) });
    fail(gettext("An array does not have the shape that is called for."), found);
  }
}

/**
 * Refuses a picture that another version of kvviz has packed.
 * @param {any} header @param {number} known The version that is read here.
 */
export function requireVersion(header, known) {
  if (header.version === known) return;
  const formats = { format: JSON.stringify(header.version), known };
  fail(gettext("This picture is of another version of kvviz."), gettext("Its format is {format}; the page reads {known}.", formats));
}

/** @param {unknown} value @returns {value is Record<string, any>} */
export function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {unknown} value @param {readonly string[]} names @param {string} where */
export function requireFields(value, names, where) {
  if (!isRecord(value)) return fail(gettext("The recording is not complete."), gettext("It lacks {name}.", { name: where }));
  const missing = names.filter((name) => !(name in value));
  if (missing.length > 0) {
    const found = gettext("{name} lacks {missing}.", { name: where, missing: missing.join(", ") });
    fail(gettext("The recording is not complete."), found);
  }
}

/** @param {Uint8Array} one @param {Uint8Array} other @returns {boolean} Whether both hold the same. */
export function sameBytes(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** @param {string} wrong @param {string} found @returns {never} */
export function fail(wrong, found) {
  throw new BufferError(`${wrong} ${found}`);
}
