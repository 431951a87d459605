// Shared by both pages of a class: running an action and showing its failure, and the task in words.

import { showMessage } from "../elements.js";
import { t } from "../words.js";

/** Run an action and show its error, if any; true if it succeeded. @param {() => Promise<unknown>} work */
export async function trying(work) {
  try {
    await work();
    return true;
  } catch (error) {
    showMessage(error.message);
    return false;
  }
}

/** The task in words. @param {number} digit */
export const taskOf = (digit) => (digit === 8 ? t("Draw an {digit}", { digit }) : t("Draw a {digit}", { digit }));
