// What is written at the bars of one row's weights, in either pattern.
import { rowLabel } from "./words.js";

/**
 * @import { Palette } from "./colour.js"
 * @import { Box } from "./layout.js"
 */

/**
 * Names the row at the left of its bars, where there is room, and one of them above it.
 * @param {CanvasRenderingContext2D} pen @param {Box} profile @param {Palette} palette
 * @param {number} row @param {number} centre Of the bar that is named; the name itself stays inside.
 * @param {string} name
 */
export function nameBars(pen, profile, palette, row, centre, name) {
  pen.font = `12px ${palette.sans}`;
  pen.textBaseline = "alphabetic";
  pen.fillStyle = palette.computedText;
  pen.textAlign = "right";
  if (profile.x >= 34) pen.fillText(rowLabel(row, profile.x >= 60), profile.x - 8, profile.y + profile.h - 1);
  pen.fillStyle = palette.muted;
  pen.textAlign = "center";
  const half = pen.measureText(name).width / 2;
  const x = Math.max(profile.x + half, Math.min(centre, profile.x + profile.w - half));
  pen.fillText(name, x, profile.y + 9);
}
