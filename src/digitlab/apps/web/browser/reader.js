// The reader: from a picture to digits, with the networks, preparation and rejection of digitlab/reading/reader.py.

import {
  agreedWith,
  confidenceAlone,
  confidenceOf,
  digitOf,
  isPartOf,
  longestOf,
  mainCandidate,
  tightened,
  withoutTwins,
} from "./candidates.js";
import { decode, LARGE } from "./decoding.js";
import { digitIn, mainDigit } from "./glyphs.js";
import { withLineContext } from "./line-context.js";
import { withSigns } from "./marks.js";
import { PAGE_SIDE, setUpright, turnedBack } from "./orientation.js";
import { halvedTo, turned } from "./pictures.js";
import { Session } from "./session.js";
import { Tensor } from "./tensor.js";

/**
 * @import { Candidate } from "./candidates.js"
 * @import { Classifier } from "./classifier.js"
 * @import { Box } from "./glyphs.js"
 * @import { Picture } from "./pictures.js"
 */

const LEAST_SCORE = 0.1;
const REMEMBERED = 1e6; // bytes: enough for a drawing, not for a photo
const [SIMILAR, LIKELY, CERTAIN, ASKED, MOST_ASKED] = [0.4, 0.5, 0.95, 0.25, 400];

/** The page reader's network: from a picture to candidates. */
export class PageNetwork {
  /** @param {Uint8Array} bytes an ONNX file */
  constructor(bytes) {
    this.session = new Session(bytes);
    this.threshold = Number(this.session.model.metadata.threshold ?? 0.5);
  }

  /** Find candidates, likeliest first. @param {Picture} picture @returns {Candidate[]} */
  find(picture) {
    const { width, height } = picture;
    const small = halvedTo(picture, PAGE_SIDE);
    const { width: smallWidth, height: smallHeight } = small;
    const outputs = this.session.run({
      [this.session.input]: new Tensor("uint8", [smallHeight, smallWidth, 3], small.data),
    });
    const [boxes, scores, probabilities] = ["boxes", "scores", "probabilities"].map(
      (name) => /** @type {Tensor} */ (outputs.get(name)).values,
    );
    const factors = [Math.fround(width / smallWidth), Math.fround(height / smallHeight)];
    /** @type {Candidate[]} */
    const candidates = [];
    for (let row = 0; row < scores.length; row++) {
      if (scores[row] < LEAST_SCORE) continue;
      const box = /** @type {Box} */ (
        [0, 1, 2, 3].map((side) => Math.fround(boxes[4 * row + side] * factors[side % 2]))
      );
      candidates.push({
        box,
        score: scores[row],
        probabilities: Float32Array.from(probabilities.subarray(10 * row, 10 * row + 10)),
      });
    }
    return candidates;
  }
}

export class Reader {
  /** @type {{ picture: Picture, candidates: Candidate[] } | null} */
  #last = null;

  /**
   * @param {PageNetwork} pages
   * @param {Classifier} classifier
   * @param {boolean} shipped whether the classifier is shipped with digitlab, and so made for this page network
   */
  constructor(pages, classifier, shipped) {
    this.pages = pages;
    this.classifier = classifier;
    this.shipped = shipped;
    this.threshold = shipped ? pages.threshold : classifier.threshold;
  }

  /** Classify the one digit that a picture shows. @param {Picture} picture */
  classify(picture) {
    const candidates = this.candidates(picture);
    const main = mainCandidate(candidates, picture.width, picture.height);
    if (!main) return { digit: null, confidence: 0, probabilities: new Array(10).fill(0), note: null };
    const others = candidates.filter((each) => each !== main && confidenceOf(each) >= this.threshold);
    const several = others.some((each) => longestOf(each) >= SIMILAR * longestOf(main));
    const note = several ? "holds several digits; `read` reads them all" : null;
    return {
      digit: this.#answer(main),
      confidence: confidenceOf(main),
      probabilities: Array.from(main.probabilities),
      note,
    };
  }

  /** Read all digits of a page, line by line, and the signs between them. @param {Picture} picture */
  read(picture) {
    const { width, height } = picture;
    const { turns, candidates, note } = setUpright(picture, this.candidates(picture), (rotated) =>
      this.candidates(rotated),
    );
    const upright = turned(picture, turns);
    const side = Math.max(width, height);
    const raised = withLineContext(upright, candidates, decode(candidates, this.threshold, side), this.threshold);
    const { lines, signs } = withSigns(upright, decode(raised, this.threshold, side));
    /** @type {(box: Box) => Box} */
    const placed = (box) => {
      const [x0, y0, x1, y1] = turnedBack(box, turns, width, height);
      const [left, top] = [Math.floor(x0), Math.floor(y0)];
      return [left, top, Math.max(left + 1, Math.ceil(x1)), Math.max(top + 1, Math.ceil(y1))];
    };
    const digits = lines.flatMap((line, row) =>
      line.map((each) => ({
        digit: this.#answer(each),
        confidence: confidenceOf(each),
        box: placed(each.box),
        line: row,
        probabilities: Array.from(each.probabilities),
      })),
    );
    const marks = signs.flatMap((signsOfLine, row) =>
      signsOfLine.map(({ sign, box }) => ({ sign, box: placed(box), line: row })),
    );
    return { digits, marks, note, turned: (4 - turns) % 4 };
  }

  /**
   * Find where digits may be, and which; likeliest first. The last drawing's candidates are cached, because the page
   * classifies a drawing that was just read as a page.
   * @param {Picture} picture @returns {Candidate[]}
   */
  candidates(picture) {
    if (this.#last && isSame(this.#last.picture, picture)) return [...this.#last.candidates];
    const candidates = this.#findCandidates(picture);
    this.#last = picture.data.length <= REMEMBERED ? { picture, candidates } : null;
    return [...candidates];
  }

  /** @param {Picture} picture @returns {Candidate[]} */
  #findCandidates(picture) {
    const candidates = this.pages.find(picture);
    const count = this.shipped
      ? candidates.slice(0, MOST_ASKED).filter((each) => each.score >= ASKED).length
      : candidates.length;
    const inks = candidates.map((each, index) => (index < count ? digitIn(picture, each.box) : null));
    const opinions = this.#digitProbabilities(inks.map((ink) => ink?.glyph ?? null));
    let judged = candidates.map((each, index) => {
      const ink = inks[index];
      return this.#withSecondOpinion(ink ? tightened(each, ink.box) : each, opinions[index]);
    });
    const likely = judged.filter((each) => confidenceOf(each) >= LIKELY);
    if (likely.length < 2 && likely.every((each) => confidenceOf(each) < CERTAIN)) {
      const wholeInk = this.#wholeInk(picture, candidates);
      if (wholeInk && likely.every((each) => isPartOf(each, wholeInk) && confidenceOf(each) < confidenceOf(wholeInk)))
        judged = [wholeInk, ...judged.filter((each) => !isPartOf(each, wholeInk))];
    }
    return withoutTwins(judged);
  }

  /** @param {Candidate} candidate @param {Float32Array | null} probabilities @returns {Candidate} */
  #withSecondOpinion(candidate, probabilities) {
    if (this.shipped) return agreedWith(candidate, probabilities);
    return { ...candidate, probabilities: probabilities ?? new Float32Array(10).fill(0.1) };
  }

  /**
   * Take the picture's whole ink as one digit, if it is large and the classifier is confident; else null.
   * @param {Picture} picture @param {Candidate[]} candidates @returns {Candidate | null}
   */
  #wholeInk(picture, candidates) {
    const main = mainDigit(picture);
    if (!main) return null;
    const whole = { box: main.box, score: 1, probabilities: this.classifier.probabilities(main.glyph)[0] };
    const large = longestOf(whole) >= LARGE * Math.max(picture.width, picture.height);
    const confidence = confidenceOf(whole);
    if (!large || confidence < this.classifier.threshold) return null;
    if (!this.shipped) return whole; // its own threshold applies to its own confidences
    return { ...whole, score: Math.min(1, confidenceAlone(whole, candidates) / confidence) };
  }

  /** @param {(Uint8Array | null)[]} glyphs */
  #digitProbabilities(glyphs) {
    const present = glyphs.filter((each) => each !== null);
    const batch = new Uint8Array(784 * present.length);
    present.forEach((glyph, index) => {
      batch.set(glyph, 784 * index);
    });
    const answers = present.length ? this.classifier.probabilities(batch) : [];
    return glyphs.map((glyph) => (glyph ? (answers.shift() ?? null) : null));
  }

  /** @param {Candidate} candidate */
  #answer(candidate) {
    return confidenceOf(candidate) >= this.threshold ? digitOf(candidate) : null;
  }
}

/** @param {Picture} one @param {Picture} other */
const isSame = (one, other) =>
  one.width === other.width &&
  one.height === other.height &&
  one.data.every((level, place) => level === other.data[place]);
