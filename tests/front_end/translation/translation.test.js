import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { N_, catalogueIn, gettext, ngettext, pgettext, translated, useCatalogue } from "../../../kvviz/player/js/translation.js";

// Polish: 1; 2 to 4 but not 12 to 14; all others.
const form = (n) => (n === 1 ? 0 : n % 10 >= 2 && n % 10 <= 4 && (n % 100 < 10 || n % 100 >= 20) ? 1 : 2);
const POLISH = {
  language: "pl",
  forms: Array.from({ length: 200 }, (_, n) => form(n)).join(""),
  messages: {
    "{n} row": ["{n} wiersz", "{n} wiersze", "{n} wierszy"],
    "Close": "Zamknij",
    "verb\u0004close": "zamknij",
    "{model} reads {text}": "{text}: czyta {model}",
    "Untranslated": "",
  },
};

afterEach(() => useCatalogue(null));

const rows = (n) => ngettext("{n} row", "{n} rows", n, { n });

test("without a catalogue English stands, with the right form and what is filled in", () => {
  assert.deepEqual([0, 1, 2].map(rows), ["0 rows", "1 row", "2 rows"]);
  assert.equal(gettext("{model} reads {text}", { model: "GPT-2", text: "{n}" }), "GPT-2 reads {n}");
  assert.equal(gettext("{unknown} stays"), "{unknown} stays");
  assert.equal(pgettext("verb", "close"), "close");
});

test("a catalogue gives its own words, order and plural forms", () => {
  useCatalogue(POLISH);
  assert.deepEqual([1, 3, 5, 12, 22, 112, 1001, 1002, 100_013].map(rows).map((text) => text.split(" ")[1]), [
    "wiersz", "wiersze", "wierszy", "wierszy", "wiersze", "wierszy", "wierszy", "wiersze", "wierszy",
  ]);
  assert.equal(gettext("{model} reads {text}", { model: "GPT-2", text: "kot" }), "kot: czyta GPT-2");
  assert.equal(pgettext("verb", "close"), "zamknij");
  assert.equal(gettext("{n} row", { n: 1 }), "1 wiersz");
});

test("what a catalogue lacks is said in English", () => {
  useCatalogue(POLISH);
  assert.equal(gettext("Untranslated"), "Untranslated");
  assert.equal(gettext("Not there"), "Not there");
  assert.equal(ngettext("one", "many", 5, {}), "many");
});

test("constants are translated when they are read and not when they are made", () => {
  const labels = translated({ close: N_("Close") });
  assert.equal(labels.close, "Close");
  assert.equal(useCatalogue(POLISH), true);
  assert.equal(labels.close, "Zamknij");
  assert.equal(useCatalogue(POLISH), false);
});

const packed = (header) => {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const buffer = new Uint8Array(4 + text.length);
  new DataView(buffer.buffer).setUint32(0, text.length, true);
  buffer.set(text, 4);
  return buffer;
};

test("a packed buffer brings its catalogue first, and an English one brings none", () => {
  const buffer = packed({ translation: POLISH, magic: "kvviz" });
  assert.deepEqual(catalogueIn(buffer), POLISH);
  assert.deepEqual(catalogueIn(buffer.buffer), POLISH);
  const shifted = new Uint8Array(buffer.length + 3);
  shifted.set(buffer, 3);
  assert.deepEqual(catalogueIn(shifted.subarray(3)), POLISH);
  assert.equal(catalogueIn(packed({ magic: "kvviz" })), null);
});

test("what is no whole buffer has no catalogue, and is left to its reader to refuse", () => {
  const buffer = packed({ translation: POLISH });
  for (const input of [buffer.subarray(0, 40), new Uint8Array(0), new Uint8Array(3), "text", undefined]) {
    assert.equal(catalogueIn(input), null);
  }
});
