// The presenter view: makes the page as large as the screen allows, shows one idea of it at a time, and
// goes on by the keys that a clicker sends. A run is stepped through before the next idea comes.
import { el, setText, show } from "../../../../player/js/dom.js";
import { gettext } from "../../../../player/js/translation.js";
import { ideasOf, withCompany } from "./ideas.js";

/** Size of the page before it is made larger: at 1920 x 1080 its smallest letters (11) take 20 pixels. */
const WIDTH = 1055;
const HEIGHT = 593;
const LEAST_ZOOM = 1;
/** By how much at most what is too high for the screen is made smaller; a question's letters are larger. */
const LEAST_FIT = 0.88;
const LEAST_FIT_OF_QUESTION = 0.66;
/** The numbers at a chart's axes (12.4) take 20 pixels at 1920 x 1080. */
const LEAST_FIT_OF_CHART = 0.889;
const CHART = '[data-kvviz^="chart-"]'; // not for people: a selector; Plotly comes later
const QUESTION = '[class*="st-key-kvviz-ask-"]'; // not for people: a selector
/** What the bars at the foot take. */
const FOOT_PX = 64;
const GROWN_PX = 8;
const MARK = "data-kvviz-idea";
const LOOK_MS = 250;
const EDGE_PX = 24;
const PART_OF_SCREEN = 0.6;
const NAV = '.st-key-kvviz-nav a[data-testid="stPageLink-NavLink"]'; // not for people: a selector
const PLAYER = ".kvviz-player"; // not for people: a selector
const MAKING = ".kv-making"; // not for people: a selector
const ON = { PageDown: 1, PageUp: -1 };
/** Where a person types. */
const FIELD = "input, textarea, [contenteditable]"; // not for people: a selector
/** What Streamlit opens above a page. */
const OPEN = '[data-testid="stPopoverBody"], [role="dialog"][aria-modal="true"], [role="listbox"]'; // not for people: a selector

export class Presenter {
  /** @param {Window} window */
  constructor(window) {
    this.window = window;
    this.document = window.document;
    this.on = false;
    /** Which idea is on the screen; on a new page it is its player, where it has one. */
    this.at = -1;
    /** Whether the person has gone through the page, so that nothing that comes late leads elsewhere. */
    this.isByHand = false;
    this.page = "";
    /** Of the idea, when it was shown last. */
    this.height = 0;
    this.isResized = false;
    /** What is on the screen, and all that there was. */
    this.idea = /** @type {HTMLElement | null} */ (null);
    this.seen = /** @type {HTMLElement[]} */ ([]);
    /** Whether something was open above the page when Escape was pressed. */
    this.hasOpen = false;
    this.leave = () => {};
    this.timer = 0;
    this.place = el("span", { class: "kvviz-presenter-place", role: "status" });
    this.pages = el("select", { "aria-label": gettext("Page") });
    this.pages.addEventListener("change", () => this.goTo(this.pages.selectedIndex));
    const back = button(gettext("Back"), "‹", () => this.go(-1));
    const on = button(gettext("On"), "›", () => this.go(1));
    const out = button(gettext("Leave the presenter view"), "×", () => this.leave());
    this.root = el("nav", { class: "kvviz-presenter", "data-kvviz": "presenter", "aria-label": gettext("Presenter") }, [back, this.place, on, this.pages, out]);
    this.root.hidden = true;
    this.document.body.append(this.root);
    window.addEventListener("keydown", (event) => this.key(event), true);
    window.addEventListener("keydown", (event) => this.escape(event));
    window.addEventListener("resize", (event) => event.isTrusted && this.size());
  }

  /** @param {boolean} on @param {() => void} leave */
  load(on, leave) {
    this.leave = leave;
    if (on === this.on) return;
    this.on = on;
    show(this.root, on);
    this.document.documentElement.toggleAttribute("data-kvviz-presents", on);
    this.size();
    this.window.clearInterval(this.timer);
    this.at = -1;
    if (on) this.timer = this.window.setInterval(() => this.look(), LOOK_MS);
    else for (const node of this.marked()) node.removeAttribute(MARK);
  }

  size() {
    const { innerWidth, innerHeight } = this.window;
    const zoom = Math.max(LEAST_ZOOM, Math.min(innerWidth / WIDTH, innerHeight / HEIGHT));
    const { style } = this.document.documentElement;
    if (this.on) style.setProperty("--kvviz-presenter-zoom", zoom.toFixed(3));
    else style.removeProperty("--kvviz-presenter-zoom");
    this.isResized = this.on && this.at >= 0;
    // A player reads its size anew.
    this.window.dispatchEvent(new Event("resize"));
  }

  marked() {
    return /** @type {NodeListOf<HTMLElement>} */ (this.document.querySelectorAll(`[${MARK}]`));
  }

  /** Keeps the idea on the screen, since Streamlit draws pages anew, and what it has drawn is not marked. */
  look() {
    const { pathname } = this.window.location;
    const ideas = ideasOf(this.document);
    if (!ideas.length) return;
    if (pathname !== this.page) {
      this.page = pathname;
      this.at = -1;
      this.idea = null;
      this.isByHand = false;
    }
    const first = ideas.findIndex((node) => node.closest(PLAYER));
    const led = this.ledTo(ideas);
    if (led >= 0) {
      this.isByHand = true;
      this.show(ideas, led);
    } else if (this.at < 0 || (!this.isByHand && first > 0 && this.at !== first)) this.show(ideas, Math.max(0, first));
    else if (this.isResized || !ideas[this.at]?.hasAttribute(MARK) || this.hasGrown(ideas[this.at])) this.show(ideas, this.at);
    this.listPages();
  }

  /**
   * Where the page itself has led since: to how a row is made, when that is opened, and back when it is closed.
   * @param {HTMLElement[]} ideas @returns {number} -1 if it has not.
   */
  ledTo(ideas) {
    const opened = ideas.findIndex((node) => node.matches(MAKING) && !this.seen.includes(node));
    this.seen = ideas;
    if (this.at < 0) return -1;
    const wasClosed = this.idea?.isConnected && this.idea.offsetHeight === 0;
    return wasClosed ? Math.max(0, this.at - 1) : opened;
  }

  /** @param {HTMLElement} idea @returns {boolean} Whether more or less is told in it than when it came. */
  hasGrown(idea) {
    return !idea.closest(PLAYER) && Math.abs(idea.getBoundingClientRect().height - this.height) > GROWN_PX;
  }

  /** @param {HTMLElement[]} ideas @param {number} at */
  show(ideas, at) {
    this.at = Math.min(Math.max(at, 0), ideas.length - 1);
    this.isResized = false;
    this.idea = ideas[this.at];
    const shown = withCompany(ideas[this.at]);
    for (const node of this.marked()) {
      if (shown.includes(node)) continue;
      node.removeAttribute(MARK);
      fitted(node, 1);
    }
    for (const node of shown) node.setAttribute(MARK, "now");
    setText(this.place, `${this.at + 1} / ${ideas.length}`);
    this.root.dataset.idea = String(this.at);
    const [upper] = shown;
    // What is a little too high is made to fit; its letters stay large enough.
    const { height } = ideas[this.at].getBoundingClientRect();
    const room = this.window.innerHeight - FOOT_PX;
    const idea = ideas[this.at];
    const least = idea.matches(QUESTION) || idea.querySelector(QUESTION) ? LEAST_FIT_OF_QUESTION : idea.querySelector(CHART) ? LEAST_FIT_OF_CHART : LEAST_FIT;
    if (shown.length === 1) {
      const fit = (room / height) * Number(idea.style.zoom || 1);
      fitted(idea, fit < 1 ? Math.max(least, fit) : 1);
    }
    this.height = idea.getBoundingClientRect().height;
    const isHigh = this.height > 0.8 * room;
    if (shown.length > 1) {
      // The player's bar stays at the top, and its parts come below it.
      ideas[this.at].style.scrollMarginTop = `${upper.offsetHeight + 14}px`;
      ideas[this.at].scrollIntoView({ block: "start" });
    } else ideas[this.at].scrollIntoView({ block: isHigh ? "start" : "center" });
  }

  /** @param {1 | -1} by */
  go(by) {
    const ideas = ideasOf(this.document);
    this.isByHand = true;
    const player = /** @type {any} */ (ideas[this.at]?.closest(PLAYER));
    if (player && ideas[this.at].matches(".kv-stage")) {
      const step = Number(player.dataset.step);
      if (by > 0 ? step < Number(player.dataset.nSteps) - 1 : step > 0) return player.kvviz.by(by);
    }
    // What is higher than the screen is gone through first.
    const box = ideas[this.at]?.getBoundingClientRect();
    const main = this.document.querySelector('[data-testid="stMain"]'); // not for people: a selector
    const { innerHeight } = this.window;
    if (box && main && (by > 0 ? box.bottom > innerHeight + EDGE_PX && box.top < innerHeight : box.top < -EDGE_PX && box.bottom > 0)) {
      return main.scrollBy({ top: by * PART_OF_SCREEN * innerHeight });
    }
    this.show(ideas, this.at + by);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (this.on && event.key === "Escape") this.hasOpen = this.document.querySelector(OPEN) !== null;
    if (!this.on || event.ctrlKey || event.metaKey || event.altKey || !(event.key in ON)) return;
    if (event.target instanceof Element && event.target.closest(FIELD)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.go(event.key === "PageDown" ? 1 : -1);
  }

  /**
   * Leaves the view by Escape, where nothing is open that the key closes first: a part that closes something says
   * so, and what Streamlit opens was there when the key went down.
   * @param {KeyboardEvent} event
   */
  escape(event) {
    if (!this.on || event.key !== "Escape" || event.defaultPrevented || event.isComposing || this.hasOpen) return;
    if (event.target instanceof Element && event.target.closest(FIELD)) return;
    this.leave();
  }

  /** The pages, by the links of the sidebar that is not shown. */
  links() {
    return /** @type {NodeListOf<HTMLAnchorElement>} */ (this.document.querySelectorAll(NAV));
  }

  listPages() {
    const names = [...this.links()].map((link) => link.textContent ?? "");
    const shown = [...this.pages.options].map((option) => option.textContent);
    if (names.length && names.join("\n") !== shown.join("\n")) this.pages.replaceChildren(...names.map((name) => el("option", {}, [name])));
    const name = this.window.location.pathname.split("/").pop();
    // As it stands there: the home page's is empty, and would be read as the page's own.
    const here = [...this.links()].findIndex((link) => (link.getAttribute("href") ?? "").split("?")[0].split("/").pop() === name);
    if (this.document.activeElement !== this.pages && here >= 0) this.pages.selectedIndex = here;
  }

  /** @param {number} number */
  goTo(number) {
    this.pages.blur();
    this.links()[number]?.click();
  }
}

/**
 * Makes an idea smaller, and says so to what reckons with its size (`style.css`).
 * @param {HTMLElement} idea @param {number} zoom At most 1, which it has by itself.
 */
function fitted({ style }, zoom) {
  if (zoom === 1) {
    style.zoom = "";
    style.removeProperty("--kvviz-fit");
  } else {
    style.zoom = String(zoom);
    style.setProperty("--kvviz-fit", String(zoom));
  }
}

/** @param {string} label @param {string} sign @param {() => void} act */
function button(label, sign, act) {
  const node = el("button", { type: "button", "aria-label": label, title: label }, [sign]);
  node.addEventListener("click", act);
  return node;
}
