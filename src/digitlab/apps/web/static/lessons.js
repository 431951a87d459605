// Lessons: a list of links with a short text each, shown step by step beside the page.

import * as api from "./api.js";
import { byId, fillChoice, make } from "./elements.js";
import { state } from "./state.js";
import { language, number, onLanguage, t, unbroken } from "./words.js";

/** @import { Lesson } from "../schemas.js" */

export class Lessons {
  /** @type {Lesson[]} */
  #all = [];
  /** @type {Lesson | null} */
  #open = null;
  #part = 0;
  #show;

  /** @param {(link: string) => unknown} show opens the place given by a part's link */
  constructor(show) {
    this.#show = show;
    this.choice = byId("lesson");
    this.panel = byId("lesson-panel");
    this.choice.addEventListener("change", () => this.open(this.choice.value, 1));
    onLanguage(() => this.#render());
  }

  /** Fetch the lessons; if there are none, the menu is hidden. */
  async start() {
    const names = state.models.map(({ name }) => name);
    this.#all = (await api.lessons()).lessons.filter(({ model }) => model === null || names.includes(model));
    this.choice.hidden = !this.#all.length;
    this.#render();
  }

  /** The open lesson, and its part counted from 1. */
  get place() {
    return this.#open ? { lesson: this.#open.name, part: this.#part + 1 } : {};
  }

  /**
   * Open a lesson at a part (counted from 1), or close it if there is none of this name; `follow`: also open its link.
   * @param {string | undefined} name
   * @param {number} part
   */
  open(name, part, follow = true) {
    this.#open = this.#all.find((each) => each.name === name) ?? null;
    this.#part = Math.max(0, Math.min((this.#open?.parts.length ?? 1) - 1, part - 1));
    this.#render();
    const link = this.#open?.parts[this.#part].link;
    if (follow && link !== undefined) this.#show(link);
  }

  /** Close the lesson and return the focus to the menu. */
  #end() {
    this.open(undefined, 1);
    this.choice.focus({ preventScroll: true });
  }

  #render() {
    /** @type {[string, string][]} */
    const names = this.#all.map(({ name, title }) => [name, localised(title).text]);
    fillChoice(this.choice, [["", t("Lessons")], ...names], this.#open?.name ?? "");
    this.#all.forEach(({ title }, index) => {
      this.choice.options[index + 1].lang = localised(title).lang;
    });
    this.panel.hidden = !this.#open;
    if (!this.#open) return;
    const { title, parts } = this.#open;
    const words = localised(parts[this.#part].text);
    const [first, last] = [this.#part === 0, this.#part === parts.length - 1];
    const go = (/** @type {number} */ by) => () => {
      this.open(this.#open?.name, this.#part + 1 + by);
      this.panel.querySelector("h2")?.focus({ preventScroll: true });
    };
    this.panel.replaceChildren(
      make("h2", { tabindex: -1, lang: localised(title).lang }, localised(title).text),
      make(
        "p",
        { class: "quiet small" },
        t("part {n} of {all}", { n: number(this.#part + 1), all: number(parts.length) }),
      ),
      ...words.text.split("\n\n").map((text) => make("p", { lang: words.lang }, text)),
      make(
        "div",
        { class: "choices" },
        make("button", { type: "button", disabled: first, onclick: go(-1) }, t("Back")),
        make("button", { type: "button", class: "strong", disabled: last, onclick: go(1) }, t("Next")),
        make("button", { type: "button", onclick: go(0) }, t("Show it again")),
        make("button", { type: "button", onclick: () => this.#end() }, t("End the lesson")),
      ),
    );
  }
}

/**
 * The text in the visitor's language, else in English, else in any language; and that language.
 * @param {Record<string, string>} texts
 */
function localised(texts) {
  const lang = [language(), "en", ...Object.keys(texts)].find((each) => each in texts) ?? "en";
  return { lang, text: unbroken(texts[lang] ?? "") };
}
