// The two figures of a row of attention that open: the share of the key, and the spread of the row.
import { el, setAttribute, setText } from "./dom.js";
import { figureButton } from "./explanation_box.js";
import { percent } from "./format.js";
import { LABELS } from "./making_words.js";
import { bits, entropyExplanation, figureRead, weightExplanation } from "./number_words.js";
import { entropyBits } from "./row_making.js";

/**
 * @import { Explanation } from "./bill_words.js"
 * @import { RowMaking } from "./row_making.js"
 *
 * @typedef {"weight" | "entropy"} Share
 */

/** @param {(share: Share, button: HTMLButtonElement) => void} open Told which of them was pressed. */
export function makingShares(open) {
  const [weight, spread] = /** @type {Share[]} */ (["weight", "entropy"]).map((share) => {
    const button = figureButton();
    button.dataset.open = `making.${share}`;
    button.onclick = () => open(share, button);
    return button;
  });
  return {
    node: el("p", { class: "kv-making-figures" }, [LABELS.share, " ", weight, " · ", LABELS.spread, " ", spread]),
    /** @param {RowMaking} making @param {number} key */
    tell(making, key) {
      setText(weight, percent(making.weights[key]));
      setText(spread, bits(entropyBits(making.weights)));
      setAttribute(weight, "aria-label", figureRead(LABELS.share, weight.textContent ?? ""));
      setAttribute(spread, "aria-label", figureRead(LABELS.spread, spread.textContent ?? ""));
    },
  };
}

/** @param {string} share @param {RowMaking} making @param {number} key @returns {Explanation} */
export function shareExplanation(share, making, key) {
  return share === "weight" ? weightExplanation(making, key) : entropyExplanation(making);
}
