// Gradients of each layer as pictures, and the gradient of one weight by the chain rule, in numbers.

import { canvas, make } from "./elements.js";
import { pixels, walkable } from "./glyph.js";
import { likeliest } from "./learning-network.js";
import { paintNumbers } from "./maps.js";
import { number, percent, t } from "./words.js";

/**
 * @import { Layer, Pooling, Relu } from "./learning-layers.js"
 * @import { Network, Weighted } from "./learning-network.js"
 * @import { Optimiser } from "./learning-optimiser.js"
 * @typedef {{ network: Network, optimiser: Optimiser, probabilities: Float64Array, label: number }} Seen
 *   State of a network after the last image.
 */

/** Format a number with three significant digits, however small it is. @param {number} value */
export function fine(value) {
  const size = Math.abs(value);
  if (size < 5e-8) return number(0);
  const digits = Math.min(Math.max(2 - Math.floor(Math.log10(size)), 0), 8);
  return number(value, digits).replace("-", "−");
}

/** The same, with a plus sign if positive. @param {number} value */
const signedFine = (value) => (value > 5e-8 ? `+${fine(value)}` : fine(value));

/** The largest absolute value of the numbers. @param {ArrayLike<number>} values */
export function largest(values) {
  let most = 0;
  for (let index = 0; index < values.length; index++) most = Math.max(most, Math.abs(values[index]));
  return most;
}

/** Colour scale from −most over 0 to +most. @param {number} most */
export function legend(most) {
  const steps = Array.from({ length: 65 }, (_, index) => index / 32 - 1);
  return make(
    "span",
    { class: "legend" },
    make("span", {}, signedFine(-most)),
    paintNumbers(canvas(65, 1, { "aria-hidden": "true" }), [steps]),
    make("span", {}, signedFine(most)),
  );
}

/**
 * Make a grid of numbers from a function of row and column.
 * @param {number} rows @param {number} columns @param {(row: number, column: number) => number} at
 */
const grid = (rows, columns, at) =>
  Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => at(row, column)));

/** Layout of a layer's inputs as a picture: its size, and which input is where. @param {Weighted} layer */
function layout(layer) {
  if (layer.kind === "convolution") return { rows: layer.side, columns: layer.side, at: square(layer.side) };
  const [rows, columns, maps] = layer.inputs;
  if (rows > 1 && maps === 1) return { rows, columns, at: square(columns) };
  if (rows === 1) return { rows: maps / 8, columns: 8, at: square(8) };
  // Maps side by side, four in a row.
  const at = (/** @type {number} */ row, /** @type {number} */ column) =>
    ((row % rows) * columns + (column % columns)) * maps + 4 * Math.floor(row / rows) + Math.floor(column / columns);
  return { rows: (rows * maps) / 4, columns: 4 * columns, at };
}

/** @param {number} columns */
const square = (columns) => (/** @type {number} */ row, /** @type {number} */ column) => row * columns + column;

/** Describe where an input of a layer comes from. @param {Weighted} layer @param {number} input */
function source(layer, input) {
  const [rows, columns, maps] = layer.inputs;
  if (layer.kind === "convolution")
    return t("place {row}, {column} of the filter", {
      row: Math.floor(input / layer.side) + 1,
      column: (input % layer.side) + 1,
    });
  if (rows === 1) return t("unit {n}", { n: input + 1 });
  const position = Math.floor(input / maps);
  const at = { row: Math.floor(position / columns) + 1, column: (position % columns) + 1 };
  return maps === 1
    ? t("pixel {row}, {column}", at)
    : t("map {n}, place {row}, {column}", { n: (input % maps) + 1, ...at });
}

/** Show how the gradient passes through a layer without weights. @param {Relu | Pooling} layer */
export function passage(layer) {
  const { inputGradient, outputGradient, shape } = layer;
  if (layer.kind === "relu") {
    const share = percent(inputGradient.filter((value) => value === 0).length / inputGradient.length);
    const values = { layer: layer.name, share, n: number(inputGradient.length) };
    return [
      make(
        "p",
        { class: "quiet" },
        t("{layer}: only values above 0 pass the gradient on; {share} of its {n} numbers get none.", values),
      ),
    ];
  }
  const [rows, columns, maps] = shape;
  const most = largest(outputGradient);
  return [
    make("h3", {}, t("{layer}: gradients of the {n} maps", { layer: layer.name, n: number(maps) })),
    make(
      "p",
      { class: "quiet small" },
      t("Of each 2 × 2 numbers only the largest passes the gradient on."),
      " ",
      legend(most),
    ),
    make(
      "div",
      { class: "maps" },
      ...Array.from({ length: maps }, (_, map) =>
        make(
          "div",
          { class: "map" },
          paintNumbers(
            canvas(1, 1, { role: "img", "aria-label": t("map {n}", { n: map + 1 }) }),
            grid(rows, columns, (row, column) => outputGradient[(row * columns + column) * maps + map]),
            most,
          ),
        ),
      ),
    ),
  ];
}

/** View of a layer with weights: δ of its units, and all weights of one unit with their gradients. */
export class WeightedBlock {
  /** @type {number | null} The unit that the visitor chose. */
  #chosen = null;
  /** @type {[number, number] | null} */
  #weight = null;

  /** @param {Weighted} layer @param {() => Seen} seen */
  constructor(layer, seen) {
    this.layer = layer;
    this.seen = seen;
    const { kernel, units, name } = layer;
    const counts = { layer: name, n: number(units), weights: number(kernel.values.length) };
    const title =
      layer.kind === "convolution"
        ? t("{layer}: {n} filters, {weights} weights, {n} biases", counts)
        : t("{layer}: {n} units, {weights} weights, {n} biases", counts);
    const maps = layer.shape[0] > 1;
    this.units = make("div", { class: maps ? "maps" : "maps units", role: "group", "aria-label": t("δ of each unit") });
    walkable(this.units);
    const picture = (/** @type {string} */ label) => {
      const view = canvas(1, 1, { class: "glyph-large", "aria-label": `${name}: ${label}` });
      pixels(view, { point: (x, y) => this.#point(y, x) });
      return view;
    };
    this.pictures = { weights: picture(t("weights")), gradients: picture(t("gradients")) };
    this.captions = { weights: make("figcaption"), gradients: make("figcaption") };
    this.legend = make("p", { class: "quiet small" });
    this.chain = make("div", { class: "explained", "aria-live": "polite" });
    const figure = (/** @type {"weights" | "gradients"} */ which) =>
      make("figure", { class: "looked" }, make("div", { class: "frame" }, this.pictures[which]), this.captions[which]);
    this.element = make(
      "section",
      { class: "learned" },
      make("h3", {}, title),
      this.legend,
      this.units,
      make(
        "div",
        { class: "looks" },
        figure("weights"),
        figure("gradients"),
        make("div", { class: "beside" }, this.chain),
      ),
    );
  }

  /** δ of one unit, as a grid of numbers. @param {number} unit */
  #delta(unit) {
    const { shape, units, outputGradient } = this.layer;
    return grid(shape[0], shape[1], (row, column) => outputGradient[(row * shape[1] + column) * units + unit]);
  }

  get unit() {
    const { units, name } = this.layer;
    if (this.#chosen !== null) return this.#chosen;
    if (units === 10 && name !== "conv-1") return this.seen().label;
    return likeliest(Array.from({ length: units }, (_, unit) => largest(this.#delta(unit).flat())));
  }

  /** Show the gradients after the last image. */
  show() {
    const { units, outputGradient, shape } = this.layer;
    const most = largest(outputGradient);
    const chosen = this.unit;
    const digits = units === 10 && shape[0] === 1;
    const focused = [...this.units.children].indexOf(/** @type {Element} */ (document.activeElement));
    const stop = focused < 0 ? chosen : focused; // the one in the tab order
    this.legend.replaceChildren(
      t("δ: how the loss grows with the sum of a unit. Press one to see its weights."),
      " ",
      legend(most),
    );
    this.units.replaceChildren(
      ...Array.from({ length: units }, (_, unit) => {
        const label = digits ? t("digit {n}", { n: unit }) : t("unit {n}", { n: unit + 1 });
        return make(
          "button",
          {
            type: "button",
            class: "map",
            "aria-pressed": String(unit === chosen),
            "aria-label": `${this.layer.name}, ${label}`,
            title: label,
            tabindex: unit === stop ? 0 : -1,
            onclick: () => {
              this.#chosen = unit;
              this.#weight = null;
              this.show();
            },
          },
          paintNumbers(canvas(1, 1), this.#delta(unit), most),
          digits && make("b", {}, String(unit)),
          digits && make("span", {}, signedFine(outputGradient[unit])),
        );
      }),
    );
    if (focused >= 0) /** @type {HTMLElement} */ (this.units.children[focused]).focus();
    this.#weights(chosen);
    this.#explain();
  }

  /** @param {number} unit */
  #weights(unit) {
    const { kernel, units } = this.layer;
    const { rows, columns, at } = layout(this.layer);
    for (const [which, values, text] of /** @type {const} */ ([
      ["weights", kernel.values, t("weights to {unit}", { unit: this.#name(unit) })],
      ["gradients", kernel.gradient, t("gradient of the loss with respect to each weight")],
    ])) {
      const numbers = grid(rows, columns, (row, column) => values[at(row, column) * units + unit]);
      const picture = this.pictures[which];
      paintNumbers(picture, numbers);
      picture.style.aspectRatio = `${columns} / ${rows}`;
      this.captions[which].replaceChildren(text, " ", legend(largest(numbers.flat())));
    }
  }

  /** @param {number} row @param {number} column */
  #point(row, column) {
    this.#weight = [row, column];
    this.#explain();
  }

  /** Show the chain rule for the weight that is pointed at, or else for the one with the largest gradient. */
  #explain() {
    const { kernel, units } = this.layer;
    const unit = this.unit;
    const { rows, columns, at } = layout(this.layer);
    if (!this.#weight) {
      const all = grid(rows, columns, (row, column) =>
        Math.abs(kernel.gradient[at(row, column) * units + unit]),
      ).flat();
      const best = likeliest(all);
      this.#weight = [Math.floor(best / columns), best % columns];
    }
    const input = at(...this.#weight);
    const index = input * units + unit;
    const { network, optimiser } = this.seen();
    const which = network.parameters.indexOf(kernel);
    const before = kernel.values[index];
    const after = before + optimiser.change(which, index);
    this.chain.replaceChildren(
      make(
        "p",
        {},
        make(
          "b",
          {},
          t("The weight from {source} to {unit}", { source: source(this.layer, input), unit: this.#name(unit) }),
        ),
      ),
      ...(this.layer.kind === "convolution" ? this.#sum(input, unit) : this.#product(input, unit)),
      make(
        "p",
        {},
        t("The next step moves it from {before} to {after}.", { before: fine(before), after: fine(after) }),
      ),
    );
  }

  /** @param {number} unit */
  #name(unit) {
    if (this.layer.kind === "convolution") return t("filter {n}", { n: unit + 1 });
    return this.layer.units === 10 ? t("digit {n}", { n: unit }) : t("unit {n}", { n: unit + 1 });
  }

  /** The gradient of a dense layer's weight: the input times δ. @param {number} input @param {number} unit */
  #product(input, unit) {
    const { layer } = this;
    const [x, delta] = [layer.input[input], layer.outputGradient[unit]];
    const { probabilities, label, network } = this.seen();
    const terms = [
      make(
        "p",
        { class: "total" },
        t("∂L/∂w = input × δ = {input} × {delta} = {gradient}", {
          input: fine(x),
          delta: fine(delta),
          gradient: fine(x * delta),
        }),
      ),
    ];
    const last = network.weighted[1];
    if (layer === last)
      return [
        ...terms,
        make(
          "p",
          {},
          t("δ = probability − target = {share} − {target} = {delta}", {
            share: fine(probabilities[unit]),
            target: Number(unit === label),
            delta: fine(delta),
          }),
        ),
      ];
    if (layer.output[unit] <= 0)
      return [
        ...terms,
        make(
          "p",
          {},
          t("δ = 0: the unit's sum is {sum}, and the ReLU passes no gradient back.", { sum: fine(layer.output[unit]) }),
        ),
      ];
    const parts = Array.from(probabilities, (share, digit) => [
      share - Number(digit === label),
      last.kernel.values[unit * last.units + digit],
    ]);
    return [
      ...terms,
      make("p", {}, t("δ = Σ (probability − target) × weight, over the ten digits; the ReLU passes it back:")),
      products(
        [t("digit"), t("probability − target"), t("weight"), t("product")],
        parts.map(([one, other], digit) => [String(digit), fine(one), fine(other), fine(one * other)]),
        fine(delta),
      ),
    ];
  }

  /** The gradient of a convolution's weight: a sum over all places. @param {number} input @param {number} unit */
  #sum(input, unit) {
    const layer = /** @type {import("./learning-layers.js").Convolution} */ (this.layer);
    const [down, right] = [Math.floor(input / layer.side), input % layer.side];
    const [rows, columns] = layer.shape;
    /** @type {[number, number, number, number][]} */
    const parts = [];
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        const delta = layer.outputGradient[(row * columns + column) * layer.units + unit];
        const pixel = layer.input[(row + down) * layer.inputs[1] + column + right];
        if (delta * pixel !== 0) parts.push([row, column, delta, pixel]);
      }
    parts.sort((one, other) => Math.abs(other[2] * other[3]) - Math.abs(one[2] * one[3]));
    const total = layer.kernel.gradient[input * layer.units + unit];
    const shown = parts.slice(0, 6);
    const rest = total - shown.reduce((sum, [, , delta, pixel]) => sum + delta * pixel, 0);
    return [
      make(
        "p",
        { class: "total" },
        t("∂L/∂w = Σ δ × pixel, over the {n} of {all} places where both are not 0 = {gradient}", {
          n: number(parts.length),
          all: number(rows * columns),
          gradient: fine(total),
        }),
      ),
      products(
        [t("place"), "δ", t("value of the pixel"), t("product")],
        [
          ...shown.map(([row, column, delta, pixel]) => [
            `${row + 1}, ${column + 1}`,
            fine(delta),
            fine(pixel),
            fine(delta * pixel),
          ]),
          ...(parts.length > shown.length ? [[t("the others"), "", "", fine(rest)]] : []),
        ],
        fine(total),
      ),
    ];
  }
}

/** @param {string[]} head @param {string[][]} rows @param {string} sum */
function products(head, rows, sum) {
  const cells = (/** @type {"td" | "th"} */ tag, /** @type {string[]} */ row) =>
    make("tr", {}, ...row.map((text) => make(tag, tag === "th" ? { scope: "col" } : {}, text)));
  return make(
    "table",
    { class: "plain" },
    make("thead", {}, cells("th", head)),
    make("tbody", {}, ...rows.map((row) => cells("td", row)), cells("td", ["Σ", "", "", sum])),
  );
}

/** @type {(layer: Layer) => layer is Weighted} */
export const isWeighted = (layer) => "kernel" in layer;
