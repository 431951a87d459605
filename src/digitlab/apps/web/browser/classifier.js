// The network for 28×28 images, whatever its input convention: from glyphs to ten probabilities each.

import { ModelError } from "./onnx.js";
import { Session } from "./session.js";
import { Tensor } from "./tensor.js";

/**
 * @import { Scope } from "./session.js"
 * @typedef {{ dims: number[], whole: boolean, low: number, high: number, said: string }} Convention
 *   input convention of a network: shape, whether pixels are bytes, and the values of paper (`low`) and ink (`high`)
 * @typedef {Record<string, any>} Card
 */

const TOLERANCE = 0.03;
const BATCH = 64;

/** Mean and standard deviation of MNIST's pixels, with which many networks' inputs are standardised. */
const [MEAN, DEVIATION] = [0.1307, 0.3081];
/** @type {Omit<Convention, "dims" | "whole">[]} The one with the most right answers is used; of equals, the first. */
const SCALES = [
  { low: 0, high: 1, said: "0 … 1" },
  { low: -MEAN / DEVIATION, high: (1 - MEAN) / DEVIATION, said: "standardised" },
  { low: -1, high: 1, said: "−1 … 1" },
  { low: 0, high: 255, said: "0 … 255" },
  { low: 1, high: 0, said: "1 … 0" },
];

export class Classifier {
  /** @type {Convention} */
  convention = { dims: [-1, 28, 28], whole: true, low: 0, high: 255, said: "uint8" };
  /** @type {(answers: Float32Array) => Float32Array} */
  #toProbabilities = (answers) => answers;
  /** @type {string | null} */
  remark = null;

  /**
   * @param {Uint8Array} bytes an ONNX file
   * @param {{ glyphs: Uint8Array, labels: number[] }} [known] labelled digits to infer an unknown input convention
   */
  constructor(bytes, known) {
    this.session = new Session(bytes);
    const { inputs, constants } = this.session.model.graph;
    const open = inputs.filter(({ name }) => !constants.has(name));
    if (open.length !== 1) throw new ModelError(`has ${open.length} inputs; expected one, of images of 28×28 pixels`);
    this.card = cardOf(this.session.model.metadata);
    const { type, dims } = open[0];
    const sizes = dims.length ? dims.slice(1) : [28, 28];
    const product = sizes.reduce((/** @type {number} */ all, each) => all * (each ?? 1), 1);
    if (product !== 784 || (dims.length && dims[0] !== null && dims[0] !== 1))
      throw new ModelError(
        `takes ${dims.map((each) => each ?? "N").join("×")}; expected images of 28×28 pixels, any number of them`,
      );
    this.#oneByOne = dims[0] === 1;
    this.convention = { ...this.convention, dims: [-1, ...sizes.map((each) => each ?? 1)], whole: type === 2 };
    if (type !== 2) this.#findScale(known);
    this.#check();
  }

  /** Whether the batch size is fixed at 1. */
  #oneByOne = false;

  /** Threshold in the model card, or 0.5 without one. */
  get threshold() {
    const said = this.card?.training?.threshold;
    return typeof said === "number" && said >= 0 && said <= 1 ? said : 0.5;
  }

  /** Convert glyphs to the network's input tensor. @param {Uint8Array} glyphs @param {Convention} [convention] */
  given(glyphs, { dims, whole, low, high } = this.convention) {
    const shape = [glyphs.length / 784, ...dims.slice(1)];
    if (whole) return new Tensor("uint8", shape, glyphs);
    return new Tensor(
      "float32",
      shape,
      Float32Array.from(glyphs, (level) => low + ((high - low) * level) / 255),
    );
  }

  /** Run the network on one glyph; return all tensors. @param {Uint8Array} glyph @returns {Scope} */
  pass(glyph) {
    return this.session.run({ [this.session.input]: this.given(glyph) });
  }

  /**
   * Compute ten probabilities for each glyph of 784 bytes.
   * @param {Uint8Array} glyphs
   * @param {Map<string, Tensor>} [instead] constants to override in this run
   * @returns {Float32Array[]}
   */
  probabilities(glyphs, instead) {
    return rows(this.#toProbabilities(this.#answers(glyphs, this.convention, instead)));
  }

  /** @param {Uint8Array} glyphs @param {Convention} [convention] @param {Map<string, Tensor>} [instead] */
  #answers(glyphs, convention = this.convention, instead = undefined) {
    const count = glyphs.length / 784;
    const all = new Float32Array(10 * count);
    const step = this.#oneByOne ? 1 : BATCH;
    for (let start = 0; start < count; start += step) {
      const batch = glyphs.subarray(784 * start, 784 * Math.min(start + step, count));
      const output = this.session.model.graph.outputs[0];
      const answer = this.session.run({ [this.session.input]: this.given(batch, convention) }, instead).get(output);
      if (!answer || answer.size !== (batch.length / 784) * 10)
        throw new ModelError(
          `gives ${answer?.dims.join("×") ?? "nothing"} for ${batch.length / 784} images; expected ten numbers each`,
        );
      all.set(answer.values, 10 * start);
    }
    return all;
  }

  /** @param {{ glyphs: Uint8Array, labels: number[] }} [known] */
  #findScale(known) {
    const { dims } = this.convention;
    const found = SCALES.map((scale) => {
      const convention = { ...scale, dims, whole: false };
      if (!known) return { convention, right: 0 };
      const answers = rows(this.#answers(known.glyphs, convention));
      const right = answers.filter((row, place) => row.indexOf(Math.max(...row)) === known.labels[place]).length;
      return { convention, right };
    });
    const best = found.reduce((a, b) => (b.right > a.right ? b : a));
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
      this.#toProbabilities = (given) => shared(given, (row) => row);
    else
      this.#toProbabilities = (given) => shared(given, (row) => row.map((each) => Math.exp(each - Math.max(...row))));
  }
}

/** @param {Float32Array} answers */
const rows = (answers) =>
  Array.from({ length: answers.length / 10 }, (_, row) => answers.slice(10 * row, 10 * row + 10));

/** @param {Float32Array} answers @param {(row: Float32Array) => Float32Array} prepare */
function shared(answers, prepare) {
  const made = new Float32Array(answers.length);
  rows(answers).forEach((row, place) => {
    const prepared = prepare(row);
    const sum = Math.max(
      prepared.reduce((all, each) => all + each, 0),
      1e-12,
    );
    made.set(
      prepared.map((each) => each / sum),
      10 * place,
    );
  });
  return made;
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
