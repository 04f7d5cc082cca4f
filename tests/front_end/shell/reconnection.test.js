// A page whose connection was lost, and is there again.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { onReconnection } from "../../../kvviz/ui/shell/reconnection.js";

/** @type {any} */
let world;

beforeEach(() => {
  world = { n: 0, state: null };
  const document = {
    addEventListener: (/** @type {string} */ _, /** @type {any} */ hear) => (world.type = (/** @type {any} */ target) => hear({ target })),
    querySelector: () => (world.state === null ? null : { getAttribute: () => world.state }),
  };
  class MutationObserver {
    constructor(/** @type {any} */ look) {
      world.look = look;
    }
    observe() {}
  }
  world.window = { document, MutationObserver, location: { search: "?prompt=Hi+you&step=3" } };
  onReconnection(world.window, () => (world.n += 1));
});

function goThrough(/** @type {(string | null)[]} */ ...states) {
  for (const state of states) {
    world.state = state;
    world.look();
  }
}

test("it is drawn anew each time that a connection is there again, and not for the first", () => {
  goThrough(null, "INITIAL", "PINGING_SERVER", "CONNECTING", "CONNECTED", "CONNECTED");
  assert.equal(world.n, 0);
  goThrough("PINGING_SERVER", "CONNECTING", "CONNECTED", "CONNECTED");
  assert.equal(world.n, 1);
  goThrough("DISCONNECTED_FOREVER", "CONNECTED");
  assert.equal(world.n, 2);
});

test("what was typed and is not in the address is not given away for it", () => {
  const field = { isConnected: true, value: "Hi yo" };
  goThrough("CONNECTED");
  world.type(field);
  goThrough("CONNECTING", "CONNECTED");
  assert.equal(world.n, 0);
  for (const said of [{ value: "Hi you" }, { value: "" }, { value: "of a page before", isConnected: false }]) {
    Object.assign(field, said);
    goThrough("CONNECTING", "CONNECTED");
  }
  assert.equal(world.n, 3);
});
