// Reads what kvviz/ui/pages/cache_lab/bits/error_map.py packs, and refuses in words what is not whole.
import { requireArray, requireFields, requireVersion, unpack } from "../../../../../player/js/packed_buffer.js";

/**
 * @import { Numbers, PackedArray } from "../../../../../player/js/packed_buffer.js"
 *
 * @typedef {"keys" | "values"} Part
 * @typedef {"channel" | "token"} Axis
 *
 * @typedef {object} Panel Keys or values of a head, packed in one way.
 * @property {Part} part @property {Axis} axis Along what their numbers are grouped.
 * @property {boolean} is_control Whether it is the other way than the one asked for.
 * @property {Numbers} written Row by row. @property {Numbers} read Likewise.
 * @property {Numbers} packed Of each row whether it is packed; one that is not is read as written.
 *
 * @typedef {object} ErrorMap
 * @property {string[]} tokens @property {number} layer @property {number} kv_head
 * @property {number} width Numbers of a row. @property {Panel[]} panels
 */

export const VERSION = 1;

/**
 * @param {unknown} input @returns {ErrorMap}
 * @throws {import("../../../../../player/js/packed_buffer.js").BufferError} If it is no such buffer, or is not whole.
 */
export function decode(input) {
  const { header, arrays } = unpack(input, "picture", checkedHeader);
  const { tokens, layer, kv_head } = header;
  requireArray(arrays, "0.written", [tokens.length, null]);
  const width = /** @type {PackedArray} */ (arrays.get("0.written")).shape[1];
  const panels = header.panels.map((/** @type {any} */ panel, /** @type {number} */ number) => {
    const of = (/** @type {string} */ name, /** @type {number[]} */ shape) => {
      requireArray(arrays, `${number}.${name}`, shape);
      return /** @type {PackedArray} */ (arrays.get(`${number}.${name}`)).data;
    };
    const shape = [tokens.length, width];
    return { ...panel, written: of("written", shape), read: of("read", shape), packed: of("packed", [tokens.length]) };
  });
  return { tokens, layer, kv_head, width, panels };
}

/** @param {any} header @returns {any} */
function checkedHeader(header) {
  requireVersion(header, VERSION);
  requireFields(header, ["tokens", "layer", "kv_head", "panels"], "header");
  for (const panel of header.panels) requireFields(panel, ["part", "axis", "is_control"], "panels");
  return header;
}

/** @param {ErrorMap} map @param {Panel} panel @param {number} row @param {number} channel @returns {number} Read minus written. */
export function errorAt(map, panel, row, channel) {
  return panel.read[row * map.width + channel] - panel.written[row * map.width + channel];
}

/**
 * The size from which on colours of a part are told apart no more: that below which 98 % of the errors of its
 * packed rows lie, in both ways, so that both are painted by one scale.
 * @param {ErrorMap} map @param {Part} part @returns {number} Above 0.
 */
export function largestTold(map, part) {
  const sizes = map.panels.filter((panel) => panel.part === part).flatMap((panel) =>
    Array.from(panel.read, (number, at) => (panel.packed[Math.floor(at / map.width)] ? Math.abs(number - panel.written[at]) : NaN)));
  const told = sizes.filter((size) => !Number.isNaN(size)).sort((a, b) => a - b);
  return told[Math.floor(0.98 * (told.length - 1))] || 1;
}

/** @param {ErrorMap} map @param {Panel} panel @returns {number[]} Mean size of the numbers of each channel, as they were written. */
export function channelSizes(map, panel) {
  const sums = new Array(map.width).fill(0);
  panel.written.forEach((number, at) => { sums[at % map.width] += Math.abs(number) / map.tokens.length; });
  return sums;
}

/** @param {ErrorMap} map @param {Panel} panel @returns {number} Mean length of a packed row's error in lengths of the row; NaN where none is packed. */
export function meanOff(map, panel) {
  let [sum, n] = [0, 0];
  map.tokens.forEach((_, row) => {
    if (!panel.packed[row]) return;
    let [error, length] = [0, 0];
    for (let channel = 0; channel < map.width; channel++) {
      error += errorAt(map, panel, row, channel) ** 2;
      length += panel.written[row * map.width + channel] ** 2;
    }
    sum += length > 0 ? Math.sqrt(error / length) : 0;
    n++;
  });
  return n ? sum / n : NaN;
}
