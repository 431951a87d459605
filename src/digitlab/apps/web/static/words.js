// The page's languages. The English texts are in index.html and in the code; `t` looks up their translations.

import { loadItem, storeItem } from "./storage.js";

/** @typedef {Record<string, string>} Dictionary English text → its translation. */

/**
 * To add a language: a dictionary file beside these, its line here, and optionally the lessons' texts in it.
 * @type {Record<string, { name: string, load: () => Promise<{ default: Dictionary }> }>}
 */
const DICTIONARIES = {
  es: { name: "Español", load: () => import("./spanish.js") },
  fr: { name: "Français", load: () => import("./french.js") },
};
const KEPT = "digitlab.language";
/** @type {Record<string, () => Promise<{ default: Dictionary }>>[]} */
const more = []; // additional dictionaries of other pages
/** @type {Set<() => void>} */
const listeners = new Set();
/** @type {WeakMap<Element, Record<string, string>>} */
const english = new WeakMap(); // element → its original texts in index.html

/** @type {string | undefined} */
let title; // the original one of the page's file
let tongue = "en";
/** @type {Dictionary} */
let dictionary = {};

/** The available languages: codes and own names. @returns {[string, string][]} */
export const languageNames = () => [
  ["en", "English"],
  ...Object.entries(DICTIONARIES).map(([letters, { name }]) => /** @type {[string, string]} */ ([letters, name])),
];

/** The current language's code: "en", "es" … */
export const language = () => tongue;

/**
 * Translate a text to the visitor's language and fill in its {names}, e.g. "map {n}" with { n: 3 }.
 * @param {string} text
 * @param {Record<string, any>} values
 * @returns {string}
 */
export function t(text, values = {}) {
  const template = dictionary[text] ?? text;
  return template.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/**
 * Keep lines from breaking at the spaces that French and Spanish write before some signs, after « and within numbers.
 * @param {string} text
 */
export const unbroken = (text) =>
  text
    .replace(/ (?=[:;?!%»])/g, "\u00a0")
    .replace(/« /g, "«\u00a0")
    .replace(/(\d) (?=\d{3}\b)/g, "$1\u00a0");

/**
 * Relay a message of the server, in English; other languages put a translated `sentence` on its topic before it.
 * @param {string} sentence
 * @param {string | null | undefined} detail
 */
export function relayed(sentence, detail) {
  if (tongue === "en" || !detail) return detail || t(sentence);
  return `${t(sentence)} (${detail})`;
}

/**
 * Format a number in the visitor's language, with `digits` decimals.
 * @param {number} value
 * @param {number} digits
 */
export function number(value, digits = 0) {
  if (!Number.isFinite(value)) return "–";
  return formatter(digits, "decimal").format(value);
}

/**
 * Format a number of a map or a filter, with about three significant digits; integers have no decimals.
 * @param {number} value
 */
export function exact(value) {
  const size = Math.abs(value);
  const digits = Number.isInteger(value) || size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return number(size < 0.005 ? 0 : value, digits).replace("-", "−");
}

/**
 * Format a share as a percentage in the visitor's language: 0.973 → "97 %".
 * @param {number} share
 * @param {number} digits
 */
export function percent(share, digits = 0) {
  return Number.isFinite(share) ? formatter(digits, "percent").format(share) : "–";
}

/**
 * Format a probability, everywhere the same; it is never rounded to 0 or 1 but shown as < 0.1 % or > 99.9 %.
 * @param {number} share
 */
export function probability(share) {
  if (!Number.isFinite(share)) return "–";
  if (share < 0.0005) return `<\u00a0${percent(0.001, 1)}`;
  return share > 0.9995 ? `>\u00a0${percent(0.999, 1)}` : percent(share, 1);
}

/**
 * Format a number with its sign, e.g. a logit: "+8.6", "−2.9".
 * @param {number} value
 * @param {number} digits
 */
export function signed(value, digits = 1) {
  const text = number(Math.abs(value), digits);
  if (!/[1-9]/.test(text)) return text;
  return `${value < 0 ? "−" : "+"}${text}`;
}

/** @type {Map<string, Intl.NumberFormat>} */
const formatters = new Map();

/**
 * @param {number} digits
 * @param {"decimal" | "percent"} style
 */
function formatter(digits, style) {
  const key = `${tongue} ${digits} ${style}`;
  const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const format = formatters.get(key) ?? new Intl.NumberFormat(tongue, { style, ...fraction });
  formatters.set(key, format);
  return format;
}

/**
 * Add another page's dictionaries, by language code.
 * @param {Record<string, () => Promise<{ default: Dictionary }>>} dictionaries
 */
export const addDictionaries = (dictionaries) => more.push(dictionaries);

/**
 * Call `listener` now and whenever the language changes.
 * @param {() => void} listener
 */
export function onLanguage(listener) {
  listeners.add(listener);
  listener();
}

/** The language that the URL, else an earlier visit, else the browser asks for; English if none is known. */
export function preferredLanguage() {
  const candidates = [new URLSearchParams(location.search).get("lang"), loadItem(KEPT), ...navigator.languages];
  const supported = candidates
    .map((each) => each?.slice(0, 2).toLowerCase())
    .find((each) => each === "en" || (each && each in DICTIONARIES));
  return supported ?? "en";
}

/**
 * Show the page in a language; `keep` remembers it for the next visit.
 * @param {string} code
 */
export async function setLanguage(code, { keep = false } = {}) {
  const parts = code in DICTIONARIES ? [DICTIONARIES[code].load, ...more.map((each) => each[code])] : [];
  const loaded = await Promise.all(parts.map((load) => load()));
  const texts = loaded.flatMap((each) => Object.entries(each.default));
  [tongue, dictionary] = [code, Object.fromEntries(texts.map(([text, told]) => [text, unbroken(told)]))];
  if (keep) storeItem(KEPT, code);
  document.documentElement.lang = code;
  translate(document.body);
  document.title = t((title ??= document.title));
  for (const listener of listeners) listener();
}

/**
 * Translate the elements marked in index.html: data-t the text, data-t-label the label, data-t-title the tooltip.
 * @param {Element} root
 */
function translate(root) {
  for (const element of root.querySelectorAll("[data-t]"))
    element.textContent = t(original(element, "text", () => (element.textContent ?? "").replace(/\s+/g, " ").trim()));
  for (const [mark, attribute] of [
    ["data-t-label", "aria-label"],
    ["data-t-title", "title"],
  ]) {
    for (const element of root.querySelectorAll(`[${mark}]`)) {
      element.setAttribute(attribute, t(original(element, attribute, () => element.getAttribute(attribute) ?? "")));
    }
  }
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {() => string} read
 */
function original(element, name, read) {
  const texts = english.get(element) ?? {};
  english.set(element, texts);
  return (texts[name] ??= read());
}
