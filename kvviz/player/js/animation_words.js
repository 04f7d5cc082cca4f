// What is said of an animation before, while and after it is made.
import { inUnit, significant, unitFor, whole } from "./format.js";
import { N_, gettext, ngettext, translated } from "./translation.js";

/** @import { Animation } from "./animate.js" */

export const LABELS = translated({
  from: N_("from step"),
  to: N_("to step"),
  width: N_("pixels wide"),
  make: N_("Save GIF"),
  progress: N_("Frames made"),
  measuring: N_("Finding out how large it becomes …"),
  cancel: N_("Cancel"),
  cancelled: N_("Cancelled; nothing was saved."),
  unreadable: N_("This browser does not let a page read its own pictures, so no GIF can be made. Save a PNG or an SVG, or use another browser."),
});

/** @param {string} figure @returns {string} */
export function title(figure) {
  return gettext("{figure}, animated", { figure });
}

/** @param {number} n_steps @returns {string} */
export function noRange(n_steps) {
  return gettext("The steps of this run are 0 to {last}: choose a first one, and a last one that is not before it.", { last: n_steps - 1 });
}

/** @param {Animation} animation @returns {string} */
export function tooLong({ frames, width, height }) {
  const size = sizeOf(width, height);
  return gettext("{frames} of {size} pixels are too many for one file. Choose fewer steps, a smaller width, or the life of each row alone.", { frames: framesOf(frames.length), size });
}

/** @param {Animation} animation @param {number} speed @param {number} n_bytes About. @returns {string} */
export function expected({ frames, width, height }, speed, n_bytes) {
  const seconds = frames.reduce((sum, { ms }) => sum + ms, 0) / 1000;
  return gettext("{frames} of {size} pixels, {seconds} s at {speed}×, about {bytes}.", {
    frames: framesOf(frames.length), size: sizeOf(width, height), seconds: significant(seconds), speed, bytes: bytesOf(n_bytes),
  });
}

/** @param {string} reason As the browser says it. @returns {string} */
export function failed(reason) {
  return gettext("No GIF could be made here ({reason}). Choose fewer steps or a smaller width.", { reason });
}

/** @param {number} n @param {number} n_frames @returns {string} */
export function made(n, n_frames) {
  return gettext("Frame {n} of {last}", { n, last: n_frames });
}

/** @param {string} file @param {number} n_bytes @returns {string} */
export function saved(file, n_bytes) {
  return gettext("Saved as {file}, {bytes}.", { file, bytes: bytesOf(n_bytes) });
}

/** @param {number} n @returns {string} */
function framesOf(n) {
  return ngettext("{n} frame", "{n} frames", n, { n: whole(n) });
}

/** @param {number} width @param {number} height @returns {string} */
function sizeOf(width, height) {
  return `${width} × ${height}`;
}

/** @param {number} n @returns {string} */
function bytesOf(n) {
  const unit = unitFor("bytes", n);
  return `${inUnit(n, unit)}\u202f${unit.name}`;
}
