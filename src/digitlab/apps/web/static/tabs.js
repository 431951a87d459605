// Tabs as in WAI-ARIA: one is in the tab order, arrow keys move between them, each shows its panel.

import { byId } from "./elements.js";

/**
 * Set up a row of [role=tab]; `shown(name)` is called with the data-tab of the tab that is shown.
 * @template {string} Name
 * @param {HTMLElement} row
 * @param {(name: Name) => void} shown
 */
export function startTabs(row, shown) {
  const tabs = /** @type {HTMLElement[]} */ ([...row.querySelectorAll("[role=tab]")]);
  const show = (/** @type {HTMLElement} */ chosen, focus = false) => {
    // A button in one panel may show another one: the keyboard focus must not stay in a hidden panel.
    let lost = false;
    for (const tab of tabs) {
      const selected = tab === chosen;
      const panel = byId(tab.getAttribute("aria-controls") ?? "");
      lost ||= !selected && panel.contains(document.activeElement);
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      panel.hidden = !selected;
    }
    if (focus || lost) chosen.focus({ preventScroll: lost });
    shown(/** @type {Name} */ (chosen.dataset.tab));
  };
  for (const tab of tabs) tab.addEventListener("click", () => show(tab));
  row.addEventListener("keydown", (event) => {
    const current = tabs.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const places = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: tabs.length - 1 };
    const next = places[/** @type {keyof typeof places} */ (event.key)];
    if (next === undefined || current < 0) return;
    event.preventDefault();
    show(tabs[(next + tabs.length) % tabs.length], true);
  });
  return (/** @type {Name} */ name) => {
    const tab = tabs.find((each) => each.dataset.tab === name);
    if (tab) show(tab);
  };
}
