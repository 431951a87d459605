// The tour's figures from the maps to the answer: the vector, the logits, the softmax, dropout.

import { canvas, make } from "./elements.js";
import { paintNumbers, Weights } from "./maps.js";
import { mapsFor } from "./tour-figures.js";
import { denseOf, inRows, logitsFrom, softmaxOf, withGaps } from "./tour-numbers.js";
import { number, percent, probability, signed, t } from "./words.js";

/**
 * @import { Maps } from "./maps.js"
 * @import { With } from "./tour-figures.js"
 */

/** @param {With<"dense">} subject */
export function logits(subject) {
  const { row, maps } = subject;
  const sums = logitsOf(subject);
  const shown = table(
    [t("digit"), t("logit")],
    sums.map((sum, digit) => [digit, sum, [signed(sum)]]),
  );
  return make("div", { class: "looks" }, row && vector(mapsFor(maps, row)), make("div", { class: "beside" }, shown));
}

/**
 * The ten logits, as precise as a byte; computed from the probabilities if the last layer includes the softmax.
 * @param {With<"dense">} subject
 */
function logitsOf({ dense, softmax: last, maps, seen }) {
  if (dense === last || !last) return logitsFrom(seen.probabilities);
  return Array.from({ length: 10 }, (_, digit) => mapsFor(maps, dense).at(digit));
}

/** @param {Maps} maps */
function vector(maps) {
  const shown = maps.paintTogether(canvas(1, 1, { class: "cells", role: "img", "aria-label": t("the vector") }));
  const count = t("the vector: {n} numbers, and ten times as many weights", { n: number(maps.bytes.length) });
  return make("figure", { class: "looked" }, shown, make("figcaption", {}, count));
}

/** @param {With<"dense">} subject */
export function softmax(subject) {
  const { seen } = subject;
  const sums = logitsOf(subject);
  const slider = make("input", { type: "range", min: 0, max: 40, value: 0, "aria-label": t("Temperature") });
  const [output, container] = [make("output"), make("div")];
  const show = () => {
    const temperature = 10 ** (Number(slider.value) / 40);
    output.textContent = number(temperature, 1);
    slider.setAttribute("aria-valuetext", output.textContent);
    const shares = temperature === 1 ? seen.probabilities : softmaxOf(sums.map((sum) => sum / temperature));
    container.replaceChildren(
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
    make("label", { class: "wide" }, make("span", {}, t("Temperature"), " ", output), slider),
    container,
  );
}

/** @param {With<"dense" | "row">} subject */
export function dropout({ dense, row, maps, softmax: last }) {
  const vectorMaps = mapsFor(maps, row);
  const weights = dense.kernels && new Weights(dense.kernels);
  const numbers = Array.from({ length: vectorMaps.bytes.length }, (_, index) => vectorMaps.at(index));
  const slider = make("input", {
    type: "range",
    min: 0,
    max: 90,
    step: 5,
    value: 50,
    "aria-label": t("Dropout rate"),
  });
  const [output, container, picture] = [
    make("output"),
    make("div"),
    canvas(1, 1, { class: "cells", role: "img", "aria-label": t("the vector") }),
  ];
  const roll = () => {
    const rate = Number(slider.value) / 100;
    output.textContent = percent(rate);
    slider.setAttribute("aria-valuetext", output.textContent);
    const remaining = withGaps(numbers, rate);
    paintNumbers(picture, inRows(remaining));
    if (!weights || weights.inputs !== remaining.length) return;
    const shares = softmaxOf(denseOf(remaining, weights));
    container.replaceChildren(
      table(
        [t("digit"), t("probability")],
        shares.map((share, digit) => [digit, share, [probability(share)]]),
        1,
      ),
    );
  };
  slider.addEventListener("input", roll);
  const button = make("button", { type: "button", onclick: roll }, t("Roll again"));
  roll();
  const about =
    weights && last
      ? t(
          "The answer is computed here, from rounded weights; the numbers that are left are made larger, as in training.",
        )
      : t("This network's last weights are too many to be sent.");
  return make(
    "div",
    {},
    make("label", { class: "wide" }, make("span", {}, t("Dropout rate"), " ", output), slider),
    make("p", {}, button),
    make(
      "div",
      { class: "looks" },
      make("figure", { class: "looked" }, picture, make("figcaption", {}, t("what is left of the vector"))),
      make("div", { class: "beside" }, container),
    ),
    make("p", { class: "quiet small" }, about),
  );
}

/**
 * Make a table with bars: rows of [digit, value of the bar, texts]. `whole`: the value of a full bar; without it,
 * values are signed and bars start at a line at 0.
 * @param {string[]} head
 * @param {[number, number, string[]][]} rows
 * @param {number | null} whole
 */
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
