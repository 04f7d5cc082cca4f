// A tab in a room: says two times a second that it is there, hears what has changed, and follows.
import { forgetKey, keptKey, keepKey, takeTurn } from "./kept_key.js";
import { isBeingDrawn } from "../../script_state.js";
import { goElsewhere } from "./elsewhere.js";
import { hasMoreThanOwn, isSameButForView, ledQuery } from "./led_place.js";

/** An answer that has not come by then is asked for again. */
const PATIENCE_MS = 5000;
const ASK_MS = 500;
const FAILURES_BORNE = 4;
/** A teacher's player tells at most so often what it shows. */
const VIEW_MS = 200;
/** A page that was told to be drawn anew, or a server that was told of a key, is told again after so long. */
const TELL_AGAIN_MS = 2500;
/** One that is being drawn is taking it in, and would begin anew; but it may draw for long at something else. */
const TELL_AGAIN_DRAWING_MS = 10_000;
/** A class does not draw its pages anew in one moment: so much longer for each who is there. */
const APART_MS = 25;

const VOTE = '[data-kvviz="vote"]'; // not for people: a selector
/** What came of a vote stands in its place once all may see it. */
const OUTCOME = '[data-kvviz="vote-counts"]'; // not for people: a selector
/** How long a link is said to have been left aside. */
const SAID_FOR_MS = 60_000;
const BAR = '[data-kvviz="room-bar"]'; // not for people: a selector
const PLAYER = '[data-kvviz="player"]'; // not for people: a selector

/**
 * @typedef {object} Payload As `kvviz.ui.shell.room.bar.payload` makes it.
 * @property {string} address Empty outside a room.
 * @property {string} process @property {string} forget
 * @property {string} [elsewhere] Code of the room that was asked for and is in another process, if one was.
 * @property {string} [code] @property {number} [redraw] @property {string} [seat] @property {string} [key]
 * @property {Record<string, string>} [own] What this tab's address says of its reader.
 *
 * @typedef {object} Seen A view of a run, as a player shows it.
 * @property {string} run @property {number} step @property {number} layer @property {number} head
 * @property {string} cache @property {unknown} cell
 *
 * @typedef {object} Told As `kvviz.ui.rooms.room_endpoint.told` answers.
 * @property {number} v @property {number} n @property {number} a @property {number} next
 * @property {boolean} leads @property {boolean} follow @property {number} gathered @property {boolean} paused
 * @property {number} redraw @property {string | null} page @property {Record<string, string>} query
 * @property {Seen | null} view @property {{ number: number, phase: string } | null} poll What the room is asked.
 *
 * @typedef {"" | "ended" | "restarted" | "silent"} Trouble Why a room does not answer.
 *
 * @typedef {object} Bar What shows the room.
 * @property {() => void} update
 *
 * @typedef {(name: string, value: unknown) => void} Tell
 */

export class RoomClient {
  /** @param {Window} window @param {(client: RoomClient) => Bar} makeBar */
  constructor(window, makeBar) {
    this.window = window;
    /** @type {Payload} */
    this.payload = { address: "", process: "", forget: "" };
    /** @type {Told | null} */
    this.state = null;
    /** @type {Tell} */
    this.tell = () => {};
    /** Whether the person here has let go. */
    this.isAway = false;
    /** @type {Trouble} */
    this.trouble = "";
    this.gathered = -1;
    /** Where the teacher was when this tab was led there last. */
    this.wentTo = "";
    /** What the teacher's player showed when the one here was led there last. */
    this.looked = "";
    this.sent = "";
    this.sentAt = -Infinity;
    /** The room in another process that this tab was sent for last. */
    this.sentFor = "";
    /** The key that this tab had in a room before it was loaded anew, until the server has heard of it. */
    this.was = "";
    /** The question that this page was scrolled to. */
    this.ledTo = "";
    this.failures = 0;
    this.timer = 0;
    this.viewTimer = 0;
    /** @type {Record<string, number>} When the server was told of something. */
    this.toldAt = {};
    window.addEventListener("pagehide", () => this.say("/left"));
    window.addEventListener("kvviz-view", () => this.stirred());
    // A tab that comes forward does not wait for its timer.
    window.document.addEventListener("visibilitychange", () => this.payload.address && !window.document.hidden && this.askLater(0));
    /** Whether the link that led into the room said something else besides, which is left aside. */
    this.leftAside = false;
    /** Whether this tab is not to lead the room that was opened in its browser. */
    this.hasDeclined = false;
    this.cameByLink = new URLSearchParams(window.location.search).has("room");
    this.bar = makeBar(this);
  }

  /** @param {Payload} payload @param {Tell} tell */
  load(payload, tell) {
    const before = this.payload;
    this.payload = payload;
    this.tell = tell;
    if (payload.address !== before.address) this.begin(before);
    if (payload.elsewhere && payload.elsewhere !== this.sentFor) goElsewhere(this.window, (this.sentFor = payload.elsewhere));
    if (payload.forget) forgetKey(this.window, payload.forget);
    if (payload.key && payload.code) keepKey(this.window, payload.code, payload.key);
    this.claim();
    this.bar.update();
    if (payload.address) this.askLater(0);
  }

  /** Another room, another part in it, or none. @param {Payload} before */
  begin(before) {
    // A room that has ended on the server says so in the sidebar; here it is over.
    this.state = null;
    this.trouble = "";
    this.failures = 0;
    this.gathered = -1;
    this.wentTo = this.looked = this.sent = "";
    this.ledTo = "";
    if (this.payload.code !== before.code) this.isAway = false;
    this.was = this.payload.address ? takeTurn(this.window, this.payload.address.split("/").pop() ?? "") : "";
    this.window.clearTimeout(this.timer);
  }

  /** A tab that led a room, and was loaded anew, takes it back; another tab of that browser offers to. */
  claim() {
    const kept = keptKey(this.window, "tab");
    const { payload } = this;
    // In another process the key is of no use.
    if (kept && kept.code === payload.elsewhere) return;
    if (kept && !payload.seat && (!payload.code || payload.code === kept.code)) this.tellOnce("claim", kept, kept.code);
  }

  /** What this browser could lead again, if anything. */
  get offered() {
    const kept = this.hasDeclined ? null : keptKey(this.window, "browser");
    return kept && !this.payload.seat && kept.code !== this.payload.forget && (!this.payload.code || this.payload.code === kept.code) ? kept : null;
  }

  takeBack() {
    const kept = this.offered;
    if (!kept) return;
    // Should the room be in another process, this tab goes there with it.
    keepKey(this.window, kept.code, kept.key);
    this.toldAt = {};
    this.tellOnce("claim", kept, kept.code);
  }

  /** Takes the seat that another tab has taken since. */
  takeBackHere() {
    const { code, key } = this.payload;
    this.tellOnce("claim", { code, key, since: 0 }, `${code} ${this.payload.seat}`);
  }

  decline() {
    this.hasDeclined = true;
    this.bar.update();
  }

  /** @param {string} name @param {unknown} value @param {unknown} about */
  tellOnce(name, value, about) {
    const key = `${name} ${about}`;
    const { performance, document } = this.window;
    const wait = isBeingDrawn(document) ? TELL_AGAIN_DRAWING_MS : TELL_AGAIN_MS;
    if (performance.now() - (this.toldAt[key] ?? -Infinity) < wait) return;
    this.toldAt[key] = performance.now();
    this.tell(name, value);
  }

  /** Whether this tab leads the room. */
  get leads() {
    return Boolean(this.payload.seat) && (this.state?.leads ?? true);
  }

  /** Whether pages here go where the teacher's go. */
  get follows() {
    return !this.payload.seat && Boolean(this.state?.follow) && !this.isAway;
  }

  // ---- asking

  /** @param {string} [end] @returns {string} */
  url(end = "") {
    const { __streamlit } = /** @type {{ __streamlit?: { BACKEND_BASE_URL?: string } }} */ (/** @type {unknown} */ (this.window));
    return `${__streamlit?.BACKEND_BASE_URL ?? "/"}${this.payload.address}${end}`;
  }

  /** @param {number} wait */
  askLater(wait) {
    this.window.clearTimeout(this.timer);
    this.timer = this.window.setTimeout(() => this.ask(), wait);
  }

  async ask() {
    this.window.clearTimeout(this.timer);
    const { address } = this.payload;
    if (!address) return;
    const known = this.state?.v ?? 0;
    const was = this.was ? `&was=${this.was}` : "";
    const told = await this.answer(`?v=${known}&f=${this.isAway ? 0 : 1}${was}`);
    if (this.payload.address !== address) return;
    if (told !== undefined && this.was) {
      this.was = "";
      // What this tab has voted is known only now.
      if (told.poll) this.tellOnce("redraw", told.redraw, address);
    }
    if (told === undefined) {
      this.failures += 1;
      if (this.failures >= FAILURES_BORNE) this.trouble = "silent";
      this.bar.update();
    } else {
      this.failures = 0;
      this.take(told);
    }
    if (this.trouble === "ended" || this.trouble === "restarted") return;
    // Not all in step with one another.
    this.askLater((this.state?.next ?? ASK_MS) * (0.8 + 0.4 * Math.random()));
  }

  /** @param {string} end @returns {Promise<any>} Nothing if the server has not answered. */
  async answer(end) {
    try {
      const headers = this.payload.seat ? { "x-kvviz-seat": this.payload.seat } : undefined;
      const response = await this.window.fetch(this.url(end), { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
      return response.ok ? await response.json() : undefined;
    } catch {
      return undefined;
    }
  }

  /** @param {Partial<Told> & { process?: string }} told */
  take(told) {
    if (told.v === 0) {
      this.trouble = told.process === this.payload.process ? "ended" : "restarted";
      this.state = null;
      // The page in the sidebar is to know it too.
      if (this.trouble === "ended") this.tellOnce("over", this.payload.address, this.payload.address);
    } else {
      this.trouble = "";
      this.state = /** @type {Told} */ ({ ...this.state, ...told });
      this.obey(this.state);
    }
    this.bar.update();
  }

  /** @param {Told} state */
  obey(state) {
    if (state.gathered !== this.gathered) {
      // Who comes into a room follows; who had let go is gathered.
      if (this.gathered >= 0) this.comeBack();
      this.gathered = state.gathered;
    }
    const { redraw = 0 } = this.payload;
    if (state.redraw > redraw) this.drawAnew(state);
    if (this.leads) this.stirred();
    else this.leadToVote(state);
    if (!state.paused) this.go();
  }

  /**
   * Brings the question that the class is asked into sight, once for each of its votes and for its answer. One that is
   * in sight stays where it is: somebody may be about to click on an answer.
   * @param {Told} state
   */
  leadToVote({ poll, paused }) {
    if (!poll || paused || this.isAway) return;
    const { document } = this.window;
    const vote = /** @type {HTMLElement | null} */ (document.querySelector(VOTE));
    if (vote && vote.dataset.number !== String(poll.number)) return;
    const node = vote ?? (poll.phase === "revealed" ? /** @type {HTMLElement | null} */ (document.querySelector(OUTCOME)) : null);
    const about = vote ? `${vote.dataset.number} ${vote.dataset.round} ${vote.dataset.phase}` : `${poll.number} revealed`;
    if (!node || about === this.ledTo) return;
    this.ledTo = about;
    const card = node.closest('[class*="st-key-kvviz-ask-"]') ?? node; // not for people: a selector
    if (this.isInSight(card)) return;
    card.scrollIntoView({ block: "center", behavior: this.window.matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  /** @param {Element} card @returns {boolean} Whether all of it is, above the bar at the foot. */
  isInSight(card) {
    const { document, innerHeight } = this.window;
    const { top, bottom } = card.getBoundingClientRect();
    const foot = document.querySelector(BAR)?.getBoundingClientRect().top ?? innerHeight;
    return top >= 0 && bottom <= foot;
  }

  /** @param {Told} state */
  drawAnew({ redraw, n }) {
    const wait = this.payload.seat ? 0 : Math.random() * n * APART_MS;
    this.window.setTimeout(() => redraw > (this.payload.redraw ?? 0) && this.tellOnce("redraw", redraw, redraw), wait);
  }

  // ---- following

  letGo() {
    this.isAway = true;
    this.bar.update();
  }

  comeBack() {
    this.isAway = false;
    this.wentTo = this.looked = "";
    if (this.state && !this.state.paused) this.go();
    this.bar.update();
  }

  /** Goes where the teacher is, if that is elsewhere than before. */
  go() {
    const { state, window } = this;
    const bar = /** @type {any} */ (window).kvvizAddressBar;
    if (!this.follows || !state || state.page === null || !bar) return;
    const shown = this.shown();
    const place = JSON.stringify([state.page, state.query]);
    if (place !== this.wentTo) {
      this.wentTo = place;
      const { page, query } = bar.at;
      // A player that has the run moves without a word to the server.
      const isHere = page === state.page && shown?.run === state.view?.run && shown !== null && isSameButForView(query, state.query);
      if (!isHere) {
        this.looked = "";
        this.leftAside = this.cameByLink && hasMoreThanOwn(query);
        if (this.leftAside) window.setTimeout(() => this.forgetLink(), SAID_FOR_MS);
        this.cameByLink = false;
        bar.lead({ page: state.page, query: ledQuery(this.payload.own ?? {}, state.query) });
        return;
      }
    }
    if (!state.view || shown?.run !== state.view.run) return;
    const view = JSON.stringify(state.view);
    if (view === this.looked) return;
    this.looked = view;
    this.player?.look(state.view);
  }

  /** It has been read, and takes room on a telephone. */
  forgetLink() {
    this.leftAside = false;
    this.bar.update();
  }

  /** @returns {any} What the player on the page lets others do with it. */
  get player() {
    return /** @type {any} */ (this.window.document.querySelector(PLAYER))?.kvviz ?? null;
  }

  /** @returns {Seen | null} */
  shown() {
    return this.player?.seen() ?? null;
  }

  // ---- leading

  /** Tells what the teacher's player shows, if that is another view than was told. */
  stirred() {
    if (!this.leads || this.viewTimer || !this.payload.address) return;
    // The first change goes at once, those after it not too often.
    const wait = Math.max(0, this.sentAt + VIEW_MS - this.window.performance.now());
    this.viewTimer = this.window.setTimeout(() => {
      this.viewTimer = 0;
      const seen = this.shown();
      const text = JSON.stringify(seen);
      if (!seen || text === this.sent || !this.leads) return;
      this.sent = text;
      this.sentAt = this.window.performance.now();
      this.post("/view", seen);
    }, wait);
  }

  /**
   * What the teacher does with the class.
   * @param {"free" | "gather" | "pause" | "resume"} what
   */
  async act(what) {
    await this.post("/act", what);
    this.askLater(0);
  }

  /** @param {string} end @param {unknown} what */
  async post(end, what) {
    const headers = { "x-kvviz-seat": this.payload.seat ?? "", "content-type": "application/json" };
    try {
      const response = await this.window.fetch(this.url(end), { method: "POST", headers, body: JSON.stringify(what) });
      if (!response.ok) this.sent = "";
    } catch {
      this.sent = "";
    }
  }

  /** @param {string} end */
  say(end) {
    if (this.payload.address) this.window.navigator.sendBeacon(this.url(end));
  }
}
