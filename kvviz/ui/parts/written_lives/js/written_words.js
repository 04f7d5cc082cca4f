// What the lives of two models that write say in words. Numbers come in, sentences go out. Pure.
import { glyphs, whole } from "../../../../player/js/format.js";
import { LIFE_STATES, lifeUpTo, stateAt } from "../../../../player/js/lives.js";
import { gettext, ngettext } from "../../../../player/js/translation.js";
import { lifeReading, lifeSoFar } from "../../../../player/js/life_words.js";

/**
 * @import { Lives } from "../../../../player/js/lives.js"
 * @import { Writer } from "./written_buffer.js"
 *
 * @typedef {object} LifeFacts What became of all rows of a run.
 * @property {number} computed Rows computed, over all steps.
 * @property {number} read Rows read, over all steps.
 * @property {number} taken Rows computed and taken back, over all steps.
 * @property {number} most How often the row was computed that was computed most often.
 * @property {number} n_rows Positions that came to have a row.
 * @property {[number, number]} there Rows that there were at the first step and at the last.
 */

/** @param {Pick<Writer, "lives" | "n_steps">} writer @returns {LifeFacts} */
export function factsOf({ lives, n_steps }) {
  const { n_rows } = lives;
  let [computed, read, most, seen, taken] = [0, 0, 0, 0, 0];
  for (let row = 0; row < n_rows; row++) {
    const life = lifeUpTo(lives, row, n_steps - 1);
    computed += life.computed.length;
    read += life.n_read;
    taken += life.n_taken ?? 0;
    most = Math.max(most, life.computed.length);
    if (life.computed.length + life.n_read > 0) seen++;
  }
  return { computed, read, taken, most, n_rows: seen, there: [thereAt(lives, 0), thereAt(lives, n_steps - 1)] };
}

/** @param {Lives} lives @param {number} step @returns {number} Rows that there are at a step. */
function thereAt(lives, step) {
  return lives.states.subarray(step * lives.n_rows, (step + 1) * lives.n_rows).filter(Boolean).length;
}

/** @param {Lives} lives @param {number} step @returns {{ computed: number, read: number, taken: number }} Rows of each kind; those taken back were computed too. */
export function countsAt(lives, step) {
  const computed = lives.computed[step] - (lives.computed[step - 1] ?? 0);
  const taken = takenUpTo(lives, step) - takenUpTo(lives, step - 1);
  return { computed, read: thereAt(lives, step) - computed, taken };
}

/** @param {Lives} lives @param {number} step @returns {number} Rows computed and taken back up to a step. */
export function takenUpTo(lives, step) {
  const until = lives.states.subarray(0, (step + 1) * lives.n_rows);
  return until.filter((state) => LIFE_STATES[state] === "taken").length;
}

/** @param {number} n @param {boolean} isAll Whether the step on show is the last one. @returns {string} What stands behind the number. */
export function unit(n, isAll) {
  return isAll ? ngettext("row computed", "rows computed", n, {}) : ngettext("row computed so far", "rows computed so far", n, {});
}

/** @param {Pick<Writer, "lives" | "n_steps">} writer @returns {string} What the whole picture shows, in one sentence. */
export function wholeSentence(writer) {
  const { computed, read, taken, most, n_rows, there: [least, last] } = factsOf(writer);
  if (taken) {
    return ngettext(
      "{n} row was computed, and {taken} of them taken back; kept rows were read {read} times.",
      "{n} rows were computed, and {taken} of them taken back; kept rows were read {read} times.",
      computed, { n: whole(computed), taken: whole(taken), read: whole(read) },
    );
  }
  if (most === 1 && read === 0) return ngettext("Its {n} row was computed once.", "Each of its {n} rows was computed once.", n_rows, { n: whole(n_rows) });
  if (most === 1) {
    return ngettext(
      "Each of its rows was computed once and kept: kept rows were read {n} time.",
      "Each of its rows was computed once and kept: kept rows were read {n} times.",
      read, { n: whole(read) },
    );
  }
  const numbers = { least: whole(least), last: whole(last), most: whole(most), n: whole(computed), read: whole(read) };
  if (read === 0) {
    return gettext(
      "Every pass computed all of its rows again, {least} at first and {last} in the end: each looks at all the others, and some of those are new.",
      numbers,
    );
  }
  return gettext("{n} times a row was computed and {read} times one was read; some row was computed {most} times.", numbers);
}

/** @param {Writer[]} writers @param {number} step @returns {string} What happens at a step, in one sentence. */
export function stepSentence(writers, step) {
  const each = writers.map(({ name, lives, n_steps }) => {
    if (step >= n_steps) return ended(name);
    const { computed, read, taken } = countsAt(lives, step);
    const made = ngettext("{model} computes {n} row", "{model} computes {n} rows", computed, { model: name, n: whole(computed) });
    const all = read ? gettext("{made} and reads {n}", { made, n: whole(read) }) : made;
    return taken ? gettext("{made}, then takes {n} back", { made: all, n: whole(taken) }) : all;
  });
  return gettext("Step {step} of {last}: {what}.", { step, last: writers[0].lives.n_steps - 1, what: each.join("; ") });
}

/** @param {string} name @returns {string} */
function ended(name) {
  return gettext("{model} has come to the end of its text", { model: name });
}

/**
 * What happened to a row at a step, and why again.
 * @param {Writer} writer @param {number} row @param {number} step @returns {string}
 */
export function cellSentence({ name, cache, n_steps, lives, shared, tokenAt }, row, step) {
  if (step >= n_steps) return ended(name);
  const state = stateAt(lives, row, step);
  if (shared && state === "shared") {
    const read = gettext("Step {step}, row {row}, {token}: {shared}", { step, row, token: glyphs(tokenAt(step, row) ?? ""), shared });
    return `${name}: ${[read, ...lifeSoFar(lifeUpTo(lives, row, step))].join(" · ")}`;
  }
  const said = `${name}: ${lifeReading(row, tokenAt(step, row) ?? "", step, state, lifeUpTo(lives, row, step))}`;
  if (cache === "on" || state !== "computed" || step === 0 || stateAt(lives, row, step - 1) === "absent") return said;
  const why = tokenAt(step, row) === tokenAt(step - 1, row)
    ? gettext("again, because it looks at every other row, and some of those are new")
    : gettext("again, because another token stands here now");
  return `${said} · ${why}`;
}

/** @param {Writer} writer @param {number} step @returns {string} The picture in words, for whoever hears it. */
export function description({ name, lives }, step) {
  const n = lives.computed[step];
  const rows = ngettext("{n} row computed", "{n} rows computed", n, { n: whole(n) });
  return gettext("{model}: the life of each row, one column a step. Up to step {step}: {rows}.", { model: name, step, rows });
}

/**
 * The row of the same token in another picture that has the text in the same lines.
 * @param {Writer} one @param {Writer} other @param {number} row Of the one. @param {number} step
 * @returns {number | null} Null where the two have come to write something else, or it has no such row.
 */
export function rowBeside(one, other, row, step) {
  const line = row + one.first - other.first;
  if (line < 0 || line >= other.lives.n_rows) return null;
  const text = one.tokenAt(step, row);
  return text !== null && text === other.tokenAt(step, line) ? line : null;
}
