// Streamlit can be told of a part of the page that is not there any more, where a bar of progress asks
// for itself in the very moment in which something is pressed. It then takes the whole page down and
// leaves it white. The address says what was on screen, so the page is loaded anew.

/** What the error says by which it is known. */
const TORN = /delta path/;
/** A page that breaks again so soon would break for ever. */
const LEAST_APART_MS = 10_000;
const KEY = "kvviz-recovered";

/** @param {Window} window */
export function recover(window) {
  const heard = (/** @type {unknown} */ message) => {
    if (!TORN.test(String(message))) return;
    const before = Number(window.sessionStorage.getItem(KEY) ?? -Infinity);
    // A clock that was set back tells nothing of how long it is.
    const since = Date.now() - before;
    if (since >= 0 && since < LEAST_APART_MS) return;
    window.sessionStorage.setItem(KEY, String(Date.now()));
    window.location.reload();
  };
  window.addEventListener("error", (event) => heard(event.message));
  window.addEventListener("unhandledrejection", (event) => heard(event.reason));
}
