// Where everything stands. Pure: sizes in, boxes out. Both models share one grid of slots.

/**
 * @typedef {object} Geometry
 * @property {boolean} stacked Whether the models stand one below the other.
 * @property {number} column Width of one model's half.
 * @property {number} labels Width left of a picture. A token has the same column in patterns and maps of rows.
 * @property {number} pitch Side of a cell of a pattern.
 * @property {boolean} named Whether there is room for the tokens' names at the edges.
 * @property {number} font Size of the names, in pixels.
 * @property {number} head Height above a pattern.
 * @property {number} grid Side of a whole pattern.
 * @property {number} cellHeight Of a cell of the rows' map, which is as wide as one of a pattern.
 */

const STACKED_BELOW = 760;
/** Between the two models; patterns.css has the same. */
export const HALVES_GAP = 32;
const LARGEST_PITCH = 32;
/**
 * How names are written: as large as there is room for. From a cell of which size on, how wide and high
 * the edge that holds them, and how far the last name leans out of the grid at the right.
 */
const NAMES = [
  { from: 16, font: 12, width: 78, height: 68, lean: 34 },
  { from: 12, font: 10.5, width: 78, height: 68, lean: 34 },
  { from: 9.5, font: 9, width: 64, height: 58, lean: 16 },
];
const LARGEST_THUMB = 58;
export const LAYER_LABEL = 52;
/** Its edge still holds the names of the layers, left of the rows' map. */
const NAMELESS = { from: 0, font: 0, width: LAYER_LABEL, height: 8, lean: 0 };
/** How far an arrow key moves, down and to the right. @type {Record<string, [number, number]>} */
export const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** @param {number} width Of the component's inside. @param {number} n_slots @returns {Geometry} */
export function geometry(width, n_slots) {
  const stacked = width < STACKED_BELOW;
  const column = stacked ? width : (width - HALVES_GAP) / 2;
  const cellWith = (/** @type {typeof NAMELESS} */ edge) => (column - edge.width - edge.lean) / n_slots;
  const names = NAMES.find((edge) => cellWith(edge) >= edge.from);
  const edge = names ?? NAMELESS;
  const whole = edge.font > 10 ? Math.floor(cellWith(edge)) : cellWith(edge);
  const pitch = Math.min(LARGEST_PITCH, whole);
  return {
    stacked,
    column,
    labels: edge.width,
    pitch,
    named: names !== undefined,
    font: edge.font,
    head: edge.height,
    grid: pitch * n_slots,
    cellHeight: Math.max(13, Math.min(20, pitch)),
  };
}

/**
 * The side of a thumbnail, so that a row of heads fits into half of the component.
 * @param {number} column @param {number} n_heads @returns {number}
 */
export function thumbSide(column, n_heads) {
  return Math.max(12, Math.min(LARGEST_THUMB, Math.floor((column - LAYER_LABEL) / n_heads) - 4));
}

/**
 * The slot under a point, or null outside the grid.
 * @param {number} at Along one axis, from the first slot. @param {number} size Of a slot. @param {number} n
 * @returns {number | null}
 */
export function slotAt(at, size, n) {
  const slot = Math.floor(at / size);
  return at >= 0 && slot < n ? slot : null;
}

/**
 * For each slot the position of the token in it, -1 where this side has none.
 * @param {number[]} slots @param {number} n_slots @returns {Int32Array}
 */
export function positionsOf(slots, n_slots) {
  const positions = new Int32Array(n_slots).fill(-1);
  slots.forEach((slot, position) => (positions[slot] = position));
  return positions;
}

/**
 * The unit to go to from another one, by key: the nearest on that side of which the model has a token.
 * @param {number[][]} members Positions of the tokens of each unit. @param {number | null} unit
 * @param {number} by -1, 0 or 1. @returns {number | null} The first unit from nowhere; the same at the edge;
 *   the nearest from one of which the model has no token, as the other's may be lit.
 */
export function nextUnit(members, unit, by) {
  if (unit === null) {
    const first = members.findIndex((positions) => positions.length > 0);
    return first < 0 ? null : first;
  }
  if (!members[unit].length) {
    const at = members.flatMap((positions, other) => (positions.length ? [other] : []));
    return at.reduce((best, other) => (best === null || Math.abs(other - unit) < Math.abs(best - unit) ? other : best), /** @type {number | null} */ (null));
  }
  let next = unit + by;
  while (by && next >= 0 && next < members.length && !members[next].length) next += by;
  return next < 0 || next >= members.length ? unit : next;
}

/**
 * The positions of a unit, by unit.
 * @param {number[]} units @param {number} n_units @returns {number[][]}
 */
export function membersOf(units, n_units) {
  const members = Array.from({ length: n_units }, () => /** @type {number[]} */ ([]));
  units.forEach((unit, position) => members[unit].push(position));
  return members;
}
