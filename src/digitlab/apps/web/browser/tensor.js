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
  #plain = null;
  /** @type {Levels | null} */
  levels = null;
  /** @type {Pending | null} */
  pending = null;
  /**
   * Compute one element, by its index in ONNX's order, with ONNX Runtime's summation, float by float. This is slow, and
   * used only where the fast sum is so close to the midpoint of two levels that its last bits decide.
   * @type {((place: number) => number) | null}
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
    const made = new Tensor("float32", dims, null, last);
    made.levels = levels;
    return made;
  }

  /** @param {number[]} dims @param {Pending} pending */
  static later(dims, pending) {
    const made = new Tensor("float32", dims, null);
    made.pending = pending;
    return made;
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
    } else if (this.levels) this.#values = unlevelled(this.levels, this.dims, this.last);
    return /** @type {Values} */ (this.#values);
  }

  /** The elements in ONNX's order. */
  get values() {
    const stored = this.stored;
    if (!this.last) return stored;
    this.#plain ??= channelsFirst(stored, this.dims);
    return this.#plain;
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
   * @param {(place: number) => number} [source] from an index in the result to its index here
   */
  moved(dims, move, source) {
    const { levels, exact } = this;
    if (!levels || levels.scale.length > 1) {
      const made = new Tensor(this.type, dims, move(this.values));
      if (exact && source) made.exact = (place) => exact(source(place));
      return made;
    }
    const plain = this.last ? channelsFirst(levels.values, this.dims) : levels.values;
    return Tensor.ofLevels(dims, { ...levels, values: /** @type {Levels["values"]} */ (move(plain)) });
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
function unlevelled({ values, scale, zero, axis }, dims, last) {
  const floats = new Float32Array(values.length);
  if (scale.length === 1) {
    const [by, from] = [scale[0], zero[0] ?? 0];
    for (let place = 0; place < floats.length; place++) floats[place] = (values[place] - from) * by;
    return floats;
  }
  const behind = last ? 1 : sizeOf(dims.slice(axis + 1));
  for (let place = 0; place < floats.length; place++) {
    const at = Math.floor(place / behind) % scale.length;
    floats[place] = (values[place] - (zero[at] ?? zero[0] ?? 0)) * scale[at];
  }
  return floats;
}

/** Convert a channels-last index to ONNX's order (channels first). @param {number} place @param {number[]} dims */
export function placeOf(place, [, maps, rows, columns]) {
  const [map, at] = [place % maps, Math.floor(place / maps)];
  const image = Math.floor(at / (rows * columns));
  return (image * maps + map) * rows * columns + (at % (rows * columns));
}

/** Convert an index in ONNX's order to the channels-last index. @param {number} place @param {number[]} dims */
export function placeLast(place, [, maps, rows, columns]) {
  const [at, plane] = [place % (rows * columns), Math.floor(place / (rows * columns))];
  return (Math.floor(plane / maps) * rows * columns + at) * maps + (plane % maps);
}

/** Allocate an array of this type. @template {Values} Kind @param {Kind} like @param {number} size @returns {Kind} */
export const room = (like, size) => new /** @type {any} */ (like.constructor)(size);

/** @template {Values} Kind @param {Kind} values @param {number[]} dims @returns {Kind} */
export function channelsLast(values, [images, maps, rows, columns]) {
  const [made, places] = [room(values, values.length), rows * columns];
  for (let image = 0; image < images; image++)
    for (let map = 0; map < maps; map++) {
      const from = (image * maps + map) * places;
      for (let place = 0, to = image * maps * places + map; place < places; place++, to += maps)
        made[to] = values[from + place];
    }
  return made;
}

/** @template {Values} Kind @param {Kind} values @param {number[]} dims @returns {Kind} */
export function channelsFirst(values, [images, maps, rows, columns]) {
  const [made, places] = [room(values, values.length), rows * columns];
  for (let image = 0; image < images; image++)
    for (let map = 0; map < maps; map++) {
      const to = (image * maps + map) * places;
      for (let place = 0, from = image * maps * places + map; place < places; place++, from += maps)
        made[to + place] = values[from];
    }
  return made;
}

const SHIFT = 12582912; // 1.5 × 2 ** 23: a float of this size has no fraction bits

/** Round a float below 2 ** 22 to the nearest integer, half to even. @param {number} value */
export const nearest = (value) => Math.fround(Math.fround(value + SHIFT) - SHIFT);
