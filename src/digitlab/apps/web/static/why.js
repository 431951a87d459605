// Why 4 and not 9? Parts of the digit are covered: by the server one after the other, or by the visitor with an eraser.

import { tenBars } from "./answer.js";
import * as api from "./api.js";
import { canvas, fillChoice, make, penOf } from "./elements.js";
import { bySize } from "./explained.js";
import { GlyphPicture, pixels } from "./glyph.js";
import { paintNumbers } from "./maps.js";
import { inspected, state } from "./state.js";
import { exact, language, number, probability, t } from "./words.js";

/** @import { Inspected, Occluded } from "../schemas.js" */

const RUBBER = 1.7; // radius of the eraser in pixels

export class WhyView {
  #built = "";
  /** @type {Inspected | null} */
  #inspection = null;
  /** @type {Occluded | null} */
  #occlusion = null;
  #failed = false; // the last request for the map
  /** @type {Uint8Array} */
  glyph;
  /** @type {Uint8Array} */
  rubbed; // the glyph without what the visitor has erased
  /** @type {number[]} */
  after; // the probabilities of `rubbed`
  /** @type {HTMLSelectElement} */
  digit;
  /** @type {HTMLSelectElement} */
  against;
  /** @type {HTMLSelectElement} */
  kind;
  /** @type {HTMLCanvasElement} */
  heat;
  /** @type {HTMLElement} */
  heatWords;
  /** @type {GlyphPicture} */
  outline;
  /** @type {GlyphPicture} */
  rub;
  /** @type {ReturnType<typeof tenBars>} */
  bars;
  /** @type {HTMLElement} */
  change;

  /**
   * @param {HTMLElement} panel
   * @param {(message: string) => void} trouble
   */
  constructor(panel, trouble) {
    this.panel = panel;
    this.show = api.newest(() => this.#show().catch((error) => trouble(error.message)));
    this.ask = api.newest(() => this.#ask().catch((error) => trouble(error.message)));
    this.again = api.newest(() => this.#classifyErased().catch((error) => trouble(error.message)));
  }

  async #show() {
    const { subject, model } = state;
    if (!subject || !model) return;
    const inspection = await inspected(subject, model);
    if (!inspection.glyph) return;
    if (this.#built !== language()) this.#build();
    if (inspection !== this.#inspection) {
      this.#inspection = inspection;
      this.glyph = api.fromBase64(inspection.glyph);
      this.rubbed = this.glyph.slice();
      this.after = inspection.probabilities;
      const [first, second] = bySize(inspection.probabilities);
      [this.digit.value, this.against.value] = [String(first), String(second)];
      this.#occlusion = null;
      this.ask();
    } else if (this.#failed) this.ask();
    this.#paint();
  }

  #build() {
    this.#built = language();
    /** @type {[number, string][]} */
    const digits = Array.from({ length: 10 }, (_, digit) => [digit, String(digit)]);
    const choice = () => {
      const select = fillChoice(make("select"), digits);
      select.addEventListener("change", () => this.ask());
      return select;
    };
    [this.digit, this.against] = [choice(), choice()];
    this.kind = fillChoice(make("select"), [
      ["towards", t("decrease of the logit margin over the other")],
      ["fall", t("decrease of the probability")],
    ]);
    this.kind.addEventListener("change", () => this.#paint());

    this.heat = canvas(28, 28, {
      class: "glyph-large",
      "aria-label": t("Heat map: the stronger the orange, the more the answer needs what is there"),
    });
    this.heatWords = make("figcaption");
    this.outline = new GlyphPicture({ label: t("Your digit as the network takes it") });
    pixels(this.heat, { point: (x, y) => this.#point(x, y) });
    this.outline.canvas.classList.add("faint");
    this.outline.canvas.setAttribute("aria-hidden", "true");

    this.rub = new GlyphPicture({
      label: t("Your digit, to be erased: with the pointer, or with arrow keys and Enter"),
      caption: t("Erase parts and see how the answer changes."),
    });
    pixels(this.rub.canvas, {
      drag: true,
      point: (x, y) => this.rub.mark([x - 1, y - 1, x + 2, y + 2]),
      press: (x, y) => this.#rubOut(x, y),
    });
    this.bars = tenBars(t("Probability of each digit, after erasing"));
    this.change = make("p", { class: "total", "aria-live": "polite" });
    const restore = make(
      "button",
      {
        type: "button",
        onclick: () => {
          this.rubbed = this.glyph.slice();
          this.#paint();
          this.again();
        },
      },
      t("Put everything back"),
    );

    this.panel.replaceChildren(
      make("h2", {}, t("Why this one, and not that one?")),
      make(
        "p",
        { class: "question" },
        make("label", {}, t("Why"), " ", this.digit),
        " ",
        make("label", {}, t("and not"), " ", this.against),
        " ",
        make("label", {}, t("Show"), " ", this.kind),
      ),
      make(
        "div",
        { class: "looks" },
        make(
          "figure",
          { class: "looked" },
          make("div", { class: "frame" }, this.heat, this.outline.canvas, this.outline.overlay),
          this.heatWords,
        ),
        make(
          "div",
          { class: "beside" },
          make(
            "p",
            {},
            t(
              "Occlusion sensitivity: a square of paper is laid on every place in turn, and the network is asked again. Where the map is orange, covering takes away what speaks for the answer; where it is blue, covering makes the answer more probable.",
            ),
          ),
        ),
      ),
      make("h3", {}, t("Erase it yourself")),
      make(
        "div",
        { class: "looks" },
        this.rub.figure,
        make("div", { class: "beside" }, this.bars.list, this.change, restore),
      ),
    );
    this.#occlusion = null;
    this.#inspection = null;
  }

  #paint() {
    if (!this.glyph) return;
    this.outline.show(this.glyph);
    this.rub.show(this.rubbed);
    if (this.#occlusion) {
      paintNumbers(this.heat, this.#map(this.#occlusion));
      this.heatWords.textContent = t("why {digit} and not {against}", this.#occlusion);
    } else {
      penOf(this.heat).clearRect(0, 0, this.heat.width, this.heat.height);
      this.outline.mark(null);
    }
    this.#bars(this.after);
  }

  /** The map that is shown. @param {Occluded} occlusion */
  #map(occlusion) {
    return this.kind.value === "fall" ? occlusion.fall : occlusion.towards;
  }

  async #ask() {
    [this.#occlusion, this.#failed] = [null, false];
    this.#paint();
    if (this.digit.value === this.against.value) {
      this.heatWords.textContent = t("Choose two different digits.");
      return;
    }
    const inspection = this.#inspection;
    if (!inspection?.glyph) return;
    this.heatWords.textContent = t("asking the network, covered place by place …");
    const question = {
      glyph: inspection.glyph,
      model: inspection.model,
      digit: Number(this.digit.value),
      against: Number(this.against.value),
    };
    const occlusion = await api.occlusion(question).catch((error) => {
      this.#failed = true;
      this.heatWords.textContent = "";
      throw error;
    });
    if (inspection !== this.#inspection) return;
    this.#occlusion = occlusion;
    this.#paint();
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  #point(x, y) {
    if (!this.#occlusion) return;
    const row = this.#map(this.#occlusion)[y] ?? [];
    this.outline.mark(squareAt(x, y, this.#occlusion));
    if (row[x] === undefined) return;
    this.heatWords.textContent =
      this.kind.value === "fall"
        ? t("covered here, the probability of {digit} falls by {n} percentage points", {
            digit: this.#occlusion.digit,
            n: number(100 * row[x], 1).replace("-", "−"),
          })
        : t("covered here, the logit of {digit} loses {n} of its margin over {against}", {
            ...this.#occlusion,
            n: exact(row[x]),
          });
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  #rubOut(x, y) {
    if (!this.rubbed) return;
    rubOut(this.rubbed, x, y);
    this.rub.show(this.rubbed);
    this.again();
  }

  async #classifyErased() {
    const inspection = this.#inspection;
    if (!inspection) return;
    const { probabilities } = await api.probabilities([api.toBase64(this.rubbed)], [inspection.model]);
    if (inspection !== this.#inspection) return;
    this.after = probabilities[0][0];
    this.#bars(this.after);
  }

  /** @param {number[]} after */
  #bars(after) {
    const before = this.#inspection?.probabilities;
    if (!after || !before) return;
    const [was, is] = [before.indexOf(Math.max(...before)), after.indexOf(Math.max(...after))];
    this.bars.show(after, is, before);
    this.change.textContent =
      was === is
        ? t("still {digit}: {share}", { digit: is, share: probability(after[is]) })
        : t("now {digit}: {share}; it was {before}", { digit: is, share: probability(after[is]), before: was });
  }
}

/**
 * The pixels [x0, y0, x1, y1] that were covered for the number at (x, y) of an occlusion map.
 * @param {number} x
 * @param {number} y
 * @param {{ stride: number, size: number }} told
 */
export function squareAt(x, y, { stride, size }) {
  const [left, top] = [x * stride - (size >> 1), y * stride - (size >> 1)];
  return [left, top, left + size, top + size];
}

/**
 * Erase the pixels around (x, y) of a glyph.
 * @param {Uint8Array} glyph
 * @param {number} x
 * @param {number} y
 */
export function rubOut(glyph, x, y) {
  for (let row = Math.max(0, y - 2); row <= Math.min(27, y + 2); row += 1) {
    for (let column = Math.max(0, x - 2); column <= Math.min(27, x + 2); column += 1) {
      if (Math.hypot(row - y, column - x) <= RUBBER) glyph[28 * row + column] = 0;
    }
  }
}
