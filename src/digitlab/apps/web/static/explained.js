// How one number of a layer was computed: the window, the filter, the products, their sum.

import { canvas, make } from "./elements.js";
import { paintNumbers } from "./maps.js";
import { exact, number, t } from "./words.js";

const LEGIBLE = 7; // larger windows are shown as pictures
const INPUTS = 3; // input maps that are written out in full; for the others only the sums are shown

/**
 * @import { Explained } from "../schemas.js"
 * @typedef {Explained & { kernel: number[][][], products: number[][][], sums: number[] }} Summed Has weights.
 */

/**
 * Build the element that shows an Explained.
 * @param {Explained} explanation
 */
export function explainedView(explanation) {
  return make(
    "div",
    { class: "sums" },
    ...(hasWeights(explanation) ? summedParts(explanation) : takenParts(explanation)),
  );
}

/**
 * @param {Explained} explanation
 * @returns {explanation is Summed}
 */
function hasWeights(explanation) {
  return explanation.kernel !== null;
}

/** @param {Summed} explanation */
const summedParts = (explanation) =>
  explanation.kind === "dense" ? unitParts(explanation) : convolutionParts(explanation);

/**
 * Indices of the numbers, by decreasing absolute value.
 * @param {number[]} numbers
 */
export const bySize = (numbers) => [...numbers.keys()].sort((a, b) => Math.abs(numbers[b]) - Math.abs(numbers[a]));

/**
 * The sum without the bias and without the products at these places.
 * @param {Explained} explanation
 * @param {number[]} sums
 * @param {number[]} places
 */
export const othersTogether = (explanation, sums, places) =>
  explanation.before - explanation.bias - places.reduce((sum, index) => sum + sums[index], 0);

/** @param {Summed} explanation */
function convolutionParts(explanation) {
  const order = bySize(explanation.sums);
  const written = order
    .slice(0, INPUTS)
    .map((index) =>
      make(
        "div",
        { class: "product" },
        explanation.inputs.length > 1 ? make("b", {}, t("channel {n}", { n: explanation.inputs[index] + 1 })) : null,
        numbers(explanation.patch[index], t("window")),
        make("span", { class: "sign" }, "×"),
        numbers(explanation.kernel[index], t("filter")),
        make("span", { class: "sign" }, "="),
        numbers(explanation.products[index], t("products")),
        make("span", { class: "sign" }, `→ ${exact(explanation.sums[index])}`),
      ),
    );
  const rest = othersTogether(explanation, explanation.sums, order.slice(0, INPUTS));
  const others =
    explanation.inputs.length > INPUTS || explanation.rest
      ? [
          make(
            "p",
            {},
            t("The sums of all channels, the same way; the others together: {rest}", { rest: exact(rest) }),
          ),
          sumsPicture(explanation),
        ]
      : [];
  return [...written, ...others, lastLine(explanation)];
}

/** @param {Summed} explanation */
function sumsPicture(explanation) {
  const row = paintNumbers(canvas(explanation.sums.length, 1), [explanation.sums]);
  row.className = "row";
  row.setAttribute("role", "img");
  row.setAttribute("aria-label", t("{n} sums, one a channel", { n: explanation.sums.length }));
  return row;
}

/** Explain a unit of a dense layer by its eight largest products. @param {Summed} explanation */
function unitParts(explanation) {
  const products = explanation.products.map((values) => values[0][0]);
  const order = bySize(products).slice(0, 8);
  const head = [t("input"), t("value"), t("weight"), t("product")].map((text) => make("th", { scope: "col" }, text));
  const rows = order.map((index) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, number(explanation.inputs[index] + 1)),
      ...[explanation.patch, explanation.kernel, explanation.products].map((values) =>
        make("td", {}, exact(values[index][0][0])),
      ),
    ),
  );
  const rest = othersTogether(explanation, products, order);
  return [
    make("table", { class: "plain" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)),
    make("p", {}, t("and the products of all others together: {rest}", { rest: exact(rest) })),
    lastLine(explanation),
  ];
}

/** Explain a pooling or an activation by its input and output. @param {Explained} explanation */
function takenParts(explanation) {
  return explanation.patch.length === 1 && explanation.patch[0].length * explanation.patch[0][0].length === 1
    ? [make("p", {}, `${exact(explanation.patch[0][0][0])} → ${exact(explanation.after)}`)]
    : explanation.patch
        .slice(0, INPUTS)
        .map((values) =>
          make(
            "div",
            { class: "product" },
            numbers(values, t("window"), explanation.after),
            make("span", { class: "sign" }, `→ ${exact(explanation.after)}`),
          ),
        );
}

/** @param {Explained} explanation */
function lastLine(explanation) {
  const sum = `${exact(explanation.before - explanation.bias)} ${explanation.bias < 0 ? "−" : "+"} ${exact(Math.abs(explanation.bias))} = ${exact(explanation.before)}`;
  const after = explanation.activation
    ? ` · ${explanation.activation}(${exact(explanation.before)}) = ${exact(explanation.after)}`
    : "";
  return make(
    "div",
    {},
    make("p", { class: "total" }, `${t("sum + bias")}: ${sum}`, make("span", { translate: "no" }, after)),
    make(
      "p",
      { class: "quiet small" },
      t("The network itself got {n} here.", { n: number(explanation.network, 4).replace("-", "−") }),
    ),
  );
}

/**
 * Build a small table of numbers with coloured backgrounds; numbers equal to `marked` are highlighted.
 * @param {number[][]} rows
 * @param {string} caption
 * @param {number | null} marked
 */
export function numbers(rows, caption, marked = null) {
  if (rows.length > LEGIBLE || rows[0].length > LEGIBLE) {
    const picture = paintNumbers(canvas(1, 1), rows);
    picture.className = "numbers";
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", caption);
    return picture;
  }
  const most = Math.max(...rows.flat().map(Math.abs), 1e-9);
  const cells = rows.map((row) =>
    make(
      "tr",
      {},
      ...row.map((value) => {
        const cell = make("td", { class: value === marked && "marked" }, exact(value));
        cell.style.setProperty("--share", `${Math.round((Math.abs(value) / most) * 45)}%`);
        cell.style.setProperty("--tone", value < 0 ? "var(--blue)" : "var(--orange)");
        return cell;
      }),
    ),
  );
  return make("table", { class: "numbers" }, make("caption", {}, caption), make("tbody", {}, ...cells));
}
