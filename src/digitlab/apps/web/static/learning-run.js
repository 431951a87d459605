// A training in this browser, watched while it runs: in its own worker, so that the page stays responsive.

import * as api from "./api.js";
import { Chart } from "./chart.js";
import { canvas, make } from "./elements.js";
import { beginTraining, keepCheckpoint, trained } from "./learning-checkpoints.js";
import { shippedDigits, together } from "./learning-data.js";
import { paintGlyph } from "./maps.js";
import { number, percent, t } from "./words.js";

/**
 * @import { Order, Progress, Report } from "./learning-answers.js"
 * @import { Labelled, Settings } from "./learning-trainer.js"
 * @typedef {{ glyph: Uint8Array, label: number }} Own A digit that the visitor drew.
 */

export class RunView {
  /** @type {Worker | null} */
  #worker = null;
  #running = false;
  #images = 0;
  /** @type {Own[]} */
  #own = [];
  /** @type {{ name: string, digits: Labelled } | null} */
  #class = null;
  /** @type {Progress[]} The data of the curves, kept to redraw them. */
  #progress = [];
  /** @type {HTMLInputElement} */
  epochs;
  /** @type {Record<"start" | "stop" | "resume" | "reset" | "add" | "forget", HTMLButtonElement>} */
  buttons;
  /** @type {HTMLElement} */
  status;
  /** @type {HTMLProgressElement} */
  bar;
  /** @type {Record<"loss" | "accuracy", Chart>} */
  charts;
  /** @type {Record<"own" | "class" | "curves", HTMLElement>} */
  places;

  /**
   * @param {() => Settings} settings
   * @param {() => Own | null} drawn returns the current digit with its label
   * @param {(message: string) => void} trouble
   */
  constructor(settings, drawn, trouble) {
    this.settings = settings;
    this.drawn = drawn;
    this.trouble = trouble;
    this.element = make("div", { class: "run" });
  }

  /** @param {(text: string, input: HTMLElement) => HTMLElement} field */
  build(field) {
    const button = (/** @type {string} */ text, /** @type {() => unknown} */ press, strong = false) =>
      make("button", { type: "button", class: strong && "strong", onclick: press }, text);
    this.epochs = make("input", { name: "epochs", type: "number", min: 1, max: 200, value: 10, required: true });
    this.epochs.addEventListener("change", () => this.#enable());
    this.buttons = {
      start: button(t("Start the training"), () => this.start().catch((error) => this.trouble(error.message)), true),
      stop: button(t("Stop"), () => this.#order({ order: "stop" })),
      resume: button(t("Go on"), () => this.#resume()),
      reset: button(t("Discard it"), () => this.reset()),
      add: button(t("Add my digit"), () => this.#add()),
      forget: button(t("Leave the file out"), () => this.takeClass("", null)),
    };
    const file = make("input", { type: "file", accept: ".npz" });
    file.addEventListener("change", () => {
      const [chosen] = file.files ?? [];
      if (chosen) this.element.dispatchEvent(new CustomEvent("digits", { detail: chosen, bubbles: true }));
      file.value = "";
    });
    this.status = make("p", { class: "total", "aria-live": "polite" });
    this.bar = make("progress", { max: 1, value: 0, hidden: true, "aria-label": t("Progress of the epoch") });
    this.places = {
      own: make("div", {
        class: "glyphs own",
        role: "group",
        "aria-label": t("Your digits; press one to leave it out"),
      }),
      class: make("p", { class: "quiet" }),
      curves: make("div", { class: "sides", hidden: true }),
    };
    const { start, stop, resume, reset, add, forget } = this.buttons;
    this.element.replaceChildren(
      make(
        "p",
        { class: "quiet" },
        t(
          "It learns from 2,000 of MNIST's training images, from digits of yours and of your class, with the network, the optimiser and the seed chosen at the top, 32 images a batch. Nothing leaves this browser. After each epoch it is tested on 500 test images that it never learns from, and its weights are kept: you can choose them above, and compare them under “Damage”.",
        ),
      ),
      make(
        "div",
        { class: "choices" },
        add,
        make("label", { class: "button" }, file, make("span", {}, t("Digits of a class (.npz)"))),
        forget,
      ),
      this.places.own,
      this.places.class,
      make("div", { class: "question" }, field(t("Epochs"), this.epochs), start, stop, resume, reset),
      this.status,
      this.bar,
      this.places.curves,
    );
    this.#curves();
    this.#showOwn();
    this.takeClass(this.#class?.name ?? "", this.#class?.digits ?? null);
    this.#enable();
  }

  #curves() {
    const curves = (/** @type {string} */ tested) => ({
      batches: { label: t("each training batch"), class: "training" },
      tested: { label: tested, class: "tested", dots: true },
    });
    const across = t("epoch");
    const tested = t("test images, after each epoch");
    this.charts = {
      loss: new Chart({
        title: t("Loss (cross-entropy)"),
        across,
        curves: curves(tested),
        write: (value) => number(value, 2),
      }),
      accuracy: new Chart({
        title: t("Accuracy"),
        across,
        curves: curves(tested),
        write: (value) => percent(value, value > 0.9 && value < 1 ? 1 : 0),
      }),
    };
    this.places.curves.replaceChildren(this.charts.loss.figure, this.charts.accuracy.figure);
    this.#clear();
    for (const progress of this.#progress) this.#plot(progress);
    for (const checkpoint of trained.checkpoints) this.#plotTest(checkpoint);
  }

  #clear() {
    for (const chart of Object.values(this.charts)) chart.clear(Math.max(1, this.epochs.valueAsNumber || 1));
    this.places.curves.hidden = !this.#progress.length && !this.#running;
  }

  /** Update the view when the current digit or the theme has changed. */
  show() {
    const drawn = this.drawn();
    this.buttons.add.disabled = !drawn;
    this.buttons.add.textContent = drawn ? t("Add my digit, a {label}", { label: drawn.label }) : t("Add my digit");
    this.#showOwn();
  }

  #add() {
    const drawn = this.drawn();
    if (drawn) this.#own.push(drawn);
    this.#showOwn();
  }

  #showOwn() {
    this.places.own.hidden = !this.#own.length;
    this.places.own.replaceChildren(
      ...this.#own.map((digit, index) => {
        const label = t("your {label}: press to leave it out", { label: digit.label });
        const press = () => {
          this.#own.splice(index, 1);
          this.#showOwn();
        };
        const glyph = paintGlyph(canvas(28, 28), digit.glyph);
        return make(
          "button",
          { type: "button", class: "glyph", "aria-label": label, title: label, onclick: press },
          glyph,
        );
      }),
    );
  }

  /** @param {string} name @param {Labelled | null} digits */
  takeClass(name, digits) {
    this.#class = digits && { name, digits };
    this.buttons.forget.hidden = !digits;
    this.places.class.hidden = !digits;
    this.places.class.textContent = digits
      ? t("{n} digits from {name} will also be used, from the next training on.", {
          n: number(digits.labels.length),
          name,
        })
      : "";
  }

  async start() {
    this.buttons.start.disabled = true;
    const { train, held } = await shippedDigits().finally(() => this.#enable());
    const own = {
      glyphs: Uint8Array.from(this.#own.flatMap(({ glyph }) => Array.from(glyph))),
      labels: Uint8Array.from(this.#own, ({ label }) => label),
    };
    const all = together([train, ...(this.#class ? [this.#class.digits] : []), own]);
    this.reset();
    const settings = this.settings();
    beginTraining(settings);
    this.#images = all.labels.length;
    const worker = api.learner();
    this.#worker = worker;
    worker.addEventListener("message", ({ data }) => {
      if (this.#worker === worker) this.#handle(data);
    });
    worker.addEventListener("error", (event) => {
      if (this.#worker === worker) this.#handle({ type: "failed", message: event.message });
    });
    this.#order({ order: "begin", settings, train: all, held });
    this.#resume();
  }

  /** Forget the training: its curves and its weights. */
  reset() {
    this.#worker?.terminate();
    this.#worker = null;
    this.#progress = [];
    this.#running = false;
    this.status.textContent = "";
    beginTraining(null);
    this.#clear();
    this.#enable();
  }

  #resume() {
    this.#running = true;
    const last = Math.max(this.epochs.valueAsNumber || 1, 1);
    for (const chart of Object.values(this.charts)) chart.last = last;
    this.places.curves.hidden = false;
    this.#order({ order: "go", epochs: last });
    this.#enable();
  }

  /** @param {Order} order */
  #order(order) {
    this.#worker?.postMessage(order);
  }

  #enable() {
    const { start, stop, resume, reset } = this.buttons;
    const done = (trained.checkpoints.at(-1)?.epoch ?? 0) >= (this.epochs.valueAsNumber || 1);
    start.disabled = false;
    start.hidden = this.#running;
    stop.hidden = !this.#running;
    resume.hidden = this.#running || !this.#worker;
    resume.disabled = done;
    reset.hidden = !this.#worker;
    this.bar.hidden = !this.#running;
  }

  /** @param {Report} message */
  #handle(message) {
    if (message.type === "progress") {
      this.#progress.push(message);
      this.#plot(message);
      this.bar.value = message.batch / message.batches;
      this.#showStatus(message);
    } else if (message.type === "checkpoint") {
      keepCheckpoint(message.checkpoint);
      this.#plotTest(message.checkpoint);
    } else {
      this.#running = false;
      if (message.type === "failed") this.trouble(message.message);
      const last = this.#progress.at(-1);
      if (last) this.#showStatus(last, message.type === "stopped" ? t("Stopped.") : t("Finished."));
    }
    if (message.type !== "progress") this.#enable();
  }

  /** @param {Progress} progress */
  #showStatus({ epoch, batch, batches, rate }, first = "") {
    const tested = trained.checkpoints.at(-1);
    const position = t("epoch {epoch} of {epochs}, batch {batch} of {batches}", {
      epoch: number(Math.min(epoch + 1, this.epochs.valueAsNumber || 1)),
      epochs: number(this.epochs.valueAsNumber || 1),
      batch: number(batch),
      batches: number(batches),
    });
    const speed = t("{n} images, {rate} a second", { n: number(this.#images), rate: number(Math.round(rate)) });
    const right = tested?.epoch ? t("Test accuracy: {share}.", { share: percent(tested.right / tested.of, 1) }) : "";
    this.status.setAttribute("aria-live", first ? "polite" : "off"); // too frequent to be read out
    this.status.textContent = [first ? `${first} ${speed}.` : `${position} · ${speed}`, right]
      .filter(Boolean)
      .join(first ? " " : " · ");
  }

  /** @param {Progress} progress */
  #plot({ epoch, batch, batches, losses, rights }) {
    losses.forEach((loss, index) => {
      const x = epoch + (batch - losses.length + index + 1) / batches;
      this.charts.loss.add("batches", x, loss);
      this.charts.accuracy.add("batches", x, rights[index]);
    });
  }

  /** @param {{ epoch: number, loss: number, right: number, of: number }} checkpoint */
  #plotTest({ epoch, loss, right, of }) {
    this.charts.loss.add("tested", epoch, loss);
    this.charts.accuracy.add("tested", epoch, right / of);
  }
}
