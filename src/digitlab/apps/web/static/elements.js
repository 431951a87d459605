// Elements made and found: all of the page's markup that is not in index.html comes from here.

const SVG = "http://www.w3.org/2000/svg";

/**
 * What an element may be given: attributes, and with "on…" listeners; null, undefined and false leave one out.
 * @typedef {Record<string, any>} Settings
 * @typedef {Node | string | null | undefined | false} Content
 *
 * The elements of index.html that are more than an HTMLElement.
 * @typedef {HTMLCanvasElement & HTMLVideoElement & HTMLInputElement & HTMLSelectElement & HTMLButtonElement} Any
 * @typedef {{
 *   pad: HTMLCanvasElement, "photo-picture": HTMLCanvasElement, video: HTMLVideoElement,
 *   "pad-boxes": SVGSVGElement, "photo-boxes": SVGSVGElement, "video-boxes": SVGSVGElement, "pad-pen": SVGCircleElement,
 *   "photo-file": HTMLInputElement, "model-file": HTMLInputElement, lesson: HTMLSelectElement, "photo-camera": HTMLInputElement, model: HTMLSelectElement,
 *   "page-number": HTMLInputElement, "page-before": HTMLButtonElement, "page-next": HTMLButtonElement,
 *   language: HTMLSelectElement, "gallery-set": HTMLSelectElement, theme: HTMLButtonElement, undo: HTMLButtonElement,
 *   redo: HTMLButtonElement, clear: HTMLButtonElement, eraser: HTMLButtonElement, "camera-keep": HTMLButtonElement,
 * }} Known
 */

/**
 * The element with this id; a missing one is a mistake in index.html and is said at once.
 * @template {string} Id
 * @param {Id} id
 * @returns {Id extends keyof Known ? Known[Id] : HTMLElement}
 */
export function byId(id) {
  const found = /** @type {any} */ (document.getElementById(id));
  if (!found) throw new Error(`index.html has no element #${id}`);
  return found;
}

/**
 * make("button", { class: "quiet", onclick: f, "aria-label": "…" }, "text", child): an element with its content.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Settings} settings
 * @param {...Content} content
 */
export function make(tag, settings = {}, ...content) {
  return filled(document.createElement(tag), settings, content);
}

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Settings} settings
 * @param {...Content} content
 */
export function draw(tag, settings = {}, ...content) {
  return filled(document.createElementNS(SVG, tag), settings, content);
}

/**
 * @template {Element} Made
 * @param {Made} element
 * @param {Settings} settings
 * @param {Content[]} content
 */
function filled(element, settings, content) {
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const each of content) if (each !== null && each !== undefined && each !== false) element.append(each);
  return element;
}

/**
 * A canvas of the given size in its own pixels.
 * @param {number} width
 * @param {number} height
 * @param {Settings} settings
 */
export function canvas(width, height, settings = {}) {
  return make("canvas", { width, height, ...settings });
}

/**
 * What is painted with; a canvas that has another kind of context already is a mistake.
 * @param {HTMLCanvasElement} target
 * @param {CanvasRenderingContext2DSettings} settings
 */
export function penOf(target, settings = {}) {
  return /** @type {CanvasRenderingContext2D} */ (target.getContext("2d", settings));
}

/**
 * A choice among names: [[value, text], …] as options of a <select>, keeping what was chosen where it is still there.
 * @param {HTMLSelectElement} select
 * @param {[string | number, string][]} options
 * @param {string | number} chosen
 */
export function fillChoice(select, options, chosen = select.value) {
  select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
  if (options.some(([value]) => String(value) === String(chosen))) select.value = String(chosen);
  return select;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let fading;

/** Say what went wrong, for some seconds, in the page's place for it. @param {string} message */
export function complain(message) {
  const trouble = byId("trouble");
  trouble.textContent = message;
  trouble.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(forgive, 9000);
}

/** What went wrong is of no matter any more: another view is looked at, which the words would lie over. */
export function forgive() {
  byId("trouble").hidden = true;
}
