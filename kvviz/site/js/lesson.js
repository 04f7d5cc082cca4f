// A page of the published site: unpacks what it holds, has the app's own front end draw it, and asks its question.
import { fitOnPaper } from "../../ui/shell/print_page.js";
import { Question } from "./question.js";
import { unpacked } from "./unpacked.js";

/**
 * @typedef {(call: { data: unknown, parentElement: HTMLElement, setStateValue: () => void, setTriggerValue: () => void }) => void} MountComponent
 * @typedef {(root: HTMLElement, buffer: Uint8Array) => void} MountPlayer
 * @typedef {() => { step: number } | null} Seen
 * @typedef {HTMLElement & { kvviz?: { seen: Seen } }} PlayerRoot
 */

/** Whoever hears what is looked at in the app: here is nobody. */
const nobody = () => {};

/**
 * Draws the page's picture, covered until the question is answered where the page has such a one.
 * @param {any} mount What the bundle of the page's picture exports.
 */
export async function begin(mount) {
  fitOnPaper(window);
  // On a telephone the navigation is one line that is moved sideways.
  for (const here of document.querySelectorAll("nav [aria-current]")) here.scrollIntoView({ block: "nearest", inline: "center" });
  const root = /** @type {PlayerRoot} */ (document.getElementById("kvviz-root"));
  const { draws, refusal = "" } = /** @type {HTMLElement} */ (root.parentElement).dataset;
  try {
    const covered = document.getElementById("kvviz-covered");
    const [whole, first] = await Promise.all([unpacked("kvviz-whole"), covered && unpacked("kvviz-covered")]);
    const draw = drawing(mount, draws, root);
    draw(first ?? whole);
    for (const section of document.querySelectorAll("[data-question]")) {
      const question = new Question(/** @type {HTMLElement} */ (section), () => covered && draw(whole));
      // What the person is to bring about is a step of the run.
      root.addEventListener("kvviz-view", () => (root.kvviz?.seen()?.step ?? 0) >= 1 && question.saw());
    }
  } catch (error) {
    root.textContent = refusal.replace("{reason}", () => /** @type {Error} */ (error).message);
  }
}

/**
 * @param {any} mount @param {string | undefined} draws @param {HTMLElement} root
 * @returns {(buffer: Uint8Array) => void} Draws a buffer into the page.
 */
function drawing(mount, draws, root) {
  if (draws === "player") return (buffer) => /** @type {MountPlayer} */ (mount)(root, buffer);
  const component = /** @type {MountComponent} */ (mount);
  const reads = draws === "film" ? (/** @type {Uint8Array} */ bytes) => JSON.parse(new TextDecoder().decode(bytes)) : (/** @type {Uint8Array} */ bytes) => bytes;
  return (buffer) => component({ data: reads(buffer), parentElement: root, setStateValue: nobody, setTriggerValue: nobody });
}
