// Where a question's buttons were: takes over the keyboard's focus that went with the one pressed.
// Without it the focus falls to the page's beginning, and Tab would lead from there.

/** Moments after the answer at which the focus may have been lost, in milliseconds. */
const LOOKS_MS = [0, 100, 400];

/** @type {HTMLElement | null} Where the question stood that was answered last: the others let go. */
let latest = null;

/** @type {WeakMap<Element | ShadowRoot, HTMLElement>} */
const drawn = new WeakMap();

/** @param {{ data: { just_now: boolean }, parentElement: HTMLElement | ShadowRoot }} component */
export default function answered({ data, parentElement }) {
  const known = drawn.get(parentElement);
  if (!known) {
    const spot = document.createElement("span");
    spot.tabIndex = -1;
    spot.className = "kvviz-answered";
    parentElement.append(spot);
    drawn.set(parentElement, spot);
    if (data.just_now) {
      latest = spot;
      for (const wait of LOOKS_MS) setTimeout(() => take(spot), wait);
    }
  }
  return () => {
    drawn.get(parentElement)?.remove();
    drawn.delete(parentElement);
  };
}

/** Takes the focus if nobody has it, or one that is about to go. @param {HTMLElement} spot */
function take(spot) {
  if (spot !== latest) return;
  const active = document.activeElement;
  const nobody = active === null || active === document.body || active.matches(".kvviz-answered");
  const own = spot.closest('[class*="st-key-kvviz-ask-"]')?.contains(active);
  if (nobody || own) spot.focus({ preventScroll: true });
}
