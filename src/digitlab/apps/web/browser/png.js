// A grey picture as a PNG file, uncompressed: it only goes to an <img>.

/** CRC-32 table: the remainder of each byte (ISO 3309). */
const REMAINDERS = /* @__PURE__ */ Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** @param {number} value @returns {number[]} */
const bigEndian = (value) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

/** @param {string} name @param {number[] | Uint8Array} content */
function chunk(name, content) {
  const body = Uint8Array.from([...[...name].map((letter) => letter.charCodeAt(0)), ...content]);
  const crc = body.reduce((remainder, byte) => REMAINDERS[(remainder ^ byte) & 255] ^ (remainder >>> 8), 0xffffffff);
  return [...bigEndian(content.length), ...body, ...bigEndian((crc ^ 0xffffffff) >>> 0)];
}

/** @param {Uint8Array} grey @param {number} width @param {number} height */
export function greyPng(grey, width, height) {
  const lines = new Uint8Array((width + 1) * height);
  for (let row = 0; row < height; row++)
    lines.set(grey.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  const packed = [0x78, 1];
  for (let start = 0; start < lines.length; start += 65535) {
    const block = lines.subarray(start, start + 65535);
    const last = Number(start + 65535 >= lines.length);
    packed.push(last, block.length & 255, block.length >> 8, ~block.length & 255, (~block.length >> 8) & 255, ...block);
  }
  let [a, b] = [1, 0];
  for (const byte of lines) [a, b] = [(a + byte) % 65521, (a + byte + b) % 65521];
  packed.push(...bigEndian(((b << 16) | a) >>> 0));
  const header = [...bigEndian(width), ...bigEndian(height), 8, 0, 0, 0, 0];
  return Uint8Array.from([
    137,
    80,
    78,
    71,
    13,
    10,
    26,
    10,
    ...chunk("IHDR", header),
    ...chunk("IDAT", packed),
    ...chunk("IEND", []),
  ]);
}
