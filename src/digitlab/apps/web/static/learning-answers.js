// The worker's side of a training: orders come in as messages, results are posted back.

import { Trainer } from "./learning-trainer.js";

/**
 * @import { Checkpoint, Labelled, Settings } from "./learning-trainer.js"
 * @typedef {{ order: "begin", settings: Settings, train: Labelled, held: Labelled } | { order: "go", epochs: number } | { order: "stop" }} Order
 *   `epochs`: the training stops after this many
 * @typedef {{ epoch: number, batch: number, batches: number, losses: number[], rights: number[], rate: number }} Progress
 *   of the batches since the last report; `rate`: images per second since the training began or was resumed
 * @typedef {{ type: "checkpoint", checkpoint: Checkpoint } | ({ type: "progress" } & Progress) | { type: "stopped" } | { type: "done" } | { type: "failed", message: string }} Report
 */

const SLICE = 30; // milliseconds of work between two checks for an order
const REPORT_EVERY = 150; // milliseconds between two reports: the page redraws its curves for each

/** @param {Worker} scope the worker's global scope */
export function answerQuestions(scope) {
  /** @type {Trainer | null} */
  let trainer = null;
  let turn = 0; // number of orders so far: a run ends when another order arrives
  let runs = 0; // number of runs that have not ended
  let stop = false; // whether the last order was to stop
  const post = (/** @type {Report} */ message) => scope.postMessage(message);
  /** Let pending messages be handled; a timer would wait for milliseconds. @returns {Promise<void>} */
  const pause = () =>
    new Promise((done) => {
      const { port1: receiver, port2: sender } = new MessageChannel();
      receiver.onmessage = () => {
        receiver.close();
        done();
      };
      sender.postMessage(null);
    });

  /** @param {Trainer} running @param {number} epochs */
  async function run(running, epochs) {
    const own = turn;
    const start = performance.now();
    let [images, lastReport] = [0, start];
    /** @type {{ losses: number[], rights: number[] }} */
    let since = { losses: [], rights: [] };
    const report = () => {
      const { epoch, batch, batches } = running;
      lastReport = performance.now();
      post({ type: "progress", epoch, batch, batches, ...since, rate: (1000 * images) / (lastReport - start) });
      since = { losses: [], rights: [] };
    };
    while (running.epoch < epochs) {
      const slice = performance.now();
      while (!running.epochIsOver && performance.now() - slice < SLICE) {
        const { loss, right, of } = running.step();
        since.losses.push(loss);
        since.rights.push(right / of);
        images += of;
      }
      if (running.epochIsOver || performance.now() - lastReport > REPORT_EVERY) report();
      if (running.epochIsOver) post({ type: "checkpoint", checkpoint: running.endEpoch() });
      await pause();
      if (own === turn) continue;
      if (since.losses.length && trainer === running) report();
      if (stop) post({ type: "stopped" }); // after the last report
      return;
    }
    post({ type: "done" });
  }

  scope.addEventListener("message", ({ data }) => {
    const order = /** @type {Order} */ (data);
    turn += 1;
    stop = order.order === "stop";
    try {
      if (order.order === "begin") {
        trainer = new Trainer(order.settings, order.train, order.held);
        post({ type: "checkpoint", checkpoint: trainer.checkpoint() });
      } else if (order.order === "stop") {
        if (!runs) post({ type: "stopped" });
      } else if (trainer) {
        runs += 1;
        run(trainer, order.epochs)
          .catch((error) => post({ type: "failed", message: error.message }))
          .finally(() => {
            runs -= 1;
          });
      }
    } catch (error) {
      post({ type: "failed", message: error.message });
    }
  });
}
