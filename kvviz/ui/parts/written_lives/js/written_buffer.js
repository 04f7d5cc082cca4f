// Reads what kvviz/ui/parts/written_lives/written_lives.py packs, and refuses in words what is not whole.
import { livesOfSpans } from "../../../../player/js/lives.js";
import { fail, requireArray, requireFields, requireVersion, unpack } from "../../../../player/js/packed_buffer.js";
import { gettext } from "../../../../player/js/translation.js";

/**
 * @import { ArrayEntry } from "../../../../player/js/packed_buffer.js"
 * @import { RunCache } from "../../../../player/js/buffer.js"
 * @import { Lives } from "../../../../player/js/lives.js"
 *
 * @typedef {object} Header
 * @property {number} version
 * @property {number} n_steps Of the model that took more of them.
 * @property {number} step The one to go to, and
 * @property {number} view_number another one than before where that is to be taken on.
 * @property {string} shared What it means that a row is shared; empty where none is.
 * @property {string[]} texts
 * @property {{ name: string, cache: RunCache, n_steps: number, n_rows: number, first: number }[]} writers
 * @property {ArrayEntry[]} arrays
 *
 * @typedef {object} Writer What was seen of one model while it wrote.
 * @property {string} name
 * @property {RunCache} cache
 * @property {number} n_steps Passes it took; the other may have taken more.
 * @property {Lives} lives Over the steps of both.
 * @property {number} first The line in which its row 0 stands.
 * @property {string} [shared] What it means that a row of it is shared.
 * @property {(step: number, row: number) => string | null} tokenAt Text of the token at a position; null where there is none yet.
 */

export const VERSION = 2;

/**
 * @param {unknown} input @returns {{ writers: Writer[], step: number, view_number: number }}
 * @throws {import("../../../../player/js/packed_buffer.js").BufferError} If it is no such buffer, is cut short, or its parts contradict each other.
 */
export function decode(input) {
  const { header, arrays } = unpack(input, "picture", checkedHeader);
  const { step, view_number, shared } = header;
  const writers = header.writers.map(({ name, cache, n_steps, n_rows, first }, number) => {
    requireArray(arrays, `${number}.lives`, [null, 4]);
    requireArray(arrays, `${number}.tokens`, [header.n_steps, n_rows]);
    const spans = /** @type {import("../../../../player/js/packed_buffer.js").PackedArray} */ (arrays.get(`${number}.lives`)).data;
    const tokens = /** @type {import("../../../../player/js/packed_buffer.js").PackedArray} */ (arrays.get(`${number}.tokens`)).data;
    const lives = livesOfSpans(spans, n_rows, header.n_steps);
    const tokenAt = (/** @type {number} */ step, /** @type {number} */ row) => {
      const text = tokens[step * n_rows + row];
      return text < 0 ? null : header.texts[text];
    };
    return { name, cache, n_steps, lives, first, shared, tokenAt };
  });
  return { writers, step, view_number };
}

/** @param {any} header @returns {Header} */
function checkedHeader(header) {
  requireVersion(header, VERSION);
  requireFields(header, ["n_steps", "step", "view_number", "shared", "texts", "writers"], "header");
  if (!Array.isArray(header.writers)) fail(gettext("The picture is not complete."), gettext("It lacks {name}.", { name: "writers" }));
  for (const writer of header.writers) requireFields(writer, ["name", "cache", "n_steps", "n_rows", "first"], "writers");
  return header;
}
