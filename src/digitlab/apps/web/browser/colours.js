// Conversion to OpenCV's 8-bit Lab, and to its grey.

import { byte, rounded } from "./pictures.js";

/** @import { Picture } from "./pictures.js" */

const [GAMMA, CUBE, LAST] = [3, 12, 15]; // fraction bits of linear light, the matrix, the cube roots

const HALF = 324; // the one sum whose root ends in exactly one half; OpenCV's own cube root is just below that

/** Lookup tables: linear light of each level, and the cube root of each sum. */
const TABLES = /* @__PURE__ */ (() => {
  const light = Uint16Array.from({ length: 256 }, (_, level) => {
    const x = level / 255;
    return rounded(255 * 2 ** GAMMA * (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
  });
  const f = Math.fround;
  const roots = Uint16Array.from({ length: (256 * 3 * 2 ** GAMMA) / 2 }, (_, sum) => {
    const x = f(sum / (255 * 2 ** GAMMA));
    return rounded(f(2 ** LAST * f(x < f(216 / 24389) ? f(841 / 108) * x + f(16 / 116) : Math.cbrt(x))));
  });
  roots[HALF] -= 1;
  return { light, roots };
})();
const WHITE = [0.950456, 1, 1.088754];
const MATRIX = [
  [0.412453, 0.35758, 0.180423],
  [0.212671, 0.71516, 0.072169],
  [0.019334, 0.119193, 0.950227],
].map((row, index) => row.map((each) => rounded((2 ** CUBE * each) / WHITE[index])));
const SCALE = Math.floor((116 * 255 + 50) / 100);
const SHIFT = -Math.floor((16 * 255 * 2 ** LAST + 50) / 100);

/** @param {number} sum @param {number} bits */
const descaled = (sum, bits) => (sum + (1 << (bits - 1))) >> bits;

/**
 * Convert an RGB picture to Lab's three planes, each 0 … 255; only to the first with `lightness`.
 * @param {Picture} picture
 * @param {boolean} lightness
 */
export function lab({ width, height, channels, data }, lightness) {
  const { light, roots } = TABLES;
  const size = width * height;
  const planes = [0, 1, 2].slice(0, lightness ? 1 : 3).map(() => new Uint8Array(size));
  for (let index = 0, offset = 0; index < size; index++, offset += channels) {
    const [r, g, b] =
      channels === 1
        ? [light[data[offset]], light[data[offset]], light[data[offset]]]
        : [light[data[offset]], light[data[offset + 1]], light[data[offset + 2]]];
    const y = roots[descaled(MATRIX[1][0] * r + MATRIX[1][1] * g + MATRIX[1][2] * b, CUBE)];
    planes[0][index] = Math.max(0, Math.min(255, Math.floor((SCALE * y + SHIFT + 2 ** (LAST - 1)) / 2 ** LAST)));
    if (lightness) continue;
    const x = roots[descaled(MATRIX[0][0] * r + MATRIX[0][1] * g + MATRIX[0][2] * b, CUBE)];
    const z = roots[descaled(MATRIX[2][0] * r + MATRIX[2][1] * g + MATRIX[2][2] * b, CUBE)];
    planes[1][index] = byte(descaled(500 * (x - y) + 128 * 2 ** LAST, LAST));
    planes[2][index] = byte(descaled(200 * (y - z) + 128 * 2 ** LAST, LAST));
  }
  return planes.map((plane) => ({ width, height, channels: 1, data: plane }));
}

/** Convert an RGB picture to grey as OpenCV does. @param {Picture} picture @returns {Picture} */
export function grey({ width, height, channels, data }) {
  if (channels === 1) return { width, height, channels, data };
  const result = new Uint8Array(width * height);
  for (let index = 0, offset = 0; index < result.length; index++, offset += 3)
    result[index] = (data[offset] * 9798 + data[offset + 1] * 19235 + data[offset + 2] * 3735 + 16384) >> 15;
  return { width, height, channels: 1, data: result };
}
