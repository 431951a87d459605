// Numbers and sentences as the page writes them, and its dictionary.

import assert from "node:assert/strict";
import { test } from "node:test";
import { STEPS } from "../../../../src/digitlab/apps/web/static/tour-steps.js";
import * as words from "../../../../src/digitlab/apps/web/static/words.js";

const SPANISH = (await import("../../../../src/digitlab/apps/web/static/spanish.js")).default;

test("a probability that is not quite 0 or 1 is not called so", () => {
  assert.equal(words.probability(0.5), "50.0%");
  assert.equal(words.probability(0.9994), "99.9%");
  assert.equal(words.probability(0.99951), ">\u00a099.9%");
  assert.equal(words.probability(0.0004), "<\u00a00.1%");
  assert.equal(words.probability(Number.NaN), "–");
});

test("signed numbers have their sign, and 0 has none", () => {
  assert.deepEqual(
    [8.64, -2.91, 0.01, -0.04].map((each) => words.signed(each)),
    ["+8.6", "−2.9", "0.0", "0.0"],
  );
  assert.equal(words.signed(-1234, 0), "−1,234");
});

test("numbers of maps have three digits that count", () => {
  const told = [3, -3, 0.004, -0.126, 2.345, -23.45, 234.5].map(words.exact);
  assert.deepEqual(
    told,
    ["3", "−3", "0.00", "−0.13", "2.35", "−23.5", "235"].map((each) => each.replace("2.35", told[4])),
  );
  assert.ok(["2.34", "2.35"].includes(told[4]));
});

test("what is no number is a dash", () => {
  assert.equal(words.number(Number.NaN), "–");
  assert.equal(words.percent(Number.POSITIVE_INFINITY), "–");
});

test("names in a sentence are replaced, and unknown ones stay", () => {
  assert.equal(words.t("map {n} of {all}", { n: 3 }), "map 3 of {all}");
});

test("no line breaks before a sign that stands after a space, nor within a number", () => {
  assert.equal(
    words.unbroken("Sous « {tab} » : 60 000 images ; 95,4 % de 10 000. Oui ?"),
    "Sous «\u00a0{tab}\u00a0»\u00a0: 60\u00a0000 images\u00a0; 95,4\u00a0% de 10\u00a0000. Oui\u00a0?",
  );
  assert.equal(words.unbroken("784 nombres de 0 à 255, 28 × 28"), "784 nombres de 0 à 255, 28 × 28");
});

test("in English the server's own words are said, or ours where it has none", () => {
  assert.equal(words.relayed("The training failed.", "no memory"), "no memory");
  assert.equal(words.relayed("The training failed.", null), "The training failed.");
});

test("a translation has the same {names} as the English", () => {
  const names = (/** @type {string} */ text) => [...new Set(text.match(/\{\w+\}/g))].sort();
  for (const [english, spanish] of Object.entries(SPANISH)) {
    assert.ok(spanish.trim(), english);
    assert.deepEqual(names(spanish), names(english), english);
  }
});

test("a browser that blocks its storage still has a language, and can change it", async () => {
  Object.assign(globalThis, { location: { search: "" } });
  Object.defineProperty(globalThis, "navigator", { value: { languages: ["nl-NL", "es-MX"] }, configurable: true });
  for (const area of ["localStorage", "sessionStorage"])
    Object.defineProperty(globalThis, area, {
      configurable: true,
      get: () => {
        throw new DOMException("The document is sandboxed", "SecurityError");
      },
    });
  assert.equal(words.preferredLanguage(), "es");
  const body = { querySelectorAll: () => [] };
  Object.assign(globalThis, { document: { documentElement: {}, body, title: "" } });
  await words.setLanguage("en", { keep: true });
  assert.equal(words.language(), "en");
});

test("every step of the tour is there in Spanish", () => {
  const missing = STEPS.flatMap((step) => [step.title, ...step.text]).filter((text) => !(text in SPANISH));
  assert.deepEqual(missing, []);
});

test("in Spanish sentences and numbers are Spanish, and what the server says stands in brackets", async () => {
  const element = { getAttribute: () => "Undo", setAttribute() {}, textContent: " Undo " };
  const found = { querySelectorAll: (/** @type {string} */ mark) => (mark === "[data-t]" ? [element] : []) };
  Object.assign(globalThis, { document: { documentElement: {}, body: found, title: "" } });
  let heard = 0;
  words.onLanguage(() => {
    heard += 1;
  });
  await words.setLanguage("es");
  assert.equal(heard, 2, "at once, and after the change");
  assert.equal(words.language(), "es");
  assert.equal(element.textContent, "Deshacer");
  assert.equal(words.t("map {n}", { n: 3 }), SPANISH["map {n}"].replace("{n}", "3"));
  assert.equal(words.number(1.5, 1), "1,5");
  assert.equal(words.relayed("The training failed.", "no memory"), `${SPANISH["The training failed."]} (no memory)`);
  await words.setLanguage("en");
  assert.equal(element.textContent, "Undo", "what stood in index.html comes back");
});
