// What the picture of models in step says in words. Numbers come in, sentences go out. Pure.
import { inUnit, unitFor, whole } from "../../../../../player/js/format.js";
import { gettext, ngettext } from "../../../../../player/js/translation.js";

/**
 * @import { LayerLife, Reader } from "./in_step_buffer.js"
 */

/** @param {number} bytes @returns {string} 46.1 kB */
export function inBytes(bytes) {
  const unit = unitFor("bytes", bytes);
  return `${inUnit(bytes, unit)} ${unit.name}`;
}

/** @param {number} ratio @returns {string} 3.8×, 17×, 0.97× */
export function times(ratio) {
  if (ratio < 0.995) return `${ratio.toFixed(2)}×`;
  return `${ratio < 9.95 ? ratio.toFixed(1) : whole(ratio)}×`;
}

/** @param {Reader} reader @param {number} stop @returns {number} Tokens that it has read. */
export function nRead(reader, stop) {
  return reader.n_first + reader.steps[stop];
}

/** @param {Reader} reader @param {number} stop @returns {string} */
export function tokensRead(reader, stop) {
  const n = reader.tokens.length;
  return ngettext("{read} of {n} token read", "{read} of {n} tokens read", n, { read: whole(nRead(reader, stop)), n: whole(n) });
}

/** @param {Reader} reader @param {number} stop @returns {number} */
export function bytesAt(reader, stop) {
  return reader.cache_bytes[reader.steps[stop]];
}

/** @param {LayerLife} life @param {boolean} isOnly @returns {string} Which layers have this life. */
export function layersOf({ n_layers, window }, isOnly) {
  if (isOnly) return ngettext("in its {n} layer", "in each of its {n} layers", n_layers, { n: n_layers });
  const values = { n: n_layers, window: whole(window) };
  return window
    ? ngettext("in {n} layer with a window of {window}", "in {n} layers with a window of {window}", n_layers, values)
    : ngettext("in {n} layer that sees all", "in {n} layers that see all", n_layers, values);
}

/** @param {Reader[]} readers @param {number} stop @param {number} n_stops @param {number} share Of the text's characters. @returns {string} */
export function stopSentence(readers, stop, n_stops, share) {
  const each = readers.map((reader) => {
    const n = nRead(reader, stop);
    const read = ngettext("{model} has read {n} token", "{model} has read {n} tokens", n, { model: reader.title, n: whole(n) });
    return gettext("{read} and keeps {bytes}", { read, bytes: inBytes(bytesAt(reader, stop)) });
  });
  const where = { percent: Math.round(share * 100), what: each.join("; "), stop: stop + 1, n: n_stops };
  return gettext("{percent} % of the text, place {stop} of {n}: {what}.", where);
}

/** @param {Reader} reader @param {number} stop @returns {string} The picture in words, for whoever hears it. */
export function description(reader, stop) {
  return gettext("{model}: the life of each row, one column a step. {read}.", { model: reader.title, read: tokensRead(reader, stop) });
}
