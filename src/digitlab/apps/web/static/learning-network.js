// Two small networks that are trained in the browser, and their loss. All randomness comes from a seed.

import { Convolution, Dense, Pooling, Relu } from "./learning-layers.js";
import { random } from "./random.js";

/**
 * @import { Layer, Parameter, Shape } from "./learning-layers.js"
 * @typedef {"dense" | "convolution"} Kind
 * @typedef {Dense | Convolution} Weighted
 */

export const SIDE = 28;
export const PIXELS = SIDE * SIDE;
export const DIGITS = 10;

/** @type {Record<Kind, () => Layer[]>} */
const LAYERS = {
  // 784 → 32 → 10: 25,450 weights.
  dense: () => [
    new Dense("dense-1", [SIDE, SIDE, 1], 32),
    new Relu("relu-1", [1, 1, 32]),
    new Dense("dense-2", [1, 1, 32], DIGITS),
  ],
  // Eight 5×5 filters, 2×2 max pooling, ten logits: 11,738 weights.
  convolution: () => [
    new Convolution("conv-1", [SIDE, SIDE, 1], 8, 5),
    new Relu("relu-1", [24, 24, 8]),
    new Pooling("pool-1", [24, 24, 8]),
    new Dense("dense-1", [12, 12, 8], DIGITS),
  ],
};

/** @type {Kind[]} */
export const KINDS = ["dense", "convolution"];

export class Network {
  /** @type {Float32Array<ArrayBuffer>} Pixels of the last image, 0 … 1. */
  image = new Float32Array(PIXELS);

  /** Initialise weights as in Keras (Glorot uniform), and biases to 0. @param {Kind} kind @param {number} seed */
  constructor(kind, seed) {
    this.kind = kind;
    this.layers = LAYERS[kind]();
    this.weighted = /** @type {Weighted[]} */ (this.layers.filter((layer) => "kernel" in layer));
    /** @type {Parameter[]} */
    this.parameters = this.weighted.flatMap(({ kernel, bias }) => [kernel, bias]);
    const next = random(seed);
    for (const { kernel, fan } of this.weighted) {
      const limit = Math.sqrt(6 / (fan[0] + fan[1]));
      kernel.values.forEach((_, index) => {
        kernel.values[index] = limit * (2 * next() - 1);
      });
    }
  }

  get count() {
    return this.parameters.reduce((sum, { values }) => sum + values.length, 0);
  }

  /**
   * Compute the ten probabilities for the glyph that begins at `start`.
   * @param {Uint8Array} glyphs @param {number} start
   */
  forward(glyphs, start = 0) {
    for (let index = 0; index < PIXELS; index++) this.image[index] = glyphs[start + index] / 255;
    return softmax(this.layers.reduce((values, layer) => layer.forward(values), this.image));
  }

  /**
   * Backpropagate the loss of the last image: add its gradients to those of the weights.
   * @param {Float64Array} probabilities as returned by `forward`
   * @param {number} label
   * @param {boolean} further whether to go on to the pixels, which training does not need
   */
  backward(probabilities, label, further = false) {
    /** @type {ArrayLike<number>} */
    let gradient = probabilities.map((share, digit) => share - Number(digit === label));
    for (let index = this.layers.length - 1; index >= 0; index--) {
      const layer = this.layers[index];
      layer.outputGradient.set(gradient);
      gradient = layer.backward(further || index > 0);
    }
    return gradient;
  }

  clearGradients() {
    for (const { gradient } of this.parameters) gradient.fill(0);
  }

  /** A copy of all weights. */
  get weights() {
    return this.parameters.map(({ values }) => values.slice());
  }

  set weights(copies) {
    this.parameters.forEach(({ values }, index) => {
      values.set(copies[index]);
    });
  }
}

/** @param {Float32Array<ArrayBuffer>} logits */
export function softmax(logits) {
  const most = Math.max(...logits);
  const shares = Float64Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = shares.reduce((sofar, each) => sofar + each, 0);
  return shares.map((each) => each / sum);
}

/** Cross-entropy; the probability is clipped to ≥ 1e-30. @param {Float64Array} probabilities @param {number} label */
export const lossOf = (probabilities, label) => -Math.log(Math.max(probabilities[label], 1e-30));

/** The digit with the largest probability. @param {ArrayLike<number>} probabilities */
export function likeliest(probabilities) {
  let best = 0;
  for (let digit = 1; digit < probabilities.length; digit++)
    if (probabilities[digit] > probabilities[best]) best = digit;
  return best;
}

/**
 * Measure a network on labelled glyphs: how many it classifies correctly, and its mean loss.
 * @param {Network} network @param {{ glyphs: Uint8Array, labels: ArrayLike<number> }} digits
 */
export function measure(network, { glyphs, labels }) {
  let [right, loss] = [0, 0];
  for (let row = 0; row < labels.length; row++) {
    const probabilities = network.forward(glyphs, PIXELS * row);
    right += Number(likeliest(probabilities) === labels[row]);
    loss += lossOf(probabilities, labels[row]);
  }
  return { right, of: labels.length, loss: loss / Math.max(labels.length, 1) };
}
