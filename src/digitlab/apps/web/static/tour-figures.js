// The tour's figures of the image and the maps, for the visitor's own digit; those that follow are in tour-answer.js.

import * as api from "./api.js";
import { canvas, make } from "./elements.js";
import { explainedView, numbers } from "./explained.js";
import { GlyphPicture, pixels } from "./glyph.js";
import { fieldOf } from "./layers.js";
import { busyPlaces } from "./tour-numbers.js";
import { percent, t } from "./words.js";

/**
 * @import { Inspected, LayerDetail, ModelDetail } from "../schemas.js"
 * @import { Picture } from "./api.js"
 * @import { Maps } from "./maps.js"
 *
 * The layers that the tour explains, with their maps; undefined if the network lacks one.
 * @typedef {{
 *   detail: ModelDetail, seen: Inspected & { glyph: string }, maps: Map<string, Maps>, layers: LayerDetail[],
 *   glyph: Uint8Array, relu?: LayerDetail, pool?: LayerDetail, dense?: LayerDetail, convolution?: LayerDetail,
 *   beforeRelu?: LayerDetail, beforePool?: LayerDetail, deeper?: LayerDetail, row?: LayerDetail, softmax?: LayerDetail,
 * }} About
 *
 * `photo()` returns the picture to which S2's filters are applied.
 * @typedef {About & { photo: () => Picture }} Subject
 * @typedef {{ element: HTMLElement, leave?: () => void }} Figure `leave` is called when the step is left.
 */

/**
 * A subject with the layers that a step needs.
 * @template {keyof About} Name
 * @typedef {Subject & Required<Pick<About, Name>>} With
 */

/**
 * The maps of a layer of the tour.
 * @param {Map<string, Maps>} maps
 * @param {LayerDetail} layer
 */
export function mapsFor(maps, layer) {
  const layerMaps = maps.get(layer.name);
  if (!layerMaps) throw new Error(`there are no maps of ${layer.name}`);
  return layerMaps;
}

/** @param {Subject} subject */
export function picture({ glyph }) {
  const words = make("p", { class: "total", "aria-live": "polite" }, t("Point at a pixel."));
  const neighbourhood = make("div");
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
      neighbourhood.replaceChildren(numbers(rows, t("five by five of them"), glyph[28 * y + x] || null));
    },
  });
  shown.show(glyph);
  return make("div", { class: "looks" }, shown.figure, make("div", { class: "beside" }, words, neighbourhood));
}

/**
 * @param {With<"convolution">} subject
 * @returns {Figure}
 */
export function convolution({ convolution: layer, maps, glyph, seen }) {
  const layerMaps = mapsFor(maps, layer);
  const map = layerMaps.strongest()[0];
  const shown = new GlyphPicture({ label: t("Your digit, and the window on it"), caption: t("your digit, 28×28") });
  const result = canvas(1, 1, {
    class: "glyph-large",
    "aria-label": t("The resulting map. Arrow keys move the window."),
  });
  const sums = make("div", { class: "explained" });
  shown.show(glyph);
  layerMaps.paint(result, map);

  const explain = api.newest(async (/** @type {number} */ row, /** @type {number} */ column) => {
    const explanation = await api.explain({
      glyph: seen.glyph,
      model: seen.model,
      layer: layer.name,
      channel: map,
      row,
      column,
    });
    sums.replaceChildren(explainedView(explanation));
  });
  const look = (/** @type {number} */ row, /** @type {number} */ column) => {
    shown.mark(fieldOf(layer, row, column));
    explain(row, column).catch(() => {});
  };
  const path = busyPlaces(layerMaps, map);
  let index = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;
  const move = make("button", { type: "button" });
  const pause = () => {
    clearInterval(timer);
    timer = undefined;
    move.textContent = t("Play");
  };
  const run = () => {
    timer = setInterval(() => {
      index = (index + 1) % path.length;
      look(...path[index]);
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
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) pause();
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
        make("figcaption", {}, t("map {n} of {all}", { n: map + 1, all: layerMaps.count })),
      ),
    ),
    make("p", {}, move),
    sums,
  );
  return { element, leave: pause };
}

/** Show the 16 strongest maps of the convolution. @param {With<"convolution">} subject */
export const activationMaps = ({ convolution: layer, maps }) => strongestMaps(mapsFor(maps, layer), 16);

/**
 * @param {Maps} maps
 * @param {number} count
 */
function strongestMaps(maps, count) {
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

/** @param {With<"beforeRelu" | "relu">} subject */
export function rectified({ beforeRelu, relu, maps }) {
  const [before, after] = [mapsFor(maps, beforeRelu), mapsFor(maps, relu)];
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
    "aria-label": t("Map"),
  });
  const show = () => {
    const map = order[Number(slider.value)];
    before.paint(left.picture, map);
    after.paint(right.picture, map);
    slider.setAttribute("aria-valuetext", t("map {n}", { n: map + 1 }));
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
    make("label", { class: "wide" }, make("span", {}, t("Map")), slider),
    make(
      "p",
      { class: "total" },
      t("{share} of the numbers of this layer are 0 now.", { share: percent(after.zeros()) }),
    ),
  );
}

/** @param {With<"beforePool" | "pool">} subject */
export function pooled({ beforePool, pool, maps, seen }) {
  const [before, after] = [mapsFor(maps, beforePool), mapsFor(maps, pool)];
  const map = after.strongest()[0];
  const large = (/** @type {string} */ caption) => {
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
  const look = api.newest(async (/** @type {number} */ x, /** @type {number} */ y) => {
    const explanation = await api.explain({
      glyph: seen.glyph,
      model: seen.model,
      layer: pool.name,
      channel: map,
      row: y,
      column: x,
    });
    sums.replaceChildren(explainedView(explanation));
  });
  const point = (/** @type {number} */ x, /** @type {number} */ y) => {
    if (pool.explainable) look(x, y).catch(() => {});
  };
  pixels(right.shown, { point });
  const [row, column] = busyPlaces(after, map)[0];
  point(column, row);
  return make(
    "div",
    {},
    make("div", { class: "looks" }, left.figure, right.figure),
    make(
      "p",
      { class: "quiet" },
      t("Point at the picture on the right to see its window in the one on the left, and the largest number in it."),
    ),
    sums,
  );
}

/** @param {With<"deeper">} subject */
export function deep({ deeper, maps, glyph }) {
  const layerMaps = mapsFor(maps, deeper);
  const shown = new GlyphPicture({
    label: t("Your digit, and what one number sees"),
    caption: t("what one number of {name} sees", { name: deeper.name }),
  });
  shown.show(glyph);
  shown.mark(fieldOf(deeper, layerMaps.rows >> 1, layerMaps.columns >> 1));
  return make(
    "div",
    {},
    make("div", { class: "looks" }, shown.figure, strongestMaps(layerMaps, 12)),
    make("p", { class: "total" }, t("{share} of its numbers are 0.", { share: percent(layerMaps.zeros()) })),
  );
}

/** @type {Record<string, string>} */
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

/** @param {Subject} subject */
export async function handmade({ photo }) {
  const bank = await api.filters(photo());
  /** @type {(name: string, png: string, kernel?: number[][]) => HTMLElement} */
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
