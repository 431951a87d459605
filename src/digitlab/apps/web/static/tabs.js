// Tabs as WAI-ARIA has them: one in the tab order, arrow keys between them, each shows its panel.

/** Make a row of [role=tab] work; `shown(name)` is called with the data-tab of the one that is shown. */
export function startTabs(row, shown) {
  const tabs = [...row.querySelectorAll("[role=tab]")];
  const show = (chosen, focus = false) => {
    for (const tab of tabs) {
      const here = tab === chosen;
      tab.setAttribute("aria-selected", String(here));
      tab.tabIndex = here ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !here;
    }
    if (focus) chosen.focus();
    shown(chosen.dataset.tab);
  };
  for (const tab of tabs) tab.addEventListener("click", () => show(tab));
  row.addEventListener("keydown", (event) => {
    const here = tabs.indexOf(document.activeElement);
    const next = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next === undefined || here < 0) return;
    event.preventDefault();
    show(tabs[(next + tabs.length) % tabs.length], true);
  });
  return (name) => show(tabs.find((tab) => tab.dataset.tab === name));
}
