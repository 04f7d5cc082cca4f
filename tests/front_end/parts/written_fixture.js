// Two models that wrote three tokens after "a b", packed as Python packs them. Invented, for these tests only.
import { pack } from "../pack.js";

/** @param {object} [change] Put over the header. */
export function makeWritten(change = {}) {
  const i32 = (/** @type {string} */ name, /** @type {number[]} */ shape, /** @type {number[]} */ numbers) =>
    ({ name, dtype: "i32", shape, data: Int32Array.from(numbers) });
  const arrays = [
    // step, state (1 computed, 2 read), first row, row after the last one
    i32("0.lives", [5, 4], [0, 1, 0, 2, 1, 1, 2, 3, 1, 2, 0, 2, 2, 1, 3, 4, 2, 2, 0, 3]),
    i32("0.tokens", [3, 4], [0, 1, -1, -1, 0, 1, 2, -1, 0, 1, 2, 3]),
    i32("1.lives", [3, 4], [0, 1, 0, 5, 1, 1, 0, 6, 2, 1, 0, 7]),
    i32("1.tokens", [3, 7], [4, 0, 1, 5, 6, -1, -1, 4, 0, 1, 2, 5, 6, -1, 4, 0, 1, 2, 7, 5, 6]),
  ];
  const header = {
    version: 2, n_steps: 3, step: 2, view_number: 1, shared: "", texts: ["a", " b", " c", " d", "[CLS]", "[MASK]", "[SEP]", " e"],
    writers: [
      { name: "GPT-2", cache: "on", n_steps: 3, n_rows: 4, first: 1 },
      { name: "BERT", cache: "off", n_steps: 3, n_rows: 7, first: 0 },
    ],
    ...change,
  };
  return pack(header, arrays);
}
