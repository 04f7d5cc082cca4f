// Which player a key press is for: the one that has the focus, else the one in sight touched last.

/** @type {Listener[]} */
let listeners = [];

/**
 * @typedef {object} Listener
 * @property {HTMLElement} root
 * @property {(event: KeyboardEvent, inside: boolean) => void} press
 */

/**
 * Calls back for key presses meant for a player. Inside form fields and lists keys keep their own
 * meaning, and space presses the button that has the focus.
 *
 * @param {HTMLElement} root @param {(event: KeyboardEvent, inside: boolean) => void} press
 * @returns {() => void} Stops listening.
 */
export function followKeys(root, press) {
  const own = { root, press };
  const comeForward = () => {
    if (listeners[0] !== own) listeners = [own, ...listeners.filter((other) => other !== own)];
  };
  root.addEventListener("pointerdown", comeForward, true);
  root.addEventListener("focusin", comeForward);
  if (listeners.length === 0) document.addEventListener("keydown", hear);
  listeners.push(own);
  return () => {
    root.removeEventListener("pointerdown", comeForward, true);
    root.removeEventListener("focusin", comeForward);
    listeners = listeners.filter((other) => other !== own);
    if (listeners.length === 0) document.removeEventListener("keydown", hear);
  };
}

/** @param {KeyboardEvent} event */
function hear(event) {
  if (event.defaultPrevented || event.isComposing) return;
  const target = event.target instanceof Element ? event.target : null;
  const holder = listeners.find(({ root }) => target !== null && root.contains(target));
  if (holder) {
    if (target?.closest("input, textarea, [contenteditable]")) return;
    if (target?.closest("select") && event.key !== "Escape") return;
    if (event.key === " " && target?.closest("button")) return;
    holder.press(event, true);
    return;
  }
  // A click on plain ground gives the focus to what scrolls around the player, if not to the body.
  const free = listeners.find(({ root }) => (target === null || target.contains(root) || isIdleLink(target, event.key)) && isInSight(root));
  free?.press(event, false);
}

/**
 * Whether what has the focus is a link that this key says nothing to: one that was just followed keeps it.
 * @param {Element} target @param {string} key @returns {boolean}
 */
function isIdleLink(target, key) {
  return target.matches("a[href]:not([role])") && key !== "Enter" && key !== " ";
}

/** @param {HTMLElement} node @returns {boolean} */
function isInSight(node) {
  const box = node.getBoundingClientRect();
  return box.height > 0 && box.bottom > 0 && box.top < innerHeight;
}
