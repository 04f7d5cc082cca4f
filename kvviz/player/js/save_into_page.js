// Writes pictures that the address of a page asks for into the page itself: for a program that reads the
// page and sees no window, as `python -m kvviz trace --svg --animate` does.
import { animationOf, make } from "./animate.js";
import { WIDTHS, rangeOf } from "./animation.js";
import { noRange, tooLong } from "./animation_words.js";
import { el } from "./dom.js";
import { sceneAt, svgOf } from "./picture.js";
import { REST } from "./motion.js";

/**
 * @import { Figures } from "./picture.js"
 * @import { Scene } from "./scene.js"
 */

/**
 * Each becomes an element of its own, whose text is a data address; what cannot be made, a sentence.
 * @param {HTMLElement} root @param {Scene} scene @param {Figures} figures
 * @param {URLSearchParams} asked `save`: "svg", "gif" or both; `from` and `to`: steps; the SVG is of the last of them.
 */
export async function saveIntoPage(root, scene, figures, asked) {
  const put = (/** @type {string} */ name, /** @type {string} */ text) => root.append(el("pre", { hidden: true, "data-kvviz": name }, [text]));
  const { n_steps } = scene.payload.header;
  const range = rangeOf(asked.get("from") ?? "", asked.get("to") ?? "", n_steps);
  if (!range) return put("refused", noRange(n_steps));
  const formats = (asked.get("save") ?? "").split(",");
  if (formats.includes("svg")) put("saved-svg", await address(svgOf(sceneAt(scene, range.to, REST), figures, "view")));
  if (!formats.includes("gif")) return;
  const animation = animationOf(scene, figures, "view", range, WIDTHS[1]);
  if (animation.isTooLong) return put("refused", tooLong(animation));
  const bytes = await make(animation, new AbortController().signal, (n) => console.info("kvviz", n, animation.frames.length));
  put("saved-gif", await address(bytes));
}

/** @param {BlobPart} content @returns {Promise<string>} */
function address(content) {
  return new Promise((go) => {
    const reader = new FileReader();
    reader.onload = () => go(String(reader.result));
    reader.readAsDataURL(new Blob([content]));
  });
}
