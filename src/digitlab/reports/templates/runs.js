"use strict";
const body = document.querySelector("#runs tbody"), boxes = () => [...body.querySelectorAll("input:checked")];
document.querySelectorAll("#runs th button").forEach((button, column) => {
  button.onclick = () => {
    const head = button.parentElement, down = head.ariaSort === "ascending";
    document.querySelectorAll("#runs th[aria-sort]").forEach(each => { each.ariaSort = "none"; });
    head.ariaSort = down ? "descending" : "ascending";
    const key = row => row.children[column + 1].textContent.trim(), number = text => text !== "" && !isNaN(text);
    const order = (a, b) => key(a) === "–" ? 1 : key(b) === "–" ? -1 : (down ? -1 : 1) *
      (number(key(a)) && number(key(b)) ? key(a) - key(b) : key(a).localeCompare(key(b)));
    body.append(...[...body.children].sort(order));
  };
});
body.onchange = () => {
  const quoted = text => /^[\w@%+=:,./-]+$/.test(text) ? text : "'" + text.replaceAll("'", "'\\''") + "'";
  const line = document.getElementById("command");
  line.hidden = boxes().length < 2;
  line.lastElementChild.textContent = "digitlab compare " + boxes().map(each => quoted(each.value)).join(" ");
};
