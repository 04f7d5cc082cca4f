// A button that copies the address bar, which always names the exact view.

/** Copy text, also where the page is served without https and the clipboard is closed to it. */
async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  field.style.opacity = "0";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

const buttons = new WeakMap();

export default function ({ parentElement }) {
  if (buttons.has(parentElement)) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "kvviz-copy";
  button.dataset.kvviz = "copy-link";
  const words = "Copy link to this exact view";
  button.textContent = words;
  button.addEventListener("click", async () => {
    try {
      await copy(window.location.href);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copy it from the address bar";
    }
    setTimeout(() => (button.textContent = words), 1600);
  });
  parentElement.append(button);
  buttons.set(parentElement, button);
  return () => {
    button.remove();
    buttons.delete(parentElement);
  };
}
