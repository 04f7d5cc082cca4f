// The arithmetic behind the next-token bars and behind the figures of a row of attention. Pure.
import { glyphs, percent, sumText, whole } from "./format.js";
import { bracketed, numeral } from "./making_words.js";
import { entropyBits } from "./row_making.js";
import { gettext, ngettext } from "./translation.js";

/**
 * @import { Options } from "./buffer.js"
 * @import { Explanation } from "./bill_words.js"
 * @import { RowMaking } from "./row_making.js"
 * @import { NextToken } from "./run.js"
 */

/** @param {number} n @returns {string} */
export function bits(n) {
  return gettext("{n} bits", { n: n.toFixed(2) });
}

/** @param {string} label @param {string} figure @returns {string} What is read out of a figure that opens. */
export function figureRead(label, figure) {
  return [gettext("{label}: {figure}.", { label, figure }), gettext("Show the arithmetic.")].join(" ");
}

/** @param {string} token @param {string} share @returns {string} */
export function shareLabel(token, share) {
  return [gettext("{token} comes next with {share}.", { token, share }), gettext("Show the arithmetic.")].join(" ");
}

/**
 * How likely a token is, and what temperature, top-k and top-p make of that. A softmax tells by how much
 * logits differ and not what they are, so the logit is told beside that of the likeliest token.
 * @param {NextToken} token @param {NextToken[]} tokens Those on show, the likeliest first. @param {string} text @param {Options} options
 * @returns {Explanation}
 */
export function nextExplanation({ rank, prob, sampling, chosen }, [best], text, options) {
  const below = Math.log(prob / best.prob);
  const lines = [];
  if (rank === 1) lines.push(gettext("Its logit is the largest: the model finds it likeliest, with {share}.", { share: percent(prob) }));
  else {
    lines.push(gettext("Its logit is {below} below that of the likeliest token, which has {best}: e to the −{below} is {ratio}, and {ratio} × {best} = {share}.", {
      below: numeral(-below), best: percent(best.prob), ratio: numeral(prob / best.prob), share: percent(prob),
    }));
  }
  lines.push(...(options.temperature === 0 ? greedyLines(chosen) : drawLines(rank, below, sampling, chosen, options)));
  return {
    title: gettext("How likely {token} is", { token: glyphs(text) }),
    lines,
    note: gettext("Probabilities are the run’s own, over the whole vocabulary; the difference of two logits is the logarithm of their ratio."),
  };
}

/** @param {boolean} chosen @returns {string[]} */
function greedyLines(chosen) {
  const rule = gettext("Temperature 0: nothing is drawn, the likeliest token is taken; top-k and top-p have nothing to do.");
  return [rule, chosen ? gettext("It was taken.") : gettext("It was not taken.")];
}

/** @param {number | null} rank @param {number} below @param {number} sampling @param {boolean} chosen @param {Options} options @returns {string[]} */
function drawLines(rank, below, sampling, chosen, { temperature, top_k, top_p, seed }) {
  const lines = [];
  if (temperature === 1) lines.push(gettext("Temperature 1 leaves the logits as they are."));
  else if (rank !== 1) {
    lines.push(gettext("Divided by the temperature {temperature} the difference is −{below}: e to that is {ratio} of the likeliest token’s.", {
      temperature, below: numeral(-below / temperature), ratio: numeral(Math.exp(below / temperature)),
    }));
  } else lines.push(gettext("Differences of logits are divided by the temperature {temperature}.", { temperature }));
  if (top_k !== null) {
    const place = rank === null ? gettext("it is further down") : gettext("it is number {rank}", { rank });
    lines.push(ngettext("Top-k keeps the {n} likeliest: {place}.", "Top-k keeps the {n} likeliest: {place}.", top_k, { n: whole(top_k), place }));
  }
  if (top_p !== null) lines.push(gettext("Top-p keeps the fewest likeliest that together have {share}.", { share: percent(top_p) }));
  if (!Number.isNaN(sampling)) {
    lines.push(sampling === 0
      ? gettext("So it was left out of the draw.")
      : gettext("What is left is scaled to 100 %: it was drawn with {share}.", { share: percent(sampling) }));
  }
  lines.push(chosen ? gettext("With the seed {seed} it was drawn.", { seed }) : gettext("With the seed {seed} another was drawn.", { seed }));
  return lines;
}

/**
 * @param {RowMaking} making @param {number} key @returns {Explanation}
 */
export function weightExplanation({ scores, seen, most, total, weights, within }, key) {
  const powers = seen.map((one) => Math.exp(scores[one] - most));
  const all = sumText(powers, numeral);
  return {
    title: gettext("A share of attention"),
    lines: [
      gettext("e to the {score} − {most} is {power}", { score: bracketed(scores[key]), most: bracketed(most), power: numeral(Math.exp(scores[key] - most)) }),
      ngettext("of the {n} row: {all} = {total}", "of all {n} rows: {all} = {total}", seen.length, { n: whole(seen.length), all, total: numeral(total) }),
      gettext("{power} / {total} = {share}", { power: numeral(Math.exp(scores[key] - most)), total: numeral(total), share: percent(weights[key]) }),
    ],
    note: gettext("The largest score, {most}, is taken off each so that no power overflows; the shares stay the same. Scores are within {within} of the model’s.", {
      most: numeral(most), within: within.toPrecision(1),
    }),
  };
}

/**
 * What is measured of a head, a mean over the tokens of a text.
 * @param {"forward" | "entropy" | "distance"} measure @param {number[]} values Of each token that looks. @param {string} mean As it is shown.
 * @returns {Explanation}
 */
export function measureExplanation(measure, values, mean) {
  const said = {
    forward: {
      title: gettext("How much of its attention a head gives to later tokens"),
      each: gettext("Of each token that looks: the sum of its shares for the tokens after it."),
      note: gettext("0 % where the mask lets no token look ahead, and for the last token of any text."),
    },
    entropy: {
      title: gettext("Spread of a head’s attention: the entropy of its rows"),
      each: gettext("Of each token that looks: the sum of −w × log2 w over all its shares w, in bits."),
      note: gettext("0 bits where every token looks at one other. The sum behind a single row opens where it says how the row is made. The measure is that of Clark et al. (2019), section 3.3."),
    },
    distance: {
      title: gettext("How far a head looks"),
      each: gettext("Of each token that looks: the sum of its shares times the distance in tokens."),
      note: gettext("The measure is that of Vig and Belinkov (2019), section 4.2."),
    },
  }[measure];
  const sum = sumText(values, (value) => value.toFixed(2));
  const over = ngettext("({sum}) / {n} token = {mean}", "({sum}) / {n} tokens = {mean}", values.length, { sum, n: whole(values.length), mean });
  return { title: said.title, lines: [said.each, gettext("Their mean over the text:"), over], note: said.note };
}

/** @param {RowMaking} making @returns {Explanation} */
export function entropyExplanation({ weights, seen }) {
  const entropy = entropyBits(weights);
  const n_keys = seen.length;
  const terms = seen.map((key) => weights[key]).map((weight) => (weight > 0 ? -weight * Math.log2(weight) : 0));
  return {
    title: gettext("Spread of a row of attention: its entropy"),
    lines: [
      gettext("The sum of −w × log2 w over all shares w of the row:"),
      `${sumText(terms, numeral)} = ${bits(entropy)}`,
      ngettext(
        "As spread as an even look at {even} rows; with {n} row it can be {most} at most.",
        "As spread as an even look at {even} rows; with {n} rows it can be {most} at most.",
        n_keys, { even: numeral(2 ** entropy), n: whole(n_keys), most: bits(Math.log2(n_keys)) },
      ),
    ],
    note: gettext("0 bits where all attention is on one row. Computed here from the shares."),
  };
}
