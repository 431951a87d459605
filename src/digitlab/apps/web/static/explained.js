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
 * @param {Explained} told
 */
export function explainedView(told) {
  return make("div", { class: "sums" }, ...(hasWeights(told) ? summedParts(told) : takenParts(told)));
}

/**
 * @param {Explained} told
 * @returns {told is Summed}
 */
function hasWeights(told) {
  return told.kernel !== null;
}

/** @param {Summed} told */
const summedParts = (told) => (told.kind === "dense" ? unitParts(told) : convolutionParts(told));

/**
 * Indices of the numbers, by decreasing absolute value.
 * @param {number[]} numbers
 */
export const bySize = (numbers) => [...numbers.keys()].sort((a, b) => Math.abs(numbers[b]) - Math.abs(numbers[a]));

/**
 * The sum without the bias and without the products at these places.
 * @param {Explained} told
 * @param {number[]} sums
 * @param {number[]} places
 */
export const othersTogether = (told, sums, places) =>
  told.before - told.bias - places.reduce((sum, place) => sum + sums[place], 0);

/** @param {Summed} told */
function convolutionParts(told) {
  const order = bySize(told.sums);
  const written = order
    .slice(0, INPUTS)
    .map((place) =>
      make(
        "div",
        { class: "product" },
        told.inputs.length > 1 ? make("b", {}, t("channel {n}", { n: told.inputs[place] + 1 })) : null,
        numbers(told.patch[place], t("window")),
        make("span", { class: "sign" }, "×"),
        numbers(told.kernel[place], t("filter")),
        make("span", { class: "sign" }, "="),
        numbers(told.products[place], t("products")),
        make("span", { class: "sign" }, `→ ${exact(told.sums[place])}`),
      ),
    );
  const rest = othersTogether(told, told.sums, order.slice(0, INPUTS));
  const others =
    told.inputs.length > INPUTS || told.rest
      ? [
          make(
            "p",
            {},
            t("The sums of all channels, the same way; the others together: {rest}", { rest: exact(rest) }),
          ),
          sumsPicture(told),
        ]
      : [];
  return [...written, ...others, lastLine(told)];
}

/** @param {Summed} told */
function sumsPicture(told) {
  const row = paintNumbers(canvas(told.sums.length, 1), [told.sums]);
  row.className = "row";
  row.setAttribute("role", "img");
  row.setAttribute("aria-label", t("{n} sums, one a channel", { n: told.sums.length }));
  return row;
}

/** Explain a unit of a dense layer by its eight largest products. @param {Summed} told */
function unitParts(told) {
  const products = told.products.map((each) => each[0][0]);
  const order = bySize(products).slice(0, 8);
  const head = [t("input"), t("value"), t("weight"), t("product")].map((text) => make("th", { scope: "col" }, text));
  const rows = order.map((place) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, number(told.inputs[place] + 1)),
      ...[told.patch, told.kernel, told.products].map((each) => make("td", {}, exact(each[place][0][0]))),
    ),
  );
  const rest = othersTogether(told, products, order);
  return [
    make("table", { class: "plain" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)),
    make("p", {}, t("and the products of all others together: {rest}", { rest: exact(rest) })),
    lastLine(told),
  ];
}

/** Explain a pooling or an activation by its input and output. @param {Explained} told */
function takenParts(told) {
  return told.patch.length === 1 && told.patch[0].length * told.patch[0][0].length === 1
    ? [make("p", {}, `${exact(told.patch[0][0][0])} → ${exact(told.after)}`)]
    : told.patch
        .slice(0, INPUTS)
        .map((each) =>
          make(
            "div",
            { class: "product" },
            numbers(each, t("window"), told.after),
            make("span", { class: "sign" }, `→ ${exact(told.after)}`),
          ),
        );
}

/** @param {Explained} told */
function lastLine(told) {
  const sum = `${exact(told.before - told.bias)} ${told.bias < 0 ? "−" : "+"} ${exact(Math.abs(told.bias))} = ${exact(told.before)}`;
  const after = told.activation ? ` · ${told.activation}(${exact(told.before)}) = ${exact(told.after)}` : "";
  return make(
    "div",
    {},
    make("p", { class: "total" }, `${t("sum + bias")}: ${sum}`, make("span", { translate: "no" }, after)),
    make(
      "p",
      { class: "quiet small" },
      t("The network itself got {n} here.", { n: number(told.network, 4).replace("-", "−") }),
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
