// A figure of a page as a file: what an element shows, drawn on a sheet of pixels or of SVG. Texts stay texts
// and lines stay lines; what is painted on canvases is painted again.
import { el } from "./dom.js";
import { download, downloadPixels } from "./download.js";
import { emptySheet } from "./pen.js";
import { SvgSheet, sheetMaker } from "./svg_sheet.js";
import { pictureLabel } from "./words.js";

/**
 * @import { NewSheet } from "./svg_sheet.js"
 *
 * @typedef {(sheet: HTMLCanvasElement, dpr: number) => void} Paint Paints a picture at a resolution.
 * @typedef {{ x: number, y: number }} Corner
 */

const FORMATS = /** @type {const} */ (["png", "svg"]);
const EDGE = 24;
const LEAST_DPR = 2;
const NAME = { height: 30, size: 12 };
/** Of what is for the hand and not for the eye. */
const LEFT_OUT = "[data-no-picture], select, [aria-hidden=true]:is(canvas)";
/** @type {WeakMap<Element, Paint>} */
const painters = new WeakMap();

/**
 * Paints a canvas, and remembers how, for when its figure is saved.
 * @param {HTMLCanvasElement} canvas @param {number} dpr @param {Paint} paint
 */
export function paintOn(canvas, dpr, paint) {
  painters.set(canvas, paint);
  paint(canvas, dpr);
}

/**
 * Two buttons that save a figure.
 * @param {string} name What the figure is called. @param {string} file Its name without the ending. @param {() => HTMLElement} figure
 * @returns {HTMLElement}
 */
export function saveButtons(name, file, figure) {
  const buttons = FORMATS.map((format) => {
    const label = pictureLabel(name, format.toUpperCase());
    const button = el("button", { type: "button", class: "kv-save", "data-format": format, "aria-label": label, title: label }, [format.toUpperCase()]);
    button.addEventListener("click", () => save(figure(), name, `${file}.${format}`, format));
    return button;
  });
  return el("span", { class: "kv-saves", "data-no-picture": "" }, buttons);
}

/** @param {HTMLElement} figure @param {string} name @param {string} file @param {typeof FORMATS[number]} format */
function save(figure, name, file, format) {
  const dpr = Math.max(LEAST_DPR, devicePixelRatio || 1);
  if (format === "png") {
    downloadPixels(sheetOf(figure, () => document.createElement("canvas"), dpr), file);
    return;
  }
  const newSheet = /** @type {NewSheet} */ (/** @type {unknown} */ (sheetMaker()));
  const sheet = /** @type {SvgSheet} */ (/** @type {unknown} */ (sheetOf(figure, newSheet, dpr)));
  download(new Blob([sheet.file(sheet.width / dpr, sheet.height / dpr, name)], { type: "image/svg+xml" }), file);
}

/** @param {HTMLElement} figure @param {NewSheet} newSheet @param {number} dpr @returns {HTMLCanvasElement} */
export function sheetOf(figure, newSheet, dpr) {
  const box = figure.getBoundingClientRect();
  const [width, height] = [box.width + 2 * EDGE, box.height + EDGE + NAME.height];
  const { sheet, pen } = emptySheet(newSheet, width, height, dpr);
  const style = getComputedStyle(figure);
  pen.fillStyle = groundUnder(figure);
  pen.fillRect(0, 0, width, height);
  draw({ pen, newSheet, dpr, from: { x: box.x - EDGE, y: box.y - EDGE }, end: Infinity }, figure);
  pen.font = `600 ${NAME.size}px ${style.fontFamily}`;
  pen.fillStyle = plain(style.color);
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  pen.fillText("kvviz", EDGE, height - NAME.size);
  return sheet;
}

/** @param {Element} node @returns {string} The colour that it stands on. */
function groundUnder(node) {
  for (let at = /** @type {Element | null} */ (node); at; at = at.parentElement) {
    const colour = plain(getComputedStyle(at).backgroundColor);
    if (!isClear(colour)) return colour;
  }
  return "#ffffff";
}

/**
 * @typedef {object} Drawing
 * @property {CanvasRenderingContext2D} pen @property {NewSheet} newSheet @property {number} dpr
 * @property {Corner} from Of the page, where the sheet begins.
 * @property {number} end Of the page, below which texts are cut off.
 */

/** @param {Drawing} drawing @param {Element} node */
function draw(drawing, node) {
  const box = node.getBoundingClientRect();
  // What is only read out is a pixel in size.
  if (node.matches(LEFT_OUT) || !node.checkVisibility({ visibilityProperty: true }) || box.width <= 1 || box.height <= 1) {
    if (!(node instanceof SVGElement)) return;
  }
  const { pen, from } = drawing;
  const style = getComputedStyle(node);
  const alpha = pen.globalAlpha;
  pen.globalAlpha = alpha * Number(style.opacity);
  if (node instanceof HTMLCanvasElement) drawCanvas(drawing, node, box);
  else if (node instanceof SVGGeometryElement || node instanceof SVGTextElement) drawShape(drawing, node, style);
  else {
    if (!(node instanceof SVGElement)) drawGround(pen, style, { x: box.x - from.x, y: box.y - from.y, w: box.width, h: box.height });
    const inside = style.overflowY === "hidden" ? { ...drawing, end: Math.min(drawing.end, box.bottom) } : drawing;
    for (const child of node.childNodes) {
      if (child instanceof Element) draw(inside, child);
      else if (child instanceof Text && !(node instanceof SVGElement)) drawText(inside, child, style);
    }
  }
  pen.globalAlpha = alpha;
}

/** @param {Drawing} drawing @param {HTMLCanvasElement} canvas @param {DOMRect} box */
function drawCanvas({ pen, newSheet, dpr, from }, canvas, box) {
  const paint = painters.get(canvas);
  const sheet = paint ? newSheet() : canvas;
  paint?.(sheet, dpr);
  const [w, h] = paint ? [sheet.width / dpr, sheet.height / dpr] : [box.width, box.height];
  pen.drawImage(sheet, Math.round((box.x - from.x) * dpr) / dpr, Math.round((box.y - from.y) * dpr) / dpr, w, h);
}

/** @param {CanvasRenderingContext2D} pen @param {CSSStyleDeclaration} style @param {import("./layout.js").Box} box */
function drawGround(pen, style, { x, y, w, h }) {
  const radius = Math.min(parseFloat(style.borderTopLeftRadius) || 0, w / 2, h / 2);
  const shape = (/** @type {number} */ inset) => {
    pen.beginPath();
    pen.roundRect(x + inset, y + inset, w - 2 * inset, h - 2 * inset, Math.max(0, radius - inset));
  };
  const colour = plain(style.backgroundColor);
  const scale = style.backgroundImage.startsWith("linear-gradient(") ? colours(style.backgroundImage) : [];
  if (!isClear(colour) || scale.length > 1) {
    pen.fillStyle = colour;
    if (scale.length > 1) {
      const gradient = pen.createLinearGradient(x, 0, x + w, 0);
      scale.forEach((one, i) => gradient.addColorStop(i / (scale.length - 1), one));
      pen.fillStyle = gradient;
    }
    shape(0);
    pen.fill();
  }
  if (style.backgroundImage.startsWith("repeating-linear-gradient(")) hatch(pen, colours(style.backgroundImage).find((one) => !isClear(one)) ?? "none", { x, y, w, h });
  const width = parseFloat(style.borderTopWidth);
  const line = plain(style.borderTopColor);
  if (!width || style.borderTopStyle === "none" || isClear(line)) return;
  pen.strokeStyle = line;
  pen.lineWidth = width;
  pen.setLineDash(style.borderTopStyle === "dashed" ? [3, 3] : []);
  const isFrame = parseFloat(style.borderBottomWidth) > 0 && parseFloat(style.borderLeftWidth) > 0;
  if (isFrame) shape(width / 2);
  else {
    pen.beginPath();
    pen.moveTo(x, y + width / 2);
    pen.lineTo(x + w, y + width / 2);
  }
  pen.stroke();
  pen.setLineDash([]);
}

/** @param {CanvasRenderingContext2D} pen @param {string} colour @param {import("./layout.js").Box} box */
function hatch(pen, colour, { x, y, w, h }) {
  pen.save();
  pen.beginPath();
  pen.rect(x, y, w, h);
  pen.clip();
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  for (let at = -h; at < w; at += 5) {
    pen.moveTo(x + at, y + h);
    pen.lineTo(x + at + h, y);
  }
  pen.stroke();
  pen.restore();
}

/** @param {Drawing} drawing @param {Text} text @param {CSSStyleDeclaration} style */
function drawText({ pen, from, end }, text, style) {
  const range = document.createRange();
  pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  pen.fillStyle = plain(style.color);
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  /** @type {{ words: string, box: DOMRect }[]} Lines as the browser broke them. */
  const lines = [];
  for (const word of text.data.matchAll(/\S+\s*|\s+/g)) {
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    const box = [...range.getClientRects()].find(({ width }) => width > 0);
    if (!box || box.bottom > end + box.height / 2) continue;
    const last = lines[lines.length - 1];
    if (last && Math.abs(last.box.y - box.y) < box.height / 2) last.words += word[0];
    else lines.push({ words: word[0], box });
  }
  for (const { words, box } of lines) {
    const shown = style.whiteSpace.startsWith("pre") ? words : words.replace(/\s+/g, " ");
    // Letters stand in the middle of their line, about a quarter of their size above its lower edge.
    pen.fillText(shown, box.x - from.x, box.y - from.y + box.height / 2 + 0.34 * parseFloat(style.fontSize));
  }
}

/** @param {Drawing} drawing @param {SVGGeometryElement | SVGTextElement} shape @param {CSSStyleDeclaration} style */
function drawShape({ pen, from }, shape, style) {
  const matrix = shape.getScreenCTM();
  if (!matrix || style.display === "none" || style.visibility === "hidden") return;
  pen.save();
  pen.transform(matrix.a, matrix.b, matrix.c, matrix.d, matrix.e - from.x, matrix.f - from.y);
  const number = (/** @type {string} */ name) => Number(shape.getAttribute(name) ?? 0);
  if (shape instanceof SVGTextElement) {
    pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    pen.fillStyle = plain(style.fill);
    pen.textBaseline = "alphabetic";
    pen.textAlign = /** @type {CanvasTextAlign} */ ({ middle: "center", end: "right" }[style.textAnchor] ?? "left");
    pen.fillText(shape.textContent ?? "", number("x"), number("y"));
    pen.restore();
    return;
  }
  pen.beginPath();
  if (shape instanceof SVGLineElement) {
    pen.moveTo(number("x1"), number("y1"));
    pen.lineTo(number("x2"), number("y2"));
  } else if (shape instanceof SVGCircleElement) pen.arc(number("cx"), number("cy"), number("r"), 0, 2 * Math.PI);
  else if (shape instanceof SVGRectElement) pen.roundRect(number("x"), number("y"), number("width"), number("height"), number("rx"));
  else {
    // Straight lines, which is all that is drawn so far.
    for (const [, command, x, y] of (shape.getAttribute("d") ?? "").matchAll(/([ML])\s*([-\d.]+)[\s,]+([-\d.]+)/g)) {
      pen[command === "M" ? "moveTo" : "lineTo"](Number(x), Number(y));
    }
  }
  const [fill, stroke] = [plain(style.fill), plain(style.stroke)];
  if (!isClear(fill) && !(shape instanceof SVGLineElement)) {
    pen.fillStyle = fill;
    pen.fill();
  }
  if (!isClear(stroke)) {
    pen.strokeStyle = stroke;
    pen.lineWidth = parseFloat(style.strokeWidth) || 1;
    pen.setLineDash(style.strokeDasharray === "none" ? [] : style.strokeDasharray.split(/[\s,]+/).map(parseFloat));
    pen.stroke();
  }
  pen.restore();
}

/** @param {string} image @returns {string[]} Of a gradient. */
function colours(image) {
  return (image.match(/(rgba?|color|hsla?|oklab|oklch)\([^()]*\)|#[0-9a-f]{3,8}/gi) ?? []).map(plain);
}

/** @param {string} colour @returns {boolean} */
function isClear(colour) {
  return colour === "" || colour === "none" || /^rgba\(.*, 0\)$/.test(colour);
}

/** @type {Map<string, string>} */
const plainColours = new Map();

/** @param {string} colour As a style sheet comes to it. @returns {string} As every reader of SVG knows it. */
function plain(colour) {
  if (colour === "none" || colour === "") return colour;
  const known = plainColours.get(colour);
  if (known !== undefined) return known;
  const scratch = document.createElement("canvas");
  scratch.width = scratch.height = 1;
  const pen = /** @type {CanvasRenderingContext2D} */ (scratch.getContext("2d"));
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
  const found = a === 255 ? `rgb(${r}, ${g}, ${b})` : `rgba(${r}, ${g}, ${b}, ${Math.round((a / 255) * 1000) / 1000})`;
  plainColours.set(colour, found);
  return found;
}
