// Where a teacher's browser keeps the key of the room that was opened in it. The tab's own storage
// outlives a reload, and a tab that the browser restores; the browser's storage a tab that was closed.

const NAME = "kvviz-room";
const MEMBER = "kvviz-room-member";
const KEPT_MS = 4 * 3600 * 1000;

/** @typedef {{ code: string, key: string, since: number }} Kept */

/**
 * @param {Window} window @param {"tab" | "browser"} where
 * @returns {Kept | null}
 */
export function keptKey(window, where) {
  try {
    const kept = JSON.parse(storage(window, where).getItem(NAME) ?? "null");
    const isOne = typeof kept?.code === "string" && typeof kept.key === "string";
    return isOne && Date.now() - kept.since < KEPT_MS ? kept : null;
  } catch {
    // A browser may refuse to keep anything.
    return null;
  }
}

/** @param {Window} window @param {string} code @param {string} key */
export function keepKey(window, code, key) {
  const text = JSON.stringify({ code, key, since: Date.now() });
  for (const where of /** @type {const} */ (["tab", "browser"])) {
    if (keptKey(window, where)?.key === key) continue;
    try {
      storage(window, where).setItem(NAME, text);
    } catch {
      // Then it is not kept.
    }
  }
}

/**
 * Keeps by which key this tab is in a room, and gives the one before it, so that a page that is loaded
 * anew is no newcomer.
 * @param {Window} window @param {string} key @returns {string} Empty if there was none, or the same.
 */
export function takeTurn(window, key) {
  try {
    const before = window.sessionStorage.getItem(MEMBER) ?? "";
    window.sessionStorage.setItem(MEMBER, key);
    return before === key ? "" : before;
  } catch {
    return "";
  }
}

/** @param {Window} window @param {string} code */
export function forgetKey(window, code) {
  for (const where of /** @type {const} */ (["tab", "browser"])) {
    if (keptKey(window, where)?.code === code) storage(window, where).removeItem(NAME);
  }
}

/** @param {Window} window @param {"tab" | "browser"} where @returns {Storage} */
function storage(window, where) {
  return where === "tab" ? window.sessionStorage : window.localStorage;
}
