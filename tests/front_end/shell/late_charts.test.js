// When the charts are wanted, in a page made of a few facts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chartsWanted } from "../../../kvviz/ui/shell/late_charts.js";

/** What is not displayed, as what stands in a sidebar that is left out, has no box. */
const boxes = (of) => ({ getClientRects: () => (of === "left out" ? [] : [{}]) });

/** A page with one chart, which a test changes and lets grow older. */
function page() {
  const found = { script: "notRunning", top: 1500, parts: [{ height: 800 }], skeletons: [{ of: "chart" }], nCharts: 1 };
  const heard = new Map();
  let now = 0;
  let look = null;
  const app = { dataset: { get testScriptState() { return found.script; } } };
  const chart = { parentElement: { getBoundingClientRect: () => ({ top: found.top, bottom: found.top + 300 }) } };
  const document = {
    querySelector: () => app,
    querySelectorAll: (selector) => {
      if (selector.includes("chart-")) return Array(found.nCharts).fill(chart);
      if (selector.includes("Bidi")) return found.parts.map(({ height, of }) => ({ offsetHeight: height, closest: () => of === "history", ...boxes(of) }));
      return found.skeletons.map(({ of }) => ({ closest: () => of === "chart", ...boxes(of) }));
    },
  };
  const window = {
    document,
    innerHeight: 1000,
    performance: { now: () => now },
    setInterval: (run) => (look = run) && 1,
    clearInterval: () => (look = null),
    addEventListener: (name, hear, { signal }) => {
      heard.set(name, hear);
      signal.addEventListener("abort", () => heard.delete(name));
    },
  };
  let wanted = false;
  const promise = chartsWanted(window).then(() => (wanted = true));
  const after = async (ms) => {
    for (const end = now + ms; now < end; ) {
      now += 100;
      look?.();
    }
    await Promise.resolve();
    return wanted;
  };
  return { found, heard, after, promise };
}

test("a chart far below the window comes when nothing has happened for a while", async () => {
  const { after, heard } = page();
  assert.equal(await after(9900), false);
  assert.equal(await after(300), true);
  assert.equal(heard.size, 0);
});

test("what a person does puts it off", async () => {
  const { after, heard } = page();
  for (const name of ["pointerdown", "keydown", "wheel", "touchmove"]) {
    assert.equal(await after(9500), false);
    heard.get(name)();
  }
  assert.equal(await after(9500), false);
  assert.equal(await after(700), true);
});

test("a chart near the window comes as soon as what stands above it has its height", async () => {
  const { found, after } = page();
  // Before the player has its height, the chart stands where the player will.
  Object.assign(found, { top: 400, parts: [{ height: 0 }, { height: 0, of: "history" }] });
  assert.equal(await after(500), false);
  Object.assign(found, { top: 1240, parts: [{ height: 800 }, { height: 0, of: "history" }] });
  assert.equal(await after(100), true);
});

test("a chart does not wait for what a view leaves out", async () => {
  const { found, after } = page();
  Object.assign(found, { top: 400, parts: [{ height: 800 }, { height: 0, of: "left out" }], skeletons: [{ of: "left out" }] });
  assert.equal(await after(100), true);
});

test("a chart is not near while something above it is still to come, nor when it has gone by", async () => {
  const { found, after } = page();
  Object.assign(found, { top: 400, skeletons: [{ of: "chart" }, { of: "player" }] });
  assert.equal(await after(500), false);
  Object.assign(found, { top: -900, skeletons: [{ of: "chart" }] });
  assert.equal(await after(500), false);
  found.top = 1260;
  assert.equal(await after(500), false);
  found.top = -540;
  assert.equal(await after(100), true);
});

test("nothing is wanted while the server works, or where there is no chart", async () => {
  const { found, after } = page();
  Object.assign(found, { script: "running", top: 100 });
  assert.equal(await after(15_000), false);
  Object.assign(found, { script: "notRunning", nCharts: 0 });
  assert.equal(await after(29_000), false);
  found.nCharts = 1;
  assert.equal(await after(100), true);
});

test("printing wants them at once", async () => {
  const { heard, promise } = page();
  heard.get("beforeprint")();
  await promise;
});
