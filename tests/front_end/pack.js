// Packs a header and arrays as kvviz/player/packed_buffer.py does.

/**
 * @param {any} header @param {{ name: string, dtype: string, shape: number[], data: any }[]} arrays
 * @param {(header: any) => void} [change] Spoils the header before it is packed.
 */
export function pack(header, arrays, change = () => {}) {
  let offset = 0;
  /** @type {number[]} */
  const offsets = [];
  header.arrays = arrays.map(({ name, dtype, shape, data }) => {
    const entry = { name, dtype, shape, offset };
    offsets.push(offset);
    offset = Math.ceil((offset + data.byteLength) / 8) * 8;
    return entry;
  });
  change(header);
  let json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil((4 + json.length) / 8) * 8 - 4;
  const text = new Uint8Array(padded).fill(32);
  text.set(json);
  const bytes = new Uint8Array(4 + padded + offset);
  new DataView(bytes.buffer).setUint32(0, padded, true);
  bytes.set(text, 4);
  arrays.forEach(({ data }, i) => {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 4 + padded + offsets[i]);
  });
  return bytes;
}
