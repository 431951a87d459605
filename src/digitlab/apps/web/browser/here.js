// The page without a server: its requests go to the page's own worker, which holds the models.

import { answerFrom, newest, Refused } from "../static/api.js";
import { make, penOf } from "../static/elements.js";
import { relayed, t } from "../static/words.js";

/**
 * @import { LabelledGlyphs } from "../schemas.js"
 * @import { Service } from "../static/api.js"
 * @import { Data } from "./backend.js"
 * @typedef {{ resolve: (answer: any) => void, reject: (error: Error) => void }} Waiting
 */

/** @param {string} script */
const workerOf = (script) => new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));

/** Load the training images from digits.js: only scripts can be loaded from disk. @returns {Promise<LabelledGlyphs>} */
function digitsBeside() {
  const globals = /** @type {{ digitlabDigits?: LabelledGlyphs }} */ (globalThis);
  return new Promise((resolve, reject) => {
    const resolveIfLoaded = () => {
      if (globals.digitlabDigits) resolve(globals.digitlabDigits);
    };
    resolveIfLoaded();
    if (globals.digitlabDigits) return;
    const script = make("script", { src: "digits.js" });
    script.addEventListener("load", resolveIfLoaded);
    script.addEventListener("error", () => {
      script.remove();
      reject(new Refused(t("digits.js is not beside this page."), 0));
    });
    document.head.append(script);
  });
}

class Here {
  #number = 0;
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  /** @type {Promise<Worker>} */
  #worker;

  /** @param {string} script @param {Promise<Data>} data */
  constructor(script, data) {
    this.#worker = data.then((models) => {
      const worker = workerOf(script);
      worker.addEventListener("message", (event) => this.#answered(event.data));
      worker.addEventListener("error", (event) => this.#failed(event.message || "worker"));
      this.#send(worker, "start", [models]).catch((error) => this.#failed(error.message));
      return worker;
    });
  }

  /** @param {string} method @param {...any} given @returns {Promise<any>} */
  async ask(method, ...given) {
    return this.#send(await this.#worker, method, given);
  }

  /** @param {Worker} worker @param {string} method @param {any[]} given */
  #send(worker, method, given) {
    const number = ++this.#number;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      worker.postMessage({ number, method, given });
    });
  }

  /** @param {{ number: number, answer?: any, error?: string }} message */
  #answered({ number, answer, error }) {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (error === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Refused(relayed("This page cannot answer that.", error), 422));
  }

  /** @param {string} detail */
  #failed(detail) {
    for (const { reject } of this.#waiting.values())
      reject(new Refused(relayed("This browser cannot run the page's networks.", detail), 0));
    this.#waiting.clear();
  }
}

/** Camera frames: the newest is read, those that came in between are dropped. */
class LocalLine extends EventTarget {
  readyState = 1;
  #frame = -1;
  #read;

  /** @param {Here} here @param {string | undefined} model */
  constructor(here, model) {
    super();
    queueMicrotask(() => this.dispatchEvent(new Event("open")));
    let read = 0;
    this.#read = newest(
      async (/** @type {ImageData} */ frame, /** @type {number} */ number, /** @type {number} */ at) => {
        const answer = await here
          .ask("live", frame, model, number, at, read === 0)
          .catch((error) => ({ frame: number, error: error.message }));
        read += 1;
        if (this.readyState !== 1) return;
        const data = JSON.stringify({ ...answer, latency_ms: performance.now() - at, skipped: number + 1 - read });
        this.dispatchEvent(new MessageEvent("message", { data }));
      },
    );
  }

  /** @param {ImageData} frame */
  send(frame) {
    this.#frame += 1;
    this.#read(frame, this.#frame, performance.now());
  }

  close() {
    this.readyState = 3;
  }
}

/** @param {HTMLCanvasElement} canvas */
const pixelsOf = (canvas) => penOf(canvas).getImageData(0, 0, canvas.width, canvas.height);

/**
 * Answer the page's requests here.
 * @param {string} script the worker's source
 * @param {Promise<Data>} data
 */
export function answerHere(script, data) {
  const here = new Here(script, data);
  const noTraining = () =>
    Promise.reject(
      new Refused(t("Training needs digitlab on a computer: `digitlab serve` opens this page with it."), 0),
    );
  const noDiagnosis = () =>
    Promise.reject(
      new Refused(t("A diagnosis needs digitlab on a computer: `digitlab serve`, `digitlab diagnose`."), 0),
    );
  /** @type {Service} */
  const service = {
    here: true,
    pictureOf: pixelsOf,
    photoOf: (canvas) => Promise.resolve(pixelsOf(canvas)),
    classify: (picture, model) => here.ask("classify", picture, model),
    read: (picture, model) => here.ask("read", picture, model),
    pageOf: () =>
      Promise.reject(
        new Refused(t("This browser cannot show such a file; digitlab on a computer can: `digitlab serve`."), 0),
      ),
    inspect: (picture, model) => here.ask("inspect", picture, model),
    filters: (picture) => here.ask("filters", picture),
    models: () => here.ask("models"),
    modelDetail: (name) => here.ask("modelDetail", name),
    gallery: () => data.then(({ gallery }) => gallery),
    lessons: () => data.then(({ lessons }) => ({ lessons })),
    learningDigits: async () => {
      const [train, { test }] = await Promise.all([digitsBeside(), data]);
      return { train, test: { labels: test.labels, data: test.glyphs, packed: false } };
    },
    learner: () => workerOf(`globalThis.digitlabWorker = "static/learning-answers.js";\n${script}`),
    probabilities: (glyphs, names) => here.ask("probabilities", glyphs, names),
    explain: (question) => here.ask("explain", question),
    occlusion: (question) => here.ask("occlusion", question),
    trainings: () =>
      Promise.resolve({ allowed: false, reason: null, refused: /** @type {any} */ ("here"), trainings: [] }),
    diagnose: noDiagnosis,
    mistakes: noDiagnosis,
    startTraining: noTraining,
    stopTraining: noTraining,
    trainingEvents: () => {
      throw new Refused(t("No training can be started now."), 0);
    },
    liveLine: (model) => new LocalLine(here, model),
    damaged: (question) => here.ask("damaged", question),
    addModel: async (file) => here.ask("addModel", file.name, new Uint8Array(await file.arrayBuffer())),
  };
  answerFrom(service);
  return service;
}
