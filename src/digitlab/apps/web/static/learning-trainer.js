// A training that can be paused after any batch without changing the result: the same seed gives the same weights.

import { likeliest, lossOf, measure, Network, PIXELS } from "./learning-network.js";
import { Optimiser } from "./learning-optimiser.js";
import { random } from "./random.js";

/**
 * @import { Kind } from "./learning-network.js"
 * @import { Method } from "./learning-optimiser.js"
 * @typedef {{ glyphs: Uint8Array, labels: Uint8Array }} Labelled 784 bytes a glyph.
 * @typedef {{ network: Kind, method: Method, rate: number, seed: number }} Settings
 * @typedef {{ loss: number, right: number, of: number }} Batch
 * @typedef {{ epoch: number, right: number, of: number, loss: number, weights: Float32Array<ArrayBuffer>[] }} Checkpoint
 *   The state after an epoch; `epoch` 0 is before the first.
 */

export const BATCH = 32;

export class Trainer {
  epoch = 0; // number of completed epochs
  #position = 0; // number of images used so far in this epoch
  /** @type {Uint32Array} */
  #order;

  /** @param {Settings} settings @param {Labelled} train @param {Labelled} held test digits, never trained on */
  constructor(settings, train, held) {
    this.settings = settings;
    this.train = train;
    this.held = held;
    this.network = new Network(settings.network, settings.seed);
    this.optimiser = new Optimiser(settings.method, settings.rate, this.network.parameters);
    this.#order = shuffled(train.labels.length, settings.seed, 0);
  }

  get batches() {
    return Math.ceil(this.train.labels.length / BATCH);
  }

  /** The number of completed batches of this epoch. */
  get batch() {
    return Math.ceil(this.#position / BATCH);
  }

  /** Train on the next batch. @returns {Batch} results from before the weight update */
  step() {
    const { network, train, optimiser } = this;
    const rows = this.#order.subarray(this.#position, this.#position + BATCH);
    network.clearGradients();
    let [loss, right] = [0, 0];
    for (const row of rows) {
      const label = train.labels[row];
      const probabilities = network.forward(train.glyphs, PIXELS * row);
      loss += lossOf(probabilities, label);
      right += Number(likeliest(probabilities) === label);
      network.backward(probabilities, label);
    }
    optimiser.step(1 / rows.length);
    this.#position += rows.length;
    return { loss: loss / rows.length, right, of: rows.length };
  }

  get epochIsOver() {
    return this.#position >= this.#order.length;
  }

  /** End the epoch, and measure the network on the test digits, which it has not seen. @returns {Checkpoint} */
  endEpoch() {
    this.epoch += 1;
    this.#position = 0;
    this.#order = shuffled(this.train.labels.length, this.settings.seed, this.epoch);
    return this.checkpoint();
  }

  /** @returns {Checkpoint} */
  checkpoint() {
    return { epoch: this.epoch, ...measure(this.network, this.held), weights: this.network.weights };
  }
}

/** The random order of an epoch's images, seeded. @param {number} count @param {number} seed @param {number} epoch */
function shuffled(count, seed, epoch) {
  const next = random(Math.imul(seed + 1, 0x9e3779b1) + epoch);
  const order = Uint32Array.from({ length: count }, (_, row) => row);
  for (let index = count - 1; index > 0; index--) {
    const other = Math.floor(next() * (index + 1));
    [order[index], order[other]] = [order[other], order[index]];
  }
  return order;
}
