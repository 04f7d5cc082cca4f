// The cells below the diagonal that a pattern does not have: hatched where the layer's window hid a row
// that was there, crossed where the row was gone. Made once for all steps.
import { hatchTile, newPicture, penOf } from "./images.js";
import { cross } from "./pen.js";

/**
 * @import { Palette } from "./colour.js"
 * @import { Picture } from "./images.js"
 * @import { HeatGeometry } from "./pictures_layout.js"
 * @import { Unseen, UnseenSpan } from "./unseen.js"
 */

/** Between crosses where cells are too small for one each, in CSS pixels. */
const APART = 9;

/**
 * @param {UnseenSpan[][]} unseen Of each query. @param {HeatGeometry} heat @param {Palette} palette @param {number} dpr
 * @returns {Picture} As large as the grid.
 */
export function unseenPicture(unseen, { grid, pitch, cells }, palette, dpr) {
  const made = newPicture(grid.w * dpr, grid.h * dpr);
  const pen = /** @type {CanvasRenderingContext2D} */ (penOf(made));
  const within = (/** @type {Unseen} */ why, /** @type {() => void} */ draw) => {
    pen.save();
    pen.beginPath();
    unseen.forEach((spans, row) => {
      for (const span of spans) {
        if (span.why === why) pen.rect(span.first * pitch * dpr, row * pitch * dpr, (span.end - span.first) * pitch * dpr, pitch * dpr);
      }
    });
    pen.clip();
    draw();
    pen.restore();
  };
  within("window", () => {
    pen.fillStyle = /** @type {CanvasPattern} */ (pen.createPattern(hatchTile(palette, dpr), "repeat"));
    pen.fillRect(0, 0, made.width, made.height);
  });
  within("evicted", () => {
    pen.scale(dpr, dpr);
    const apart = cells ? pitch : APART;
    const size = cells ? Math.min(3, pitch / 2 - 1.5) : 2;
    for (let y = apart / 2; y < grid.h; y += apart) {
      for (let x = apart / 2; x < y; x += apart) cross(pen, x, y, size, palette.evicted);
    }
  });
  return made;
}
