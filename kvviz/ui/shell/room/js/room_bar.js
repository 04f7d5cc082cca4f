// The bar of a room at the foot of the page: who leads, who follows, and what can be done about it.
import { el, setAttribute, setText, show } from "../../../../player/js/dom.js";
import { gettext, ngettext } from "../../../../player/js/translation.js";
import { stopPage } from "./stopped_page.js";

/** @import { RoomClient } from "./room_client.js" */

const LIVE = "[data-kvviz-room]"; // not for people: a selector

export class RoomBar {
  /** @param {Document} document @param {RoomClient} client */
  constructor(document, client) {
    this.document = document;
    this.client = client;
    this.code = el("b", { class: "kvviz-bar-code" });
    this.said = el("span", { class: "kvviz-bar-said", role: "status" });
    this.buttons = el("span", { class: "kvviz-bar-buttons" });
    this.root = el("aside", { class: "kvviz-room-bar", "data-kvviz": "room-bar", "aria-label": gettext("The room") }, [this.code, this.said, this.buttons]);
    this.root.hidden = true;
    document.body.append(this.root);
    this.drawn = "";
  }

  update() {
    const { client } = this;
    const { payload, state } = client;
    const [kind, sentence, ...buttons] = this.says();
    const isStopped = kind === "stopped";
    show(this.root, kind !== "none");
    this.root.dataset.state = kind;
    setText(this.code, kind === "offer" ? "" : payload.code ?? "");
    setText(this.said, sentence);
    setAttribute(this.document.documentElement, "data-kvviz-room", kind === "none" ? null : kind);
    const key = JSON.stringify([kind, sentence, ...buttons.map(([label]) => label)]);
    if (key !== this.drawn) {
      this.drawn = key;
      const had = this.buttons.contains(this.document.activeElement);
      this.buttons.replaceChildren(
        ...buttons.map(([label, act]) => {
          const button = el("button", { type: "button" }, [label]);
          button.addEventListener("click", act);
          return button;
        }),
      );
      if (had) /** @type {HTMLElement | null} */ (this.buttons.firstElementChild)?.focus();
    }
    stopPage(this.document, this.root, isStopped);
    for (const node of this.document.querySelectorAll(LIVE)) {
      const what = /** @type {HTMLElement} */ (node).dataset.kvvizRoom;
      if (state && what === "present") setText(node, String(state.n));
      if (state && what === "answered") setText(node, String(state.a));
    }
  }

  /** @returns {[string, string, ...[string, () => void][]]} What kind of bar, its sentence, and its buttons. */
  says() {
    const { client } = this;
    const { payload, state, trouble } = client;
    const { offered } = client;
    if (offered && (!payload.address || !payload.seat)) {
      return ["offer", gettext("Room {code} was opened in this browser.", { code: offered.code }),
        [gettext("Lead it again"), () => client.takeBack()], [gettext("Not here"), () => client.decline()]];
    }
    if (!payload.address) return ["none", ""];
    if (trouble === "restarted") return ["over", gettext("The app was started again, which ends its rooms. Your page works on; ask for the new code.")];
    if (trouble === "ended") return ["over", gettext("This room has ended. Your page works on.")];
    if (trouble === "silent") return ["silent", gettext("The app does not answer. What you typed is kept; trying again.")];
    if (!state) return ["coming", gettext("Coming into the room…")];
    const here = ngettext("{n} here", "{n} here", state.n, { n: state.n });
    if (payload.seat && !client.leads) {
      return ["displaced", gettext("This room is led from another tab by now."), [gettext("Lead it here"), () => client.takeBackHere()]];
    }
    if (client.leads) {
      const way = state.follow ? gettext("They follow you") : gettext("Everybody looks around");
      return [state.paused ? "leads-stopped" : "leads", `${here} · ${state.paused ? gettext("All pages are stopped") : way}`,
        state.follow ? [gettext("Let all look around"), () => client.act("free")] : [gettext("Gather all"), () => client.act("gather")],
        state.paused ? [gettext("Let them go on"), () => client.act("resume")] : [gettext("Stop all pages"), () => client.act("pause")]];
    }
    if (state.paused) return ["stopped", gettext("Your teacher has stopped all pages for a moment. What you typed is kept.")];
    if (!state.follow) return ["free", gettext("Look around: your teacher leads nobody now.")];
    if (client.isAway && state.poll?.phase === "voting") return ["away", gettext("Your teacher asks the class something."), [gettext("Come back to the class"), () => client.comeBack()]];
    if (client.isAway) return ["away", gettext("You look around by yourself."), [gettext("Come back to the class"), () => client.comeBack()]];
    const way = client.leftAside ? gettext("You follow your teacher; what else your link said is left aside.") : gettext("You follow your teacher.");
    return ["follows", way, [gettext("Look around"), () => client.letGo()]];
  }
}
