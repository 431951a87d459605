// A network at work: all feature maps of a digit, one activation broken down, occlusion. The responses are the server's
// (apps/web/looking.py), so that the page need not know where they come from.

import { largest } from "./candidates.js";
import { mapsShape } from "./fields.js";
import { ModelError } from "./onnx.js";

import { walk } from "./walk.js";

/**
 * @import { Explained, ExplainQuestion, Inspected, Kernels, LayerMaps, ModelDetail, Occluded, OcclusionQuestion } from "../schemas.js"
 * @import { Classifier } from "./classifier.js"
 * @import { Scope } from "./session.js"
 * @import { Tensor } from "./tensor.js"
 * @import { Layout, Step } from "./walk.js"
 */

const [MOST_WEIGHTS, MOST_TERMS, FEW_INPUTS, SMALLEST] = [400_000, 4096, 64, 1e-7];
const [MOST_LAYERS, MOST_NUMBERS] = [300, 8_000_000];
const SIDE = 28;

/** @param {Uint8Array | Int8Array} bytes */
export function toBase64(bytes) {
  let text = "";
  for (let start = 0; start < bytes.length; start += 8192)
    text += String.fromCharCode(
      ...new Uint8Array(bytes.buffer, bytes.byteOffset + start, Math.min(8192, bytes.length - start)),
    );
  return btoa(text);
}
/** @param {string} text */
export const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
/** @param {number} value */
const sixDecimals = (value) => Math.round(value * 1e6) / 1e6;

/** Convert one image's tensor to (maps, rows, columns). @param {Tensor} tensor @param {Layout} layout */
function asMaps(tensor, layout) {
  const [maps, rows, columns] = mapsShape(tensor.dims, layout);
  const values = /** @type {Float32Array} */ (tensor.values);
  if (layout !== "channels last" || tensor.dims.length !== 4) return { maps, rows, columns, values };
  const result = new Float32Array(values.length);
  for (let index = 0; index < rows * columns; index++)
    for (let map = 0; map < maps; map++) result[map * rows * columns + index] = values[index * maps + map];
  return { maps, rows, columns, values: result };
}

export class Layers {
  /** @type {Step[]} */
  steps;

  /** @param {Classifier} classifier */
  constructor(classifier) {
    this.classifier = classifier;
    const { session } = classifier;
    const scope = classifier.pass(new Uint8Array(784));
    this.steps = walk(session.model.graph, scope, session.constantNames);
    const numbers = this.steps.reduce(
      (sum, { layer }) => sum + layer.shape.reduce((product, each) => product * each, 1),
      0,
    );
    if (!this.steps.length || this.steps.length > MOST_LAYERS || numbers > MOST_NUMBERS)
      throw new ModelError(`has ${this.steps.length} layers with ${numbers} activations; these cannot be inspected`);
  }

  get parameters() {
    return this.steps.reduce((sum, { layer }) => sum + layer.parameters, 0);
  }

  /** @param {string} name @returns {ModelDetail} */
  detail(name) {
    const { card } = this.classifier;
    const training = Object.entries(card?.training ?? {}).filter(
      ([, value]) => value === null || typeof value !== "object",
    );
    return {
      name,
      architecture: card?.architecture ?? "unknown",
      parameters: this.parameters,
      preparation: card?.preparation ?? this.classifier.convention.description,
      training: Object.fromEntries(training),
      layers: this.steps.map((step) => ({ .../** @type {any} */ (step.layer), kernels: kernelsOf(step) })),
    };
  }

  /**
   * Classify the prepared image, and return the feature maps of all layers.
   * @param {string} name @param {Uint8Array | null} glyph @param {number} threshold @returns {Inspected}
   */
  inspect(name, glyph, threshold) {
    const start = performance.now();
    const since = () => Math.round((performance.now() - start) * 100) / 100;
    if (!glyph)
      return {
        digit: null,
        confidence: 0,
        probabilities: new Array(10).fill(0),
        model: name,
        glyph: null,
        layers: [],
        ms: since(),
      };
    const scope = this.classifier.pass(glyph);
    const [probabilities] = this.classifier.probabilities(glyph);
    const digit = largest(probabilities);
    return {
      digit: probabilities[digit] >= threshold ? digit : null,
      confidence: sixDecimals(probabilities[digit]),
      probabilities: Array.from(probabilities, sixDecimals),
      model: name,
      glyph: toBase64(glyph),
      layers: this.steps.map((step) => levelsOf(step.layer.name, asMaps(tensorOf(scope, step.tensor), step.layout))),
      ms: since(),
    };
  }

  /** Break down how one activation of a layer is computed. @param {ExplainQuestion} question @returns {Explained} */
  explain({ glyph, layer: name, channel, row = 0, column = 0 }) {
    const step = this.steps.find((each) => each.layer.name === name);
    if (!step) throw new ModelError(`there is no layer ${name}`);
    if (!step.layer.explainable)
      throw new ModelError(
        `${name} is a ${step.layer.kind}; expected a convolution, pooling, activation or dense layer`,
      );
    const scope = this.classifier.pass(fromBase64(glyph));
    const output = asMaps(tensorOf(scope, step.tensor), step.layout);
    if (channel >= output.maps || row >= output.rows || column >= output.columns)
      throw new ModelError(`${name} has no number at this place`);
    const input = asMaps(tensorOf(scope, step.source), step.sourceLayout);
    const { first, patch } = patchOf(step, input, channel, row, column);
    const network = output.values[(channel * output.rows + row) * output.columns + column];
    const place = { layer: name, kind: step.layer.kind, channel, row, column, field: boxOf(step, row, column) };
    if (!step.kernelValues) {
      const before = pooledValue(step, patch.flat(2));
      const activationName = step.layer.kind === "pooling" ? null : step.layer.operator;
      const paddedPatch = patch.map((map) => map.map((line) => line.map((value) => (Number.isNaN(value) ? 0 : value))));
      return {
        ...place,
        inputs: [first],
        patch: paddedPatch,
        kernel: null,
        products: null,
        sums: null,
        rest: 0,
        bias: 0,
        before,
        activation: activationName,
        after: network,
        network: activationName === null ? network : before,
      };
    }
    return {
      ...place,
      ...summed(step, patch, first, channel),
      ...this.#after(name, scope, channel, row, column, network),
      network,
    };
  }

  /** The activation function that follows a layer, and its result. @param {string} name @param {Scope} scope @param {number} channel @param {number} row @param {number} column @param {number} before */
  #after(name, scope, channel, row, column, before) {
    const step = this.steps.find((each) => each.follows === name);
    if (!step) return { activation: null, after: before };
    const { rows, columns, values } = asMaps(tensorOf(scope, step.tensor), step.layout);
    return { activation: step.layer.operator, after: values[(channel * rows + row) * columns + column] };
  }
}

/** @param {Scope} scope @param {string} name */
const tensorOf = (scope, name) => /** @type {Tensor} */ (scope.get(name));

/**
 * Measure how the answer changes when a square of background covers each place in turn.
 * @param {Classifier} classifier @param {string} name @param {OcclusionQuestion} question
 * @returns {Occluded}
 */
export function occlude(
  classifier,
  name,
  { glyph: text, digit: requestedDigit, against: requestedRival, size = 5, stride = 2 },
) {
  const glyph = fromBase64(text);
  const [before] = classifier.probabilities(glyph);
  const order = [...before.keys()].sort((a, b) => before[b] - before[a] || a - b);
  const digit = requestedDigit ?? order[0];
  const against = requestedRival ?? (order[0] !== digit ? order[0] : order[1]);
  const side = Math.ceil(SIDE / stride);
  /** @type {Uint8Array[]} */
  const covered = [];
  /** @type {number[]} */
  const places = [];
  for (let index = 0; index < side * side; index++) {
    const [row, column] = [Math.floor(index / side) * stride, (index % side) * stride];
    const [top, left] = [row - (size >> 1), column - (size >> 1)];
    const image = glyph.slice();
    let changed = false;
    for (let y = Math.max(top, 0); y < Math.min(top + size, SIDE); y++)
      for (let x = Math.max(left, 0); x < Math.min(left + size, SIDE); x++) {
        changed ||= image[y * SIDE + x] > 0;
        image[y * SIDE + x] = 0;
      }
    if (!changed) continue;
    covered.push(image);
    places.push(index);
  }
  const batch = new Uint8Array(784 * covered.length);
  covered.forEach((each, index) => {
    batch.set(each, 784 * index);
  });
  const after = new Map(
    covered.length ? classifier.probabilities(batch).map((each, index) => [places[index], each]) : [],
  );
  const logProbability = (/** @type {number} */ probability) => Math.log(Math.max(probability, SMALLEST));
  const map = (/** @type {(after: Float32Array) => number} */ measure) =>
    Array.from({ length: side }, (_, row) =>
      Array.from({ length: side }, (__, column) => sixDecimals(measure(after.get(row * side + column) ?? before))),
    );
  const margin = logProbability(before[digit]) - logProbability(before[against]);
  return {
    model: name,
    digit,
    against,
    before: Array.from(before, sixDecimals),
    size,
    stride,
    fall: map((each) => before[digit] - each[digit]),
    towards: map((each) => margin - logProbability(each[digit]) + logProbability(each[against])),
  };
}

/** Quantise weights to 8 bits for drawing; null for too many. @param {Step} step @returns {Kernels | null} */
function kernelsOf({ kernelValues, kernelDims, bias }) {
  if (!kernelValues || kernelValues.length > MOST_WEIGHTS) return null;
  const scale = kernelValues.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
  const levels = Int8Array.from(kernelValues, (each) => (scale ? Math.round((each * 127) / scale) : 0));
  return { shape: kernelDims, scale, data: toBase64(levels), bias: bias ? Array.from(bias, sixDecimals) : null };
}

/** @param {string} name @param {{ maps: number, rows: number, columns: number, values: Float32Array }} maps @returns {LayerMaps} */
function levelsOf(name, { maps, rows, columns, values }) {
  let [low, high] = [values[0], values[0]];
  for (const each of values) [low, high] = [Math.min(low, each), Math.max(high, each)];
  const scale = high > low ? 255 / (high - low) : 0;
  return {
    name,
    shape: [maps, rows, columns],
    low,
    high,
    data: toBase64(Uint8Array.from(values, (each) => Math.round((each - low) * scale))),
  };
}

/**
 * Get the values from which one unit is computed, and the index of their first input map.
 * @param {Step} step @param {{ maps: number, rows: number, columns: number, values: Float32Array }} given
 * @param {number} channel @param {number} row @param {number} column
 * @returns {{ first: number, patch: number[][][] }}
 */
function patchOf(step, { rows, columns, values }, channel, row, column) {
  if (step.layer.kind === "dense") return { first: 0, patch: Array.from(values, (each) => [[each]]) };
  const plane = (/** @type {number} */ map) =>
    Array.from({ length: rows }, (_, y) =>
      Array.from(values.subarray((map * rows + y) * columns, (map * rows + y + 1) * columns)),
    );
  if (!step.window) {
    if (step.layer.kind === "pooling") return { first: channel, patch: [plane(channel)] };
    return { first: channel, patch: [[[values[(channel * rows + row) * columns + column]]]] };
  }
  const count = step.kernelValues ? step.kernelDims[1] : 1;
  const first = step.kernelValues ? Math.floor(channel / (step.kernelDims[0] / step.groups)) * count : channel;
  const { size, stride, padding, dilation } = step.window;
  const missing = step.kernelValues ? 0 : Number.NaN;
  const patch = Array.from({ length: count }, (_, map) =>
    Array.from({ length: size[0] }, (__, down) =>
      Array.from({ length: size[1] }, (___, across) => {
        const [y, x] = [
          row * stride[0] - padding[0] + down * dilation[0],
          column * stride[1] - padding[1] + across * dilation[1],
        ];
        return y < 0 || y >= rows || x < 0 || x >= columns ? missing : values[((first + map) * rows + y) * columns + x];
      }),
    ),
  );
  return { first, patch };
}

/** Pool a patch (NaN: padding), or return an activation's one input. @param {Step} step @param {number[]} patch */
function pooledValue({ largest: isMaximum, countsPadding }, patch) {
  const inside = patch.filter((each) => !Number.isNaN(each));
  if (isMaximum) return Math.max(...inside);
  return inside.reduce((sum, each) => sum + each, 0) / (countsPadding ? patch.length : inside.length);
}

/** @param {Step} step @param {number[][][]} patch @param {number} first @param {number} channel */
function summed({ kernelValues, kernelDims, bias: biases }, patch, first, channel) {
  const [, maps, high, wide] = kernelDims;
  const weights = /** @type {Float32Array} */ (kernelValues);
  const kernel = patch.map((map, index) =>
    map.map((line, y) => line.map((_, x) => weights[((channel * maps + index) * high + y) * wide + x])),
  );
  const products = patch.map((map, index) => map.map((line, y) => line.map((value, x) => value * kernel[index][y][x])));
  const sums = products.map((map) => map.flat().reduce((sum, each) => sum + each, 0));
  const total = sums.reduce((sum, each) => sum + each, 0);
  const isLarge = patch.length * high * wide > MOST_TERMS;
  const order = [...sums.keys()].sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a]) || a - b);
  const shown = isLarge ? order.slice(0, FEW_INPUTS).sort((a, b) => a - b) : [...sums.keys()];
  const bias = biases ? biases[channel] : 0;
  return {
    inputs: shown.map((index) => first + index),
    patch: shown.map((index) => patch[index]),
    kernel: shown.map((index) => kernel[index]),
    products: shown.map((index) => products[index]),
    sums: shown.map((index) => sums[index]),
    rest: total - shown.reduce((sum, index) => sum + sums[index], 0),
    bias,
    before: total + bias,
  };
}

/** Receptive field of one unit, clipped to the image. @param {Step} step @param {number} row @param {number} column */
function boxOf({ layer: { field } }, row, column) {
  if (!field) return null;
  const bounded = (/** @type {number} */ value) => Math.min(Math.max(value, 0), SIDE);
  const sides = [row, column].map((place, axis) => {
    const exact = field.middle[axis] + place * field.step[axis] - (field.size[axis] - 1) / 2;
    const begin = exact % 1 === 0.5 || exact % 1 === -0.5 ? 2 * Math.round(exact / 2) : Math.round(exact);
    return [bounded(begin), bounded(begin + field.size[axis])];
  });
  return [sides[1][0], sides[0][0], sides[1][1], sides[0][1]];
}
