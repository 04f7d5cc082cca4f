// The bar of work under way, with a server made of a list of answers and a clock that a test moves.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { WorkBar } from "../../../kvviz/ui/parts/js/work_bar.js";

/** An element that knows its attributes and who listens to it. */
class Element {
  style = /** @type {Record<string, string>} */ ({});
  textContent = "";
  attributes = new Map();
  listeners = new Map();
  constructor(/** @type {string} */ tag) {
    this.tag = tag;
  }
  setAttribute(/** @type {string} */ name, /** @type {string} */ value) {
    this.attributes.set(name, value);
  }
  getAttribute(/** @type {string} */ name) {
    return this.attributes.get(name) ?? null;
  }
  hasAttribute(/** @type {string} */ name) {
    return this.attributes.has(name);
  }
  removeAttribute(/** @type {string} */ name) {
    this.attributes.delete(name);
  }
  append() {}
  addEventListener(/** @type {string} */ name, /** @type {() => void} */ hear) {
    this.listeners.set(name, hear);
  }
}

const RUNNING = { fraction: 0.25, said: "step 1 of 4", stopping: false, over: false, live: null };
const kept = { document: globalThis.document, fetch: globalThis.fetch, add: globalThis.addEventListener, remove: globalThis.removeEventListener };
/** @type {any} */
let world;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1 });
  const { now } = Date;
  mock.method(performance, "now", () => now());
  world = { asked: [], answers: [], heard: new Map(), beacons: [], app: { dataset: { testScriptState: "notRunning" } } };
  Object.assign(globalThis, {
    document: { createElement: (/** @type {string} */ tag) => new Element(tag), querySelector: () => world.app },
    __streamlit: { BACKEND_BASE_URL: "http://here/base/" },
    addEventListener: (/** @type {string} */ name, /** @type {any} */ hear) => world.heard.set(name, hear),
    removeEventListener: (/** @type {string} */ name) => world.heard.delete(name),
    fetch: async (/** @type {string} */ url, /** @type {any} */ { method }) => {
      world.asked.push(`${method} ${url}`);
      const next = world.answers.length > 1 ? world.answers.shift() : world.answers[0];
      if (next === undefined) throw new TypeError("no way there");
      return { ok: true, json: async () => next };
    },
  });
  const navigator = { sendBeacon: (/** @type {string} */ url) => world.beacons.push(url) };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true, writable: true });
});

afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
  Object.assign(globalThis, { document: kept.document, fetch: kept.fetch, addEventListener: kept.add, removeEventListener: kept.remove });
});

function bar({ wakes = true, ...more } = {}) {
  const told = /** @type {any[]} */ ([]);
  const drawn = /** @type {any[]} */ ([]);
  const page = { setStateValue() {}, setTriggerValue: (/** @type {string} */ name, /** @type {any} */ value) => told.push([name, value]) };
  const one = new WorkBar(/** @type {any} */ (new Element("div")), page, (status) => drawn.push(status));
  const load = (/** @type {string} */ address, status = RUNNING) => one.load({ address, status, wakes, ...more });
  load("jobs/a");
  return { one, told, drawn, load };
}

/** Lets time go by, and what hangs on it. */
async function after(/** @type {number} */ ms) {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    mock.timers.tick(50);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
}

const press = (/** @type {any} */ one) => one.button.listeners.get("click")();
const disabled = (/** @type {any} */ one) => one.button.getAttribute("aria-disabled") === "true";

test("it draws what it is given at once, and then what the server answers", async () => {
  world.answers = [{ ...RUNNING, fraction: 0.5, said: "step 2 of 4", live: { lanes: 2 } }];
  const { one, drawn, told } = bar();
  assert.deepEqual([one.said.textContent, one.done.style.width], ["step 1 of 4", "25%"]);
  assert.deepEqual(world.asked, []);
  await after(200);
  assert.deepEqual(world.asked, ["GET http://here/base/jobs/a?later"]);
  assert.deepEqual([one.said.textContent, one.done.style.width], ["step 2 of 4", "50%"]);
  assert.equal(one.track.getAttribute("aria-valuenow"), "50");
  assert.equal(one.track.getAttribute("aria-valuetext"), "step 2 of 4");
  assert.deepEqual(drawn.at(-1).live, { lanes: 2 });
  await after(250);
  assert.equal(world.asked.length, 2);
  assert.deepEqual(told, []);
});

/** Has the server think about each question for so long. */
function thinks(/** @type {number} */ ms) {
  const { fetch } = globalThis;
  globalThis.fetch = /** @type {any} */ (async (/** @type {any[]} */ ...asked) => {
    const answer = await /** @type {any} */ (fetch)(...asked);
    await new Promise((go) => setTimeout(go, ms));
    return answer;
  });
}

test("a server that takes its time to answer is asked again at once, one question at a time", async () => {
  world.answers = [RUNNING];
  thinks(1000);
  const { load } = bar();
  await after(100);
  load("jobs/a");
  await after(3800);
  assert.equal(world.asked.length, 4);
});

test("what is pressed while a question is under way leads to no second row of questions", async () => {
  world.answers = [RUNNING, { ...RUNNING, stopping: true }];
  thinks(400);
  const { one } = bar();
  await after(100);
  press(one);
  await after(2000);
  const asked = world.asked.filter((/** @type {string} */ asked) => asked.startsWith("GET"));
  assert.ok(asked.length <= 6, String(asked));
});

test("Cancel is told the server at once, and once", async () => {
  world.answers = [{ ...RUNNING, stopping: true, said: "Stopping" }];
  const { one } = bar();
  press(one);
  assert.ok(disabled(one));
  press(one);
  await after(0);
  assert.deepEqual(world.asked, ["POST http://here/base/jobs/a/cancel"]);
  await after(50);
  assert.equal(one.said.textContent, "Stopping");
  assert.ok(disabled(one));
  await after(300);
  assert.deepEqual(world.asked[1], "GET http://here/base/jobs/a?later");
});

test("an answer from before Cancel does not make it a button again", async () => {
  world.answers = [RUNNING];
  const { one, load } = bar();
  press(one);
  load("jobs/a");
  assert.ok(disabled(one));
});

test("Cancel that does not arrive can be pressed again", async () => {
  const { one } = bar();
  press(one);
  await after(50);
  assert.ok(!one.pressed);
  world.answers = [RUNNING];
  await after(300);
  assert.ok(!disabled(one));
  press(one);
  assert.equal(world.asked.filter((/** @type {string} */ asked) => asked.startsWith("POST")).length, 2);
});

test("the page is told that the work is over, and told again if it still waits", async () => {
  world.answers = [{ ...RUNNING, over: true }];
  const { told } = bar();
  await after(1000);
  assert.deepEqual(told, [["over", "jobs/a"]]);
  assert.equal(world.asked.length, 1);
  await after(2000);
  assert.equal(told.length, 2);
});

test("a page that is being drawn is not told again, which would lose what is pressed meanwhile", async () => {
  world.answers = [{ ...RUNNING, over: true }];
  const { told } = bar();
  await after(1000);
  world.app.dataset.testScriptState = "running";
  await after(9000);
  assert.equal(told.length, 1);
  world.app.dataset.testScriptState = "notRunning";
  await after(2500);
  assert.ok(told.length > 1);
});

test("a page that waits in its script is left to find out by itself, for a while", async () => {
  world.answers = [{ ...RUNNING, over: true }];
  const { told } = bar({ wakes: false });
  await after(4500);
  assert.deepEqual(told, []);
  await after(2500);
  assert.equal(told.length, 1);
});

test("work that the server knows no more, and a server that is silent, are the page's to see to", async () => {
  world.answers = [null];
  const gone = bar();
  await after(300);
  assert.equal(gone.told.length, 1);
  gone.one.destroy();
  world.answers = [];
  const silent = bar();
  await after(400);
  assert.deepEqual(silent.told, []);
  await after(250);
  assert.equal(silent.told.length, 1);
});

test("other work in its place begins anew, and what was answered about the one before is let go", async () => {
  world.answers = [{ ...RUNNING, said: "of the first" }];
  const { one, load, told } = bar();
  press(one);
  load("jobs/b", { ...RUNNING, said: "of the second" });
  await after(0);
  assert.equal(one.said.textContent, "of the second");
  assert.ok(!disabled(one));
  assert.deepEqual(told, []);
  world.answers = [RUNNING];
  await after(300);
  assert.equal(world.asked.at(-1), "GET http://here/base/jobs/b?later");
});

test("a page that is closed says so, and one that goes on without the bar, which asks no more", async () => {
  world.answers = [RUNNING];
  const { one } = bar();
  world.heard.get("pagehide")();
  assert.deepEqual(world.beacons.splice(0), ["http://here/base/jobs/a/left"]);
  one.destroy();
  assert.deepEqual(world.beacons, ["http://here/base/jobs/a/aside"]);
  assert.equal(world.heard.size, 0);
  await after(1000);
  assert.deepEqual(world.asked, []);
});

test("a bar whose work is over goes without a word", async () => {
  world.answers = [{ ...RUNNING, over: true }];
  const { one } = bar();
  await after(200);
  one.destroy();
  assert.deepEqual(world.beacons, []);
});

test("a hidden tab, whose timers hardly come, goes on asking by what it is answered", async () => {
  world.answers = [RUNNING];
  thinks(1000);
  bar();
  await after(100);
  const { setTimeout } = globalThis;
  globalThis.setTimeout = /** @type {any} */ ((/** @type {() => void} */ go, /** @type {number} */ ms) => setTimeout(go, ms < 1000 ? 60_000 : ms));
  await after(3800);
  assert.equal(world.asked.length, 4);
});

test("a clock that is set back by an hour keeps nobody waiting", async () => {
  world.answers = [RUNNING];
  const { told } = bar();
  await after(100);
  const { now } = Date;
  Date.now = () => now() - 3_600_000;
  await after(1000);
  assert.ok(world.asked.length >= 4, `asked ${world.asked.length} times`);
  world.answers = [{ ...RUNNING, over: true }];
  await after(500);
  assert.deepEqual(told, [["over", "jobs/a"]]);
});
