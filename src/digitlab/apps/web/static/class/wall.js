// The wall: who is in the class and what they draw, for a projector; and the teacher's controls.

import { fromBase64 } from "../api.js";
import { begin } from "../begin.js";
import { byId, fillChoice, make, penOf, showMessage } from "../elements.js";
import { number, onLanguage, percent, t } from "../words.js";
import { teacher } from "./api.js";
import { taskOf, trying } from "./shared.js";

/** @import { ClassState, PupilDrawings, Tile, TrainingState } from "../../schemas.js" */

const NAME = 2.3; // rem: height of a tile without its picture
const LEAST = 7; // rem: minimum width of a tile
const ROOMY = 10; // the same where the tiles are below everything else
const QUIET = 4; // light modules on each side of a QR code
const WATCHED = 1000; // milliseconds between two polls of a training
const OVER = ["done", "stopped", "failed"];
const PROJECTOR = "#projector";

await begin();
/** @type {ClassState | null} */
let room = null;
/** @type {Map<number, Tile>} */
const pupils = new Map();
/** @type {Map<number, ReturnType<typeof createTile>>} */
const tiles = new Map();
/** @type {number | null} */
let opened = null; // the pupil whose drawings are shown
/** @type {TrainingState | null} */
let training = null;

// The class --------------------------------------------------------------------------------------------------------

/** @param {ClassState} state */
function showRoom(state) {
  room = state;
  byId("task").textContent = state.task === null ? t("Draw your digit") : taskOf(state.task);
  byId("counts").textContent = t("pupils: {pupils}, drawings: {drawings}", {
    pupils: number(state.pupils),
    drawings: number(state.drawings),
  });
  byId("code").textContent = state.code;
  const open = /** @type {HTMLInputElement} */ (byId("open"));
  open.checked = state.open;
  byId("closed").hidden = state.open;
  byId("local").hidden = !state.local;
  byId("local").textContent = t("Only this computer can reach the class. For phones: {command}", {
    command: "digitlab serve --class --host 0.0.0.0",
  });
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (byId("tasks").querySelectorAll("button")))
    button.setAttribute("aria-pressed", String(button.value === (state.task === null ? "round" : String(state.task))));
  showKept(state);
  showLink(state);
  document.body.classList.toggle("empty", state.pupils === 0);
  byId("nobody").hidden = state.pupils > 0;
}

/** @param {ClassState} told */
function showKept({ drawings, unkept, removed, file, training: possible }) {
  const keep = /** @type {HTMLButtonElement} */ (byId("keep"));
  const train = /** @type {HTMLButtonElement} */ (byId("train"));
  keep.disabled = !unkept && !removed;
  train.disabled = !file || !possible || Boolean(training && !OVER.includes(training.state));
  const keptCount = drawings - unkept;
  const more = [
    removed ? t("Still in the file, but removed or renamed here: {removed}.", { removed: number(removed) }) : "",
    removed && drawings ? t("Press “Keep it” again to rewrite it.") : "",
    removed && !drawings ? t("Nothing is left on the wall: press “Keep it” again to delete the file.") : "",
  ];
  const summary = file
    ? t("In {file}: {kept} drawings with the names of who drew them. Not kept: {unkept}.", {
        file,
        kept: number(keptCount),
        unkept: number(unkept),
      })
    : t("Nothing is kept until you press “Keep it”; then the digits are in a file, with the names shown here.");
  byId("kept").textContent = [summary, ...more].filter(Boolean).join(" ");
}

/** @param {ClassState} told */
function showLink({ links }) {
  const address = byId("address");
  const chosen = /** @type {any} */ (address).value;
  fillChoice(
    /** @type {any} */ (address),
    links.map(({ address: each }) => [each, each]),
    chosen,
  );
  byId("addresses").hidden = links.length < 2;
  const link = links.find((each) => each.address === /** @type {any} */ (address).value) ?? links[0];
  if (!link) return;
  byId("link").textContent = link.address.replace("http:", "").replace(/^\/+/, "");
  const view = /** @type {HTMLCanvasElement} */ (byId("qr"));
  const side = link.side + 2 * QUIET;
  [view.width, view.height] = [side, side];
  const pen = penOf(view);
  [pen.fillStyle] = ["#fff"];
  pen.fillRect(0, 0, side, side);
  pen.fillStyle = "#000";
  fromBase64(link.dark).forEach((dark, place) => {
    if (dark) pen.fillRect(QUIET + (place % link.side), QUIET + Math.floor(place / link.side), 1, 1);
  });
}

// The tiles --------------------------------------------------------------------------------------------------------

/** @param {number} pupil */
function createTile(pupil) {
  const picture = make("img", { alt: "", hidden: true });
  const answer = make("span", { class: "answer-read" });
  const name = make("b", { translate: "no" });
  const count = make("span");
  const button = make(
    "button",
    { type: "button", class: "tile", onclick: () => open(pupil) },
    make("span", { class: "drawn" }, picture),
    make("span", { class: "named" }, answer, name, count),
  );
  const item = make("li", {}, button);
  return { item, button, picture, answer, name, count };
}

/** @param {Tile} pupil */
function showTile(pupil) {
  pupils.set(pupil.number, pupil);
  const tile = tiles.get(pupil.number) ?? createTile(pupil.number);
  if (!tiles.has(pupil.number)) {
    tiles.set(pupil.number, tile);
    byId("tiles").append(tile.item);
    fit();
  }
  const shown = pupil.shown;
  tile.picture.hidden = !shown;
  if (shown) tile.picture.src = `data:image/png;base64,${shown.picture}`;
  tile.answer.textContent = shown?.read ? String(shown.answer ?? "?") : "";
  tile.answer.classList.toggle("unsure", shown?.answer === null);
  tile.answer.classList.toggle("other", Boolean(shown && shown.answer !== null && shown.answer !== shown.label));
  tile.button.classList.toggle("live", Boolean(shown && !shown.handed_in));
  tile.name.textContent = pupil.name;
  tile.name.title = pupil.name;
  tile.count.textContent = pupil.drawings ? `${number(pupil.right)}/${number(pupil.drawings)}` : "";
  const doing = !shown
    ? t("nothing yet")
    : shown.handed_in
      ? t("handed in {digit}", { digit: shown.label })
      : t("draws {digit}", { digit: shown.label });
  const reading = shown?.read
    ? `, ${shown.answer === null ? t("not read") : t("read as {digit}", { digit: shown.answer })}`
    : "";
  tile.button.setAttribute(
    "aria-label",
    `${pupil.name}: ${doing}${reading}; ${t("{right} of {all} drawings read as meant", { right: pupil.right, all: pupil.drawings })}`,
  );
}

/** @param {number[]} numbers */
function removeTiles(numbers) {
  for (const pupil of numbers) {
    tiles.get(pupil)?.item.remove();
    tiles.delete(pupil);
    pupils.delete(pupil);
    if (opened === pupil) /** @type {any} */ (byId("pupil")).close();
  }
  fit();
}

/** Choose enough columns to show all tiles at once, unless they would become too small. */
function fit() {
  const list = byId("tiles");
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const [wide, high] = [list.clientWidth / rem, (innerHeight - list.getBoundingClientRect().top - scrollY) / rem - 1];
  const most = Math.max(2, Math.floor(wide / LEAST));
  const below = list.clientWidth > 0.9 * document.body.clientWidth; // the page scrolls then, so names can be legible
  let columns = below ? Math.max(2, Math.floor(wide / ROOMY)) : Math.min(most, 4);
  while (!below && columns < most && Math.ceil(tiles.size / columns) * (0.75 * (wide / columns) + NAME + 0.6) > high)
    columns += 1;
  list.style.setProperty("--columns", String(columns));
}
addEventListener("resize", fit);

// One pupil --------------------------------------------------------------------------------------------------------

/** @param {number} pupil */
function open(pupil) {
  if (location.hash === PROJECTOR) return;
  trying(async () => {
    showPupil(await teacher.pupil(pupil));
    opened = pupil;
    /** @type {any} */ (byId("pupil")).showModal();
    byId("pupil-name").focus();
  });
}

/** @param {PupilDrawings} told */
function showPupil({ number: pupil, name, drawings }) {
  byId("pupil-name").textContent = name;
  byId("pupil-none").hidden = drawings.length > 0;
  byId("pupil-drawings").replaceChildren(
    ...drawings.map((drawing) => {
      const read = drawing.answer === null ? t("not read") : t("read as {digit}", { digit: drawing.answer });
      const words = `${drawing.label}, ${read}${drawing.kept ? `, ${t("kept")}` : ""}`;
      const remove = () => trying(async () => showPupil(await teacher.removeDrawing(pupil, drawing.number)));
      return make(
        "li",
        {},
        make("img", {
          src: `data:image/png;base64,${drawing.picture}`,
          alt: t("a drawing of {digit}", { digit: drawing.label }),
        }),
        make("p", { class: drawing.answer !== drawing.label && "other" }, words),
        make("button", { type: "button", "aria-label": `${t("Remove")}: ${words}`, onclick: remove }, t("Remove")),
      );
    }),
  );
}

byId("rename").addEventListener("click", () =>
  trying(async () => {
    if (opened !== null) showPupil(await teacher.rename(opened));
  }),
);
byId("remove").addEventListener("click", () =>
  trying(async () => {
    if (opened !== null) await teacher.removePupil(opened);
    /** @type {any} */ (byId("pupil")).close();
  }),
);
byId("shut").addEventListener("click", () => /** @type {any} */ (byId("pupil")).close());
byId("pupil").addEventListener("close", () => {
  const tile = opened === null ? undefined : tiles.get(opened);
  opened = null;
  tile?.button.focus();
});

// What the teacher does ------------------------------------------------------------------------------------------

byId("tasks").addEventListener("click", (event) => {
  const { value } = /** @type {HTMLButtonElement} */ (event.target);
  if (value) trying(async () => showRoom(await teacher.set({ task: value === "round" ? "round" : Number(value) })));
});
byId("open").addEventListener("change", (event) =>
  trying(async () => showRoom(await teacher.set({ open: /** @type {HTMLInputElement} */ (event.target).checked }))),
);
byId("keep").addEventListener("click", () => trying(async () => showRoom(await teacher.keep())));
byId("train").addEventListener("click", () => trying(async () => watch(await teacher.train())));
byId("again").addEventListener("click", () => /** @type {any} */ (byId("sure")).showModal());
byId("sure-no").addEventListener("click", () => /** @type {any} */ (byId("sure")).close());
byId("sure-yes").addEventListener("click", () => {
  /** @type {any} */ (byId("sure")).close();
  trying(async () => showRoom(await teacher.beginAgain()));
});
byId("address").addEventListener("change", () => room && showLink(room));

/** @param {TrainingState} started */
async function watch(started) {
  training = started;
  while (training && !OVER.includes(training.state)) {
    showTraining();
    await new Promise((done) => setTimeout(done, WATCHED));
    const { id } = training;
    await trying(async () => {
      training = (await teacher.trainings()).trainings.find((other) => other.id === id) ?? null;
    });
  }
  showTraining();
  if (room) showKept(room);
}

function showTraining() {
  const current = training;
  const bar = /** @type {HTMLProgressElement} */ (byId("progress"));
  bar.hidden = !current || OVER.includes(current.state);
  if (!current) return;
  const epochs = current.question.epochs;
  bar.value = current.epochs.length / epochs;
  if (current.state === "failed") byId("trained").textContent = `${t("The training failed.")} ${current.error ?? ""}`;
  else if (!OVER.includes(current.state))
    byId("trained").textContent = t(
      "It learns: epoch {epoch} of {epochs}. Its curves are under Training in the network's page.",
      {
        epoch: number(Math.min(current.epochs.length + 1, epochs)),
        epochs: number(epochs),
      },
    );
  else if (current.own) {
    const { pupils: leftOut, images, right, reader_right: readers } = current.own;
    const values = {
      model: current.model,
      right: number(right),
      images: number(images),
      share: percent(right / images),
      left: number(leftOut),
      readers: number(readers),
    };
    byId("trained").textContent = leftOut
      ? t(
          "{model}: {right} of {images} digits ({share}) of {left} pupils that it had never seen; the shipped reader's network: {readers}.",
          values,
        )
      : t(
          "{model}: {right} of {images} digits ({share}) of the one pupil, which it had never seen; the shipped reader's network: {readers}.",
          values,
        );
  }
}

function project() {
  const on = location.hash === PROJECTOR;
  document.body.classList.toggle("projecting", on);
  byId("projecting").setAttribute("aria-pressed", String(on));
  fit();
}
byId("projecting").addEventListener("click", () => {
  location.hash = location.hash === PROJECTOR ? "" : PROJECTOR;
});
addEventListener("hashchange", project);

onLanguage(() => {
  byId("tasks").replaceChildren(
    ...Array.from({ length: 10 }, (_, digit) =>
      make("button", { type: "button", value: String(digit), "aria-label": taskOf(digit) }, String(digit)),
    ),
    make("button", { type: "button", value: "round", class: "round" }, t("Each goes through 0 to 9")),
  );
  if (room) showRoom(room);
  for (const each of pupils.values()) showTile(each);
  showTraining();
});
project();
teacher.follow({
  begun: () => removeTiles([...tiles.keys()]),
  room: showRoom,
  tiles: (/** @type {Tile[]} */ told) => told.forEach(showTile),
  gone: removeTiles,
  lost: (error) => showMessage(error.message),
});
document.documentElement.dataset.ready = "";
