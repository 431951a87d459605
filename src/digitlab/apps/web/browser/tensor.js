// Tensors as they pass from node to node. Three things are lazy, for speed and so that sums are rounded where
// ONNX Runtime rounds them: reordering to "channels last", which the convolutions need; dequantising 8-bit levels to
// floats; and a convolution or sum of levels itself, whose result is quantised to levels again in one step.

import { ModelError } from "./onnx.js";

/**
 * @import { Type, Values } from "./onnx.js"
 * @typedef {{ values: Uint8Array | Int8Array | Int32Array, scale: Float32Array, zero: number[], axis: number }} Levels
 *   float = (value - zero) × scale, with one scale for all or one per index of an axis
 * @typedef {{ real: () => { values: Float32Array, last: boolean }, rounded: (scale: number, zero: number) => Tensor }} Pending
 */

const MOST = 1 << 27; // elements per tensor

/** Number of elements. @param {number[]} dims */
export const sizeOf = (dims) => dims.reduce((product, each) => product * each, 1);

export class Tensor {
  /** @type {Values | null} */
  #values;
  /** @type {Values | null} */
  #channelsFirst = null;
  /** @type {Levels | null} */
  levels = null;
  /** @type {Pending | null} */
  pending = null;
  /**
   * Compute one element, by its index in ONNX's order, with ONNX Runtime's summation, float by float. This is slow, and
   * used only where the fast sum is so close to the midpoint of two levels that its last bits decide.
   * @type {((index: number) => number) | null}
   */
  exact = null;

  /**
   * @param {Type} type
   * @param {number[]} dims in ONNX's order; of feature maps: (images, maps, rows, columns)
   * @param {Values | null} values in memory order
   * @param {boolean} last whether memory order is channels last
   */
  constructor(type, dims, values, last = false) {
    if (sizeOf(dims) > MOST) throw new ModelError(`makes a tensor of ${dims.join("×")} numbers, which is too large`);
    this.type = type;
    this.dims = dims;
    this.last = last && dims.length === 4;
    this.#values = values;
  }

  /** @param {number[]} dims @param {Levels} levels */
  static ofLevels(dims, levels, last = false) {
    const result = new Tensor("float32", dims, null, last);
    result.levels = levels;
    return result;
  }

  /** @param {number[]} dims @param {Pending} pending */
  static later(dims, pending) {
    const result = new Tensor("float32", dims, null);
    result.pending = pending;
    return result;
  }

  /** @param {number} value */
  static number(value) {
    return new Tensor("float32", [], Float32Array.of(value));
  }

  /** @param {number[]} list */
  static sizes(list) {
    return new Tensor("int32", [list.length], Int32Array.from(list));
  }

  get size() {
    return sizeOf(this.dims);
  }

  /** The elements in memory order; read `last` only afterwards to know which order that is. */
  get stored() {
    if (this.#values) return this.#values;
    if (this.pending) {
      const { values, last } = this.pending.real();
      [this.#values, this.last] = [values, last];
    } else if (this.levels) this.#values = dequantised(this.levels, this.dims, this.last);
    return /** @type {Values} */ (this.#values);
  }

  /** The elements in ONNX's order. */
  get values() {
    const stored = this.stored;
    if (!this.last) return stored;
    this.#channelsFirst ??= channelsFirst(stored, this.dims);
    return this.#channelsFirst;
  }

  /** The elements with the channels last. */
  get mapsLast() {
    const stored = this.stored;
    return this.last ? stored : channelsLast(stored, this.dims);
  }

  /** Reorder this tensor's levels to channels last. @param {Levels} levels */
  levelsLast(levels) {
    return this.last ? levels.values : channelsLast(levels.values, this.dims);
  }

  /**
   * Rearrange the elements with `move` into a tensor of shape `dims`; levels stay levels.
   * @param {number[]} dims
   * @param {(values: Values) => Values} move both arrays in ONNX's order
   * @param {(index: number) => number} [source] from an index in the result to its index here
   */
  moved(dims, move, source) {
    const { levels, exact } = this;
    if (!levels || levels.scale.length > 1) {
      const result = new Tensor(this.type, dims, move(this.values));
      if (exact && source) result.exact = (index) => exact(source(index));
      return result;
    }
    const ordered = this.last ? channelsFirst(levels.values, this.dims) : levels.values;
    return Tensor.ofLevels(dims, { ...levels, values: /** @type {Levels["values"]} */ (move(ordered)) });
  }

  /** The number in a tensor of one element. */
  get number() {
    return this.values[0];
  }

  /** @type {number[]} */
  get list() {
    return Array.from(this.values);
  }
}

/** @param {Levels} levels @param {number[]} dims @param {boolean} last */
function dequantised({ values, scale, zero, axis }, dims, last) {
  const floats = new Float32Array(values.length);
  if (scale.length === 1) {
    const [step, zeroPoint] = [scale[0], zero[0] ?? 0];
    for (let index = 0; index < floats.length; index++) floats[index] = (values[index] - zeroPoint) * step;
    return floats;
  }
  const inner = last ? 1 : sizeOf(dims.slice(axis + 1));
  for (let index = 0; index < floats.length; index++) {
    const channel = Math.floor(index / inner) % scale.length;
    floats[index] = (values[index] - (zero[channel] ?? zero[0] ?? 0)) * scale[channel];
  }
  return floats;
}

/** Convert a channels-last index to ONNX's order (channels first). @param {number} index @param {number[]} dims */
export function channelsFirstIndex(index, [, maps, rows, columns]) {
  const [map, position] = [index % maps, Math.floor(index / maps)];
  const image = Math.floor(position / (rows * columns));
  return (image * maps + map) * rows * columns + (position % (rows * columns));
}

/** Convert an index in ONNX's order to the channels-last index. @param {number} index @param {number[]} dims */
export function channelsLastIndex(index, [, maps, rows, columns]) {
  const [position, plane] = [index % (rows * columns), Math.floor(index / (rows * columns))];
  return (Math.floor(plane / maps) * rows * columns + position) * maps + (plane % maps);
}

/** Allocate an array of this type. @template {Values} Kind @param {Kind} like @param {number} size @returns {Kind} */
export const arrayLike = (like, size) => new /** @type {any} */ (like.constructor)(size);

/** @template {Values} Kind @param {Kind} values @param {number[]} dims @returns {Kind} */
export function channelsLast(values, [images, maps, rows, columns]) {
  const [result, positions] = [arrayLike(values, values.length), rows * columns];
  for (let image = 0; image < images; image++)
    for (let map = 0; map < maps; map++) {
      const source = (image * maps + map) * positions;
      for (let position = 0, target = image * maps * positions + map; position < positions; position++, target += maps)
        result[target] = values[source + position];
    }
  return result;
}

/** @template {Values} Kind @param {Kind} values @param {number[]} dims @returns {Kind} */
export function channelsFirst(values, [images, maps, rows, columns]) {
  const [result, positions] = [arrayLike(values, values.length), rows * columns];
  for (let image = 0; image < images; image++)
    for (let map = 0; map < maps; map++) {
      const target = (image * maps + map) * positions;
      for (let position = 0, source = image * maps * positions + map; position < positions; position++, source += maps)
        result[target + position] = values[source];
    }
  return result;
}

const SHIFT = 12582912; // 1.5 × 2 ** 23: a float of this size has no fraction bits

/** Round a float below 2 ** 22 to the nearest integer, half to even. @param {number} value */
export const nearest = (value) => Math.fround(Math.fround(value + SHIFT) - SHIFT);
