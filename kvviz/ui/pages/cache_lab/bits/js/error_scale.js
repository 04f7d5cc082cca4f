// The scale of the errors, as the legend shows it.
import { divergingColour } from "../../../../../player/js/colour.js";

/** @param {import("../../../../../player/js/colour.js").Theme} theme @returns {string} A CSS gradient from too little to too much. */
export function gradientOf(theme) {
  return `linear-gradient(90deg, ${[-1, -0.5, 0, 0.5, 1].map((value) => divergingColour(theme, value)).join(", ")})`;
}
