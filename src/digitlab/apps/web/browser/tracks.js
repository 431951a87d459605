// Tracks digits over the camera's frames, and decides which text is steady: a port of digitlab/live/tracks.py.

import { answerKind, DigitFilter, OTHER } from "./digit-filter.js";
import { STEADINESS, TRACKS } from "./live-constants.js";
import { compared, cutPatch, FrameInk } from "./live-ink.js";
import { distance, isLarger, isSmaller, longestSide, movedOn, overlapping, shareWithin, shift } from "./matching.js";

/**
 * @import { Belief } from "./digit-filter.js"
 * @import { Box } from "./glyphs.js"
 * @import { InkPatch, Sight } from "./live-ink.js"
 * @import { Picture } from "./pictures.js"
 * A digit found in one frame; `digit`: null if the reader declined; `score`: the probability that there is one at all.
 * @typedef {{
 *   box: Box, line: number, digit: number | null, probabilities: ArrayLike<number>, score: number
 * }} Detection
 */

const { THERE, KEPT } = TRACKS;

/**
 * Convert a digit that was read to a detection.
 * @param {Omit<Detection, "score"> & { confidence: number }} read @returns {Detection}
 */
export function detectionOf({ box, line, digit, probabilities, confidence }) {
  return { box, line, digit, probabilities, score: Math.min(1, confidence / Math.max(...Array.from(probabilities))) };
}

export class Tracker {
  /** @type {string | null} The decided text; "": certainly an empty page; null: undecided. */
  steady = null;
  /** Whether ink is probably being added or removed somewhere. */
  drawing = false;
  /** @type {Followed[]} */
  #followed = [];
  #moved = [0, 0]; // how far the page moved since the previous frame, in pixels
  /** @type {number | null} */
  #last = null;
  /** @type {number | null} */
  #clearSince = null;
  #ink = new FrameInk();
  #freshAt = Number.NEGATIVE_INFINITY; // when ink last appeared outside the tracks, or was erased: between two frames

  /**
   * Add a frame's detections, in reading order.
   * @param {Detection[]} detections
   * @param {number} at seconds, of any clock that runs with the frames
   * @param {Picture} image the frame
   */
  add(detections, at, image) {
    const seconds = this.#last === null ? 0 : at - this.#last;
    this.#last = at;
    const seen = this.#matched(detections, image);
    /** @type {[Box, Box][]} */
    const boxes = seen.map((each, row) => [each.detection.box, detections[row].box]);
    this.#moved = shift(boxes.filter((_, row) => seen[row].isKnown));
    const missed = this.#followed.filter((each) => !seen.includes(each));
    seen.forEach((each, row) => {
      each.see(detections[row], seconds, image);
    });
    for (const each of missed) each.miss(seconds, image, detections);
    if (missed.some((each) => each.erased)) this.#freshAt = at - seconds / 2; // what is left for a moment is no answer
    this.#followed = this.#followed.filter((each) => !each.isGone);
    const watched = this.#followed.flatMap(({ patch }) => patch ?? []);
    if (this.#ink.isNew(image, at, this.#moved, watched)) this.#freshAt = at - seconds / 2;
    this.#decide(at, Math.hypot(...this.#moved) > TRACKS.BRISK * image.width * seconds);
  }

  /**
   * The track of each detection, old or new, by the best overlaps: in place, or moved on as before.
   * @param {Detection[]} detections @param {Picture} image
   */
  #matched(detections, image) {
    /** @type {Map<number, Followed>} */
    const chosen = new Map();
    if (detections.length && this.#followed.length) {
      const boxes = detections.map(({ box }) => box);
      const old = this.#followed.map(({ detection }) => detection.box);
      const [still, along] = [[0, 0], this.#moved].map((by) =>
        overlapping(
          boxes,
          old.map((box) => movedOn(box, by)),
        ),
      );
      const sum = (/** @type {[number, number, number][]} */ pairs) => pairs.reduce((all, [, , each]) => all + each, 0);
      for (const [row, column] of sum(along) > sum(still) ? along : still) chosen.set(row, this.#followed[column]);
      this.#matchByInk(detections, chosen, image);
    }
    return detections.map((detection, row) => chosen.get(row) ?? this.#follow(detection));
  }

  /**
   * Match the remaining detections by their ink: a thin digit may move by more than its width between frames.
   * @param {Detection[]} detections @param {Map<number, Followed>} chosen @param {Picture} image
   */
  #matchByInk(detections, chosen, image) {
    const taken = new Set(chosen.values());
    const left = this.#followed.filter((each) => !taken.has(each));
    const ways = detections.flatMap(({ box }, row) =>
      left
        .filter(({ detection }) => !isSmaller(detection.box, box) && !isSmaller(box, detection.box))
        .map((followed) => ({ followed, row, far: distance(followed.detection.box, box) })),
    );
    for (const { followed, row, far } of ways.sort((a, b) => a.far - b.far)) {
      const { box } = detections[row];
      if (far > TRACKS.STRAYS * longestSide(box) || chosen.has(row) || taken.has(followed)) continue;
      if (!followed.isInkOf(box, image)) continue;
      chosen.set(row, followed);
      taken.add(followed);
    }
  }

  /** @param {Detection} detection */
  #follow(detection) {
    const followed = new Followed(detection);
    this.#followed.push(followed);
    return followed;
  }

  /**
   * Update the steady text if every part is decided; while the page moves fast, no new text becomes steady.
   * @param {number} at @param {boolean} brisk
   */
  #decide(at, brisk) {
    const there = this.#followed.filter((each) => each.isThere);
    const rests = at - this.#freshAt >= 2 * STEADINESS.pause;
    this.drawing = !rests || there.some(({ filter }) => filter.drawing >= THERE);
    if (there.length) {
      this.#clearSince = null;
      const text = rests && there.every(({ digit }) => digit !== null) ? textOf(there) : null;
      this.steady = brisk && text !== this.steady ? null : text;
    } else if (!rests) {
      [this.#clearSince, this.steady] = [null, null];
    } else {
      this.#clearSince ??= at;
      this.steady = this.steady === "" || at - this.#clearSince >= TRACKS.CLEAR ? "" : null;
    }
  }
}

/** The state of a track. */
class Followed {
  filter = new DigitFilter();
  /** @type {number | null} OTHER for a mark that is not a digit */
  digit = null;
  isKnown = false; // whether it was seen in a frame before
  erased = false; // in the last frame
  /** @type {InkPatch | null} */
  patch = null;
  /** @type {InkPatch | null} The patch when it was last decided, and the belief then. */
  #settled = null;
  /** @type {Belief | null} */
  #belief = null;
  #unseen = 0; // seconds
  #covered = 0; // seconds
  /** @type {number | null} Seconds for which it was read smaller than its patch. */
  #smaller = null;
  #redrawn = true;
  #isErased = false;

  /** @param {Detection} detection */
  constructor(detection) {
    this.detection = detection;
  }

  /**
   * Add its detection in a frame.
   * @param {Detection} detection @param {number} seconds since the previous frame @param {Picture} image
   */
  see(detection, seconds, image) {
    const { box, digit, score, probabilities } = detection;
    let sight = this.isKnown ? this.#sight(box, image) : "same";
    this.#covered = sight === "covered" ? this.#covered + seconds : 0;
    if (this.#covered > TRACKS.COVERED || (sight === "covered" && this.filter.nothing >= THERE)) sight = "changed";
    if (this.#isSmaller(box, seconds)) sight = "changed"; // something that was read with it is gone
    let changed = ["changed", "wiped", "erased"].includes(sight) || longestSide(box) < TRACKS.LEGIBLE;
    if ((changed || this.#redrawn) && this.#belief && this.#isAsBefore(box, image)) {
      this.filter.restore(this.#belief);
      [this.patch, changed, this.#redrawn] = [this.#settled, false, false];
    }
    if (changed || !this.patch) this.patch = cutPatch(image, box);
    const answer = answerKind(digit, score * Math.max(...Array.from(probabilities)));
    const isItself = sight !== "covered" || !this.#belief; // else what is read there is not the digit itself
    this.filter.step(seconds, isItself ? { answer, changed, probabilities } : TRACKS.MISSED.covered);
    this.detection = detection;
    [this.#unseen, this.erased, this.#isErased, this.isKnown] = [0, false, false, true];
    this.#redrawn ||= changed;
    this.#decide();
  }

  /**
   * Whether it has been read smaller than its patch for some frames, and is not yet decided.
   * @param {Box} box @param {number} seconds
   */
  #isSmaller(box, seconds) {
    if (!this.patch || !this.#redrawn || !isSmaller(box, this.patch.box)) {
      this.#smaller = null;
      return false;
    }
    this.#smaller = this.#smaller === null ? 0 : this.#smaller + seconds;
    return this.#smaller > TRACKS.SMALLER;
  }

  /** Whether the ink in this box is its own. @param {Box} box @param {Picture} image */
  isInkOf(box, image) {
    return this.patch !== null && compared(this.patch, image, box)[0] === "same";
  }

  /**
   * Whether its ink is the same as when it was last decided: whatever had covered it is gone.
   * @param {Box} box @param {Picture} image
   */
  #isAsBefore(box, image) {
    return this.#settled !== null && compared(this.#settled, image, box)[0] === "same";
  }

  /**
   * Add a frame in which it was not found: it is covered, erased, joined with another, or misread.
   * @param {number} seconds @param {Picture} image @param {Detection[]} others
   */
  miss(seconds, image, others) {
    this.#unseen += seconds;
    const { box } = this.detection;
    /** @type {Sight} */
    const sight = this.patch ? compared(this.patch, image, box)[0] : "covered";
    const within = others.some((other) => shareWithin(box, other.box) >= TRACKS.INSIDE);
    const joined = within && (sight !== "same" || this.#unseen > TRACKS.JOINED); // else a single frame was misread
    this.erased = sight === "erased" && !joined && !this.#isErased;
    this.#isErased = sight === "erased" || joined;
    this.#redrawn ||= sight === "wiped" || this.#isErased;
    if (this.#isErased) this.#settled = null;
    this.filter.step(seconds, TRACKS.MISSED[this.#isErased ? "erased" : sight]);
    this.#decide();
  }

  /**
   * What became of the ink in its patch; without a patch, judged by the size of its box.
   * @param {Box} box @param {Picture} image @returns {Sight}
   */
  #sight(box, image) {
    if (!this.patch) {
      const was = this.detection.box;
      return isSmaller(box, was) || isLarger(box, was) ? "changed" : "same";
    }
    const [sight] = compared(this.patch, image, box);
    return sight === "same" && isLarger(box, this.patch.box) ? "changed" : sight; // a speck that grows
  }

  /** Whether the text must wait for it; a track never decided and seen only now and then does not count. */
  get isThere() {
    if (!this.#belief) return this.#unseen === 0 && this.filter.nothing < TRACKS.LIKELY_NOTHING;
    return this.filter.nothing < THERE;
  }

  /** Whether it is to be dropped: almost certainly nothing, or not seen for a while (longer if it was decided). */
  get isGone() {
    return this.filter.nothing >= TRACKS.GONE || this.#unseen > (this.#belief ? TRACKS.UNREAD : TRACKS.FORGOTTEN);
  }

  #decide() {
    const { finished, best, belief, stood } = this.filter;
    if (finished[best] >= TRACKS.SURE && !(best === OTHER && this.#unseen)) {
      this.digit = best;
      [this.#redrawn, this.#settled, this.#belief] = [false, this.patch, belief];
    } else if (this.digit !== null && finished[this.digit] < KEPT) this.digit = null;
    if (stood < KEPT) this.digit = null; // it is another digit, or the same with more ink: to be decided again
  }
}

/**
 * Lines of digits from left to right, joined by newlines; "?" for a mark that is not a digit.
 * @param {Followed[]} there
 */
function textOf(there) {
  /** @type {Map<number, { x: number, character: string }[]>} */
  const lines = new Map();
  for (const { digit, detection } of there) {
    const line = lines.get(detection.line) ?? [];
    lines.set(detection.line, [...line, { x: detection.box[0], character: digit === OTHER ? "?" : String(digit) }]);
  }
  const order = (
    /** @type {{ x: number, character: string }} */ one,
    /** @type {{ x: number, character: string }} */ two,
  ) => one.x - two.x || (one.character < two.character ? -1 : Number(one.character > two.character));
  return [...lines]
    .sort(([one], [two]) => one - two)
    .map(([, line]) =>
      line
        .sort(order)
        .map(({ character }) => character)
        .join(""),
    )
    .join("\n");
}
