// What the player says of a step: its labels, sentences and readings. Numbers come in, sentences go
// out; those of the bill are in bill_words.js. Pure.
import { glyphs, signed, small, weightPercent, whole } from "./format.js";
import { N_, gettext, ngettext, translated } from "./translation.js";

/**
 * @import { Cache, RunCache } from "./buffer.js"
 * @import { HeadGroup } from "./kv_heads.js"
 * @import { StepFacts } from "./run.js"
 * @import { Unseen } from "./unseen.js"
 *
 * @typedef {{ text: string, tone?: "strong" | "computed" | "reused" | "evicted" | "quiet" }} Span
 */

export const LABELS = translated({
  player: N_("KV cache player"),
  first: N_("First step"),
  back: N_("One step back"),
  play: N_("Play"),
  pause: N_("Pause"),
  forward: N_("One step on"),
  last: N_("Last step"),
  gone: N_("This figure is no longer on show"),
  speed: N_("Speed"),
  timeline: N_("Step"),
  caches: N_("With or without the cache"),
  on: N_("With cache"),
  off: N_("Without"),
  both: N_("Side by side"),
  tokens: N_("Tokens up to this step"),
  input: N_("Input that the encoder read"),
  inputShort: N_("Input"),
  outputShort: N_("Output"),
  output: N_("Output: what the decoder was fed up to this step, and what it chose"),
  selfHeads: N_("All heads at this step, self-attention"),
  selfKv: N_("Self-attention cache"),
  selfPattern: N_("Self-attention"),
  crossKv: N_("Cross-attention cache"),
  crossPattern: N_("Cross-attention"),
  crossHint: N_("each row looks at the input"),
  selfRows: N_("self rows"),
  crossRows: N_("cross rows"),
  crossRow: N_("Cross-attention row"),
  crossOfRow: N_("Cross-attention of the current row"),
  kv: N_("Keys and values"),
  keys: "K",
  values: "V",
  layer: N_("layer"),
  head: N_("head"),
  pattern: N_("Attention pattern"),
  patternHint: N_("each row looks at its columns"),
  next: N_("Next token"),
  bill: N_("The bill so far"),
  // Translators: the head of a column of figures: with the cache.
  withCache: N_("cache"),
  withoutCache: N_("no cache"),
  rows: N_("K/V rows"),
  time: N_("time"),
  bytes: N_("cache size"),
  byFormula: N_("ƒ by formula: this side was not run."),
  notRun: N_("not run"),
  heads: N_("All heads at this step"),
  headsHint: N_("click one for a closer look"),
  legendComputed: N_("computed at this step"),
  legendReused: N_("reused, not recomputed"),
  legendShared: N_("reused, computed by another run"),
  legendPacked: N_("reused, kept in fewer bits or numbers"),
  legendEvicted: N_("evicted: not there any more"),
  legendMask: N_("forbidden by the mask"),
  legendAbsent: N_("not there yet"),
  legendAttention: N_("attention"),
  outline: N_("Outline: the chance it had when the token was drawn (temperature, top-k, top-p)."),
  position: N_("Position"),
  token: N_("Token"),
  row: N_("K/V row"),
  rowWithout: N_("K/V row without the cache"),
  attentionOfRow: N_("Attention of the current row"),
  none: "–",
  table: N_("Table"),
  tableHide: N_("Hide table"),
  picture: N_("Save picture"),
  wholeView: N_("The whole view"),
  pictureNote: N_("A PNG has pixels, twice as fine as the screen. An SVG keeps lines and text, for slides and for paper. A GIF plays some steps."),
  // Translators: the keys of the keyboard that the player understands.
  help: N_("Keys"),
  close: N_("Close"),
  chosen: N_("chosen"),
  nextTitle: N_("chosen, not yet in the cache"),
  special: N_("special token: it stands for no text"),
  readHint: N_("Point at a cell to read it, click to keep it."),
  whyNotZero: N_("why not zero?"),
  arithmetic: N_("how it is counted"),
  history: N_("The life of each row"),
  onShow: N_("Picture on show"),
  oneLife: N_("Life"),
  oneKv: N_("K and V"),
  onePattern: N_("Pattern"),
  proven: N_("Reuse is proven: at the end every row has the very bits it was written with."),
  unproven: N_("Reuse is not proven: some row changed after it was written."),
});

/** @type {Readonly<Record<import("./run.js").RowState, string>>} */
export const STATES = translated({ computed: N_("computed"), reused: N_("reused"), evicted: N_("evicted"), absent: N_("not there yet") });

/** @returns {[string, string][]} Each key of the keyboard and what it does. */
export function keysAndDeeds() {
  return [
    ["←  →", gettext("one step back, one step on")],
    // Translators: two keys, as they are named on a keyboard.
    [gettext("Home  End"), gettext("first step, last step")],
    // Translators: the space bar.
    [gettext("Space"), gettext("play and pause")],
    ["↑  ↓", gettext("layer, while the player has the focus")],
    ["[  ]", LABELS.head],
    ["T", gettext("table of this step")],
    // Translators: the escape key, as it is named on a keyboard.
    [gettext("Esc"), gettext("let go of a reading, close")],
    ["?", gettext("this list")],
  ];
}

/** @type {Readonly<Record<string, string>>} */
export const ROLE_NAMES = translated({
  "previous-token": N_("looks at the previous token"),
  "first-token": N_("rests on the first token"),
  induction: N_("continues what came after this token before (induction), found on random words said twice"),
});

/** @type {Readonly<Record<string, string>>} */
export const ROLE_SHORT = translated({
  "previous-token": N_("previous token"),
  "first-token": N_("first token"),
  induction: N_("induction"),
});

/** @param {StepFacts} facts @returns {Span[]} The sentence that says the step. */
export function stepSentence(facts) {
  const { n_fed, n_computed, n_reused } = facts;
  /** @type {Span[]} */
  const spans = [
    { text: stepName(facts), tone: "strong" },
    { text: ngettext("fed {n} token", "fed {n} tokens", n_fed, { n: whole(n_fed) }) },
    { text: ngettext("{n} row computed", "{n} rows computed", n_computed, { n: whole(n_computed) }), tone: "computed" },
  ];
  if (n_reused === 0 && facts.kind === "prefill") spans.push({ text: gettext("nothing to reuse yet"), tone: "quiet" });
  else if (facts.kind === "prefill") spans.push({ text: ngettext("{n} row of another run reused", "{n} rows of another run reused", n_reused, { n: whole(n_reused) }), tone: "reused" });
  else spans.push({ text: ngettext("{n} row reused", "{n} rows reused", n_reused, { n: whole(n_reused) }), tone: "reused" });
  if (facts.n_evicted > 0) spans.push({ text: evictedRows(facts.n_evicted), tone: "evicted" });
  if (facts.cross) spans.push(...crossSpans(facts.cross));
  spans.push(...whereSpans(facts));
  return spans;
}

/** @param {number} n @returns {string} */
export function evictedRows(n) {
  return ngettext("{n} row evicted", "{n} rows evicted", n, { n: whole(n) });
}

/** @param {StepFacts} facts @returns {Span[]} Of which layers and heads it is so, and which query heads read the rows on show. */
function whereSpans({ isEverywhere, layer, head, window, group, keptBy }) {
  /** @type {Span[]} */
  const spans = [];
  if (isEverywhere) spans.push({ text: gettext("in every layer and head"), tone: "quiet" });
  else if (keptBy !== null) spans.push({ text: gettext("in layer {layer}, head {head}", { layer, head }), tone: "quiet" });
  else if (window === null) spans.push({ text: gettext("in layer {layer}, without a window", { layer }), tone: "quiet" });
  else spans.push({ text: gettext("in layer {layer}, a window of {n}", { layer, n: whole(window) }), tone: "quiet" });
  if (group) spans.push({ text: groupSentence(group), tone: "quiet" });
  if (keptBy !== null) spans.push({ text: keptBySentence(keptBy.name), tone: "quiet" });
  return spans;
}

/** @param {string} cache Its name, with its settings where there is room. @returns {string} */
function keptBySentence(cache) {
  return gettext("kept by {cache}", { cache });
}

/** @param {HeadGroup} group @returns {string} */
function groupSentence({ kv, first, last }) {
  return gettext("query heads {first}–{last} read KV head {kv}", { first, last, kv });
}

/** @param {number} kv @returns {string} Where there is little room. */
export function kvHeadShort(kv) {
  // Translators: short for a key and value head, with its number.
  return gettext("KV {head}", { head: kv });
}

/** @param {number} kv @returns {string} */
export function kvHeadName(kv) {
  return gettext("KV head {head}", { head: kv });
}

/** @param {StepFacts} facts @returns {string} */
function stepName({ kind, step, n_steps, isGrowing }) {
  if (kind === "prefill") return gettext("Prefill");
  return isGrowing ? gettext("Decode step {step}", { step }) : gettext("Decode step {step} of {last}", { step, last: n_steps - 1 });
}

/** @param {NonNullable<StepFacts["cross"]>} cross @returns {Span[]} What became of the rows of the second cache. */
export function crossSpans({ n_computed, n_reused }) {
  /** @type {Span[]} */
  const spans = [];
  if (n_computed > 0) {
    const text = ngettext("{n} cross row computed", "{n} cross rows computed", n_computed, { n: whole(n_computed) });
    spans.push({ text, tone: "computed" });
  }
  if (n_reused > 0) {
    const text = ngettext("{n} cross row reused", "{n} cross rows reused", n_reused, { n: whole(n_reused) });
    spans.push({ text, tone: "reused" });
  }
  return spans;
}

/** @param {StepFacts} on @param {StepFacts} off @returns {Span[]} The same step both ways, in one sentence. */
export function bothSentence(on, off) {
  const [withIt, without] = [on.n_computed, off.n_computed];
  return [
    { text: stepName(on), tone: "strong" },
    {
      text: ngettext("{n} row computed with the cache", "{n} rows computed with the cache", withIt, { n: whole(withIt) }),
      tone: "computed",
    },
    { text: ngettext("{n} row without", "{n} rows without", without, { n: whole(without) }), tone: "computed" },
    .../** @type {Span[]} */ (on.n_evicted > 0 ? [{ text: evictedRows(on.n_evicted), tone: "evicted" }] : []),
    ...bothCross(on, off),
    ...whereSpans(on),
  ];
}

/** @param {StepFacts} on @param {StepFacts} off @returns {Span[]} */
function bothCross(on, off) {
  if (!on.cross || !off.cross) return [];
  const counts = { on: whole(on.cross.n_computed), off: whole(off.cross.n_computed) };
  return [{ text: gettext("cross rows computed: {on} with, {off} without", counts), tone: "computed" }];
}

/** @param {Span[]} spans @returns {string} */
export function plain(spans) {
  return spans.map((span) => span.text).join(", ") + ".";
}

/** @param {StepFacts} facts @returns {string} */
export function recomputedNote(facts) {
  if (facts.cache === "on" || facts.kind === "prefill") return "";
  return facts.max_row_change === 0
    ? gettext("The rows computed again came out bit for bit the same.")
    : gettext("The rows computed again moved by at most {change}.", { change: small(facts.max_row_change) });
}

/** @param {number} n @returns {string} */
export function prefillLabel(n) {
  return ngettext("prefill · {n} token", "prefill · {n} tokens", n, { n: whole(n) });
}

/** @param {number} n_steps @returns {string} */
export function decodeLabel(n_steps) {
  return n_steps > 1 ? gettext("decode, one token a step") : "";
}

/** @param {number} step @returns {string} */
export function afterStep(step) {
  return step === 0 ? gettext("after the prefill") : gettext("after step {step}", { step });
}

/** @param {number} n @returns {string} How many numbers a row of K or V has. */
export function widthLabel(n) {
  // Translators: so many numbers are in a row of K or V.
  return gettext("{n} wide", { n });
}

/**
 * Which KV head is drawn, where query heads share one, and, where there is room, how wide its rows are.
 * @param {number} head @param {number} n @param {boolean} roomy @returns {string}
 */
export function sharedWidthLabel(head, n, roomy) {
  return roomy ? gettext("KV head {head} · {n} wide", { head, n }) : kvHeadName(head);
}

/** @param {number} row @param {boolean} roomy @returns {string} */
export function rowLabel(row, roomy) {
  return roomy ? gettext("row {row}", { row }) : String(row);
}

/** @param {{ step: number, layer: number, head: number, cache: Cache }} view @param {StepFacts} facts @returns {string} */
export function tableCaption({ cache, ...where }, { window, group, keptBy }) {
  const name = cache === "on"
    ? gettext("Step {step}, layer {layer}, head {head}, with the cache", where)
    : cache === "off"
      ? gettext("Step {step}, layer {layer}, head {head}, without the cache", where)
      : gettext("Step {step}, layer {layer}, head {head}, with and without the cache", where);
  const seen = window === null ? [] : [ngettext("a window of {n} position", "a window of {n} positions", window, { n: whole(window) })];
  const kept = keptBy === null ? [] : [keptBySentence(keptBy.told)];
  return [name, ...seen, ...(group ? [groupSentence(group)] : []), ...kept].join(" · ");
}

/**
 * @param {number} layer @param {number} head @param {HeadGroup | null} group Where query heads share one, those that do.
 * @param {StepFacts} facts @returns {string}
 */
export function kvDescription(layer, head, group, facts) {
  const what = group === null
    ? gettext("Keys and values, layer {layer}, head {head}.", { layer, head })
    : gettext("Keys and values that head {head} of layer {layer} reads, those of KV head {kv}.", { layer, head, kv: group.kv });
  return [what, plain(stepSentence(facts))].join(" ");
}

/** @param {number} layer @param {number} head @param {number} n_rows @returns {string} */
export function patternDescription(layer, head, n_rows) {
  const what = ngettext(
    "Attention pattern, layer {layer}, head {head}, {n} row.",
    "Attention pattern, layer {layer}, head {head}, {n} rows.",
    n_rows, { n: whole(n_rows), layer, head },
  );
  return [what, gettext("The table has the numbers of the current row.")].join(" ");
}

/** @param {string} from @param {string} to @param {number} weight @param {number} layer @param {number} head */
export function attentionReading(from, to, weight, layer, head) {
  return gettext("{query} looks at {key}: {weight} (layer {layer}, head {head})", {
    query: glyphs(from), key: glyphs(to), weight: weightPercent(weight), layer, head,
  });
}

/**
 * Why a token does not look at another one.
 * @param {string} from @param {string} to @param {Unseen | "later"} why @param {number | null} window
 */
export function maskedReading(from, to, why, window) {
  const values = { query: glyphs(from), key: glyphs(to), window: window ?? 0 };
  if (why === "evicted") return gettext("{query} could not look at {key}: its row was no longer there", values);
  if (why === "window") return gettext("{query} may not look at {key}: it lies outside the layer’s window of {window}", values);
  return gettext("{query} may not look at {key}: it comes later, the mask forbids it", values);
}

/** @param {number} row @param {string} text @param {string} state @returns {string} */
export function rowReading(row, text, state) {
  if (state === "absent") return gettext("Position {row}: not there yet", { row });
  const became = state === "computed" ? LABELS.legendComputed : STATES.reused;
  return gettext("Position {row}, {token}: {state}", { row, token: glyphs(text), state: became });
}

/**
 * Why keys, values and pattern are drawn once where both runs are on show.
 * @param {{ difference: number, n_rows: number, dtype: string }} compared @param {number} n_rows
 */
export function drawnOnce({ difference, n_rows: n_same }, n_rows) {
  if (n_same < n_rows) return gettext("with the cache; from row {row} on the tokens part", { row: n_same });
  if (difference === 0) return gettext("the same both ways, to the bit");
  return gettext("the same both ways, to {difference}", { difference: small(difference) });
}

/**
 * How a row of one run is the other's.
 * @param {number} difference @param {boolean} parted @returns {string}
 */
export function rowCompared(difference, parted) {
  if (parted) return gettext("without the cache another token stands here");
  return difference === 0
    ? gettext("the same bits both ways")
    : gettext("both ways differ by at most {difference}", { difference: small(difference) });
}

/** @param {"keys" | "values"} part @param {number} column @param {number} number @returns {string} */
export function numberReading(part, column, number) {
  return `${part === "keys" ? "K" : "V"}[${column}] ≈ ${signed(number)}`;
}

/** @param {Cache} cache @returns {string} What is said of a way of looking that waits for the end of the run on show. */
export function onceOver(cache) {
  return gettext("{way}: once this run is over", { way: LABELS[cache] });
}

/** @param {"layer" | "run"} kind @param {number | Cache | null} what @returns {string} */
export function waiting(kind, what) {
  if (kind === "layer") return gettext("fetching layer {layer}…", { layer: String(what) });
  return what === "on" ? gettext("running with the cache…") : gettext("running without the cache…");
}

/**
 * @param {number} layer @param {number} head @param {string | undefined} role
 * @param {number | null} kv The KV head that it reads, where several share one. @returns {string}
 */
export function headLabel(layer, head, role, kv) {
  const name = role
    ? gettext("Layer {layer}, head {head}: {role}", { layer, head, role: ROLE_NAMES[role] ?? role })
    : gettext("Layer {layer}, head {head}", { layer, head });
  return kv === null ? name : gettext("{name} · reads KV head {kv}", { name, kv });
}

/** @param {RunCache} cache @returns {string} */
export function runName(cache) {
  return cache === "on" ? gettext("With cache") : gettext("Without cache");
}

/** @param {string} figure @param {string} format @returns {string} The label of a button that saves a figure. */
export function pictureLabel(figure, format) {
  return gettext("{figure} as {format}", { figure, format });
}
