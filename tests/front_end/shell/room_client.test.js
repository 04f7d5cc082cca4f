// A tab in a room, with a server made of answers, an address bar and a player that write down what they
// are told, and a clock that a test moves.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { hasMoreThanOwn, isSameButForView, ledQuery } from "../../../kvviz/ui/shell/room/js/led_place.js";
import { RoomClient } from "../../../kvviz/ui/shell/room/js/room_client.js";

const STATE = { v: 5, n: 2, a: 0, next: 500, leads: false, follow: true, gathered: 0, paused: false, redraw: 0, page: "kv_cache", query: { prompt: "Hi", step: "2" }, view: null, poll: null };
const VIEW = { run: "r1", step: 3, layer: 1, head: 0, cache: "on", cell: null };
/** @type {any} */
let world;

function storage() {
  const kept = new Map();
  return { getItem: (/** @type {string} */ name) => kept.get(name) ?? null, setItem: (/** @type {string} */ name, /** @type {string} */ text) => kept.set(name, text), removeItem: (/** @type {string} */ name) => kept.delete(name) };
}

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1 });
  const heard = new Map();
  world = { asked: [], posted: [], answer: STATE, led: [], looked: [], told: [], heard, beacons: [], nodes: {}, seen: { ...VIEW, step: 0 } };
  const bar = { at: { page: "", query: "room=BKDFG&lang=en-XA" }, lead: (/** @type {any} */ place) => { world.led.push(place); bar.at = place; } };
  world.bar = bar;
  world.window = {
    location: { search: "?room=BKDFG" },
    sessionStorage: storage(),
    localStorage: storage(),
    performance: { now: () => Date.now() },
    navigator: { sendBeacon: (/** @type {string} */ url) => world.beacons.push(url) },
    addEventListener: (/** @type {string} */ name, /** @type {any} */ hear) => heard.set(name, hear),
    setTimeout: (/** @type {any} */ run, /** @type {number} */ ms) => setTimeout(run, ms),
    clearTimeout: (/** @type {any} */ timer) => clearTimeout(timer),
    matchMedia: () => ({ matches: true }),
    kvvizAddressBar: bar,
    document: {
      addEventListener: () => {},
      querySelector: (/** @type {string} */ selector) => world.nodes[selector] ?? (selector.includes("stApp") ? { dataset: { testScriptState: world.state } } : selector.includes("player") && world.seen ? { kvviz: { seen: () => world.seen, look: (/** @type {any} */ view) => world.looked.push(view) } } : null),
    },
    fetch: async (/** @type {string} */ url, /** @type {any} */ { method, body, headers } = {}) => {
      if (method === "POST") return world.posted.push([url, JSON.parse(body), headers["x-kvviz-seat"]]) && { ok: true };
      world.asked.push(url);
      if (!world.answer) throw new TypeError("no way there");
      return { ok: true, json: async () => world.answer };
    },
  };
});

afterEach(() => mock.timers.reset());

function client(/** @type {any} */ payload = {}) {
  const one = new RoomClient(world.window, () => ({ update() {} }));
  one.load({ address: "_kvviz/rooms/m", code: "BKDFG", process: "p", forget: "", redraw: 0, seat: "", key: "", own: { room: "BKDFG", lang: "en-XA" }, ...payload }, (name, value) => world.told.push([name, value]));
  return one;
}

/** Lets time go by, and what hangs on it. */
async function after(/** @type {number} */ ms) {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    mock.timers.tick(50);
    for (let i = 0; i < 12; i++) await Promise.resolve();
  }
}

test("a student is led to the teacher's address, but for what is one's own, and once", async () => {
  client();
  await after(2000);
  assert.deepEqual(world.led, [{ page: "kv_cache", query: "prompt=Hi&step=2&room=BKDFG&lang=en-XA" }]);
  assert.ok(world.asked.length >= 3 && world.asked.length <= 6, `asked ${world.asked.length} times`);
});

test("what else a link said is told to be left aside, for a minute", async () => {
  world.bar.at = { page: "kv_cache", query: "room=BKDFG&step=3" };
  const one = client();
  await after(1000);
  assert.ok(one.leftAside);
  await after(60_000);
  assert.ok(!one.leftAside);
});

test("a question is led to once for each vote and for its answer", async () => {
  const seen = /** @type {string[]} */ ([]);
  const node = (/** @type {string} */ name, /** @type {object} */ dataset, top = 900) => ({ dataset, closest: () => ({ getBoundingClientRect: () => ({ top, bottom: top + 150 }), scrollIntoView: () => seen.push(name) }) });
  world.nodes['[data-kvviz="room-bar"]'] = { getBoundingClientRect: () => ({ top: 740 }) };
  const [vote, counts] = ['[data-kvviz="vote"]', '[data-kvviz="vote-counts"]'];
  const poll = { number: 2, phase: "voting" };
  world.answer = { ...STATE, poll };
  world.nodes[vote] = node("vote", { number: "2", round: "1", phase: "voting" });
  client();
  await after(2000);
  assert.deepEqual(seen, ["vote"]);
  // A vote that is in sight stays where it is, under the hand that is about to answer; one behind the bar does not.
  for (const [round, top] of [["2", 590], ["3", 591], ["4", -1], ["5", 0]]) {
    world.nodes[vote] = node(`vote ${round}`, { number: "2", round, phase: "voting" }, Number(top));
    await after(1000);
  }
  assert.deepEqual(seen.splice(1), ["vote 3", "vote 4"]);
  // The page shows the counts of before until it is drawn anew.
  world.answer = { ...STATE, v: 6, poll: { ...poll, phase: "revealed" } };
  world.nodes[vote] = node("shown", { number: "2", round: "1", phase: "shown" });
  world.nodes[counts] = node("answer", {});
  await after(1000);
  delete world.nodes[vote];
  await after(2000);
  assert.deepEqual(seen, ["vote", "shown", "answer"]);
});

test("where the player has the run, it is moved without a word to the server", async () => {
  client();
  world.bar.at = { page: "kv_cache", query: "prompt=Hi&room=BKDFG" };
  world.answer = { ...STATE, view: VIEW };
  await after(1500);
  assert.deepEqual(world.led, []);
  assert.deepEqual(world.looked, [VIEW]);
  world.seen = { ...VIEW, run: "another" };
  world.answer = { ...STATE, v: 6, view: { ...VIEW, step: 4 } };
  await after(1500);
  assert.equal(world.looked.length, 1, "another run is not moved");
});

test("who looks around is not led, comes back, and is gathered", async () => {
  const one = client();
  await after(100);
  one.letGo();
  world.answer = { ...STATE, v: 6, page: "model_sizes", query: {} };
  await after(1500);
  assert.equal(world.led.length, 1);
  assert.ok(world.asked.at(-1).endsWith("f=0"));
  one.comeBack();
  assert.equal(world.led.at(-1).page, "model_sizes");
  one.letGo();
  world.answer = { ...world.answer, v: 7, page: "", query: {}, gathered: 1 };
  await after(1500);
  assert.equal(one.isAway, false);
  assert.equal(world.led.at(-1).page, "");
});

test("a tab is sent to the process that has its room, once, with the key that is of use there alone", async () => {
  const gone = /** @type {string[]} */ ([]);
  world.window.location = { href: "http://h/?step=2", search: "", assign: (/** @type {string} */ there) => gone.push(there) };
  world.window.localStorage.setItem("kvviz-room", JSON.stringify({ code: "ZBKDF", key: "k", since: 1 }));
  const one = client({ address: "", code: "" });
  one.takeBack();
  assert.deepEqual(world.told.map(([name]) => name), ["claim"]);
  const elsewhere = { address: "", process: "p", forget: "", elsewhere: "ZBKDF" };
  one.load(elsewhere, (name) => world.told.push([name]));
  await after(3000);
  one.load(elsewhere, (name) => world.told.push([name]));
  assert.deepEqual(gone, ["http://h/?step=2&room=ZBKDF"]);
  assert.equal(world.told.length, 1, "it is not told again where it is of no use");
  assert.match(world.window.sessionStorage.getItem("kvviz-room"), /ZBKDF/);
});

test("a stopped page stays, and goes on from where the teacher is", async () => {
  world.answer = { ...STATE, paused: true };
  client();
  await after(1500);
  assert.deepEqual(world.led, []);
  world.answer = { ...STATE, v: 6 };
  await after(1500);
  assert.equal(world.led.length, 1);
});

test("a page is drawn anew for a vote, and told again where that was lost", async () => {
  world.answer = { ...STATE, redraw: 2 };
  client();
  await after(1000);
  assert.deepEqual(world.told, [["redraw", 2]]);
  world.state = "running";
  await after(6000);
  assert.equal(world.told.length, 1, "a page that is being drawn would begin anew");
  world.state = "notRunning";
  await after(3500);
  assert.ok(world.told.length >= 2);
});

test("a room that is over is told from a server that was started again, and from one that is silent", async () => {
  const one = client();
  world.answer = { v: 0, process: "p" };
  await after(500);
  assert.equal(one.trouble, "ended");
  assert.deepEqual(world.told.map(([name]) => name), ["over"]);
  const other = client();
  world.answer = { v: 0, process: "q" };
  await after(500);
  assert.equal(other.trouble, "restarted");
  const third = client();
  world.answer = null;
  await after(4000);
  assert.equal(third.trouble, "silent");
  world.answer = STATE;
  await after(1500);
  assert.equal(third.trouble, "");
});

test("a teacher's player tells what it shows by the seat, not too often, and nobody is led here", async () => {
  world.answer = { ...STATE, leads: true };
  const one = client({ seat: "s", key: "k" });
  await after(100);
  for (const step of [1, 2, 3, 4]) {
    world.seen = { ...VIEW, step };
    one.stirred();
    await after(50);
  }
  await after(400);
  assert.deepEqual(world.led, []);
  assert.ok(world.posted.length <= 4);
  assert.deepEqual(world.posted.at(-1), ["/_kvviz/rooms/m/view", { ...VIEW, step: 4 }, "s"]);
  assert.ok(world.asked.every((/** @type {string} */ url) => !url.includes("=s") && !url.includes("k&")));
});

test("a tab loaded anew claims its seat, a new one only offers to, and what is refused is forgotten", async () => {
  const one = client({ seat: "s", key: "k" });
  assert.equal(one.offered, null);
  const reloaded = client();
  assert.deepEqual(world.told.map(([name, { key }]) => [name, key]), [["claim", "k"]]);
  world.told = [];
  world.window.sessionStorage = storage();
  const opened = client({ address: "", code: undefined });
  assert.deepEqual(world.told, []);
  assert.equal(opened.offered?.code, "BKDFG");
  opened.takeBack();
  assert.equal(world.told[0][0], "claim");
  reloaded.load({ ...reloaded.payload, address: "", code: undefined, forget: "BKDFG" }, () => {});
  assert.equal(reloaded.offered, null);
  assert.equal(world.window.localStorage.getItem("kvviz-room"), null);
});

test("a page loaded anew tells once which tab it was", async () => {
  client();
  await after(100);
  client({ address: "_kvviz/rooms/m2" });
  await after(1500);
  const asked = world.asked.filter((/** @type {string} */ url) => url.includes("/m2?"));
  assert.ok(asked[0].endsWith("&was=m") && asked.length > 1);
  assert.ok(asked.slice(1).every((/** @type {string} */ url) => !url.includes("was")));
});

test("a tab that is closed says so", () => {
  client();
  world.heard.get("pagehide")();
  assert.deepEqual(world.beacons, ["/_kvviz/rooms/m/left"]);
});

test("addresses are alike but for the view, and one's own is kept", () => {
  assert.ok(isSameButForView("step=3&prompt=a&room=X", { prompt: "a", step: "1", head: "2" }));
  assert.ok(!isSameButForView("prompt=a", { prompt: "b" }));
  assert.equal(ledQuery({ room: "X" }, { prompt: "a b" }), "prompt=a+b&room=X");
  assert.ok(hasMoreThanOwn("room=X&step=1") && !hasMoreThanOwn("room=X&lang=fr"));
});
