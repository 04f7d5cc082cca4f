// A synthetic pair, packed as Python packs a real one. Invented numbers, for these tests only.
import { pack } from "../pack.js";

/**
 * GPT-2 reads "a b" as two tokens; BERT reads [CLS], "a", the two halves of "b", and [SEP].
 * @param {object} [change] Put over the header.
 */
export function makeBuffer(change = {}) {
  const arrays = [
    // layer head query key: GPT-2 looks back, 255 is forbidden.
    { name: "left.pattern.0", dtype: "u8", shape: [1, 2, 2], data: Uint8Array.from([254, 255, 127, 127]) },
    { name: "right.pattern.0", dtype: "u8", shape: [1, 5, 5], data: Uint8Array.from(Array.from({ length: 25 }, (_, i) => (i % 5 === 2 ? 254 : 0))) },
    ...rows("left", 2),
    ...rows("right", 5),
    { name: "left.measures", dtype: "f32", shape: [3, 1, 1], data: Float32Array.from([0, 0.5, 0.25]) },
    { name: "0.left.rows", dtype: "u8", shape: [2, 2], data: Uint8Array.from([0, 2, 0, 2]) },
    { name: "0.right.rows", dtype: "u8", shape: [2, 5], data: Uint8Array.from([0, 0, 0, 3, 2, 1, 1, 1, 3, 2]) },
  ];
  const side = { note: "", n_layers: 1, n_heads: 1, n_kv_heads: 1, d_head: 2, score_scale: [0.5], layers: [0] };
  const header = {
    version: 4, view_number: 1, n_slots: 5, n_units: 4, veiled: false, rows_note: "", recorded: false, view: { layer: 0, head: 0, look: "attention", cell: null },
    left: { ...side, name: "GPT-2", mask: "causal", tokens: ["a", " b"], special: [false, false], slots: [1, 2], units: [1, 2], marked: [1] },
    right: { ...side, name: "BERT", mask: "bidirectional", tokens: ["[CLS]", "a", "b", "##b", "[SEP]"],
      special: [true, false, false, false, true], slots: [0, 1, 2, 3, 4], units: [0, 1, 2, 2, 3], marked: [] },
    changes: [{ title: "", sides: [] }],
    ...change,
  };
  return pack(header, arrays);
}

/**
 * Queries, keys and values of a layer with one head of two numbers a row.
 * @param {string} side @param {number} n
 */
function rows(side, n) {
  return [["queries", "query"], ["keys", "key"], ["values", "value"]].flatMap(([many, one], kind) => [
    { name: `${side}.${many}.0`, dtype: "i8", shape: [1, n, 2], data: Int8Array.from({ length: 2 * n }, (_, i) => ((i + 1) * (kind + 3) * 11) % 120) },
    { name: `${side}.${one}_rest.0`, dtype: "i8", shape: [1, n, 2], data: new Int8Array(2 * n).fill(kind) },
    { name: `${side}.${one}_scale.0`, dtype: "f32", shape: [1], data: Float32Array.from([2]) },
  ]);
}
