// The numbers that a line's digits and the signs between them form: a port of digitlab/read_numbers.py.

/**
 * @import { FoundNumber } from "../schemas.js"
 * @typedef {[number, number, number, number]} Box
 * @typedef {{ digit: number | null, confidence: number, box: Box, line: number }} Digit
 * @typedef {{ sign: string, box: Box, line: number }} Mark
 * @typedef {{ digits: Digit[], before: Map<number, Mark | null> }} Group digits, and the sign (null: a space) before some of them
 * @typedef {FoundNumber & { line: number }} WrittenNumber
 */

const [GAP, SPACED_GAP, SPACE] = [0.8, 1.3, 0.45];
const SURENESS = [0.91, 0.19]; // fitted by tools/fit_numbers.py

/** Text of a page's lines, one character per digit. @param {{ digit: number | null, line: number }[]} digits */
export function linesOf(digits) {
  /** @type {string[]} */
  const lines = [];
  for (const { digit, line } of digits) lines[line] = (lines[line] ?? "") + (digit ?? "?");
  return lines.filter((line) => line !== undefined);
}

/** The numbers of a page, in reading order. @param {Digit[]} digits @param {Mark[]} marks @param {number} turned quarter turns, clockwise */
export const numbersOf = (digits, marks, turned) =>
  [...new Set(digits.map(({ line }) => line))]
    .sort((a, b) => a - b)
    .flatMap((line) =>
      groupsOfLine(
        digits.filter((each) => each.line === line),
        marks.filter((each) => each.line === line),
        turned,
      ).map((group) => numberOf(group, digits)),
    );

/**
 * Text of the lines as they are written: lines with signs include them, and a space between their numbers.
 * @param {string[]} lines @param {WrittenNumber[]} numbers @param {Mark[]} marks
 */
export function writtenLines(lines, numbers, marks) {
  const rows = [...new Set(numbers.map(({ line }) => line))];
  return rows.map((row, index) => {
    if (!marks.some(({ line }) => line === row)) return lines[index];
    const texts = numbers.filter(({ line }) => line === row).map(({ text }) => text);
    return texts.join(" ");
  });
}

/** @param {Digit[]} digits @param {Mark[]} marks @param {number} turned @returns {Group[]} */
function groupsOfLine(digits, marks, turned) {
  const gapBetween = (/** @type {Digit | Mark} */ left, /** @type {Digit | Mark} */ right) =>
    gapOf(left, right, turned);
  const gaps = digits.slice(1).map((each, index) => gapBetween(digits[index], each));
  const medianGap = gaps.length > 1 ? [...gaps].sort((a, b) => a - b)[(gaps.length - 1) >> 1] : 0;
  const limit = Math.max(GAP, Math.min(2 * medianGap, SPACED_GAP));
  /** @type {Group[]} */
  const groups = [];
  digits.forEach((digit, index) => {
    const [last, gap] = [digits[index - 1], index ? gaps[index - 1] : Number.POSITIVE_INFINITY];
    let mark = markBefore(digit, last, marks, turned);
    let isNear = gap < limit;
    if (mark) {
      const gapAfter = gapBetween(mark, digit);
      isNear = last !== undefined && Math.max(gapAfter, gapBetween(last, mark)) < limit;
      // A sign that only follows or precedes a number is punctuation, except a minus right before it.
      if (!isNear && (gapAfter >= limit || mark.sign !== "-")) mark = undefined;
    }
    if (!isNear) groups.push({ digits: [], before: new Map() });
    const group = groups[groups.length - 1];
    const count = group.digits.length;
    if (mark) group.before.set(count, mark);
    else if (count && gaps.length > 2 && gap > Math.max(medianGap, 0) + SPACE) group.before.set(count, null);
    group.digits.push(digit);
  });
  return groups;
}

/** The sign between two digits of a line, or in front of the first. @param {Digit} digit @param {Digit | undefined} last @param {Mark[]} marks @param {number} turned */
function markBefore(digit, last, marks, turned) {
  const start = last ? middleOf(last, turned) : Number.NEGATIVE_INFINITY;
  return marks.find((mark) => start < middleOf(mark, turned) && middleOf(mark, turned) < middleOf(digit, turned));
}

/** Centre of a box along the line, in reading direction. @param {{ box: Box }} found @param {number} turned */
function middleOf({ box }, turned) {
  const along = turned % 2;
  return (box[along] + box[along + 2]) / (turned === 1 || turned === 2 ? -2 : 2);
}

/**
 * Gap between two neighbours of a line, in digit heights.
 * @param {Digit | Mark} left @param {Digit | Mark} right @param {number} turned
 */
function gapOf(left, right, turned) {
  const [along, across] = turned % 2 ? [1, 0] : [0, 1]; // on a page that lay on its side, lines run up or down
  const gap = Math.max(left.box[along] - right.box[along + 2], right.box[along] - left.box[along + 2]);
  const heights = [left, right].filter((each) => "digit" in each).map(({ box }) => box[across + 2] - box[across]);
  return gap / Math.max(heights.reduce((sum, each) => sum + each, 0) / heights.length, 1e-6);
}

/** @param {Group} group @param {Digit[]} all the page's digits @returns {WrittenNumber} */
function numberOf({ digits, before }, all) {
  const marks = [...before.values()].filter((mark) => mark !== null);
  const boxes = [...digits, ...marks].map(({ box }) => box);
  const side = (/** @type {number} */ index) => boxes.map((box) => box[index]);
  const text = digits.map(({ digit }, index) => {
    const mark = before.get(index);
    return (mark === null ? " " : (mark?.sign ?? "")) + (digit ?? "?");
  });
  return {
    text: text.join(""),
    confidence: numberConfidence(digits.map(({ confidence }) => confidence)),
    box: [Math.min(...side(0)), Math.min(...side(1)), Math.max(...side(2)), Math.max(...side(3))],
    digits: digits.map((digit) => all.indexOf(digit)),
    line: digits[0].line,
  };
}

/** Probability that all digits of a number are right, and none is missing. @param {number[]} confidences */
function numberConfidence(confidences) {
  const product = Math.min(
    Math.max(
      confidences.reduce((all, each) => all * each, 1),
      1e-9,
    ),
    1 - 1e-9,
  );
  const [slope, constant] = SURENESS;
  return 1 / (1 + Math.exp(-slope * Math.log(product / (1 - product)) - constant));
}
