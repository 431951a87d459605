// The fields of a blank: rectangles on its picture, and what is known of the one that is chosen.
const $ = id => document.getElementById(id);
const shapes = {
  boxes: ["How many boxes", "7"], pattern: ["Its signs, with # for a box", "##.##.####"], choices: ["What the boxes mean, parted by commas", "A, B, C"],
};
const texts = ["name", "label", "kind", "shape", "among", "check"], yes = ["full", "one_to_one"];
let fields = [], chosen = -1, size = [1, 1], saved = "";

const around = at => {
  const left = Math.min(...at.map(each => each[0])), top = Math.min(...at.map(each => each[1]));
  return [left, top, Math.max(...at.map(each => each[0] + each[2])) - left, Math.max(...at.map(each => each[1] + each[3])) - top];
};
// All places of a field, brought from one rectangle into another.
const moved = (at, [x, y, wide, high]) => {
  const [left, top, w, h] = around(at), across = wide / w, down = high / h;
  return at.map(each => [x + (each[0] - left) * across, y + (each[1] - top) * down, each[2] * across, each[3] * down]);
};
const within = ([x, y, wide, high]) => {
  const w = Math.min(size[0], Math.max(6, wide)), h = Math.min(size[1], Math.max(6, high));
  return [Math.min(size[0] - w, Math.max(0, x)), Math.min(size[1] - h, Math.max(0, y)), w, h];
};
const put = (element, [x, y, wide, high]) => Object.assign(element.style, {
  left: `${100 * x / size[0]}%`, top: `${100 * y / size[1]}%`, width: `${100 * wide / size[0]}%`, height: `${100 * high / size[1]}%`,
});
const count = field => ({ boxes: Number.parseInt(field.shape, 10) || 1, pattern: (field.shape.match(/#/g) || []).length, choices: field.shape.split(",").length })[field.kind] || 1;
const point = event => {
  const box = $("paper").getBoundingClientRect();
  return [(event.clientX - box.left) / box.width * size[0], (event.clientY - box.top) / box.height * size[1]];
};
const tell = (text, wrong = false) => { $("said").textContent = text; $("said").classList.toggle("wrong", wrong); };
const state = () => JSON.stringify({ title: $("title").value, fields });

// One rectangle, with the lines between its boxes.
const draw = (field, place) => {
  const made = document.createElement("button"), label = document.createElement("span"), box = around(field.at);
  made.type = "button";
  made.className = field.kind;
  made.setAttribute("aria-pressed", place === chosen);
  made.setAttribute("aria-label", `field ${field.name}`);
  label.textContent = field.name;
  put(made, box);
  const edges = field.at.length > 1 ? field.at.slice(1).map(each => (each[0] - box[0]) / box[2])
    : ["boxes", "pattern", "choices"].includes(field.kind) ? Array.from({ length: Math.min(30, count(field)) - 1 }, (_, at) => (at + 1) / count(field)) : [];
  made.append(label, ...edges.map(share => { const edge = document.createElement("i"); edge.style.left = `${100 * share}%`; return edge; }), document.createElement("b"));
  made.addEventListener("pointerdown", event => drag(event, place));
  made.addEventListener("focus", () => choose(place));
  made.addEventListener("keydown", event => nudge(event, place));
  return made;
};
const show = () => {
  $("fields").replaceChildren(...fields.map(draw));
  $("list").replaceChildren(...fields.map((field, place) => {
    const row = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.textContent = `${field.name}: ${field.kind}${field.shape ? ` ${field.shape}` : ""}`;
    button.setAttribute("aria-current", place === chosen);
    button.addEventListener("click", () => { choose(place); $("name").focus(); $("fields").children[place].scrollIntoView({ block: "center" }); });
    row.append(button);
    return row;
  }));
};
const showForm = () => {
  const field = fields[chosen];
  $("one").hidden = !field;
  if (!field) return;
  for (const name of texts) if ($(name) !== document.activeElement || $(name).value.trim() !== field[name]) $(name).value = field[name];
  for (const name of yes) $(name).checked = field[name];
  const shape = shapes[field.kind];
  $("shapeLabel").hidden = !shape;
  if (shape) { $("shapeLabel").querySelector("span").textContent = shape[0]; $("shape").placeholder = shape[1]; }
  $("fullLabel").hidden = field.kind !== "boxes";
  $("values").hidden = !["boxes", "pattern", "line"].includes(field.kind);
};
const choose = place => {
  if (place === chosen) return;
  chosen = place;
  [...$("fields").children].forEach((each, at) => each.setAttribute("aria-pressed", at === chosen));
  [...$("list").querySelectorAll("button")].forEach((each, at) => each.setAttribute("aria-current", at === chosen));
  showForm();
};
const change = (place, box) => {
  fields[place].at = moved(fields[place].at, within(box));
  put($("fields").children[place], around(fields[place].at));
};
const drag = (event, place) => {
  event.stopPropagation();
  choose(place);
  const start = point(event), box = around(fields[place].at), sizing = event.target.tagName === "B", target = $("fields").children[place];
  target.setPointerCapture(event.pointerId);
  const move = next => {
    const [x, y] = point(next), dx = x - start[0], dy = y - start[1];
    change(place, sizing ? [box[0], box[1], box[2] + dx, box[3] + dy] : [box[0] + dx, box[1] + dy, box[2], box[3]]);
  };
  target.addEventListener("pointermove", move);
  target.addEventListener("pointerup", () => target.removeEventListener("pointermove", move), { once: true });
};
const nudge = (event, place) => {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (event.key === "Delete" || event.key === "Backspace") remove();
  else if (way) {
    const step = Math.max(1, Math.round(size[0] / 1200)), [x, y, wide, high] = around(fields[place].at), [dx, dy] = way.map(each => each * step);
    change(place, event.shiftKey ? [x, y, wide + dx, high + dy] : [x + dx, y + dy, wide, high]);
  } else return;
  event.preventDefault();
};
const remove = () => {
  if (chosen < 0) return;
  fields.splice(chosen, 1);
  chosen = -1;
  show();
  showForm();
};
const freeName = () => {
  let number = fields.length + 1;
  while (fields.some(field => field.name === `field${number}`)) number += 1;
  return `field${number}`;
};

// A new rectangle: as many boxes as squares fit into it, or one to be ticked.
$("paper").addEventListener("pointerdown", event => {
  if (event.button !== 0) return;
  const start = point(event), drawn = document.createElement("div");
  drawn.id = "drawn";
  $("paper").append(drawn);
  $("paper").setPointerCapture(event.pointerId);
  const box = next => { const [x, y] = point(next); return [Math.min(x, start[0]), Math.min(y, start[1]), Math.abs(x - start[0]), Math.abs(y - start[1])]; };
  const move = next => put(drawn, box(next));
  $("paper").addEventListener("pointermove", move);
  $("paper").addEventListener("pointerup", next => {
    $("paper").removeEventListener("pointermove", move);
    drawn.remove();
    const place = within(box(next));
    if (place[2] < size[0] / 120 || place[3] < size[0] / 120) { choose(-1); return; }
    const boxes = Math.max(1, Math.min(30, Math.round(place[2] / place[3])));
    fields.push({ name: freeName(), label: "", kind: "boxes", shape: String(boxes), at: [place], full: false, among: "", one_to_one: false, check: "" });
    show();
    choose(fields.length - 1);
    $("name").focus();
    $("name").select();
  }, { once: true });
});
for (const name of [...texts, ...yes]) $(name).addEventListener("input", () => {
  const field = fields[chosen];
  if (!field) return;
  field[name] = yes.includes(name) ? $(name).checked : $(name).value.trim();
  if (name === "kind") field.shape = { boxes: String(Math.max(1, count(field))), pattern: "#".repeat(count(field)), choices: "" }[field.kind] ?? "";
  if (["kind", "shape"].includes(name) && field.at.length > 1 && field.at.length !== count(field)) field.at = [around(field.at)]; // places of single boxes hold for that many only
  show();
  showForm();
});
$("one").addEventListener("submit", event => event.preventDefault());
$("remove").addEventListener("click", remove);

const send = async () => {
  const answer = await fetch("/form", { method: "POST", headers: { "Content-Type": "application/json" }, body: state() });
  const said = await answer.json();
  if (!answer.ok) {
    tell(said.detail || `the server answered ${answer.status}`, true);
    return false;
  }
  saved = state();
  tell(`${said.fields} ${said.fields === 1 ? "field" : "fields"} written to ${said.out}`);
  return true;
};
const attempt = work => async () => {
  try { await work(); } catch { tell("the server is not there any more; begin again with digitlab sheet from … --mark", true); }
};
$("save").addEventListener("click", attempt(send));
$("end").addEventListener("click", attempt(async () => {
  if (!await send()) return;
  await fetch("/done", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
  tell(`${$("said").textContent}. This page may be closed.`);
  for (const each of document.querySelectorAll("button, input, select")) each.disabled = true;
}));
addEventListener("beforeunload", event => { if (saved && state() !== saved) event.preventDefault(); });

const form = await (await fetch("/form")).json();
({ fields, pixels: size } = form);
$("out").textContent = form.out;
$("title").value = form.title;
$("known").hidden = !form.known;
show();
saved = state();
tell(form.known ? "" : fields.length ? `${fields.length} rows of boxes were found; nothing is written yet` : "no boxes were found: draw the fields");
