// Tensors as a network hands them from node to node. Three things are put off until somebody asks, for speed and so that
// sums are rounded where ONNX Runtime rounds them: reordering to "channels last", which the convolutions want; turning
// 8-bit levels into floats; and a convolution or sum of levels itself, which is rounded to levels again in one go.

import { ModelError } from "./onnx.js";

/**
 * @import { Type, Values } from "./onnx.js"
 * @typedef {{ values: Uint8Array | Int8Array | Int32Array, scale: Float32Array, zero: number[], axis: number }} Levels
 *   float = (value - zero) × scale, with one scale or one for each place of an axis
 * @typedef {{ real: () => { values: Float32Array, last: boolean }, rounded: (scale: number, zero: number) => Tensor }} Pending
 */

const MOST = 1 << 27; // numbers of a tensor

/** How many numbers. @param {number[]} dims */
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
   * One number, by its place in ONNX's order, summed up as ONNX Runtime does it, float by float. That takes long; it is
   * asked for where the quick sum lies so near the middle of two levels that its last bits decide.
   * @type {((place: number) => number) | null}
   */
  exact = null;

  /**
   * @param {Type} type
   * @param {number[]} dims as ONNX counts them: of maps (images, maps, rows, columns)
   * @param {Values | null} values in memory's order
   * @param {boolean} last whether in memory the maps come last
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

  /** The numbers in memory's order; `last` says which that is, afterwards. */
  get stored() {
    if (this.#values) return this.#values;
    if (this.pending) {
      const { values, last } = this.pending.real();
      [this.#values, this.last] = [values, last];
    } else if (this.levels) this.#values = unlevelled(this.levels, this.dims, this.last);
    return /** @type {Values} */ (this.#values);
  }

  /** The numbers in ONNX's order. */
  get values() {
    const stored = this.stored;
    if (!this.last) return stored;
    this.#plain ??= channelsFirst(stored, this.dims);
    return this.#plain;
  }

  /** The numbers with the maps last. */
  get mapsLast() {
    const stored = this.stored;
    return this.last ? stored : channelsLast(stored, this.dims);
  }

  /** Levels with the maps last. @param {Levels} levels */
  levelsLast(levels) {
    return this.last ? levels.values : channelsLast(levels.values, this.dims);
  }

  /**
   * The same numbers moved about: `move` makes values and dims of values; levels stay levels.
   * @param {number[]} dims
   * @param {(values: Values) => Values} move takes and gives ONNX's order
   * @param {(place: number) => number} [source] where a number of the result comes from
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

  /** The one number that it holds. */
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

/** The place in ONNX's order of a number that lies at `place` where the maps come last. @param {number} place @param {number[]} dims */
export function placeOf(place, [, maps, rows, columns]) {
  const [map, at] = [place % maps, Math.floor(place / maps)];
  const image = Math.floor(at / (rows * columns));
  return (image * maps + map) * rows * columns + (at % (rows * columns));
}

/** The same the other way round. @param {number} place @param {number[]} dims */
export function placeLast(place, [, maps, rows, columns]) {
  const [at, plane] = [place % (rows * columns), Math.floor(place / (rows * columns))];
  return (Math.floor(plane / maps) * rows * columns + at) * maps + (plane % maps);
}

/** Room for as many numbers of the same kind. @template {Values} Kind @param {Kind} like @param {number} size @returns {Kind} */
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

const SHIFT = 12582912; // 1.5 × 2 ** 23: a float with this added has no room left behind the point

/** To the nearest whole number, halves to the even one, of a float below 2 ** 22. @param {number} value */
export const nearest = (value) => Math.fround(Math.fround(value + SHIFT) - SHIFT);
