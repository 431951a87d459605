// Why a model answers as it does: how the picture differs from its training images, and the effect of fixing each.

import * as api from "./api.js";
import { canvas, fillChoice, make, penOf } from "./elements.js";
import { state } from "./state.js";
import { language, number, percent, probability, t } from "./words.js";

/**
 * @import { Answered, Diagnosed, Difference, ModelMistakes } from "../schemas.js"
 * @import { Subject } from "./state.js"
 */

// Keyed by the names in apps/web/schemas.py.
/** @type {Record<string, string>} */
const DIFFERENCES = {
  scale: "scale of the numbers",
  polarity: "polarity",
  background: "background",
  "grey level": "grey level",
  transposition: "rows and columns",
  rotation: "rotation",
  crop: "crop",
  box: "20×20 box",
  centre: "centre of mass",
  "stroke width": "stroke width",
};

export class DiagnosisView {
  #built = "";
  /** @type {Subject | null} */
  #asked = null;
  #model = "";
  /** The digit that it shows according to the visitor; empty: as it is read. */
  #label = "";
  /** @type {Diagnosed | null} */
  #told = null;

  /**
   * @param {HTMLElement} panel
   * @param {(message: string) => void} trouble
   */
  constructor(panel, trouble) {
    this.panel = panel;
    this.show = api.newest(() => this.#show().catch((error) => this.#fail(error.message, trouble)));
  }

  async #show() {
    const { subject, model } = state;
    if (!subject || !model) return;
    if (subject !== this.#asked) this.#label = "";
    if (subject !== this.#asked || model !== this.#model || !this.#told) {
      [this.#asked, this.#model] = [subject, model];
      this.panel.setAttribute("aria-busy", "true");
      if (!this.#told) this.panel.replaceChildren(make("p", { class: "quiet" }, t("asking the network …")));
      const label = this.#label === "" ? null : Number(this.#label);
      this.#told = null;
      this.#told = await api.diagnose(subject.whole ?? subject.picture, model, label);
      this.#built = "";
    }
    if (this.#told && this.#built !== language()) this.#build(this.#told);
    this.panel.removeAttribute("aria-busy");
  }

  /**
   * @param {string} message
   * @param {(message: string) => void} trouble
   */
  #fail(message, trouble) {
    this.panel.removeAttribute("aria-busy");
    this.panel.replaceChildren(make("p", { class: "quiet" }, t("This picture cannot be diagnosed.")));
    trouble(message);
  }

  /** @param {Diagnosed} told */
  #build(told) {
    this.#built = language();
    const choice = fillChoice(
      make("select", { id: "diagnosis-label" }),
      [["", t("as it is read")], ...digits()],
      this.#label,
    );
    choice.addEventListener("change", () => {
      this.#label = choice.value;
      this.#told = null;
      this.show();
    });
    const reader = told.reader
      ? t("The shipped reader answers {answer}.", { answer: answered(told.reader) })
      : t("The shipped reader finds no digit.");
    this.panel.replaceChildren(
      make("h2", {}, t("Why this answer?")),
      ...(language() === "en" ? [] : [make("p", { class: "quiet small" }, t("The server's message, in English:"))]),
      make("p", { class: "outcome", lang: "en", translate: "no" }, told.sentence),
      make("p", { class: "question" }, make("span", {}, reader), make("label", {}, t("It shows"), " ", choice)),
      figures(told),
      make("h3", {}, t("Each difference, corrected in turn")),
      make(
        "div",
        { class: "scrolled", tabindex: 0, role: "group", "aria-label": t("Each difference, corrected in turn") },
        table(told),
      ),
      make("h3", {}, t("Python that prepares an image for this model")),
      make("pre", { class: "scrolled", lang: "en", translate: "no", tabindex: 0 }, told.lines.join("\n")),
      costs(told.model),
    );
  }
}

/** @returns {[number, string][]} */
const digits = () => Array.from({ length: 10 }, (_, digit) => [digit, String(digit)]);

/** @param {Answered} answer */
const answered = ({ digit, confidence }) => `${digit} (${probability(confidence)})`;

/**
 * Draw the pixels with their own grey levels, whatever the theme.
 * @param {string} glyph
 * @param {string} label
 */
function picture(glyph, label) {
  const bytes = api.fromBase64(glyph);
  const shown = canvas(28, 28, { class: "pixels", role: "img", "aria-label": label });
  const image = new ImageData(28, 28);
  bytes.forEach((grey, place) => {
    image.data.fill(grey, 4 * place, 4 * place + 3);
    image.data[4 * place + 3] = 255;
  });
  penOf(shown).putImageData(image, 0, 0);
  return shown;
}

/** @param {Diagnosed} told */
function figures(told) {
  const [shown, mended, trained] = [
    t("made 28×28: {answer}", { answer: answered(told.first) }),
    t("all corrected: {answer}", { answer: answered(told.last) }),
    t("what it was trained on"),
  ];
  return make(
    "div",
    { class: "pictured" },
    make("figure", {}, picture(told.shown, shown), make("figcaption", {}, shown)),
    make("figure", {}, picture(told.mended, mended), make("figcaption", {}, mended)),
    make(
      "figure",
      { class: "several" },
      make("div", {}, ...told.trained.map((glyph) => picture(glyph, trained))),
      make("figcaption", {}, trained),
    ),
  );
}

/** @param {Diagnosed} told */
function table(told) {
  const head = [
    t("difference"),
    t("measured"),
    t("corrected up to here"),
    t("answer"),
    t("this one alone"),
    t("all but this one"),
  ].map((text) => make("th", { scope: "col" }, text));
  return make(
    "table",
    { class: "differences" },
    make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, ...told.differences.map((each) => row(each, told.causes))),
  );
}

/**
 * @param {Difference} each
 * @param {string[]} causes
 */
function row(each, causes) {
  const name = t(DIFFERENCES[each.name]);
  const heading = make("th", { scope: "row" }, name);
  if (each.measured === null)
    return make("tr", { class: "same" }, heading, make("td", { colspan: 5 }, t("as in MNIST")));
  return make(
    "tr",
    { class: causes.includes(each.name) && "cause" },
    heading,
    make("td", { lang: "en", translate: "no" }, each.measured),
    make("td", {}, picture(each.image, name)),
    ...[each.answer, each.alone, each.without].map((answer) => make("td", {}, answered(answer))),
  );
}

/** The accuracy that such mistakes cost the model, fetched when the section is opened. @param {string} model */
function costs(model) {
  const inside = make("div", {}, make("p", { class: "quiet" }, t("asking the network …")));
  const whole = make(
    "details",
    { class: "costs" },
    make("summary", {}, t("What such mistakes cost this model")),
    inside,
  );
  whole.addEventListener(
    "toggle",
    () =>
      api.mistakes(model).then(
        (told) => inside.replaceChildren(...costed(told)),
        (error) => inside.replaceChildren(make("p", { class: "quiet" }, error.message)),
      ),
    { once: true },
  );
  return whole;
}

/** @param {ModelMistakes} told */
function costed(told) {
  const rows = [{ words: "", accuracy: told.accuracy, example: told.example }, ...told.mistakes].map((each) =>
    make(
      "tr",
      {},
      make("td", {}, picture(each.example, each.words || t("no mistake"))),
      each.words
        ? make("th", { scope: "row", lang: "en", translate: "no" }, each.words)
        : make("th", { scope: "row" }, t("no mistake")),
      make("td", {}, percent(each.accuracy, 1)),
      make("td", { class: "metered" }, make("meter", { min: 0, max: 1, value: each.accuracy, "aria-hidden": "true" })),
    ),
  );
  const about = t("Accuracy on {n} of MNIST's test images, each mistake made on purpose.", { n: number(told.images) });
  return [make("p", {}, about), make("table", { class: "differences" }, make("tbody", {}, ...rows))];
}
