// Two texts that are typed, with a server made of a list of answers.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { TypedBeginnings } from "../../../kvviz/ui/pages/cache_lab/sharing/js/typed_beginnings.js";

const kept = { document: globalThis.document, fetch: globalThis.fetch };
/** @type {any} */
let world;

beforeEach(() => {
  world = { fields: { "#a": { value: "one" }, "#b": { value: "two" } }, asked: [], heard: new Map(), typed: false };
  for (const [selector, field] of Object.entries(world.fields)) field.matches = (/** @type {string} */ one) => one === selector;
  Object.assign(globalThis, {
    document: {
      querySelector: (/** @type {string} */ selector) => world.fields[selector] ?? null,
      addEventListener: (/** @type {string} */ name, /** @type {any} */ hear) => world.heard.set(name, hear),
      removeEventListener: (/** @type {string} */ name) => world.heard.delete(name),
    },
    __streamlit: { BACKEND_BASE_URL: "http://here/base/" },
    fetch: (/** @type {string} */ url, /** @type {any} */ { body }) =>
      new Promise((answer, fail) => world.asked.push({ url, said: JSON.parse(body), fail, answer: (/** @type {string} */ html) => answer({ ok: true, json: async () => ({ html }) }) })),
  });
});

afterEach(() => {
  Object.assign(globalThis, kept);
});

const PAYLOAD = { address: "at", says: { model: "m" }, run: { text: "one", other: "two" }, fields: { text: "#a", other: "#b" }, place: ".place" };

function mounted() {
  const place = { toggleAttribute: (/** @type {string} */ _name, /** @type {boolean} */ is) => (world.typed = is) };
  const root = { innerHTML: "", closest: () => place };
  const part = new TypedBeginnings(/** @type {any} */ (root));
  part.load(PAYLOAD);
  return { part, root };
}

function type(/** @type {string} */ selector, /** @type {string} */ value) {
  world.fields[selector].value = value;
  world.heard.get("input")({ target: world.fields[selector] });
}

const settled = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

test("what is typed is asked about at once, one question at a time, and the last keys are never lost", async () => {
  const { root } = mounted();
  assert.equal(world.asked.length, 0);
  type("#b", "tw");
  type("#b", "t");
  type("#b", "th");
  assert.deepEqual(world.asked.map((/** @type {any} */ one) => [one.url, one.said]), [["http://here/base/at", { model: "m", text: "one", other: "tw" }]]);
  world.asked[0].answer("<p>tw</p>");
  await settled();
  assert.deepEqual([root.innerHTML, world.typed], ["<p>tw</p>", true]);
  assert.deepEqual(world.asked.map((/** @type {any} */ one) => one.said.other), ["tw", "th"]);
  world.asked[1].answer("<p>th</p>");
  await settled();
  assert.equal(root.innerHTML, "<p>th</p>");
  assert.equal(world.asked.length, 2);
});

test("what was run stands there again once the fields say it, also where an answer comes late", async () => {
  const { part, root } = mounted();
  type("#a", "on");
  world.asked[0].answer("<p>on</p>");
  await settled();
  type("#a", "o");
  type("#a", "one");
  assert.deepEqual([root.innerHTML, world.typed], ["", false]);
  world.asked[1].answer("<p>o</p>");
  await settled();
  assert.deepEqual([root.innerHTML, world.asked.length], ["", 2]);
  // The page has run what was typed meanwhile.
  type("#a", "ones");
  part.load({ ...PAYLOAD, run: { text: "ones", other: "two" } });
  world.asked[2].answer("<p>ones</p>");
  await settled();
  assert.deepEqual([root.innerHTML, world.typed], ["", false]);
});

test("a server that does not answer leaves what is there, and other fields are nobody's business", async () => {
  const { part, root } = mounted();
  world.fields["#c"] = { value: "", matches: () => false };
  type("#c", "x");
  assert.equal(world.asked.length, 0);
  type("#b", "tw");
  world.asked[0].fail(new TypeError("no way there"));
  await settled();
  assert.equal(root.innerHTML, "");
  type("#b", "t");
  assert.equal(world.asked.length, 2);
  part.destroy();
  world.asked[1].answer("<p>t</p>");
  await settled();
  assert.equal(root.innerHTML, "");
  assert.equal(world.heard.size, 0);
});
