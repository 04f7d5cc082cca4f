// Numbers, units and tokens as they are written on the screen. Pure.

const THIN = "\u202f";

/** @param {number} n @returns {string} 12,288 */
export function whole(n) {
  return Math.round(n).toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/**
 * A share as a percentage: whole from 10 % on, one decimal below, "< 0.1 %" for what is hardly there.
 * @param {number} share In [0, 1]. @returns {string}
 */
export function percent(share) {
  const value = share * 100;
  if (value === 0) return `0${THIN}%`;
  if (value < 0.1) return `<${THIN}0.1${THIN}%`;
  if (value < 9.95) return `${value.toFixed(1)}${THIN}%`;
  return `${Math.round(value)}${THIN}%`;
}

/**
 * An attention weight as a percentage. Weights travel as bytes, in steps of 0.4 %, so that a zero
 * means less than half a step and not nothing.
 * @param {number} weight In [0, 1]. @returns {string}
 */
export function weightPercent(weight) {
  return weight === 0 ? `<${THIN}0.2${THIN}%` : percent(weight);
}

/** @param {number} value @returns {string} Three significant digits, without a trailing ".00". */
export function significant(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 999.5) return whole(value);
  return value.toFixed(size >= 99.5 ? 0 : size >= 9.95 ? 1 : 2);
}

/** @typedef {{ name: string, size: number }} Unit */

/**
 * The unit in which the smallest of some numbers reads best, so that a row shares one unit and none
 * of it is rounded to nothing.
 * @param {"flops" | "bytes" | "seconds"} kind @param {...(number | null)} numbers @returns {Unit}
 */
export function unitFor(kind, ...numbers) {
  const smallest = Math.min(...numbers.map((n) => n || Infinity));
  const units = {
    flops: [["TFLOP", 1e12], ["GFLOP", 1e9], ["MFLOP", 1e6], ["kFLOP", 1e3], ["FLOP", 1]],
    bytes: [["GB", 1e9], ["MB", 1e6], ["kB", 1e3], ["B", 1]],
    seconds: [["s", 1], ["ms", 1e-3], ["µs", 1e-6]],
  }[kind];
  // A unit is taken once the number reaches 0.1 of it: 0.14 GFLOP; but 31 ms and not 0.03 s.
  const floor = kind === "flops" ? 0.1 : 1;
  const found = units.find(([, size]) => smallest >= floor * Number(size) && smallest < Infinity) ?? units[units.length - 1];
  return { name: String(found[0]), size: Number(found[1]) };
}

/** @param {number} value @param {Unit} unit @returns {string} The number alone, in that unit. */
export function inUnit(value, unit) {
  return significant(value / unit.size);
}

/** @param {number} part @param {number} all @returns {string} How many times as much. */
export function timesAsMuch(part, all) {
  const times = all / part;
  return times >= 9.95 ? String(Math.round(times)) : times.toFixed(1);
}

/** @param {number} value @returns {string} 1.4e-6, 0, 0.012 */
export function small(value) {
  if (value === 0) return "0";
  return Math.abs(value) >= 0.01 ? value.toFixed(3) : value.toExponential(1);
}

/** @param {number} value @returns {string} A signed number with a true minus. */
export function signed(value) {
  return significant(value).replace("-", "−");
}

/**
 * A token with nothing invisible left in it: spaces, breaks and control characters get a glyph or
 * an escape, and so does what would turn the direction of the text around it.
 * @param {string} text @returns {string}
 */
export function glyphs(text) {
  if (text === "") return "∅";
  return text
    .replace(/ /g, "␣")
    .replace(/\n/g, "↵")
    .replace(/\t/g, "⇥")
    .replace(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|[\u00a0\u2000-\u200a\u202f\u205f\u3000]|\p{Cs}/gu, (c, /** @type {number} */ at) =>
      // Joiners hold emoji together; with nothing before them they are invisible.
      c === "\u200d" && at > 0 ? c : escapeOf(/** @type {number} */ (c.codePointAt(0))),
    );
}

const SENTINEL = /^(.*<)(extra_)(id_\d+>)$/;

/**
 * Splits a token where it may be cut: before the number of a sentinel, which tells it from its like.
 * @param {string} text @returns {[string, string]} What may be cut at its end, and what must stay.
 */
export function parted(text) {
  const sentinel = SENTINEL.exec(text);
  return sentinel ? [sentinel[1] + sentinel[2], sentinel[3]] : [text, ""];
}

/**
 * A token cut in its middle until it fits, or before the number of a sentinel: how it begins and ends is what tells it
 * from others.
 * @param {string} text @param {(text: string) => boolean} fits @returns {string}
 */
export function fitted(text, fits) {
  if (fits(text)) return text;
  const sentinel = SENTINEL.exec(text);
  if (sentinel) {
    const number = sentinel[3].slice("id_".length);
    return [`<…id_${number}`, `<…${number}`].find(fits) ?? `<${number}`;
  }
  const characters = [...text];
  for (let n = characters.length - 1; n > 1; n--) {
    const [first, last] = [Math.ceil((2 * n) / 3), Math.floor(n / 3)];
    const cut = `${characters.slice(0, first).join("")}…${characters.slice(characters.length - last).join("")}`;
    if (fits(cut)) return cut;
  }
  return `${characters[0]}…`;
}

/**
 * A text with blanks where an encoder was given numbered sentinels, as a person would type it.
 * @param {string} text @returns {string}
 */
export function withBlanks(text) {
  return text.replace(/ *<extra_id_\d+>/g, " ___");
}

/** @param {number} point @returns {string} */
function escapeOf(point) {
  const hex = point.toString(16);
  return point < 256 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`;
}

/**
 * Cuts a text to a number of characters, without splitting one.
 * @param {string} text @param {number} length @returns {string}
 */
export function cut(text, length) {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, Math.max(1, length - 1)).join("")}…`;
}

/**
 * A sum written out, its middle left away when it is long: 7 + 1 + 1 + … + 1.
 * @param {number[]} terms @param {(n: number) => string} write @param {number} [most]
 * @returns {string}
 */
export function sumText(terms, write, most = 8) {
  const written = terms.map(write);
  if (written.length <= most) return written.join(" + ");
  return [...written.slice(0, most - 2), "…", written[written.length - 1]].join(" + ");
}

/**
 * As it stands in XML, in an attribute too. What XML 1.0 has no way to write (section 2.2) is replaced.
 * @param {string} text @returns {string}
 */
export function escapeXml(text) {
  const names = /** @type {Record<string, string>} */ ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" });
  return text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd").replace(/[&<>"]/g, (sign) => names[sign]);
}
