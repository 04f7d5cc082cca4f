// What the player says of the life of a row, in words with its numbers. Pure.
import { glyphs, whole } from "./format.js";
import { gettext, ngettext } from "./translation.js";
import { lifeTitle } from "./named_cache_words.js";
import { evictedRows } from "./words.js";

/**
 * @import { NamedCache, RunCache } from "./buffer.js"
 * @import { Life, LifeState } from "./lives.js"
 * @import { LifeView } from "./paint_history.js"
 */

/** @param {number} n @returns {string} What stands behind a number of rows computed up to a step. */
export function rowsSoFar(n) {
  return ngettext("row so far", "rows so far", n, {});
}

/**
 * What happened to a row at a step, and until then.
 * @param {number} row @param {string} text @param {number} step @param {LifeState} state @param {Life} life
 */
export function lifeReading(row, text, step, state, life) {
  if (state === "absent") return gettext("Step {step}: position {row} is not there yet", { step, row });
  const values = { step, row, token: glyphs(text) };
  if (state === "evicted") return gettext("Row {row}, {token}: {life}", { ...values, life: lifeSoFar(life).join(", ") });
  const now = {
    computed: () => gettext("Step {step} computed row {row}, {token}", values),
    read: () => gettext("Step {step} read row {row}, {token}, from the cache", values),
    shared: () => gettext("Step {step} read row {row}, {token}, which another run has computed", values),
    packed: () => gettext("Step {step} read row {row}, {token}, from what is kept of it in fewer bits or numbers", values),
    taken: () => gettext("Step {step} computed row {row}, {token}, and took it back", values),
  }[state]();
  return [now, ...lifeSoFar(life)].join(" · ");
}

/** @param {Life} life @returns {string[]} What happened to a row up to a step: how it came about, how often it was read, and since when it is gone. */
export function lifeSoFar({ computed, n_taken = 0, isShared, n_read, gone, droppedBy }) {
  const made = isShared
    ? gettext("computed by another run")
    : computed.length === 1
    ? gettext("computed at step {first}", { first: computed[0] })
    : ngettext("computed {n} time up to here", "computed {n} times up to here", computed.length, { n: whole(computed.length) });
  const read = n_read ? [ngettext("read {n} time", "read {n} times", n_read, { n: whole(n_read) })] : [];
  const taken = n_taken ? [ngettext("taken back {n} time", "taken back {n} times", n_taken, { n: whole(n_taken) })] : [];
  return [made, ...taken, ...read, ...(gone === null ? [] : [goneSince(gone, droppedBy)])];
}

/** @param {number} step @param {string | undefined} cache @returns {string} */
function goneSince(step, cache) {
  return cache
    ? gettext("dropped by {cache}, gone from step {step} on", { cache, step })
    : gettext("out of the window from step {step} on", { step });
}

/** @param {NamedCache | null} named @param {RunCache[]} caches @param {number} step @param {Record<RunCache, LifeView | null>} lives */
export function historyDescription(named, caches, step, lives) {
  const each = caches.map((cache) => {
    const n = lives[cache]?.own.computed[step] ?? 0;
    const gone = lives[cache]?.own.n_evicted[step] ?? 0;
    const rows = [ngettext("{n} row computed", "{n} rows computed", n, { n: whole(n) }), ...(gone ? [evictedRows(gone)] : [])].join(", ");
    return gettext("{run}: {rows}", { run: lifeTitle(named, cache), rows });
  });
  return gettext("The life of each row, one column a step. Up to step {step}: {counts}.", { step, counts: each.join("; ") });
}
