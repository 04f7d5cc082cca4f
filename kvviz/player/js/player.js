// The player: holds the state, lays out, and draws a frame when something changed.
import { el, setAttribute, setText, show, whenChanged, zoomOf } from "./dom.js";
import { readBuffer } from "./buffer.js";
import { gradient } from "./colour.js";
import { writeTags } from "./figure_tag.js";
import { originWanted } from "./head_origin.js";
import { PictureStore } from "./images.js";
import { followKeys } from "./keys.js";
import { hasPickerInTitle, layoutPlayer } from "./layout.js";
import { leadTo } from "./lead_to.js";
import { WAYS } from "./led_view.js";
import { GLOW_MS, REST, STEP_MS, STEP_SEEN_MS, momentOfJump, momentOfStep, seenMs } from "./motion.js";
import { kvHead, groupsOf } from "./kv_heads.js";
import { crossLivesOf, livesOf } from "./lives.js";
import { BufferError } from "./packed_buffer.js";
import { saveIntoPage } from "./save_into_page.js";
import { cumulativeRows, mainRun, runOf, stepFacts } from "./run.js";
import { actionOfKey, hasGrown, initialState, layerInView, reduce, stateAfterUpdate, viewOf } from "./state.js";
import { followTheme, readTheme, wearTheme } from "./theme.js";
import { gettext } from "./translation.js";
import { forgets } from "./unseen.js";
import { buildView } from "./view.js";
import * as words from "./words.js";

/**
 * @import { Payload, View } from "./buffer.js"
 * @import { Palette, Theme } from "./colour.js"
 * @import { OriginPlace } from "./head_origin.js"
 * @import { Layout } from "./layout.js"
 * @import { LifeView } from "./paint_history.js"
 * @import { StepFacts } from "./run.js"
 * @import { Action, Spot, State } from "./state.js"
 *
 * @typedef {object} Host Whoever the player sits in. Without `onWanted` it shows only what it has.
 * @property {(view: View, number: number, id: string) => void} [onView]
 * @property {(wanted: { id: string, layer?: number, cache?: string, origin?: OriginPlace, edit?: number }) => void} [onWanted]
 *
 * @typedef {object} Scene All that a frame is drawn from.
 * @property {Payload} payload
 * @property {State} state
 * @property {StepFacts} facts Of the main run.
 * @property {Spot | null} spot Pointed at, or kept.
 * @property {Layout} layout
 * @property {number} measured Grows when sizes must be read again.
 * @property {Theme} theme
 * @property {Palette} palette
 * @property {number} dpr
 * @property {import("./motion.js").Moment} moment What of the step in view has been seen happening by now.
 * @property {boolean} canAsk
 * @property {{ on: number[], off: number[] }} cumulative
 * @property {{ on: LifeView | null, off: LifeView | null }} lives Of the rows that the head on show reads.
 * @property {PictureStore} store
 * @property {PictureStore} crossStore Of the second cache: its rows are other rows.
 *
 * @typedef {object} Part
 * @property {HTMLElement} node
 * @property {(scene: Scene) => void} update Draws what changed.
 * @property {() => void} [settle] What needs the layout of the whole frame, once all is written.
 * @property {() => void} [destroy]
 */

const TELL_MS = 250;
/** After so long, up to twice, the host is told of a view that somebody else led to. */
const LED_TELL_MS = 1500;
/** A question to the model waits so long: whoever goes through the heads asks about the last one. */
const ASK_MS = 200;
/** Where a page changes a token of the prompt; player.css shows the way there only where it is. */
const EXPERIMENT = '[data-kvviz="edited-token"]'; // not for people: a selector
/** A screen reader hears of a step that changes by itself once it rests. */
const SAY_MS = 300;
const SAY_MOVING_MS = 2000;
/** Whether a run has played by itself since the page was loaded. */
let hasPlayed = false;
const FRAMES_KEPT = 600;
const CROSS_HOOKS = ["nCrossComputed", "nCrossReused"];
const OTHER_HOOKS = ["nFedOff", "nComputedOff", "nReusedOff", "nCrossComputedOff", "nCrossReusedOff"];
const HOOKS = ["step", "nSteps", "kind", "nFed", "nComputed", "nReused", "nEvicted", "layer", "head", "kvHead", "cache", ...CROSS_HOOKS, ...OTHER_HOOKS];

export class Player {
  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    /** @type {Payload | null} */
    this.payload = null;
    /** @type {State | null} */
    this.state = null;
    /** @type {Scene | null} */
    this.scene = null;
    this.store = new PictureStore();
    this.crossStore = new PictureStore();
    this.cumulative = { on: /** @type {number[]} */ ([]), off: /** @type {number[]} */ ([]) };
    this.frameTimes = /** @type {number[]} */ ([]);
    this.frames = 0;
    this.measured = 0;
    this.pending = 0;
    /** When the step in view was come to, whether by a single step on, and how long that is shown. */
    this.moved = { at: -Infinity, byOne: false, for: GLOW_MS };
    this.playTimer = 0;
    this.tellTimer = 0;
    this.sayTimer = 0;
    this.askTimer = 0;
    /** The question about a head that was asked last. */
    this.asked = "";
    this.told = "";
    /** The run that was on show before the one under way, should that come to nothing. */
    this.former = /** @type {{ payload: Payload, state: State } | null} */ (null);
    /** Whether the view is being changed by who leads, and not by the person here. */
    this.isLed = false;
    this.layoutChanged = whenChanged();
    this.restChanged = whenChanged();
    this.themeChanged = whenChanged();
    this.folded = whenChanged();
    this.pickerChanged = whenChanged();
    this.dispatch = (/** @type {Action} */ action) => this.act(action);
    this.schedule = this.schedule.bind(this);
    this.view = buildView(root, this.dispatch);
    root.classList.add("kvviz-player");
    root.setAttribute("role", "region");
    root.setAttribute("aria-label", words.LABELS.player);
    root.dataset.kvviz = "player";
    this.theme = readTheme(root);
    wearTheme(root, this.theme.theme, this.theme.palette);
    this.listen();
  }

  listen() {
    const { root } = this;
    this.resize = new ResizeObserver(() => {
      this.measured++;
      this.schedule();
    });
    this.resize.observe(root);
    addEventListener("resize", this.schedule);
    this.unfollow = followTheme(root, this.view.probe, () => this.retheme());
    this.unlisten = followKeys(root, (event, inside) => this.key(event, inside));
    Object.assign(root, {
      kvviz: {
        frameTimes: () => [...this.frameTimes],
        isMoving: () => this.moment(performance.now()) !== REST,
        /** The run on show, and the view of it; null before there is one, and while it is made. */
        seen: () => this.payload && this.state && !this.payload.header.growing && { ...viewOf(this.state), run: this.payload.header.id },
        /** Shows another view of the run, as somebody else does who leads. */
        look: (/** @type {View} */ view) => this.look(view),
        /** Goes so many steps on. */
        by: (/** @type {number} */ by) => this.act({ type: "step-by", by }),
        /** Stops a run that plays. */
        rest: () => this.act({ type: "play", on: false }),
        /** Draws the step in view as it is seen at a moment of it, 0 to 1. */
        drawAt: (/** @type {number} */ t) => this.frame(performance.now(), momentOfStep(t)),
        /** Writes pictures into the page, see `saveIntoPage`. */
        save: (/** @type {URLSearchParams} */ asked) => {
          this.frame(performance.now());
          return this.scene && saveIntoPage(root, this.scene, this.view, asked);
        },
      },
    });
  }

  /** @param {unknown} buffer */
  load(buffer) {
    let payload;
    try {
      payload = readBuffer(buffer);
    } catch (error) {
      if (!(error instanceof BufferError)) throw error;
      this.refuse([error.message, gettext("Run it again, or open another file.")].join(" "));
      return;
    }
    const { payload: before, state } = this;
    const grew = before !== null && hasGrown(before, payload);
    const isSame = before !== null && state !== null && sameContent(before, payload);
    const next = isSame ? state : before && state ? this.stateAfter(state, before, payload) : initialState(payload);
    this.state = next;
    if (isSame) {
      this.payload = payload;
    } else {
      this.forget();
      this.payload = payload;
      this.cumulative = { on: cumulativeRows(payload, "on"), off: cumulativeRows(payload, "off") };
      // A list that is open closes when it is filled anew.
      this.pickerChanged([JSON.stringify([payload.header.layers, payload.header.model])], () => this.fillPicker(payload));
      if (!next.playing) this.pausePlaying();
      if (payload.header.plays && before === null) this.playOnce();
      if (grew && state && next.step > state.step && !reducedMotion()) this.move(next, next.step === state.step + 1);
    }
    this.root.toggleAttribute("data-growing", payload.header.growing !== null);
    writeTags(this.root, payload.header.recorded);
    this.told = JSON.stringify(viewOf(next));
    this.stir();
    if (grew && payload.header.growing === null) this.settle(payload, next);
    this.askModel(false);
    show(this.view.alert, false);
    show(this.view.body, true);
    this.retheme();
    this.schedule();
  }

  /** @param {State} state @param {Payload} before @param {Payload} after @returns {State} */
  stateAfter(state, before, after) {
    const { former } = this;
    if (after.header.growing) this.former = before.header.growing ? former : { payload: before, state };
    else this.former = null;
    const isFormer = former && !after.header.growing && before.header.growing && sameContent(former.payload, after);
    return isFormer ? former.state : stateAfterUpdate(state, before, after);
  }

  /**
   * Tells the host of a run that has come to its end what is looked at in it by now, and asks for what of
   * it is not here: the host has heard of neither while the run was made.
   * @param {Payload} payload @param {State} state
   */
  settle(payload, state) {
    const { header } = payload;
    const { layer, cache } = state.wanted;
    if (layer === null && cache === null) {
      this.told = JSON.stringify(viewOf(initialState(payload)));
      this.tell();
      return;
    }
    // In this order: what is asked for changes the view that was told.
    this.host.onView?.(viewOf(state), header.view_number, header.id);
    this.host.onWanted?.({ id: header.id, ...(layer !== null && { layer }), ...(cache !== null && { cache }) });
  }

  /** What was coloured for another run or theme is no longer true. */
  forget() {
    this.store.clear();
    this.crossStore.clear();
  }

  /** @param {string} message */
  refuse(message) {
    setText(this.view.alert, message);
    show(this.view.alert, true);
    show(this.view.body, false);
    this.payload = null;
    this.state = null;
    this.pausePlaying();
    // Nothing is drawn, so nothing is claimed.
    for (const name of HOOKS) delete this.root.dataset[name];
    this.root.dataset.ready = "true";
  }

  /** @param {Payload} payload */
  fillPicker(payload) {
    const { header } = payload;
    const options = (/** @type {number} */ count, /** @type {(n: number) => boolean} */ here) =>
      Array.from({ length: count }, (_, n) => el("option", { value: n, disabled: !here(n) }, [String(n)]));
    const canAsk = this.host.onWanted !== undefined;
    this.view.layerSelect.replaceChildren(...options(header.model.n_layers, (n) => canAsk || header.layers.includes(n)));
    const heads = options(header.model.n_heads, () => true);
    const groups = groupsOf(payload).map(({ kv, first, last }) => el("optgroup", { label: words.kvHeadName(kv) }, heads.slice(first, last + 1)));
    this.view.headSelect.replaceChildren(...(groups.length ? groups : heads));
  }

  retheme() {
    const { theme, palette } = readTheme(this.root);
    if (this.theme && JSON.stringify(this.theme.palette) === JSON.stringify(palette)) return;
    this.theme = { theme, palette };
    this.forget();
    wearTheme(this.root, theme, palette);
    // A sheet of paper waits for no frame.
    if (matchMedia("print").matches) this.frame(performance.now());
    else this.schedule();
  }

  /** @param {Action} action */
  act(action) {
    if (!this.state || !this.payload) return;
    if (action.type === "edit") return this.edit(action.row);
    const before = this.state;
    const canAsk = this.host.onWanted !== undefined;
    const after = reduce(before, action, this.payload, canAsk);
    if (after === before) return;
    this.state = after;
    if (after.step !== before.step && !after.dragging && !reducedMotion()) this.move(after, after.step === before.step + 1);
    this.ask(action, after);
    this.askModel(action.type === "further");
    if (after.playing !== before.playing || after.speed !== before.speed) this.playOrPause();
    this.tell();
    this.stir();
    this.schedule();
  }

  /**
   * Takes on a view that somebody else leads to. The host hears of it late: whoever leads may go on at
   * once, and a class would all tell at the same time.
   * @param {View} view
   */
  look(view) {
    this.isLed = true;
    for (const way of WAYS) {
      const action = this.state && way(this.state, view);
      if (action) this.act(action);
    }
    this.isLed = false;
  }

  /** Lets the page know that the view is another one by now. */
  stir() {
    this.root.dispatchEvent(new CustomEvent("kvviz-view", { bubbles: true }));
  }

  /** @param {State} state @param {boolean} byOne */
  move({ playing, speed }, byOne) {
    this.moved = { at: performance.now(), byOne, for: byOne ? (playing ? seenMs(speed) : STEP_SEEN_MS) : GLOW_MS };
  }

  /** @param {number} now @returns {import("./motion.js").Moment} */
  moment(now) {
    const t = Math.max(0, (now - this.moved.at) / this.moved.for);
    return this.moved.byOne ? momentOfStep(t) : momentOfJump(t);
  }

  /**
   * Asks the host for what was just picked and is not here; again when it is picked again, since
   * the host may have failed to answer.
   * @param {Action} action @param {State} after
   */
  ask(action, after) {
    const { id } = /** @type {Payload} */ (this.payload).header;
    const { layer, cache } = after.wanted;
    if (layer !== null && (action.type === "layer" || action.type === "pick")) this.host.onWanted?.({ id, layer });
    if (cache !== null && action.type === "cache") this.host.onWanted?.({ id, cache });
  }

  /**
   * Leads to the experiment below that changes a token of the prompt, with this one chosen.
   * @param {number} row
   */
  edit(row) {
    if (this.payload?.header.growing) return;
    this.host.onWanted?.({ id: /** @type {Payload} */ (this.payload).header.id, edit: row });
    leadTo(EXPERIMENT, reducedMotion());
  }

  /**
   * Asks the host how the rows of the head in view came about, where that is on show and not here.
   * @param {boolean} again Whether a person asks, so that what was refused is asked for once more.
   */
  askModel(again) {
    clearTimeout(this.askTimer);
    const { payload, state, host } = this;
    const wanted = payload && state && host.onWanted ? originWanted(payload, state, again) : null;
    if (!wanted || !payload) return;
    const question = JSON.stringify([payload.header.id, payload.header.view_number, wanted]);
    if (question === this.asked && !again) return;
    this.askTimer = window.setTimeout(() => {
      this.asked = question;
      host.onWanted?.({ id: payload.header.id, origin: wanted });
    }, ASK_MS);
  }

  playOrPause() {
    this.pausePlaying();
    if (!this.state?.playing) return;
    this.playTimer = window.setTimeout(() => {
      this.act({ type: "tick" });
      this.playOrPause();
    }, STEP_MS / this.state.speed);
  }

  /** Plays by itself, at twice the speed, once a page is loaded and never where less motion is asked for. */
  playOnce() {
    if (hasPlayed || reducedMotion()) return;
    hasPlayed = true;
    this.act({ type: "speed", to: 2 });
    this.act({ type: "play", on: true });
  }

  pausePlaying() {
    clearTimeout(this.playTimer);
  }

  /** Tells the host what is in view, once it has come to rest. */
  tell() {
    clearTimeout(this.tellTimer);
    if (!this.state || this.state.dragging || this.state.playing) return;
    this.tellTimer = window.setTimeout(() => {
      if (!this.state || this.state.dragging || this.state.playing) return;
      const view = viewOf(this.state);
      const text = JSON.stringify(view);
      if (text === this.told) return;
      this.told = text;
      if (this.payload) this.host.onView?.(view, this.payload.header.view_number, this.payload.header.id);
    }, this.isLed ? LED_TELL_MS * (1 + Math.random()) : TELL_MS);
  }

  /** @param {KeyboardEvent} event @param {boolean} inside */
  key(event, inside) {
    if (!this.state || !this.payload) return;
    const { key, ctrlKey, metaKey, altKey } = event;
    const altGraph = event.getModifierState("AltGraph");
    const action = actionOfKey({ key, ctrlKey, metaKey, altKey, altGraph }, this.state, inside, this.payload.header.n_steps);
    if (!action) return;
    event.preventDefault();
    this.act(action);
  }

  schedule() {
    if (this.pending || !this.root.isConnected) return;
    this.pending = requestAnimationFrame((now) => {
      this.pending = 0;
      this.frame(now);
    });
  }

  /** @param {number} now @param {import("./motion.js").Moment} [moment] What of the step is shown. */
  frame(now, moment = this.moment(now)) {
    const { payload, state, theme } = this;
    // Not clientWidth: it rounds up, and half a pixel too much would push a panel out of its line.
    const zoom = zoomOf(this.root);
    const width = Math.floor(this.root.getBoundingClientRect().width / zoom);
    if (!payload || !state || !theme || width === 0) return;
    const start = performance.now();
    const both = state.cache === "both";
    const windows = windowHeight();
    const height = windows && windows / zoom;
    this.layoutChanged([payload, width, height, both, devicePixelRatio, zoom], () => this.relayout(width, height, both));
    const layout = /** @type {Layout} */ (this.layout);
    /** @type {Scene} */
    const scene = {
      payload, state, layout, moment,
      facts: stepFacts(payload, mainRun(state.cache), state),
      spot: state.hover ?? state.pin,
      measured: this.measured,
      theme: theme.theme,
      palette: theme.palette,
      dpr: (devicePixelRatio || 1) * zoom,
      canAsk: this.host.onWanted !== undefined,
      cumulative: this.cumulative,
      lives: livesOnShow(payload, state),
      store: this.store,
      crossStore: this.crossStore,
    };
    this.scene = scene;
    const { on, off } = this.view.panels;
    show(on.node, state.cache !== "off");
    show(off.node, state.cache === "off");
    (state.cache === "off" ? off : on).update(scene);
    for (const part of this.view.parts) part.update(scene);
    this.updateRest(scene);
    this.hooks(scene);
    for (const part of this.view.parts) part.settle?.();
    this.folded([layout, this.measured, state.step], () => this.fold(layout));
    this.frames++;
    this.root.dataset.frames = String(this.frames);
    this.root.dataset.ready = "true";
    this.frameTimes.push(performance.now() - start);
    if (this.frameTimes.length > FRAMES_KEPT) this.frameTimes.shift();
    if (this.moment(now) !== REST) this.schedule();
  }

  /** @param {number} width @param {number | undefined} height @param {boolean} both */
  relayout(width, height, both) {
    const { header } = /** @type {Payload} */ (this.payload);
    const layout = layoutPlayer({
      width, height, both, n_rows: header.n_rows, n_steps: header.n_steps, d_head: header.model.d_head, n_layers: header.model.n_layers, n_heads: header.model.n_heads,
      n_kv_heads: header.model.n_kv_heads,
      n_encoder: header.encoder?.tokens.length,
    });
    this.layout = layout;
    this.measured++;
    const { root } = this;
    root.dataset.mode = layout.mode;
    root.dataset.view = both ? "both" : "single";
    root.style.setProperty("--kv-pad", `${layout.pad}px`);
    const { twoBands } = layout;
    root.toggleAttribute("data-two-bands", twoBands !== null);
    root.toggleAttribute("data-encoder", header.encoder !== null);
    root.toggleAttribute("data-side-beside", Boolean(twoBands?.side));
    root.style.setProperty("--kv-side", `${twoBands?.side ?? 0}px`);
    const picker = this.view.picker;
    const top = this.view.stageTop;
    // The title of the pattern has room for the two lists only where the pattern is wide.
    const above = !hasPickerInTitle(layout);
    show(top, above);
    if (above) top.append(picker);
  }

  /**
   * Says how far the toolbar may go out of sight, so that the strip at its end stays in it: pictures
   * that stand below one another are longer than a phone's screen.
   * @param {Layout} layout
   */
  fold({ mode }) {
    const { node } = this.view.bar;
    const strip = this.view.tokens.node;
    const folded = mode === "narrow" ? strip.offsetTop - node.offsetTop - 6 : 0;
    node.style.setProperty("--kv-folded", `${folded}px`);
  }

  /** @param {Scene} scene */
  updateRest({ state, payload, theme, facts, layout }) {
    const picker = this.view.picker;
    if (hasPickerInTitle(layout)) {
      const slot = this.view.panels[state.cache === "off" ? "off" : "on"].picker;
      if (picker.parentElement !== slot) slot.append(picker);
    }
    this.view.stage.classList.toggle("is-bands", layout.bands);
    const pick = (/** @type {HTMLSelectElement} */ select, /** @type {number} */ n) => {
      if (select.value !== String(n)) select.value = String(n);
    };
    pick(this.view.layerSelect, layerInView(state));
    pick(this.view.headSelect, state.head);
    setText(this.view.tableButton, state.table ? words.LABELS.tableHide : words.LABELS.table);
    setAttribute(this.view.tableButton, "aria-pressed", String(state.table));
    show(this.view.evicted, forgets(payload, mainRun(state.cache), state));
    this.themeChanged([theme], () => (this.view.scale.style.background = gradient(theme)));
    this.restChanged([payload, state.step, state.layer, state.head, state.cache], () => {
      const cached = runOf(payload, "on");
      const notes = [];
      // How the rows are at the end is not known before.
      const isOver = payload.header.growing === null;
      if (cached && isOver && state.cache !== "off") notes.push(cached.reuse_is_proven ? words.LABELS.proven : words.LABELS.unproven);
      if (cached && isOver && state.cache !== "off") notes.push(words.crossNote(payload.header.encoder));
      if (state.cache !== "on") notes.push(words.recomputedNote(stepFacts(payload, "off", state)));
      const proof = this.view.proof;
      setText(proof, notes.filter(Boolean).join(" "));
      proof.classList.toggle("is-bad", cached !== null && state.cache !== "off" && !cached.reuse_is_proven);
      this.say(words.plain(words.stepSentence(facts)));
    });
  }

  /** @param {Scene} scene */
  hooks({ state, payload, facts }) {
    const { dataset } = this.root;
    /** @type {Record<string, string | number>} */
    const values = {
      step: facts.step, nSteps: facts.n_steps, kind: facts.kind, nFed: facts.n_fed, nComputed: facts.n_computed,
      nReused: facts.n_reused, nEvicted: facts.n_evicted, layer: state.layer, head: state.head, kvHead: kvHead(payload, state.head), cache: state.cache,
    };
    for (const [name, value] of Object.entries(values)) {
      if (dataset[name] !== String(value)) dataset[name] = String(value);
    }
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

  /**
   * Tells screen readers the step, but not every step of a run that plays.
   * @param {string} sentence
   */
  say(sentence) {
    clearTimeout(this.sayTimer);
    const moves = this.state?.playing || this.payload?.header.growing;
    this.sayTimer = window.setTimeout(() => setText(this.view.said, sentence), moves ? SAY_MOVING_MS : SAY_MS);
  }

  destroy() {
    this.pausePlaying();
    clearTimeout(this.tellTimer);
    clearTimeout(this.sayTimer);
    clearTimeout(this.askTimer);
    cancelAnimationFrame(this.pending);
    this.resize?.disconnect();
    removeEventListener("resize", this.schedule);
    this.unfollow?.();
    for (const part of this.view.parts) part.destroy?.();
    this.unlisten?.();
    this.root.replaceChildren();
  }
}

/** @param {Payload} a @param {Payload} b @returns {boolean} */
function sameContent(a, b) {
  return a.header.id === b.header.id && a.header.view_number === b.header.view_number && a.n_bytes === b.n_bytes && a.header.layers.join() === b.header.layers.join();
}

/** @returns {number | undefined} Of the window; a frame in a notebook is as high as what it shows, and says nothing. */
function windowHeight() {
  return window.top === window ? innerHeight : undefined;
}

/** @returns {boolean} */
function reducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** @param {Payload} payload @param {State} state @returns {Scene["lives"]} */
export function livesOnShow(payload, state) {
  const of = (/** @type {"on" | "off"} */ cache) => {
    const own = livesOf(payload, cache, state);
    return own && { cache, own, cross: crossLivesOf(payload, cache) };
  };
  return { on: of("on"), off: of("off") };
}
