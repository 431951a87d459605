// Which maps stand on one screen, and from which each is made.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { base64, startPage } from "./page.js";

before(startPage);
const { Maps } = await import("../../../../src/digitlab/apps/web/static/maps.js");
const { columnsOf, linksOf } = await import("../../../../src/digitlab/apps/web/static/whole-links.js");

/** @param {string} name @param {string} kind @param {number[]} shape @param {string[]} takes @param {any} kernels @returns {any} */
const layer = (name, kind, shape, takes, kernels = null) => ({
  name,
  kind,
  shape,
  takes,
  kernels,
  operator: "",
  parameters: 0,
  field: null,
});
// Two filters on one map, pooled; then two on these: filter 0 looks at map 1 alone, filter 1 at map 0.
const first = { shape: [2, 1, 1, 1], scale: 1, data: base64([1, 2]), bias: null };
const second = { shape: [2, 2, 1, 1], scale: 1, data: base64([0, 100, 100, 0]), bias: null };
const layers = [
  layer("input", "preparation", [2, 2, 1], []),
  layer("conv-1", "convolution", [2, 2, 2], ["input"], first),
  layer("relu-1", "activation", [2, 2, 2], ["conv-1"]),
  layer("pool-1", "pooling", [2, 2, 2], ["relu-1"]),
  layer("conv-2", "convolution", [2, 2, 2], ["pool-1"], second),
  layer("flatten", "flatten", [8], ["conv-2"]),
  layer("dense-1", "dense", [10], ["flatten"]),
];
const maps = new Map(
  layers.map(({ name, shape }) => {
    const [rows, columns, count] = shape.length > 1 ? shape : [1, 1, shape[0]];
    const data = base64(Array.from({ length: rows * columns * count }, (_, place) => place));
    return [name, new Maps({ name, shape: [count, rows, columns], low: 0, high: 1, data })];
  }),
);
const columns = columnsOf(layers, maps);
const links = linksOf(columns, layers);
/** @param {number} column @param {number} map */
const sources = (column, map) =>
  links.filter(({ to }) => to.column === column && to.map === map).map(({ from }) => `${from.column} ${from.map}`);

test("an activation stands for its convolution; what only moves numbers has no column", () => {
  assert.deepEqual(
    columns.map(({ parts }) => parts.map(({ name }) => name)),
    [["input"], ["conv-1", "relu-1"], ["pool-1"], ["conv-2"], ["flatten", "dense-1"]],
  );
  assert.deepEqual(columns[4].shown, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("a pooled map comes from its own; a filtered one first from the map with the largest weights", () => {
  assert.deepEqual(sources(2, 1), ["1 1"]);
  assert.equal(sources(3, 0)[0], "2 1");
  assert.equal(sources(3, 1)[0], "2 0");
  assert.ok(links.every(({ from, to }) => from.column < to.column));
});

test("of many maps the strongest are shown, and behind them their own", () => {
  const many = [layer("conv-1", "convolution", [1, 2, 40], []), layer("pool-1", "pooling", [1, 2, 40], ["conv-1"])];
  const strength = Array.from({ length: 80 }, (_, place) => (place % 2 ? (place * 37) % 200 : 0));
  const made = new Map(
    many.map(({ name }) => [name, new Maps({ name, shape: [40, 1, 2], low: 0, high: 1, data: base64(strength) })]),
  );
  const [convolved, pooled] = columnsOf(many, made);
  assert.equal(convolved.shown.length, 8);
  assert.deepEqual(pooled.shown, convolved.shown);
  assert.ok(convolved.shown.includes(made.get("conv-1")?.strongest()[0] ?? -1));
});
