// The way to a room that is in another process of the app.
import assert from "node:assert/strict";
import { test } from "node:test";
import { goElsewhere } from "../../../kvviz/ui/shell/room/js/elsewhere.js";

/** @param {string} href @returns {[boolean, string[]]} Whether it goes, and where to. */
function gone(href) {
  const to = /** @type {string[]} */ ([]);
  const window = /** @type {any} */ ({ location: { href, assign: (/** @type {string} */ there) => to.push(there) } });
  return [goElsewhere(window, "ZBBBB"), to];
}

test("the address keeps what it says and names the room, from which a proxy knows the process", () => {
  assert.deepEqual(gone("http://h/base/kv_cache?prompt=Hi+you&lang=en-XA"), [true, ["http://h/base/kv_cache?prompt=Hi+you&lang=en-XA&room=ZBBBB"]]);
  // As somebody else wrote it, no proxy might read it.
  assert.deepEqual(gone("http://h/?room=+z-bbbb"), [true, ["http://h/?room=ZBBBB"]]);
});

test("nobody is sent in a circle where no proxy stands before the processes", () => {
  assert.deepEqual(gone("http://h/?room=ZBBBB"), [false, []]);
});
