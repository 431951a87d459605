// Whether the ink at a place changed: a port of digitlab/live/ink.py, which explains the constants.

import { INK } from "./live-constants.js";
import { longestSide } from "./matching.js";
import { byArea, crop, emptyLike, linear, rounded } from "./pictures.js";
import { dilated, median } from "./windows.js";

/**
 * @import { Box } from "./glyphs.js"
 * @import { Picture } from "./pictures.js"
 * @typedef {"same" | "changed" | "wiped" | "erased" | "covered"} Sight
 * @typedef {{ pixels: Picture, box: Box, scale: number, paper: Float32Array, ink: Float32Array }} InkPatch
 *   The stored appearance of a place: one of its pixels spans `scale` pixels of the frame; `paper` is without the
 *   strokes, and `ink` the strokes' colour.
 */

/**
 * Cut the patch of a box out of a frame; null if hardly anything of it is in the frame.
 * @param {Picture} image @param {Box} box @returns {InkPatch | null}
 */
export function cutPatch(image, box) {
  const longest = longestSide(box);
  const scale = (longest * (1 + 2 * INK.AROUND)) / INK.SIDE;
  const pixels = resampled(image, grown(box, INK.AROUND * longest), scale);
  if (!pixels || Math.min(pixels.width, pixels.height) < 6) return null;
  const blurred = medianOf(pixels, INK.ACROSS);
  const strength = largestDifference(pixels, blurred);
  const contrast = Math.max(INK.LEAST_CONTRAST, percentile(strength, 97));
  const strokes = strength.map((each) => Number(each >= 0.7 * contrast));
  const inked = strokes.includes(1);
  const ink = inked ? levelOf(pixels, strokes) : levelOf(blurred).map((each) => each - contrast);
  const paper = Float32Array.from(blurred.data);
  const bare = strokes.map((each) => 1 - each);
  if (bare.includes(1)) fillThickStrokes(paper, levelOf(pixels, bare), ink);
  return { pixels, box, scale, paper, ink };
}

/**
 * Fill the paper with its usual colour where a stroke is so thick that it is still visible.
 * @param {Float32Array} paper @param {Float32Array} usual @param {Float32Array} ink
 */
function fillThickStrokes(paper, usual, ink) {
  const way = ink.map((each, channel) => each - usual[channel]);
  const length = Math.max(1, way[0] ** 2 + way[1] ** 2 + way[2] ** 2);
  for (let at = 0; at < paper.length; at += 3) {
    let along = 0;
    for (let channel = 0; channel < 3; channel++) along += (paper[at + channel] - usual[channel]) * way[channel];
    if (along / length > INK.TINGED) paper.set(usual, at);
  }
}

/**
 * Compare a patch with a frame near the middle of `box`; return what became of it, and how many pixels changed.
 * @param {InkPatch} patch @param {Picture} image @param {Box} box @returns {[Sight, number]}
 */
export function compared(patch, image, box) {
  const own = patch.box;
  const [right, down] = [0, 1].map((side) => (box[side] + box[side + 2] - own[side] - own[side + 2]) / 2);
  /** @type {Box} */
  const there = [own[0] + right, own[1] + down, own[2] + right, own[3] + down];
  const { width, height } = patch.pixels;
  const found = resampled(image, grown(there, INK.AROUND * longestSide(own) + INK.REACH * patch.scale), patch.scale);
  if (!found) return ["changed", width * height];
  const window = atLeast(found, width, height);
  const now = cut(window, ...bestPlace(window, patch.pixels), width, height);
  const contrast = Math.max(...patch.ink.map((each, channel) => Math.abs(each - patch.paper[channel])));
  if (mostOf(largestDifference(now, patch.pixels)) < INK.TINGED * contrast) return ["same", 0];
  const { came, went, count } = difference(patch, now);
  if (came + went < INK.NEW_INK) return ["same", came + went];
  const levels = levelOf(patch.pixels);
  const ratios = levelOf(now).map((each, channel) => (each + 8) / (levels[channel] + 8));
  if (Math.max(...ratios) / Math.min(...ratios) > INK.OTHER_COLOUR && came < INK.NEW_INK) return ["covered", went];
  // Where ink was removed, the best shift is meaningless, so the middle of the window is compared.
  const middle = cut(window, (window.width - width) >> 1, (window.height - height) >> 1, width, height);
  const still = difference(patch, middle);
  if (still.came < INK.NEW_INK && still.bare >= Math.max(INK.NEW_INK, INK.BARE * still.went))
    return [still.bare >= INK.ERASED * count ? "erased" : "wiped", still.went];
  if (came < INK.NEW_INK && Math.min(still.bare, went) < INK.NEW_INK) return ["covered", went];
  return ["changed", came + went];
}

/** @param {Picture} picture @param {number} x @param {number} y @param {number} width @param {number} height */
const cut = (picture, x, y, width, height) => crop(picture, x, y, x + width, y + height);

/**
 * Where in the window the pixels are found: the shift with the largest normalised cross-correlation (TM_CCOEFF_NORMED).
 * @param {Picture} window @param {Picture} pixels @returns {[number, number]}
 */
function bestPlace(window, pixels) {
  const { width, height, data } = pixels;
  const [line, count] = [3 * width, width * height];
  const [sums, squares] = sumsOf(data, 0, line, line, height);
  const norm = Math.sqrt(squares - (sums[0] ** 2 + sums[1] ** 2 + sums[2] ** 2) / count);
  let [x, y, best] = [0, 0, Number.NEGATIVE_INFINITY];
  for (let row = 0; norm > 0 && row <= window.height - height; row++)
    for (let column = 0; column <= window.width - width; column++) {
      const from = 3 * (row * window.width + column);
      const [own, ownSquares] = sumsOf(window.data, from, 3 * window.width, line, height);
      let together = 0;
      for (let each = 0; each < height; each++) {
        const at = from + 3 * each * window.width;
        for (let place = 0; place < line; place++) together += window.data[at + place] * data[each * line + place];
      }
      const above = together - (own[0] * sums[0] + own[1] * sums[1] + own[2] * sums[2]) / count;
      const spread = ownSquares - (own[0] ** 2 + own[1] ** 2 + own[2] ** 2) / count;
      // As OpenCV does: a window without contrast has no correlation, and float32 results that are equal are equal.
      const flat = spread <= Math.min(0.5, 1.2e-6 * ownSquares);
      const score = flat ? 0 : Math.fround(Math.min(1, above / (Math.sqrt(spread) * norm)));
      if (score > best) [x, y, best] = [column, row, score];
    }
  return [x, y];
}

/**
 * Sums of the three channels of a part of a picture, and of all squares.
 * @param {Uint8Array} data @param {number} from @param {number} stride @param {number} line @param {number} height
 * @returns {[number[], number]}
 */
function sumsOf(data, from, stride, line, height) {
  let [first, second, third, squares] = [0, 0, 0, 0];
  for (let row = 0, at = from; row < height; row++, at += stride)
    for (let place = at; place < at + line; place += 3) {
      const [one, two, three] = [data[place], data[place + 1], data[place + 2]];
      first += one;
      second += two;
      third += three;
      squares += one * one + two * two + three * three;
    }
  return [[first, second, third], squares];
}

/**
 * Count the pixels that gained ink, that lost it, that lost it and are paper now, and that had ink before.
 * @param {InkPatch} patch @param {Picture} now
 */
function difference({ pixels, paper, ink }, now) {
  const { width, height } = pixels;
  const [lit, level] = [levelOf(now), levelOf(pixels)];
  const mean = (/** @type {Float32Array} */ each) => Math.fround((each[0] + each[1] + each[2]) / 3);
  const gain = Math.fround(Math.min(2.5, Math.max(0.4, (mean(level) + 1) / (mean(lit) + 1))));
  const fitted = Float32Array.from(now.data, (each, at) => (each - lit[at % 3]) * gain + level[at % 3]);
  const [after, before] = [inkiness(fitted, paper, ink), inkiness(pixels.data, paper, ink)];
  const around = (/** @type {Inkiness} */ { share, isInk }) => {
    const data = isInk.map((each, at) => Number(each && share[at] > INK.TINGED));
    return dilated({ width, height, channels: 1, data }, 3, 3, true).data;
  };
  const [wasAround, isAround] = [around(before), around(after)];
  const counts = { came: 0, went: 0, bare: 0, count: 0 };
  for (let at = 0; at < width * height; at++) {
    const had = before.isInk[at] && before.share[at] > INK.INKED;
    if (after.isInk[at] && after.share[at] > INK.INKED && !wasAround[at]) counts.came += 1;
    if (!had) continue;
    counts.count += 1;
    if (isAround[at]) continue;
    counts.went += 1;
    let [off, way] = [0, 0];
    for (let channel = 0, each = 3 * at; channel < 3; channel++, each++) {
      off += (fitted[each] - paper[each]) ** 2;
      way += (ink[channel] - paper[each]) ** 2;
    }
    if (off < INK.LIKE_PAPER * way + INK.NOISE) counts.bare += 1;
  }
  return counts;
}

/**
 * How far pixels are on the way from the paper's colour to the ink's, and whether they lie on it.
 * @typedef {{ share: Float64Array, isInk: Uint8Array }} Inkiness
 * @param {ArrayLike<number>} pixels @param {ArrayLike<number>} paper @param {ArrayLike<number>} ink @returns {Inkiness}
 */
function inkiness(pixels, paper, ink) {
  const count = pixels.length / 3;
  const [share, isInk] = [new Float64Array(count), new Uint8Array(count)];
  for (let at = 0, each = 0; at < count; at++) {
    let [length, along, away] = [0, 0, 0];
    for (let channel = 0; channel < 3; channel++, each++) {
      const [way, off] = [ink[channel] - paper[each], pixels[each] - paper[each]];
      length += way * way;
      along += off * way;
      away += off * off;
    }
    share[at] = along / Math.max(length, 1);
    const onIt = share[at] ** 2 * Math.max(length, 1);
    isInk[at] = Number(away - onIt < INK.ITS_COLOUR * onIt + INK.NOISE);
  }
  return { share, isInk };
}

/** Detects ink that has appeared anywhere in a frame, even where the reader finds no digit yet. */
export class FrameInk {
  /** @type {Picture | null} */
  #known = null;
  /** @type {{ at: number, thin: Picture }[]} */
  #before = [];
  #drift = [0, 0];

  /**
   * Whether there is ink that was not there when this was last true.
   * @param {Picture} image @param {number} at seconds @param {number[]} moved how far the page moved, in pixels
   * @param {InkPatch[]} watched of the known digits: ink close to them, or of another colour, does not count
   */
  isNew(image, at, moved, watched) {
    const last = this.#before.at(-1);
    this.#drift = this.#drift.map((each, side) => each + moved[side]);
    if (last && at - last.at < INK.OFTEN) return false;
    const scale = INK.FRAME / Math.max(image.width, image.height);
    const { small, paper, thin } = thinOf(image, scale);
    const alike = (/** @type {Picture} */ { width, height }) => width === thin.width && height === thin.height;
    if (last && !alike(last.thin)) this.#before = [];
    while (this.#before.length > 1 && at - this.#before[1].at >= INK.RESTS) this.#before.shift();
    const rests = this.#before[0]?.thin ?? thin;
    this.#before.push({ at, thin });
    const drifted = Math.max(...this.#drift.map(Math.abs)) * scale > INK.DRIFTS;
    if (!this.#known || !alike(this.#known) || drifted) {
      this.#keep(thin);
      return false;
    }
    const least = 0.4 * Math.max(INK.LEAST_CONTRAST, percentile(this.#known.data, 99.5));
    const [around, resting] = [dilated(this.#known, 5, 5, true).data, dilated(rests, 3, 3, true).data];
    const isFresh = (/** @type {number} */ level, /** @type {number} */ place) =>
      Number(level > least && resting[place] > least && around[place] < 0.5 * least);
    const fresh = thin.data.map(isFresh);
    if (countOf(fresh) < INK.FRAME_INK) return false;
    if (watched.length) keepColours(fresh, watched, small, paper);
    for (const { box } of watched) clear(fresh, thin, grown(box, 0.3 * longestSide(box)), scale);
    if (countOf(fresh) < INK.FRAME_INK) return false;
    this.#keep(thin);
    return true;
  }

  /** @param {Picture} thin */
  #keep(thin) {
    [this.#known, this.#drift] = [thin, [0, 0]];
  }
}

/**
 * Drop what has not the colour of the known digits' ink.
 * @param {Uint8Array} fresh @param {InkPatch[]} watched @param {Picture} small @param {Picture} paper
 */
function keepColours(fresh, watched, small, paper) {
  const colours = watched.map(({ ink }) => inkiness(small.data, paper.data, ink));
  for (let at = 0; at < fresh.length; at++)
    if (!colours.some(({ share, isInk }) => isInk[at] && share[at] > INK.TINGED)) fresh[at] = 0;
}

/**
 * Drop what is in a box of the frame.
 * @param {Uint8Array} fresh @param {Picture} like @param {Box} box @param {number} scale
 */
function clear(fresh, { width, height }, box, scale) {
  const [x0, y0, x1, y1] = box.map((each) => Math.max(0, rounded(each * scale)));
  for (let y = y0; y <= Math.min(y1, height - 1); y++)
    fresh.fill(0, y * width + Math.min(x0, width), y * width + Math.min(x1 + 1, width));
}

/**
 * A frame at a coarser scale, the same without thin strokes, and their strength.
 * @param {Picture} image @param {number} scale
 */
function thinOf(image, scale) {
  const { width, height } = image;
  const size = [width, height].map((each) => Math.max(8, rounded(each * scale)));
  const small = byArea(everyNth(image, Math.max(1, Math.floor(0.5 / scale))), size[0], size[1]);
  const half = medianOf(byArea(small, size[0] >> 1, size[1] >> 1), INK.FRAME_ACROSS);
  const paper = linear(half, size[0], size[1]);
  return { small, paper, thin: { ...small, channels: 1, data: largestDifference(small, paper) } };
}

/** @param {Picture} picture @param {number} step */
function everyNth(picture, step) {
  if (step === 1) return picture;
  const result = emptyLike(picture, Math.ceil(picture.width / step), Math.ceil(picture.height / step));
  for (let y = 0, to = 0; y < result.height; y++)
    for (let x = 0; x < result.width; x++)
      for (let channel = 0; channel < 3; channel++)
        result.data[to++] = picture.data[3 * step * (y * picture.width + x) + channel];
  return result;
}

/** Median filter of each channel. @param {Picture} picture @param {number} side */
function medianOf(picture, side) {
  const result = emptyLike(picture, picture.width, picture.height);
  for (let channel = 0; channel < 3; channel++) {
    const data = Uint8Array.from({ length: result.data.length / 3 }, (_, at) => picture.data[3 * at + channel]);
    median({ ...picture, channels: 1, data }, side).data.forEach((level, at) => {
      result.data[3 * at + channel] = level;
    });
  }
  return result;
}

/** Of each pixel the largest difference of its channels. @param {Picture} one @param {Picture} other */
function largestDifference({ data: one }, { data: other }) {
  const result = new Uint8Array(one.length / 3);
  for (let at = 0, each = 0; at < result.length; at++, each += 3)
    result[at] = Math.max(
      Math.abs(one[each] - other[each]),
      Math.abs(one[each + 1] - other[each + 1]),
      Math.abs(one[each + 2] - other[each + 2]),
    );
  return result;
}

/**
 * The median of each channel, of all pixels or of those chosen.
 * @param {Picture} picture @param {Uint8Array} [chosen]
 */
function levelOf({ data }, chosen) {
  return Float32Array.from([0, 1, 2], (channel) => {
    const counts = new Int32Array(256);
    let all = 0;
    for (let at = 0; 3 * at < data.length; at++) {
      if (chosen && !chosen[at]) continue;
      counts[data[3 * at + channel]] += 1;
      all += 1;
    }
    return (sorted(counts, (all - 1) >> 1) + sorted(counts, all >> 1)) / 2;
  });
}

/** @param {Uint8Array} levels @param {number} percent */
function percentile(levels, percent) {
  const counts = new Int32Array(256);
  for (const level of levels) counts[level] += 1;
  const place = (percent / 100) * (levels.length - 1);
  const below = Math.floor(place);
  const [low, high] = [sorted(counts, below), sorted(counts, Math.min(below + 1, levels.length - 1))];
  return low + (place - below) * (high - low);
}

/** The level at this place of all pixels in order. @param {Int32Array} counts of each level @param {number} place */
function sorted(counts, place) {
  let [level, upto] = [0, counts[0]];
  while (upto <= place) upto += counts[++level];
  return level;
}

/** @param {Uint8Array} mask */
const countOf = (mask) => mask.reduce((sum, each) => sum + each, 0);
/** @param {Uint8Array} values */
const mostOf = (values) => values.reduce((most, each) => Math.max(most, each), 0);

/** @param {Box} box @param {number} by @returns {Box} */
const grown = ([x0, y0, x1, y1], by) => [x0 - by, y0 - by, x1 + by, y1 + by];

/**
 * Resample a part of a frame; null if hardly anything of it is in the frame.
 * @param {Picture} image @param {Box} box @param {number} scale
 */
function resampled(image, box, scale) {
  const [x0, y0] = [Math.max(0, rounded(box[0])), Math.max(0, rounded(box[1]))];
  const [x1, y1] = [Math.min(image.width, rounded(box[2])), Math.min(image.height, rounded(box[3]))];
  if (x1 - x0 < 2 || y1 - y0 < 2) return null;
  const [wide, high] = [Math.max(1, rounded((x1 - x0) / scale)), Math.max(1, rounded((y1 - y0) / scale))];
  return (scale > 1 ? byArea : linear)(crop(image, x0, y0, x1, y1), wide, high);
}

/**
 * Pad to at least this size, with the pixels at the edge.
 * @param {Picture} picture @param {number} width @param {number} height
 */
function atLeast(picture, width, height) {
  if (picture.width >= width && picture.height >= height) return picture;
  const result = emptyLike(picture, Math.max(width, picture.width), Math.max(height, picture.height));
  for (let y = 0, to = 0; y < result.height; y++)
    for (let x = 0; x < result.width; x++, to += 3) {
      const from = 3 * (Math.min(y, picture.height - 1) * picture.width + Math.min(x, picture.width - 1));
      result.data.set(picture.data.subarray(from, from + 3), to);
    }
  return result;
}
