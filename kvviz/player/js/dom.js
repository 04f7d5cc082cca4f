// A few lines in place of a framework: make elements, write only what changed.

/**
 * Text goes in as text, never as markup.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, string | number | boolean>} [attributes]
 * @param {(Node | string)[]} [children] @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false) continue;
    node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

/** @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {Element} node @param {string} name @param {string | null} value */
export function setAttribute(node, name, value) {
  if (value === null) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** @param {HTMLElement} node @param {boolean} shown */
export function show(node, shown) {
  if (node.hidden === shown) node.hidden = !shown;
}

/**
 * @param {Element} node
 * @returns {number} How many pixels of the window one of the node's own takes: a page may be shown larger.
 */
export function zoomOf(node) {
  return /** @type {{ currentCSSZoom?: number }} */ (node).currentCSSZoom || 1;
}

/**
 * Where a pointer is, in a node's own pixels.
 * @param {{ clientX: number, clientY: number }} event @param {Element} node
 * @returns {{ x: number, y: number }}
 */
export function pointOn(event, node) {
  const { left, top } = node.getBoundingClientRect();
  const zoom = zoomOf(node);
  return { x: (event.clientX - left) / zoom, y: (event.clientY - top) / zoom };
}

/** @returns {boolean} Whether the person has asked for less motion. */
export function reducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/**
 * Runs something again only when what it depends on has changed.
 * @returns {(keys: unknown[], run: () => void) => void}
 */
export function whenChanged() {
  /** @type {unknown[] | null} */
  let last = null;
  return (keys, run) => {
    if (last !== null && keys.length === last.length && keys.every((key, i) => Object.is(key, /** @type {unknown[]} */ (last)[i]))) return;
    last = keys;
    run();
  };
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * A small drawing from path data, in the colour of its text.
 * @param {string} path @param {number} [size] @returns {SVGSVGElement}
 */
export function icon(path, size = 16) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("width", String(size));
  svg.setAttribute("height", String(size));
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  shape.setAttribute("fill", "currentColor");
  svg.append(shape);
  return svg;
}

export const ICONS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  back: "M11.5 3v10L4.5 8z",
  play: "M4.5 2.5v11L13 8z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  forward: "M4.5 3v10l7-5z",
  last: "M11 3h2v10h-2zM3 3v10l7-5z",
};
