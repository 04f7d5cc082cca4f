// How much of the window's height is left for the player, where it is to be seen whole.
import { zoomOf } from "./dom.js";

/** Where a player begins below a title of one line. */
const BELOW_A_TITLE = 56;
/** How much lower it may begin to be seen together with what stands above; a person scrolls to one below more. */
const MOST_LOWER = 120;

/** @returns {number | undefined} Of the window; a frame in a notebook is as high as what it shows, and says nothing. */
export function windowHeight() {
  return window.top === window ? innerHeight : undefined;
}

/**
 * Whether the pictures are on the screen by themselves: the presenter view shows next tokens and bill on screens of their own.
 * @param {Element} root
 */
export function standsAlone(root) {
  return root.ownerDocument.documentElement.hasAttribute("data-kvviz-presents");
}

/**
 * The height of the window in an element's own pixels, less what stands above it beyond a title of one line.
 * @param {Element} root @returns {number | undefined}
 */
export function heightLeft(root) {
  const height = windowHeight();
  const zoom = zoomOf(root);
  if (height && standsAlone(root)) return height / zoom;
  return height && height / zoom - Math.min(MOST_LOWER, Math.max(0, topOnPage(root) / zoom - BELOW_A_TITLE));
}

/** @param {Element} node @returns {number} Where it begins on its page, in pixels of the window, whatever is scrolled. */
function topOnPage(node) {
  let { top } = node.getBoundingClientRect();
  for (let around = node.parentElement; around; around = around.parentElement) top += around.scrollTop;
  return top;
}
