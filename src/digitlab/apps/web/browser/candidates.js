// Candidates: where digits may be, how likely each is one, and which. A port of digitlab/reading/candidates.py.

/**
 * @import { Box } from "./glyphs.js"
 * @typedef {{ box: Box, score: number, probabilities: Float32Array }} Candidate
 */

const [WITHIN, LESS, TWINS, INSIDE, NEARLY] = [0.8, 0.7, 0.6, 0.72, 0.5];
const [LIKELY, WEIGHT, LARGE] = [1e-3, 0.6, 0.25];
const [ALONE_SURE, ALONE_SEEN, ALONE_BIAS, UNSEEN, THERE] = [0.31, 0.67, 0.58, 0.05, 0.3];

/** Index of the largest number; of equals, the first. @param {ArrayLike<number>} values */
export function largest(values) {
  let best = 0;
  for (let index = 1; index < values.length; index++) if (values[index] > values[best]) best = index;
  return best;
}

/** @param {Candidate} candidate */
export const digitOf = ({ probabilities }) => largest(probabilities);
/** @param {Candidate} candidate */
export const confidenceOf = ({ score, probabilities }) => score * probabilities[largest(probabilities)];
/** @param {Candidate} candidate */
export const longestOf = ({ box: [x0, y0, x1, y1] }) => Math.max(x1 - x0, y1 - y0);

/**
 * Multiply another network's class probabilities into a candidate's.
 * @param {Candidate} candidate @param {Float32Array | null} other @returns {Candidate}
 */
export function agreedWith(candidate, other) {
  if (!other) return candidate;
  const f = Math.fround;
  const product = candidate.probabilities.map((probability, digit) =>
    f(f(Math.max(probability, f(LIKELY)) * Math.max(other[digit], f(LIKELY))) ** f(WEIGHT)),
  );
  const sum = product.reduce((all, each) => all + each, 0);
  return { ...candidate, probabilities: product.map((each) => each / f(sum)) };
}

/** Use the ink's box if it is nearly the same. @param {Candidate} candidate @param {Box} ink @returns {Candidate} */
export const tightened = (candidate, ink) =>
  overlap(candidate.box, ink) > NEARLY ? { ...candidate, box: ink } : candidate;

/** Whether it lies in the other's box and is clearly smaller. @param {Candidate} one @param {Candidate} whole */
export function isPartOf(one, whole) {
  const ownArea = area(one.box);
  return intersection(one.box, whole.box) >= WITHIN * ownArea && ownArea < LESS * area(whole.box);
}

/** Sort likeliest first, and drop duplicates of the same digit. @param {Candidate[]} candidates */
export function withoutTwins(candidates) {
  /** @type {Candidate[]} */
  const unique = [];
  for (const each of sorted(candidates)) if (!unique.some((other) => areTwins(each, other))) unique.push(each);
  return unique;
}

/** Whether two candidates are the same digit on the page. @param {Candidate} one @param {Candidate} other */
const areTwins = (one, other) =>
  overlap(one.box, other.box) >= TWINS ||
  (largest(one.probabilities) === largest(other.probabilities) &&
    intersection(one.box, other.box) >= INSIDE * Math.max(Math.min(area(one.box), area(other.box)), 1e-9));

/** Sort likeliest first. @param {Candidate[]} candidates */
const sorted = (candidates) => [...candidates].sort((a, b) => confidenceOf(b) - confidenceOf(a));

/** @param {Box} box */
const area = ([x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0);

/** @param {Box} one @param {Box} other */
function intersection(one, other) {
  const [wide, high] = [
    Math.min(one[2], other[2]) - Math.max(one[0], other[0]),
    Math.min(one[3], other[3]) - Math.max(one[1], other[1]),
  ];
  return Math.max(wide, 0) * Math.max(high, 0);
}

/** Intersection over union. @param {Box} one @param {Box} other */
export function overlap(one, other) {
  const common = intersection(one, other);
  return common / Math.max(area(one) + area(other) - common, 1e-9);
}

/**
 * Compute how likely a picture's whole ink is the digit that the 28×28 network predicts.
 * @param {Candidate} whole the ink, with that network's probabilities
 * @param {Candidate[]} candidates as the page reader found them
 */
export function confidenceAlone(whole, candidates) {
  const digit = digitOf(whole);
  const confidence = whole.probabilities[digit];
  const overlapping = candidates.filter((each) => overlap(each.box, whole.box) > THERE);
  const pageProbability = Math.max(UNSEEN, ...overlapping.map((each) => each.score * each.probabilities[digit]));
  return 1 / (1 + Math.exp(-(ALONE_SURE * logit(confidence) + ALONE_SEEN * logit(pageProbability) + ALONE_BIAS)));
}

/** @param {number} probability */
function logit(probability) {
  const clamped = Math.min(Math.max(probability, 1e-3), 1 - 1e-3);
  return Math.log(clamped / (1 - clamped));
}

/**
 * Choose the one digit that a picture of this size shows: the likeliest, with a preference for large ones.
 * @param {Candidate[]} candidates @param {number} width @param {number} height
 */
export function mainCandidate(candidates, width, height) {
  const weight = (/** @type {Candidate} */ each) =>
    each.score * Math.sqrt(Math.sqrt(Math.min(area(each.box) / (width * height), LARGE)));
  /** @type {Candidate | null} */
  let best = null;
  for (const each of candidates) if (!best || weight(each) > weight(best)) best = each;
  return best;
}
