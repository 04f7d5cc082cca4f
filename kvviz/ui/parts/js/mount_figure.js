// A bundle's default export, for a figure that is painted from a buffer and may tell what is looked at in it.
import { fetched } from "../../../player/js/fetched.js";
import { mountComponent } from "../../../player/js/mount_component.js";

/**
 * @import { Call, Part } from "../../../player/js/mount_component.js"
 */

/**
 * @param {(root: HTMLElement, onView: (view: object) => void) => Part} make
 * @returns {(call: Call) => () => void} What Streamlit calls, again and again on one element.
 */
export function mountFigure(make) {
  return fetched(figureOf(make));
}

/**
 * The same of the buffer itself, for a document that holds it.
 * @param {(root: HTMLElement, onView: (view: object) => void) => Part} make
 * @returns {(call: Call) => () => void}
 */
export function figureOf(make) {
  // A view that the server has heard before would not be told again, though the page has meanwhile
  // taken on another one; so each is told with a number of its own.
  let n_told = 0;
  return mountComponent((root, page) => make(root, (view) => page.setStateValue("view", { ...view, number: ++n_told })));
}
