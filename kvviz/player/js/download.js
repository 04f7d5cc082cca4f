// Hands a file to the person.

/** @param {Blob} blob @param {string} file */
export function download(blob, file) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/**
 * Saves pixels. They are encoded here and now, which takes a tenth of a second: what `toBlob` promises is made
 * when the browser has nothing else to do, and a busy one has let people wait for seven seconds.
 * @param {HTMLCanvasElement} canvas @param {string} file
 */
export function downloadPixels(canvas, file) {
  const encoded = canvas.toDataURL("image/png").split(",")[1];
  if (!encoded) return;
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  download(new Blob([bytes], { type: "image/png" }), file);
}
