// What the player says of the bill: the arithmetic behind each figure, and how both ways compare. Pure.
import { inUnit, small, sumText, timesAsMuch, unitFor, whole } from "./format.js";
import { heldLines, keysRead } from "./named_cache_words.js";
import { gettext, ngettext } from "./translation.js";

/**
 * @import { Encoder, Model, RunCache, Savings } from "./buffer.js"
 * @import { Held } from "./named_cache_words.js"
 * @import { BillSide } from "./run.js"
 *
 * @typedef {{ title: string, lines: string[], note?: string }} Explanation
 * @typedef {object} Bill What an explanation is made of.
 * @property {BillSide} side
 * @property {Model} model
 * @property {number} n_rows Rows of K and V after the step.
 * @property {number} step
 * @property {Encoder | null} encoder
 * @property {number} n_shared Rows of the prompt that came from another run.
 * @property {Held | null} held Where a named cache kept the rows, and the side is the one with it.
 */

/**
 * @param {"rows" | "cross_rows" | "flops" | "seconds" | "cache_bytes"} figure @param {BillSide} side
 * @param {Model} model @param {number} n_prompt @param {number} step @param {Encoder | null} encoder
 * @param {Held | null} held What a named cache held.
 * @returns {Explanation}
 */
export function billExplanation(figure, side, model, n_prompt, step, encoder = null, held = null) {
  const n_shared = n_prompt - side.rows.terms[0];
  const bill = { side, model, n_rows: n_prompt + step, n_shared, step, encoder, held: side.cache === "on" ? held : null };
  return { rows, cross_rows: crossRows, flops, seconds, cache_bytes: bytes }[figure](bill);
}

/** @param {Bill} bill @returns {Explanation} */
function rows({ side, n_shared }) {
  const on = side.cache === "on";
  return {
    title: on ? gettext("K/V rows computed with the cache") : gettext("K/V rows computed without the cache"),
    lines: [
      sumOfRows(side.rows),
      on
        ? n_shared
          ? gettext("The prefill computes the prompt's rows but for those of another run, every decode step one more.")
          : gettext("The prefill computes the prompt's rows, every decode step one more.")
        : gettext("Every step computes all rows again."),
    ],
    note: note(side, ran(side) ? gettext("Read off the positions fed and the projections run.") : ""),
  };
}

/** @param {Bill} bill @returns {Explanation} */
function crossRows({ side }) {
  const on = side.cache === "on";
  return {
    title: on
      ? gettext("Cross-attention rows computed with the cache")
      : gettext("Cross-attention rows computed without the cache"),
    lines: [
      sumOfRows(side.cross_rows ?? { total: 0, terms: [] }),
      on
        ? gettext("They are made of what the encoder read, which never changes: once is enough.")
        : gettext("They are made of the input again at every step, and come out the same."),
    ],
    note: note(side, ran(side) ? gettext("Read off the projections run.") : ""),
  };
}

/** @param {Bill} bill @returns {Explanation} */
function flops({ side, model, n_rows, step, encoder, held }) {
  const unit = unitFor("flops", ...side.flops.terms);
  const title =
    side.cache === "on"
      ? gettext("Floating-point operations with the cache")
      : gettext("Floating-point operations without the cache");
  const sum = `${sumText(side.flops.terms, (n) => inUnit(n, unit))} = ${inUnit(side.flops.total ?? 0, unit)} ${unit.name}`;
  if (encoder) {
    const own = { flops: inUnit(encoder.flops, unit), unit: unit.name };
    return {
      title,
      lines: [sum, gettext("The encoder's own pass is not in it: {flops} {unit}, once, either way.", own)],
      note: note(side, gettext("Of the decoder: matrix products only, a multiply-add as two.")),
    };
  }
  const sizes = {
    n: model.n_layers, d: model.d_model, i: model.d_mlp, v: whole(model.d_vocab), q: side.rows.terms[step], keys: held?.n_live ?? n_rows,
  };
  return {
    title,
    lines: [
      sum,
      ...flopsFormula(model),
      ...(model.windows ? [gettext("In a layer with a window of w positions n is q + w − 1 at most.")] : []),
      ...(held ? [keysRead(held.told)] : []),
      ngettext(
        "L = {n} layer, D = {d}, I = {i}, V = {v}; this step q = {q}, n = {keys}",
        "L = {n} layers, D = {d}, I = {i}, V = {v}; this step q = {q}, n = {keys}",
        model.n_layers, sizes,
      ),
    ],
    note: note(side, gettext("Matrix products only, a multiply-add as two; logits for one row.")),
  };
}

/**
 * How the operations of a step are counted. Where all heads of one kind together are as wide as the residual stream, and the
 * MLP has no gate, the formula needs no width of theirs.
 * @param {Model} model @returns {string[]}
 */
function flopsFormula({ n_heads, n_kv_heads, d_head, d_model, mlp_is_gated }) {
  const [queries, kept] = [n_heads * d_head, n_kv_heads * d_head];
  if (queries === d_model && kept === d_model && !mlp_is_gated) {
    return [gettext("A step with q new rows and n keys: L (8qD² + 4qDI + 4qnD) + 2DV")];
  }
  return [
    mlp_is_gated
      ? gettext("A step with q new rows and n keys: L (4qDA + 4qDB + 6qDI + 4qnA) + 2DV")
      : gettext("A step with q new rows and n keys: L (4qDA + 4qDB + 4qDI + 4qnA) + 2DV"),
    gettext("A = {queries}, the width of all query heads together; B = {kept}, that of all KV heads", { queries, kept }),
  ];
}

/** A step that takes so many times as long as the one in the middle has waited for its turn. */
const BUSY = 5;
const FEWEST_STEPS = 8;

/**
 * @param {number[]} terms Times of the steps, of which the first reads the prompt.
 * @returns {number} How many times as long the slowest of the others took as the one in the middle; 0 where they are few.
 */
function slowest(terms) {
  const ordered = terms.slice(1).sort((a, b) => a - b);
  return ordered.length < FEWEST_STEPS ? 0 : ordered[ordered.length - 1] / ordered[ordered.length >> 1];
}

/** @param {Bill} bill @returns {Explanation} */
function seconds({ side, model }) {
  const title = side.cache === "on" ? gettext("Time with the cache") : gettext("Time without the cache");
  const { total, terms } = side.seconds;
  if (total === null) {
    return { title, lines: [gettext("Not run, so there is no time to show. Time is measured here, never computed.")] };
  }
  const unit = unitFor("seconds", ...terms);
  const { n_timings, n_together } = side;
  const shared = n_together > 1
    ? [
        ngettext(
          "A pass made the step of {n} run at once, and its time is that of all.",
          "A pass made the steps of up to {n} runs at once, and its time is that of all.",
          n_together, { n: n_together },
        ),
      ]
    : [];
  const noise =
    n_timings > 1
      ? ngettext(
          "Run {n} time, in turn with the other way: of each step the least time is taken, since other work on the machine only adds to it.",
          "Run {n} times, in turn with the other way: of each step the least time is taken, since other work on the machine only adds to it.",
          n_timings, { n: n_timings },
        )
      : gettext("Run once: at this size other work on the machine shows.");
  const times = slowest(terms);
  const busy = times >= BUSY
    ? [gettext("The slowest step took {n} times as long as the one in the middle: the machine was busy with something else.", { n: whole(Math.round(times)) })]
    : [];
  const measured = gettext("Measured on {device}, forward pass and choice of the token.", { device: model.device });
  return {
    title,
    lines: [`${sumText(terms, (n) => inUnit(n, unit))} = ${inUnit(total, unit)} ${unit.name}`],
    note: [measured, ...shared, ...busy, noise].join(" "),
  };
}

/** @param {Bill} bill @returns {Explanation} */
function bytes({ side, model, n_rows, encoder, held }) {
  if (side.cache === "off") {
    return {
      title: gettext("Bytes held without the cache"),
      lines: [gettext("0 B: no row outlives its step.")],
      note: note(side, ""),
    };
  }
  const { n_layers, n_heads, n_kv_heads, d_head, cache_bytes_per_token: per } = model;
  const factors = {
    layers: ngettext("{n} layer", "{n} layers", n_layers, { n: n_layers }),
    heads: n_kv_heads < n_heads
      ? ngettext("{n} KV head", "{n} KV heads", n_kv_heads, { n: n_kv_heads })
      : ngettext("{n} head", "{n} heads", n_kv_heads, { n: n_kv_heads }),
    numbers: ngettext("{n} number", "{n} numbers", d_head, { n: d_head }),
    bytes: per / (2 * n_layers * n_kv_heads * d_head),
    product: whole(per),
  };
  const total = whole(side.cache_bytes.total ?? 0);
  const measured = note(
    side,
    ran(side) ? gettext("2 is for K and V. Measured on the tensors that hold the rows.") : gettext("2 is for K and V."),
  );
  const eachToken = gettext("2 × {layers} × {heads} × {numbers} × {bytes} B = {product} B a token", factors);
  if (held) return { title: gettext("Bytes held by the cache"), lines: [eachToken, ...heldLines(held, n_rows, per, total)], note: measured };
  if (model.windows) return { title: gettext("Bytes held by the cache"), lines: windowedLines(model, factors, n_rows, total), note: measured };
  const n_input = encoder ? encoder.tokens.length : 0;
  const halves = { bytes: whole(per), own: whole(n_rows), input: whole(n_input), total };
  return {
    title: gettext("Bytes held by the cache"),
    lines: [
      eachToken,
      encoder
        ? ngettext(
            "{bytes} B × ({own} + {input}) row of both caches = {total} B",
            "{bytes} B × ({own} + {input}) rows of both caches = {total} B",
            n_rows + n_input, halves,
          )
        : ngettext("{bytes} B × {n} row = {total} B", "{bytes} B × {n} rows = {total} B", n_rows, {
            bytes: whole(per), n: whole(n_rows), total,
          }),
    ],
    note: measured,
  };
}

/**
 * How many rows each layer keeps, and what they take together.
 * @param {Model} model @param {{ heads: string, numbers: string, bytes: number }} factors @param {number} n_rows @param {string} total
 * @returns {string[]}
 */
function windowedLines({ windows = [], n_layers, cache_bytes_per_token: per }, factors, n_rows, total) {
  const row = whole(per / n_layers);
  const kept = (/** @type {number} */ window) => (window ? Math.min(n_rows, window - 1) : n_rows);
  const kinds = [...new Set(windows)].sort((a, b) => a - b).map((window) => {
    const n = windows.filter((one) => one === window).length;
    const values = { n, rows: whole(kept(window)), window: whole(window) };
    return window
      ? ngettext("{n} layer with a window of {window}: {rows} rows, what the next query can see", "{n} layers with a window of {window}: {rows} rows each, what the next query can see", n, values)
      : ngettext("{n} layer without a window: {rows} rows", "{n} layers without a window: {rows} rows each", n, values);
  });
  const all = windows.reduce((sum, window) => sum + kept(window), 0);
  return [
    gettext("2 × {heads} × {numbers} × {bytes} B = {row} B a row of a layer", { ...factors, row }),
    ...kinds,
    ngettext("{row} B × {n} row = {total} B", "{row} B × {n} rows = {total} B", all, { row, n: whole(all), total }),
  ];
}

/** @param {Model} model @returns {"both" | "groups" | "windows"} What makes its cache smaller than that of the same model without. */
function savedBy({ windows, n_kv_heads, n_heads }) {
  if (n_kv_heads === n_heads) return "windows";
  return windows ? "both" : "groups";
}

/**
 * What the cache of the same model would take with a KV head for each query head and without windows.
 * @param {Model} model @param {Savings} savings @param {number} held Bytes at this step. @param {number} step @returns {string}
 */
export function savedLine(model, savings, held, step) {
  const plain = savings.plain[step];
  const unit = unitFor("bytes", plain);
  const values = { bytes: `${inUnit(plain, unit)} ${unit.name}`, times: timesAsMuch(held, plain) };
  return {
    both: gettext("With a KV head for each query head and no windows: {bytes} ƒ, {times}× as much", values),
    groups: gettext("With a KV head for each query head: {bytes} ƒ, {times}× as much", values),
    windows: gettext("Without windows: {bytes} ƒ, {times}× as much", values),
  }[savedBy(model)];
}

/**
 * @param {Model} model @param {Savings} savings @param {number} held @param {number} step @returns {Explanation}
 */
export function savedExplanation(model, savings, held, step) {
  const by = savedBy(model);
  const line = (/** @type {number} */ bytes) => ({ bytes: whole(bytes), times: timesAsMuch(held, bytes), n: model.n_heads, kv: model.n_kv_heads });
  const lines = [gettext("After this step the cache takes {bytes} B.", line(held))];
  if (by !== "windows") {
    lines.push(gettext("With {n} KV heads a layer, one for each query head, in place of {kv}: {bytes} B, {times}× as much.", line(savings.no_groups[step])));
  }
  if (by !== "groups") lines.push(gettext("With every row kept in every layer: {bytes} B, {times}× as much.", line(savings.no_windows[step])));
  if (by === "both") lines.push(gettext("With both: {bytes} B, {times}× as much.", line(savings.plain[step])));
  return {
    title: {
      both: gettext("What shared KV heads and windows save"), groups: gettext("What shared KV heads save"), windows: gettext("What windows save"),
    }[by],
    lines,
    note: gettext("By formula, for the same model otherwise: 2 × KV heads × numbers × bytes for each row that a layer keeps."),
  };
}

/** @param {BillSide} side @returns {boolean} */
function ran(side) {
  return side.source === "run";
}

/** @param {BillSide} side @param {string} said @returns {string} With where the figure comes from, if it was not run. */
function note(side, said) {
  return [said, ran(side) ? "" : gettext("By formula: this run was not made.")].filter(Boolean).join(" ");
}

/** @param {{ total: number | null, terms: number[] }} sum @returns {string} */
function sumOfRows({ total, terms }) {
  const n = total ?? 0;
  return ngettext("{sum} = {n} row", "{sum} = {n} rows", n, { sum: sumText(terms, whole), n: whole(n) });
}

/**
 * What is read out of a figure of the bill, which opens its explanation.
 * @param {string} label @param {RunCache} cache @param {string} figure @param {boolean} formula @returns {string}
 */
export function figureLabel(label, cache, figure, formula) {
  return [figureText({ label, figure }, cache === "on", formula), gettext("Show the arithmetic.")].join(" ");
}

/** @param {{ label: string, figure: string }} what @param {boolean} on @param {boolean} formula @returns {string} */
function figureText(what, on, formula) {
  if (formula) {
    return on
      ? gettext("{label}, with cache: {figure} (by formula).", what)
      : gettext("{label}, without cache: {figure} (by formula).", what);
  }
  return on ? gettext("{label}, with cache: {figure}.", what) : gettext("{label}, without cache: {figure}.", what);
}

/** @param {number} factor @returns {string} How many times the rows are without the cache. */
export function fewerRows(factor) {
  return gettext("{factor}× fewer rows", { factor: factor >= 9.95 ? whole(factor) : factor.toFixed(1) });
}

/** @param {number} on @param {number} off @returns {string} */
export function curveDescription(on, off) {
  const counts = { on: whole(on), off: whole(off) };
  return gettext("Rows computed so far, after each step: {on} with the cache, {off} without.", counts);
}

/** @param {{ n_same: number, parted: boolean, difference: number, dtype: string }} c @returns {string} */
export function comparisonLine({ n_same, parted, difference, dtype }) {
  const largest = { difference: small(difference), dtype };
  if (parted && n_same > 0) {
    return joined(sameUntilParted(n_same), gettext("largest logit difference {difference} ({dtype}) up to there", largest));
  }
  const tokens = parted ? gettext("The two runs part at the first token") : same(n_same);
  return joined(tokens, gettext("largest logit difference {difference} ({dtype})", largest));
}

/** @param {number} n @returns {string} */
function same(n) {
  if (n === 1) return gettext("The same token both ways");
  return ngettext("Same {n} token both ways", "Same {n} tokens both ways", n, { n: whole(n) });
}

/** @param {number} n @returns {string} */
function sameUntilParted(n) {
  if (n === 1) return gettext("The same token both ways, then the two runs part");
  return ngettext(
    "Same {n} token both ways, then the two runs part",
    "Same {n} tokens both ways, then the two runs part",
    n, { n: whole(n) },
  );
}

/** @param {...string} phrases @returns {string} */
function joined(...phrases) {
  return phrases.join(" · ");
}

/** @param {string} dtype @returns {Explanation} */
export function whyNotZero(dtype) {
  return {
    title: gettext("Why the logits are not equal to the last bit"),
    lines: [
      gettext("With the cache a decode step multiplies one row; without it, all rows at once."),
      gettext("For few and for many rows the library takes different paths, which add the same products in another order."),
      gettext("In {dtype} every addition rounds, so another order can end in other last digits.", { dtype }),
    ],
    note: gettext("Whether rounding is all there is to it, a run in float64 can tell: there the difference should all but vanish."),
  };
}
