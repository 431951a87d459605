// What the parts of the page compute: layers, boxes, charts, covered squares, strokes that may be several digits.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { drawBoxes, showFound } from "../../../../src/digitlab/apps/web/static/boxes.js";
import { mostCertain } from "../../../../src/digitlab/apps/web/static/camera.js";
import { Chart, extent, thinned, ticks } from "../../../../src/digitlab/apps/web/static/chart.js";
import { bySize, explainedView, numbers, othersTogether } from "../../../../src/digitlab/apps/web/static/explained.js";
import { insideGlyph } from "../../../../src/digitlab/apps/web/static/glyph.js";
import * as layers from "../../../../src/digitlab/apps/web/static/layers.js";
import { mayBeSeveral, surroundings } from "../../../../src/digitlab/apps/web/static/pad.js";
import { twoOf } from "../../../../src/digitlab/apps/web/static/pair.js";
import { parts } from "../../../../src/digitlab/apps/web/static/tour.js";
import { rubOut, squareAt } from "../../../../src/digitlab/apps/web/static/why.js";
import { base64, FakeElement, fake, startPage } from "./page.js";

/**
 * @import { Explained, FoundDigit, LayerDetail, ModelDetail } from "../../../../src/digitlab/apps/web/schemas.js"
 */

before(startPage);

/** @type {(name: string, kind: LayerDetail["kind"], shape: number[], takes?: string[], more?: Partial<LayerDetail>) => LayerDetail} */
const layer = (name, kind, shape, takes = [], more = {}) => ({
  ...{ name, kind, shape, takes, operator: kind, parameters: 0, field: null, explainable: true, kernels: null },
  ...more,
});
const NETWORK = [
  layer("input", "preparation", [28, 28, 1]),
  layer("conv-1", "convolution", [26, 26, 8], ["input"]),
  layer("relu-1", "activation", [26, 26, 8], ["conv-1"], { operator: "Relu" }),
  layer("pool-1", "pooling", [13, 13, 8], ["relu-1"]),
  layer("flatten", "flatten", [1352], ["pool-1"]),
  layer("dense-1", "dense", [10], ["flatten"]),
  layer("softmax", "softmax", [10], ["dense-1"]),
];

test("maps come from the convolution before them, through what keeps maps apart", () => {
  assert.equal(layers.convolutionBefore(NETWORK[3], NETWORK)?.name, "conv-1");
  assert.equal(layers.convolutionBefore(NETWORK[5], NETWORK), undefined);
  assert.deepEqual(NETWORK.map(layers.makesMaps), [true, true, true, true, false, false, false]);
  assert.equal(layers.shapeWords([28, 28, 1352]), "28×28×1,352");
});

test("a layer is described by its kind, other activations and global pooling by their own words", () => {
  assert.match(layers.layerWords(NETWORK[2]), /^ReLU: /);
  assert.match(layers.layerWords({ ...NETWORK[2], operator: "Tanh" }), /Tanh/);
  assert.match(layers.layerWords({ ...NETWORK[3], operator: "GlobalAveragePool" }), /^Global pooling/);
});

test("a unit sees its receptive field", () => {
  const seeing = { ...NETWORK[1], field: { size: [3, 5], step: [2, 1], middle: [1, 2] } };
  assert.deepEqual(layers.fieldOf(seeing, 0, 0), [0, 0, 5, 3]);
  assert.deepEqual(layers.fieldOf(seeing, 2, 1), [1, 4, 6, 7]);
  assert.deepEqual(layers.fieldOf(NETWORK[5], 9, 9), [0, 0, 28, 28]);
  assert.deepEqual(insideGlyph([-2, 3, 4, 31]), { x: 0, y: 3, width: 4, height: 25 });
});

test("the tour stops at the layers that a network has", () => {
  const shapes = NETWORK.map(({ name, shape }) => ({
    ...{ name, shape: shape.length === 3 ? [shape[2], shape[0], shape[1]] : [shape[0], 1, 1], low: 0, high: 1 },
    data: base64([]),
  }));
  const seen = {
    digit: 4,
    confidence: 1,
    probabilities: [],
    model: "m",
    glyph: base64(Array(784).fill(0)),
    layers: shapes,
    ms: 1,
  };
  const detail = /** @type {ModelDetail} */ (/** @type {unknown} */ ({ layers: NETWORK }));
  const about = parts(detail, seen);
  assert.deepEqual(
    [
      about.convolution,
      about.relu,
      about.beforeRelu,
      about.pool,
      about.beforePool,
      about.dense,
      about.row,
      about.softmax,
    ].map((each) => each?.name),
    ["conv-1", "relu-1", "conv-1", "pool-1", "relu-1", "dense-1", "flatten", "softmax"],
  );
  assert.equal(about.deeper, undefined, "one convolution alone is not deep");
  assert.equal(about.glyph.length, 784);
});

test("an axis has three to six round steps around its numbers", () => {
  for (const [low, high] of [
    [0, 1],
    [0.013, 0.74],
    [-3, 12],
    [97.1, 97.4],
    [0, 2300],
  ]) {
    const steps = ticks(low, high);
    assert.ok(steps.length >= 3 && steps.length <= 6, `${steps}`);
    assert.ok(steps[0] <= low && steps[steps.length - 1] >= high);
  }
  assert.deepEqual(ticks(0, 1), [0, 0.5, 1]);
});

test("one outlier does not stretch the axis, and equal numbers still have one", () => {
  assert.deepEqual(extent([]), [0, 1]);
  assert.deepEqual(extent([5, 5]), [4.95, 5.05]);
  const values = Array.from({ length: 100 }, (_, place) => place / 100);
  assert.deepEqual(extent([...values, 50]), [0, 0.98]);
});

test("a long curve keeps its greatest and least numbers", () => {
  /** @type {[number, number][]} */
  const points = Array.from({ length: 3000 }, (_, x) => [x, x === 1234 ? 9 : x === 2222 ? -9 : 0]);
  const kept = thinned(points);
  assert.ok(kept.length <= 600);
  assert.ok(kept.some(([x, y]) => x === 1234 && y === 9) && kept.some(([x, y]) => x === 2222 && y === -9));
  assert.ok(
    kept.every(([x], place) => !place || x >= kept[place - 1][0]),
    "in order",
  );
  assert.equal(thinned(points.slice(0, 300)).length, 300);
});

test("a chart draws its curves and tells their last numbers", () => {
  const curves = {
    tested: { label: "tested", class: "tested", dots: true },
    batches: { label: "batch", class: "training" },
  };
  const chart = new Chart({ title: "Loss", across: "epoch", curves, write: (value) => value.toFixed(2) });
  chart.clear(2);
  chart.add("tested", 1, 0.5);
  chart.add("tested", 2, 0.25);
  chart.add("tested", 3, null);
  assert.equal(fake(chart.picture).all("circle").length, 2);
  assert.equal(fake(chart.summary).textContent, "tested: 0.25");
  assert.equal(fake(chart.picture).all("polyline")[0].attributes.points.split(" ").length, 2);
});

/** @type {(x: number, y: number, width: number, height: number, erase?: boolean) => any} */
const stroke = (x, y, width, height, erase = false) => ({
  kind: "line",
  erase,
  points: [
    { x, y, width: 20 },
    { x: x + width, y: y + height, width: 20 },
  ],
});

test("strokes that touch are one digit; apart, or far along a line, they may be several", () => {
  assert.equal(mayBeSeveral([]), false);
  assert.equal(mayBeSeveral([stroke(10, 10, 40, 100), stroke(45, 10, 30, 90)]), false);
  assert.equal(mayBeSeveral([stroke(10, 10, 40, 100), stroke(200, 10, 40, 100)]), true);
  assert.equal(
    mayBeSeveral([stroke(10, 10, 40, 100), stroke(200, 10, 40, 100), stroke(45, 20, 160, 20)]),
    true,
    "wide",
  );
  assert.equal(
    mayBeSeveral([stroke(10, 10, 40, 100), stroke(200, 10, 40, 100, true)]),
    false,
    "the eraser leaves no ink",
  );
});

test("a digit is cut out with a fifth of its size around it, as far as the picture goes", () => {
  assert.deepEqual(surroundings([50, 60, 60, 80], { width: 100, height: 84 }), [44, 54, 66, 84]);
  assert.deepEqual(surroundings([1, 1, 11, 11], { width: 100, height: 100 }), [0, 0, 15, 15]);
});

test("rubbing out takes the pixels around the pointer, and none beyond the edge", () => {
  const glyph = new Uint8Array(784).fill(9);
  rubOut(glyph, 10, 10);
  assert.equal(glyph.filter((each) => each === 0).length, 9);
  rubOut(glyph, 0, 0);
  assert.equal(glyph.filter((each) => each === 0).length, 13);
  assert.equal(glyph.length, 784);
});

test("the square that was covered lies around its place of the map", () => {
  assert.deepEqual(squareAt(3, 5, { stride: 2, size: 5 }), [4, 8, 9, 13]);
});

test("two models: what was chosen by hand stays, the page's one is beside another", () => {
  assert.deepEqual(twoOf(["a"], "a", []), ["a"]);
  assert.deepEqual(twoOf(["a", "b"], "b", []), ["b", "a"]);
  assert.deepEqual(twoOf(["a", "b", "c"], "a", [null, "a"]), ["b", "a"]);
  assert.deepEqual(twoOf(["a", "b", "c"], "a", ["c", "b"]), ["c", "b"]);
  assert.deepEqual(twoOf(["a", "b"], "a", ["gone", null]), ["a", "b"]);
});

/** @type {(digit: number | null, confidence: number, box?: number[]) => FoundDigit} */
const found = (digit, confidence, box = [0, 0, 10, 20]) => ({ digit, confidence, box, line: 0 });

test("the most certain digit is one that was answered", () => {
  assert.equal(mostCertain([found(null, 0.99), found(3, 0.6), found(4, 0.8)])?.digit, 4);
  assert.equal(mostCertain([found(null, 0.99)]), undefined);
});

test("boxes lie where the digits are, and one has a button for each of several", () => {
  const overlay = new FakeElement("svg");
  const digits = [found(4, 0.9, [1, 2, 11, 22]), found(null, 0.4)];
  drawBoxes(/** @type {any} */ (overlay), digits, 100, 60, 0);
  assert.equal(overlay.attributes.viewBox, "0 0 100 60");
  assert.deepEqual(
    overlay.children.map((each) => each.attributes.class),
    ["read chosen", "declined "],
  );
  const { x, y, width, height } = overlay.all("rect")[0].attributes;
  assert.deepEqual([x, y, width, height], ["1", "2", "10", "20"]);
  const group = new FakeElement("div");
  showFound(/** @type {any} */ (group), digits, 0, () => {});
  assert.deepEqual([group.hidden, group.children.map((each) => each.textContent)], [false, ["4", "?"]]);
  showFound(/** @type {any} */ (group), digits.slice(0, 0), 0, () => {});
  assert.equal(group.hidden, true);
});

/** @type {Explained} */
const EXPLAINED = {
  layer: "conv-1",
  kind: "convolution",
  channel: 0,
  row: 1,
  column: 1,
  field: null,
  inputs: [0, 1, 2, 3, 4],
  patch: Array(5).fill([[1, 2]]),
  kernel: Array(5).fill([[0.5, 0.5]]),
  products: Array(5).fill([[0.5, 1]]),
  sums: [0.25, -3, 1, 2, 0.5],
  rest: 0,
  bias: -0.5,
  before: 0.25,
  activation: "Relu",
  after: 0.25,
  network: 0.25,
};

test("of a sum the largest parts are written out, and the others together", () => {
  const sums = EXPLAINED.sums ?? [];
  assert.deepEqual(bySize(sums), [1, 3, 2, 4, 0]);
  assert.equal(othersTogether(EXPLAINED, sums, [1, 3, 2]), 0.75);
  const text = fake(explainedView(EXPLAINED)).textContent;
  assert.match(text, /the others together: 0\.75/);
  assert.match(text, /0\.75 − 0\.50 = 0\.25/);
  assert.match(text, /Relu\(0\.25\) = 0\.25/);
});

test("a unit's products are a table, a pooling's window an arrow", () => {
  const one = (/** @type {number} */ value) => Array(5).fill([[value]]);
  const unit = {
    ...EXPLAINED,
    kind: "dense",
    patch: one(2),
    kernel: one(0.1),
    products: one(0.2),
    sums: null,
    before: 0.5,
  };
  assert.equal(fake(explainedView(unit)).all("tr").length, 6);
  const pooled = {
    ...EXPLAINED,
    kind: "pooling",
    kernel: null,
    products: null,
    sums: null,
    patch: [
      [
        [1, 2],
        [3, 4],
      ],
    ],
    after: 4,
  };
  const view = fake(explainedView(pooled));
  assert.match(view.textContent, /→ 4$/);
  assert.deepEqual(
    view
      .all("td")
      .filter((each) => each.attributes.class)
      .map((each) => each.textContent),
    ["4"],
  );
});

test("a window too large to be read is a picture", () => {
  assert.equal(fake(numbers(Array(8).fill([1, 2]), "window")).tag, "canvas");
  assert.equal(fake(numbers([[1, 2]], "window")).tag, "table");
});
