// Tabs as WAI-ARIA has them: one in the tab order, arrow keys between them, each shows its panel.

import { byId } from "./elements.js";

/**
 * Make a row of [role=tab] work; `shown(name)` is called with the data-tab of the one that is shown.
 * @template {string} Name
 * @param {HTMLElement} row
 * @param {(name: Name) => void} shown
 */
export function startTabs(row, shown) {
  const tabs = /** @type {HTMLElement[]} */ ([...row.querySelectorAll("[role=tab]")]);
  const show = (/** @type {HTMLElement} */ chosen, focus = false) => {
    // What is pressed in one panel may show another: whoever pressed it by key must not be left in what is hidden.
    let lost = false;
    for (const tab of tabs) {
      const here = tab === chosen;
      const panel = byId(tab.getAttribute("aria-controls") ?? "");
      lost ||= !here && panel.contains(document.activeElement);
      tab.setAttribute("aria-selected", String(here));
      tab.tabIndex = here ? 0 : -1;
      panel.hidden = !here;
    }
    if (focus || lost) chosen.focus({ preventScroll: lost });
    shown(/** @type {Name} */ (chosen.dataset.tab));
  };
  for (const tab of tabs) tab.addEventListener("click", () => show(tab));
  row.addEventListener("keydown", (event) => {
    const here = tabs.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const places = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: tabs.length - 1 };
    const next = places[/** @type {keyof typeof places} */ (event.key)];
    if (next === undefined || here < 0) return;
    event.preventDefault();
    show(tabs[(next + tabs.length) % tabs.length], true);
  });
  return (/** @type {Name} */ name) => {
    const tab = tabs.find((each) => each.dataset.tab === name);
    if (tab) show(tab);
  };
}
