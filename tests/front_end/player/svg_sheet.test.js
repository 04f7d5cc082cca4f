// The sheet that keeps what is drawn as SVG, drawn on by the painters themselves.
import assert from "node:assert/strict";
import { test } from "node:test";

import { PALETTES } from "../../../kvviz/player/js/colour.js";
import { begin, badge, dot, frame } from "../../../kvviz/player/js/pen.js";
import { sheetMaker } from "../../../kvviz/player/js/svg_sheet.js";

const TOOLS = {
  measure: (font, text) => text.length * Number(/([\d.]+)px/.exec(font)[1]),
  depthOf: (_, baseline) => ({ middle: 4, top: 10 })[baseline],
  encode: (_, x, y, w, h) => `data:part/${[x, y, w, h].join(",")}`,
};
const newSheet = sheetMaker(TOOLS);
const body = (sheet) => sheet.file(1, 1, "").replace(/^.*<\/title>/, "").replace("</svg>\n", "");

test("what painters share is drawn as shapes, at the resolution asked for", () => {
  const sheet = newSheet();
  const pen = begin(sheet, 20, 10, 2);
  assert.deepEqual([sheet.width, sheet.height], [40, 20]);
  frame(pen, { x: 1, y: 1, w: 8, h: 8 }, 1, "#ff0000", 2);
  dot(pen, 5, 5, 2, "#00ff00", true);
  badge(pen, "previous-token", 5, 5, 5, { ...PALETTES.light, sans: "" });
  const drawn = body(sheet);
  assert.equal(drawn.match(/<rect /g).length, 4);
  assert.match(drawn, /<rect x="1" y="1" width="8" height="1" fill="#ff0000" transform="matrix\(2 0 0 2 0 0\)"\/>/);
  assert.match(drawn, /<path d="M7 5A2 2 0 1 1 3 5A2 2 0 1 1 7 5Z" fill="#00ff00"/);
  assert.match(drawn, new RegExp(`<path d="M9 0L9 10L0 5Z" fill="${PALETTES.light.previous}"`));
});

test("drawn anew, the picture before is gone", () => {
  const sheet = newSheet();
  begin(sheet, 4, 4, 1).fillRect(0, 0, 1, 1);
  begin(sheet, 4, 4, 1).fillRect(2, 2, 1, 1);
  assert.equal(body(sheet), '<rect x="2" y="2" width="1" height="1" fill="#000000"/>');
});

test("text stays text: its letters, its size, its place, and no markup of its own", () => {
  const sheet = newSheet();
  const pen = sheet.getContext();
  pen.font = '600 12px "A & B", sans';
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.fillText('<script>"&', 50, 20);
  assert.equal(pen.measureText("four").width, 48);
  assert.equal(body(sheet), `<text xml:space="preserve" x="50" y="24" textLength="120" lengthAdjust="spacingAndGlyphs" text-anchor="end" style="font: 600 12px 'A &amp; B', sans; white-space: pre" fill="#000000">&lt;script&gt;&quot;&amp;</text>`);
});

test("what XML cannot say is replaced, a whole character never", () => {
  const sheet = newSheet();
  sheet.getContext().fillText("a\u0000\u001b\ud83d b\u{1f600}\ufffe옛\t", 0, 0);
  assert.match(body(sheet), />a\ufffd\ufffd\ufffd b\u{1f600}\ufffd옛\t</u);
});

test("a saved pen comes back with its place, its dashes and what it is clipped to", () => {
  const sheet = newSheet();
  const pen = sheet.getContext();
  pen.save();
  pen.translate(10, 0);
  pen.rotate(Math.PI / 2);
  pen.beginPath();
  pen.rect(0, 0, 5, 5);
  pen.clip();
  pen.setLineDash([2, 3]);
  pen.globalAlpha = 0.5;
  pen.strokeRect(1, 1, 2, 2);
  pen.restore();
  pen.strokeRect(1, 1, 2, 2);
  const [clipped, free] = body(sheet).replace(/<defs>.*<\/defs>/, "").split("</g>");
  assert.match(clipped, /^<g clip-path="url\(#k\d+\)"><rect .* stroke-dasharray="2 3" transform="matrix\(0 1 -1 0 10 0\)" opacity="0.5"\/>$/);
  assert.equal(free, '<rect x="1" y="1" width="2" height="2" fill="none" stroke="#000000" stroke-width="1"/>');
  assert.match(body(sheet), /<clipPath id="k\d+"><path d="M0 0h5v5h-5Z" transform="matrix\(0 1 -1 0 10 0\)"\/><\/clipPath>/);
});

test("pictures are laid in: of numbers sharp, of another sheet as its shapes, with names of their own", () => {
  const inner = newSheet();
  inner.width = inner.height = 20;
  const gradient = inner.getContext().createLinearGradient(0, 0, 1, 0);
  gradient.addColorStop(0, "#111111");
  gradient.addColorStop(1, "#222222");
  inner.getContext().fillStyle = gradient;
  inner.getContext().fillRect(0, 0, 20, 20);
  const outer = newSheet();
  const pen = outer.getContext();
  pen.fillStyle = pen.createPattern({ width: 7, height: 7 }, "repeat");
  pen.fillRect(0, 0, 1, 1);
  pen.imageSmoothingEnabled = false;
  pen.drawImage({ width: 8, height: 8 }, 0, 3, 4, 1, 10, 10, 40, 5);
  pen.drawImage({ width: 8, height: 8 }, 0, 3, 0, 1, 10, 10, 40, 5);
  pen.drawImage(inner, 5, 6, 10, 10);
  const drawn = body(outer);
  assert.equal(drawn.match(/<image x="10" y="10" width="40" height="5" preserveAspectRatio="none" style="image-rendering: pixelated" href="data:part\/0,3,4,1"\/>/g).length, 1);
  assert.equal(drawn.match(/<image x=/g).length, 1);
  assert.match(drawn, /<g .*?><defs><linearGradient.*?#111111.*?#222222.*?<\/linearGradient><\/defs>.*<\/g>/);
  assert.match(drawn, / transform="matrix\(0.5 0 0 0.5 5 6\)"/);
  const names = [...drawn.matchAll(/ id="(k\d+)"/g)].map((found) => found[1]);
  assert.equal(names.length, 2);
  assert.equal(new Set(names).size, 2);
  for (const name of names) assert.ok(drawn.includes(`url(#${name})`));
});

test("a file says its size and what it shows", () => {
  const sheet = newSheet();
  sheet.width = 200;
  sheet.height = 100;
  assert.match(sheet.file(100, 50, "a < b"), /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="100" height="50" viewBox="0 0 200 100" role="img"><title>a &lt; b<\/title><\/svg>\n$/);
});
