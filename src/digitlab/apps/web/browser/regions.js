// ONNX's RoiAlign: regions cropped from feature maps, computed as in ONNX Runtime.

import { ModelError } from "./onnx.js";
import { Tensor } from "./tensor.js";

/** @import { Operator } from "./moving.js" */

/**
 * Crop regions and resample them to one size; each value is the mean of bilinearly interpolated samples.
 * @type {Operator}
 */
export function roiAlign([input, boxes, images], settings) {
  const [high, wide] = [settings.output_height ?? 1, settings.output_width ?? 1];
  const shift = settings.coordinate_transformation_mode === "output_half_pixel" ? 0 : 0.5;
  if ((settings.mode ?? "avg") !== "avg" || !settings.sampling_ratio || !(settings.spatial_scale ?? 1))
    throw new ModelError("aligns regions in an unusual way");
  const [samples, scale] = [settings.sampling_ratio, settings.spatial_scale ?? 1];
  const [, maps, rows, columns] = input.dims;
  const count = boxes.dims[0];
  const [values, sides] = [input.values, boxes.values];
  const result = new Float32Array(count * maps * high * wide);
  const f = Math.fround;
  for (let box = 0; box < count; box++) {
    const [x0, y0, x1, y1] = [0, 1, 2, 3].map((side) => f(f(sides[4 * box + side] * scale) - shift));
    const [binX, binY] = [f(f(x1 - x0) / wide), f(f(y1 - y0) / high)];
    const xs = sampled(x0, binX, wide, samples, columns);
    const ys = sampled(y0, binY, high, samples, rows);
    for (let map = 0; map < maps; map++) {
      const plane = (images.values[box] * maps + map) * rows * columns;
      for (let y = 0; y < high; y++)
        for (let x = 0; x < wide; x++) {
          let sum = 0;
          for (let down = y * samples; down < (y + 1) * samples; down++) {
            if (ys.low[down] < 0) continue;
            const [top, bottom] = [plane + ys.low[down] * columns, plane + ys.high[down] * columns];
            const b = ys.part[down];
            for (let across = x * samples; across < (x + 1) * samples; across++) {
              if (xs.low[across] < 0) continue;
              const [left, right, a] = [xs.low[across], xs.high[across], xs.part[across]];
              const [c, e] = [f(1 - a), f(1 - b)];
              const first = f(f(f(e * c) * values[top + left]) + f(f(e * a) * values[top + right]));
              const second = f(first + f(f(b * c) * values[bottom + left]));
              sum = f(sum + f(second + f(f(b * a) * values[bottom + right])));
            }
          }
          result[((box * maps + map) * high + y) * wide + x] = sum / (samples * samples);
        }
    }
  }
  return new Tensor("float32", [count, maps, high, wide], result);
}

/**
 * Find the two pixels between which each sample lies along one axis; `low` is -1 outside the picture.
 * @param {number} start @param {number} bin @param {number} bins @param {number} samples @param {number} size
 */
function sampled(start, bin, bins, samples, size) {
  const count = bins * samples;
  const [low, high, part] = [new Int32Array(count), new Int32Array(count), new Float32Array(count)];
  const f = Math.fround;
  for (let index = 0; index < count; index++) {
    const [which, inner] = [Math.floor(index / samples), index % samples];
    let coordinate = f(f(start + f(which * bin)) + f(f((inner + 0.5) * bin) / samples));
    if (coordinate < -1 || coordinate > size) {
      low[index] = -1;
      continue;
    }
    coordinate = Math.max(coordinate, 0);
    low[index] = Math.floor(coordinate);
    high[index] = low[index] + 1;
    if (low[index] >= size - 1) {
      low[index] = high[index] = size - 1;
      coordinate = size - 1;
    }
    part[index] = f(coordinate - low[index]);
  }
  return { low, high, part };
}
