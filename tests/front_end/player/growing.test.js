import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { readBuffer } from "../../../kvviz/player/js/buffer.js";
import { fetched } from "../../../kvviz/player/js/fetched.js";
import { grown } from "../../../kvviz/player/js/growing.js";
import { unpack } from "../../../kvviz/player/js/packed_buffer.js";
import { initialState, reduce, stateAfterUpdate, viewOf } from "../../../kvviz/player/js/state.js";
import { stepFacts } from "../../../kvviz/player/js/run.js";
import { stepSentence } from "../../../kvviz/player/js/words.js";
import { pack } from "../pack.js";
import { makeBuffer } from "./fixture.js";

const read = (/** @type {Uint8Array} */ buffer) => unpack(buffer, "run", (header) => header);
const growing = { n_steps: 16, n_held: 0, layer_is_held: true, step: null, cache: "on" };
const asIs = (/** @type {any} */ more = {}) => (/** @type {any} */ header) => Object.assign(header, { growing: { ...growing, ...more } });
const at = (/** @type {number} */ n_steps, more = {}, options = {}) => readBuffer(makeBuffer({ n_steps, view: { layer: 3, head: 5 }, change: asIs(more), ...options }));
const over = (options = {}) => readBuffer(makeBuffer({ n_steps: 16, ...options }));

/** A run of one layer with so many rows, of which the first were held. @param {number} n @param {number} held @param {boolean} [newScale] */
function part(n, held, newScale = false) {
  const cells = (/** @type {number} */ rows) => (rows * (rows + 1)) / 2;
  const numbers = (/** @type {number} */ heads, /** @type {number} */ from, /** @type {number} */ to) => Int8Array.from({ length: heads * (to - from) }, (_, i) => Math.floor(i / (to - from)) * 50 + from + (i % (to - from)));
  const [first, size] = [newScale ? 0 : held, newScale ? n : n - held];
  return pack({ n_rows: n, layers: [3], growing: { ...growing, n_held: held } }, [
    { name: "on.top_ids", dtype: "i32", shape: [n, 1], data: Int32Array.from({ length: n }, (_, i) => i) },
    { name: "on.pattern.3", dtype: "u8", shape: [2, cells(n) - cells(held)], data: Uint8Array.from(numbers(2, cells(held), cells(n))) },
    { name: "on.keys.3", dtype: "i8", shape: [2, size, 1], data: numbers(2, first, n) },
    { name: "on.key_scale.3", dtype: "f32", shape: [2], data: Float32Array.of(n, n) },
    { name: "on.fingerprints.3", dtype: "i32", shape: [2, 1, n - held, 2], data: Int32Array.from(numbers(2, 2 * held, 2 * n)) },
  ]);
}

test("what came since is put behind what was here, and what came whole takes its place", () => {
  for (const newScale of [false, true]) {
    const [found, wanted] = [read(grown(part(3, 0), part(5, 3, newScale))), read(part(5, 0))];
    assert.deepEqual(found.arrays, wanted.arrays);
    assert.deepEqual(found.header.n_rows, 5);
  }
  const first = part(3, 0);
  assert.equal(grown(null, first), first);
});

test("who looks at the newest step goes with the run, to its end", () => {
  let [before, state] = [at(4), initialState(at(4))];
  const name = (/** @type {any} */ payload) => stepSentence(stepFacts(payload, "on", state))[0].text;
  // Which step is the last is not known yet.
  assert.deepEqual([name(before), name(over())], ["Decode step 3", "Decode step 3 of 15"]);
  assert.deepEqual(viewOf(state), { step: 3, layer: 3, head: 5, cache: "on", cell: null });
  for (const after of [at(5), at(9), over({ view: { step: 0, layer: 3, head: 5 } })]) {
    state = stateAfterUpdate(state, before, after);
    before = after;
  }
  assert.deepEqual(viewOf(state), { step: 15, layer: 3, head: 5, cache: "on", cell: null });
});

test("who has gone elsewhere stays there, with layer, head and what is open, and comes back to the newest by going there", () => {
  const before = at(6);
  let state = reduce(initialState(before), { type: "step", to: 2 }, before, true);
  state = reduce(state, { type: "pick", layer: 1, head: 7 }, before, true);
  state = reduce(state, { type: "open", id: "keys" }, before, true);
  state = stateAfterUpdate(state, before, at(8));
  assert.deepEqual([state.step, state.layer, state.head, state.open], [2, 1, 7, "keys"]);
  assert.equal(stateAfterUpdate(state, at(8), over()).step, 2);
  state = reduce(state, { type: "step-by", by: Infinity }, at(8), true);
  assert.equal(stateAfterUpdate(state, at(8), at(11)).step, 10);
});

test("a link's step is gone to and stayed at", () => {
  const goal = { step: 6 };
  let state = initialState(at(4, goal));
  assert.equal(state.step, 3);
  state = stateAfterUpdate(state, at(4, goal), at(9, goal));
  assert.equal(state.step, 6);
  state = stateAfterUpdate(state, at(9, goal), at(12, goal));
  assert.equal(state.step, 6);
  assert.equal(stateAfterUpdate(state, at(12, goal), over()).step, 6);
  const prefill = { step: 0 };
  assert.equal(stateAfterUpdate(initialState(at(1, prefill)), at(1, prefill), at(3, prefill)).step, 0);
  const further = reduce(state, { type: "step-by", by: Infinity }, at(12, goal), true);
  assert.equal(stateAfterUpdate(further, at(12, goal), at(14, goal)).step, 13);
});

test("the way of looking and the layer that are not here yet are taken on when they come", () => {
  const both = { cache: "both" };
  const before = at(4, both, { layers: [3] });
  let state = initialState(before);
  assert.deepEqual([state.cache, state.wanted.cache], ["on", "both"]);
  state = reduce(state, { type: "layer", to: 1 }, before, true);
  assert.deepEqual([state.layer, state.wanted.layer], [3, 1]);
  assert.equal(stateAfterUpdate(state, before, at(5, both, { layers: [1] })).layer, 1);
  state = stateAfterUpdate(state, before, over({ caches: ["on", "off"] }));
  assert.deepEqual([state.layer, state.cache, state.wanted], [1, "both", { layer: null, cache: null }]);
  // Of the finished run another layer came: the one in view is asked for, if a person picked its head.
  state = reduce(initialState(before), { type: "head", to: 7 }, before, true);
  state = stateAfterUpdate(state, before, over({ layers: [0] }));
  assert.deepEqual([state.layer, state.wanted.layer], [0, 3]);
});

test("a cell that a link names opens with the whole run, unless one has looked at another", () => {
  const cell = { cross: false, query: 5, key: 2 };
  const before = at(9, { step: 6 });
  const state = initialState(before);
  const after = over({ view: { step: 6, layer: 3, head: 5, cell } });
  assert.deepEqual([state.cell, stateAfterUpdate(state, before, after).cell], [null, cell]);
  assert.equal(stateAfterUpdate({ ...state, nAsked: 1 }, before, after).cell, null);
});

test("a head that nobody picked gives way to that of the whole run, and a picked one stays", () => {
  const [before, after] = [at(9), over({ view: { step: 0, layer: 1, head: 2 } })];
  const [state, { view }] = [initialState(before), after.header];
  const place = (/** @type {any} */ one) => [one.layer, one.head];
  assert.deepEqual(place(stateAfterUpdate(state, before, after)), [view.layer, view.head]);
  assert.deepEqual(place(stateAfterUpdate(state, before, at(10))), place(state));
  const picked = reduce(state, { type: "head", to: 7 }, before, true);
  assert.deepEqual(place(stateAfterUpdate(picked, before, after)), [state.layer, 7]);
});

test("another run that follows begins where it says", () => {
  const other = over({ view: { step: 2, layer: 1, head: 1 }, texts: ["another", " text"] });
  assert.deepEqual(viewOf(stateAfterUpdate(initialState(at(4)), at(4), other)), { step: 2, layer: 1, head: 1, cache: "on", cell: null });
});

const realFetch = globalThis.fetch;
/** What the server says next of the run, each taken once; nothing stands for an answer that does not come. @type {(Uint8Array | null | undefined)[]} */
let says = [];
/** @type {string[]} */
let asked = [];
const finished = makeBuffer({ n_steps: 16 });

beforeEach(() => {
  [says, asked] = [[], []];
  mock.timers.enable({ apis: ["setTimeout"] });
  Object.assign(globalThis, {
    document: { createElement: () => ({ setAttribute() {}, append() {}, remove() {} }) },
    __streamlit: { BACKEND_BASE_URL: "https://class.example/" },
    fetch: async (/** @type {string} */ url, /** @type {any} */ { signal } = {}) => {
      asked.push(url.replace("https://class.example/", ""));
      if (!url.includes("jobs")) return { ok: true, arrayBuffer: async () => finished.slice().buffer };
      const bytes = says.shift();
      if (bytes === undefined) return new Promise((_, fail) => signal?.addEventListener("abort", () => fail(new Error("aborted"))));
      return bytes === null ? { ok: true, status: 204 } : { ok: true, status: 200, arrayBuffer: async () => bytes.slice().buffer };
    },
  });
});
afterEach(() => {
  mock.timers.reset();
  Object.assign(globalThis, { fetch: realFetch, document: undefined, __streamlit: undefined });
});

const settled = async () => {
  for (let i = 0; i < 30; i++) await null;
};
const later = async () => {
  mock.timers.tick(500);
  await settled();
};

function place() {
  /** @type {any[]} */
  const drawn = [];
  /** @type {any[]} */
  const told = [];
  const component = fetched((call) => {
    drawn.push(call);
    return () => {};
  });
  const parentElement = /** @type {any} */ ({ append() {} });
  const tell = (/** @type {string} */ name, /** @type {unknown} */ value) => void told.push([name, value]);
  const call = (/** @type {any} */ data) => component({ data: { waiting: "", late: "", ...data }, parentElement, setStateValue: tell, setTriggerValue: tell });
  const steps = () => drawn.map(({ data }) => readBuffer(data).header.n_steps);
  return { drawn, told, call, steps };
}
const buffer = (/** @type {number} */ n_steps, options = {}) => makeBuffer({ n_steps, view: { layer: 3, head: 5 }, change: asIs(), ...options });

test("a run under way is drawn as it grows, what is looked at in it concerns it alone, and its end takes over", async () => {
  const { drawn, told, call, steps } = place();
  says = [buffer(4), null, buffer(6)];
  call({ addresses: [], grows: "jobs/a/run" });
  await settled();
  await later();
  await later();
  assert.deepEqual(steps(), [4, 6]);
  drawn[1].setStateValue("view", { step: 2, layer: 1, head: 7, cache: "on", cell: null });
  drawn[1].setTriggerValue("wanted", { id: "", cache: "both" });
  await later();
  call({ addresses: ["bytes/finished"] });
  await settled();
  await later();
  assert.deepEqual(steps(), [4, 6, 16]);
  assert.deepEqual(told, []);
  const since = (/** @type {number} */ n, layer = 3, head = 5) => `jobs/a/run?since=${n}&layer=${layer}&head=${head}`;
  assert.deepEqual(asked, ["jobs/a/run?since=0", since(10), since(10), since(12, 1, 7), "bytes/finished"]);
  drawn[2].setStateValue("view", 1);
  assert.deepEqual(told, [["view", 1]]);
});

test("a layer that is not here is fetched at once", async () => {
  const { drawn, call } = place();
  says = [buffer(4, { layers: [3] })];
  call({ addresses: [], grows: "jobs/b/run" });
  await settled();
  await later();
  says = [buffer(5, { layers: [1] })];
  drawn[0].setTriggerValue("wanted", { id: "", layer: 1 });
  await settled();
  assert.deepEqual(asked.slice(1), ["jobs/b/run?since=10&layer=3&head=5", "jobs/b/run?since=10&layer=1&head=5&anew=1"]);
  assert.deepEqual(readBuffer(drawn[1].data).header.layers, [1]);
});

test("until it is seen, and where it comes to nothing, the run before stands", async () => {
  const { call, steps } = place();
  call({ addresses: ["bytes/before"] });
  await settled();
  call({ addresses: ["bytes/before"], grows: "jobs/c/run" });
  await settled();
  assert.deepEqual(steps(), [16, 16]);
  says = [buffer(4), new Uint8Array(0)];
  call({ addresses: ["bytes/before"], grows: "jobs/d/run" });
  await settled();
  await later();
  await later();
  // Told that there will be no more it asks no more.
  assert.equal(asked.filter((one) => one.startsWith("jobs/d")).length, 2);
  call({ addresses: ["bytes/before"] });
  await settled();
  assert.deepEqual(steps(), [16, 16, 16, 4, 16]);
});
