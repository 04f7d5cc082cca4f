// A tab that has lost its connection and has one again may be served by a process that knows nothing of it: the
// app was started again, or another process stands in for its own. Streamlit tells nothing to such a tab until
// somebody presses something, and what a part of its page tells then is of no page that the server knows. So the
// page is drawn once anew, as its address says; but not where that would cost what was typed and is not in it.

const STATE = "data-test-connection-state"; // not for people: an attribute of Streamlit's
const CONNECTED = "CONNECTED"; // not for people: one of its values

/**
 * @param {Window & typeof globalThis} window
 * @param {() => void} drawAnew Is called each time that a connection is there again.
 */
export function onReconnection(window, drawAnew) {
  const { document } = window;
  let wasConnected = false;
  let isConnected = false;
  /** @type {Set<HTMLInputElement>} Fields that were typed into. */
  const typed = new Set();
  document.addEventListener("input", ({ target }) => typed.add(/** @type {HTMLInputElement} */ (target)), true);
  const isAllSaid = () => {
    const said = [...new URLSearchParams(window.location.search).values()];
    return [...typed].every(({ isConnected, value }) => !isConnected || !value || said.includes(value));
  };
  const look = () => {
    const state = document.querySelector(`[${STATE}]`)?.getAttribute(STATE);
    if (state === CONNECTED && !isConnected && wasConnected && isAllSaid()) drawAnew();
    isConnected = state === CONNECTED;
    wasConnected ||= isConnected;
  };
  new window.MutationObserver(look).observe(document, { subtree: true, attributeFilter: [STATE] });
}
