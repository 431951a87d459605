// A pupil's page: join with the code, draw the digit of the task, see how it is read, hand it in.

import { newest } from "../api.js";
import { begin } from "../begin.js";
import { byId, make, showMessage } from "../elements.js";
import { Pad } from "../pad.js";
import { loadItem, storeItem } from "../storage.js";
import { onLanguage, t } from "../words.js";
import * as api from "./api.js";
import { taskOf, trying } from "./shared.js";

/** @import { OwnState, SketchRead } from "../../schemas.js" */

const KEPT = "digitlab.class"; // where the key is kept until the browser's tab is closed
const PAUSE = 140; // milliseconds between two pictures of what is being drawn

await begin();
const pad = new Pad(byId("pad"));
/** @type {ReturnType<typeof api.pupilWith> | null} */
let pupil = null;
/** @type {OwnState | null} */
let state = null;
/** @type {number | null} */
let label = null; // the digit of the task when the drawing on the pad was begun
/** @type {SketchRead | null} */
let read = null;
let shown = 0; // number of the last picture that was sent

const drawingFile = () =>
  new Promise((/** @type {(file: Blob) => void} */ done, fail) =>
    pad.picture().toBlob((file) => (file ? done(file) : fail(new Error(t("The server refuses this.")))), "image/png"),
  );

let sending = Promise.resolve();
const send = newest(() => {
  sending = sendSketch();
  return sending.then(() => new Promise((done) => setTimeout(done, PAUSE)));
});

async function sendSketch() {
  const own = pupil;
  if (!own) return;
  try {
    shown = (await own.sketch(pad.empty ? null : await drawingFile())).number;
  } catch (error) {
    if (own !== pupil) return; // out of the class meanwhile, or in it again
    if (error.status === 401) leave(error.message);
    else if (error.status !== 429) showMessage(error.message);
  }
}

pad.addEventListener("ink", () => {
  const pen = byId("pad-pen");
  const keys = pad.keyboardPen;
  pen.setAttribute("visibility", keys ? "visible" : "hidden");
  if (keys)
    for (const [name, value] of Object.entries({ cx: keys.x, cy: keys.y })) pen.setAttribute(name, String(value));
  drawingChanged();
});
pad.addEventListener("change", drawingChanged);

function drawingChanged() {
  if (pad.empty) {
    label = null;
    read = null;
  } else label ??= state?.label ?? null;
  byId("pad-hint").hidden = !pad.empty;
  show();
  send();
}

byId("undo").addEventListener("click", () => pad.undo());
byId("clear").addEventListener("click", () => pad.clear());
byId("pad").addEventListener("keydown", (event) => {
  if (event.key === "Enter") byId("done").click();
});
addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    event.preventDefault();
    if (event.shiftKey) pad.redo();
    else pad.undo();
  }
});

byId("done").addEventListener("click", async () => {
  const button = byId("done");
  if (button.hasAttribute("aria-busy")) return; // pressed twice: it is being handed in
  const labelAtStart = label;
  if (!pupil || pad.empty || labelAtStart === null) return showMessage(t("Draw first, then press Done."));
  button.setAttribute("aria-busy", "true");
  await sending;
  const done = await trying(async () =>
    follow(await /** @type {any} */ (pupil).handIn(await drawingFile(), labelAtStart)),
  );
  button.removeAttribute("aria-busy");
  if (done) {
    pad.forget();
    byId("task").focus({ preventScroll: true });
  }
});

/** @param {OwnState} newState */
function follow(newState) {
  state = newState;
  show();
}

function show() {
  byId("join").hidden = Boolean(pupil);
  byId("drawing").hidden = !pupil;
  byId("who").textContent = state?.name ?? "";
  if (!state) return;
  const task = taskOf(state.label);
  if (byId("task").textContent !== task) byId("task").textContent = task;
  byId("late").hidden = label === null || label === state.label;
  byId("late").textContent = t("What is on your pad still counts as {digit}.", { digit: label });
  const right = read && read.number === shown && !pad.empty;
  const reading = !right
    ? ""
    : read?.answer === null
      ? t("The reader is not sure.")
      : t("Read as {digit}", { digit: read?.answer });
  if (byId("read").textContent !== reading) byId("read").textContent = reading;
  byId("none").hidden = state.drawings.length > 0;
  byId("own").replaceChildren(...[...state.drawings].reverse().map(drawing));
}

/** @param {OwnState["drawings"][number]} of */
function drawing({ number, label: intended, answer }) {
  const reading = answer === null ? t("not read") : t("read as {digit}", { digit: answer });
  const about = t("Take back this {digit}, {said}", { digit: intended, said: reading });
  const take = () => trying(async () => follow(await /** @type {any} */ (pupil).withdraw(number)));
  const other = answer !== intended;
  return make(
    "li",
    {},
    make(
      "button",
      { type: "button", class: other && "other", "aria-label": about, title: about, onclick: take },
      make("b", {}, String(intended)),
      make("span", { "aria-hidden": "true" }, other ? `→ ${answer ?? "?"}` : "✓"),
      make("span", { "aria-hidden": "true", class: "quiet" }, "✕"),
    ),
  );
}

/** @param {string} key */
function enter(key) {
  storeItem(KEPT, key, "sessionStorage");
  const current = api.pupilWith(key);
  pupil = current;
  pad.forget();
  // Whoever was taken out may have joined again before the stream of the first key ends.
  const whileCurrent = (/** @type {(told: any) => void} */ listener) => (/** @type {any} */ data) => {
    if (pupil === current) listener(data);
  };
  current.follow({
    state: whileCurrent(follow),
    read: whileCurrent((/** @type {SketchRead} */ data) => {
      read = data;
      show();
    }),
    gone: whileCurrent(() => leave(t("Your teacher has taken you out of the class, or begun again."))),
    lost: whileCurrent((error) => (error.status === 401 ? leave(error.message) : showMessage(error.message))),
  });
}

/** @param {string} message */
function leave(message) {
  storeItem(KEPT, null, "sessionStorage");
  if (!pupil) return;
  [pupil, state] = [null, null];
  showMessage(message);
  show();
  byId("name").focus();
}

byId("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
  trying(async () => {
    const joined = await api.join(String(form.get("code")), String(form.get("name")));
    enter(joined.key);
    follow(joined.state);
    byId("task").focus();
  });
});

const code = /** @type {HTMLInputElement} */ (byId("code"));
code.value = decodeURIComponent(location.hash.slice(1)).slice(0, 20);
const savedKey = loadItem(KEPT, "sessionStorage");
if (savedKey) {
  try {
    follow(await api.pupilWith(savedKey).state());
    enter(savedKey);
  } catch {
    storeItem(KEPT, null, "sessionStorage");
  }
}
show();
if (!pupil) byId(code.value ? "name" : "code").focus();
onLanguage(show);
document.documentElement.dataset.ready = "";
