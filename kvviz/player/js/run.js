// What a step of a run is: which rows it computed and reused, what it cost, what it chose. Pure.
import { groupOf, kvHead } from "./kv_heads.js";
import { LIFE_STATES, crossLivesOf, isOneLife, livesOf } from "./lives.js";
import { whyUnseen, windowOf } from "./unseen.js";

/**
 * @import { Cell, NamedCache, Payload, Run, RunCache, Cache, View } from "./buffer.js"
 * @import { HeadGroup } from "./kv_heads.js"
 * @import { Lives } from "./lives.js"
 * @import { Numbers } from "./packed_buffer.js"
 */

/**
 * @typedef {"computed" | "reused" | "evicted" | "absent"} RowState
 *
 * @typedef {object} StepFacts What a step did with the rows that the head on show reads.
 * @property {RunCache} cache
 * @property {number} step
 * @property {number} n_steps
 * @property {boolean} isGrowing Whether there are more to come.
 * @property {"prefill" | "decode"} kind
 * @property {number} n_prompt
 * @property {number} n_rows Rows that have been written after the step, those that are gone among them.
 * @property {number} n_fed
 * @property {number} n_computed
 * @property {number} n_reused
 * @property {number} n_live Rows that attention could read, those just computed among them.
 * @property {number} n_evicted Rows that are no longer there.
 * @property {Uint8Array} states Of each row, a number of `LIFE_STATES`.
 * @property {number} layer
 * @property {number | null} window How many positions a query of the layer sees; null for all.
 * @property {boolean} isEverywhere Whether rows of all layers and heads have the same life.
 * @property {number} head
 * @property {NamedCache | null} keptBy The named cache that kept the rows.
 * @property {HeadGroup | null} group The query heads that read the same rows, where several do.
 * @property {number} max_row_change
 * @property {{ n_rows: number, n_computed: number, n_reused: number, states: Uint8Array } | null} cross The rows
 *   of the cross-attention cache, where there is an encoder.
 *
 * @typedef {object} Sum One figure of the bill so far, with the terms it is made of.
 * @property {number | null} total Null where nothing was run, so that there is nothing to show.
 * @property {number[]} terms One a step, from the prefill to the step in view.
 *
 * @typedef {object} BillSide
 * @property {RunCache} cache
 * @property {"run" | "formula"} source
 * @property {Sum} rows
 * @property {Sum | null} cross_rows Null without an encoder.
 * @property {Sum} flops
 * @property {Sum} seconds
 * @property {number} n_timings The time of a step is the least of so many.
 * @property {number} n_together Runs that its passes were made for, at most.
 * @property {Sum} cache_bytes Not a sum but the level after the step; `terms` holds the levels.
 *
 * @typedef {{ id: number, rank: number | null, prob: number, sampling: number, chosen: boolean }} NextToken Its rank
 *   counts from 1, by probability; null of one that is not among those that the run recorded.
 */

/** @param {Payload} payload @param {RunCache} cache @returns {Run | null} */
export function runOf(payload, cache) {
  return payload.header.runs.find((run) => run.cache === cache) ?? null;
}

/**
 * The kinds of view a buffer can show at once.
 * @param {Payload} payload @returns {Cache[]}
 */
export function availableCaches(payload) {
  /** @type {Cache[]} */
  const caches = payload.header.runs.map((run) => run.cache);
  return caches.length === 2 ? [...caches, "both"] : caches;
}

/**
 * The run that the hooks, the strip and the bars speak of: in "both" the cached one.
 * @param {Cache} cache @returns {RunCache}
 */
export function mainRun(cache) {
  return cache === "off" ? "off" : "on";
}

/**
 * The runs whose lives are on show.
 * @param {{ cache: Cache }} state @returns {RunCache[]}
 */
export function runsOnShow({ cache }) {
  return cache === "both" ? ["on", "off"] : [cache];
}

/**
 * @param {Payload} payload @param {RunCache} cache @param {{ step: number, layer: number, head: number }} view
 * @returns {StepFacts}
 */
export function stepFacts(payload, cache, { step, layer, head }) {
  const run = /** @type {Run} */ (runOf(payload, cache));
  const lives = /** @type {Lives} */ (livesOf(payload, cache, { layer, head }));
  const cross = crossLivesOf(payload, cache);
  const statesOf = (/** @type {Lives} */ { states, n_rows }) => states.subarray(step * n_rows, (step + 1) * n_rows);
  const { n_prompt, n_steps } = payload.header;
  return {
    cache,
    step,
    n_steps,
    isGrowing: payload.header.growing !== null,
    kind: step === 0 ? "prefill" : "decode",
    n_prompt,
    n_rows: n_prompt + step,
    n_fed: run.n_fed[step],
    n_computed: run.n_computed[step],
    n_reused: lives.n_read[step],
    n_live: run.n_computed[step] + lives.n_read[step],
    n_evicted: lives.n_evicted[step],
    states: statesOf(lives),
    layer,
    window: windowOf(payload, layer),
    head,
    isEverywhere: isOneLife(payload, cache),
    keptBy: cache === "on" ? payload.header.named_cache : null,
    group: groupOf(payload, head),
    max_row_change: run.max_row_change[step],
    cross: cross && run.n_cross_computed && run.n_cross_reused
      ? {
          states: statesOf(cross),
          n_rows: run.n_cross_computed[step] + run.n_cross_reused[step],
          n_computed: run.n_cross_computed[step],
          n_reused: run.n_cross_reused[step],
        }
      : null,
  };
}

/** @param {StepFacts} facts @param {number} row @returns {RowState} The state of one row at a step. */
export function rowState({ states }, row) {
  const state = LIFE_STATES[states[row] ?? 0];
  if (state === "taken") return "computed";
  return ["read", "shared", "packed"].includes(state) ? "reused" : /** @type {RowState} */ (state);
}

/**
 * The rows of a step, neighbours of one state together.
 * @param {StepFacts} facts @returns {{ state: RowState, first: number, end: number }[]} In their order, those not there yet left out.
 */
export function rowStretches(facts) {
  /** @type {{ state: RowState, first: number, end: number }[]} */
  const found = [];
  for (let row = 0; row < facts.n_rows; row++) {
    const state = rowState(facts, row);
    const last = found[found.length - 1];
    if (last?.state === state) last.end++;
    else found.push({ state, first: row, end: row + 1 });
  }
  return found;
}

/** Stands before the name of a token that stands for no text, wherever that is written. */
export const SPECIAL_MARK = "◇";

/**
 * The token at a position of one run: the prompt's, then what this run chose.
 * @param {Payload} payload @param {RunCache} cache @param {number} position @returns {string}
 */
export function tokenText(payload, cache, position) {
  const chosen = chosenAt(payload, cache, position);
  if (chosen !== null) return textOfId(payload, chosen);
  const token = payload.header.tokens[position];
  return token ? marked(payload, token.id, token.text) : "";
}

/** @param {Payload} payload @param {RunCache} cache @param {number} position @returns {boolean} Whether its token stands for no text. */
export function isSpecial(payload, cache, position) {
  const { special_ids, tokens } = payload.header;
  return special_ids.includes(chosenAt(payload, cache, position) ?? tokens[position]?.id);
}

/** @param {Payload} payload @param {RunCache} cache @param {number} position @returns {number | null} What the second run chose; null where all tokens are told. */
function chosenAt({ header: { n_prompt, runs } }, cache, position) {
  const run = runs.find((one) => one.cache === cache);
  return position < n_prompt || !run || run === runs[0] ? null : run.chosen_ids[position - n_prompt];
}

/** @param {Payload} payload @param {number} id @returns {string} */
export function textOfId(payload, id) {
  const { vocabulary, tokens } = payload.header;
  return marked(payload, id, vocabulary[String(id)] ?? tokens.find((t) => t.id === id)?.text ?? `#${id}`);
}

/** @param {Payload} payload @param {number} id @param {string} text @returns {string} */
function marked({ header }, id, text) {
  return header.special_ids.includes(id) ? SPECIAL_MARK + text : text;
}

/**
 * The likely next tokens after a step, the chosen one always among them.
 * @param {Payload} payload @param {RunCache} cache @param {number} step @param {number} count
 * @returns {NextToken[]}
 */
export function nextTokens(payload, cache, step, count) {
  const run = /** @type {Run} */ (runOf(payload, cache));
  const [chosen_id, chosen_prob] = [run.chosen_ids[step], run.chosen_probs[step]];
  const ids = arrayOf(payload, `${cache}.top_ids`);
  const probs = arrayOf(payload, `${cache}.top_probs`);
  const sampling = arrayOf(payload, `${cache}.top_sampling_probs`);
  const k = ids.shape[1];
  /** @type {NextToken[]} */
  const rows = [];
  for (let i = 0; i < Math.min(k, count); i++) {
    const at = step * k + i;
    const id = ids.data[at];
    rows.push({ id, rank: i + 1, prob: probs.data[at], sampling: sampling.data[at], chosen: id === chosen_id });
  }
  if (!rows.some((row) => row.chosen)) {
    if (rows.length === count) rows.pop();
    let share = NaN;
    let rank = null;
    for (let i = 0; i < k; i++) {
      if (ids.data[step * k + i] !== chosen_id) continue;
      share = sampling.data[step * k + i];
      rank = i + 1;
    }
    rows.push({ id: chosen_id, rank, prob: chosen_prob, sampling: share, chosen: true });
  }
  return rows;
}

/**
 * Whether tokens were drawn from another distribution than the model's own. Always taking the most
 * likely token is no draw, so it does not count.
 * @param {NextToken[]} rows @returns {boolean}
 */
export function samplingDiffers(rows) {
  const sure = rows.some((row) => row.chosen && row.sampling > 0.99999);
  return !sure && rows.some((row) => Math.abs(row.sampling - row.prob) > 5e-4);
}

/**
 * The bill up to and including a step, measured where that run was made and by formula where not.
 * @param {Payload} payload @param {RunCache} cache @param {number} step @returns {BillSide}
 */
export function billSide(payload, cache, step) {
  const run = runOf(payload, cache);
  const counted = payload.header.counted[cache];
  const upTo = (/** @type {number[]} */ list) => list.slice(0, step + 1);
  const sum = (/** @type {number[]} */ terms) => ({ total: terms.reduce((a, b) => a + b, 0), terms });
  const cross = run ? run.n_cross_computed : counted.cross_rows;
  const levels = upTo(run ? run.cache_bytes : counted.cache_bytes);
  return {
    cache,
    source: run ? "run" : "formula",
    rows: sum(upTo(run ? run.n_computed : counted.rows)),
    cross_rows: cross ? sum(upTo(cross)) : null,
    flops: sum(upTo(run ? run.flops : counted.flops)),
    seconds: run ? sum(upTo(run.seconds)) : { total: null, terms: [] },
    n_timings: run?.n_timings ?? 1,
    n_together: run?.n_together ?? 1,
    cache_bytes: { total: levels[step], terms: levels },
  };
}

/**
 * Rows computed so far after every step, for the curves; of both caches where there are two.
 * @param {Payload} payload @param {RunCache} cache @returns {number[]}
 */
export function cumulativeRows(payload, cache) {
  let total = 0;
  const run = runOf(payload, cache);
  const counted = payload.header.counted[cache];
  const cross = (run ? run.n_cross_computed : counted.cross_rows) ?? [];
  return (run?.n_computed ?? counted.rows).map((n, step) => (total += n + (cross[step] ?? 0)));
}

/**
 * How the two runs compare up to a step: how many tokens agree, and where they part.
 * @param {Payload} payload @param {number} step
 * @returns {{ n_same: number, parted: boolean, difference: number, dtype: string } | null}
 */
export function comparisonAt(payload, step) {
  const { comparison, runs } = payload.header;
  if (!comparison || runs.length < 2) return null;
  const first = runs[0].chosen_ids.findIndex((id, i) => id !== runs[1].chosen_ids[i]);
  const parted = first >= 0 && first <= step;
  const differences = comparison.logit_differences.slice(0, step + 1);
  return {
    n_same: parted ? first : step + 1,
    parted,
    difference: differences.reduce((a, b) => Math.max(a, b), 0),
    dtype: comparison.dtype,
  };
}

/**
 * The first row whose token is not the same in both runs, or Infinity if there is none.
 * @param {Payload} payload @returns {number}
 */
export function partingRow({ header: { runs, n_prompt } }) {
  if (runs.length < 2) return Infinity;
  const first = runs[0].chosen_ids.findIndex((id, i) => id !== runs[1].chosen_ids[i]);
  return first < 0 ? Infinity : n_prompt + first;
}

/**
 * By how much the keys and values of both runs differ, in the first rows, as long as these are of the
 * same tokens.
 * @param {Payload} payload @param {number} n_rows
 * @returns {{ difference: number, n_rows: number, dtype: string } | null} Null where only one was run.
 */
export function rowsCompared(payload, n_rows) {
  const { comparison, runs } = payload.header;
  if (!comparison || runs.length < 2) return null;
  const n = Math.min(n_rows, partingRow(payload));
  const difference = comparison.row_differences.slice(0, n).reduce((a, b) => Math.max(a, b), 0);
  return { difference, n_rows: n, dtype: comparison.dtype };
}

/** @param {number} row @returns {number} Where a row of a packed lower triangle starts. */
export function triangleStart(row) {
  return (row * (row + 1)) / 2;
}

/**
 * The attention weight of a cell in [0, 1], or null where the query did not see the key, or the layer is not here.
 * @param {Payload} payload @param {RunCache} cache @param {number} layer @param {number} head
 * @param {number} row @param {number} column @returns {number | null}
 */
export function attention(payload, cache, layer, head, row, column) {
  const pattern = payload.arrays.get(`${cache}.pattern.${layer}`);
  if (!pattern || column > row || row >= payload.header.n_rows || column < 0) return null;
  if (whyUnseen(payload, cache, { layer, head }, row, column)) return null;
  return pattern.data[head * pattern.shape[1] + triangleStart(row) + column] / 255;
}

/**
 * One row of a pattern as bytes: what a token looks at, from position 0 to its own.
 * @param {Payload} payload @param {RunCache} cache @param {number} layer @param {number} head
 * @param {number} row @returns {Numbers | null}
 */
export function attentionRow(payload, cache, layer, head, row) {
  const pattern = payload.arrays.get(`${cache}.pattern.${layer}`);
  if (!pattern) return null;
  const start = head * pattern.shape[1] + triangleStart(row);
  return pattern.data.subarray(start, start + row + 1);
}

/**
 * One number of a K or V row, or null where the layer is not here.
 * @param {Payload} payload @param {RunCache} cache @param {"keys" | "values"} part
 * @param {number} layer @param {number} head @param {number} row @param {number} column
 * @returns {number | null}
 */
export function kvNumber(payload, cache, part, layer, head, row, column) {
  const array = payload.arrays.get(`${cache}.${part}.${layer}`);
  const one = part === "keys" ? "key" : "value";
  const rests = payload.arrays.get(`${cache}.${one}_rest.${layer}`);
  const scales = payload.arrays.get(`${cache}.${one}_scale.${layer}`);
  if (!array || !rests || !scales) return null;
  const { n_rows } = payload.header;
  const { d_head } = payload.header.model;
  const at = kvHead(payload, head);
  const place = (at * n_rows + row) * d_head + column;
  return ((array.data[place] + rests.data[place] / 254) * scales.data[at]) / 127;
}

/**
 * Brings a view, from the host or from before, within what a buffer can show.
 * @param {Payload} payload @param {View} view @returns {View}
 */
export function fittingView(payload, view) {
  const { n_steps, model, layers } = payload.header;
  const within = (/** @type {number} */ n, /** @type {number} */ count) =>
    Number.isInteger(n) ? Math.min(Math.max(n, 0), count - 1) : 0;
  const layer = within(view.layer, model.n_layers);
  const available = availableCaches(payload);
  const there = {
    step: within(view.step, n_steps),
    layer: layers.includes(layer) ? layer : layers[0],
    head: within(view.head, model.n_heads),
    cache: available.includes(view.cache) ? view.cache : available[0],
  };
  return { ...there, cell: cellWithin(payload, there, view.cell) };
}

/**
 * @param {Payload} payload @param {Omit<View, "cell">} view @param {Cell | null | undefined} cell
 * @returns {Cell | null} The cell, or null if the step has nothing there, or the query did not see the key.
 */
export function cellWithin(payload, { step, layer, head, cache }, cell) {
  if (!cell || ![cell.query, cell.key].every(Number.isInteger)) return null;
  const { header } = payload;
  const { cross, query, key } = cell;
  const n_keys = cross ? header.encoder?.tokens.length ?? 0 : query + 1;
  if (!(query >= 0 && query < header.n_prompt + step && key >= 0 && key < n_keys)) return null;
  return cross || whyUnseen(payload, mainRun(cache), { layer, head }, query, key) === null ? cell : null;
}

/** @param {Payload} payload @param {string} name */
function arrayOf(payload, name) {
  return /** @type {{ data: Numbers, shape: number[] }} */ (payload.arrays.get(name));
}
