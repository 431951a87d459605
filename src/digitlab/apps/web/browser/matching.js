// Matching the boxes of a frame with those of the previous frame: a port of digitlab/live/matching.py.

import { MATCHING } from "./live-constants.js";
import { rounded } from "./pictures.js";

/** @import { Box } from "./glyphs.js" */

const { OVERLAP, GROWN, SHRUNK, JITTER } = MATCHING;

/**
 * Match new boxes with old ones greedily, best first; return their indices and their overlap.
 * @param {Box[]} fresh @param {Box[]} old @returns {[number, number, number][]}
 */
export function overlapping(fresh, old) {
  const pairs = fresh.flatMap((box, row) =>
    old.map((other, column) => /** @type {[number, number, number]} */ ([row, column, overlap(box, other)])),
  );
  /** @type {[number, number, number][]} */
  const found = [];
  for (const pair of pairs.sort((a, b) => b[2] - a[2])) {
    if (pair[2] <= 0) break;
    if (found.every(([row, column]) => row !== pair[0] && column !== pair[1])) found.push(pair);
  }
  return found;
}

/** IoU of two boxes; 0 where they share too little of the smaller one. @param {Box} one @param {Box} other */
function overlap(one, other) {
  const wide = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const high = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  const common = Math.max(0, wide) * Math.max(0, high);
  const areas = [one, other].map(([x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0));
  if (common < OVERLAP * Math.max(Math.min(...areas), 1)) return 0;
  return common / Math.max(areas[0] + areas[1] - common, 1);
}

/** How far boxes moved, in pixels: the median motion of their centres. @param {[Box, Box][]} pairs before, now */
export function shift(pairs) {
  const along = (/** @type {number} */ side) =>
    median(pairs.map(([before, now]) => (now[side] - before[side] + (now[side + 2] - before[side + 2])) / 2));
  return pairs.length ? [along(0), along(1)] : [0, 0];
}

/** @param {number[]} values */
function median(values) {
  const [sorted, half] = [[...values].sort((a, b) => a - b), values.length >> 1];
  return values.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Move a box. @param {Box} box @param {number[]} by pixels to the right and down @returns {Box} */
export function movedOn([x0, y0, x1, y1], by) {
  const [right, down] = by.map(rounded);
  return [x0 + right, y0 + down, x1 + right, y1 + down];
}

/** The fraction of a box that lies within another. @param {Box} box @param {Box} other */
export function shareWithin(box, other) {
  const wide = Math.min(box[2], other[2]) - Math.max(box[0], other[0]);
  const high = Math.min(box[3], other[3]) - Math.max(box[1], other[1]);
  return (Math.max(0, wide) * Math.max(0, high)) / Math.max(1, (box[2] - box[0]) * (box[3] - box[1]));
}

/** The distance between the centres of two boxes. @param {Box} box @param {Box} other */
export const distance = (box, other) =>
  Math.hypot(box[0] + box[2] - other[0] - other[2], box[1] + box[3] - other[1] - other[3]) / 2;

/** @param {Box} box */
export const longestSide = (box) => Math.max(box[2] - box[0], box[3] - box[1]);

/** Whether a box is clearly smaller than the other. @param {Box} box @param {Box} other */
export const isSmaller = (box, other) => longestSide(box) < SHRUNK * longestSide(other) - JITTER;

/** Whether a box is clearly larger than the other. @param {Box} box @param {Box} other */
export const isLarger = (box, other) => longestSide(box) > GROWN * longestSide(other) + JITTER;
