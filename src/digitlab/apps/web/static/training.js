// A small training, watched while it runs: curves, the first filters, the mistakes, and the result on the pad.

import * as api from "./api.js";
import { Chart } from "./chart.js";
import { byId, canvas, fillChoice, make } from "./elements.js";
import { paintGlyph, Weights } from "./maps.js";
import { chooseModel, notify, refreshModels } from "./state.js";
import { language, number, percent, probability, relayed, t } from "./words.js";

/**
 * @import {
 *   Architecture, TrainingEpoch, TrainingProgress, TrainingQuestion, Trainings, TrainingState
 * } from "../schemas.js"
 */

/** @type {Record<Architecture, string>} */
const NETWORKS = {
  "tiny-cnn": "the smallest, seconds an epoch",
  "first-cnn": "one convolution 5×5",
  "slides-cnn": "two convolutions",
  "fast-cnn": "made for speed on a processor",
  "thesis-2conv": "two convolutions, dropout",
  "exercise-cnn": "one convolution, dropout",
  "ann-397": "dense layers, no convolution",
};
/** @type {Record<string, string>} */
const STAGES = { loading: "Loading the images …", exporting: "Preparing the result …" };
/** @type {Record<string, string>} */
const REFUSED = {
  untrusted: "Training needs a server on this machine alone, or one with a token.",
  missing: "Training needs an extra of digitlab that is not installed.",
  here: "Training needs digitlab on a computer: `digitlab serve` opens this page with it.",
  busy: "Another training is running; wait until it ends, or stop it.",
  other: "No training can be started now.",
};
const OVER = ["done", "stopped", "failed"];

export class TrainingView {
  #built = "";
  /** @type {HTMLFormElement | undefined} */
  form;
  /** @type {Record<string, string> | null} */
  #requested = null; // the settings given in a link
  /** @type {EventSource | null} */
  #source = null;
  /** @type {TrainingState} */
  #training; // the one that is followed
  /** @type {TrainingEpoch[]} */
  #epochs = [];
  /** @type {Record<"start" | "stop" | "use", HTMLButtonElement>} */
  buttons;
  /** @type {HTMLElement} */
  status;
  /** @type {HTMLProgressElement} */
  bar;
  /** @type {HTMLElement | null} */
  #busy = null; // the message that another training runs, until it ends
  /** @type {Record<"loss" | "accuracy", Chart>} */
  charts;
  /** @type {Record<"whole" | "filters" | "mistakes", HTMLElement>} */
  results;

  /**
   * @param {HTMLElement} panel
   * @param {(message: string) => void} trouble
   */
  constructor(panel, trouble) {
    this.panel = panel;
    this.trouble = trouble;
    this.show = api.newest(() => this.#show().catch((error) => trouble(error.message)));
  }

  /** The chosen settings by field name; undefined before the view is first shown. */
  get settings() {
    return this.form && Object.fromEntries([...new FormData(this.form)].map(([name, value]) => [name, String(value)]));
  }

  /** Apply settings, now or once there is a form. @param {Record<string, string>} settings */
  choose(settings) {
    this.#requested = settings;
    this.#fill();
  }

  #fill() {
    for (const [name, value] of Object.entries((this.form && this.#requested) || {})) {
      const field = /** @type {HTMLInputElement | HTMLSelectElement | null} */ (this.form?.elements.namedItem(name));
      const known =
        field instanceof HTMLSelectElement ? [...field.options].some((each) => each.value === value) : value;
      if (field && known) field.value = value;
    }
    if (this.form) this.#requested = null;
  }

  async #show() {
    if (this.#built === language()) return this.#repaint();
    const known = await api.trainings();
    this.#built = language();
    this.#build(known);
    const latest = known.trainings[0];
    if (latest) this.#follow(latest);
  }

  /** @param {Trainings} known */
  #build({ allowed, reason, refused: code }) {
    /** @type {(name: string, options: [string | number, string][], chosen: string | number) => HTMLSelectElement} */
    const choice = (name, options, chosen) => fillChoice(make("select", { name }), options, chosen);
    const networks = choice(
      "architecture",
      Object.entries(NETWORKS).map(([name, words]) => [name, `${name} (${t(words)})`]),
      "slides-cnn",
    );
    const images = choice(
      "images",
      [1000, 5000, 10000, 30000, 60000].map((count) => [count, number(count)]),
      10000,
    );
    const epochs = make("input", { name: "epochs", type: "number", min: 1, max: 20, value: 3, required: true });
    /** @type {[number, string][]} */
    const rates = [0.0001, 0.001, 0.01, 0.1, 1].map((each) => [
      each,
      number(each, Math.max(0, -Math.floor(Math.log10(each)))),
    ]);
    const rate = choice("rate", [["", t("the default")], ...rates], "");
    const seed = make("input", { name: "seed", type: "number", min: 0, max: 2147483647, value: 1, required: true });
    const field = (/** @type {string} */ text, /** @type {HTMLElement} */ input) =>
      make("label", {}, make("span", {}, text), input);
    const start = make("button", { type: "submit", class: "strong", disabled: !allowed }, t("Start the training"));
    const stop = make("button", { type: "button", hidden: true, onclick: () => this.#stopIt() }, t("Stop"));
    const use = make(
      "button",
      { type: "button", class: "strong", hidden: true, onclick: () => this.#use() },
      t("Use it on the pad"),
    );
    this.buttons = { start, stop, use };
    const form = make(
      "form",
      { class: "question" },
      field(t("Network"), networks),
      field(t("Images"), images),
      field(t("Epochs"), epochs),
      field(t("Learning rate"), rate),
      field(t("Seed"), seed),
      make("div", { class: "choices" }, start, stop, use),
    );
    this.form = form;
    form.addEventListener("change", () => notify("place"));
    this.#fill();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin(new FormData(form));
    });
    this.status = make("p", { class: "total", "aria-live": "polite" });
    this.bar = make("progress", { max: 1, value: 0, hidden: true, "aria-label": t("Progress of the epoch") });
    const curves = () => ({
      batches: { label: t("each training batch"), class: "training" },
      tested: { label: t("test images, after each epoch"), class: "tested", dots: true },
    });
    const loss = new Chart({
      title: t("Loss (cross-entropy)"),
      across: t("epoch"),
      curves: curves(),
      write: (value) => number(value, 2),
    });
    const accuracy = new Chart({
      title: t("Accuracy"),
      across: t("epoch"),
      curves: curves(),
      write: (value) => percent(value, value > 0.9 && value < 1 ? 1 : 0),
    });
    this.charts = { loss, accuracy };
    const filters = make("div", { class: "slices small" });
    const mistakes = make("div", { class: "mistakes" });
    const whole = make(
      "div",
      { hidden: true },
      make("div", { class: "sides" }, loss.figure, accuracy.figure),
      make("h3", {}, t("The filters of its first convolution")),
      filters,
      make("h3", {}, t("Misclassified test images, the highest probability first")),
      mistakes,
    );
    this.results = { whole, filters, mistakes };
    const refused = make("p", { class: "mark" }, relayed(REFUSED[code ?? "other"] ?? REFUSED.other, reason));
    this.#busy = code === "busy" ? refused : null;
    this.panel.replaceChildren(
      make("h2", {}, t("Train a network while you watch")),
      make(
        "p",
        { class: "quiet" },
        t(
          "It trains on some of MNIST's 60,000 training images, each once an epoch. For each batch of 128 the gradient of the loss is computed (backpropagation), and the optimiser, Adam, moves all weights a little against it. After each epoch it is tested on 1,000 test images that it never trains on.",
        ),
      ),
      ...(allowed ? [] : [refused]),
      api.here()
        ? make("p", {}, t("Two small networks can be trained in this browser: under “{tab}”.", { tab: t("Learning") }))
        : form,
      this.status,
      this.bar,
      whole,
    );
  }

  /** @param {FormData} form */
  async #begin(form) {
    try {
      const training = await api.startTraining({
        architecture: /** @type {Architecture} */ (form.get("architecture")),
        images: Number(form.get("images")),
        epochs: Number(form.get("epochs")),
        learning_rate: form.get("rate") ? Number(form.get("rate")) : null,
        seed: Number(form.get("seed")),
      });
      this.#follow(training);
    } catch (error) {
      this.trouble(error.message);
    }
  }

  /** @param {TrainingState} training */
  #follow(training) {
    this.#source?.close();
    this.results.whole.hidden = false;
    this.results.filters.replaceChildren();
    this.results.mistakes.replaceChildren();
    const clear = () => {
      this.#epochs = [];
      for (const chart of Object.values(this.charts)) chart.clear(training.question.epochs);
    };
    clear();
    this.#state(training);
    this.#source = api.trainingEvents(training.id, {
      progress: (data) => this.#progress(data),
      epoch: (data) => this.#epoch(data),
      stage: ({ text }) => {
        this.status.textContent = t(STAGES[text] ?? text);
      },
      state: (data, source) => {
        this.#state(data);
        if (OVER.includes(data.state)) source.close();
      },
    });
    this.#source.addEventListener("open", clear); // also after a break, when all events come once more
  }

  /** @param {TrainingProgress} told */
  #progress({ epoch, batch, batches, losses, accuracies }) {
    this.bar.hidden = false;
    this.bar.value = batch / batches;
    losses.forEach((loss, index) => {
      const x = epoch - 1 + (batch - losses.length + index + 1) / batches;
      this.charts.loss.add("batches", x, loss);
      this.charts.accuracy.add("batches", x, accuracies[index]);
    });
    this.status.textContent = t("epoch {epoch} of {epochs}, batch {batch} of {batches}", {
      epoch: number(epoch),
      epochs: number(this.#training.question.epochs),
      batch: number(batch),
      batches: number(batches),
    });
  }

  /** @param {TrainingEpoch} data */
  #epoch(data) {
    this.#epochs.push(data);
    this.charts.loss.add("tested", data.epoch, data.validation_loss);
    this.charts.accuracy.add("tested", data.epoch, data.validation_accuracy);
    this.#repaint();
  }

  /** Show the filters and mistakes after the last epoch, in the theme's colours. */
  #repaint() {
    const last = this.#epochs.at(-1);
    if (!last) return;
    const weights = last.filters && new Weights(last.filters);
    const filters = weights
      ? Array.from({ length: weights.filters }, (_, filter) =>
          weights.paint(canvas(1, 1, { role: "img", "aria-label": t("filter {n}", { n: filter + 1 }) }), filter),
        )
      : [make("p", { class: "quiet" }, t("This network has no convolution."))];
    this.results.filters.replaceChildren(...filters);
    this.results.mistakes.replaceChildren(
      ...last.mistakes.map(({ glyph, label, answer, confidence }) => {
        const caption = t("true {label}, predicted {answer}", { label, answer });
        return make(
          "figure",
          { class: "mistake" },
          paintGlyph(canvas(28, 28, { role: "img", "aria-label": caption }), api.fromBase64(glyph)),
          make(
            "figcaption",
            {},
            `${t("true {label}", { label })}, `,
            make("b", {}, t("predicted {answer}", { answer })),
            ` ${probability(confidence)}`,
          ),
        );
      }),
      ...(last.mistakes.length ? [] : [make("p", { class: "quiet" }, t("No test image is misclassified."))]),
    );
  }

  /** @param {TrainingState} training */
  #state(training) {
    this.#training = training;
    const over = OVER.includes(training.state);
    const { start, stop, use } = this.buttons;
    start.hidden = !over;
    stop.hidden = over;
    stop.disabled = training.state === "stopping";
    use.hidden = !(over && training.model);
    this.bar.hidden = over;
    if (over && this.#busy) {
      start.disabled = false;
      this.#busy.remove();
      this.#busy = null;
    }
    const best = training.epochs.at(-1)?.validation_accuracy ?? Number.NaN;
    const right = Number.isFinite(best) ? ` ${t("Test accuracy: {share}.", { share: percent(best, 1) })}` : "";
    const words = {
      starting: t("Preparing …"),
      running: t("Training …"),
      stopping: t("Stopping after this batch …"),
      done: t("Finished."),
      stopped: t("Stopped."),
      failed: relayed("The training failed.", training.error),
    };
    this.status.textContent = words[training.state] + (over ? right : "");
    if (over && training.model) refreshModels().catch((error) => this.trouble(error.message));
  }

  async #stopIt() {
    try {
      this.#state(await api.stopTraining(this.#training.id));
    } catch (error) {
      this.trouble(error.message);
    }
  }

  async #use() {
    await refreshModels();
    if (this.#training.model) chooseModel(this.#training.model);
    byId("tab-draw").click();
    byId("pad").focus();
  }
}
