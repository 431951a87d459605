"use strict";
// One card per field. `said` holds the text entered for each; undefined for none yet.
(() => {
  const { fields, sheets } = JSON.parse(document.getElementById("content").textContent);
  const cards = document.getElementById("cards"), count = document.getElementById("count");
  const store = "digitlab fields " + document.body.dataset.name;
  const said = new Array(fields.length).fill(undefined);

  // A browser may refuse local storage to a page opened from a file; then a reload loses the entries.
  const remember = () => {
    try { localStorage.setItem(store, JSON.stringify(said.map(each => each === undefined ? null : each))); } catch { /* ignored */ }
  };
  const recall = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(store) || "[]");
      kept.forEach((each, place) => { if (place < said.length && each !== null) said[place] = each; });
    } catch { /* ignored */ }
  };
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const input = place => cards.children[place].querySelector("input");
  const figure = document.getElementById("sheet");
  let seen = -1; // index of the sheet that is shown
  const showSheet = place => {
    const field = fields[place], sheet = sheets[field.sheet], area = figure.querySelector("div");
    if (seen !== field.sheet) {
      seen = field.sheet;
      figure.hidden = false;
      figure.querySelector("figcaption").textContent = sheet.file;
      area.replaceChildren(element("img", { src: sheet.picture, alt: `the sheet ${sheet.file}` }),
        ...sheet.boxes.map(([name, value, state, left, top, width, height]) => {
          const box = element("i", { title: `${name}: ${value || "empty"}`, className: /answered|empty/.test(state) ? "" : "doubtful" });
          box.dataset.field = name;
          Object.assign(box.style, { left: `${left}%`, top: `${top}%`, width: `${width}%`, height: `${height}%` });
          return box;
        }));
    }
    for (const box of area.querySelectorAll("i")) box.classList.toggle("here", box.dataset.field === field.field);
  };
  const go = place => {
    const next = Math.max(0, Math.min(fields.length - 1, place));
    input(next).focus();
    input(next).select();
    cards.children[next].scrollIntoView({ block: "nearest" });
  };
  const show = place => {
    const made = cards.children[place];
    made.classList.toggle("right", said[place] !== undefined && said[place] === fields[place].value);
    made.classList.toggle("changed", said[place] !== undefined && said[place] !== fields[place].value);
    count.textContent = `${said.filter(each => each !== undefined).length} of ${fields.length} reviewed`;
  };
  const say = (place, value) => {
    said[place] = value;
    show(place);
    remember();
  };

  const card = (field, place) => {
    const text = element("input", { type: "text", value: field.value, autocomplete: "off", spellcheck: false });
    text.setAttribute("aria-label", `${field.field} of ${field.file}`);
    text.addEventListener("focus", () => {
      for (const each of cards.children) each.removeAttribute("aria-current");
      cards.children[place].setAttribute("aria-current", "true");
      showSheet(place);
    });
    text.addEventListener("keydown", event => {
      if (event.key === "Enter") {
        say(place, text.value.trim());
        if (place + 1 < fields.length) go(place + 1);
        else document.getElementById("json").focus();
      } else if (event.key === "F2" && field.other !== null) text.value = field.other; else if (event.key === "ArrowDown") go(place + 1);
      else if (event.key === "ArrowUp") go(place - 1);
      else if (event.key === "Escape") {
        text.value = field.value;
        say(place, undefined);
      } else return;
      event.preventDefault();
    });
    const state = `${field.state}, ${(100 * field.confidence).toFixed(1)} %` + (field.sampled ? ", in the random sample" : "");
    const theirs = field.other === null ? [] :
      [element("div", { className: "where mark" }, `the other reader: ${field.other || "(empty)"}`)];
    return element("div", { className: "card" },
      element("div", { className: "name" }, field.label, element("span", {}, state)),
      element("span", { className: "seen" }, element("span", { className: "crop" },
        element("img", { src: field.crop, alt: `${field.field} in its photo` }))),
      text,
      ...(field.read === field.value ? [] : [element("div", { className: "where" }, `its digits were read as ${field.read}`)]),
      ...theirs,
      element("div", { className: "where" }, `${field.field} of ${field.file}`));
  };

  document.getElementById("json").addEventListener("click", () => {
    const kept = ["file", "field", "value", "state", "confidence", "sampled"];
    const rows = fields.map((each, place) => ({ ...Object.fromEntries(kept.map(name => [name, each[name]])), said: said[place] }))
      .filter(each => each.said !== undefined);
    const lines = rows.map(row => JSON.stringify(row)).join(",\n");
    const text = `{"kind": "digitlab sheet corrections 1", "fields": [\n${lines}\n]}\n`;
    const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "application/json" })), download: "corrections.json" });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
  document.addEventListener("keydown", event => {
    if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    document.getElementById("json").click();
  });
  document.getElementById("two").hidden = fields.every(each => each.other === null);
  recall();
  cards.append(...fields.map(card));
  fields.forEach((_, place) => {
    if (said[place] !== undefined) input(place).value = said[place];
    show(place);
  });
  if (fields.length) go(Math.max(0, said.indexOf(undefined)));
  else count.textContent = "nothing to review";
})();
