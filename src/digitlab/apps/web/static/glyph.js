// The network's input digit, enlarged, with a rectangle that marks the region of interest.

import { canvas, draw, make } from "./elements.js";
import { paintGlyph } from "./maps.js";

/** @typedef {(x: number, y: number) => unknown} OnPixel */

/** A 28×28 picture with an overlay; `point(x, y)` is called for the pixel under the pointer or reached by keys. */
export class GlyphPicture {
  /** @param {{ label: string, caption?: string, point?: OnPixel }} settings */
  constructor({ label, caption = "", point }) {
    this.canvas = canvas(28, 28, { class: "glyph-large", role: "img", "aria-label": label });
    this.overlay = draw("svg", { class: "boxes", viewBox: "0 0 28 28", "aria-hidden": "true" });
    this.caption = make("figcaption", {}, caption);
    this.figure = make(
      "figure",
      { class: "looked" },
      make("div", { class: "frame" }, this.canvas, this.overlay),
      this.caption,
    );
    if (point) pixels(this.canvas, { point });
  }

  /** @param {Uint8Array} bytes */
  show(bytes) {
    paintGlyph(this.canvas, bytes);
  }

  /** Mark the box [x0, y0, x1, y1] of the glyph; null removes the mark. @param {number[] | null} box */
  mark(box) {
    if (!box) return this.overlay.replaceChildren();
    const rect = insideGlyph(box);
    this.overlay.replaceChildren(draw("rect", { class: "under", ...rect }), draw("rect", { class: "field", ...rect }));
  }
}

/**
 * Clip the box [x0, y0, x1, y1] to the 28×28 pixels, as attributes of an SVG rectangle.
 * @param {number[]} box
 */
export function insideGlyph(box) {
  const [x, y, right, bottom] = [Math.max(box[0], 0), Math.max(box[1], 0), Math.min(box[2], 28), Math.min(box[3], 28)];
  return { x, y, width: Math.max(right - x, 0), height: Math.max(bottom - y, 0) };
}

/** @type {Record<string, [number, number]>} The step of each arrow key in x and y. */
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export const between = (value, low, high) => Math.min(Math.max(value, low), high);

/**
 * Make a canvas's pixels selectable: pointer and arrow keys call `point(x, y)`, a click or Enter calls `press(x, y)`.
 * @param {HTMLCanvasElement} picture
 * @param {{ point?: OnPixel, press?: OnPixel, drag?: boolean }} settings
 */
export function pixels(picture, { point, press, drag = false }) {
  picture.tabIndex = 0;
  picture.classList.toggle("rubbed", drag); // else a finger moving on it scrolls the page
  picture.setAttribute("role", "application");
  /** @type {[number, number] | null} */
  let here = null;
  /** @type {(event: PointerEvent | MouseEvent) => [number, number]} */
  const pixelAt = (event) => {
    const frame = picture.getBoundingClientRect();
    const x = Math.floor(((event.clientX - frame.left) / frame.width) * picture.width);
    const y = Math.floor(((event.clientY - frame.top) / frame.height) * picture.height);
    return [between(x, 0, picture.width - 1), between(y, 0, picture.height - 1)];
  };
  picture.addEventListener("pointermove", (event) => {
    here = pixelAt(event);
    point?.(...here);
    if (drag && event.buttons) press?.(...here);
  });
  picture.addEventListener("pointerdown", (event) => {
    here = pixelAt(event);
    point?.(...here);
    if (!drag) return;
    picture.setPointerCapture(event.pointerId);
    press?.(...here);
  });
  // Use the position of pointerdown: a click's own is rounded to whole screen pixels.
  if (!drag)
    picture.addEventListener("click", (event) => {
      here ??= pixelAt(event);
      press?.(...here);
    });
  picture.addEventListener("keydown", (event) => {
    const step = ARROWS[event.key];
    if (!step && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    here ??= [picture.width >> 1, picture.height >> 1];
    if (!step) return press?.(...here);
    here = [between(here[0] + step[0], 0, picture.width - 1), between(here[1] + step[1], 0, picture.height - 1)];
    point?.(...here);
  });
}

/**
 * Let arrow keys move the focus within a group of buttons, of which only one is in the tab order.
 * @param {HTMLElement} group
 */
export function walkable(group) {
  group.addEventListener("keydown", (event) => {
    const all = [...group.querySelectorAll("button")];
    const current = all.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const places = {
      ArrowRight: current + 1,
      ArrowDown: current + 1,
      ArrowLeft: current - 1,
      ArrowUp: current - 1,
      Home: 0,
      End: all.length - 1,
    };
    const next = places[/** @type {keyof typeof places} */ (event.key)];
    if (current < 0 || next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const target = all[between(next, 0, all.length - 1)];
    all.forEach((button) => {
      button.tabIndex = button === target ? 0 : -1;
    });
    target.focus();
  });
}
