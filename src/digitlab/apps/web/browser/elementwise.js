// Element-wise operators, on one tensor or on two.

import { nearest, sizeOf, Tensor } from "./tensor.js";

/**
 * @import { Type, Values } from "./onnx.js"
 * @typedef {Record<string, any>} Settings
 * @typedef {(a: number, b: number) => number} Pair
 */

/** @param {number} x */
const erf = (x) => {
  // Abramowitz and Stegun 7.1.26 is too coarse: use the series near 0, else the continued fraction.
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let [term, sum] = [size, size];
    for (let n = 1; n < 80; n++) {
      term *= -(size * size) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (size + fraction);
  return Math.sign(x) * (1 - Math.exp(-size * size) / ((size + fraction) * Math.sqrt(Math.PI)));
};
/** @param {number} x */
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
/** @param {number} x */
const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** e ** x in float32 with ONNX Runtime's polynomial: the last bit decides where boxes are cut. @param {number} value */
function exponential(value) {
  const f = Math.fround;
  const x = Math.max(f(-103.9720840454), Math.min(f(88.776262664795), value));
  const power = nearest(f(x * f(Math.LOG2E)));
  const remainder = f(f(x + power * f(-0.693145752)) + power * f(-1.42860677e-6));
  return POLYNOMIAL.reduce((sum, factor) => f(sum * remainder + factor)) * 2 ** power;
}
const POLYNOMIAL = [
  0x1694 / 2 ** 22,
  0x1125edc / 2 ** 31,
  0x1555b5a / 2 ** 29,
  0x155545 / 2 ** 23,
  0x1fffff6 / 2 ** 26,
  1,
  1,
];

/** @type {Record<string, (settings: Settings) => (x: number) => number>} */
const SINGLE = {
  Relu: () => (x) => Math.max(x, 0),
  Sigmoid: () => sigmoid,
  Tanh: () => Math.tanh,
  Exp: () => exponential,
  Log: () => Math.log,
  Sqrt: () => Math.sqrt,
  Abs: () => Math.abs,
  Neg: () => (x) => -x,
  Floor: () => Math.floor,
  Ceil: () => Math.ceil,
  Round: () => nearest,
  Erf: () => erf,
  Softplus: () => softplus,
  Softsign: () => (x) => x / (1 + Math.abs(x)),
  LeakyRelu:
    ({ alpha = 0.01 }) =>
    (x) =>
      x < 0 ? alpha * x : x,
  Elu:
    ({ alpha = 1 }) =>
    (x) =>
      x < 0 ? alpha * Math.expm1(x) : x,
  Selu:
    ({ alpha = 1.6732631921768188, gamma = 1.0507010221481323 }) =>
    (x) =>
      gamma * (x > 0 ? x : alpha * Math.expm1(x)),
  HardSigmoid:
    ({ alpha = 0.2, beta = 0.5 }) =>
    (x) =>
      Math.max(0, Math.min(1, alpha * x + beta)),
  HardSwish: () => (x) => x * Math.max(0, Math.min(1, x / 6 + 0.5)),
  ThresholdedRelu:
    ({ alpha = 1 }) =>
    (x) =>
      x > alpha ? x : 0,
  Mish: () => (x) => x * Math.tanh(softplus(x)),
  Gelu:
    ({ approximate }) =>
    (x) =>
      approximate === "tanh"
        ? 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
        : 0.5 * x * (1 + erf(x / Math.SQRT2)),
};

/** @type {Record<string, Pair>} */
const PAIRS = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Max: Math.max,
  Min: Math.min,
  Pow: (a, b) => a ** b,
  Mod: (a, b) => a - b * Math.floor(a / b),
  PRelu: (a, b) => (a < 0 ? a * b : a),
};
/** @type {Record<string, Pair>} */
const COMPARISONS = {
  Greater: (a, b) => Number(a > b),
  GreaterOrEqual: (a, b) => Number(a >= b),
  Less: (a, b) => Number(a < b),
  LessOrEqual: (a, b) => Number(a <= b),
  Equal: (a, b) => Number(a === b),
  And: (a, b) => a & b,
  Or: (a, b) => a | b,
  Xor: (a, b) => a ^ b,
};

/** @param {Type} type @param {number} size @returns {Values} */
export function emptyOf(type, size) {
  if (type === "float32") return new Float32Array(size);
  return type === "int32" ? new Int32Array(size) : type === "int8" ? new Int8Array(size) : new Uint8Array(size);
}

/** Broadcast two shapes. @param {number[]} a @param {number[]} b */
export function broadcastDims(a, b) {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [one, other] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    return one === 1 ? other : one;
  });
}

/** Strides of a tensor along each axis of `dims`; 0 where broadcast. @param {number[]} tensorDims @param {number[]} dims */
function stridesOf(tensorDims, dims) {
  const strides = new Array(dims.length).fill(0);
  let step = 1;
  for (let axis = tensorDims.length - 1; axis >= 0; axis--) {
    if (tensorDims[axis] !== 1) strides[axis + dims.length - tensorDims.length] = step;
    step *= tensorDims[axis];
  }
  return strides;
}

/** @param {Tensor} tensor @param {number[]} dims @returns {Values} */
export function broadcastTo(tensor, dims) {
  const result = emptyOf(tensor.type, sizeOf(dims));
  forEachElement([tensor.dims], dims, (index, offsets) => {
    result[index] = tensor.values[offsets[0]];
  });
  return result;
}

/**
 * Walk through all elements of shape `dims`; `visit` gets the index, and the index in each (broadcast) tensor.
 * @param {number[][]} shapes
 * @param {number[]} dims
 * @param {(to: number, at: number[]) => void} visit
 */
export function forEachElement(shapes, dims, visit) {
  const strides = shapes.map((shape) => stridesOf(shape, dims));
  const [index, offsets] = [new Array(dims.length).fill(0), shapes.map(() => 0)];
  const size = sizeOf(dims);
  for (let target = 0; target < size; target++) {
    visit(target, offsets);
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      index[axis] += 1;
      for (let tensor = 0; tensor < offsets.length; tensor++) offsets[tensor] += strides[tensor][axis];
      if (index[axis] < dims[axis]) break;
      for (let tensor = 0; tensor < offsets.length; tensor++) offsets[tensor] -= strides[tensor][axis] * dims[axis];
      index[axis] = 0;
    }
  }
}

/**
 * Apply `pair` element by element to two tensors, with broadcasting.
 * @param {Tensor} a @param {Tensor} b @param {Pair} pair @param {Type} type
 */
function paired(a, b, pair, type) {
  const same = a.dims.length === b.dims.length && a.dims.every((size, axis) => size === b.dims[axis]);
  if (same || b.size === 1 || a.size === 1) {
    const scalar = same ? null : b.size === 1 ? b : a;
    if (!scalar || broadcastDims(a.dims, b.dims).length === (scalar === b ? a : b).dims.length) {
      const [x, y] = [a.stored, b.stored];
      const sameOrder = scalar || a.last === b.last;
      const last = scalar === a ? b.last : a.last;
      const [left, right] = sameOrder ? [x, y] : [a.values, b.values];
      const result = emptyOf(type, Math.max(left.length, right.length) * Number(left.length > 0 && right.length > 0));
      if (scalar === b)
        for (let index = 0, value = right[0]; index < result.length; index++) result[index] = pair(left[index], value);
      else if (scalar === a)
        for (let index = 0, value = left[0]; index < result.length; index++) result[index] = pair(value, right[index]);
      else for (let index = 0; index < result.length; index++) result[index] = pair(left[index], right[index]);
      return new Tensor(type, (scalar === a ? b : a).dims, result, Boolean(sameOrder) && last);
    }
  }
  const dims = broadcastDims(a.dims, b.dims);
  const result = emptyOf(type, sizeOf(dims));
  const [x, y] = [a.values, b.values];
  forEachElement([a.dims, b.dims], dims, (target, offsets) => {
    result[target] = pair(x[offsets[0]], y[offsets[1]]);
  });
  return new Tensor(type, dims, result);
}

/**
 * Sum two tensors of levels lazily: if levels are asked for next, it is quantised in one step. Null for other tensors.
 * @param {Tensor} a @param {Tensor} b
 */
function summed(a, b) {
  const [one, other] = [a.levels, b.levels];
  const same = a.dims.length === b.dims.length && a.dims.every((size, axis) => size === b.dims[axis]);
  if (!one || !other || !same || one.scale.length + other.scale.length > 2) return null;
  return Tensor.later(a.dims, {
    real: () => {
      const [x, y] = [a.values, b.values];
      return { values: Float32Array.from(x, (value, index) => value + y[index]), last: false };
    },
    rounded: (scale, zero) => {
      const last = a.last || b.last;
      const [x, y] = last ? [a.levelsLast(one), b.levelsLast(other)] : [one.values, other.values];
      const [p, q] = [Math.fround(one.scale[0] / scale), Math.fround(other.scale[0] / scale)];
      const offset = Math.fround(zero - (p * (one.zero[0] ?? 0) + q * (other.zero[0] ?? 0)));
      const result = new Uint8Array(x.length);
      for (let index = 0; index < result.length; index++) {
        const value = nearest(Math.fround(x[index] * p + Math.fround(y[index] * q + offset)));
        result[index] = Math.min(Math.max(value, 0), 255);
      }
      return new Tensor("uint8", a.dims, result, last);
    },
  });
}

/** ReLU of a whole layer; a call per number is as slow as the convolution. @param {Values} values @param {Values} output */
function reluInto(values, output) {
  for (let index = 0; index < output.length; index++) {
    const value = values[index];
    output[index] = Math.max(value, 0);
  }
}

/** @type {Record<string, (inputs: Tensor[], settings: Settings) => Tensor>} */
export const ELEMENTWISE = {};
for (const [name, make] of Object.entries(SINGLE))
  ELEMENTWISE[name] = ([input], settings) => {
    const operation = make(settings);
    const values = input.stored;
    const output = emptyOf(input.type, values.length);
    if (name === "Relu") reluInto(values, output);
    else for (let index = 0; index < output.length; index++) output[index] = operation(values[index]);
    const result = new Tensor(input.type, input.dims, output, input.last);
    const { exact } = input;
    if (exact && name === "Relu") result.exact = (index) => operation(exact(index));
    return result;
  };
for (const [name, pair] of Object.entries(PAIRS))
  ELEMENTWISE[name] = (inputs) => {
    if (name === "Add" && inputs.length === 2) {
      const sum = summed(inputs[0], inputs[1]);
      if (sum) return sum;
    }
    const integerDivision = name === "Div" && inputs[0].type !== "float32";
    const operation = integerDivision ? (/** @type {number} */ a, /** @type {number} */ b) => Math.trunc(a / b) : pair;
    return inputs.slice(1).reduce((sum, next) => paired(sum, next, operation, inputs[0].type), inputs[0]);
  };
for (const [name, pair] of Object.entries(COMPARISONS)) ELEMENTWISE[name] = ([a, b]) => paired(a, b, pair, "bool");
ELEMENTWISE.Not = ([input]) =>
  new Tensor(
    "bool",
    input.dims,
    Uint8Array.from(input.stored, (each) => 1 - each),
    input.last,
  );
ELEMENTWISE.Sum = (inputs) => inputs.slice(1).reduce((sum, next) => paired(sum, next, PAIRS.Add, "float32"), inputs[0]);
ELEMENTWISE.Mean = (inputs) => ELEMENTWISE.Div([ELEMENTWISE.Sum(inputs, {}), Tensor.number(inputs.length)], {});
ELEMENTWISE.Clip = ([input, low, high], settings) => {
  const minimum = low?.size ? low.number : (settings.min ?? Number.NEGATIVE_INFINITY);
  const maximum = high?.size ? high.number : (settings.max ?? Number.POSITIVE_INFINITY);
  const values = input.stored;
  const result = emptyOf(input.type, values.length);
  for (let index = 0; index < result.length; index++)
    result[index] = Math.min(Math.max(values[index], minimum), maximum);
  return new Tensor(input.type, input.dims, result, input.last);
};
ELEMENTWISE.Where = ([condition, a, b]) => {
  const dims = broadcastDims(broadcastDims(condition.dims, a.dims), b.dims);
  const result = emptyOf(a.type, sizeOf(dims));
  const [conditions, x, y] = [condition.values, a.values, b.values];
  forEachElement([condition.dims, a.dims, b.dims], dims, (index, offsets) => {
    result[index] = conditions[offsets[0]] ? x[offsets[1]] : y[offsets[2]];
  });
  return new Tensor(a.type, dims, result);
};
