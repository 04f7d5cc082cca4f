// A button that copies the address bar, which always names the exact view.
import { el } from "../../../player/js/dom.js";
import { mountComponent } from "../../../player/js/mount_component.js";
import { gettext } from "../../../player/js/translation.js";

const SAID_MS = 1600;

export default mountComponent((root) => {
  const words = gettext("Copy link to this exact view");
  const button = el("button", { type: "button", class: "kvviz-copy", "data-kvviz": "copy-link" }, [words]);
  button.addEventListener("click", async () => {
    try {
      await copy(window.location.href);
      button.textContent = gettext("Copied");
    } catch {
      button.textContent = gettext("Copy it from the address bar");
    }
    setTimeout(() => (button.textContent = words), SAID_MS);
  });
  root.append(button);
  return { load: () => {}, destroy: () => {} };
});

/**
 * Copies text, also where the page is served without https and the clipboard is closed to it.
 * @param {string} text
 */
async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = el("textarea");
  field.value = text;
  field.style.position = "fixed";
  field.style.opacity = "0";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
