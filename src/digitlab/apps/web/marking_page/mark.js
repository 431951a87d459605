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
  const left = Math.min(...at.map((rect) => rect[0])),
    top = Math.min(...at.map((rect) => rect[1]));
  return [
    left,
    top,
    Math.max(...at.map((rect) => rect[0] + rect[2])) - left,
    Math.max(...at.map((rect) => rect[1] + rect[3])) - top,
  ];
};
// Move and scale all places of a field into another rectangle.
/** @param {Place[]} at @param {Place} to @returns {Place[]} */
const moved = (at, [x, y, wide, high]) => {
  const [left, top, w, h] = around(at),
    across = wide / w,
    down = high / h;
  return at.map((rect) => [
    x + (rect[0] - left) * across,
    y + (rect[1] - top) * down,
    rect[2] * across,
    rect[3] * down,
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
const showMessage = (text, wrong = false) => {
  $("said").textContent = text;
  $("said").classList.toggle("wrong", wrong);
};
const state = () => JSON.stringify({ title: input("title").value, fields });

// Draw a field's rectangle, with the lines between its boxes.
/** @param {Field} field @param {number} index */
const draw = (field, index) => {
  const button = document.createElement("button"),
    label = document.createElement("span"),
    box = around(field.at);
  button.type = "button";
  button.className = field.kind;
  button.setAttribute("aria-pressed", String(index === chosen));
  button.setAttribute("aria-label", `field ${field.name}`);
  label.textContent = field.name;
  put(button, box);
  const edges =
    field.at.length > 1
      ? field.at.slice(1).map((each) => (each[0] - box[0]) / box[2])
      : ["boxes", "pattern", "choices"].includes(field.kind)
        ? Array.from({ length: Math.min(30, count(field)) - 1 }, (_, number) => (number + 1) / count(field))
        : [];
  button.append(
    label,
    ...edges.map((share) => {
      const edge = document.createElement("i");
      edge.style.left = `${100 * share}%`;
      return edge;
    }),
    document.createElement("b"),
  );
  button.addEventListener("pointerdown", (event) => drag(event, index));
  button.addEventListener("focus", () => choose(index));
  button.addEventListener("keydown", (event) => nudge(event, index));
  return button;
};
const show = () => {
  $("fields").replaceChildren(...fields.map(draw));
  $("list").replaceChildren(
    ...fields.map((field, index) => {
      const row = document.createElement("li"),
        button = document.createElement("button");
      button.type = "button";
      button.textContent = `${field.name}: ${field.kind}${field.shape ? ` ${field.shape}` : ""}`;
      button.setAttribute("aria-current", String(index === chosen));
      button.addEventListener("click", () => {
        choose(index);
        $("name").focus();
        $("fields").children[index].scrollIntoView({ block: "center" });
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
    caption = $("shapeLabel").querySelector("span");
  $("shapeLabel").hidden = !shape;
  if (shape && caption) {
    caption.textContent = shape[0];
    input("shape").placeholder = shape[1];
  }
  $("fullLabel").hidden = field.kind !== "boxes";
  $("values").hidden = !["boxes", "pattern", "line"].includes(field.kind);
};
/** @param {number} index */
const choose = (index) => {
  if (index === chosen) return;
  chosen = index;
  [...$("fields").children].forEach((element, number) => {
    element.setAttribute("aria-pressed", String(number === chosen));
  });
  [...$("list").querySelectorAll("button")].forEach((element, number) => {
    element.setAttribute("aria-current", String(number === chosen));
  });
  showForm();
};
/** @param {number} index */
const rectangle = (index) => /** @type {HTMLElement} */ ($("fields").children[index]);
/** @param {number} index @param {number[]} box */
const change = (index, box) => {
  fields[index].at = moved(fields[index].at, within(box));
  put(rectangle(index), around(fields[index].at));
};
/** @param {PointerEvent} event @param {number} index */
const drag = (event, index) => {
  event.stopPropagation();
  choose(index);
  const start = point(event),
    box = around(fields[index].at),
    sizing = event.target instanceof Element && event.target.tagName === "B",
    target = rectangle(index);
  target.setPointerCapture(event.pointerId);
  /** @param {PointerEvent} next */
  const move = (next) => {
    const [x, y] = point(next),
      dx = x - start[0],
      dy = y - start[1];
    change(index, sizing ? [box[0], box[1], box[2] + dx, box[3] + dy] : [box[0] + dx, box[1] + dy, box[2], box[3]]);
  };
  target.addEventListener("pointermove", move);
  target.addEventListener("pointerup", () => target.removeEventListener("pointermove", move), { once: true });
};
/** @type {Record<string, [number, number]>} */
const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** @param {KeyboardEvent} event @param {number} index */
const nudge = (event, index) => {
  const direction = directions[event.key];
  if (event.key === "Delete" || event.key === "Backspace") remove();
  else if (direction) {
    const step = Math.max(1, Math.round(size[0] / 1200)),
      [x, y, wide, high] = around(fields[index].at),
      [dx, dy] = direction.map((offset) => offset * step);
    change(index, event.shiftKey ? [x, y, wide + dx, high + dy] : [x + dx, y + dy, wide, high]);
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
  const content = await answer.json();
  if (!answer.ok) {
    showMessage(content.detail || `the server answered ${answer.status}`, true);
    return false;
  }
  saved = state();
  showMessage(`${content.fields} ${content.fields === 1 ? "field" : "fields"} written to ${content.out}`);
  return true;
};
/** @param {() => Promise<unknown>} work */
const attempt = (work) => async () => {
  try {
    await work();
  } catch {
    showMessage("the server is not there any more; begin again with digitlab sheet from … --mark", true);
  }
};
$("save").addEventListener("click", attempt(send));
$("end").addEventListener(
  "click",
  attempt(async () => {
    if (!(await send())) return;
    await fetch("/done", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
    showMessage(`${$("said").textContent}. This page may be closed.`);
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
showMessage(
  form.known
    ? ""
    : fields.length
      ? `${fields.length} rows of boxes were found; nothing is written yet`
      : "no boxes were found: draw the fields",
);

export {}; // makes this a module, which can await the form
