// Learning in the browser: gradients and optimisers are those of Keras and of finite differences; the same seed, the same weights.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { answerQuestions } from "../../../../src/digitlab/apps/web/static/learning-answers.js";
import * as networks from "../../../../src/digitlab/apps/web/static/learning-network.js";
import { METHODS, Optimiser, USUAL_RATE } from "../../../../src/digitlab/apps/web/static/learning-optimiser.js";
import { BATCH, Trainer } from "../../../../src/digitlab/apps/web/static/learning-trainer.js";
import { random } from "../../../../src/digitlab/apps/web/static/random.js";

/** @import { Kind } from "../../../../src/digitlab/apps/web/static/learning-network.js" */

const { KINDS, likeliest, lossOf, Network, PIXELS } = networks;
const python = JSON.parse(readFileSync(new URL("./learning-from-python.json", import.meta.url), "utf8"));
const glyphs = Uint8Array.from(python.glyphs.flat());
/** @type {number[]} */
const labels = python.labels;

/** @param {ArrayLike<number>} found @param {ArrayLike<number>} wanted @param {number} allowed @param {string} name */
function near(found, wanted, allowed, name) {
  assert.equal(found.length, wanted.length, name);
  for (let place = 0; place < wanted.length; place++)
    assert.ok(Math.abs(found[place] - wanted[place]) <= allowed, `${name} ${place}: ${found[place]}, ${wanted[place]}`);
}

/** As Python has it: the weights of the seed, and biases that are not 0. @param {Kind} kind */
function network(kind) {
  const made = new Network(kind, python.seed);
  for (const { bias } of made.weighted) bias.values.set(bias.values.map((_, unit) => 0.05 * Math.cos(unit)));
  return made;
}

/** Gradients of both digits' losses, summed. @param {InstanceType<typeof Network>} made */
function learn(made) {
  made.clearGradients();
  return labels.map((label, row) => {
    const probabilities = made.forward(glyphs, PIXELS * row);
    const pixels = Array.from(made.backward(probabilities, label, true));
    return { probabilities, pixels, loss: lossOf(probabilities, label) };
  });
}

for (const kind of KINDS) {
  const wanted = python.networks[kind];

  test(`${kind}: probabilities, loss and gradients are those of Keras and of finite differences`, () => {
    const made = network(kind);
    const told = learn(made);
    told.forEach(({ probabilities }, row) => {
      near(probabilities, wanted.probabilities[row], 1e-6, "probabilities");
    });
    near([(told[0].loss + told[1].loss) / 2], [wanted.loss], 1e-6, "loss");
    near(
      told[0].pixels.map((each) => each / 2),
      wanted.pixels,
      1e-6,
      "gradients of the pixels",
    );
    made.parameters.forEach(({ values, gradient }, which) => {
      const { places, weights, keras, differences, size } = wanted.arrays[which];
      const at = (/** @type {ArrayLike<number>} */ all, share = 1) =>
        places.map((/** @type {number} */ p) => share * all[p]);
      near(at(values), weights, 1e-7, "weights of the seed");
      near(at(gradient, 0.5), keras, 1e-5, "Keras");
      near(at(gradient, 0.5), differences, 1e-4, "finite differences");
      near([Math.hypot(...gradient) / 2], [size], 1e-5 + 1e-5 * size, "the whole gradient");
    });
  });

  for (const method of METHODS)
    test(`${kind}: three steps of ${method} are those of Keras, and each weight moves as it was said to`, () => {
      const made = network(kind);
      const optimiser = new Optimiser(method, python.rates[method], made.parameters);
      for (let step = 0; step < 3; step++) {
        learn(made);
        for (const { gradient } of made.parameters) gradient.set(gradient.map((each) => each / 2));
        const { places } = wanted.arrays[0];
        const before = made.parameters[0].values.slice();
        const said = places.map((/** @type {number} */ place) => before[place] + optimiser.change(0, place));
        optimiser.step();
        near(
          places.map((/** @type {number} */ place) => made.parameters[0].values[place]),
          said,
          1e-6,
          "as it was said",
        );
      }
      made.parameters.forEach(({ values }, which) => {
        const { places, [`after-${method}`]: after } = wanted.arrays[which];
        near(
          places.map((/** @type {number} */ place) => values[place]),
          after,
          method === "adam" ? 2e-5 : 1e-6, // Adam divides by the gradients' sizes: the smallest say nothing of their sign
          `after ${method}`,
        );
      });
    });
}

/** Digits that can be told apart: a bar at a place of their own. @param {number} count */
function bars(count) {
  const next = random(3);
  const made = {
    glyphs: new Uint8Array(PIXELS * count),
    labels: Uint8Array.from({ length: count }, (_, row) => row % 10),
  };
  made.labels.forEach((label, row) => {
    for (let place = 0; place < 60; place++)
      made.glyphs[PIXELS * row + 28 * (2 * label + 4 + (place % 2)) + Math.floor(28 * next())] = 255;
  });
  return made;
}

/** @param {Kind} kind @param {number} seed */
const trainer = (kind, seed) =>
  new Trainer({ network: kind, method: "adam", rate: 0.003, seed }, bars(330), {
    ...bars(50),
    labels: bars(50).labels,
  });

/** @param {Trainer} trained @param {number} epochs */
function train(trained, epochs) {
  const told = [];
  while (trained.epoch < epochs) {
    while (!trained.epochIsOver) trained.step();
    told.push(trained.endEpoch());
  }
  return told;
}

for (const kind of KINDS)
  test(`${kind}: it learns, and the same seed gives the same weights`, () => {
    const [one, same, other] = [train(trainer(kind, 1), 6), train(trainer(kind, 1), 6), train(trainer(kind, 2), 1)];
    assert.ok(one[5].right >= 45, `${one[5].right} of 50`);
    assert.ok(one[5].loss < one[0].loss);
    assert.deepEqual(one, same);
    assert.notDeepEqual(one[0].weights, other[0].weights);
  });

test("every image is taken once an epoch, the last batch as it is left", () => {
  const trained = trainer("dense", 1);
  const sizes = [];
  while (!trained.epochIsOver) sizes.push(trained.step().of);
  assert.deepEqual([sizes.length, sizes.at(-1)], [trained.batches, 330 % BATCH]);
  assert.equal(
    sizes.reduce((sum, each) => sum + each, 0),
    330,
  );
});

test("what an optimiser remembers can be gone back to", () => {
  const made = network("dense");
  const optimiser = new Optimiser("adam", USUAL_RATE.adam, made.parameters);
  const [weights, remembered] = [made.weights, optimiser.remembered];
  const once = () => {
    learn(made);
    optimiser.step();
    return likeliest(made.forward(glyphs)) + made.parameters[0].values[400];
  };
  const first = once();
  made.weights = weights;
  optimiser.memory = remembered;
  assert.equal(once(), first);
});

/** The worker's side with a page that writes down what it is told. */
function worker() {
  /** @type {any[]} */
  const messages = [];
  /** @type {(event: { data: any }) => void} */
  let hear = () => {};
  const scope = {
    postMessage: (/** @type {any} */ message) => messages.push(message),
    addEventListener: (/** @type {string} */ _, /** @type {typeof hear} */ listener) => {
      hear = listener;
    },
  };
  answerQuestions(/** @type {any} */ (scope));
  const until = async (/** @type {string} */ name) => {
    while (!messages.some((each) => each.type === name)) await new Promise((done) => setTimeout(done, 1));
  };
  return { messages, until, order: (/** @type {any} */ data) => hear({ data }) };
}

test("a training that was stopped and went on is the same as one that was not", async () => {
  const settings = { network: "dense", method: "momentum", rate: 0.01, seed: 5 };
  const digits = bars(3000);
  const begin = { order: "begin", settings, train: digits, held: bars(20) };
  const [one, other] = [worker(), worker()];
  one.order(begin);
  one.order({ order: "go", epochs: 2 });
  await one.until("done");
  other.order(begin);
  other.order({ order: "go", epochs: 2 });
  await other.until("progress");
  other.order({ order: "stop" });
  await other.until("stopped");
  assert.equal(other.messages.at(-1).type, "stopped", "behind all reports");
  const stood = other.messages.filter(({ type }) => type === "progress").length;
  await new Promise((done) => setTimeout(done, 60));
  assert.equal(other.messages.filter(({ type }) => type === "progress").length, stood, "it stands still");
  assert.ok(!other.messages.some(({ type }) => type === "done"));
  other.order({ order: "go", epochs: 2 });
  await other.until("done");
  const checkpoints = (/** @type {any[]} */ messages) => messages.filter((each) => each.type === "checkpoint");
  assert.equal(checkpoints(one.messages).length, 3);
  assert.deepEqual(checkpoints(other.messages), checkpoints(one.messages));
  const losses = (/** @type {any[]} */ messages) => messages.flatMap((each) => each.losses ?? []);
  assert.deepEqual(losses(other.messages), losses(one.messages));
});
