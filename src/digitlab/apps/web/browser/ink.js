// From a picture to its ink: a port of digitlab/reading/ink.py, which explains the constants.

import { lab } from "./colours.js";
import { byte, emptyLike, linear, part, rounded, shrink } from "./pictures.js";
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
  let strength = awayFromGround(lightness);
  if (!strength) {
    const turned = isLightInk(lightness)
      ? { ...lightness, data: lightness.data.map((level) => 255 - level) }
      : lightness;
    strength = darkness(turned, window);
  }
  const colour = picture.channels === 1 ? null : colourfulness(picture, window);
  if (!colour) return strength;
  const own = strength.data;
  return { ...strength, data: own.map((level, place) => Math.min(255, level + colour.data[place])) };
}

/** @param {Picture} lightness @returns {Picture | null} */
function awayFromGround(lightness) {
  const ground = groundOf(lightness);
  if (ground === null) return null;
  let written = 0;
  const data = lightness.data.map((level) => {
    const away = Math.abs(level - ground);
    if (away) written += 1;
    return away;
  });
  return written < DRAWN * data.length ? { ...lightness, data } : null;
}

/** Level of a uniform border, if no pixel is lighter or none is darker; else null. @param {Picture} grey */
function groundOf(grey) {
  const edge = border(grey);
  const ground = edge[0];
  if (edge.some((level) => level !== ground)) return null;
  let [least, most] = [255, 0];
  for (const level of grey.data) [least, most] = [Math.min(least, level), Math.max(most, level)];
  return ground === least || ground === most ? ground : null;
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
  for (let place = 0; place < small.data.length; place++) {
    const away = Math.fround(small.data[place] - plane[place]);
    sum += away;
    squares += away * away;
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
  for (let place = 0; place < grey.data.length; place++) {
    const away = grey.data[place] - around.data[place];
    squares += away * away;
    cubes += away ** 3;
  }
  const spread = squares / grey.data.length;
  return cubes / grey.data.length / (spread ** 1.5 + 1e-6);
}

/** @param {Picture} grey @param {number} window */
const localMedian = (grey, window) => median(grey, Math.max(3, window | 1));

/** Fit a plane to the border, without outliers. @param {number[]} edge @param {number} height @param {number} width */
function planeThrough(edge, height, width) {
  const line = (/** @type {number} */ size) =>
    Float64Array.from({ length: size }, (_, place) => (size > 1 ? -1 + (2 * place) / (size - 1) : -1));
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
    (_, place) => plane[1] * y[Math.floor(place / width)] + plane[2] + plane[0] * x[place % width],
  );
}

/** @param {number[]} a @param {number[]} b */
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** Least squares for three terms, regularised to be solvable. @param {number[][]} terms @param {number[]} wanted */
function fitted(terms, wanted) {
  const matrix = [0, 1, 2].map((row) => [
    ...[0, 1, 2].map((column) =>
      terms.reduce((sum, term) => sum + term[row] * term[column], row === column ? 1e-3 : 0),
    ),
    terms.reduce((sum, term, place) => sum + term[row] * wanted[place], 0),
  ]);
  for (let step = 0; step < 3; step++) {
    const best = [0, 1, 2]
      .slice(step)
      .reduce((a, b) => (Math.abs(matrix[b][step]) > Math.abs(matrix[a][step]) ? b : a));
    [matrix[step], matrix[best]] = [matrix[best], matrix[step]];
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
  const counts = counted(paper.data);
  const [darkest, lightest] = [counts.findIndex((count) => count > 0), counts.findLastIndex((count) => count > 0)];
  if (darkest === lightest)
    return { ...lightness, data: lightness.data.map((level) => lightest - Math.min(level, lightest)) };
  const brightest = quantile(counted(everyOther(paper)), 0.9);
  const share = Float32Array.from({ length: 256 }, (_, level) =>
    Math.min(Math.max(Math.fround(Math.fround(brightest) / Math.max(level, DEEPEST_SHADE)), 1), 3),
  );
  const large = linear(paper, lightness.width, lightness.height).data;
  const data = lightness.data.map((level, place) =>
    byte(Math.fround(share[large[place]] * Math.max(0, large[place] - level))),
  );
  return { ...lightness, data };
}

/** @param {Picture} picture */
function everyOther({ width, height, data }) {
  const made = [];
  for (let y = 0; y < height; y += 2) for (let x = 0; x < width; x += 2) made.push(data[y * width + x]);
  return Uint8Array.from(made);
}

/** @param {Picture} grey @param {number} window */
function closing(grey, window) {
  if (Math.max(grey.width, grey.height) <= TINY) return closed(grey, window);
  const wide = emptyLike(grey, grey.width + 2 * window, grey.height + 2 * window);
  const bounded = (/** @type {number} */ place, /** @type {number} */ size) => Math.max(0, Math.min(size - 1, place));
  for (let y = 0; y < wide.height; y++)
    for (let x = 0; x < wide.width; x++)
      wide.data[y * wide.width + x] =
        grey.data[bounded(y - window, grey.height) * grey.width + bounded(x - window, grey.width)];
  return part(closed(wide, window), window, window, window + grey.width, window + grey.height);
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
    let [least, most] = [255, 0];
    for (const level of data) [least, most] = [Math.min(least, level), Math.max(most, level)];
    return most - least;
  });
  if (ranges.every((range) => range < 2 * LEAST_CHROMA)) return null;
  const blurs = chroma.map(blurred);
  if (Math.max(...blurs.map(({ data }) => deviation(data))) < LEAST_CHROMA) return null;
  const squares = blurs.map((channel) => {
    const small = shrink(channel, 96);
    const paper = localMedian(small, rounded((window * Math.max(small.width, small.height)) / Math.max(height, width)));
    const smooth = linear({ ...paper, data: Float32Array.from(paper.data) }, channel.width, channel.height).data;
    return Float32Array.from(channel.data, (level, place) => Math.fround(level - smooth[place]) ** 2);
  });
  const data = Uint8Array.from(squares[0], (square, place) =>
    byte(Math.fround(Math.fround(Math.sqrt(Math.fround(square + squares[1][place]))) * CHROMA_WEIGHT)),
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
  const counts = counted(data);
  const below = counts.slice(0, otsu(counts, data.length) + 1);
  const [paper, away] = medianAndSpread(below);
  const grain = 1.4826 * away + 1;
  let [total, weighed] = [0, 0];
  for (let level = 0; level < 256; level++) {
    const standing = Math.max(level - (paper + 3 * grain), 0);
    total += counts[level] * standing;
    weighed += counts[level] * standing * standing;
  }
  if (total <= 0) return null;
  const ink = weighed / total + 3 * grain;
  if (ink < Math.max(LEAST_CONTRAST, LEAST_SIGNAL * grain)) return null;
  const table = Float32Array.from({ length: 256 }, (_, level) =>
    Math.min(Math.max((level - (paper + 0.2 * ink)) / (0.55 * ink), 0), 1),
  );
  const made = new Float32Array(data.length);
  for (let place = 0; place < made.length; place++) made[place] = table[data[place]];
  return { width, height, channels: 1, data: made };
}

/** Compute the histogram of the 256 levels. @param {Uint8Array} data */
export function counted(data) {
  const counts = new Array(256).fill(0);
  for (const level of data) counts[level] += 1;
  return counts;
}

/** Compute Otsu's threshold (Otsu 1979) as OpenCV does. @param {number[]} counts @param {number} size */
function otsu(counts, size) {
  const scale = 1 / size;
  const mean = counts.reduce((sum, count, level) => sum + level * count, 0) * scale;
  let [first, below, best, found] = [0, 0, 0, 0];
  for (let level = 0; level < 256; level++) {
    const share = counts[level] * scale;
    first *= below;
    below += share;
    const above = 1 - below;
    if (Math.min(below, above) < 1.1920929e-7 || Math.max(below, above) > 1 - 1.1920929e-7) continue;
    first = (first + level * share) / below;
    const second = (mean - below * first) / above;
    const between = below * above * (first - second) ** 2;
    if (between > best) [best, found] = [between, level];
  }
  return found;
}

/** @param {number[]} counts */
const added = (counts) => {
  let sum = 0;
  return counts.map((count) => (sum += count));
};

/** @param {number[]} counts */
function lowerMedian(counts) {
  const upto = added(counts);
  return upto.findIndex((sum) => sum >= upto[upto.length - 1] / 2);
}

/** Compute the lower median, and the lower median of the distances from it. @param {number[]} counts */
function medianAndSpread(counts) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const middle = lowerMedian(counts);
  if (counts[middle] >= all / 2) return [middle, 0];
  const away = new Array(256).fill(0);
  counts.forEach((count, level) => {
    away[Math.abs(level - middle)] += count;
  });
  return [middle, lowerMedian(away)];
}

/** Quantile: the level below which this share of pixels lies. @param {number[]} counts @param {number} share */
function quantile(counts, share) {
  const upto = added(counts);
  const last = upto[upto.length - 1] - 1;
  const place = share * last;
  const below = Math.floor(place);
  const [lower, upper] = [below, Math.min(below + 1, last)].map((each) => upto.findIndex((sum) => sum > each));
  return lower + (place - below) * (upper - lower);
}
