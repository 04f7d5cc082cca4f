// Follows the page's theme: Streamlit's variables where they are set, else a data-theme, else the system.
import { paletteFor, themeOf } from "./colour.js";

/** @import { Palette, Theme } from "./colour.js" */

/**
 * Paper is light, whatever the screen is.
 * @param {HTMLElement} root @returns {{ theme: Theme, palette: Palette }}
 */
export function readTheme(root) {
  if (matchMedia("print").matches) return { theme: "light", palette: paletteFor("light", "", "", getComputedStyle(root).fontFamily) };
  const style = getComputedStyle(root);
  const background = style.getPropertyValue("--st-background-color");
  const text = style.getPropertyValue("--st-text-color");
  const named = root.closest("[data-theme]")?.getAttribute("data-theme");
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const theme = themeOf(background) ?? (named === "dark" || named === "light" ? named : system);
  return { theme, palette: paletteFor(theme, background, text, style.fontFamily) };
}

/** @param {HTMLElement} root @param {Theme} theme @param {Palette} palette */
export function wearTheme(root, theme, palette) {
  root.dataset.scheme = theme;
  const { sans: _, ...colours } = palette;
  for (const [name, colour] of Object.entries(colours)) {
    root.style.setProperty(`--kv-${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`, colour);
  }
}

/**
 * Calls back when the theme may have changed. The page may swap its variables without telling anyone;
 * a probe whose colour is one of them starts a transition when that happens, and the event says so.
 * @param {HTMLElement} root @param {HTMLElement} probe @param {() => void} changed
 * @returns {() => void} Stops following.
 */
export function followTheme(root, probe, changed) {
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", changed);
  const paper = matchMedia("print");
  paper.addEventListener("change", changed);
  probe.addEventListener("transitionend", changed);
  const observer = new MutationObserver(changed);
  const holder = root.closest("[data-theme]") ?? document.documentElement;
  observer.observe(holder, { attributes: true, attributeFilter: ["data-theme"] });
  return () => {
    media.removeEventListener("change", changed);
    paper.removeEventListener("change", changed);
    probe.removeEventListener("transitionend", changed);
    observer.disconnect();
  };
}
