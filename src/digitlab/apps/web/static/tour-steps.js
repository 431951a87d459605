// The steps of the tour. `needs` names the parts of a network without which a step is skipped.

import * as answer from "./tour-answer.js";
import * as figures from "./tour-figures.js";

/**
 * @import { About, Figure, Subject } from "./tour-figures.js"
 *
 * `figure` gets the parts of the network, including those in `needs`.
 * @typedef {{
 *   title: string, text: string[], needs?: (keyof About)[],
 *   figure: (subject: any) => HTMLElement | Figure | Promise<HTMLElement>,
 * }} Step
 */

/** @type {Step[]} */
export const STEPS = [
  {
    title: "A picture is numbers",
    text: [
      "The reader finds the ink, brings it to 28 by 28 pixels, and puts it in the middle. That is all that the network sees: 784 numbers from 0 (paper) to 255 (ink).",
      "Point at the picture to read its numbers.",
    ],
    figure: figures.picture,
  },
  {
    title: "Convolution: a filter looks everywhere",
    text: [
      "A filter is a small picture of numbers. It is laid on the image, each of its numbers is multiplied by the pixel under it, the products are added up, and one more number, the bias, is added too. Then it moves on by a pixel.",
      "Follow the window as it moves over your digit, or place it yourself.",
    ],
    needs: ["convolution"],
    figure: figures.convolution,
  },
  {
    title: "Every filter makes an activation map",
    text: [
      "All the sums of one filter make a new picture, its activation map (feature map). Orange is above 0: here the filter found what it looks for. Blue is below: here it found the opposite. Most filters of the first layer look for edges in one direction.",
    ],
    needs: ["convolution"],
    figure: figures.activationMaps,
  },
  {
    title: "ReLU: the simplest activation function",
    text: [
      "What is below 0 becomes 0, all else stays. Without such a bend between them, many layers would be no more than one. After it a filter can only say how much of its pattern is there, not that the opposite is.",
    ],
    needs: ["relu", "beforeRelu"],
    figure: figures.rectified,
  },
  {
    title: "Pooling: less to look at",
    text: [
      "Max pooling: of each window of two by two numbers only the greatest is kept. A quarter of the numbers is left, and whether a stroke lies a pixel further to the left matters less than before. (Experiments compared it with average pooling; max pooling won.)",
    ],
    needs: ["pool", "beforePool"],
    figure: figures.pooled,
  },
  {
    title: "Deeper: from edges to parts",
    text: [
      "The next filters look at the maps of those before, and so on. The receptive field grows: each number now sees more of your digit, and each map has become choosy: a bar, a bow, an end of a stroke. Nobody told the network what to look for.",
    ],
    needs: ["deeper"],
    figure: figures.deep,
  },
  {
    title: "Dense: all of it at once",
    text: [
      "Now the maps become one row of numbers, a vector, and each of the ten digits has a weight for every number in it: multiply, add up, add the bias. The ten sums are called logits. They may be above or below 0; only their differences matter.",
    ],
    needs: ["dense"],
    figure: answer.logits,
  },
  {
    title: "Softmax: logits become probabilities",
    text: [
      "The softmax takes e to the power of each logit and divides by their sum, so that they are probabilities that add up to 1. A logit that is lower by ten means a probability about twenty thousand times smaller.",
      "These are this network's probabilities for the prepared 28×28 image. The reader combines them with what it saw in the picture itself, so its numbers differ.",
      "Make the network less certain: divide all logits by a temperature first. The order stays, the differences shrink.",
    ],
    needs: ["dense"],
    figure: answer.softmax,
  },
  {
    title: "Dropout: learning with gaps",
    text: [
      "During training, a random part of the activations is set to 0, a different one in each step, so that the network cannot rely on any single activation: the dropout rate says how many are dropped. In a published experiment, with dropout it trains for more epochs, and its test accuracy is 95.4% instead of 94.5%. In use, nothing is dropped.",
      "Roll the dice yourself: the answer should survive.",
    ],
    needs: ["dense", "row"],
    figure: answer.dropout,
  },
  {
    title: "Filters made by hand",
    text: [
      "Before filters were learned, people designed them. This filter bank is that of a course's slides: lines, edges (Sobel), spots (Laplacian), smoothing. Compare them with the first filters of the network: some of those it has found by itself.",
      "They are shown on your photo, if you have opened one, else on your drawing.",
    ],
    figure: figures.handmade,
  },
];
