// Views whose answers come late or never: what they show must belong to the digit, the model and the language of now.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { base64, FakeElement, fake, setShade, startPage } from "./page.js";

const PAGE = "../../../../src/digitlab/apps/web/static/";
const documents = new EventTarget(); // what is told to the whole document
before(() => {
  startPage();
  setShade("light");
  Object.assign(document, {
    title: "digitlab",
    body: Object.assign(new FakeElement("body"), { querySelectorAll: () => [] }),
    querySelector: () => null,
    getElementById: () => new FakeElement("div"),
    addEventListener: documents.addEventListener.bind(documents),
  });
});
const { answerFrom } = await import(`${PAGE}api.js`);
const { state } = await import(`${PAGE}state.js`);

const later = () => new Promise((done) => setTimeout(done, 5));
/** @param {number} ink @param {number} digit what it is read as */
const inspection = (ink, digit) => ({
  glyph: base64(Array(784).fill(ink)),
  model: "plain",
  layers: [],
  probabilities: Array.from({ length: 10 }, (_, each) => (each === digit ? 0.9 : 0.1 / 9)),
});
/** @type {(() => void)[]} Answers that are still under way. */
const waiting = [];
/** @type {(told: any) => Promise<any>} */
const held = (told) => new Promise((done) => waiting.push(() => done(told)));

/** Put a new digit in front of the views. @param {ReturnType<typeof inspection>} seen @param {object} service */
function look(seen, service = {}) {
  state.models = /** @type {any} */ ([{ name: "plain", source: "shipped", layers: true }]);
  state.model = "plain";
  state.subject = { picture: /** @type {any} */ ({}), from: "pad" };
  answerFrom({ inspect: async () => seen, damaged: null, ...service });
}

/** @param {string} file @param {string} name @param {any[]} more */
async function opened(file, name, ...more) {
  const view = new (await import(`${PAGE}${file}`))[name](
    new FakeElement("div"),
    (/** @type {string} */ trouble) => troubles.push(trouble),
    ...more,
  );
  return view;
}
/** @type {string[]} */
const troubles = [];

test("why: the map of the digit before goes when another digit comes, also if its own cannot be had", async () => {
  const map = { towards: [[1]], fall: [[1]], stride: 28, size: 28, digit: 4, against: 0 };
  const view = await opened("why.js", "WhyView");
  look(inspection(0, 4), { occlusion: async () => map });
  await view.show();
  await later();
  assert.ok(fake(view.heat).painted);
  let asks = 0;
  /** @type {(error: Error) => void} */
  let fail = () => {};
  look(inspection(9, 7), {
    occlusion: () => {
      asks += 1;
      return new Promise((_, failed) => {
        fail = failed;
      });
    },
  });
  await view.show();
  assert.equal(fake(view.heat).painted, null);
  fail(new Error("no answer"));
  await later();
  assert.deepEqual([fake(view.heat).painted, view.heatWords.textContent, troubles.pop()], [null, "", "no answer"]);
  await view.show();
  assert.equal(asks, 2, "it is asked for again");
});

test("doubt: two presses make one row of results, and another model none", async () => {
  const set = { name: "strangers", count: 3, labels: [], data: base64(Array(3 * 784).fill(0)) };
  const view = await opened("damage.js", "DamageView");
  look(inspection(0, 4), {
    modelDetail: async () => ({ layers: [] }),
    gallery: async () => ({ sets: [set] }),
    probabilities: () => held({ probabilities: [[Array(10).fill(0.1)]] }),
    classify: async () => ({ digit: null, confidence: 0 }),
    pictureOf: () => ({}),
  });
  await view.show();
  const press = () =>
    view.panel
      .all("button")
      .find((/** @type {FakeElement} */ each) => each.textContent === "Show both")
      .happens("click");
  const answered = async () => {
    for (let turn = 0; turn < 8; turn += 1) {
      for (const answer of waiting.splice(0)) answer();
      await later();
    }
  };
  press();
  await later();
  press();
  await answered();
  assert.equal(fake(view.places.doubt).children.length, 3);
  press();
  await later();
  state.model = "other";
  await view.show();
  await answered();
  assert.equal(fake(view.places.doubt).children.length, 0);
});

test("tour: a step that is left while its figure is made does not go on", async () => {
  const { STEPS } = await import(`${PAGE}tour-steps.js`);
  let left = 0;
  const figure = () => held({ element: new FakeElement("div"), leave: () => (left += 1) });
  STEPS.splice(0, STEPS.length, { title: "Slow", text: [], figure });
  Object.assign(globalThis, { HTMLElement: class {} });
  const view = await opened("tour.js", "TourView", () => ({}));
  view.panel.checkVisibility = () => !view.panel.hidden;
  look(inspection(0, 4), { modelDetail: async () => ({ layers: [] }) });
  view.show();
  await later();
  view.panel.hidden = true;
  view.hide();
  waiting.shift()?.();
  await later();
  assert.equal(left, 1);
  view.panel.hidden = false;
  view.show();
  await later();
  waiting.shift()?.();
  await later();
  assert.equal(left, 1);
  view.panel.hidden = true;
  view.hide();
  assert.equal(left, 2);
});

test("learning: another language keeps the weights of a convolutional network in the list", async () => {
  const { setLanguage } = await import(`${PAGE}words.js`);
  const { beginTraining, keepCheckpoint } = await import(`${PAGE}learning-checkpoints.js`);
  const { Network } = await import(`${PAGE}learning-network.js`);
  const view = await opened("learning-view.js", "Learning");
  look(inspection(0, 4));
  await view.show();
  view.choose({ network: "convolution" });
  beginTraining({ network: "convolution", method: "sgd", rate: 0.1, seed: 1 });
  const { weights } = new Network("convolution", 2);
  keepCheckpoint({ epoch: 1, right: 1, of: 1, loss: 1, weights });
  view.choices.start.value = "1";
  await setLanguage("es");
  await view.show();
  assert.equal(fake(view.choices.start).children.length, 2);
  assert.deepEqual([view.choices.network.value, view.choices.start.value], ["convolution", "1"]);
  await setLanguage("en");
});

test("learning: a label is chosen for one digit, not for one that is dropped, pasted or brought back after it", async () => {
  const view = await opened("learning-view.js", "Learning");
  look(inspection(0, 4));
  await view.show();
  const acts = [
    new Event("drop"),
    new Event("paste"),
    Object.assign(new Event("keydown"), { ctrlKey: true, key: "z" }),
  ];
  for (const [place, act] of acts.entries()) {
    view.choose({ label: "9" });
    documents.dispatchEvent(act);
    look(inspection(10 + place, 7));
    await view.show();
    assert.equal(view.choices.label.value, "7", act.type);
  }
  view.choose({ label: "9" });
  documents.dispatchEvent(Object.assign(new Event("keydown"), { key: "z" }));
  look(inspection(20, 7));
  await view.show();
  assert.equal(view.choices.label.value, "9");
});
