// What the tour says and shows at each step. `needs` names the parts of a network without which a step is left out.

import * as api from "./api.js";
import { canvas, make } from "./elements.js";
import { explainedView, numbers } from "./explained.js";
import { GlyphPicture, pixels } from "./glyph.js";
import { fieldOf } from "./layers.js";
import { Weights, paintNumbers } from "./maps.js";
import { number, percent, probability, signed, t } from "./words.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");

export const STEPS = [
  {
    title: "A picture is numbers",
    text: [
      "The reader finds the ink, brings it to 28 by 28 pixels, and puts it in the middle. That is all that the network sees: 784 numbers from 0 (paper) to 255 (ink).",
      "Point at the picture to read its numbers.",
    ],
    figure: picture,
  },
  {
    title: "Convolution: a filter looks everywhere",
    text: [
      "A filter is a small picture of numbers. It is laid on the image, each of its numbers is multiplied with the pixel under it, the products are added up, and one more number, the bias, is added too. Then it moves on by a pixel.",
      "Follow the window as it moves over your digit, or place it yourself.",
    ],
    needs: ["convolution"],
    figure: convolution,
  },
  {
    title: "Every filter makes an activation map",
    text: [
      "All the sums of one filter make a new picture, its activation map (feature map). Orange is above 0: here the filter found what it looks for. Blue is below: here it found the opposite. Most first filters look for edges of one direction.",
    ],
    needs: ["convolution"],
    figure: ({ convolution: layer, maps }) => mapsOf(maps.get(layer.name), 16),
  },
  {
    title: "ReLU: the simplest activation function",
    text: [
      "What is below 0 becomes 0, all else stays. Without such a bend between them, many layers would be no more than one. After it a filter can only say how much of its pattern is there, not that the opposite is.",
    ],
    needs: ["relu", "beforeRelu"],
    figure: rectified,
  },
  {
    title: "Pooling: less to look at",
    text: [
      "Max pooling: of each window of two by two numbers only the greatest is kept. A quarter of the numbers is left, and whether a stroke lies a pixel further to the left matters less than before. (S1 compared it with average pooling; max pooling won.)",
    ],
    needs: ["pool", "beforePool"],
    figure: pooled,
  },
  {
    title: "Deeper: from edges to parts",
    text: [
      "The next filters look at the maps of those before, and so on. The receptive field grows: each number now sees more of your digit, and each map has become choosy: a bar, a bow, an end of a stroke. Nobody told the network what to look for.",
    ],
    needs: ["deeper"],
    figure: deep,
  },
  {
    title: "Dense: all of it at once",
    text: [
      "Now the maps become one row of numbers, a vector, and each of the ten digits has a weight for every one of them: multiply, add up, add the bias. The ten sums are called logits. They may be above or below 0; only their differences count.",
    ],
    needs: ["dense"],
    figure: logits,
  },
  {
    title: "Softmax: logits become probabilities",
    text: [
      "The softmax takes e to the power of each logit and divides by their sum, so that they are probabilities that add up to 1. Ten less in the logit is about twenty thousand times less in the probability.",
      "They are what this network says of the prepared 28×28 image. The reader's answer joins them with what it has seen in the picture itself, so its numbers are others.",
      "Make the network less certain: divide all logits by a temperature first. The order stays, the differences shrink.",
    ],
    needs: ["dense"],
    figure: softmax,
  },
  {
    title: "Dropout: learning with gaps",
    text: [
      "During training, a part of the activations is set to 0 at random, others each time, so that the network cannot rely on any single one: the dropout rate says how many. S0 found: with dropout it trains for more epochs, and its test accuracy is 95.4 % instead of 94.5 %. In use, nothing is dropped.",
      "Throw the dice yourself: the answer should survive it.",
    ],
    needs: ["dense", "row"],
    figure: dropout,
  },
  {
    title: "Filters made by hand",
    text: [
      "Before filters were learned, people designed them. This filter bank is that of S2's slides: lines, edges (Sobel), spots (Laplacian), smoothing. Compare them with the first filters of the network: some of those it has found by itself.",
      "They are shown on your photo, if you have opened one, else on your drawing.",
    ],
    figure: handmade,
  },
];

function picture({ glyph }) {
  const words = make("p", { class: "total", "aria-live": "polite" }, t("Point at a pixel."));
  const near = make("div");
  const shown = new GlyphPicture({
    label: t("Your digit as the network takes it. Arrow keys read its numbers."),
    point: (x, y) => {
      const box = [Math.min(Math.max(x - 2, 0), 23), Math.min(Math.max(y - 2, 0), 23)];
      shown.mark([box[0], box[1], box[0] + 5, box[1] + 5]);
      words.textContent = t("row {row}, column {column}: {value}", {
        row: y + 1,
        column: x + 1,
        value: glyph[28 * y + x],
      });
      const rows = Array.from({ length: 5 }, (_, row) =>
        Array.from(glyph.subarray(28 * (box[1] + row) + box[0], 28 * (box[1] + row) + box[0] + 5)),
      );
      near.replaceChildren(numbers(rows, t("five by five of them"), glyph[28 * y + x] || null));
    },
  });
  shown.show(glyph);
  return make("div", { class: "looks" }, shown.figure, make("div", { class: "beside" }, words, near));
}

function convolution({ convolution: layer, maps, glyph, seen }) {
  const made = maps.get(layer.name);
  const map = made.strongest()[0];
  const shown = new GlyphPicture({ label: t("Your digit, and the window on it"), caption: t("your digit, 28×28") });
  const result = canvas(1, 1, {
    class: "glyph-large",
    "aria-label": t("The map that comes about. Arrow keys move the window."),
  });
  const sums = make("div", { class: "explained" });
  shown.show(glyph);
  made.paint(result, map);

  const explain = api.newest(async (row, column) => {
    const told = await api.explain({
      glyph: seen.glyph,
      model: seen.model,
      layer: layer.name,
      channel: map,
      row,
      column,
    });
    sums.replaceChildren(explainedView(told));
  });
  const look = (row, column) => {
    shown.mark(fieldOf(layer, row, column));
    explain(row, column).catch(() => {});
  };
  const path = inkPlaces(made, map);
  let [place, timer] = [0, null];
  const move = make("button", { type: "button" });
  const pause = () => {
    clearInterval(timer);
    timer = null;
    move.textContent = t("Let it move");
  };
  const run = () => {
    timer = setInterval(() => {
      place = (place + 1) % path.length;
      look(...path[place]);
    }, 900);
    move.textContent = t("Stop it");
  };
  move.addEventListener("click", () => (timer ? pause() : run()));
  pixels(result, {
    point: (x, y) => {
      if (timer) pause();
      look(y, x);
    },
  });
  look(...path[0]);
  if (still.matches) pause();
  else run();
  const element = make(
    "div",
    {},
    make(
      "div",
      { class: "looks" },
      shown.figure,
      make(
        "figure",
        { class: "looked" },
        result,
        make("figcaption", {}, t("map {n} of {all}", { n: map + 1, all: made.count })),
      ),
    ),
    make("p", {}, move),
    sums,
  );
  return { element, leave: pause };
}

/** Places of a map where something happens, row by row: its largest numbers above and below 0. */
function inkPlaces(maps, map) {
  const all = [];
  for (let row = 0; row < maps.rows; row += 1)
    for (let column = 0; column < maps.columns; column += 1)
      all.push([row, column, Math.abs(maps.at(map, row, column))]);
  const middle = all.reduce((sum, each) => sum + each[2], 0) / all.length;
  const busy = all.filter((each) => each[2] > 1.5 * middle).map(([row, column]) => [row, column]);
  return busy.length
    ? busy.filter((_, place) => place % Math.ceil(busy.length / 40) === 0)
    : [[maps.rows >> 1, maps.columns >> 1]];
}

function mapsOf(maps, count) {
  return make(
    "div",
    { class: "maps" },
    ...maps
      .strongest()
      .slice(0, count)
      .map((map) => {
        const label = t("map {n}", { n: map + 1 });
        return make(
          "span",
          { class: "map" },
          maps.paint(canvas(1, 1, { role: "img", "aria-label": label, title: label }), map),
        );
      }),
  );
}

function rectified({ beforeRelu, relu, maps }) {
  const [before, after] = [maps.get(beforeRelu.name), maps.get(relu.name)];
  const order = before.strongest();
  const [left, right] = [t("before"), t("after")].map((text) => ({
    picture: canvas(1, 1, { class: "glyph-large", role: "img", "aria-label": text }),
    text,
  }));
  const slider = make("input", {
    type: "range",
    min: 0,
    max: order.length - 1,
    value: 0,
    "aria-label": t("Which map"),
  });
  const show = () => {
    before.paint(left.picture, order[slider.value]);
    after.paint(right.picture, order[slider.value]);
    slider.setAttribute("aria-valuetext", t("map {n}", { n: order[slider.value] + 1 }));
  };
  slider.addEventListener("input", show);
  show();
  const figures = [left, right].map(({ picture: shown, text }) =>
    make("figure", { class: "looked" }, shown, make("figcaption", {}, text)),
  );
  return make(
    "div",
    {},
    make("div", { class: "looks" }, ...figures),
    make("label", { class: "wide" }, make("span", {}, t("Which map")), slider),
    make(
      "p",
      { class: "total" },
      t("{share} of the numbers of this layer are 0 now.", { share: percent(after.zeros()) }),
    ),
  );
}

function pooled({ beforePool, pool, maps, seen }) {
  const [before, after] = [maps.get(beforePool.name), maps.get(pool.name)];
  const map = after.strongest()[0];
  const large = (caption) => {
    const shown = canvas(1, 1, { class: "glyph-large", "aria-label": caption });
    return { shown, figure: make("figure", { class: "looked" }, shown, make("figcaption", {}, caption)) };
  };
  const [left, right] = [
    large(`${beforePool.name}, ${before.rows}×${before.columns}`),
    large(`${pool.name}, ${after.rows}×${after.columns}`),
  ];
  left.shown.setAttribute("role", "img");
  before.paint(left.shown, map);
  after.paint(right.shown, map);
  const sums = make("div", { class: "explained" });
  const look = api.newest(async (x, y) => {
    const told = await api.explain({
      glyph: seen.glyph,
      model: seen.model,
      layer: pool.name,
      channel: map,
      row: y,
      column: x,
    });
    sums.replaceChildren(explainedView(told));
  });
  const point = (x, y) => {
    if (pool.explainable) look(x, y).catch(() => {});
  };
  pixels(right.shown, { point });
  const [row, column] = inkPlaces(after, map)[0];
  point(column, row);
  return make(
    "div",
    {},
    make("div", { class: "looks" }, left.figure, right.figure),
    make(
      "p",
      { class: "quiet" },
      t("Point at the right picture: the window in the left one, and its greatest number."),
    ),
    sums,
  );
}

function deep({ deeper, maps, glyph }) {
  const made = maps.get(deeper.name);
  const shown = new GlyphPicture({
    label: t("Your digit, and what one number sees"),
    caption: t("what one number of {name} sees", { name: deeper.name }),
  });
  shown.show(glyph);
  shown.mark(fieldOf(deeper, made.rows >> 1, made.columns >> 1));
  return make(
    "div",
    {},
    make("div", { class: "looks" }, shown.figure, mapsOf(made, 12)),
    make("p", { class: "total" }, t("{share} of its numbers are 0.", { share: percent(made.zeros()) })),
  );
}

function logits({ dense, row, maps, softmax: last, seen }) {
  const sums = logitsOf(dense, last, maps, seen);
  const shown = table(
    [t("digit"), t("logit")],
    sums.map((sum, digit) => [digit, sum, [signed(sum)]]),
  );
  return make("div", { class: "looks" }, row ? vector(maps.get(row.name)) : "", make("div", { class: "beside" }, shown));
}

/** The ten sums before the softmax, to a byte's exactness; from the answer where the last layer does both at once. */
function logitsOf(dense, last, maps, seen) {
  if (dense === last || !last) return seen.probabilities.map((share) => Math.log(Math.max(share, 1e-7)));
  return Array.from({ length: 10 }, (_, digit) => maps.get(dense.name).at(digit));
}

function vector(maps) {
  const shown = maps.paintTogether(canvas(1, 1, { class: "cells", role: "img", "aria-label": t("the vector") }));
  const count = t("the vector: {n} numbers, and ten times as many weights", { n: number(maps.bytes.length) });
  return make("figure", { class: "looked" }, shown, make("figcaption", {}, count));
}

function softmax({ dense, softmax: last, maps, seen }) {
  const sums = logitsOf(dense, last, maps, seen);
  const slider = make("input", { type: "range", min: 0, max: 40, value: 0, "aria-label": t("Temperature") });
  const [said, place] = [make("output"), make("div")];
  const show = () => {
    const temperature = 10 ** (slider.value / 40);
    said.textContent = number(temperature, 1);
    slider.setAttribute("aria-valuetext", said.textContent);
    const shares = temperature === 1 ? seen.probabilities : softmaxOf(sums.map((sum) => sum / temperature));
    place.replaceChildren(
      table(
        [t("digit"), t("logit"), t("probability")],
        sums.map((sum, digit) => [digit, shares[digit], [signed(sum / temperature), probability(shares[digit])]]),
        1,
      ),
    );
  };
  slider.addEventListener("input", show);
  show();
  return make(
    "div",
    {},
    make("label", { class: "wide" }, make("span", {}, t("Temperature"), " ", said), slider),
    place,
  );
}

function softmaxOf(sums) {
  const most = Math.max(...sums);
  const powers = sums.map((sum) => Math.exp(sum - most));
  const all = powers.reduce((sum, each) => sum + each, 0);
  return powers.map((power) => power / all);
}

function dropout({ dense, row, maps, softmax: last }) {
  const taken = maps.get(row.name);
  const weights = dense.kernels && new Weights(dense.kernels);
  const count = taken.bytes.length;
  const slider = make("input", {
    type: "range",
    min: 0,
    max: 90,
    step: 5,
    value: 50,
    "aria-label": t("Dropout rate"),
  });
  const [said, place, kept] = [
    make("output"),
    make("div"),
    canvas(1, 1, { class: "cells", role: "img", "aria-label": t("the vector") }),
  ];
  const throwDice = () => {
    const rate = slider.value / 100;
    said.textContent = percent(rate);
    slider.setAttribute("aria-valuetext", said.textContent);
    const mask = Array.from({ length: count }, () => Math.random() >= rate);
    const left = Array.from(mask, (keep, each) => (keep ? taken.at(each) / (1 - rate) : 0));
    const wide = Math.ceil(Math.sqrt(count));
    paintNumbers(
      kept,
      Array.from({ length: Math.ceil(count / wide) }, (_, line) =>
        Array.from({ length: wide }, (__, each) => left[line * wide + each] ?? 0),
      ),
    );
    if (!weights || weights.inputs !== count) return;
    const sums = Array.from({ length: 10 }, (_, digit) =>
      left.reduce((sum, value, each) => sum + value * weights.at(digit, each), weights.bias?.[digit] ?? 0),
    );
    const shares = softmaxOf(sums);
    place.replaceChildren(
      table(
        [t("digit"), t("probability")],
        shares.map((share, digit) => [digit, share, [probability(share)]]),
        1,
      ),
    );
  };
  slider.addEventListener("input", throwDice);
  const again = make("button", { type: "button", onclick: throwDice }, t("Throw again"));
  throwDice();
  const about =
    weights && last
      ? t(
          "The answer is computed here, from rounded weights; the numbers that are left are made larger, as in training.",
        )
      : t("This network's last weights are too many to be sent.");
  return make(
    "div",
    {},
    make("label", { class: "wide" }, make("span", {}, t("Dropout rate"), " ", said), slider),
    make("p", {}, again),
    make(
      "div",
      { class: "looks" },
      make("figure", { class: "looked" }, kept, make("figcaption", {}, t("what is left of the vector"))),
      make("div", { class: "beside" }, place),
    ),
    make("p", { class: "quiet small" }, about),
  );
}

/** Ten rows with a bar: [digit, value of the bar, texts]. Without a `whole` they have signs, and go from a line at 0. */
function table(head, rows, whole = null) {
  const values = rows.map(([, value]) => value);
  const low = whole === null ? Math.min(...values, 0) : 0;
  const width = (whole ?? Math.max(...values, 0)) - low || 1;
  const first = rows.reduce((best, each) => (each[1] > best[1] ? each : best));
  const body = rows.map((row) => {
    const [digit, value, texts] = row;
    const bar = make("i", { class: value < 0 && "below" });
    bar.style.left = `${(100 * (Math.min(value, 0) - low)) / width}%`;
    bar.style.width = `${(100 * Math.abs(value)) / width}%`;
    const zero = make("i", { class: "zero" });
    zero.style.left = `${(100 * -low) / width}%`;
    const track = make("span", { class: "track" }, bar, whole === null && zero);
    return make(
      "tr",
      { class: row === first && "first" },
      make("th", { scope: "row" }, String(digit)),
      ...texts.map((text) => make("td", {}, text)),
      make("td", { class: "barred" }, track),
    );
  });
  const origin = make("span", {}, "0");
  origin.style.left = `${(100 * -low) / width}%`;
  const scale = make("td", { class: "barred" }, whole === null && origin);
  return make(
    "table",
    { class: whole === null ? "plain signed" : "plain" },
    make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)), scale)),
    make("tbody", {}, ...body),
  );
}

const FILTERS = {
  "lines-horizontal": "horizontal lines",
  "lines-vertical": "vertical lines",
  "lines-45": "lines of 45°",
  "lines-135": "lines of 135°",
  "sobel-horizontal": "Sobel, horizontal edges",
  "sobel-vertical": "Sobel, vertical edges",
  "laplacian-4": "Laplacian, 4 neighbours",
  "laplacian-8": "Laplacian, 8 neighbours",
  "laplacian-of-gaussian": "Laplacian of Gaussian",
  mean: "mean",
  gaussian: "Gaussian",
};

async function handmade({ photo }) {
  const bank = await api.filters(photo());
  const shown = (name, png, kernel) =>
    make(
      "figure",
      { class: "filtered" },
      make("img", { src: `data:image/png;base64,${png}`, alt: name, width: bank.width, height: bank.height }),
      make("figcaption", {}, make("b", {}, name)),
      kernel
        ? numbers(
            kernel.map((row) => row.map((each) => Math.round(each * 1000) / 1000)),
            t("filter"),
          )
        : "",
    );
  return make(
    "div",
    { class: "bank" },
    shown(t("the picture, grey"), bank.grey),
    ...bank.results.map(({ name, png, kernel }) => shown(t(FILTERS[name] ?? name), png, kernel)),
  );
}
