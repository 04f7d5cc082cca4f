// The two lists that choose layer and head: in the title of the pattern where it is wide, else above the pictures.
import { el, whenChanged } from "./dom.js";
import { groupsOf } from "./kv_heads.js";
import { layerInView } from "./state.js";
import { LABELS, kvHeadName } from "./words.js";

/**
 * @import { Payload } from "./buffer.js"
 * @import { Action, State } from "./state.js"
 */

/** @param {(action: Action) => void} dispatch */
export function headPicker(dispatch) {
  const layers = el("select", { class: "kv-select", "aria-label": LABELS.layer });
  const heads = el("select", { class: "kv-select", "aria-label": LABELS.head });
  layers.onchange = () => dispatch({ type: "layer", to: Number(layers.value) });
  heads.onchange = () => dispatch({ type: "head", to: Number(heads.value) });
  const node = el("span", { class: "kv-picker" }, [
    el("label", {}, [LABELS.layer, layers]),
    el("label", {}, [LABELS.head, heads]),
  ]);
  const changed = whenChanged();
  return {
    node,
    /** @param {Payload} payload @param {boolean} canAsk Whether layers that are not here can be had. */
    fill(payload, canAsk) {
      const { model, layers: here } = payload.header;
      // A list that is open closes when it is filled anew.
      changed([JSON.stringify([model, here]), canAsk], () => {
        const all = options(model.n_heads, () => true);
        const groups = groupsOf(payload).map(({ kv, first, last }) => el("optgroup", { label: kvHeadName(kv) }, all.slice(first, last + 1)));
        layers.replaceChildren(...options(model.n_layers, (n) => canAsk || here.includes(n)));
        heads.replaceChildren(...(groups.length ? groups : all));
      });
    },
    /** @param {State} state */
    update(state) {
      choose(layers, layerInView(state));
      choose(heads, state.head);
    },
    /** @param {HTMLElement} place Where it is to stand. */
    standIn(place) {
      if (node.parentElement !== place) place.append(node);
    },
  };
}

/** @param {number} count @param {(n: number) => boolean} isHere @returns {HTMLOptionElement[]} */
function options(count, isHere) {
  return Array.from({ length: count }, (_, n) => el("option", { value: n, disabled: !isHere(n) }, [String(n)]));
}

/** @param {HTMLSelectElement} list @param {number} n */
function choose(list, n) {
  if (list.value !== String(n)) list.value = String(n);
}
