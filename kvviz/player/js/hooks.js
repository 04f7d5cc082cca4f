// What the player's root says of what is drawn, for tests, scripts and assistive technology to read.
import { kvHead } from "./kv_heads.js";
import { stepFacts } from "./run.js";

/**
 * @import { Scene } from "./scene.js"
 */

const CROSS_HOOKS = ["nCrossComputed", "nCrossReused"];
const OTHER_HOOKS = ["nFedOff", "nComputedOff", "nReusedOff", "nCrossComputedOff", "nCrossReusedOff"];
const HOOKS = ["step", "nSteps", "kind", "nFed", "nComputed", "nReused", "nLive", "nEvicted", "layer", "head", "kvHead", "cache", "cacheName", ...CROSS_HOOKS, ...OTHER_HOOKS];

/** @param {HTMLElement} root */
export function clearHooks({ dataset }) {
  for (const name of HOOKS) delete dataset[name];
}

/** @param {HTMLElement} root @param {Scene} scene */
export function writeHooks({ dataset }, { state, payload, facts }) {
  /** @type {Record<string, string | number>} */
  const values = {
    step: facts.step, nSteps: facts.n_steps, kind: facts.kind, nFed: facts.n_fed, nComputed: facts.n_computed,
    nReused: facts.n_reused, nLive: facts.n_live, nEvicted: facts.n_evicted, layer: state.layer, head: state.head, kvHead: kvHead(payload, state.head), cache: state.cache,
  };
  for (const [name, value] of Object.entries(values)) {
    if (dataset[name] !== String(value)) dataset[name] = String(value);
  }
  const { named_cache } = payload.header;
  if (named_cache && facts.cache === "on") dataset.cacheName = named_cache.name;
  else delete dataset.cacheName;
  if (facts.cross) {
    dataset.nCrossComputed = String(facts.cross.n_computed);
    dataset.nCrossReused = String(facts.cross.n_reused);
  } else {
    for (const name of CROSS_HOOKS) delete dataset[name];
  }
  if (state.cache === "both") {
    const other = stepFacts(payload, "off", state);
    dataset.nFedOff = String(other.n_fed);
    dataset.nComputedOff = String(other.n_computed);
    dataset.nReusedOff = String(other.n_reused);
    if (other.cross) {
      dataset.nCrossComputedOff = String(other.cross.n_computed);
      dataset.nCrossReusedOff = String(other.cross.n_reused);
    }
  } else {
    for (const name of OTHER_HOOKS) delete dataset[name];
  }
}
