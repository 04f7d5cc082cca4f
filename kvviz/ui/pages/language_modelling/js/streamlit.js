// The bundle's entry. The default export is what Streamlit calls, again and again on one element.
import { useCatalogue } from "../../../../player/js/translation.js";
import { Screen } from "./screen.js";

/**
 * @import { Films } from "./film.js"
 * @import { Catalogue } from "../../../../player/js/translation.js"
 * @typedef {object} Component
 * @property {Films & { translation?: Catalogue }} data
 * @property {HTMLElement | ShadowRoot} parentElement
 * @property {(name: string, value: unknown) => void} setStateValue
 */

/** @type {WeakMap<Element | ShadowRoot, Screen>} */
const drawn = new WeakMap();

/** @param {Component} component */
export default function trainingFilm({ data, parentElement, setStateValue }) {
  useCatalogue(data.translation);
  const known = drawn.get(parentElement);
  if (!known) {
    drawn.set(parentElement, new Screen(parentElement, data, (point) => setStateValue("point", point)));
  } else if (JSON.stringify(known.data) !== JSON.stringify(data)) {
    known.take(data);
  }
  return () => {
    drawn.get(parentElement)?.end();
    drawn.delete(parentElement);
  };
}
