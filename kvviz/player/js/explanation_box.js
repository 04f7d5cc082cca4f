// A box with the arithmetic behind a figure, beside the figure. The player and other pages open it.
import { el, show, zoomOf } from "./dom.js";
import { LABELS } from "./words.js";

/** @import { Explanation } from "./bill_words.js" */

/**
 * @param {() => void} onClose @returns {{ node: HTMLElement, title: HTMLElement, content: HTMLElement }} Hidden.
 */
export function emptyBox(onClose) {
  const title = el("h4");
  const close = el("button", { type: "button", class: "kv-close", "aria-label": LABELS.close }, ["×"]);
  close.onclick = onClose;
  const content = el("div", { class: "kv-pop-content" });
  return { title, content, node: el("div", { class: "kv-pop", role: "dialog", tabindex: -1, hidden: true }, [title, close, content]) };
}

/** @param {HTMLElement} title @param {HTMLElement} content @param {Explanation} explanation */
export function writeExplanation(title, content, explanation) {
  title.textContent = explanation.title;
  content.replaceChildren(...explanation.lines.map((line) => el("p", {}, [line])));
  if (explanation.note) content.append(el("p", { class: "kv-note" }, [explanation.note]));
}

/**
 * Beside the column that the anchor stands in, so that its neighbours can still be pressed; below or
 * above the anchor where there is no room beside it.
 * @param {HTMLElement} root @param {HTMLElement} node @param {HTMLElement | null} anchor
 */
export function placeBox(root, node, anchor) {
  const within = boxOf(root);
  const at = boxOf(anchor ?? root);
  const section = anchor?.closest("section");
  const column = section && boxOf(section);
  const width = Math.min(380, within.width - 24);
  node.style.width = `${width}px`;
  const height = node.offsetHeight;
  const left = column ? column.left - within.left - width - 16 : -1;
  const right = column ? column.right - within.left + 16 : within.width;
  const beside = left >= 8 || right + width > within.width - 8 ? left : right;
  const below = at.bottom - within.top + 8;
  const above = at.top - within.top - height - 8;
  const room = innerHeight / zoomOf(root) - within.top - 12;
  if (beside >= 8) {
    node.style.left = `${beside}px`;
    node.style.top = `${Math.max(8, Math.min(at.top - within.top - 16, room - height))}px`;
    return;
  }
  const under = Math.min(Math.max(12, at.right - within.left - width), within.width - width - 12);
  node.style.left = `${under}px`;
  node.style.top = `${below + height < room || above < 0 ? below : above}px`;
}

/** @param {Element} node Where it stands in the window, in its own pixels. */
function boxOf(node) {
  const box = node.getBoundingClientRect();
  const zoom = zoomOf(node);
  return { left: box.left / zoom, right: box.right / zoom, top: box.top / zoom, bottom: box.bottom / zoom, width: box.width / zoom };
}

/**
 * A box that a page of figures opens by itself: pressed again, Escape or a press elsewhere closes it, and the
 * focus goes back to the figure.
 * @param {HTMLElement} root In which it is placed.
 */
export function explanationBox(root) {
  /** @type {HTMLElement | null} */
  let anchor = null;
  const shut = (/** @type {boolean} */ isLeft) => {
    if (!anchor) return;
    anchor.setAttribute("aria-expanded", "false");
    show(node, false);
    if (!isLeft) anchor.focus({ preventScroll: true });
    anchor = null;
  };
  const { node, title, content } = emptyBox(() => shut(false));
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    shut(false);
  });
  const leave = (/** @type {PointerEvent} */ event) => {
    const target = event.target instanceof Node ? event.target : null;
    if (anchor && target && !node.contains(target) && !anchor.contains(target)) shut(true);
  };
  document.addEventListener("pointerdown", leave, true);
  return {
    node,
    /** What was explained is no longer on show. */
    leave: () => shut(true),
    /** @param {HTMLElement} figure Pressed. @param {Explanation | null} explanation */
    open(figure, explanation) {
      const isOpen = anchor === figure;
      shut(isOpen ? false : true);
      if (isOpen || !explanation) return;
      anchor = figure;
      writeExplanation(title, content, explanation);
      node.setAttribute("aria-label", explanation.title);
      figure.setAttribute("aria-expanded", "true");
      show(node, true);
      placeBox(root, node, figure);
      node.focus({ preventScroll: true });
    },
    destroy: () => document.removeEventListener("pointerdown", leave, true),
  };
}

/** @returns {HTMLButtonElement} A number that opens. */
export function figureButton() {
  return el("button", { type: "button", class: "kv-figure", "aria-haspopup": "dialog", "aria-expanded": "false" });
}
