// The whole network on one screen: a column per layer, its strongest maps as small pictures, and links to the maps that
// each is computed from. Step and play animate the flow of numbers; pointing at a map highlights its links, in and out.

import * as api from "./api.js";
import { canvas, make, penOf } from "./elements.js";
import { walkable } from "./glyph.js";
import { layerWords, shapeWords } from "./layers.js";
import { Maps } from "./maps.js";
import { detailOf, inspected, state } from "./state.js";
import { columnsOf, linksOf } from "./whole-links.js";
import { language, number, onLanguage, probability, t } from "./words.js";

/**
 * @import { Inspected, LayerDetail, ModelDetail } from "../schemas.js"
 * @import { Column, Link, Spot } from "./whole-links.js"
 * @typedef {{ x: number, y: number, left: number, right: number, top: number, bottom: number }} Place In the picture.
 */

const COLUMN_MS = 650; // duration of the animation from one layer to the next
const DOTS = 3; // number of dots on a link while numbers flow along it

export class WholeView {
  #built = "";
  /** @type {Inspected | null} */
  #inspection = null;
  /** @type {Column[]} */
  #columns = [];
  /** @type {Link[]} */
  #links = [];
  /** @type {Map<string, Place>} */
  #places = new Map();
  /** @type {Map<string, { button: HTMLButtonElement, picture: HTMLCanvasElement, value: HTMLElement | null }>} */
  #spots = new Map();
  /** @type {Spot | null} */
  #pointed = null;
  #reached = Number.POSITIVE_INFINITY; // column reached by the numbers; its fraction is the progress to the next
  #running = false;
  #below = false; // whether the columns are stacked vertically
  #last = 0;
  /** @type {HTMLElement} */
  net;
  /** @type {HTMLCanvasElement} */
  lines;
  /** @type {HTMLElement} */
  words;
  /** @type {HTMLButtonElement} */
  play;

  /**
   * @param {HTMLElement} panel
   * @param {(message: string) => void} trouble
   * @param {(layer: string, map: number) => void} open shows a map's layer in a view of its own
   */
  constructor(panel, trouble, open) {
    this.panel = panel;
    this.open = open;
    this.show = api.newest(() => this.#show().catch((error) => trouble(error.message)));
    this.sizes = new ResizeObserver(() => this.#measure());
    onLanguage(() => {
      this.#built = "";
    });
  }

  async #show() {
    const { subject, model } = state;
    if (!subject || !model) return;
    const [detail, inspection] = await Promise.all([detailOf(model), inspected(subject, model)]);
    if (!inspection.glyph) return;
    const fresh = inspection !== this.#inspection;
    this.#inspection = inspection;
    const maps = new Map(inspection.layers.map((each) => [each.name, new Maps(each)]));
    const layers = detail.layers.filter((each) => maps.has(each.name));
    const key = `${model} ${language()}`;
    // The same maps are shown after each stroke, so that one can be watched; others for another network.
    if (this.#built !== key) {
      this.#columns = columnsOf(layers, maps);
      this.#links = linksOf(this.#columns, layers);
      this.#build(detail);
      this.#built = key;
    }
    if (fresh) for (const column of this.#columns) column.maps = maps.get(column.layer.name) ?? column.maps;
    this.#paint();
    this.#measure();
  }

  /** @param {ModelDetail} detail */
  #build(detail) {
    this.#spots.clear();
    this.#reached = Number.POSITIVE_INFINITY;
    this.lines = canvas(1, 1, { class: "lines", "aria-hidden": "true" });
    const columns = this.#columns.map((column, index) => this.#column(column, index));
    this.net = make(
      "div",
      { class: "net", role: "group", "aria-label": t("All layers, from the input to the ten answers") },
      this.lines,
      ...columns,
    );
    walkable(this.net);
    this.words = make("p", { class: "quiet small", "aria-live": "polite" });
    this.play = make(
      "button",
      { type: "button", class: "strong", onclick: () => this.#toggle() },
      t("Show the data flow"),
    );
    const step = make("button", { type: "button", onclick: () => this.#step() }, t("Next layer"));
    const about = t("{model}: {layers} layers, {parameters} parameters (numbers that training has found)", {
      model: detail.name,
      layers: number(detail.layers.length),
      parameters: number(detail.parameters),
    });
    this.panel.replaceChildren(
      make("div", { class: "choices flow" }, this.play, step, make("span", { class: "quiet small" }, about)),
      this.net,
      this.words,
    );
    this.sizes.disconnect();
    this.sizes.observe(this.net);
    this.#describe(null);
  }

  /** @param {Column} column @param {number} index */
  #column(column, index) {
    const { layer, shown, together } = column;
    const spots = shown.map((map) => this.#spot({ column: index, map }, layer, together));
    const more = column.count - shown.length;
    const rest = together || more < 1 ? "" : t("and {n} more", { n: number(more) });
    return make(
      "div",
      { class: `column ${layer.kind}` },
      make("b", { translate: "no", title: layer.operator }, layer.name),
      make("span", { class: "shape" }, shapeWords(layer.shape)),
      ...spots,
      make("span", { class: "shape" }, rest),
    );
  }

  /** @param {Spot} spot @param {LayerDetail} layer @param {boolean} together */
  #spot(spot, layer, together) {
    const picture = canvas(1, 1, { "aria-hidden": "true" });
    const digits = layer.shape.length === 1 && layer.shape[0] === 10 && !together;
    const value = digits ? make("span", { class: "share" }) : null;
    const label = digits
      ? t("{layer}: digit {digit}", { layer: layer.name, digit: spot.map })
      : together
        ? t("{layer}: all its numbers", { layer: layer.name })
        : t("{layer}: map {n}", { layer: layer.name, n: spot.map + 1 });
    const first = spot.column === 0 && this.#spots.size === 0;
    const button = make(
      "button",
      {
        type: "button",
        class: digits ? "spot digit" : "spot",
        "aria-label": label,
        title: label,
        tabindex: first ? 0 : -1,
      },
      digits && make("b", {}, String(spot.map)),
      picture,
      value,
    );
    button.addEventListener("pointerenter", () => this.#point(spot));
    button.addEventListener("pointerleave", () => this.#point(null));
    button.addEventListener("focus", () => this.#point(spot));
    button.addEventListener("blur", () => this.#point(null));
    button.addEventListener("click", () => this.open(layer.name, together ? 1 : spot.map + 1));
    this.#spots.set(keyOf(spot), { button, picture, value });
    return button;
  }

  #paint() {
    for (const [index, { layer, maps, shown, together }] of this.#columns.entries())
      for (const map of shown) {
        const spot = this.#spots.get(keyOf({ column: index, map }));
        if (!spot) continue;
        if (together) maps.paintTogether(spot.picture);
        else maps.paint(spot.picture, map);
        if (spot.value)
          spot.value.textContent =
            layer.kind === "softmax" ? probability(this.#inspection?.probabilities[map] ?? 0) : maps.words(map);
      }
  }

  /** Measure where every picture is, and draw the lines between them. */
  #measure() {
    if (!this.net?.isConnected) return;
    const frame = this.net.getBoundingClientRect();
    this.#below = getComputedStyle(this.net).flexDirection === "column";
    const sharp = Math.min(devicePixelRatio || 1, 2);
    [this.lines.width, this.lines.height] = [Math.round(frame.width * sharp), Math.round(frame.height * sharp)];
    this.#places.clear();
    for (const [key, { button }] of this.#spots) {
      const box = button.getBoundingClientRect();
      const [left, top] = [box.left - frame.left, box.top - frame.top];
      const [right, bottom] = [left + box.width, top + box.height];
      this.#places.set(key, { x: (left + right) / 2, y: (top + bottom) / 2, left, right, top, bottom });
    }
    this.#draw();
  }

  #draw() {
    const pen = penOf(this.lines);
    const sharp = this.lines.width / Math.max(this.net.clientWidth, 1);
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.clearRect(0, 0, this.lines.width, this.lines.height);
    const { color: quiet, outlineColor: strong } = getComputedStyle(this.lines);
    const here = Math.floor(this.#reached);
    const part = this.#reached - here;
    for (const link of this.#links) {
      const ends = this.#ends(link);
      if (!ends || link.to.column > this.#reached + 1) continue;
      const highlighted = this.#pointed && (same(link.from, this.#pointed) || same(link.to, this.#pointed));
      const flows = part > 0 && link.to.column === here + 1;
      if (link.to.column > this.#reached && !flows) continue;
      pen.lineWidth = highlighted ? 2.5 : 1;
      pen.globalAlpha = highlighted ? 1 : this.#pointed ? 0.25 : 0.4 + 0.6 * link.share;
      pen.strokeStyle = highlighted ? strong : quiet;
      pen.beginPath();
      pen.moveTo(ends.x0, ends.y0);
      pen.bezierCurveTo(...ends.bend, ends.x1, ends.y1);
      pen.stroke();
      if (flows) this.#dots(pen, ends, part, strong);
    }
    pen.globalAlpha = 1;
    for (const [key, { button }] of this.#spots)
      button.classList.toggle("waiting", Number(key.split(" ")[0]) > this.#reached);
  }

  /** @param {CanvasRenderingContext2D} pen @param {{ x0: number, y0: number, x1: number, y1: number }} ends @param {number} part @param {string} colour */
  #dots(pen, { x0, y0, x1, y1 }, part, colour) {
    pen.globalAlpha = 0.9;
    pen.fillStyle = colour;
    for (let dot = 0; dot < DOTS; dot += 1) {
      const at = part * 1.3 - 0.15 * dot;
      if (at < 0 || at > 1) continue;
      const smooth = at * at * (3 - 2 * at);
      pen.fillRect(x0 + (x1 - x0) * at - 1.5, y0 + (y1 - y0) * smooth - 1.5, 3, 3);
    }
  }

  /** Ends of a link, edge to edge: rightwards, or downwards if columns are stacked. @param {Link} link */
  #ends({ from, to }) {
    const [a, b] = [this.#places.get(keyOf(from)), this.#places.get(keyOf(to))];
    if (!a || !b) return null;
    const down = this.#below;
    const [x0, y0, x1, y1] = down ? [a.x, a.bottom, b.x, b.top] : [a.right, a.y, b.left, b.y];
    const [middleX, middleY] = [(x0 + x1) / 2, (y0 + y1) / 2];
    const bend = /** @type {[number, number, number, number]} */ (
      down ? [x0, middleY, x1, middleY] : [middleX, y0, middleX, y1]
    );
    return { x0, y0, x1, y1, bend };
  }

  /** @param {Spot | null} spot */
  #point(spot) {
    this.#pointed = spot;
    this.#describe(spot);
    this.#draw();
  }

  /** @param {Spot | null} spot */
  #describe(spot) {
    const reached = Math.min(Math.floor(this.#reached), this.#columns.length - 1);
    const column = spot ? this.#columns[spot.column] : Number.isFinite(this.#reached) ? this.#columns[reached] : null;
    this.words.textContent = column
      ? column.parts.map((layer) => `${layer.name}: ${layerWords(layer)}`).join(" ")
      : t(
          "Point at a picture: the lines show what it is computed from, and what is computed from it. Press it to see it alone.",
        );
  }

  #toggle() {
    this.#running = !this.#running;
    this.play.textContent = this.#running ? t("Stop") : t("Show the data flow");
    if (!this.#running) return;
    if (this.#reached >= this.#columns.length - 1) this.#reached = 0;
    this.#last = performance.now();
    requestAnimationFrame((now) => this.#frame(now));
  }

  #step() {
    if (this.#running) this.#toggle();
    this.#reached = this.#reached >= this.#columns.length - 1 ? 0 : Math.floor(this.#reached) + 1;
    this.#describe(null);
    this.#draw();
  }

  /** @param {number} now */
  #frame(now) {
    if (!this.#running || !this.net.isConnected) return;
    const before = Math.floor(this.#reached);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const passed = (now - this.#last) / COLUMN_MS;
    this.#last = now;
    this.#reached += Math.min(passed, 0.5);
    if (this.#reached >= this.#columns.length - 1) {
      this.#reached = Number.POSITIVE_INFINITY;
      this.#toggle();
    }
    if (Math.floor(this.#reached) !== before) this.#describe(null);
    if (!still || Math.floor(this.#reached) !== before || !this.#running) this.#draw();
    requestAnimationFrame((next) => this.#frame(next));
  }
}

/** @param {Spot} spot */
const keyOf = ({ column, map }) => `${column} ${map}`;
/** @param {Spot} one @param {Spot} other */
const same = (one, other) => one.column === other.column && one.map === other.map;
