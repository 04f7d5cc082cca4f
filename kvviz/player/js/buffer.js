// Decodes a packed run and refuses, in words, what it cannot show. Names: ../contract.json.
import contract from "../contract.json" with { type: "json" };
import { readOrigins } from "./head_origin.js";
import { fail, requireArray, requireFields, unpack } from "./packed_buffer.js";
import { gettext, ngettext } from "./translation.js";

/**
 * @import { HeadOrigin } from "./head_origin.js"
 * @import { ArrayEntry, PackedArray } from "./packed_buffer.js"
 * @typedef {"on" | "off"} RunCache
 * @typedef {"on" | "off" | "both"} Cache
 * @typedef {{ id: number, text: string, bytes?: string }} Token Its bytes are told where they are a part of a character.
 * @typedef {{ step: number, layer: number, head: number, cache: Cache, cell: Cell | null }} View
 * @typedef {{ cross: boolean, query: number, key: number }} Cell A cell of a pattern: who looks, and at whom.
 * @typedef {{ layer: number, head: number, role: string, score: number }} Role
 * @typedef {{ rows: number[], flops: number[], cache_bytes: number[], cross_rows?: number[] }} CountedRun
 * @typedef {{ same_tokens: boolean, max_logit_difference: number, logit_differences: number[], row_differences: number[], dtype: string }} Comparison
 *
 * @typedef {{ temperature: number, top_k: number | null, top_p: number | null, seed: number }} Options How tokens were chosen.
 *
 * @typedef {object} Encoder What an encoder read, and the decoder looks at through its second cache.
 * @property {string} text
 * @property {Token[]} tokens
 * @property {number} seconds
 * @property {number} flops
 * @property {boolean} cross_proven Whether the rows made of it never changed.
 * @property {number[]} score_scale Factor on products of its attention, one a layer.
 *
 * @typedef {object} NamedCache A way of keeping rows.
 * @property {string} name
 * @property {string} told Its name and its settings.
 * @property {[number, number]} [rows] Least and most that a query may read in each head of a layer, sinks among them.
 * @property {[number, number]} [shares] The same as shares of the run's tokens.
 * @property {number} [sinks] First rows that stay for good.
 * @property {[number, number]} [bits] Of a number of a key, and of one of a value.
 *
 * @typedef {object} Savings By formula: what the cache of the same model would take after each step.
 * @property {number[]} no_groups With a KV head for each query head.
 * @property {number[]} no_windows Without windows.
 * @property {number[]} plain With neither.
 *
 * @typedef {object} Model
 * @property {string} name
 * @property {string} family
 * @property {number} n_layers
 * @property {number} n_heads
 * @property {number} n_kv_heads
 * @property {number} d_head
 * @property {number} d_model
 * @property {number} d_mlp
 * @property {boolean} [mlp_is_gated]
 * @property {number[]} [windows] How many positions a query of each layer sees, 0 for all; not told where none has a window.
 * @property {number} n_ctx
 * @property {number} d_vocab
 * @property {number} n_params
 * @property {string} dtype
 * @property {string} device
 * @property {string} source
 * @property {string} revision
 * @property {number} cache_bytes_per_token
 *
 * @typedef {object} Run
 * @property {RunCache} cache
 * @property {string} stopped
 * @property {boolean} reuse_is_proven
 * @property {number} n_timings The time of a step is the least of so many.
 * @property {number} n_together Runs that its passes were made for, at most; beyond 1 its times are shared.
 * @property {number[]} n_fed
 * @property {number[]} n_computed
 * @property {number[]} n_reused
 * @property {number[]} seconds
 * @property {number[]} flops
 * @property {number[]} cache_bytes
 * @property {number[]} max_row_change
 * @property {number[]} chosen_ids
 * @property {number[]} chosen_probs
 * @property {number[]} [n_cross_computed] With an encoder: cross-attention rows.
 * @property {number[]} [n_cross_reused]
 *
 * @typedef {object} Growing A run under way, as `kvviz.player.growing.Growing` has it.
 * @property {number} n_steps
 * @property {number} n_held
 * @property {boolean} layer_is_held
 * @property {number | null} step
 * @property {Cache} cache
 *
 * @typedef {object} Header
 * @property {string} magic
 * @property {number} format
 * @property {string} id
 * @property {Model} model
 * @property {Options} options
 * @property {string} prompt
 * @property {number} n_prompt
 * @property {number} n_rows
 * @property {number} n_steps
 * @property {Token[]} tokens
 * @property {Record<string, string>} vocabulary
 * @property {Run[]} runs
 * @property {{ on: CountedRun, off: CountedRun }} counted
 * @property {Comparison | null} comparison
 * @property {number[]} special_ids Tokens that stand for no text; a buffer without any does not name them.
 * @property {Savings | null} savings Null where heads share nothing and no layer has a window.
 * @property {NamedCache | null} named_cache How the run with the cache kept its rows; null where it kept all of them.
 * @property {Encoder | null} encoder Null where there is none; a buffer without one does not name it.
 * @property {Role[]} roles
 * @property {View} view Where to begin.
 * @property {number} view_number Counts the views that the host has asked for.
 * @property {boolean} plays Whether it plays by itself, once, when it is first seen.
 * @property {boolean} recorded Whether it was made elsewhere, or before, and not just now where it is shown.
 * @property {Growing | null} growing Null of a run that is over; a buffer of one does not name it.
 * @property {number[]} layers
 * @property {number[]} score_scale Factor on products of queries and keys, one a layer.
 * @property {ArrayEntry[]} arrays
 *
 * @typedef {object} Payload
 * @property {Header} header
 * @property {Map<string, PackedArray>} arrays
 * @property {HeadOrigin[]} origins How the rows of a head came about, where it was asked for.
 * @property {number} n_bytes
 */

/**
 * Decodes and checks a packed run.
 *
 * @param {unknown} input A Uint8Array or ArrayBuffer as `kvviz.player.pack` wrote it.
 * @returns {Payload} The header and a view of every array; nothing is copied unless it must be aligned.
 * @throws {import("./packed_buffer.js").BufferError} If it is no such buffer, is cut short, or its parts contradict each other.
 */
export function readBuffer(input) {
  const payload = unpack(input, "run", checkedHeader);
  checkArrays(payload.header, payload.arrays);
  return { ...payload, origins: readOrigins(payload.header, payload.arrays) };
}

/** @param {any} header @returns {Header} */
function checkedHeader(header) {
  if (header.magic !== contract.magic) {
    return fail(gettext("This is no recorded run of kvviz."), gettext("Its header belongs to something else."));
  }
  if (header.format !== contract.format) {
    return fail(
      gettext("This run was recorded by another version of kvviz."),
      gettext("Its format is {format}; this player reads {known}.", { format: JSON.stringify(header.format), known: contract.format }),
    );
  }
  requireFields(header, contract.header, "header");
  requireFields(header.model, contract.model, "model");
  requireFields(header.options, contract.options, "options");
  requireFields(header.view, contract.view, "view");
  requireFields(header.counted, contract.counted, "counted");
  for (const side of contract.counted) {
    requireFields(header.counted[side], contract.counted_run, `counted.${side}`);
  }
  if (header.comparison !== null) requireFields(header.comparison, contract.comparison, "comparison");
  header.encoder ??= null;
  header.savings ??= null;
  header.named_cache ??= null;
  header.special_ids ??= [];
  header.growing ??= null;
  checkCounts(header);
  requireNumbers(header.special_ids, header.special_ids.length, "special_ids");
  if (header.encoder !== null) checkEncoder(header);
  if (header.savings !== null) {
    requireFields(header.savings, contract.savings, "savings");
    for (const name of contract.savings) requireNumbers(header.savings[name], header.n_steps, `savings.${name}`);
  }
  if (header.named_cache !== null) {
    requireTexts(header.named_cache, contract.named_cache, "named_cache");
    for (const name of contract.pairs_of_a_named_cache) requireNumbers(header.named_cache[name] ?? [0, 0], 2, `named_cache.${name}`);
  }
  if (header.growing !== null) requireFields(header.growing, contract.growing, "growing");
  return header;
}

/** @param {any} header */
function checkCounts(header) {
  for (const name of ["n_prompt", "n_rows", "n_steps"]) requirePositive(header[name], name);
  for (const name of ["n_layers", "n_heads", "n_kv_heads", "d_head", "cache_bytes_per_token"]) {
    requirePositive(header.model[name], name);
  }
  const { n_prompt, n_rows, n_steps, tokens, runs } = header;
  if (header.model.windows !== undefined) requireNumbers(header.model.windows, header.model.n_layers, "model.windows");
  if (n_rows !== n_prompt + n_steps - 1) {
    const prompt = ngettext("{n} prompt token", "{n} prompt tokens", n_prompt, { n: n_prompt });
    const steps = ngettext("{n} step", "{n} steps", n_steps, { n: n_steps });
    const found = gettext("{prompt}, {steps}, {rows}.", { prompt, steps, rows: rowsText(n_rows) });
    fail(gettext("Rows and steps do not fit."), found);
  }
  if (!Array.isArray(tokens) || tokens.length !== n_rows + 1) {
    const n = tokens?.length ?? 0;
    const found = ngettext("{n} token for {rows}.", "{n} tokens for {rows}.", n, { n, rows: rowsText(n_rows) });
    fail(gettext("Tokens and rows do not fit."), found);
  }
  for (const token of tokens) {
    requireFields(token, contract.token, "tokens");
    requireText(token);
  }
  if (!Array.isArray(runs) || runs.length < 1 || runs.length > 2) {
    const n = runs?.length;
    const found = n === undefined ? gettext("It has no list of runs.") : ngettext("It has {n} run.", "It has {n} runs.", n, { n });
    fail(gettext("There is no run in this recording."), found);
  }
  for (const run of runs) {
    requireFields(run, contract.run, "runs");
    if (run.cache !== "on" && run.cache !== "off") {
      fail(gettext("A run is neither with nor without the cache."), gettext("It says {value}.", { value: JSON.stringify(run.cache) }));
    }
    for (const name of ["n_timings", "n_together"]) requirePositive(run[name], `runs.${name}`);
    for (const name of contract.run.slice(5)) requireNumbers(run[name], n_steps, `runs.${name}`);
    for (let step = 0; step < n_steps; step++) {
      // Those that are gone in every layer are neither.
      if (run.n_computed[step] + run.n_reused[step] > n_prompt + step) {
        fail(
          gettext("A step does not account for all its rows."),
          account(step, run.n_computed[step], run.n_reused[step], n_prompt + step),
        );
      }
    }
  }
  if (runs.length === 2 && runs[0].cache === runs[1].cache) {
    fail(gettext("Both runs are of the same kind."), gettext("Cache {cache}.", { cache: runs[0].cache }));
  }
  for (const side of contract.counted) {
    for (const name of contract.counted_run) {
      requireNumbers(header.counted[side][name], n_steps, `counted.${side}.${name}`);
    }
  }
  if (!Array.isArray(header.roles) || !Array.isArray(header.layers) || !Array.isArray(header.arrays)) {
    fail(gettext("The recording is not complete."), gettext("Roles, layers or arrays are not lists."));
  }
  for (const role of header.roles) requireFields(role, contract.role, "roles");
  requireNumbers(header.score_scale, header.model.n_layers, "score_scale");
  if (header.layers.length === 0) fail(gettext("The recording holds no layer."), gettext("Its list is empty."));
}

/** @param {any} header */
function checkEncoder({ encoder, runs, counted, n_steps, model }) {
  requireFields(encoder, contract.encoder, "encoder");
  requireNumbers(encoder.score_scale, model.n_layers, "encoder.score_scale");
  if (!Array.isArray(encoder.tokens) || encoder.tokens.length === 0) {
    fail(gettext("The encoder read nothing."), gettext("Its list of tokens is empty."));
  }
  for (const token of encoder.tokens) {
    requireFields(token, contract.token, "encoder.tokens");
    requireText(token);
  }
  for (const run of runs) {
    requireFields(run, contract.run_of_two_caches, "runs");
    for (const name of contract.run_of_two_caches) requireNumbers(run[name], n_steps, `runs.${name}`);
    for (let step = 0; step < n_steps; step++) {
      const { n_cross_computed: computed, n_cross_reused: reused } = run;
      if (computed[step] + reused[step] !== encoder.tokens.length) {
        fail(
          gettext("A step does not account for all its cross-attention rows."),
          account(step, computed[step], reused[step], encoder.tokens.length),
        );
      }
    }
  }
  for (const side of contract.counted) {
    requireFields(counted[side], contract.counted_of_two_caches, `counted.${side}`);
    requireNumbers(counted[side].cross_rows, n_steps, `counted.${side}.cross_rows`);
  }
}

/** @param {Header} header @param {Map<string, PackedArray>} arrays */
function checkArrays(header, arrays) {
  const { n_layers, n_heads, n_kv_heads, d_head } = header.model;
  const { n_rows, n_steps } = header;
  /** @param {string} name @param {(number | null)[]} shape */
  const expect = (name, shape) => requireArray(arrays, name, shape);
  /** @param {string} start @param {number} layer @param {number} n_keys */
  const expectRows = (start, layer, n_keys) => {
    for (const [many, one, heads, rows] of /** @type {const} */ ([
      ["keys", "key", n_kv_heads, n_keys], ["values", "value", n_kv_heads, n_keys], ["queries", "query", n_heads, n_rows],
    ])) {
      for (const part of [many, `${one}_rest`]) expect(`${start}${part}.${layer}`, [heads, rows, d_head]);
      expect(`${start}${one}_scale.${layer}`, [heads]);
    }
    expect(`${start}fingerprints.${layer}`, [2, 2, n_keys, 2]);
  };
  if (arrays.has("position_bias")) expect("position_bias", [n_heads, n_rows]);
  for (const { cache, n_computed, n_reused, n_cross_computed, n_cross_reused } of header.runs) {
    for (const name of ["top_ids", "top_probs", "top_sampling_probs"]) expect(`${cache}.${name}`, [n_steps, null]);
    expect(`${cache}.lives`, [null, 5]);
    expect(`${cache}.life_of`, [n_layers, n_kv_heads]);
    checkLives(arrays, `${cache}.lives`, n_rows, { computed: n_computed, read: n_reused, written: n_computed.map((_, step) => header.n_prompt + step) });
    if (header.encoder !== null) {
      expect(`${cache}.cross_lives`, [null, 4]);
      const n = header.encoder.tokens.length;
      checkLives(arrays, `${cache}.cross_lives`, n, { computed: n_cross_computed ?? [], read: n_cross_reused ?? [], written: new Array(n_steps).fill(n) });
    }
    for (const layer of header.layers) {
      if (!Number.isInteger(layer) || layer < 0 || layer >= n_layers) {
        fail(gettext("The recording names a layer that the model does not have."), gettext("Layer {layer} of {n_layers}.", { layer, n_layers }));
      }
      expect(`${cache}.pattern.${layer}`, [n_heads, (n_rows * (n_rows + 1)) / 2]);
      expectRows(`${cache}.`, layer, n_rows);
      if (header.encoder === null) continue;
      const n_encoder = header.encoder.tokens.length;
      expect(`${cache}.cross_pattern.${layer}`, [n_heads, n_rows, n_encoder]);
      expectRows(`${cache}.cross_`, layer, n_encoder);
    }
  }
  if (header.layers.length < n_layers && header.growing === null) {
    expect("thumbnails", [n_layers, n_heads, null, null]);
  }
}

/**
 * Each life has a state for every row that was written, and together they are what was counted.
 * @param {Map<string, PackedArray>} arrays @param {string} name @param {number} n_rows
 * @param {{ computed: number[], read: number[], written: number[] }} counts Rows of each step: read are those that any life reads.
 */
function checkLives(arrays, name, n_rows, { computed, read, written }) {
  const { data, shape: [n_spans, width] } = /** @type {PackedArray} */ (arrays.get(name));
  const lifeOf = Array.from(arrays.get(name.replace("lives", "life_of"))?.data ?? [0]);
  const n_lives = 1 + Math.max(...lifeOf);
  const n_steps = computed.length;
  const seen = contract.row_states.map(() => new Array(n_lives * n_steps).fill(0));
  const readSomewhere = new Uint8Array(n_steps * n_rows);
  if (lifeOf.some((one) => one < 0)) {
    fail(gettext("The recording tells of rows or steps that it does not have."), `${name.replace("lives", "life_of")}: ${lifeOf.join(", ")}.`);
  }
  for (let span = 0; span < n_spans; span++) {
    const numbers = [...data.subarray(span * width, (span + 1) * width)];
    const [life, step, state, first, end] = width === 5 ? numbers : [0, ...numbers];
    // A run that the player shows takes no row back.
    const isThere = life >= 0 && life < n_lives && step >= 0 && step < n_steps && state > 0 && state < contract.row_states.length && contract.row_states[state] !== "taken";
    if (!(isThere && first >= 0 && first < end && end <= n_rows)) {
      fail(gettext("The recording tells of rows or steps that it does not have."), `${name}: ${numbers.join(", ")}.`);
    }
    seen[state][life * n_steps + step] += end - first;
    if (["read", "shared", "packed"].includes(contract.row_states[state])) readSomewhere.fill(1, step * n_rows + first, step * n_rows + end);
  }
  for (let at = 0; at < n_lives * n_steps; at++) {
    const step = at % n_steps;
    const [, made, kept, gone, shared, , packed] = seen.map((counts) => counts[at]);
    const n_read = readSomewhere.subarray(step * n_rows, (step + 1) * n_rows).reduce((sum, one) => sum + one, 0);
    if (made === computed[step] && made + kept + gone + shared + packed === written[step] && n_read === read[step]) continue;
    fail(gettext("A step does not account for all its rows."), account(step, made, n_read, written[step]));
  }
}

/** @param {unknown} value @param {string} name */
function requirePositive(value, name) {
  if (!Number.isInteger(value) || /** @type {number} */ (value) < 1) {
    fail(gettext("A count is not a positive whole number."), gettext("{name} is {value}.", { name, value: JSON.stringify(value) }));
  }
}

/** @param {unknown} list @param {number} length @param {string} name */
function requireNumbers(list, length, name) {
  if (!Array.isArray(list) || list.length !== length || list.some((n) => typeof n !== "number")) {
    const found = ngettext("{name} is not a list of {n} number.", "{name} is not a list of {n} numbers.", length, { name, n: length });
    fail(gettext("The recording is not complete."), found);
  }
}

/** @param {any} fields @param {string[]} names @param {string} of */
function requireTexts(fields, names, of) {
  requireFields(fields, names, of);
  const wrong = names.find((name) => typeof fields[name] !== "string");
  if (wrong) fail(gettext("The recording is not complete."), gettext("{name} is {value}.", { name: `${of}.${wrong}`, value: JSON.stringify(fields[wrong]) }));
}

/** @param {{ id: number, text: unknown }} token */
function requireText({ id, text }) {
  if (typeof text !== "string") fail(gettext("A token has no text."), gettext("Token {id}.", { id }));
}

/** @param {number} step @param {number} computed @param {number} reused @param {number} n_rows @returns {string} */
function account(step, computed, reused, n_rows) {
  return gettext("Step {step} computed {computed} and reused {reused} of {n_rows}.", { step, computed, reused, n_rows });
}

/** @param {number} n @returns {string} */
function rowsText(n) {
  return ngettext("{n} row", "{n} rows", n, { n });
}
