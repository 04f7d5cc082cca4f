// Plotly is by far the largest thing a page loads, and while a browser reads it nothing else moves.
// The charts stand below the pictures that a page is for, so Plotly comes when one of them is near
// the window, or when nothing else has happened for a while.

/** Where the server marks a chart (`parts/chart.py`). */
const CHART = '[data-kvviz^="chart-"]';
/** A part of the page of our own. */
const PART = "[data-testid^=stBidiComponent]";
/** Parts that are never seen. */
const UNSEEN = ".st-key-kvviz-history, .st-key-kvviz-unseen-parts";
/** What Streamlit draws where something is still to come, and what a part of our own does (`fetched.js`). */
const TO_COME = "[data-testid*=Skeleton], [data-kvviz=to-come]";
const CHART_PLACE = "[class*=st-key-kvviz-chart-]";
/** How far from the window is near, in parts of its height. */
const NEAR = 0.25;
const QUIET_MS = 10_000;
const LOOK_MS = 100;
const STIRS = ["pointerdown", "keydown", "wheel", "touchmove"];

/**
 * @param {Window} window
 * @returns {Promise<void>} Fulfilled once a chart is wanted.
 */
export function chartsWanted(window) {
  const { document } = window;
  return new Promise((wanted) => {
    const over = new AbortController();
    let stirred = window.performance.now();
    const stir = () => (stirred = window.performance.now());
    const come = () => {
      over.abort();
      window.clearInterval(looking);
      wanted();
    };
    const looking = window.setInterval(() => {
      const charts = [...document.querySelectorAll(CHART)];
      if (!charts.length || !isAtRest(document)) stir();
      else if (window.performance.now() - stirred > QUIET_MS || (stands(document) && charts.some((chart) => isNear(chart, window.innerHeight)))) come();
    }, LOOK_MS);
    for (const name of STIRS) window.addEventListener(name, stir, { capture: true, passive: true, signal: over.signal });
    window.addEventListener("beforeprint", come, { signal: over.signal });
  });
}

/** @param {Document} document Whether the server has said all. */
function isAtRest(document) {
  const app = /** @type {HTMLElement | null} */ (document.querySelector("[data-testid=stApp]"));
  return app?.dataset.testScriptState === "notRunning";
}

/**
 * Whether what stands above the charts has its height, and so they their place. What a view leaves out, as the
 * presenter's does the sidebar, has no height to wait for.
 * @param {Document} document
 */
function stands(document) {
  const parts = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(PART)]);
  const toCome = [...document.querySelectorAll(TO_COME)];
  return parts.every((part) => part.offsetHeight || part.closest(UNSEEN) || isLeftOut(part)) && toCome.every((place) => place.closest(CHART_PLACE) || isLeftOut(place));
}

/** @param {Element} node @returns {boolean} Whether it, or what it stands in, is not displayed at all. */
function isLeftOut(node) {
  return node.getClientRects().length === 0;
}

/** @param {Element} chart Its hook. @param {number} height Of the window. */
function isNear(chart, height) {
  const { top, bottom } = /** @type {Element} */ (chart.parentElement).getBoundingClientRect();
  return top < (1 + NEAR) * height && bottom > -NEAR * height;
}
