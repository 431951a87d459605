// The drawing pad: mouse, pen, touch or the arrow keys; undo and redo; an eraser; pictures put on it.
//
// The drawing is stored as a list of actions in units of the pad (WIDTH × HEIGHT), so that undo is a redraw. The ink is
// always black on transparent: the page's style makes it light in the dark theme, the server gets it on white.

import { canvas, penOf } from "./elements.js";
import { ARROWS, between } from "./glyph.js";

/**
 * @import { Stroke } from "./link.js"
 * @typedef {[number, number, number, number]} Box x0, y0, x1, y1.
 * @typedef {{ kind: "line", points: { x: number, y: number, width: number }[], erase: boolean }} Line
 * @typedef {{ kind: "stamp", ink: HTMLCanvasElement, name: string, x: number, y: number, width: number, height: number }} Stamp
 * @typedef {{ kind: "clear" }} Clearing
 */

export const WIDTH = 480;
export const HEIGHT = 360;
// Size of the picture sent. The page reader makes one pass over pictures of up to 147 pixels, and two over larger ones:
// a large digit sent small is answered in less than half the time, and read as well (docs/web-page.md).
export const SENT = { width: 320, height: 240 };
const SENT_FOR_ONE = { width: 144, height: 108 };
const LARGE = 0.35 * HEIGHT; // the smaller picture is sent if the longest side of one digit's ink has at least this
const PEN = 20; // width of a line without pressure
const RUBBER = 44;
const WIDE = 1.3; // ratio of width to height above which ink may be several touching digits
const KEY_STEP = 12;

export class Pad extends EventTarget {
  #view;
  #pen;
  /** @type {(Line | Stamp | Clearing)[]} */
  #actions = [];
  #done = 0; // actions from this index on have been undone
  /** @type {Line | null} */
  #current = null;
  /** @type {number | null} */
  #pointer = null;
  #keys = { x: WIDTH / 2, y: HEIGHT / 2, down: false, shown: false };

  /** Events: "ink" while something is drawn, "change" when it is finished. @param {HTMLCanvasElement} view */
  constructor(view) {
    super();
    [view.width, view.height] = [WIDTH, HEIGHT];
    this.#view = view;
    this.#pen = penOf(view, { willReadFrequently: true });
    this.erasing = false;
    view.addEventListener("pointerdown", (event) => this.#begin(event));
    view.addEventListener("pointermove", (event) => this.#move(event));
    view.addEventListener("pointerup", (event) => this.#end(event));
    view.addEventListener("pointercancel", (event) => this.#end(event));
    view.addEventListener("keydown", (event) => this.#key(event));
    view.addEventListener("blur", () => this.#liftKeys());
    view.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  }

  get empty() {
    return !this.#shown().length && !this.#current?.points.length;
  }
  get canUndo() {
    return this.#done > 0;
  }
  get canRedo() {
    return this.#done < this.#actions.length;
  }
  /** State of the pen that the arrow keys move, { x, y, down }, or null. */
  get keyboardPen() {
    return this.#keys.shown ? this.#keys : null;
  }

  undo() {
    if (this.canUndo) {
      this.#done -= 1;
      this.#redraw();
    }
  }
  redo() {
    if (this.canRedo) {
      this.#done += 1;
      this.#redraw();
    }
  }
  clear() {
    if (!this.empty) {
      this.#add({ kind: "clear" });
      this.#redraw();
    }
  }

  /** Empty the pad and the history of undo. */
  forget() {
    [this.#actions, this.#done] = [[], 0];
    this.#redraw();
  }

  /** Content of the pad: the name of the picture put there, and the strokes. */
  get drawn() {
    const shown = this.#shown();
    return {
      digit: shown.find((item) => item.kind === "stamp")?.name,
      ink: shown.filter((item) => item.kind === "line").map(({ points, erase }) => ({ points, erase })),
    };
  }

  /**
   * Clear the pad and put these strokes on it, over a picture if there is one; each is a step for undo.
   * @param {Stroke[]} strokes
   * @param {HTMLCanvasElement | null} ink
   */
  restore(strokes, ink, name = "") {
    if (!this.empty) this.#add({ kind: "clear" });
    if (ink) this.#add(this.#centred(ink, name));
    for (const stroke of strokes) this.#add({ kind: "line", ...stroke });
    this.#redraw();
  }

  /** @param {HTMLCanvasElement} ink @param {string} name @returns {Stamp} */
  #centred(ink, name) {
    const scale = Math.min((WIDTH * 0.9) / ink.width, (HEIGHT * 0.9) / ink.height);
    const [width, height] = [ink.width * scale, ink.height * scale];
    return { kind: "stamp", ink, name, x: (WIDTH - width) / 2, y: (HEIGHT - height) / 2, width, height };
  }

  /** Clear the pad and put a picture of ink on it: a canvas whose opacity is the ink. @param {HTMLCanvasElement} ink */
  stamp(ink, name = "") {
    if (!this.empty) this.#add({ kind: "clear" });
    this.#add(this.#centred(ink, name));
    this.#redraw();
  }

  /** Whether this may be several digits, because the ink is in separate parts or wide; the reader decides. */
  get mayBeSeveral() {
    return mayBeSeveral(this.#drawn());
  }

  get #isOneLargeDigit() {
    const drawn = this.#drawn().filter((item) => item.kind === "stamp" || !item.erase);
    if (!drawn.length || mayBeSeveral(drawn)) return false;
    const [x0, y0, x1, y1] = drawn.map(bounds).reduce(joined);
    return Math.max(x1 - x0, y1 - y0) >= LARGE;
  }

  #drawn() {
    return this.#current?.points.length ? [...this.#shown(), this.#current] : this.#shown();
  }

  /**
   * Picture for the reader: a canvas, dark ink on white. `box` [x0, y0, x1, y1], in its pixels, crops one digit.
   * @param {number[] | null} box
   */
  picture(box = null, turned = 0) {
    const { width, height } = box === null && this.#isOneLargeDigit ? SENT_FOR_ONE : SENT;
    const full = canvas(width, height);
    const pen = penOf(full, { willReadFrequently: true });
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, full.width, full.height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this.#view, 0, 0, full.width, full.height);
    return box ? isolated(full, box, turned) : full;
  }

  #shown() {
    return sinceCleared(this.#actions.slice(0, this.#done));
  }

  /** @param {Line | Stamp | Clearing} action */
  #add(action) {
    this.#actions.splice(this.#done, Infinity, action);
    this.#done = this.#actions.length;
  }

  #redraw() {
    this.#pen.clearRect(0, 0, WIDTH, HEIGHT);
    for (const action of this.#shown()) this.#paint(action);
    this.#emit("change");
  }

  /** @param {"ink" | "change"} name */
  #emit(name) {
    this.dispatchEvent(new Event(name));
  }

  /** @param {Line | Stamp} action */
  #paint(action) {
    if (action.kind === "stamp") {
      this.#pen.imageSmoothingQuality = "high";
      this.#pen.drawImage(action.ink, action.x, action.y, action.width, action.height);
      return;
    }
    for (const last of action.points.keys()) this.#paintTo(action, last);
  }

  /**
   * Paint the piece of a line that point `last` adds: a curve between the midpoints of neighbouring points.
   * @param {Line} line
   * @param {number} last
   */
  #paintTo({ points, erase }, last) {
    const pen = this.#pen;
    const [to, by] = [points[last], points[Math.max(last - 1, 0)]];
    const from = points[Math.max(last - 2, 0)];
    pen.globalCompositeOperation = erase ? "destination-out" : "source-over";
    [pen.lineCap, pen.lineJoin, pen.lineWidth] = ["round", "round", (to.width + by.width) / 2];
    pen.beginPath();
    pen.moveTo((from.x + by.x) / 2, (from.y + by.y) / 2);
    pen.quadraticCurveTo(by.x, by.y, (by.x + to.x) / 2, (by.y + to.y) / 2);
    pen.lineTo(to.x, to.y);
    pen.stroke();
    pen.globalCompositeOperation = "source-over";
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   */
  #extend(x, y, width) {
    const line = this.#current;
    if (!line) return;
    line.points.push({ x, y, width: line.erase ? RUBBER : width });
    this.#paintTo(line, line.points.length - 1);
  }

  #finish() {
    if (this.#current?.points.length) this.#add(this.#current);
    this.#current = null;
    this.#emit("change");
  }

  /**
   * @param {PointerEvent} event
   * @returns {[number, number]}
   */
  #position(event) {
    const frame = this.#view.getBoundingClientRect();
    return [
      ((event.clientX - frame.left) / frame.width) * WIDTH,
      ((event.clientY - frame.top) / frame.height) * HEIGHT,
    ];
  }

  /** @param {PointerEvent} event */
  #begin(event) {
    if (this.#pointer !== null || (event.button > 0 && event.button !== 5)) return;
    event.preventDefault();
    this.#liftKeys();
    this.#view.focus({ preventScroll: true });
    this.#view.setPointerCapture(event.pointerId);
    this.#pointer = event.pointerId;
    this.#current = { kind: "line", points: [], erase: this.erasing || event.button === 5 }; // 5: a pen's eraser
    this.#extend(...this.#position(event), thickness(event));
    this.#emit("ink");
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (event.pointerId !== this.#pointer) return;
    const between = event.getCoalescedEvents?.() ?? [];
    for (const item of between.length ? between : [event]) this.#extend(...this.#position(item), thickness(item));
    this.#emit("ink");
  }

  /** @param {PointerEvent} event */
  #end(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#pointer = null;
    this.#finish();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = ARROWS[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !(step || event.key === " " || event.key === "Escape"))
      return;
    event.preventDefault();
    if (event.key === "Escape") return this.#liftKeys();
    const keys = this.#keys;
    keys.shown = true;
    if (event.key === " ") {
      keys.down = !keys.down;
      if (!keys.down) return this.#finish();
      this.#current = { kind: "line", points: [], erase: this.erasing };
    } else {
      const size = event.shiftKey ? KEY_STEP / 3 : KEY_STEP;
      keys.x = between(keys.x + step[0] * size, 0, WIDTH);
      keys.y = between(keys.y + step[1] * size, 0, HEIGHT);
    }
    if (keys.down) this.#extend(keys.x, keys.y, PEN);
    this.#emit("ink");
  }

  #liftKeys() {
    const drawn = this.#keys.down;
    Object.assign(this.#keys, { down: false, shown: false });
    if (drawn) this.#finish();
    else this.#emit("ink");
  }
}

/** Line width: grows with a pen's pressure; that of mice and fingers is unreliable. @param {PointerEvent} event */
function thickness(event) {
  return event.pointerType === "pen" && event.pressure ? PEN * (0.4 + 1.1 * event.pressure) : PEN;
}

/**
 * The actions since the pad was last cleared.
 * @param {(Line | Stamp | Clearing)[]} actions
 */
function sinceCleared(actions) {
  const shown = actions.slice(actions.findLastIndex((each) => each.kind === "clear") + 1);
  return /** @type {(Line | Stamp)[]} */ (shown);
}

/**
 * Whether this may be several digits: the ink is in separate parts, or wide.
 * @param {(Line | Stamp)[]} drawn
 */
export function mayBeSeveral(drawn) {
  /** @type {Box[]} */
  let parts = [];
  for (const action of drawn) {
    if (action.kind === "line" && action.erase) continue;
    const box = bounds(action);
    const touching = parts.filter((each) => touch(each, box));
    parts = [...parts.filter((each) => !touch(each, box)), touching.reduce(joined, box)];
  }
  return parts.length > 1 || parts.some(([x0, y0, x1, y1]) => x1 - x0 > WIDE * (y1 - y0 + PEN));
}

/**
 * @param {Line | Stamp} action
 * @returns {Box}
 */
function bounds(action) {
  if (action.kind === "stamp") return [action.x, action.y, action.x + action.width, action.y + action.height];
  const [xs, ys] = [action.points.map((each) => each.x), action.points.map((each) => each.y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** @type {(a: Box, b: Box) => Box} */
const joined = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
/** @type {(a: Box, b: Box) => boolean} */
const touch = (a, b) => a[0] - b[2] < PEN && b[0] - a[2] < PEN && a[1] - b[3] < PEN && b[1] - a[3] < PEN;

/**
 * Extend a box [x0, y0, x1, y1] by a fifth of its size on each side, within the picture.
 * @param {number[]} box
 * @param {{ width: number, height: number }} picture
 * @returns {Box}
 */
export function surroundings([x0, y0, x1, y1], { width, height }) {
  const around = Math.ceil(0.2 * Math.max(x1 - x0, y1 - y0)) + 2;
  return [
    Math.max(x0 - around, 0),
    Math.max(y0 - around, 0),
    Math.min(x1 + around, width),
    Math.min(y1 + around, height),
  ];
}

/**
 * Crop one digit of a picture, with a margin, to a new canvas.
 * @param {HTMLCanvasElement} picture
 * @param {number[]} box
 */
export function cutOut(picture, box, turned = 0) {
  const [left, top, right, bottom] = surroundings(box, picture);
  const crop = canvas(right - left, bottom - top);
  penOf(crop, { willReadFrequently: true }).drawImage(picture, -left, -top);
  return turned ? afterTurns(crop, turned) : crop;
}

/**
 * Rotate the picture by this number of clockwise quarter turns.
 * @param {HTMLCanvasElement} picture
 * @param {number} turns
 */
function afterTurns(picture, turns) {
  const [wide, high] = turns % 2 ? [picture.height, picture.width] : [picture.width, picture.height];
  const turned = canvas(wide, high);
  const pen = penOf(turned, { willReadFrequently: true });
  pen.translate(wide / 2, high / 2);
  pen.rotate((turns * Math.PI) / 2);
  pen.drawImage(picture, -picture.width / 2, -picture.height / 2);
  return turned;
}

/**
 * Crop one digit of the pad, where paper is white: neighbours that reach into its margin are painted over.
 * @param {HTMLCanvasElement} picture
 * @param {number[]} box
 * @param {number} turned
 */
function isolated(picture, box, turned) {
  const clean = canvas(picture.width, picture.height);
  const pen = penOf(clean, { willReadFrequently: true });
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, clean.width, clean.height);
  const [left, top, width, height] = [box[0] - 2, box[1] - 2, box[2] - box[0] + 4, box[3] - box[1] + 4];
  pen.drawImage(picture, left, top, width, height, left, top, width, height);
  return cutOut(clean, box, turned);
}
