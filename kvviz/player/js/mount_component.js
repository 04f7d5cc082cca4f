// Mounts what draws into a place on Streamlit's page. Streamlit calls a component again and again on
// one element, without a clean-up in between: the same element keeps the part it has, unless the page
// speaks another language than before.
import { catalogueOf, useCatalogue } from "./translation.js";

/**
 * @typedef {(name: string, value: unknown) => void} Tell
 *
 * @typedef {object} Page What a part can tell the server, by the functions of the latest call.
 * @property {Tell} setStateValue Starts a rerun.
 * @property {Tell} setTriggerValue The same; the value is there for that rerun only.
 *
 * @typedef {object} Part What draws.
 * @property {(data: any) => void} load Takes what the page gives: at first, and whenever it is drawn again.
 * @property {() => void} destroy Lets go of all that would outlive its element.
 *
 * @typedef {object} Call What Streamlit hands to a component.
 * @property {unknown} data
 * @property {HTMLElement | ShadowRoot} parentElement
 * @property {Tell} setStateValue
 * @property {Tell} setTriggerValue
 */

/**
 * @param {(root: HTMLElement, page: Page) => Part} make Makes the part in an element of its own.
 * @returns {(call: Call) => () => void} A component: its module's default export. What it returns is
 *   called when the page is left.
 */
export function mountComponent(make) {
  /** @type {WeakMap<HTMLElement | ShadowRoot, { part: Part, page: Page, root: HTMLElement, n_calls: number }>} */
  const mounted = new WeakMap();
  return ({ data, parentElement, setStateValue, setTriggerValue }) => {
    let one = mounted.get(parentElement);
    if (useCatalogue(catalogueOf(data)) && one) {
      one.part.destroy();
      one.root.remove();
      one = undefined;
    }
    if (!one) {
      const root = document.createElement("div");
      parentElement.append(root);
      const page = telling({ setStateValue, setTriggerValue }, () => false);
      one = { part: make(root, page), page, root, n_calls: 0 };
      mounted.set(parentElement, one);
    }
    const { part, page, root } = one;
    const [mine, number] = [one, ++one.n_calls];
    Object.assign(page, telling({ setStateValue, setTriggerValue }, () => mounted.get(parentElement)?.part !== part));
    part.load(data);
    return () => {
      // Where data came again before the script had, Streamlit takes back the first call after the second.
      if (mounted.get(parentElement) !== mine || mine.n_calls !== number) return;
      mounted.delete(parentElement);
      part.destroy();
      root.remove();
    };
  };
}

/**
 * Ways to tell that are held back while the page is being left: what a part comes to rest at a moment
 * after a click on a link is of the past, unless the page stays after all.
 * @param {Page} page @param {() => boolean} isGone Whether the part has been taken away since.
 * @returns {Page}
 */
function telling(page, isGone) {
  const unlessLeaving = (/** @type {Tell} */ tell) => (/** @type {string} */ name, /** @type {unknown} */ value) => {
    const bar = /** @type {{ kvvizAddressBar?: { unlessLeaving: (tell: () => void) => void } }} */ (globalThis).kvvizAddressBar;
    if (!bar) tell(name, value);
    else bar.unlessLeaving(() => isGone() || tell(name, value));
  };
  return { setStateValue: unlessLeaving(page.setStateValue), setTriggerValue: unlessLeaving(page.setTriggerValue) };
}
