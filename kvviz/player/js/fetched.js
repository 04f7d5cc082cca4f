// Hands a component the buffer that it draws, fetched at an address of its own: what Streamlit's message
// carries is a voucher. Until the buffer is here what was drawn before stands, or a line that says so. Of a
// run under way the voucher says where it is asked for: it is drawn as it stands, until its buffer is there.
import { el, setText } from "./dom.js";
import { GrowingRun } from "./growing.js";
import { appended } from "./packed_buffer.js";

/** Nobody has to read of what comes at once. */
const SAY_AFTER_MS = 400;
/** Between attempts, twice as long each time. */
const TRY_AGAIN_MS = 1000;
const TRY_AGAIN_AT_MOST_MS = 15000;
/** Buffers that stay at hand for whoever leaves a page and comes back. */
const N_KEPT = 2;
/** Status of an answer without a buffer. No error, which a browser would write into its console. */
const NOT_KEPT = 204;
/** About as much room as what is on its way takes, so that what stands below it does not come into view. */
const ROOM = "min-height: 40rem"; // not for people: a style

/**
 * @import { Call } from "./mount_component.js"
 * @typedef {{ addresses: string[], waiting: string, late: string, grows?: string }} Voucher As `kvviz.ui.shell.served_bytes` has it.
 */

/** @type {Map<string, Uint8Array>} */
const kept = new Map();

/**
 * @param {(call: Call) => () => void} component Draws a buffer.
 * @returns {(call: Call) => () => void} The same of a voucher. Where a buffer is not there any more the page
 *   is told by the trigger `lost`, and gives another voucher, or the same one once it can be fetched.
 */
export function fetched(component) {
  /** @type {WeakMap<object, Place>} */
  const places = new WeakMap();
  return (call) => {
    const place = places.get(call.parentElement) ?? new Place(component);
    places.set(call.parentElement, place);
    place.take(call);
    return () => {
      // Where data came again before the script had, Streamlit takes back the first call after the second.
      if (places.get(call.parentElement) !== place || place.call !== call) return;
      places.delete(call.parentElement);
      place.leave();
    };
  };
}

/** Where one component stands. */
class Place {
  /** @param {(call: Call) => () => void} component */
  constructor(component) {
    this.component = component;
    /** @type {Call | null} */
    this.call = null;
    this.asked = this.coming = "";
    this.attempts = 0;
    this.buffer = /** @type {Uint8Array | null} */ (null);
    this.end = () => {};
    this.isDrawn = false;
    /** The run under way, and where it is asked for. */
    this.growing = /** @type {GrowingRun | null} */ (null);
    this.grows = /** @type {string | undefined} */ (undefined);
    this.line = /** @type {HTMLElement | null} */ (null);
    this.sayTimer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
    this.tryTimer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  }

  /** @param {Call} call */
  take(call) {
    this.call = call;
    const { addresses, grows } = /** @type {Voucher} */ (call.data);
    this.grow(grows);
    const asked = addresses.join(" ");
    if (asked !== this.asked) {
      this.asked = asked;
      this.attempts = 0;
      // Of a run whose making has just begun there is none: what was drawn before stands.
      const isHere = addresses.length > 0 && addresses.every((one) => kept.has(one));
      this.buffer = isHere ? joined(addresses.map((one) => /** @type {Uint8Array} */ (kept.get(one)))) : null;
    }
    if (this.growing?.held) this.drawGrowing(this.growing.held);
    else if (this.buffer) this.draw(this.buffer);
    // Nothing is there but what comes of the run under way.
    else if (addresses.length === 0) return;
    // What was lost is asked for at once when the page has given it again, and then in its time.
    else if (this.attempts < 2) this.come(asked);
  }

  /** @param {Uint8Array} buffer */
  draw(buffer) {
    if (this.call) this.show(buffer, this.call);
  }

  /** @param {Uint8Array} buffer @param {Call} call */
  show(buffer, call) {
    clearTimeout(this.sayTimer);
    clearTimeout(this.tryTimer);
    this.line?.remove();
    this.line = null;
    this.isDrawn = true;
    this.end = this.component({ ...call, data: buffer });
  }

  /** @param {string | undefined} grows Address of a run under way. */
  grow(grows) {
    if (grows === this.grows) return;
    this.grows = grows;
    this.growing?.stop();
    this.growing = grows === undefined ? null : new GrowingRun(urlOf(grows), (buffer) => this.drawGrowing(buffer));
  }

  /** @param {Uint8Array} buffer Of the run under way, as it stands. What is looked at in it concerns it alone. */
  drawGrowing(buffer) {
    const { call, growing } = this;
    if (!call || !growing) return;
    const look = (/** @type {string} */ _, /** @type {any} */ at) => {
      const { layer, head } = { ...growing.looked, ...at };
      if (Number.isInteger(layer) && Number.isInteger(head)) growing.look({ layer, head });
    };
    this.show(buffer, { ...call, setStateValue: look, setTriggerValue: look });
  }

  /** @param {string} asked */
  async come(asked) {
    if (this.coming === asked) return;
    this.coming = asked;
    clearTimeout(this.tryTimer);
    this.say(this.attempts === 0 ? "waiting" : "late");
    const addresses = asked.split(" ");
    const parts = await Promise.all(addresses.map((address) => bytesAt(address)));
    if (this.coming === asked) this.coming = "";
    if (!this.call || this.asked !== asked || this.buffer) return;
    const lost = addresses.find((_, i) => parts[i] === null);
    if (parts.every((part) => part instanceof Uint8Array)) {
      this.buffer = joined(/** @type {Uint8Array[]} */ (parts));
      if (!this.growing?.held) this.draw(this.buffer);
      return;
    }
    const wait = Math.min(TRY_AGAIN_MS * 2 ** this.attempts++, TRY_AGAIN_AT_MOST_MS);
    this.say("late");
    clearTimeout(this.tryTimer);
    this.tryTimer = setTimeout(() => this.come(asked), wait);
    if (lost) this.tellLost(lost);
  }

  /** @param {string} lost An address. A page that is being left is not drawn anew for it. */
  tellLost(lost) {
    const bar = /** @type {{ kvvizAddressBar?: { unlessLeaving: (tell: () => void) => void } }} */ (globalThis).kvvizAddressBar;
    const tell = () => this.call?.setTriggerValue("lost", lost);
    if (bar) bar.unlessLeaving(tell);
    else tell();
  }

  /** @param {"waiting" | "late"} what */
  say(what) {
    if (!this.call || this.isDrawn) return;
    const { data, parentElement } = this.call;
    const text = /** @type {Voucher} */ (data)[what];
    if (!this.line) {
      this.line = el("div", { role: "status", style: ROOM, "data-kvviz": "to-come" }, []);
      parentElement.append(this.line);
    }
    const { line } = this;
    clearTimeout(this.sayTimer);
    this.sayTimer = setTimeout(() => setText(line, text), SAY_AFTER_MS);
  }

  leave() {
    this.call = null;
    this.growing?.stop();
    clearTimeout(this.sayTimer);
    clearTimeout(this.tryTimer);
    this.line?.remove();
    if (this.isDrawn) this.end();
  }
}

/**
 * @param {string} address Below the app's own.
 * @returns {Promise<Uint8Array | null | undefined>} Null if it is not there any more, nothing if no answer came.
 */
async function bytesAt(address) {
  const here = kept.get(address);
  if (here) return here;
  try {
    const response = await fetch(urlOf(address));
    if (response.status === NOT_KEPT) return null;
    if (!response.ok) return undefined;
    const bytes = new Uint8Array(await response.arrayBuffer());
    kept.set(address, bytes);
    for (const oldest of [...kept.keys()].slice(0, -N_KEPT)) kept.delete(oldest);
    return bytes;
  } catch {
    return undefined;
  }
}

/** @param {string} address Below the app's own. @returns {string} */
function urlOf(address) {
  const { __streamlit } = /** @type {{ __streamlit?: { BACKEND_BASE_URL?: string } }} */ (globalThis);
  return new URL(address, __streamlit?.BACKEND_BASE_URL ?? document.baseURI).href;
}

/** @param {Uint8Array[]} parts A buffer, and others whose arrays belong into it. @returns {Uint8Array} */
function joined(parts) {
  return parts.reduce(appended);
}
