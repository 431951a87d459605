// Numbers as pictures: orange above 0, blue below, and 0 is the paper, as in all of digitlab's pictures.

import { fromBase64 } from "./api.js";
import { canvas } from "./elements.js";
import { dark } from "./theme.js";
import { number, signed } from "./words.js";

const COLOURS = {
  light: { zero: [255, 255, 255], above: [213, 94, 0], below: [0, 114, 178] },
  dark: { zero: [32, 35, 41], above: [255, 150, 84], below: [98, 190, 240] },
};

/** 256 colours for values from low to high; both ends are measured with the same `scale`. */
function ramp(low, high, scale) {
  const key = `${low} ${high} ${scale} ${dark()}`;
  if (!ramps.has(key)) {
    if (ramps.size > 200) ramps.clear();
    ramps.set(key, colourRamp(low, high, scale));
  }
  return ramps.get(key);
}

const ramps = new Map();
function colourRamp(low, high, scale) {
  const { zero, above, below } = COLOURS[dark() ? "dark" : "light"];
  const colours = new Uint8ClampedArray(256 * 4);
  for (let byte = 0; byte < 256; byte += 1) {
    const value = (low + (byte / 255) * (high - low)) / (scale || 1);
    const end = value < 0 ? below : above;
    const share = Math.min(Math.abs(value), 1) ** 0.8; // weak answers are still to be seen
    for (let each = 0; each < 3; each += 1) colours[4 * byte + each] = zero[each] + share * (end[each] - zero[each]);
    colours[4 * byte + 3] = 255;
  }
  return colours;
}

/** Paint rows × columns of bytes, from `start` on, into a canvas of that many pixels. */
function paintBytes(target, bytes, start, rows, columns, colours) {
  [target.width, target.height] = [columns, rows];
  const pixels = new ImageData(columns, rows);
  for (let place = 0; place < rows * columns; place += 1) {
    pixels.data.set(colours.subarray(4 * bytes[start + place], 4 * bytes[start + place] + 4), 4 * place);
  }
  target.getContext("2d").putImageData(pixels, 0, 0);
  return target;
}

/** The maps of one layer (LayerMaps), decoded once. */
export class Maps {
  constructor({ name, shape, low, high, data }) {
    [this.name, this.shape, this.low, this.high] = [name, shape, low, high];
    [this.count, this.rows, this.columns] = shape;
    this.bytes = fromBase64(data);
  }

  at(map, row = 0, column = 0) {
    const byte = this.bytes[(map * this.rows + row) * this.columns + column];
    return this.low + (byte / 255) * (this.high - this.low);
  }

  /** The number at a place, as exactly as a byte of a map can say it. */
  words(map, row = 0, column = 0) {
    const step = (this.high - this.low) / 255 || 1;
    const digits = Math.min(Math.max(Math.floor(-Math.log10(step)), 0), 3);
    return (this.low < 0 ? signed : number)(this.at(map, row, column), digits);
  }

  /** All maps of a layer share their colours, so that a strong map looks strong. */
  paint(target, map) {
    const colours = ramp(this.low, this.high, Math.max(Math.abs(this.low), Math.abs(this.high)));
    return paintBytes(target, this.bytes, map * this.rows * this.columns, this.rows, this.columns, colours);
  }

  /** All numbers of a row of units as one nearly square picture. */
  paintTogether(target) {
    const wide = Math.ceil(Math.sqrt(this.count));
    const rows = Math.ceil(this.count / wide);
    const zero = Math.round((-this.low / (this.high - this.low || 1)) * 255);
    const bytes = new Uint8Array(wide * rows).fill(zero);
    bytes.set(this.bytes);
    return paintBytes(
      target,
      bytes,
      0,
      rows,
      wide,
      ramp(this.low, this.high, Math.max(Math.abs(this.low), Math.abs(this.high))),
    );
  }

  /** The numbers of the maps, the strongest first: those that differ most within themselves. */
  strongest() {
    const size = this.rows * this.columns;
    const sums = Array.from({ length: this.count }, (_, map) => {
      let [sum, square] = [0, 0];
      for (let place = map * size; place < (map + 1) * size; place += 1) {
        sum += this.bytes[place];
        square += this.bytes[place] ** 2;
      }
      return size > 1 ? square / size - (sum / size) ** 2 : Math.abs(this.at(map));
    });
    return [...sums.keys()].sort((a, b) => sums[b] - sums[a]);
  }

  /** The share of the layer's numbers that are 0. */
  zeros() {
    let count = 0;
    const zero = Math.round((-this.low / (this.high - this.low || 1)) * 255);
    for (const byte of this.bytes) count += byte === zero;
    return count / this.bytes.length;
  }
}

/** The weights of a layer (Kernels), decoded once. */
export class Weights {
  constructor({ shape, scale, data, bias }) {
    [this.shape, this.scale, this.bias] = [shape, scale, bias];
    [this.filters, this.inputs, this.rows, this.columns] = shape;
    this.bytes = new Int8Array(fromBase64(data).buffer);
  }

  at(filter, input, row = 0, column = 0) {
    const place = ((filter * this.inputs + input) * this.rows + row) * this.columns + column;
    return (this.bytes[place] / 127) * this.scale;
  }

  /** One slice of a filter as a picture, its colours measured with the filter's own largest weight. */
  paint(target, filter, input = 0) {
    const size = this.rows * this.columns;
    const own = this.bytes.subarray(filter * this.inputs * size, (filter + 1) * this.inputs * size);
    const largest = own.reduce((most, each) => Math.max(most, Math.abs(each)), 1);
    const slice = Uint8Array.from(own.subarray(input * size, (input + 1) * size), (each) => each + 128);
    return paintBytes(target, slice, 0, this.rows, this.columns, ramp(-128, 127, largest));
  }
}

/** Numbers [row][column] as a picture, their colours measured with `scale` or the largest of them. */
export function paintNumbers(target, numbers, scale = null) {
  const flat = numbers.flat();
  const most = scale ?? flat.reduce((sofar, each) => Math.max(sofar, Math.abs(each)), 0);
  const bytes = Uint8Array.from(flat, (each) =>
    Math.round(127.5 + 127.5 * Math.max(-1, Math.min(1, each / (most || 1)))),
  );
  return paintBytes(target, bytes, 0, numbers.length, numbers[0].length, ramp(-1, 1, 1));
}

/** A glyph (784 bytes, light ink on dark) as ink on paper, in the colours of the theme. */
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
    for (let each = 0; each < 3; each += 1)
      colours[4 * byte + each] = paper[each] + (byte / 255) * (ink[each] - paper[each]);
    colours[4 * byte + 3] = 255;
  }
  return paintBytes(target, bytes, start, 28, 28, colours);
}

/** A glyph as black ink on nothing, for the pad. */
export function glyphInk(bytes, start = 0) {
  const ink = canvas(28, 28);
  const pixels = new ImageData(28, 28);
  for (let place = 0; place < 784; place += 1) pixels.data[4 * place + 3] = bytes[start + place];
  ink.getContext("2d").putImageData(pixels, 0, 0);
  return ink;
}
