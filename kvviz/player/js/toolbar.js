// The toolbar: step buttons, timeline, speed, kind of run, and the sentence that says the step.
import { el, icon, ICONS, setAttribute, setText, show, whenChanged } from "./dom.js";
import { paintTimeline } from "./paint_small.js";
import { availableCaches, stepFacts } from "./run.js";
import { SPEEDS } from "./state.js";
import { stepAt, timelineGeometry } from "./timeline_layout.js";
import * as words from "./words.js";

/**
 * @import { Cache } from "./buffer.js"
 * @import { Scene, Part } from "./scene.js"
 * @import { Action } from "./state.js"
 */

/** @param {(action: Action) => void} dispatch @returns {Part & { sentenceRow: HTMLElement }} */
export function toolbar(dispatch) {
  const button = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ path) => {
    const node = el("button", { type: "button", class: `kv-step kv-${name}`, "aria-label": label, title: label });
    node.append(icon(path));
    return node;
  };
  const first = button("first", words.LABELS.first, ICONS.first);
  const back = button("back", words.LABELS.back, ICONS.back);
  const play = button("play", words.LABELS.play, ICONS.play);
  const forward = button("forward", words.LABELS.forward, ICONS.forward);
  const last = button("last", words.LABELS.last, ICONS.last);
  first.onclick = () => dispatch({ type: "step-by", by: -Infinity });
  back.onclick = () => dispatch({ type: "step-by", by: -1 });
  play.onclick = () => dispatch({ type: "play" });
  forward.onclick = () => dispatch({ type: "step-by", by: 1 });
  last.onclick = () => dispatch({ type: "step-by", by: Infinity });

  const speed = el("select", { class: "kv-select kv-speed", "aria-label": words.LABELS.speed, title: words.LABELS.speed });
  for (const value of SPEEDS) speed.append(el("option", { value }, [`${value}×`]));
  speed.onchange = () => dispatch({ type: "speed", to: Number(speed.value) });

  const prefillLabel = el("span", { class: "kv-track-label" });
  const decodeLabel = el("span", { class: "kv-track-label" });
  const labels = el("div", { class: "kv-track-labels", "aria-hidden": "true" }, [prefillLabel, decodeLabel]);
  const canvas = el("canvas");
  const track = el("div", { class: "kv-track", role: "slider", tabindex: 0, "aria-label": words.LABELS.timeline }, [canvas]);
  const timeline = el("div", { class: "kv-timeline" }, [labels, track]);
  dragging(track, dispatch);

  const segments = el("div", { class: "kv-segments", role: "group", "aria-label": words.LABELS.caches });
  /** @type {Map<Cache, HTMLButtonElement>} */
  const choices = new Map();
  for (const cache of /** @type {Cache[]} */ (["on", "off", "both"])) {
    const node = el("button", { type: "button", class: "kv-segment", "data-cache-choice": cache }, [words.LABELS[cache]]);
    node.onclick = () => dispatch({ type: "cache", to: cache });
    choices.set(cache, node);
    segments.append(node);
  }

  const sentence = el("p", { class: "kv-sentence" });
  const waiting = el("span", { class: "kv-waiting", role: "status" });
  const row = el("div", { class: "kv-toolbar-row" }, [
    el("div", { class: "kv-buttons" }, [first, back, play, forward, last, speed]),
    timeline,
    segments,
  ]);
  const sentenceRow = el("div", { class: "kv-sentence-row" }, [sentence, waiting]);
  const node = el("div", { class: "kv-toolbar" }, [row, sentenceRow]);

  const sentenceChanged = whenChanged();
  const trackChanged = whenChanged();
  const sizeChanged = whenChanged();
  let width = 0;

  return {
    node,
    sentenceRow,
    update(/** @type {Scene} */ scene) {
      const { state, payload, facts, palette, dpr, layout } = scene;
      const { n_steps, n_prompt } = payload.header;
      const playing = state.playing;
      play.classList.toggle("is-playing", playing);
      setAttribute(play, "aria-label", playing ? words.LABELS.pause : words.LABELS.play);
      setAttribute(play, "title", playing ? words.LABELS.pause : words.LABELS.play);
      const path = play.querySelector("path");
      if (path) setAttribute(path, "d", playing ? ICONS.pause : ICONS.play);
      first.disabled = back.disabled = state.step === 0;
      last.disabled = forward.disabled = state.step === n_steps - 1;
      if (speed.value !== String(state.speed)) speed.value = String(state.speed);

      const available = availableCaches(payload);
      for (const [cache, choice] of choices) {
        setAttribute(choice, "aria-pressed", String(state.cache === cache));
        choice.classList.toggle("is-wanted", state.wanted.cache === cache);
        choice.disabled = !scene.canAsk && !available.includes(cache);
      }
      show(waiting, state.wanted.cache !== null || state.wanted.layer !== null);
      setText(
        waiting,
        state.wanted.cache !== null
          ? payload.header.growing ? words.onceOver(state.wanted.cache) : words.waiting("run", state.wanted.cache)
          : state.wanted.layer !== null ? words.waiting("layer", state.wanted.layer) : "",
      );

      sentenceChanged([payload, state.step, state.layer, state.head, state.cache], () => {
        const spans = state.cache === "both"
          ? words.bothSentence(stepFacts(payload, "on", state), stepFacts(payload, "off", state))
          : words.stepSentence(facts);
        sentence.replaceChildren(...sentenceNodes(spans));
        setAttribute(track, "aria-valuemin", "0");
        setAttribute(track, "aria-valuemax", String(n_steps - 1));
        setAttribute(track, "aria-valuenow", String(state.step));
        setAttribute(track, "aria-valuetext", words.plain(spans));
      });
      sizeChanged([payload, layout, scene.measured], () => {
        width = Math.max(120, track.clientWidth);
        const { prefill } = timelineGeometry(width, n_steps);
        prefillLabel.style.width = `${prefill}px`;
        setText(prefillLabel, words.prefillLabel(n_prompt));
        setText(decodeLabel, words.decodeLabel(n_steps));
        show(decodeLabel, layout.mode !== "narrow");
        track.dataset.width = String(width);
        track.dataset.steps = String(n_steps);
      });
      trackChanged([payload, width, state.step, state.cache, palette, dpr], () =>
        paintTimeline(canvas, { width, n_steps, step: state.step, cache: state.cache, palette, dpr }),
      );
    },
  };
}

/** @param {words.Span[]} spans @returns {Node[]} */
export function sentenceNodes(spans) {
  /** @type {Node[]} */
  const nodes = [];
  spans.forEach((span, i) => {
    if (i > 0) nodes.push(el("span", { class: "kv-dot", "aria-hidden": "true" }, [" · "]));
    nodes.push(el("span", { class: span.tone ? `kv-tone-${span.tone}` : "kv-tone" }, [span.text]));
  });
  return nodes;
}

/** @param {HTMLElement} track @param {(action: Action) => void} dispatch */
function dragging(track, dispatch) {
  let held = false;
  let box = track.getBoundingClientRect();
  const go = (/** @type {PointerEvent} */ event) => {
    const { width, steps } = track.dataset;
    const scale = Number(width) / Math.max(1, box.width);
    dispatch({ type: "step", to: stepAt(Number(width), Number(steps), (event.clientX - box.left) * scale) });
  };
  track.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    held = true;
    box = track.getBoundingClientRect();
    track.setPointerCapture(event.pointerId);
    dispatch({ type: "drag", on: true });
    go(event);
  });
  track.addEventListener("pointermove", (event) => {
    if (held) go(event);
  });
  const release = () => {
    if (!held) return;
    held = false;
    dispatch({ type: "drag", on: false });
  };
  track.addEventListener("pointerup", release);
  track.addEventListener("pointercancel", release);
  track.addEventListener("lostpointercapture", release);
}
