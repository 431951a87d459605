// The one digit in a picture's ink, and its 28×28 image: a port of digitlab/reading/components.py and glyph.py.

import { INK, inkMap } from "./ink.js";
import { byArea, byte, crop, emptyLike, halvedTo, linear, rounded, shrink } from "./pictures.js";
import { brushed, connectedComponents, dilated, meanDistance } from "./windows.js";

/**
 * @import { Ink, Picture, Pixels } from "./pictures.js"
 * @import { Mark } from "./windows.js"
 * @typedef {[number, number, number, number]} Box x0, y0, x1, y1
 */

const [FAINT, FEWEST_PIXELS, MOST_MARKS] = [0.15, 4, 1500];
const [NEAR, LEAST_PART, AT_BORDER] = [0.12, 0.02, 0.3];
const [SIDE, LONGEST, FINE, BOLDEST, THINNEST] = [28, 20, 4, 4, 1.8];
const [LOOKED, FOUND, WINDOW, MARGIN] = [256, 112, 0.35, 0.12];

/**
 * Find the digit that a picture shows: the box of its ink, and the network's 784 input pixels; null without ink.
 * @param {Picture} picture
 * @returns {{ box: Box, glyph: Uint8Array } | null}
 */
export const mainDigit = (picture) => digitOf(picture, shrink(picture, LOOKED));

/**
 * @param {Picture} picture @param {Picture} small the same picture, reduced to the working size
 * @returns {{ box: Box, glyph: Uint8Array } | null}
 */
function digitOf(picture, small) {
  const ink = inkMap(small, rounded(WINDOW * Math.max(small.width, small.height)));
  const main = ink && mainMark(ink);
  if (!main) return null;
  const [scaleX, scaleY] = [picture.width / small.width, picture.height / small.height];
  const [x0, y0, x1, y1] = main.mark.box;
  return { box: [x0 * scaleX, y0 * scaleY, x1 * scaleX, y1 * scaleY], glyph: normalised(main.ink) };
}

/**
 * Like `mainDigit`, but for a candidate's box in a picture.
 * @param {Picture} picture @param {Box} sides
 */
export function digitIn(picture, [x0, y0, x1, y1]) {
  const margin = MARGIN * Math.max(x1 - x0, y1 - y0) + 1;
  const [left, top] = [Math.max(0, Math.trunc(x0 - margin)), Math.max(0, Math.trunc(y0 - margin))];
  const [right, bottom] = [
    Math.min(picture.width, Math.ceil(x1 + margin)),
    Math.min(picture.height, Math.ceil(y1 + margin)),
  ];
  if (right <= left || bottom <= top) return null;
  const cropped = crop(picture, left, top, right, bottom);
  const digit = digitOf(cropped, halvedTo(cropped, FOUND));
  if (!digit) return null;
  const [boxX0, boxY0, boxX1, boxY1] = digit.box;
  return { box: /** @type {Box} */ ([boxX0 + left, boxY0 + top, boxX1 + left, boxY1 + top]), glyph: digit.glyph };
}

/** @param {Mark} mark */
const longest = ({ box }) => Math.max(box[2] - box[0], box[3] - box[1]);

/**
 * Threshold the ink: 1 where there is at least `least`, else 0. (A loop: `Uint8Array.from` takes ten times as long.)
 * @param {Ink} ink @param {number} least
 */
export function solidOf({ data }, least) {
  const solid = new Uint8Array(data.length);
  for (let index = 0; index < solid.length; index++) solid[index] = data[index] >= least ? 1 : 0;
  return solid;
}

/** Find the mark of the one digit, and its ink alone; null where there are only specks. @param {Ink} ink */
export function mainMark(ink) {
  const solid = solidOf(ink, INK);
  const { labels, marks: all } = connectedComponents(solid, ink.width, ink.height);
  let marks = all.filter(({ area }) => area >= FEWEST_PIXELS);
  if (marks.length > MOST_MARKS) {
    const largest = new Set([...marks].sort((a, b) => b.area - a.area).slice(0, MOST_MARKS));
    marks = marks.filter((mark) => largest.has(mark));
  }
  if (!marks.length) return null;
  const outer = (/** @type {Mark} */ { box }) =>
    box[0] === 0 || box[1] === 0 || box[2] === ink.width || box[3] === ink.height;
  const weight = (/** @type {Mark} */ mark) => mark.area * (outer(mark) ? AT_BORDER : 1);
  let chosen = marks.reduce((best, mark) => (weight(mark) > weight(best) ? mark : best));
  const reach = Math.max(1, rounded(NEAR * longest(chosen)));
  const alike = marks.filter((mark) => outer(chosen) || !outer(mark));
  let others = alike.filter((mark) => mark !== chosen && mark.area >= LEAST_PART * chosen.area);
  for (;;) {
    const near = others.filter((mark) => gapBetween(mark, chosen) <= reach);
    if (!near.length) break;
    others = others.filter((mark) => !near.includes(mark));
    chosen = joined([chosen, ...near]);
  }
  return { mark: chosen, ink: cutOut(ink, labels, chosen) };
}

/** @param {Mark} one @param {Mark} other */
const gapBetween = ({ box: [ax0, ay0, ax1, ay1] }, { box: [bx0, by0, bx1, by1] }) =>
  Math.max(ax0 - bx1, bx0 - ax1, ay0 - by1, by0 - ay1);

/** @param {Mark[]} marks @returns {Mark} */
function joined(marks) {
  const side = (/** @type {number} */ index, /** @type {(...all: number[]) => number} */ choose) =>
    choose(...marks.map(({ box }) => box[index]));
  return {
    box: [side(0, Math.min), side(1, Math.min), side(2, Math.max), side(3, Math.max)],
    parts: marks.flatMap((mark) => mark.parts),
    area: marks.reduce((sum, mark) => sum + mark.area, 0),
  };
}

/** Cut out only a mark's ink, with its soft edges. @param {Ink} ink @param {Int32Array} labels @param {Mark} mark */
function cutOut(ink, labels, { box, parts }) {
  const [x0, y0] = [Math.max(0, box[0] - 1), Math.max(0, box[1] - 1)];
  const [x1, y1] = [Math.min(ink.width, box[2] + 1), Math.min(ink.height, box[3] + 1)];
  const cropped = crop(ink, x0, y0, x1, y1);
  const mask = new Uint8Array(cropped.data.length);
  for (let y = y0, target = 0; y < y1; y++)
    for (let x = x0; x < x1; x++, target++) mask[target] = Number(parts.includes(labels[y * ink.width + x]));
  const dilatedMask = dilated(
    { width: cropped.width, height: cropped.height, channels: 1, data: mask },
    3,
    3,
    true,
  ).data;
  let [left, top, right, bottom] = [cropped.width, cropped.height, 0, 0];
  for (let index = 0; index < dilatedMask.length; index++) {
    cropped.data[index] *= dilatedMask[index];
    if (cropped.data[index] < FAINT) continue;
    const [x, y] = [index % cropped.width, Math.floor(index / cropped.width)];
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + 1), Math.max(bottom, y + 1)];
  }
  return crop(cropped, left, top, right, bottom);
}

/** Normalise a digit's ink to 28×28 pixels, light on dark, as MNIST's makers did. @param {Ink} ink */
export function normalised(ink) {
  const small = resized(evened(ink), LONGEST);
  const { width, height, data } = small;
  let [mass, across, down, brightest] = [1e-6, 0, 0, 1e-6];
  for (let y = 0, index = 0; y < height; y++)
    for (let x = 0; x < width; x++, index++) {
      const value = data[index];
      mass += value;
      across += value * x;
      down += value * y;
      brightest = Math.max(brightest, value);
    }
  const left = Math.min(Math.max(rounded(SIDE / 2 - across / mass), 0), SIDE - width);
  const top = Math.min(Math.max(rounded(SIDE / 2 - down / mass), 0), SIDE - height);
  const glyph = new Uint8Array(SIDE * SIDE);
  const factor = Math.fround(255 / brightest);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      glyph[(top + y) * SIDE + left + x] = byte(Math.fround(data[y * width + x] * factor));
  return glyph;
}

/** @param {Ink} ink @param {number} side @returns {Ink} */
function resized(ink, side) {
  const scale = side / Math.max(ink.width, ink.height);
  if (scale === 1) return ink;
  const [width, height] = [Math.max(1, rounded(ink.width * scale)), Math.max(1, rounded(ink.height * scale))];
  return scale < 1 ? byArea(ink, width, height) : linear(ink, width, height);
}

/** Thicken or thin the strokes so that they are neither too thin nor too bold at the final size. @param {Ink} ink */
function evened(ink) {
  const width = (strokeWidth(ink) * LONGEST) / Math.max(ink.width, ink.height);
  const change = rounded((Math.min(Math.max(width, THINNEST), BOLDEST) - width) * FINE);
  if (!change) return ink;
  const fine = resized(ink, LONGEST * FINE);
  if (change < 0) return brushed(fine, 1 - change, false);
  return brushed(framed(fine, change), change + 1, true);
}

/**
 * Add a border of zeros.
 * @template {Uint8Array | Float32Array} Kind
 * @param {Pixels<Kind>} picture
 * @param {number} margin
 * @returns {Pixels<Kind>}
 */
function framed(picture, margin) {
  const result = emptyLike(picture, picture.width + 2 * margin, picture.height + 2 * margin);
  for (let y = 0; y < picture.height; y++)
    result.data.set(
      picture.data.subarray(y * picture.width, (y + 1) * picture.width),
      (y + margin) * result.width + margin,
    );
  return result;
}

/** Mean width of the strokes in pixels, at least 1. @param {Ink} ink */
function strokeWidth(ink) {
  const solid = { ...ink, data: solidOf(ink, 0.5) };
  const framedMask = framed(solid, 1);
  const { sum, count } = meanDistance(framedMask.data, framedMask.width, framedMask.height);
  const width = (2 * sum) / Math.max(1, count) - 1;
  return width > 1 ? width + Math.max(0, width * width - 1) ** 0.5 : 1;
}
