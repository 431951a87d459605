// Convolutions: with the WebAssembly kernels where these apply, else in plain loops.

import { startKernels } from "./kernels.js";
import { ModelError } from "./onnx.js";
import { Tensor } from "./tensor.js";

/**
 * @import { Kernels, Form } from "./kernels.js"
 * @import { Values } from "./onnx.js"
 * @import { Levels } from "./tensor.js"
 * @typedef {{
 *   size: [number, number], stride: [number, number], dilation: [number, number], padding: [number, number],
 *   outputSize: [number, number]
 * }} Window each down, across; `padding`: above and to the left; `outputSize`: rows and columns of the result
 * @typedef {{ images: number, maps: number, rows: number, columns: number, filters: number, groups: number }} Sizes
 * @typedef {{ address: number, steps: number }} Packed
 */

/**
 * Resolve the settings of a convolution or pooling for an input of this size.
 * @param {Record<string, any>} settings
 * @param {number[]} size
 * @param {number[]} inputSize rows and columns
 * @returns {Window}
 */
export function windowOf(settings, size, inputSize) {
  const stride = settings.strides ?? [1, 1];
  const dilation = settings.dilations ?? [1, 1];
  const pads = settings.pads ?? [0, 0, 0, 0];
  const padding = [pads[0], pads[1]];
  const outputSize = [0, 0];
  const autoPad = settings.auto_pad ?? "NOTSET";
  for (const axis of [0, 1]) {
    const extent = (size[axis] - 1) * dilation[axis] + 1;
    if (autoPad.startsWith("SAME")) {
      outputSize[axis] = Math.ceil(inputSize[axis] / stride[axis]);
      const missing = Math.max((outputSize[axis] - 1) * stride[axis] + extent - inputSize[axis], 0);
      padding[axis] = autoPad === "SAME_UPPER" ? missing >> 1 : missing - (missing >> 1);
    } else {
      const totalPadding = autoPad === "VALID" ? 0 : pads[axis] + pads[axis + 2];
      if (autoPad === "VALID") padding[axis] = 0;
      const steps = (inputSize[axis] + totalPadding - extent) / stride[axis];
      outputSize[axis] = (settings.ceil_mode ? Math.ceil(steps) : Math.floor(steps)) + 1;
      // Drop a last window that would lie entirely in the padding at the end.
      if (settings.ceil_mode && (outputSize[axis] - 1) * stride[axis] >= inputSize[axis] + padding[axis])
        outputSize[axis] -= 1;
    }
  }
  if (outputSize.some((each) => !(each > 0))) throw new ModelError("has a window that is larger than its input");
  return /** @type {Window} */ ({ size, stride, dilation, padding, outputSize });
}

/** One network's WebAssembly memory: packed weights stay, the rest is reused by each layer. */
export class Workbench {
  /** @type {Kernels | null} */
  kernels;
  #allocated = 64;
  /** @type {WeakMap<object, Map<string, Packed>>} */
  #packed = new WeakMap();

  constructor() {
    this.kernels = startKernels();
  }

  /**
   * @param {Tensor} input
   * @param {Tensor} weights constants
   * @param {Tensor | undefined} bias
   * @param {Record<string, any>} settings
   * @param {boolean} sumPerMap whether ONNX Runtime sums each input map separately if there are few
   */
  convolve(input, weights, bias, settings, sumPerMap) {
    if (input.dims.length !== 4 || weights.dims.length !== 4)
      throw new ModelError("has a convolution that is not over rows and columns");
    const [images, maps, rows, columns] = input.dims;
    const [filters, mapsPerGroup, ...size] = weights.dims;
    /** @type {Sizes} */
    const sizes = { images, maps, rows, columns, filters, groups: settings.group ?? 1 };
    if (mapsPerGroup * sizes.groups !== maps)
      throw new ModelError("has a convolution whose filters do not fit its input");
    const window = windowOf(settings, size, [rows, columns]);
    const dims = [images, filters, ...window.outputSize];
    const [levels, weightLevels] = [input.levels, weights.levels];
    const fits = sizes.groups === 1 && window.dilation.every((step) => step === 1) && this.kernels !== null;
    if (fits && levels && weightLevels && levels.scale.length === 1 && weightLevels.zero.every((zero) => zero === 0))
      return Tensor.later(dims, {
        real: () => ({
          values: this.#unrounded(input, levels, weights, weightLevels, bias, sizes, window),
          last: true,
        }),
        rounded: (scale, zero) => this.#rounded(input, levels, weights, weightLevels, bias, sizes, window, scale, zero),
      });
    if (!fits)
      return new Tensor("float32", dims, convolveInLoops(input.values, weights.values, bias?.values, sizes, window));
    const values = this.#run("real", input.mapsLast, 0, weights, padded(bias?.values, filters), sizes, window);
    const result = new Tensor("float32", dims, values, true);
    result.exact = (index) => exactElement(index, input, weights, bias, sizes, window, sumPerMap && maps < 8);
    return result;
  }

  /**
   * @param {Tensor} input @param {Levels} levels @param {Tensor} weights @param {Levels} weightLevels
   * @param {Tensor | undefined} bias @param {Sizes} sizes @param {Window} window
   */
  #unrounded(input, levels, weights, weightLevels, bias, sizes, window) {
    const scales = filterScales(levels, weightLevels, sizes.filters);
    const initialSums = integerBias(bias, scales, sizes.filters);
    const sums = this.#run("whole", input.levelsLast(levels), levels.zero[0], weights, initialSums, sizes, window);
    return Float32Array.from(sums, (sum, index) => sum * scales[index % sizes.filters]);
  }

  /**
   * @param {Tensor} input @param {Levels} levels @param {Tensor} weights @param {Levels} weightLevels
   * @param {Tensor | undefined} bias @param {Sizes} sizes @param {Window} window @param {number} scale @param {number} zero
   */
  #rounded(input, levels, weights, weightLevels, bias, sizes, window, scale, zero) {
    const scales = filterScales(levels, weightLevels, sizes.filters);
    const initialSums = integerBias(bias, scales, sizes.filters);
    const quantisation = {
      scales: padded(
        scales.map((each) => each / scale),
        sizes.filters,
      ),
      zero,
    };
    const values = this.#run(
      "rounded",
      input.levelsLast(levels),
      levels.zero[0],
      weights,
      initialSums,
      sizes,
      window,
      quantisation,
    );
    return new Tensor("uint8", [sizes.images, sizes.filters, ...window.outputSize], values, true);
  }

  /**
   * @param {Form} form
   * @param {Values} values channels last
   * @param {number} zero its zero point
   * @param {Tensor} weights
   * @param {Float32Array | Int32Array} bias padded to a multiple of 8 filters
   * @param {Sizes} sizes
   * @param {Window} window
   * @param {{ scales: Float32Array, zero: number }} [quantisation]
   */
  #run(form, values, zero, weights, bias, sizes, window, quantisation) {
    const kernels = /** @type {Kernels} */ (this.kernels);
    const { images, maps, rows, columns, filters } = sizes;
    const { size, stride, padding, outputSize } = window;
    const bytes = form === "real" ? 4 : 2; // per input
    const filterBlocks = Math.ceil(filters / 8);
    const packed = this.#pack(weights, form === "real");
    // A 1×1 convolution needs no rows: all positions of an image are treated as one row.
    const flat =
      size[0] * size[1] * stride[0] * stride[1] === 1 && padding[0] + padding[1] === 0 && outputSize[1] === columns;
    const [outputRows, outputColumns] = flat ? [1, outputSize[0] * outputSize[1]] : outputSize;
    const paddedRows = flat ? 1 : Math.max((outputSize[0] - 1) * stride[0] + size[0], padding[0] + rows);
    const paddedColumns = flat
      ? rows * columns
      : Math.max((outputSize[1] - 1) * stride[1] + size[1], padding[1] + columns);
    const unit = form === "rounded" ? 1 : 4; // bytes per result
    const inBytes = paddedRows * paddedColumns * maps * bytes + 4 * packed.steps + 64;
    const outBytes = outputRows * outputColumns * filterBlocks * 8 * unit;
    const biasAt = this.#allocated;
    const scalesAt = biasAt + 4 * bias.length;
    const inAt = aligned(scalesAt + 4 * bias.length);
    const outAt = aligned(inAt + inBytes);
    this.#ensureMemory(outAt + outBytes + 64);
    const { buffer } = kernels.memory;
    new /** @type {any} */ (bias.constructor)(buffer, biasAt, bias.length).set(bias);
    if (quantisation) new Float32Array(buffer, scalesAt, quantisation.scales.length).set(quantisation.scales);
    const input =
      form === "real" ? new Float32Array(buffer, inAt, inBytes >> 2) : new Int16Array(buffer, inAt, inBytes >> 1);
    input.fill(0);
    const positions = outputSize[0] * outputSize[1];
    const result = new (form === "real" ? Float32Array : form === "whole" ? Int32Array : Uint8Array)(
      images * positions * filters,
    );
    const output = new /** @type {any} */ (result.constructor)(buffer, outAt, positions * filterBlocks * 8);
    const [kernel4, kernel1] = [kernels[`${form}4`], kernels[`${form}1`]];
    const remainder = outputColumns & 3;
    for (let image = 0; image < images; image++) {
      const from = image * rows * columns * maps;
      const [lineCount, lineLength] = flat ? [1, rows * columns * maps] : [rows, columns * maps];
      for (let row = 0; row < lineCount; row++) {
        const offset = ((row + padding[0]) * paddedColumns + padding[1]) * maps;
        if (input instanceof Float32Array)
          input.set(values.subarray(from + row * lineLength, from + (row + 1) * lineLength), offset);
        else copyWithoutZeroPoint(input, offset, values, from + row * lineLength, lineLength, zero);
      }
      for (let block = 0; block < filterBlocks; block++)
        for (let row = 0; row < outputRows; row++) {
          const x = inAt + row * stride[0] * paddedColumns * maps * bytes;
          const y = outAt + (row * outputColumns * filterBlocks + block) * 8 * unit;
          const [step, gap, w] = [
            stride[1] * maps * bytes,
            filterBlocks * 8 * unit,
            packed.address + block * size[0] * packed.steps * 32,
          ];
          const quantisationArguments = /** @type {const} */ ([
            scalesAt + 32 * block,
            -(quantisation?.zero ?? 0),
            255 - (quantisation?.zero ?? 0),
            quantisation?.zero ?? 0,
          ]);
          const [b, line] = [biasAt + 32 * block, paddedColumns * maps * bytes];
          if (outputColumns > 3)
            kernel4(
              x,
              w,
              b,
              y,
              size[0],
              packed.steps,
              line,
              step,
              outputColumns - remainder,
              gap,
              ...quantisationArguments,
            );
          const finished = outputColumns - remainder;
          if (remainder)
            kernel1(
              x + finished * step,
              w,
              b,
              y + finished * gap,
              size[0],
              packed.steps,
              line,
              step,
              remainder,
              gap,
              ...quantisationArguments,
            );
        }
      if (filters === filterBlocks * 8) result.set(output, image * positions * filters);
      else
        for (let position = 0; position < positions; position++)
          result.set(
            output.subarray(position * filterBlocks * 8, position * filterBlocks * 8 + filters),
            (image * positions + position) * filters,
          );
    }
    return result;
  }

  /** Pack weights for the kernels, and cache them. @param {Tensor} weights @param {boolean} real @returns {Packed} */
  #pack(weights, real) {
    const values = real ? weights.values : /** @type {Levels} */ (weights.levels).values;
    const cache = this.#packed.get(values) ?? new Map();
    this.#packed.set(values, cache);
    const packed = cache.get(String(real));
    if (packed) return packed;
    const [filters, maps, height, width] = weights.dims;
    const valuesPerStep = real ? 1 : 2;
    const steps = 2 * Math.ceil(Math.ceil((width * maps) / valuesPerStep) / 2);
    const filterBlocks = Math.ceil(filters / 8);
    const length = filterBlocks * height * steps * 8 * valuesPerStep;
    const address = this.#allocated;
    this.#allocated = aligned(address + length * (real ? 4 : 2));
    this.#ensureMemory(this.#allocated);
    const { buffer } = /** @type {Kernels} */ (this.kernels).memory;
    const target = real ? new Float32Array(buffer, address, length) : new Int16Array(buffer, address, length);
    target.fill(0);
    for (let filter = 0, from = 0; filter < filters; filter++)
      for (let map = 0; map < maps; map++)
        for (let row = 0; row < height; row++)
          for (let column = 0; column < width; column++, from++) {
            const offset = column * maps + map;
            const step = ((filter >> 3) * height + row) * steps + Math.floor(offset / valuesPerStep);
            target[(step * 8 + (filter & 7)) * valuesPerStep + (offset % valuesPerStep)] = values[from];
          }
    cache.set(String(real), { address, steps });
    return { address, steps };
  }

  /** @param {number} bytes */
  #ensureMemory(bytes) {
    const { memory } = /** @type {Kernels} */ (this.kernels);
    const missing = bytes - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
  }
}

/** @param {number} address */
const aligned = (address) => (address + 63) & ~63;

/**
 * Copy levels with the zero point subtracted.
 * @param {Int16Array} to @param {number} offset @param {Values} from @param {number} start @param {number} count @param {number} zero
 */
function copyWithoutZeroPoint(to, offset, from, start, count, zero) {
  for (let index = 0; index < count; index++) to[offset + index] = from[start + index] - zero;
}

/** @param {ArrayLike<number> | undefined} values @param {number} filters */
function padded(values, filters) {
  const result = new Float32Array(8 * Math.ceil(filters / 8));
  if (values) result.set(values);
  return result;
}

/** The scale of each filter's sums. @param {Levels} levels @param {Levels} weightLevels @param {number} filters */
function filterScales(levels, weightLevels, filters) {
  return Float32Array.from(
    { length: filters },
    (_, filter) => levels.scale[0] * (weightLevels.scale[filter] ?? weightLevels.scale[0]),
  );
}

/** @param {Tensor | undefined} bias @param {Float32Array} scales @param {number} filters */
function integerBias(bias, scales, filters) {
  const result = new Int32Array(8 * Math.ceil(filters / 8));
  if (bias?.levels) result.set(bias.levels.values);
  else if (bias) result.set(Int32Array.from(scales, (scale, filter) => Math.round(bias.values[filter] / scale)));
  return result;
}

/**
 * Compute one element of a convolution as ONNX Runtime's kernels for x86 do: rounded to a float after each product is
 * added (a fused multiply-add: the product itself is not rounded); `sumPerMap`: each map is summed separately first.
 * @param {number} index @param {Tensor} input @param {Tensor} weights @param {Tensor | undefined} bias @param {Sizes} sizes
 * @param {Window} window @param {boolean} sumPerMap
 */
function exactElement(
  index,
  input,
  weights,
  bias,
  { maps, rows, columns, filters },
  { size, stride, padding, outputSize },
  sumPerMap,
) {
  const f = Math.fround;
  const [x, y] = [index % outputSize[1], Math.floor(index / outputSize[1]) % outputSize[0]];
  const plane = Math.floor(index / (outputSize[0] * outputSize[1]));
  const [filter, image] = [plane % filters, Math.floor(plane / filters)];
  const [inputValues, weightValues] = [input.mapsLast, weights.values];
  let [total, sum] = [0, 0];
  for (let map = 0; map < maps; map++) {
    if (sumPerMap) [total, sum] = [f(sum + total), 0];
    for (let down = 0; down < size[0]; down++) {
      const row = y * stride[0] - padding[0] + down;
      if (row < 0 || row >= rows) continue;
      for (let across = 0; across < size[1]; across++) {
        const column = x * stride[1] - padding[1] + across;
        if (column < 0 || column >= columns) continue;
        const value = inputValues[((image * rows + row) * columns + column) * maps + map];
        sum = f(sum + value * weightValues[((filter * maps + map) * size[0] + down) * size[1] + across]);
      }
    }
  }
  return f(f(sum + total) + (bias?.values[filter] ?? 0));
}

/**
 * Compute any convolution in plain loops.
 * @param {ArrayLike<number>} input @param {ArrayLike<number>} weights @param {ArrayLike<number> | undefined} bias
 * @param {Sizes} sizes @param {Window} window
 */
function convolveInLoops(
  input,
  weights,
  bias,
  { images, maps, rows, columns, filters, groups },
  { size, stride, dilation, padding, outputSize },
) {
  const [mapsPerGroup, filtersPerGroup] = [maps / groups, filters / groups];
  const output = new Float32Array(images * filters * outputSize[0] * outputSize[1]);
  let index = 0;
  for (let image = 0; image < images; image++)
    for (let filter = 0; filter < filters; filter++) {
      const first = image * maps + Math.floor(filter / filtersPerGroup) * mapsPerGroup;
      for (let y = 0; y < outputSize[0]; y++)
        for (let x = 0; x < outputSize[1]; x++) {
          let sum = bias ? bias[filter] : 0;
          for (let map = 0; map < mapsPerGroup; map++)
            for (let down = 0; down < size[0]; down++) {
              const row = y * stride[0] - padding[0] + down * dilation[0];
              if (row < 0 || row >= rows) continue;
              for (let across = 0; across < size[1]; across++) {
                const column = x * stride[1] - padding[1] + across * dilation[1];
                if (column < 0 || column >= columns) continue;
                sum +=
                  input[((first + map) * rows + row) * columns + column] *
                  weights[((filter * mapsPerGroup + map) * size[0] + down) * size[1] + across];
              }
            }
          output[index++] = sum;
        }
    }
  return output;
}
