// Creating and finding elements: all of the page's markup that is not in index.html is made here.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Attributes of an element, and listeners by names with "on…"; those that are null, undefined or false are skipped.
 * @typedef {Record<string, any>} Settings
 * @typedef {Node | string | null | undefined | false} Content
 *
 * The elements of index.html with a more specific type than HTMLElement.
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
 * The element with this id; throws if index.html does not have it.
 * @template {string} Id
 * @param {Id} id
 * @returns {Id extends keyof Known ? Known[Id] : HTMLElement}
 */
export function byId(id) {
  const element = /** @type {any} */ (document.getElementById(id));
  if (!element) throw new Error(`index.html has no element #${id}`);
  return element;
}

/**
 * Create an element with content: make("button", { class: "quiet", onclick: f, "aria-label": "…" }, "text", child).
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
  for (const child of content) if (child !== null && child !== undefined && child !== false) element.append(child);
  return element;
}

/**
 * Create a canvas of this size in its own pixels.
 * @param {number} width
 * @param {number} height
 * @param {Settings} settings
 */
export function canvas(width, height, settings = {}) {
  return make("canvas", { width, height, ...settings });
}

/**
 * The 2D context of a canvas, which must not already have a context of another kind.
 * @param {HTMLCanvasElement} target
 * @param {CanvasRenderingContext2DSettings} settings
 */
export function penOf(target, settings = {}) {
  return /** @type {CanvasRenderingContext2D} */ (target.getContext("2d", settings));
}

/**
 * Fill a <select> with the options [[value, text], …], keeping the current choice if it is still among them.
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

/** Show an error message for some seconds, in the page's place for it. @param {string} message */
export function showMessage(message) {
  const trouble = byId("trouble");
  trouble.textContent = message;
  trouble.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(hideMessage, 9000);
}

/** Hide the error message, e.g. when another view is opened, which it would cover. */
export function hideMessage() {
  byId("trouble").hidden = true;
}
