// The answer: one large digit (or the text of several digits), ten probability bars, and the response time.

import { make } from "./elements.js";
import { number, onLanguage, probability, t } from "./words.js";

/**
 * The answer to show: one of the server, or none yet. `text`: the reading, if there are several digits; `whose`: which
 * of them the bars belong to, { digit, n, all }, or { digit } if it has no number.
 * @typedef {{ digit: number | null, n?: number, all?: number }} Whose
 * @typedef {{
 *   digit: number | null, confidence: number, probabilities: number[] | null, text?: string | null, whose?: Whose | null
 * }} Shown
 */

/**
 * Create ten bars; `show(probabilities)` sets their lengths. With `before`, a ghost behind each bar has its old length.
 * @param {string} label
 */
export function tenBars(label) {
  const rows = Array.from({ length: 10 }, (_, digit) => {
    const [bar, ghost, share] = [make("i"), make("i", { class: "ghost" }), make("span", { class: "share" }, "–")];
    return {
      bar,
      ghost,
      share,
      row: make("li", {}, make("b", {}, String(digit)), make("span", { class: "track" }, ghost, bar), share),
    };
  });
  const list = make("ol", { class: "bars", "aria-label": label, start: 0 }, ...rows.map((each) => each.row));
  /** @type {(probabilities: number[] | null, answer?: number | null, before?: number[] | null) => void} */
  const show = (probabilities, answer = null, before = null) => {
    const answered = probabilities?.some((each) => each > 0);
    rows.forEach(({ bar, ghost, share, row }, digit) => {
      const value = probabilities?.[digit] ?? 0;
      bar.style.transform = `scaleX(${value.toFixed(4)})`;
      ghost.style.transform = `scaleX(${(before?.[digit] ?? 0).toFixed(4)})`;
      share.textContent = answered ? probability(value) : "–";
      row.classList.toggle("first", answer === digit);
    });
  };
  return { list, show };
}

/**
 * Describe the reader's confidence; if it differs from the bar, with its two factors: that there is a digit, and that
 * it is this one. The bars show only the second.
 * @param {number} digit
 * @param {number} confidence
 * @param {number} which the probability that the digit's own bar shows
 */
export function sure(digit, confidence, which) {
  const [share, presence] = [probability(confidence), probability(Math.min(1, confidence / which))];
  if (share === probability(which)) return t("confidence {share}", { share });
  return t("confidence {share} = (a digit: {there}) × (a {digit}: {which})", {
    share,
    there: presence,
    digit,
    which: probability(which),
  });
}

/** The card with the answer. */
export class Answer {
  /** @type {number[]} */
  #times = [];
  #announced = "";
  /** @type {Shown | null} */
  #last = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #waiting;

  /** @param {Record<"digit" | "words" | "bars" | "time" | "live", HTMLElement>} places */
  constructor({ digit, words, bars, time, live }) {
    this.digit = digit;
    this.words = words;
    this.time = time;
    this.live = live;
    this.bars = tenBars(t("The reader's answer: probability of each digit"));
    this.whose = make("p", { class: "whose quiet" });
    bars.append(this.whose, this.bars.list);
    onLanguage(() => {
      if (this.#last) this.show(this.#last);
      else this.nothing();
    });
  }

  /** Show that nothing has been drawn. */
  nothing() {
    this.#last = null;
    this.#put("–", t("none"), t("Draw a digit, and the answer comes while you draw."));
    this.#title(null);
    this.bars.show(null);
  }

  /**
   * Show the classification of one picture, or the `text` of several digits, with a line below it.
   * @param {Shown} answer
   */
  show(answer, line = t("several digits")) {
    this.#last = answer;
    this.#title(answer.whose ?? null);
    const { digit, confidence, probabilities, text = null } = answer;
    if (text !== null) this.#put(text || "–", text ? "" : t("none"), line);
    else if (digit === null)
      this.#put(
        confidence ? "?" : "–",
        confidence ? "" : t("none"),
        confidence ? t("not answered: its confidence does not reach the threshold") : t("no digit was found"),
      );
    else this.#put(String(digit), "", sure(digit, confidence, probabilities?.[digit] ?? 1));
    this.bars.show(probabilities, digit);
  }

  /** Set the heading of the bars; for several digits, it names the one they belong to. @param {Whose | null} whose */
  #title(whose) {
    const digit = whose?.digit ?? "?";
    if (!whose) this.whose.textContent = t("The reader's answer: probability of each digit");
    else if (whose.all) this.whose.textContent = t("Probabilities of digit {n} of {all}: {digit}", { ...whose, digit });
    else this.whose.textContent = t("Probabilities of the most certain digit: {digit}", { digit });
    this.bars.list.setAttribute("aria-label", this.whose.textContent);
    this.whose.classList.toggle("one", Boolean(whose));
  }

  /**
   * @param {string} large
   * @param {string} word
   * @param {string} line
   */
  #put(large, word, line) {
    this.digit.textContent = word || large;
    this.digit.classList.toggle("none", Boolean(word));
    this.digit.classList.toggle("many", !word && large.length > 2);
    this.digit.classList.toggle("lines", !word && large.length > 12);
    this.words.textContent = line;
    this.#announce(word ? `${word}, ${line}` : `${large.replaceAll("\n", ", ")}, ${line}`);
  }

  /** Announce the answer to screen readers once it has been stable for a moment. @param {string} text */
  #announce(text) {
    clearTimeout(this.#waiting);
    if (text === this.#announced) return;
    this.#waiting = setTimeout(() => {
      this.#announced = this.live.textContent = text;
    }, 600);
  }

  /** Record a response time, in milliseconds from the end of the stroke to the paint. @param {number} milliseconds */
  took(milliseconds) {
    this.#times = [...this.#times.slice(-49), milliseconds];
    const middle = [...this.#times].sort((a, b) => a - b)[this.#times.length >> 1];
    this.time.textContent = t("answered in {n} ms", { n: number(milliseconds) });
    this.time.title = t("from the end of the stroke to the answer; median of the last {count}: {n} ms", {
      count: this.#times.length,
      n: number(middle),
    });
    this.time.dataset.median = middle.toFixed(1);
    this.time.dataset.count = String(this.#times.length);
  }
}
