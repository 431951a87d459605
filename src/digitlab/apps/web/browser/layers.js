// The remaining operators: quantisation, pooling, matrix products, normalisation, resizing.

import { windowOf } from "./convolution.js";
import { ELEMENTWISE, each, emptyOf, together } from "./elementwise.js";
import { axesOf, counted, MOVING } from "./moving.js";
import { ModelError } from "./onnx.js";
import { PLACES } from "./places.js";
import { roiAlign } from "./regions.js";
import { resized } from "./resizing.js";
import { nearest, placeOf, sizeOf, Tensor } from "./tensor.js";

/**
 * @import { Window } from "./convolution.js"
 * @import { Operator, Settings } from "./moving.js"
 * @import { Values } from "./onnx.js"
 * @import { Levels } from "./tensor.js"
 */

const DOUBT = 1e-3; // in levels: a convolution's fast sum differs from the exact one by less

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
    level = level < least ? least : Math.min(level, most);
    let whole = nearest(level);
    if (exact && Math.abs(level - whole) > 0.5 - DOUBT) {
      level = Math.fround(exact(last ? placeOf(place, dims) : place) / by);
      whole = nearest(Math.min(Math.max(level, least), most));
    }
    made[place] = whole + from;
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
 * @param {Values} values @param {Values} to @param {number} plane @param {number} rows @param {number} columns
 * @param {Window} window @param {boolean} largest @param {boolean} inside whether a mean counts padding
 */
function poolPlane(values, to, plane, rows, columns, { size, stride, dilation, before, made }, largest, inside) {
  const high = made[0];
  const wide = made[1];
  for (let y = 0; y < high; y++)
    for (let x = 0; x < wide; x++) {
      let best = largest ? Number.NEGATIVE_INFINITY : 0;
      let count = 0;
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
      to[(plane * high + y) * wide + x] = largest ? best : best / (inside ? size[0] * size[1] : count);
    }
}

/**
 * Make a pooling operator: maximum (`largest`) or mean of each window.
 * @param {boolean} largest
 * @returns {Operator}
 */
const pooling =
  (largest) =>
  ([given], settings) => {
    const [images, maps, rows, columns] = given.dims;
    const window = windowOf(settings, settings.kernel_shape, [rows, columns]);
    const { size, stride, dilation, before } = window;
    const inside = Boolean(settings.count_include_pad);
    if (!largest && inside && settings.ceil_mode) throw new ModelError("averages windows beyond its padding");
    const pool = (/** @type {Values} */ values) => {
      const out = emptyOf(largest ? given.type : "float32", images * maps * window.made[0] * window.made[1]);
      const levels = largest && given.levels ? new Uint8Array(out.length) : out;
      for (let plane = 0; plane < images * maps; plane++)
        poolPlane(values, levels, plane, rows, columns, window, largest, inside);
      return levels;
    };
    const dims = [images, maps, ...window.made];
    if (!largest) return new Tensor("float32", dims, pool(given.values));
    if (given.levels) return given.moved(dims, pool);
    const made = new Tensor(given.type, dims, pool(given.values));
    const { exact } = given;
    if (exact)
      made.exact = (place) => {
        const [x, y, plane] = [
          place % window.made[1],
          Math.floor(place / window.made[1]) % window.made[0],
          Math.floor(place / (window.made[0] * window.made[1])),
        ];
        let best = Number.NEGATIVE_INFINITY;
        for (let down = 0; down < size[0]; down++)
          for (let across = 0; across < size[1]; across++) {
            const [row, column] = [
              y * stride[0] - before[0] + down * dilation[0],
              x * stride[1] - before[1] + across * dilation[1],
            ];
            if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
            best = Math.max(best, exact((plane * rows + row) * columns + column));
          }
        return best;
      };
    return made;
  };

/** @param {boolean} largest @returns {Operator} */
const globalPooling =
  (largest) =>
  ([given]) => {
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
  (given, settings) => {
    const [data] = given;
    const rank = data.dims.length;
    const asked = axesOf(given, settings);
    if (asked && !asked.length && settings.noop_with_empty_axes) return data;
    const axes = asked?.length
      ? asked.map((/** @type {number} */ axis) => counted(axis, rank))
      : data.dims.map((_, axis) => axis);
    const kept = data.dims.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const sums = new Float64Array(sizeOf(kept)).fill(start);
    const count = sums.length ? data.size / sums.length : 0;
    const trailing = axes.every((/** @type {number} */ axis) => axis >= rank - axes.length);
    const quick = add === plus && data.type === "float32" && trailing && count % 8 === 0;
    const strides = kept.map((size, axis) => (size === 1 ? 0 : sizeOf(kept.slice(axis + 1))));
    const index = new Array(rank).fill(0);
    const { values } = data;
    for (let place = 0, to = 0; !quick && place < values.length; place++) {
      sums[to] = add(sums[to], values[place]);
      for (let axis = rank - 1; axis >= 0; axis--) {
        index[axis] += 1;
        to += strides[axis];
        if (index[axis] < data.dims[axis]) break;
        to -= strides[axis] * data.dims[axis];
        index[axis] = 0;
      }
    }
    if (quick) for (let to = 0; to < sums.length; to++) sums[to] = summedInFours(values, to * count, count);
    const dims = (settings.keepdims ?? 1) ? kept : kept.filter((_, axis) => !axes.includes(axis));
    const made = emptyOf(data.type, sums.length);
    for (let place = 0; place < made.length; place++) made[place] = end(sums[place], count);
    return new Tensor(data.type, dims, made);
  };

/** Sum in ONNX Runtime's order, four at a time. @param {Values} values @param {number} start @param {number} count */
function summedInFours(values, start, count) {
  const sums = new Float32Array(8);
  for (let place = 0; place < count; place++) sums[place & 7] += values[start + place];
  const f = Math.fround;
  const [a, b, c, d] = [0, 1, 2, 3].map((each) => f(sums[each] + sums[each + 4]));
  return f(f(a + c) + f(b + d));
}

/**
 * Multiply one pair of matrices out of a batch: (rows, inner) × (inner, columns).
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
  const [one, other] = [left.slice(0, -2), right.slice(0, -2)];
  const outer = together(one, other);
  const to = new Float32Array(sizeOf(outer) * rows * columns);
  const [x, y] = [a.values, b.values];
  each([one, other], outer, (place, [at, by]) => {
    multiply(x, y, to, [rows, inner, columns], [at * rows * inner, by * inner * columns, place * rows * columns]);
  });
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
const softmax =
  (logarithm) =>
  ([given], settings) => {
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
    for (let each = 1; each < size; each++)
      if (values[start + each * inner] > values[start + best * inner]) best = each;
    return best;
  });
  const dims = given.dims
    .map((each, place) => (place === at ? 1 : each))
    .filter((_, place) => keepdims || place !== at);
  return new Tensor("int32", dims, made);
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
