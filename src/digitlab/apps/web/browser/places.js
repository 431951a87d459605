// Operators that compute with indices and sizes.

import { emptyOf } from "./elementwise.js";
import { normalisedAxis } from "./moving.js";
import { ModelError } from "./onnx.js";
import { sizeOf, Tensor } from "./tensor.js";

/** @import { Operator } from "./moving.js" */

/** @type {Record<string, Operator>} */
export const PLACES = {
  ConstantOfShape: ([shape], { value }) => {
    const type = value?.type ?? "float32";
    const result = emptyOf(type, sizeOf(shape.list));
    return new Tensor(type, shape.list, result.fill(value?.values[0] ?? 0));
  },
  Range: ([start, limit, step]) => {
    const count = Math.max(0, Math.ceil((limit.number - start.number) / step.number));
    const result = emptyOf(start.type, count);
    return new Tensor(
      start.type,
      [count],
      result.map((_, index) => start.number + index * step.number),
    );
  },
  NonZero: ([input]) => {
    const { values } = input;
    const nonzero = [];
    for (let index = 0; index < values.length; index++) if (values[index]) nonzero.push(index);
    const rank = input.dims.length;
    const result = new Int32Array(rank * nonzero.length);
    nonzero.forEach((index, column) => {
      let remainder = index;
      for (let axis = rank - 1; axis >= 0; axis--) {
        result[axis * nonzero.length + column] = remainder % input.dims[axis];
        remainder = Math.floor(remainder / input.dims[axis]);
      }
    });
    return new Tensor("int32", [rank, nonzero.length], result);
  },
  Trilu: ([input, diagonal], { upper = 1 }) => {
    const [rows, columns] = input.dims.slice(-2);
    const k = diagonal?.number ?? 0;
    const result = input.values.slice();
    for (let index = 0; index < result.length; index++) {
      const [row, column] = [Math.floor(index / columns) % rows, index % columns];
      if (upper ? column - row < k : column - row > k) result[index] = 0;
    }
    return new Tensor(input.type, input.dims, result);
  },
  TopK: ([input, count], { axis = -1, largest = 1 }) => {
    if (normalisedAxis(axis, input.dims.length) !== input.dims.length - 1)
      throw new ModelError("wants the largest of an inner axis");
    const [size, kept] = [input.dims[input.dims.length - 1], count.number];
    const rows = size ? input.size / size : 0;
    const dims = [...input.dims.slice(0, -1), kept];
    const [values, indices] = [emptyOf(input.type, rows * kept), new Int32Array(rows * kept)];
    for (let row = 0; row < rows; row++) {
      const rowValues = input.values.subarray(row * size, (row + 1) * size);
      const order = [...rowValues.keys()].sort(
        (a, b) => (largest ? rowValues[b] - rowValues[a] : rowValues[a] - rowValues[b]) || a - b,
      );
      for (let index = 0; index < kept; index++) {
        indices[row * kept + index] = order[index];
        values[row * kept + index] = rowValues[order[index]];
      }
    }
    return [new Tensor(input.type, dims, values), new Tensor("int32", dims, indices)];
  },
};
