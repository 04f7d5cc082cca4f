// Every sentence in the reader's language: the other half of kvviz/translation. English stands in the
// code and is the key; the messages of another language come with what is to be drawn.

/**
 * @typedef {object} Catalogue
 * @property {string} language
 * @property {string} forms Which plural form goes with a number: a digit a number, from 0 on.
 * @property {Record<string, string | string[]>} messages A list of forms where the key has a plural.
 */

/** @type {Catalogue | null} */
let catalogue = null;

/**
 * Speaks a language from now on. What was written before stays as it is.
 * @param {Catalogue | null | undefined} next None for English.
 * @returns {boolean} Whether it is another language than before.
 */
export function useCatalogue(next) {
  const before = catalogue?.language;
  catalogue = next ?? null;
  return before !== catalogue?.language;
}

const FIRST = '{"translation":';
const LENGTH_BYTES = 4;

/**
 * The catalogue in the header of a packed buffer, where it stands first; so a buffer without one, as
 * all English ones are, is not read for it.
 * @param {unknown} buffer @returns {Catalogue | null} Also null of what is no such buffer.
 */
export function catalogueIn(buffer) {
  if (!(buffer instanceof ArrayBuffer || ArrayBuffer.isView(buffer))) return null;
  const [start, size] = buffer instanceof ArrayBuffer ? [0, buffer.byteLength] : [buffer.byteOffset, buffer.byteLength];
  const bytes = new Uint8Array(buffer instanceof ArrayBuffer ? buffer : buffer.buffer, start, size);
  const head = new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + FIRST.length));
  if (head !== FIRST) return null;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  try {
    return JSON.parse(new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length))).translation;
  } catch {
    return null; // The reader of the buffer says what is wrong with it.
  }
}

/**
 * The catalogue in what a page hands to a component: in a packed buffer's header, or beside the rest.
 * @param {any} data @returns {Catalogue | null}
 */
export function catalogueOf(data) {
  return catalogueIn(data) ?? data?.translation ?? null;
}

/**
 * @param {string} message English, with names in braces for what is filled in.
 * @param {Record<string, string | number>} [values] What is filled in, as it is to be read.
 * @returns {string}
 */
export function gettext(message, values = {}) {
  const found = catalogue?.messages[message];
  return filled((Array.isArray(found) ? form(found, 1) : found) || message, values);
}

/**
 * @param {string} one English for 1. @param {string} many English for all others.
 * @param {number} n Chooses the form. @param {Record<string, string | number>} values What is filled in, `n` as well.
 * @returns {string}
 */
export function ngettext(one, many, n, values) {
  const found = catalogue?.messages[one];
  const english = n === 1 ? one : many;
  return filled((Array.isArray(found) ? form(found, n) : found) || english, values);
}

/**
 * @param {string} context Tells apart what is one word in English.
 * @param {string} message @param {Record<string, string | number>} [values] @returns {string}
 */
export function pgettext(context, message, values = {}) {
  return filled(String(catalogue?.messages[`${context}\u0004${message}`] || message), values);
}

/**
 * Marks a constant of a module, to be translated when it is read; see `translated`.
 * @param {string} message @returns {string}
 */
export function N_(message) {
  return message;
}

/**
 * Constants, each marked by `N_`, in the language of the moment in which one is read.
 * @template {Record<string, string>} T @param {T} constants @returns {Readonly<T>}
 */
export function translated(constants) {
  return new Proxy(constants, { get: (all, name) => (typeof name === "string" && name in all ? gettext(all[name]) : undefined) });
}

/** @param {string[]} forms @param {number} n @returns {string} */
function form(forms, n) {
  const table = catalogue?.forms ?? "";
  // From 100 on only the last two digits tell; the table's second hundred has all of them.
  const at = n < table.length ? n : 100 + (n % 100);
  return forms[Number(table[at])] ?? forms[forms.length - 1];
}

/** @param {string} text @param {Record<string, string | number>} values @returns {string} */
function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (braces, name) => (name in values ? String(values[name]) : braces));
}
