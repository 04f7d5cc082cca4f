// The player's making of a row, opened by a click on a cell of the pattern: what the run has of it.
import { whenChanged } from "./dom.js";
import { lifeUpTo } from "./lives.js";
import { makingFigure } from "./making_figure.js";
import * as words from "./making_words.js";
import { rowMaking } from "./row_making.js";
import { mainRun, runOf, tokenText } from "./run.js";

/**
 * @import { Part, Scene } from "./player.js"
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
  const figure = makingFigure({
    close: () => dispatch({ type: "cell", cell: null }),
    pick: (key) => shown && dispatch({ type: "cell", cell: { ...shown, key } }),
    move: (query, key) => dispatch({ type: "cell-by", query, key }),
  });
  let nAsked = 0;
  const changed = whenChanged();
  return {
    node: figure.node,
    update(/** @type {Scene} */ scene) {
      const { payload, state, layout, palette, dpr } = scene;
      const { cell, layer, head } = state;
      const cache = mainRun(state.cache);
      changed([payload, cell, layer, head, cache, state.step, palette, dpr, layout], () => {
        const making = cell && rowMaking(payload, { cache, layer, head, ...cell });
        shown = making && cell;
        figure.draw(making && cell && subjectOf(scene, making, cell), state.nAsked !== nAsked);
        nAsked = state.nAsked;
      });
    },
  };
}

/** @param {Scene} scene @param {RowMaking} making @param {Cell} cell @returns {MakingSubject} */
function subjectOf({ payload, state, layout, theme, palette, dpr, facts, lives }, making, cell) {
  const { query, key, cross } = cell;
  const cache = mainRun(state.cache);
  const text = (/** @type {number} */ row) => (cross ? payload.header.encoder?.tokens[row].text ?? "" : tokenText(payload, cache, row));
  const life = lifeUpTo(/** @type {Lives} */ (cross ? lives[cache]?.cross : lives[cache]?.own), key, state.step);
  const proven = cross ? payload.header.encoder?.cross_proven === true : runOf(payload, cache)?.reuse_is_proven === true;
  return {
    making, query, key, layer: state.layer, head: state.head, text, theme, palette, dpr,
    asks: tokenText(payload, cache, query), where: words.where(state.layer, state.head),
    fresh: cache === "off" || life.computed[0] === state.step,
    kept: words.keptLine(cell, life, proven, cache === "on"),
    hooks: { cross, step: facts.step },
    width: layout.content, besides: layout.mode === "wide",
  };
}
