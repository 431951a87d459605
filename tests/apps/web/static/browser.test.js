// What the page without a server computes is what Python computes: numbers that OpenCV, ONNX Runtime and the reader made.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inflateSync } from "node:zlib";

const BROWSER = "../../../../src/digitlab/apps/web/browser/";
/** @param {string} path */
const file = (path) => new Uint8Array(readFileSync(new URL(path, import.meta.url)));
const { given, made } = JSON.parse(readFileSync(new URL("./from-python.json", import.meta.url), "utf8"));
const { byArea, crop, halvedTo, linear, rounded, turned } = await import(`${BROWSER}pictures.js`);
const { grey, lab } = await import(`${BROWSER}colours.js`);
const { brushed, closed, distances, median } = await import(`${BROWSER}windows.js`);
const { inkStrength } = await import(`${BROWSER}ink.js`);
const { mainDigit } = await import(`${BROWSER}glyphs.js`);
const { lineInk } = await import(`${BROWSER}line-ink.js`);
const { withLineContext } = await import(`${BROWSER}line-context.js`);
const { signsOf, withSigns } = await import(`${BROWSER}marks.js`);
const { linesOf, numbersOf, writtenLines } = await import(`${BROWSER}numbers.js`);
const { setUpright } = await import(`${BROWSER}orientation.js`);
const { Classifier } = await import(`${BROWSER}classifier.js`);
const { PageNetwork, Reader } = await import(`${BROWSER}reader.js`);
const { OPERATORS } = await import(`${BROWSER}layers.js`);
const { Layers, toBase64 } = await import(`${BROWSER}looking.js`);
const { ModelError, readOnnx } = await import(`${BROWSER}onnx.js`);
const { moduleBytes } = await import(`${BROWSER}kernels.js`);
const { greyPng } = await import(`${BROWSER}png.js`);
const { Tensor } = await import(`${BROWSER}tensor.js`);

/** @param {{ type: string, data: string }} packed */
function numbers({ type, data }) {
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  return type === "float32" ? new Float32Array(bytes.buffer) : bytes;
}
/** @param {string} name */
function picture(name) {
  const [height, width, channels = 1] = given[name].shape;
  return { width, height, channels, data: numbers(given[name]) };
}
/** @param {ArrayLike<number>} found @param {ArrayLike<number>} wanted @param {number} allowed @param {string} name */
function near(found, wanted, allowed, name) {
  assert.equal(found.length, wanted.length, name);
  let most = 0;
  for (let place = 0; place < wanted.length; place++) most = Math.max(most, Math.abs(found[place] - wanted[place]));
  assert.ok(most <= allowed, `${name}: ${most} apart`);
}

const [soft, floats, colours] = [picture("soft"), picture("floats"), picture("colours")];
/** @type {Record<string, (...sizes: number[]) => ArrayLike<number>>} */
const WORK = {
  byArea: (...size) => byArea(soft, ...size).data,
  "byArea-floats": (...size) => byArea(floats, ...size).data,
  linear: (...size) => linear(soft, ...size).data,
  "linear-floats": (...size) => linear(floats, ...size).data,
  byFactor: (factor) =>
    byArea(crop(soft, 0, 0, 39, 27), rounded(39 * factor), rounded(27 * factor), 1 / factor, 1 / factor).data,
  halvedTo: (side) => halvedTo(crop(soft, 0, 0, 39, 27), side).data,
  distances: () =>
    distances(
      soft.data.map((/** @type {number} */ level) => (level > 120 ? 1 : 0)),
      soft.width,
      soft.height,
    ),
  median: (side) => median(soft, side).data,
  closed: (side) => closed(soft, side).data,
  bolder: (side) => brushed(floats, side, true).data,
  finer: (side) => brushed(floats, side, false).data,
  lightness: () => lab(colours, true)[0].data,
  grey: () => grey(colours).data,
  strength: () => inkStrength(picture("paper"), 40).data,
  glyph: () => mainDigit(picture("digit")).glyph,
};
for (const name of Object.keys(made).filter((each) => each.split(" ")[0] in WORK))
  test(`as in Python: ${name}`, () => {
    const [work, ...sizes] = name.split(" ");
    near(WORK[work](...sizes.map(Number)), numbers(made[name]), made[name].type === "uint8" ? 0 : 1e-6, name);
  });

const SHIPPED = "../../../../src/digitlab/reading/shipped/";
const pages = new PageNetwork(file(`${SHIPPED}page.onnx`));
const classifier = new Classifier(file(`${SHIPPED}reader.onnx`));
const reader = new Reader(pages, classifier, true);

test("a picture that was read is not looked at again when its digit is asked for", () => {
  let looks = 0;
  const counted = {
    threshold: pages.threshold,
    find: (/** @type {any} */ given) => {
      looks += 1;
      return pages.find(given);
    },
  };
  const once = new Reader(/** @type {any} */ (counted), classifier, true);
  const drawn = picture("paper");
  once.read(drawn);
  const after = looks;
  const again = { ...drawn, data: drawn.data.slice() };
  assert.deepEqual(once.classify(again), new Reader(pages, classifier, true).classify(drawn));
  assert.equal(looks, after);
  again.data[0] ^= 8;
  once.classify(again);
  assert.equal(looks, after + 1);
});

test("the page reader's network finds the same candidates", () => {
  const found = pages.find(picture("paper"));
  assert.equal(found.length, made.candidates.length);
  found.forEach((/** @type {any} */ { score, box, probabilities }, /** @type {number} */ row) => {
    near([score, ...box, ...probabilities], made.candidates[row], 1e-4, `candidate ${row}`);
  });
});

test("one digit and a page are answered alike", () => {
  const { digit, confidence, probabilities } = reader.classify(picture("digit"));
  near([digit, confidence, ...probabilities], made.classified, 1e-5, "classified");
  const { digits } = reader.read(picture("paper"));
  const told = digits.map((/** @type {any} */ each) => [each.digit, each.confidence, ...each.box, each.line]);
  assert.equal(told.length, made.read.length);
  told.forEach((/** @type {number[]} */ each, /** @type {number} */ row) => {
    near(each, made.read[row], 1e-4, `digit ${row}`);
  });
});

/** A line of digits with signs between them, in grey. */
const written = {
  ...picture("written"),
  channels: 3,
  data: Uint8Array.from([...picture("written").data].flatMap((level) => [level, level, level])),
};

/** @param {any} speck */
const told = ({ box, gap, wide, high, low, left, lean, thin }) => [...box, gap, wide, high, low, left, lean, thin];

test("the ink of a line is the same, and its components are measured alike", () => {
  const boxes = made.supported[0].candidates.map((/** @type {number[]} */ each) => each.slice(1, 5));
  const ink = lineInk(written, boxes);
  near([ink.pen, ...ink.placed([1, 2, 3, 4]), ink.ink.height, ink.ink.width], made.line, 1e-6, "line");
  assert.equal(ink.specks.length, made.specks.length);
  ink.specks.forEach((/** @type {any} */ each, /** @type {number} */ place) => {
    near(told(each), made.specks[place], 1e-6, `component ${place}`);
  });
  made.main.forEach((/** @type {number[] | null} */ wanted, /** @type {number} */ place) => {
    const own = ink.digit(place);
    if (wanted) near(told(own), wanted, 1e-6, `digit ${place}`);
    else assert.equal(own, null);
  });
});

test("components between digits are the same signs", () => {
  for (const { pen, specks, sign } of made.signs) {
    const parts = specks.map((/** @type {number[]} */ [x0, y0, x1, y1, gap, wide, high, low, left, lean, thin]) => {
      return { box: [x0, y0, x1, y1], gap, wide, high, low, left, lean, thin };
    });
    const found = signsOf({ pen, specks: parts, line: [0, 0], placed: (/** @type {number[]} */ box) => box });
    assert.equal(found[0]?.sign ?? null, sign, JSON.stringify({ pen, specks }));
  }
});

test("a line that stands alone speaks for its doubtful digits, and against a slash", () => {
  for (const { candidates, count, likelier, lines, signs } of made.supported) {
    const given = candidates.map((/** @type {number[]} */ [score, x0, y0, x1, y1, digit, sure]) => {
      const probabilities = new Float32Array(10).fill((1 - sure) / 9);
      probabilities[digit] = sure;
      return { box: [x0, y0, x1, y1], score, probabilities };
    });
    const seen = withLineContext(written, given, [given.slice(0, count)], 0.5);
    const scores = seen.map((/** @type {{ score: number }} */ each) => each.score);
    near(scores, likelier, 1e-6, "scores");
    const found = withSigns(written, [seen.slice(0, count)]);
    assert.deepEqual(
      found.signs.map((/** @type {any[]} */ line) => line.map(({ sign }) => sign)),
      signs.map((/** @type {any[]} */ line) => line.map(([sign]) => sign)),
    );
    const flat = (/** @type {any[]} */ all) => all.flat(2);
    near(
      flat(found.signs.map((/** @type {any[]} */ line) => line.map(({ box }) => box))),
      flat(signs.map((/** @type {any[]} */ line) => line.map(([, ...box]) => box))),
      1e-6,
      "signs",
    );
    near(
      flat(found.lines.map((/** @type {any[]} */ line) => line.map(({ score, box }) => [score, ...box]))),
      flat(lines),
      1e-6,
      "digits",
    );
  }
});

test("digits and signs are the same numbers, whichever way up their page lay", () => {
  for (const { digits, marks, turned, numbers: wanted, written } of made.numbers) {
    const placed = digits.map((/** @type {any[]} */ [digit, confidence, x0, y0, x1, y1, line]) => {
      return { digit, confidence, box: [x0, y0, x1, y1], line };
    });
    const signs = marks.map((/** @type {any[]} */ [sign, x0, y0, x1, y1, line]) => {
      return { sign, box: [x0, y0, x1, y1], line };
    });
    const found = numbersOf(placed, signs, turned);
    assert.deepEqual(
      found.map((/** @type {any} */ { text, box }) => [text, ...box]),
      wanted.map((/** @type {any[]} */ [text, , ...box]) => [text, ...box]),
    );
    near(
      found.map((/** @type {any} */ { confidence }) => confidence),
      wanted.map((/** @type {any[]} */ [, confidence]) => confidence),
      1e-9,
      "confidence",
    );
    for (const { text, digits: indices } of found) {
      const answered = indices.map((/** @type {number} */ index) => placed[index].digit ?? "?");
      assert.equal(answered.join(""), text.replace(/[^0-9?]/g, ""));
    }
    assert.deepEqual(
      found.flatMap((/** @type {any} */ { digits: indices }) => indices),
      placed.map((/** @type {any} */ _, /** @type {number} */ index) => index),
    );
    assert.deepEqual(writtenLines(linesOf(placed), found, signs), written);
  }
});

test("a line with signs is read alike from its picture", () => {
  const { digits, marks, turned } = reader.read(written);
  const found = numbersOf(digits, marks, turned);
  assert.deepEqual(writtenLines(linesOf(digits), found, marks), made.written[0]);
  found.forEach((/** @type {any} */ { text, confidence, box }, /** @type {number} */ place) => {
    const [wanted, ...rest] = made.written[1][place];
    assert.equal(text, wanted);
    near([confidence, ...box], rest, 1e-4, text);
  });
});

test("of a large page that is turned, the boxes are the page's own", () => {
  const [width, height] = [2400, 1200]; // the reader looks at it reduced
  const page = { width, height, channels: 3, data: new Uint8Array(3 * width * height) };
  for (let row = 0; row < 100; row++) page.data.fill(255, 3 * (row * width + width - 100), 3 * (row + 1) * width);
  /** Digits that read well where the white corner is at the left of the top. */
  const find = (/** @type {any} */ given) =>
    Array.from({ length: 6 }, (_, place) => ({
      box: [0.1 * given.width, 0.1 * place * given.height, 0.2 * given.width, (0.1 * place + 0.05) * given.height],
      score: given.data[0] === 255 ? 1 : 0.3,
      probabilities: Float32Array.from({ length: 10 }, (_, digit) => (digit === 5 ? 0.99 : 0.001)),
    }));
  const { turns, candidates } = setUpright(page, [], find);
  assert.equal(turns, 1);
  assert.deepEqual(candidates, find(turned(page, 1)), "found on the page itself, not on what it was reduced to");
});

test("layers have the same names, and a number of one the same parts", () => {
  const layers = new Layers(classifier);
  const told = layers.steps.map((/** @type {any} */ { layer }) => [
    layer.name,
    layer.operator,
    layer.shape,
    layer.parameters,
  ]);
  assert.deepEqual(told, made.layers);
  const glyph = toBase64(Uint8Array.from(numbers(made.glyph)));
  const one = layers.explain({ glyph, layer: "conv-2", channel: 3, row: 2, column: 2 });
  near([one.before, one.after, one.bias], made.explained.slice(0, 3), 1e-4, "explained");
  assert.deepEqual([one.inputs, one.field], made.explained.slice(3));
  const products = one.products
    .flat(2)
    .reduce((/** @type {number} */ sum, /** @type {number} */ each) => sum + each, 0);
  near([products + one.rest + one.bias], [one.before], 1e-9, "the products add up");
});

test("sums, norms and products over an axis are as defined, whatever its length", () => {
  const numbers = Float32Array.from({ length: 16 }, (_, place) => place - 3);
  const table = new Tensor("float32", [2, 8], numbers);
  const rows = [numbers.subarray(0, 8), numbers.subarray(8)];
  const sums = rows.map((row) => row.reduce((sum, each) => sum + each, 0));
  near(OPERATORS.ReduceSum([table], { axes: [1] }).values, sums, 1e-5, "sum");
  near(
    OPERATORS.ReduceMean([table], { axes: [1] }).values,
    sums.map((sum) => sum / 8),
    1e-5,
    "mean",
  );
  const norms = rows.map((row) => Math.hypot(...row));
  near(OPERATORS.ReduceL2([table], { axes: [1] }).values, norms, 1e-5, "norm");
  const [one, two] = [
    new Tensor("float32", [2, 1, 1, 2], Float32Array.of(1, 2, 3, 4)),
    new Tensor("float32", [3, 2, 1], Float32Array.of(1, 0, 0, 1, 1, 1)),
  ];
  const made = OPERATORS.MatMul([one, two], {});
  assert.deepEqual(made.dims, [2, 3, 1, 1]);
  near(made.values, [1, 2, 3, 3, 4, 7], 0, "products of stacks of matrices");
});

test("the inner loops are valid WebAssembly, and small", () => {
  assert.ok(WebAssembly.validate(moduleBytes()));
  assert.ok(moduleBytes().length < 5000);
});

test("what is no model is refused in words, and never hangs", () => {
  for (const bytes of [
    [],
    [8],
    [0x3a, 0xff, 0xff, 0xff, 0x7f],
    Array(64).fill(255),
    [...Buffer.from("PK\x03\x04 a zip")],
  ])
    assert.throws(() => readOnnx(Uint8Array.from(bytes)), ModelError);
  const whole = file(`${SHIPPED}reader.onnx`);
  for (let length = 100; length < whole.length; length += 40_009)
    assert.throws(
      () => new Classifier(whole.slice(0, length)),
      (/** @type {Error} */ error) => error instanceof ModelError,
    );
});

test("a grey picture is a PNG whose sums are right", () => {
  const png = greyPng(Uint8Array.of(0, 128, 255, 7, 8, 9), 3, 2);
  assert.deepEqual([...png.slice(1, 4)], [80, 78, 71]);
  const start = Buffer.from(png).indexOf("IDAT") + 4;
  const length = Buffer.from(png).readUInt32BE(start - 8);
  assert.deepEqual([...inflateSync(png.slice(start, start + length))], [0, 0, 128, 255, 0, 7, 8, 9]);
});

test("damage is what it says, and the same each time", async () => {
  const { damaged, damagedWeights } = await import(`${BROWSER}damage.js`);
  const weights = Float32Array.from({ length: 12 }, (_, place) => place - 5.5);
  const of = (/** @type {string} */ kind, /** @type {number} */ amount) => [
    ...damagedWeights(weights, [3, 4], kind, amount),
  ];
  assert.deepEqual(of("zero", 0), new Array(12).fill(0));
  assert.deepEqual(of("filter", 1).slice(4, 8), [0, 0, 0, 0]);
  assert.deepEqual(of("filter", 1).slice(8), [...weights.slice(8)]);
  assert.deepEqual(
    of("shuffle", 0).sort((a, b) => a - b),
    [...weights],
  );
  assert.ok(new Set(of("bits", 2).map((each) => each.toFixed(4))).size <= 3);
  assert.deepEqual(of("noise", 0), [...weights]);
  assert.deepEqual(of("noise", 0.5), of("noise", 0.5));

  const layers = new Layers(classifier);
  const glyph = numbers(made.glyph);
  const test = { glyphs: Uint8Array.from(glyph), labels: [made.classified[0]] };
  const asked = {
    model: "",
    glyph: toBase64(Uint8Array.from(glyph)),
    layer: "conv-2",
    kind: "noise",
    amount: 0,
    images: [0, 1],
  };
  const still = damaged(classifier, layers, asked, test);
  near(still.probabilities, classifier.probabilities(Uint8Array.from(glyph))[0], 0.02, "no noise is no damage");
  const spoilt = damaged(classifier, layers, { ...asked, layer: null, kind: "zero" }, test);
  near(spoilt.probabilities, new Array(10).fill(spoilt.probabilities[0]), 0.2, "without weights nothing is known");
  assert.equal(
    damaged(classifier, layers, { ...asked, layer: "dense-1", kind: "noise" }, test).right,
    1,
    "the other way round",
  );
});
