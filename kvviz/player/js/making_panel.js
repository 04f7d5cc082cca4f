// The player's making of a row, opened by a click on a cell of the pattern: what the run has of it, why its
// rows may be kept, and the levels below and above.
import { whenChanged } from "./dom.js";
import { keptPanel } from "./kept_panel.js";
import { lifeUpTo } from "./lives.js";
import { GAP, PADDING, makingFigure } from "./making_figure.js";
import { makingShares } from "./making_shares.js";
import * as words from "./making_words.js";
import { originPanel } from "./origin_panel.js";
import { rowMaking } from "./row_making.js";
import { mainRun, tokenText } from "./run.js";
import { unseenBy } from "./unseen.js";

/**
 * @import { Part, Scene } from "./scene.js"
 * @import { RowMaking } from "./row_making.js"
 * @import { Cell } from "./buffer.js"
 * @import { Lives } from "./lives.js"
 * @import { MakingSubject } from "./making_figure.js"
 * @import { Action } from "./state.js"
 */

/** @param {(action: Action) => void} dispatch @returns {Part} */
export function makingPanel(dispatch) {
  /** @type {Cell | null} */
  let shown = null;
  const shares = makingShares((share) => dispatch({ type: "open", id: `making.${share}` }));
  const kept = keptPanel(dispatch);
  const further = originPanel(dispatch);
  const figure = makingFigure(
    {
      close: () => dispatch({ type: "cell", cell: null }),
      pick: (key) => shown && dispatch({ type: "cell", cell: { ...shown, key } }),
      move: (query, key) => dispatch({ type: "cell-by", query, key }),
    },
    { shares: shares.node, levels: [kept.node, further.node] },
  );
  let nAsked = 0;
  const changed = whenChanged();
  return {
    node: figure.node,
    update(/** @type {Scene} */ scene) {
      const { payload, state, layout, palette, dpr, lives } = scene;
      const { cell, layer, head } = state;
      const cache = mainRun(state.cache);
      changed([payload, cell, layer, head, cache, state.step, state.further, palette, dpr, layout], () => {
        const making = cell && rowMaking(payload, { cache, layer, head, ...cell });
        shown = making && cell;
        const subject = making && cell && subjectOf(scene, making, cell);
        figure.draw(subject, state.nAsked !== nAsked);
        nAsked = state.nAsked;
        if (!making || !cell || !subject) {
          further.update(scene, null);
          return;
        }
        shares.tell(making, cell.key);
        const width = layout.content - PADDING;
        const life = lifeOf(lives, cache, cell, state.step);
        kept.update(scene, { making, life, width: layout.mode === "narrow" ? width : Math.floor((width - GAP) / 2) });
        further.update(scene, { asks: subject.asks, asked: subject.text(cell.key), fresh: subject.fresh, width });
      });
    },
  };
}

/** @param {Scene["lives"]} lives @param {"on" | "off"} cache @param {Cell} cell @param {number} step */
function lifeOf(lives, cache, { cross, key }, step) {
  return lifeUpTo(/** @type {Lives} */ (cross ? lives[cache]?.cross : lives[cache]?.own), key, step);
}

/** @param {Scene} scene @param {RowMaking} making @param {Cell} cell @returns {MakingSubject} */
function subjectOf({ payload, state, layout, theme, palette, dpr, facts, lives }, making, cell) {
  const { query, key, cross } = cell;
  const cache = mainRun(state.cache);
  const text = (/** @type {number} */ row) => (cross ? payload.header.encoder?.tokens[row].text ?? "" : tokenText(payload, cache, row));
  return {
    making, query, key, layer: state.layer, head: state.head, text, theme, palette, dpr,
    asks: tokenText(payload, cache, query), where: words.where(state.layer, state.head),
    fresh: cache === "off" || lifeOf(lives, cache, cell, state.step).computed[0] === state.step,
    kept: "",
    unseen: cross ? "" : words.unseenLine(unseenBy(payload, cache, state, query).map(({ first, end, why }) => ({ n: end - first, why }))),
    hooks: { cross, step: facts.step },
    width: layout.content, besides: layout.mode === "wide",
  };
}
