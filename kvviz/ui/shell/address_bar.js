// The address bar has one writer, and this is it. It stands in the app's HTML page before Streamlit
// starts, so it hears each step through the history first, and what Streamlit would write passes it.
//
// Streamlit writes the address at two moments that do not know of each other: the query as soon as
// the server says it, the page's name when React has drawn. So a change of page could leave an entry
// in the history that nobody had seen, and a late page's name could overwrite a step back. Here an
// address is written when the server says it whole: the page, its query, and which step through the
// history the page has followed by then. What does not follow the newest step is of the past.

/** How long a page that a link leads away from is taken to be on its way out. */
const LEAVING_MS = 10_000;
const LEAST_WAIT_MS = 600;
const MOST_WAIT_MS = 5000;
/** Streamlit sends what the controls say a moment after they are told. */
const FLUSH_MS = 20;

/** The query parameter by which the server says an address; it never stands in the bar. */
const SAYS = "kvviz-says";

/**
 * @typedef {object} Place
 * @property {string} page Url path of the page; empty for the home page.
 * @property {string} query As the server writes one, without its question mark.
 *
 * @typedef {Place & { when: number }} Step A step through the history; `when` tells one from another.
 *
 * @typedef {(name: string, value: Step) => void} Tell
 */

/**
 * A query as the server writes it, so that one view has one spelling in the history.
 * @param {string | URLSearchParams} query @returns {string}
 */
export function normal(query) {
  return [...new URLSearchParams(query)].map((pair) => pair.map(quoted).join("=")).join("&");
}

/** @param {string} text @returns {string} */
function quoted(text) {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, "+");
}

export class AddressBar {
  /**
   * @param {Window} window
   * @param {string[]} pages Url paths of all pages but the home page.
   */
  constructor(window, pages) {
    this.window = window;
    this.pages = pages;
    const { history } = window;
    this.push = history.pushState.bind(history);
    this.replace = history.replaceState.bind(history);
    this.base = this.place(window.location).base;
    /** What the bar says, before and after each step. */
    this.at = this.here();
    /** Whether the entry of the history that we are at waits for its page to say it whole. */
    this.isNew = true;
    /** @type {number | null} When the newest step was. */
    this.newest = null;
    /** @type {number | null} When the newest step was that the server was told. */
    this.told = null;
    /** @type {Step | null} A step that could not be told yet. */
    this.untold = null;
    /** Whether a step waits for a page that has followed it. */
    this.open = false;
    /** @type {string | null} The page that a link leads to, until it is in the bar. */
    this.going = null;
    /** When that link was clicked. */
    this.since = -Infinity;
    /** @type {string | null} The page on screen. */
    this.screen = null;
    /** @type {Tell | null} */
    this.tell = null;
    /** @type {(() => void)[]} What parts of the page on screen had to tell while it was on its way out. */
    this.held = [];
    /** Whether Streamlit is being told of a step. */
    this.passing = false;
    this.timer = 0;
    const write = (/** @type {unknown} */ _state, /** @type {string} */ _title, /** @type {string | URL | null} */ url) => this.streamlitWrites(url);
    history.pushState = history.replaceState = write;
    window.addEventListener("popstate", (event) => this.stepped(event));
    window.addEventListener("click", (event) => this.clicked(event), true);
  }

  /** @param {{ pathname: string, search: string }} url */
  place({ pathname, search }) {
    const name = pathname.replace(/\/+$/, "").split("/").pop() ?? "";
    const page = this.pages.includes(name) ? name : "";
    const base = pathname.replace(/\/+$/, "").slice(0, page ? -page.length : undefined);
    return { page, query: normal(search), base: base.endsWith("/") ? base : `${base}/` };
  }

  /** @returns {Place} */
  here() {
    const { page, query } = this.place(this.window.location);
    return { page, query };
  }

  /**
   * Streamlit wants to write an address: one that the server said, or that of a page to come.
   * @param {string | URL | null | undefined} url
   */
  streamlitWrites(url) {
    const { href } = this.window.location;
    const wanted = new URL(String(url ?? href), href);
    const said = wanted.searchParams.get(SAYS);
    wanted.searchParams.delete(SAYS);
    if (said !== null) {
      const [page, when] = said.split(" ");
      this.serverSays({ page, query: normal(wanted.searchParams) }, when ? Number(when) : null);
      return;
    }
    const { page, query } = this.place(wanted);
    // Its own record of the query, or a page that the person has left since.
    if (page === this.at.page || page !== this.going) return;
    // The query of the page before may still be with it; the new page soon says its own.
    this.write(this.push, { page, query: query === this.at.query ? "" : query });
    this.isNew = true;
  }

  /** @param {Place} place @param {number | null} when The newest step that its page has followed. */
  serverSays(place, when) {
    const { page, query } = this.at;
    if (when !== this.newest || (place.page !== page && place.page !== this.going)) return;
    this.open = false;
    if (page !== place.page) this.write(this.push, place);
    else if (query !== place.query) this.write(this.isNew ? this.replace : this.push, place);
    this.isNew = false;
    if (this.isLeaving()) return;
    for (const tell of this.held.splice(0)) tell();
  }

  /** @param {History["pushState"]} how @param {Place} place */
  write(how, place) {
    this.at = place;
    // The page that is being left may still say where it came to rest.
    if (place.page === this.going) this.going = null;
    how({}, "", this.url(place));
  }

  /** @param {Place} place @returns {string} */
  url({ page, query }) {
    return `${this.base}${page}${query && "?"}${query}`;
  }

  /**
   * Go where somebody else leads: as by a step through the history, but in place of the entry that we
   * are at, since nobody wants to go back through what another person did.
   * @param {Place} place
   */
  lead(place) {
    const wanted = { page: place.page, query: normal(place.query) };
    if (wanted.page === this.at.page && wanted.query === this.at.query) return;
    this.replace(this.window.history.state, "", this.url(wanted));
    this.followed();
  }

  /** @param {PopStateEvent} event A step through the history, or to another place of the page. */
  stepped(event) {
    if (this.passing) return;
    event.stopImmediatePropagation();
    this.followed();
  }

  /** Take in that the bar says another place than before, and tell the server. */
  followed() {
    const { hash, search, pathname } = this.window.location;
    const before = this.at;
    const here = this.here();
    if (!this.open && here.page === before.page && here.query === before.query) return;
    const step = { ...here, when: this.window.performance.now() };
    this.at = here;
    this.newest = step.when;
    this.open = this.isNew = true;
    this.going = null;
    if (here.query !== search.slice(1)) {
      this.replace(this.window.history.state, "", `${pathname}${here.query && "?"}${here.query}${hash}`);
    }
    // What is typed and not sent yet is sent before, or the page could not know that it is there.
    /** @type {HTMLElement | null} */ (this.window.document.activeElement)?.blur?.();
    // Within a page no more is needed, and Streamlit's message would leave out what its controls say.
    const isEnough = here.page === before.page && here.page === this.screen;
    this.window.setTimeout(() => {
      this.say(step);
      // Streamlit's message asks for the other page; it comes last, since it is lost where a later
      // one asks for this page.
      if (!isEnough) this.window.setTimeout(() => this.newest === step.when && this.pass(), FLUSH_MS);
    });
  }

  /** Let Streamlit ask for the page that the bar names. */
  pass() {
    this.passing = true;
    this.window.dispatchEvent(new PopStateEvent("popstate", { state: this.window.history.state }));
    this.passing = false;
    this.watch(LEAST_WAIT_MS);
  }

  /**
   * See to it that the page on screen becomes the one that the bar names: the message that asks for
   * it is lost where another one takes its place.
   * @param {number} wait In ms.
   */
  watch(wait) {
    this.window.clearTimeout(this.timer);
    this.timer = this.window.setTimeout(() => {
      if (this.at.page === this.screen || this.going !== null) return;
      const app = /** @type {HTMLElement | null} */ (this.window.document.querySelector("[data-testid=stApp]"));
      if (app?.dataset.testScriptState === "notRunning") this.pass();
      this.watch(Math.min(2 * wait, MOST_WAIT_MS));
    }, wait);
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const link = /** @type {HTMLAnchorElement | null} */ (
      /** @type {Element | null} */ (event.target)?.closest?.("a[data-testid=stPageLink-NavLink]")
    );
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button > 0) return;
    // As it stands there: the home page's is empty, and the browser would read the current page.
    const [pathname] = (link.getAttribute("href") ?? "").split(/[?#]/);
    this.going = this.place({ pathname, search: "" }).page;
    this.since = this.window.performance.now();
    // A step that the server has not heard of by now it never will.
    this.newest = this.told;
  }

  /**
   * Whether the page on screen is on its way out. What a part of it tells now would be asked of the page
   * that comes, which has no such part, and Streamlit would then take all of that page away again.
   * @returns {boolean}
   */
  isLeaving() {
    if (this.going !== null && this.going !== this.at.page) return this.window.performance.now() - this.since < LEAVING_MS;
    return this.screen !== null && this.at.page !== this.screen;
  }

  /**
   * Tell the server something now; or, from a page on its way out, as soon as it turns out to stay: the
   * person was gone and back before the other page came.
   * @param {() => void} tell
   */
  unlessLeaving(tell) {
    if (this.isLeaving()) this.held.push(tell);
    else tell();
  }

  /** Has the whole page drawn anew. */
  askAnew() {
    this.tell?.("anew", /** @type {any} */ (Date.now()));
  }

  /** @param {Step} step */
  say(step) {
    if (step.when !== this.newest) return;
    if (this.tell) {
      this.told = step.when;
      this.tell("step", step);
    } else {
      this.untold = step;
    }
  }

  /**
   * Take on what page is on screen, and how the server is told.
   * @param {string} page @param {Tell} tell
   */
  take(page, tell) {
    // What parts of the page before had to tell is of the past.
    if (page !== this.screen) this.held = [];
    this.screen = page;
    this.tell = tell;
    const { untold } = this;
    this.untold = null;
    if (untold) this.say(untold);
    if (page !== this.at.page) this.watch(LEAST_WAIT_MS);
  }
}
