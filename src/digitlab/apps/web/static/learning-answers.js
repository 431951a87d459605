// The worker's side of a training: orders come in as messages, results are posted back.

import { Trainer } from "./learning-trainer.js";

/**
 * @import { Checkpoint, Labelled, Settings } from "./learning-trainer.js"
 * @typedef {{ order: "begin", settings: Settings, train: Labelled, held: Labelled } | { order: "go", epochs: number } | { order: "stop" }} Order
 *   `epochs`: the training stops after this many
 * @typedef {{ epoch: number, batch: number, batches: number, losses: number[], rights: number[], rate: number }} Progress
 *   of the batches since the last report; `rate`: images per second since the training began or was resumed
 * @typedef {{ told: "checkpoint", checkpoint: Checkpoint } | ({ told: "progress" } & Progress) | { told: "stopped" } | { told: "done" } | { told: "failed", message: string }} Told
 */

const SLICE = 30; // milliseconds of work between two checks for an order
const SAID = 150; // milliseconds between two reports: the page redraws its curves for each

/** @param {Worker} scope the worker's global scope */
export function answerQuestions(scope) {
  /** @type {Trainer | null} */
  let trainer = null;
  let turn = 0; // number of orders so far: a run ends when another order arrives
  let runs = 0; // number of runs that have not ended
  let stop = false; // whether the last order was to stop
  const say = (/** @type {Told} */ told) => scope.postMessage(told);
  /** Let pending messages be handled; a timer would wait for milliseconds. @returns {Promise<void>} */
  const pause = () =>
    new Promise((done) => {
      const { port1: here, port2: there } = new MessageChannel();
      here.onmessage = () => {
        here.close();
        done();
      };
      there.postMessage(null);
    });

  /** @param {Trainer} running @param {number} epochs */
  async function run(running, epochs) {
    const own = turn;
    const start = performance.now();
    let [images, said] = [0, start];
    /** @type {{ losses: number[], rights: number[] }} */
    let since = { losses: [], rights: [] };
    const report = () => {
      const { epoch, batch, batches } = running;
      said = performance.now();
      say({ told: "progress", epoch, batch, batches, ...since, rate: (1000 * images) / (said - start) });
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
      if (running.epochIsOver || performance.now() - said > SAID) report();
      if (running.epochIsOver) say({ told: "checkpoint", checkpoint: running.endEpoch() });
      await pause();
      if (own === turn) continue;
      if (since.losses.length && trainer === running) report();
      if (stop) say({ told: "stopped" }); // after the last report
      return;
    }
    say({ told: "done" });
  }

  scope.addEventListener("message", ({ data }) => {
    const order = /** @type {Order} */ (data);
    turn += 1;
    stop = order.order === "stop";
    try {
      if (order.order === "begin") {
        trainer = new Trainer(order.settings, order.train, order.held);
        say({ told: "checkpoint", checkpoint: trainer.checkpoint() });
      } else if (order.order === "stop") {
        if (!runs) say({ told: "stopped" });
      } else if (trainer) {
        runs += 1;
        run(trainer, order.epochs)
          .catch((error) => say({ told: "failed", message: error.message }))
          .finally(() => {
            runs -= 1;
          });
      }
    } catch (error) {
      say({ told: "failed", message: error.message });
    }
  });
}
