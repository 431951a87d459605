// From candidates to the digits of a page, line by line: a port of digitlab/reading/lines.py, candidates.py and
// decoding.py for the unconstrained case, where nothing is known about the page.

import { confidenceOf, longestOf } from "./candidates.js";

/**
 * @import { Candidate } from "./candidates.js"
 * @import { Box } from "./glyphs.js"
 */

const [SAME_LINE, LOOK_BACK, RAISED] = [0.4, 3, 0.45];
const [ALONE, BESIDE, LEAST_HEIGHT, MOST_HEIGHT, WIDEST, NEAR] = [0.5, 0.35, 0.6, 1.6, 1.5, 8];
const [TINY, NEARLY_CERTAIN] = [3, 0.95];
const [COMMA, COMMA_GAP, NOT_COMMA, LOW, BELOW, DESCENDS] = [0.6, 0.8, 0.9, 0.5, 0.2, 0.1];
export const LARGE = 0.25; // of a picture's longest side: a mark of that size is what the picture shows

/** @param {number[]} values */
export function medianOf(values) {
  const order = [...values].sort((a, b) => a - b);
  const half = order.length >> 1;
  return order.length % 2 ? order[half] : (order[half - 1] + order[half]) / 2;
}

/**
 * Select a page's digits, line by line.
 * @param {Candidate[]} all
 * @param {number} threshold
 * @param {number} [side] the picture's longest side: one large mark that may be a digit is found, though not answered
 */
export function decode(all, threshold, side = Number.POSITIVE_INFINITY) {
  const candidates = withoutCommas(all, threshold);
  const alone = !candidates.some((each) => confidenceOf(each) >= threshold);
  const digits = inLines(candidates).flatMap((line) => {
    const answered = line.filter((each) => confidenceOf(each) >= threshold).map((each) => each.box);
    return line.filter((each) => {
      const confidence = confidenceOf(each);
      return (
        confidence >= threshold ||
        (alone && confidence >= ALONE) ||
        (confidence >= BESIDE && inLine(each.box, answered))
      );
    });
  });
  const [first] = [...candidates].sort((a, b) => confidenceOf(b) - confidenceOf(a));
  if (!digits.length && first && confidenceOf(first) >= BESIDE && longestOf(first) >= LARGE * side) return [[first]];
  return inLines(withoutDirt(digits, threshold));
}

/**
 * Remove commas that were taken for digits: short strokes at the foot of two digits, between them.
 * @param {Candidate[]} candidates @param {number} threshold
 */
function withoutCommas(candidates, threshold) {
  const digits = candidates.filter((each) => confidenceOf(each) >= threshold).map((each) => each.box);
  return candidates.filter((each) => confidenceOf(each) >= NOT_COMMA || !isComma(each.box, digits));
}

/** @param {Box} box @param {Box[]} digits */
function isComma([x0, y0, x1, y1], digits) {
  const beside = digits.filter(([, top, , foot]) => {
    const height = foot - top;
    const low = y0 >= top + LOW * height && y0 <= foot + BELOW * height && y1 >= foot - DESCENDS * height;
    return low && y1 - y0 <= COMMA * height;
  });
  const middle = (x0 + x1) / 2;
  return (
    beside.some(([, top, right, foot]) => right <= middle && x0 - right <= COMMA_GAP * (foot - top)) &&
    beside.some(([left, top, , foot]) => left >= middle && left - x1 <= COMMA_GAP * (foot - top))
  );
}

/** Whether a candidate's size and distance fit its line's answered digits. @param {Box} box @param {Box[]} answered */
function inLine([x0, y0, x1, y1], answered) {
  if (!answered.length) return false;
  const medianHeight = medianOf(answered.map((box) => box[3] - box[1]));
  const height = y1 - y0;
  if (height < LEAST_HEIGHT * medianHeight || height > MOST_HEIGHT * medianHeight || x1 - x0 > WIDEST * height)
    return false;
  return Math.min(...answered.map(([left, , right]) => Math.max(x0 - right, left - x1))) <= NEAR * medianHeight;
}

/**
 * Drop paper grain: if all others are tiny beside one large digit, keep only those that are nearly certain.
 * @param {Candidate[]} digits @param {number} threshold
 */
function withoutDirt(digits, threshold) {
  if (!digits.length) return digits;
  const main = digits.reduce((best, each) => (longestOf(each) > longestOf(best) ? each : best));
  if (confidenceOf(main) < threshold) return digits;
  const others = digits.filter((each) => each !== main);
  if (others.some((each) => longestOf(each) * TINY > longestOf(main))) return digits;
  return [main, ...others.filter((each) => confidenceOf(each) >= NEARLY_CERTAIN)];
}

/** Group candidates into lines of writing, top to bottom, each from left to right. @param {Candidate[]} candidates */
export function inLines(candidates) {
  /** @type {Candidate[][]} */
  const lines = [];
  for (const each of [...candidates].sort((a, b) => a.box[0] - b.box[0])) {
    const overlaps = lines.map((line) => rowOverlap(each.box, line));
    const largestOverlap = Math.max(0, ...overlaps);
    if (largestOverlap > 0) lines[overlaps.indexOf(largestOverlap)].push(each);
    else lines.push([each]);
  }
  const height = (/** @type {Candidate[]} */ line) =>
    line.reduce((sum, { box }) => sum + box[1] + box[3], 0) / line.length;
  return lines.sort((a, b) => height(a) - height(b));
}

/**
 * Vertical overlap of a mark with a line's last marks, 0 … 1 (intersection over union); 0: it is on another line.
 * @param {Box} box @param {Candidate[]} line
 */
function rowOverlap(box, line) {
  const ends = line.slice(-LOOK_BACK).map((each) => each.box);
  const shared = ends.map((end) => Math.max(Math.min(box[3], end[3]) - Math.max(box[1], end[1]), 0));
  const overlaps = ends.map(
    (end, index) => shared[index] / Math.max(box[3] - end[1], end[3] - box[1], box[3] - box[1], end[3] - end[1], 1e-6),
  );
  const [largestOverlap, last] = [Math.max(...overlaps), ends[ends.length - 1]];
  const sameRow = shared[shared.length - 1] >= SAME_LINE * Math.min(box[3] - box[1], last[3] - last[1]);
  return sameRow || largestOverlap > RAISED ? largestOverlap : 0;
}
