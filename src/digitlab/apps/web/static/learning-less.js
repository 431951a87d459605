// Less training, as a kind of damage: the network trained in this browser, as it was after each epoch.

import { tenBars } from "./answer.js";
import * as api from "./api.js";
import { byId, make } from "./elements.js";
import { onTrained, trained } from "./learning-checkpoints.js";
import { number, percent, t } from "./words.js";

export class LessTraining {
  /** @type {Uint8Array | null} */
  #glyph = null;
  /** @type {HTMLInputElement} */
  epoch;
  /** @type {Record<"none" | "some" | "epoch" | "accuracy", HTMLElement>} */
  places;
  /** @type {ReturnType<typeof tenBars>} */
  bars;

  /** @param {(message: string) => void} trouble */
  constructor(trouble) {
    this.element = make("section");
    this.ask = api.newest(() => this.#ask().catch((error) => trouble(error.message)));
    onTrained(() => {
      if (this.epoch) this.#fit();
    });
  }

  build() {
    this.epoch = make("input", { type: "range", min: 0, max: 0, value: 0, "aria-label": t("Epochs of training") });
    this.epoch.addEventListener("input", () => this.ask());
    this.places = {
      none: make(
        "p",
        {},
        t("No network has been trained in this browser yet."),
        " ",
        make("button", { type: "button", onclick: () => byId("tab-learning").click() }, t("Train one")),
      ),
      some: make("div"),
      epoch: make("span"),
      accuracy: make("p", { class: "measured", "aria-live": "polite" }),
    };
    this.bars = tenBars(t("Probability of each digit, of the network after this epoch"));
    this.places.some.replaceChildren(
      make("div", { class: "wide" }, this.places.epoch, this.epoch),
      this.places.accuracy,
      this.bars.list,
    );
    this.element.replaceChildren(
      make("h2", {}, t("Less training")),
      make(
        "p",
        { class: "quiet" },
        t(
          "The network that was trained in this browser, as it was before its first epoch and after each. The grey marks are the answer after the last.",
        ),
      ),
      this.places.none,
      this.places.some,
    );
    this.#fit();
  }

  /** @param {string | null} glyph of the current digit */
  show(glyph) {
    this.#glyph = glyph ? api.fromBase64(glyph) : null;
    this.ask();
  }

  /** Give the slider one step per epoch; if it is at its last position, it stays there. */
  #fit() {
    const most = Math.max(trained.checkpoints.length - 1, 0);
    const atEnd = this.epoch.value === this.epoch.max;
    this.epoch.max = String(most);
    if (atEnd) this.epoch.value = String(most);
    this.places.none.hidden = most > 0;
    this.places.some.hidden = most === 0;
    this.ask();
  }

  async #ask() {
    const { settings, checkpoints } = trained;
    const checkpoint = checkpoints[this.epoch?.valueAsNumber ?? 0];
    if (!settings || !checkpoint) return;
    const { likeliest, Network } = await import("./learning-network.js");
    const answer = (
      /** @type {{ weights: Float32Array<ArrayBuffer>[] }} */ { weights },
      /** @type {Uint8Array} */ glyph,
    ) => {
      const network = new Network(settings.network, settings.seed);
      network.weights = weights;
      return Array.from(network.forward(glyph));
    };
    const { epoch, right, of } = checkpoint;
    this.places.epoch.textContent = epoch
      ? t("after epoch {n} of {all}", { n: number(epoch), all: number(checkpoints.length - 1) })
      : t("before the first epoch");
    this.epoch.setAttribute("aria-valuetext", this.places.epoch.textContent);
    this.places.accuracy.textContent = t("{share} of {n} test images are right", {
      share: percent(right / of, 1),
      n: of,
    });
    if (!this.#glyph) return;
    const probabilities = answer(checkpoint, this.#glyph);
    this.bars.show(probabilities, likeliest(probabilities), answer(checkpoints[checkpoints.length - 1], this.#glyph));
  }
}
