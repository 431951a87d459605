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

/** @param {number[]} values */
export function middle(values) {
  const order = [...values].sort((a, b) => a - b);
  const half = order.length >> 1;
  return order.length % 2 ? order[half] : (order[half - 1] + order[half]) / 2;
}

/** Select a page's digits, line by line. @param {Candidate[]} candidates @param {number} threshold */
export function decode(candidates, threshold) {
  const alone = !candidates.some((each) => confidenceOf(each) >= threshold);
  const found = inLines(candidates).flatMap((line) => {
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
  return inLines(withoutDirt(found, threshold));
}

/** Whether a candidate's size and distance fit its line's answered digits. @param {Box} box @param {Box[]} answered */
function inLine([x0, y0, x1, y1], answered) {
  if (!answered.length) return false;
  const usual = middle(answered.map((box) => box[3] - box[1]));
  const high = y1 - y0;
  if (high < LEAST_HEIGHT * usual || high > MOST_HEIGHT * usual || x1 - x0 > WIDEST * high) return false;
  return Math.min(...answered.map(([left, , right]) => Math.max(x0 - right, left - x1))) <= NEAR * usual;
}

/**
 * Drop paper grain: if all others are tiny beside one large digit, keep only those that are nearly certain.
 * @param {Candidate[]} found @param {number} threshold
 */
function withoutDirt(found, threshold) {
  if (!found.length) return found;
  const main = found.reduce((best, each) => (longestOf(each) > longestOf(best) ? each : best));
  if (confidenceOf(main) < threshold) return found;
  const others = found.filter((each) => each !== main);
  if (others.some((each) => longestOf(each) * TINY > longestOf(main))) return found;
  return [main, ...others.filter((each) => confidenceOf(each) >= NEARLY_CERTAIN)];
}

/** Group candidates into lines of writing, top to bottom, each from left to right. @param {Candidate[]} candidates */
export function inLines(candidates) {
  /** @type {Candidate[][]} */
  const lines = [];
  for (const each of [...candidates].sort((a, b) => a.box[0] - b.box[0])) {
    const alike = lines.map((line) => likeness(each.box, line));
    const most = Math.max(0, ...alike);
    if (most > 0) lines[alike.indexOf(most)].push(each);
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
function likeness(box, line) {
  const ends = line.slice(-LOOK_BACK).map((each) => each.box);
  const shared = ends.map((end) => Math.max(Math.min(box[3], end[3]) - Math.max(box[1], end[1]), 0));
  const alike = ends.map(
    (end, at) => shared[at] / Math.max(box[3] - end[1], end[3] - box[1], box[3] - box[1], end[3] - end[1], 1e-6),
  );
  const [most, last] = [Math.max(...alike), ends[ends.length - 1]];
  const beside = shared[shared.length - 1] >= SAME_LINE * Math.min(box[3] - box[1], last[3] - last[1]);
  return beside || most > RAISED ? most : 0;
}
