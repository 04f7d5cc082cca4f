// What Streamlit says of the page's script.

/** @param {Document} document @returns {boolean} Whether Streamlit runs the page's script. */
export function isBeingDrawn(document) {
  const app = /** @type {HTMLElement | null} */ (document.querySelector("[data-testid=stApp]"));
  return app?.dataset.testScriptState === "running";
}
