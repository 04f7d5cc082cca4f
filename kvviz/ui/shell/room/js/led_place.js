// The address that a teacher's page has, as one who follows takes it on.

/** What an address says of the person who reads it (`membership.OWN`). */
const OWN = ["room", "lang", "present"];
/** What of a view stands in an address (`parts/view.py`): a player on the page can be moved to it. */
const VIEW = ["step", "layer", "head", "cache", "cell"];

/**
 * @param {Record<string, string>} own What this tab's address says of its reader. @param {Record<string, string>} led
 * @returns {string} The query of the teacher's address, with what is the reader's own.
 */
export function ledQuery(own, led) {
  return String(new URLSearchParams([...Object.entries(led), ...Object.entries(own)]));
}

/** @param {string} here @param {Record<string, string>} led @returns {boolean} */
export function isSameButForView(here, led) {
  const rest = (/** @type {Iterable<[string, string]>} */ pairs) =>
    JSON.stringify([...pairs].filter(([name]) => !OWN.includes(name) && !VIEW.includes(name)).sort());
  return rest(new URLSearchParams(here)) === rest(Object.entries(led));
}

/** @param {string} here @returns {boolean} Whether an address says more than what is its reader's own. */
export function hasMoreThanOwn(here) {
  return [...new URLSearchParams(here).keys()].some((name) => !OWN.includes(name));
}
