// Tells the server of each step that the person makes through the browser's history.
//
// Streamlit tells of it too, by a flag on its own message. A message that follows closely takes the
// place of that one and carries no flag, and the step is lost. What is told here is a value of a
// component: every later message carries it as well, until the next step takes its place.

/** A query as the server writes it, so that one view has one spelling in the history. */
const normal = (search) =>
  [...new URLSearchParams(search)].map((pair) => pair.map(quoted).join("=")).join("&");

const quoted = (text) =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, "+");

/** The address bar as the server reads it; the app may be served below a path of its own. */
const here = (pages) => {
  const name = window.location.pathname.replace(/\/+$/, "").split("/").pop();
  return { page: pages.includes(name) ? name : "", query: normal(window.location.search) };
};

class Listener {
  constructor() {
    this.step = null;
    this.heard = () => this.hear();
    window.addEventListener("popstate", this.heard);
  }

  /** Take on what the page on screen is, and how the server is told. */
  take({ data, setStateValue }) {
    Object.assign(this, { page: data.page, pages: data.pages, tell: setStateValue });
    this.send();
  }

  hear() {
    const { pathname, search, hash } = window.location;
    const found = here(this.pages);
    this.step = { ...found, when: performance.now() };
    if (found.query !== search.slice(1)) {
      const address = `${pathname}${found.query && "?"}${found.query}${hash}`;
      window.history.replaceState(window.history.state, "", address);
    }
    // What is typed and not sent yet is sent before, or the page could not know that it is there.
    document.activeElement?.blur?.();
    setTimeout(() => this.send());
  }

  /** Tell of the newest step, once its page is on screen: any message asks for the page that is. */
  send() {
    const { step } = this;
    if (!step || step.page !== this.page) return;
    this.step = null;
    const { page, query } = here(this.pages);
    if (page === step.page && query === step.query) this.tell("step", step);
  }

  leave() {
    window.removeEventListener("popstate", this.heard);
  }
}

const listeners = new WeakMap();

export default function (component) {
  const { parentElement } = component;
  if (!listeners.has(parentElement)) listeners.set(parentElement, new Listener());
  listeners.get(parentElement).take(component);
  return () => {
    listeners.get(parentElement)?.leave();
    listeners.delete(parentElement);
  };
}
