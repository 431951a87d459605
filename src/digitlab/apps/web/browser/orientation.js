// Which way up a page lies: the way its digits read best. A port of digitlab/reading/orientation.py.

import { confidenceOf, digitOf, longestOf } from "./candidates.js";
import { medianOf } from "./decoding.js";
import { crop, halvedTo, turned } from "./pictures.js";

/**
 * @import { Candidate } from "./candidates.js"
 * @import { Box } from "./glyphs.js"
 * @import { Picture } from "./pictures.js"
 * @typedef {(picture: Picture) => Candidate[]} Find
 */

export const PAGE_SIDE = 1024;
/** @type {Record<number, string>} Keyed by the quarter turns to the left that set the page upright. */
export const LIES = { 2: "upside down", 3: "rotated to the left", 1: "rotated to the right" };
const TURNS = [2, 3, 1];
const BOTH_WAYS = [0, 1, 6, 8, 9];
const [FEWEST, SURE, READ, POSSIBLE, WELL, CLEARLY] = [4, 0.8, 0.5, 0.2, 0.87, 1.2];
const [PART, DIGITS_ACROSS, SMALL] = [0.45, 6, 640];

/**
 * Find the orientation in which a page reads best.
 * @param {Picture} picture @param {Candidate[]} candidates @param {Find} find
 * @returns {{ turns: number, candidates: Candidate[], note: string | null }}
 */
export function setUpright(picture, candidates, find) {
  const asItLies = { turns: 0, candidates, note: null };
  const turnsTried = turnsToTry(candidates);
  if (!turnsTried.length) return asItLies;
  const small = halvedTo(picture, PAGE_SIDE);
  const piece = busiestPart(small, candidates, small.width / picture.width);
  const isWhole = piece.width === picture.width && piece.height === picture.height; // the candidates are of this scale
  const candidatesByTurns = new Map([[0, isWhole ? candidates : find(piece)]]);
  for (const turns of turnsTried) candidatesByTurns.set(turns, find(turned(piece, turns)));
  const amount = (/** @type {number} */ turns) => amountRead(candidatesByTurns.get(turns) ?? []);
  const [best, second] = [...candidatesByTurns.keys()].sort((a, b) => amount(b) - amount(a));
  if (!readsWell(candidatesByTurns.get(best) ?? [])) return asItLies;
  if (amount(best) < CLEARLY * amount(second))
    return { ...asItLies, note: "it is not clear which way up this page is" };
  if (best === 0) return asItLies;
  const turnedCandidates = isWhole ? (candidatesByTurns.get(best) ?? []) : find(turned(picture, best));
  return { turns: best, candidates: turnedCandidates, note: `the page is ${LIES[best]}; it was set upright first` };
}

/**
 * Crop the square part of a page that holds the most candidates.
 * @param {Picture} picture @param {Candidate[]} candidates @param {number} scale
 */
function busiestPart(picture, candidates, scale) {
  const { width, height } = picture;
  if (candidates.length < FEWEST) return picture;
  const longest = scale * medianOf(candidates.map(longestOf));
  const side = Math.trunc(Math.max(PART * Math.max(height, width), DIGITS_ACROSS * longest));
  if (Math.max(height, width) <= Math.max(side, SMALL)) return picture;
  const boxes = candidates.map(({ box }) => box.map((each) => each * scale));
  const starts = (/** @type {number} */ size) => {
    const positions = new Set([Math.max(0, size - side)]);
    for (let position = 0; position < Math.max(1, size - side); position += Math.max(1, side >> 2))
      positions.add(position);
    return [...positions].sort((a, b) => a - b);
  };
  let [best, x, y] = [-1, 0, 0];
  for (const top of starts(height))
    for (const left of starts(width)) {
      const inside = boxes.filter(
        ([x0, y0, x1, y1]) => x0 >= left && y0 >= top && x1 <= left + side && y1 <= top + side,
      ).length;
      if (inside > best) [best, x, y] = [inside, left, top];
    }
  return crop(picture, x, y, Math.min(width, x + side), Math.min(height, y + side));
}

/** @param {Candidate[]} candidates @param {number} least */
const confidences = (candidates, least) => candidates.map(confidenceOf).filter((each) => each >= least);
/** @param {number[]} values */
const mean = (values) => values.reduce((sum, each) => sum + each, 0) / values.length;

/** @param {Candidate[]} candidates */
function readsWell(candidates) {
  const possible = confidences(candidates, POSSIBLE);
  return possible.length >= FEWEST && mean(possible) >= WELL;
}

/** @param {Candidate[]} candidates */
function turnsToTry(candidates) {
  if (candidates.length < FEWEST) return confidences(candidates, READ).length ? [] : TURNS;
  const possible = candidates.filter((each) => confidenceOf(each) >= POSSIBLE);
  if (possible.length < Math.min(FEWEST, candidates.length / 2)) return TURNS;
  if (mean(possible.map(confidenceOf)) < SURE) return TURNS;
  return possible.every((each) => BOTH_WAYS.includes(digitOf(each))) ? [2] : [];
}

/** Measure how much was read: the sum of squared confidences, without ones. @param {Candidate[]} candidates */
const amountRead = (candidates) =>
  candidates
    .filter((each) => digitOf(each) !== 1 && confidenceOf(each) >= POSSIBLE)
    .reduce((sum, each) => sum + confidenceOf(each) ** 2, 0);

/**
 * Map a box of a turned picture back to the original picture.
 * @param {Box} box @param {number} turns @param {number} width @param {number} height @returns {Box}
 */
export function turnedBack([x0, y0, x1, y1], turns, width, height) {
  if (turns === 1) return [width - y1, x0, width - y0, x1];
  if (turns === 2) return [width - x1, height - y1, width - x0, height - y0];
  return turns === 3 ? [y0, height - x1, y1, height - x0] : [x0, y0, x1, y1];
}
