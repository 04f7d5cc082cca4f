// A question of the page: takes an answer, and tells what goes with it. Every verdict stands in the page already, one a
// way to answer, as the app's own functions gave it (`kvviz/site/question.py`).
import answered from "../../ui/parts/experiment/answered.js";

/** Which answer of the page it is: only the latest takes the keyboard's focus. */
let n_answers = 0;

export class Question {
  /** @param {HTMLElement} root Its section. @param {() => void} whenTold Called when it is told what came out. */
  constructor(root, whenTold) {
    this.root = root;
    this.whenTold = whenTold;
    this.place = /** @type {HTMLElement} */ (root.querySelector(".site-answers"));
    this.told = /** @type {HTMLElement} */ (root.querySelector(".site-told"));
    /** What was answered, and is told only once the person has brought it about. @type {string | null} */
    this.awaited = null;
    this.buttons = [...this.place.querySelectorAll("button")];
    for (const button of this.buttons) button.addEventListener("click", () => this.press(button));
  }

  /** @param {HTMLButtonElement} button */
  press(button) {
    if ("show" in button.dataset) return this.take("");
    const own = this.buttons.filter(({ dataset }) => dataset.choice === button.dataset.choice);
    if (!button.hasAttribute("aria-pressed")) return this.take(String(button.dataset.answer));
    for (const one of own) one.setAttribute("aria-pressed", String(one === button));
    const chosen = this.buttons.filter((one) => one.getAttribute("aria-pressed") === "true");
    const n_choices = new Set(this.buttons.map(({ dataset }) => dataset.choice).filter(Boolean)).size;
    if (chosen.length === n_choices) this.take(chosen.map(({ dataset }) => dataset.answer).join("."));
  }

  /** @param {string} way Numbers of the answers, with points between them; empty for who would rather see it. */
  take(way) {
    this.place.replaceChildren();
    this.root.dataset.answered = way;
    // The button pressed is gone, and the keyboard goes on from here.
    answered({ data: { number: ++n_answers }, parentElement: this.place });
    const toDo = this.template(`data-to-do="${way}"`);
    if (toDo) {
      this.awaited = way;
      this.told.replaceChildren(toDo);
    } else this.tell(way);
  }

  /** Takes in that the person has brought about what the question asks for. */
  saw() {
    if (this.awaited !== null) this.tell(this.awaited);
  }

  /** @param {string} way */
  tell(way) {
    this.awaited = null;
    const parts = [this.template(`data-verdict="${way}"`), this.template("data-why")];
    this.told.replaceChildren(...parts.filter((part) => part !== null));
    this.whenTold();
  }

  /** @param {string} attribute @returns {Node | null} */
  template(attribute) {
    const found = /** @type {HTMLTemplateElement | null} */ (this.root.querySelector(`template[${attribute}]`));
    return found && found.content.cloneNode(true);
  }
}
