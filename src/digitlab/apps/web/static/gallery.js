// The gallery: test digits and hard cases that can be put on the pad.

import * as api from "./api.js";
import { byId, canvas, fillChoice, make } from "./elements.js";
import { glyphInk, paintGlyph } from "./maps.js";
import { on } from "./state.js";
import { onLanguage, t } from "./words.js";

/**
 * @import { GallerySet } from "../schemas.js"
 * @typedef {GallerySet & { bytes: Uint8Array }} Decoded
 */

/** @type {Record<string, string>} */
const NAMES = {
  mnist: "test digits of MNIST",
  "hard-turned": "turned by 35°",
  "hard-moved": "moved out of the middle",
  "hard-noisy": "with noise",
  "hard-thin": "thin strokes",
  "hard-cut": "with a bar erased",
  strangers: "out-of-distribution images (no digits)",
};
/** @type {Promise<Decoded[]> | null} */
let fetched = null;

/** The gallery's sets, fetched once. */
export function gallerySets() {
  fetched ??= api.gallery().then(({ sets }) => sets.map((each) => ({ ...each, bytes: api.fromBase64(each.data) })));
  fetched.catch(() => {
    fetched = null;
  });
  return fetched;
}

/**
 * Set up the gallery; the function returned fills it when it is first shown. Choosing a digit calls `take`.
 * @param {(ink: HTMLCanvasElement, name: string) => void} take gets the digit's ink, and its name in links
 */
export function startGallery(take) {
  const [choice, container] = [byId("gallery-set"), byId("gallery-digits")];
  /** @type {Decoded[]} */
  let sets = [];

  const show = () => {
    const set = sets.find((each) => each.name === choice.value);
    if (!set) return;
    container.replaceChildren(
      ...set.labels.map((label, row) => {
        const caption = label === null ? t("no digit") : t("a {digit}", { digit: label });
        const picture = paintGlyph(canvas(28, 28), set.bytes, 784 * row);
        return make(
          "button",
          {
            type: "button",
            class: "glyph",
            "aria-label": caption,
            title: caption,
            onclick: () => take(glyphInk(set.bytes, 784 * row), `${set.name}-${row + 1}`),
          },
          picture,
        );
      }),
    );
  };
  const words = () => {
    fillChoice(
      choice,
      sets.map(({ name }) => [name, t(NAMES[name] ?? name)]),
    );
    show();
  };
  choice.addEventListener("change", show);
  on("shade", show);
  onLanguage(words);
  return async () => {
    if (sets.length) return;
    sets = await gallerySets();
    words();
  };
}

/** A test digit for visitors who do not draw: its ink, and its name in links. */
export async function exampleInk(digit = 4) {
  const [set] = await gallerySets();
  const row = Math.max(set.labels.indexOf(digit), 0);
  return { ink: glyphInk(set.bytes, 784 * row), name: `${set.name}-${row + 1}` };
}

/** The ink of the digit that a link names, e.g. "mnist-8"; null if there is none. @param {string} name */
export async function inkOf(name) {
  const sets = await gallerySets();
  const row = Number(name.split("-").at(-1)) - 1;
  const set = sets.find((each) => `${each.name}-${row + 1}` === name);
  return set && row >= 0 && row < set.count ? glyphInk(set.bytes, 784 * row) : null;
}
