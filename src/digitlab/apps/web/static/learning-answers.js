// The side of a worker that trains: orders come as messages, what came of them goes back.

import { Trainer } from "./learning-trainer.js";

/**
 * @import { Checkpoint, Labelled, Settings } from "./learning-trainer.js"
 * @typedef {{ order: "begin", settings: Settings, train: Labelled, held: Labelled } | { order: "go", epochs: number } | { order: "stop" }} Order
 *   `epochs`: the number after which it stops
 * @typedef {{ epoch: number, batch: number, batches: number, losses: number[], rights: number[], rate: number }} Progress
 *   of the batches since the last one; `rate`: images a second since it began or went on
 * @typedef {{ told: "checkpoint", checkpoint: Checkpoint } | ({ told: "progress" } & Progress) | { told: "stopped" } | { told: "done" } | { told: "failed", message: string }} Told
 */

const SLICE = 30; // milliseconds of work, after which an order is heard
const SAID = 150; // milliseconds between two reports: the page paints its curves anew for each

/** @param {Worker} scope as a worker's own scope is, seen from inside */
export function answerQuestions(scope) {
  /** @type {Trainer | null} */
  let trainer = null;
  let turn = 0; // orders so far: a run ends when another order has come
  let runs = 0; // that have not ended
  let stop = false; // that was the order
  const say = (/** @type {Told} */ told) => scope.postMessage(told);
  /** Let messages in that have come meanwhile; a timer would wait for milliseconds. @returns {Promise<void>} */
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
      if (stop) say({ told: "stopped" }); // behind the last report
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
