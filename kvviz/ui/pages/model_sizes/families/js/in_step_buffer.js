// Reads what kvviz/ui/pages/model_sizes/families/payload.py packs, and refuses in words what is not whole.
import { livesOfSpans } from "../../../../../player/js/lives.js";
import { fail, requireArray, requireFields, requireVersion, unpack } from "../../../../../player/js/packed_buffer.js";
import { SPECIAL_MARK } from "../../../../../player/js/run.js";
import { gettext } from "../../../../../player/js/translation.js";

/**
 * @import { ArrayEntry, PackedArray } from "../../../../../player/js/packed_buffer.js"
 * @import { Lives } from "../../../../../player/js/lives.js"
 *
 * @typedef {object} ModelHeader
 * @property {string} name @property {string} title
 * @property {string[]} tokens @property {number[]} special Places of those that stand for no text.
 * @property {number} n_first Tokens that the prefill read.
 * @property {number[]} steps The step of each stop. @property {number[]} cache_bytes After each step.
 * @property {{ n_layers: number, window: number }[]} lives
 *
 * @typedef {object} Header
 * @property {number} version @property {string} text
 * @property {number[]} ends The character up to which all have read the text at each stop.
 * @property {number} stop The one to go to, and
 * @property {number} view_number another one than before where that is to be taken on.
 * @property {ModelHeader[]} models @property {ArrayEntry[]} arrays
 *
 * @typedef {{ lives: Lives, n_layers: number, window: number }} LayerLife The life of the rows of some layers.
 *
 * @typedef {object} Reader One model that read the text.
 * @property {string} name @property {string} title @property {string[]} tokens
 * @property {number} n_first @property {number[]} steps @property {number[]} cache_bytes
 * @property {LayerLife[]} lives
 *
 * @typedef {object} InStep
 * @property {string[]} text Its characters. @property {number[]} ends
 * @property {number} stop @property {number} view_number
 * @property {Reader[]} readers The first is the one that others are measured against.
 */

export const VERSION = 1;

/**
 * @param {unknown} input @returns {InStep}
 * @throws {import("../../../../../player/js/packed_buffer.js").BufferError} If it is no such buffer, is cut short, or its parts contradict each other.
 */
export function decode(input) {
  const { header, arrays } = unpack(input, "picture", checkedHeader);
  const readers = header.models.map((model, number) => {
    const { name, title, n_first, steps, cache_bytes } = model;
    const lives = model.lives.map(({ n_layers, window }, life) => {
      requireArray(arrays, `${number}.${life}.lives`, [null, 4]);
      const spans = /** @type {PackedArray} */ (arrays.get(`${number}.${life}.lives`)).data;
      return { lives: livesOfSpans(spans, model.tokens.length, cache_bytes.length), n_layers, window };
    });
    const special = new Set(model.special);
    const tokens = model.tokens.map((text, place) => (special.has(place) ? SPECIAL_MARK + text : text));
    return { name, title, tokens, n_first, steps, cache_bytes, lives };
  });
  const { ends, stop, view_number } = header;
  return { text: [...header.text], ends, stop, view_number, readers };
}

/** @param {any} header @returns {Header} */
function checkedHeader(header) {
  requireVersion(header, VERSION);
  requireFields(header, ["text", "ends", "stop", "view_number", "models"], "header");
  const incomplete = (/** @type {string} */ name) => fail(gettext("The picture is not complete."), gettext("It lacks {name}.", { name }));
  if (!Array.isArray(header.models) || header.models.length === 0) incomplete("models");
  if (!Array.isArray(header.ends) || header.ends.length === 0) incomplete("ends");
  for (const model of header.models) {
    requireFields(model, ["name", "title", "tokens", "special", "n_first", "steps", "cache_bytes", "lives"], "models");
    if (model.steps.length !== header.ends.length) incomplete("steps");
  }
  return header;
}
