// A worker that trains, for a page that came from a server; the page without one has its worker in its one script.

import { answerQuestions } from "./learning-answers.js";

answerQuestions(/** @type {any} */ (globalThis));
