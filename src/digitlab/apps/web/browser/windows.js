// Operations on a window around each pixel: medians, closings, dilations, distances, connected components.

/** @import { Ink, Picture, Pixels } from "./pictures.js" */

/**
 * Running maximum (or minimum) of a row over `before` and `after` neighbours: van Herk's method, 3 comparisons a value.
 * @param {Float64Array} values @param {number} count @param {number} before @param {number} after @param {boolean} largest
 * @param {Float64Array} forth @param {Float64Array} back
 */
function extremes(values, count, before, after, largest, forth, back) {
  const side = before + after + 1;
  const better = largest ? Math.max : Math.min;
  const identity = largest ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const paddedCount = Math.ceil((count + before + after) / side) * side;
  const valueAt = (/** @type {number} */ index) =>
    index < before || index >= before + count ? identity : values[index - before];
  for (let index = 0; index < paddedCount; index++)
    forth[index] = index % side === 0 ? valueAt(index) : better(forth[index - 1], valueAt(index));
  for (let index = paddedCount - 1; index >= 0; index--)
    back[index] = index % side === side - 1 ? valueAt(index) : better(back[index + 1], valueAt(index));
  for (let index = 0; index < count; index++) values[index] = better(back[index], forth[index + side - 1]);
}

/**
 * Dilate (or erode): each pixel becomes the maximum (minimum) of a rectangle around it; pixels outside are ignored.
 * @template {Uint8Array | Float32Array} Kind
 * @param {Pixels<Kind>} picture @param {number} wide @param {number} high odd numbers of pixels @param {boolean} largest
 * @returns {Pixels<Kind>}
 */
export function dilated(picture, wide, high, largest) {
  const { width, height } = picture;
  const data = /** @type {Kind} */ (picture.data.slice());
  const bufferSize = Math.max(width, height) + 2 * Math.max(wide, high) + 2;
  const [line, forth, back] = [
    new Float64Array(bufferSize),
    new Float64Array(bufferSize),
    new Float64Array(bufferSize),
  ];
  for (let y = 0; wide > 1 && y < height; y++) {
    for (let x = 0; x < width; x++) line[x] = data[y * width + x];
    extremes(line, width, wide >> 1, (wide - 1) >> 1, largest, forth, back);
    for (let x = 0; x < width; x++) data[y * width + x] = line[x];
  }
  for (let x = 0; high > 1 && x < width; x++) {
    for (let y = 0; y < height; y++) line[y] = data[y * width + x];
    extremes(line, height, high >> 1, (high - 1) >> 1, largest, forth, back);
    for (let y = 0; y < height; y++) data[y * width + x] = line[y];
  }
  return { ...picture, data };
}

/** @param {Picture} picture @param {number} side */
export const closed = (picture, side) => dilated(dilated(picture, side, side, true), side, side, false);

/**
 * List the offsets of an elliptical structuring element in a square of `side` pixels, as OpenCV draws it.
 * @param {number} side
 */
function ellipse(side) {
  const radius = side >> 1;
  const inverse = radius ? 1 / (radius * radius) : 0;
  const offsets = [];
  for (let row = 0; row < side; row++) {
    const rowOffset = row - radius;
    if (Math.abs(rowOffset) > radius) continue;
    const across = Math.round(radius * Math.sqrt((radius * radius - rowOffset * rowOffset) * inverse));
    const end = Math.min(radius + across + 1, side);
    for (let column = Math.max(radius - across, 0); column < end; column++) offsets.push([column - radius, rowOffset]);
  }
  return offsets;
}

/**
 * Make strokes bolder (or finer) by dilation (or erosion) with an ellipse; pixels outside are ignored.
 * @param {Ink} ink @param {number} side of the square that the ellipse fills @param {boolean} bolder
 * @returns {Ink}
 */
export function brushed(ink, side, bolder) {
  const { width, height, data } = ink;
  const offsets = ellipse(side);
  const result = new Float32Array(data.length);
  for (let y = 0, index = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let extreme = bolder ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
      for (const [across, down] of offsets) {
        const [column, row] = [x + across, y + down];
        if (column < 0 || column >= width || row < 0 || row >= height) continue;
        const value = data[row * width + column];
        if (bolder ? value > extreme : value < extreme) extreme = value;
      }
      result[index++] = extreme;
    }
  return { ...ink, data: result };
}

/**
 * Median filter over a square of `side` pixels (odd); border pixels are replicated outwards.
 * @param {Picture} picture @param {number} side
 * @returns {Picture}
 */
export function median(picture, side) {
  const { width, height, data } = picture;
  const [radius, half] = [side >> 1, (side * side) >> 1];
  const result = new Uint8Array(data.length);
  const counts = new Int32Array(256);
  const clamped = (/** @type {number} */ index, /** @type {number} */ size) => Math.max(0, Math.min(size - 1, index));
  for (let y = 0; y < height; y++) {
    counts.fill(0);
    const rows = Array.from({ length: side }, (_, row) => clamped(y + row - radius, height) * width);
    for (let column = -radius; column <= radius; column++)
      for (const row of rows) counts[data[row + clamped(column, width)]] += 1;
    // Sliding histogram: the median level and the number of pixels below it are carried from pixel to pixel.
    let [level, below] = [0, 0];
    for (let x = 0; x < width; x++) {
      if (x) {
        const [leaving, entering] = [clamped(x - radius - 1, width), clamped(x + radius, width)];
        for (const row of rows) {
          const [removed, added] = [data[row + leaving], data[row + entering]];
          counts[removed] -= 1;
          counts[added] += 1;
          if (removed < level) below -= 1;
          if (added < level) below += 1;
        }
      }
      while (below > half) below -= counts[--level];
      while (below + counts[level] <= half) below += counts[level++];
      result[y * width + x] = level;
    }
  }
  return { ...picture, data: result };
}

/** Mean filter over 3×3 pixels, mirrored at the border. @param {Picture} picture @returns {Picture} */
export function blurred(picture) {
  const { width, height, data } = picture;
  const mirrored = (/** @type {number} */ index, /** @type {number} */ size) =>
    size === 1 ? 0 : index < 0 ? -index : index >= size ? 2 * size - 2 - index : index;
  const result = new Uint8Array(data.length);
  for (let y = 0, target = 0; y < height; y++) {
    const rows = [y - 1, y, y + 1].map((row) => mirrored(row, height) * width);
    for (let x = 0; x < width; x++) {
      const [left, right] = [mirrored(x - 1, width), mirrored(x + 1, width)];
      let sum = 0;
      for (const row of rows) sum += data[row + left] + data[row + x] + data[row + right];
      result[target++] = Math.round(sum / 9);
    }
  }
  return { ...picture, data: result };
}

/**
 * Distance of each ink pixel to the nearest paper pixel, in steps of 0.955 and 1.3693 (Borgefors 1986); 0 on paper.
 * Pixels outside the image count as neither.
 * @param {Uint8Array} solid @param {number} width @param {number} height
 */
export function distances(solid, width, height) {
  const f = Math.fround;
  const [straight, slanted] = [f(0.955), f(1.3693)];
  const stride = width + 2;
  const padded = new Float32Array(stride * (height + 2)).fill(2 ** 30);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const index = (y + 1) * stride + x + 1;
      padded[index] = solid[y * width + x]
        ? Math.min(
            padded[index - stride - 1] + slanted,
            padded[index - stride] + straight,
            padded[index - stride + 1] + slanted,
            padded[index - 1] + straight,
          )
        : 0;
    }
  const result = new Float32Array(width * height);
  for (let y = height - 1; y >= 0; y--)
    for (let x = width - 1; x >= 0; x--) {
      const index = (y + 1) * stride + x + 1;
      if (padded[index] > straight)
        padded[index] = Math.min(
          padded[index],
          padded[index + stride + 1] + slanted,
          padded[index + stride] + straight,
          padded[index + stride - 1] + slanted,
          padded[index + 1] + straight,
        );
      result[y * width + x] = padded[index];
    }
  return result;
}

/** Sum and count of the ink's distances. @param {Uint8Array} solid @param {number} width @param {number} height */
export function meanDistance(solid, width, height) {
  let [sum, count] = [0, 0];
  for (const distance of distances(solid, width, height)) {
    sum += distance;
    count += distance ? 1 : 0;
  }
  return { sum, count };
}

/**
 * @typedef {{ box: [number, number, number, number], parts: number[], area: number }} Mark A possible digit.
 * Find the connected components of nonzero pixels: a label per pixel, from 1 up, and each component's box and area.
 * @param {Uint8Array} solid @param {number} width @param {number} height
 * @returns {{ labels: Int32Array, marks: Mark[] }}
 */
export function connectedComponents(solid, width, height) {
  const labels = new Int32Array(solid.length);
  /** @type {Mark[]} */
  const marks = [];
  const stack = new Int32Array(solid.length);
  for (let start = 0; start < solid.length; start++) {
    if (!solid[start] || labels[start]) continue;
    const label = marks.length + 1;
    let [x0, y0, x1, y1, area, stackSize] = [width, height, 0, 0, 0, 1];
    stack[0] = start;
    labels[start] = label;
    while (stackSize) {
      const pixel = stack[--stackSize];
      const [x, y] = [pixel % width, (pixel / width) | 0];
      [x0, y0, x1, y1, area] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1), area + 1];
      for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, height - 1); row++)
        for (let column = Math.max(x - 1, 0); column <= Math.min(x + 1, width - 1); column++) {
          const neighbour = row * width + column;
          if (!solid[neighbour] || labels[neighbour]) continue;
          labels[neighbour] = label;
          stack[stackSize++] = neighbour;
        }
    }
    marks.push({ box: [x0, y0, x1, y1], parts: [label], area });
  }
  return { labels, marks };
}
