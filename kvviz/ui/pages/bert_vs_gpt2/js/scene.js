// What the cards draw from: the pair, where its tokens stand, and what is looked at and pointed at.
import { membersOf, positionsOf } from "./geometry.js";

/**
 * @import { Header, Look, Payload } from "./buffer.js"
 * @import { Geometry } from "./geometry.js"
 * @import { Ink } from "./paint.js"
 * @import { Which } from "./words.js"
 * @typedef {{ layer: number, head: number, look: Look }} View
 * @typedef {{ query: number | null, key: number | null }} Cell Units that are pointed at.
 *
 * @typedef {object} Tokens Where the tokens of both models stand.
 * @property {Record<Which, Int32Array>} positions Position of the token in each slot, -1 for none.
 * @property {Record<Which, number[][]>} members Positions of the tokens of each unit.
 *
 * @typedef {object} Scene
 * @property {Payload} payload
 * @property {Tokens} tokens
 * @property {View} view
 * @property {Geometry} place
 * @property {Ink} ink
 */

/** @type {Which[]} */
export const SIDES = ["left", "right"];
/** How a hook on an element names a side. @type {Record<Which, string>} */
export const HOOK = { left: "Left", right: "Right" }; // not for people: parts of the names of hooks
/** @type {Cell} */
export const NOWHERE = { query: null, key: null };

/** @param {Cell} cell @returns {number[]} The units that are lit, wherever they stand: a token alone, or who looks and at whom. */
export function litUnits({ query, key }) {
  return [...new Set([query, key])].filter((unit) => unit !== null);
}

/** @param {Tokens} tokens @param {Which} which @param {Cell} cell @returns {number[]} Positions of a side that are lit. */
export function litPositions({ members }, which, cell) {
  return litUnits(cell).flatMap((unit) => members[which][unit]);
}

/** @param {Header} header @returns {Tokens} */
export function tokensOf({ left, right, n_slots, n_units }) {
  return {
    positions: { left: positionsOf(left.slots, n_slots), right: positionsOf(right.slots, n_slots) },
    members: { left: membersOf(left.units, n_units), right: membersOf(right.units, n_units) },
  };
}
