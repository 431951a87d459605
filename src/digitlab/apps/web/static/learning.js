// Learning explained, and done in this browser. The code is loaded when the view is first opened.

import * as api from "./api.js";

/** @import { Learning } from "./learning-view.js" */

/** Whether a file contains digits, e.g. of a class. @param {File} file */
export const isDigits = (file) => /\.npz$/i.test(file.name);

export class LearningView {
  /** @type {Promise<Learning> | null} */
  #loading = null;
  /** @type {Learning | null} */
  #view = null;
  /** @type {Record<string, string>} */
  #requested = {}; // the settings given in a link

  /** @param {HTMLElement} panel @param {(message: string) => void} trouble */
  constructor(panel, trouble) {
    this.panel = panel;
    this.trouble = trouble;
    this.show = api.newest(() => this.#show().catch((error) => trouble(error.message)));
  }

  /** The chosen settings by field name; undefined before the view is first shown. */
  get settings() {
    return this.#view?.settings;
  }

  /** Apply settings, now or once the view is built. @param {Record<string, string>} settings */
  choose(settings) {
    this.#requested = settings;
    this.#view?.choose(settings);
  }

  /** Read digits to learn from. @param {File} file */
  async take(file) {
    await this.#show();
    await this.#view?.take(file);
  }

  async #show() {
    this.#loading ??= import("./learning-view.js").then((loaded) => new loaded.Learning(this.panel, this.trouble));
    this.#loading.catch(() => {
      this.#loading = null;
    });
    if (!this.#view) {
      this.#view = await this.#loading;
      this.#view.choose(this.#requested);
    }
    await this.#view.show();
  }
}
