// What is said of one point of the film, in whole sentences. Pure.
import { gettext } from "../../../../player/js/translation.js";
import { fairDraw } from "./film.js";
import { outstanding, shareText, tokens, tokensText } from "./words.js";

/** @import { Point } from "./film.js" */

/**
 * @param {string[]} names Of the models: one, or the twins. @param {Point[]} now One a model.
 * @param {number} most_bits Loss of a fair draw from the vocabulary. @returns {string}
 */
export function toldOf(names, now, most_bits) {
  const told = unsure(names, now);
  // A fair draw knows nothing; who takes chance for knowledge does worse.
  if (!now.some((point) => point.bits > most_bits)) return told;
  const n = choices(most_bits);
  return `${told} ${gettext("There are only {n}: a model that has learnt nothing guesses worse than a fair draw from all.", { n })}`;
}

/** @param {string[]} names @param {Point[]} now @returns {string} Among how many tokens each still hesitates. */
function unsure(names, now) {
  const [lead, twin] = now;
  const [model, other] = names;
  const n = Math.round(fairDraw(lead.bits));
  const values = {
    seen: tokens(lead.n_tokens, outstanding(tokensText(lead.n_tokens))),
    share: shareText(lead.progress),
    model,
    among: tokens(n, outstanding(choices(lead.bits))),
    bits: lead.bits.toFixed(2),
  };
  const before = lead.n_tokens === 0;
  if (!twin) {
    return before
      ? gettext("<b>Before the first token</b> {model} is as unsure as a fair draw among {among} ({bits} bits).", values)
      : gettext("After {seen}, {share} of the training, {model} is as unsure as a fair draw among {among} ({bits} bits).", values);
  }
  const both = { ...values, other, n: outstanding(choices(twin.bits)), other_bits: twin.bits.toFixed(2), own: tokens(twin.n_tokens, tokensText(twin.n_tokens)) };
  // Films are set side by side by the share of the training; the twin may have seen other numbers.
  if (twin.n_tokens === lead.n_tokens) {
    return before
      ? gettext(
          "<b>Before the first token</b> {model} is as unsure as a fair draw among {among} ({bits} bits), and {other} among {n} ({other_bits} bits).",
          both,
        )
      : gettext(
          "After {seen}, {share} of the training, {model} is as unsure as a fair draw among {among} ({bits} bits), and {other} among {n} ({other_bits} bits).",
          both,
        );
  }
  return before
    ? gettext(
        "<b>Before the first token</b> {model} is as unsure as a fair draw among {among} ({bits} bits), and {other}, {own} into its own, among {n} ({other_bits} bits).",
        both,
      )
    : gettext(
        "After {seen}, {share} of the training, {model} is as unsure as a fair draw among {among} ({bits} bits), and {other}, {own} into its own, among {n} ({other_bits} bits).",
        both,
      );
}

/** @param {number} bits @returns {string} The number of tokens in a fair draw that is as unsure. */
function choices(bits) {
  return Math.round(fairDraw(bits)).toLocaleString("en");
}
