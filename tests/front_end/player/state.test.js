import assert from "node:assert/strict";
import { test } from "node:test";
import { readBuffer } from "../../../kvviz/player/js/buffer.js";
import { actionOfKey, initialState, reduce, spotOnShow, stateAfterUpdate, viewOf } from "../../../kvviz/player/js/state.js";
import { WAYS } from "../../../kvviz/player/js/led_view.js";
import { makeBuffer } from "./fixture.js";

const payload = readBuffer(makeBuffer({ view: { step: 2, layer: 3, head: 5 } }));
const both = readBuffer(makeBuffer({ caches: ["on", "off"] }));
const one = (/** @type {number} */ layer) => readBuffer(makeBuffer({ layers: [layer] }));
const start = initialState(payload);
const FREE = { ctrlKey: false, metaKey: false, altKey: false, altGraph: false };
const press = (/** @type {string} */ key, state = start, inside = true, held = {}) => {
  const action = actionOfKey({ key, ...FREE, ...held }, state, inside, 16);
  return action ? reduce(state, action, payload, true) : null;
};

test("the view begins where the header says", () => {
  assert.deepEqual(viewOf(start), { step: 2, layer: 3, head: 5, cache: "on", cell: null });
});

test("arrows, Home and End step and stop at both ends", () => {
  assert.equal(press("ArrowRight").step, 3);
  assert.equal(press("ArrowLeft").step, 1);
  assert.equal(press("Home").step, 0);
  assert.equal(press("End").step, 15);
  assert.equal(press("ArrowRight", { ...start, step: 15 }).step, 15);
  assert.equal(press("ArrowLeft", { ...start, step: 0 }).step, 0);
});

test("brackets pick a head, up and down a layer, but only inside the player", () => {
  assert.equal(press("]").head, 6);
  assert.equal(press("[").head, 4);
  assert.equal(press("]", { ...start, head: 7 }).head, 7);
  assert.equal(press("ArrowDown").layer, 4);
  assert.equal(press("ArrowUp").layer, 2);
  assert.equal(press("ArrowDown", start, false), null, "outside, the page scrolls");
});

test("keys with Ctrl, Alt or Cmd belong to the browser; AltGr types a bracket", () => {
  assert.equal(press("ArrowLeft", start, true, { altKey: true }), null);
  assert.equal(press("[", start, true, { ctrlKey: true }), null);
  assert.equal(press("[", start, true, { ctrlKey: true, altKey: true, altGraph: true }).head, 4);
  assert.equal(press("r"), null);
});

test("space plays and pauses, play at the end begins anew, and stepping stops it", () => {
  const playing = press(" ");
  assert.equal(playing.playing, true);
  assert.equal(press(" ", playing).playing, false);
  const again = press(" ", { ...start, step: 15 });
  assert.deepEqual([again.step, again.playing], [0, true]);
  assert.equal(press("ArrowRight", playing).playing, false);
});

test("a tick moves one step and the last one stops the play", () => {
  let state = { ...start, step: 13, playing: true };
  state = reduce(state, { type: "tick" }, payload, true);
  assert.deepEqual([state.step, state.playing], [14, true]);
  state = reduce(state, { type: "tick" }, payload, true);
  assert.deepEqual([state.step, state.playing], [15, false]);
});

test("Escape closes first and lets go of the reading next", () => {
  const spot = /** @type {const} */ ({ part: "pattern", cache: "on", row: 3, column: 1 });
  let state = reduce(start, { type: "pin", spot }, payload, true);
  state = reduce(state, { type: "open", id: "keys" }, payload, true);
  state = press("Escape", state);
  assert.deepEqual([state.open, state.pin], [null, spot]);
  assert.equal(press("Escape", state).pin, null);
  const asking = { ...start, wanted: { layer: 4, cache: null } };
  assert.equal(press("Escape", asking).wanted.layer, null, "and stops waiting for what does not come");
  assert.equal(actionOfKey({ ...FREE, key: "Escape" }, start, true, 16), null, "and where nothing is open it is the page's");
});

test("pinning the same place twice lets it go, and hovering in place changes nothing", () => {
  const spot = /** @type {const} */ ({ part: "pattern", cache: "on", row: 3, column: 1 });
  const pinned = reduce(start, { type: "pin", spot }, payload, true);
  assert.equal(reduce(pinned, { type: "pin", spot: { ...spot } }, payload, true).pin, null);
  const hovering = reduce(start, { type: "hover", spot }, payload, true);
  assert.equal(reduce(hovering, { type: "hover", spot: { ...spot } }, payload, true), hovering);
});

test("the cell whose making is on show is lit until something else is pointed at, and goes by the arrows", () => {
  const cell = { cross: false, query: 6, key: 2 };
  const open = reduce(start, { type: "cell", cell }, payload, true);
  const lit = { part: "pattern", cache: "on", row: 6, column: 2 };
  assert.deepEqual(spotOnShow(open), lit);
  assert.equal(spotOnShow(open), spotOnShow({ ...open, step: 7 }), "the same spot, so that nothing is drawn anew for it");
  assert.deepEqual(spotOnShow({ ...open, cell: { ...cell, cross: true } }).part, "cross-pattern");
  const spot = /** @type {const} */ ({ part: "keys", cache: "on", row: 3, column: 1 });
  const pointing = reduce(open, { type: "hover", spot }, payload, true);
  assert.equal(spotOnShow(pointing), spot);
  // A pointer that rests where it was does not hold the light back.
  assert.deepEqual(spotOnShow(reduce(pointing, { type: "cell-by", query: 0, key: 1 }, payload, true)), { ...lit, column: 3 });
  assert.equal(spotOnShow(start), null);
});

test("a layer that is not here is asked for and drawn once it arrives", () => {
  const before = one(3);
  let state = reduce({ ...initialState(before), step: 9 }, { type: "pick", layer: 5, head: 2 }, before, true);
  assert.deepEqual([state.layer, state.wanted.layer], [3, 5]);
  const after = one(5);
  after.header.id = before.header.id;
  state = stateAfterUpdate(state, before, after);
  assert.deepEqual([state.layer, state.head, state.step, state.wanted.layer], [5, 2, 9, null]);
});

test("with nobody to ask, a layer or run that is not here changes nothing", () => {
  const before = one(3);
  const state = initialState(before);
  assert.equal(reduce(state, { type: "layer", to: 5 }, before, false), state);
  assert.equal(reduce(state, { type: "cache", to: "off" }, before, false), state);
});

test("a run that is not here is asked for, and its arrival keeps step, layer and head", () => {
  const asked = reduce({ ...start, step: 9 }, { type: "cache", to: "both" }, payload, true);
  assert.deepEqual([asked.cache, asked.wanted.cache], ["on", "both"]);
  const state = stateAfterUpdate(asked, payload, both);
  assert.deepEqual(viewOf(state), { step: 9, layer: 3, head: 5, cache: "both", cell: null });
  assert.equal(state.wanted.cache, null);
});

test("the same run again keeps its view and goes on playing; another run begins anew", () => {
  const state = { ...start, step: 9, playing: true };
  assert.deepEqual(viewOf(stateAfterUpdate(state, payload, payload)), viewOf(state));
  assert.equal(stateAfterUpdate(state, payload, payload).playing, true);
  const other = readBuffer(makeBuffer({ n_prompt: 5, view: { step: 1, layer: 0, head: 0 } }));
  assert.deepEqual(viewOf(stateAfterUpdate(state, payload, other)), { step: 1, layer: 0, head: 0, cache: "on", cell: null });
});

test("a view that the host has been asked for since is taken on, and the rest of the state kept", () => {
  const state = { ...start, step: 9, table: true, speed: 2 };
  const asked = readBuffer(makeBuffer({ view: { step: 2, layer: 1, head: 4 }, change: (h) => (h.view_number = 1) }));
  assert.equal(asked.header.id, payload.header.id);
  const after = stateAfterUpdate(state, payload, asked);
  assert.deepEqual(viewOf(after), { step: 2, layer: 1, head: 4, cache: "on", cell: null });
  assert.deepEqual([after.table, after.speed], [true, 2]);
  assert.deepEqual(viewOf(stateAfterUpdate({ ...after, step: 5 }, asked, asked)), { step: 5, layer: 1, head: 4, cache: "on", cell: null });
});

test("holding the timeline stops the play", () => {
  const state = reduce({ ...start, playing: true }, { type: "drag", on: true }, payload, true);
  assert.deepEqual([state.dragging, state.playing], [true, false]);
});

test("a cell is opened, closed by the same click, and let go by Escape before anything else", () => {
  const cell = { cross: false, query: 6, key: 2 };
  const open = reduce(start, { type: "cell", cell }, payload, true);
  assert.deepEqual(open.cell, cell);
  assert.deepEqual(viewOf(open).cell, cell);
  assert.equal(reduce(open, { type: "cell", cell: { ...cell } }, payload, true).cell, null);
  assert.deepEqual(reduce(open, { type: "cell", cell: { ...cell, key: 3 } }, payload, true).cell, { ...cell, key: 3 });
  assert.equal(press("Escape", open).cell, null);
  // A popover above it goes first.
  assert.deepEqual(press("Escape", { ...open, open: "keys" }).cell, cell);
});

test("what the mask or the step does not have is no cell", () => {
  const { n_prompt } = payload.header;
  for (const [query, key] of [[6, 7], [n_prompt + start.step, 0], [-1, 0], [3, -1]]) {
    assert.equal(reduce(start, { type: "cell", cell: { cross: false, query, key } }, payload, true).cell, null, `${query}.${key}`);
  }
  assert.equal(reduce(start, { type: "cell", cell: { cross: true, query: 0, key: 0 } }, payload, true).cell, null, "one cache only");
});

test("arrows move the cell within what is there", () => {
  const { n_prompt } = payload.header;
  const last = n_prompt + start.step - 1;
  const at = (/** @type {number} */ query, /** @type {number} */ key) => ({ ...start, cell: { cross: false, query, key } });
  const moved = (/** @type {import("../../../kvviz/player/js/state.js").State} */ state, query = 0, key = 0) => reduce(state, { type: "cell-by", query, key }, payload, true).cell;
  assert.deepEqual(moved(at(5, 2), 0, 1), { cross: false, query: 5, key: 3 });
  assert.deepEqual(moved(at(5, 5), 0, 1), { cross: false, query: 5, key: 5 });
  assert.deepEqual(moved(at(5, 0), 0, -1), { cross: false, query: 5, key: 0 });
  assert.deepEqual(moved(at(5, 5), -1), { cross: false, query: 4, key: 4 });
  assert.deepEqual(moved(at(last, 1), 1), { cross: false, query: last, key: 1 });
  assert.equal(moved(start, 1), null);
});

test("the newest row's cell goes with the step, and another stays as long as it is there", () => {
  const { n_prompt } = payload.header;
  const newest = n_prompt + start.step - 1;
  const cellAt = (/** @type {any} */ cell, /** @type {number} */ to) => reduce({ ...start, cell }, { type: "step", to }, payload, true).cell;
  assert.deepEqual(cellAt({ cross: false, query: newest, key: 1 }, start.step + 3), { cross: false, query: newest + 3, key: 1 });
  assert.deepEqual(cellAt({ cross: false, query: newest, key: newest }, 0), { cross: false, query: n_prompt - 1, key: n_prompt - 1 });
  assert.deepEqual(cellAt({ cross: false, query: 3, key: 1 }, start.step + 3), { cross: false, query: 3, key: 1 });
});

test("a link's cell is on show from the start, unless the run does not have it", () => {
  const view = (/** @type {any} */ cell) => initialState(readBuffer(makeBuffer({ view: { step: 2, layer: 3, head: 5, cell } })));
  assert.deepEqual(view({ cross: false, query: 4, key: 4 }).cell, { cross: false, query: 4, key: 4 });
  assert.equal(view({ cross: false, query: 4, key: 5 }).cell, null);
  assert.equal(view({ cross: false, query: 1.5, key: 0 }).cell, null);
  assert.equal(view({ cross: false, query: 999, key: 0 }).cell, null);
});

test("from any view the ways of one who leads come to theirs, and stay there when it is told again", () => {
  const views = [
    { step: 9, layer: 1, head: 2, cache: "off", cell: { cross: false, query: 4, key: 2 } },
    { step: 9, layer: 1, head: 2, cache: "off", cell: { query: 4, key: 2, cross: false } },
    { step: 3, layer: 1, head: 2, cache: "both", cell: { query: 3, key: 0, cross: false } },
    { step: 0, layer: 0, head: 0, cache: "on", cell: null },
  ];
  let state = { ...initialState(both), playing: true };
  for (const view of [...views, ...views.toReversed(), ...views]) {
    for (const way of WAYS) {
      const action = way(state, view);
      if (action) state = reduce(state, action, both, true);
    }
    assert.deepEqual(viewOf(state), view);
    assert.equal(state.playing, false);
    assert.ok(WAYS.every((way) => way(state, view) === null));
  }
});
