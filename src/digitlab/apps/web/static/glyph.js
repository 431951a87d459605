// The digit as the network takes it, enlarged, with a rectangle on it that says where one looks.

import { canvas, draw, make } from "./elements.js";
import { paintGlyph } from "./maps.js";

/** A picture of 28×28 pixels with an overlay; `point(x, y, event)` for the pixel that is pointed at or reached by keys. */
export class GlyphPicture {
  constructor({ label, caption = "", point = null, press = null }) {
    this.canvas = canvas(28, 28, { class: "glyph-large", role: "img", "aria-label": label });
    this.overlay = draw("svg", { class: "boxes", viewBox: "0 0 28 28", "aria-hidden": "true" });
    this.caption = make("figcaption", {}, caption);
    this.figure = make(
      "figure",
      { class: "looked" },
      make("div", { class: "frame" }, this.canvas, this.overlay),
      this.caption,
    );
    if (point || press) pixels(this.canvas, { point, press });
  }

  show(bytes) {
    paintGlyph(this.canvas, bytes);
  }

  /** Mark [x0, y0, x1, y1] of the glyph; null for nothing. */
  mark(box) {
    if (!box) return this.overlay.replaceChildren();
    const [x0, y0, x1, y1] = [Math.max(box[0], 0), Math.max(box[1], 0), Math.min(box[2], 28), Math.min(box[3], 28)];
    const place = { x: x0, y: y0, width: Math.max(x1 - x0, 0), height: Math.max(y1 - y0, 0) };
    this.overlay.replaceChildren(
      draw("rect", { class: "under", ...place }),
      draw("rect", { class: "field", ...place }),
    );
  }
}

/** Make the pixels of a canvas reachable: pointing and arrow keys call `point(x, y)`, click and Enter `press(x, y)`. */
export function pixels(picture, { point, press, drag = false }) {
  picture.tabIndex = 0;
  picture.classList.toggle("rubbed", drag); // else a finger on it scrolls the page
  picture.setAttribute("role", "application");
  let here = null;
  const place = (event) => {
    const frame = picture.getBoundingClientRect();
    const x = Math.floor(((event.clientX - frame.left) / frame.width) * picture.width);
    const y = Math.floor(((event.clientY - frame.top) / frame.height) * picture.height);
    return [Math.min(Math.max(x, 0), picture.width - 1), Math.min(Math.max(y, 0), picture.height - 1)];
  };
  picture.addEventListener("pointermove", (event) => {
    here = place(event);
    point?.(...here);
    if (drag && event.buttons) press?.(...here);
  });
  picture.addEventListener("pointerdown", (event) => {
    here = place(event);
    point?.(...here);
    if (!drag) return;
    picture.setPointerCapture(event.pointerId);
    press?.(...here);
  });
  // Where the pointer went down: a click's own place is rounded to whole pixels of the screen.
  if (!drag)
    picture.addEventListener("click", (event) => {
      here ??= place(event);
      press?.(...here);
    });
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    here ??= [picture.width >> 1, picture.height >> 1];
    if (!step) return press?.(...here);
    here = [
      Math.min(Math.max(here[0] + step[0], 0), picture.width - 1),
      Math.min(Math.max(here[1] + step[1], 0), picture.height - 1),
    ];
    point?.(...here);
  });
}

/** Arrow keys walk through a group of buttons of which one is in the tab order. */
export function walkable(group, selector = "button") {
  group.addEventListener("keydown", (event) => {
    const all = [...group.querySelectorAll(selector)];
    const here = all.indexOf(document.activeElement);
    const next = {
      ArrowRight: here + 1,
      ArrowDown: here + 1,
      ArrowLeft: here - 1,
      ArrowUp: here - 1,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (here < 0 || next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const there = all[Math.min(Math.max(next, 0), all.length - 1)];
    all.forEach((each) => {
      each.tabIndex = each === there ? 0 : -1;
    });
    there.focus();
  });
}
