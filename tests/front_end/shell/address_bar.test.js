// The address bar in a browser made of a list of entries: what is written, pushed and told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AddressBar, normal } from "../../../kvviz/ui/shell/address_bar.js";

const ORIGIN = "http://here";
const PAGES = ["kv_cache", "model_sizes"];

globalThis.PopStateEvent ??= class extends Event {};

/** A window with a history of its own, whose timers a test lets run. */
function browser(path = "/kv_cache?prompt=a+b", base = "", isSaid = true) {
  const entries = [`${base}${path}`];
  let at = 0;
  const timers = new Map();
  const heard = { popstate: [], click: [] };
  const streamlit = [];
  const app = { dataset: { testScriptState: "notRunning" } };
  const window = {
    performance: { now: () => ++window.clock },
    clock: 0,
    document: { activeElement: null, querySelector: () => app },
    history: {
      state: {},
      pushState: (_state, _title, url) => entries.splice(++at, Infinity, url),
      replaceState: (_state, _title, url) => (entries[at] = url),
    },
    addEventListener: (name, hear) => heard[name].push(hear),
    dispatchEvent: (event) => {
      let stopped = false;
      event.stopImmediatePropagation = () => (stopped = true);
      for (const hear of heard.popstate) if (!stopped) hear(event);
    },
    setTimeout: (run, wait = 0) => timers.set(++window.clock, { run, wait }) && window.clock,
    clearTimeout: (id) => timers.delete(id),
    get location() {
      return new URL(entries[at], ORIGIN);
    },
  };
  const bar = new AddressBar(window, PAGES);
  window.addEventListener("popstate", () => streamlit.push(entries[at]));
  const told = [];
  bar.take(bar.here().page, (name, value) => told.push([name, value]));
  if (isSaid) bar.serverSays(bar.here(), null);
  return {
    bar, window, told, streamlit, app, entries,
    get here() { return entries[at]; },
    says: (page, query = "", when = "") => window.history.pushState({}, "", `${window.location.pathname}?kvviz-says=${page}${when && ` ${when}`}${query && `&${query}`}`),
    step: (by) => { at += by; window.dispatchEvent(new PopStateEvent("popstate")); },
    click: (href, keys = {}) => { for (const hear of heard.click) hear({ target: { closest: () => ({ getAttribute: () => href }) }, button: 0, ...keys }); },
    /** Let the timers run that wait no longer than this. */
    tick: (longest = 30) => {
      for (let round = 0; round < 4; round++) {
        for (const [id, { run, wait }] of [...timers]) if (wait <= longest) { timers.delete(id); run(); }
      }
    },
  };
}

test("a query has one spelling, the server's", () => {
  assert.equal(normal("?a=b%20c&d='(*)!"), "a=b+c&d=%27%28%2A%29%21");
});

test("the first word of a page puts its entry right, and each later one is an entry", () => {
  const b = browser("/kv_cache?prompt=a%20b&odd=1", "", false);
  b.says("kv_cache", "prompt=a+b");
  assert.deepEqual(b.entries, ["/kv_cache?prompt=a+b"]);
  b.says("kv_cache", "prompt=a+b&step=1");
  b.says("kv_cache", "prompt=a+b&step=1");
  assert.deepEqual(b.entries, ["/kv_cache?prompt=a+b", "/kv_cache?prompt=a+b&step=1"]);
});

test("another page is one entry, whichever of Streamlit's two words comes first", () => {
  for (const first of ["page", "query"]) {
    const b = browser();
    b.click("model_sizes?users=1");
    const page = () => b.window.history.pushState({}, "", "/model_sizes?prompt=a+b");
    const query = () => b.says("model_sizes", "users=2");
    for (const word of first === "page" ? [page, query] : [query, page]) word();
    assert.deepEqual(b.entries, ["/kv_cache?prompt=a+b", "/model_sizes?users=2"], first);
  }
});

test("a page that says a view of its own after a link was clicked does not hold up the page that comes", () => {
  const b = browser();
  b.click("/model_sizes");
  b.says("kv_cache", "prompt=a+b&step=1");
  assert.equal(b.bar.isLeaving(), true);
  b.bar.take("model_sizes", () => {});
  b.tick(5000);
  assert.deepEqual(b.streamlit, [], "nobody asks for the page before");
  b.says("model_sizes", "row=gpt-2");
  assert.deepEqual(b.entries, ["/kv_cache?prompt=a+b", "/kv_cache?prompt=a+b&step=1", "/model_sizes?row=gpt-2"]);
});

test("the query of the page before does not stand with the next one, not even until that says its own", () => {
  const b = browser();
  b.click("model_sizes");
  b.window.history.pushState({}, "", "/model_sizes?prompt=a+b");
  assert.equal(b.here, "/model_sizes");
});

test("a link to the page on screen, or opened in another tab, leads this one nowhere", () => {
  const b = browser();
  b.click("kv_cache");
  b.window.history.pushState({}, "", "/kv_cache?prompt=old");
  b.click("model_sizes", { ctrlKey: true });
  b.window.history.pushState({}, "", "/model_sizes");
  assert.deepEqual(b.entries, ["/kv_cache?prompt=a+b"]);
});

test("a page that nobody went to is not written when the server says it, and is left again", () => {
  const b = browser();
  b.click("model_sizes");
  b.says("model_sizes");
  b.bar.take("model_sizes", () => {});
  // A run for the page before, which a message has asked for that came late.
  b.bar.take("kv_cache", () => {});
  b.says("kv_cache", "prompt=a+b");
  assert.equal(b.here, "/model_sizes");
  b.tick(600);
  assert.deepEqual(b.streamlit, ["/model_sizes"]);
});

test("what Streamlit keeps of a query, and a page that nobody went to, are not written", () => {
  const b = browser();
  b.window.history.pushState({}, "", "/kv_cache?prompt=old");
  b.window.history.replaceState({}, "", "/model_sizes");
  assert.deepEqual(b.entries, ["/kv_cache?prompt=a+b"]);
});

test("a step within a page is told once, after what was typed, and Streamlit does not hear it", () => {
  const b = browser();
  b.says("kv_cache", "prompt=a+b&step=1");
  let typed = false;
  b.window.document.activeElement = { blur: () => (typed = b.told.length === 0) };
  b.step(-1);
  assert.deepEqual(b.told, []);
  b.tick();
  assert.ok(typed);
  assert.equal(b.told.length, 1);
  assert.deepEqual([b.told[0][1].page, b.told[0][1].query], ["kv_cache", "prompt=a+b"]);
  assert.deepEqual(b.streamlit, []);
});

test("what was said before a step was followed is of the past", () => {
  const b = browser();
  b.says("kv_cache", "prompt=a+b&step=1");
  b.step(-1);
  b.says("kv_cache", "prompt=a+b&step=2");
  assert.equal(b.here, "/kv_cache?prompt=a+b");
  b.tick();
  const when = b.told[0][1].when;
  b.says("kv_cache", "prompt=a+b", when);
  b.says("kv_cache", "prompt=a+b&step=3", when);
  assert.deepEqual(b.entries, ["/kv_cache?prompt=a+b", "/kv_cache?prompt=a+b&step=3"]);
});

test("a step to another page is told first, and Streamlit asks for the page after that", () => {
  const b = browser();
  b.click("model_sizes?users=1");
  b.says("model_sizes", "users=2");
  b.bar.take("model_sizes", (name, value) => b.told.push([name, value, b.streamlit.length]));
  b.step(-1);
  b.tick();
  assert.deepEqual(b.told.map(([, step, n]) => [step.page, n]), [["kv_cache", 0]]);
  assert.deepEqual(b.streamlit, ["/kv_cache?prompt=a+b"]);
});

test("a page that does not come is asked for again, once all is quiet, and no more when it is there", () => {
  const b = browser();
  b.click("model_sizes?users=1");
  b.says("model_sizes");
  b.bar.take("model_sizes", () => {});
  b.step(-1);
  b.tick();
  b.app.dataset.testScriptState = "running";
  b.tick(600);
  assert.equal(b.streamlit.length, 1, "the script runs");
  b.app.dataset.testScriptState = "notRunning";
  b.tick(1e9);
  assert.ok(b.streamlit.length > 1);
  const asked = b.streamlit.length;
  b.bar.take("kv_cache", () => {});
  b.tick(1e9);
  assert.equal(b.streamlit.length, asked);
});

test("a late page does not overwrite a step back", () => {
  const b = browser();
  b.click("model_sizes?users=1");
  b.step(0);
  b.says("kv_cache", "prompt=a+b&step=1");
  b.click("model_sizes?users=1");
  b.window.history.pushState({}, "", "/model_sizes");
  b.says("model_sizes");
  b.step(-1);
  b.window.history.pushState({}, "", "/model_sizes");
  assert.equal(b.here, "/kv_cache?prompt=a+b&step=1");
});

test("who goes on by a link before a step was told has gone on", () => {
  const b = browser();
  b.says("kv_cache", "prompt=a+b&step=1");
  b.step(-1);
  b.click("model_sizes?users=1");
  b.tick();
  assert.deepEqual([b.told, b.streamlit], [[], []]);
  b.window.history.pushState({}, "", "/model_sizes");
  b.says("model_sizes");
  assert.equal(b.here, "/model_sizes");
});

test("a step is kept until there is somebody to tell", () => {
  const b = browser();
  b.says("kv_cache", "prompt=a+b&step=1");
  b.bar.tell = null;
  b.step(-1);
  b.tick();
  const told = [];
  b.bar.take("kv_cache", (_name, step) => told.push(step.query));
  assert.deepEqual(told, ["prompt=a+b"]);
});

test("a place within the page is no step, and an app may lie below another address", () => {
  const b = browser("/kv_cache?prompt=a+b#heading", "/below");
  b.step(0);
  b.tick();
  assert.deepEqual(b.told, []);
  b.click("model_sizes?users=1");
  b.says("model_sizes", "users=2");
  assert.equal(b.here, "/below/model_sizes?users=2");
  b.click("");
  b.says("");
  assert.equal(b.here, "/below/");
});

test("a page is leaving from the click on a link until the next one is on screen, and not for ever", () => {
  const b = browser();
  b.bar.take("kv_cache", () => {});
  assert.equal(b.bar.isLeaving(), false);
  b.click("model_sizes");
  assert.equal(b.bar.isLeaving(), true);
  b.window.history.pushState({}, "", "/model_sizes");
  assert.equal(b.bar.isLeaving(), true);
  b.bar.take("model_sizes", () => {});
  assert.equal(b.bar.isLeaving(), false);
  b.click("model_sizes");
  assert.equal(b.bar.isLeaving(), false, "a link to the page on screen");
  b.click("kv_cache");
  b.window.clock += 10_000;
  assert.equal(b.bar.isLeaving(), false, "a link that led nowhere");
});

test("what a page has to tell on its way out is told when it stays, and never of the page that came", () => {
  const b = browser("/kv_cache");
  /** @type {string[]} */
  const told = [];
  b.click("model_sizes");
  b.window.history.pushState({}, "", "/model_sizes");
  b.bar.unlessLeaving(() => told.push("view"));
  b.step(-1);
  b.tick();
  assert.deepEqual(told, []);
  b.says("kv_cache", "", b.told.at(-1)[1].when);
  assert.deepEqual(told, ["view"]);
  b.bar.unlessLeaving(() => told.push("at once"));
  assert.deepEqual(told, ["view", "at once"]);
  b.click("model_sizes");
  b.bar.unlessLeaving(() => told.push("late"));
  b.bar.take("model_sizes", () => {});
  b.says("model_sizes", "", b.told.at(-1)[1].when);
  assert.deepEqual(told, ["view", "at once"]);
});
