// The bundle's entry. The default export is what Streamlit calls, again and again on one element.
import { catalogueIn, useCatalogue } from "../../../../player/js/translation.js";
import { Twins } from "./patterns_view.js";

/** @import { View } from "./scene.js" */

/**
 * @typedef {object} ComponentArgs
 * @property {Uint8Array | ArrayBuffer} data
 * @property {HTMLElement | ShadowRoot} parentElement
 * @property {(name: string, value: unknown) => void} setStateValue
 */

/** @type {WeakMap<HTMLElement, Twins>} */
const mounted = new WeakMap();
// A view that the server has heard before would not be told again, though the page has meanwhile
// taken on another one; so each is told with a number of its own.
let n_told = 0;

/** @param {ComponentArgs} component @returns {() => void} Called when the page is left. */
export default function kvvizTwins({ data, parentElement, setStateValue }) {
  let root = parentElement.querySelector(".kvviz-twins");
  if (!(root instanceof HTMLElement)) {
    root = document.createElement("div");
    parentElement.append(root);
  }
  const element = /** @type {HTMLElement} */ (root);
  const tell = (/** @type {View} */ view) => setStateValue("view", { ...view, number: ++n_told });
  useCatalogue(catalogueIn(data));
  const twins = mounted.get(element) ?? new Twins(element, tell);
  mounted.set(element, twins);
  twins.onView = tell;
  twins.load(data);
  return () => {
    mounted.delete(element);
    twins.destroy();
    element.remove();
  };
}
