// Damage and doubt: the answer when weights are damaged, and a network's confidence in images that are not digits.

import { tenBars } from "./answer.js";
import * as api from "./api.js";
import { canvas, fillChoice, make } from "./elements.js";
import { gallerySets } from "./gallery.js";
import { LessTraining } from "./learning-less.js";
import { glyphInk, paintGlyph } from "./maps.js";
import { detailOf, inspected, state } from "./state.js";
import { language, percent, probability, t } from "./words.js";

/** @import { Damage } from "./api.js" */

const PART = 50; // test images per request
/** @type {Record<string, string>} */
const KINDS = {
  noise: "noise on the weights",
  bits: "fewer bits",
  zero: "weights set to 0",
  shuffle: "weights shuffled",
  filter: "one filter switched off",
};

export class DamageView {
  #built = "";
  /** @type {string | null} */
  #glyph = null;
  /** @type {number[] | null} */
  #before = null;
  #turn = 0;
  #doubts = 0; // number of times that the images of "Doubt" were asked for or discarded
  /** @type {Record<"layer" | "kind", HTMLSelectElement>} */
  choices;
  /** @type {HTMLInputElement} */
  amount;
  /** @type {ReturnType<typeof tenBars>} */
  bars;
  /** @type {Record<"amount" | "accuracy" | "doubt", HTMLElement>} */
  places;

  /**
   * @param {HTMLElement} panel
   * @param {(message: string) => void} trouble
   */
  constructor(panel, trouble) {
    this.panel = panel;
    this.show = api.newest(() => this.#show().catch((error) => trouble(error.message)));
    this.ask = api.newest(() => this.#ask().catch((error) => trouble(error.message)));
    this.trouble = trouble;
    this.less = new LessTraining(trouble);
  }

  async #show() {
    const { subject, model } = state;
    if (!subject || !model) return;
    const inspection = await inspected(subject, model);
    [this.#glyph, this.#before] = [inspection.glyph, inspection.probabilities];
    if (this.#built !== `${model} ${language()}`) await this.#build(model);
    this.#built = `${model} ${language()}`;
    this.ask();
    this.less.show(inspection.glyph);
  }

  /** @param {string} model */
  async #build(model) {
    const { layers } = await detailOf(model);
    const weighted = layers.filter((each) => each.kernels);
    const layer = fillChoice(make("select"), [
      ["", t("all layers")],
      ...weighted.map(({ name }) => /** @type {[string, string]} */ ([name, name])),
    ]);
    const kind = fillChoice(
      make("select"),
      Object.entries(KINDS).map(([name, words]) => /** @type {[string, string]} */ ([name, t(words)])),
    );
    this.choices = { layer, kind };
    this.amount = make("input", { type: "range", "aria-label": t("How much"), min: 0, max: 100, value: 0 });
    this.places = {
      amount: make("span"),
      accuracy: make("p", { class: "total", "aria-live": "polite" }),
      doubt: make("div", { class: "doubts" }),
    };
    this.bars = tenBars(t("Probability of each digit, of the damaged network"));
    for (const each of [layer, kind]) each.addEventListener("change", () => this.#fit());
    this.amount.addEventListener("input", () => this.ask());
    const field = (/** @type {string} */ text, /** @type {HTMLElement[]} */ ...inputs) =>
      make("label", {}, make("span", {}, text), ...inputs);
    const damage = [
      make("h2", {}, t("Damage")),
      make(
        "p",
        { class: "quiet" },
        t(
          "What a network has learned is spread over thousands of weights, none of which matters much by itself. How much damage can they take? The grey marks show the answer before the damage.",
        ),
      ),
      make(
        "div",
        { class: "question" },
        field(t("Layer"), layer),
        field(t("Kind of damage"), kind),
        field(t("How much"), this.amount, this.places.amount),
      ),
      this.places.accuracy,
      this.bars.list,
    ];
    const heal = make("button", { type: "button", onclick: () => this.#heal() }, t("Undo the damage"));
    const look = make(
      "button",
      {
        type: "button",
        class: "strong",
        onclick: () => this.#doubt(model).catch((error) => this.trouble(error.message)),
      },
      t("Show both"),
    );
    this.less.build();
    this.#doubts += 1; // the rows of another model are not wanted any more
    this.panel.replaceChildren(
      ...(api.canDamage()
        ? [...damage, heal]
        : [make("p", { class: "mark" }, t("Damaging weights needs the page without a server: digitlab page."))]),
      this.less.element,
      make("h2", {}, t("Doubt")),
      make(
        "p",
        { class: "quiet" },
        t(
          "Images that are not digits, shown to the small network and to the reader. The network must name a digit; the reader may refuse.",
        ),
      ),
      look,
      this.places.doubt,
    );
    this.#fit();
  }

  #heal() {
    [this.choices.kind.value, this.choices.layer.value] = ["noise", ""];
    this.#fit();
  }

  /** Adapt the slider's range, which depends on the kind of damage. */
  async #fit() {
    const { kind, layer } = this.choices;
    const { layers } = await detailOf(state.model);
    const filters = layers.find(({ name }) => name === layer.value)?.kernels?.shape[0] ?? 1;
    const [most, value, least] = { noise: [100, 0, 0], bits: [8, 4, 1], filter: [filters, 1, 1] }[kind.value] ?? [
      1, 1, 1,
    ];
    Object.assign(this.amount, { min: least, max: most, value, disabled: most === least });
    this.ask();
  }

  /** @returns {Omit<Damage, "images">} */
  get #damage() {
    const kind = /** @type {Damage["kind"]} */ (this.choices.kind.value);
    const setting = this.amount.valueAsNumber;
    const amount = kind === "noise" ? setting / 50 : kind === "filter" ? setting - 1 : setting;
    const harmless = kind === "noise" && setting === 0;
    return {
      model: state.model,
      glyph: this.#glyph,
      layer: this.choices.layer.value || null,
      kind: harmless ? "none" : kind,
      amount,
    };
  }

  async #ask() {
    if (!api.canDamage()) return;
    if (!this.choices) return;
    const turn = (this.#turn += 1);
    const damage = this.#damage;
    const { kind, amount } = damage;
    this.places.amount.textContent =
      kind === "noise" || kind === "none"
        ? t("{share} of the weights' standard deviation", { share: percent(kind === "none" ? 0 : amount) })
        : kind === "bits"
          ? t("{n} bits a weight", { n: amount })
          : kind === "filter"
            ? t("filter {n}", { n: amount + 1 })
            : "";
    let [right, of, all] = [0, 0, 1];
    while (of < all) {
      const result = await api.damaged({ ...damage, glyph: of ? null : damage.glyph, images: [of, of + PART] });
      if (turn !== this.#turn || !result.of) return;
      [right, of, all] = [right + result.right, of + result.of, result.all];
      if (result.probabilities)
        this.bars.show(
          result.probabilities,
          result.probabilities.indexOf(Math.max(...result.probabilities)),
          this.#before,
        );
      this.places.accuracy.textContent = t("{share} of {n} test images are still right", {
        share: percent(right / of, 1),
        n: of,
      });
    }
  }

  /** @param {string} model */
  async #doubt(model) {
    const turn = (this.#doubts += 1);
    const plain = state.models.find(({ name }) => name === "plain")?.name ?? model;
    const [reader] = state.models.filter(({ source }) => source === "shipped");
    const sets = await gallerySets();
    const set = sets.find(({ name }) => name === "strangers");
    if (!set || turn !== this.#doubts) return;
    this.places.doubt.replaceChildren();
    for (let row = 0; row < set.count; row += 1) {
      const glyph = set.bytes.slice(784 * row, 784 * row + 784);
      const result = await api.probabilities([api.toBase64(glyph)], [plain]);
      const [probabilities] = result.probabilities[0];
      const prediction = await api.classify(onPaper(set.bytes, 784 * row), reader?.name ?? model);
      if (turn !== this.#doubts) return;
      const best = Math.max(...probabilities);
      this.places.doubt.append(
        make(
          "figure",
          { class: "doubt" },
          paintGlyph(
            canvas(28, 28, { class: "glyph", role: "img", "aria-label": t("no digit") }),
            set.bytes,
            784 * row,
          ),
          make(
            "figcaption",
            {},
            t("network: {digit}, {share}", { digit: probabilities.indexOf(best), share: probability(best) }),
          ),
          make(
            "figcaption",
            {},
            prediction.digit === null
              ? t("reader: refused")
              : t("reader: {digit}, {share}", { digit: prediction.digit, share: probability(prediction.confidence) }),
          ),
        ),
      );
    }
  }
}

/** Draw a glyph as ink on paper, for the reader. @param {Uint8Array} bytes @param {number} start */
function onPaper(bytes, start) {
  const paper = canvas(160, 120);
  const pen = /** @type {CanvasRenderingContext2D} */ (paper.getContext("2d", { willReadFrequently: true }));
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, paper.width, paper.height);
  pen.drawImage(glyphInk(bytes, start), 30, 10, 100, 100);
  return api.pictureOf(paper);
}
