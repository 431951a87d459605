// The arithmetic of the tour: softmax, logits, a dense layer, dropout, places in a map.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Maps, Weights } from "../../../../src/digitlab/apps/web/static/maps.js";
import * as tour from "../../../../src/digitlab/apps/web/static/tour-numbers.js";
import { base64 } from "./page.js";

test("the softmax adds up to 1 and keeps the order, however large the logits are", () => {
  for (const logits of [
    [1, 2, 3],
    [1000, 1001, 999],
    [-5000, 0, 5000],
  ]) {
    const shares = tour.softmaxOf(logits);
    assert.ok(Math.abs(shares.reduce((sum, each) => sum + each) - 1) < 1e-12);
    assert.equal(shares.indexOf(Math.max(...shares)), logits.indexOf(Math.max(...logits)));
  }
});

test("the softmax of the logits from probabilities gives these back", () => {
  const shares = [0.7, 0.2, 0.1];
  tour.softmaxOf(tour.logitsFrom(shares)).forEach((each, place) => {
    assert.ok(Math.abs(each - shares[place]) < 1e-12);
  });
  assert.ok(Number.isFinite(tour.logitsFrom([0])[0]));
});

test("a dense layer multiplies, adds up and adds the bias", () => {
  const kernels = { shape: [10, 2, 1, 1], scale: 1.27, data: base64(Array(20).fill(100)), bias: Array(10).fill(0.5) };
  for (const sum of tour.denseOf([1, 2], new Weights(kernels))) assert.equal(sum.toFixed(6), "3.500000");
  assert.equal(tour.denseOf([1, 2], new Weights({ ...kernels, bias: null }))[9].toFixed(6), "3.000000");
});

test("dropout keeps the mean: what is left is made larger", () => {
  const numbers = [0.1, 0.6, 0.4, 0.9];
  assert.deepEqual(
    tour.withGaps([2, 4, 6, 8], 0.5, () => numbers.shift() ?? 0),
    [0, 8, 0, 16],
  );
  assert.deepEqual(
    tour.withGaps([1, 2], 0, () => 0),
    [1, 2],
  );
});

test("a vector becomes a nearly square picture", () => {
  assert.deepEqual(tour.inRows([1, 2, 3, 4, 5]), [
    [1, 2, 3],
    [4, 5, 0],
  ]);
  assert.deepEqual(tour.inRows([1]), [[1]]);
});

test("places where something happens: the large numbers row by row, else the middle", () => {
  const bytes = Array(100).fill(0);
  [bytes[12], bytes[77]] = [255, 200];
  const maps = new Maps({ name: "", shape: [1, 10, 10], low: 0, high: 1, data: base64(bytes) });
  assert.deepEqual(tour.busyPlaces(maps, 0), [
    [1, 2],
    [7, 7],
  ]);
  const flat = new Maps({ name: "", shape: [1, 10, 10], low: 0, high: 1, data: base64(Array(100).fill(9)) });
  assert.deepEqual(tour.busyPlaces(flat, 0), [[5, 5]]);
  const halves = new Maps({
    name: "",
    shape: [1, 20, 20],
    low: 0,
    high: 1,
    data: base64(Array(400).fill(255).fill(0, 150)),
  });
  assert.ok(tour.busyPlaces(halves, 0).length <= 40);
});
