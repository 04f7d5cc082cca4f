// The player: holds the state, lays out, and draws a frame when something changed.
import { reducedMotion, setAttribute, setText, show, whenChanged, zoomOf } from "./dom.js";
import { readBuffer } from "./buffer.js";
import { writeTags } from "./figure_tag.js";
import { FormerRun, sameContent } from "./former_run.js";
import { clearHooks, writeHooks } from "./hooks.js";
import { HostMessages } from "./host_messages.js";
import { PictureStore } from "./images.js";
import { followKeys } from "./keys.js";
import { hasPickerInTitle, isSlim, layoutPlayer } from "./layout.js";
import { WAYS } from "./led_view.js";
import { GLOW_MS, REST, STEP_MS, STEP_SEEN_MS, momentOfJump, momentOfStep, seenMs } from "./motion.js";
import { BufferError } from "./packed_buffer.js";
import { askPage } from "./page_requests.js";
import { saveIntoPage } from "./save_into_page.js";
import { cumulativeRows, mainRun, stepFacts } from "./run.js";
import { livesOnShow } from "./scene.js";
import { actionOfKey, hasGrown, initialState, reduce, spotOnShow, viewOf } from "./state.js";
import { followTheme, readTheme, wearTheme } from "./theme.js";
import { gettext } from "./translation.js";
import { buildView } from "./view.js";
import { heightLeft, standsAlone, windowHeight } from "./window_room.js";
import * as words from "./words.js";

/**
 * @import { Payload, View } from "./buffer.js"
 * @import { Host } from "./host_messages.js"
 * @import { Layout } from "./layout.js"
 * @import { Scene } from "./scene.js"
 * @import { Action, State } from "./state.js"
 */

/** All that stands on a page of the app. */
const PAGE = "[data-testid=stMainBlockContainer]"; // not for people: a selector
const [SAY_MS, SAY_MOVING_MS] = [300, 2000]; // A screen reader hears of a step that changes by itself once it rests.
/** Whether a run has played by itself since the page was loaded. */
let hasPlayed = false;
const FRAMES_KEPT = 600;

export class Player {
  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
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
    /** What the window leaves it: what stands above may go once the run is there. */
    this.room = 0;
    this.pending = 0;
    /** When the step in view was come to, whether by a single step on, and how long that is shown. */
    this.moved = { at: -Infinity, byOne: false, for: GLOW_MS };
    this.playTimer = 0;
    this.sayTimer = 0;
    this.former = new FormerRun();
    /** Whether the view is being changed by who leads, and not by the person here. */
    this.isLed = false;
    this.messages = new HostMessages(host, this);
    this.layoutChanged = whenChanged();
    this.restChanged = whenChanged();
    this.folded = whenChanged();
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
      this.room = Math.round(heightLeft(root) ?? 0);
      this.schedule();
    });
    for (const node of [root, document.querySelector(PAGE)]) if (node) this.resize.observe(node);
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
    const next = isSame ? state : before && state ? this.former.stateAfter(state, before, payload) : initialState(payload);
    this.state = next;
    if (isSame) {
      this.payload = payload;
    } else {
      this.forget();
      this.payload = payload;
      this.cumulative = { on: cumulativeRows(payload, "on"), off: cumulativeRows(payload, "off") };
      this.view.picker.fill(payload, this.messages.canAsk);
      if (!next.playing) this.pausePlaying();
      if (payload.header.plays && before === null) this.playOnce();
      if (grew && state && next.step > state.step && !reducedMotion()) this.move(next, next.step === state.step + 1);
    }
    this.root.toggleAttribute("data-growing", payload.header.growing !== null);
    writeTags(this.root, payload.header.recorded);
    this.messages.knows(next);
    this.stir();
    if (grew && payload.header.growing === null) this.messages.settle(payload, next);
    this.messages.askModel(false);
    show(this.view.alert, false);
    show(this.view.body, true);
    this.retheme();
    this.schedule();
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
    clearHooks(this.root);
    this.root.dataset.ready = "true";
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
    if (askPage(action, this.payload, this.state, this.messages)) return;
    const before = this.state;
    const after = reduce(before, action, this.payload, this.messages.canAsk);
    if (after === before) return;
    this.state = after;
    if (after.step !== before.step && !after.dragging && !reducedMotion()) this.move(after, after.step === before.step + 1);
    this.messages.ask(action, this.payload, after);
    this.messages.askModel(action.type === "further");
    if (after.playing !== before.playing || after.speed !== before.speed) this.playOrPause();
    this.messages.tell(this.isLed);
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
    this.layoutChanged([payload, width, windowHeight(), this.room, both, devicePixelRatio, zoom, standsAlone(this.root)], () => this.relayout(width, heightLeft(this.root), both));
    const layout = /** @type {Layout} */ (this.layout);
    /** @type {Scene} */
    const scene = {
      payload, state, layout, moment,
      facts: stepFacts(payload, mainRun(state.cache), state),
      spot: spotOnShow(state),
      measured: this.measured,
      theme: theme.theme,
      palette: theme.palette,
      dpr: (devicePixelRatio || 1) * zoom,
      canAsk: this.messages.canAsk,
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
    writeHooks(this.root, scene);
    for (const part of this.view.parts) part.settle?.();
    this.folded([layout, this.measured, state.step], () => this.fold(layout));
    this.frames++;
    this.root.dataset.frames = String(this.frames);
    this.root.dataset.ready = "true";
    this.frameTimes.push(performance.now() - start);
    if (this.frameTimes.length > FRAMES_KEPT) this.frameTimes.shift();
    if (this.moment(now) !== REST) this.schedule();
  }

  /** @param {number} width @param {number | undefined} height Left of the window. @param {boolean} both */
  relayout(width, height, both) {
    const { header } = /** @type {Payload} */ (this.payload);
    const layout = layoutPlayer({
      width, height, both, alone: standsAlone(this.root), n_rows: header.n_rows, n_steps: header.n_steps, d_head: header.model.d_head, n_layers: header.model.n_layers, n_heads: header.model.n_heads,
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
    root.toggleAttribute("data-side-slim", isSlim(layout));
    root.style.setProperty("--kv-side", `${twoBands?.side ?? 0}px`);
    root.style.setProperty("--kv-gap", `${layout.gap}px`);
    const { bar, picker, stageTop: top } = this.view;
    // The title of the pattern has room for the lists only where it is wide; alone on the screen stand bar and pictures.
    const [above, inBar] = [!hasPickerInTitle(layout), layout.mode !== "narrow" && standsAlone(root)];
    show(top, above && !inBar);
    if (above) picker.standIn(inBar ? bar.sentenceRow : top);
  }

  /**
   * Says how far the toolbar may go out of sight, so that the strip at its end stays in it: pictures
   * that stand below one another are longer than a phone's screen.
   * @param {Layout} layout
   */
  fold({ mode }) {
    const { node } = this.view.bar;
    const [bar, strip] = [node, this.view.tokens.node].map((part) => part.getBoundingClientRect().top);
    const folded = mode === "narrow" ? (strip - bar) / zoomOf(node) - 6 : 0;
    node.style.setProperty("--kv-folded", `${folded}px`);
  }

  /** @param {Scene} scene */
  updateRest({ state, payload, facts, layout }) {
    const { picker, panels } = this.view;
    if (hasPickerInTitle(layout)) picker.standIn(panels[state.cache === "off" ? "off" : "on"].picker);
    this.view.stage.classList.toggle("is-bands", layout.bands);
    picker.update(state);
    setText(this.view.tableButton, state.table ? words.LABELS.tableHide : words.LABELS.table);
    setAttribute(this.view.tableButton, "aria-pressed", String(state.table));
    this.restChanged([payload, state.step, state.layer, state.head, state.cache], () => this.say(words.plain(words.stepSentence(facts))));
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
    this.messages.stop();
    clearTimeout(this.sayTimer);
    cancelAnimationFrame(this.pending);
    this.resize?.disconnect();
    removeEventListener("resize", this.schedule);
    this.unfollow?.();
    for (const part of this.view.parts) part.destroy?.();
    this.unlisten?.();
    this.root.replaceChildren();
  }
}
