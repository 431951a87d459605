// Light or dark theme: the system's, unless the visitor chose one. `data-shade` of the root element: which is shown.

import { notify } from "./state.js";
import { storeItem } from "./storage.js";

const KEPT = "digitlab.theme";

/** @type {(theme: string) => void} */
let choose = () => {};

/** The theme that the visitor chose, or undefined. */
export const chosenTheme = () => document.documentElement.dataset.theme;

/** Choose "light" or "dark". @param {string} theme */
export const setTheme = (theme) => choose(theme);

/** Whether the page is dark now. */
export const dark = () => document.documentElement.dataset.shade === "dark";

/**
 * Follow the system's theme and the switch.
 * @param {HTMLButtonElement} button
 */
export function startTheme(button) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const show = () => {
    root.dataset.shade = root.dataset.theme ?? (system.matches ? "dark" : "light");
    notify("shade");
  };
  system.addEventListener("change", show);
  button.addEventListener("click", () => setTheme(dark() ? "light" : "dark"));
  choose = (theme) => {
    root.dataset.theme = theme;
    storeItem(KEPT, theme);
    show();
    button.setAttribute("aria-pressed", String(dark()));
  };
  show();
  button.setAttribute("aria-pressed", String(dark()));
}
