import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import answered from "../../../kvviz/ui/parts/experiment/answered.js";

/** What stands within the question that was answered. */
const own = { name: "own", matches: () => false };
const body = { name: "body", matches: () => false };
let number = 0;

/** A spot of a page with as much of the DOM as it needs. */
function makeSpot() {
  const heard = new Map();
  const spot = {
    className: "",
    tabIndex: 0,
    addEventListener: (/** @type {string} */ what, /** @type {Function} */ hear) => heard.set(what, hear),
    matches: () => true,
    closest: () => ({ contains: (/** @type {unknown} */ one) => one === own }),
    focus: () => (globalThis.document.activeElement = /** @type {any} */ (spot)),
  };
  /** The focus goes elsewhere: by a person to an element, or with one that is taken away to the page. */
  const leave = (/** @type {any} */ to) => {
    globalThis.document.activeElement = to;
    heard.get("focusout")({ relatedTarget: to === body ? null : to });
  };
  return { spot, leave };
}

/** @returns {ReturnType<typeof makeSpot>} */
function answer() {
  const made = makeSpot();
  globalThis.document = /** @type {any} */ ({ activeElement: own, body, createElement: () => made.spot });
  answered(/** @type {any} */ ({ data: { number: ++number }, parentElement: { append: () => {} } }));
  return made;
}

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

test("the focus that went with what was pressed is taken over, also where it is lost again", () => {
  const { spot, leave } = answer();
  mock.timers.tick(0);
  assert.equal(globalThis.document.activeElement, spot);
  leave(body);
  mock.timers.tick(100);
  assert.equal(globalThis.document.activeElement, spot);
});

test("who has gone on within the question keeps the focus", () => {
  const { leave } = answer();
  mock.timers.tick(0);
  leave(own);
  mock.timers.tick(400);
  assert.equal(globalThis.document.activeElement, own);
  // Unless what they came to is taken away.
  const gone = answer();
  mock.timers.tick(0);
  gone.leave(own);
  globalThis.document.activeElement = /** @type {any} */ (body);
  mock.timers.tick(100);
  assert.equal(globalThis.document.activeElement, gone.spot);
  // The next answer takes it again.
  const { spot } = answer();
  mock.timers.tick(0);
  assert.equal(globalThis.document.activeElement, spot);
});
