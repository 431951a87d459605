// The arithmetic behind the tour's figures, independent of the page.

/** @import { Maps, Weights } from "./maps.js" */

/**
 * Softmax: e to the power of each logit, divided by their sum.
 * @param {number[]} logits
 */
export function softmaxOf(logits) {
  const most = Math.max(...logits); // subtracted, so that no power overflows
  const powers = logits.map((logit) => Math.exp(logit - most));
  const all = powers.reduce((sum, each) => sum + each, 0);
  return powers.map((power) => power / all);
}

/**
 * Logits whose softmax is these probabilities; the latter are clipped to ≥ 1e-7.
 * @param {number[]} probabilities
 */
export const logitsFrom = (probabilities) => probabilities.map((share) => Math.log(Math.max(share, 1e-7)));

/**
 * Output of a dense layer of ten units for a vector.
 * @param {number[]} vector
 * @param {Weights} weights
 */
export const denseOf = (vector, weights) =>
  Array.from({ length: 10 }, (_, digit) =>
    vector.reduce((sum, value, each) => sum + value * weights.at(digit, each), weights.bias?.[digit] ?? 0),
  );

/**
 * Dropout as in training: each number is set to 0 with probability `rate`, the others are divided by 1 − `rate`.
 * @param {number[]} vector
 * @param {number} rate
 */
export const withGaps = (vector, rate, random = Math.random) =>
  vector.map((value) => (random() >= rate ? value / (1 - rate) : 0));

/**
 * Arrange a vector as the rows of a nearly square picture; the last row is padded with 0.
 * @param {number[]} vector
 */
export function inRows(vector) {
  const wide = Math.ceil(Math.sqrt(vector.length));
  return Array.from({ length: Math.ceil(vector.length / wide) }, (_, row) =>
    Array.from({ length: wide }, (__, column) => vector[row * wide + column] ?? 0),
  );
}

/**
 * At most 40 places [row, column] of a map with large absolute values, row by row; if there are none, its middle.
 * @param {Maps} maps
 * @param {number} map
 * @returns {[number, number][]}
 */
export function busyPlaces(maps, map) {
  /** @type {[number, number][]} */
  const all = [];
  for (let row = 0; row < maps.rows; row += 1)
    for (let column = 0; column < maps.columns; column += 1) all.push([row, column]);
  const sizes = all.map(([row, column]) => Math.abs(maps.at(map, row, column)));
  const mean = sizes.reduce((sum, each) => sum + each, 0) / all.length;
  const busy = all.filter((_, index) => sizes[index] > 1.5 * mean);
  return busy.length
    ? busy.filter((_, index) => index % Math.ceil(busy.length / 40) === 0)
    : [[maps.rows >> 1, maps.columns >> 1]];
}
