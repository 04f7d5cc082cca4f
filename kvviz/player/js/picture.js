// "Save picture": the view as it stands, with its sentence and where it came from, as a PNG.
import { glyphs, inUnit, percent, unitFor, whole, withBlanks } from "./format.js";
import { MONO, textWithin } from "./pen.js";
import { billSide, mainRun, nextTokens, stepFacts, textOfId } from "./run.js";
import { gettext } from "./translation.js";
import * as words from "./words.js";

/**
 * @import { RunCache } from "./buffer.js"
 * @import { Scene } from "./player.js"
 *
 * @typedef {{ draw: (dpr: number) => HTMLCanvasElement[] }} Drawn
 * @typedef {{ draw: (dpr: number) => HTMLCanvasElement }} Single
 */

const EDGE = 28;
const COLUMN = 250;

/**
 * @param {Scene} scene @param {{ on: Drawn, off: Drawn }} panels @param {Single} lives @param {Single} overview
 */
export function savePicture(scene, panels, lives, overview) {
  const { state, payload } = scene;
  composePicture(scene, panels, lives, overview).toBlob((blob) => {
    if (!blob) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `kvviz-${payload.header.model.name.split("/").pop()}-step${state.step}-layer${state.layer}-head${state.head}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

/**
 * @param {Scene} scene @param {{ on: Drawn, off: Drawn }} panels
 * @param {Single} lives @param {Single} overview @returns {HTMLCanvasElement}
 */
export function composePicture(scene, panels, lives, overview) {
  const { state, payload, palette } = scene;
  const dpr = Math.max(2, scene.dpr);
  /** @type {RunCache[]} */
  const runs = state.cache === "both" ? ["on", "off"] : [state.cache];
  const { kv, heat, cross, history, bands } = scene.layout;
  const left = EDGE + (bands ? history.w + 24 : 0);
  const panelWidth = left - EDGE + kv.w + 24 + Math.max(heat.w, cross?.heat.w ?? 0);
  const width = Math.max(2 * EDGE + panelWidth + 32 + COLUMN, 2 * EDGE + scene.layout.heads.w);
  const sentences = 24 * runs.length;
  const above = bands ? 0 : history.h + 40;
  const upper = Math.max(kv.h, heat.h) + 42;
  const panelHeight = sentences + Math.max(above + upper + (cross ? Math.max(cross.kv.h, cross.heat.h) + 40 : 0), history.h + 42);
  const headsHeight = scene.layout.heads.h;
  const height = 2 * EDGE + 56 + Math.max(panelHeight, 470) + 40 + headsHeight + 34;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * dpr);
  canvas.height = Math.round(height * dpr);
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.scale(dpr, dpr);
  pen.fillStyle = palette.card;
  pen.fillRect(0, 0, width, height);
  const write = (/** @type {string} */ text, /** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ font, /** @type {string} */ colour, /** @type {CanvasTextAlign} */ align = "left") => {
    pen.font = font;
    pen.fillStyle = colour;
    pen.textAlign = align;
    pen.textBaseline = "alphabetic";
    pen.fillText(text, x, y);
  };
  const { model, encoder } = payload.header;
  const prompt = encoder ? withBlanks(payload.header.prompt) : payload.header.prompt;
  const view = gettext("{model} · layer {layer}, head {head}", { model: model.name, layer: state.layer, head: state.head });
  write(view, EDGE, EDGE + 16, `600 18px ${palette.sans}`, palette.text);
  pen.font = `13px ${MONO}`;
  pen.fillStyle = palette.muted;
  pen.textAlign = "left";
  textWithin(pen, `“${glyphs(prompt).replaceAll("␣", " ")}”`, EDGE, EDGE + 38, width - 2 * EDGE);
  let y = EDGE + 62;
  runs.forEach((run, i) => writeSentence(pen, scene, run, y + 12 + 24 * i));
  y += sentences;
  const title = `600 14px ${palette.sans}`;
  write(words.LABELS.history, EDGE + history.grids[0].x, y + 16, title, palette.text);
  pen.drawImage(lives.draw(dpr), EDGE, y + 24, history.w, history.h);
  runs.forEach((run, i) => {
    const { x } = history.grids[i];
    const top = (history.crossGrids[i] ?? history.grids[i]).y;
    const life = scene.lives[run];
    const n = (life?.own.computed[state.step] ?? 0) + (life?.cross?.computed[state.step] ?? 0);
    write(words.runName(run), EDGE + x, y + top - 14, `12px ${palette.sans}`, palette.muted);
    write(`${whole(n)} ${words.rowsSoFar(n)}`, EDGE + x, y + top + 2, `600 13px ${palette.sans}`, palette.computedText);
  });
  y += above;
  const [kvCanvas, heatCanvas, crossKv, crossHeat] = panels[runs[0]].draw(dpr);
  const right = left + kv.w + 24;
  write(cross ? words.LABELS.selfKv : words.LABELS.kv, left, y + 16, title, palette.text);
  write(cross ? words.LABELS.selfPattern : words.LABELS.pattern, right, y + 16, title, palette.text);
  pen.drawImage(kvCanvas, left, y + 24, kv.w, kv.h);
  pen.drawImage(heatCanvas, right, y + 24, heat.w, heat.h);
  if (cross) {
    write(words.LABELS.crossKv, left, y + upper + 14, title, palette.text);
    write(words.LABELS.crossPattern, right, y + upper + 14, title, palette.text);
    pen.drawImage(crossKv, left, y + upper + 22, cross.kv.w, cross.kv.h);
    pen.drawImage(crossHeat, right, y + upper + 22, cross.heat.w, cross.heat.h);
  }
  y = EDGE + 62 + panelHeight;
  writeColumn(pen, scene, EDGE + panelWidth + 32, EDGE + 74, write);
  y = Math.max(y, EDGE + 62 + 470);
  write(words.LABELS.heads, EDGE, y + 10, `600 14px ${palette.sans}`, palette.text);
  pen.drawImage(overview.draw(dpr), EDGE, y + 22, scene.layout.heads.w, headsHeight);
  const { legendComputed: computed, legendReused: reused, legendMask: mask } = words.LABELS;
  const legend = gettext("orange: {computed} · blue: {reused} · hatched: {mask}", { computed, reused, mask });
  write(legend, EDGE, height - EDGE + 6, `12px ${palette.sans}`, palette.muted);
  write("kvviz", width - EDGE, height - EDGE + 6, `600 12px ${palette.sans}`, palette.muted, "right");
  return canvas;
}

/** @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {RunCache} run @param {number} y */
function writeSentence(pen, { payload, state, palette }, run, y) {
  const colours = { strong: palette.text, computed: palette.computedText, reused: palette.reusedText, quiet: palette.muted };
  let x = EDGE;
  /** @type {words.Span[]} */
  const spans = [...words.stepSentence(stepFacts(payload, run, state.step))];
  if (state.cache === "both") spans.unshift({ text: words.runName(run), tone: "strong" });
  spans.forEach((span, i) => {
    const text = (i > 0 ? "  ·  " : "") + span.text;
    pen.font = `${span.tone === "quiet" || !span.tone ? 400 : 600} 15px ${palette.sans}`;
    pen.fillStyle = span.tone ? colours[span.tone] : palette.text;
    pen.textAlign = "left";
    pen.fillText(text, x, y);
    x += pen.measureText(text).width;
  });
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {number} x @param {number} y
 * @param {(text: string, x: number, y: number, font: string, colour: string, align?: CanvasTextAlign) => void} write
 */
function writeColumn(pen, { payload, state, palette }, x, y, write) {
  const cache = mainRun(state.cache);
  write(words.LABELS.next, x, y + 28, `600 14px ${palette.sans}`, palette.text);
  const tokens = nextTokens(payload, cache, state.step, 7);
  const most = Math.max(...tokens.map((t) => t.prob), 1e-9);
  tokens.forEach((token, i) => {
    const at = y + 52 + i * 24;
    pen.font = `${token.chosen ? 600 : 400} 13px ${MONO}`;
    pen.fillStyle = palette.text;
    pen.textAlign = "left";
    textWithin(pen, (token.chosen ? "▸ " : "") + glyphs(textOfId(payload, token.id)), x, at, 84);
    pen.fillStyle = palette.bar;
    pen.fillRect(x + 92, at - 10, Math.max(2, (COLUMN - 150) * (token.prob / most)), 12);
    write(percent(token.prob), x + COLUMN, at, `13px ${palette.sans}`, palette.text, "right");
  });
  const top = y + 52 + 7 * 24 + 20;
  write(words.LABELS.bill, x, top, `600 14px ${palette.sans}`, palette.text);
  write(words.LABELS.withCache, x + COLUMN - 90, top, `12px ${palette.sans}`, palette.muted, "right");
  write(words.LABELS.withoutCache, x + COLUMN, top, `12px ${palette.sans}`, palette.muted, "right");
  const sides = { on: billSide(payload, "on", state.step), off: billSide(payload, "off", state.step) };
  const two = payload.header.encoder !== null;
  const all = /** @type {const} */ ([["rows", null], ["cross_rows", null], ["flops", "flops"], ["seconds", "seconds"], ["cache_bytes", "bytes"]]);
  const figures = all.filter(([figure]) => two || figure !== "cross_rows");
  figures.forEach(([figure, kind], i) => {
    const at = top + 26 + i * 24;
    const totalOf = (/** @type {RunCache} */ side) => sides[side][figure]?.total ?? null;
    const unit = kind ? unitFor(kind, totalOf("on"), totalOf("off")) : null;
    const name = { rows: two ? words.LABELS.selfRows : words.LABELS.rows, cross_rows: words.LABELS.crossRows, flops: unit?.name ?? "", seconds: `${words.LABELS.time}, ${unit?.name}`, cache_bytes: `${words.LABELS.bytes}, ${unit?.name}` }[figure];
    write(name, x, at, `13px ${palette.sans}`, palette.text);
    for (const side of /** @type {RunCache[]} */ (["on", "off"])) {
      const total = totalOf(side);
      const formula = sides[side].source === "formula";
      const text = total === null ? words.LABELS.notRun : (unit ? inUnit(total, unit) : whole(total)) + (formula ? " ƒ" : "");
      write(text, x + COLUMN - (side === "on" ? 90 : 0), at, `${formula ? 400 : 600} 13px ${palette.sans}`, formula ? palette.muted : palette.text, "right");
    }
  });
  if (sides.on.source === "formula" || sides.off.source === "formula") {
    write(words.LABELS.byFormula, x, top + 26 + figures.length * 24, `12px ${palette.sans}`, palette.muted);
  }
}
