// Numbers as a person says them, and what stands out in a sentence. Pure.
import { gettext, ngettext } from "../../../../player/js/translation.js";

/** @param {number} n @returns {string} A count of tokens as a person says it. */
export function tokensText(n) {
  if (n >= 999_500) return gettext("{n} million", { n: (n / 1e6).toFixed(1) });
  return n.toLocaleString("en");
}

/** @param {number} share @returns {string} */
export function shareText(share) {
  const percent = 100 * share;
  return `${percent >= 9.95 ? percent.toFixed(0) : percent.toFixed(1)} %`;
}

/** @param {string} text @returns {string} The same, to be filled into a sentence in which it stands out. */
export function outstanding(text) {
  return `<b>${text}</b>`;
}

/**
 * A sentence cut where something stands out: every second piece does.
 * @param {string} sentence @returns {string[]}
 */
export function pieces(sentence) {
  return sentence.split(/<\/?b>/);
}

/** @param {number} n @param {string} number The same, as it is to be read. @returns {string} */
export function tokens(n, number) {
  return ngettext("{n} token", "{n} tokens", n, { n: number });
}
