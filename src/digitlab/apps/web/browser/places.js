// Operators that compute with indices and sizes.

import { emptyOf } from "./elementwise.js";
import { counted } from "./moving.js";
import { ModelError } from "./onnx.js";
import { sizeOf, Tensor } from "./tensor.js";

/** @import { Operator } from "./moving.js" */

/** @type {Record<string, Operator>} */
export const PLACES = {
  ConstantOfShape: ([shape], { value }) => {
    const type = value?.type ?? "float32";
    const made = emptyOf(type, sizeOf(shape.list));
    return new Tensor(type, shape.list, made.fill(value?.values[0] ?? 0));
  },
  Range: ([start, limit, step]) => {
    const count = Math.max(0, Math.ceil((limit.number - start.number) / step.number));
    const made = emptyOf(start.type, count);
    return new Tensor(
      start.type,
      [count],
      made.map((_, place) => start.number + place * step.number),
    );
  },
  NonZero: ([given]) => {
    const { values } = given;
    const found = [];
    for (let place = 0; place < values.length; place++) if (values[place]) found.push(place);
    const rank = given.dims.length;
    const made = new Int32Array(rank * found.length);
    found.forEach((place, column) => {
      let left = place;
      for (let axis = rank - 1; axis >= 0; axis--) {
        made[axis * found.length + column] = left % given.dims[axis];
        left = Math.floor(left / given.dims[axis]);
      }
    });
    return new Tensor("int32", [rank, found.length], made);
  },
  Trilu: ([given, by], { upper = 1 }) => {
    const [rows, columns] = given.dims.slice(-2);
    const k = by?.number ?? 0;
    const made = given.values.slice();
    for (let place = 0; place < made.length; place++) {
      const [row, column] = [Math.floor(place / columns) % rows, place % columns];
      if (upper ? column - row < k : column - row > k) made[place] = 0;
    }
    return new Tensor(given.type, given.dims, made);
  },
  TopK: ([given, count], { axis = -1, largest = 1 }) => {
    if (counted(axis, given.dims.length) !== given.dims.length - 1)
      throw new ModelError("wants the largest of an inner axis");
    const [size, wanted] = [given.dims[given.dims.length - 1], count.number];
    const rows = size ? given.size / size : 0;
    const dims = [...given.dims.slice(0, -1), wanted];
    const [values, places] = [emptyOf(given.type, rows * wanted), new Int32Array(rows * wanted)];
    for (let row = 0; row < rows; row++) {
      const own = given.values.subarray(row * size, (row + 1) * size);
      const order = [...own.keys()].sort((a, b) => (largest ? own[b] - own[a] : own[a] - own[b]) || a - b);
      for (let place = 0; place < wanted; place++) {
        places[row * wanted + place] = order[place];
        values[row * wanted + place] = own[order[place]];
      }
    }
    return [new Tensor(given.type, dims, values), new Tensor("int32", dims, places)];
  },
};
