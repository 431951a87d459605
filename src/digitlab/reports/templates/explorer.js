"use strict";
// The page's state; the parts that matter are kept in the URL, so that a view can be shared.
const exploration = JSON.parse(document.getElementById("content").textContent);
const state = { map: Object.keys(exploration.maps)[0], kind: "all", drawn: "dots", digits: new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), image: -1, cell: "", digit: 0, x: 0.5, y: 0.5, zoom: 1 };
const sheet = document.getElementById("sheet"), canvas = document.getElementById("map"), detail = document.getElementById("detail");
const each = (selector, call) => document.querySelectorAll(selector).forEach(call);
const make = (name, text, kind) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
};

// An image: [its index in its split, true class, prediction, percent, second, percent, third, percent].
const numberOf = image => exploration.images[image][0], truth = image => exploration.images[image][1], answer = image => exploration.images[image][2];
const split = image => exploration.splits[image < exploration.points ? 0 : 1];
const called = image => split(image) === "train" ? "training" : split(image);
const wrong = image => truth(image) !== answer(image);
const points = [...Array(exploration.points).keys()];
const nameOf = image => (image < exploration.points ? "" : split(image) + ":") + numberOf(image);
const numbered = new Map(exploration.images.map((_, image) => [nameOf(image), image]));

// --- Thumbnails: tiles of one sprite sheet.

document.documentElement.style.setProperty("--sheet", `url("${sheet.src}")`);

function picture(image, side) {
  const element = make("i");
  element.style.backgroundSize = `${exploration.across * side}px auto`;
  element.style.backgroundPosition = `${-(image % exploration.across) * side}px ${-Math.floor(image / exploration.across) * side}px`;
  return element;
}

function thumb(image) {
  const element = make("button", undefined, "thumb");
  element.type = "button";
  element.dataset.image = image;
  element.title = `${called(image)} image ${numberOf(image)}`;
  element.setAttribute("aria-label", `${called(image)} image ${numberOf(image)}: true ${truth(image)}, predicted ${answer(image)}`);
  element.append(picture(image, 56), make("b", truth(image)));
  if (wrong(image)) element.append(" ", make("span", "→ " + answer(image), "wrong"));
  element.addEventListener("click", () => choose(image));
  return element;
}

function fill(id, images) {
  document.getElementById(id).replaceChildren(...images.map(thumb));
}

// --- The selected image.

function choose(image) {
  state.image = image;
  show();
}

function showDetail() {
  const image = state.image;
  detail.classList.toggle("empty", image < 0);
  each(".thumb", element => element.setAttribute("aria-current", String(Number(element.dataset.image) === image)));
  if (image < 0) return detail.replaceChildren(make("p", "Choose an image, on the map or in the galleries.", "quiet"));
  const shut = make("button", "×", "shut"), large = make("div", undefined, "thumb large"), guesses = exploration.images[image];
  const side = matchMedia("(max-width: 60rem)").matches ? 84 : 140;
  shut.type = "button";
  shut.setAttribute("aria-label", "clear the selection");
  shut.addEventListener("click", () => choose(-1));
  large.append(picture(image, side));
  detail.replaceChildren(shut, large, make("p", `${called(image)} image ${numberOf(image)}, true class ${truth(image)}`, "quiet"));
  for (let at = 2; at < guesses.length; at += 2) {
    const row = make("div", undefined, guesses[at] === truth(image) ? "guess true" : "guess"), bar = make("i"), box = make("div");
    bar.style.width = guesses[at + 1] + "%";
    box.append(bar);
    row.append(make("b", guesses[at]), box, make("span", guesses[at + 1] + "%"));
    detail.append(row);
  }
  const near = exploration.neighbours[image];
  if (near) {
    const row = make("div", undefined, "gallery");
    row.append(...near.map(thumb));
    detail.append(make("h3", `Nearest ${called(near[0])} images`), row);
  }
}

// --- The map.

let colours = {}, ink = null;  // the sheet in the ink colour, on a transparent background

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["paper", "ink", "orange", ...[..."0123456789"].map(digit => "c" + digit)]) colours[name] = style.getPropertyValue("--" + name).trim();
  ink = null;
}

function inked() {
  if (ink || !sheet.naturalWidth) return ink;
  ink = make("canvas");
  [ink.width, ink.height] = [sheet.naturalWidth, sheet.naturalHeight];
  const brush = ink.getContext("2d");
  brush.drawImage(sheet, 0, 0);
  const pixels = brush.getImageData(0, 0, ink.width, ink.height), data = pixels.data;
  for (let at = 0; at < data.length; at += 4) data[at + 3] = data[at];
  brush.putImageData(pixels, 0, 0);
  brush.globalCompositeOperation = "source-in";  // grey has become opacity; now fill in the colour
  brush.fillStyle = colours.ink;
  brush.fillRect(0, 0, ink.width, ink.height);
  return ink;
}

const width = () => canvas.clientWidth, height = () => canvas.clientHeight, scale = () => (Math.min(width(), height()) - 40) * state.zoom;

function onMap(image) {
  const positions = exploration.maps[state.map];
  return [width() / 2 + (positions[2 * image] / exploration.steps - state.x) * scale(), height() / 2 + (positions[2 * image + 1] / exploration.steps - state.y) * scale()];
}

function shown() {
  return points.filter(image => state.digits.has(truth(image)) && (state.kind === "all" || wrong(image) === (state.kind === "wrong")));
}

function inCell(image) {
  return state.cell === `${truth(image)},${answer(image)}`;
}

function draw() {
  const ratio = devicePixelRatio || 1, brush = canvas.getContext("2d"), images = shown();
  [canvas.width, canvas.height] = [Math.round(width() * ratio), Math.round(height() * ratio)];
  brush.scale(ratio, ratio);
  const near = images.map(image => [image, ...onMap(image)]).filter(([, x, y]) => x > -20 && y > -20 && x < width() + 20 && y < height() + 20);
  const drawn = state.drawn === "images" && inked();
  const size = drawn ? Math.min(28, 11 * Math.sqrt(state.zoom)) + 3 : Math.min(5, 2 + state.zoom / 2);
  near.sort((one, other) => wrong(one[0]) - wrong(other[0]));  // draw errors on top
  for (const [image, x, y] of near) {
    brush.globalAlpha = state.cell && !inCell(image) ? 0.2 : drawn ? 0.9 : 0.75;
    if (drawn) {
      brush.drawImage(ink, image % exploration.across * 28, Math.floor(image / exploration.across) * 28, 28, 28, x - size / 2, y - size / 2, size, size);
    } else {
      brush.fillStyle = colours["c" + truth(image)];
      brush.beginPath();
      brush.arc(x, y, size, 0, 7);
      brush.fill();
    }
    if (wrong(image)) ring(brush, x, y, drawn ? size / 2 : size + 1.5, drawn ? colours["c" + answer(image)] : colours.ink, 1.2);
  }
  brush.globalAlpha = 1;
  labels(brush, images);
  if (state.image >= 0 && state.image < exploration.points) ring(brush, ...onMap(state.image), 9, colours.orange, 3);
  const all = `${images.length.toLocaleString("en")} of ${points.length.toLocaleString("en")} images are shown.`;
  document.getElementById("count").textContent = all;
}

function ring(brush, x, y, radius, colour, line) {
  brush.strokeStyle = colour;
  brush.lineWidth = line;
  brush.beginPath();
  brush.arc(x, y, radius, 0, 7);
  brush.stroke();
}

const middle = numbers => numbers.sort((one, other) => one - other)[numbers.length >> 1];

function labels(brush, images) {
  // Label each class with its digit at the median of its right answers, so that colour is not the only cue.
  brush.font = "bold 20px system-ui, sans-serif";
  [brush.textAlign, brush.textBaseline, brush.lineJoin, brush.lineWidth] = ["center", "middle", "round", 5];
  for (let digit = 0; digit < 10; digit++) {
    const own = images.filter(image => truth(image) === digit && !wrong(image)).map(onMap);
    if (own.length < 3) continue;
    const at = [middle(own.map(([x]) => x)), middle(own.map(([, y]) => y))];
    brush.strokeStyle = colours.paper;
    brush.strokeText(digit, ...at);
    brush.fillStyle = colours["c" + digit];
    brush.fillText(digit, ...at);
  }
}

function nearest(x, y, reach) {
  let best = -1, least = reach * reach;
  for (const image of shown()) {
    const [a, b] = onMap(image), far = (a - x) ** 2 + (b - y) ** 2;
    if (far < least) [best, least] = [image, far];
  }
  return best;
}

function step(right, down) {
  // Go to the next image in a direction: near, and more ahead than sideways.
  if (state.image < 0 || state.image >= exploration.points) return choose(nearest(width() / 2, height() / 2, 1e6));
  const [x, y] = onMap(state.image);
  let best = -1, least = Infinity;
  for (const image of shown()) {
    const [a, b] = onMap(image), ahead = (a - x) * right + (b - y) * down, aside = Math.abs((a - x) * down) + Math.abs((b - y) * right);
    if (image !== state.image && ahead > 0 && aside <= ahead && ahead + 2 * aside < least) [best, least] = [image, ahead + 2 * aside];
  }
  if (best < 0) return;
  state.image = best;
  if (state.zoom > 1) {
    const positions = exploration.maps[state.map];
    [state.x, state.y] = [positions[2 * best] / exploration.steps, positions[2 * best + 1] / exploration.steps];
  }
  show();
}

function zoom(by) {
  const at = state.image >= 0 && state.image < exploration.points && state.zoom === 1 ? state.image : -1;
  if (at >= 0) [state.x, state.y] = [exploration.maps[state.map][2 * at] / exploration.steps, exploration.maps[state.map][2 * at + 1] / exploration.steps];
  state.zoom = by ? Math.min(16, Math.max(1, state.zoom * by)) : 1;
  if (state.zoom === 1) [state.x, state.y] = [0.5, 0.5];
  canvas.classList.toggle("close", state.zoom > 1);
  draw();
}

let pointer = null;
canvas.addEventListener("pointerdown", event => { pointer = { x: event.offsetX, y: event.offsetY, moved: false }; });
canvas.addEventListener("pointermove", event => {
  if (pointer && state.zoom > 1) {
    const [right, down] = [event.offsetX - pointer.x, event.offsetY - pointer.y];
    if (!pointer.moved && Math.abs(right) + Math.abs(down) < 5) return;
    [state.x, state.y] = [state.x - right / scale(), state.y - down / scale()];
    pointer = { x: event.offsetX, y: event.offsetY, moved: true };
    draw();
  } else if (event.pointerType === "mouse" && !pointer) {
    const image = nearest(event.offsetX, event.offsetY, 12);
    canvas.title = image < 0 ? "" : `true ${truth(image)}, predicted ${answer(image)}`;
    if (image >= 0 && image !== state.image) choose(image);
  }
});
canvas.addEventListener("pointerup", event => {
  if (pointer && !pointer.moved) choose(nearest(event.offsetX, event.offsetY, 24));
  pointer = null;
});
for (const name of ["pointercancel", "pointerleave"]) canvas.addEventListener(name, () => { pointer = null; });
canvas.addEventListener("dblclick", () => zoom(2));
canvas.addEventListener("keydown", event => {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (event.key in steps) step(...steps[event.key]);
  else if (event.key === "+" || event.key === "=") zoom(1.5);
  else if (event.key === "-") zoom(1 / 1.5);
  else if (event.key === "Escape") choose(-1);
  else return;
  event.preventDefault();
});

// --- Confusions and classes.

function showCell() {
  each("[data-cell]", button => {
    const chosen = button.dataset.cell === state.cell;
    button.setAttribute("aria-pressed", String(chosen));
    button.tabIndex = chosen || (!state.cell && button.dataset.cell === "0,0") ? 0 : -1;
  });
  const images = state.cell ? points.filter(inCell) : [], [row, column] = state.cell.split(",");
  const count = state.cell ? exploration.confusion[row][column] : 0;
  const part = images.length < count ? `; ${images.length} are on this page` : "";
  document.getElementById("about-cell").textContent = state.cell ? `True ${row}, predicted ${column}: ${count.toLocaleString("en")} image${count === 1 ? "" : "s"}${part}.` : "";
  fill("cell", images.slice(0, 300));
}

const table = document.querySelector(".cells");
table.addEventListener("keydown", event => {
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  if (!(event.key in moves) || !event.target.dataset.cell) return;
  const [row, column] = event.target.dataset.cell.split(",").map((number, at) => (Number(number) + moves[event.key][at] + 10) % 10);
  const next = table.querySelector(`[data-cell="${row},${column}"]`);
  each("[data-cell]", button => { button.tabIndex = button === next ? 0 : -1; });
  next.focus();
  event.preventDefault();
});

function showClass() {
  each("[data-class]", button => button.setAttribute("aria-pressed", String(Number(button.dataset.class) === state.digit)));
  fill("typical", exploration.prototypes[state.digit]);
  fill("unusual", exploration.unusual[state.digit]);
}

// --- Buttons and the URL.

function press() {
  for (const name of ["map", "kind", "drawn"]) each(`[data-${name}]`, button => button.setAttribute("aria-pressed", String(button.dataset[name] === state[name])));
  each("[data-digit]", button => {
    if (button.dataset.digit !== "all") button.setAttribute("aria-pressed", String(state.digits.has(Number(button.dataset.digit))));
  });
}

for (const name of ["map", "kind", "drawn"]) each(`[data-${name}]`, button => button.addEventListener("click", () => { state[name] = button.dataset[name]; show(); }));
each("[data-zoom]", button => button.addEventListener("click", () => zoom({ in: 1.5, out: 1 / 1.5, all: 0 }[button.dataset.zoom])));
each("[data-cell]", button => button.addEventListener("click", () => { state.cell = state.cell === button.dataset.cell ? "" : button.dataset.cell; showCell(); show(); }));
each("[data-class]", button => button.addEventListener("click", () => { state.digit = Number(button.dataset.class); showClass(); show(); }));
each("[data-digit]", button => button.addEventListener("click", () => {
  const all = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], digit = Number(button.dataset.digit);
  if (button.dataset.digit === "all") state.digits = new Set(all);
  else if (state.digits.size === 10) state.digits = new Set([digit]);  // the first click selects this digit alone
  else if (!state.digits.delete(digit)) state.digits.add(digit);
  if (!state.digits.size) state.digits = new Set(all);
  show();
}));

function show() {
  press();
  draw();
  showDetail();
  const parts = [];
  if (state.map !== Object.keys(exploration.maps)[0]) parts.push("map=" + state.map);
  if (state.cell) parts.push("cell=" + state.cell);
  if (state.digit) parts.push("class=" + state.digit);
  if (state.image >= 0) parts.push("image=" + nameOf(state.image));
  try {
    history.replaceState(null, "", parts.length ? "#" + parts.join("&") : location.pathname + location.search);
  } catch (error) { /* a page without a URL of its own, in a frame */ }
}

function readAddress() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  if (parameters.get("map") in exploration.maps) state.map = parameters.get("map");
  if (/^[0-9],[0-9]$/.test(parameters.get("cell"))) state.cell = parameters.get("cell");
  if (/^[0-9]$/.test(parameters.get("class"))) state.digit = Number(parameters.get("class"));
  if (numbered.has(parameters.get("image"))) state.image = numbered.get(parameters.get("image"));
}

function begin() {
  readAddress();
  readColours();
  showCell();
  showClass();
  show();
}

addEventListener("hashchange", () => { if (location.hash.includes("=")) begin(); });
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); draw(); });
sheet.complete ? begin() : sheet.addEventListener("load", begin);
