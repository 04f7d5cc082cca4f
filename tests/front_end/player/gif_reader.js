// Reads a GIF back, by the words of its specification and not by those of our writer.
// https://www.w3.org/Graphics/GIF/spec-gif89a.txt

/**
 * @param {Uint8Array} bytes
 * @returns {{ width: number, height: number, loops: number | null, frames: { x: number, y: number, w: number, h: number, ms: number, pixels: Uint32Array }[] }}
 *   The pixels are of the whole picture, as it stands when the frame has been laid upon those before it.
 */
export function readGif(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at) => view.getUint16(at, true);
  const text = (at, length) => String.fromCharCode(...bytes.subarray(at, at + length));
  if (text(0, 6) !== "GIF89a") throw new Error("no GIF");
  const [width, height, fields] = [word(6), word(8), bytes[10]];
  if (!(fields & 0x80)) throw new Error("no global table of colours");
  const n_colours = 2 << (fields & 7);
  const colours = Array.from({ length: n_colours }, (_, i) => (0xff000000 | bytes[13 + 3 * i] | (bytes[14 + 3 * i] << 8) | (bytes[15 + 3 * i] << 16)) >>> 0);
  let at = 13 + 3 * n_colours;
  let loops = null;
  let control = { ms: 0, clear: -1, disposal: 0 };
  const frames = [];
  const shown = new Uint32Array(width * height);
  const blocks = () => {
    const all = [];
    while (bytes[at] !== 0) {
      all.push(...bytes.subarray(at + 1, at + 1 + bytes[at]));
      at += 1 + bytes[at];
    }
    at++;
    return all;
  };
  while (bytes[at] !== 0x3b) {
    if (bytes[at] === 0x21 && bytes[at + 1] === 0xf9) {
      const packed = bytes[at + 3];
      control = { ms: 10 * word(at + 4), clear: packed & 1 ? bytes[at + 6] : -1, disposal: (packed >> 2) & 7 };
      at += 8;
    } else if (bytes[at] === 0x21 && bytes[at + 1] === 0xff) {
      if (text(at + 3, 11) !== "NETSCAPE2.0") throw new Error("an unknown extension");
      at += 14;
      const [, low, high] = blocks();
      loops = low | (high << 8);
    } else if (bytes[at] === 0x2c) {
      const [x, y, w, h] = [1, 3, 5, 7].map((offset) => word(at + offset));
      if (bytes[at + 9] !== 0 || x + w > width || y + h > height) throw new Error("a frame of its own colours, or outside");
      const least = bytes[at + 10];
      at += 11;
      const indices = unpacked(blocks(), least);
      if (indices.length !== w * h) throw new Error(`${indices.length} pixels in a frame of ${w * h}`);
      indices.forEach((index, i) => {
        if (index !== control.clear) shown[(y + Math.floor(i / w)) * width + x + (i % w)] = colours[index];
      });
      if (control.disposal !== 1) throw new Error("a frame that does not stay");
      frames.push({ x, y, w, h, ms: control.ms, pixels: shown.slice() });
    } else throw new Error(`an unknown block at ${at}`);
  }
  if (at !== bytes.length - 1) throw new Error("something after the end");
  return { width, height, loops, frames };
}

/** LZW, appendix F. @param {number[]} data @param {number} least */
function unpacked(data, least) {
  const [clear, end] = [1 << least, (1 << least) + 1];
  let [table, size, before] = [[], least + 1, null];
  const out = [];
  for (let bit = 0; ; ) {
    let code = 0;
    for (let i = 0; i < size; i++, bit++) code |= ((data[bit >> 3] >> (bit & 7)) & 1) << i;
    if (bit > 8 * data.length) throw new Error("no end");
    if (code === end) return out;
    if (code === clear) {
      table = Array.from({ length: end + 1 }, (_, i) => [i]);
      [size, before] = [least + 1, null];
      continue;
    }
    const run = table[code] ?? [...before, before[0]];
    for (const index of run) out.push(index);
    if (before && table.length < 4096) table.push([...before, run[0]]);
    if (table.length === 1 << size && size < 12) size++;
    before = run;
  }
}
