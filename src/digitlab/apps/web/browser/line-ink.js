// The ink of one line of digits: its connected components, of which those of no digit are measured in digit heights.
// A port of digitlab/reading/numbers/line_ink.py, which explains the constants.

import { medianOf } from "./decoding.js";
import { solidOf } from "./glyphs.js";
import { INK, inkMap } from "./ink.js";
import { crop, halvedTo, rounded } from "./pictures.js";
import { connectedComponents, distances } from "./windows.js";

/**
 * @import { Box } from "./glyphs.js"
 * @import { Ink, Picture } from "./pictures.js"
 * @typedef {{ part: number, box: Box, gap: number, wide: number, high: number, low: number, left: number, lean: number, thin: number }} Speck
 * A component of no digit, in heights of the digits beside it: how many digits precede it (`gap`), its size, the height
 * of its lower end above the baseline (`low`), its left edge, its slant to the right, its mean width per row (`thin`).
 */

const [HEIGHT, LEAST_HEIGHT] = [32, 10];
const [BESIDE, ABOVE] = [0.9, 0.35];
const [OWN, SMALL, SIDE] = [0.45, 0.3, 0.12];
const [DARK, FURTHEST, MOST] = [0.75, 1.1, 400];

/** The ink of a line, its components' labels, and its digits' boxes in pixels of the ink. */
export class LineInk {
  /**
   * @param {Ink} ink @param {Box[]} line @param {number} usual the digits' height in pixels of the picture
   * @param {[number, number]} corner where the ink lies in the picture @param {number} scale ink pixels a picture pixel
   */
  constructor(ink, line, usual, corner, scale) {
    this.ink = ink;
    this.line = line;
    this.corner = corner;
    this.scale = scale;
    const solid = solidOf(ink, INK);
    const { labels, marks } = connectedComponents(solid, ink.width, ink.height);
    this.labels = labels;
    this.boxes = marks.map(({ box }) => box);
    this.pen = penOf(solid, ink, line) / (usual * scale);
    /** @type {Speck[]} from left to right */
    this.specks = [];
    if (marks.length >= MOST) return; // noise
    marks.forEach(({ box, area }, index) => {
      if (area < 2 || this.#owned(box, index + 1)) return;
      const gap = digitsBefore((box[0] + box[2]) / 2, line);
      const beside = [line[gap - 1], line[gap]].filter((each) => each !== undefined);
      const speck = this.#measured(index + 1, beside, gap);
      if (speck) this.specks.push(speck);
    });
    this.specks.sort((a, b) => a.box[0] - b.box[0]);
  }

  /** Convert a box from ink pixels to picture pixels. @param {Box} box @returns {Box} */
  placed([x0, y0, x1, y1]) {
    const { corner, scale } = this;
    return [x0 / scale + corner[0], y0 / scale + corner[1], x1 / scale + corner[0], y1 / scale + corner[1]];
  }

  /** Measure the main component of a digit with neighbours on both sides, as if of no digit. @param {number} index */
  digit(index) {
    if (index <= 0 || index >= this.line.length - 1) return null;
    const [x0, y0, x1, y1] = this.line[index].map((side) => Math.max(0, rounded(side)));
    const counts = new Array(this.boxes.length + 1).fill(0);
    for (let y = y0; y < Math.min(y1, this.ink.height); y++)
      for (let x = x0; x < Math.min(x1, this.ink.width); x++) counts[this.labels[y * this.ink.width + x]] += 1;
    const largest = Math.max(0, ...counts.slice(1));
    if (!largest) return null;
    return this.#measured(counts.indexOf(largest, 1), [this.line[index - 1], this.line[index + 1]], index);
  }

  /**
   * Whether a component is a digit's ink: enough of it lies in a digit's box, and it is not small at the box's side.
   * @param {Box} box @param {number} label
   */
  #owned([x0, y0, x1, y1], label) {
    const total = this.#count(label, x0, y0, x1, y1);
    return this.line.some(([boxLeft, boxTop, boxRight, boxBottom]) => {
      if (boxRight <= x0 || boxLeft >= x1 || boxBottom <= y0 || boxTop >= y1) return false;
      const small = Math.max(x1 - x0, y1 - y0) <= SMALL * (boxBottom - boxTop);
      const aside = Math.min((x0 + x1) / 2 - boxLeft, boxRight - (x0 + x1) / 2) < SIDE * (boxBottom - boxTop);
      if (small && aside) return false;
      const [left, top] = [Math.max(x0, Math.floor(boxLeft)), Math.max(y0, Math.floor(boxTop))];
      return (
        this.#count(label, left, top, Math.min(x1, Math.ceil(boxRight)), Math.min(y1, Math.ceil(boxBottom))) >=
        OWN * total
      );
    });
  }

  /** A component's pixels in a part of the ink. @param {number} label @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 */
  #count(label, x0, y0, x1, y1) {
    let count = 0;
    for (let y = y0; y < y1; y++)
      for (let x = x0; x < x1; x++) count += this.labels[y * this.ink.width + x] === label ? 1 : 0;
    return count;
  }

  /**
   * Measure a component in heights of the digits beside it; null if it is too far, too faint, or of the wrong size.
   * @param {number} label @param {Box[]} beside @param {number} gap
   * @returns {Speck | null}
   */
  #measured(label, beside, gap) {
    const box = this.boxes[label - 1];
    const [x0, y0, x1, y1] = box;
    const mean = (/** @type {(box: Box) => number} */ measure) =>
      beside.reduce((sum, each) => sum + measure(each), 0) / beside.length;
    const meanHeight = Math.max(
      mean((each) => each[3] - each[1]),
      1,
    );
    const baseline = mean((each) => each[3]);
    const [wide, high, low] = [(x1 - x0) / meanHeight, (y1 - y0) / meanHeight, (baseline - y1) / meanHeight];
    const distance = Math.max(...beside.map((each) => Math.max(x0 - each[2], each[0] - x1))) / meanHeight;
    if (distance > FURTHEST || wide > 1.2 || high > 1.7 || low > 1.2 || low < -0.6) return null;
    let [count, dark, sumX, sumY, squares, products] = [0, 0, 0, 0, 0, 0];
    for (let y = y0; y < y1; y++)
      for (let x = x0; x < x1; x++) {
        if (this.labels[y * this.ink.width + x] !== label) continue;
        const [across, down] = [x - x0, y - y0];
        count += 1;
        dark += this.ink.data[y * this.ink.width + x];
        sumX += across;
        sumY += down;
        squares += down * down;
        products += across * down;
      }
    if (dark / count < DARK) return null;
    const spread = count * squares - sumY * sumY; // 0 where all of it lies in one row
    const lean = count > 4 && spread ? (sumX * sumY - count * products) / spread : 0;
    return {
      part: label,
      box,
      gap,
      wide,
      high,
      low,
      left: x0 / meanHeight,
      lean,
      thin: count / (y1 - y0) / meanHeight,
    };
  }
}

/**
 * Extract the ink of a line; null where there is none, or its digits are too small.
 * @param {Picture} picture in which the line is upright @param {Box[]} line boxes of its digits, from left to right
 */
export function lineInk(picture, line) {
  const medianHeight = line.length ? medianOf(line.map((box) => box[3] - box[1])) : 0;
  if (medianHeight < LEAST_HEIGHT) return null;
  const minimum = (/** @type {number} */ side) => Math.min(...line.map((box) => box[side]));
  const maximum = (/** @type {number} */ side) => Math.max(...line.map((box) => box[side]));
  const left = Math.max(0, Math.floor(minimum(0) - BESIDE * medianHeight));
  const right = Math.min(picture.width, Math.ceil(maximum(2) + BESIDE * medianHeight));
  const top = Math.max(0, Math.floor(minimum(1) - ABOVE * medianHeight));
  const bottom = Math.min(picture.height, Math.ceil(maximum(3) + ABOVE * medianHeight));
  const longest = Math.max(right - left, bottom - top);
  const side = Math.max(1, rounded(longest * Math.min(1, HEIGHT / medianHeight)));
  const scale = side / longest;
  const small = halvedTo(crop(picture, left, top, right, bottom), side);
  const ink = inkMap(small, Math.max(3, rounded(0.6 * medianHeight * scale)));
  if (!ink) return null;
  const boxes = line.map(
    ([x0, y0, x1, y1]) =>
      /** @type {Box} */ ([(x0 - left) * scale, (y0 - top) * scale, (x1 - left) * scale, (y1 - top) * scale]),
  );
  return new LineInk(ink, boxes, medianHeight, [left, top], scale);
}

/** Count digit centres before `x`, bisecting like NumPy's `searchsorted`. @param {number} x @param {Box[]} line */
function digitsBefore(x, line) {
  let [low, high] = [0, line.length];
  while (low < high) {
    const half = (low + high) >> 1;
    if ((line[half][0] + line[half][2]) / 2 < x) low = half + 1;
    else high = half;
  }
  return low;
}

/** Stroke width of the digits in pixels. @param {Uint8Array} solid @param {Ink} ink @param {Box[]} line */
function penOf(solid, { width, height }, line) {
  const depthMap = distances(solid, width, height);
  const inside = new Uint8Array(depthMap.length);
  for (const [x0, y0, x1, y1] of line)
    for (let y = Math.max(0, Math.trunc(y0)); y < Math.min(height, Math.ceil(y1)); y++)
      for (let x = Math.max(0, Math.trunc(x0)); x < Math.min(width, Math.ceil(x1)); x++) inside[y * width + x] = 1;
  const sortedDepths = depthMap.filter((_, position) => inside[position] && solid[position]).sort();
  if (!sortedDepths.length) return 1;
  const position = 0.8 * (sortedDepths.length - 1);
  const below = Math.floor(position);
  const upper = sortedDepths[Math.min(below + 1, sortedDepths.length - 1)];
  return 2 * Math.fround(sortedDepths[below] + (position - below) * (upper - sortedDepths[below]));
}
