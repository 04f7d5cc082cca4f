// Reads what kvviz/ui/pages/bert_vs_gpt2/payload.py packs: header length, JSON header, aligned arrays.

/**
 * @typedef {object} Side
 * @property {string} name What the model is called on the page.
 * @property {string} note What kind of model it is, in a few words.
 * @property {"causal" | "bidirectional"} mask
 * @property {number} n_layers @property {number} n_heads
 * @property {string[]} tokens @property {boolean[]} special
 * @property {number[]} slots Column of the shared grid in which each token stands.
 * @property {number[]} units Unit of the alignment to which each token belongs.
 * @property {number[]} marked Positions that were appended, edited or hidden.
 *
 * @typedef {object} Changes
 * @property {string} title
 * @property {string[]} sides A few words under which each side's map stands, left and right; may be empty.
 *
 * @typedef {object} Header
 * @property {number} version
 * @property {number} n_slots @property {number} n_units
 * @property {boolean} veiled Whether the answer is still to be guessed, so that nothing is drawn yet.
 * @property {string} rows_note
 * @property {{ layer: number, head: number, look: Look }} view
 * @property {Side} left @property {Side} right
 * @property {Changes[]} changes
 * @property {{ name: string, dtype: "u8" | "f32", shape: number[], offset: number }[]} arrays
 *
 * @typedef {"attention" | "mask"} Look
 * @typedef {{ shape: number[], data: Uint8Array | Float32Array }} Numbers
 * @typedef {{ header: Header, arrays: Map<string, Numbers> }} Payload
 */

export const VERSION = 1;
/** A cell of a pattern that the mask forbids. */
export const FORBIDDEN = 255;
/** The byte of a weight of 1. */
export const FULL = 254;
export const SAME = 0;
export const CHANGED = 1;
export const NEW = 2;
export const OTHER_TOKEN = 3;

/** @param {Uint8Array | ArrayBuffer} buffer @returns {Payload} */
export function decode(buffer) {
  const bytes = buffer instanceof Uint8Array ? buffer : new Uint8Array(buffer);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = /** @type {Header} */ (JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))));
  if (header.version !== VERSION) throw new Error(`This picture is of format ${header.version}, and the page reads ${VERSION}.`);
  /** @type {Map<string, Numbers>} */
  const arrays = new Map();
  for (const { name, dtype, shape, offset } of header.arrays) {
    const count = shape.reduce((a, b) => a * b, 1);
    const start = 4 + length + offset;
    const size = dtype === "f32" ? 4 : 1;
    // Copied, since a typed array of floats may only begin at a multiple of four.
    const part = bytes.slice(start, start + count * size);
    arrays.set(name, { shape, data: dtype === "f32" ? new Float32Array(part.buffer) : part });
  }
  return { header, arrays };
}

/**
 * The weight with which a position looks at another, or null where the mask forbids it.
 * @param {Payload} payload @param {"left" | "right"} side @param {number} layer @param {number} head
 * @param {number} query @param {number} key @returns {number | null}
 */
export function weightOf(payload, side, layer, head, query, key) {
  const pattern = payload.arrays.get(`${side}.pattern`);
  if (!pattern) return null;
  const [, n_heads, n] = pattern.shape;
  const byte = pattern.data[((layer * n_heads + head) * n + query) * n + key];
  return byte === FORBIDDEN ? null : byte / FULL;
}

/**
 * The layer and head of a side that stand for the chosen ones: the nearest where it has fewer.
 * @param {Side} side @param {{ layer: number, head: number }} view
 */
export function within(side, view) {
  return { layer: Math.min(view.layer, side.n_layers - 1), head: Math.min(view.head, side.n_heads - 1) };
}
