// Two models side by side: what each answers, and what its maps look like at the same depth.

import { tenBars } from "./answer.js";
import * as api from "./api.js";
import { byId, canvas, fillChoice, make } from "./elements.js";
import { layerWords, makesMaps, shapeWords } from "./layers.js";
import { Maps } from "./maps.js";
import { detailOf, inspected, state } from "./state.js";
import { language, number, percent, t } from "./words.js";

/** @import { Inspected, ModelDetail } from "../schemas.js" */

const MAPS = 16; // shown per layer: the strongest

export class PairView {
  #built = "";
  /** @type {string[]} */
  chosen = []; // names of the two models; a side without a choice by hand takes one that differs from the other
  byHand = [false, false];
  depth = 0.1;
  /** @type {ReturnType<PairView["side"]>[]} */
  sides = [];
  /** @type {HTMLElement} */
  verdict;
  /** @type {HTMLInputElement} */
  slider;

  /**
   * @param {HTMLElement} panel
   * @param {(message: string) => void} trouble
   */
  constructor(panel, trouble) {
    this.panel = panel;
    this.show = api.newest(() => this.#show().catch((error) => trouble(error.message)));
  }

  async #show() {
    const { subject, models } = state;
    if (!subject || !models.length) return;
    const names = models.filter((item) => item.layers).map((item) => item.name);
    if (!names.length) return;
    this.chosen = twoOf(
      names,
      state.model,
      this.chosen.map((name, side) => (this.byHand[side] ? name : null)),
    );
    const key = `${language()} ${names.join(" ")}`;
    if (this.#built !== key) this.#build(key, names);
    this.sides.forEach(({ choice }, side) => {
      choice.value = this.chosen[side];
    });
    const results = await Promise.all(
      this.chosen.map((name) => Promise.all([detailOf(name), inspected(subject, name)])),
    );
    for (const [side, [detail, inspection]] of results.entries()) this.#paint(this.sides[side], detail, inspection);
    this.verdict.hidden = results.length < 2;
    if (results.length < 2) return;
    const [one, two] = results.map(([, inspection]) => inspection.digit);
    this.verdict.textContent =
      one === two
        ? one === null
          ? t("Neither answers: no probability reaches the threshold.")
          : t("Both predict {digit}.", { digit: one })
        : t("They disagree: {one} and {two}.", { one: one ?? "?", two: two ?? "?" });
  }

  /**
   * @param {string} key
   * @param {string[]} names
   */
  #build(key, names) {
    this.#built = key;
    this.verdict = make("p", { class: "total", "aria-live": "polite" });
    this.slider = make("input", {
      type: "range",
      min: 0,
      max: 100,
      value: Math.round(100 * this.depth),
      "aria-label": t("Depth in the networks"),
    });
    this.slider.addEventListener("input", () => {
      this.depth = Number(this.slider.value) / 100;
      this.show();
    });
    this.sides = this.chosen.map((_, side) => this.side(side, names));
    const train = () => byId("tab-training").click();
    const alone = [
      make(
        "p",
        {},
        api.here()
          ? t("There is one model here, and it needs another one to be compared with: open an ONNX file at the top.")
          : t(
              "There is one model here, and it needs another one to be compared with: train one, or start the server with more: digitlab serve --model RUN.",
            ),
      ),
      api.here()
        ? ""
        : make("p", {}, make("button", { type: "button", class: "strong", onclick: train }, t("Train a second model"))),
    ];
    this.panel.replaceChildren(
      make("h2", {}, t("Two models, the same digit")),
      ...(names.length < 2 ? alone : []),
      this.verdict,
      make("label", { class: "wide" }, make("span", {}, t("Depth in the networks")), this.slider),
      make("div", { class: "sides" }, ...this.sides.map((item) => item.whole)),
    );
  }

  /**
   * Build one side, without content.
   * @param {number} side
   * @param {string[]} names
   */
  side(side, names) {
    const label = side ? t("Second model") : t("First model");
    const choice = fillChoice(
      make("select", { "aria-label": label, translate: "no" }),
      names.map((name) => [name, name]),
      this.chosen[side],
    );
    choice.addEventListener("change", () => {
      [this.chosen[side], this.byHand[side]] = [choice.value, true];
      this.show();
    });
    const answer = make("strong", { class: "large" });
    const about = make("p", { class: "quiet small" });
    const layer = make("p", { class: "small" });
    const maps = make("div", { class: "maps" });
    const bars = tenBars(`${label}: ${t("Probability of each digit")}`);
    return {
      bars,
      choice,
      answer,
      about,
      layer,
      maps,
      whole: make("section", { class: "side", "aria-label": label }, choice, about, answer, bars.list, layer, maps),
    };
  }

  /**
   * @param {ReturnType<PairView["side"]>} side
   * @param {ModelDetail} detail
   * @param {Inspected} inspection
   */
  #paint({ bars, answer, about, layer, maps }, detail, inspection) {
    const model = state.models.find((item) => item.name === detail.name);
    const tested = model?.accuracy ? `, ${t("test accuracy {share}", { share: percent(model.accuracy, 2) })}` : "";
    about.replaceChildren(
      make("span", { translate: "no" }, detail.architecture),
      `, ${t("{n} parameters", { n: number(detail.parameters) })}${tested}`,
    );
    answer.textContent = String(inspection.digit ?? "?");
    bars.show(inspection.probabilities, inspection.digit);
    const shown = detail.layers.filter(
      (item) => makesMaps(item) && inspection.layers.some((layerMaps) => layerMaps.name === item.name),
    );
    const shownLayer = shown[Math.round(this.depth * (shown.length - 1))];
    const layerMaps = inspection.layers.find((item) => item.name === shownLayer?.name);
    if (!layerMaps) {
      layer.textContent = t("This network makes no maps.");
      return maps.replaceChildren();
    }
    layer.replaceChildren(
      make("span", { translate: "no" }, shownLayer.name),
      `, ${shapeWords(shownLayer.shape)}: ${layerWords(shownLayer)}`,
    );
    const decoded = new Maps(layerMaps);
    maps.replaceChildren(
      ...decoded
        .strongest()
        .slice(0, MAPS)
        .map((map) => {
          const label = t("map {n}", { n: map + 1 });
          return make(
            "span",
            { class: "map" },
            decoded.paint(canvas(1, 1, { role: "img", "aria-label": label, title: label }), map),
          );
        }),
    );
  }
}

/**
 * Choose the names of the two models: a visitor's choice by hand (`kept`) stays; else the page's model is shown beside
 * another one. A single model is not shown beside itself.
 * @param {string[]} names all that can be shown
 * @param {string} current the page's model
 * @param {(string | null)[]} kept
 */
export function twoOf(names, current, kept) {
  const [left, right] = [0, 1].map((side) => names.find((each) => each === kept[side]));
  const first = left ?? [current, ...names].find((each) => names.includes(each) && each !== right);
  return [first, right ?? names.find((each) => each !== first)].filter((each) => each !== undefined);
}
