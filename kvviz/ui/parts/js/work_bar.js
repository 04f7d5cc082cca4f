// Work under way on the server: how far it is, and Cancel. It asks the server itself, which takes its time
// to answer unless the work is over, and lets Streamlit run the page's script only then.
import { el, setAttribute, setText } from "../../../player/js/dom.js";
import { mountComponent } from "../../../player/js/mount_component.js";
import { gettext } from "../../../player/js/translation.js";
import { isBeingDrawn } from "../../shell/script_state.js";

/** From one question to the next at least; the server may take longer to answer, the longer the more wait. */
const ASK_AGAIN_MS = 250;
/** Asks for an answer once there is something to tell. */
const LATER = "?later";
/** A server that has not answered by then is asked again. */
const PATIENCE_MS = 5000;
/** Answers that fail to come, in a row, before the page is drawn anew to see what is the matter. */
const FAILURES_BORNE = 3;
/** A page that was told that the work is over is told again after so long, should it still wait. */
const TELL_AGAIN_MS = 2000;
/** One that waits for the work in its script finds out by itself, and is told only after so long. */
const FINDS_OUT_MS = 5000;

/**
 * @typedef {object} Status As `kvviz.ui.work.jobs.Status` has it.
 * @property {number} fraction @property {string} said @property {boolean} stopping
 * @property {boolean} over @property {any} live
 *
 * @typedef {object} Payload As `kvviz.ui.parts.work_bar.payload` makes it.
 * @property {string} address @property {Status} status @property {boolean} wakes
 */

export class WorkBar {
  /**
   * @param {HTMLElement} root
   * @param {import("../../../player/js/mount_component.js").Page} page
   * @param {(status: Status) => void} [onStatus] Draws what there is besides.
   */
  constructor(root, page, onStatus = () => {}) {
    this.page = page;
    this.onStatus = onStatus;
    this.payload = /** @type {Payload | null} */ (null);
    this.pressed = false;
    this.failures = 0;
    this.toldAt = 0;
    this.overSince = 0;
    /** Counts the questions: only what came of the last one is followed by another. */
    this.asked = 0;
    this.timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
    this.said = el("p");
    this.done = el("i");
    this.track = el("div", { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": gettext("Progress") }, [this.done]);
    this.button = el("button", { type: "button" }, [gettext("Cancel")]);
    this.button.addEventListener("click", () => this.cancel());
    root.append(el("div", { class: "kvviz-work-bar", "data-kvviz": "work-bar" }, [el("div", {}, [this.said, this.track]), this.button]));
    this.leave = () => this.say("/left");
    addEventListener("pagehide", this.leave);
  }

  /** @param {Payload} payload */
  load(payload) {
    const isOther = payload.address !== this.payload?.address;
    if (isOther) {
      this.pressed = false;
      this.failures = this.toldAt = this.overSince = 0;
    }
    this.payload = payload;
    this.take(payload.status);
    if (isOther) this.askLater(payload.status.over ? TELL_AGAIN_MS : 0);
  }

  destroy() {
    // The page may go on without its bar; a server that hears nothing takes the tab for gone.
    if (!this.overSince) this.say("/aside");
    this.payload = null;
    clearTimeout(this.timer);
    removeEventListener("pagehide", this.leave);
  }

  /** @param {string} [end] @returns {string} */
  url(end = "") {
    const { __streamlit } = /** @type {{ __streamlit?: { BACKEND_BASE_URL?: string } }} */ (globalThis);
    return `${__streamlit?.BACKEND_BASE_URL ?? "/"}${this.payload?.address}${end}`;
  }

  /** @param {string} end */
  say(end) {
    if (this.payload) navigator.sendBeacon(this.url(end));
  }

  /** @param {number} wait */
  askLater(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask("GET", LATER), wait);
  }

  cancel() {
    if (this.pressed) return;
    this.pressed = true;
    setAttribute(this.button, "aria-disabled", "true");
    this.ask("POST", "/cancel");
  }

  /**
   * Asks how far the work is, or tells that it is to stop, which is answered the same.
   * @param {"GET" | "POST"} method @param {string} end
   */
  async ask(method, end) {
    clearTimeout(this.timer);
    const { payload } = this;
    const [number, since] = [++this.asked, performance.now()];
    const status = await this.answer(method, end);
    // Meanwhile the place may have been given to other work, or taken away.
    if (payload === null || this.payload?.address !== payload.address) return;
    this.failures = status === undefined ? this.failures + 1 : 0;
    if (status) this.take(status);
    else if (method === "POST") this.pressed = false;
    if (status === null || this.failures >= FAILURES_BORNE) this.tell();
    if (number !== this.asked) return;
    const wait = status === null || status?.over ? TELL_AGAIN_MS : ASK_AGAIN_MS;
    const left = since + wait - performance.now();
    // The timers of a hidden tab come once a minute, its answers when they are there.
    if (left > 0) this.askLater(left);
    else this.ask("GET", LATER);
  }

  /**
   * @param {"GET" | "POST"} method @param {string} end
   * @returns {Promise<Status | null | undefined>} Null if the server knows the work no more, nothing
   *   if it has not answered.
   */
  async answer(method, end) {
    try {
      const response = await fetch(this.url(end), { method, signal: AbortSignal.timeout(PATIENCE_MS) });
      return response.ok ? await response.json() : undefined;
    } catch {
      return undefined;
    }
  }

  /** @param {Status} status */
  take(status) {
    const percent = Math.round(100 * Math.min(Math.max(status.fraction, 0), 1));
    setText(this.said, status.said);
    this.done.style.width = `${percent}%`;
    setAttribute(this.track, "aria-valuenow", String(percent));
    setAttribute(this.track, "aria-valuetext", status.said);
    setAttribute(this.button, "aria-disabled", status.stopping || this.pressed ? "true" : null);
    this.onStatus(status);
    if (!status.over) return;
    this.overSince ||= performance.now();
    if (this.payload?.wakes || performance.now() - this.overSince >= FINDS_OUT_MS) this.tell();
  }

  /** Has the page drawn anew, which takes in what the work has come to. */
  tell() {
    const isAgain = this.toldAt > 0 || !this.payload?.wakes;
    // A page that is being drawn is taking it in. Drawn anew meanwhile, it would lose what is pressed
    // in a part of it that already stands.
    if (isAgain && (performance.now() - this.toldAt < TELL_AGAIN_MS || isBeingDrawn(document))) return;
    this.toldAt = performance.now();
    this.page.setTriggerValue("over", this.payload?.address);
  }
}

export default mountComponent((root, page) => new WorkBar(root, page));
