// Small strokes that all painters share.
import { fitted } from "./format.js";

/**
 * @import { Box } from "./layout.js"
 * @import { NewSheet } from "./svg_sheet.js"
 */

// not for people: a list of fonts
export const MONO = "ui-monospace, 'SF Mono', 'Cascadia Mono', 'Segoe UI Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace";

/**
 * Gives a canvas its size in device pixels and clears it.
 * @param {HTMLCanvasElement} canvas @param {number} w @param {number} h @param {number} dpr
 * @returns {CanvasRenderingContext2D}
 */
export function begin(canvas, w, h, dpr) {
  const [width, height] = [Math.round(w * dpr), Math.round(h * dpr)];
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
    canvas.style.width = `${w}px`;
    canvas.style.height = `${h}px`;
  }
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  setLetters(pen, dpr);
  pen.setTransform(dpr, 0, 0, dpr, 0, 0);
  pen.clearRect(0, 0, w, h);
  return pen;
}

/**
 * A sheet of a size in CSS pixels with nothing on it, and its pen.
 * @param {NewSheet} newSheet @param {number} w @param {number} h @param {number} dpr
 * @returns {{ sheet: HTMLCanvasElement, pen: CanvasRenderingContext2D }}
 */
export function emptySheet(newSheet, w, h, dpr) {
  const sheet = newSheet();
  sheet.width = Math.round(w * dpr);
  sheet.height = Math.round(h * dpr);
  const pen = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
  pen.scale(dpr, dpr);
  setLetters(pen, dpr);
  return { sheet, pen };
}

/**
 * Between whole resolutions letters are to stand where they belong: on whole pixels, gaps between words would close.
 * @param {CanvasRenderingContext2D} pen @param {number} dpr
 */
export function setLetters(pen, dpr) {
  if (!Number.isInteger(dpr)) pen.textRendering = "geometricPrecision";
}

/**
 * A frame that lies wholly inside its box, on whole device pixels.
 * @param {CanvasRenderingContext2D} pen @param {Box} box @param {number} width @param {string} colour
 * @param {number} dpr
 */
export function frame(pen, box, width, colour, dpr) {
  const snap = (/** @type {number} */ v) => Math.round(v * dpr) / dpr;
  const [x, y] = [snap(box.x), snap(box.y)];
  const [w, h] = [snap(box.x + box.w) - x, snap(box.y + box.h) - y];
  pen.fillStyle = colour;
  pen.fillRect(x, y, w, width);
  pen.fillRect(x, y + h - width, w, width);
  pen.fillRect(x, y + width, width, h - 2 * width);
  pen.fillRect(x + w - width, y + width, width, h - 2 * width);
}

/**
 * A cross: the sign of what is no longer there.
 * @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} radius @param {string} colour
 */
export function cross(pen, x, y, radius, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(x - radius, y - radius);
  pen.lineTo(x + radius, y + radius);
  pen.moveTo(x - radius, y + radius);
  pen.lineTo(x + radius, y - radius);
  pen.stroke();
}

/**
 * A dotted frame around what is no longer there.
 * @param {CanvasRenderingContext2D} pen @param {Box} box @param {string} colour
 */
export function dotted(pen, { x, y, w, h }, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.setLineDash([1, 2]);
  pen.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
  pen.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} radius
 * @param {string} colour @param {boolean} filled
 */
export function dot(pen, x, y, radius, colour, filled) {
  pen.beginPath();
  pen.arc(x, y, filled ? radius : radius - 0.6, 0, 2 * Math.PI);
  if (filled) {
    pen.fillStyle = colour;
    pen.fill();
  } else {
    pen.strokeStyle = colour;
    pen.lineWidth = 1.3;
    pen.stroke();
  }
}

/**
 * Text cut to a width, with an ellipsis; a sentinel keeps its number.
 * @param {CanvasRenderingContext2D} pen @param {string} text @param {number} x @param {number} y
 * @param {number} width
 */
export function textWithin(pen, text, x, y, width) {
  pen.fillText(fitted(text, (one) => pen.measureText(one).width <= width), x, y);
}

/**
 * A role's badge: shape and colour both tell which.
 * @param {CanvasRenderingContext2D} pen @param {string} role @param {number} x Centre. @param {number} y
 * @param {number} r @param {{ previous: string, first: string, induction: string, card: string }} palette
 */
export function badge(pen, role, x, y, r, palette) {
  pen.beginPath();
  if (role === "previous-token") {
    pen.fillStyle = palette.previous;
    pen.moveTo(x + r * 0.8, y - r);
    pen.lineTo(x + r * 0.8, y + r);
    pen.lineTo(x - r, y);
    pen.closePath();
  } else if (role === "first-token") {
    pen.fillStyle = palette.first;
    pen.rect(x - r * 0.85, y - r * 0.85, r * 1.7, r * 1.7);
  } else {
    pen.fillStyle = palette.induction;
    const t = r * 0.36;
    pen.rect(x - r, y - t, 2 * r, 2 * t);
    pen.rect(x - t, y - r, 2 * t, 2 * r);
  }
  pen.fill();
}
