// The page's languages. English stands in index.html and in the code; `t` looks it up in the dictionary of another.

const DICTIONARIES = { es: () => import("./spanish.js") };
const KEPT = "digitlab.language";
const listeners = new Set();
const english = new WeakMap(); // element → what stood in index.html

let tongue = "en";
let dictionary = {};

/** "en" or "es". */
export const language = () => tongue;

/** The text in the visitor's language, with {names} replaced: `t` of "map {n}" and { n: 3 }. */
export function t(text, values = {}) {
  const said = dictionary[text] ?? text;
  return said.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** What the server says in English, in other languages after a `sentence` of ours that says what it is about. */
export function relayed(sentence, detail) {
  if (tongue === "en" || !detail) return detail || t(sentence);
  return `${t(sentence)} (${detail})`;
}

/** A number as it is written where the visitor lives; `digits` behind the point. */
export function number(value, digits = 0) {
  if (!Number.isFinite(value)) return "–";
  return formatter(digits, "decimal").format(value);
}

/** A number of a map or a filter: its sign and three digits that count; whole numbers as they are. */
export function exact(value) {
  const size = Math.abs(value);
  const digits = Number.isInteger(value) || size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return number(size < 0.005 ? 0 : value, digits).replace("-", "−");
}

/** 0.973 → "97 %", in the visitor's manner. */
export function percent(share, digits = 0) {
  return Number.isFinite(share) ? formatter(digits, "percent").format(share) : "–";
}

/** A probability, written the same wherever it stands; what is not quite 0 or 1 is not called so. */
export function probability(share) {
  if (!Number.isFinite(share)) return "–";
  if (share < 0.0005) return `<\u00a0${percent(0.001, 1)}`;
  return share > 0.9995 ? `>\u00a0${percent(0.999, 1)}` : percent(share, 1);
}

/** A number that has a sign, as logits have: "+8.6", "−2.9". */
export function signed(value, digits = 1) {
  const said = number(Math.abs(value), digits);
  if (!/[1-9]/.test(said)) return said;
  return `${value < 0 ? "−" : "+"}${said}`;
}

const formatters = new Map();
function formatter(digits, style) {
  const key = `${tongue} ${digits} ${style}`;
  if (!formatters.has(key)) {
    const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    formatters.set(key, new Intl.NumberFormat(tongue, { style, ...fraction }));
  }
  return formatters.get(key);
}

/** Is called now and whenever the language changes. */
export function onLanguage(listener) {
  listeners.add(listener);
  listener();
}

/** The language that the address, an earlier visit or the browser asks for. */
export function wantedLanguage() {
  const asked = [new URLSearchParams(location.search).get("lang"), localStorage.getItem(KEPT), ...navigator.languages];
  const known = asked
    .map((each) => each?.slice(0, 2).toLowerCase())
    .find((each) => each === "en" || each in DICTIONARIES);
  return known ?? "en";
}

/** Show the page in a language; `keep` remembers it for the next visit. */
export async function setLanguage(wanted, { keep = false } = {}) {
  const loaded = wanted in DICTIONARIES ? (await DICTIONARIES[wanted]()).default : {};
  [tongue, dictionary] = [wanted, loaded];
  if (keep) localStorage.setItem(KEPT, wanted);
  document.documentElement.lang = wanted;
  translate(document.body);
  document.title = t("digitlab: draw a digit and see the network think");
  for (const listener of listeners) listener();
}

/** Translate what index.html marks: data-t is the text, data-t-label the label, data-t-title the hint. */
function translate(root) {
  for (const element of root.querySelectorAll("[data-t]"))
    element.textContent = t(original(element, "text", () => element.textContent.replace(/\s+/g, " ").trim()));
  for (const [mark, attribute] of [
    ["data-t-label", "aria-label"],
    ["data-t-title", "title"],
  ]) {
    for (const element of root.querySelectorAll(`[${mark}]`)) {
      element.setAttribute(attribute, t(original(element, attribute, () => element.getAttribute(attribute))));
    }
  }
}

function original(element, what, read) {
  if (!english.has(element)) english.set(element, {});
  const kept = english.get(element);
  return (kept[what] ??= read());
}
