// What a page holds besides its words: bytes, gzipped and in base64.

/** @param {string} name Id of the element that holds them. @returns {Promise<Uint8Array>} */
export async function unpacked(name) {
  const text = document.getElementById(name)?.textContent ?? "";
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
