// How large the names of rows and columns are drawn, and which of them, so that the letters of two never touch.

/** Least size of a letter of a name: below, fewer are drawn. */
const LEAST = 10;
const USUAL = 12.5;
const MOST = 16;
/** Of names that are fewer than what they name. */
const MOST_OF_FEWER = 12;
/** What a line of letters takes, in parts of their size: from the top of an f to the foot of a g, and air. */
const LINE = 1.14;
/** Least distance of slanted names, along the columns. */
const SLANTED = 12.5;
/** Slopes: steep where columns stand close. */
const [STEEP, GENTLE, CLOSE] = [1.25, 0.93, 17];

/**
 * @typedef {object} Names
 * @property {number} every Each so manieth has its name.
 * @property {number} size Of the letters, in pixels.
 */

/**
 * @param {number} pitch Height of a row. @returns {Names} Of rows; larger where all is larger.
 */
export function rowNames(pitch) {
  const every = pitch >= LEAST * LINE ? 1 : Math.ceil((USUAL * LINE) / pitch);
  const most = every > 1 ? MOST_OF_FEWER : Math.min(MOST, USUAL + Math.max(0, pitch - MOST) / 3);
  return { every, size: Math.min(most, (pitch * every) / LINE) };
}

/**
 * @param {number} pitch Width of a column. @returns {Names & { angle: number }} Of columns, and how steep they stand.
 */
export function columnNames(pitch) {
  const every = Math.ceil(SLANTED / pitch);
  const angle = pitch * every < CLOSE ? STEEP : GENTLE;
  return { every, angle, size: Math.min(12, (pitch * every * Math.sin(angle)) / LINE) };
}

/**
 * Whether a row has its name, where not all have: that of a row that matters is written, and hides its neighbours'.
 * @param {number} row @param {number} pitch @param {Names} names @param {number[]} matter Rows that have theirs.
 * @returns {boolean}
 */
export function isNamed(row, pitch, { every, size }, matter) {
  if (every === 1 || matter.includes(row)) return true;
  return row % every === 0 && matter.every((one) => Math.abs(one - row) * pitch >= size * LINE);
}
