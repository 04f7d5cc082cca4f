// Which query heads share a key and value head. Pure.

/** @import { Payload } from "./buffer.js" */

/**
 * Query heads that read the same KV head: they stand together.
 * @typedef {{ kv: number, first: number, last: number }} HeadGroup
 */

/**
 * The K/V head that a query head reads: several query heads may share one.
 * @param {Payload} payload @param {number} head @returns {number}
 */
export function kvHead({ header: { model } }, head) {
  return Math.floor((head * model.n_kv_heads) / model.n_heads);
}

/**
 * The K/V head that a query head reads, where several share one; else null.
 * @param {Payload} payload @param {number} head @returns {number | null}
 */
export function sharedKvHead(payload, head) {
  return groupOf(payload, head)?.kv ?? null;
}

/**
 * The query heads that read the same KV head as one, where several share one; else null.
 * @param {Payload} payload @param {number} head @returns {HeadGroup | null}
 */
export function groupOf(payload, head) {
  const { n_heads, n_kv_heads } = payload.header.model;
  if (n_kv_heads >= n_heads) return null;
  const kv = kvHead(payload, head);
  const size = n_heads / n_kv_heads;
  return { kv, first: kv * size, last: (kv + 1) * size - 1 };
}

/** @param {Payload} payload @returns {HeadGroup[]} All groups of a layer's heads; none where no head is shared. */
export function groupsOf(payload) {
  const { n_kv_heads } = payload.header.model;
  const heads = Array.from({ length: n_kv_heads }, (_, kv) => (kv * payload.header.model.n_heads) / n_kv_heads);
  return heads.flatMap((head) => groupOf(payload, head) ?? []);
}
