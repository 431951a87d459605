// Startup code shared by all pages.

import { byId, make } from "./elements.js";
import { startTheme } from "./theme.js";
import { language, languageNames, preferredLanguage, setLanguage } from "./words.js";

/** Set language and theme, which determine how everything else looks. */
export async function begin() {
  startTheme(byId("theme"));
  const languages = byId("language");
  languages.replaceChildren(...languageNames().map(([value, name]) => make("option", { value, lang: value }, name)));
  languages.addEventListener("change", () => setLanguage(languages.value, { keep: true }));
  await setLanguage(preferredLanguage());
  languages.value = language();
}
