// The network for 28×28 images, whatever its input convention: from glyphs to ten probabilities each.

import { ModelError } from "./onnx.js";
import { Session } from "./session.js";
import { Tensor } from "./tensor.js";

/**
 * @import { Scope } from "./session.js"
 * @typedef {{ dims: number[], bytes: boolean, low: number, high: number, description: string }} Convention
 *   input convention of a network: shape, whether pixels are bytes, and the values of paper (`low`) and ink (`high`)
 * @typedef {Record<string, any>} Card
 */

const TOLERANCE = 0.03;
const BATCH = 64;

/** Mean and standard deviation of MNIST's pixels, with which many networks' inputs are standardised. */
const [MEAN, DEVIATION] = [0.1307, 0.3081];
/** @type {Omit<Convention, "dims" | "bytes">[]} The one with the most right answers is used; of equals, the first. */
const SCALES = [
  { low: 0, high: 1, description: "0 … 1" },
  { low: -MEAN / DEVIATION, high: (1 - MEAN) / DEVIATION, description: "standardised" },
  { low: -1, high: 1, description: "−1 … 1" },
  { low: 0, high: 255, description: "0 … 255" },
  { low: 1, high: 0, description: "1 … 0" },
];

export class Classifier {
  /** @type {Convention} */
  convention = { dims: [-1, 28, 28], bytes: true, low: 0, high: 255, description: "uint8" };
  /** @type {(answers: Float32Array) => Float32Array} */
  #toProbabilities = (answers) => answers;
  /** @type {string | null} */
  remark = null;

  /**
   * @param {Uint8Array} file an ONNX file
   * @param {{ glyphs: Uint8Array, labels: number[] }} [known] labelled digits to infer an unknown input convention
   */
  constructor(file, known) {
    this.session = new Session(file);
    const { inputs, constants } = this.session.model.graph;
    const freeInputs = inputs.filter(({ name }) => !constants.has(name));
    if (freeInputs.length !== 1)
      throw new ModelError(`has ${freeInputs.length} inputs; expected one, of images of 28×28 pixels`);
    this.card = cardOf(this.session.model.metadata);
    const { type, dims } = freeInputs[0];
    const sizes = dims.length ? dims.slice(1) : [28, 28];
    const product = sizes.reduce((/** @type {number} */ total, each) => total * (each ?? 1), 1);
    if (product !== 784 || (dims.length && dims[0] !== null && dims[0] !== 1))
      throw new ModelError(
        `takes ${dims.map((each) => each ?? "N").join("×")}; expected images of 28×28 pixels, any number of them`,
      );
    this.#oneByOne = dims[0] === 1;
    this.convention = { ...this.convention, dims: [-1, ...sizes.map((each) => each ?? 1)], bytes: type === 2 };
    if (type !== 2) this.#findScale(known);
    this.#check();
  }

  /** Whether the batch size is fixed at 1. */
  #oneByOne = false;

  /** Threshold in the model card, or 0.5 without one. */
  get threshold() {
    const threshold = this.card?.training?.threshold;
    return typeof threshold === "number" && threshold >= 0 && threshold <= 1 ? threshold : 0.5;
  }

  /** Convert glyphs to the network's input tensor. @param {Uint8Array} glyphs @param {Convention} [convention] */
  inputTensor(glyphs, { dims, bytes, low, high } = this.convention) {
    const shape = [glyphs.length / 784, ...dims.slice(1)];
    if (bytes) return new Tensor("uint8", shape, glyphs);
    return new Tensor(
      "float32",
      shape,
      Float32Array.from(glyphs, (level) => low + ((high - low) * level) / 255),
    );
  }

  /** Run the network on one glyph; return all tensors. @param {Uint8Array} glyph @returns {Scope} */
  pass(glyph) {
    return this.session.run({ [this.session.input]: this.inputTensor(glyph) });
  }

  /**
   * Compute ten probabilities for each glyph of 784 bytes.
   * @param {Uint8Array} glyphs
   * @param {Map<string, Tensor>} [overrides] constants to override in this run
   * @returns {Float32Array[]}
   */
  probabilities(glyphs, overrides) {
    return rows(this.#toProbabilities(this.#answers(glyphs, this.convention, overrides)));
  }

  /** @param {Uint8Array} glyphs @param {Convention} [convention] @param {Map<string, Tensor>} [overrides] */
  #answers(glyphs, convention = this.convention, overrides = undefined) {
    const count = glyphs.length / 784;
    const answers = new Float32Array(10 * count);
    const step = this.#oneByOne ? 1 : BATCH;
    for (let start = 0; start < count; start += step) {
      const batch = glyphs.subarray(784 * start, 784 * Math.min(start + step, count));
      const output = this.session.model.graph.outputs[0];
      const answer = this.session
        .run({ [this.session.input]: this.inputTensor(batch, convention) }, overrides)
        .get(output);
      if (!answer || answer.size !== (batch.length / 784) * 10)
        throw new ModelError(
          `gives ${answer?.dims.join("×") ?? "nothing"} for ${batch.length / 784} images; expected ten numbers each`,
        );
      answers.set(answer.values, 10 * start);
    }
    return answers;
  }

  /** @param {{ glyphs: Uint8Array, labels: number[] }} [known] */
  #findScale(known) {
    const { dims } = this.convention;
    const results = SCALES.map((scale) => {
      const convention = { ...scale, dims, bytes: false };
      if (!known) return { convention, right: 0 };
      const answers = rows(this.#answers(known.glyphs, convention));
      const right = answers.filter((row, index) => row.indexOf(Math.max(...row)) === known.labels[index]).length;
      return { convention, right };
    });
    const best = results.reduce((a, b) => (b.right > a.right ? b : a));
    this.convention = best.convention;
    if (known && best.right < known.labels.length / 2)
      this.remark = `reads ${best.right} of ${known.labels.length} test digits, however they are given to it`;
  }

  #check() {
    const strokes = new Uint8Array(5 * 784);
    for (let row = 4; row < 24; row++)
      for (let column = 13; column < 16; column++) {
        strokes[784 + 28 * row + column] = 255;
        strokes[2 * 784 + 28 * column + row] = 255;
      }
    for (let row = 4; row < 24; row++)
      for (let column = 4; column < 24; column++) strokes[3 * 784 + 28 * row + column] = 255;
    for (let row = 4; row < 14; row++)
      for (let column = 8; column < 20; column++) strokes[4 * 784 + 28 * row + column] = 255;
    for (let row = 8; row < 20; row++)
      for (let column = 8; column < 20; column++)
        strokes[3 * 784 + 28 * row + column] = strokes[4 * 784 + 28 * row + column] = 0;
    const answers = this.#answers(strokes);
    if (!answers.every(Number.isFinite)) throw new ModelError("gives numbers that are not finite");
    const sums = rows(answers).map((row) => row.reduce((sum, each) => sum + each, 0));
    const least = Math.min(...answers);
    if (least >= -TOLERANCE && sums.every((sum) => Math.abs(sum - 1) <= TOLERANCE)) return;
    if (least >= 0 && (Math.max(...answers) <= 1 || sums.every((sum) => Math.abs(sum / 100 - 1) <= TOLERANCE)))
      this.#toProbabilities = (outputs) => normalisedRows(outputs, (row) => row);
    else
      this.#toProbabilities = (outputs) =>
        normalisedRows(outputs, (row) => row.map((each) => Math.exp(each - Math.max(...row))));
  }
}

/** @param {Float32Array} answers */
const rows = (answers) =>
  Array.from({ length: answers.length / 10 }, (_, row) => answers.slice(10 * row, 10 * row + 10));

/** @param {Float32Array} answers @param {(row: Float32Array) => Float32Array} prepare */
function normalisedRows(answers, prepare) {
  const probabilities = new Float32Array(answers.length);
  rows(answers).forEach((row, index) => {
    const prepared = prepare(row);
    const sum = Math.max(
      prepared.reduce((total, each) => total + each, 0),
      1e-12,
    );
    probabilities.set(
      prepared.map((each) => each / sum),
      10 * index,
    );
  });
  return probabilities;
}

/** Parse digitlab's model card; null without one. @param {Record<string, string>} metadata @returns {Card | null} */
function cardOf(metadata) {
  try {
    const card = JSON.parse(metadata.digitlab ?? "null");
    return card && typeof card === "object" ? card : null;
  } catch {
    return null;
  }
}
