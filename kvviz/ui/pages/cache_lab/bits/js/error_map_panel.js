// One of the pictures: rows down, channels across, how far each number is off; above it how large each channel is.
import { divergingColour } from "../../../../../player/js/colour.js";
import { el, pointOn, setText } from "../../../../../player/js/dom.js";
import { begin, frame, MONO } from "../../../../../player/js/pen.js";
import { gettext } from "../../../../../player/js/translation.js";
import { channelSizes, errorAt, meanOff } from "./error_map_buffer.js";

/**
 * @import { Palette, Theme } from "../../../../../player/js/colour.js"
 * @import { ErrorMap, Panel } from "./error_map_buffer.js"
 * @typedef {{ row: number, channel: number }} Spot
 * @typedef {{ theme: Theme, palette: Palette, dpr: number, width: number, spot: Spot | null }} Look
 */

const BARS = 34;
const GAP = 5;
/** Room at the left for the numbers of the rows. */
const LEFT = 26;
const TALLEST = 520;
const LARGEST_ROW = 11;

export class ErrorMapPanel {
  /**
   * @param {ErrorMap} map @param {Panel} panel @param {number} largest Of the errors that colours tell apart.
   * @param {(spot: Spot | null) => void} point Told the number that is pointed at.
   */
  constructor(map, panel, largest, point) {
    this.map = map;
    this.panel = panel;
    this.largest = largest;
    this.sizes = channelSizes(map, panel);
    this.pitch = { x: 1, y: 1 };
    const title = titleOf(panel);
    this.canvas = el("canvas", { class: "ke-canvas", role: "img", "aria-label": title });
    this.off = el("p", { class: "ke-off" });
    const off = meanOff(map, panel);
    setText(this.off, Number.isNaN(off)
      ? gettext("No group is full yet: all rows are read as they were written.")
      : gettext("off by {share} of a row's length", { share: `${Math.round(100 * off)} %` }));
    this.root = el("figure", { class: "ke-panel", "data-kvviz": `error-map-${panel.part}${panel.is_control ? "-control" : ""}`, "data-axis": panel.axis, "data-off": Number.isNaN(off) ? "" : off.toFixed(4) }, [
      el("figcaption", {}, [el("b", {}, [title])]), this.canvas, this.off,
    ]);
    this.canvas.addEventListener("pointermove", (event) => point(this.spotAt(event)));
    this.canvas.addEventListener("pointerdown", (event) => point(this.spotAt(event)));
    this.canvas.addEventListener("pointerleave", () => point(null));
  }

  /** @param {PointerEvent} event @returns {Spot | null} */
  spotAt(event) {
    const { x, y } = pointOn(event, this.canvas);
    const [channel, row] = [Math.floor((x - LEFT) / this.pitch.x), Math.floor((y - BARS - GAP) / this.pitch.y)];
    const inside = channel >= 0 && channel < this.map.width && row >= 0 && row < this.map.tokens.length;
    return inside ? { row, channel } : null;
  }

  /** @param {Look} look */
  paint({ theme, palette, dpr, width, spot }) {
    const { map, panel, largest } = this;
    const n = map.tokens.length;
    this.pitch = { x: (width - LEFT - 1) / map.width, y: Math.min(LARGEST_ROW, Math.max(1, TALLEST / n)) };
    const { x: pitchX, y: pitchY } = this.pitch;
    const pen = begin(this.canvas, width, BARS + GAP + n * pitchY + 1, dpr);
    const snap = (/** @type {number} */ v) => Math.round(v * dpr) / dpr;
    const xOf = (/** @type {number} */ channel) => snap(LEFT + channel * pitchX);
    const yOf = (/** @type {number} */ row) => snap(BARS + GAP + row * pitchY);

    const tallest = Math.max(...this.sizes) || 1;
    pen.fillStyle = palette.slot;
    pen.fillRect(LEFT, BARS, width - LEFT, 1);
    this.sizes.forEach((size, channel) => {
      const h = (BARS - 2) * (size / tallest);
      pen.fillStyle = spot?.channel === channel ? palette.text : palette.muted;
      pen.fillRect(xOf(channel), BARS - h, Math.max(1, xOf(channel + 1) - xOf(channel) - 1), h);
    });
    const gap = pitchX >= 4 && pitchY >= 4 ? 1 / dpr : 0;
    for (let row = 0; row < n; row++) {
      const [y, h] = [yOf(row), yOf(row + 1) - yOf(row)];
      if (!panel.packed[row]) {
        // Read as written: no error, and no cell; a line says that there is a row.
        pen.fillStyle = palette.slot;
        pen.fillRect(LEFT, snap(y + h / 2), width - LEFT - 1, 1 / dpr);
        continue;
      }
      for (let channel = 0; channel < map.width; channel++) {
        const x = xOf(channel);
        pen.fillStyle = divergingColour(theme, errorAt(map, panel, row, channel) / largest);
        pen.fillRect(x, y, xOf(channel + 1) - x - gap, h - gap);
      }
    }
    pen.font = `11px ${MONO}`;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    const every = [1, 2, 5, 10, 20, 50, 100].find((step) => step * pitchY >= 22) ?? 200;
    for (let row = 0; row < n; row += every) {
      pen.fillStyle = palette.muted;
      pen.fillText(String(row), LEFT - 4, (yOf(row) + yOf(row + 1)) / 2);
    }
    if (!spot || spot.row >= n) return;
    const box = { x: LEFT - 1, y: yOf(spot.row) - 1, w: width - LEFT, h: Math.max(pitchY, 2) + 1 };
    frame(pen, box, 1, palette.text, dpr);
    frame(pen, { x: xOf(spot.channel) - 1, y: BARS + GAP - 1, w: pitchX + 1, h: n * pitchY + 1 }, 1, palette.text, dpr);
  }
}

/** @param {Panel} panel @returns {string} */
export function titleOf({ part, axis }) {
  if (part === "keys") return axis === "channel" ? gettext("Keys, by channel") : gettext("Keys, by token");
  return axis === "channel" ? gettext("Values, by channel") : gettext("Values, by token");
}
