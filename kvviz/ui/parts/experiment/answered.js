// Where a question's answers were: takes over the keyboard's focus that went with the one pressed.
// Without it the focus falls to the page's beginning, and Tab would lead from there.

/** Moments after the answer at which the focus may have been lost, in milliseconds. */
const LOOKS_MS = [0, 100, 400];

/** Number of the answer that was given last, so that one of long ago takes nothing from anybody. */
let latest = 0;

/** The answer after which a person has gone on from here: what has the focus then is not about to go. */
let settled = 0;

/** @type {WeakMap<Element | ShadowRoot, HTMLElement>} */
const drawn = new WeakMap();

/** @param {{ data: { number: number }, parentElement: HTMLElement | ShadowRoot }} component */
export default function answered({ data, parentElement }) {
  let spot = drawn.get(parentElement);
  if (!spot) {
    spot = document.createElement("span");
    spot.tabIndex = -1;
    spot.className = "kvviz-answered";
    spot.addEventListener("keydown", pass);
    spot.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget) settled = latest;
    });
    parentElement.append(spot);
    drawn.set(parentElement, spot);
  }
  if (data.number > latest) {
    latest = data.number;
    const taker = spot;
    for (const wait of LOOKS_MS) setTimeout(() => take(taker, data.number), wait);
  }
  return () => {
    drawn.get(parentElement)?.remove();
    drawn.delete(parentElement);
  };
}

/**
 * The spot is plain ground: a key pressed on it is the page's, such as → for the player.
 * @param {KeyboardEvent} event
 */
function pass(event) {
  if (event.key === "Tab") return;
  event.stopPropagation();
  if (!document.body.dispatchEvent(new KeyboardEvent("keydown", event))) event.preventDefault();
}

/**
 * Takes the focus if nobody has it, or one that is about to go.
 * @param {HTMLElement} spot
 * @param {number} number
 */
function take(spot, number) {
  if (number !== latest) return;
  const active = document.activeElement;
  const nobody = active === null || active === document.body || active.matches(".kvviz-answered");
  const own = number !== settled && spot.closest('[class*="st-key-kvviz-ask-"]')?.contains(active);
  if (nobody || own) spot.focus({ preventScroll: true });
}
