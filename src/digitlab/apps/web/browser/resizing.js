// ONNX's Resize: nearest, or linear with or without antialiasing, computed as in ONNX Runtime.

import { ModelError } from "./onnx.js";
import { Tensor } from "./tensor.js";

/** @import { Operator } from "./moving.js" */

const BITS = 22; // fraction bits of the weights for 8-bit pixels, as in Pillow

/** @type {Operator} */
export function resized(given, settings) {
  const [image, , scales, sizes] = given;
  if (image.dims.length !== 4) throw new ModelError("resizes something that is no image");
  const by = scales?.size ? scales.list : null;
  const dims = by ? image.dims.map((size, axis) => Math.floor(size * by[axis])) : sizes.list;
  if (dims[0] !== image.dims[0] || dims[1] !== image.dims[1])
    throw new ModelError("resizes more than rows and columns");
  if (dims.every((size, axis) => size === image.dims[axis])) return image;
  if (by && dims.some((size, axis) => Math.abs(size - image.dims[axis] * by[axis]) > 1e-3))
    throw new ModelError("resizes by factors that do not give whole pixels");
  const mode = settings.mode ?? "nearest";
  if (mode === "nearest") return near(image, dims);
  if (mode !== "linear" || (settings.coordinate_transformation_mode ?? "half_pixel") !== "half_pixel")
    throw new ModelError(`resizes in an unusual way (${mode}, ${settings.coordinate_transformation_mode})`);
  const whole = image.type === "uint8";
  const wide = smoothing(image.dims[3], dims[3], Boolean(settings.antialias), whole);
  const high = smoothing(image.dims[2], dims[2], Boolean(settings.antialias), whole);
  const planes = dims[0] * dims[1];
  const across = acrossRows(image.values, planes * image.dims[2], image.dims[3], wide, whole);
  return new Tensor(image.type, dims, downColumns(across, planes, image.dims[2], dims[3], high, whole));
}

/** @param {Tensor} image @param {number[]} dims */
function near(image, dims) {
  const [rows, columns] = [image.dims[2], image.dims[3]];
  return image.moved(dims, (values) => {
    const made = new /** @type {any} */ (values.constructor)(dims[0] * dims[1] * dims[2] * dims[3]);
    for (let plane = 0, to = 0; plane < dims[0] * dims[1]; plane++)
      for (let y = 0; y < dims[2]; y++)
        for (let x = 0; x < dims[3]; x++)
          made[to++] =
            values[(plane * rows + Math.floor((y * rows) / dims[2])) * columns + Math.floor((x * columns) / dims[3])];
    return made;
  });
}

/**
 * Compute the input pixels that contribute to each output pixel, and their weights.
 * @typedef {{ first: Int32Array, count: Int32Array, weights: Float64Array, most: number }} Smoothing
 * @param {number} from @param {number} to @param {boolean} antialias @param {boolean} whole
 * @returns {Smoothing}
 */
function smoothing(from, to, antialias, whole) {
  const f = Math.fround;
  const scale = f(1 / f(to / from));
  const reach = antialias ? Math.max(scale, 1) : 1;
  const shrink = f(1 / reach);
  const most = Math.ceil(reach) * 2 + 1;
  const [first, count, weights] = [new Int32Array(to), new Int32Array(to), new Float64Array(to * most)];
  for (let place = 0; place < to; place++) {
    const middle = f(0.5 + f(f(f(place + 0.5) / f(to / from)) - 0.5));
    const begin = Math.floor(f(middle - reach) + 0.5);
    const end = Math.floor(f(middle + reach) + 0.5);
    const [low, high] = [Math.max(begin, 0), Math.min(end, from)];
    let sum = 0;
    // Pixels outside the picture replicate its border.
    for (let each = begin; each < end; each++) {
      const away = f(f(f(each - middle) + 0.5) * shrink);
      const weight = f(Math.max(0, 1 - Math.abs(away)));
      const at = place * most + Math.max(low, Math.min(high - 1, each)) - low;
      weights[at] = f(weights[at] + weight);
      sum = f(sum + weight);
    }
    for (let each = 0; each < high - low; each++) {
      const weight = f(f(weights[place * most + each]) * f(1 / sum));
      weights[place * most + each] = whole ? Math.round(weight * 2 ** BITS) : weight;
    }
    [first[place], count[place]] = [low, high - low];
  }
  return { first, count, weights, most };
}

/** @param {ArrayLike<number>} values @param {number} rows @param {number} columns @param {Smoothing} by @param {boolean} whole */
function acrossRows(values, rows, columns, { first, count, weights, most }, whole) {
  const [wide, f] = [first.length, Math.fround];
  const made = whole ? new Uint8Array(rows * wide) : new Float32Array(rows * wide);
  for (let row = 0; row < rows; row++)
    for (let x = 0; x < wide; x++) {
      let sum = whole ? 2 ** (BITS - 1) : 0;
      const from = row * columns + first[x];
      if (whole) for (let each = 0; each < count[x]; each++) sum += values[from + each] * weights[x * most + each];
      else for (let each = 0; each < count[x]; each++) sum = f(sum + f(values[from + each] * weights[x * most + each]));
      made[row * wide + x] = whole ? clipped(sum) : sum;
    }
  return made;
}

/** @param {Uint8Array | Float32Array} values @param {number} planes @param {number} rows @param {number} wide @param {Smoothing} by @param {boolean} whole */
function downColumns(values, planes, rows, wide, { first, count, weights, most }, whole) {
  const [high, f] = [first.length, Math.fround];
  const made = whole ? new Uint8Array(planes * high * wide) : new Float32Array(planes * high * wide);
  const sums = new Float64Array(wide);
  for (let plane = 0; plane < planes; plane++)
    for (let y = 0; y < high; y++) {
      sums.fill(whole ? 2 ** (BITS - 1) : 0);
      for (let each = 0; each < count[y]; each++) {
        const weight = weights[y * most + each];
        const from = (plane * rows + first[y] + each) * wide;
        if (whole) for (let x = 0; x < wide; x++) sums[x] += values[from + x] * weight;
        else for (let x = 0; x < wide; x++) sums[x] = f(sums[x] + f(values[from + x] * weight));
      }
      const to = (plane * high + y) * wide;
      for (let x = 0; x < wide; x++) made[to + x] = whole ? clipped(sums[x]) : sums[x];
    }
  return made;
}

/** @param {number} sum */
const clipped = (sum) => Math.max(0, Math.min(255, Math.floor(sum / 2 ** BITS)));
