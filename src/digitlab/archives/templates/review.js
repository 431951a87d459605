"use strict";
// One card per digit. `said` holds the label given to each: a digit, null for "no digit", undefined for none yet.
(() => {
  const digits = JSON.parse(document.getElementById("content").textContent);
  const cards = document.getElementById("cards"), count = document.getElementById("count");
  const store = "digitlab review " + document.body.dataset.name;
  const said = new Array(digits.length).fill(undefined);
  let current = 0;

  // A browser may refuse local storage to a page opened from a file; then a reload loses the labels.
  const remember = () => {
    try { localStorage.setItem(store, JSON.stringify(said.map(each => each === undefined ? -1 : each))); } catch { /* ignored */ }
  };
  const recall = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(store) || "[]");
      kept.forEach((each, place) => { if (place < said.length && each !== -1) said[place] = each; });
    } catch { /* ignored */ }
  };

  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const percent = share => (100 * share).toFixed(share < 0.995 ? 0 : 1) + " %";

  const readAs = digit => {
    if (digit.read !== null) return `read ${digit.read} (${percent(digit.confidence)})`;
    return digit.guess === null ? "declined" : `declined; most likely ${digit.guess} (${percent(digit.confidence)})`;
  };
  const orElse = digit => digit.second === null ? "" : `or ${digit.second} (${percent(digit.second_confidence)})`;

  const glyph = digit => {
    const canvas = element("canvas", { width: 28, height: 28, title: "as the network sees it" });
    if (digit.glyph === null) return canvas;
    const bytes = atob(digit.glyph), pixels = new ImageData(28, 28);
    for (let place = 0; place < 784; place++) {
      pixels.data.fill(255 - bytes.charCodeAt(place), 4 * place, 4 * place + 3);
      pixels.data[4 * place + 3] = 255;
    }
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    return canvas;
  };

  const card = (digit, place) => {
    const frame = element("i");
    ["left", "top", "width", "height"].forEach((name, number) => { frame.style[name] = 100 * digit.frame[number] + "%"; });
    const made = element("button", { type: "button", className: "card" },
      element("span", { className: "seen" }, element("span", { className: "crop" },
        element("img", { src: digit.crop, alt: `digit ${place + 1} in its picture` }), frame)),
      element("span", { className: "said" }, glyph(digit),
        element("span", { className: "guesses" }, readAs(digit), element("br"), orElse(digit)),
        element("span", { className: "label" })),
      element("span", { className: "where" }, `${digit.path}, line ${digit.line + 1}, digit ${digit.position + 1}`));
    made.addEventListener("click", () => go(place));
    return made;
  };

  const show = place => {
    const made = cards.children[place], label = said[place];
    made.querySelector(".label").textContent = label === undefined ? "?" : label === null ? "–" : label;
    made.classList.toggle("right", label !== undefined && label === digits[place].read);
    made.classList.toggle("changed", label !== undefined && label !== digits[place].read);
  };
  const tally = () => {
    const done = said.filter(each => each !== undefined).length;
    count.textContent = `${done} of ${digits.length} reviewed`;
  };
  const go = place => {
    if (!digits.length) return;
    cards.children[current].removeAttribute("aria-current");
    current = Math.max(0, Math.min(digits.length - 1, place));
    cards.children[current].setAttribute("aria-current", "true");
    cards.children[current].scrollIntoView({ block: "nearest" });
  };
  const say = label => {
    if (!digits.length) return;
    said[current] = label;
    show(current);
    tally();
    remember();
    if (label !== undefined) go(current + 1);
  };

  const across = () => {
    const top = cards.children[0].offsetTop;
    const next = [...cards.children].findIndex(each => each.offsetTop > top);
    return next < 0 ? digits.length : next;
  };
  const moves = { ArrowRight: () => 1, ArrowLeft: () => -1, ArrowDown: across, ArrowUp: () => -across() };
  document.addEventListener("keydown", event => {
    if (!digits.length || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && event.target.closest && event.target.closest("#bar")) return;  // activates that button
    if (/^[0-9]$/.test(event.key)) say(Number(event.key));
    else if (event.key === "n" || event.key === "N") say(null);
    else if (event.key === "Enter") say(digits[current].read);
    else if (event.key === "Backspace") say(undefined);
    else if (event.key in moves) go(current + moves[event.key]());
    else return;
    event.preventDefault();
  });

  const save = (name, kind, text) => {
    const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: kind })), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const looked = () => digits.map((digit, place) => ({ ...digit, label: said[place] })).filter(each => each.label !== undefined);
  document.getElementById("json").addEventListener("click", () => {
    const kept = ["path", "line", "position", "box", "read", "confidence", "label", "glyph"];
    const rows = looked().map(each => Object.fromEntries(kept.map(name => [name, each[name]])));
    const lines = rows.map(row => JSON.stringify(row)).join(",\n");
    save("corrections.json", "application/json", `{"kind": "digitlab corrections 1", "digits": [\n${lines}\n]}\n`);
  });
  document.getElementById("csv").addEventListener("click", () => {
    const cell = value => value === null ? "" : /[",\n\r]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
    const safe = path => /^[=+\-@\t\r]/.test(path) ? "./" + path : path;  // a spreadsheet would run it as a formula
    const rows = looked().map(each => [safe(each.path), each.line, each.position, each.read, each.label === null ? "none" : each.label, ...each.box]);
    const lines = [["path", "line", "position", "read", "label", "x0", "y0", "x1", "y1"], ...rows].map(row => row.map(cell).join(","));
    save("corrections.csv", "text/csv", lines.join("\n") + "\n");
  });

  const key = (text, label) => {
    const made = element("button", { type: "button", textContent: text });
    made.addEventListener("click", event => {
      if (event.detail) made.blur();  // clicked with a pointer: Enter must not press it again
      if (digits.length) say(label());
    });
    return made;
  };
  document.getElementById("keys").append(...[..."0123456789"].map(each => key(each, () => Number(each))),
    key("none", () => null), key("as read", () => digits[current].read));
  recall();
  cards.append(...digits.map(card));
  digits.forEach((_, place) => show(place));
  tally();
  go(Math.max(0, said.indexOf(undefined)));
})();
