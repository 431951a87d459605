// ONNX's Resize: nearest, or linear with or without antialiasing, computed as in ONNX Runtime.

import { ModelError } from "./onnx.js";
import { Tensor } from "./tensor.js";

/** @import { Operator } from "./moving.js" */

const BITS = 22; // fraction bits of the weights for 8-bit pixels, as in Pillow

/** @type {Operator} */
export function resized(inputs, settings) {
  const [image, , scales, sizes] = inputs;
  if (image.dims.length !== 4) throw new ModelError("resizes something that is no image");
  const factors = scales?.size ? scales.list : null;
  const dims = factors ? image.dims.map((size, axis) => Math.floor(size * factors[axis])) : sizes.list;
  if (dims[0] !== image.dims[0] || dims[1] !== image.dims[1])
    throw new ModelError("resizes more than rows and columns");
  if (dims.every((size, axis) => size === image.dims[axis])) return image;
  if (factors && dims.some((size, axis) => Math.abs(size - image.dims[axis] * factors[axis]) > 1e-3))
    throw new ModelError("resizes by factors that do not give whole pixels");
  const mode = settings.mode ?? "nearest";
  if (mode === "nearest") return nearestNeighbour(image, dims);
  if (mode !== "linear" || (settings.coordinate_transformation_mode ?? "half_pixel") !== "half_pixel")
    throw new ModelError(`resizes in an unusual way (${mode}, ${settings.coordinate_transformation_mode})`);
  const isBytes = image.type === "uint8";
  const columnWeights = smoothing(image.dims[3], dims[3], Boolean(settings.antialias), isBytes);
  const rowWeights = smoothing(image.dims[2], dims[2], Boolean(settings.antialias), isBytes);
  const planes = dims[0] * dims[1];
  const resizedRows = acrossRows(image.values, planes * image.dims[2], image.dims[3], columnWeights, isBytes);
  return new Tensor(image.type, dims, downColumns(resizedRows, planes, image.dims[2], dims[3], rowWeights, isBytes));
}

/** @param {Tensor} image @param {number[]} dims */
function nearestNeighbour(image, dims) {
  const [rows, columns] = [image.dims[2], image.dims[3]];
  return image.moved(dims, (values) => {
    const result = new /** @type {any} */ (values.constructor)(dims[0] * dims[1] * dims[2] * dims[3]);
    for (let plane = 0, index = 0; plane < dims[0] * dims[1]; plane++)
      for (let y = 0; y < dims[2]; y++)
        for (let x = 0; x < dims[3]; x++)
          result[index++] =
            values[(plane * rows + Math.floor((y * rows) / dims[2])) * columns + Math.floor((x * columns) / dims[3])];
    return result;
  });
}

/**
 * Compute the input pixels that contribute to each output pixel, and their weights.
 * @typedef {{ first: Int32Array, count: Int32Array, weights: Float64Array, tapCount: number }} Smoothing
 * @param {number} from @param {number} to @param {boolean} antialias @param {boolean} isBytes
 * @returns {Smoothing}
 */
function smoothing(from, to, antialias, isBytes) {
  const f = Math.fround;
  const scale = f(1 / f(to / from));
  const reach = antialias ? Math.max(scale, 1) : 1;
  const shrink = f(1 / reach);
  const tapCount = Math.ceil(reach) * 2 + 1;
  const [first, count, weights] = [new Int32Array(to), new Int32Array(to), new Float64Array(to * tapCount)];
  for (let index = 0; index < to; index++) {
    const middle = f(0.5 + f(f(f(index + 0.5) / f(to / from)) - 0.5));
    const begin = Math.floor(f(middle - reach) + 0.5);
    const end = Math.floor(f(middle + reach) + 0.5);
    const [low, high] = [Math.max(begin, 0), Math.min(end, from)];
    let sum = 0;
    // Pixels outside the picture replicate its border.
    for (let source = begin; source < end; source++) {
      const distance = f(f(f(source - middle) + 0.5) * shrink);
      const weight = f(Math.max(0, 1 - Math.abs(distance)));
      const offset = index * tapCount + Math.max(low, Math.min(high - 1, source)) - low;
      weights[offset] = f(weights[offset] + weight);
      sum = f(sum + weight);
    }
    for (let source = 0; source < high - low; source++) {
      const weight = f(f(weights[index * tapCount + source]) * f(1 / sum));
      weights[index * tapCount + source] = isBytes ? Math.round(weight * 2 ** BITS) : weight;
    }
    [first[index], count[index]] = [low, high - low];
  }
  return { first, count, weights, tapCount };
}

/** @param {ArrayLike<number>} values @param {number} rows @param {number} columns @param {Smoothing} by @param {boolean} isBytes */
function acrossRows(values, rows, columns, { first, count, weights, tapCount }, isBytes) {
  const [width, f] = [first.length, Math.fround];
  const result = isBytes ? new Uint8Array(rows * width) : new Float32Array(rows * width);
  for (let row = 0; row < rows; row++)
    for (let x = 0; x < width; x++) {
      let sum = isBytes ? 2 ** (BITS - 1) : 0;
      const start = row * columns + first[x];
      if (isBytes) for (let tap = 0; tap < count[x]; tap++) sum += values[start + tap] * weights[x * tapCount + tap];
      else for (let tap = 0; tap < count[x]; tap++) sum = f(sum + f(values[start + tap] * weights[x * tapCount + tap]));
      result[row * width + x] = isBytes ? clipped(sum) : sum;
    }
  return result;
}

/** @param {Uint8Array | Float32Array} values @param {number} planes @param {number} rows @param {number} width @param {Smoothing} by @param {boolean} isBytes */
function downColumns(values, planes, rows, width, { first, count, weights, tapCount }, isBytes) {
  const [height, f] = [first.length, Math.fround];
  const result = isBytes ? new Uint8Array(planes * height * width) : new Float32Array(planes * height * width);
  const sums = new Float64Array(width);
  for (let plane = 0; plane < planes; plane++)
    for (let y = 0; y < height; y++) {
      sums.fill(isBytes ? 2 ** (BITS - 1) : 0);
      for (let tap = 0; tap < count[y]; tap++) {
        const weight = weights[y * tapCount + tap];
        const start = (plane * rows + first[y] + tap) * width;
        if (isBytes) for (let x = 0; x < width; x++) sums[x] += values[start + x] * weight;
        else for (let x = 0; x < width; x++) sums[x] = f(sums[x] + f(values[start + x] * weight));
      }
      const target = (plane * height + y) * width;
      for (let x = 0; x < width; x++) result[target + x] = isBytes ? clipped(sums[x]) : sums[x];
    }
  return result;
}

/** @param {number} sum */
const clipped = (sum) => Math.max(0, Math.min(255, Math.floor(sum / 2 ** BITS)));
