// Apply S2's filter bank to a picture, as apps/web/teaching.py does.

import { grey } from "./colours.js";
import { toBase64 } from "./looking.js";
import { byArea, rounded } from "./pictures.js";
import { greyPng } from "./png.js";

/**
 * @import { FilterBank } from "../schemas.js"
 * @import { Picture } from "./pictures.js"
 */

const MOST_SIDE = 320;

/**
 * @param {Picture} picture
 * @param {Record<string, number[][]>} bank
 * @returns {FilterBank}
 */
export function filterBank(picture, bank) {
  const greyPicture = grey(picture);
  const scale = MOST_SIDE / Math.max(greyPicture.width, greyPicture.height);
  const small =
    scale < 1
      ? byArea(
          greyPicture,
          Math.max(1, rounded(greyPicture.width * scale)),
          Math.max(1, rounded(greyPicture.height * scale)),
        )
      : greyPicture;
  const results = Object.entries(bank).map(([name, kernel]) => {
    const values = convolved(small, kernel);
    let [low, high] = [values[0], values[0]];
    for (const each of values) [low, high] = [Math.min(low, each), Math.max(high, each)];
    const factor = high > low ? 255 / (high - low) : 0;
    const levels = Uint8Array.from(values, (each) => rounded((each - low) * factor));
    return { name, kernel, low, high, png: toBase64(greyPng(levels, small.width, small.height)) };
  });
  return {
    width: small.width,
    height: small.height,
    grey: toBase64(greyPng(small.data, small.width, small.height)),
    results,
  };
}

/** True convolution (flipped kernel), mirrored at the border. @param {Picture} picture @param {number[][]} kernel */
function convolved({ width, height, data }, kernel) {
  const half = kernel.length >> 1;
  const mirrored = (/** @type {number} */ index, /** @type {number} */ size) => {
    let mirroredIndex = index;
    while (size > 1 && (mirroredIndex < 0 || mirroredIndex >= size))
      mirroredIndex = mirroredIndex < 0 ? -mirroredIndex : 2 * size - 2 - mirroredIndex;
    return size > 1 ? mirroredIndex : 0;
  };
  const result = new Float32Array(data.length);
  for (let y = 0, target = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let down = -half; down <= half; down++)
        for (let across = -half; across <= half; across++)
          sum +=
            kernel[half - down][half - across] * data[mirrored(y + down, height) * width + mirrored(x + across, width)];
      result[target++] = sum;
    }
  return result;
}
