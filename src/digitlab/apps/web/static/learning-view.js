// Learning explained: the visitor's digit, its label, the gradients of the loss, optimiser steps, and undoing them.

import { tenBars } from "./answer.js";
import * as api from "./api.js";
import { canvas, fillChoice, make } from "./elements.js";
import { gallerySets } from "./gallery.js";
import { onTrained, trained } from "./learning-checkpoints.js";
import { readNpz } from "./learning-data.js";
import { fine, isWeighted, largest, legend, passage, WeightedBlock } from "./learning-maps.js";
import { likeliest, lossOf, Network } from "./learning-network.js";
import { Optimiser, USUAL_RATE } from "./learning-optimiser.js";
import { RunView } from "./learning-run.js";
import { paintGlyph, paintNumbers } from "./maps.js";
import { inspected, notify, state } from "./state.js";
import { language, number, percent, t } from "./words.js";

/**
 * @import { Kind } from "./learning-network.js"
 * @import { Method } from "./learning-optimiser.js"
 * @import { Settings } from "./learning-trainer.js"
 * @typedef {{ weights: Float32Array<ArrayBuffer>[], remembered: import("./learning-optimiser.js").Memory, loss: number, probabilities: Float64Array }} Before
 */

/** @type {Record<Kind, string>} */
const NETWORKS = {
  dense: "dense: 784 → 32 → 10",
  convolution: "convolutional: 8 filters of 5 × 5 → 10",
};
/** @type {Record<Method, string>} */
const OPTIMISERS = {
  sgd: "SGD: a step against the gradient",
  momentum: "momentum: steps keep some of their speed",
  adam: "Adam: its own step size for each weight",
};
const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
const MOST_UNDO = 50;

export class Learning {
  #built = "";
  /** @type {Record<string, string>} */
  #requested = {};
  /** @type {Uint8Array | null} */
  #glyph = null;
  #label = 4;
  #labelled = false; // a link or the visitor chose the label of this digit
  #fromGallery = true; // the digit is from the gallery, not the visitor's
  /** @type {Before[]} */
  #history = [];
  /** @type {Settings | null} The settings with which network and optimiser were made. */
  #used = null;
  /** @type {Network} */
  network;
  /** @type {Optimiser} */
  optimiser;
  /** @type {Float64Array} */
  probabilities;
  /** @type {HTMLFormElement} */
  form;
  /** @type {Record<"network" | "method" | "rate" | "label" | "start", HTMLSelectElement>} */
  choices;
  /** @type {HTMLInputElement} */
  seed;
  /** @type {Record<"glyph" | "pixels", HTMLCanvasElement>} */
  pictures;
  /** @type {Record<"drawn" | "loss" | "layers" | "pixels", HTMLElement>} */
  places;
  /** @type {HTMLButtonElement} */
  undo;
  /** @type {ReturnType<typeof tenBars>} */
  bars;
  /** @type {WeightedBlock[]} */
  #blocks = [];
  /** @type {(() => void)[]} */
  #passages = [];

  /** @param {HTMLElement} panel @param {(message: string) => void} trouble */
  constructor(panel, trouble) {
    this.panel = panel;
    this.trouble = trouble;
    panel.addEventListener("change", () => notify("place"));
    panel.addEventListener("digits", (event) => this.take(/** @type {CustomEvent<File>} */ (event).detail));
    this.run = new RunView(
      () => this.#settings,
      () => (this.#glyph && !this.#fromGallery ? { glyph: this.#glyph, label: this.#label } : null),
      trouble,
    );
    onTrained(() => this.#fillStart());
    // Whoever uses the stage may bring another digit, whose label has not been chosen yet.
    const forgetLabel = () => {
      this.#labelled = false;
    };
    for (const act of ["pointerdown", "keydown"]) document.querySelector(".stage")?.addEventListener(act, forgetLabel);
    // Outside it: pictures are dropped and pasted anywhere, and the pad's undo and redo keys work everywhere.
    for (const act of ["drop", "paste"]) document.addEventListener(act, forgetLabel);
    document.addEventListener("keydown", ({ ctrlKey, metaKey, key }) => {
      if ((ctrlKey || metaKey) && /^[yz]$/i.test(key)) forgetLabel();
    });
  }

  /** The chosen settings by field name. */
  get settings() {
    if (!this.form) return undefined;
    const { network, method, rate, label } = this.choices;
    const { value: epochs } = this.run.epochs;
    return {
      network: network.value,
      method: method.value,
      rate: rate.value,
      seed: this.seed.value,
      epochs,
      label: label.value,
    };
  }

  /** @returns {Settings} */
  get #settings() {
    const network = /** @type {Kind} */ (this.choices.network.value);
    const method = /** @type {Method} */ (this.choices.method.value);
    const seed = this.seed.valueAsNumber;
    return { network, method, rate: Number(this.choices.rate.value) || USUAL_RATE[method], seed: seed >= 0 ? seed : 1 };
  }

  /** Apply settings, now or once there is a form. @param {Record<string, string>} settings */
  choose(settings) {
    this.#requested = { ...this.#requested, ...settings };
    if (!this.form) return;
    const { network, method, rate, label } = this.choices;
    for (const [select, value] of /** @type {[HTMLSelectElement, string][]} */ (
      [network, method, rate, label].map((each) => [each, this.#requested[each.name]])
    ))
      if ([...select.options].some((each) => each.value === value)) select.value = value;
    for (const field of [this.seed, this.run.epochs])
      if (/^\d{1,9}$/.test(this.#requested[field.name] ?? "")) field.value = this.#requested[field.name];
    if (this.#requested.label) [this.#label, this.#labelled] = [Number(label.value), true];
    this.#requested = {};
    const current = this.#settings;
    if (!this.network || current.network !== this.#used?.network || current.seed !== this.#used.seed) this.#reset();
    else if (current.method !== this.#used.method || current.rate !== this.#used.rate) this.#newOptimiser();
    else this.#update();
  }

  /** Read a file with the digits of a class, to train on. @param {File} file */
  async take(file) {
    try {
      this.run.takeClass(file.name, await readNpz(new Uint8Array(await file.arrayBuffer())));
    } catch (error) {
      this.trouble(`${file.name}: ${error.message}`);
    }
  }

  async show() {
    if (this.#built !== language()) {
      const [chosen, start] = [
        /** @type {Record<string, string>} */ (this.settings ?? {}),
        this.choices?.start.value ?? "",
      ];
      this.#build();
      this.#built = language();
      if (chosen.network) this.choices.network.value = chosen.network; // the weights listed are those of this network
      this.#fillStart();
      this.choices.start.value = start;
      if (this.network) this.#layOut();
      this.choose({ ...chosen, ...(this.#labelled ? {} : { label: "" }), ...this.#requested });
    }
    await this.#loadGlyph();
    this.#update();
    this.run.show();
  }

  /** Get the current digit's glyph, as the networks take it; without a digit, one of the gallery's. */
  async #loadGlyph() {
    const { subject } = state;
    const model = [state.models.find(({ name }) => name === state.model), ...state.models].find((each) => each?.layers);
    const inspection = subject && model ? await inspected(subject, model.name) : null;
    const glyph = inspection?.glyph ? api.fromBase64(inspection.glyph) : null;
    this.#fromGallery = glyph === null;
    if (!glyph) {
      const [set] = await gallerySets();
      const row = set.labels.indexOf(4);
      this.#glyph = set.bytes.slice(784 * row, 784 * row + 784);
    } else if (!this.#glyph || glyph.some((each, index) => each !== this.#glyph?.[index])) this.#glyph = glyph;
    else return;
    if (this.#labelled) return;
    this.#label = inspection?.glyph ? likeliest(inspection.probabilities) : 4;
    this.choices.label.value = String(this.#label);
  }

  #build() {
    /** @type {(name: string, options: [string | number, string][]) => HTMLSelectElement} */
    const choice = (name, options) => fillChoice(make("select", { name }), options);
    /** @type {[string, string][]} */
    const rates = RATES.map((each) => [String(each), number(each, Math.max(0, -Math.floor(Math.log10(each))))]);
    this.choices = {
      network: choice(
        "network",
        Object.entries(NETWORKS).map(([name, words]) => [name, t(words)]),
      ),
      method: choice(
        "method",
        Object.entries(OPTIMISERS).map(([name, words]) => [name, t(words)]),
      ),
      rate: choice("rate", [["", t("the default")], ...rates]),
      label: choice(
        "label",
        Array.from({ length: 10 }, (_, digit) => [digit, String(digit)]),
      ),
      start: choice("start", []),
    };
    this.seed = make("input", { name: "seed", type: "number", min: 0, max: 999_999_999, value: 1, required: true });
    const field = (/** @type {string} */ text, /** @type {HTMLElement} */ input) =>
      make("label", {}, make("span", {}, text), input);
    const { network, method, rate, label, start } = this.choices;
    label.value = String(this.#label);
    this.form = make(
      "form",
      { class: "question" },
      field(t("Network"), network),
      field(t("Optimiser"), method),
      field(t("Learning rate"), rate),
      field(t("Seed"), this.seed),
    );
    this.form.addEventListener("submit", (event) => event.preventDefault());
    for (const each of [network, this.seed, start]) each.addEventListener("change", () => this.#reset());
    for (const each of [method, rate]) each.addEventListener("change", () => this.#newOptimiser());
    label.addEventListener("change", () => {
      [this.#label, this.#labelled] = [Number(label.value), true];
      this.#update();
    });
    this.run.build(field);
    this.panel.replaceChildren(
      make("h2", {}, t("How a network learns")),
      make(
        "p",
        { class: "quiet" },
        t(
          "A small network that has learned nothing yet, and your digit. You say which digit it is; the loss says how wrong the network is; backpropagation says, for each weight, which way the loss grows; the optimiser moves all weights the other way.",
        ),
      ),
      this.form,
      this.#step(field),
      make("h2", {}, t("Train it in this browser")),
      this.run.element,
    );
  }

  /** @param {(text: string, input: HTMLElement) => HTMLElement} field */
  #step(field) {
    const { label, start } = this.choices;
    this.pictures = {
      glyph: canvas(28, 28, {
        class: "glyph-large",
        role: "img",
        "aria-label": t("The digit as the network takes it"),
      }),
      pixels: canvas(28, 28, {
        class: "glyph-large",
        role: "img",
        "aria-label": t("Gradient of the loss with respect to each pixel"),
      }),
    };
    this.places = {
      drawn: make("figcaption"),
      loss: make("p", { class: "total", "aria-live": "polite" }),
      layers: make("div"),
      pixels: make("p", { class: "quiet" }),
    };
    this.bars = tenBars(t("Probability of each digit, of the network that learns"));
    const button = (/** @type {string} */ text, /** @type {() => void} */ press, strong = false) =>
      make("button", { type: "button", class: strong && "strong", onclick: press }, text);
    this.undo = button(t("Undo the step"), () => this.#undoStep());
    return make(
      "section",
      {},
      make(
        "div",
        { class: "looks" },
        make("figure", { class: "looked" }, make("div", { class: "frame" }, this.pictures.glyph), this.places.drawn),
        make("div", { class: "beside" }, this.bars.list),
      ),
      make(
        "div",
        { class: "question" },
        field(t("It is a"), label),
        field(t("Weights"), start),
        button(t("One step"), () => this.#steps(1), true),
        button(t("Ten steps"), () => this.#steps(10)),
        this.undo,
        button(t("Start over"), () => this.#reset()),
      ),
      this.places.loss,
      this.places.layers,
      make(
        "div",
        { class: "learned" },
        make("h3", {}, t("The pixels")),
        make(
          "div",
          { class: "looks" },
          make("figure", { class: "looked" }, make("div", { class: "frame" }, this.pictures.pixels)),
          make("div", { class: "beside" }, this.places.pixels),
        ),
      ),
    );
  }

  /** List the weights available as a start: random ones of the seed, and those after the epochs of a training. */
  #fillStart() {
    if (!this.form) return;
    const fits = trained.settings?.network === this.choices.network.value;
    fillChoice(this.choices.start, [
      ["", t("random, by the seed")],
      ...(fits ? trained.checkpoints : [])
        .filter(({ epoch }) => epoch > 0)
        .map(({ epoch }) => /** @type {[string, string]} */ ([String(epoch), t("after epoch {n}", { n: epoch })])),
    ]);
  }

  /** Create the network with its initial weights. */
  #reset() {
    this.#fillStart();
    const { network, seed } = this.#settings;
    this.network = new Network(network, seed);
    const checkpoint = trained.checkpoints.find(({ epoch }) => epoch > 0 && String(epoch) === this.choices.start.value);
    if (checkpoint) this.network.weights = checkpoint.weights;
    this.#history = [];
    this.#layOut();
    this.#newOptimiser();
  }

  /** Lay out the layers from the loss backwards, in the order of the gradient. */
  #layOut() {
    const seen = () => ({
      network: this.network,
      optimiser: this.optimiser,
      probabilities: this.probabilities,
      label: this.#label,
    });
    this.#blocks = [];
    this.#passages = [];
    this.places.layers.replaceChildren(
      ...[...this.network.layers].reverse().map((layer) => {
        if (isWeighted(layer)) {
          const block = new WeightedBlock(layer, seen);
          this.#blocks.push(block);
          return block.element;
        }
        const container = make("div");
        this.#passages.push(() => container.replaceChildren(...passage(layer)));
        return container;
      }),
    );
  }

  #newOptimiser() {
    this.#used = this.#settings;
    const { method, rate } = this.#used;
    this.optimiser = new Optimiser(method, rate, this.network.parameters);
    this.#history = [];
    if (this.#glyph) this.#update();
  }

  /** Run the forward and the backward pass, and show the results. */
  #update() {
    if (!this.#glyph || !this.network) return;
    this.network.clearGradients();
    this.probabilities = this.network.forward(this.#glyph);
    const pixels = Float32Array.from(this.network.backward(this.probabilities, this.#label, true));
    paintGlyph(this.pictures.glyph, this.#glyph);
    this.places.drawn.textContent = this.#fromGallery
      ? t("One of MNIST's test digits, until you draw your own.")
      : t("Your digit, as the network takes it.");
    const last = this.#history.at(-1);
    this.bars.show(
      Array.from(this.probabilities),
      likeliest(this.probabilities),
      last && Array.from(last.probabilities),
    );
    this.#showLoss(last);
    this.undo.disabled = !this.#history.length;
    for (const block of this.#blocks) block.show();
    for (const show of this.#passages) show();
    paintNumbers(
      this.pictures.pixels,
      Array.from({ length: 28 }, (_, row) => Array.from(pixels.subarray(28 * row, 28 * row + 28))),
    );
    this.places.pixels.replaceChildren(
      t("How the loss would grow with each pixel: orange, ink there makes the loss larger; blue, smaller."),
      " ",
      legend(largest(pixels)),
    );
  }

  /** @param {Before | undefined} last */
  #showLoss(last) {
    const share = this.probabilities[this.#label];
    const loss = lossOf(this.probabilities, this.#label);
    const current = t("Loss for a {label}: −ln {share} = {loss}", {
      label: this.#label,
      share: fine(share),
      loss: fine(loss),
    });
    this.places.loss.textContent = last
      ? `${current}. ${t("Before the step: {loss}, and the {label} had {share}.", {
          label: this.#label,
          loss: fine(lossOf(last.probabilities, this.#label)),
          share: percent(last.probabilities[this.#label], 1),
        })}`
      : current;
  }

  /** @param {number} count */
  #steps(count) {
    if (!this.#glyph) return;
    const { weights } = this.network;
    const before = { weights, remembered: this.optimiser.remembered, loss: lossOf(this.probabilities, this.#label) };
    this.#history = [...this.#history.slice(1 - MOST_UNDO), { ...before, probabilities: this.probabilities }];
    for (let step = 0; step < count; step++) {
      if (step) {
        this.network.clearGradients();
        this.network.backward(this.network.forward(this.#glyph), this.#label);
      }
      this.optimiser.step();
    }
    this.#update();
  }

  #undoStep() {
    const last = this.#history.pop();
    if (!last) return;
    this.network.weights = last.weights;
    this.optimiser.memory = last.remembered;
    this.#update();
  }
}
