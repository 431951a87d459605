// Convolutions: with the WebAssembly kernels where these apply, else in plain loops.

import { startKernels } from "./kernels.js";
import { ModelError } from "./onnx.js";
import { Tensor } from "./tensor.js";

/**
 * @import { Kernels, Form } from "./kernels.js"
 * @import { Values } from "./onnx.js"
 * @import { Levels } from "./tensor.js"
 * @typedef {{
 *   size: [number, number], stride: [number, number], dilation: [number, number], before: [number, number],
 *   made: [number, number]
 * }} Window each down, across; `before`: padding above and to the left; `made`: rows and columns of the result
 * @typedef {{ images: number, maps: number, rows: number, columns: number, filters: number, groups: number }} Sizes
 * @typedef {{ address: number, steps: number }} Packed
 */

/**
 * Resolve the settings of a convolution or pooling for an input of this size.
 * @param {Record<string, any>} settings
 * @param {number[]} size
 * @param {number[]} given rows and columns
 * @returns {Window}
 */
export function windowOf(settings, size, given) {
  const stride = settings.strides ?? [1, 1];
  const dilation = settings.dilations ?? [1, 1];
  const pads = settings.pads ?? [0, 0, 0, 0];
  const before = [pads[0], pads[1]];
  const made = [0, 0];
  const automatic = settings.auto_pad ?? "NOTSET";
  for (const axis of [0, 1]) {
    const reach = (size[axis] - 1) * dilation[axis] + 1;
    if (automatic.startsWith("SAME")) {
      made[axis] = Math.ceil(given[axis] / stride[axis]);
      const missing = Math.max((made[axis] - 1) * stride[axis] + reach - given[axis], 0);
      before[axis] = automatic === "SAME_UPPER" ? missing >> 1 : missing - (missing >> 1);
    } else {
      const all = automatic === "VALID" ? 0 : pads[axis] + pads[axis + 2];
      if (automatic === "VALID") before[axis] = 0;
      const places = (given[axis] + all - reach) / stride[axis];
      made[axis] = (settings.ceil_mode ? Math.ceil(places) : Math.floor(places)) + 1;
      // Drop a last window that would lie entirely in the padding at the end.
      if (settings.ceil_mode && (made[axis] - 1) * stride[axis] >= given[axis] + before[axis]) made[axis] -= 1;
    }
  }
  if (made.some((each) => !(each > 0))) throw new ModelError("has a window that is larger than its input");
  return /** @type {Window} */ ({ size, stride, dilation, before, made });
}

/** One network's WebAssembly memory: packed weights stay, the rest is reused by each layer. */
export class Workbench {
  /** @type {Kernels | null} */
  kernels;
  #kept = 64;
  /** @type {WeakMap<object, Map<string, Packed>>} */
  #packed = new WeakMap();

  constructor() {
    this.kernels = startKernels();
  }

  /**
   * @param {Tensor} given
   * @param {Tensor} weights constants
   * @param {Tensor | undefined} bias
   * @param {Record<string, any>} settings
   * @param {boolean} parted whether ONNX Runtime sums each input map separately if there are few
   */
  convolve(given, weights, bias, settings, parted) {
    if (given.dims.length !== 4 || weights.dims.length !== 4)
      throw new ModelError("has a convolution that is not over rows and columns");
    const [images, maps, rows, columns] = given.dims;
    const [filters, each, ...size] = weights.dims;
    /** @type {Sizes} */
    const sizes = { images, maps, rows, columns, filters, groups: settings.group ?? 1 };
    if (each * sizes.groups !== maps) throw new ModelError("has a convolution whose filters do not fit its input");
    const window = windowOf(settings, size, [rows, columns]);
    const dims = [images, filters, ...window.made];
    const [levels, whole] = [given.levels, weights.levels];
    const fits = sizes.groups === 1 && window.dilation.every((step) => step === 1) && this.kernels !== null;
    if (fits && levels && whole && levels.scale.length === 1 && whole.zero.every((zero) => zero === 0))
      return Tensor.later(dims, {
        real: () => ({ values: this.#unrounded(given, levels, weights, whole, bias, sizes, window), last: true }),
        rounded: (scale, zero) => this.#rounded(given, levels, weights, whole, bias, sizes, window, scale, zero),
      });
    if (!fits) return new Tensor("float32", dims, slowly(given.values, weights.values, bias?.values, sizes, window));
    const values = this.#run("real", given.mapsLast, 0, weights, padded(bias?.values, filters), sizes, window);
    const made = new Tensor("float32", dims, values, true);
    made.exact = (place) => exactly(place, given, weights, bias, sizes, window, parted && maps < 8);
    return made;
  }

  /**
   * @param {Tensor} given @param {Levels} levels @param {Tensor} weights @param {Levels} whole
   * @param {Tensor | undefined} bias @param {Sizes} sizes @param {Window} window
   */
  #unrounded(given, levels, weights, whole, bias, sizes, window) {
    const scales = products(levels, whole, sizes.filters);
    const start = wholeBias(bias, scales, sizes.filters);
    const sums = this.#run("whole", given.levelsLast(levels), levels.zero[0], weights, start, sizes, window);
    return Float32Array.from(sums, (sum, place) => sum * scales[place % sizes.filters]);
  }

  /**
   * @param {Tensor} given @param {Levels} levels @param {Tensor} weights @param {Levels} whole
   * @param {Tensor | undefined} bias @param {Sizes} sizes @param {Window} window @param {number} scale @param {number} zero
   */
  #rounded(given, levels, weights, whole, bias, sizes, window, scale, zero) {
    const scales = products(levels, whole, sizes.filters);
    const start = wholeBias(bias, scales, sizes.filters);
    const to = {
      scales: padded(
        scales.map((each) => each / scale),
        sizes.filters,
      ),
      zero,
    };
    const values = this.#run("rounded", given.levelsLast(levels), levels.zero[0], weights, start, sizes, window, to);
    return new Tensor("uint8", [sizes.images, sizes.filters, ...window.made], values, true);
  }

  /**
   * @param {Form} form
   * @param {Values} given channels last
   * @param {number} zero its zero point
   * @param {Tensor} weights
   * @param {Float32Array | Int32Array} bias padded to a multiple of 8 filters
   * @param {Sizes} sizes
   * @param {Window} window
   * @param {{ scales: Float32Array, zero: number }} [to]
   */
  #run(form, given, zero, weights, bias, sizes, window, to) {
    const kernels = /** @type {Kernels} */ (this.kernels);
    const { images, maps, rows, columns, filters } = sizes;
    const { size, stride, before, made } = window;
    const bytes = form === "real" ? 4 : 2; // per input
    const eights = Math.ceil(filters / 8);
    const packed = this.#pack(weights, form === "real");
    // A 1×1 convolution needs no rows: all positions of an image are treated as one row.
    const flat = size[0] * size[1] * stride[0] * stride[1] === 1 && before[0] + before[1] === 0 && made[1] === columns;
    const [down, across] = flat ? [1, made[0] * made[1]] : made;
    const high = flat ? 1 : Math.max((made[0] - 1) * stride[0] + size[0], before[0] + rows);
    const wide = flat ? rows * columns : Math.max((made[1] - 1) * stride[1] + size[1], before[1] + columns);
    const unit = form === "rounded" ? 1 : 4; // bytes per result
    const inBytes = high * wide * maps * bytes + 4 * packed.steps + 64;
    const outBytes = down * across * eights * 8 * unit;
    const biasAt = this.#kept;
    const scalesAt = biasAt + 4 * bias.length;
    const inAt = aligned(scalesAt + 4 * bias.length);
    const outAt = aligned(inAt + inBytes);
    this.#reach(outAt + outBytes + 64);
    const { buffer } = kernels.memory;
    new /** @type {any} */ (bias.constructor)(buffer, biasAt, bias.length).set(bias);
    if (to) new Float32Array(buffer, scalesAt, to.scales.length).set(to.scales);
    const input =
      form === "real" ? new Float32Array(buffer, inAt, inBytes >> 2) : new Int16Array(buffer, inAt, inBytes >> 1);
    input.fill(0);
    const places = made[0] * made[1];
    const all = new (form === "real" ? Float32Array : form === "whole" ? Int32Array : Uint8Array)(
      images * places * filters,
    );
    const out = new /** @type {any} */ (all.constructor)(buffer, outAt, places * eights * 8);
    const [four, one] = [kernels[`${form}4`], kernels[`${form}1`]];
    const rest = across & 3;
    for (let image = 0; image < images; image++) {
      const from = image * rows * columns * maps;
      const [lines, long] = flat ? [1, rows * columns * maps] : [rows, columns * maps];
      for (let row = 0; row < lines; row++) {
        const at = ((row + before[0]) * wide + before[1]) * maps;
        if (input instanceof Float32Array) input.set(given.subarray(from + row * long, from + (row + 1) * long), at);
        else moved(input, at, given, from + row * long, long, zero);
      }
      for (let eight = 0; eight < eights; eight++)
        for (let row = 0; row < down; row++) {
          const x = inAt + row * stride[0] * wide * maps * bytes;
          const y = outAt + (row * across * eights + eight) * 8 * unit;
          const [step, gap, w] = [
            stride[1] * maps * bytes,
            eights * 8 * unit,
            packed.address + eight * size[0] * packed.steps * 32,
          ];
          const more = /** @type {const} */ ([
            scalesAt + 32 * eight,
            -(to?.zero ?? 0),
            255 - (to?.zero ?? 0),
            to?.zero ?? 0,
          ]);
          const [b, line] = [biasAt + 32 * eight, wide * maps * bytes];
          if (across > 3) four(x, w, b, y, size[0], packed.steps, line, step, across - rest, gap, ...more);
          const done = across - rest;
          if (rest) one(x + done * step, w, b, y + done * gap, size[0], packed.steps, line, step, rest, gap, ...more);
        }
      if (filters === eights * 8) all.set(out, image * places * filters);
      else
        for (let place = 0; place < places; place++)
          all.set(out.subarray(place * eights * 8, place * eights * 8 + filters), (image * places + place) * filters);
    }
    return all;
  }

  /** Pack weights for the kernels, and cache them. @param {Tensor} weights @param {boolean} real @returns {Packed} */
  #pack(weights, real) {
    const values = real ? weights.values : /** @type {Levels} */ (weights.levels).values;
    const known = this.#packed.get(values) ?? new Map();
    this.#packed.set(values, known);
    const found = known.get(String(real));
    if (found) return found;
    const [filters, maps, high, wide] = weights.dims;
    const each = real ? 1 : 2;
    const steps = 2 * Math.ceil(Math.ceil((wide * maps) / each) / 2);
    const eights = Math.ceil(filters / 8);
    const length = eights * high * steps * 8 * each;
    const address = this.#kept;
    this.#kept = aligned(address + length * (real ? 4 : 2));
    this.#reach(this.#kept);
    const { buffer } = /** @type {Kernels} */ (this.kernels).memory;
    const target = real ? new Float32Array(buffer, address, length) : new Int16Array(buffer, address, length);
    target.fill(0);
    for (let filter = 0, from = 0; filter < filters; filter++)
      for (let map = 0; map < maps; map++)
        for (let row = 0; row < high; row++)
          for (let column = 0; column < wide; column++, from++) {
            const at = column * maps + map;
            const step = ((filter >> 3) * high + row) * steps + Math.floor(at / each);
            target[(step * 8 + (filter & 7)) * each + (at % each)] = values[from];
          }
    known.set(String(real), { address, steps });
    return { address, steps };
  }

  /** @param {number} bytes */
  #reach(bytes) {
    const { memory } = /** @type {Kernels} */ (this.kernels);
    const missing = bytes - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
  }
}

/** @param {number} address */
const aligned = (address) => (address + 63) & ~63;

/**
 * Copy levels with the zero point subtracted.
 * @param {Int16Array} to @param {number} at @param {Values} from @param {number} start @param {number} count @param {number} zero
 */
function moved(to, at, from, start, count, zero) {
  for (let place = 0; place < count; place++) to[at + place] = from[start + place] - zero;
}

/** @param {ArrayLike<number> | undefined} values @param {number} filters */
function padded(values, filters) {
  const made = new Float32Array(8 * Math.ceil(filters / 8));
  if (values) made.set(values);
  return made;
}

/** The scale of each filter's sums. @param {Levels} levels @param {Levels} whole @param {number} filters */
function products(levels, whole, filters) {
  return Float32Array.from(
    { length: filters },
    (_, filter) => levels.scale[0] * (whole.scale[filter] ?? whole.scale[0]),
  );
}

/** @param {Tensor | undefined} bias @param {Float32Array} scales @param {number} filters */
function wholeBias(bias, scales, filters) {
  const made = new Int32Array(8 * Math.ceil(filters / 8));
  if (bias?.levels) made.set(bias.levels.values);
  else if (bias) made.set(Int32Array.from(scales, (scale, filter) => Math.round(bias.values[filter] / scale)));
  return made;
}

/**
 * Compute one element of a convolution as ONNX Runtime's kernels for x86 do: rounded to a float after each product is
 * added (a fused multiply-add: the product itself is not rounded); `parted`: each map is summed separately first.
 * @param {number} place @param {Tensor} given @param {Tensor} weights @param {Tensor | undefined} bias @param {Sizes} sizes
 * @param {Window} window @param {boolean} parted
 */
function exactly(
  place,
  given,
  weights,
  bias,
  { maps, rows, columns, filters },
  { size, stride, before, made },
  parted,
) {
  const f = Math.fround;
  const [x, y] = [place % made[1], Math.floor(place / made[1]) % made[0]];
  const plane = Math.floor(place / (made[0] * made[1]));
  const [filter, image] = [plane % filters, Math.floor(plane / filters)];
  const [from, by] = [given.mapsLast, weights.values];
  let [total, sum] = [0, 0];
  for (let map = 0; map < maps; map++) {
    if (parted) [total, sum] = [f(sum + total), 0];
    for (let down = 0; down < size[0]; down++) {
      const row = y * stride[0] - before[0] + down;
      if (row < 0 || row >= rows) continue;
      for (let across = 0; across < size[1]; across++) {
        const column = x * stride[1] - before[1] + across;
        if (column < 0 || column >= columns) continue;
        const value = from[((image * rows + row) * columns + column) * maps + map];
        sum = f(sum + value * by[((filter * maps + map) * size[0] + down) * size[1] + across]);
      }
    }
  }
  return f(f(sum + total) + (bias?.values[filter] ?? 0));
}

/**
 * Compute any convolution in plain loops.
 * @param {ArrayLike<number>} given @param {ArrayLike<number>} weights @param {ArrayLike<number> | undefined} bias
 * @param {Sizes} sizes @param {Window} window
 */
function slowly(
  given,
  weights,
  bias,
  { images, maps, rows, columns, filters, groups },
  { size, stride, dilation, before, made },
) {
  const [each, per] = [maps / groups, filters / groups];
  const out = new Float32Array(images * filters * made[0] * made[1]);
  let to = 0;
  for (let image = 0; image < images; image++)
    for (let filter = 0; filter < filters; filter++) {
      const first = image * maps + Math.floor(filter / per) * each;
      for (let y = 0; y < made[0]; y++)
        for (let x = 0; x < made[1]; x++) {
          let sum = bias ? bias[filter] : 0;
          for (let map = 0; map < each; map++)
            for (let down = 0; down < size[0]; down++) {
              const row = y * stride[0] - before[0] + down * dilation[0];
              if (row < 0 || row >= rows) continue;
              for (let across = 0; across < size[1]; across++) {
                const column = x * stride[1] - before[1] + across * dilation[1];
                if (column < 0 || column >= columns) continue;
                sum +=
                  given[((first + map) * rows + row) * columns + column] *
                  weights[((filter * each + map) * size[0] + down) * size[1] + across];
              }
            }
          out[to++] = sum;
        }
    }
  return out;
}
