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

/** e ** x in float32 with ONNX Runtime's polynomial: the last bit decides where boxes are cut. @param {number} given */
function exponential(given) {
  const f = Math.fround;
  const x = Math.max(f(-103.9720840454), Math.min(f(88.776262664795), given));
  const times = nearest(f(x * f(Math.LOG2E)));
  const rest = f(f(x + times * f(-0.693145752)) + times * f(-1.42860677e-6));
  return POLYNOMIAL.reduce((sum, factor) => f(sum * rest + factor)) * 2 ** times;
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
export function together(a, b) {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [one, other] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    return one === 1 ? other : one;
  });
}

/** Strides of a tensor along each axis of `dims`; 0 where broadcast. @param {number[]} own @param {number[]} dims */
function steps(own, dims) {
  const made = new Array(dims.length).fill(0);
  let step = 1;
  for (let axis = own.length - 1; axis >= 0; axis--) {
    if (own[axis] !== 1) made[axis + dims.length - own.length] = step;
    step *= own[axis];
  }
  return made;
}

/** @param {Tensor} tensor @param {number[]} dims @returns {Values} */
export function spread(tensor, dims) {
  const made = emptyOf(tensor.type, sizeOf(dims));
  each([tensor.dims], dims, (to, at) => {
    made[to] = tensor.values[at[0]];
  });
  return made;
}

/**
 * Walk through all elements of shape `dims`; `visit` gets the index, and the index in each (broadcast) tensor.
 * @param {number[][]} owns
 * @param {number[]} dims
 * @param {(to: number, at: number[]) => void} visit
 */
export function each(owns, dims, visit) {
  const strides = owns.map((own) => steps(own, dims));
  const [index, at] = [new Array(dims.length).fill(0), owns.map(() => 0)];
  const size = sizeOf(dims);
  for (let to = 0; to < size; to++) {
    visit(to, at);
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      index[axis] += 1;
      for (let which = 0; which < at.length; which++) at[which] += strides[which][axis];
      if (index[axis] < dims[axis]) break;
      for (let which = 0; which < at.length; which++) at[which] -= strides[which][axis] * dims[axis];
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
    const alone = same ? null : b.size === 1 ? b : a;
    if (!alone || together(a.dims, b.dims).length === (alone === b ? a : b).dims.length) {
      const [x, y] = [a.stored, b.stored];
      const alike = alone || a.last === b.last;
      const last = alone === a ? b.last : a.last;
      const [left, right] = alike ? [x, y] : [a.values, b.values];
      const made = emptyOf(type, Math.max(left.length, right.length) * Number(left.length > 0 && right.length > 0));
      if (alone === b)
        for (let place = 0, value = right[0]; place < made.length; place++) made[place] = pair(left[place], value);
      else if (alone === a)
        for (let place = 0, value = left[0]; place < made.length; place++) made[place] = pair(value, right[place]);
      else for (let place = 0; place < made.length; place++) made[place] = pair(left[place], right[place]);
      return new Tensor(type, (alone === a ? b : a).dims, made, Boolean(alike) && last);
    }
  }
  const dims = together(a.dims, b.dims);
  const made = emptyOf(type, sizeOf(dims));
  const [x, y] = [a.values, b.values];
  each([a.dims, b.dims], dims, (to, at) => {
    made[to] = pair(x[at[0]], y[at[1]]);
  });
  return new Tensor(type, dims, made);
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
      return { values: Float32Array.from(x, (value, place) => value + y[place]), last: false };
    },
    rounded: (scale, zero) => {
      const last = a.last || b.last;
      const [x, y] = last ? [a.levelsLast(one), b.levelsLast(other)] : [one.values, other.values];
      const [p, q] = [Math.fround(one.scale[0] / scale), Math.fround(other.scale[0] / scale)];
      const fixed = Math.fround(zero - (p * (one.zero[0] ?? 0) + q * (other.zero[0] ?? 0)));
      const made = new Uint8Array(x.length);
      for (let place = 0; place < made.length; place++) {
        const value = nearest(Math.fround(x[place] * p + Math.fround(y[place] * q + fixed)));
        made[place] = Math.min(Math.max(value, 0), 255);
      }
      return new Tensor("uint8", a.dims, made, last);
    },
  });
}

/** ReLU of a whole layer; a call per number is as slow as the convolution. @param {Values} values @param {Values} to */
function cutAtZero(values, to) {
  for (let place = 0; place < to.length; place++) {
    const value = values[place];
    to[place] = Math.max(value, 0);
  }
}

/** @type {Record<string, (given: Tensor[], settings: Settings) => Tensor>} */
export const ELEMENTWISE = {};
for (const [name, make] of Object.entries(SINGLE))
  ELEMENTWISE[name] = ([given], settings) => {
    const work = make(settings);
    const values = given.stored;
    const made = emptyOf(given.type, values.length);
    if (name === "Relu") cutAtZero(values, made);
    else for (let place = 0; place < made.length; place++) made[place] = work(values[place]);
    const result = new Tensor(given.type, given.dims, made, given.last);
    const { exact } = given;
    if (exact && name === "Relu") result.exact = (place) => work(exact(place));
    return result;
  };
for (const [name, pair] of Object.entries(PAIRS))
  ELEMENTWISE[name] = (given) => {
    if (name === "Add" && given.length === 2) {
      const sum = summed(given[0], given[1]);
      if (sum) return sum;
    }
    const whole = name === "Div" && given[0].type !== "float32";
    const work = whole ? (/** @type {number} */ a, /** @type {number} */ b) => Math.trunc(a / b) : pair;
    return given.slice(1).reduce((sum, next) => paired(sum, next, work, given[0].type), given[0]);
  };
for (const [name, pair] of Object.entries(COMPARISONS)) ELEMENTWISE[name] = ([a, b]) => paired(a, b, pair, "bool");
ELEMENTWISE.Not = ([given]) =>
  new Tensor(
    "bool",
    given.dims,
    Uint8Array.from(given.stored, (each) => 1 - each),
    given.last,
  );
ELEMENTWISE.Sum = (given) => given.slice(1).reduce((sum, next) => paired(sum, next, PAIRS.Add, "float32"), given[0]);
ELEMENTWISE.Mean = (given) => ELEMENTWISE.Div([ELEMENTWISE.Sum(given, {}), Tensor.number(given.length)], {});
ELEMENTWISE.Clip = ([given, low, high], settings) => {
  const least = low?.size ? low.number : (settings.min ?? Number.NEGATIVE_INFINITY);
  const most = high?.size ? high.number : (settings.max ?? Number.POSITIVE_INFINITY);
  const values = given.stored;
  const made = emptyOf(given.type, values.length);
  for (let place = 0; place < made.length; place++) made[place] = Math.min(Math.max(values[place], least), most);
  return new Tensor(given.type, given.dims, made, given.last);
};
ELEMENTWISE.Where = ([which, a, b]) => {
  const dims = together(together(which.dims, a.dims), b.dims);
  const made = emptyOf(a.type, sizeOf(dims));
  const [w, x, y] = [which.values, a.values, b.values];
  each([which.dims, a.dims, b.dims], dims, (to, at) => {
    made[to] = w[at[0]] ? x[at[1]] : y[at[2]];
  });
  return new Tensor(a.type, dims, made);
};
