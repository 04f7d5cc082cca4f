import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { mountComponent } from "../../../kvviz/player/js/mount_component.js";

/** An element that knows its children, which is all that mounting needs. */
class Place {
  children = /** @type {Place[]} */ ([]);
  parent = /** @type {Place | null} */ (null);
  /** @param {Place} child */
  append(child) {
    child.parent = this;
    this.children.push(child);
  }
  remove() {
    const siblings = this.parent?.children ?? [];
    siblings.splice(siblings.indexOf(this), 1);
  }
}

const before = globalThis.document;
beforeEach(() => Object.assign(globalThis, { document: { createElement: () => new Place() } }));
afterEach(() => Object.assign(globalThis, { document: before }));

function component() {
  /** @type {any[]} */
  const parts = [];
  const mounted = mountComponent((root, page) => {
    const part = { root, page, loaded: /** @type {any[]} */ ([]), gone: 0, load: (/** @type {any} */ data) => part.loaded.push(data), destroy: () => part.gone++ };
    parts.push(part);
    return part;
  });
  const silent = () => {};
  const call = (/** @type {any} */ place, /** @type {any} */ data, /** @type {any} */ tell = silent) =>
    mounted({ data, parentElement: place, setStateValue: tell, setTriggerValue: tell });
  return { parts, call };
}

test("the same element keeps its part, and another gets its own", () => {
  const { parts, call } = component();
  const [one, other] = [new Place(), new Place()];
  for (const data of [1, 2]) call(one, data);
  call(other, 3);
  assert.deepEqual(parts.map((part) => part.loaded), [[1, 2], [3]]);
  assert.deepEqual([one.children, other.children], parts.map((part) => [part.root]));
});

test("a part tells the server by the functions of the latest call", () => {
  const { parts, call } = component();
  const place = new Place();
  /** @type {string[]} */
  const told = [];
  call(place, 0, () => told.push("old"));
  call(place, 0, () => told.push("new"));
  parts[0].page.setStateValue("view", 1);
  parts[0].page.setTriggerValue("wanted", 1);
  assert.deepEqual(told, ["new", "new"]);
});

test("what is left is taken down once, and a late clean-up spares the part that came after it", () => {
  const { parts, call } = component();
  const place = new Place();
  const leave = call(place, 1);
  leave();
  assert.deepEqual([parts[0].gone, place.children.length], [1, 0]);
  call(place, 2);
  leave();
  assert.deepEqual(parts.map((part) => part.gone), [1, 0]);
  assert.equal(place.children[0], parts[1].root);
});

test("a call that is taken back after the next one does not take back the next", () => {
  const { parts, call } = component();
  const place = new Place();
  const takeBack = call(place, 1);
  const leave = call(place, 2);
  takeBack();
  assert.deepEqual([parts[0].gone, place.children.length], [0, 1]);
  leave();
  assert.deepEqual([parts[0].gone, place.children.length], [1, 0]);
});

test("what a part tells while its page is being left waits, and is dropped with the part", () => {
  const { parts, call } = component();
  /** @type {string[]} */
  const told = [];
  /** @type {(() => void)[]} */
  const held = [];
  let leaving = true;
  Object.assign(globalThis, {
    kvvizAddressBar: { unlessLeaving: (/** @type {() => void} */ tell) => (leaving ? held.push(tell) : tell()) },
  });
  const leave = call(new Place(), 1, (/** @type {string} */ name) => told.push(name));
  parts[0].page.setStateValue("view", 1);
  parts[0].page.setTriggerValue("pick", 1);
  assert.deepEqual([told, held.length], [[], 2]);
  held[0]();
  assert.deepEqual(told, ["view"]);
  leave();
  held[1]();
  leaving = false;
  parts[0].page.setStateValue("view", 2);
  assert.deepEqual(told, ["view"]);
  Object.assign(globalThis, { kvvizAddressBar: undefined });
});
