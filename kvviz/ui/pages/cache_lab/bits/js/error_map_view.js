// The component: what packing has made of a head's keys and values, each grouped in both ways.
import { gradientOf } from "./error_scale.js";
import { el, setAttribute, setText } from "../../../../../player/js/dom.js";
import { gettext } from "../../../../../player/js/translation.js";
import { FigureCard, legendKey } from "../../../../parts/js/figure_card.js";
import { decode, errorAt, largestTold } from "./error_map_buffer.js";
import { ErrorMapPanel, titleOf } from "./error_map_panel.js";

/**
 * @import { ErrorMap } from "./error_map_buffer.js"
 * @import { Spot } from "./error_map_panel.js"
 */

const GAP = 22;
/** Widths of the picture from which on four, or two, panels stand beside each other. */
const [FOUR_FROM, TWO_FROM] = [760, 320];
/** @type {Record<string, [number, number]>} Rows and channels that a key moves by. */
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export class ErrorMapView {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {ErrorMap | null} */
    this.map = null;
    /** @type {ErrorMapPanel[]} */
    this.panels = [];
    /** @type {Spot | null} */
    this.spot = null;
    this.scale = el("span", { class: "ke-scale", "aria-hidden": "true" });
    this.limits = el("span");
    const body = el("div", { class: "ke-panels", tabindex: 0, role: "group", "aria-label": gettext("How far each number is off; arrow keys move") });
    body.addEventListener("keydown", (event) => this.onKey(event));
    this.card = new FigureCard(root, {
      className: "kvviz-error-map",
      hook: "error-map",
      title: gettext("What is read, less what was written"),
      origin: "measured",
      hint: gettext("down: rows · across: channels · point, or arrow keys"),
      file: "kvviz-error-map",
      body,
      legend: [
        el("span", {}, [this.scale, " ", this.limits]),
        legendKey("ke-waits", gettext("waits for its group, read as written")),
        legendKey("ke-size", gettext("mean size of the channel's numbers")),
      ],
    }, () => this.paint());
  }

  /** @param {unknown} buffer */
  load(buffer) {
    const map = this.card.read(buffer, decode);
    if (map === undefined) return;
    this.spot = null;
    this.map = map;
    if (map === null) return;
    const largest = { keys: largestTold(map, "keys"), values: largestTold(map, "values") };
    this.panels = map.panels.map((panel) => new ErrorMapPanel(map, panel, largest[panel.part], (spot) => this.point(spot)));
    this.card.body.replaceChildren(...this.panels.map((panel) => panel.root));
    setText(this.limits, gettext("keys −{keys} to {keys}, values −{values} to {values}", { keys: largest.keys.toFixed(2), values: largest.values.toFixed(2) }));
    this.paint();
  }

  destroy() {
    this.card.destroy();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const move = MOVES[event.key];
    if (!move || !this.map || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const { row, channel } = this.spot ?? { row: -move[0], channel: -move[1] };
    const within = (/** @type {number} */ at, /** @type {number} */ n) => Math.max(0, Math.min(n - 1, at));
    this.point({ row: within(row + move[0], this.map.tokens.length), channel: within(channel + move[1], this.map.width) });
  }

  /** @param {Spot | null} spot */
  point(spot) {
    if (spot?.row === this.spot?.row && spot?.channel === this.spot?.channel) return;
    this.spot = spot;
    this.paint();
  }

  /** @returns {string} What is read at the number that is pointed at. */
  said() {
    const { map, spot } = this;
    if (!map || !spot) return gettext("Layer {layer}, KV head {head}: point at a number.", { layer: map?.layer ?? 0, head: map?.kv_head ?? 0 });
    const each = map.panels.map((panel) => {
      const error = errorAt(map, panel, spot.row, spot.channel);
      const written = panel.written[spot.row * map.width + spot.channel].toFixed(2);
      const off = `${error < 0 ? "−" : "+"}${Math.abs(error).toFixed(2)}`;
      return gettext("{part}: {written} written, {off} off", { part: titleOf(panel), written: written.replace("-", "−"), off: panel.packed[spot.row] ? off : "0" });
    });
    return `${gettext("Row {row} “{token}”, channel {channel}.", { ...spot, token: map.tokens[spot.row] })} ${each.join("; ")}.`;
  }

  paint() {
    if (!this.map || !this.card.hasRoom) return;
    const ink = this.card.ink();
    const { body } = this.card;
    this.scale.style.background = gradientOf(ink.theme);
    const inside = body.clientWidth;
    const across = inside >= FOUR_FROM ? 4 : inside >= TWO_FROM ? 2 : 1;
    body.style.gridTemplateColumns = `repeat(${across}, minmax(0, 1fr))`;
    const width = Math.floor((inside - GAP * (across - 1)) / across);
    for (const panel of this.panels) panel.paint({ ...ink, width, spot: this.spot });
    const { layer, kv_head, tokens } = this.map;
    const hooks = { layer, "kv-head": kv_head, "n-rows": tokens.length, row: this.spot?.row ?? "", channel: this.spot?.channel ?? "" };
    for (const [name, value] of Object.entries(hooks)) setAttribute(this.root, `data-${name}`, String(value));
    this.card.say(this.said());
  }
}
