// What both pages of a class begin with: language, theme, and work whose failure is shown.

import { byId, complain, make } from "../elements.js";
import { startTheme } from "../theme.js";
import { language, languageNames, setLanguage, t, wantedLanguage } from "../words.js";

/** Do it, and say what went wrong. @param {() => Promise<unknown>} work */
export async function trying(work) {
  try {
    await work();
    return true;
  } catch (error) {
    complain(error.message);
    return false;
  }
}

/** What is to be drawn, in words. @param {number} digit */
export const taskOf = (digit) => (digit === 8 ? t("Draw an {digit}", { digit }) : t("Draw a {digit}", { digit }));

/** Language and theme: they decide how everything else looks. */
export async function begin() {
  startTheme(byId("theme"));
  const languages = byId("language");
  languages.replaceChildren(...languageNames().map(([value, name]) => make("option", { value, lang: value }, name)));
  languages.addEventListener("change", () => setLanguage(languages.value, { keep: true }));
  await setLanguage(wantedLanguage());
  languages.value = language();
}
