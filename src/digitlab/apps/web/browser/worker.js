// The worker's side: requests arrive as messages; a response carries the number of its request.

import { Backend } from "./backend.js";

const PAUSE = 150; // milliseconds

/** @typedef {{ number: number, method: string, given: any[] }} Question */

/** Start to answer requests; the first is "start", with the models. @param {Worker} scope the worker's global scope */
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
      // If no request follows at once, warm up: hot code is compiled before the first answer.
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
