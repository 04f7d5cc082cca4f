// Two texts under each other while one of them is typed. What was run last gives way to them for as long
// as the fields say something else; the server cuts them with the model's own tokenizer, and nothing is run.
import { mountComponent } from "../../../../../player/js/mount_component.js";

/** A server that has not answered by then is asked again at the next key. */
const PATIENCE_MS = 5000;

/**
 * @typedef {object} Texts @property {string} text @property {string} other
 *
 * @typedef {object} Payload As `typed_beginnings.draw` makes it.
 * @property {string} address @property {Record<string, unknown>} says @property {Texts} run
 * @property {Texts} fields Selectors of the fields. @property {string} place
 */

export class TypedBeginnings {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.payload = /** @type {Payload | null} */ (null);
    this.isAsking = false;
    /** Whether something was typed since the question that is on its way. */
    this.isBehind = false;
    /** @param {Event} event */
    this.heard = (event) => this.hear(/** @type {Element | null} */ (event.target));
    document.addEventListener("input", this.heard);
  }

  /** @param {Payload} payload */
  load(payload) {
    this.payload = payload;
    this.follow();
  }

  destroy() {
    document.removeEventListener("input", this.heard);
    this.show("");
    this.payload = null;
  }

  /** @param {Element | null} target What was typed into. */
  hear(target) {
    const { fields } = this.payload ?? {};
    if (fields && (target?.matches(fields.text) || target?.matches(fields.other))) this.follow();
  }

  /** @returns {Texts} What the fields say; what was run where one is not there. */
  typed() {
    const { fields, run } = /** @type {Payload} */ (this.payload);
    const says = (/** @type {"text" | "other"} */ name) =>
      /** @type {HTMLTextAreaElement | null} */ (document.querySelector(fields[name]))?.value ?? run[name];
    return { text: says("text"), other: says("other") };
  }

  /** Shows what is typed, or makes way for what was run where it is the same. */
  follow() {
    if (!this.payload) return;
    const { run } = this.payload;
    const typed = this.typed();
    if (typed.text === run.text && typed.other === run.other) {
      this.isBehind = false;
      this.show("");
    } else if (this.isAsking) this.isBehind = true;
    else this.ask(typed);
  }

  /** @param {Texts} typed */
  async ask(typed) {
    const { address, says } = /** @type {Payload} */ (this.payload);
    this.isAsking = true;
    const html = await answer(address, { ...says, ...typed });
    this.isAsking = false;
    const isBehind = this.isBehind;
    this.isBehind = false;
    if (!this.payload) return;
    // What was run meanwhile stands there already.
    const { run } = this.payload;
    const now = this.typed();
    if (now.text === run.text && now.other === run.other) return;
    if (html !== undefined) this.show(html);
    if (isBehind) this.follow();
  }

  /** @param {string} html Nothing for what was run. The server made it, and in it every token is plain text. */
  show(html) {
    const place = this.payload && this.root.closest(this.payload.place);
    place?.toggleAttribute("data-typed", html !== "");
    if (this.root.innerHTML !== html) this.root.innerHTML = html;
  }
}

/**
 * @param {string} address @param {object} said
 * @returns {Promise<string | undefined>} Nothing if the server has not answered.
 */
async function answer(address, said) {
  const { __streamlit } = /** @type {{ __streamlit?: { BACKEND_BASE_URL?: string } }} */ (globalThis);
  try {
    const response = await fetch(`${__streamlit?.BACKEND_BASE_URL ?? "/"}${address}`, {
      method: "POST",
      body: JSON.stringify(said),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return response.ok ? (await response.json()).html : undefined;
  } catch {
    return undefined;
  }
}

export default mountComponent((root) => new TypedBeginnings(root));
