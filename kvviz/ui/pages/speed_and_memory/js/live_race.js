// A race under way: its bar, and two lanes in which tokens appear beside their clocks.
import { el, setText } from "../../../../player/js/dom.js";
import { mountComponent } from "../../../../player/js/mount_component.js";
import { WorkBar } from "../../../parts/js/work_bar.js";

/**
 * @typedef {object} Lane As `LiveRace.shown` has it.
 * @property {string} clock @property {string} line @property {string} text @property {number} share
 */

/** The lanes; the same elements for the whole race, so that what a person has selected stays so. */
class Lanes {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = el("div", { class: "kvviz-lanes" });
    this.titles = /** @type {Record<string, string>} */ ({});
    this.drawn = /** @type {Record<string, Record<"clock" | "line" | "text" | "bar", HTMLElement>>} */ ({});
    root.append(this.root);
  }

  /** @param {{ hook: string, lanes: Record<string, Lane> } | null} live */
  draw(live) {
    if (live === null) return;
    this.root.dataset.kvviz = live.hook;
    for (const [side, lane] of Object.entries(live.lanes)) {
      const { clock, line, text, bar } = (this.drawn[side] ??= this.add(side));
      setText(clock, lane.clock);
      setText(line, lane.line);
      setText(text, lane.text.trimStart());
      bar.style.width = `${(100 * lane.share).toFixed(1)}%`;
    }
  }

  /** @param {string} side */
  add(side) {
    const title = this.titles[side];
    const line = el("span");
    const clock = el("div", { class: "kvviz-lane-clock" });
    const bar = el("i");
    const text = el("p");
    const head = el("div", { class: "kvviz-lane-head" }, [el("b", {}, [title]), line]);
    this.root.append(
      el("section", { class: `kvviz-lane kvviz-lane-${side}`, "aria-label": title }, [head, clock, el("div", { class: "kvviz-lane-bar" }, [bar]), text]),
    );
    return { clock, line, text, bar };
  }
}

export default mountComponent((root, page) => {
  const above = el("div", { class: "kvviz-race-bar" });
  root.append(above);
  const lanes = new Lanes(root);
  const bar = new WorkBar(above, page, (status) => lanes.draw(status.live));
  return {
    load: (data) => {
      lanes.titles = data.titles;
      bar.load(data);
    },
    destroy: () => bar.destroy(),
  };
});
