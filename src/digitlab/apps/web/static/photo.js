// Photos: chosen, dropped, pasted or taken with a phone; they are read and shown with boxes.

import * as api from "./api.js";
import { drawBoxes } from "./boxes.js";
import { byId, canvas, penOf } from "./elements.js";
import { cutOut } from "./pad.js";
import { number, onLanguage, t } from "./words.js";

/**
 * @import { Picture } from "./api.js"
 * @import { ReadPage } from "../schemas.js"
 */

// The longest side of what is sent. The reader scales pages to at most 1,024 pixels, so nothing is lost; and what a
// phone writes into its photos (where, when) is not sent.
const SIDE = 1600;
const SIDE_HERE = 4096; // if nothing is sent

export class Photo extends EventTarget {
  /** @type {HTMLCanvasElement | null} */
  picture = null;
  /** @type {ReadPage | null} */
  page = null;
  /** @type {Picture | null} */
  body = null;
  chosen = -1;
  model = "";
  /** @type {File | null} the file whose pages the server renders */
  file = null;
  pages = 1;
  number = 1;
  turns = 0;
  reads = 0; // answers to all but the last one are dropped

  /** Events: "read" when a photo was read, or could not be; in that case, also "trouble" with a text as `detail`. */
  constructor() {
    super();
    for (const input of [byId("photo-file"), byId("photo-camera")]) {
      input.addEventListener("change", () => {
        this.open(input.files?.[0]);
        input.value = "";
      });
    }
    const drop = byId("drop");
    for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
    document.addEventListener("dragover", () => drop.classList.add("over"));
    document.addEventListener("dragleave", () => drop.classList.remove("over"));
    document.addEventListener("drop", (event) => {
      drop.classList.remove("over");
      const files = [...(event.dataTransfer?.files ?? [])];
      this.open(files.find(isPicture) ?? files.find((each) => !isElse(each)));
    });
    document.addEventListener("paste", (event) => {
      this.open([...(event.clipboardData?.files ?? [])].find(isPicture));
    });
    byId("page-before").addEventListener("click", () => this.turn(this.number - 1));
    byId("page-next").addEventListener("click", () => this.turn(this.number + 1));
    byId("page-number").addEventListener("change", () => this.turn(byId("page-number").valueAsNumber));
    onLanguage(() => {
      this.#caption();
      this.#showPages();
    });
  }

  /** Read a picture file, upright and no larger than needed. @param {File | undefined} file */
  async open(file) {
    if (!file) return;
    this.dispatchEvent(new Event("opened"));
    const turn = (this.turns += 1);
    // Browsers that can show a TIFF show only its first page.
    const bitmap = PAGED.test(file.name || file.type) ? null : await createImageBitmap(file).catch(() => null);
    if (turn < this.turns) return; // another picture was opened meanwhile, whose decoding took less time
    if (!bitmap) {
      await this.#draw(file, 1);
      return;
    }
    this.#setFile(null, 1, 1);
    await this.read(onCanvas(bitmap));
  }

  /** Read another page of the file; a number out of range is clamped. @param {number} page */
  async turn(page) {
    const target = Math.min(Math.max(Math.round(page) || this.number, 1), this.pages);
    if (this.file && target !== this.number) await this.#draw(this.file, target);
    else this.#showPages();
  }

  /**
   * Let the server render a page that the browser cannot show, and read it.
   * @param {File} file
   * @param {number} page
   */
  async #draw(file, page) {
    const turn = (this.turns += 1);
    const previous = this.number;
    this.number = page; // the next press of a button counts from here
    this.#showPages();
    byId("photo-text").textContent = t("reading …");
    try {
      const { picture, pages } = await api.pageOf(file, page);
      const bitmap = await createImageBitmap(picture);
      if (turn < this.turns) return; // another page was requested meanwhile
      this.#setFile(file, page, pages);
      await this.read(onCanvas(bitmap));
    } catch (error) {
      if (turn < this.turns) return;
      this.number = previous;
      this.#showPages();
      this.#caption();
      this.#reportTrouble(error.message);
    }
  }

  /** Read a still of the camera instead of a file. @param {HTMLCanvasElement} still */
  async take(still) {
    this.#setFile(null, 1, 1);
    await this.read(still);
  }

  /**
   * @param {File | null} file
   * @param {number} number
   * @param {number} pages
   */
  #setFile(file, number, pages) {
    [this.file, this.number, this.pages] = [file, number, pages];
    this.turns += 1;
    this.#showPages();
  }

  #showPages() {
    byId("photo-pages").hidden = this.pages < 2;
    byId("page-number").max = String(this.pages);
    byId("page-number").value = String(this.number);
    byId("page-count").textContent = t("of {n}", { n: number(this.pages) });
    byId("page-before").disabled = this.number <= 1;
    byId("page-next").disabled = this.number >= this.pages;
  }

  /** Read a canvas with the page's model. */
  async read(picture = this.picture) {
    if (!picture) return;
    const turn = (this.reads += 1);
    // The digits of another picture must not be cut out of this one, also if it cannot be read.
    if (picture !== this.picture) [this.page, this.body, this.chosen] = [null, null, -1];
    this.picture = picture;
    const shown = byId("photo-picture");
    [shown.width, shown.height] = [picture.width, picture.height];
    penOf(shown).drawImage(picture, 0, 0);
    byId("photo-boxes").replaceChildren();
    byId("photo-shown").hidden = false;
    byId("photo-text").textContent = t("reading …");
    try {
      const body = await api.photoOf(picture, 0.92);
      if (!body) throw new Error(t("The server cannot read this as a picture."));
      const page = await api.read(body, this.model);
      if (turn < this.reads) return; // another picture was opened, or another model chosen meanwhile
      [this.body, this.page] = [body, page];
      const answered = this.page.digits.findIndex((each) => each.digit !== null);
      this.choose(Math.max(answered, this.page.digits.length ? 0 : -1));
    } catch (error) {
      if (turn < this.reads) return;
      byId("photo-text").textContent = "";
      this.#reportTrouble(error.message);
      this.dispatchEvent(new Event("read"));
    }
  }

  /** Choose one of the digits found. @param {number} index */
  choose(index) {
    if (!this.page) return;
    this.chosen = index;
    drawBoxes(byId("photo-boxes"), this.page.digits, this.page.width, this.page.height, index);
    this.#caption();
    this.dispatchEvent(new Event("read"));
  }

  /** The chosen digit as a picture of its own, or null. */
  digit() {
    const found = this.page?.digits[this.chosen];
    return found && this.picture ? api.pictureOf(smaller(cutOut(this.picture, found.box, this.page?.turned))) : null;
  }

  #caption() {
    if (!this.page) {
      byId("photo-text").textContent = "";
      return;
    }
    const found = this.page.digits.length;
    const sure = this.page.digits.filter((each) => each.digit !== null).length;
    const counted = t("{n} digits in {ms} ms", { n: number(found), ms: number(this.page.ms) });
    const rest = found > sure ? `, ${t("{n} of them not answered", { n: number(found - sure) })}` : "";
    const { lines, written, note } = this.page;
    const text = found
      ? `${(written.length ? written : lines).join(" · ")} (${counted}${rest})`.trim()
      : t("no digits found");
    byId("photo-text").textContent = note ? `${text}. ${t(note)}` : text;
  }

  /** @param {string} detail */
  #reportTrouble(detail) {
    this.dispatchEvent(new CustomEvent("trouble", { detail }));
  }
}

const PAGED = /(^|[./])(pdf|tiff?)$/i; // matches a name, or a type if there is no name
const PICTURE = /\.(pdf|tiff?|heic|heif|avif|jp2|j2k|ppm|pgm|pbm|pnm)$/i; // browsers do not know all of their types

/** @param {File} file */
export const isModel = (file) => /\.onnx$/i.test(file.name);
/** Whether a file is meant for other parts of the page. @param {File} file */
const isElse = (file) => /\.(onnx|npz)$/i.test(file.name);
/** @param {File} file */
const isPicture = (file) =>
  file.type.startsWith("image/") || file.type === "application/pdf" || PICTURE.test(file.name);

/** @param {ImageBitmap} source */
function onCanvas(source) {
  const side = api.here() ? SIDE_HERE : SIDE;
  const scale = Math.min(1, side / Math.max(source.width, source.height));
  const reduced = (/** @type {number} */ length) => Math.max(1, Math.round(length * scale));
  const picture = canvas(reduced(source.width), reduced(source.height));
  const pen = penOf(picture);
  pen.imageSmoothingQuality = "high";
  pen.fillStyle = "#fff"; // transparent areas become paper
  pen.fillRect(0, 0, picture.width, picture.height);
  pen.drawImage(source, 0, 0, picture.width, picture.height);
  return picture;
}

/** Scale down to at most 320 pixels a side: more does not help for one digit. @param {HTMLCanvasElement} picture */
export function smaller(picture) {
  const scale = Math.min(1, 320 / Math.max(picture.width, picture.height));
  const small = canvas(Math.ceil(picture.width * scale), Math.ceil(picture.height * scale));
  penOf(small).drawImage(picture, 0, 0, small.width, small.height);
  return small;
}
