// Numbers as pictures: orange above 0, blue below, and 0 in the colour of paper, as in all of digitlab's pictures.

import { fromBase64 } from "./api.js";
import { canvas, penOf } from "./elements.js";
import { dark } from "./theme.js";
import { number, signed } from "./words.js";

/** @import { Kernels, LayerMaps } from "../schemas.js" */

const COLOURS = {
  light: { zero: [255, 255, 255], above: [213, 94, 0], below: [0, 114, 178] },
  dark: { zero: [32, 35, 41], above: [255, 150, 84], below: [98, 190, 240] },
};

/** @type {Map<string, Uint8ClampedArray>} */
const ramps = new Map();

/**
 * 256 colours for values from low to high, cached; values of both signs are divided by the same `scale`.
 * @param {number} low
 * @param {number} high
 * @param {number} scale
 */
function ramp(low, high, scale) {
  const theme = dark() ? "dark" : "light";
  const key = `${low} ${high} ${scale} ${theme}`;
  const colours = ramps.get(key) ?? colourRamp(low, high, scale, theme);
  if (!ramps.has(key) && ramps.size > 200) ramps.clear();
  ramps.set(key, colours);
  return colours;
}

/**
 * Compute red, green, blue and opacity for each byte value.
 * @param {number} low
 * @param {number} high
 * @param {number} scale
 * @param {"light" | "dark"} theme
 */
export function colourRamp(low, high, scale, theme) {
  const { zero, above, below } = COLOURS[theme];
  const colours = new Uint8ClampedArray(256 * 4);
  for (let byte = 0; byte < 256; byte += 1) {
    const value = (low + (byte / 255) * (high - low)) / (scale || 1);
    const end = value < 0 ? below : above;
    const share = Math.min(Math.abs(value), 1) ** 0.8; // keeps weak responses visible
    for (let channel = 0; channel < 3; channel += 1)
      colours[4 * byte + channel] = zero[channel] + share * (end[channel] - zero[channel]);
    colours[4 * byte + 3] = 255;
  }
  return colours;
}

/**
 * Paint rows × columns bytes, beginning at `start`, into a canvas that is resized to that many pixels.
 * @param {HTMLCanvasElement} target
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} rows
 * @param {number} columns
 * @param {Uint8ClampedArray} colours
 */
function paintBytes(target, bytes, start, rows, columns, colours) {
  [target.width, target.height] = [columns, rows];
  const pixels = new ImageData(columns, rows);
  for (let index = 0; index < rows * columns; index += 1) {
    pixels.data.set(colours.subarray(4 * bytes[start + index], 4 * bytes[start + index] + 4), 4 * index);
  }
  penOf(target).putImageData(pixels, 0, 0);
  return target;
}

/** The maps of one layer (LayerMaps), decoded once. */
export class Maps {
  /** @param {LayerMaps} layer */
  constructor({ name, shape, low, high, data }) {
    const [count, rows, columns] = shape;
    this.name = name;
    this.low = low;
    this.high = high;
    this.count = count;
    this.rows = rows;
    this.columns = columns;
    this.bytes = fromBase64(data);
  }

  /** @param {number} map */
  at(map, row = 0, column = 0) {
    const byte = this.bytes[(map * this.rows + row) * this.columns + column];
    return this.low + (byte / 255) * (this.high - this.low);
  }

  /** Format the number at a place, as precisely as a map's bytes allow. @param {number} map */
  words(map, row = 0, column = 0) {
    const step = (this.high - this.low) / 255 || 1;
    const digits = Math.min(Math.max(Math.floor(-Math.log10(step)), 0), 3);
    return (this.low < 0 ? signed : number)(this.at(map, row, column), digits);
  }

  /** Colours shared by all maps of a layer, so that a strong map looks strong. */
  get #colours() {
    return ramp(this.low, this.high, Math.max(Math.abs(this.low), Math.abs(this.high)));
  }

  /** The byte that stands for 0; outside 0 … 255 if no number of the layer is 0. */
  get #zero() {
    return Math.round((-this.low / (this.high - this.low || 1)) * 255);
  }

  /**
   * Paint one map in the layer's colours.
   * @param {HTMLCanvasElement} target
   * @param {number} map
   */
  paint(target, map) {
    return paintBytes(target, this.bytes, map * this.rows * this.columns, this.rows, this.columns, this.#colours);
  }

  /** Paint all numbers of a vector as one nearly square picture. @param {HTMLCanvasElement} target */
  paintTogether(target) {
    const wide = Math.ceil(Math.sqrt(this.count));
    const rows = Math.ceil(this.count / wide);
    const bytes = new Uint8Array(wide * rows).fill(this.#zero);
    bytes.set(this.bytes);
    return paintBytes(target, bytes, 0, rows, wide, this.#colours);
  }

  /** Indices of the maps, strongest first: by variance, or by absolute value if they are single numbers. */
  strongest() {
    const size = this.rows * this.columns;
    const sums = Array.from({ length: this.count }, (_, map) => {
      let [sum, square] = [0, 0];
      for (let index = map * size; index < (map + 1) * size; index += 1) {
        sum += this.bytes[index];
        square += this.bytes[index] ** 2;
      }
      return size > 1 ? square / size - (sum / size) ** 2 : Math.abs(this.at(map));
    });
    return [...sums.keys()].sort((a, b) => sums[b] - sums[a]);
  }

  /** The share of the layer's numbers that are 0. */
  zeros() {
    return this.bytes.filter((byte) => byte === this.#zero).length / this.bytes.length;
  }
}

/** The weights of a layer (Kernels), decoded once. */
export class Weights {
  /** @param {Kernels} kernels */
  constructor({ shape, scale, data, bias }) {
    const [filters, inputs, rows, columns] = shape;
    this.scale = scale;
    this.bias = bias;
    this.filters = filters;
    this.inputs = inputs;
    this.rows = rows;
    this.columns = columns;
    this.bytes = new Int8Array(fromBase64(data).buffer);
  }

  /**
   * @param {number} filter
   * @param {number} input
   */
  at(filter, input, row = 0, column = 0) {
    const index = ((filter * this.inputs + input) * this.rows + row) * this.columns + column;
    return (this.bytes[index] / 127) * this.scale;
  }

  /** Indices of a filter's inputs, by decreasing sum of the absolute weights. @param {number} filter */
  strongestInputs(filter) {
    const size = this.rows * this.columns;
    const sums = Array.from({ length: this.inputs }, (_, input) => {
      const start = (filter * this.inputs + input) * size;
      return this.bytes.subarray(start, start + size).reduce((sum, weight) => sum + Math.abs(weight), 0);
    });
    return [...sums.keys()].sort((a, b) => sums[b] - sums[a]);
  }

  /**
   * Paint one input's slice of a filter, with colours scaled by the filter's largest absolute weight.
   * @param {HTMLCanvasElement} target
   * @param {number} filter
   */
  paint(target, filter, input = 0) {
    const size = this.rows * this.columns;
    const own = this.bytes.subarray(filter * this.inputs * size, (filter + 1) * this.inputs * size);
    const largest = own.reduce((most, weight) => Math.max(most, Math.abs(weight)), 1);
    const slice = Uint8Array.from(own.subarray(input * size, (input + 1) * size), (weight) => weight + 128);
    return paintBytes(target, slice, 0, this.rows, this.columns, ramp(-128, 127, largest));
  }
}

/**
 * Paint numbers [row][column], with colours scaled by the largest absolute value, or by `scale`.
 * @param {HTMLCanvasElement} target
 * @param {number[][]} numbers
 */
export function paintNumbers(target, numbers, scale = 0) {
  const flat = numbers.flat();
  const most = scale || flat.reduce((sofar, value) => Math.max(sofar, Math.abs(value)), 0);
  const bytes = Uint8Array.from(flat, (value) =>
    Math.round(127.5 + 127.5 * Math.max(-1, Math.min(1, value / (most || 1)))),
  );
  return paintBytes(target, bytes, 0, numbers.length, numbers[0].length, ramp(-1, 1, 1));
}

/**
 * Paint a glyph (784 bytes, light ink on dark) as ink on paper, in the theme's colours.
 * @param {HTMLCanvasElement} target
 * @param {Uint8Array} bytes
 */
export function paintGlyph(target, bytes, start = 0) {
  const [paper, ink] = dark()
    ? [
        [32, 35, 41],
        [236, 238, 241],
      ]
    : [
        [255, 255, 255],
        [29, 33, 41],
      ];
  const colours = new Uint8ClampedArray(256 * 4);
  for (let byte = 0; byte < 256; byte += 1) {
    for (let channel = 0; channel < 3; channel += 1)
      colours[4 * byte + channel] = paper[channel] + (byte / 255) * (ink[channel] - paper[channel]);
    colours[4 * byte + 3] = 255;
  }
  return paintBytes(target, bytes, start, 28, 28, colours);
}

/** Convert a glyph to black ink on a transparent background, for the pad. @param {Uint8Array} bytes */
export function glyphInk(bytes, start = 0) {
  const ink = canvas(28, 28);
  const pixels = new ImageData(28, 28);
  for (let index = 0; index < 784; index += 1) pixels.data[4 * index + 3] = bytes[start + index];
  penOf(ink).putImageData(pixels, 0, 0);
  return ink;
}
