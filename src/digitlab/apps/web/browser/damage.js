// How an answer changes when weights are damaged: noise, zeros, a shuffle, a filter switched off, fewer bits.

import { random } from "../static/random.js";
import { largest } from "./candidates.js";
import { fromBase64 } from "./looking.js";
import { ModelError } from "./onnx.js";
import { Tensor } from "./tensor.js";

/**
 * @import { Damage, Damaged } from "../static/api.js"
 * @import { Classifier } from "./classifier.js"
 * @import { Layers } from "./looking.js"
 * @import { Step } from "./walk.js"
 */

/**
 * Damage weights; `amount`: noise in standard deviations of the weights, the number of bits, or the filter's index.
 * @param {Float32Array} weights @param {number[]} dims filters first @param {Damage["kind"]} kind @param {number} amount
 */
export function damagedWeights(weights, dims, kind, amount) {
  const result = weights.slice();
  const next = random(weights.length);
  if (kind === "zero") return result.fill(0);
  if (kind === "filter") {
    const size = weights.length / dims[0];
    return result.fill(0, amount * size, (amount + 1) * size);
  }
  if (kind === "shuffle") {
    for (let index = result.length - 1; index > 0; index--) {
      const other = Math.floor(next() * (index + 1));
      [result[index], result[other]] = [result[other], result[index]];
    }
    return result;
  }
  if (kind === "bits") {
    const largestWeight = weights.reduce((maximum, each) => Math.max(maximum, Math.abs(each)), 0);
    const levels = Math.max(2 ** (amount - 1) - 1, 0.5); // per sign; with one bit only the sign is left
    return result.map((each) =>
      amount === 1
        ? Math.sign(each) * largestWeight * 0.5
        : (Math.round((each / largestWeight) * levels) / levels) * largestWeight,
    );
  }
  const mean = weights.reduce((sum, each) => sum + each, 0) / weights.length;
  const spread = Math.sqrt(weights.reduce((sum, each) => sum + (each - mean) ** 2, 0) / weights.length);
  return result.map((each) => {
    const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    return each + amount * spread * normal;
  });
}

/**
 * Compute those constants of a network that the damage changes, by name.
 * @param {Layers} layers @param {Damage} damage
 */
function changedConstants(layers, { layer, kind, amount }) {
  const steps = layers.steps.filter((step) => step.kernelValues && (layer === null || step.layer.name === layer));
  if (!steps.length) throw new ModelError(`there is no layer ${layer} with weights`);
  return new Map(steps.flatMap((step) => changedOf(step, kind, amount)));
}

/** @param {Step} step @param {Damage["kind"]} kind @param {number} amount @returns {[string, Tensor][]} */
function changedOf(step, kind, amount) {
  const { kernelValues, kernelDims, kernel, weights, turned } = step;
  if (!kernelValues || !kernel || !weights) return [];
  const damagedKernel = damagedWeights(kernelValues, kernelDims, kind, amount);
  const [units, inputs] = kernelDims;
  // A matrix product stores its weights transposed: (inputs, units).
  const values = turned
    ? damagedKernel.map((_, index) => damagedKernel[(index % units) * inputs + Math.floor(index / units)])
    : damagedKernel;
  /** @type {[string, Tensor][]} */
  const constants = [[weights, new Tensor("float32", kernel.dims, values)]];
  return constants;
}

/**
 * Answer a glyph with the damaged network, and count how many of some test images it still gets right.
 * @param {Classifier} classifier @param {Layers} layers @param {Damage} damage
 * @param {{ glyphs: Uint8Array, labels: number[] }} test
 * @returns {Damaged}
 */
export function damaged(classifier, layers, damage, { glyphs, labels }) {
  const constants = damage.kind === "none" ? new Map() : changedConstants(layers, damage);
  const answer = damage.glyph ? classifier.probabilities(fromBase64(damage.glyph), constants)[0] : null;
  const [from, to] = damage.images;
  const part = glyphs.subarray(784 * from, 784 * to);
  const answers = part.length ? classifier.probabilities(part, constants) : [];
  const right = answers.filter((row, index) => largest(row) === labels[from + index]).length;
  return { probabilities: answer && Array.from(answer), right, of: answers.length, all: labels.length };
}
