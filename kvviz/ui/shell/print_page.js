// A page goes onto paper whole, as much smaller as its width asks for, and told whether it was dark. Streamlit's page is a window that
// scrolls, and paper has no scroll.

/** What is left of a sheet of A4 between its margins, in CSS pixels; a sheet of letter has a little more. */
export const PAPER_WIDTH = 700;

/**
 * Sets, before the page is printed, by how much it is made smaller: the style sheet does the rest.
 * @param {Window} window
 */
export function fitOnPaper(window) {
  window.addEventListener("beforeprint", () => {
    const { document } = window;
    const page = document.querySelector("[data-testid=stMainBlockContainer]");
    const share = page ? Math.min(1, PAPER_WIDTH / page.scrollWidth) : 1;
    const root = document.documentElement;
    root.style.setProperty("--kvviz-on-paper", share.toFixed(3));
    // What was written for a dark screen cannot be read on paper.
    const app = document.querySelector(".stApp");
    root.toggleAttribute("data-kvviz-dark", app !== null && window.getComputedStyle(app).colorScheme === "dark");
  });
}
