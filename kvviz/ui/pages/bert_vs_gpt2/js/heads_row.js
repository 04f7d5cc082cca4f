// All heads of one model as thumbnails: a click or the arrow keys choose one.
import { el } from "../../../../player/js/dom.js";
import { paintOn } from "../../../../player/js/element_picture.js";
import { gettext } from "../../../../player/js/translation.js";
import { patternOf, within } from "./buffer.js";
import { LAYER_LABEL, MOVES, slotAt, thumbSide } from "./geometry.js";
import { paintHeads, smallPattern, thumbnailImage } from "./paint.js";

/**
 * @import { PackedArray } from "../../../../player/js/packed_buffer.js"
 * @import { Side } from "./buffer.js"
 * @import { Scene } from "./scene.js"
 * @import { Which } from "./words.js"
 * @typedef {{ layer: number, head: number }} Head
 */

const GAP = 4;

export class HeadsRow {
  /** @param {Side} side @param {Which} which @param {(head: Head) => void} choose */
  constructor(side, which, choose) {
    this.side = side;
    this.which = which;
    this.choose = choose;
    /** @type {Scene | null} */
    this.scene = null;
    /** @type {Map<string, ImageData>} Of the payload and the theme last painted: all are put down whenever one thing moves. */
    this.images = new Map();
    /** @type {unknown[]} */
    this.imagesOf = [];
    this.title = el("h4", { class: "kt-map-name" }, [side.name]);
    const label = gettext("All heads of {model}", { model: side.name });
    this.root = el("canvas", { class: "kt-heads", role: "img", tabindex: 0, "aria-label": label });
    this.root.addEventListener("click", (event) => this.pick(event));
    this.root.addEventListener("keydown", (event) => this.step(event));
  }

  /** @param {MouseEvent} event */
  pick(event) {
    if (!this.scene) return;
    const size = thumbSide(this.scene.place.column, this.side.n_heads) + GAP;
    const layer = slotAt(event.offsetY, size, this.side.n_layers);
    const head = slotAt(event.offsetX - LAYER_LABEL, size, this.side.n_heads);
    if (layer !== null && head !== null) this.choose({ layer, head });
  }

  /** @param {KeyboardEvent} event */
  step(event) {
    const move = MOVES[event.key];
    if (!move || !this.scene) return;
    event.preventDefault();
    // From the head that is framed here, which another model's may lie beyond.
    const { layer, head } = within(this.side, this.scene.view);
    const [down, right] = move;
    this.choose(within(this.side, { layer: Math.max(layer + down, 0), head: Math.max(head + right, 0) }));
  }

  /** @param {Scene} scene */
  paint(scene) {
    this.scene = scene;
    const { payload, tokens, view, place, ink } = scene;
    const thumbnails = payload.arrays.get(`${this.which}.thumbnails`);
    const size = thumbSide(place.column, this.side.n_heads);
    if (this.imagesOf[0] !== payload || this.imagesOf[1] !== ink.theme) this.images.clear();
    this.imagesOf = [payload, ink.theme];
    const make = (/** @type {number} */ layer, /** @type {number} */ head, /** @type {number} */ pixels) => {
      const pattern = patternOf(payload, this.which, layer);
      return pattern && !thumbnails
        ? smallPattern(pattern, head, tokens.positions[this.which], pixels, ink.theme)
        : thumbnailImage(/** @type {PackedArray} */ (thumbnails), this.side, payload.header.n_slots, layer, head, pixels, ink.theme);
    };
    const imageOf = (/** @type {number} */ layer, /** @type {number} */ head, /** @type {number} */ pixels) => {
      const name = `${layer} ${head} ${pixels}`;
      const image = this.images.get(name) ?? make(layer, head, pixels);
      this.images.set(name, image);
      return image;
    };
    const { layer, head } = within(this.side, view);
    paintOn(this.root, ink.dpr, (sheet, dpr) => {
      paintHeads(sheet, imageOf, this.side, size, place.column, { ...ink, dpr });
      const pen = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
      pen.strokeStyle = ink.palette.ink;
      pen.lineWidth = 2.5;
      pen.strokeRect(LAYER_LABEL + head * (size + GAP) - 0.5, layer * (size + GAP) + 0.5, size + 1, size - 1);
    });
  }
}
