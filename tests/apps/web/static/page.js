// What the page's modules need of a browser, in Node: as much of a document as the tests look at.

import { Buffer } from "node:buffer";

/** An element that remembers what it was given. */
export class FakeElement {
  /** @param {string} tag */
  constructor(tag) {
    this.tag = tag;
    /** @type {FakeElement | null} */
    this.parent = null;
    /** @type {(FakeElement | string)[]} */
    this.content = [];
    /** @type {Record<string, string>} */
    this.attributes = {};
    /** @type {Record<string, string>} */
    this.dataset = {};
    /** @type {string | null} */
    this.entered = null;
    this.hidden = false;
    this.title = "";
    this.style = { setProperty: () => {} };
    this.classList = { add: () => {}, toggle: () => {} };
    /** @type {Map<string, ((event: any) => void)[]>} */
    this.listeners = new Map();
    this.width = 0;
    this.height = 0;
    /** @type {{ data: Uint8ClampedArray, width: number, height: number } | null} */
    this.painted = null;
  }

  get children() {
    return this.content.filter((each) => each instanceof FakeElement);
  }

  get lastElementChild() {
    return this.children.at(-1);
  }

  /** @returns {string} */
  get textContent() {
    return this.content.map((each) => (each instanceof FakeElement ? each.textContent : each)).join("");
  }

  set textContent(text) {
    this.content = [text];
  }

  /** @param {string} value */
  set className(value) {
    this.attributes.class = value;
  }

  /** @param {(FakeElement | string)[]} content */
  append(...content) {
    for (const each of content) if (each instanceof FakeElement) each.parent = this;
    this.content.push(...content);
  }

  /** @param {FakeElement} child */
  appendChild(child) {
    this.append(child);
    return child;
  }

  remove() {
    if (this.parent) this.parent.content = this.parent.content.filter((each) => each !== this);
  }

  /** @param {(FakeElement | string)[]} content */
  replaceChildren(...content) {
    this.content = content;
    if (this.tag === "select") this.entered = null;
  }

  get name() {
    return this.attributes.name ?? "";
  }

  get options() {
    return this.children;
  }

  /** What was entered or chosen; of a select, the first option as long as nothing was chosen. @returns {string} */
  get value() {
    return this.entered ?? this.attributes.value ?? (this.tag === "select" ? (this.options[0]?.value ?? "") : "");
  }

  set value(value) {
    const possible = this.tag !== "select" || this.options.some((each) => each.value === String(value));
    this.entered = possible ? String(value) : "";
  }

  get valueAsNumber() {
    return Number(this.value || Number.NaN);
  }

  /**
   * @param {string} name
   * @param {unknown} value
   */
  setAttribute(name, value) {
    this.attributes[name] = String(value);
    if (name === "width") this.width = Number(value);
    if (name === "height") this.height = Number(value);
  }

  /** @param {string} name @param {(event: any) => void} listener */
  addEventListener(name, listener) {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
  }

  /** Let something happen to the element. @param {string} name @param {object} event */
  happens(name, event = {}) {
    for (const listener of this.listeners.get(name) ?? []) listener(event);
  }

  getContext() {
    return {
      putImageData: (/** @type {any} */ image) => {
        this.painted = image;
      },
      clearRect: () => {
        this.painted = null;
      },
      drawImage() {},
      fillRect() {},
    };
  }

  /** @param {string} tag */
  querySelectorAll(tag) {
    return this.all(tag);
  }

  /**
   * All elements below of this kind.
   * @param {string} tag
   * @returns {FakeElement[]}
   */
  all(tag) {
    return this.children.flatMap((each) => [...(each.tag === tag ? [each] : []), ...each.all(tag)]);
  }
}

const root = new FakeElement("html");

/** Make a document for the modules under test. */
export function startPage() {
  Object.assign(globalThis, {
    document: {
      documentElement: root,
      createElement: (/** @type {string} */ tag) => new FakeElement(tag),
      createElementNS: (/** @type {string} */ _, /** @type {string} */ tag) => new FakeElement(tag),
    },
    ImageData: class {
      /**
       * @param {number} width
       * @param {number} height
       */
      constructor(width, height) {
        this.data = new Uint8ClampedArray(4 * width * height);
        this.width = width;
        this.height = height;
      }
    },
    requestAnimationFrame: (/** @type {() => void} */ work) => {
      work();
      return null;
    },
  });
}

/** @param {"light" | "dark"} shade */
export function setShade(shade) {
  root.dataset.shade = shade;
}

/**
 * An element of the page as what it is here.
 * @param {unknown} element
 * @returns {FakeElement}
 */
export const fake = (element) => /** @type {FakeElement} */ (element);

/** @param {number[]} bytes */
export const base64 = (bytes) => Buffer.from(Uint8Array.from(bytes)).toString("base64");

/**
 * Colours of a painted pixel: [red, green, blue, opacity].
 * @param {unknown} picture
 * @param {number} place
 */
export const pixel = (picture, place) => Array.from(fake(picture).painted?.data.slice(4 * place, 4 * place + 4) ?? []);
