// A room that is in another process of the app. The proxy before the processes reads the code off an address
// and sends whoever asks by it to the one that has the room, so the page is loaded anew at such an address.

const PARAMETER = "room"; // not for people: of an address

/**
 * @param {Window} window @param {string} code
 * @returns {boolean} Whether the tab is on its way. An address that names the room already has led here, and
 *   would lead here again: there is no proxy, or the other process is down and its visitors are sent to this one.
 */
export function goElsewhere(window, code) {
  const there = new URL(window.location.href);
  if (there.searchParams.get(PARAMETER) === code) return false;
  there.searchParams.set(PARAMETER, code);
  window.location.assign(there.href);
  return true;
}
