// The page's whole state as the fragment of its URL, which browsers never send to a server.

/**
 * @typedef {{ points: { x: number, y: number, width: number }[], erase: boolean }} Stroke
 * @typedef {{
 *   view?: string, from?: string, model?: string, layer?: string, map?: number, at?: [number, number], step?: number,
 *   language?: string, theme?: string, digit?: string, ink?: Stroke[], training?: Record<string, string>,
 *   learning?: Record<string, string>,
 *   lesson?: string, part?: number
 * }} Place State of the page. `map`, `step` and `part` count from 1; `at`: row and column of a map's number, from 1;
 *   `digit`: name of a digit of the gallery, e.g. "mnist-8"; `ink`: the strokes on top of it
 */

const MOST_TEXT = 60_000; // characters in a fragment
const [MOST_STROKES, MOST_POINTS] = [400, 4000];
const MOST_BYTES = 42_000; // of packed strokes: 56,000 characters, so that the rest has room beside them
const [FINE, FINE_WIDTH] = [2, 4]; // resolution of positions and of widths: steps per unit of the pad
const NEAR = 1.2; // points closer than this to the previous one are dropped; of a long drawing, more of them are
const NAME = /^[\w.+-]{1,100}$/;
const WORDS = /** @type {const} */ (["view", "from", "model", "layer", "theme", "digit", "lesson"]);
const COUNTS = /** @type {const} */ (["map", "step", "part"]);
const TRAINING = ["architecture", "images", "epochs", "rate", "seed"];
const LEARNING = ["network", "method", "rate", "seed", "epochs", "label"];

/** @param {Place} place */
export function fragmentOf(place) {
  const parameters = new URLSearchParams();
  for (const name of WORDS) if (place[name]) parameters.set(name, place[name] ?? "");
  for (const name of COUNTS) if (place[name] !== undefined) parameters.set(name, String(place[name]));
  if (place.at) parameters.set("at", place.at.join("."));
  if (place.language) parameters.set("lang", place.language);
  if (place.training) parameters.set("train", TRAINING.map((name) => place.training?.[name] ?? "").join("~"));
  if (place.learning) parameters.set("learn", LEARNING.map((name) => place.learning?.[name] ?? "").join("~"));
  if (place.ink?.length) parameters.set("ink", packed(place.ink));
  return parameters.toString();
}

/** Parse a fragment; invalid parts are ignored. @param {string} fragment @returns {Place} */
export function placeOf(fragment) {
  /** @type {Place} */
  const place = {};
  if (fragment.length > MOST_TEXT) return place;
  const parameters = new URLSearchParams(fragment.replace(/^#/, ""));
  for (const name of WORDS) {
    const word = parameters.get(name);
    if (word && NAME.test(word)) place[name] = word;
  }
  for (const name of COUNTS) {
    const count = Number(parameters.get(name));
    if (Number.isInteger(count) && count > 0 && count < 1e6) place[name] = count;
  }
  const at = (parameters.get("at") ?? "").split(".").map(Number);
  if (at.length === 2 && at.every((each) => Number.isInteger(each) && each > 0 && each < 1e4))
    place.at = [at[0], at[1]];
  const language = parameters.get("lang");
  if (language && /^[a-z]{2}$/.test(language)) place.language = language;
  for (const [key, part, names] of /** @type {const} */ ([
    ["train", "training", TRAINING],
    ["learn", "learning", LEARNING],
  ])) {
    const settings = (parameters.get(key) ?? "").split("~");
    if (settings.length === names.length && settings.every((each) => /^[\w.-]{0,40}$/.test(each)))
      place[part] = Object.fromEntries(names.map((name, which) => [name, settings[which]]));
  }
  const ink = unpacked(parameters.get("ink") ?? "");
  if (ink.length) place.ink = ink;
  return place;
}

/** Whether a move makes a history entry; hovering from map to map does not. @param {Place} one @param {Place} other */
export function isElsewhere(one, other) {
  const entryOf = (/** @type {Place} */ { ink, training, learning, map, at, theme, language, digit, ...rest }) =>
    JSON.stringify(rest);
  return entryOf(one) !== entryOf(other);
}

/** Zigzag encoding of signed integers, so that small absolute values stay short. @param {number} value */
const zigzag = (value) => (value < 0 ? -2 * value - 1 : 2 * value);

/** @param {number[]} bytes @param {number} value */
function write(bytes, value) {
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest >>>= 7;
  }
  bytes.push(rest);
}

/** Encode strokes as URL-safe base64, as finely as there is room for. @param {Stroke[]} strokes */
function packed(strokes) {
  let near = NEAR;
  let bytes = bytesOf(strokes, near);
  while (bytes.length > MOST_BYTES) {
    near *= 1.5;
    bytes = bytesOf(strokes, near);
  }
  const letters = btoa(String.fromCharCode(...bytes));
  return letters.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @param {Stroke[]} strokes @param {number} near */
function bytesOf(strokes, near) {
  /** @type {number[]} */
  const bytes = [];
  for (const { points, erase } of strokes.slice(-MOST_STROKES)) {
    const reduced = thinned(points, near).slice(0, MOST_POINTS);
    write(bytes, 2 * reduced.length + Number(erase));
    let [x, y, width] = [0, 0, 0];
    for (const point of reduced) {
      const next = [Math.round(FINE * point.x), Math.round(FINE * point.y), Math.round(FINE_WIDTH * point.width)];
      for (const step of [next[0] - x, next[1] - y, next[2] - width]) write(bytes, zigzag(step));
      [x, y, width] = next;
    }
  }
  return bytes;
}

/** @param {Stroke["points"]} points @param {number} near */
function thinned(points, near) {
  /** @type {Stroke["points"]} */
  const reduced = [];
  points.forEach((point, place) => {
    const last = reduced[reduced.length - 1];
    if (!last || place === points.length - 1 || Math.hypot(point.x - last.x, point.y - last.y) > near)
      reduced.push(point);
  });
  return reduced;
}

/** @param {string} letters @returns {Stroke[]} */
function unpacked(letters) {
  let text = "";
  try {
    text = atob(letters.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return [];
  }
  let position = 0;
  const read = () => {
    let [value, shift] = [0, 0];
    while (position < text.length && shift < 28) {
      const byte = text.charCodeAt(position++);
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
      shift += 7;
    }
    position = text.length + 1; // truncated input
    return 0;
  };
  const step = () => {
    const value = read();
    return value % 2 ? -(value + 1) / 2 : value / 2;
  };
  /** @type {Stroke[]} */
  const strokes = [];
  while (position < text.length && strokes.length < MOST_STROKES) {
    const head = read();
    let [x, y, width] = [0, 0, 0];
    /** @type {Stroke["points"]} */
    const points = [];
    for (let remaining = Math.min(head >> 1, MOST_POINTS); remaining > 0 && position <= text.length; remaining -= 1) {
      [x, y, width] = [x + step(), y + step(), width + step()];
      points.push({ x: x / FINE, y: y / FINE, width: Math.max(1, Math.min(200, width / FINE_WIDTH)) });
    }
    if (position > text.length) break;
    if (points.length) strokes.push({ points, erase: head % 2 === 1 });
  }
  return strokes;
}
