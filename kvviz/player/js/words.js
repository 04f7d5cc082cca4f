// Every word the player shows. Numbers come in, sentences go out. Pure.
import { glyphs, inUnit, plural, signed, small, sumText, unitFor, weightPercent, whole } from "./format.js";

/**
 * @import { Cache, Encoder, Model, RunCache } from "./buffer.js"
 * @import { BillSide, StepFacts } from "./run.js"
 *
 * @typedef {{ text: string, tone?: "strong" | "computed" | "reused" | "quiet" }} Span
 * @typedef {{ title: string, lines: string[], note?: string }} Explanation
 */

export const LABELS = {
  player: "KV cache player",
  first: "First step",
  back: "One step back",
  play: "Play",
  pause: "Pause",
  forward: "One step on",
  last: "Last step",
  speed: "Speed",
  timeline: "Step",
  caches: "With or without the cache",
  on: "With cache",
  off: "Without",
  both: "Side by side",
  tokens: "Tokens up to this step",
  input: "Input that the encoder read",
  output: "Output: what the decoder was fed up to this step, and what it chose",
  selfHeads: "All heads at this step, self-attention",
  selfKv: "Self-attention cache",
  selfPattern: "Self-attention",
  crossKv: "Cross-attention cache",
  crossPattern: "Cross-attention",
  crossHint: "each row looks at the input",
  selfRows: "self rows",
  crossRows: "cross rows",
  crossRow: "Cross-attention row",
  crossOfRow: "Cross-attention of the current row",
  kv: "Keys and values",
  keys: "K",
  values: "V",
  layer: "layer",
  head: "head",
  pattern: "Attention pattern",
  patternHint: "each row looks at its columns",
  next: "Next token",
  bill: "The bill so far",
  withCache: "cache",
  withoutCache: "no cache",
  rows: "K/V rows",
  time: "time",
  bytes: "cache size",
  byFormula: "ƒ by formula: this side was not run.",
  notRun: "not run",
  heads: "All heads at this step",
  headsHint: "click one for a closer look",
  legendComputed: "computed at this step",
  legendReused: "reused, not recomputed",
  legendMask: "forbidden by the mask",
  legendAbsent: "not there yet",
  legendAttention: "attention",
  outline: "Outline: the chance it had when the token was drawn (temperature, top-k, top-p).",
  position: "Position",
  token: "Token",
  row: "K/V row",
  rowWithout: "K/V row without the cache",
  attentionOfRow: "Attention of the current row",
  none: "–",
  table: "Table",
  tableHide: "Hide table",
  picture: "Save picture",
  help: "Keys",
  close: "Close",
  chosen: "chosen",
  nextTitle: "chosen, not yet in the cache",
  readHint: "Point at a cell to read it, click to keep it.",
  whyNotZero: "why not zero?",
  computedSoFar: "K/V rows computed so far",
  bothRuns: "Both runs, step by step",
  curve: "Rows computed so far, after each step",
  proven: "Reuse is proven: at the end every row has the very bits it was written with.",
  unproven: "Reuse is not proven: some row changed after it was written.",
};

/** @type {Record<import("./run.js").RowState, string>} */
export const STATES = { computed: "computed", reused: "reused", absent: "not there yet" };

export const KEYS = [
  ["←  →", "one step back, one step on"],
  ["Home  End", "first step, last step"],
  ["Space", "play and pause"],
  ["↑  ↓", "layer, while the player has the focus"],
  ["[  ]", "head"],
  ["T", "table of this step"],
  ["Esc", "let go of a reading, close"],
  ["?", "this list"],
];

/** @type {Record<string, string>} */
export const ROLE_NAMES = {
  "previous-token": "looks at the previous token",
  "first-token": "rests on the first token",
  induction: "continues what came after this token before (induction), found on random words said twice",
};

/** @type {Record<string, string>} */
export const ROLE_SHORT = {
  "previous-token": "previous token",
  "first-token": "first token",
  induction: "induction",
};

/** @param {StepFacts} facts @returns {Span[]} The sentence that says the step. */
export function stepSentence(facts) {
  const where =
    facts.kind === "prefill" ? "Prefill" : `Decode step ${facts.step} of ${facts.n_steps - 1}`;
  /** @type {Span[]} */
  const spans = [
    { text: where, tone: "strong" },
    { text: "fed " + plural(facts.n_fed, "token") },
    { text: `${plural(facts.n_computed, "row")} computed`, tone: "computed" },
  ];
  if (facts.n_reused > 0) spans.push({ text: `${plural(facts.n_reused, "row")} reused`, tone: "reused" });
  else if (facts.kind === "prefill") spans.push({ text: "nothing to reuse yet", tone: "quiet" });
  else spans.push({ text: "0 rows reused", tone: "reused" });
  if (facts.cross) spans.push(...crossSpans(facts.cross));
  spans.push({ text: "in every layer and head", tone: "quiet" });
  return spans;
}

/** @param {NonNullable<StepFacts["cross"]>} cross @returns {Span[]} What became of the rows of the second cache. */
function crossSpans({ n_computed, n_reused }) {
  /** @type {Span[]} */
  const spans = [];
  if (n_computed > 0) spans.push({ text: `${plural(n_computed, "cross row")} computed`, tone: "computed" });
  if (n_reused > 0) spans.push({ text: `${plural(n_reused, "cross row")} reused`, tone: "reused" });
  return spans;
}

/** @param {StepFacts} facts @returns {string} What stands over the input's tokens. */
export function inputLabel({ kind, cross }) {
  if (!cross) return "";
  const rows = plural(cross.n_rows, "token");
  if (cross.n_computed === 0) return `Input, ${rows}: the encoder does not run again, and the rows made of it are reused`;
  return kind === "prefill"
    ? `Input, ${rows}: read by the encoder at this step, and made into cross-attention rows`
    : `Input, ${rows}: without the cache its cross-attention rows are made anew at each step`;
}

/** @param {Encoder | null} encoder @returns {string} */
export function crossNote(encoder) {
  if (!encoder) return "";
  return encoder.cross_proven
    ? "So have those of the cross-attention, written once."
    : "Of the cross-attention, some row changed after it was written.";
}

/** @param {number} row @param {string} text @param {import("./run.js").RowState} state @returns {string} */
export function inputReading(row, text, state) {
  return `Input position ${row}, ${glyphs(text)}: ${state === "computed" ? LABELS.legendComputed : STATES[state]}`;
}

/** @param {number} layer @param {number} head @param {StepFacts} facts @returns {string} */
export function crossKvDescription(layer, head, facts) {
  return `${LABELS.crossKv}, layer ${layer}, head ${head}. ${facts.cross ? plain(crossSpans(facts.cross)) : ""}`;
}

/** @param {number} layer @param {number} head @param {number} n_rows @param {number} n_encoder @returns {string} */
export function crossPatternDescription(layer, head, n_rows, n_encoder) {
  return `${LABELS.crossPattern}, layer ${layer}, head ${head}, ${plural(n_rows, "row")} looking at ${plural(n_encoder, "token")} of the input.`;
}

/** @param {StepFacts} on @param {StepFacts} off @returns {Span[]} The same step both ways, in one sentence. */
export function bothSentence(on, off) {
  return [
    stepSentence(on)[0],
    { text: `${plural(on.n_computed, "row")} computed with the cache`, tone: "computed" },
    { text: `${plural(off.n_computed, "row")} without`, tone: "computed" },
    ...bothCross(on, off),
    { text: "in every layer and head", tone: "quiet" },
  ];
}

/** @param {StepFacts} on @param {StepFacts} off @returns {Span[]} */
function bothCross(on, off) {
  if (!on.cross || !off.cross) return [];
  return [{ text: `cross rows computed: ${whole(on.cross.n_computed)} with, ${whole(off.cross.n_computed)} without`, tone: "computed" }];
}

/** @param {Span[]} spans @returns {string} */
export function plain(spans) {
  return spans.map((span) => span.text).join(", ") + ".";
}

/** @param {StepFacts} facts @returns {string} */
export function recomputedNote(facts) {
  if (facts.cache === "on" || facts.kind === "prefill") return "";
  return facts.max_row_change === 0
    ? "The rows computed again came out bit for bit the same."
    : `The rows computed again moved by at most ${small(facts.max_row_change)}.`;
}

/** @param {number} n @returns {string} */
export function prefillLabel(n) {
  return `prefill · ${plural(n, "token")}`;
}

/** @param {number} step @returns {string} */
export function afterStep(step) {
  return step === 0 ? "after the prefill" : `after step ${step}`;
}

/** @param {number} n @returns {string} How many numbers a row of K or V has. */
export function widthLabel(n) {
  return `${n} wide`;
}

/** @param {number} row @param {boolean} roomy @returns {string} */
export function rowLabel(row, roomy) {
  return roomy ? `row ${row}` : String(row);
}

/** @param {number} step @param {number} layer @param {number} head @param {Cache} cache @returns {string} */
export function tableCaption(step, layer, head, cache) {
  const how = { on: "with", off: "without", both: "with and without" }[cache];
  return `Step ${step}, layer ${layer}, head ${head}, ${how} the cache`;
}

/** @param {number} layer @param {number} head @param {StepFacts} facts @returns {string} */
export function kvDescription(layer, head, facts) {
  return `${LABELS.kv}, layer ${layer}, head ${head}. ${plain(stepSentence(facts))}`;
}

/** @param {number} layer @param {number} head @param {number} n_rows @returns {string} */
export function patternDescription(layer, head, n_rows) {
  return `${LABELS.pattern}, layer ${layer}, head ${head}, ${plural(n_rows, "row")}. The table has the numbers of the current row.`;
}

/** @param {number} on @param {number} off @returns {string} */
export function curveDescription(on, off) {
  return `${LABELS.curve}: ${whole(on)} with the cache, ${whole(off)} without.`;
}

/** @param {string} label @param {RunCache} cache @param {string} text @param {boolean} formula @returns {string} */
export function figureLabel(label, cache, text, formula) {
  return `${label}, ${cache === "on" ? "with" : "without"} cache: ${text}${formula ? " (by formula)" : ""}. Show the arithmetic.`;
}

/** @param {number} n_steps @returns {string} */
export function decodeLabel(n_steps) {
  return n_steps > 1 ? "decode, one token a step" : "";
}

/** @param {string} from @param {string} to @param {number} weight @param {number} layer @param {number} head */
export function attentionReading(from, to, weight, layer, head) {
  return `${glyphs(from)} looks at ${glyphs(to)}: ${weightPercent(weight)} (layer ${layer}, head ${head})`;
}

/** @param {string} from @param {string} to @returns {string} */
export function maskedReading(from, to) {
  return `${glyphs(from)} may not look at ${glyphs(to)}: it comes later, the mask forbids it`;
}

/** @param {number} row @param {string} text @param {string} state @returns {string} */
export function rowReading(row, text, state) {
  if (state === "absent") return `Position ${row}: ${STATES.absent}`;
  return `Position ${row}, ${glyphs(text)}: ${state === "computed" ? LABELS.legendComputed : STATES.reused}`;
}

/** @param {"keys" | "values"} part @param {number} column @param {number} number @returns {string} */
export function numberReading(part, column, number) {
  return `${part === "keys" ? "K" : "V"}[${column}] ≈ ${signed(number)}`;
}

/** @param {"layer" | "run"} kind @param {number | Cache | null} what @returns {string} */
export function waiting(kind, what) {
  if (kind === "layer") return `fetching layer ${what}…`;
  return what === "on" ? "running with the cache…" : "running without the cache…";
}

/** @param {{ n_same: number, parted: boolean, difference: number, dtype: string }} c @returns {string} */
export function comparisonLine(c) {
  const difference = `largest logit difference ${small(c.difference)} (${c.dtype})`;
  const same = c.n_same === 1 ? "The same token" : `Same ${whole(c.n_same)} tokens`;
  if (!c.parted) return `${same} both ways · ${difference}`;
  return c.n_same === 0
    ? `The two runs part at the first token · ${difference}`
    : `${same} both ways, then the two runs part · ${difference} up to there`;
}

/** @param {string} dtype @returns {Explanation} */
export function whyNotZero(dtype) {
  return {
    title: "Why the logits are not equal to the last bit",
    lines: [
      "With the cache a decode step multiplies one row; without it, all rows at once.",
      "For few and for many rows the library takes different paths, which add the same products in another order.",
      `In ${dtype} every addition rounds, so another order can end in other last digits.`,
    ],
    note: "Whether rounding is all there is to it, a run in float64 can tell: there the difference should all but vanish.",
  };
}

/**
 * @param {"rows" | "cross_rows" | "flops" | "seconds" | "cache_bytes"} figure @param {BillSide} side
 * @param {Model} model @param {number} n_prompt @param {number} step @param {Encoder | null} encoder
 * @returns {Explanation}
 */
export function billExplanation(figure, side, model, n_prompt, step, encoder = null) {
  const ran = side.source === "run";
  const name = side.cache === "on" ? "with the cache" : "without the cache";
  const origin = ran ? "" : " By formula: this run was not made.";
  const n_rows = n_prompt + step;
  if (figure === "rows") {
    return {
      title: `K/V rows computed ${name}`,
      lines: [
        `${sumText(side.rows.terms, whole)} = ${plural(side.rows.total ?? 0, "row")}`,
        side.cache === "on"
          ? "The prefill computes the prompt's rows, every decode step one more."
          : "Every step computes all rows again.",
      ],
      note: (ran ? "Read off the positions fed and the projections run." : "") + origin,
    };
  }
  if (figure === "cross_rows") {
    const sum = side.cross_rows ?? { total: 0, terms: [] };
    return {
      title: `Cross-attention rows computed ${name}`,
      lines: [
        `${sumText(sum.terms, whole)} = ${plural(sum.total ?? 0, "row")}`,
        side.cache === "on"
          ? "They are made of what the encoder read, which never changes: once is enough."
          : "They are made of the input again at every step, and come out the same.",
      ],
      note: (ran ? "Read off the projections run." : "") + origin,
    };
  }
  if (figure === "flops" && encoder) {
    const unit = unitFor("flops", ...side.flops.terms);
    return {
      title: `Floating-point operations ${name}`,
      lines: [
        `${sumText(side.flops.terms, (n) => inUnit(n, unit))} = ${inUnit(side.flops.total ?? 0, unit)} ${unit.name}`,
        `The encoder's own pass is not in it: ${inUnit(encoder.flops, unit)} ${unit.name}, once, either way.`,
      ],
      note: "Of the decoder: matrix products only, a multiply-add as two." + origin,
    };
  }
  if (figure === "flops") {
    const unit = unitFor("flops", ...side.flops.terms);
    return {
      title: `Floating-point operations ${name}`,
      lines: [
        `${sumText(side.flops.terms, (n) => inUnit(n, unit))} = ${inUnit(side.flops.total ?? 0, unit)} ${unit.name}`,
        "A step with q new rows and n keys: L (8qD² + 4qDI + 4qnD) + 2DV",
        `L = ${model.n_layers} layers, D = ${model.d_model}, I = ${model.d_mlp}, V = ${whole(model.d_vocab)}; this step q = ${side.rows.terms[step]}, n = ${n_rows}`,
      ],
      note: "Matrix products only, a multiply-add as two; logits for one row." + origin,
    };
  }
  if (figure === "seconds") {
    if (side.seconds.total === null) {
      return {
        title: `Time ${name}`,
        lines: ["Not run, so there is no time to show. Time is measured here, never computed."],
      };
    }
    const unit = unitFor("seconds", ...side.seconds.terms);
    const { n_timings } = side;
    const noise =
      n_timings > 1
        ? `Run ${n_timings} times, in turn with the other way: of each step the least time is taken, since other work on the machine only adds to it.`
        : "Run once: at this size other work on the machine shows.";
    return {
      title: `Time ${name}`,
      lines: [`${sumText(side.seconds.terms, (n) => inUnit(n, unit))} = ${inUnit(side.seconds.total, unit)} ${unit.name}`],
      note: `Measured on ${model.device}, forward pass and choice of the token. ${noise}`,
    };
  }
  const per = model.cache_bytes_per_token;
  const number = per / (2 * model.n_layers * model.n_kv_heads * model.d_head);
  const n_kept = n_rows + (encoder ? encoder.tokens.length : 0);
  return side.cache === "off"
    ? { title: "Bytes held without the cache", lines: ["0 B: no row outlives its step."], note: origin.trim() }
    : {
        title: "Bytes held by the cache",
        lines: [
          `2 × ${model.n_layers} layers × ${model.n_kv_heads} heads × ${model.d_head} numbers × ${number} B = ${whole(per)} B a token`,
          `${whole(per)} B × ${encoder ? `(${whole(n_rows)} + ${whole(n_kept - n_rows)}) rows of both caches` : plural(n_rows, "row")} = ${whole(side.cache_bytes.total ?? 0)} B`,
        ],
        note: (ran ? "2 is for K and V. Measured on the tensors that hold the rows." : "2 is for K and V.") + origin,
      };
}

/** @param {number} layer @param {number} head @param {string | undefined} role @returns {string} */
export function headLabel(layer, head, role) {
  return `Layer ${layer}, head ${head}${role ? `: ${ROLE_NAMES[role] ?? role}` : ""}`;
}

/** @param {RunCache} cache @returns {string} */
export function runName(cache) {
  return cache === "on" ? "With cache" : "Without cache";
}

/** @param {number} factor @returns {string} */
export function fewerRows(factor) {
  return `${factor >= 9.95 ? whole(factor) : factor.toFixed(1)}×`;
}
