// The side of a worker: questions come as messages, answers go back under their number.

import { Backend } from "./backend.js";

const PAUSE = 150; // milliseconds

/** @typedef {{ number: number, method: string, given: any[] }} Question */

/** Answer questions from now on; the first is "start" with the models. @param {Worker} scope as a worker's own scope is, seen from inside */
export function answerQuestions(scope) {
  /** @type {any} */
  let backend = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  scope.addEventListener("message", ({ data }) => {
    const { number, method, given } = /** @type {Question} */ (data);
    try {
      if (method === "start") backend = new Backend(given[0]);
      const answer = method === "start" ? null : backend[method](...given);
      scope.postMessage({ number, answer });
      // Where nobody asks at once, the first answer is practised: what runs often is compiled.
      clearTimeout(waiting);
      if (method === "start") waiting = setTimeout(() => backend.practise(), PAUSE);
    } catch (error) {
      scope.postMessage({
        number,
        error: error instanceof Error ? error.message : String(error),
        kind: error?.constructor?.name,
      });
    }
  });
}
