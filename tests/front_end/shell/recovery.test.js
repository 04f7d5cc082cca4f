// What happens to a page that Streamlit has taken down.
import assert from "node:assert/strict";
import { test } from "node:test";
import { recover } from "../../../kvviz/ui/shell/recovery.js";

function page() {
  const heard = new Map();
  const stored = new Map();
  let nLoads = 0;
  recover({
    addEventListener: (name, hear) => heard.set(name, hear),
    sessionStorage: { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value) },
    location: { reload: () => nLoads++ },
  });
  return { heard, stored, loads: () => nLoads };
}

test("it is loaded anew, by whichever way the error comes", () => {
  for (const [name, event] of [["error", { message: "Uncaught Error: Cannot set a node at a delta path" }], ["unhandledrejection", { reason: new Error("Cannot set a node at a delta path") }]]) {
    const { heard, loads } = page();
    heard.get(name)(event);
    assert.equal(loads(), 1);
  }
});

test("any other error is none of its business", () => {
  const { heard, loads } = page();
  heard.get("error")({ message: "Script error." });
  heard.get("unhandledrejection")({ reason: undefined });
  assert.equal(loads(), 0);
});

test("a page that breaks again at once stays as it is", () => {
  const { heard, stored, loads } = page();
  const error = { message: "Cannot set a node at a delta path" };
  heard.get("error")(error);
  heard.get("error")(error);
  assert.equal(loads(), 1);
  stored.set("kvviz-recovered", String(Date.now() - 10_001));
  heard.get("error")(error);
  assert.equal(loads(), 2);
});

test("a clock that was set back leaves no page white", () => {
  const { heard, stored, loads } = page();
  stored.set("kvviz-recovered", String(Date.now() + 3_600_000));
  heard.get("error")({ message: "Cannot set a node at a delta path" });
  assert.equal(loads(), 1);
});
