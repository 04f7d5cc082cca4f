// A sheet that the painters draw on as on a canvas, kept as SVG: text stays text and lines stay lines,
// so that a picture is sharp at any size and on paper.
import { escapeXml } from "./format.js";

/**
 * @typedef {HTMLCanvasElement | OffscreenCanvas} Raster
 * @typedef {object} Tools What a sheet needs of the browser.
 * @property {(font: string, text: string) => number} measure How wide a text is.
 * @property {(font: string, baseline: CanvasTextBaseline) => number} depthOf How far below a line the letters on it stand.
 * @property {(picture: Raster, x: number, y: number, w: number, h: number) => string} encode A part of a picture as a data address.
 * @property {(image: ImageData) => string} encodeData Pixels likewise.
 *
 * @typedef {() => HTMLCanvasElement} NewSheet Makes what painters draw on: a canvas, or what can do as much of it as they use.
 *
 * @typedef {[number, number, number, number, number, number]} Matrix
 * @typedef {object} Look What a pen is set to.
 * @property {string | SvgPaint} fillStyle
 * @property {string | SvgPaint} strokeStyle
 * @property {number} lineWidth
 * @property {string} font
 * @property {CanvasTextAlign} textAlign
 * @property {CanvasTextBaseline} textBaseline
 * @property {number} globalAlpha
 * @property {boolean} imageSmoothingEnabled
 * @property {Matrix} matrix
 * @property {number[]} dash
 * @property {string} clipped Name of what it is clipped to, or "".
 */

/** @type {Look} */
const PLAIN = {
  fillStyle: "#000000", strokeStyle: "#000000", lineWidth: 1, font: "10px sans-serif", textAlign: "start", textBaseline: "alphabetic",
  globalAlpha: 1, imageSmoothingEnabled: true, matrix: [1, 0, 0, 1, 0, 0], dash: [], clipped: "",
};
const ANCHORS = { left: "start", start: "start", center: "middle", right: "end", end: "end" };

/** A gradient or a pattern: named, so that shapes can refer to it. */
class SvgPaint {
  /** @param {string} name @param {string} tag @param {string} attributes @param {string[]} content */
  constructor(name, tag, attributes, content = []) {
    this.name = name;
    this.tag = tag;
    this.attributes = attributes;
    this.content = content;
  }

  /** @param {number} offset @param {string} colour */
  addColorStop(offset, colour) {
    this.content.push(`<stop offset="${short(offset)}" stop-color="${colour}"/>`);
  }

  toString() {
    return `<${this.tag} id="${this.name}" ${this.attributes}>${this.content.join("")}</${this.tag}>`;
  }
}

/**
 * Makes sheets that can be laid into one another: no two of them name anything alike.
 * @param {Tools} [tools] @returns {() => SvgSheet}
 */
export function sheetMaker(tools = browserTools()) {
  let n_named = 0;
  return () => new SvgSheet(tools, () => `k${n_named++}`);
}

/** The part of a canvas that painters use. */
export class SvgSheet {
  /** @param {Tools} tools @param {() => string} newName */
  constructor(tools, newName) {
    this.width = 300;
    this.height = 150;
    this.style = { width: "", height: "" };
    this.pen = new SvgPen(tools, newName);
  }

  /** @returns {CanvasRenderingContext2D} */
  getContext() {
    return /** @type {CanvasRenderingContext2D} */ (/** @type {unknown} */ (this.pen));
  }

  /**
   * @param {number} width In CSS pixels. @param {number} height @param {string} title Said by screen readers.
   * @returns {string} The whole file.
   */
  file(width, height, title) {
    const box = `width="${short(width)}" height="${short(height)}" viewBox="0 0 ${short(this.width)} ${short(this.height)}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${box} role="img"><title>${escapeXml(title)}</title>${this.pen.drawn()}</svg>\n`;
  }
}

/** The part of a canvas's pen that painters use, with the same names and meanings (HTML Standard, "2D rendering context"). */
class SvgPen {
  /** @param {Tools} tools @param {() => string} newName */
  constructor(tools, newName) {
    this.tools = tools;
    this.newName = newName;
    /** @type {Look[]} */
    this.saved = [];
    /** @type {(SvgPaint | string)[]} What shapes refer to. */
    this.named = [];
    /** @type {string[]} */
    this.shapes = [];
    this.path = "";
    this.fillStyle = PLAIN.fillStyle;
    this.strokeStyle = PLAIN.strokeStyle;
    this.lineWidth = PLAIN.lineWidth;
    this.font = PLAIN.font;
    this.textAlign = PLAIN.textAlign;
    this.textBaseline = PLAIN.textBaseline;
    this.globalAlpha = PLAIN.globalAlpha;
    this.imageSmoothingEnabled = PLAIN.imageSmoothingEnabled;
    /** @type {Matrix} */
    this.matrix = PLAIN.matrix;
    this.dash = PLAIN.dash;
    this.clipped = PLAIN.clipped;
  }

  save() {
    const { fillStyle, strokeStyle, lineWidth, font, textAlign, textBaseline, globalAlpha, imageSmoothingEnabled, matrix, dash, clipped } = this;
    this.saved.push({ fillStyle, strokeStyle, lineWidth, font, textAlign, textBaseline, globalAlpha, imageSmoothingEnabled, matrix, dash, clipped });
  }

  restore() {
    Object.assign(this, this.saved.pop());
  }

  // Where.

  /** @param {number} a @param {number} b @param {number} c @param {number} d @param {number} e @param {number} f */
  setTransform(a, b, c, d, e, f) {
    this.matrix = [a, b, c, d, e, f];
  }

  /** @param {number} a @param {number} b @param {number} c @param {number} d @param {number} e @param {number} f */
  transform(a, b, c, d, e, f) {
    const [p, q, r, s, t, u] = this.matrix;
    this.setTransform(p * a + r * b, q * a + s * b, p * c + r * d, q * c + s * d, p * e + r * f + t, q * e + s * f + u);
  }

  /** @param {number} x @param {number} y */
  translate(x, y) {
    this.transform(1, 0, 0, 1, x, y);
  }

  /** @param {number} x @param {number} y */
  scale(x, y) {
    this.transform(x, 0, 0, y, 0, 0);
  }

  /** @param {number} angle */
  rotate(angle) {
    this.transform(Math.cos(angle), Math.sin(angle), -Math.sin(angle), Math.cos(angle), 0, 0);
  }

  // What is drawn.

  /** @param {string} tag @param {string} attributes @param {string} [content] */
  put(tag, attributes, content) {
    const { matrix, globalAlpha, clipped } = this;
    const moved = matrix.join() === "1,0,0,1,0,0" ? "" : ` transform="matrix(${matrix.map(short).join(" ")})"`;
    const faint = globalAlpha === 1 ? "" : ` opacity="${short(globalAlpha)}"`;
    const shape = `<${tag} ${attributes}${moved}${faint}${content === undefined ? "/>" : `>${content}</${tag}>`}`;
    // What clips is given in the sheet's own pixels, and so stands around what moves the shape.
    // not for people: markup
    this.shapes.push(clipped ? `<g clip-path="url(#${clipped})">${shape}</g>` : shape);
  }

  /** @param {string | SvgPaint} paint @returns {string} */
  paint(paint) {
    if (typeof paint === "string") return paint;
    if (!this.named.includes(paint)) this.named.push(paint);
    return `url(#${paint.name})`;
  }

  /** @returns {string} */
  filled() {
    return `fill="${this.paint(this.fillStyle)}"`;
  }

  /** @returns {string} */
  stroked() {
    const { strokeStyle, lineWidth, dash } = this;
    const dashed = dash.length ? ` stroke-dasharray="${dash.map(short).join(" ")}"` : "";
    return `fill="none" stroke="${this.paint(strokeStyle)}" stroke-width="${short(lineWidth)}"${dashed}`;
  }

  /** Everything is wiped: painters clear the whole of what they begin. */
  clearRect() {
    this.shapes = [];
    this.named = [];
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  fillRect(x, y, w, h) {
    if (w > 0 && h > 0) this.put("rect", `${boxed(x, y, w, h)} ${this.filled()}`);
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  strokeRect(x, y, w, h) {
    this.put("rect", `${boxed(x, y, w, h)} ${this.stroked()}`);
  }

  /** @param {number[]} dash */
  setLineDash(dash) {
    this.dash = dash;
  }

  beginPath() {
    this.path = "";
  }

  closePath() {
    this.path += "Z";
  }

  /** @param {number} x @param {number} y */
  moveTo(x, y) {
    this.path += `M${short(x)} ${short(y)}`;
  }

  /** @param {number} x @param {number} y */
  lineTo(x, y) {
    this.path += `${this.path ? "L" : "M"}${short(x)} ${short(y)}`;
  }

  /** A whole circle: no painter draws less. @param {number} x @param {number} y @param {number} r */
  arc(x, y, r) {
    const half = (/** @type {number} */ to) => `A${short(r)} ${short(r)} 0 1 1 ${short(to)} ${short(y)}`;
    this.path += `M${short(x + r)} ${short(y)}${half(x - r)}${half(x + r)}Z`;
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  rect(x, y, w, h) {
    this.path += `M${short(x)} ${short(y)}h${short(w)}v${short(h)}h${short(-w)}Z`;
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h @param {number} r */
  roundRect(x, y, w, h, r) {
    const corner = (/** @type {number} */ dx, /** @type {number} */ dy) => `a${short(r)} ${short(r)} 0 0 1 ${short(dx)} ${short(dy)}`;
    this.path += `M${short(x + r)} ${short(y)}h${short(w - 2 * r)}${corner(r, r)}v${short(h - 2 * r)}${corner(-r, r)}h${short(2 * r - w)}${corner(-r, -r)}v${short(2 * r - h)}${corner(r, -r)}Z`;
  }

  fill() {
    if (this.path) this.put("path", `d="${this.path}" ${this.filled()}`);
  }

  stroke() {
    if (this.path) this.put("path", `d="${this.path}" ${this.stroked()}`);
  }

  /** Within what it was clipped to before. */
  clip() {
    const { clipped, matrix } = this;
    const name = this.newName();
    const within = clipped ? ` clip-path="url(#${clipped})"` : "";
    this.named.push(`<clipPath id="${name}"${within}><path d="${this.path || "M0 0"}" transform="matrix(${matrix.map(short).join(" ")})"/></clipPath>`);
    this.clipped = name;
  }

  /** @param {string} text */
  measureText(text) {
    return { width: this.tools.measure(this.font, text) };
  }

  /** @param {string} text @param {number} x @param {number} y */
  fillText(text, x, y) {
    const { font, textAlign, textBaseline } = this;
    // Not every reader of SVG knows other lines than the one that letters stand on.
    const down = textBaseline === "alphabetic" ? 0 : this.tools.depthOf(font, textBaseline);
    const anchor = ANCHORS[textAlign];
    // Whoever opens the file may not have the page's font: another one is fitted into the same place.
    const length = short(this.tools.measure(font, text));
    // not for people: markup
    const style = `font: ${font.replaceAll('"', "'")}; white-space: pre`;
    this.put("text", `xml:space="preserve" x="${short(x)}" y="${short(y + down)}" textLength="${length}" lengthAdjust="spacingAndGlyphs"${anchor === "start" ? "" : ` text-anchor="${anchor}"`} style="${escapeXml(style)}" ${this.filled()}`, escapeXml(text));
  }

  /** @param {SvgSheet | Raster} picture @param {number[]} numbers As a canvas's pen takes them. */
  drawImage(picture, ...numbers) {
    const [sx, sy, sw, sh, x, y, w, h] = numbers.length === 8 ? numbers : [0, 0, picture.width, picture.height, ...numbers];
    if (!(sw > 0 && sh > 0 && w > 0 && h > 0)) return;
    if (picture instanceof SvgSheet) {
      this.save();
      this.translate(x, y);
      this.scale(w / sw, h / sh);
      this.put("g", "", picture.pen.drawn());
      this.restore();
      return;
    }
    // not for people: markup
    const sharp = this.imageSmoothingEnabled ? "" : ' style="image-rendering: pixelated"';
    const address = this.tools.encode(picture, sx, sy, sw, sh);
    this.put("image", `${boxed(x, y, w, h)} preserveAspectRatio="none"${sharp} href="${address}"`);
  }

  /** In the sheet's own pixels, whatever moves the rest. @param {ImageData} image @param {number} x @param {number} y */
  putImageData(image, x, y) {
    this.save();
    this.setTransform(1, 0, 0, 1, 0, 0);
    this.globalAlpha = 1;
    this.put("image", `${boxed(x, y, image.width, image.height)} preserveAspectRatio="none" href="${this.tools.encodeData(image)}"`);
    this.restore();
  }

  /** @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 */
  createLinearGradient(x0, y0, x1, y1) {
    const [a, b, c, d] = [x0, y0, x1, y1].map(short);
    return new SvgPaint(this.newName(), "linearGradient", `gradientUnits="userSpaceOnUse" x1="${a}" y1="${b}" x2="${c}" y2="${d}"`);
  }

  /** Repeated both ways. @param {Raster} tile */
  createPattern(tile) {
    const { width: w, height: h } = tile;
    const picture = `<image width="${w}" height="${h}" href="${this.tools.encode(tile, 0, 0, w, h)}"/>`;
    return new SvgPaint(this.newName(), "pattern", `patternUnits="userSpaceOnUse" width="${w}" height="${h}"`, [picture]);
  }

  /** @returns {string} All of it, what is referred to first. */
  drawn() {
    return `${this.named.length ? `<defs>${this.named.join("")}</defs>` : ""}${this.shapes.join("")}`;
  }
}

/** @param {number} x @param {number} y @param {number} w @param {number} h @returns {string} */
function boxed(x, y, w, h) {
  return `x="${short(x)}" y="${short(y)}" width="${short(w)}" height="${short(h)}"`;
}

/** @param {number} number @returns {string} To a thousandth, which no eye and no printer tells apart. */
function short(number) {
  return String(Math.round(number * 1000) / 1000);
}

/** @returns {Tools} */
function browserTools() {
  const scratch = document.createElement("canvas");
  const pen = /** @type {CanvasRenderingContext2D} */ (scratch.getContext("2d"));
  return {
    encodeData(image) {
      const whole = document.createElement("canvas");
      [whole.width, whole.height] = [image.width, image.height];
      /** @type {CanvasRenderingContext2D} */ (whole.getContext("2d")).putImageData(image, 0, 0);
      return whole.toDataURL("image/png");
    },
    measure(font, text) {
      pen.font = font;
      return pen.measureText(text).width;
    },
    depthOf(font, baseline) {
      pen.font = font;
      const [above, on] = /** @type {CanvasTextBaseline[]} */ ([baseline, "alphabetic"]).map((line) => {
        pen.textBaseline = line;
        return pen.measureText("H").actualBoundingBoxAscent;
      });
      return on - above;
    },
    encode(picture, x, y, w, h) {
      const part = document.createElement("canvas");
      part.width = Math.max(1, Math.round(w));
      part.height = Math.max(1, Math.round(h));
      const copier = /** @type {CanvasRenderingContext2D} */ (part.getContext("2d"));
      copier.imageSmoothingEnabled = false;
      copier.drawImage(picture, x, y, w, h, 0, 0, part.width, part.height);
      return part.toDataURL("image/png");
    },
  };
}
