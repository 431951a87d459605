// Before the page itself: its questions are answered here. What stands around the scripts (see
// digitlab/static_page/bundle.py) leaves the worker's script and the models for it.

import { answerHere } from "./here.js";

/**
 * @import { Service } from "../static/api.js"
 * @import { Data } from "./backend.js"
 */

const left = /** @type {{ digitlabScript: string, digitlabData?: Data, digitlab?: Service }} */ (
  /** @type {unknown} */ (globalThis)
);

/** @type {Promise<Data>} */
const data = new Promise((resolve, reject) => {
  const take = () => left.digitlabData && resolve(left.digitlabData);
  addEventListener("digitlab-data", take);
  take();
  addEventListener("load", () => left.digitlabData || reject(new Error("models.js is not beside this page")));
});

// For programs, and whoever opens the console: await digitlab.read(imageData).
left.digitlab = answerHere(left.digitlabScript, data);
