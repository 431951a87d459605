// The page's state as an address: what is written is read again, and what is wrong does no harm.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fragmentOf, isElsewhere, placeOf } from "../../../../src/digitlab/apps/web/static/link.js";

const stroke = (/** @type {number} */ count, erase = false) => ({
  erase,
  points: Array.from({ length: count }, (_, place) => ({ x: 10 + 7.5 * place, y: 300 - 3 * place, width: 20 })),
});
const place = {
  view: "network",
  from: "draw",
  model: "my-net_2.1",
  layer: "conv-2",
  theme: "dark",
  digit: "hard-cut-12",
  lesson: "convolution",
  map: 3,
  step: 4,
  part: 2,
  at: /** @type {[number, number]} */ ([5, 6]),
  language: "es",
  training: { architecture: "tiny-cnn", images: "1000", epochs: "3", rate: "", seed: "7" },
  learning: { network: "dense", method: "adam", rate: "0.001", seed: "7", epochs: "10", label: "4" },
  ink: [stroke(3), stroke(40, true)],
};

test("everything that is said comes back", () => {
  assert.deepEqual(placeOf(`#${fragmentOf(place)}`), place);
  assert.deepEqual(placeOf(""), {});
  assert.equal(fragmentOf({}), "");
});

test("a drawing of ten digits is a link that can be sent", () => {
  const ink = Array.from({ length: 15 }, () => stroke(60));
  const fragment = fragmentOf({ ink });
  assert.ok(fragment.length < 5000, String(fragment.length));
  assert.match(fragment, /^ink=[\w-]+$/);
});

test("a long drawing is still a link that is taken, with all its strokes, only coarser", () => {
  const scribble = (/** @type {number} */ seed) => ({
    erase: false,
    points: Array.from({ length: 500 }, (_, place) => ({
      x: 240 + 200 * Math.cos(place / 9 + seed),
      y: 180 + 150 * Math.sin(place / 7 + seed),
      width: 20,
    })),
  });
  for (const count of [10, 60, 250]) {
    const ink = Array.from({ length: count }, (_, seed) => scribble(seed));
    const found = placeOf(fragmentOf({ ...place, ink }));
    assert.equal(found.ink?.length, count);
    assert.equal(found.view, place.view);
    ink.forEach(({ points }, which) => {
      const got = found.ink?.[which].points ?? [];
      for (const end of [0, -1]) {
        const [one, other] = [points, got].map((each) => each.at(end) ?? { x: Number.NaN, y: Number.NaN });
        assert.ok(Math.hypot(one.x - other.x, one.y - other.y) < 1);
      }
    });
  }
});

test("points that lie on each other are left out, the last one stays", () => {
  const points = Array.from({ length: 100 }, (_, at) => ({ x: 50 + at / 50, y: 50, width: 20 }));
  const [{ points: kept }] = placeOf(fragmentOf({ ink: [{ points, erase: false }] })).ink ?? [];
  assert.ok(kept.length < 5);
  assert.equal(kept.at(-1)?.x, 52);
});

test("what is wrong is left out", () => {
  for (const wrong of [
    "view=<script>",
    "map=-1",
    "map=1e9",
    "step=two",
    "at=1",
    "at=0.1",
    "lang=english",
    "train=a~b",
    "ink=%%%",
    "model=a b",
    `view=${"x".repeat(101)}`,
    "nothing=here",
    "x".repeat(70_000),
  ])
    assert.deepEqual(placeOf(`#${wrong}`), {}, wrong);
  const whole = fragmentOf({ ink: [stroke(30)] });
  for (let length = 5; length < whole.length; length += 7)
    assert.ok((placeOf(whole.slice(0, length)).ink ?? []).length <= 1);
  for (let seed = 1; seed < 200; seed += 1) {
    const letters = Array.from({ length: seed }, (_, at) => "AZaz09-_"[(seed * (at + 3) * 2654435761) % 8]).join("");
    for (const { points } of placeOf(`ink=${letters}`).ink ?? [])
      assert.ok(points.every(({ x, y, width }) => [x, y, width].every(Number.isFinite)));
  }
});

test("a stroke or a setting is no step to go back; another layer is one", () => {
  assert.equal(isElsewhere(place, { ...place, ink: [], theme: "light", at: [1, 1] }), false);
  assert.equal(isElsewhere(place, { ...place, layer: "conv-1" }), true);
});
