// The address that a teacher's page has, as one who follows takes it on.

/** What an address says of the person who reads it (`membership.OWN`). */
const OWN = ["room", "lang", "present"];
/** What of a view stands in an address (`parts/view.py`): a player on the page can be moved to it. */
const VIEW = ["step", "layer", "head", "cache", "cell"];

/**
 * @param {string} here The query of this tab's address. @param {Record<string, string>} led
 * @returns {string} The teacher's, with what this tab's says of its reader.
 */
export function ledQuery(here, led) {
  const own = [...new URLSearchParams(here)].filter(([name]) => OWN.includes(name));
  return String(new URLSearchParams([...Object.entries(led), ...own]));
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
