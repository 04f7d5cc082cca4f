// A text as a model read it: its numbers as a person reads them, and where keys lead. Pure.
import { gettext, pgettext } from "../../../../player/js/translation.js";

/**
 * @typedef {object} Column One token that went through the model.
 * @property {string} fed Its text, with signs for what is invisible.
 * @property {"plain" | "hidden" | "special"} kind
 * @property {string | null} asked The token that the prediction here is judged by, or null.
 * @property {number | null} bits The loss; null where nothing is asked, or nothing is shown yet.
 * @property {number} rank Of the label, from 1; 0 if it is not among the recorded tokens.
 * @property {number | null} probability Of the label.
 * @property {[string, number][]} guesses The likeliest tokens and their probabilities.
 *
 * @typedef {object} Reading
 * @property {string} id Changes with the text and the model.
 * @property {string} model What the model is called.
 * @property {"next-token" | "masked-token"} mode
 * @property {boolean} revealed Whether losses and guesses are there.
 * @property {number} most_bits Where the scale of the heat ends: a fair draw from the vocabulary.
 * @property {number} n_recorded Tokens that the engine recorded at each place.
 * @property {string} wait What the panel says before anything is revealed.
 * @property {Column[]} columns
 */

/** Tokens of context that the panel repeats before the place it tells of. */
const N_BEFORE = 7;
const N_AFTER = 5;
/** Odds up to one in a million are written out; beyond, the power of ten says more. */
const MOST_IN_FULL = 1e6;

/**
 * Where a loss lies on the scale of the heat.
 * @param {number} bits @param {number} most @returns {number} 0 to 1.
 */
export function heat(bits, most) {
  return Math.max(0, Math.min(1, bits / most));
}

/** @param {string} text @returns {string} A token within running text: spaces are spaces, and lines end. */
export function running(text) {
  return text.replaceAll("␣", " ").replaceAll("↵", "↵\n");
}

/** @param {number} p @returns {string} A probability as a person reads it. */
export function percent(p) {
  if (p >= 0.9995) return "100 %";
  if (p >= 0.0995) return `${(100 * p).toFixed(0)} %`;
  if (p >= 0.000995) return `${(100 * p).toFixed(1)} %`;
  if (p <= 0) return "0 %";
  // Three digits: what follows them is another on a processor that adds in another order.
  const rounded = Math.round(Number((1 / p).toPrecision(3)));
  const n = 1 / p < MOST_IN_FULL ? rounded.toLocaleString("en") : `10${raised(Math.round(-Math.log10(p)))}`;
  return gettext("1 in {n}", { n });
}

/** @param {number} n @returns {string} A whole number as an exponent. */
function raised(n) {
  return String(n).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]);
}

/** @param {number} bits @returns {string} */
export function bitsText(bits) {
  return bits >= 9.95 ? bits.toFixed(0) : bits.toFixed(1);
}

/**
 * The place that a key leads to among those that can be looked at, or null if it leads nowhere.
 * @param {string} key @param {number} place @param {number} n @returns {number | null}
 */
export function placeAfterKey(key, place, n) {
  /** @type {Record<string, number>} */
  const places = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: n - 1 };
  return key in places ? Math.max(0, Math.min(n - 1, places[key])) : null;
}

/**
 * What stands around a place: for the next token what is before it, for a hidden one both sides.
 * @param {Reading} reading @param {number} place @returns {{ before: string, after: string }}
 */
export function surroundings(reading, place) {
  const fed = reading.columns.map((column) => (column.kind === "special" ? "" : column.fed.replaceAll("␣", " ")));
  const end = reading.mode === "next-token" ? place + 1 : place;
  const start = Math.max(0, end - N_BEFORE);
  const before = (start > 0 ? "…" : "") + fed.slice(start, end).join("");
  if (reading.mode === "next-token") return { before, after: "" };
  const stop = place + 1 + N_AFTER;
  return { before, after: fed.slice(place + 1, stop).join("") + (stop < fed.length ? "…" : "") };
}

/**
 * What is said of a token where nobody sees its row: with what is on screen it makes one sentence.
 * @param {Column} column @param {Reading["mode"]} mode
 * @returns {{ asked: string, loss: string }} Words before the label, and behind the loss.
 */
export function unseenWords(column, mode) {
  // The order of what is on screen is that of the picture, so the words between it are single ones.
  if (column.asked === null) return { asked: `, ${gettext("nothing is asked here")}`, loss: "" };
  const asked = mode === "next-token" ? `, ${pgettext("a token, then its label", "then")} ` : `, ${pgettext("token", "hidden")}: `;
  return { asked, loss: column.bits === null ? "" : ` ${pgettext("unit", "bits")}` };
}
