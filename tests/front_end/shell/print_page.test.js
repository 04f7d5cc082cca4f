import assert from "node:assert/strict";
import { test } from "node:test";
import { PAPER_WIDTH, fitOnPaper } from "../../../kvviz/ui/shell/print_page.js";

function printed(/** @type {number | null} */ width, scheme = "light") {
  const found = { share: "", dark: /** @type {boolean | null} */ (null) };
  let hear = () => {};
  const window = {
    addEventListener: (/** @type {string} */ name, /** @type {() => void} */ listener) => name === "beforeprint" && (hear = listener),
    getComputedStyle: () => ({ colorScheme: scheme }),
    document: {
      querySelector: (/** @type {string} */ selector) => (selector === ".stApp" ? {} : width === null ? null : { scrollWidth: width }),
      documentElement: {
        style: { setProperty: (/** @type {string} */ _, /** @type {string} */ value) => (found.share = value) },
        toggleAttribute: (/** @type {string} */ _, /** @type {boolean} */ on) => (found.dark = on),
      },
    },
  };
  fitOnPaper(/** @type {any} */ (window));
  assert.equal(found.share, "", "nothing is done before it is printed");
  hear();
  return found;
}

test("a page wider than paper is made as much smaller, and a narrow one is left as it is", () => {
  assert.equal(Number(printed(1400).share), PAPER_WIDTH / 1400);
  assert.equal(printed(390).share, "1.000");
  assert.equal(printed(null).share, "1.000");
});

test("a page that was dark is told so", () => {
  assert.equal(printed(1400, "dark").dark, true);
  assert.equal(printed(1400).dark, false);
});
