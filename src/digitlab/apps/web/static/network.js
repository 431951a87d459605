// The network at work: its layers as a row of cards, and the open one with all its maps, filters and sums.

import * as api from "./api.js";
import { canvas, make } from "./elements.js";
import { explainedView } from "./explained.js";
import { between, GlyphPicture, pixels, walkable } from "./glyph.js";
import { convolutionBefore, fieldOf, layerBefore, layerWords, makesMaps, shapeWords } from "./layers.js";
import { Maps, Weights } from "./maps.js";
import { detailOf, inspected, notify, state } from "./state.js";
import { language, number, percent, probability, t } from "./words.js";

/** @import { Inspected, LayerDetail, ModelDetail } from "../schemas.js" */

const SLICES = 12; // number of a filter's channels that are shown: the strongest

/** Whether the layer has one number per digit: logits or probabilities. @param {LayerDetail} layer */
const ofDigits = (layer) => !makesMaps(layer) && layer.shape[0] === 10;

/**
 * Heading above all numbers of a layer. The reader's numbers differ: its answer is based on more than this network.
 * @param {LayerDetail} layer
 */
function allWords(layer) {
  if (layer.kind === "softmax") return t("This network's softmax for the prepared 28×28 image");
  return makesMaps(layer) ? t("All activation maps of this layer") : t("All activations of this layer");
}

export class NetworkView {
  #built = "";
  #open = 0;
  #map = 0;
  /** @type {[number, number] | null} */
  #position = null; // [row, column] of the unit that is explained
  /** @type {Inspected} */
  #inspection; // what is shown
  /** @type {WeakMap<LayerDetail, Weights>} */
  #weights = new WeakMap(); // decoded when they are first shown
  /** @type {ModelDetail} */
  detail;
  /** @type {LayerDetail[]} */
  layers;
  /** @type {Map<string, Maps>} */
  maps;
  /** @type {Uint8Array} */
  glyph;
  /** @type {{ picture: HTMLCanvasElement, button: HTMLButtonElement }[]} */
  cards;
  /** @type {HTMLInputElement} */
  slider;
  /** @type {HTMLElement} */
  layer; // details of the open layer
  /** @type {GlyphPicture} */
  input;
  /** @type {HTMLElement} */
  filter;
  /** @type {HTMLElement} */
  filterWords;
  /** @type {HTMLCanvasElement} */
  large;
  /** @type {HTMLElement} */
  largeWords;
  /** @type {HTMLElement} */
  sums;
  /** @type {{ button: HTMLButtonElement, picture: HTMLCanvasElement, value: HTMLElement | null }[]} */
  buttons; // one per map
  /** @type {HTMLElement} */
  zeros;

  /**
   * @param {HTMLElement} panel
   * @param {(message: string) => void} trouble
   */
  constructor(panel, trouble) {
    this.panel = panel;
    this.show = api.newest(() => this.#show().catch((error) => trouble(error.message)));
    this.#explain = api.newest((/** @type {number} */ row, /** @type {number} */ column) =>
      this.#showExplanation(row, column).catch((error) => trouble(error.message)),
    );
  }

  #explain;
  /** @type {{ layer?: string, map?: number, at?: [number, number] } | null} */
  #requested = null;

  /** The layer that is open, and its maps. */
  get #openLayer() {
    const layer = this.layers[this.#open];
    return { layer, maps: this.#mapsOf(layer) };
  }

  /** @param {LayerDetail} layer */
  #mapsOf(layer) {
    return /** @type {Maps} */ (this.maps.get(layer.name)); // all of `layers` have maps
  }

  async #show() {
    const { subject, model } = state;
    if (!subject || !model) return;
    const [detail, inspection] = await Promise.all([detailOf(model), inspected(subject, model)]);
    if (!inspection.glyph) return;
    const fresh = inspection !== this.#inspection;
    [this.detail, this.#inspection] = [detail, inspection];
    if (fresh) {
      this.glyph = api.fromBase64(inspection.glyph);
      this.maps = new Map(inspection.layers.map((each) => [each.name, new Maps(each)]));
      this.layers = detail.layers.filter((each) => this.maps.has(each.name));
    }
    if (this.#built !== `${model} ${language()}`) this.#build(`${model} ${language()}`);
    if (this.#requested) this.#applyRequest();
    this.#paint();
  }

  /** @param {string} key */
  #build(key) {
    const other = key.split(" ")[0] !== this.#built.split(" ")[0];
    this.#built = key;
    if (other)
      [this.#open, this.#map, this.#position] = [
        Math.max(
          this.layers.findIndex((each) => each.kind === "convolution"),
          0,
        ),
        0,
        null,
      ];
    this.slider = make("input", {
      type: "range",
      min: 0,
      max: this.layers.length - 1,
      value: this.#open,
      "aria-label": t("Layer"),
      id: "layer-slider",
    });
    this.slider.addEventListener("input", () => this.open(Number(this.slider.value)));
    this.cards = this.layers.map((layer, index) => {
      const picture = canvas(1, 1, { "aria-hidden": "true" });
      const button = make(
        "button",
        { type: "button", class: `card ${layer.kind}`, onclick: () => this.open(index) },
        picture,
        make("b", { translate: "no" }, layer.name),
        make("span", {}, shapeWords(layer.shape)),
      );
      return { picture, button };
    });
    const strip = make("ol", { class: "strip" }, ...this.cards.map(({ button }) => make("li", {}, button)));
    walkable(strip);
    this.layer = make("div", { class: "layer" });
    const total = t("{model}: {layers} layers, {parameters} parameters (numbers that training has found)", {
      model: this.detail.name,
      layers: number(this.layers.length),
      parameters: number(this.detail.parameters),
    });
    this.panel.replaceChildren(make("p", { class: "quiet" }, total), strip, this.slider, this.layer);
    this.#buildLayer();
  }

  /** Current place: the open layer's name, the chosen map, and the position explained in it; all counted from 1. */
  get place() {
    const layer = this.#built ? this.layers[this.#open].name : undefined;
    const at = this.#position && /** @type {[number, number]} */ (this.#position.map((each) => each + 1));
    return layer ? { layer, map: this.#map + 1, ...(at ? { at } : {}) } : {};
  }

  /** Go to a place, now or once built. @param {{ layer?: string, map?: number, at?: [number, number] }} target */
  go(target) {
    this.#requested = target;
    if (this.#built) this.show();
  }

  #applyRequest() {
    const target = this.#requested;
    this.#requested = null;
    const index = this.layers.findIndex((each) => each.name === target?.layer);
    if (index < 0) return;
    if (index !== this.#open) this.open(index);
    const { maps, layer } = this.#openLayer;
    this.#map = Math.min(target?.map ?? this.#map + 1, maps.count) - 1;
    this.#position = null;
    if (target?.at && layer.explainable)
      this.#position = [Math.min(target.at[0], maps.rows) - 1, Math.min(target.at[1], maps.columns) - 1];
  }

  /** Open another layer. @param {number} index */
  open(index) {
    [this.#open, this.#position] = [index, null];
    this.#map = this.#openLayer.maps.strongest()[0];
    this.slider.value = String(index);
    this.#buildLayer();
    this.#paint();
    notify("place");
  }

  #buildLayer() {
    const { layer, maps } = this.#openLayer;
    this.slider.setAttribute(
      "aria-valuetext",
      t("layer {n} of {all}: {name}", { n: this.#open + 1, all: this.layers.length, name: layer.name }),
    );
    this.cards.forEach(({ button }, index) => {
      button.setAttribute("aria-expanded", String(index === this.#open));
      button.tabIndex = index === this.#open ? 0 : -1;
    });
    this.input = new GlyphPicture({ label: t("Your digit as the network takes it"), caption: t("your digit, 28×28") });
    this.filter = make("div", { class: "slices" });
    this.filterWords = make("figcaption");
    this.large = canvas(1, 1, {
      class: "glyph-large",
      "aria-label": t("The chosen map. Arrow keys walk over its numbers, Enter explains one."),
    });
    this.largeWords = make("figcaption");
    if (makesMaps(layer))
      pixels(this.large, { point: (x, y) => this.#point(y, x), press: (x, y) => this.#explain(y, x) });
    this.sums = make("div", { class: "explained", "aria-live": "polite" });
    this.buttons = Array.from({ length: maps.count }, (_, map) => this.#mapButton(layer, map));
    const all = make(
      "div",
      {
        class: makesMaps(layer) ? "maps" : "maps units",
        role: "group",
        "aria-label": t("Maps of {name}", { name: layer.name }),
      },
      ...this.buttons.map(({ button }) => button),
    );
    walkable(all);
    const facts = [
      shapeWords(layer.shape),
      t("{n} parameters", { n: number(layer.parameters) }),
      layer.field
        ? t("receptive field {size} pixels", { size: shapeWords(layer.field.size) })
        : t("receptive field: the whole image"),
    ];
    this.zeros = make("span");
    const looks = [
      this.input.figure,
      convolutionBefore(layer, this.layers) && make("figure", { class: "looked" }, this.filter, this.filterWords),
      makesMaps(layer) && make("figure", { class: "looked" }, this.large, this.largeWords),
    ];
    this.layer.replaceChildren(
      make("h2", { translate: "no" }, layer.name),
      make(
        "p",
        { class: "quiet facts" },
        make("span", { translate: "no" }, layer.operator),
        ` · ${facts.join(" · ")} `,
        this.zeros,
      ),
      make("p", {}, layerWords(layer)),
      make("div", { class: "looks" }, ...looks),
      this.sums,
      make("h3", {}, allWords(layer)),
      all,
    );
    if (!this.#position && layer.explainable) {
      this.sums.append(
        make(
          "p",
          { class: "quiet" },
          makesMaps(layer)
            ? t("Point at the large map to see the receptive field of a number; click to see how it is computed.")
            : t("Choose a number below to see how it is computed."),
        ),
      );
    }
  }

  /**
   * @param {LayerDetail} layer
   * @param {number} map
   */
  #mapButton(layer, map) {
    const label = makesMaps(layer)
      ? t("map {n}", { n: map + 1 })
      : ofDigits(layer)
        ? t("digit {digit}", { digit: map })
        : t("number {n}", { n: map + 1 });
    const picture = canvas(1, 1);
    const value = ofDigits(layer) ? make("span") : null;
    const button = make(
      "button",
      { type: "button", class: "map", "aria-label": label, title: label, tabindex: map === this.#map ? 0 : -1 },
      picture,
      value && make("b", {}, String(map)),
      value,
    );
    button.addEventListener("pointerenter", () => this.#choose(map));
    button.addEventListener("focus", () => this.#choose(map));
    button.addEventListener("click", () => {
      this.#choose(map);
      if (!makesMaps(layer)) this.#explain(0, 0);
    });
    button.addEventListener("pointermove", (event) => {
      const frame = button.getBoundingClientRect();
      const maps = this.#mapsOf(layer);
      const [x, y] = [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
      this.#point(
        between(Math.floor(y * maps.rows), 0, maps.rows - 1),
        between(Math.floor(x * maps.columns), 0, maps.columns - 1),
      );
    });
    return { button, picture, value };
  }

  /** @param {number} map */
  #choose(map) {
    if (map === this.#map) return;
    this.#map = map;
    this.#paintChosen();
    notify("place");
  }

  #paint() {
    this.cards.forEach(({ picture }, index) => {
      const maps = this.#mapsOf(this.layers[index]);
      if (makesMaps(this.layers[index])) maps.paint(picture, maps.strongest()[0]);
      else maps.paintTogether(picture);
    });
    const { layer, maps } = this.#openLayer;
    this.buttons.forEach(({ picture, value }, map) => {
      maps.paint(picture, map);
      if (value)
        value.textContent =
          layer.kind === "softmax" ? probability(this.#inspection.probabilities[map]) : maps.words(map);
    });
    this.zeros.textContent =
      layer.kind === "activation" ? `· ${t("{share} of its activations are 0", { share: percent(maps.zeros()) })}` : "";
    this.input.show(this.glyph);
    this.#paintChosen();
    if (this.#position) this.#explain(...this.#position);
  }

  #paintChosen() {
    const { layer, maps } = this.#openLayer;
    this.buttons.forEach(({ button }, map) => {
      button.setAttribute("aria-pressed", String(map === this.#map));
    });
    if (makesMaps(layer)) maps.paint(this.large, this.#map);
    this.largeWords.textContent = t("activation map {n} of {all}", { n: this.#map + 1, all: maps.count });
    const maker = convolutionBefore(layer, this.layers);
    if (maker) this.#paintFilter(maker);
    if (!this.#position) this.input.mark(layer.field ? null : [0, 0, 28, 28]);
  }

  /** @param {LayerDetail} maker */
  #paintFilter(maker) {
    if (!maker.kernels) {
      this.filterWords.textContent = t("too many weights to be shown");
      return;
    }
    const weights = this.#weights.get(maker) ?? new Weights(maker.kernels);
    this.#weights.set(maker, weights);
    const inputs = weights.strongestInputs(this.#map).slice(0, SLICES);
    this.filter.classList.toggle("one", weights.inputs === 1);
    this.filter.replaceChildren(
      ...inputs.map((input) =>
        weights.paint(canvas(1, 1, { title: t("its weights for channel {n}", { n: input + 1 }) }), this.#map, input),
      ),
    );
    const label = t("filter {n} of {name}", { n: this.#map + 1, name: maker.name });
    this.filterWords.textContent =
      weights.inputs > SLICES
        ? `${label}, ${t("its {n} strongest channels of {all}", { n: SLICES, all: weights.inputs })}`
        : label;
  }

  /**
   * Mark the receptive field of the number at (row, column).
   * @param {number} row
   * @param {number} column
   */
  #point(row, column) {
    const { layer, maps } = this.#openLayer;
    if (!makesMaps(layer)) return;
    this.input.mark(fieldOf(layer, row, column));
    const value = maps.words(this.#map, row, column);
    this.largeWords.textContent = t("map {n}, row {row}, column {column}: {value}", {
      n: this.#map + 1,
      row: row + 1,
      column: column + 1,
      value,
    });
  }

  /**
   * @param {number} row
   * @param {number} column
   */
  async #showExplanation(row, column) {
    const { layer } = this.#openLayer;
    // An activation directly after a convolution is explained together with it.
    const previous = layer.kind === "activation" ? layerBefore(layer, this.layers) : undefined;
    const explained = previous?.kind === "convolution" ? previous : layer;
    const [inspection, map] = [this.#inspection, this.#map];
    if (!explained.explainable || !inspection.glyph) return;
    this.#position = [row, column];
    notify("place");
    const explanation = await api.explain({
      glyph: inspection.glyph,
      model: inspection.model,
      layer: explained.name,
      channel: map,
      row,
      column,
    });
    if (layer !== this.layers[this.#open] || inspection !== this.#inspection) return;
    this.input.mark(explanation.field ?? [0, 0, 28, 28]);
    const title = makesMaps(layer)
      ? t("How {name}, map {n}, row {row}, column {column} is computed", {
          name: explained.name,
          n: map + 1,
          row: row + 1,
          column: column + 1,
        })
      : ofDigits(explained) && explained.kind === "dense"
        ? t("How the logit of {digit} is computed", { digit: map })
        : t("How {name}, number {n} is computed", { name: explained.name, n: map + 1 });
    this.sums.replaceChildren(make("h3", {}, title), explainedView(explanation));
  }
}
