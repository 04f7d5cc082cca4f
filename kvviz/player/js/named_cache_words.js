// What the player says of a run whose rows were kept in a way of its own, by its name. Pure.
import { inUnit, timesAsMuch, unitFor, whole } from "./format.js";
import { gettext, ngettext } from "./translation.js";
import { LABELS, runName } from "./words.js";

/**
 * @import { NamedCache, Payload, RunCache } from "./buffer.js"
 * @import { Explanation } from "./bill_words.js"
 *
 * @typedef {object} Held What such a cache held after a step, and what the full one would.
 * @property {string} told Its name and its settings.
 * @property {number} n_live Rows that the head on show read at the step.
 * @property {number} full Bytes of the full cache, by formula.
 */

/** What a person calls each way; one that is not among them is called by its name and settings. */
const CALLED = {
  window: () => gettext("window", {}),
  "heavy-hitters": () => gettext("heavy hitters", {}),
  "least-attended": () => gettext("least attended", {}),
  observed: () => gettext("last queries' choice", {}),
  random: () => gettext("by lot", {}),
  quantised: () => gettext("packed", {}),
};

/** @param {NamedCache | null} named @param {RunCache} cache @returns {string} What stands above a run's lives. */
export function lifeTitle(named, cache) {
  return named && cache === "on" ? calledBriefly(named) : runName(cache);
}

/** @param {NamedCache} named @returns {string} Its way and how much it keeps, as "window, 16 rows, 4 sinks". */
function calledBriefly({ name, told, rows, shares, sinks, bits }) {
  const called = Object.hasOwn(CALLED, name) ? CALLED[/** @type {keyof typeof CALLED} */ (name)]() : null;
  const kept = [];
  if (rows) kept.push(ngettext("{rows} row", "{rows} rows", rows[1], { rows: range(rows) }));
  if (shares) kept.push(gettext("{share} % of the rows", { share: range(shares.map((share) => 100 * share)) }));
  if (sinks) kept.push(ngettext("{n} sink", "{n} sinks", sinks, { n: whole(sinks) }));
  if (bits) kept.push(ngettext("{bits} bit", "{bits} bits", bits[1], { bits: bits[0] === bits[1] ? whole(bits[0]) : `${whole(bits[0])}/${whole(bits[1])}` }));
  return called && kept.length ? [called, ...kept].join(", ") : told;
}

/** @param {number[]} ends @returns {string} */
function range([least, most]) {
  const [from, to] = [whole(least), whole(most)];
  return from === to ? to : `${from}–${to}`;
}

/** @param {NamedCache | null} named @returns {string} What the sign of a row that is gone means. */
export function evictedLegend(named) {
  return named ? gettext("evicted by {cache}: not there any more", { cache: named.told }) : LABELS.legendEvicted;
}

/**
 * @param {Payload} payload @param {number} step @param {number} n_live @returns {Held | null} Null where on and off
 *   tell how rows were kept.
 */
export function heldAt({ header: { named_cache, counted } }, step, n_live) {
  return named_cache && { told: named_cache.told, n_live, full: counted.on.cache_bytes[step] };
}

/** @param {Held} held @param {number} bytes @returns {string} Beside what the full cache would take. */
export function fullLine({ full }, bytes) {
  const unit = unitFor("bytes", full);
  const values = { bytes: `${inUnit(full, unit)} ${unit.name}`, times: timesAsMuch(bytes, full) };
  return gettext("With every row kept as it is: {bytes} ƒ, {times}× as much", values);
}

/** @param {Held} held @param {number} bytes @returns {Explanation} */
export function fullExplanation({ told, full }, bytes) {
  const values = { cache: told, held: whole(bytes), bytes: whole(full), times: timesAsMuch(bytes, full) };
  return {
    title: gettext("What {cache} saves", values),
    lines: [
      gettext("After this step it holds {held} B, measured on its tensors.", values),
      gettext("With every row kept as it is: {bytes} B, {times}× as much.", values),
    ],
    note: gettext("The second by formula: 2 × layers × KV heads × numbers × bytes for each row."),
  };
}

/**
 * The arithmetic of the bytes that such a cache holds: of what it keeps nothing but the measure is known here.
 * @param {Held} held @param {number} n_rows @param {number} per Bytes of a row in all layers. @param {string} total @returns {string[]}
 */
export function heldLines({ told, full }, n_rows, per, total) {
  const values = { bytes: whole(per), n: whole(n_rows), full: whole(full), cache: told, total };
  return [
    ngettext("With every row kept: {bytes} B × {n} row = {full} B", "With every row kept: {bytes} B × {n} rows = {full} B", n_rows, values),
    gettext("What {cache} holds after this step: {total} B", values),
  ];
}

/** @param {string} told @returns {string} */
export function keysRead(told) {
  return gettext("n is how many rows attention read in the head on show: those that {cache} had dropped are not among them.", { cache: told });
}
