// The fields of a blank form: rectangles on its picture, and the properties of the selected one.
/** @typedef {[number, number, number, number]} Place left, top, width and height in pixels of the blank */
/** @typedef {{ name: string, label: string, kind: string, shape: string, at: Place[], full: boolean, among: string, one_to_one: boolean, check: string }} Field */

/** @param {string} id */
const $ = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {string} id */
const input = (id) => /** @type {HTMLInputElement} */ (document.getElementById(id));
/** @type {Record<string, [string, string]>} */
const shapes = {
  boxes: ["How many boxes", "7"],
  pattern: ["Its signs, with # for a box", "##.##.####"],
  choices: ["What the boxes mean, parted by commas", "A, B, C"],
};
const texts = /** @type {const} */ (["name", "label", "kind", "shape", "among", "check"]);
const yes = /** @type {const} */ (["full", "one_to_one"]);
/** @type {Field[]} */
let fields = [];
let chosen = -1,
  size = [1, 1],
  saved = "";

/** @param {Place[]} at @returns {Place} */
const around = (at) => {
  const left = Math.min(...at.map((each) => each[0])),
    top = Math.min(...at.map((each) => each[1]));
  return [
    left,
    top,
    Math.max(...at.map((each) => each[0] + each[2])) - left,
    Math.max(...at.map((each) => each[1] + each[3])) - top,
  ];
};
// Move and scale all places of a field into another rectangle.
/** @param {Place[]} at @param {Place} to @returns {Place[]} */
const moved = (at, [x, y, wide, high]) => {
  const [left, top, w, h] = around(at),
    across = wide / w,
    down = high / h;
  return at.map((each) => [
    x + (each[0] - left) * across,
    y + (each[1] - top) * down,
    each[2] * across,
    each[3] * down,
  ]);
};
/** @param {number[]} place @returns {Place} */
const within = ([x, y, wide, high]) => {
  const w = Math.min(size[0], Math.max(6, wide)),
    h = Math.min(size[1], Math.max(6, high));
  return [Math.min(size[0] - w, Math.max(0, x)), Math.min(size[1] - h, Math.max(0, y)), w, h];
};
/** @param {HTMLElement} element @param {number[]} place */
const put = (element, [x, y, wide, high]) =>
  Object.assign(element.style, {
    left: `${(100 * x) / size[0]}%`,
    top: `${(100 * y) / size[1]}%`,
    width: `${(100 * wide) / size[0]}%`,
    height: `${(100 * high) / size[1]}%`,
  });
/** @param {Field} field */
const count = (field) => {
  if (field.kind === "boxes") return Number.parseInt(field.shape, 10) || 1;
  if (field.kind === "pattern") return (field.shape.match(/#/g) || []).length || 1;
  return field.kind === "choices" ? field.shape.split(",").length : 1;
};
/** @param {PointerEvent} event */
const point = (event) => {
  const box = $("paper").getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * size[0], ((event.clientY - box.top) / box.height) * size[1]];
};
/** @param {string} text */
const tell = (text, wrong = false) => {
  $("said").textContent = text;
  $("said").classList.toggle("wrong", wrong);
};
const state = () => JSON.stringify({ title: input("title").value, fields });

// Draw a field's rectangle, with the lines between its boxes.
/** @param {Field} field @param {number} place */
const draw = (field, place) => {
  const made = document.createElement("button"),
    label = document.createElement("span"),
    box = around(field.at);
  made.type = "button";
  made.className = field.kind;
  made.setAttribute("aria-pressed", String(place === chosen));
  made.setAttribute("aria-label", `field ${field.name}`);
  label.textContent = field.name;
  put(made, box);
  const edges =
    field.at.length > 1
      ? field.at.slice(1).map((each) => (each[0] - box[0]) / box[2])
      : ["boxes", "pattern", "choices"].includes(field.kind)
        ? Array.from({ length: Math.min(30, count(field)) - 1 }, (_, at) => (at + 1) / count(field))
        : [];
  made.append(
    label,
    ...edges.map((share) => {
      const edge = document.createElement("i");
      edge.style.left = `${100 * share}%`;
      return edge;
    }),
    document.createElement("b"),
  );
  made.addEventListener("pointerdown", (event) => drag(event, place));
  made.addEventListener("focus", () => choose(place));
  made.addEventListener("keydown", (event) => nudge(event, place));
  return made;
};
const show = () => {
  $("fields").replaceChildren(...fields.map(draw));
  $("list").replaceChildren(
    ...fields.map((field, place) => {
      const row = document.createElement("li"),
        button = document.createElement("button");
      button.type = "button";
      button.textContent = `${field.name}: ${field.kind}${field.shape ? ` ${field.shape}` : ""}`;
      button.setAttribute("aria-current", String(place === chosen));
      button.addEventListener("click", () => {
        choose(place);
        $("name").focus();
        $("fields").children[place].scrollIntoView({ block: "center" });
      });
      row.append(button);
      return row;
    }),
  );
};
const showForm = () => {
  const field = fields[chosen];
  $("one").hidden = !field;
  if (!field) return;
  for (const name of texts) if (input(name).value.trim() !== field[name]) input(name).value = field[name];
  for (const name of yes) input(name).checked = field[name];
  const shape = shapes[field.kind],
    said = $("shapeLabel").querySelector("span");
  $("shapeLabel").hidden = !shape;
  if (shape && said) {
    said.textContent = shape[0];
    input("shape").placeholder = shape[1];
  }
  $("fullLabel").hidden = field.kind !== "boxes";
  $("values").hidden = !["boxes", "pattern", "line"].includes(field.kind);
};
/** @param {number} place */
const choose = (place) => {
  if (place === chosen) return;
  chosen = place;
  [...$("fields").children].forEach((each, at) => {
    each.setAttribute("aria-pressed", String(at === chosen));
  });
  [...$("list").querySelectorAll("button")].forEach((each, at) => {
    each.setAttribute("aria-current", String(at === chosen));
  });
  showForm();
};
/** @param {number} place */
const rectangle = (place) => /** @type {HTMLElement} */ ($("fields").children[place]);
/** @param {number} place @param {number[]} box */
const change = (place, box) => {
  fields[place].at = moved(fields[place].at, within(box));
  put(rectangle(place), around(fields[place].at));
};
/** @param {PointerEvent} event @param {number} place */
const drag = (event, place) => {
  event.stopPropagation();
  choose(place);
  const start = point(event),
    box = around(fields[place].at),
    sizing = event.target instanceof Element && event.target.tagName === "B",
    target = rectangle(place);
  target.setPointerCapture(event.pointerId);
  /** @param {PointerEvent} next */
  const move = (next) => {
    const [x, y] = point(next),
      dx = x - start[0],
      dy = y - start[1];
    change(place, sizing ? [box[0], box[1], box[2] + dx, box[3] + dy] : [box[0] + dx, box[1] + dy, box[2], box[3]]);
  };
  target.addEventListener("pointermove", move);
  target.addEventListener("pointerup", () => target.removeEventListener("pointermove", move), { once: true });
};
/** @type {Record<string, [number, number]>} */
const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** @param {KeyboardEvent} event @param {number} place */
const nudge = (event, place) => {
  const way = ways[event.key];
  if (event.key === "Delete" || event.key === "Backspace") remove();
  else if (way) {
    const step = Math.max(1, Math.round(size[0] / 1200)),
      [x, y, wide, high] = around(fields[place].at),
      [dx, dy] = way.map((each) => each * step);
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
  while (fields.some((field) => field.name === `field${number}`)) number += 1;
  return `field${number}`;
};

// Draw a new field: as many boxes as squares fit into its rectangle, at least one.
$("paper").addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  const start = point(event),
    drawn = document.createElement("div");
  drawn.id = "drawn";
  $("paper").append(drawn);
  $("paper").setPointerCapture(event.pointerId);
  /** @param {PointerEvent} next */
  const box = (next) => {
    const [x, y] = point(next);
    return [Math.min(x, start[0]), Math.min(y, start[1]), Math.abs(x - start[0]), Math.abs(y - start[1])];
  };
  /** @param {PointerEvent} next */
  const move = (next) => put(drawn, box(next));
  $("paper").addEventListener("pointermove", move);
  $("paper").addEventListener(
    "pointerup",
    (next) => {
      $("paper").removeEventListener("pointermove", move);
      drawn.remove();
      const place = within(box(next));
      if (place[2] < size[0] / 120 || place[3] < size[0] / 120) {
        choose(-1);
        return;
      }
      const boxes = Math.max(1, Math.min(30, Math.round(place[2] / place[3])));
      fields.push({
        name: freeName(),
        label: "",
        kind: "boxes",
        shape: String(boxes),
        at: [place],
        full: false,
        among: "",
        one_to_one: false,
        check: "",
      });
      show();
      choose(fields.length - 1);
      input("name").focus();
      input("name").select();
    },
    { once: true },
  );
});
/** @type {Record<string, (field: Field) => string>} */
const shapeOf = {
  boxes: (field) => String(count(field)),
  pattern: (field) => "#".repeat(count(field)),
  choices: () => "",
};
/** @param {(field: Field) => void} work */
const edited = (work) => () => {
  const field = fields[chosen];
  if (!field) return;
  work(field);
  // Places of individual boxes are only valid for that number of boxes.
  if (field.at.length > 1 && field.at.length !== count(field)) field.at = [around(field.at)];
  show();
  showForm();
};
for (const name of yes)
  $(name).addEventListener(
    "input",
    edited((field) => {
      field[name] = input(name).checked;
    }),
  );
for (const name of texts)
  $(name).addEventListener(
    "input",
    edited((field) => {
      const shape = name === "kind" ? (shapeOf[input(name).value] ?? (() => ""))(field) : null;
      field[name] = input(name).value.trim();
      if (shape !== null) field.shape = shape;
    }),
  );
$("one").addEventListener("submit", (event) => event.preventDefault());
$("remove").addEventListener("click", remove);

const send = async () => {
  const answer = await fetch("/form", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: state(),
  });
  const said = await answer.json();
  if (!answer.ok) {
    tell(said.detail || `the server answered ${answer.status}`, true);
    return false;
  }
  saved = state();
  tell(`${said.fields} ${said.fields === 1 ? "field" : "fields"} written to ${said.out}`);
  return true;
};
/** @param {() => Promise<unknown>} work */
const attempt = (work) => async () => {
  try {
    await work();
  } catch {
    tell("the server is not there any more; begin again with digitlab sheet from … --mark", true);
  }
};
$("save").addEventListener("click", attempt(send));
$("end").addEventListener(
  "click",
  attempt(async () => {
    if (!(await send())) return;
    await fetch("/done", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
    tell(`${$("said").textContent}. This page may be closed.`);
    const controls = /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("button, input, select"));
    for (const each of controls) each.disabled = true;
  }),
);
addEventListener("beforeunload", (event) => {
  if (saved && state() !== saved) event.preventDefault();
});

const form = await (await fetch("/form")).json();
({ fields, pixels: size } = form);
$("out").textContent = form.out;
input("title").value = form.title;
$("known").hidden = !form.known;
show();
saved = state();
tell(
  form.known
    ? ""
    : fields.length
      ? `${fields.length} rows of boxes were found; nothing is written yet`
      : "no boxes were found: draw the fields",
);

export {}; // makes this a module, which can await the form
