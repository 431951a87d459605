// Operators that rearrange numbers, or create and read shapes.

import { emptyOf, spread } from "./elementwise.js";
import { ModelError } from "./onnx.js";
import { channelsLast, placeLast, placeOf, room, sizeOf, Tensor } from "./tensor.js";

/**
 * @import { Values } from "./onnx.js"
 * @typedef {Record<string, any>} Settings
 * @typedef {(given: Tensor[], settings: Settings) => Tensor | Tensor[]} Operator
 */

/** @param {number} axis @param {number} rank */
export const counted = (axis, rank) => (axis < 0 ? axis + rank : axis);

/** The axes of an operator, which newer files give as an input. @param {Tensor[]} given @param {Settings} settings @param {number} place */
export const axesOf = (given, settings, place = 1) => given[place]?.list ?? settings.axes ?? null;

/** @type {Record<string, "float32" | "uint8" | "int8" | "int32" | "bool">} */
const TYPES = { 1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int32", 9: "bool", 10: "float32", 11: "float32" };

/**
 * Gather blocks of `inner` numbers from a tensor; `places` are block indices.
 * @param {Values} values @param {ArrayLike<number>} places @param {number} inner
 */
function picked(values, places, inner) {
  const made = room(values, places.length * inner);
  if (inner === 1) for (let to = 0; to < places.length; to++) made[to] = values[places[to]];
  else
    for (let to = 0; to < places.length; to++)
      made.set(/** @type {any} */ (values.subarray(places[to] * inner, (places[to] + 1) * inner)), to * inner);
  return made;
}

/**
 * Select these indices along one axis, in this order.
 * @param {Tensor} given @param {number} axis @param {number[]} which
 */
function along(given, axis, which) {
  const dims = given.dims.map((size, place) => (place === axis ? which.length : size));
  const [outer, inner] = [sizeOf(given.dims.slice(0, axis)), sizeOf(given.dims.slice(axis + 1))];
  return given.moved(dims, (values) => {
    const places = new Int32Array(outer * which.length);
    for (let before = 0, to = 0; before < outer; before++)
      for (const each of which) places[to++] = before * given.dims[axis] + each;
    return picked(values, places, inner);
  });
}

/** @type {Map<string, Int32Array>} */
const knownPlaces = new Map(); // a cache: a drawing pad's picture has the same size each time
const MOST_KNOWN = 48;

/** @param {number[]} dims @param {number[]} order */
function transposedPlaces(dims, order) {
  const key = `${dims} ${order}`;
  const known = knownPlaces.get(key) ?? computedPlaces(dims, order);
  knownPlaces.delete(key);
  knownPlaces.set(key, known);
  if (knownPlaces.size > MOST_KNOWN) knownPlaces.delete(knownPlaces.keys().next().value ?? "");
  return known;
}

/** @param {number[]} dims @param {number[]} order */
function computedPlaces(dims, order) {
  const strides = dims.map((_, axis) => sizeOf(dims.slice(axis + 1)));
  const [made, steps] = [order.map((axis) => dims[axis]), order.map((axis) => strides[axis])];
  const places = new Int32Array(sizeOf(dims));
  const index = new Array(made.length).fill(0);
  for (let to = 0, at = 0; to < places.length; to++) {
    places[to] = at;
    for (let axis = made.length - 1; axis >= 0; axis--) {
      index[axis] += 1;
      at += steps[axis];
      if (index[axis] < made[axis]) break;
      at -= steps[axis] * made[axis];
      index[axis] = 0;
    }
  }
  return places;
}

/**
 * View a tensor in shape `seen` and permute its axes to this order.
 * @param {Tensor} given @param {number[]} dims @param {number[]} seen @param {number[]} order
 */
function transposed(given, dims, seen, order) {
  const steps = order.map((axis) => sizeOf(seen.slice(axis + 1)));
  const sizes = order.map((axis) => seen[axis]);
  const source = (/** @type {number} */ place) => {
    let [left, at] = [place, 0];
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      at += (left % sizes[axis]) * steps[axis];
      left = Math.floor(left / sizes[axis]);
    }
    return at;
  };
  return given.moved(dims, (values) => picked(values, transposedPlaces(seen, order), 1), source);
}

/** @type {Operator} */
function transpose([given], { perm }) {
  const order = /** @type {number[]} */ (perm ?? given.dims.map((_, axis) => given.dims.length - 1 - axis));
  const dims = order.map((axis) => given.dims[axis]);
  // To and from channels last, nothing needs to be moved in memory.
  const said = order.join();
  if (said === "0,3,1,2" && !given.last) return relabelled(given, dims, true);
  if (given.pending) given.stored;
  if (said === "0,2,3,1" && given.last) return relabelled(given, dims, false);
  if (said === "0,2,3,1")
    return given.moved(
      dims,
      (values) => channelsLast(values, given.dims),
      (place) => placeOf(place, given.dims),
    );
  return transposed(given, dims, given.dims, order);
}

/** @param {Tensor} given @param {number[]} dims @param {boolean} last */
function relabelled(given, dims, last) {
  if (given.levels && given.levels.scale.length === 1) return Tensor.ofLevels(dims, given.levels, last);
  const made = new Tensor(given.type, dims, given.stored, last);
  const { exact } = given;
  if (exact) made.exact = (place) => exact(last ? placeLast(place, dims) : placeOf(place, given.dims));
  return made;
}

/** @param {Tensor} given @param {number[]} dims */
const reshaped = (given, dims) =>
  given.moved(
    dims,
    (values) => values,
    (place) => place,
  );

/** @type {Operator} */
function reshape([given, shape], settings) {
  const wanted = /** @type {number[]} */ (shape ? shape.list : settings.shape);
  const dims = wanted.map((size, axis) => (size === 0 && !settings.allowzero ? given.dims[axis] : size));
  const open = dims.indexOf(-1);
  if (open >= 0) dims[open] = given.size / Math.max(1, -sizeOf(dims));
  if (sizeOf(dims) !== given.size) throw new ModelError(`cannot make ${dims.join("×")} of ${given.dims.join("×")}`);
  return reshaped(given, dims);
}

/** @type {Operator} */
function slice(given, settings) {
  const [data, starts, ends] = given;
  const from = /** @type {number[]} */ (starts?.list ?? settings.starts);
  const upTo = /** @type {number[]} */ (ends?.list ?? settings.ends);
  const axes = /** @type {number[]} */ (axesOf(given, settings, 3) ?? from.map((_, axis) => axis));
  const steps = given[4]?.list ?? from.map(() => 1);
  return axes.reduce((made, axis, place) => {
    const [at, size, step] = [
      counted(axis, data.dims.length),
      data.dims[counted(axis, data.dims.length)],
      steps[place],
    ];
    const inside = (/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ high) =>
      Math.max(low, Math.min(high, value < 0 ? value + size : value));
    const [begin, end] =
      step > 0
        ? [inside(from[place], 0, size), inside(upTo[place], 0, size)]
        : [inside(from[place], 0, size - 1), inside(upTo[place], -1, size - 1)];
    const which = [];
    for (let value = begin; step > 0 ? value < end : value > end; value += step) which.push(value);
    return along(made, at, which);
  }, data);
}

/** @type {Operator} */
function split(given, settings) {
  const [data, sizes] = given;
  const axis = counted(settings.axis ?? 0, data.dims.length);
  const count = settings.num_outputs ?? settings.outputs;
  const each = Math.ceil(data.dims[axis] / count);
  const parts =
    sizes?.list ??
    settings.split ??
    Array.from({ length: count }, (_, place) => Math.min(each, data.dims[axis] - place * each));
  let start = 0;
  return parts.map((/** @type {number} */ size) => {
    start += size;
    return along(
      data,
      axis,
      Array.from({ length: size }, (_, place) => start - size + place),
    );
  });
}

/** @type {Operator} */
function concat(given, { axis }) {
  const at = counted(axis, given[0].dims.length);
  const dims = given[0].dims.map((size, place) =>
    place === at ? given.reduce((sum, each) => sum + each.dims[at], 0) : size,
  );
  const [outer, all] = [sizeOf(dims.slice(0, at)), sizeOf(dims.slice(at))];
  const made = emptyOf(given[0].type, sizeOf(dims));
  let begin = 0;
  for (const each of given) {
    const size = sizeOf(each.dims.slice(at));
    const values = each.values;
    for (let before = 0; before < outer; before++)
      made.set(/** @type {any} */ (values.subarray(before * size, (before + 1) * size)), before * all + begin);
    begin += size;
  }
  return new Tensor(given[0].type, dims, made);
}

/** @type {Operator} */
function gather([data, which], settings) {
  const axis = counted(settings.axis ?? 0, data.dims.length);
  const places = which.list.map((place) => counted(place, data.dims[axis]));
  const found = along(data, axis, places);
  return reshaped(found, [...data.dims.slice(0, axis), ...which.dims, ...data.dims.slice(axis + 1)]);
}

/** @type {Operator} */
function gatherNd([data, which]) {
  const depth = which.dims[which.dims.length - 1];
  const [rows, inner] = [sizeOf(which.dims.slice(0, -1)), sizeOf(data.dims.slice(depth))];
  const strides = data.dims.slice(0, depth).map((_, axis) => sizeOf(data.dims.slice(axis + 1, depth)));
  const places = Int32Array.from({ length: rows }, (_, row) =>
    strides.reduce((sum, stride, axis) => sum + stride * which.values[row * depth + axis], 0),
  );
  const source = (/** @type {number} */ place) => places[Math.floor(place / inner)] * inner + (place % inner);
  const dims = [...which.dims.slice(0, -1), ...data.dims.slice(depth)];
  const found = data.moved(dims, (values) => picked(values, places, inner), source);
  const { exact } = found;
  return exact
    ? new Tensor(
        "float32",
        found.dims,
        Float32Array.from(found.values, (_, place) => exact(place)),
      )
    : found;
}

/** @type {Operator} */
function pad(given, settings) {
  const [data, by] = given;
  const pads = /** @type {number[]} */ (by?.list ?? settings.pads);
  const axes = /** @type {number[]} */ (axesOf(given, settings, 3) ?? data.dims.map((_, axis) => axis));
  const mode = settings.mode ?? "constant";
  const value = given[2]?.size ? given[2].number : (settings.value ?? 0);
  return axes.reduce((made, axis, place) => {
    const [at, before, after] = [counted(axis, data.dims.length), pads[place], pads[place + axes.length]];
    if (!before && !after) return made;
    const size = made.dims[at];
    const which = Array.from({ length: before + size + after }, (_, to) => from(to - before, size, mode));
    if (mode !== "constant") return along(made, at, which);
    const filled = along(
      new Tensor(made.type, made.dims, made.values),
      at,
      which.map((each) => Math.max(each, 0)),
    );
    const inner = sizeOf(filled.dims.slice(at + 1));
    for (let to = 0; to < filled.size / inner; to++)
      if (which[to % which.length] < 0) filled.values.fill(value, to * inner, (to + 1) * inner);
    return filled;
  }, data);
}

/** Source index of a padded place; -1 for none. @param {number} place @param {number} size @param {string} mode */
function from(place, size, mode) {
  if (place >= 0 && place < size) return place;
  if (mode === "edge") return Math.max(0, Math.min(size - 1, place));
  if (mode === "reflect") return place < 0 ? -place : 2 * size - 2 - place;
  if (mode === "wrap") return ((place % size) + size) % size;
  return -1;
}

/** @type {Operator} */
function depthToSpace([given], { blocksize: block, mode = "DCR" }) {
  const [images, maps, rows, columns] = given.dims;
  const left = maps / (block * block);
  const split =
    mode === "DCR" ? [images, block, block, left, rows, columns] : [images, left, block, block, rows, columns];
  const order = mode === "DCR" ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3];
  return transposed(given, [images, left, rows * block, columns * block], split, order);
}

/** @type {Operator} */
function tile([given, repeats]) {
  return repeats.list.reduce((made, times, axis) => {
    if (times === 1) return made;
    const size = made.dims[axis];
    return along(
      made,
      axis,
      Array.from({ length: size * times }, (_, place) => place % size),
    );
  }, given);
}

/** @type {Operator} */
function cast([given], { to }) {
  const type = TYPES[to];
  if (!type) throw new ModelError(`turns numbers into ONNX type ${to}; expected float32 or integers`);
  if (type === given.type) return given;
  const values = given.stored;
  const made = emptyOf(type, values.length);
  if (type === "bool") for (let place = 0; place < made.length; place++) made[place] = Number(values[place] !== 0);
  else made.set(/** @type {any} */ (values)); // truncates towards 0
  return new Tensor(type, given.dims, made, given.last);
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
  Identity: ([given]) => given,
  Dropout: ([given]) => given,
  Flatten: ([given], { axis = 1 }) => {
    const at = counted(axis, given.dims.length);
    return reshaped(given, [sizeOf(given.dims.slice(0, at)), sizeOf(given.dims.slice(at))]);
  },
  Unsqueeze: (given, settings) => {
    const axes = /** @type {number[]} */ (axesOf(given, settings));
    const rank = given[0].dims.length + axes.length;
    const at = axes.map((axis) => counted(axis, rank));
    const left = [...given[0].dims];
    return reshaped(
      given[0],
      Array.from({ length: rank }, (_, axis) => (at.includes(axis) ? 1 : (left.shift() ?? 1))),
    );
  },
  Squeeze: (given, settings) => {
    const axes = axesOf(given, settings)?.map((/** @type {number} */ axis) => counted(axis, given[0].dims.length));
    return reshaped(
      given[0],
      given[0].dims.filter((size, axis) => (axes ? !axes.includes(axis) : size !== 1)),
    );
  },
  Expand: ([given, shape]) => {
    const rank = Math.max(shape.size, given.dims.length);
    const wanted = shape.list;
    const dims = Array.from({ length: rank }, (_, axis) =>
      Math.max(wanted[axis - rank + wanted.length] ?? 1, given.dims[axis - rank + given.dims.length] ?? 1),
    );
    return new Tensor(given.type, dims, spread(given, dims));
  },
  Shape: ([given], { start = 0, end }) => Tensor.sizes(given.dims.slice(start, end)),
  Size: ([given]) => new Tensor("int32", [], Int32Array.of(given.size)),
};
