// Which digit is at a place, and whether it is finished: a port of digitlab/live/digit_filter.py, which explains it.

import { largest } from "./candidates.js";
import { FILTER } from "./live-constants.js";
import { rounded } from "./pictures.js";

/**
 * The observation of a place in one frame. `answer`: one of FILTER.ANSWERS; `changed`: whether the ink differs from
 * that after its last change, null if unknown; `probabilities`: ten that sum to 1, if a digit was answered.
 * @typedef {{ answer: string, changed: boolean | null, probabilities?: ArrayLike<number> }} Seen
 * @typedef {{ states: number[], classes: number[] }} Belief Probabilities of the six states, of the eleven classes.
 * @typedef {number[][]} Matrix
 */

export const OTHER = FILTER.OTHER;
const { ANSWERS, NOTHING, STROKE, PAUSED, QUIET, BUSY, CHANGES, GIVEN, GIVEN_OTHER, RATES } = FILTER;
const CLASSES = OTHER + 1;

/** @param {number[]} values */
const sumOf = (values) => values.reduce((sum, each) => sum + each, 0);
/** The finished states, with and without something that moves. @template Kind @param {Kind[]} values */
const finished = (values) => values.slice(QUIET, BUSY + 1);

/** How confident the reader was. @param {number | null} digit @param {number} confidence */
export function answerKind(digit, confidence) {
  if (digit === null) return "declined";
  return confidence >= FILTER.SURE ? "sure" : confidence >= FILTER.LIKELY ? "likely" : "doubtful";
}

/** The belief about one place. */
export class DigitFilter {
  #states = [...FILTER.STATES];
  /** @type {number[]} */
  #classes = new Array(CLASSES).fill(1 / CLASSES);
  /** Probability that the finished digit is still the same, although its ink seemed to change in the last frame. */
  stood = 1;

  /**
   * Predict the state this many seconds after the previous frame, then update it.
   * @param {number} gap @param {Seen} seen
   */
  step(gap, seen) {
    const seconds = Math.min(Math.max(gap, 1e-3), FILTER.LONGEST_STEP);
    const column = ANSWERS.indexOf(seen.answer);
    const given = GIVEN.map((row) => row[column]);
    given[QUIET] += this.#classes[OTHER] * (GIVEN_OTHER[column] - given[QUIET]);
    const weight = weightOf(seconds, FILTER.SAME_PICTURE, Boolean(seen.changed));
    const likely = given.map((each) => each ** weight);
    const before = this.#states;
    this.#states = moved(before, stepOver(seconds, seen.changed)).map((each, state) => each * likely[state]);
    this.stood = 1;
    if (seen.changed) {
      const stood = moved(finished(before), standOver(seconds));
      this.stood = (stood[0] * likely[QUIET] + stood[1] * likely[BUSY]) / sumOf(this.#states);
      this.#classes = this.#classes.map((each) => this.stood * each + (1 - this.stood) / CLASSES);
    }
    const [agreed, share] = this.#classify(seconds, seen, column);
    const unfinished = (FILTER.WAVERS + (FILTER.AGREES - FILTER.WAVERS) * agreed) ** share;
    const kept = Math.max(FILTER.MISREAD_KEEPS, agreed);
    const states = this.#states.map((each, state) => each * (state < QUIET ? unfinished : kept));
    const all = sumOf(states);
    this.#states = states.map((each) => each / all);
  }

  /**
   * Update the class; return how well the answer agrees with the previous ones, 0 … 1, and its weight.
   * @param {number} seconds @param {Seen} seen @param {number} column @returns {[number, number]}
   */
  #classify(seconds, { answer, changed, probabilities }, column) {
    if (answer === "erased" || answer === "covered") return [1, 0];
    const weight = weightOf(seconds, FILTER.INDEPENDENT, Boolean(changed));
    const given = GIVEN[QUIET][column];
    const read = probabilities?.length === 10 && answer !== "declined" && answer !== "unread" ? probabilities : null;
    const likely = this.#classes.map((_, digit) => {
      if (digit === OTHER) return (GIVEN_OTHER[column] * (read ? 0.1 : 1)) ** weight;
      return (given * (read ? (1 - FILTER.MISREAD) * read[digit] + FILTER.MISREAD / 10 : 1)) ** weight;
    });
    const agreed = sumOf(this.#classes.map((each, digit) => each * likely[digit]));
    const best = Math.max(...likely) * sumOf(this.#classes.map((each) => each * each));
    this.#classes = this.#classes.map((each, digit) => (each * likely[digit]) / agreed);
    return [Math.min(1, agreed / best), weight];
  }

  /** The complete belief, to be restored later. @returns {Belief} */
  get belief() {
    return { states: this.#states, classes: this.#classes };
  }

  /** Restore an earlier belief. @param {Belief} belief */
  restore({ states, classes }) {
    [this.#states, this.#classes] = [states, classes];
  }

  /** The probability of each finished digit, and of a mark that is not a digit: eleven. */
  get finished() {
    const all = sumOf(finished(this.#states));
    return this.#classes.map((each) => each * all);
  }

  /** The most probable of these. */
  get best() {
    return largest(this.finished);
  }

  /** The probability that nothing is there. */
  get nothing() {
    return this.#states[NOTHING];
  }

  /** The probability that it is being drawn or erased, or that the pen is lifted between two strokes. */
  get drawing() {
    return sumOf(this.#states.slice(STROKE, PAUSED + 1));
  }
}

/**
 * The weight of a frame, 0 … 1, given those before it.
 * @param {number} seconds @param {number} independent @param {boolean} fresh
 */
const weightOf = (seconds, independent, fresh) => (fresh ? 1 : Math.min(1, seconds / independent));

/** @param {number[]} states @param {Matrix} matrix */
const moved = (states, matrix) => matrix[0].map((_, to) => sumOf(states.map((each, from) => each * matrix[from][to])));

/**
 * Round to milliseconds as Python does: to the nearest in decimals, and half to even, as in 1/16 s.
 * @param {number} seconds
 */
const milliseconds = (seconds) =>
  Number.isInteger(16 * seconds) ? rounded(1000 * seconds) : Math.round(1000 * Number(seconds.toFixed(3)));

/** @type {Map<number, { any: Matrix, calm: Matrix, changed: Matrix, stood: Matrix }>} by milliseconds: 1,000 at most */
const steps = new Map();

/** @param {number} seconds */
function stepsOf(seconds) {
  const time = milliseconds(seconds);
  const found = steps.get(time);
  if (found) return found;
  const unchanged = RATES.map((row, from) => row.map((rate, to) => (from === to ? rate - CHANGES[from] : rate)));
  const over = (/** @type {Matrix} */ rates) =>
    exponential(rates.map((row) => row.map((each) => (each * time) / 1000)));
  const less = (/** @type {Matrix} */ one, /** @type {Matrix} */ other) =>
    one.map((row, from) => row.map((each, to) => Math.max(0, each - other[from][to])));
  const part = (/** @type {Matrix} */ matrix) => finished(matrix).map(finished);
  const [any, calm] = [over(RATES), over(unchanged)];
  const stood = less(over(part(RATES)), over(part(unchanged)));
  const matrices = { any, calm, changed: less(any, calm), stood };
  steps.set(time, matrices);
  return matrices;
}

/**
 * The transition matrix over this many seconds, joint with whether the ink changed meanwhile, 6 × 6.
 * @param {number} seconds @param {boolean | null} changed
 */
const stepOver = (seconds, changed) => stepsOf(seconds)[changed === null ? "any" : changed ? "changed" : "calm"];
/**
 * The part of the step with a change in which the two finished states were never left, 2 × 2.
 * @param {number} seconds
 */
const standOver = (seconds) => stepsOf(seconds).stood;

/** @param {Matrix} one @param {Matrix} other */
const product = (one, other) => one.map((row) => moved(row, other));

/** The exponential of a matrix, by scaling and squaring. @param {Matrix} exponent */
function exponential(exponent) {
  const most = Math.max(...exponent.flat().map(Math.abs), 1e-9);
  const squarings = Math.max(0, Math.ceil(Math.log2(most)) + 4);
  const small = exponent.map((row) => row.map((each) => each / 2 ** squarings));
  let term = exponent.map((row, from) => row.map((_, to) => Number(from === to)));
  let total = term;
  for (let order = 1; order < 8; order++) {
    term = product(term, small).map((row) => row.map((each) => each / order));
    total = total.map((row, from) => row.map((each, to) => each + term[from][to]));
  }
  for (let turn = 0; turn < squarings; turn++) total = product(total, total);
  return total;
}
