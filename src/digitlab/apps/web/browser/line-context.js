// Doubtful digits, accepted for their context: where a page holds only one number, a mark shaped like a digit is one.
// A port of digitlab/reading/numbers/line_context.py, which explains the constants.

import { confidenceOf, overlap } from "./candidates.js";
import { lineInk } from "./line-ink.js";

/**
 * @import { Candidate } from "./candidates.js"
 * @import { LineInk, Speck } from "./line-ink.js"
 * @import { Picture } from "./pictures.js"
 */

const [ODDS, WHICH, FEWEST] = [4, 0.7, 2];
const [BIG, THIN, UNEXPLAINED] = [0.55, 0.4, 0.35];
const [LEAST_HIGH, MOST_HIGH, LOW, WIDE, NEAR] = [0.68, 1.25, 0.12, 1.1, 0.8];
const SAME = 0.5;

/** @param {LineInk} ink */
const big = ({ specks, pen }) => specks.filter((each) => each.high >= BIG && each.thin >= THIN * pen);

/**
 * Raise the scores of doubtful candidates that fit into a page's only line; return all candidates.
 * @param {Picture} picture in which the line is upright @param {Candidate[]} candidates
 * @param {Candidate[][]} lines of digits @param {number} threshold
 */
export function withLineContext(picture, candidates, lines, threshold) {
  const [line] = lines;
  const answered = lines.length === 1 ? line.filter((each) => confidenceOf(each) >= threshold) : [];
  if (answered.length < FEWEST) return candidates;
  const ink = lineInk(
    picture,
    line.map(({ box }) => box),
  );
  // Much ink that belongs to no digit suggests letters: then change nothing.
  if (!ink || big(ink).length > Math.max(1, UNEXPLAINED * line.length)) return candidates;
  /** @type {Map<Candidate, Candidate>} */
  const changed = new Map();
  line.forEach((each, index) => {
    if (confidenceOf(each) < threshold && placedLike(each, answered, ink, index)) changed.set(each, raised(each));
  });
  const others = candidates.filter((each) => !line.includes(each));
  for (const speck of big(ink)) {
    const candidate = matchingCandidate(ink, speck, others);
    if (candidate && confidenceOf(raised(candidate)) >= threshold) changed.set(candidate, raised(candidate));
  }
  return candidates.map((each) => changed.get(each) ?? each);
}

/** @param {{ box: number[] }} placed */
const across = ({ box }) => box[0] + box[2];

/** @param {Candidate} candidate @returns {Candidate} */
function raised(candidate) {
  if (Math.max(...candidate.probabilities) < WHICH) return candidate;
  const odds = ODDS * candidate.score;
  return { ...candidate, score: odds / (1 - candidate.score + odds) };
}

/**
 * Whether a candidate matches the two nearest answered digits in height, baseline and spacing, and is no slash.
 * @param {Candidate} candidate @param {Candidate[]} answered @param {LineInk} ink @param {number} index
 */
function placedLike(candidate, answered, ink, index) {
  const [x0, y0, x1, y1] = candidate.box;
  const distance = (/** @type {Candidate} */ each) => Math.abs(across(each) - across(candidate));
  const nearest = [...answered].sort((a, b) => distance(a) - distance(b)).slice(0, 2);
  const meanHeight = nearest.reduce((sum, { box }) => sum + box[3] - box[1], 0) / nearest.length;
  const low = (nearest.reduce((sum, { box }) => sum + box[3], 0) / nearest.length - y1) / meanHeight;
  const gap = Math.min(...nearest.map(({ box }) => Math.max(x0 - box[2], box[0] - x1))) / meanHeight;
  const speck = ink.digit(index);
  if (speck && isSlash(speck)) return false;
  const relativeHeight = (y1 - y0) / meanHeight;
  return relativeHeight >= LEAST_HIGH && relativeHeight <= MOST_HIGH && Math.abs(low) <= LOW && gap <= NEAR;
}

/** Find a digit-shaped component's candidate. @param {LineInk} ink @param {Speck} speck @param {Candidate[]} others */
function matchingCandidate(ink, speck, others) {
  const high = speck.high >= LEAST_HIGH && speck.high <= MOST_HIGH;
  if (!high || Math.abs(speck.low) > LOW || speck.wide > WIDE || isSlash(speck)) return null;
  const box = ink.placed(speck.box);
  /** @type {Candidate | null} */
  let best = null;
  for (const each of others) if (!best || overlap(each.box, box) > overlap(best.box, box)) best = each;
  return best && overlap(best.box, box) >= SAME ? best : null;
}

/** Whether a stroke leans right, and is taller than digits or extends below their baseline. @param {Speck} speck */
const isSlash = ({ lean, high, low }) => lean >= 0.25 && (high >= 1.08 || low <= -0.05);
