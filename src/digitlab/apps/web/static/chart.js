// A small live line chart: SVG, with the curves' latest values also as text.

import { draw, make } from "./elements.js";
import { number } from "./words.js";

/**
 * @typedef {[number, number]} Point x and y.
 * @typedef {{ label: string, class: string, dots?: boolean }} Curve
 */

const [WIDE, HIGH, LEFT, LOW, TOP, RIGHT] = [320, 190, 44, 36, 10, 8];

export class Chart {
  /** @type {Record<string, Point[]>} */
  points;
  /** @type {number | null} */
  #waiting = null;

  /**
   * `across` is the label of the x axis, `write` formats a value of y.
   * @param {{ title: string, across: string, curves: Record<string, Curve>, write: (value: number) => string }} settings
   */
  constructor({ title, across, curves, write }) {
    this.curves = curves;
    this.write = write;
    this.across = across;
    this.last = 1;
    this.points = Object.fromEntries(Object.keys(curves).map((name) => [name, []]));
    this.picture = draw("svg", { class: "chart", viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": title });
    this.summary = make("span", { class: "unseen" });
    const keys = Object.values(curves).map((curve) => make("span", { class: `key ${curve.class}` }, curve.label));
    this.figure = make(
      "figure",
      { class: "curves" },
      make("figcaption", {}, make("b", {}, title), " ", ...keys, this.summary),
      this.picture,
    );
  }

  /** Remove all points; x now goes from 0 to `last`. @param {number} last */
  clear(last) {
    for (const name of Object.keys(this.points)) this.points[name] = [];
    this.last = last;
    this.show();
  }

  /**
   * @param {string} name
   * @param {number} x
   * @param {number | null} y null, e.g. for an epoch without a test, is skipped
   */
  add(name, x, y) {
    if (y !== null && Number.isFinite(x) && Number.isFinite(y)) this.points[name].push([x, y]);
    this.#waiting ??= requestAnimationFrame(() => {
      this.#waiting = null;
      this.show();
    });
  }

  show() {
    const values = Object.values(this.points).flatMap((points) => points.map(([, y]) => y));
    const steps = ticks(...extent(values));
    const [low, high] = [steps[0], steps[steps.length - 1]];
    const x = (/** @type {number} */ value) => LEFT + (value / this.last) * (WIDE - LEFT - RIGHT);
    const y = (/** @type {number} */ value) =>
      TOP + (1 - (Math.min(Math.max(value, low), high) - low) / (high - low)) * (HIGH - TOP - LOW);
    const grid = steps.map((step) =>
      draw(
        "g",
        {},
        draw("line", { x1: LEFT, x2: WIDE - RIGHT, y1: y(step), y2: y(step) }),
        draw("text", { x: LEFT - 5, y: y(step) + 4, "text-anchor": "end" }, this.write(step)),
      ),
    );
    const epochs = Array.from({ length: this.last + 1 }, (_, epoch) => epoch).filter(
      (epoch) => epoch % Math.ceil(this.last / 6) === 0,
    );
    const below = epochs.map((epoch) =>
      draw("text", { x: x(epoch), y: HIGH - LOW + 16, "text-anchor": "middle" }, number(epoch)),
    );
    const lines = Object.entries(this.curves).map(([name, { class: kind, dots }]) => {
      const points = thinned(this.points[name]);
      const line = draw("polyline", {
        class: kind,
        points: points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" "),
      });
      return draw(
        "g",
        {},
        line,
        ...(dots ? points.map(([a, b]) => draw("circle", { class: kind, cx: x(a), cy: y(b), r: 3.2 })) : []),
      );
    });
    this.picture.replaceChildren(
      draw(
        "g",
        { class: "grid" },
        ...grid,
        ...below,
        draw("text", { x: (LEFT + WIDE - RIGHT) / 2, y: HIGH - 4, "text-anchor": "middle" }, this.across),
      ),
      ...lines,
    );
    this.summary.textContent = Object.entries(this.curves)
      .filter(([name]) => this.points[name].length)
      .map(([name, { label }]) => `${label}: ${this.write(this.points[name][this.points[name].length - 1][1])}`)
      .join(", ");
  }
}

/**
 * Range of the y axis. The largest 2 % of the values are ignored, so that the steep beginning of a curve does not
 * flatten the rest.
 * @param {number[]} values
 * @returns {[number, number]}
 */
export function extent(values) {
  if (!values.length) return [0, 1];
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[0], sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.98))]];
  return high - low < 1e-6 ? [low - 0.05, high + 0.05] : [low, high];
}

/**
 * Reduce a long curve to the minimum and maximum of each of 300 segments, so that no outlier is lost.
 * @param {Point[]} points
 */
export function thinned(points) {
  const size = Math.ceil(points.length / 300);
  if (size < 3) return points;
  const reduced = [];
  for (let start = 0; start < points.length; start += size) {
    const segment = points.slice(start, start + size).sort((one, other) => one[1] - other[1]);
    reduced.push(...[segment[0], segment[segment.length - 1]].sort((one, other) => one[0] - other[0]));
  }
  return reduced;
}

/**
 * Three to six round tick values that span `low` to `high`.
 * @param {number} low
 * @param {number} high
 */
export function ticks(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5].map((candidate) => candidate * power).find((candidate) => candidate >= rough) ?? 10 * power;
  const first = Math.floor(low / step);
  const count = Math.ceil(high / step) - first;
  return Array.from({ length: count + 1 }, (_, index) => Number(((first + index) * step).toPrecision(8)));
}
