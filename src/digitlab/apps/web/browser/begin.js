// Runs before the page itself, so that its requests are answered here. The files around it (see digitlab/static_page)
// leave the worker's script and the models in global variables.

import { answerHere } from "./here.js";

/**
 * @import { Service } from "../static/api.js"
 * @import { Data } from "./backend.js"
 */

const globals = /** @type {{ digitlabScript: string, digitlabData?: Data, digitlab?: Service }} */ (
  /** @type {unknown} */ (globalThis)
);

/** @type {Promise<Data>} */
const data = new Promise((resolve, reject) => {
  const resolveIfLoaded = () => globals.digitlabData && resolve(globals.digitlabData);
  addEventListener("digitlab-data", resolveIfLoaded);
  resolveIfLoaded();
  addEventListener("load", () => globals.digitlabData || reject(new Error("models.js is not beside this page")));
});

// For scripts and the browser console: await digitlab.read(imageData).
globals.digitlab = answerHere(globals.digitlabScript, data);
