// Test digits and hard cases, to be put on the pad.

import * as api from "./api.js";
import { byId, canvas, fillChoice, make } from "./elements.js";
import { glyphInk, paintGlyph } from "./maps.js";
import { on } from "./state.js";
import { onLanguage, t } from "./words.js";

const NAMES = {
  mnist: "test digits of MNIST",
  "hard-turned": "turned by 35°",
  "hard-moved": "moved out of the middle",
  "hard-noisy": "with noise",
  "hard-thin": "thin strokes",
  "hard-cut": "with a bar rubbed out",
  strangers: "what is no digit",
};
let fetched = null;

/** The gallery's sets, fetched once: [{ name, count, labels, bytes }]. */
export function gallerySets() {
  fetched ??= api.gallery().then(({ sets }) => sets.map((each) => ({ ...each, bytes: api.fromBase64(each.data) })));
  fetched.catch(() => {
    fetched = null;
  });
  return fetched;
}

/** Fill the gallery when it is first shown; `take(ink, label)` when a digit is chosen. */
export function startGallery(take) {
  const [choice, place] = [byId("gallery-set"), byId("gallery-digits")];
  let sets = [];

  const show = () => {
    const set = sets.find((each) => each.name === choice.value);
    if (!set) return;
    place.replaceChildren(
      ...set.labels.map((label, row) => {
        const said = label === null ? t("no digit") : t("a {digit}", { digit: label });
        const picture = paintGlyph(canvas(28, 28), set.bytes, 784 * row);
        return make(
          "button",
          {
            type: "button",
            class: "glyph",
            "aria-label": said,
            title: said,
            onclick: () => take(glyphInk(set.bytes, 784 * row), label),
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

/** One digit of the test images, for those who do not draw. */
export async function exampleInk(wanted = 4) {
  const [set] = await gallerySets();
  return glyphInk(set.bytes, 784 * Math.max(set.labels.indexOf(wanted), 0));
}
