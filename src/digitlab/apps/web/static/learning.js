// Learning explained, and done in this browser. All of it is loaded when it is first looked at.

import * as api from "./api.js";

/** @import { Learning } from "./learning-view.js" */

/** A file of digits, of a class for example. @param {File} file */
export const isDigits = (file) => /\.npz$/i.test(file.name);

export class LearningView {
  /** @type {Promise<Learning> | null} */
  #loading = null;
  /** @type {Learning | null} */
  #made = null;
  /** @type {Record<string, string>} */
  #wanted = {}; // what a link asks for

  /** @param {HTMLElement} panel @param {(message: string) => void} trouble */
  constructor(panel, trouble) {
    this.panel = panel;
    this.trouble = trouble;
    this.show = api.newest(() => this.#show().catch((error) => trouble(error.message)));
  }

  /** What is chosen, by the fields' names; undefined before the view was shown. */
  get settings() {
    return this.#made?.settings;
  }

  /** Choose, as soon as there is something to choose from. @param {Record<string, string>} settings */
  choose(settings) {
    this.#wanted = settings;
    this.#made?.choose(settings);
  }

  /** Take in digits to learn from. @param {File} file */
  async take(file) {
    await this.#show();
    await this.#made?.take(file);
  }

  async #show() {
    this.#loading ??= import("./learning-view.js").then((loaded) => new loaded.Learning(this.panel, this.trouble));
    this.#loading.catch(() => {
      this.#loading = null;
    });
    if (!this.#made) {
      this.#made = await this.#loading;
      this.#made.choose(this.#wanted);
    }
    await this.#made.show();
  }
}
