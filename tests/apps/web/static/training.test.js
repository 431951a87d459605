// The view of a training on the server: one that runs already, a connection that breaks, a server that is busy.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fake, setShade, startPage } from "./page.js";

startPage();
setShade("light");
const { TrainingView } = await import("../../../../src/digitlab/apps/web/static/training.js");

/** A stream of events that the test sends. */
class Source {
  /** @type {Source[]} */
  static all = [];
  /** @type {Map<string, ((event: any) => void)[]>} */
  listeners = new Map();
  closed = false;

  constructor() {
    Source.all.push(this);
  }

  /** @param {string} name @param {(event: any) => void} listener */
  addEventListener(name, listener) {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
  }

  /** @param {string} name @param {unknown} [data] */
  send(name, data) {
    for (const listener of this.listeners.get(name) ?? []) listener({ data: JSON.stringify(data ?? null) });
  }

  close() {
    this.closed = true;
  }
}
Object.assign(globalThis, { EventSource: Source });

const running = {
  id: "trained-1",
  state: "running",
  question: { architecture: "tiny-cnn", images: 500, epochs: 2, learning_rate: null, seed: 1 },
  epochs: [],
  model: null,
  error: null,
  own: null,
};
const busy = { allowed: false, reason: "trained-1 is at work", refused: "busy", trainings: [running] };
const progress = { epoch: 1, batch: 2, batches: 4, losses: [2, 1], accuracies: [0.1, 0.5] };

/** @param {() => Response} answer */
async function shown(answer) {
  globalThis.fetch = () => Promise.resolve(answer());
  const panel = fake(document.createElement("div"));
  /** @type {string[]} */
  const troubles = [];
  const view = new TrainingView(/** @type {any} */ (panel), (trouble) => troubles.push(trouble));
  await view.show();
  return { view, panel, troubles };
}

test("when the training that ran already is over, another one can be started", async () => {
  const { view, panel } = await shown(() => Response.json(busy));
  const start = fake(view.buttons.start);
  assert.match(panel.textContent, /trained-1 is at work/);
  assert.deepEqual([start.hidden, start.attributes.disabled], [true, ""]);
  const source = /** @type {Source} */ (Source.all.at(-1));
  source.send("state", { ...running, state: "failed", error: "the disk is full" });
  assert.ok(source.closed);
  assert.deepEqual([start.hidden, view.buttons.start.disabled], [false, false]);
  assert.equal(view.status.textContent, "the disk is full");
});

test("after a break all events come once more, and each is drawn once", async () => {
  const { view } = await shown(() => Response.json(busy));
  const source = /** @type {Source} */ (Source.all.at(-1));
  for (let turn = 0; turn < 2; turn += 1) {
    source.send("open");
    source.send("progress", progress);
  }
  assert.deepEqual(view.charts.loss.points.batches, [
    [0.25, 2],
    [0.5, 1],
  ]);
});

test("where the server did not answer, it is asked again", async () => {
  let answers = 0;
  const { view, panel, troubles } = await shown(() => {
    answers += 1;
    return answers > 1 ? Response.json({ ...busy, trainings: [] }) : new Response("", { status: 503 });
  });
  assert.equal(troubles.length, 1);
  await view.show();
  assert.match(panel.textContent, /Train a network while you watch/);
});
