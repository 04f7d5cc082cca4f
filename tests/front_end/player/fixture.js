// A synthetic run, packed as Python packs a real one. Invented numbers, for these tests only: no page shows it.
import { pack } from "../pack.js";

const STORY =
  "Once| upon| a| time| there| was| a| little| girl| named| Lily|.| She| loved| to| play| in| the| garden| with| her| dog|.|\n|One| day|,| Lily| found| a| small| red| ball| under| the| old| tree|.";

/** A repeatable stream of numbers in [0, 1). @param {number} seed */
export function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const KINDS = ["first-token", "previous-token", "diffuse", "induction", "local"];

/** @param {number} layer @param {number} head */
const kindOf = (layer, head) => KINDS[(layer * 3 + head * 2 + ((layer * head) % 3)) % KINDS.length];

/**
 * @param {string} kind @param {number} row @param {number[]} ids @param {() => number} next
 * @returns {number[]} Weights that sum to 1.
 */
function patternRow(kind, row, ids, next) {
  const weights = [];
  for (let column = 0; column <= row; column++) {
    let w = 0.02 + 0.25 * next() ** 4;
    if (kind === "first-token" && column === 0) w += 4;
    if (kind === "previous-token" && column === Math.max(0, row - 1)) w += 6;
    if (kind === "induction" && column > 0 && ids[column - 1] === ids[row]) w += 5;
    if (kind === "local") w += Math.exp(-(row - column) / 3);
    if (kind === "diffuse") w += 0.2 * next();
    if (column === 0 && kind !== "first-token") w += 0.5;
    weights.push(w);
  }
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / sum);
}

/**
 * @param {object} [options]
 * @param {number} [options.n_prompt] @param {number} [options.n_steps] @param {number} [options.n_layers]
 * @param {number} [options.n_heads] @param {number} [options.n_kv_heads] @param {number} [options.d_head]
 * @param {("on" | "off")[]} [options.caches] @param {number[] | null} [options.layers] Layers present.
 * @param {"greedy" | "sampled"} [options.choice] @param {boolean} [options.same] Whether both runs agree.
 * @param {Partial<{step: number, layer: number, head: number, cache: string}>} [options.view]
 * @param {(header: any) => void} [options.change] Spoils the header before it is packed.
 * @param {number[]} [options.windows] How many positions a query of each layer sees, 0 for all.
 * @param {{ name: string, told: string }} [options.named_cache] A way of keeping rows that drops those of odd positions of KV
 *   head 0, after the step that wrote them.
 * @param {number} [options.n_encoder] Tokens that an encoder read; 0 for a run without one.
 * @param {{ name: string, dtype: string, shape: number[], data: any }[]} [options.more] Arrays besides.
 * @param {string[]} [options.texts] Tokens in place of the story's.
 * @returns {Uint8Array}
 */
export function makeBuffer(options = {}) {
  const {
    n_prompt = 7, n_steps = 16, n_layers = 6, n_heads = 8, d_head = 32, caches = ["on"], layers = null,
    choice = "greedy", same = true, n_encoder = 0, windows = null, named_cache = null, view = {}, change = () => {}, more = [],
  } = options;
  const n_kv_heads = options.n_kv_heads ?? n_heads;
  const n_rows = n_prompt + n_steps - 1;
  const story = options.texts ?? STORY.split("|");
  const kinds = [...new Set(story)];
  const tokens = Array.from({ length: n_rows + 1 }, (_, i) => {
    const text = story[i % story.length];
    return { id: 100 + kinds.indexOf(text), text };
  });
  const ids = tokens.map((t) => t.id);
  const d_model = n_heads * d_head;
  const model = {
    name: "synthetic/for-tests", family: "gpt2", n_layers, n_heads, n_kv_heads, d_head, d_model, d_mlp: 4 * d_model, n_ctx: 1024,
    d_vocab: 4096, n_params: 5_900_000, dtype: "float32", device: "cpu", source: "bundled", revision: "",
    cache_bytes_per_token: 2 * n_layers * n_kv_heads * d_head * 4,
    ...(windows ? { windows } : {}),
  };
  const kept = (/** @type {number} */ n, /** @type {number} */ layer) => (windows?.[layer] ? Math.min(n, windows[layer] - 1) : n);
  const bytesOf = (/** @type {number} */ n) =>
    Array.from({ length: n_layers }, (_, layer) => kept(n, layer)).reduce((a, b) => a + b, 0) * (model.cache_bytes_per_token / n_layers);
  const flops = (/** @type {number} */ q, /** @type {number} */ n) =>
    n_layers * (8 * q * d_model ** 2 + 4 * q * d_model * model.d_mlp + 4 * q * n * d_model) + 2 * d_model * model.d_vocab;
  const steps = Array.from({ length: n_steps }, (_, s) => s);
  const counted = {
    on: {
      rows: steps.map((s) => (s ? 1 : n_prompt)),
      flops: steps.map((s) => flops(s ? 1 : n_prompt, n_prompt + s)),
      cache_bytes: steps.map((s) => bytesOf(n_prompt + s)),
    },
    off: {
      rows: steps.map((s) => n_prompt + s),
      flops: steps.map((s) => flops(n_prompt + s, n_prompt + s)),
      cache_bytes: steps.map(() => 0),
    },
  };
  /** @type {{ name: string, dtype: string, shape: number[], data: any }[]} */
  const arrays = [];
  const chance = random(7);
  /** @type {Record<string, string>} */
  const vocabulary = Object.fromEntries(kinds.map((text, i) => [String(100 + i), text]));
  const k = 10;
  const runs = caches.map((cache, index) => {
    const chosen = steps.map((s) => ids[n_prompt + s]);
    if (index === 1 && !same) chosen[n_steps - 1] = 100 + ((chosen[n_steps - 1] - 99) % kinds.length);
    const top_ids = new Int32Array(n_steps * k);
    const top_probs = new Float32Array(n_steps * k);
    const top_sampling_probs = new Float32Array(n_steps * k);
    steps.forEach((s) => {
      const at = choice === "sampled" && s % 3 === 1 ? 2 : 0;
      const others = kinds.map((_, i) => 100 + i).filter((id) => id !== chosen[s]);
      let left = 1;
      for (let i = 0; i < k; i++) {
        top_ids[s * k + i] = i === at ? chosen[s] : others[(s * 5 + i) % others.length];
        const p = left * (0.3 + 0.15 * chance());
        top_probs[s * k + i] = p;
        left -= p;
        top_sampling_probs[s * k + i] = choice === "greedy" ? (i === at ? 1 : 0) : i < 4 ? [0.55, 0.25, 0.15, 0.05][i] : 0;
      }
    });
    for (const [name, data] of Object.entries({ top_ids, top_probs, top_sampling_probs })) {
      arrays.push({ name: `${cache}.${name}`, dtype: data instanceof Int32Array ? "i32" : "f32", shape: [n_steps, k], data });
    }
    const on = cache === "on";
    const widths = on && windows ? [...new Set(windows)] : [0];
    const firstAt = (/** @type {number} */ s, /** @type {number} */ window) => (window ? Math.max(0, n_prompt + s - window) : 0);
    const spans = widths.flatMap((window, life) =>
      steps.flatMap((s) => {
        if (!on || !s) return [[life, s, 1, 0, n_prompt + s]];
        const [first, end] = [firstAt(s, window), n_prompt + s - 1];
        return [[life, s, 1, end, end + 1], ...(first < end ? [[life, s, 2, first, end]] : []), ...(first ? [[life, s, 3, 0, first]] : [])];
      }),
    );
    if (on && named_cache) spans.push(...steps.flatMap(oddRowsGone));
    arrays.push({ name: `${cache}.lives`, dtype: "i32", shape: [spans.length, 5], data: Int32Array.from(spans.flat()) });
    const lifeOf = on && named_cache ? Array.from({ length: n_layers * n_kv_heads }, (_, i) => (i % n_kv_heads ? 0 : 1)) : Array.from({ length: n_layers * n_kv_heads }, (_, i) => (on && windows ? widths.indexOf(windows[Math.floor(i / n_kv_heads)]) : 0));
    arrays.push({ name: `${cache}.life_of`, dtype: "i32", shape: [n_layers, n_kv_heads], data: Int32Array.from(lifeOf) });
    return {
      cache, stopped: "length", reuse_is_proven: true, n_timings: 1, n_together: 1,
      n_fed: counted[cache].rows, n_computed: counted[cache].rows, n_reused: steps.map((s) => (on && s ? n_prompt + s - 1 - Math.min(...widths.map((window) => firstAt(s, window))) : 0)),
      seconds: steps.map((s) => (on && s ? 0.0024 : 0.004 + 0.0004 * (n_prompt + s)) * (1 + 0.2 * chance())),
      flops: counted[cache].flops, cache_bytes: counted[cache].cache_bytes,
      max_row_change: steps.map((s) => (on || !s ? 0 : 2.4e-7)),
      chosen_ids: chosen, chosen_probs: steps.map((s) => top_probs[s * k + (choice === "sampled" && s % 3 === 1 ? 2 : 0)]),
    };
  });

  /** Life 1 at a step. @param {number} s */
  function oddRowsGone(s) {
    const first = s ? n_prompt + s - 1 : 0;
    const before = Array.from({ length: first }, (_, row) => [1, s, row % 2 ? 3 : 2, row, row + 1]);
    return [[1, s, 1, first, n_prompt + s], ...before];
  }

  const present = layers ?? steps.slice(0, 0).concat(Array.from({ length: n_layers }, (_, l) => l));
  const size = (n_rows * (n_rows + 1)) / 2;
  for (const cache of caches) {
    for (const layer of present) {
      const pattern = new Uint8Array(n_heads * size);
      for (let head = 0; head < n_heads; head++) {
        const next = random(1000 * layer + head + 1);
        let at = head * size;
        for (let row = 0; row < n_rows; row++) {
          for (const w of patternRow(kindOf(layer, head), row, ids, next)) pattern[at++] = Math.round(w * 255);
        }
      }
      arrays.push({ name: `${cache}.pattern.${layer}`, dtype: "u8", shape: [n_heads, size], data: pattern });
      for (const part of ["key", "value"]) {
        const next = random(77 * layer + (part === "key" ? 5 : 9));
        const rows = new Int8Array(n_kv_heads * n_rows * d_head);
        for (let head = 0; head < n_kv_heads; head++) {
          const bias = Array.from({ length: d_head }, () => (part === "key" ? 50 : 12) * (next() - 0.5) * 2);
          for (let row = 0; row < n_rows; row++) {
            for (let column = 0; column < d_head; column++) {
              const value = bias[column] + 40 * (next() + next() - 1) * (row === 0 ? 1.6 : 1);
              rows[(head * n_rows + row) * d_head + column] = Math.max(-127, Math.min(127, Math.round(value)));
            }
          }
        }
        arrays.push({ name: `${cache}.${part}s.${layer}`, dtype: "i8", shape: [n_kv_heads, n_rows, d_head], data: rows });
        arrays.push({ name: `${cache}.${part}_rest.${layer}`, dtype: "i8", shape: [n_kv_heads, n_rows, d_head], data: restOf(rows) });
        arrays.push({ name: `${cache}.${part}_scale.${layer}`, dtype: "f32", shape: [n_kv_heads], data: new Float32Array(n_kv_heads).fill(part === "key" ? 6.4 : 1.7) });
      }
    }
  }
  for (const cache of caches) for (const layer of present) for (const start of n_encoder ? ["", "cross_"] : [""]) addQueries(cache, start, layer);

  /** @param {string} cache @param {string} start @param {number} layer */
  function addQueries(cache, start, layer) {
    const next = random(41 * layer + start.length);
    const rows = Int8Array.from({ length: n_heads * n_rows * d_head }, () => Math.round(110 * (next() + next() - 1)));
    arrays.push({ name: `${cache}.${start}queries.${layer}`, dtype: "i8", shape: [n_heads, n_rows, d_head], data: rows });
    arrays.push({ name: `${cache}.${start}query_rest.${layer}`, dtype: "i8", shape: [n_heads, n_rows, d_head], data: restOf(rows) });
    arrays.push({ name: `${cache}.${start}query_scale.${layer}`, dtype: "f32", shape: [n_heads], data: new Float32Array(n_heads).fill(3) });
  }
  for (const cache of caches) for (const layer of present) for (const start of n_encoder ? ["", "cross_"] : [""]) addFingerprints(cache, start, layer);

  /** Of all rows the same at the end as when they were written. @param {string} cache @param {string} start @param {number} layer */
  function addFingerprints(cache, start, layer) {
    const n = start ? n_encoder : n_rows;
    const next = random(17 * layer + start.length + 1);
    const taken = Array.from({ length: 2 * n * 2 }, () => Math.floor((next() - 0.5) * 2 ** 32));
    arrays.push({ name: `${cache}.${start}fingerprints.${layer}`, dtype: "i32", shape: [2, 2, n, 2], data: Int32Array.from([...taken, ...taken]) });
  }
  if (n_encoder) arrays.push({ name: "position_bias", dtype: "f32", shape: [n_heads, n_rows], data: Float32Array.from({ length: n_heads * n_rows }, (_, i) => -0.1 * (i % n_rows)) });

  if (present.length < n_layers) {
    const cells = Math.min(48, n_rows);
    const blocks = new Uint8Array(n_layers * n_heads * cells * cells);
    for (let layer = 0; layer < n_layers; layer++) {
      for (let head = 0; head < n_heads; head++) {
        const next = random(1000 * layer + head + 1);
        for (let row = 0; row < cells; row++) {
          const weights = patternRow(kindOf(layer, head), row, ids, next);
          weights.forEach((w, column) => (blocks[((layer * n_heads + head) * cells + row) * cells + column] = Math.round(w * 255)));
        }
      }
    }
    arrays.push({ name: "thumbnails", dtype: "u8", shape: [n_layers, n_heads, cells, cells], data: blocks });
  }

  const input = Array.from({ length: n_encoder }, (_, i) => ({ id: 100 + kinds.indexOf(story[i % story.length]), text: story[i % story.length] }));
  if (n_encoder) addSecondCache();

  /** Rows of the input: computed at the first step, read at the later ones; without the cache computed always. */
  function addSecondCache() {
    for (const run of /** @type {any[]} */ (runs)) {
      run.n_cross_computed = steps.map((s) => (run.cache === "on" && s ? 0 : n_encoder));
      run.n_cross_reused = run.n_cross_computed.map((/** @type {number} */ n) => n_encoder - n);
    }
    for (const side of /** @type {const} */ (["on", "off"])) {
      Object.assign(counted[side], { cross_rows: steps.map((s) => (side === "on" && s ? 0 : n_encoder)) });
    }
    for (const cache of caches) {
      const spans = steps.map((s) => [s, cache === "on" && s ? 2 : 1, 0, n_encoder]);
      arrays.push({ name: `${cache}.cross_lives`, dtype: "i32", shape: [n_steps, 4], data: Int32Array.from(spans.flat()) });
    }
    counted.on.cache_bytes.forEach((bytes, s) => (counted.on.cache_bytes[s] = bytes + n_encoder * model.cache_bytes_per_token));
    for (const cache of caches) {
      for (const layer of present) {
        const weights = new Uint8Array(n_heads * n_rows * n_encoder);
        for (let head = 0; head < n_heads; head++) {
          const next = random(31 * layer + head);
          for (let row = 0; row < n_rows; row++) {
            const raw = input.map((_, column) => 0.05 * next() + Math.exp(-Math.abs(((row + head) % n_encoder) - column)));
            const sum = raw.reduce((a, b) => a + b, 0);
            raw.forEach((w, column) => (weights[(head * n_rows + row) * n_encoder + column] = Math.round((255 * w) / sum)));
          }
        }
        arrays.push({ name: `${cache}.cross_pattern.${layer}`, dtype: "u8", shape: [n_heads, n_rows, n_encoder], data: weights });
        for (const part of ["key", "value"]) {
          const next = random(913 * layer + part.length);
          const rows = Int8Array.from({ length: n_kv_heads * n_encoder * d_head }, () => Math.round(120 * (next() + next() - 1)));
          arrays.push({ name: `${cache}.cross_${part}s.${layer}`, dtype: "i8", shape: [n_kv_heads, n_encoder, d_head], data: rows });
          arrays.push({ name: `${cache}.cross_${part}_rest.${layer}`, dtype: "i8", shape: [n_kv_heads, n_encoder, d_head], data: restOf(rows) });
          arrays.push({ name: `${cache}.cross_${part}_scale.${layer}`, dtype: "f32", shape: [n_kv_heads], data: new Float32Array(n_kv_heads).fill(2) });
        }
      }
    }
  }

  const roles = [];
  for (let layer = 0; layer < n_layers; layer++) {
    for (let head = 0; head < n_heads; head++) {
      const role = kindOf(layer, head);
      if (["previous-token", "first-token", "induction"].includes(role)) roles.push({ layer, head, role, score: 0.8 });
    }
  }
  const header = {
    magic: "kvviz-player", format: 6, id: `synthetic-${n_prompt}-${n_steps}-${caches.join("")}-${choice}`, model,
    options: choice === "greedy" ? { temperature: 0, top_k: null, top_p: null, seed: 0 } : { temperature: 0.8, top_k: 4, top_p: null, seed: 3 },
    prompt: tokens.slice(0, n_prompt).map((t) => t.text).join(""), n_prompt, n_rows, n_steps, tokens, vocabulary, runs, counted,
    comparison: caches.length === 2
      ? { same_tokens: same, max_logit_difference: 1.4e-6, logit_differences: steps.map((s) => 4e-7 + 1e-6 * (s / Math.max(1, n_steps - 1))), row_differences: tokens.map((_, row) => 1e-7 * row), dtype: "float32" }
      : null,
    roles, view: { step: 0, layer: present[0], head: 0, cache: caches.length === 2 ? "both" : caches[0], cell: null, ...view }, view_number: 0, plays: false, recorded: false,
    layers: present, score_scale: new Array(n_layers).fill(n_encoder ? 1 : 1 / Math.sqrt(d_head)), arrays: [],
    ...(windows || n_kv_heads < n_heads ? { savings: savingsOf() } : {}),
    ...(named_cache ? { named_cache } : {}),
    ...(n_encoder ? {  encoder: { text: input.map((t) => t.text).join(""), tokens: input, seconds: 0.003, flops: 1_000_000, cross_proven: true, score_scale: new Array(n_layers).fill(1) } } : {}),
  };
  return pack(header, [...arrays, ...more], change);

  /** Bytes of the same model without sharing, and without windows. */
  function savingsOf() {
    const grouped = n_heads / n_kv_heads;
    const whole = steps.map((s) => (n_prompt + s) * model.cache_bytes_per_token);
    return { no_groups: counted.on.cache_bytes.map((b) => b * grouped), no_windows: whole, plain: whole.map((b) => b * grouped) };
  }
}

/** What bytes leave over, as bytes: of every fourth number a quarter of a part. */
function restOf(/** @type {Int8Array} */ rows) {
  return rows.map((_, i) => (i % 4 === 0 ? 63 : 0));
}
