// The other operators of networks: quantisation, pooling, products of matrices, normalisation, resizing.

import { windowOf } from "./convolution.js";
import { ELEMENTWISE, emptyOf } from "./elementwise.js";
import { axesOf, counted, MOVING } from "./moving.js";
import { ModelError } from "./onnx.js";
import { resized } from "./resizing.js";
import { nearest, placeOf, sizeOf, Tensor } from "./tensor.js";

/**
 * @import { Operator, Settings } from "./moving.js"
 * @import { Values } from "./onnx.js"
 * @import { Levels } from "./tensor.js"
 */

const DOUBT = 1e-3; // of a level: the quick sum of a convolution is nearer to the exact one than this

/** @type {Operator} */
function quantised([given, scale, zero]) {
  const [by, from, type] = [scale.number, zero?.size ? zero.number : 0, zero?.type ?? "uint8"];
  if (scale.size > 1) throw new ModelError("rounds to levels that differ along an axis");
  if (given.pending && type === "uint8") return given.pending.rounded(by, from);
  const { levels } = given;
  if (levels && levels.scale.length === 1 && levels.scale[0] === by && levels.zero[0] === from)
    return new Tensor(type, given.dims, levels.values, given.last);
  const values = given.stored;
  const made = emptyOf(type, values.length);
  const [least, most] = type === "int8" ? [-128 - from, 127 - from] : [-from, 255 - from];
  const { exact, dims, last } = given;
  for (let place = 0; place < made.length; place++) {
    let level = Math.fround(values[place] / by);
    if (exact && Math.abs(level - Math.floor(level) - 0.5) < DOUBT && level > least && level < most)
      level = Math.fround(exact(last ? placeOf(place, dims) : place) / by);
    made[place] = nearest(level < least ? least : level > most ? most : level) + from;
  }
  return new Tensor(type, given.dims, made, given.last);
}

/** @type {Operator} */
function dequantised([given, scale, zero], { axis = 1 }) {
  const values = /** @type {Levels["values"]} */ (given.stored);
  const levels = { values, scale: /** @type {Float32Array} */ (scale.values), zero: zero ? zero.list : [0], axis };
  return Tensor.ofLevels(given.dims, levels, given.last);
}

/**
 * A pooling: each result of the numbers in its window.
 * @param {boolean} largest
 * @returns {Operator}
 */
const pooling = (largest) => ([given], settings) => {
  const [images, maps, rows, columns] = given.dims;
  const window = windowOf(settings, settings.kernel_shape, [rows, columns]);
  const { size, stride, dilation, before } = window;
  const inside = Boolean(settings.count_include_pad);
  const pool = (/** @type {Values} */ values) => {
    const out = emptyOf(largest ? given.type : "float32", images * maps * window.made[0] * window.made[1]);
    const levels = largest && given.levels ? new Uint8Array(out.length) : out;
    for (let plane = 0, to = 0; plane < images * maps; plane++)
      for (let y = 0; y < window.made[0]; y++)
        for (let x = 0; x < window.made[1]; x++) {
          let [best, count] = [largest ? Number.NEGATIVE_INFINITY : 0, 0];
          for (let down = 0; down < size[0]; down++) {
            const row = y * stride[0] - before[0] + down * dilation[0];
            if (row < 0 || row >= rows) continue;
            for (let across = 0; across < size[1]; across++) {
              const column = x * stride[1] - before[1] + across * dilation[1];
              if (column < 0 || column >= columns) continue;
              const value = values[(plane * rows + row) * columns + column];
              if (!largest) best += value;
              else if (value > best) best = value;
              count += 1;
            }
          }
          levels[to++] = largest ? best : best / (inside ? size[0] * size[1] : count);
        }
    return levels;
  };
  const dims = [images, maps, ...window.made];
  if (!largest) return new Tensor("float32", dims, pool(given.values));
  if (given.levels) return given.moved(dims, pool);
  const made = new Tensor(given.type, dims, pool(given.values));
  const { exact } = given;
  if (exact)
    made.exact = (place) => {
      const [x, y, plane] = [place % window.made[1], Math.floor(place / window.made[1]) % window.made[0], Math.floor(place / (window.made[0] * window.made[1]))];
      let best = Number.NEGATIVE_INFINITY;
      for (let down = 0; down < size[0]; down++)
        for (let across = 0; across < size[1]; across++) {
          const [row, column] = [y * stride[0] - before[0] + down * dilation[0], x * stride[1] - before[1] + across * dilation[1]];
          if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
          best = Math.max(best, exact((plane * rows + row) * columns + column));
        }
      return best;
    };
  return made;
};

/** @param {boolean} largest @returns {Operator} */
const globalPooling = (largest) => ([given]) => {
  const [images, maps] = given.dims;
  const places = sizeOf(given.dims.slice(2));
  const { values } = given;
  const made = Float32Array.from({ length: images * maps }, (_, plane) => {
    let best = largest ? Number.NEGATIVE_INFINITY : 0;
    for (let place = plane * places; place < (plane + 1) * places; place++)
      best = largest ? Math.max(best, values[place]) : best + values[place];
    return largest ? best : best / places;
  });
  return new Tensor("float32", [images, maps, ...given.dims.slice(2).map(() => 1)], made);
};

/**
 * @param {(sum: number, next: number) => number} add
 * @param {number} start
 * @param {(sum: number, count: number) => number} end
 * @returns {Operator}
 */
const reduction = (add, start, end = (sum) => sum) => (given, settings) => {
  const [data] = given;
  const rank = data.dims.length;
  const asked = axesOf(given, settings);
  if (asked && !asked.length && settings.noop_with_empty_axes) return data;
  const axes = asked?.length ? asked.map((/** @type {number} */ axis) => counted(axis, rank)) : data.dims.map((_, axis) => axis);
  const kept = data.dims.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const sums = new Float64Array(sizeOf(kept)).fill(start);
  const strides = kept.map((size, axis) => (size === 1 ? 0 : sizeOf(kept.slice(axis + 1))));
  const index = new Array(rank).fill(0);
  const { values } = data;
  for (let place = 0, to = 0; place < values.length; place++) {
    sums[to] = add(sums[to], values[place]);
    for (let axis = rank - 1; axis >= 0; axis--) {
      index[axis] += 1;
      to += strides[axis];
      if (index[axis] < data.dims[axis]) break;
      to -= strides[axis] * data.dims[axis];
      index[axis] = 0;
    }
  }
  const count = sums.length ? values.length / sums.length : 0;
  const trailing = axes.every((/** @type {number} */ axis) => axis >= rank - axes.length);
  if (start === 0 && data.type === "float32" && trailing && count % 8 === 0)
    for (let to = 0; to < sums.length; to++) sums[to] = summedInFours(values, to * count, count);
  const dims = (settings.keepdims ?? 1) ? kept : kept.filter((_, axis) => !axes.includes(axis));
  const made = emptyOf(data.type, sums.length);
  for (let place = 0; place < made.length; place++) made[place] = end(sums[place], count);
  return new Tensor(data.type, dims, made);
};

/** In the order in which ONNX Runtime's library adds four floats at once. @param {Values} values @param {number} start @param {number} count */
function summedInFours(values, start, count) {
  const sums = new Float32Array(8);
  for (let place = 0; place < count; place++) sums[place & 7] += values[start + place];
  const f = Math.fround;
  const [a, b, c, d] = [0, 1, 2, 3].map((each) => f(sums[each] + sums[each + 4]));
  return f(f(a + c) + f(b + d));
}

/**
 * (rows, inner) × (inner, columns), for each of several.
 * @param {ArrayLike<number>} a @param {ArrayLike<number>} b @param {Float32Array} to
 * @param {[number, number, number]} sizes @param {[number, number, number]} starts
 */
function multiply(a, b, to, [rows, inner, columns], [atA, atB, at]) {
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    for (let place = 0; place < inner; place++) {
      const value = a[atA + row * inner + place];
      if (value === 0) continue;
      const from = atB + place * columns;
      for (let column = 0; column < columns; column++) sums[column] += value * b[from + column];
    }
    to.set(sums, at + row * columns);
  }
}

/** @type {Operator} */
function matMul([a, b]) {
  const [left, right] = [a.dims.length === 1 ? [1, ...a.dims] : a.dims, b.dims.length === 1 ? [...b.dims, 1] : b.dims];
  const [rows, inner] = left.slice(-2);
  const columns = right[right.length - 1];
  if (right[right.length - 2] !== inner) throw new ModelError("multiplies matrices that do not fit together");
  const outer = (left.length >= right.length ? left : right).slice(0, -2);
  const many = sizeOf(outer);
  const to = new Float32Array(many * rows * columns);
  const [x, y] = [a.values, b.values];
  for (let each = 0; each < many; each++)
    multiply(x, y, to, [rows, inner, columns], [
      (each % Math.max(1, sizeOf(left.slice(0, -2)))) * rows * inner,
      (each % Math.max(1, sizeOf(right.slice(0, -2)))) * inner * columns,
      each * rows * columns,
    ]); // prettier-ignore
  const dims = [...outer, ...(a.dims.length === 1 ? [] : [rows]), ...(b.dims.length === 1 ? [] : [columns])];
  return new Tensor("float32", dims, to);
}

/** @type {Operator} */
function gemm([a, b, c], { alpha = 1, beta = 1, transA, transB }) {
  const turn = (/** @type {Tensor} */ matrix, /** @type {boolean} */ turned) =>
    turned ? /** @type {Tensor} */ (MOVING.Transpose([matrix], { perm: [1, 0] })) : matrix;
  let made = /** @type {Tensor} */ (matMul([turn(a, transA), turn(b, transB)], {}));
  if (alpha !== 1) made = ELEMENTWISE.Mul([made, Tensor.number(alpha)], {});
  if (!c) return made;
  return ELEMENTWISE.Add([made, beta === 1 ? c : ELEMENTWISE.Mul([c, Tensor.number(beta)], {})], {});
}

/** @type {Operator} */
function batchNormalised([given, scale, bias, mean, variance], { epsilon = 1e-5 }) {
  const places = sizeOf(given.dims.slice(2));
  const { values } = given;
  const made = new Float32Array(values.length);
  for (let place = 0; place < made.length; place++) {
    const map = Math.floor(place / places) % given.dims[1];
    const factor = scale.values[map] / Math.sqrt(variance.values[map] + epsilon);
    made[place] = values[place] * factor + (bias.values[map] - mean.values[map] * factor);
  }
  return new Tensor("float32", given.dims, made);
}

/** @param {boolean} logarithm @returns {Operator} */
const softmax = (logarithm) => ([given], settings) => {
  const rank = given.dims.length;
  const old = settings.opset < 13;
  const axis = counted(settings.axis ?? (old ? 1 : -1), rank);
  const inner = old ? 1 : sizeOf(given.dims.slice(axis + 1));
  const size = old ? sizeOf(given.dims.slice(axis)) : given.dims[axis];
  const { values } = given;
  const made = new Float32Array(values.length);
  for (let row = 0; row < values.length / Math.max(size, 1); row++) {
    const start = Math.floor(row / inner) * size * inner + (row % inner);
    let [most, sum] = [Number.NEGATIVE_INFINITY, 0];
    for (let place = 0; place < size; place++) most = Math.max(most, values[start + place * inner]);
    for (let place = 0; place < size; place++) sum += Math.exp(values[start + place * inner] - most);
    for (let place = 0; place < size; place++) {
      const at = start + place * inner;
      made[at] = logarithm ? values[at] - most - Math.log(sum) : Math.exp(values[at] - most) / sum;
    }
  }
  return new Tensor("float32", given.dims, made);
};

/** @type {Operator} */
function argMax([given], { axis = 0, keepdims = 1 }) {
  const at = counted(axis, given.dims.length);
  const [inner, size] = [sizeOf(given.dims.slice(at + 1)), given.dims[at]];
  const { values } = given;
  const made = Int32Array.from({ length: given.size / size }, (_, place) => {
    const start = Math.floor(place / inner) * size * inner + (place % inner);
    let best = 0;
    for (let each = 1; each < size; each++) if (values[start + each * inner] > values[start + best * inner]) best = each;
    return best;
  });
  const dims = given.dims.map((each, place) => (place === at ? 1 : each)).filter((_, place) => keepdims || place !== at);
  return new Tensor("int32", dims, made);
}

/**
 * Squares cut out of an image and brought to one size: the mean of samples between pixels.
 * @type {Operator}
 */
function roiAlign([given, boxes, images], settings) {
  const [high, wide] = [settings.output_height ?? 1, settings.output_width ?? 1];
  const shift = settings.coordinate_transformation_mode === "output_half_pixel" ? 0 : 0.5;
  if ((settings.mode ?? "avg") !== "avg" || !settings.sampling_ratio || !(settings.spatial_scale ?? 1))
    throw new ModelError("aligns regions in an unusual way");
  const [samples, scale] = [settings.sampling_ratio, settings.spatial_scale ?? 1];
  const [, maps, rows, columns] = given.dims;
  const count = boxes.dims[0];
  const [values, sides] = [given.values, boxes.values];
  const made = new Float32Array(count * maps * high * wide);
  const f = Math.fround;
  for (let box = 0; box < count; box++) {
    const [x0, y0, x1, y1] = [0, 1, 2, 3].map((side) => f(f(sides[4 * box + side] * scale) - shift));
    const [binX, binY] = [f(f(x1 - x0) / wide), f(f(y1 - y0) / high)];
    const xs = sampled(x0, binX, wide, samples, columns);
    const ys = sampled(y0, binY, high, samples, rows);
    for (let map = 0; map < maps; map++) {
      const plane = (images.values[box] * maps + map) * rows * columns;
      for (let y = 0; y < high; y++)
        for (let x = 0; x < wide; x++) {
          let sum = 0;
          for (let down = y * samples; down < (y + 1) * samples; down++) {
            if (ys.low[down] < 0) continue;
            const [top, bottom] = [plane + ys.low[down] * columns, plane + ys.high[down] * columns];
            const b = ys.part[down];
            for (let across = x * samples; across < (x + 1) * samples; across++) {
              if (xs.low[across] < 0) continue;
              const [left, right, a] = [xs.low[across], xs.high[across], xs.part[across]];
              const [c, e] = [f(1 - a), f(1 - b)];
              const first = f(f(f(e * c) * values[top + left]) + f(f(e * a) * values[top + right]));
              const second = f(first + f(f(b * c) * values[bottom + left]));
              sum = f(sum + f(second + f(f(b * a) * values[bottom + right])));
            }
          }
          made[((box * maps + map) * high + y) * wide + x] = sum / (samples * samples);
        }
    }
  }
  return new Tensor("float32", [count, maps, high, wide], made);
}

/**
 * Along one axis, between which pixels each sample lies; low is -1 outside the picture.
 * @param {number} start @param {number} bin @param {number} bins @param {number} samples @param {number} size
 */
function sampled(start, bin, bins, samples, size) {
  const count = bins * samples;
  const [low, high, part] = [new Int32Array(count), new Int32Array(count), new Float32Array(count)];
  const f = Math.fround;
  for (let at = 0; at < count; at++) {
    const [which, inner] = [Math.floor(at / samples), at % samples];
    let place = f(f(start + f(which * bin)) + f(f((inner + 0.5) * bin) / samples));
    if (place < -1 || place > size) {
      low[at] = -1;
      continue;
    }
    place = Math.max(place, 0);
    low[at] = Math.floor(place);
    high[at] = low[at] + 1;
    if (low[at] >= size - 1) {
      low[at] = high[at] = size - 1;
      place = size - 1;
    }
    part[at] = f(place - low[at]);
  }
  return { low, high, part };
}

/** @type {Record<string, Operator>} */
export const OPERATORS = {
  ...ELEMENTWISE,
  ...MOVING,
  QuantizeLinear: quantised,
  DequantizeLinear: dequantised,
  MaxPool: pooling(true),
  AveragePool: pooling(false),
  GlobalMaxPool: globalPooling(true),
  GlobalAveragePool: globalPooling(false),
  ReduceMax: reduction(Math.max, Number.NEGATIVE_INFINITY),
  ReduceMin: reduction(Math.min, Number.POSITIVE_INFINITY),
  ReduceSum: reduction((sum, next) => sum + next, 0),
  ReduceMean: reduction((sum, next) => sum + next, 0, (sum, count) => sum / count),
  ReduceL2: reduction((sum, next) => sum + next * next, 0, Math.sqrt),
  MatMul: matMul,
  Gemm: gemm,
  BatchNormalization: batchNormalised,
  Softmax: softmax(false),
  LogSoftmax: softmax(true),
  ArgMax: argMax,
  RoiAlign: roiAlign,
  Resize: resized,
};
