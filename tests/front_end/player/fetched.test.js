import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { fetched } from "../../../kvviz/player/js/fetched.js";
import { unpack } from "../../../kvviz/player/js/packed_buffer.js";
import { pack } from "../pack.js";

/** An element that knows its children and its text. */
class Place {
  children = /** @type {Place[]} */ ([]);
  parent = /** @type {Place | null} */ (null);
  textContent = "";
  setAttribute() {}
  /** @param {Place[]} children */
  append(...children) {
    for (const child of children) child.parent = this;
    this.children.push(...children);
  }
  remove() {
    this.parent?.children.splice(this.parent.children.indexOf(this), 1);
    this.parent = null;
  }
  get said() {
    return this.children.map(({ textContent }) => textContent).join();
  }
}

const { document: noDocument, fetch: realFetch } = globalThis;
/** What the server keeps; `undefined` stands for a server that does not answer. @type {Map<string, Uint8Array | null | undefined>} */
const server = new Map();
/** @type {string[]} */
let asked = [];

beforeEach(() => {
  asked = [];
  server.clear();
  mock.timers.enable({ apis: ["setTimeout"] });
  Object.assign(globalThis, {
    document: { createElement: () => new Place() },
    __streamlit: { BACKEND_BASE_URL: "https://class.example/base/" },
    fetch: async (/** @type {string} */ url) => {
      const address = url.replace("https://class.example/base/", "");
      asked.push(address);
      const bytes = server.get(address);
      if (bytes === undefined) throw new TypeError("no answer");
      return bytes === null ? { ok: true, status: 204 } : { ok: true, arrayBuffer: async () => bytes.slice().buffer };
    },
  });
});
afterEach(() => {
  mock.timers.reset();
  Object.assign(globalThis, { document: noDocument, fetch: realFetch, __streamlit: undefined });
});

const settled = async () => {
  for (let i = 0; i < 20; i++) await null;
};

function component() {
  const log = { drawn: /** @type {any[]} */ ([]), ended: 0, lost: /** @type {any[]} */ ([]) };
  const mounted = fetched(({ data }) => {
    log.drawn.push(data);
    return () => log.ended++;
  });
  const call = (/** @type {any} */ place, /** @type {string[]} */ ...addresses) =>
    mounted({
      data: { addresses, waiting: "on its way", late: "not yet" },
      parentElement: place,
      setStateValue: () => {},
      setTriggerValue: (name, value) => log.lost.push([name, value]),
    });
  return { log, call };
}

let n_made = 0;
/** A buffer at an address that no other test has asked for. */
function served(/** @type {any[]} */ arrays = []) {
  const address = `bytes/${++n_made}`;
  server.set(address, pack({ n: n_made }, arrays));
  return address;
}

test("a voucher is drawn as the buffer at its address, and the same voucher again is not fetched again", async () => {
  const { log, call } = component();
  const [place, address] = [new Place(), served()];
  call(place, address);
  call(place, address);
  assert.equal(log.drawn.length, 0);
  await settled();
  call(place, address);
  assert.deepEqual(log.drawn, [server.get(address), server.get(address)]);
  assert.deepEqual([asked, place.children], [[address], []]);
});

test("until it has come a line says so, but not of what comes at once", async () => {
  const { log, call } = component();
  const [place, address] = [new Place(), "bytes/late"];
  call(place, address);
  assert.equal(place.said, "");
  mock.timers.tick(400);
  assert.equal(place.said, "on its way");
  await settled();
  mock.timers.tick(400);
  assert.equal(place.said, "not yet");
  server.set(address, pack({}, []));
  mock.timers.tick(1000);
  await settled();
  assert.deepEqual([log.drawn.length, place.children, log.lost], [1, [], []]);
  assert.deepEqual(asked, [address, address]);
});

test("what was drawn stands until the next buffer has come, and an older one that comes late is not drawn", async () => {
  const { log, call } = component();
  const place = new Place();
  const [first, second, third] = [served(), served(), served()];
  call(place, first);
  await settled();
  call(place, second);
  assert.deepEqual([log.drawn.length, log.ended, place.children], [1, 0, []]);
  call(place, third);
  await settled();
  assert.deepEqual(log.drawn, [server.get(first), server.get(third)]);
});

test("a page that is drawn anew by another process, and has nothing to draw yet, leaves what was drawn before", async () => {
  const { log, call } = component();
  const [place, first, second] = [new Place(), served(), served()];
  call(place, first);
  await settled();
  call(place);
  await settled();
  assert.deepEqual([log.drawn.length, log.ended, place.children], [1, 0, []]);
  call(place, second);
  await settled();
  assert.deepEqual(log.drawn.at(-1), server.get(second));
});

test("what is not there any more is asked of the page, and fetched when the page gives it again", async () => {
  const { log, call } = component();
  const [place, address] = [new Place(), served()];
  const bytes = server.get(address);
  server.set(address, null);
  call(place, address);
  await settled();
  assert.deepEqual([log.lost, log.drawn], [[["lost", address]], []]);
  server.set(address, bytes);
  call(place, address);
  await settled();
  assert.deepEqual(log.drawn, [bytes]);
});

test("a server that never has it is asked more and more seldom", async () => {
  const { log, call } = component();
  const [place, address] = [new Place(), served()];
  server.set(address, null);
  call(place, address);
  for (let second = 0; second < 60; second++) {
    await settled();
    call(place, address);
    mock.timers.tick(1000);
  }
  await settled();
  assert.ok(asked.length >= 6 && asked.length <= 10, String(asked.length));
  assert.equal(log.lost.length, asked.length);
});

test("what belongs into a buffer is joined to it, and the buffer itself is not fetched again", async () => {
  const { log, call } = component();
  const array = (/** @type {string} */ name, /** @type {number} */ n) => ({ name, dtype: "u8", shape: [1], data: Uint8Array.from([n]) });
  const [place, own, more] = [new Place(), served([array("own", 1)]), served([array("more", 2)])];
  call(place, own);
  await settled();
  call(place, own, more);
  await settled();
  const { arrays } = unpack(log.drawn[1], "run", (header) => header);
  assert.deepEqual([...arrays].map(([name, { data }]) => [name, ...data]), [["own", 1], ["more", 2]]);
  assert.deepEqual(asked, [own, more]);
});

test("a call that is taken back after the next one does not take back the next", async () => {
  const { log, call } = component();
  const place = new Place();
  const [first, second] = [served(), served()];
  const takeBack = call(place, first);
  call(place, second);
  takeBack();
  await settled();
  assert.deepEqual(log.drawn, [server.get(second)]);
});

test("a place that was left draws nothing that comes later, asks no more, and ends what it drew", async () => {
  const { log, call } = component();
  const [place, other] = [new Place(), new Place()];
  const leave = call(place, "bytes/never");
  await settled();
  leave();
  mock.timers.tick(60_000);
  await settled();
  assert.deepEqual([log.drawn, log.ended, place.children, asked.length], [[], 0, [], 1]);
  const address = served();
  const first = call(other, address);
  await settled();
  const second = call(other, address);
  first();
  assert.equal(log.ended, 0, "what came after it in the same place stays");
  second();
  assert.equal(log.ended, 1);
  call(other, address);
  second();
  assert.equal(log.ended, 1);
});

test("who comes back to a page finds what was fetched last at hand", async () => {
  const { log, call } = component();
  const [address, n_before] = [served(), asked.length];
  call(new Place(), address)();
  await settled();
  call(new Place(), address);
  assert.equal(log.drawn.length, 1);
  assert.equal(asked.length - n_before, 1);
});
