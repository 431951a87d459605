// One number of a layer, taken apart: the window, the filter, the products, their sum.

import { canvas, make } from "./elements.js";
import { paintNumbers } from "./maps.js";
import { exact, number, t } from "./words.js";

const LEGIBLE = 7; // larger windows are shown as pictures
const INPUTS = 3; // input maps that are written out; of the others the sums are shown

/** An Explained as an element. */
export function explainedView(told) {
  const parts = told.kernel ? (told.kind === "dense" ? unitParts(told) : convolutionParts(told)) : takenParts(told);
  return make("div", { class: "sums" }, ...parts);
}

function convolutionParts(told) {
  const order = [...told.inputs.keys()].sort((a, b) => Math.abs(told.sums[b]) - Math.abs(told.sums[a]));
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
  const rest = told.before - told.bias - order.slice(0, INPUTS).reduce((sum, place) => sum + told.sums[place], 0);
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

function sumsPicture(told) {
  const row = paintNumbers(canvas(told.sums.length, 1), [told.sums]);
  row.className = "row";
  row.setAttribute("role", "img");
  row.setAttribute("aria-label", t("{n} sums, one a channel", { n: told.sums.length }));
  return row;
}

/** A unit of a dense layer: the inputs that count most. */
function unitParts(told) {
  const order = [...told.inputs.keys()]
    .sort((a, b) => Math.abs(told.products[b][0][0]) - Math.abs(told.products[a][0][0]))
    .slice(0, 8);
  const head = [t("input"), t("value"), t("weight"), t("product")].map((text) => make("th", { scope: "col" }, text));
  const rows = order.map((place) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, number(told.inputs[place] + 1)),
      ...[told.patch, told.kernel, told.products].map((each) => make("td", {}, exact(each[place][0][0]))),
    ),
  );
  const rest = told.before - told.bias - order.reduce((sum, place) => sum + told.products[place][0][0], 0);
  return [
    make("table", { class: "plain" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)),
    make("p", {}, t("and the products of all others together: {rest}", { rest: exact(rest) })),
    lastLine(told),
  ];
}

/** Poolings and activations: what they took, and what they made of it. */
function takenParts(told) {
  const taken =
    told.patch.length === 1 && told.patch[0].length * told.patch[0][0].length === 1
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
  return taken;
}

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

/** A small table of numbers with colours behind them; numbers equal to `marked` stand out. */
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
