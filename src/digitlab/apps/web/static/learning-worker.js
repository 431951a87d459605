// Training worker for a page that comes from a server; the page without a server has the worker in its single script.

import { answerQuestions } from "./learning-answers.js";

answerQuestions(/** @type {any} */ (globalThis));
