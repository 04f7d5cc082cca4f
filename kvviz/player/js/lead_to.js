// Leads to another place on the page: brings it into sight, and the focus with it.

/** A page is drawn anew within this time, and puts another element in the place of the one led to. */
const DRAWN_AGAIN_MS = 5000;

/** @param {string} selector @param {boolean} calm Whether to jump there, for who wants less motion. */
export function leadTo(selector, calm) {
  const place = document.querySelector(selector);
  if (!(place instanceof HTMLElement)) return;
  place.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
  focus(place);
  const follow = new MutationObserver(() => {
    const next = document.querySelector(selector);
    // Not where a person has gone on to something else.
    if (next instanceof HTMLElement && document.activeElement === document.body) focus(next);
  });
  follow.observe(document.body, { childList: true, subtree: true });
  setTimeout(() => follow.disconnect(), DRAWN_AGAIN_MS);
}

/** @param {HTMLElement} place */
function focus(place) {
  place.tabIndex = -1;
  place.focus({ preventScroll: true });
}
