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
  #subject = null;
  #model = "";
  /** The digit that it shows according to the visitor; empty: as it is read. */
  #label = "";
  /** @type {Diagnosed | null} */
  #diagnosis = null;

  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.panel = panel;
    this.show = api.newest(() => this.#show().catch((error) => this.#fail(error.message)));
  }

  async #show() {
    const { subject, model } = state;
    if (!subject || !model) return;
    if (subject !== this.#subject) this.#label = "";
    if (subject !== this.#subject || model !== this.#model || !this.#diagnosis) {
      [this.#subject, this.#model] = [subject, model];
      this.panel.setAttribute("aria-busy", "true");
      if (!this.#diagnosis) this.panel.replaceChildren(make("p", { class: "quiet" }, t("asking the network …")));
      const label = this.#label === "" ? null : Number(this.#label);
      this.#diagnosis = null;
      this.#diagnosis = await api.diagnose(subject.whole ?? subject.picture, model, label);
      this.#built = "";
    }
    if (this.#diagnosis && this.#built !== language()) this.#build(this.#diagnosis);
    this.panel.removeAttribute("aria-busy");
  }

  /** Say in the panel itself why there is no diagnosis. @param {string} message */
  #fail(message) {
    this.panel.removeAttribute("aria-busy");
    this.panel.replaceChildren(make("p", { class: "quiet", role: "alert" }, message));
  }

  /** @param {Diagnosed} diagnosis */
  #build(diagnosis) {
    this.#built = language();
    const choice = fillChoice(
      make("select", { id: "diagnosis-label" }),
      [["", t("as it is read")], ...digits()],
      this.#label,
    );
    choice.addEventListener("change", () => {
      this.#label = choice.value;
      this.#diagnosis = null;
      this.show();
    });
    const reader = diagnosis.reader
      ? t("The shipped reader answers {answer}.", { answer: answered(diagnosis.reader) })
      : t("The shipped reader finds no digit.");
    this.panel.replaceChildren(
      make("h2", {}, t("Why this answer?")),
      ...(language() === "en" ? [] : [make("p", { class: "quiet small" }, t("The server's message, in English:"))]),
      make("p", { class: "outcome", lang: "en", translate: "no" }, diagnosis.sentence),
      make("p", { class: "question" }, make("span", {}, reader), make("label", {}, t("It shows"), " ", choice)),
      figures(diagnosis),
      make("h3", {}, t("Each difference, corrected in turn")),
      make(
        "div",
        { class: "scrolled", tabindex: 0, role: "group", "aria-label": t("Each difference, corrected in turn") },
        table(diagnosis),
      ),
      make("h3", {}, t("Python that prepares an image for this model")),
      make("pre", { class: "scrolled", lang: "en", translate: "no", tabindex: 0 }, diagnosis.lines.join("\n")),
      costs(diagnosis.model),
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
  bytes.forEach((grey, index) => {
    image.data.fill(grey, 4 * index, 4 * index + 3);
    image.data[4 * index + 3] = 255;
  });
  penOf(shown).putImageData(image, 0, 0);
  return shown;
}

/** @param {Diagnosed} diagnosis */
function figures(diagnosis) {
  const [shown, mended, trained] = [
    t("made 28×28: {answer}", { answer: answered(diagnosis.first) }),
    t("all corrected: {answer}", { answer: answered(diagnosis.last) }),
    t("what it was trained on"),
  ];
  return make(
    "div",
    { class: "pictured" },
    make("figure", {}, picture(diagnosis.shown, shown), make("figcaption", {}, shown)),
    make("figure", {}, picture(diagnosis.mended, mended), make("figcaption", {}, mended)),
    make(
      "figure",
      { class: "several" },
      make("div", {}, ...diagnosis.trained.map((glyph) => picture(glyph, trained))),
      make("figcaption", {}, trained),
    ),
  );
}

/** @param {Diagnosed} diagnosis */
function table(diagnosis) {
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
    make("tbody", {}, ...diagnosis.differences.map((difference) => row(difference, diagnosis.causes))),
  );
}

/**
 * @param {Difference} difference
 * @param {string[]} causes
 */
function row(difference, causes) {
  const name = t(DIFFERENCES[difference.name]);
  const heading = make("th", { scope: "row" }, name);
  if (difference.measured === null)
    return make("tr", { class: "same" }, heading, make("td", { colspan: 5 }, t("as in MNIST")));
  return make(
    "tr",
    { class: causes.includes(difference.name) && "cause" },
    heading,
    make("td", { lang: "en", translate: "no" }, difference.measured),
    make("td", {}, picture(difference.image, name)),
    ...[difference.answer, difference.alone, difference.without].map((answer) => make("td", {}, answered(answer))),
  );
}

/** The accuracy that such mistakes cost the model, fetched when the section is opened. @param {string} model */
function costs(model) {
  const inside = make("div", {}, make("p", { class: "quiet" }, t("asking the network …")));
  const details = make(
    "details",
    { class: "costs" },
    make("summary", {}, t("What such mistakes cost this model")),
    inside,
  );
  details.addEventListener(
    "toggle",
    () =>
      api.mistakes(model).then(
        (result) => inside.replaceChildren(...costed(result)),
        (error) => inside.replaceChildren(make("p", { class: "quiet" }, error.message)),
      ),
    { once: true },
  );
  return details;
}

/** @param {ModelMistakes} result */
function costed(result) {
  const rows = [{ words: "", accuracy: result.accuracy, example: result.example }, ...result.mistakes].map((mistake) =>
    make(
      "tr",
      {},
      make("td", {}, picture(mistake.example, mistake.words || t("no mistake"))),
      mistake.words
        ? make("th", { scope: "row", lang: "en", translate: "no" }, mistake.words)
        : make("th", { scope: "row" }, t("no mistake")),
      make("td", {}, percent(mistake.accuracy, 1)),
      make(
        "td",
        { class: "metered" },
        make("meter", { min: 0, max: 1, value: mistake.accuracy, "aria-hidden": "true" }),
      ),
    ),
  );
  const about = t("Accuracy on {n} of MNIST's test images, each mistake made on purpose.", {
    n: number(result.images),
  });
  return [make("p", {}, about), make("table", { class: "differences" }, make("tbody", {}, ...rows))];
}
