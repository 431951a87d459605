// From a picture to its ink: a port of digitlab/reading/ink.py, which explains the constants.

import { lab } from "./colours.js";
import { byte, crop, emptyLike, linear, rounded, shrink } from "./pictures.js";
import { blurred, closed, median } from "./windows.js";

/** @import { Ink, Picture } from "./pictures.js" */

export const INK = 0.55;
const [POLARITY_SIDE, RING_WEIGHT] = [64, 4];
const [CHROMA_WEIGHT, LEAST_CHROMA] = [1.5, 3];
const [DEEPEST_SHADE, TINY, DRAWN] = [48, 32, 0.5];
const [LEAST_CONTRAST, LEAST_SIGNAL] = [14, 6];

/**
 * Compute how much of each pixel is ink, 0 … 1; null where the picture has none.
 * @param {Picture} picture reduced to the working size
 * @param {number} window in pixels; wider than the widest stroke
 * @returns {Ink | null}
 */
export const inkMap = (picture, window) => scaled(inkStrength(picture, window));

/** Difference of each pixel from the paper. @param {Picture} picture @param {number} window @returns {Picture} */
export function inkStrength(picture, window) {
  const [lightness] = lab(picture, true);
  let strength = distanceFromGround(lightness);
  if (!strength) {
    const inverted = isLightInk(lightness)
      ? { ...lightness, data: lightness.data.map((level) => 255 - level) }
      : lightness;
    strength = darkness(inverted, window);
  }
  const colour = picture.channels === 1 ? null : colourfulness(picture, window);
  if (!colour) return strength;
  const levels = strength.data;
  return { ...strength, data: levels.map((level, index) => Math.min(255, level + colour.data[index])) };
}

/** @param {Picture} lightness @returns {Picture | null} */
function distanceFromGround(lightness) {
  const ground = groundOf(lightness);
  if (ground === null) return null;
  let written = 0;
  const data = lightness.data.map((level) => {
    const distance = Math.abs(level - ground);
    if (distance) written += 1;
    return distance;
  });
  return written < DRAWN * data.length ? { ...lightness, data } : null;
}

/** Level of a uniform border, if no pixel is lighter or none is darker; else null. @param {Picture} grey */
function groundOf(grey) {
  const edge = border(grey);
  const ground = edge[0];
  if (edge.some((level) => level !== ground)) return null;
  let [darkest, lightest] = [255, 0];
  for (const level of grey.data) [darkest, lightest] = [Math.min(darkest, level), Math.max(lightest, level)];
  return ground === darkest || ground === lightest ? ground : null;
}

/** @param {Picture} grey */
function border({ width, height, data }) {
  const edge = [...data.subarray(0, width), ...data.subarray((height - 1) * width)];
  for (const x of [0, width - 1]) for (let y = 0; y < height; y++) edge.push(data[y * width + x]);
  return edge;
}

/** Whether the writing is lighter than its background. @param {Picture} grey */
export function isLightInk(grey) {
  const small = shrink(grey, POLARITY_SIDE);
  const ground = groundOf(small);
  if (ground !== null) return small.data.some((level) => level > ground);
  const plane = planeThrough(border(small), small.height, small.width);
  let [sum, squares] = [0, 0];
  for (let index = 0; index < small.data.length; index++) {
    const distance = Math.fround(small.data[index] - plane[index]);
    sum += distance;
    squares += distance * distance;
  }
  const mean = sum / small.data.length;
  const deviation = Math.sqrt(Math.max(squares / small.data.length - mean * mean, 0));
  const inside = mean / (deviation + 1e-6);
  return skew(small, rounded(0.4 * Math.max(small.width, small.height))) + RING_WEIGHT * inside > 0;
}

/** @param {Picture} grey @param {number} window */
function skew(grey, window) {
  const around = localMedian(grey, window);
  let [squares, cubes] = [0, 0];
  for (let index = 0; index < grey.data.length; index++) {
    const distance = grey.data[index] - around.data[index];
    squares += distance * distance;
    cubes += distance ** 3;
  }
  const variance = squares / grey.data.length;
  return cubes / grey.data.length / (variance ** 1.5 + 1e-6);
}

/** @param {Picture} grey @param {number} window */
const localMedian = (grey, window) => median(grey, Math.max(3, window | 1));

/** Fit a plane to the border, without outliers. @param {number[]} edge @param {number} height @param {number} width */
function planeThrough(edge, height, width) {
  const line = (/** @type {number} */ size) =>
    Float64Array.from({ length: size }, (_, index) => (size > 1 ? -1 + (2 * index) / (size - 1) : -1));
  const [x, y] = [line(width), line(height)];
  const terms = [
    ...[-1, 1].flatMap((down) => [...x].map((across) => [across, down, 1])),
    ...[-1, 1].flatMap((across) => [...y].map((down) => [across, down, 1])),
  ];
  let rows = terms.map((_, row) => row);
  let plane = [0, 0, 0];
  for (const last of [false, false, true]) {
    plane = fitted(
      rows.map((row) => terms[row]),
      rows.map((row) => edge[row]),
    );
    if (last) break;
    const distances = terms.map((term, row) => Math.abs(edge[row] - dot(term, plane)));
    const sorted = [...distances].sort((a, b) => a - b);
    const half = sorted.length >> 1;
    const limit = 1.25 * (sorted[half - 1] + sorted[half]) + 1;
    rows = terms.map((_, row) => row).filter((row) => distances[row] <= limit);
  }
  return Float32Array.from(
    { length: width * height },
    (_, index) => plane[1] * y[Math.floor(index / width)] + plane[2] + plane[0] * x[index % width],
  );
}

/** @param {number[]} a @param {number[]} b */
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** Least squares for three terms, regularised to be solvable. @param {number[][]} terms @param {number[]} targets */
function fitted(terms, targets) {
  const matrix = [0, 1, 2].map((row) => [
    ...[0, 1, 2].map((column) =>
      terms.reduce((sum, term) => sum + term[row] * term[column], row === column ? 1e-3 : 0),
    ),
    terms.reduce((sum, term, index) => sum + term[row] * targets[index], 0),
  ]);
  for (let step = 0; step < 3; step++) {
    const pivot = [0, 1, 2]
      .slice(step)
      .reduce((a, b) => (Math.abs(matrix[b][step]) > Math.abs(matrix[a][step]) ? b : a));
    [matrix[step], matrix[pivot]] = [matrix[pivot], matrix[step]];
    for (let row = 0; row < 3; row++) {
      if (row === step) continue;
      const factor = matrix[row][step] / matrix[step][step];
      for (let column = step; column < 4; column++) matrix[row][column] -= factor * matrix[step][column];
    }
  }
  return [0, 1, 2].map((row) => matrix[row][3] / matrix[row][row]);
}

/**
 * Measure how much darker than the paper each pixel is, scaled to the lightest paper.
 * @param {Picture} lightness @param {number} window @returns {Picture}
 */
function darkness(lightness, window) {
  const longest = Math.max(lightness.width, lightness.height);
  const half = shrink(lightness, Math.max(32, longest >> 1));
  const paper = closing(half, Math.max(3, rounded((window * Math.max(half.width, half.height)) / longest)) | 1);
  const counts = histogram(paper.data);
  const [darkest, lightest] = [counts.findIndex((count) => count > 0), counts.findLastIndex((count) => count > 0)];
  if (darkest === lightest)
    return { ...lightness, data: lightness.data.map((level) => lightest - Math.min(level, lightest)) };
  const brightest = quantile(histogram(everyOther(paper)), 0.9);
  const contrast = Float32Array.from({ length: 256 }, (_, level) =>
    Math.min(Math.max(Math.fround(Math.fround(brightest) / Math.max(level, DEEPEST_SHADE)), 1), 3),
  );
  const paperLevels = linear(paper, lightness.width, lightness.height).data;
  const data = lightness.data.map((level, index) =>
    byte(Math.fround(contrast[paperLevels[index]] * Math.max(0, paperLevels[index] - level))),
  );
  return { ...lightness, data };
}

/** @param {Picture} picture */
function everyOther({ width, height, data }) {
  const result = [];
  for (let y = 0; y < height; y += 2) for (let x = 0; x < width; x += 2) result.push(data[y * width + x]);
  return Uint8Array.from(result);
}

/** @param {Picture} grey @param {number} window */
function closing(grey, window) {
  if (Math.max(grey.width, grey.height) <= TINY) return closed(grey, window);
  const extended = emptyLike(grey, grey.width + 2 * window, grey.height + 2 * window);
  const clamped = (/** @type {number} */ index, /** @type {number} */ size) => Math.max(0, Math.min(size - 1, index));
  for (let y = 0; y < extended.height; y++)
    for (let x = 0; x < extended.width; x++)
      extended.data[y * extended.width + x] =
        grey.data[clamped(y - window, grey.height) * grey.width + clamped(x - window, grey.width)];
  return crop(closed(extended, window), window, window, window + grey.width, window + grey.height);
}

/**
 * Measure how far each pixel's colour is from the paper's; null for a picture without colours.
 * @param {Picture} rgb @param {number} window @returns {Picture | null}
 */
function colourfulness(rgb, window) {
  const { width, height } = rgb;
  const half = shrink(rgb, Math.max(64, Math.max(height, width) >> 1));
  const chroma = lab(half, false).slice(1);
  const ranges = chroma.map(({ data }) => {
    let [minimum, maximum] = [255, 0];
    for (const level of data) [minimum, maximum] = [Math.min(minimum, level), Math.max(maximum, level)];
    return maximum - minimum;
  });
  if (ranges.every((range) => range < 2 * LEAST_CHROMA)) return null;
  const blurs = chroma.map(blurred);
  if (Math.max(...blurs.map(({ data }) => deviation(data))) < LEAST_CHROMA) return null;
  const squares = blurs.map((channel) => {
    const small = shrink(channel, 96);
    const paper = localMedian(small, rounded((window * Math.max(small.width, small.height)) / Math.max(height, width)));
    const smooth = linear({ ...paper, data: Float32Array.from(paper.data) }, channel.width, channel.height).data;
    return Float32Array.from(channel.data, (level, index) => Math.fround(level - smooth[index]) ** 2);
  });
  const data = Uint8Array.from(squares[0], (square, index) =>
    byte(Math.fround(Math.fround(Math.sqrt(Math.fround(square + squares[1][index]))) * CHROMA_WEIGHT)),
  );
  return linear({ width: half.width, height: half.height, channels: 1, data }, width, height);
}

/** @param {Uint8Array} data */
function deviation(data) {
  let [sum, squares] = [0, 0];
  for (const level of data) [sum, squares] = [sum + level, squares + level * level];
  return Math.sqrt(Math.max(squares / data.length - (sum / data.length) ** 2, 0));
}

/**
 * Scale differences to paper 0 and ink 1; null if nothing stands out.
 * @param {Picture} picture @returns {Ink | null}
 */
export function scaled({ width, height, data }) {
  const counts = histogram(data);
  const below = counts.slice(0, otsu(counts, data.length) + 1);
  const [paper, spread] = medianAndSpread(below);
  const grain = 1.4826 * spread + 1;
  let [total, weighted] = [0, 0];
  for (let level = 0; level < 256; level++) {
    const excess = Math.max(level - (paper + 3 * grain), 0);
    total += counts[level] * excess;
    weighted += counts[level] * excess * excess;
  }
  if (total <= 0) return null;
  const ink = weighted / total + 3 * grain;
  if (ink < Math.max(LEAST_CONTRAST, LEAST_SIGNAL * grain)) return null;
  const table = Float32Array.from({ length: 256 }, (_, level) =>
    Math.min(Math.max((level - (paper + 0.2 * ink)) / (0.55 * ink), 0), 1),
  );
  const result = new Float32Array(data.length);
  for (let index = 0; index < result.length; index++) result[index] = table[data[index]];
  return { width, height, channels: 1, data: result };
}

/** Compute the histogram of the 256 levels. @param {Uint8Array} data */
export function histogram(data) {
  const counts = new Array(256).fill(0);
  for (const level of data) counts[level] += 1;
  return counts;
}

/** Compute Otsu's threshold (Otsu 1979) as OpenCV does. @param {number[]} counts @param {number} size */
function otsu(counts, size) {
  const scale = 1 / size;
  const mean = counts.reduce((sum, count, level) => sum + level * count, 0) * scale;
  let [meanBelow, below, best, threshold] = [0, 0, 0, 0];
  for (let level = 0; level < 256; level++) {
    const share = counts[level] * scale;
    meanBelow *= below;
    below += share;
    const above = 1 - below;
    if (Math.min(below, above) < 1.1920929e-7 || Math.max(below, above) > 1 - 1.1920929e-7) continue;
    meanBelow = (meanBelow + level * share) / below;
    const meanAbove = (mean - below * meanBelow) / above;
    const variance = below * above * (meanBelow - meanAbove) ** 2;
    if (variance > best) [best, threshold] = [variance, level];
  }
  return threshold;
}

/** @param {number[]} counts */
const cumulative = (counts) => {
  let sum = 0;
  return counts.map((count) => (sum += count));
};

/** @param {number[]} counts */
function lowerMedian(counts) {
  const sums = cumulative(counts);
  return sums.findIndex((sum) => sum >= sums[sums.length - 1] / 2);
}

/** Compute the lower median, and the lower median of the distances from it. @param {number[]} counts */
function medianAndSpread(counts) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const middle = lowerMedian(counts);
  if (counts[middle] >= all / 2) return [middle, 0];
  const distances = new Array(256).fill(0);
  counts.forEach((count, level) => {
    distances[Math.abs(level - middle)] += count;
  });
  return [middle, lowerMedian(distances)];
}

/** Quantile: the level below which this share of pixels lies. @param {number[]} counts @param {number} share */
function quantile(counts, share) {
  const sums = cumulative(counts);
  const last = sums[sums.length - 1] - 1;
  const position = share * last;
  const below = Math.floor(position);
  const [lower, upper] = [below, Math.min(below + 1, last)].map((each) => sums.findIndex((sum) => sum > each));
  return lower + (position - below) * (upper - lower);
}
