// Reads what kvviz/ui/pages/bert_vs_gpt2/payload.py packs, and refuses in words what is not whole.
import { fail, isRecord, requireArray, requireFields, requireVersion, unpack } from "../../../../player/js/packed_buffer.js";
import { gettext } from "../../../../player/js/translation.js";

/**
 * @import { ArrayEntry, PackedArray } from "../../../../player/js/packed_buffer.js"
 * @typedef {object} Side
 * @property {string} name What the model is called on the page.
 * @property {string} note What kind of model it is, in a few words.
 * @property {"causal" | "bidirectional"} mask
 * @property {number} n_layers @property {number} n_heads @property {number} n_kv_heads @property {number} d_head
 * @property {number[]} score_scale Of the products of queries and keys, a layer.
 * @property {number[]} layers Those whose patterns and rows are here.
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
 * @property {boolean} recorded Whether both texts were read elsewhere.
 * @property {{ layer: number, head: number, look: Look, cell: Place | null }} view
 * @property {number} view_number Another one than before says that the view is to be taken on.
 * @property {Side} left @property {Side} right
 * @property {Changes[]} changes
 * @property {ArrayEntry[]} arrays
 *
 * @typedef {"attention" | "mask"} Look
 * @typedef {{ which: "left" | "right", query: number, key: number }} Place A cell of a model's pattern, by positions.
 * @typedef {{ header: Header, arrays: Map<string, PackedArray> }} Payload
 */

export const VERSION = 4;
/** A cell of a pattern that the mask forbids. */
export const FORBIDDEN = 255;
/** The byte of a weight of 1. */
export const FULL = 254;
export const SAME = 0;
export const CHANGED = 1;
export const NEW = 2;
export const OTHER_TOKEN = 3;

const HEADER = ["n_slots", "n_units", "veiled", "rows_note", "recorded", "view", "view_number", "left", "right", "changes"];
const SIDE = ["name", "note", "mask", "n_layers", "n_heads", "n_kv_heads", "d_head", "score_scale", "layers", "tokens", "special", "slots", "units", "marked"];

/**
 * @param {unknown} input @returns {Payload}
 * @throws {import("../../../../player/js/packed_buffer.js").BufferError} If it is no such buffer, is cut short, or its parts contradict each other.
 */
export function decode(input) {
  const payload = unpack(input, "picture", checkedHeader);
  const { header, arrays } = payload;
  for (const which of /** @type {("left" | "right")[]} */ (["left", "right"])) {
    const { n_layers, n_heads, layers, tokens } = header[which];
    if (header.veiled) continue;
    for (const layer of layers) requireArray(arrays, `${which}.pattern.${layer}`, [n_heads, tokens.length, tokens.length]);
    if (layers.length < n_layers) requireArray(arrays, `${which}.thumbnails`, [n_layers, n_heads, null, null]);
  }
  return payload;
}

/** @param {any} header @returns {Header} */
function checkedHeader(header) {
  requireVersion(header, VERSION);
  requireFields(header, HEADER, "header");
  for (const which of ["left", "right"]) {
    requireFields(header[which], SIDE, which);
    if (!Array.isArray(header[which].tokens)) {
      fail(gettext("The picture is not complete."), gettext("{part} has no list of tokens.", { part: which }));
    }
  }
  if (!isRecord(header.view) || !Array.isArray(header.changes)) {
    fail(gettext("The picture is not complete."), gettext("Its view or its changes are missing."));
  }
  return header;
}

/** @param {Payload} payload @param {"left" | "right"} side @param {number} layer @returns {PackedArray | undefined} Head, query, key; none of a layer that is not here. */
export function patternOf({ arrays }, side, layer) {
  return arrays.get(`${side}.pattern.${layer}`);
}

/**
 * The weight with which a position looks at another, or null where the mask forbids it.
 * @param {Payload} payload @param {"left" | "right"} side @param {number} layer @param {number} head
 * @param {number} query @param {number} key @returns {number | null}
 */
export function weightOf(payload, side, layer, head, query, key) {
  const pattern = patternOf(payload, side, layer);
  if (!pattern) return null;
  const n = pattern.shape[1];
  const byte = pattern.data[(head * n + query) * n + key];
  return byte === FORBIDDEN ? null : byte / FULL;
}

/**
 * The layer and head of a side that stand for the chosen ones: the nearest where it has fewer.
 * @param {Side} side @param {{ layer: number, head: number }} view
 */
export function within(side, view) {
  return { layer: Math.min(view.layer, side.n_layers - 1), head: Math.min(view.head, side.n_heads - 1) };
}
