// Elements made and found: all of the page's markup that is not in index.html comes from here.

const SVG = "http://www.w3.org/2000/svg";

/** The element with this id; a missing one is a mistake in index.html and is said at once. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element #${id}`);
  return found;
}

/** make("button", { class: "quiet", onclick: f, "aria-label": "…" }, "text", child): an element with its content. */
export function make(tag, settings = {}, ...content) {
  return filled(document.createElement(tag), settings, content);
}

/** The same for SVG. */
export function draw(tag, settings = {}, ...content) {
  return filled(document.createElementNS(SVG, tag), settings, content);
}

function filled(element, settings, content) {
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...content.filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

/** A canvas of the given size in its own pixels. */
export function canvas(width, height, settings = {}) {
  return make("canvas", { width, height, ...settings });
}

/** A choice among names: [[value, text], …] as options of a <select>, keeping what was chosen where it is still there. */
export function fillChoice(select, options, chosen = select.value) {
  select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
  if (options.some(([value]) => String(value) === String(chosen))) select.value = chosen;
  return select;
}
