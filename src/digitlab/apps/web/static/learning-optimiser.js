// Optimisers: plain gradient descent, gradient descent with momentum, and Adam, each as in Keras.

/**
 * @import { Parameter } from "./learning-layers.js"
 * @typedef {"sgd" | "momentum" | "adam"} Method
 * @typedef {{ steps: number, first: Float32Array<ArrayBuffer>[], second: Float32Array<ArrayBuffer>[] }} Memory
 *   State kept from earlier steps.
 */

const [MOMENTUM, FIRST, SECOND, SMALL] = [0.9, 0.9, 0.999, 1e-7];

/** @type {Record<Method, number>} The default learning rates. */
export const USUAL_RATE = { sgd: 0.1, momentum: 0.01, adam: 0.001 };
/** @type {Method[]} */
export const METHODS = ["sgd", "momentum", "adam"];

export class Optimiser {
  /** @param {Method} method @param {number} rate @param {Parameter[]} parameters */
  constructor(method, rate, parameters) {
    this.method = method;
    this.rate = rate;
    this.parameters = parameters;
    const zeros = (/** @type {boolean} */ needed) =>
      needed ? parameters.map(({ values }) => new Float32Array(values.length)) : [];
    /** @type {Memory} */
    this.memory = { steps: 0, first: zeros(method !== "sgd"), second: zeros(method === "adam") };
  }

  /** Update all weights; `share` multiplies the summed gradients: 1 / number of images. @param {number} share */
  step(share = 1) {
    const { method, rate, memory } = this;
    memory.steps += 1;
    const size = rate * corrected(memory.steps);
    this.parameters.forEach(({ values, gradient }, which) => {
      const [first, second] = [memory.first[which], memory.second[which]];
      if (method === "sgd")
        for (let index = 0; index < values.length; index++) values[index] -= rate * share * gradient[index];
      else if (method === "momentum")
        for (let index = 0; index < values.length; index++) {
          first[index] = MOMENTUM * first[index] - rate * share * gradient[index];
          values[index] += first[index];
        }
      else
        for (let index = 0; index < values.length; index++) {
          const mean = share * gradient[index]; // of the batch
          first[index] += (1 - FIRST) * (mean - first[index]);
          second[index] += (1 - SECOND) * (mean * mean - second[index]);
          values[index] -= (size * first[index]) / (Math.sqrt(second[index]) + SMALL);
        }
    });
  }

  /** The change of one weight in the next step. @param {number} which parameter @param {number} index */
  change(which, index) {
    const { method, rate, memory } = this;
    const gradient = this.parameters[which].gradient[index];
    if (method === "sgd") return -rate * gradient;
    const first = memory.first[which][index];
    if (method === "momentum") return MOMENTUM * first - rate * gradient;
    const second = memory.second[which][index];
    const [mean, square] = [first + (1 - FIRST) * (gradient - first), second + (1 - SECOND) * (gradient ** 2 - second)];
    return (-rate * corrected(memory.steps + 1) * mean) / (Math.sqrt(square) + SMALL);
  }

  /** A copy of the state, to undo steps. @returns {Memory} */
  get remembered() {
    const { steps, first, second } = this.memory;
    return { steps, first: first.map((each) => each.slice()), second: second.map((each) => each.slice()) };
  }
}

/** Bias correction for Adam's running means, which start at 0. @param {number} steps */
const corrected = (steps) => Math.sqrt(1 - SECOND ** steps) / (1 - FIRST ** steps);
