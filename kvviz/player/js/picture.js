// "Save picture": the view or one of its figures as it stands, with where it came from, as a PNG or an SVG.
import { savedLine } from "./bill_words.js";
import { download, downloadPixels } from "./download.js";
import { glyphs, inUnit, percent, unitFor, whole, withBlanks } from "./format.js";
import { BANDS_APART } from "./layout.js";
import { rowsSoFar } from "./life_words.js";
import { evictedLegend, fullLine, heldAt, lifeTitle } from "./named_cache_words.js";
import { REST } from "./motion.js";
import { MONO, emptySheet, textWithin } from "./pen.js";
import { billSide, mainRun, nextTokens, runsOnShow, stepFacts, textOfId } from "./run.js";
import { spotOnShow } from "./state.js";
import { SvgSheet, sheetMaker } from "./svg_sheet.js";
import { gettext } from "./translation.js";
import { forgets, isPacked, isShared } from "./unseen.js";
import * as words from "./words.js";

/**
 * @import { RunCache } from "./buffer.js"
 * @import { HistoryGeometry } from "./history_layout.js"
 * @import { Box } from "./layout.js"
 * @import { Scene } from "./scene.js"
 * @import { NewSheet } from "./svg_sheet.js"
 *
 * @typedef {object} Figures What can draw any scene on any sheet, whatever is on the page.
 * @property {{ on: Several, off: Several }} panels
 * @property {Single} lives
 * @property {Single} overview
 *
 * @typedef {{ draw: (scene: Scene, newSheet: NewSheet) => HTMLCanvasElement[] }} Several
 * @typedef {{ draw: (scene: Scene, newSheet: NewSheet) => HTMLCanvasElement }} Single
 *
 * @typedef {"png" | "svg" | "gif"} Format
 * @typedef {"view" | "history" | "kv" | "pattern" | "crossKv" | "crossPattern" | "heads"} Figure
 */

/** @type {Format[]} */
export const FORMATS = ["png", "svg", "gif"];

const EDGE = 28;
const COLUMN = 250;
/** Height of a slide by its width. */
const SLIDE = 0.75;

/** @param {Scene} scene @returns {Map<Figure, string>} The figures on show and their titles. */
export function figuresOf({ payload, layout }) {
  const { LABELS } = words;
  const two = payload.header.encoder !== null;
  /** @type {[Figure, string][]} */
  const figures = [
    ["view", LABELS.wholeView],
    ["history", LABELS.history],
    ["kv", two ? LABELS.selfKv : LABELS.kv],
    ["pattern", two ? LABELS.selfPattern : LABELS.pattern],
    ...(layout.cross ? /** @type {[Figure, string][]} */ ([["crossKv", LABELS.crossKv], ["crossPattern", LABELS.crossPattern]]) : []),
    ["heads", two ? LABELS.selfHeads : LABELS.heads],
  ];
  return new Map(figures);
}

/** @param {Scene} scene @param {Figures} figures @param {Figure} figure @param {Exclude<Format, "gif">} format */
export function savePicture(scene, figures, figure, format) {
  const file = fileName(scene, figure, `step${scene.state.step}`, format);
  if (format === "svg") {
    download(new Blob([svgOf(scene, figures, figure)], { type: "image/svg+xml" }), file);
    return;
  }
  const newCanvas = () => document.createElement("canvas");
  downloadPixels(compose(atRest(scene), figures, figure, newCanvas), file);
}

/** @param {Scene} scene @param {Figure} figure @param {string} steps @param {string} format @returns {string} */
export function fileName({ payload, state }, figure, steps, format) {
  const name = `kvviz-${payload.header.model.name.split("/").pop()}-${steps}-layer${state.layer}-head${state.head}`;
  return `${figure === "view" ? name : `${name}-${figure}`}.${format}`;
}

/**
 * The scene at another step and moment of it. Pure: what is on the page is not touched.
 * @param {Scene} scene @param {number} step @param {import("./motion.js").Moment} moment @returns {Scene}
 */
export function sceneAt(scene, step, moment) {
  const state = { ...scene.state, step, windowRow: null, hover: null };
  return { ...scene, state, moment, spot: spotOnShow(state), facts: stepFacts(scene.payload, mainRun(state.cache), state) };
}

/** @param {Scene} scene @returns {Scene} As it is kept: all of its step has happened, and pixels are fine. */
function atRest(scene) {
  return { ...scene, moment: REST, dpr: Math.max(2, scene.dpr) };
}

/** @param {Scene} scene @param {Figures} figures @param {Figure} figure @returns {string} The file. */
export function svgOf(scene, figures, figure) {
  const newSheet = /** @type {NewSheet} */ (/** @type {unknown} */ (sheetMaker()));
  const still = atRest(scene);
  const sheet = /** @type {SvgSheet} */ (/** @type {unknown} */ (compose(still, figures, figure, newSheet)));
  const { state, payload, facts, dpr } = still;
  const told = state.cache === "both" ? words.bothSentence(facts, stepFacts(payload, "off", state)) : words.stepSentence(facts);
  const said = [figuresOf(scene).get(figure), viewName(scene), words.plain(told)].join(". ");
  return sheet.file(sheet.width / dpr, sheet.height / dpr, said);
}

/**
 * @param {Scene} scene @param {Figures} figures @param {Figure} figure @param {NewSheet} newSheet
 * @param {number} [end] Where the sentences may end; where those of this step do if left out.
 * @returns {HTMLCanvasElement}
 */
export function compose(scene, figures, figure, newSheet, end = sentencesEnd(newSheet, scene, figure, [scene.state.step])) {
  return figure === "view" ? composePicture(scene, figures, newSheet, end) : composeFigure(scene, figures, figure, newSheet, end);
}

/** @param {Scene} scene @returns {string} */
function viewName({ payload, state }) {
  return gettext("{model} · layer {layer}, head {head}", { model: payload.header.model.name, layer: state.layer, head: state.head });
}

/**
 * An empty sheet of a size in CSS pixels, and how to write on it.
 * @param {NewSheet} newSheet @param {Scene} scene @param {number} width @param {number} height
 */
function begun(newSheet, scene, width, height) {
  const { dpr } = scene;
  const { sheet, pen } = emptySheet(newSheet, width, height, dpr);
  pen.fillStyle = scene.palette.card;
  pen.fillRect(0, 0, width, height);
  const write = (/** @type {string} */ text, /** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ font, /** @type {string} */ colour, /** @type {CanvasTextAlign} */ align = "left") => {
    pen.font = font;
    pen.fillStyle = colour;
    pen.textAlign = align;
    pen.textBaseline = "alphabetic";
    pen.fillText(text, x, y);
  };
  return { sheet, pen, write };
}

/**
 * One figure under its title and its sentence.
 * @param {Scene} scene @param {Figures} figures @param {Exclude<Figure, "view">} figure @param {NewSheet} newSheet
 * @param {number} end @returns {HTMLCanvasElement}
 */
function composeFigure(scene, { panels, lives, overview }, figure, newSheet, end) {
  const { state, palette, layout } = scene;
  const { kv, heat, cross, heads } = layout;
  const history = alone(layout.history);
  const runs = runsOnShow(state);
  const at = { kv: 0, pattern: 1, crossKv: 2, crossPattern: 3 };
  const { w, h } = { history, heads, kv, pattern: heat, crossKv: cross?.kv ?? kv, crossPattern: cross?.heat ?? heat }[figure];
  const told = runsTold(scene, figure);
  const top = EDGE + 46 + 24 * told.length;
  const width = Math.max(EDGE + w, end) + EDGE;
  // Lives alone may be larger than among the rest: as far as their sentences leave room, and a slide does.
  const scale = figure === "history" ? Math.max(1, Math.min((width - 2 * EDGE) / w, (SLIDE * width - top - 2 * EDGE) / h)) : 1;
  const bottom = top + Math.ceil(h * scale);
  const picture = figure === "history"
    ? lives.draw({ ...scene, layout: { ...layout, history }, dpr: scene.dpr * scale }, newSheet)
    : figure === "heads" ? overview.draw(scene, newSheet) : panels[runs[0]].draw(scene, newSheet)[at[figure]];
  const { sheet, pen, write } = begun(newSheet, scene, width, bottom + 2 * EDGE);
  write(/** @type {string} */ (figuresOf(scene).get(figure)), EDGE, EDGE + 16, `600 18px ${palette.sans}`, palette.text);
  write(viewName(scene), EDGE, EDGE + 36, `13px ${palette.sans}`, palette.muted);
  told.forEach((run, i) => writeSentence(pen, scene, run, EDGE + 60 + 24 * i));
  lay(pen, scene, picture, EDGE, top);
  if (figure === "history") writeCounts(scene, history, EDGE, top, write, scale);
  write("kvviz", EDGE, bottom + EDGE + 8, `12px ${palette.sans}`, palette.muted);
  return sheet;
}

/**
 * Lives alone: not as narrow as what stands beside them has left them, and not as high.
 * @param {HistoryGeometry} history @returns {HistoryGeometry}
 */
function alone(history) {
  const wider = Math.max(1, history.rowPitch / history.columnPitch);
  const widened = (/** @type {Box} */ box, /** @type {number} */ i) => ({ ...box, x: box.x + i * box.w * (wider - 1), w: box.w * wider });
  const grids = history.grids.map(widened);
  const last = grids[grids.length - 1];
  return {
    ...history, grids, crossGrids: history.crossGrids.map(widened), columnPitch: history.columnPitch * wider,
    w: Math.ceil(last.x + last.w) + 4, h: Math.ceil(last.y + last.h) + 4,
  };
}

/**
 * How many rows each run has computed so far, above its life.
 * @param {Scene} scene @param {HistoryGeometry} history @param {number} left @param {number} top @param {ReturnType<typeof begun>["write"]} write
 * @param {number} [scale] Of the lives.
 */
function writeCounts({ payload, state, palette, lives }, history, left, top, write, scale = 1) {
  runsOnShow(state).forEach((run, i) => {
    const x = left + scale * history.grids[i].x;
    const y = top + scale * (history.crossGrids[i] ?? history.grids[i]).y;
    const life = lives[run];
    const n = (life?.own.computed[state.step] ?? 0) + (life?.cross?.computed[state.step] ?? 0);
    write(lifeTitle(payload.header.named_cache, run), x, y - 38 * scale, `${12 * scale}px ${palette.sans}`, palette.muted);
    write(`${whole(n)} ${rowsSoFar(n)}`, x, y - 22 * scale, `600 ${13 * scale}px ${palette.sans}`, palette.computedText);
  });
}

/**
 * @param {Scene} scene @param {Figures} figures @param {NewSheet} newSheet @param {number} end
 * @returns {HTMLCanvasElement}
 */
function composePicture(scene, { panels, lives, overview }, newSheet, end) {
  const { state, payload, palette } = scene;
  const runs = runsOnShow(state);
  const { kv, heat, cross, history, bands, twoBands } = scene.layout;
  const title = `600 14px ${palette.sans}`;
  const lifeWidth = Math.max(history.w, history.grids[0].x + widthOf(newSheet, words.LABELS.history, title));
  const left = EDGE + (bands ? lifeWidth + 24 : 0);
  const panelWidth = left - EDGE + kv.w + 24 + Math.max(heat.w, cross?.heat.w ?? 0);
  const width = Math.max(EDGE + panelWidth + 32 + COLUMN, EDGE + scene.layout.heads.w, end) + EDGE;
  const sentences = 24 * runs.length;
  const above = bands ? 0 : history.h + 40;
  const upper = Math.max(kv.h, heat.h) + 42;
  // Which of two caches stands above the other.
  const [down, crossDown] = twoBands && cross ? [cross.kv.h + BANDS_APART, 0] : [0, upper - 2];
  const panelHeight = sentences + Math.max(above + upper + down, cross ? above + crossDown + Math.max(cross.kv.h, cross.heat.h) + 42 : 0, history.h + 42);
  const headsHeight = scene.layout.heads.h;
  const height = 2 * EDGE + 56 + Math.max(panelHeight, 470) + 40 + headsHeight + 34;
  const { sheet, pen, write } = begun(newSheet, scene, width, height);
  const { encoder } = payload.header;
  const prompt = encoder ? withBlanks(payload.header.prompt) : payload.header.prompt;
  write(viewName(scene), EDGE, EDGE + 16, `600 18px ${palette.sans}`, palette.text);
  pen.font = `13px ${MONO}`;
  pen.fillStyle = palette.muted;
  pen.textAlign = "left";
  textWithin(pen, `“${glyphs(prompt).replaceAll("␣", " ")}”`, EDGE, EDGE + 38, width - 2 * EDGE);
  let y = EDGE + 62;
  runs.forEach((run, i) => writeSentence(pen, scene, run, y + 12 + 24 * i));
  y += sentences;
  write(words.LABELS.history, EDGE + history.grids[0].x, y + 16, title, palette.text);
  lay(pen, scene, lives.draw(scene, newSheet), EDGE, y + 24);
  writeCounts(scene, history, EDGE, y + 24, write);
  y += above;
  const [kvCanvas, heatCanvas, crossKv, crossHeat] = panels[runs[0]].draw(scene, newSheet);
  const right = left + kv.w + 24;
  write(cross ? words.LABELS.selfKv : words.LABELS.kv, left, y + down + 16, title, palette.text);
  write(cross ? words.LABELS.selfPattern : words.LABELS.pattern, right, y + down + 16, title, palette.text);
  lay(pen, scene, kvCanvas, left, y + down + 24);
  lay(pen, scene, heatCanvas, right, y + down + 24);
  if (cross) {
    write(words.LABELS.crossKv, left, y + crossDown + 16, title, palette.text);
    write(words.LABELS.crossPattern, right, y + crossDown + 16, title, palette.text);
    lay(pen, scene, crossKv, left, y + crossDown + 24);
    lay(pen, scene, crossHeat, right, y + crossDown + 24);
  }
  y = EDGE + 62 + panelHeight;
  writeColumn(pen, scene, EDGE + panelWidth + 32, EDGE + 74, write);
  y = Math.max(y, EDGE + 62 + 470);
  write(words.LABELS.heads, EDGE, y + 10, `600 14px ${palette.sans}`, palette.text);
  lay(pen, scene, overview.draw(scene, newSheet), EDGE, y + 22);
  const { legendComputed: computed, legendReused: reused, legendMask: mask } = words.LABELS;
  const evicted = evictedLegend(payload.header.named_cache);
  const legend = [
    gettext("orange: {computed} · blue: {reused} · hatched: {mask}", { computed, reused, mask }),
    ...(isShared(payload, mainRun(state.cache), state) ? [gettext("half blue: {shared}", { shared: words.LABELS.legendShared })] : []),
    ...(isPacked(payload, mainRun(state.cache), state) ? [gettext("dotted blue: {packed}", { packed: words.LABELS.legendPacked })] : []),
    ...(forgets(payload, mainRun(state.cache), state) ? [gettext("crossed: {evicted}", { evicted })] : []),
  ].join(" · ");
  write(legend, EDGE, height - EDGE + 6, `12px ${palette.sans}`, palette.muted);
  write("kvviz", width - EDGE, height - EDGE + 6, `600 12px ${palette.sans}`, palette.muted, "right");
  return sheet;
}

/**
 * Lays a sheet upon another one, on whole device pixels: in between, letters would be smeared.
 * @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {HTMLCanvasElement} sheet @param {number} x @param {number} y
 */
function lay(pen, { dpr }, sheet, x, y) {
  const snap = (/** @type {number} */ v) => Math.round(v * dpr) / dpr;
  pen.drawImage(sheet, snap(x), snap(y), sheet.width / dpr, sheet.height / dpr);
}

/** @param {NewSheet} newSheet @param {string} text @param {string} font @returns {number} Whole CSS pixels. */
function widthOf(newSheet, text, font) {
  const pen = /** @type {CanvasRenderingContext2D} */ (newSheet().getContext("2d"));
  pen.font = font;
  return Math.ceil(pen.measureText(text).width);
}

/** @param {Scene} scene @param {Figure} figure @returns {RunCache[]} Whose sentences stand above it. */
function runsTold({ state }, figure) {
  const runs = runsOnShow(state);
  return figure === "view" || figure === "history" ? runs : runs.slice(0, 1);
}

/**
 * Where the longest of the sentences ends: found by writing them on a sheet that nobody sees.
 * @param {NewSheet} newSheet @param {Scene} scene @param {Figure} figure @param {number[]} steps Whose sentences. @returns {number}
 */
export function sentencesEnd(newSheet, scene, figure, steps) {
  const pen = /** @type {CanvasRenderingContext2D} */ (newSheet().getContext("2d"));
  const runs = runsTold(scene, figure);
  const ends = steps.flatMap((step) => runs.map((run) => writeSentence(pen, { ...scene, state: { ...scene.state, step } }, run, 0)));
  return Math.ceil(Math.max(...ends));
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {RunCache} run @param {number} y
 * @returns {number} Where it ends.
 */
function writeSentence(pen, { payload, state, palette }, run, y) {
  const colours = { strong: palette.text, computed: palette.computedText, reused: palette.reusedText, evicted: palette.evictedText, quiet: palette.muted };
  let x = EDGE;
  /** @type {words.Span[]} */
  const spans = [...words.stepSentence(stepFacts(payload, run, state))];
  if (state.cache === "both") spans.unshift({ text: words.runName(run), tone: "strong" });
  spans.forEach((span, i) => {
    const text = (i > 0 ? "  ·  " : "") + span.text;
    pen.font = `${span.tone === "quiet" || !span.tone ? 400 : 600} 15px ${palette.sans}`;
    pen.fillStyle = span.tone ? colours[span.tone] : palette.text;
    pen.textAlign = "left";
    pen.fillText(text, x, y);
    x += pen.measureText(text).width;
  });
  return x;
}

/**
 * A sentence in as many lines as it needs, in the font that the pen has.
 * @param {CanvasRenderingContext2D} pen @param {string} text @param {number} width @returns {string[]}
 */
function linesWithin(pen, text, width) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(" ")) {
    const longer = lines.length ? `${lines[lines.length - 1]} ${word}` : word;
    if (lines.length && pen.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {number} x @param {number} y
 * @param {(text: string, x: number, y: number, font: string, colour: string, align?: CanvasTextAlign) => void} write
 */
function writeColumn(pen, { payload, state, facts, palette, moment }, x, y, write) {
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
    pen.fillRect(x + 92, at - 10, Math.max(2, (COLUMN - 150) * (token.prob / most) * moment.settled), 12);
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
  let below = top + 26 + figures.length * 24;
  const font = `12px ${palette.sans}`;
  const bytes = sides.on.cache_bytes.total ?? 0;
  const held = heldAt(payload, state.step, facts.n_live);
  const { savings, model } = payload.header;
  const less = held ? fullLine(held, bytes) : savings && savedLine(model, savings, bytes, state.step);
  if (less) {
    pen.font = font;
    for (const line of linesWithin(pen, less, COLUMN)) {
      write(line, x, below, font, palette.muted);
      below += 17;
    }
  }
  if (sides.on.source === "formula" || sides.off.source === "formula") write(words.LABELS.byFormula, x, below, font, palette.muted);
}
