// A run that is shown while it is made: what came of it since is fetched again and again, and put behind
// what is here. No script of the page is run for it.
import { aligned, taken, together } from "./packed_buffer.js";

/** From one question to the next at least; the server may take longer to answer. */
const ASK_AGAIN_MS = 500;
/** After an answer that failed to come. */
const TRY_AGAIN_MS = 2000;
/** Status of an answer that has nothing new. */
const NOTHING_NEW = 204;

/** Of the arrays of a layer, the axis along which there is a row each. Patterns have a cell for each row's key. */
const ROW_AXIS = new Map(Object.entries({
  pattern: 1, keys: 1, key_rest: 1, values: 1, value_rest: 1, queries: 1, query_rest: 1, fingerprints: 2,
}));
/** @type {Record<string, number>} */
const N_BYTES = { u8: 1, i8: 1, i32: 4, f32: 4 };

/**
 * @import { ArrayEntry } from "./packed_buffer.js"
 * @typedef {{ entry: ArrayEntry, bytes: Uint8Array }} Stretch An array as bytes.
 */

/** The run that is made at an address. */
export class GrowingRun {
  /**
   * @param {string} url Where it is asked for.
   * @param {(buffer: Uint8Array) => void} draw Draws the run as it stands.
   */
  constructor(url, draw) {
    this.url = url;
    this.draw = draw;
    /** What has come of it, as one buffer. */
    this.held = /** @type {Uint8Array | null} */ (null);
    /** Layer and head that are looked at; what the server chooses at first. */
    this.looked = /** @type {{ layer: number, head: number } | null} */ (null);
    this.isOver = false;
    this.timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
    this.question = /** @type {AbortController | null} */ (null);
    this.ask();
  }

  /** Asks no more. */
  stop() {
    this.isOver = true;
    clearTimeout(this.timer);
    this.question?.abort();
  }

  /** @param {{ layer: number, head: number }} place What is looked at by now; a layer that is not here is fetched at once. */
  look(place) {
    const { held, looked } = this;
    this.looked = place;
    if (this.isOver || place.layer === looked?.layer || (held && taken(held).header.layers.includes(place.layer))) return;
    clearTimeout(this.timer);
    this.question?.abort();
    this.ask();
  }

  async ask() {
    const { held, looked } = this;
    const question = (this.question = new AbortController());
    const before = held && taken(held).header;
    const isOther = before !== null && looked !== null && !before.layers.includes(looked.layer);
    const asked = new URLSearchParams({
      since: String(before?.n_rows ?? 0),
      ...(looked && { layer: String(looked.layer), head: String(looked.head) }),
      ...(isOther && { anew: "1" }),
    });
    let wait = ASK_AGAIN_MS;
    try {
      const response = await fetch(`${this.url}?${asked}`, { signal: question.signal });
      if (!response.ok) throw new Error(String(response.status));
      const bytes = response.status === NOTHING_NEW ? null : new Uint8Array(await response.arrayBuffer());
      if (this.question !== question || this.isOver) return;
      if (bytes?.length === 0) return this.stop();
      if (bytes) this.take(bytes, held);
    } catch {
      // It was asked for something else meanwhile, or no answer came.
      if (this.question !== question || this.isOver) return;
      wait = TRY_AGAIN_MS;
    }
    this.timer = setTimeout(() => this.ask(), wait);
  }

  /** @param {Uint8Array} part @param {Uint8Array | null} held What was here when it was asked for. */
  take(part, held) {
    this.held = grown(held, part);
    const { view } = taken(this.held).header;
    this.looked ??= { layer: view.layer, head: view.head };
    this.draw(this.held);
  }
}

/**
 * A run as it stands: what came since is put behind what was here.
 * @param {Uint8Array | null} held A buffer of the run as it stood before.
 * @param {Uint8Array} part A later one, which may leave out rows of layers that were here.
 * @returns {Uint8Array} The later one, whole.
 */
export function grown(held, part) {
  const { header, data } = taken(part);
  if (held === null) return part;
  const before = taken(held);
  /** @type {Map<string, Stretch>} */
  const earlier = new Map(stretches(before.header.arrays, before.data).map((one) => [one.entry.name, one]));
  const all = stretches(header.arrays, data).map((one) => whole(one, earlier.get(one.entry.name), header.n_rows));
  let offset = 0;
  const arrays = all.map(({ entry, bytes }) => {
    const placed = { ...entry, offset };
    offset += aligned(bytes.length);
    return placed;
  });
  return together({ ...header, arrays }, all.map(({ bytes }) => bytes));
}

/** @param {ArrayEntry[]} entries @param {Uint8Array} data @returns {Stretch[]} */
function stretches(entries, data) {
  return entries.map((entry) => {
    const n_bytes = entry.shape.reduce((product, n) => product * n, N_BYTES[entry.dtype]);
    return { entry, bytes: data.subarray(entry.offset, entry.offset + n_bytes) };
  });
}

/**
 * An array of all rows, those that were here before it.
 * @param {Stretch} part @param {Stretch | undefined} held @param {number} n_rows @returns {Stretch}
 */
function whole(part, held, n_rows) {
  // Its name is, say, on.keys.3.
  const what = part.entry.name.split(".")[1];
  const axis = ROW_AXIS.get(what);
  if (axis === undefined || !held) return part;
  const { shape } = part.entry;
  const [n, n_before] = [shape[axis], held.entry.shape[axis]];
  if (n === (what === "pattern" ? (n_rows * (n_rows + 1)) / 2 : n_rows)) return part;
  const inner = shape.slice(axis + 1).reduce((product, one) => product * one, N_BYTES[part.entry.dtype]);
  const outer = shape.slice(0, axis).reduce((product, one) => product * one, 1);
  const [old, more] = [n_before * inner, n * inner];
  const bytes = new Uint8Array(outer * (old + more));
  for (let i = 0; i < outer; i++) {
    bytes.set(held.bytes.subarray(i * old, (i + 1) * old), i * (old + more));
    bytes.set(part.bytes.subarray(i * more, (i + 1) * more), i * (old + more) + old);
  }
  return { entry: { ...part.entry, shape: shape.map((one, i) => (i === axis ? n_before + n : one)) }, bytes };
}
