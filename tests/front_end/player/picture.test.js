import assert from "node:assert/strict";
import { test } from "node:test";
import { readBuffer } from "../../../kvviz/player/js/buffer.js";
import { REST, momentOfStep } from "../../../kvviz/player/js/motion.js";
import { fileName, figuresOf, sceneAt } from "../../../kvviz/player/js/picture.js";
import { stepFacts } from "../../../kvviz/player/js/run.js";
import { initialState, reduce } from "../../../kvviz/player/js/state.js";
import { makeBuffer } from "./fixture.js";

const payload = readBuffer(makeBuffer({ caches: ["on", "off"], view: { step: 9, layer: 1, head: 2 } }));
const pin = { part: "row", cache: "on", row: 3, column: null };
const hover = { part: "row", cache: "on", row: 5, column: null };

/** A scene as the page has it, without what only painters need. */
function sceneOf(state) {
  return Object.freeze({ payload, state: Object.freeze(state), facts: stepFacts(payload, "on", state), spot: hover, moment: REST, layout: { cross: null } });
}

test("a scene at another step is that step's, and the one on the page stays as it is", () => {
  const state = { ...initialState(payload), cache: "both", step: 9, windowRow: 4, pin, hover };
  const scene = sceneOf(state);
  const moment = momentOfStep(0.4);
  const other = sceneAt(scene, 3, moment);
  assert.deepEqual(other.facts, stepFacts(payload, "on", { ...state, step: 3 }));
  // Stepped to on the page it would be the same, but for what happened to be pointed at.
  const stepped = reduce(state, { type: "step", to: 3 }, payload, false);
  assert.deepEqual(other.state, { ...stepped, hover: null });
  assert.equal(other.moment, moment);
  assert.equal(other.spot, pin);
  assert.equal(scene.state.step, 9);
  assert.equal(sceneAt(sceneOf({ ...state, cache: "off" }), 3, REST).facts.cache, "off");
});

test("a file is named by what is in it", () => {
  const scene = sceneOf({ ...initialState(payload), step: 9 });
  const name = payload.header.model.name.split("/").pop();
  assert.equal(fileName(scene, "view", "steps0-9", "gif"), `kvviz-${name}-steps0-9-layer1-head2.gif`);
  assert.equal(fileName(scene, "history", "step9", "svg"), `kvviz-${name}-step9-layer1-head2-history.svg`);
  assert.ok(figuresOf(scene).has("history") && !figuresOf(scene).has("crossKv"));
});
