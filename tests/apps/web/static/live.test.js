// The camera without a server: the tracker has the same steady text at every frame as Python's, and so have its parts.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const BROWSER = "../../../../src/digitlab/apps/web/browser/";
const expected = JSON.parse(readFileSync(new URL("./live-from-python.json", import.meta.url), "utf8"));
const { DigitFilter } = await import(`${BROWSER}digit-filter.js`);
const { compared, cutPatch, FrameInk } = await import(`${BROWSER}live-ink.js`);
const { Tracker } = await import(`${BROWSER}tracks.js`);
const { Backend } = await import(`${BROWSER}backend.js`);

/**
 * @typedef {[number, number, number, number]} Box
 * @typedef {{
 *   marks: [number, number, number][], hand: Box | null, light: number, found: [Box, number, number, number][]
 * }} Scene As in tools/write_live_numbers.py.
 */

const [WIDTH, HEIGHT] = expected.size;
const [PAPER, INK] = expected.levels;
const SKETCHES = expected.sketches.map((/** @type {string} */ each) => Uint8Array.from(Buffer.from(each, "base64")));

/** Draw a scene, as `frame_of` does in Python. @param {Scene} scene */
function frameOf({ marks, hand, light }) {
  const grey = new Uint8Array(WIDTH * HEIGHT);
  for (let y = 0, at = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH; x++, at++) grey[at] = PAPER + ((7 * x + 13 * y + ((x * y) % 5)) % 9);
  for (const [sketch, left, top] of marks)
    SKETCHES[sketch].forEach((/** @type {number} */ ink, /** @type {number} */ place) => {
      const at = (top + Math.floor(place / 40)) * WIDTH + left + (place % 40);
      grey[at] -= Math.floor(((grey[at] - INK) * ink) / 255);
    });
  const data = new Uint8Array(3 * WIDTH * HEIGHT);
  for (let each = 0; each < data.length; each++) data[each] = (grey[Math.floor(each / 3)] * light) >> 8;
  const [x0, y0, x1, y1] = hand ?? [0, 0, 0, 0];
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) data.set(expected.hand, 3 * (y * WIDTH + x));
  return { width: WIDTH, height: HEIGHT, channels: 3, data };
}

/** @param {Scene} scene */
const detectionsOf = ({ found }) =>
  found.map(([box, digit, confidence, score]) => ({
    box,
    line: 0,
    digit: digit < 0 ? null : digit,
    probabilities: Array.from({ length: 10 }, (_, each) => (each === digit ? confidence : (1 - confidence) / 9)),
    score,
  }));

for (const [name, { scenes, frames }] of Object.entries(expected.films))
  test(`a film has the same steady text at every frame as in Python: frames per second: ${name}`, () => {
    const tracker = new Tracker();
    const [pictures, found] = [scenes.map(frameOf), scenes.map(detectionsOf)];
    for (const [at, scene, steady, drawing] of frames) {
      tracker.add(found[scene], at, pictures[scene]);
      assert.deepEqual([at, tracker.steady, tracker.drawing], [at, steady, drawing]);
    }
  });

test("the belief about a place is the same after every frame", () => {
  const filter = new DigitFilter();
  expected.beliefs.forEach(
    (/** @type {any} */ { seconds, seen, states, classes, stood }, /** @type {number} */ row) => {
      filter.step(seconds, seen);
      const found = [...filter.belief.states, ...filter.belief.classes, filter.stood];
      [...states, ...classes, stood].forEach((wanted, place) => {
        assert.ok(
          Math.abs(found[place] - wanted) < 1e-9,
          `step ${row}, number ${place}: ${found[place]}, not ${wanted}`,
        );
      });
    },
  );
});

test("what became of the ink at a place is the same, to the pixel", () => {
  const pictures = expected.scenes.map(frameOf);
  for (const [before, after, box, there, sight, count] of expected.comparisons) {
    const found = compared(cutPatch(pictures[before], box), pictures[after], there);
    assert.deepEqual([before, after, there, ...found], [before, after, there, sight, count]);
  }
});

test("new ink is seen in a larger frame as well, in the same frames", () => {
  const [seen, by] = [new FrameInk(), expected.larger];
  const large = (/** @type {Scene} */ scene) => {
    const { width, height, data } = frameOf(scene);
    const pixels = new Uint8Array(by * by * data.length);
    for (let y = 0, to = 0; y < by * height; y++)
      for (let x = 0; x < by * width; x++, to += 3) {
        const from = 3 * (Math.floor(y / by) * width + Math.floor(x / by));
        pixels.set(data.subarray(from, from + 3), to);
      }
    return { width: by * width, height: by * height, channels: 3, data: pixels };
  };
  const scenes = expected.scenes.slice(0, expected.new.length).map(large);
  const found = scenes.map((/** @type {any} */ each, /** @type {number} */ at) =>
    seen.isNew(each, at / 10, [0, 0], []),
  );
  assert.deepEqual(found, expected.new);
  assert.ok(found.includes(true) && found.includes(false));
});

test("a camera's frames are answered with the tracker's text, and a new line begins anew", () => {
  const shipped = (/** @type {string} */ name) =>
    readFileSync(new URL(`../../../../src/digitlab/reading/shipped/${name}.onnx`, import.meta.url)).toString("base64");
  const backend = new Backend({
    page: shipped("page"),
    models: [{ name: "reader", source: "shipped", onnx: shipped("reader") }],
    gallery: { sets: [{ data: "", labels: [] }] },
  });
  const of = (/** @type {Scene} */ scene) => {
    const { width, height, data } = frameOf(scene);
    const rgba = Uint8ClampedArray.from({ length: 4 * width * height }, (_, at) =>
      at % 4 === 3 ? 255 : data[3 * (at >> 2) + (at % 4)],
    );
    return { width, height, data: rgba };
  };
  const [seven] = expected.scenes.filter((/** @type {Scene} */ { found }) => found.length === 1 && found[0][1] === 7);
  const [paper, written] = [of(expected.scenes[0]), of(seven)];
  let number = 0;
  const told = (/** @type {any} */ picture, /** @type {number} */ at, first = false) => {
    const { frame, text, steady, drawing, error } = backend.live(picture, "reader", number++, at, first);
    assert.deepEqual([frame, error], [number - 1, null]);
    return [text, steady, drawing];
  };
  assert.deepEqual(told(paper, 0, true), ["", null, false]);
  assert.deepEqual(told(paper, 200), ["", "", false]);
  assert.deepEqual(told(written, 400), ["7", null, false]);
  for (const at of [600, 800, 1000]) told(written, at);
  assert.deepEqual(told(written, 1200), ["7", "7", false]);
  assert.deepEqual(told(paper, 1300), ["", null, true]); // erased: the pencil
  assert.deepEqual(told(written, 1400, true), ["7", null, false]);
});
