// Signs between the digits of a line: commas, points, minus, slashes and colons, recognised by size and position. A
// port of digitlab/reading/numbers/marks.py, which explains the constants.

import { confidenceOf, digitOf } from "./candidates.js";
import { lineInk } from "./line-ink.js";

/**
 * @import { Candidate } from "./candidates.js"
 * @import { Box } from "./glyphs.js"
 * @import { LineInk, Speck } from "./line-ink.js"
 * @import { Picture } from "./pictures.js"
 * @typedef {{ sign: string, box: Box }} Sign in pixels of the picture
 */

const [MOST_LINES, DOUBTED, LEAST, MOST] = [80, 0.5, 6, 3];
const STROKES = [1, 7]; // what a slash is mistaken for
const [DOT, PEN] = [0.27, 0.6];

/**
 * Find the lines' signs, and remove slashes that were mistaken for digits.
 * @param {Picture} picture in which the lines are upright @param {Candidate[][]} lines
 * @returns {{ lines: Candidate[][], signs: Sign[][] }}
 */
export function withSigns(picture, lines) {
  if (lines.length > MOST_LINES) return { lines, signs: lines.map(() => []) };
  const read = lines.map((line) => {
    const ink = lineInk(
      picture,
      line.map(({ box }) => box),
    );
    return ink ? withoutSlashes(line, ink) : { line, signs: [] };
  });
  return { lines: read.map(({ line }) => line), signs: read.map(({ signs }) => signs) };
}

/** @param {Candidate[]} line @param {LineInk} ink @returns {{ line: Candidate[], signs: Sign[] }} */
function withoutSlashes(line, ink) {
  const slashes = line.filter(
    (each, index) => line.length >= LEAST && STROKES.includes(digitOf(each)) && isMisreadSlash(ink, index, each),
  );
  const signs = [...signsOf(ink), ...slashes.map(({ box }) => ({ sign: "/", box }))];
  signs.sort((a, b) => a.box[0] + a.box[2] - b.box[0] - b.box[2]);
  return { line: line.filter((each) => !slashes.includes(each)), signs };
}

/**
 * Whether a digit is a slash: one plain leaning stroke, taller than its neighbours, that starts below the baseline.
 * @param {LineInk} ink @param {number} index @param {Candidate} digit
 */
function isMisreadSlash(ink, index, digit) {
  const speck = ink.digit(index);
  if (!speck) return false;
  const [high, low] = confidenceOf(digit) >= DOUBTED ? [1.15, -0.06] : [1.08, -0.02];
  return speck.high >= high && speck.low <= low && speck.lean >= 0.18 && speck.thin <= 1.35 * ink.pen;
}

/** Find the signs before and between a line's digits, from left to right. @param {LineInk} ink @returns {Sign[]} */
export function signsOf(ink) {
  const signs = [];
  for (let gap = 0; gap < ink.line.length; gap++) {
    const specks = ink.specks.filter((each) => each.gap === gap);
    const sign = !specks.length || specks.length > MOST ? null : signOf(specks, ink.pen, gap === 0);
    if (sign) signs.push({ sign, box: ink.placed(boundingBox(specks)) });
  }
  return signs;
}

/**
 * Recognise the one sign that a gap's components form; null where they are none, or more than one.
 * @param {Speck[]} specks @param {number} pen @param {boolean} first
 */
export function signOf(specks, pen, first) {
  if (specks.length === 2 && !first) {
    const [lower, upper] = [...specks].sort((a, b) => a.low - b.low);
    if (isColon(lower, upper, pen)) return ":";
  }
  if (specks.length !== 1) return null;
  const [speck] = specks;
  if (isMinus(speck, pen)) return "-";
  if (first || Math.min(speck.wide, speck.high) < PEN * pen) return null;
  if (isSlash(speck, pen)) return "/";
  if (speck.wide <= Math.min(DOT, 1.6 * speck.high) && speck.high <= DOT && speck.low >= -0.18 && speck.low <= 0.06) {
    const comma = speck.high >= 1.45 * speck.wide || (speck.low < -0.1 && speck.high >= 1.2 * speck.wide);
    return comma && speck.high > 1.3 * pen ? "," : ".";
  }
  const short = speck.high <= 0.6 && speck.wide <= 0.45 && speck.low + speck.high <= 0.34;
  return short && speck.low <= -0.03 && (speck.lean >= 0.1 || speck.wide <= DOT) && speck.high >= 0.7 * speck.wide
    ? ","
    : null;
}

/**
 * Whether it is a tall thin stroke, leaning right, that reaches the baseline.
 * @param {Speck} speck @param {number} pen
 */
const isSlash = (speck, pen) =>
  speck.high >= 0.85 && speck.lean >= 0.22 && speck.low <= 0.12 && speck.thin <= Math.max(2.2 * pen, 0.16);

/** Whether they are two dots, one above the other. @param {Speck} lower @param {Speck} upper @param {number} pen */
function isColon(lower, upper, pen) {
  const dots = [lower, upper].every(
    ({ wide, high }) => Math.max(wide, high) <= DOT && Math.min(wide, high) >= PEN * pen,
  );
  const [apart, aside] = [upper.low - lower.low, upper.left - lower.left];
  const stands = lower.low >= -0.1 && lower.low <= 0.4 && upper.low <= 0.85;
  return dots && stands && apart >= 0.2 && apart <= 0.7 && aside > -0.2 && aside < 0.3;
}

/** Whether it is a flat stroke half way up. @param {Speck} one @param {number} pen */
function isMinus({ wide, high, low }, pen) {
  const flat = wide >= 0.16 && wide <= 0.8 && high <= 0.3 && wide >= 1.7 * high;
  return flat && high >= PEN * pen && low + high / 2 >= 0.18 && low + high / 2 <= 0.75;
}

/** @param {Speck[]} specks @returns {Box} */
const boundingBox = (specks) => [
  Math.min(...specks.map(({ box }) => box[0])),
  Math.min(...specks.map(({ box }) => box[1])),
  Math.max(...specks.map(({ box }) => box[2])),
  Math.max(...specks.map(({ box }) => box[3])),
];
