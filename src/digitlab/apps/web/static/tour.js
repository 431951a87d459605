// The guided tour: S0's and S2's steps from the pixels to the answer, on the visitor's own digit.

import * as api from "./api.js";
import { byId, make } from "./elements.js";
import { layerBefore, makesMaps } from "./layers.js";
import { Maps } from "./maps.js";
import { detailOf, inspected, notify, state } from "./state.js";
import { STEPS } from "./tour-steps.js";
import { language, number, t } from "./words.js";

/**
 * @import { Picture } from "./api.js"
 * @import { Inspected, LayerDetail, ModelDetail } from "../schemas.js"
 * @import { About } from "./tour-figures.js"
 * @import { Step } from "./tour-steps.js"
 */

const OWN_KEYS = "input, select, textarea, canvas, [role=application], [role=tab]";

export class TourView {
  #built = "";
  #step = 0;
  /** @type {Inspected | null} */
  #inspection = null;
  /** @type {(() => void) | undefined} */
  #leave; // cleanup of the current step, run when it is left
  #takesFocus = false; // whether to take the focus once shown
  /** @type {Step[]} */
  steps = []; // those for which the network has the parts
  /** @type {About} */
  about;
  /** @type {Record<"title" | "count" | "text" | "figure" | "dots", HTMLElement>} */
  places;
  /** @type {HTMLButtonElement} */
  back;
  /** @type {HTMLButtonElement} */
  next;

  /**
   * @param {HTMLElement} panel
   * @param {(message: string) => void} trouble
   * @param {() => Picture} photo returns the picture to which S2's filters are applied
   */
  constructor(panel, trouble, photo) {
    this.panel = panel;
    this.trouble = trouble;
    this.photo = photo;
    this.show = api.newest(() => this.#show().catch((error) => trouble(error.message)));
    // Works wherever the focus is while the tour is visible, except where arrow keys have another function.
    document.addEventListener("keydown", (event) => {
      if (!panel.checkVisibility() || !this.steps.length || event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.defaultPrevented || /** @type {Element} */ (event.target).closest(OWN_KEYS)) return;
      const steps = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 };
      const by = steps[/** @type {keyof typeof steps} */ (event.key)];
      if (!by) return;
      event.preventDefault();
      this.go(this.#step + by);
    });
    // After a click by pointer, the tour takes the focus: on the tab itself, arrow keys would change the tab.
    byId("tab-tour").addEventListener("click", (event) => {
      this.#takesFocus = event.detail > 0;
    });
  }

  async #show() {
    const { subject, model } = state;
    if (!subject || !model) return;
    const [detail, inspection] = await Promise.all([detailOf(model), inspected(subject, model)]);
    const { glyph } = inspection;
    if (!glyph) return;
    if (inspection !== this.#inspection) this.about = parts(detail, { ...inspection, glyph });
    this.#inspection = inspection;
    this.steps = STEPS.filter((step) => (step.needs ?? []).every((each) => this.about[each]));
    this.#step = Math.min(this.#step, this.steps.length - 1);
    if (this.#built !== `${language()} ${this.steps.length}`) this.#build();
    await this.#fill();
    if (this.#takesFocus) this.places.title.focus({ preventScroll: true });
    this.#takesFocus = false;
  }

  #build() {
    this.#built = `${language()} ${this.steps.length}`;
    this.back = make("button", { type: "button", onclick: () => this.go(this.#step - 1) }, t("Back"));
    this.next = make("button", { type: "button", class: "strong", onclick: () => this.go(this.#step + 1) }, t("Next"));
    const dots = make(
      "ol",
      { class: "dots" },
      ...this.steps.map((step, index) =>
        make(
          "li",
          {},
          make("button", {
            type: "button",
            "aria-label": t(step.title),
            title: t(step.title),
            onclick: () => this.go(index),
          }),
        ),
      ),
    );
    this.places = {
      dots,
      title: make("h2", { tabindex: -1 }),
      count: make("span"),
      text: make("div", { class: "words" }),
      figure: make("div", { class: "figure" }),
    };
    const { title, count, text, figure } = this.places;
    this.panel.replaceChildren(
      make("div", { class: "walk" }, this.back, dots, this.next),
      make("p", { class: "quiet small" }, count, " · ", t("Arrow keys go on and back.")),
      title,
      text,
      figure,
    );
  }

  /** The step that is shown, counted from 1. */
  get step() {
    return this.#step + 1;
  }

  /** Go to a step (counted from 1), now or once the view is built. @param {number} step */
  begin(step) {
    this.#step = step - 1;
    if (this.#built) this.show();
  }

  /** Go to another step, and focus its title so that screen readers read it. @param {number} index */
  async go(index) {
    if (index < 0 || index >= this.steps.length) return;
    this.#step = index;
    notify("place");
    await this.#fill().catch((error) => this.trouble(error.message));
    this.places.title.focus({ preventScroll: true });
    this.panel.scrollIntoView({ block: "nearest" });
  }

  async #fill() {
    const step = this.steps[this.#step];
    const { title, count, text, figure, dots } = this.places;
    this.hide();
    title.textContent = t(step.title);
    count.textContent = t("step {n} of {all}", { n: number(this.#step + 1), all: number(this.steps.length) });
    text.replaceChildren(...step.text.map((each) => make("p", {}, t(each))));
    this.back.disabled = this.#step === 0;
    this.next.disabled = this.#step === this.steps.length - 1;
    [...dots.querySelectorAll("button")].forEach((dot, index) => {
      dot.setAttribute("aria-current", index === this.#step ? "step" : "false");
    });
    const [shown, about] = [this.#step, this.about];
    const content = await step.figure({ ...about, photo: this.photo });
    const { element, leave } = content instanceof HTMLElement ? { element: content } : content;
    if (shown !== this.#step || about !== this.about || this.panel.hidden) return leave?.();
    this.#leave = leave;
    figure.replaceChildren(element);
  }

  /** Clean up the current step, when it is left or the panel is hidden. */
  hide() {
    this.#leave?.();
    this.#leave = undefined;
  }
}

/**
 * The layers that the tour explains, with their maps; undefined if the network lacks one.
 * @param {ModelDetail} detail
 * @param {Inspected & { glyph: string }} inspection
 * @returns {About}
 */
export function parts(detail, inspection) {
  const maps = new Map(inspection.layers.map((each) => [each.name, new Maps(each)]));
  const layers = detail.layers.filter((each) => maps.has(each.name));
  const convolutions = layers.filter((each) => each.kind === "convolution");
  const activations = layers.filter((each) => each.kind === "activation" && makesMaps(each));
  const relu = activations.at(0);
  const pool = layers.find((each) => each.kind === "pooling" && makesMaps(each));
  const dense = layers.findLast((each) => each.kind === "dense" && each.shape.at(-1) === 10);
  return {
    detail,
    seen: inspection,
    maps,
    layers,
    relu,
    pool,
    dense,
    glyph: api.fromBase64(inspection.glyph),
    convolution: convolutions[0],
    beforeRelu: layerBefore(relu, layers),
    beforePool: layerBefore(pool, layers),
    deeper: convolutions.length > 1 ? (activations.at(-1) ?? convolutions.at(-1)) : undefined,
    row: layerBefore(dense, layers),
    softmax: layers.find((each) => each.kind === "softmax"),
  };
}
