// The bundle's entry. The default export is what Streamlit calls, again and again on one element.
import { mountPlayer } from "./mount.js";

export { mountPlayer };

/**
 * @typedef {object} ComponentArgs
 * @property {Uint8Array | ArrayBuffer} data
 * @property {HTMLElement | ShadowRoot} parentElement
 * @property {(name: string, value: unknown) => void} setStateValue
 * @property {(name: string, value: unknown) => void} setTriggerValue
 */

/**
 * @param {ComponentArgs} component
 * @returns {() => void} Called when the page is left.
 */
export default function kvvizPlayer({ data, parentElement, setStateValue, setTriggerValue }) {
  let root = parentElement.querySelector(".kvviz-player");
  if (!(root instanceof HTMLElement)) {
    root = document.createElement("div");
    parentElement.append(root);
  }
  const handle = mountPlayer(/** @type {HTMLElement} */ (root), data, {
    // With its number, since Streamlit does not hear the same value twice.
    onView: (view, number) => setStateValue("view", { ...view, number }),
    onWanted: (wanted) => setTriggerValue("wanted", wanted),
  });
  const mounted = root;
  return () => {
    handle.destroy();
    mounted.remove();
  };
}
