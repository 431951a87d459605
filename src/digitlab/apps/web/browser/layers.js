// The remaining operators: quantisation, pooling, matrix products, normalisation, resizing.

import { windowOf } from "./convolution.js";
import { broadcastDims, ELEMENTWISE, emptyOf, forEachElement } from "./elementwise.js";
import { axesOf, MOVING, normalisedAxis } from "./moving.js";
import { ModelError } from "./onnx.js";
import { PLACES } from "./places.js";
import { roiAlign } from "./regions.js";
import { resized } from "./resizing.js";
import { channelsFirstIndex, nearest, sizeOf, Tensor } from "./tensor.js";

/**
 * @import { Window } from "./convolution.js"
 * @import { Operator, Settings } from "./moving.js"
 * @import { Values } from "./onnx.js"
 * @import { Levels } from "./tensor.js"
 */

const DOUBT = 1e-3; // in levels: a convolution's fast sum differs from the exact one by less

/** @type {Operator} */
function quantised([input, scale, zero]) {
  const [step, zeroPoint, type] = [scale.number, zero?.size ? zero.number : 0, zero?.type ?? "uint8"];
  if (scale.size > 1) throw new ModelError("rounds to levels that differ along an axis");
  if (input.pending && type === "uint8") return input.pending.rounded(step, zeroPoint);
  const { levels } = input;
  if (levels && levels.scale.length === 1 && levels.scale[0] === step && levels.zero[0] === zeroPoint)
    return new Tensor(type, input.dims, levels.values, input.last);
  const values = input.stored;
  const result = emptyOf(type, values.length);
  const [lowest, highest] = type === "int8" ? [-128 - zeroPoint, 127 - zeroPoint] : [-zeroPoint, 255 - zeroPoint];
  const { exact, dims, last } = input;
  for (let index = 0; index < result.length; index++) {
    let level = Math.fround(values[index] / step);
    level = level < lowest ? lowest : Math.min(level, highest);
    let rounded = nearest(level);
    if (exact && Math.abs(level - rounded) > 0.5 - DOUBT) {
      level = Math.fround(exact(last ? channelsFirstIndex(index, dims) : index) / step);
      rounded = nearest(Math.min(Math.max(level, lowest), highest));
    }
    result[index] = rounded + zeroPoint;
  }
  return new Tensor(type, input.dims, result, input.last);
}

/** @type {Operator} */
function dequantised([input, scale, zero], { axis = 1 }) {
  const values = /** @type {Levels["values"]} */ (input.stored);
  const levels = { values, scale: /** @type {Float32Array} */ (scale.values), zero: zero ? zero.list : [0], axis };
  return Tensor.ofLevels(input.dims, levels, input.last);
}

/**
 * @param {Values} values @param {Values} output @param {number} plane @param {number} rows @param {number} columns
 * @param {Window} window @param {boolean} largest @param {boolean} countsPadding whether a mean counts padding
 */
function poolPlane(
  values,
  output,
  plane,
  rows,
  columns,
  { size, stride, dilation, padding, outputSize },
  largest,
  countsPadding,
) {
  const outputRows = outputSize[0];
  const outputColumns = outputSize[1];
  for (let y = 0; y < outputRows; y++)
    for (let x = 0; x < outputColumns; x++) {
      let pooled = largest ? Number.NEGATIVE_INFINITY : 0;
      let count = 0;
      for (let down = 0; down < size[0]; down++) {
        const row = y * stride[0] - padding[0] + down * dilation[0];
        if (row < 0 || row >= rows) continue;
        for (let across = 0; across < size[1]; across++) {
          const column = x * stride[1] - padding[1] + across * dilation[1];
          if (column < 0 || column >= columns) continue;
          const value = values[(plane * rows + row) * columns + column];
          if (!largest) pooled += value;
          else if (value > pooled) pooled = value;
          count += 1;
        }
      }
      output[(plane * outputRows + y) * outputColumns + x] = largest
        ? pooled
        : pooled / (countsPadding ? size[0] * size[1] : count);
    }
}

/**
 * Make a pooling operator: maximum (`largest`) or mean of each window.
 * @param {boolean} largest
 * @returns {Operator}
 */
const pooling =
  (largest) =>
  ([input], settings) => {
    const [images, maps, rows, columns] = input.dims;
    const window = windowOf(settings, settings.kernel_shape, [rows, columns]);
    const { size, stride, dilation, padding } = window;
    const countsPadding = Boolean(settings.count_include_pad);
    if (!largest && countsPadding && settings.ceil_mode) throw new ModelError("averages windows beyond its padding");
    const pool = (/** @type {Values} */ values) => {
      const output = emptyOf(
        largest ? input.type : "float32",
        images * maps * window.outputSize[0] * window.outputSize[1],
      );
      const levels = largest && input.levels ? new Uint8Array(output.length) : output;
      for (let plane = 0; plane < images * maps; plane++)
        poolPlane(values, levels, plane, rows, columns, window, largest, countsPadding);
      return levels;
    };
    const dims = [images, maps, ...window.outputSize];
    if (!largest) return new Tensor("float32", dims, pool(input.values));
    if (input.levels) return input.moved(dims, pool);
    const result = new Tensor(input.type, dims, pool(input.values));
    const { exact } = input;
    if (exact)
      result.exact = (index) => {
        const [x, y, plane] = [
          index % window.outputSize[1],
          Math.floor(index / window.outputSize[1]) % window.outputSize[0],
          Math.floor(index / (window.outputSize[0] * window.outputSize[1])),
        ];
        let maximum = Number.NEGATIVE_INFINITY;
        for (let down = 0; down < size[0]; down++)
          for (let across = 0; across < size[1]; across++) {
            const [row, column] = [
              y * stride[0] - padding[0] + down * dilation[0],
              x * stride[1] - padding[1] + across * dilation[1],
            ];
            if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
            maximum = Math.max(maximum, exact((plane * rows + row) * columns + column));
          }
        return maximum;
      };
    return result;
  };

/** @param {boolean} largest @returns {Operator} */
const globalPooling =
  (largest) =>
  ([input]) => {
    const [images, maps] = input.dims;
    const positions = sizeOf(input.dims.slice(2));
    const { values } = input;
    const result = Float32Array.from({ length: images * maps }, (_, plane) => {
      let pooled = largest ? Number.NEGATIVE_INFINITY : 0;
      for (let index = plane * positions; index < (plane + 1) * positions; index++)
        pooled = largest ? Math.max(pooled, values[index]) : pooled + values[index];
      return largest ? pooled : pooled / positions;
    });
    return new Tensor("float32", [images, maps, ...input.dims.slice(2).map(() => 1)], result);
  };

/** @param {number} sum @param {number} next */
const plus = (sum, next) => sum + next;

/**
 * @param {(sum: number, next: number) => number} add
 * @param {number} start
 * @param {(sum: number, count: number) => number} end
 * @returns {Operator}
 */
const reduction =
  (add, start, end = (sum) => sum) =>
  (inputs, settings) => {
    const [data] = inputs;
    const rank = data.dims.length;
    const requestedAxes = axesOf(inputs, settings);
    if (requestedAxes && !requestedAxes.length && settings.noop_with_empty_axes) return data;
    const axes = requestedAxes?.length
      ? requestedAxes.map((/** @type {number} */ axis) => normalisedAxis(axis, rank))
      : data.dims.map((_, axis) => axis);
    const keptDims = data.dims.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const sums = new Float64Array(sizeOf(keptDims)).fill(start);
    const count = sums.length ? data.size / sums.length : 0;
    const trailing = axes.every((/** @type {number} */ axis) => axis >= rank - axes.length);
    const quick = add === plus && data.type === "float32" && trailing && count % 8 === 0;
    const strides = keptDims.map((size, axis) => (size === 1 ? 0 : sizeOf(keptDims.slice(axis + 1))));
    const position = new Array(rank).fill(0);
    const { values } = data;
    for (let index = 0, target = 0; !quick && index < values.length; index++) {
      sums[target] = add(sums[target], values[index]);
      for (let axis = rank - 1; axis >= 0; axis--) {
        position[axis] += 1;
        target += strides[axis];
        if (position[axis] < data.dims[axis]) break;
        target -= strides[axis] * data.dims[axis];
        position[axis] = 0;
      }
    }
    if (quick)
      for (let target = 0; target < sums.length; target++) sums[target] = summedInFours(values, target * count, count);
    const dims = (settings.keepdims ?? 1) ? keptDims : keptDims.filter((_, axis) => !axes.includes(axis));
    const result = emptyOf(data.type, sums.length);
    for (let index = 0; index < result.length; index++) result[index] = end(sums[index], count);
    return new Tensor(data.type, dims, result);
  };

/** Sum in ONNX Runtime's order, four at a time. @param {Values} values @param {number} start @param {number} count */
function summedInFours(values, start, count) {
  const sums = new Float32Array(8);
  for (let index = 0; index < count; index++) sums[index & 7] += values[start + index];
  const f = Math.fround;
  const [a, b, c, d] = [0, 1, 2, 3].map((each) => f(sums[each] + sums[each + 4]));
  return f(f(a + c) + f(b + d));
}

/**
 * Multiply one pair of matrices out of a batch: (rows, inner) × (inner, columns).
 * @param {ArrayLike<number>} a @param {ArrayLike<number>} b @param {Float32Array} output
 * @param {[number, number, number]} sizes @param {[number, number, number]} starts
 */
function multiply(a, b, output, [rows, inner, columns], [startA, startB, start]) {
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    for (let index = 0; index < inner; index++) {
      const value = a[startA + row * inner + index];
      if (value === 0) continue;
      const rowStart = startB + index * columns;
      for (let column = 0; column < columns; column++) sums[column] += value * b[rowStart + column];
    }
    output.set(sums, start + row * columns);
  }
}

/** @type {Operator} */
function matMul([a, b]) {
  const [dimsA, dimsB] = [a.dims.length === 1 ? [1, ...a.dims] : a.dims, b.dims.length === 1 ? [...b.dims, 1] : b.dims];
  const [rows, inner] = dimsA.slice(-2);
  const columns = dimsB[dimsB.length - 1];
  if (dimsB[dimsB.length - 2] !== inner) throw new ModelError("multiplies matrices that do not fit together");
  const [batchA, batchB] = [dimsA.slice(0, -2), dimsB.slice(0, -2)];
  const outer = broadcastDims(batchA, batchB);
  const output = new Float32Array(sizeOf(outer) * rows * columns);
  const [valuesA, valuesB] = [a.values, b.values];
  forEachElement([batchA, batchB], outer, (index, [indexA, indexB]) => {
    multiply(
      valuesA,
      valuesB,
      output,
      [rows, inner, columns],
      [indexA * rows * inner, indexB * inner * columns, index * rows * columns],
    );
  });
  const dims = [...outer, ...(a.dims.length === 1 ? [] : [rows]), ...(b.dims.length === 1 ? [] : [columns])];
  return new Tensor("float32", dims, output);
}

/** @type {Operator} */
function gemm([a, b, c], { alpha = 1, beta = 1, transA, transB }) {
  const oriented = (/** @type {Tensor} */ matrix, /** @type {boolean} */ transpose) =>
    transpose ? /** @type {Tensor} */ (MOVING.Transpose([matrix], { perm: [1, 0] })) : matrix;
  let result = /** @type {Tensor} */ (matMul([oriented(a, transA), oriented(b, transB)], {}));
  if (alpha !== 1) result = ELEMENTWISE.Mul([result, Tensor.number(alpha)], {});
  if (!c) return result;
  return ELEMENTWISE.Add([result, beta === 1 ? c : ELEMENTWISE.Mul([c, Tensor.number(beta)], {})], {});
}

/** @type {Operator} */
function batchNormalised([input, scale, bias, mean, variance], { epsilon = 1e-5 }) {
  const positions = sizeOf(input.dims.slice(2));
  const { values } = input;
  const result = new Float32Array(values.length);
  for (let index = 0; index < result.length; index++) {
    const map = Math.floor(index / positions) % input.dims[1];
    const factor = scale.values[map] / Math.sqrt(variance.values[map] + epsilon);
    result[index] = values[index] * factor + (bias.values[map] - mean.values[map] * factor);
  }
  return new Tensor("float32", input.dims, result);
}

/** @param {boolean} logarithm @returns {Operator} */
const softmax =
  (logarithm) =>
  ([input], settings) => {
    const rank = input.dims.length;
    const flattened = settings.opset < 13;
    const axis = normalisedAxis(settings.axis ?? (flattened ? 1 : -1), rank);
    const inner = flattened ? 1 : sizeOf(input.dims.slice(axis + 1));
    const size = flattened ? sizeOf(input.dims.slice(axis)) : input.dims[axis];
    const { values } = input;
    const result = new Float32Array(values.length);
    for (let row = 0; row < values.length / Math.max(size, 1); row++) {
      const start = Math.floor(row / inner) * size * inner + (row % inner);
      let [maximum, sum] = [Number.NEGATIVE_INFINITY, 0];
      for (let index = 0; index < size; index++) maximum = Math.max(maximum, values[start + index * inner]);
      for (let index = 0; index < size; index++) sum += Math.exp(values[start + index * inner] - maximum);
      for (let index = 0; index < size; index++) {
        const offset = start + index * inner;
        result[offset] = logarithm
          ? values[offset] - maximum - Math.log(sum)
          : Math.exp(values[offset] - maximum) / sum;
      }
    }
    return new Tensor("float32", input.dims, result);
  };

/** @type {Operator} */
function argMax([input], { axis = 0, keepdims = 1 }) {
  const reduced = normalisedAxis(axis, input.dims.length);
  const [inner, size] = [sizeOf(input.dims.slice(reduced + 1)), input.dims[reduced]];
  const { values } = input;
  const result = Int32Array.from({ length: input.size / size }, (_, index) => {
    const start = Math.floor(index / inner) * size * inner + (index % inner);
    let best = 0;
    for (let each = 1; each < size; each++)
      if (values[start + each * inner] > values[start + best * inner]) best = each;
    return best;
  });
  const dims = input.dims
    .map((each, index) => (index === reduced ? 1 : each))
    .filter((_, index) => keepdims || index !== reduced);
  return new Tensor("int32", dims, result);
}

/** @type {Record<string, Operator>} */
export const OPERATORS = {
  ...ELEMENTWISE,
  ...MOVING,
  ...PLACES,
  QuantizeLinear: quantised,
  DequantizeLinear: dequantised,
  MaxPool: pooling(true),
  AveragePool: pooling(false),
  GlobalMaxPool: globalPooling(true),
  GlobalAveragePool: globalPooling(false),
  ReduceMax: reduction(Math.max, Number.NEGATIVE_INFINITY),
  ReduceMin: reduction(Math.min, Number.POSITIVE_INFINITY),
  ReduceSum: reduction(plus, 0),
  ReduceMean: reduction(plus, 0, (sum, count) => sum / count),
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
