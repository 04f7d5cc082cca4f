/** Tabs of a real Firefox, driven over WebDriver BiDi, and what a person would look for in one. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import puppeteer from "puppeteer-core";

/** How slow this machine is just now (`pace.py`). */
export const SLOWNESS = Number(process.env.KVVIZ_SLOWNESS ?? 1);
const PATIENCE_MS = 10_000 * SLOWNESS;
export const PLAYER = '[data-kvviz="player"]';
/** How often what is awaited is looked for. In each frame, as is usual, costs the page its frames. */
const SELDOM = { polling: 50 };
const PREFERENCES = {
  // Less motion is asked for, so that no run plays by itself.
  "ui.prefersReducedMotion": 1,
  // The scheme is told at the start, since BiDi has no word for it yet. It is the one that is not
  // there by itself, and one Firefox is half the work of two.
  "layout.css.prefers-color-scheme.content-override": 0,
  // No process is started for a tab that nobody opens.
  "dom.ipc.processPrelaunch.enabled": false,
};

/** Start a Firefox where the system is dark. */
export function launch() {
  return puppeteer.launch({
    browser: "firefox",
    executablePath: process.env.KVVIZ_FIREFOX,
    headless: true,
    extraPrefsFirefox: PREFERENCES,
  });
}

const STILL = readFileSync(new URL("../still.css", import.meta.url), "utf8");

/** Put on `still.css`. @param {string} css */
function standStill(css) {
  const still = new CSSStyleSheet();
  still.replaceSync(css);
  document.adoptedStyleSheets.push(still);
}

/**
 * A tab. What the app might have stored in it is taken away when it leaves the app.
 */
export class Tab {
  #page;
  #complaints = [];

  static async open(browser, address) {
    const tab = new Tab();
    // In a window of its own: a tab behind another one is not drawn, and cannot be clicked.
    tab.#page = await browser.newPage({ type: "window" });
    tab.address = address;
    tab.#page.setDefaultTimeout(PATIENCE_MS);
    await tab.#page.setViewport({ width: 1440, height: 1000 });
    await tab.#page.evaluateOnNewDocument(standStill, STILL);
    tab.#page.on("console", (message) => {
      if (["error", "warn"].includes(message.type())) tab.#complaints.push(message.text());
    });
    tab.#page.on("pageerror", (error) => tab.#complaints.push(`exception: ${error}`));
    tab.#page.on("request", (request) => {
      const url = request.url();
      const home = [address, "data:", "blob:", "file:"].some((start) => url.startsWith(start));
      if (!home) tab.#complaints.push(`left the machine: ${url}`);
    });
    return tab;
  }

  /** Fail if it has heard a complaint. */
  agree() {
    assert.deepEqual(this.#complaints, []);
  }

  /** Leave the app, if the tab is there. What it says of being left is no complaint. */
  async leave() {
    if (!this.#page.url().startsWith(this.address)) return;
    this.agree();
    await this.#page.evaluate(() => [localStorage, sessionStorage].forEach((one) => one.clear()));
    await this.#page.goto("about:blank");
    this.#complaints.length = 0;
  }

  /** Load a page of the app anew, with its settings as parameters of the link. */
  async goto(path, parameters = {}) {
    await this.leave();
    await this.#page.goto(`${this.address}${path}?${new URLSearchParams(parameters)}`);
  }

  /**
   * Be on a page of the app: stay if the tab is there, or follow the sidebar's link from another
   * page; open it with its parameters if the tab is new.
   */
  async reach(path, parameters = {}) {
    const url = this.#page.url();
    if (!url.startsWith(this.address)) await this.goto(path, parameters);
    else if (new URL(url).pathname !== path) {
      await this.click(`.st-key-kvviz-nav a[href*="${path.slice(1)}"]`);
      await this.addressHolds(path);
    }
  }

  async gotoFile(path) {
    await this.leave();
    await this.#page.goto(pathToFileURL(path).href);
  }

  /** Wait until an element with these hooks is there, by default the player; return all its hooks. */
  async wait(hooks, selector = PLAYER, timeout = PATIENCE_MS) {
    const values = Object.entries(hooks).map(([name, value]) => {
      const hyphened = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      return `[data-${hyphened}="${value}"]`;
    });
    return this.find(selector + values.join(""), (node) => ({ ...node.dataset }), timeout);
  }

  /** Wait until an element is there and return what a function makes of it. */
  async find(selector, read = () => null, timeout = PATIENCE_MS) {
    const node = await this.#page.waitForSelector(selector, { timeout });
    return node.evaluate(read);
  }

  /** Wait until an element is in the window, to which the page leads by itself. */
  async inSight(selector) {
    await this.#page.waitForFunction(
      (where) => {
        const box = document.querySelector(where)?.getBoundingClientRect();
        return box && box.top >= 0 && box.bottom <= innerHeight;
      },
      SELDOM,
      selector,
    );
  }

  /** Wait until an element says something. */
  async says(selector, words) {
    await this.#page.waitForFunction(
      (where, what) =>
        [...document.querySelectorAll(where)].some((node) => node.innerText.includes(what)),
      SELDOM,
      selector,
      words,
    );
  }

  /** Go to a chart and wait until it is drawn. */
  async chart(name) {
    const place = `.st-key-kvviz-chart-${name}`;
    await this.find(place, (node) => node.scrollIntoView({ block: "center" }));
    await this.find(`${place} .js-plotly-plot .trace`);
  }

  async press(key) {
    await this.#page.keyboard.press(key);
  }

  async click(selector) {
    await this.#page.locator(selector).click();
  }

  /** Click on the first button that says these words, and no others. */
  async button(words) {
    await this.click(`::-p-xpath(//button[normalize-space()="${words}"])`);
  }

  /** Click on the first button that says these words after the name of its icon. */
  async iconButton(words) {
    await this.click(`::-p-xpath(//button[contains(normalize-space(), "${words}")])`);
  }

  /** Type words in the place of those that stand in a field. */
  async type(selector, words) {
    await this.click(selector);
    const { keyboard } = this.#page;
    await keyboard.down("Control");
    await keyboard.press("a");
    await keyboard.up("Control");
    await keyboard.type(words);
  }

  /** Wait until the address holds these words. */
  async addressHolds(words) {
    await this.#page.waitForFunction((what) => location.href.includes(what), SELDOM, words);
  }

  back() {
    return this.#page.goBack();
  }

  forward() {
    return this.#page.goForward();
  }

  /** Return what an expression gives in the page. */
  evaluate(read, ...args) {
    return this.#page.evaluate(read, ...args);
  }

  /** Wait until each canvas of a part shows more than one colour, as an empty one does not. */
  async drawn(selector) {
    await this.#page.waitForFunction(
      (where) => {
        const canvases = [...document.querySelectorAll(`${where} canvas`)].filter(
          (canvas) => canvas.checkVisibility() && canvas.width && canvas.height,
        );
        const colours = canvases.map((canvas) => {
          const { data } = canvas
            .getContext("2d")
            .getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(data.buffer)).size;
        });
        return colours.length > 0 && Math.max(...colours) > 20;
      },
      SELDOM,
      selector,
    );
  }
}
