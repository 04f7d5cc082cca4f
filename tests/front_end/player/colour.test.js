import assert from "node:assert/strict";
import { test } from "node:test";
import {
  attentionColours, attentionTable, contrast, divergingColour, divergingTable, luminance, mix, paletteFor, PALETTES, parse, saturationOf, themeOf,
} from "../../../kvviz/player/js/colour.js";

const rgb = (/** @type {string} */ colour) => parse(colour);
const THEMES = /** @type {const} */ (["light", "dark"]);

/**
 * What a deuteranope sees: Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
 */
function deuteranope(colour) {
  const linear = rgb(colour).map((n) => (n / 255 <= 0.04045 ? n / 255 / 12.92 : ((n / 255 + 0.055) / 1.055) ** 2.4));
  const matrix = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]];
  return matrix.map((row) => Math.min(1, Math.max(0, row.reduce((sum, m, i) => sum + m * linear[i], 0))));
}

/** CIE L*a*b* of linear RGB under D65. */
function lab(linear) {
  const xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]].map((row) => row.reduce((s, m, i) => s + m * linear[i], 0));
  const [x, y, z] = [xyz[0] / 0.9505, xyz[1], xyz[2] / 1.089].map((t) => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 * t + 16) / 116));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const distance = (a, b) => Math.hypot(...lab(deuteranope(a)).map((n, i) => n - lab(deuteranope(b))[i]));

test("text meets WCAG AA on the card, the ground and its own wash, light and dark", () => {
  for (const theme of THEMES) {
    const p = PALETTES[theme];
    for (const name of ["text", "muted", "computedText", "reusedText"]) {
      for (const ground of ["card", "ground"]) assert.ok(contrast(rgb(p[name]), rgb(p[ground])) >= 4.5, `${theme}: ${name} on ${ground}`);
    }
    assert.ok(contrast(rgb(p.text), rgb(p.reusedWash)) >= 4.5, theme);
    assert.ok(contrast(rgb(p.text), rgb(p.computedWash)) >= 4.5, theme);
    assert.ok(contrast(rgb(p.reusedText), rgb(p.reusedWash)) >= 4.5, theme);
    assert.ok(contrast(rgb(p.computedText), rgb(p.computedWash)) >= 4.5, theme);
    assert.ok(contrast(rgb(p.onInk), rgb(p.ink)) >= 4.5, theme);
    assert.ok(contrast(rgb(theme === "light" ? "#ffffff" : "#17181b"), rgb(p.bar)) >= 4.5, `${theme}: "chosen" in its bar`);
  }
});

test("frames and badges stand out from the card as graphics must (3 to 1)", () => {
  for (const theme of THEMES) {
    for (const name of ["computed", "reused", "bar", "previous", "first", "induction"]) {
      assert.ok(contrast(rgb(PALETTES[theme][name]), rgb(PALETTES[theme].card)) >= 3, `${theme}: ${name}`);
    }
  }
});

test("computed and reused, purple and green, stay apart for a deuteranope", () => {
  for (const theme of THEMES) {
    const p = PALETTES[theme];
    // 20 is several times what two patches side by side need to look different (about 2.3).
    assert.ok(distance(p.computed, p.reused) > 20, `${theme}: ${distance(p.computed, p.reused)}`);
    assert.ok(distance(divergingColour(theme, -1), divergingColour(theme, 1)) > 20, theme);
    assert.ok(distance(divergingColour(theme, -0.5), divergingColour(theme, 0.5)) > 12, theme);
  }
});

test("more attention is always further from the paper: lighter in the dark, darker in the light", () => {
  for (const theme of THEMES) {
    const levels = attentionColours(theme).map((c) => luminance(rgb(c)));
    for (let i = 1; i < 256; i++) assert.ok(theme === "light" ? levels[i] <= levels[i - 1] : levels[i] >= levels[i - 1], `${theme} at ${i}`);
    assert.notEqual(attentionColours(theme)[0], PALETTES[theme].card, "a weight of nothing is still a cell");
  }
});

test("tables hold opaque little-endian words of the colours that names give", () => {
  for (const theme of THEMES) {
    const table = attentionTable(theme);
    const [r, g, b] = rgb(attentionColours(theme)[200]);
    assert.deepEqual([table[200] & 255, (table[200] >> 8) & 255, (table[200] >> 16) & 255, table[200] >>> 24], [r, g, b, 255]);
  }
  const table = divergingTable("light", 64);
  assert.equal(table[128 + 64], table[128 + 127], "the scale saturates");
  assert.notEqual(table[128 + 63], table[128 + 64]);
  assert.notEqual(table[128 - 64], table[128 + 64]);
});

test("the scale of values saturates where all but 2 % lie below", () => {
  const bytes = Int8Array.from({ length: 100 }, (_, i) => (i < 98 ? 10 * (i % 2 ? 1 : -1) : 127));
  assert.equal(saturationOf(bytes, 0, 100), 10);
  const spread = Int8Array.from({ length: 100 }, (_, i) => i + 1);
  assert.equal(saturationOf(spread, 0, 100), 98);
  assert.equal(saturationOf(spread, 0, 50), 49, "only the head asked for");
  assert.equal(saturationOf(new Int8Array(50), 0, 50), 1, "nothing but zeros still has a scale");
});

test("the theme is read off the page's own background, whatever way it is written", () => {
  assert.equal(themeOf("#0e1117"), "dark");
  assert.equal(themeOf("rgb(255, 255, 255)"), "light");
  assert.equal(themeOf(" rgba(14, 17, 23, 1) "), "dark");
  assert.equal(themeOf("#fff"), "light");
  assert.equal(themeOf(""), null);
  assert.equal(themeOf("var(--nonsense)"), null);
});

test("a page's text colour is worn only where it reads", () => {
  assert.equal(paletteFor("light", "#ffffff", "#31333f").text, "#31333f");
  assert.equal(paletteFor("light", "#ffffff", "#cccccc").text, PALETTES.light.text);
  const p = paletteFor("dark", "#0e1117", "#fafafa");
  for (const name of ["text", "muted", "computedText", "reusedText"]) assert.ok(contrast(rgb(p[name]), rgb(p.card)) >= 4.5, name);
  assert.deepEqual(mix([0, 0, 0], [255, 255, 255], 0.5), [127.5, 127.5, 127.5]);
});
