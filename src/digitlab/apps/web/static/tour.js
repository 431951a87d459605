// The guided tour: S0's and S2's steps from the pixels to the answer, on the visitor's own digit.

import * as api from "./api.js";
import { make } from "./elements.js";
import { convolutionBefore, makesMaps } from "./layers.js";
import { Maps } from "./maps.js";
import { detailOf, inspected, state } from "./state.js";
import { STEPS } from "./tour-steps.js";
import { language, number, t } from "./words.js";

const OWN_KEYS = "input, select, textarea, canvas, [role=application], [role=tab]";

export class TourView {
  #built = "";
  #step = 0;
  #seen = null;
  #leave = null; // what the step wants done when it is left
  #takesFocus = false; // once it is shown

  /** `photo()` gives the picture that S2's filters are shown on. */
  constructor(panel, trouble, photo) {
    [this.panel, this.trouble, this.photo] = [panel, trouble, photo];
    this.show = api.newest(() => this.#show().catch((error) => trouble(error.message)));
    // Wherever the focus is, while the tour is to be seen; but not where arrow keys do something of their own.
    document.addEventListener("keydown", (event) => {
      if (!panel.checkVisibility() || !this.steps || event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.defaultPrevented || event.target.closest(OWN_KEYS)) return;
      const by = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      this.go(this.#step + by);
    });
    // Who comes by pointer gets the focus onto the tour: on the tab itself arrow keys would change the tab.
    document.getElementById("tab-tour").addEventListener("click", (event) => {
      this.#takesFocus = event.detail > 0;
    });
  }

  async #show() {
    const { subject, model } = state;
    if (!subject || !model) return;
    const [detail, seen] = await Promise.all([detailOf(model), inspected(subject, model)]);
    if (!seen.glyph) return;
    if (seen !== this.#seen) this.about = parts(detail, seen);
    this.#seen = seen;
    this.steps = STEPS.filter((step) => !step.needs || step.needs.every((each) => this.about[each]));
    this.#step = Math.min(this.#step, this.steps.length - 1);
    if (this.#built !== `${language()} ${this.steps.length}`) this.#build();
    await this.#fill();
    if (this.#takesFocus) this.title.focus({ preventScroll: true });
    this.#takesFocus = false;
  }

  #build() {
    this.#built = `${language()} ${this.steps.length}`;
    this.title = make("h2", { tabindex: -1 });
    this.count = make("span");
    this.text = make("div", { class: "words" });
    this.figure = make("div", { class: "figure" });
    this.back = make("button", { type: "button", onclick: () => this.go(this.#step - 1) }, t("Back"));
    this.next = make("button", { type: "button", class: "strong", onclick: () => this.go(this.#step + 1) }, t("Next"));
    this.dots = make(
      "ol",
      { class: "dots" },
      ...this.steps.map((step, place) =>
        make(
          "li",
          {},
          make("button", {
            type: "button",
            "aria-label": t(step.title),
            title: t(step.title),
            onclick: () => this.go(place),
          }),
        ),
      ),
    );
    const bar = make("div", { class: "walk" }, this.back, this.dots, this.next);
    this.panel.replaceChildren(
      bar,
      make("p", { class: "quiet small" }, this.count, " · ", t("Arrow keys go on and back.")),
      this.title,
      this.text,
      this.figure,
    );
  }

  /** Go to another step, and tell a screen reader. */
  async go(place) {
    if (place < 0 || place >= this.steps.length) return;
    this.#step = place;
    await this.#fill().catch((error) => this.trouble(error.message));
    this.title.focus({ preventScroll: true });
    this.panel.scrollIntoView({ block: "nearest" });
  }

  async #fill() {
    const step = this.steps[this.#step];
    this.#leave?.();
    this.#leave = null;
    this.title.textContent = t(step.title);
    this.count.textContent = t("step {n} of {all}", { n: number(this.#step + 1), all: number(this.steps.length) });
    this.text.replaceChildren(...step.text.map((each) => make("p", {}, t(each))));
    this.back.disabled = this.#step === 0;
    this.next.disabled = this.#step === this.steps.length - 1;
    [...this.dots.querySelectorAll("button")].forEach((dot, place) =>
      dot.setAttribute("aria-current", place === this.#step ? "step" : "false"),
    );
    const [here, about] = [this.#step, this.about];
    const made = await step.figure({ ...about, photo: this.photo });
    if (here !== this.#step || about !== this.about) return made.leave?.();
    this.#leave = made.leave ?? null;
    this.figure.replaceChildren(made.element ?? made);
  }

  /** The panel is no longer shown. */
  hide() {
    this.#leave?.();
    this.#leave = null;
  }
}

/** The layers that the tour stops at, with their maps; what a network lacks is undefined. */
function parts(detail, seen) {
  const maps = new Map(seen.layers.map((each) => [each.name, new Maps(each)]));
  const layers = detail.layers.filter((each) => maps.has(each.name));
  const convolutions = layers.filter((each) => each.kind === "convolution");
  const activations = layers.filter((each) => each.kind === "activation" && makesMaps(each));
  const made = (layer) => layer && layers.find((each) => each.name === layer.takes[0]);
  const [relu, lastRelu] = [activations[0], activations.at(-1)];
  const pool = layers.find((each) => each.kind === "pooling" && makesMaps(each));
  const dense = layers.findLast((each) => each.kind === "dense" && each.shape.at(-1) === 10);
  return {
    detail,
    seen,
    maps,
    layers,
    relu,
    pool,
    dense,
    glyph: api.fromBase64(seen.glyph),
    convolution: convolutions[0],
    beforeRelu: made(relu),
    beforePool: made(pool),
    deeper: convolutions.length > 1 ? (lastRelu ?? convolutions.at(-1)) : undefined,
    deeperMaker: lastRelu && convolutionBefore(lastRelu, layers),
    row: made(dense),
    softmax: layers.find((each) => each.kind === "softmax"),
  };
}
