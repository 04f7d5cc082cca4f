// What is said of how a row came about and of what a mix becomes, in words with its numbers.
import { glyphs, whole } from "./format.js";
import { bracketed, numeral } from "./making_words.js";
import { N_, gettext, ngettext, translated } from "./translation.js";

/**
 * @import { HeadOrigin, NormStep, RowOrigin, RowPart, Sum, Term, TurnStep } from "./head_origin.js"
 * @import { Payload } from "./buffer.js"
 */

export const LABELS = translated({
  further: N_("One level deeper, and one level on"),
  query: N_("How this query came about"),
  key: N_("How this key came about"),
  value: N_("How this value came about"),
  becoming: N_("What the mix becomes"),
  numbers: N_("← → another number · Esc goes back"),
  back: N_("Esc goes back"),
  entered: N_("what entered: the hidden row, after the norm"),
  encoder: N_("what entered: the encoder’s row"),
  weight: N_("weight, this head’s part"),
  bias: N_("bias"),
  product: N_("product"),
  normed: N_("normed"),
  products: N_("products of this number"),
  asking: N_("The model reads the text once more…"),
  mixes: N_("what all heads have mixed; this one is framed"),
  projection: N_("output projection"),
  projectionAndNorm: N_("output projection, then a norm"),
  added: N_("what attention adds"),
  before: N_("the stream before"),
  after: N_("the stream after, which goes on"),
  all: N_("Show every product"),
  fewer: N_("Show the largest products"),
  everyProduct: N_("Every product of this number"),
});

const PARTS = translated({ query: N_("query"), key: N_("key"), value: N_("value") });

/** @param {RowPart} part @returns {string} */
export function partName(part) {
  return PARTS[part];
}

/** @param {RowPart} part @param {string} token @param {number} row @returns {string} */
export function title(part, token, row) {
  const of = { token: glyphs(token), row };
  if (part === "query") return gettext("How the query of {token} in row {row} came about", of);
  if (part === "key") return gettext("How the key of {token} in row {row} came about", of);
  return gettext("How the value of {token} in row {row} came about", of);
}

/** @param {string} token @param {number} row @returns {string} */
export function becomingTitle(token, row) {
  return gettext("What the mix of {token} in row {row} becomes", { token: glyphs(token), row });
}

/** @param {Sum} sum @param {number} number Which number of the row. @returns {string} The arithmetic of one number. */
export function sumLine({ named, others, sum_of_others, bias, total }, number) {
  const terms = named.map(({ entered, weight }) => `${bracketed(entered)} × ${bracketed(weight)}`);
  if (others.length > 0) {
    terms.push(ngettext("{sum} for the {n} other product", "{sum} for the {n} other products", others.length, { n: whole(others.length), sum: bracketed(sum_of_others) }));
  }
  if (bias !== null) terms.push(gettext("the bias {bias}", { bias: bracketed(bias) }));
  return gettext("number {number}: {terms} = {total}", { number, terms: terms.join(" + "), total: numeral(total) });
}

/** @param {Term} term @returns {string} */
export function termLine({ at, entered, weight, product }) {
  return gettext("place {at}: {entered} × {weight} = {product}", { at, entered: numeral(entered), weight: bracketed(weight), product: numeral(product) });
}

/** @param {NormStep} step @returns {string} What a norm makes of a number of the product. */
export function normLine({ root, weight, after }) {
  return gettext("divided by {root}, the root mean square of the product, and times {weight}: {after}", { root: numeral(root), weight: bracketed(weight), after: numeral(after) });
}

/** @param {TurnStep} step @param {number} row @returns {string} What a turn makes of a number and the one it is in a pair with. */
export function turnLine({ own, other, at, cos, sin, degrees, after }, row) {
  const sum = `${bracketed(own)} × ${bracketed(cos)} + ${bracketed(other)} × ${bracketed(sin)}`;
  return gettext("turned by {degrees}° in a pair with number {other}, since it stands in row {row}: {sum} = {after}", { degrees: numeral(degrees), other: at, row, sum, after: numeral(after) });
}

/** @param {RowOrigin} origin @returns {string} */
export function originPrecision({ within }) {
  return gettext(
    "Read once more in one pass: the row made here is within {within} of the one that attention used, number for number. What entered, weight and bias are the model’s own.",
    { within: within.toPrecision(1) },
  );
}

/** @param {boolean} isNormed Whether a norm stands between the product and the stream. @returns {string} */
export function becomingLine(isNormed) {
  if (isNormed) {
    return gettext(
      "The mixes of all heads are laid side by side; one product turns them into a row as wide as the stream, a norm scales that row, and it is added to the stream. Every number of a mix has a say in every number that is added.",
    );
  }
  return gettext(
    "The mixes of all heads are laid side by side; one product turns them into a row as wide as the stream, and that is added to it. Every number of a mix has a say in every number that is added.",
  );
}

/**
 * What a file says of a head that it does not carry.
 * @param {Payload} payload @returns {string}
 */
export function notCarried({ origins }) {
  const found = origins.find(({ refused }) => refused === "");
  if (!found) return gettext("This file does not carry what rows were made of. Open the run in the app to see it.");
  return gettext("This file carries what rows were made of for layer {layer}, head {head} alone, the head on show when it was saved.", {
    layer: found.layer, head: found.head,
  });
}

/** @param {HeadOrigin} origin @returns {string} */
export function carried({ layer, head }) {
  return gettext("This file carries it for the head on show when it was saved: layer {layer}, head {head}.", { layer, head });
}
