// Operators that rearrange numbers, or create and read shapes.

import { broadcastTo, emptyOf } from "./elementwise.js";
import { ModelError } from "./onnx.js";
import { arrayLike, channelsFirstIndex, channelsLast, channelsLastIndex, sizeOf, Tensor } from "./tensor.js";

/**
 * @import { Values } from "./onnx.js"
 * @typedef {Record<string, any>} Settings
 * @typedef {(inputs: Tensor[], settings: Settings) => Tensor | Tensor[]} Operator
 */

/** @param {number} axis @param {number} rank */
export const normalisedAxis = (axis, rank) => (axis < 0 ? axis + rank : axis);

/** The axes of an operator, which newer files give as an input. @param {Tensor[]} inputs @param {Settings} settings @param {number} index */
export const axesOf = (inputs, settings, index = 1) => inputs[index]?.list ?? settings.axes ?? null;

/** @type {Record<string, "float32" | "uint8" | "int8" | "int32" | "bool">} */
const TYPES = { 1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int32", 9: "bool", 10: "float32", 11: "float32" };

/**
 * Gather blocks of `inner` numbers from a tensor; `indices` are block indices.
 * @param {Values} values @param {ArrayLike<number>} indices @param {number} inner
 */
function gathered(values, indices, inner) {
  const result = arrayLike(values, indices.length * inner);
  if (inner === 1) for (let target = 0; target < indices.length; target++) result[target] = values[indices[target]];
  else
    for (let target = 0; target < indices.length; target++)
      result.set(
        /** @type {any} */ (values.subarray(indices[target] * inner, (indices[target] + 1) * inner)),
        target * inner,
      );
  return result;
}

/**
 * Select these indices along one axis, in this order.
 * @param {Tensor} input @param {number} axis @param {number[]} indices
 */
function selectAlong(input, axis, indices) {
  const dims = input.dims.map((size, dim) => (dim === axis ? indices.length : size));
  const [outer, inner] = [sizeOf(input.dims.slice(0, axis)), sizeOf(input.dims.slice(axis + 1))];
  return input.moved(dims, (values) => {
    const sources = new Int32Array(outer * indices.length);
    for (let block = 0, target = 0; block < outer; block++)
      for (const index of indices) sources[target++] = block * input.dims[axis] + index;
    return gathered(values, sources, inner);
  });
}

/** @type {Map<string, Int32Array>} */
const indexCache = new Map(); // a cache: a drawing pad's picture has the same size each time
const CACHE_SIZE = 48;

/** @param {number[]} dims @param {number[]} order */
function transposedIndices(dims, order) {
  const key = `${dims} ${order}`;
  const indices = indexCache.get(key) ?? computeTransposedIndices(dims, order);
  indexCache.delete(key);
  indexCache.set(key, indices);
  if (indexCache.size > CACHE_SIZE) indexCache.delete(indexCache.keys().next().value ?? "");
  return indices;
}

/** @param {number[]} dims @param {number[]} order */
function computeTransposedIndices(dims, order) {
  const strides = dims.map((_, axis) => sizeOf(dims.slice(axis + 1)));
  const [outputDims, steps] = [order.map((axis) => dims[axis]), order.map((axis) => strides[axis])];
  const indices = new Int32Array(sizeOf(dims));
  const position = new Array(outputDims.length).fill(0);
  for (let target = 0, source = 0; target < indices.length; target++) {
    indices[target] = source;
    for (let axis = outputDims.length - 1; axis >= 0; axis--) {
      position[axis] += 1;
      source += steps[axis];
      if (position[axis] < outputDims[axis]) break;
      source -= steps[axis] * outputDims[axis];
      position[axis] = 0;
    }
  }
  return indices;
}

/**
 * View a tensor in shape `viewDims` and permute its axes to this order.
 * @param {Tensor} input @param {number[]} dims @param {number[]} viewDims @param {number[]} order
 */
function transposed(input, dims, viewDims, order) {
  const steps = order.map((axis) => sizeOf(viewDims.slice(axis + 1)));
  const sizes = order.map((axis) => viewDims[axis]);
  const source = (/** @type {number} */ index) => {
    let [remainder, offset] = [index, 0];
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      offset += (remainder % sizes[axis]) * steps[axis];
      remainder = Math.floor(remainder / sizes[axis]);
    }
    return offset;
  };
  return input.moved(dims, (values) => gathered(values, transposedIndices(viewDims, order), 1), source);
}

/** @type {Operator} */
function transpose([input], { perm }) {
  const order = /** @type {number[]} */ (perm ?? input.dims.map((_, axis) => input.dims.length - 1 - axis));
  const dims = order.map((axis) => input.dims[axis]);
  // To and from channels last, nothing needs to be moved in memory.
  const permutation = order.join();
  if (permutation === "0,3,1,2" && !input.last) return relabelled(input, dims, true);
  if (input.pending) input.stored;
  if (permutation === "0,2,3,1" && input.last) return relabelled(input, dims, false);
  if (permutation === "0,2,3,1")
    return input.moved(
      dims,
      (values) => channelsLast(values, input.dims),
      (index) => channelsFirstIndex(index, input.dims),
    );
  return transposed(input, dims, input.dims, order);
}

/** @param {Tensor} input @param {number[]} dims @param {boolean} last */
function relabelled(input, dims, last) {
  if (input.levels && input.levels.scale.length === 1) return Tensor.ofLevels(dims, input.levels, last);
  const result = new Tensor(input.type, dims, input.stored, last);
  const { exact } = input;
  if (exact)
    result.exact = (index) => exact(last ? channelsLastIndex(index, dims) : channelsFirstIndex(index, input.dims));
  return result;
}

/** @param {Tensor} input @param {number[]} dims */
const reshaped = (input, dims) =>
  input.moved(
    dims,
    (values) => values,
    (index) => index,
  );

/** @type {Operator} */
function reshape([input, shape], settings) {
  const requested = /** @type {number[]} */ (shape ? shape.list : settings.shape);
  const dims = requested.map((size, axis) => (size === 0 && !settings.allowzero ? input.dims[axis] : size));
  const inferred = dims.indexOf(-1);
  if (inferred >= 0) dims[inferred] = input.size / Math.max(1, -sizeOf(dims));
  if (sizeOf(dims) !== input.size) throw new ModelError(`cannot make ${dims.join("×")} of ${input.dims.join("×")}`);
  return reshaped(input, dims);
}

/** @type {Operator} */
function slice(inputs, settings) {
  const [data, starts, ends] = inputs;
  const firsts = /** @type {number[]} */ (starts?.list ?? settings.starts);
  const lasts = /** @type {number[]} */ (ends?.list ?? settings.ends);
  const axes = /** @type {number[]} */ (axesOf(inputs, settings, 3) ?? firsts.map((_, axis) => axis));
  const steps = inputs[4]?.list ?? firsts.map(() => 1);
  return axes.reduce((result, axis, index) => {
    const [dim, size, step] = [
      normalisedAxis(axis, data.dims.length),
      data.dims[normalisedAxis(axis, data.dims.length)],
      steps[index],
    ];
    const clamped = (/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ high) =>
      Math.max(low, Math.min(high, value < 0 ? value + size : value));
    const [begin, end] =
      step > 0
        ? [clamped(firsts[index], 0, size), clamped(lasts[index], 0, size)]
        : [clamped(firsts[index], 0, size - 1), clamped(lasts[index], -1, size - 1)];
    const indices = [];
    for (let value = begin; step > 0 ? value < end : value > end; value += step) indices.push(value);
    return selectAlong(result, dim, indices);
  }, data);
}

/** @type {Operator} */
function split(inputs, settings) {
  const [data, sizes] = inputs;
  const axis = normalisedAxis(settings.axis ?? 0, data.dims.length);
  const count = settings.num_outputs ?? settings.outputs;
  const partSize = Math.ceil(data.dims[axis] / count);
  const parts =
    sizes?.list ??
    settings.split ??
    Array.from({ length: count }, (_, index) => Math.min(partSize, data.dims[axis] - index * partSize));
  let start = 0;
  return parts.map((/** @type {number} */ size) => {
    start += size;
    return selectAlong(
      data,
      axis,
      Array.from({ length: size }, (_, index) => start - size + index),
    );
  });
}

/** @type {Operator} */
function concat(inputs, { axis }) {
  const dim = normalisedAxis(axis, inputs[0].dims.length);
  const dims = inputs[0].dims.map((size, index) =>
    index === dim ? inputs.reduce((sum, input) => sum + input.dims[dim], 0) : size,
  );
  const [outer, blockSize] = [sizeOf(dims.slice(0, dim)), sizeOf(dims.slice(dim))];
  const result = emptyOf(inputs[0].type, sizeOf(dims));
  let offset = 0;
  for (const input of inputs) {
    const size = sizeOf(input.dims.slice(dim));
    const values = input.values;
    for (let block = 0; block < outer; block++)
      result.set(/** @type {any} */ (values.subarray(block * size, (block + 1) * size)), block * blockSize + offset);
    offset += size;
  }
  return new Tensor(inputs[0].type, dims, result);
}

/** @type {Operator} */
function gather([data, indices], settings) {
  const axis = normalisedAxis(settings.axis ?? 0, data.dims.length);
  const rows = indices.list.map((index) => normalisedAxis(index, data.dims[axis]));
  const selected = selectAlong(data, axis, rows);
  return reshaped(selected, [...data.dims.slice(0, axis), ...indices.dims, ...data.dims.slice(axis + 1)]);
}

/** @type {Operator} */
function gatherNd([data, indices]) {
  const depth = indices.dims[indices.dims.length - 1];
  const [rows, inner] = [sizeOf(indices.dims.slice(0, -1)), sizeOf(data.dims.slice(depth))];
  const strides = data.dims.slice(0, depth).map((_, axis) => sizeOf(data.dims.slice(axis + 1, depth)));
  const starts = Int32Array.from({ length: rows }, (_, row) =>
    strides.reduce((sum, stride, axis) => sum + stride * indices.values[row * depth + axis], 0),
  );
  const source = (/** @type {number} */ index) => starts[Math.floor(index / inner)] * inner + (index % inner);
  const dims = [...indices.dims.slice(0, -1), ...data.dims.slice(depth)];
  const result = data.moved(dims, (values) => gathered(values, starts, inner), source);
  const { exact } = result;
  return exact
    ? new Tensor(
        "float32",
        result.dims,
        Float32Array.from(result.values, (_, index) => exact(index)),
      )
    : result;
}

/** @type {Operator} */
function pad(inputs, settings) {
  const [data, amounts] = inputs;
  const pads = /** @type {number[]} */ (amounts?.list ?? settings.pads);
  const axes = /** @type {number[]} */ (axesOf(inputs, settings, 3) ?? data.dims.map((_, axis) => axis));
  const mode = settings.mode ?? "constant";
  const value = inputs[2]?.size ? inputs[2].number : (settings.value ?? 0);
  return axes.reduce((result, axis, index) => {
    const [dim, before, after] = [normalisedAxis(axis, data.dims.length), pads[index], pads[index + axes.length]];
    if (!before && !after) return result;
    const size = result.dims[dim];
    const sources = Array.from({ length: before + size + after }, (_, target) =>
      sourceIndex(target - before, size, mode),
    );
    if (mode !== "constant") return selectAlong(result, dim, sources);
    const filled = selectAlong(
      new Tensor(result.type, result.dims, result.values),
      dim,
      sources.map((each) => Math.max(each, 0)),
    );
    const inner = sizeOf(filled.dims.slice(dim + 1));
    for (let target = 0; target < filled.size / inner; target++)
      if (sources[target % sources.length] < 0) filled.values.fill(value, target * inner, (target + 1) * inner);
    return filled;
  }, data);
}

/** Source index of a padded place; -1 for none. @param {number} index @param {number} size @param {string} mode */
function sourceIndex(index, size, mode) {
  if (index >= 0 && index < size) return index;
  if (mode === "edge") return Math.max(0, Math.min(size - 1, index));
  if (mode === "reflect") return index < 0 ? -index : 2 * size - 2 - index;
  if (mode === "wrap") return ((index % size) + size) % size;
  return -1;
}

/** @type {Operator} */
function depthToSpace([input], { blocksize: block, mode = "DCR" }) {
  const [images, maps, rows, columns] = input.dims;
  const outputMaps = maps / (block * block);
  const viewDims =
    mode === "DCR"
      ? [images, block, block, outputMaps, rows, columns]
      : [images, outputMaps, block, block, rows, columns];
  const order = mode === "DCR" ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3];
  return transposed(input, [images, outputMaps, rows * block, columns * block], viewDims, order);
}

/** @type {Operator} */
function tile([input, repeats]) {
  return repeats.list.reduce((result, times, axis) => {
    if (times === 1) return result;
    const size = result.dims[axis];
    return selectAlong(
      result,
      axis,
      Array.from({ length: size * times }, (_, index) => index % size),
    );
  }, input);
}

/** @type {Operator} */
function cast([input], { to }) {
  const type = TYPES[to];
  if (!type) throw new ModelError(`turns numbers into ONNX type ${to}; expected float32 or integers`);
  if (type === input.type) return input;
  const values = input.stored;
  const result = emptyOf(type, values.length);
  if (type === "bool") for (let index = 0; index < result.length; index++) result[index] = Number(values[index] !== 0);
  else result.set(/** @type {any} */ (values)); // truncates towards 0
  return new Tensor(type, input.dims, result, input.last);
}

/** @type {Record<string, Operator>} */
export const MOVING = {
  Transpose: transpose,
  Reshape: reshape,
  Slice: slice,
  Split: split,
  Concat: concat,
  Gather: gather,
  GatherND: gatherNd,
  Pad: pad,
  DepthToSpace: depthToSpace,
  Tile: tile,
  Cast: cast,
  Identity: ([input]) => input,
  Dropout: ([input]) => input,
  Flatten: ([input], { axis = 1 }) => {
    const dim = normalisedAxis(axis, input.dims.length);
    return reshaped(input, [sizeOf(input.dims.slice(0, dim)), sizeOf(input.dims.slice(dim))]);
  },
  Unsqueeze: (inputs, settings) => {
    const axes = /** @type {number[]} */ (axesOf(inputs, settings));
    const rank = inputs[0].dims.length + axes.length;
    const dims = axes.map((axis) => normalisedAxis(axis, rank));
    const remaining = [...inputs[0].dims];
    return reshaped(
      inputs[0],
      Array.from({ length: rank }, (_, axis) => (dims.includes(axis) ? 1 : (remaining.shift() ?? 1))),
    );
  },
  Squeeze: (inputs, settings) => {
    const axes = axesOf(inputs, settings)?.map((/** @type {number} */ axis) =>
      normalisedAxis(axis, inputs[0].dims.length),
    );
    return reshaped(
      inputs[0],
      inputs[0].dims.filter((size, axis) => (axes ? !axes.includes(axis) : size !== 1)),
    );
  },
  Expand: ([input, shape]) => {
    const rank = Math.max(shape.size, input.dims.length);
    const requested = shape.list;
    const dims = Array.from({ length: rank }, (_, axis) =>
      Math.max(requested[axis - rank + requested.length] ?? 1, input.dims[axis - rank + input.dims.length] ?? 1),
    );
    return new Tensor(input.type, dims, broadcastTo(input, dims));
  },
  Shape: ([input], { start = 0, end }) => Tensor.sizes(input.dims.slice(start, end)),
  Size: ([input]) => new Tensor("int32", [], Int32Array.of(input.size)),
};
