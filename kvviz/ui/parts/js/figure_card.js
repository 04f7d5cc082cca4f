// The card that a page's own figure stands in: title, tag and buttons above it, its legend and the line that reads out
// below. And what every figure does alike: it wears the page's theme, is painted anew with another theme or width, and
// answers a buffer that cannot be shown with a sentence in its place.
import { el, setText, zoomOf } from "../../../player/js/dom.js";
import { saveButtons } from "../../../player/js/element_picture.js";
import { figureTag, writeTags } from "../../../player/js/figure_tag.js";
import { BufferError, sameBytes } from "../../../player/js/packed_buffer.js";
import { followTheme, readTheme, wearTheme } from "../../../player/js/theme.js";
import { gettext } from "../../../player/js/translation.js";

/**
 * @import { Palette, Theme } from "../../../player/js/colour.js"
 * @import { Origin } from "../../../player/js/figure_tag.js"
 *
 * @typedef {object} Figure What a card is made of.
 * @property {string} className By which the figure's own style sheet knows it.
 * @property {string} hook @property {string} title @property {Origin} origin
 * @property {string} hint What its axes are, and how it is handled.
 * @property {string} file Name of a saved picture, without the ending.
 * @property {HTMLElement[]} [above] What stands between the title and the figure.
 * @property {HTMLElement} body Where the figure is painted, or its refusal stands.
 * @property {HTMLElement[]} legend
 *
 * @typedef {{ theme: Theme, palette: Palette, dpr: number }} Ink What a figure is painted with.
 */

/** A body narrower than this has its parts below each other. */
const STACKED_BELOW = 640;
/** From here on three of them stand beside each other. */
const THREE_FROM = 900;
/** Between two parts beside each other, as in the style sheet. */
const GAP = 32;

export class FigureCard {
  /** @param {HTMLElement} root @param {Figure} figure @param {() => void} paint Paints it in the theme and at the width of now. */
  constructor(root, { className, hook, title, origin, hint, file, above = [], body, legend }, paint) {
    this.root = root;
    this.body = body;
    /** @type {Uint8Array | null} */
    this.loaded = null;
    this.reading = el("p", { class: "fc-reading", "aria-live": "polite" });
    this.legend = el("p", { class: "fc-legend" }, legend);
    root.className = `kvviz-figure-card ${className}`;
    root.dataset.kvviz = hook;
    const probe = el("span", { class: "fc-probe" });
    root.replaceChildren(
      probe,
      el("div", { class: "fc-bar" }, [
        el("h3", {}, [title]),
        figureTag(origin),
        el("span", { class: "fc-note", "data-no-picture": "" }, [hint]),
        saveButtons(title, file, () => root),
      ]),
      ...above, body, this.legend, this.reading,
    );
    writeTags(root, false);
    this.unfollow = followTheme(root, probe, paint);
    this.watch = new ResizeObserver(() => paint());
    this.watch.observe(root);
  }

  /**
   * Reads a buffer.
   * @template T
   * @param {unknown} buffer @param {(buffer: unknown) => T} decode Throws a BufferError where it cannot be shown.
   * @returns {T | null | undefined} Null where it cannot be shown, which the card has said; nothing where it is on show.
   */
  read(buffer, decode) {
    const bytes = buffer instanceof ArrayBuffer ? new Uint8Array(buffer) : buffer;
    if (bytes instanceof Uint8Array) {
      if (this.loaded && sameBytes(this.loaded, bytes)) return undefined;
      this.loaded = bytes.slice();
    }
    try {
      return decode(bytes);
    } catch (error) {
      if (!(error instanceof BufferError)) throw error;
      this.body.replaceChildren(el("p", { role: "alert" }, [`${error.message} ${gettext("Reload the page.")}`]));
      return null;
    }
  }

  /** @returns {boolean} Whether there is a place to paint in: a part of the page that is folded has none. */
  get hasRoom() {
    return this.root.clientWidth > 0;
  }

  /** Puts on the theme of the page. @returns {Ink} */
  ink() {
    const { theme, palette } = readTheme(this.root);
    wearTheme(this.root, theme, palette);
    return { theme, palette, dpr: (window.devicePixelRatio || 1) * zoomOf(this.root) };
  }

  /** @param {number} [n_parts] Of the body. @returns {number} Width of each, two or three of which stand beside each other where they have room. */
  partWidth(n_parts = 2) {
    const inside = this.body.clientWidth;
    const most = inside < STACKED_BELOW ? 1 : inside < THREE_FROM ? 2 : 3;
    const n_columns = Math.min(n_parts, most);
    this.body.style.setProperty("--fc-columns", String(n_columns));
    return (inside - (n_columns - 1) * GAP) / n_columns;
  }

  /** @param {string} sentence Read out, and said to whoever hears the page. */
  say(sentence) {
    setText(this.reading, sentence);
    this.root.dataset.ready = "true";
  }

  destroy() {
    this.unfollow();
    this.watch.disconnect();
    this.root.replaceChildren();
  }
}

/** @param {string} kind @param {string} text @returns {HTMLElement} What a colour or a shape stands for. */
export function legendKey(kind, text) {
  return el("span", {}, [el("i", { class: `fc-key ${kind}` }), ` ${text}`]);
}
