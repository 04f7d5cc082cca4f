// How the rows of one head came about: the row that entered, the head's columns of the weight, the bias,
// and, in some models, a norm of the row and its turn to a position.
// Read from the small buffer that kvviz/player/head_origin.py packs inside a run's. Pure.
import contract from "../contract.json" with { type: "json" };
import { fail, requireArray, requireFields, unpack } from "./packed_buffer.js";
import { mainRun } from "./run.js";
import { gettext } from "./translation.js";

/**
 * @import { Header, Payload, RunCache } from "./buffer.js"
 * @import { PackedArray } from "./packed_buffer.js"
 * @import { State } from "./state.js"
 * @typedef {"query" | "key" | "value"} RowPart
 * @typedef {{ cache: RunCache, layer: number, head: number, cross: boolean }} OriginPlace
 *
 * @typedef {object} OriginFacts
 * @property {Record<RowPart, number>} within The most that a row so made is off the one that attention used.
 * @property {number} epsilon What is added to a mean square before its root is taken.
 * @property {boolean} added_is_normed Whether what attention adds to the stream is normed first.
 * @property {string} refused Why nothing is known, or nothing.
 * @property {Map<string, PackedArray>} arrays
 *
 * @typedef {OriginPlace & OriginFacts} HeadOrigin
 *
 * @typedef {object} RowOrigin One row, and all that it was made of.
 * @property {Float32Array} entered The row that entered the product.
 * @property {Float32Array} weight The head's columns: for each number that entered, one for each that came out.
 * @property {Float32Array | null} bias
 * @property {Float64Array} product What the product gave.
 * @property {{ root: number, weight: Float32Array } | null} norm The root mean square of the product, and what it is then multiplied by.
 * @property {Float64Array} normed The product after its norm; itself where there is none.
 * @property {{ cos: Float32Array, sin: Float32Array } | null} turn By which pairs of it are turned, one for each.
 * @property {Float64Array} row What came out.
 * @property {number} within
 *
 * @typedef {{ at: number, entered: number, weight: number, product: number }} Term
 * @typedef {{ named: Term[], others: Term[], sum_of_others: number, bias: number | null, total: number }} Sum
 * @typedef {{ root: number, weight: number, after: number }} NormStep
 * @typedef {{ own: number, other: number, at: number, cos: number, sin: number, degrees: number, after: number }} TurnStep
 */

export const ROW_PARTS = /** @type {RowPart[]} */ (contract.row_parts);

/**
 * @param {Header} header @param {Map<string, PackedArray>} arrays Of a run.
 * @returns {HeadOrigin[]}
 * @throws {import("./packed_buffer.js").BufferError} If one is damaged, or of another run.
 */
export function readOrigins(header, arrays) {
  return ["head_origin", "cross_head_origin"].flatMap((name) => {
    const packed = arrays.get(name);
    return packed ? [readOrigin(header, packed)] : [];
  });
}

/** @param {Header} run @param {PackedArray} packed @returns {HeadOrigin} */
function readOrigin(run, packed) {
  const { header, arrays } = unpack(packed.data, "run", (found) => checked(found, run));
  const { cache, layer, head, cross, within, epsilon, added_is_normed, refused } = /** @type {any} */ (header);
  if (refused === "") {
    const { d_model, d_head } = run.model;
    const isTurned = arrays.has("cos") || arrays.has("sin");
    const wide = { hidden: run.n_rows, stream: run.n_rows, added: run.n_rows, ...(cross ? { encoder_hidden: run.encoder?.tokens.length ?? 0 } : {}) };
    const least = [
      ...Object.entries(wide).map(([name, n_rows]) => /** @type {const} */ ([name, n_rows, d_model])),
      ...(isTurned ? ["cos", "sin"] : []).map((name) => /** @type {const} */ ([name, run.n_rows, d_head / 2])),
    ];
    for (const [name, n_rows, width] of least) {
      requireArray(arrays, name, [null, width]);
      if (/** @type {PackedArray} */ (arrays.get(name)).shape[0] < n_rows) requireArray(arrays, name, [n_rows, width]);
    }
    for (const part of ROW_PARTS) {
      requireArray(arrays, `${part}_weight`, [d_model, d_head]);
      for (const name of [`${part}_bias`, `${part}_norm`]) if (arrays.has(name)) requireArray(arrays, name, [d_head]);
    }
  }
  return { cache, layer, head, cross, within, epsilon, added_is_normed, refused, arrays };
}

/** @param {any} found @param {Header} run */
function checked(found, run) {
  const wrong = gettext("What tells how rows came about does not belong to this run.");
  if (found.magic !== contract.origin_magic) fail(wrong, gettext("Its header belongs to something else."));
  requireFields(found, contract.origin, "origin");
  const { n_layers, n_heads } = run.model;
  const isThere = [[found.layer, n_layers], [found.head, n_heads]].every(([n, count]) => Number.isInteger(n) && n >= 0 && n < count);
  const fits = found.id === run.id && isThere && typeof found.cross === "boolean" && typeof found.refused === "string" && (!found.cross || run.encoder !== null);
  const told = found.refused !== "" || found.epsilon >= 0 && typeof found.added_is_normed === "boolean" && ROW_PARTS.every((part) => Number.isFinite(found.within?.[part]));
  if (!fits || !told) fail(wrong, gettext("It is of {id}, layer {layer}, head {head}.", { id: String(found.id), layer: String(found.layer), head: String(found.head) }));
  return found;
}

/** @param {Payload} payload @param {OriginPlace} place @returns {HeadOrigin | null} Null where it is not here. */
export function originAt({ origins }, { cache, layer, head, cross }) {
  return origins.find((one) => one.cache === cache && one.layer === layer && one.head === head && one.cross === cross) ?? null;
}

/**
 * What a host is to be asked for.
 * @param {Payload} payload @param {State} state @param {boolean} again Whether what was refused is asked for once more.
 * @returns {OriginPlace | null} Null where nothing is on show that needs it, or it is here.
 */
export function originWanted(payload, { cell, further, layer, head, cache }, again) {
  if (cell === null || further === null || payload.header.growing !== null) return null;
  const place = { cache: mainRun(cache), layer, head, cross: cell.cross };
  const found = originAt(payload, place);
  return found && !(again && found.refused) ? null : place;
}

/**
 * @param {HeadOrigin} origin One that is not refused. @param {RowPart} part @param {number} row
 * @returns {RowOrigin}
 */
export function rowOrigin({ arrays, within, cross, epsilon }, part, row) {
  const from = /** @type {PackedArray} */ (arrays.get(cross && part !== "query" ? "encoder_hidden" : "hidden"));
  const n_in = from.shape[1];
  const entered = /** @type {Float32Array} */ (from.data.subarray(row * n_in, (row + 1) * n_in));
  const weight = /** @type {Float32Array} */ (/** @type {PackedArray} */ (arrays.get(`${part}_weight`)).data);
  const bias = /** @type {Float32Array | null} */ (arrays.get(`${part}_bias`)?.data ?? null);
  const n_out = weight.length / n_in;
  const product = Float64Array.from({ length: n_out }, (_, i) => entered.reduce((sum, x, j) => sum + x * weight[j * n_out + i], bias?.[i] ?? 0));
  const scale = /** @type {Float32Array | undefined} */ (arrays.get(`${part}_norm`)?.data);
  const norm = scale ? { root: Math.sqrt(product.reduce((sum, x) => sum + x * x, 0) / n_out + epsilon), weight: scale } : null;
  const normed = norm ? product.map((x, i) => (x / norm.root) * norm.weight[i]) : product;
  const half = n_out / 2;
  const turnsOf = (/** @type {string} */ name) => /** @type {Float32Array | undefined} */ (arrays.get(name)?.data.subarray(row * half, (row + 1) * half));
  const [cos, sin] = [turnsOf("cos"), turnsOf("sin")];
  const turn = part !== "value" && cos && sin ? { cos, sin } : null;
  const origin = { entered, weight, bias, product, norm, normed, turn, row: normed, within: within[part] };
  return turn ? { ...origin, row: normed.map((_, i) => /** @type {TurnStep} */ (turnAt(origin, i)).after) } : origin;
}

/** @param {RowOrigin} origin @param {number} number Which number of the row. @returns {NormStep | null} Null where there is no norm. */
export function normAt({ norm, normed }, number) {
  return norm && { root: norm.root, weight: norm.weight[number], after: normed[number] };
}

/**
 * A number is turned with the one half a row further on, or half a row before.
 * Su et al. (2021), "RoFormer", section 3.4.2, equation 34, pairs as Llama has them.
 * @param {RowOrigin} origin @param {number} number Which number of the row.
 * @returns {TurnStep | null} Null where rows are not turned; `sin` with the sign that it has in the sum.
 */
export function turnAt({ normed, turn }, number) {
  if (!turn) return null;
  const half = normed.length / 2;
  const [pair, isFirst] = [number % half, number < half];
  const at = isFirst ? number + half : number - half;
  const [own, other, cos, sin] = [normed[number], normed[at], turn.cos[pair], isFirst ? -turn.sin[pair] : turn.sin[pair]];
  const angle = (Math.atan2(turn.sin[pair], turn.cos[pair]) * 180) / Math.PI;
  const degrees = angle < 0 ? angle + 360 : angle;
  return { own, other, at, cos, sin, degrees, after: own * cos + other * sin };
}

/**
 * The sum that a number of a product is: its largest products by name, the others together.
 * @param {RowOrigin} origin @param {number} number Which number of the row. @param {number} n_named
 * @returns {Sum}
 */
export function sumOf({ entered, weight, bias, product }, number, n_named) {
  const n_out = product.length;
  const terms = Array.from(entered, (x, at) => ({ at, entered: x, weight: weight[at * n_out + number], product: x * weight[at * n_out + number] }));
  terms.sort((a, b) => Math.abs(b.product) - Math.abs(a.product) || a.at - b.at);
  const others = terms.slice(n_named);
  return {
    named: terms.slice(0, n_named), others, sum_of_others: others.reduce((sum, { product }) => sum + product, 0),
    bias: bias ? bias[number] : null, total: product[number],
  };
}

/** @param {ArrayLike<number>} row @returns {number} Where its largest number stands. */
export function largestAt(row) {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (Math.abs(row[i]) > Math.abs(row[best])) best = i;
  return best;
}

/**
 * What attention adds to the stream at a row.
 * @param {HeadOrigin} origin One that is not refused. @param {number} row
 * @returns {{ added: Float32Array, before: Float32Array, after: Float64Array }}
 */
export function streamAt({ arrays }, row) {
  const rowOf = (/** @type {string} */ name) => {
    const { data, shape: [, n] } = /** @type {PackedArray} */ (arrays.get(name));
    return /** @type {Float32Array} */ (data.subarray(row * n, (row + 1) * n));
  };
  const [added, before] = [rowOf("added"), rowOf("stream")];
  return { added, before, after: Float64Array.from(before, (x, i) => x + added[i]) };
}
