// Two models side by side: what each answers, and what its maps look like at the same depth.

import * as api from "./api.js";
import { tenBars } from "./answer.js";
import { canvas, fillChoice, make } from "./elements.js";
import { layerWords, makesMaps, shapeWords } from "./layers.js";
import { Maps } from "./maps.js";
import { detailOf, inspected, state } from "./state.js";
import { language, number, percent, t } from "./words.js";

const MAPS = 16; // of a layer, the strongest

export class PairView {
  #built = "";

  constructor(panel, trouble) {
    this.panel = panel;
    this.depth = 0.1;
    this.chosen = [];
    this.show = api.newest(() => this.#show().catch((error) => trouble(error.message)));
  }

  async #show() {
    const { subject, models } = state;
    if (!subject || !models.length) return;
    const names = models.filter((each) => each.layers).map((each) => each.name);
    const first = names.includes(state.model) ? state.model : names[0];
    const others = names.filter((each) => each !== first);
    if (!first) return;
    this.chosen = [this.chosen[0], this.chosen[1]].map((name, place) =>
      names.includes(name) ? name : [first, others[0] ?? first][place],
    );
    const key = `${language()} ${names.join(" ")}`;
    if (this.#built !== key) this.#build(key, names);
    const found = await Promise.all(this.chosen.map((name) => Promise.all([detailOf(name), inspected(subject, name)])));
    found.forEach(([detail, seen], side) => this.#paint(this.sides[side], detail, seen));
    const [one, two] = found.map(([, seen]) => seen.digit);
    this.verdict.textContent =
      one === two
        ? one === null
          ? t("Neither is sure of a digit.")
          : t("Both say {digit}.", { digit: one })
        : t("They disagree: {one} and {two}.", { one: one ?? t("none"), two: two ?? t("none") });
  }

  #build(key, names) {
    this.#built = key;
    this.verdict = make("p", { class: "total", "aria-live": "polite" });
    this.slider = make("input", {
      type: "range",
      min: 0,
      max: 100,
      value: Math.round(100 * this.depth),
      "aria-label": t("How deep in the networks"),
    });
    this.slider.addEventListener("input", () => {
      this.depth = Number(this.slider.value) / 100;
      this.show();
    });
    this.sides = [0, 1].map((side) => this.#side(side, names));
    const alone =
      names.length < 2 &&
      make(
        "p",
        { class: "quiet" },
        t(
          "The server has one model only. Train another under “Training”, or start it with more: digitlab serve --model RUN.",
        ),
      );
    this.panel.replaceChildren(
      make("h2", {}, t("Two models, the same digit")),
      ...[alone].filter(Boolean),
      this.verdict,
      make("label", { class: "wide" }, make("span", {}, t("How deep in the networks")), this.slider),
      make("div", { class: "sides" }, ...this.sides.map((each) => each.whole)),
    );
  }

  #side(side, names) {
    const label = side ? t("Second model") : t("First model");
    const choice = fillChoice(
      make("select", { "aria-label": label }),
      names.map((name) => [name, name]),
      this.chosen[side],
    );
    choice.addEventListener("change", () => {
      this.chosen[side] = choice.value;
      this.show();
    });
    const [answer, about, layer, maps] = [
      make("strong", { class: "large" }),
      make("p", { class: "quiet small" }),
      make("p", { class: "small" }),
      make("div", { class: "maps" }),
    ];
    const bars = tenBars(label);
    return {
      bars,
      answer,
      about,
      layer,
      maps,
      whole: make("section", { class: "side", "aria-label": label }, choice, about, answer, bars.list, layer, maps),
    };
  }

  #paint({ bars, answer, about, layer, maps }, detail, seen) {
    const known = state.models.find((each) => each.name === detail.name);
    const tested = known?.accuracy ? `, ${t("{share} on test images", { share: percent(known.accuracy, 2) })}` : "";
    about.textContent = `${detail.architecture}, ${t("{n} parameters", { n: number(detail.parameters) })}${tested}`;
    answer.textContent = seen.digit ?? t("none");
    bars.show(seen.probabilities, seen.digit);
    const shown = detail.layers.filter(
      (each) => makesMaps(each) && seen.layers.some((maps) => maps.name === each.name),
    );
    const here = shown[Math.round(this.depth * (shown.length - 1))];
    if (!here) {
      layer.textContent = t("This network makes no maps.");
      return maps.replaceChildren();
    }
    layer.textContent = `${here.name}, ${shapeWords(here.shape)}: ${layerWords(here)}`;
    const decoded = new Maps(seen.layers.find((each) => each.name === here.name));
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
