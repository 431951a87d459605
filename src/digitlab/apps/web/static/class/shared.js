// What both pages of a class share: work whose failure is shown, and the task in words.

import { complain } from "../elements.js";
import { t } from "../words.js";

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
