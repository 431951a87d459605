// What is known of a layer without its activation maps.

import { number, t } from "./words.js";

/** @import { LayerDetail } from "../schemas.js" */

/** @type {Record<LayerDetail["kind"], string>} */
const WORDS = {
  preparation: "Preprocessing: the pixels are brought into the range that the network was trained with.",
  convolution:
    "Convolution: each filter is placed at every position: multiply number by number, add up, write down the sum. Each filter makes one activation map.",
  activation: "ReLU: what is below 0 becomes 0, all else stays.",
  normalisation: "Normalisation: each map is shifted and scaled to the range that training found useful.",
  pooling: "Pooling: one number is kept from each window: there is less to compute, and small shifts matter less.",
  addition: "Addition: two layers are added, number by number.",
  mean: "The mean of several layers, number by number.",
  concatenation: "Concatenation: two vectors are joined end to end.",
  flatten: "Flatten: all maps are put into one row of numbers, a vector.",
  dense: "Dense (fully connected): each unit has a weight for every input: multiply, add up, add the bias.",
  softmax: "Softmax: e to the power of each logit, divided by their sum: ten probabilities that add up to 1.",
  other: "Another kind of layer.",
};

/**
 * Describe what the layer does, in a sentence.
 * @param {LayerDetail} layer
 */
export function layerWords(layer) {
  if (layer.kind === "activation" && !/relu/i.test(layer.operator))
    return t("Activation function, a rule for each number alone: {name}.", { name: layer.operator });
  if (layer.kind === "pooling" && /global/i.test(layer.operator))
    return t("Global pooling: one number is kept from each whole map.");
  return t(WORDS[layer.kind]);
}

/** [28, 28, 32] → "28×28×32". @param {number[]} shape */
export const shapeWords = (shape) => shape.map((each) => number(each)).join("×");

/** Whether the layer's output is maps, not a vector of units. @param {LayerDetail} layer */
export const makesMaps = (layer) => layer.shape.length === 3 && layer.shape[0] * layer.shape[1] > 1;

/**
 * The layer whose output is this one's input (the first, if there are several); undefined if there is none.
 * @template {LayerDetail} Layer
 * @param {LayerDetail | undefined} layer
 * @param {Layer[]} layers
 */
export const layerBefore = (layer, layers) => layers.find((each) => each.name === layer?.takes[0]);

/**
 * The convolution whose filters correspond one to one to this layer's maps; undefined if there is none.
 * @template {LayerDetail} Layer
 * @param {Layer} layer
 * @param {Layer[]} layers
 * @returns {Layer | undefined}
 */
export function convolutionBefore(layer, layers) {
  const passing = ["activation", "normalisation", "pooling"];
  /** @type {Layer | undefined} */
  let current = layer;
  while (current && passing.includes(current.kind)) current = layerBefore(current, layers);
  return current?.kind === "convolution" ? current : undefined;
}

/**
 * Receptive field [x0, y0, x1, y1] of the unit (row, column), in pixels; the whole glyph if the layer has no field.
 * @param {LayerDetail} layer
 * @param {number} row
 * @param {number} column
 */
export function fieldOf(layer, row, column) {
  if (!layer.field) return [0, 0, 28, 28];
  const { size, step, middle } = layer.field;
  const [y, x] = [middle[0] + step[0] * row, middle[1] + step[1] * column];
  return [x - (size[1] - 1) / 2, y - (size[0] - 1) / 2, x + (size[1] + 1) / 2, y + (size[0] + 1) / 2];
}
