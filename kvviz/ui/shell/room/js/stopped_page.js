// A page that a teacher has stopped: it stays as it is, and nothing on it can be pressed or typed.

/** Who had the keyboard when the page was stopped. @type {HTMLElement | null} */
let before = null;
let isStopped = false;

/** @param {Event} event */
function swallow(event) {
  event.stopImmediatePropagation();
  if (!(event instanceof KeyboardEvent) || event.key !== "Tab") event.preventDefault();
}

/**
 * @param {Document} document @param {HTMLElement} bar What says so, and is no part of the page.
 * @param {boolean} on
 */
export function stopPage(document, bar, on) {
  if (on) {
    if (!isStopped) {
      before = /** @type {HTMLElement | null} */ (document.activeElement);
      document.addEventListener("keydown", swallow, true);
      const players = /** @type {NodeListOf<any>} */ (document.querySelectorAll('[data-kvviz="player"]'));
      for (const { kvviz } of players) kvviz?.rest();
    }
    // Also what Streamlit has put there since, such as a list that was open.
    for (const node of document.body.children) if (node !== bar) node.toggleAttribute("inert", true);
  } else if (isStopped) {
    document.removeEventListener("keydown", swallow, true);
    for (const node of document.body.children) node.removeAttribute("inert");
    before?.focus({ preventScroll: true });
    before = null;
  }
  isStopped = on;
}
