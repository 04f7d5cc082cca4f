// What the player says of the second cache of a run that has an encoder, and of what that read. Pure.
import { glyphs, whole } from "./format.js";
import { gettext, ngettext } from "./translation.js";
import { LABELS, STATES, crossSpans, plain } from "./words.js";

/**
 * @import { Encoder } from "./buffer.js"
 * @import { RowState, StepFacts } from "./run.js"
 */

/** @param {StepFacts} facts @returns {string} What stands over the input's tokens. */
export function inputLabel({ kind, cross }) {
  if (!cross) return "";
  const count = cross.n_rows;
  const n = whole(count);
  if (cross.n_computed === 0) {
    return ngettext(
      "Input, {n} token: the encoder does not run again, and the rows made of it are reused",
      "Input, {n} tokens: the encoder does not run again, and the rows made of it are reused",
      count, { n },
    );
  }
  return kind === "prefill"
    ? ngettext(
        "Input, {n} token: read by the encoder at this step, and made into cross-attention rows",
        "Input, {n} tokens: read by the encoder at this step, and made into cross-attention rows",
        count, { n },
      )
    : ngettext(
        "Input, {n} token: without the cache its cross-attention rows are made anew at each step",
        "Input, {n} tokens: without the cache its cross-attention rows are made anew at each step",
        count, { n },
      );
}

/** @param {Encoder | null} encoder @returns {string} */
export function crossNote(encoder) {
  if (!encoder) return "";
  return encoder.cross_proven
    ? gettext("So have those of the cross-attention, written once.")
    : gettext("Of the cross-attention, some row changed after it was written.");
}

/** @param {number} row @param {string} text @param {RowState} state @returns {string} */
export function inputReading(row, text, state) {
  const became = state === "computed" ? LABELS.legendComputed : STATES[state];
  return gettext("Input position {row}, {token}: {state}", { row, token: glyphs(text), state: became });
}

/** @param {number} layer @param {number} head @param {StepFacts} facts @returns {string} */
export function crossKvDescription(layer, head, facts) {
  const where = gettext("Cross-attention cache, layer {layer}, head {head}.", { layer, head });
  return facts.cross ? [where, plain(crossSpans(facts.cross))].join(" ") : where;
}

/** @param {number} layer @param {number} head @param {number} n_rows @param {number} n_encoder @returns {string} */
export function crossPatternDescription(layer, head, n_rows, n_encoder) {
  const tokens = ngettext("{n} token of the input", "{n} tokens of the input", n_encoder, { n: whole(n_encoder) });
  return ngettext(
    "Cross-attention, layer {layer}, head {head}, {n} row looking at {tokens}.",
    "Cross-attention, layer {layer}, head {head}, {n} rows looking at {tokens}.",
    n_rows, { n: whole(n_rows), layer, head, tokens },
  );
}
