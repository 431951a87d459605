// What a layer's bytes say, and how numbers become colours.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { base64, fake, pixel, setShade, startPage } from "./page.js";

before(startPage);
const { fromBase64, toBase64 } = await import("../../../../src/digitlab/apps/web/static/api.js");
const { canvas } = await import("../../../../src/digitlab/apps/web/static/elements.js");
const { colourRamp, Maps, paintGlyph, paintNumbers, Weights } = await import(
  "../../../../src/digitlab/apps/web/static/maps.js"
);

const maps = new Maps({ name: "relu-1", shape: [2, 1, 2], low: 0, high: 5.1, data: base64([0, 50, 255, 0]) });

test("base64 and bytes are the same thing", () => {
  assert.equal(toBase64(fromBase64("AAEC/w==")), "AAEC/w==");
  assert.deepEqual([...fromBase64("AAEC/w==")], [0, 1, 2, 255]);
});

test("a byte of a map is a number between the layer's lowest and highest", () => {
  assert.equal(maps.at(0, 0, 1).toFixed(6), "1.000000");
  assert.equal(maps.at(1), 5.1);
  assert.equal(maps.words(0, 0, 1), "1.0", "as exact as a byte can say it");
  const signed = new Maps({ ...maps, shape: [1, 1, 1], low: -1, high: 1.55, data: base64([100]) });
  assert.equal(signed.words(0), "0.00");
});

test("maps that differ most within themselves are the strongest; units by their size", () => {
  assert.deepEqual(maps.strongest(), [1, 0]);
  const units = new Maps({ name: "dense-1", shape: [3, 1, 1], low: -2, high: 2, data: base64([128, 255, 0]) });
  assert.deepEqual(units.strongest().slice(0, 2).sort(), [1, 2]);
});

test("the share of zeros", () => {
  assert.equal(maps.zeros(), 0.5);
  assert.equal(new Maps({ ...maps, shape: [1, 1, 2], low: 1, high: 2, data: base64([0, 9]) }).zeros(), 0);
});

test("a row of units is painted as a nearly square picture, filled up with 0", () => {
  const picture = canvas(1, 1);
  new Maps({ name: "", shape: [5, 1, 1], low: 0, high: 1, data: base64([255, 0, 0, 0, 255]) }).paintTogether(picture);
  assert.deepEqual([picture.width, picture.height], [3, 2]);
  assert.deepEqual(pixel(picture, 0), [213, 94, 0, 255]);
  assert.deepEqual(pixel(picture, 5), [255, 255, 255, 255]);
});

test("0 is paper, above it is orange and below blue, in both themes", () => {
  for (const [theme, zero] of /** @type {["light" | "dark", number[]][]} */ ([
    ["light", [255, 255, 255]],
    ["dark", [32, 35, 41]],
  ])) {
    const colours = colourRamp(-128, 127, 128, theme);
    assert.deepEqual([...colours.slice(4 * 128, 4 * 128 + 3)], zero);
    assert.ok(colours[0] < colours[2], "blue");
    assert.ok(colours[4 * 255] > colours[4 * 255 + 2], "orange");
  }
});

test("weights are an eighth bit's share of the largest, filter by filter", () => {
  const weights = new Weights({
    shape: [2, 2, 1, 2],
    scale: 0.5,
    data: base64([127, 0, 129, 1, 0, 2, 64, 64]),
    bias: null,
  });
  assert.equal(weights.at(0, 0, 0, 0), 0.5);
  assert.equal(weights.at(0, 1, 0, 0), -0.5);
  assert.deepEqual(weights.strongestInputs(0), [1, 0]);
  const picture = canvas(1, 1);
  weights.paint(picture, 0, 1);
  assert.deepEqual([picture.width, picture.height], [2, 1]);
  assert.deepEqual(pixel(picture, 0), [0, 114, 178, 255], "the strongest below 0 is full blue");
});

test("numbers are measured with the largest of them", () => {
  const picture = canvas(1, 1);
  paintNumbers(picture, [[-3, 0, 3]]);
  assert.deepEqual(pixel(picture, 0), [0, 114, 178, 255]);
  assert.deepEqual(pixel(picture, 2), [213, 94, 0, 255]);
  paintNumbers(picture, [[0, 0]]);
  assert.equal(fake(picture).painted?.width, 2, "nothing but zeros can be painted too");
});

test("a glyph is ink on paper, and light on dark in the dark", () => {
  const [picture, bytes] = [canvas(28, 28), new Uint8Array(1568).fill(255, 784, 785)];
  paintGlyph(picture, bytes, 784);
  assert.deepEqual(
    [pixel(picture, 0), pixel(picture, 1)],
    [
      [29, 33, 41, 255],
      [255, 255, 255, 255],
    ],
  );
  setShade("dark");
  paintGlyph(picture, bytes, 784);
  assert.deepEqual(pixel(picture, 0), [236, 238, 241, 255]);
  setShade("light");
});
