// The main page: sends drawings, photos and camera frames to the server, and shows the answers in its parts.

import { copyText, startAddress } from "./address.js";
import { Answer } from "./answer.js";
import * as api from "./api.js";
import { begin } from "./begin.js";
import { drawBoxes, showFound } from "./boxes.js";
import { Camera } from "./camera.js";
import { DamageView } from "./damage.js";
import { DiagnosisView } from "./diagnosis.js";
import { byId, fillChoice, hideMessage, showMessage } from "./elements.js";
import { exampleInk, inkOf, startGallery } from "./gallery.js";
import { isDigits, LearningView } from "./learning.js";
import { Lessons } from "./lessons.js";
import { fragmentOf, placeOf } from "./link.js";
import { NetworkView } from "./network.js";
import { cutOut, Pad, SENT } from "./pad.js";
import { PairView } from "./pair.js";
import { isModel, Photo, smaller } from "./photo.js";
import { chooseModel, lookAt, notify, on, refreshModels, state } from "./state.js";
import { startTabs } from "./tabs.js";
import { chosenTheme, setTheme } from "./theme.js";
import { TourView } from "./tour.js";
import { TrainingView } from "./training.js";
import { WholeView } from "./whole.js";
import { WhyView } from "./why.js";
import { language, number, onLanguage, percent, setLanguage, t } from "./words.js";

/**
 * @import { Picture } from "./api.js"
 * @import { Place } from "./link.js"
 * @import { Shown, Whose } from "./answer.js"
 * @import { Classified, FoundDigit, LiveAnswer } from "../schemas.js"
 * @typedef {"draw" | "photo" | "camera" | "gallery"} Input
 */

// Without a server, other texts apply and more is possible.
if (api.here()) {
  byId("where").textContent = t("Everything here is computed in this browser: no picture leaves it, and none is kept.");
  byId("camera-about").textContent = t("The pictures stay in this browser; none is kept.");
  byId("interface").hidden = true;
  byId("own-model").hidden = false;
}

await begin(); // first: language and theme decide how everything else looks

// The parts of the page ------------------------------------------------------------------------------------------

const pad = new Pad(byId("pad"));
const photo = new Photo();
const camera = new Camera();
const answer = new Answer({
  digit: byId("answer-digit"),
  words: byId("answer-words"),
  bars: byId("answer-bars"),
  time: byId("answer-time"),
  live: byId("answer-live"),
});
const views = {
  whole: new WholeView(byId("whole"), showMessage, (layer, map) => {
    views.network.go({ layer, map });
    showViewOf("network");
  }),
  network: new NetworkView(byId("network"), showMessage),
  why: new WhyView(byId("why"), showMessage),
  diagnosis: new DiagnosisView(byId("diagnosis")),
  pair: new PairView(byId("pair"), showMessage),
  damage: new DamageView(byId("damage"), showMessage),
  tour: new TourView(byId("tour"), showMessage, () => photo.body ?? api.pictureOf(pad.picture())),
  learning: new LearningView(byId("learning"), showMessage),
  training: new TrainingView(byId("training"), showMessage),
};
const openGallery = startGallery((ink, name) => putOnPad(ink, name));
/** @type {Input} */
let input = "draw";
/** @type {keyof typeof views} */
let view = "network";

const showInput = startTabs(byId("inputs"), (/** @type {Input} */ name) => {
  const before = input;
  input = name;
  if (before === "camera" && name !== "camera") camera.stop();
  if (name === "gallery") openGallery().catch((error) => showMessage(error.message));
  if (before !== name) refreshInput();
  notify("place");
});
const showViewOf = startTabs(byId("views"), (/** @type {keyof typeof views} */ name) => {
  if (view === "tour" && name !== "tour") views.tour.hide();
  if (view !== name) hideMessage();
  view = name;
  showView();
  notify("place");
});

function showView() {
  const needed = view !== "training" && view !== "learning"; // whether the view needs a digit
  const layers = needed && view !== "pair" && view !== "diagnosis"; // whether it needs the model's layers
  const closed = layers && state.models.find((each) => each.name === state.model)?.layers === false;
  const waiting = needed && !closed && !state.subject;
  const pressed = !waiting && byId("start").contains(document.activeElement);
  byId("start").hidden = !waiting;
  if (pressed) byId(`tab-${view}`).focus({ preventScroll: true });
  byId("closed").hidden = !closed;
  byId(view).hidden = waiting || closed;
  if (!waiting && !closed) views[view].show();
  else if (view === "tour") views.tour.hide();
}
on("subject", showView);
on("subject", () => {
  byId("why-answer").hidden = !state.subject || api.here(); // a diagnosis needs a server
});
byId("why-answer").addEventListener("click", () => {
  showViewOf("diagnosis");
  if (matchMedia("(max-width: 58rem)").matches) byId("views").scrollIntoView(); // then below the answer (page.css)
});
on("model", showView);
on("models", showView);
on("shade", showView);
onLanguage(showView);

// The pad --------------------------------------------------------------------------------------------------------

let requests = 0; // number of requests so far: the answer to an old one must not replace that to a newer one
let shown = 0;
let chosen = 0; // index of the chosen one of several digits
let drawing = false;
/** @type {Shown} */
const nothing = { digit: null, confidence: 0, probabilities: null };

/**
 * Read what is on the pad. When a stroke has ended (`finished`), the other parts of the page are updated, too.
 * @param {{ finished?: boolean, since?: number | null }} settings
 */
async function readPad({ finished = true, since = null } = {}) {
  const turn = (requests += 1);
  byId("answer").setAttribute("aria-busy", "true");
  try {
    const { found, digits, blob } = pad.empty ? { found: nothing, digits: [], blob: null } : await askAboutPad();
    if (turn < shown || input !== "draw") return;
    shown = turn;
    answer.show(found);
    if (since !== null) requestAnimationFrame(() => answer.took(performance.now() - since));
    const index = Math.min(chosen, digits.length - 1);
    drawBoxes(byId("pad-boxes"), digits, SENT.width, SENT.height, index);
    showFound(byId("found"), digits, index, (other) => {
      chosen = other;
      readPad();
    });
    // The views show the network's work on whatever was drawn, even if the reader finds no digit in it.
    if (finished) lookAt(blob ? { picture: blob, from: "pad" } : null);
  } catch (error) {
    if (finished) showMessage(error.message);
  } finally {
    if (turn === requests || input !== "draw") byId("answer").setAttribute("aria-busy", "false");
  }
}

/**
 * Classify what is on the pad. Compact ink is one digit; else it may be several, or one in parts: the reader decides.
 * @returns {Promise<{ found: Shown, digits: FoundDigit[], blob: Picture }>}
 */
async function askAboutPad() {
  const picture = pad.picture();
  const page = pad.mayBeSeveral ? await api.read(api.pictureOf(picture), state.model) : null;
  if (page === null || page.digits.length < 2) {
    const blob = api.pictureOf(picture);
    return { found: await api.classify(blob, state.model), digits: [], blob };
  }
  const blob = api.pictureOf(pad.picture(page.digits[Math.min(chosen, page.digits.length - 1)].box, page.turned));
  const one = await api.classify(blob, state.model);
  return { found: { ...one, text: page.text, whose: whose(page.digits, chosen) }, digits: page.digits, blob };
}

/**
 * Which of several digits the answer's bars belong to; null if there is only one.
 * @param {FoundDigit[]} digits
 * @param {number} index
 * @returns {Whose | null}
 */
function whose(digits, index) {
  const clamped = Math.min(index, digits.length - 1);
  return digits.length > 1 ? { digit: digits[clamped].digit, n: clamped + 1, all: digits.length } : null;
}

const whileDrawing = api.newest(() => drawing && readPad({ finished: false }));
pad.addEventListener("ink", () => {
  drawing = true;
  byId("pad-hint").hidden = true;
  showKeyboardPen();
  if (!pad.empty) whileDrawing();
});
pad.addEventListener("change", () => {
  drawing = false;
  showTools();
  if (input === "draw") readPad({ since: performance.now() });
});

function showTools() {
  byId("undo").disabled = !pad.canUndo;
  byId("redo").disabled = !pad.canRedo;
  byId("clear").disabled = pad.empty;
  byId("pad-hint").hidden = !pad.empty;
}

/** Show the position of the pen that the arrow keys move. */
function showKeyboardPen() {
  const pen = pad.keyboardPen;
  byId("pad").classList.toggle("keyed", pen !== null);
  byId("pad").classList.toggle("down", Boolean(pen?.down));
  const mark = byId("pad-pen");
  mark.setAttribute("visibility", pen ? "visible" : "hidden");
  if (!pen) return;
  mark.setAttribute("cx", String(pen.x));
  mark.setAttribute("cy", String(pen.y));
}

/** @param {HTMLCanvasElement} ink @param {string} name */
function putOnPad(ink, name) {
  showInput("draw");
  pad.stamp(ink, name);
}

byId("undo").addEventListener("click", () => pad.undo());
byId("redo").addEventListener("click", () => pad.redo());
byId("clear").addEventListener("click", () => pad.clear());
byId("eraser").addEventListener("click", () => {
  pad.erasing = !pad.erasing;
  byId("eraser").setAttribute("aria-pressed", String(pad.erasing));
  byId("pad").classList.toggle("erasing", pad.erasing);
});
document.addEventListener("keydown", (event) => {
  const typing = () => /** @type {Element} */ (event.target).matches("input, textarea, select");
  if (!(event.ctrlKey || event.metaKey) || typing() || input !== "draw") return;
  const key = event.key.toLowerCase();
  if (key !== "z" && key !== "y") return;
  event.preventDefault();
  if (key === "y" || event.shiftKey) pad.redo();
  else pad.undo();
});
byId("example").addEventListener("click", () =>
  exampleInk()
    .then(({ ink, name }) => putOnPad(ink, name))
    .catch((error) => showMessage(error.message)),
);

// Photo and camera -----------------------------------------------------------------------------------------------

photo.addEventListener("opened", () => {
  camera.stop();
  if (input !== "photo") showInput("photo");
});
photo.addEventListener("trouble", (event) => showMessage(/** @type {CustomEvent<string>} */ (event).detail));
photo.addEventListener("read", () => {
  if (input === "photo") showPhoto().catch((error) => showMessage(error.message));
});

async function showPhoto() {
  const turn = (requests += 1);
  if (!photo.page) {
    byId("found").hidden = true;
    answer.nothing();
    return lookAt(null);
  }
  const { digits, text } = photo.page;
  showFound(byId("found"), digits, photo.chosen, (index) => photo.choose(index));
  const picture = photo.digit();
  if (!picture) {
    answer.show(nothing);
    return lookAt(null);
  }
  const prediction = await api.classify(picture, state.model);
  if (turn < requests || input !== "photo") return;
  answer.show(digits.length > 1 ? { ...prediction, text, whose: whose(digits, photo.chosen) } : prediction);
  lookAt(
    prediction.probabilities.some((each) => each > 0)
      ? { picture, from: "photo", whole: digits.length === 1 ? photo.body : null }
      : null,
  );
}

const OLD_AFTER = 2000; // milliseconds without an answer after which the last one is marked as old
/** @type {ReturnType<typeof setInterval> | undefined} */
let oldTimer;

/**
 * Watch the age of an answer: if no other one follows in time, mark it as old and show its age.
 * @param {number} ageNow its age now, in milliseconds since its frame was sent
 */
function watchAge(ageNow) {
  clearInterval(oldTimer);
  const since = performance.now() - ageNow;
  document.body.classList.remove("camera-old");
  oldTimer = setInterval(check, 500);
  check();
  function check() {
    const age = performance.now() - since;
    if (age < OLD_AFTER) return;
    document.body.classList.add("camera-old");
    camera.forget();
    byId("answer-words").textContent = t("old: this was {seconds} seconds ago", {
      seconds: number(Math.round(age / 1000)),
    });
    byId("answer-time").textContent = "";
  }
}

let frames = 0;
let nextLook = 0;
/** @type {Classified | null} */
let seenByCamera = null;
camera.addEventListener("trouble", (event) => showMessage(/** @type {CustomEvent<string>} */ (event).detail));
camera.addEventListener("stopped", () => {
  clearInterval(oldTimer);
  if (document.body.classList.contains("camera-old")) byId("answer-words").textContent = "";
  document.body.classList.remove("camera-old");
  byId("answer-time").textContent = "";
});
camera.addEventListener("answer", (event) => {
  const { detail } = /** @type {CustomEvent<LiveAnswer & { surest?: FoundDigit, age: number }>} */ (event);
  const { digits, text, steady, drawing, ms, latency_ms: latency, width, surest, turned, age } = detail;
  if (!surest) seenByCamera = null;
  const several = seenByCamera && digits.length > 1 ? { digit: seenByCamera.digit } : null;
  answer.show(
    { ...nothing, ...seenByCamera, text: steady ?? (drawing ? "✎" : text), whose: several },
    steady ? t("steady") : drawing ? t("somebody is drawing …") : t("looking …"),
  );
  byId("answer-time").textContent = t("read in {ms} ms, {latency} ms after it arrived", {
    ms: number(ms),
    latency: number(latency),
  });
  watchAge(age);
  frames += 1;
  byId("video").dataset.frames = String(frames);
  // The views follow the most confident digit, twice a second.
  if (!surest || performance.now() < nextLook) return;
  nextLook = performance.now() + 500;
  const still = camera.still();
  const box = surest.box.map((each) => Math.round((each * still.width) / width));
  const picture = api.pictureOf(smaller(cutOut(still, box, turned)));
  api.classify(picture, state.model).then(
    (found) => {
      seenByCamera = found;
    },
    () => {},
  );
  lookAt({ picture, from: "camera" });
});
byId("camera-keep").addEventListener("click", () => {
  const still = camera.still();
  camera.stop();
  showInput("photo");
  photo.take(still);
});

/** Update the answer after a switch to another input. */
function refreshInput() {
  byId("found").hidden = true;
  byId("answer-time").textContent = "";
  if (input === "draw") readPad();
  else if (input === "photo" && photo.page) showPhoto().catch((error) => showMessage(error.message));
  else if (input !== "gallery") {
    answer.nothing();
    lookAt(null);
  }
}

// Models ---------------------------------------------------------------------------------------------------------

const choice = byId("model");
choice.addEventListener("change", () => chooseModel(choice.value));
const showModels = () =>
  fillChoice(
    choice,
    state.models.map(({ name, accuracy }) => [name, accuracy ? `${name} (${percent(accuracy, 1)})` : name]),
    state.model,
  );
on("models", showModels);
onLanguage(showModels);
on("model", () => {
  choice.value = state.model;
  [photo.model, camera.model] = [state.model, state.model];
  camera.reconnect();
  if (input === "photo" && photo.page) photo.read();
  else if (input === "draw" && !pad.empty) readPad();
});

/** Add the visitor's own model, an ONNX file, if that is possible without a server. @param {File | undefined} file */
async function openModel(file) {
  if (!file) return;
  try {
    const name = await api.addModel(file);
    if (name) await refreshModels(name);
    else
      showMessage(t("Name the models when you start the server: digitlab serve --model {name}", { name: file.name }));
  } catch (error) {
    showMessage(error.message);
  }
}
byId("model-file").addEventListener("change", () => {
  openModel(byId("model-file").files?.[0]);
  byId("model-file").value = "";
});
document.addEventListener("drop", (event) => {
  const files = [...(event.dataTransfer?.files ?? [])];
  openModel(files.find(isModel));
  const digits = files.find(isDigits);
  if (!digits) return;
  showViewOf("learning");
  views.learning.take(digits).catch((error) => showMessage(error.message));
});

// Links ----------------------------------------------------------------------------------------------------------

const lessons = new Lessons((link) => {
  const part = placeOf(link);
  goTo({ view: "network", from: "draw", ink: [], ...part }).then(address.changed, (error) =>
    showMessage(error.message),
  );
});
const address = startAddress(
  () => ({
    view,
    from: input === "camera" ? "draw" : input,
    model: state.model,
    ...(view === "network" && state.subject ? views.network.place : {}),
    ...(view === "tour" && state.subject ? { step: views.tour.step } : {}),
    ...(view === "training" ? { training: views.training.settings } : {}),
    ...(view === "learning" ? { learning: views.learning.settings } : {}),
    ...lessons.place,
    language: language(),
    theme: chosenTheme(),
    ...pad.drawn,
  }),
  async (place) => {
    await models;
    // A link that gives only a lesson leads to the place of the lesson's part.
    lessons.open(place.lesson, place.part ?? 1, !place.view);
    await goTo(place).catch((error) => showMessage(error.message));
  },
);

/** Go to the place given by a link; whatever it leaves out stays as it is. @param {Place} place */
async function goTo(place) {
  if (place.language && place.language !== language()) {
    await setLanguage(place.language);
    byId("language").value = language();
  }
  if (place.theme === "light" || place.theme === "dark") setTheme(place.theme);
  if (place.model && place.model !== state.model) {
    if (state.models.some(({ name }) => name === place.model)) chooseModel(place.model);
    else
      showMessage(
        t("The model of this link, {name}, is not here; {other} answers.", { name: place.model, other: state.model }),
      );
  }
  if (place.from && ["draw", "photo", "gallery"].includes(place.from)) showInput(/** @type {Input} */ (place.from));
  const drawn = { digit: pad.drawn.digit, ink: pad.drawn.ink };
  if ((place.ink || place.digit) && fragmentOf({ digit: place.digit, ink: place.ink }) !== fragmentOf(drawn))
    pad.restore(place.ink ?? [], place.digit ? await inkOf(place.digit) : null, place.digit);
  if (place.layer) views.network.go(place);
  if (place.step) views.tour.begin(place.step);
  if (place.training) views.training.choose(place.training);
  if (place.learning) views.learning.choose(place.learning);
  if (place.view && place.view in views) showViewOf(/** @type {keyof typeof views} */ (place.view));
}
for (const topic of /** @type {const} */ (["place", "model", "subject", "shade"])) on(topic, () => address.changed());
onLanguage(() => address.changed());
byId("copy-link").addEventListener("click", async () => {
  const link = address.link();
  if (await copyText(link)) showMessage(t("The link is copied: it has the drawing, the view and the settings in it."));
  else showMessage(link);
});

showTools();
const models = refreshModels();
models
  .then(() => lessons.start())
  .then(address.follow)
  .catch((error) => showMessage(error.message));
// Drawing works from now on: until a model is chosen, the server's default one answers.
document.documentElement.dataset.ready = performance.now().toFixed(0);
