// What the making of a row says, in words with its numbers.
import { glyphs, percent, significant, whole } from "./format.js";
import { N_, gettext, ngettext, translated } from "./translation.js";

/**
 * @import { RowMaking } from "./row_making.js"
 * @import { Life } from "./lives.js"
 * @import { Taken } from "./fingerprints.js"
 */

export const LABELS = translated({
  open: N_("How this row is made"),
  products: N_("Query times key"),
  weights: N_("Scores become weights"),
  mix: N_("Values, mixed by weight"),
  query: N_("query of"),
  key: N_("key of"),
  product: N_("their products, number by number"),
  scores: N_("scores"),
  softmax: N_("weights"),
  share: N_("share of attention"),
  spread: N_("spread of the row"),
  mixed: N_("mixed"),
  all: N_("Show every row"),
  fewer: N_("Show the heaviest rows"),
  kept: N_("Kept, and not asked again"),
  atTheEnd: N_("after the last step"),
  whenDropped: N_("when it was dropped"),
  askedNow: N_("the one query that is asked for this row"),
  prints: N_("A fingerprint is made of every bit of the row in this layer, of all its heads: no number of it can change unseen."),
  change: N_("Change this token and see which rows move"),
  keys: N_("← → another key · ↑ ↓ another row · Esc closes"),
});

/** @param {number} value @returns {string} A signed number with a true minus, and three digits at least of a small one. */
export function numeral(value) {
  const size = Math.abs(value);
  const text = size !== 0 && size < 0.1 ? size.toPrecision(2) : significant(size);
  return value < 0 ? `−${text}` : text;
}

/** @param {{ query: number, key: number }} cell @param {string} asks @param {string} asked @returns {string} */
export function title({ query, key }, asks, asked) {
  return gettext("How {query} in row {row} looks at {key} in row {other}", { query: glyphs(asks), row: query, key: glyphs(asked), other: key });
}

/** @param {number} layer @param {number} head @returns {string} */
export function where(layer, head) {
  return gettext("layer {layer}, head {head}", { layer, head });
}

/** @param {RowMaking} making @param {number} key @returns {string} */
export function scoreLine({ query, sums, scale, bias, scores }, key) {
  const sum = ngettext("{n} product, summed: {sum}", "{n} products, summed: {sum}", query.length, { n: query.length, sum: numeral(sums[key]) });
  const steps = [sum];
  if (scale !== 1) steps.push(gettext("times {scale}", { scale: numeral(scale) }));
  if (bias) steps.push(gettext("plus {bias} for the distance", { bias: numeral(bias[key]) }));
  return steps.length === 1
    ? gettext("{sum}, which is the score", { sum })
    : gettext("{steps}: the score {score}", { steps: steps.join(", "), score: numeral(scores[key]) });
}

/** @param {RowMaking} making @param {number} key @param {number} at @returns {string} */
export function productLine({ query, keys }, key, at) {
  return gettext("number {at}: {q} × {k} = {product}", {
    at, q: numeral(query[at]), k: numeral(keys[key][at]), product: numeral(query[at] * keys[key][at]),
  });
}

/** @param {RowMaking} making @param {number} key @returns {string} */
export function weightLine({ scores, most, total, weights }, key) {
  return gettext("e to the {score} − {most} is {power}; of {total} in all that is {weight}", {
    score: bracketed(scores[key]), most: bracketed(most), power: numeral(Math.exp(scores[key] - most)), total: numeral(total),
    weight: percent(weights[key]),
  });
}

/** @param {RowMaking} making @param {number} key @returns {string} */
export function mixLine({ seen, weights }, key) {
  return ngettext(
    "{weight} of this value: the one row there is",
    "{weight} of this value and so on for all {n} rows, summed",
    seen.length, { weight: percent(weights[key]), n: whole(seen.length) },
  );
}

/** @param {RowMaking} making @param {number} key @param {number} at @returns {string} */
export function mixedLine({ values, weights, mix }, key, at) {
  return gettext("number {at}: {weight} of {value}, and the others, give {mixed}", {
    at, weight: percent(weights[key]), value: numeral(values[key][at]), mixed: numeral(mix[at]),
  });
}

/** @param {number} n @param {number} weight @returns {string} */
export function others(n, weight) {
  return ngettext("{n} other, {weight}", "{n} others, {weight}", n, { n: whole(n), weight: percent(weight) });
}

/**
 * The keys before it that a query did not see, and why. Nothing where it saw them all.
 * @param {{ n: number, why: "window" | "evicted" }[]} unseen @returns {string}
 */
export function unseenLine(unseen) {
  return unseen
    .map(({ n, why }) =>
      why === "evicted"
        ? ngettext("{n} earlier row was no longer there when it asked.", "{n} earlier rows were no longer there when it asked.", n, { n: whole(n) })
        : ngettext("{n} earlier row lies outside the layer’s window.", "{n} earlier rows lie outside the layer’s window.", n, { n: whole(n) }),
    )
    .join(" ");
}

/**
 * Why the key and the value may be kept, and the query need not be.
 * @param {{ query: number, key: number }} cell @param {Life} life Of the key's row, up to the step on show.
 * @param {boolean} proven @param {boolean} cached
 */
export function keptLine({ query, key }, { computed, n_read, gone }, proven, cached) {
  const asked = gettext("The query of row {query} is needed for its own row and never again.", { query });
  if (!cached) {
    const again = ngettext(
      "Without the cache the key and the value of row {key} were computed {n} time up to here.",
      "Without the cache the key and the value of row {key} were computed {n} times up to here.",
      computed.length, { key, n: whole(computed.length) },
    );
    return [again, asked].join(" ");
  }
  const values = { key, step: computed[0], n: whole(n_read) };
  const kept = n_read === 0
    ? gettext("The key and the value of row {key} were computed at this step, {step}.", values)
    : ngettext(
        "The key and the value of row {key} were computed at step {step} and read {n} time since",
        "The key and the value of row {key} were computed at step {step} and read {n} times since",
        n_read, values,
      );
  const left = gone === null ? [] : [gettext("From step {gone} on the row is no longer there.", { gone })];
  if (n_read === 0) return [kept, ...left, asked].join(" ");
  const bits = proven ? gettext("with the very same bits.") : gettext("but its bits are others now.");
  return [`${kept},`, bits, ...left, asked].join(" ");
}

/** @param {"key" | "value"} part @param {number} step @returns {string} */
export function writtenAt(part, step) {
  return part === "key" ? gettext("key, written at step {step}", { step }) : gettext("value, written at step {step}", { step });
}

/** @param {number} n @param {number} [shown] How many of them there is room for. @returns {string} */
export function earlierQueries(n, shown = n) {
  if (n === 0) return gettext("no query was asked before");
  const line = ngettext("{n} query before it: asked once, never read again", "{n} queries before it: asked once, never read again", n, { n: whole(n) });
  return shown < n ? gettext("{line} (the last {shown} are drawn)", { line, shown: whole(shown) }) : line;
}

/** @param {{ key: Taken, value: Taken }} taken @returns {string} The fingerprints, for who cannot see them. */
export function fingerprintsRead({ key, value }) {
  const of = { key: key.written, key_end: key.final, value: value.written, value_end: value.final };
  return gettext("Fingerprints of the bits: key {key}, at the end {key_end}; value {value}, at the end {value_end}.", of);
}

/** @param {number} within @returns {string} */
export function precision(within) {
  return gettext("Recorded in 16 bits a number: this score is within {within} of the model’s.", { within: within.toPrecision(1) });
}

/** @param {number} value @returns {string} As a factor: what is negative in brackets. */
export function bracketed(value) {
  return value < 0 ? `(${numeral(value)})` : numeral(value);
}
