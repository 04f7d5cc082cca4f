// What a page is made of, one idea after another, each to stand alone on a screen.

const TITLE = '.st-key-kvviz-title, [data-testid="stMain"] h1'; // not for people: a selector
// not for people: selectors
const IDEAS = [
  TITLE,
  ".kvviz-player .kv-stage",
  ".kvviz-player .kv-making",
  ".kvviz-player .kv-side",
  ".kvviz-player .kv-heads",
  '[class*="st-key-kvviz-ask-"]',
  '[class*="st-key-kvviz-card-"]',
  '[class*="st-key-kvviz-chart-"]',
  '[data-testid="stMain"] section[data-kvviz]:not(.kvviz-player *)',
].join(", ");

const LEAST_PX = 24;

/**
 * @param {Document} document
 * @returns {HTMLElement[]} In the order of the page; none lies in another.
 */
export function ideasOf(document) {
  /** @type {HTMLElement[]} */
  const found = [];
  for (const node of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(IDEAS))) {
    if (node.offsetHeight < LEAST_PX || found.some((other) => other.contains(node))) continue;
    found.push(node);
  }
  return found;
}

/**
 * What stands on the screen with an idea: the player's own bar with its sentence, over each of its parts.
 * @param {HTMLElement} idea @returns {HTMLElement[]}
 */
export function withCompany(idea) {
  const bar = /** @type {HTMLElement | null | undefined} */ (idea.closest(".kvviz-player")?.querySelector(".kv-toolbar"));
  return bar ? [bar, idea] : [idea];
}
