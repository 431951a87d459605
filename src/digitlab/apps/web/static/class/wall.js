// The wall: who is in the class and what they draw, for a projector; and the teacher's controls.

import { fromBase64 } from "../api.js";
import { begin } from "../begin.js";
import { byId, complain, fillChoice, make, penOf } from "../elements.js";
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
/** @type {Map<number, ReturnType<typeof madeTile>>} */
const tiles = new Map();
/** @type {number | null} */
let opened = null; // the pupil whose drawings are shown
/** @type {TrainingState | null} */
let training = null;

// The class --------------------------------------------------------------------------------------------------------

/** @param {ClassState} told */
function showRoom(told) {
  room = told;
  byId("task").textContent = told.task === null ? t("Draw your digit") : taskOf(told.task);
  byId("counts").textContent = t("pupils: {pupils}, drawings: {drawings}", {
    pupils: number(told.pupils),
    drawings: number(told.drawings),
  });
  byId("code").textContent = told.code;
  const open = /** @type {HTMLInputElement} */ (byId("open"));
  open.checked = told.open;
  byId("closed").hidden = told.open;
  byId("local").hidden = !told.local;
  byId("local").textContent = t("Only this computer can reach the class. For phones: {command}", {
    command: "digitlab serve --class --host 0.0.0.0",
  });
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (byId("tasks").querySelectorAll("button")))
    button.setAttribute("aria-pressed", String(button.value === (told.task === null ? "round" : String(told.task))));
  showKept(told);
  showLink(told);
  document.body.classList.toggle("empty", told.pupils === 0);
  byId("nobody").hidden = told.pupils > 0;
}

/** @param {ClassState} told */
function showKept({ drawings, unkept, removed, file, training: possible }) {
  const keep = /** @type {HTMLButtonElement} */ (byId("keep"));
  const train = /** @type {HTMLButtonElement} */ (byId("train"));
  keep.disabled = !unkept && !removed;
  train.disabled = !file || !possible || Boolean(training && !OVER.includes(training.state));
  const kept = drawings - unkept;
  const more = [
    removed ? t("Still in the file, but removed or renamed here: {removed}.", { removed: number(removed) }) : "",
    removed && drawings ? t("Press Keep again to rewrite it.") : "",
    removed && !drawings ? t("Nothing is left on the wall: press Keep again to delete the file.") : "",
  ];
  const said = file
    ? t("In {file}: {kept} drawings with the names of who drew them. Not kept: {unkept}.", {
        file,
        kept: number(kept),
        unkept: number(unkept),
      })
    : t("Nothing is kept until you press Keep; then the digits are in a file, with the names that stand here.");
  byId("kept").textContent = [said, ...more].filter(Boolean).join(" ");
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
function madeTile(pupil) {
  const picture = make("img", { alt: "", hidden: true });
  const answer = make("span", { class: "answer-read" });
  const name = make("b", { translate: "no" });
  const count = make("span");
  const whole = make(
    "button",
    { type: "button", class: "tile", onclick: () => open(pupil) },
    make("span", { class: "drawn" }, picture),
    make("span", { class: "named" }, answer, name, count),
  );
  const item = make("li", {}, whole);
  return { item, whole, picture, answer, name, count };
}

/** @param {Tile} told */
function showTile(told) {
  pupils.set(told.number, told);
  const made = tiles.get(told.number) ?? madeTile(told.number);
  if (!tiles.has(told.number)) {
    tiles.set(told.number, made);
    byId("tiles").append(made.item);
    fit();
  }
  const shown = told.shown;
  made.picture.hidden = !shown;
  if (shown) made.picture.src = `data:image/png;base64,${shown.picture}`;
  made.answer.textContent = shown?.read ? String(shown.answer ?? "?") : "";
  made.answer.classList.toggle("unsure", shown?.answer === null);
  made.answer.classList.toggle("other", Boolean(shown && shown.answer !== null && shown.answer !== shown.label));
  made.whole.classList.toggle("live", Boolean(shown && !shown.handed_in));
  made.name.textContent = told.name;
  made.name.title = told.name;
  made.count.textContent = told.drawings ? `${number(told.right)}/${number(told.drawings)}` : "";
  const doing = !shown
    ? t("nothing yet")
    : shown.handed_in
      ? t("handed in {digit}", { digit: shown.label })
      : t("draws {digit}", { digit: shown.label });
  const said = shown?.read
    ? `, ${shown.answer === null ? t("not read") : t("read as {digit}", { digit: shown.answer })}`
    : "";
  made.whole.setAttribute(
    "aria-label",
    `${told.name}: ${doing}${said}; ${t("{right} of {all} drawings read as meant", { right: told.right, all: told.drawings })}`,
  );
}

/** @param {number[]} gone */
function takeAway(gone) {
  for (const each of gone) {
    tiles.get(each)?.item.remove();
    tiles.delete(each);
    pupils.delete(each);
    if (opened === each) /** @type {any} */ (byId("pupil")).close();
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
    ...drawings.map((each) => {
      const read = each.answer === null ? t("not read") : t("read as {digit}", { digit: each.answer });
      const words = `${each.label}, ${read}${each.kept ? `, ${t("kept")}` : ""}`;
      const remove = () => trying(async () => showPupil(await teacher.removeDrawing(pupil, each.number)));
      return make(
        "li",
        {},
        make("img", {
          src: `data:image/png;base64,${each.picture}`,
          alt: t("a drawing of {digit}", { digit: each.label }),
        }),
        make("p", { class: each.answer !== each.label && "other" }, words),
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
  tile?.whole.focus();
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

/** @param {TrainingState} begun */
async function watch(begun) {
  training = begun;
  while (training && !OVER.includes(training.state)) {
    showTraining();
    await new Promise((done) => setTimeout(done, WATCHED));
    const { id } = training;
    await trying(async () => {
      training = (await teacher.trainings()).trainings.find((each) => each.id === id) ?? null;
    });
  }
  showTraining();
  if (room) showKept(room);
}

function showTraining() {
  const now = training;
  const bar = /** @type {HTMLProgressElement} */ (byId("progress"));
  bar.hidden = !now || OVER.includes(now.state);
  if (!now) return;
  const epochs = now.question.epochs;
  bar.value = now.epochs.length / epochs;
  if (now.state === "failed") byId("trained").textContent = `${t("The training failed.")} ${now.error ?? ""}`;
  else if (!OVER.includes(now.state))
    byId("trained").textContent = t(
      "It learns: epoch {epoch} of {epochs}. Its curves are under Training in the network's page.",
      {
        epoch: number(Math.min(now.epochs.length + 1, epochs)),
        epochs: number(epochs),
      },
    );
  else if (now.own) {
    const { pupils: left, images, right, reader_right: readers } = now.own;
    const values = {
      model: now.model,
      right: number(right),
      images: number(images),
      share: percent(right / images),
      left: number(left),
      readers: number(readers),
    };
    byId("trained").textContent = left
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
  begun: () => takeAway([...tiles.keys()]),
  room: showRoom,
  tiles: (/** @type {Tile[]} */ told) => told.forEach(showTile),
  gone: takeAway,
  lost: (error) => complain(error.message),
});
document.documentElement.dataset.ready = "";
