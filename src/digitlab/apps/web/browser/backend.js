// The server's API, computed in the browser: the same requests and responses (see apps/web/schemas.py).

import { Classifier } from "./classifier.js";
import { damaged } from "./damage.js";
import { filterBank } from "./filters.js";
import { mainDigit } from "./glyphs.js";
import { fromBase64, Layers, occlude } from "./looking.js";
import { linesOf, numbersOf, writtenLines } from "./numbers.js";
import { ModelError } from "./onnx.js";
import { PageNetwork, Reader } from "./reader.js";
import { detectionOf, Tracker } from "./tracks.js";

/**
 * @import {
 *   Classified, Explained, ExplainQuestion, FilterBank, Gallery, Inspected, Lesson, LiveAnswer, ModelDetail, Models, Occluded,
 *   OcclusionQuestion, Probabilities, ReadPage
 * } from "../schemas.js"
 * @import { Damage, Damaged } from "../static/api.js"
 * @import { Picture } from "./pictures.js"
 * @typedef {{ width: number, height: number, data: Uint8ClampedArray }} Rgba Pixels of a canvas, all opaque.
 * @typedef {{ name: string, source: "shipped" | "given", onnx: string }} Shipped `onnx` in base64
 * @typedef {{ version: string, page: string, models: Shipped[], gallery: Gallery, lessons: Lesson[], test: { glyphs: string, labels: number[] }, filters: Record<string, number[][]> }} Data
 * @typedef {{ name: string, source: "shipped" | "given", reader: Reader, layers: Layers | null | undefined }} Served
 */

const [LARGEST_FILE, MOST_MODELS] = [64 << 20, 16];

/** @param {number} value */
const sixDecimals = (value) => Math.round(value * 1e6) / 1e6;
/** @param {number} start */
const millisecondsSince = (start) => Math.round((performance.now() - start) * 100) / 100;

export class Backend {
  /** @type {Map<string, Served>} */
  #models = new Map();
  #tracker = new Tracker();
  /** @type {{ glyphs: Uint8Array, labels: number[] } | null} */
  #test = null;

  /** @param {Data} data */
  constructor(data) {
    this.data = data;
    this.pages = new PageNetwork(fromBase64(data.page));
    for (const { name, source, onnx } of data.models) this.#add(name, source, fromBase64(onnx));
  }

  /** @param {string} name @param {"shipped" | "given"} source @param {Uint8Array} bytes */
  #add(name, source, bytes) {
    const [{ data, labels }] = this.data.gallery.sets;
    const known = { glyphs: fromBase64(data), labels: labels.map((label) => label ?? -1) };
    const classifier = new Classifier(bytes, known);
    const reader = new Reader(this.pages, classifier, source === "shipped");
    this.#models.set(name, { name, source, reader, layers: undefined });
  }

  /** @param {string | null | undefined} name */
  #get(name) {
    const served = name ? this.#models.get(name) : [...this.#models.values()][0];
    if (!served) throw new ModelError(`there is no model ${name}`);
    return served;
  }

  /** @param {Served} served */
  #layersOf(served) {
    if (served.layers === undefined) {
      try {
        served.layers = new Layers(served.reader.classifier);
      } catch (error) {
        if (!(error instanceof ModelError)) throw error;
        served.layers = null;
      }
    }
    if (!served.layers) throw new ModelError(`${served.name}: its layers cannot be inspected`);
    return served.layers;
  }

  /** Warm up: classify a synthetic stroke twice, so that hot code is compiled. */
  practise() {
    const data = new Uint8ClampedArray(4 * 320 * 240).fill(255);
    for (let row = 60; row < 180; row++) data.fill(0, 4 * (320 * row + 150), 4 * (320 * row + 165));
    for (let turn = 0; turn < 2; turn++) this.classify({ width: 320, height: 240, data });
  }

  /** Add a model. @param {string} file @param {Uint8Array} bytes @returns {string} its name */
  addModel(file, bytes) {
    if (bytes.length > LARGEST_FILE)
      throw new ModelError(`has ${bytes.length} bytes; models have at most ${LARGEST_FILE}`);
    if (this.#models.size >= MOST_MODELS) throw new ModelError("is one too many; reload the page to begin anew");
    const baseName =
      file
        .replace(/\.onnx$/i, "")
        .replace(/[^A-Za-z0-9._-]/g, "-")
        .slice(0, 60) || "model";
    let [name, number] = [baseName, 1];
    while (this.#models.has(name)) name = `${baseName}-${++number}`;
    this.#add(name, "given", bytes);
    return name;
  }

  /** @returns {Models} */
  models() {
    const models = [...this.#models.values()].map((served) => {
      const { card, remark } = served.reader.classifier;
      let [parameters, layers] = [0, true];
      try {
        ({ parameters } = this.#layersOf(served));
      } catch {
        layers = false;
      }
      const accuracy = card?.training?.test_accuracy;
      return {
        name: served.name,
        architecture: card?.architecture ?? remark ?? "unknown",
        parameters,
        source: served.source,
        accuracy: typeof accuracy === "number" ? accuracy : null,
        layers,
      };
    });
    return { default: models[0].name, models };
  }

  /** @param {string} name @returns {ModelDetail} */
  modelDetail(name) {
    return this.#layersOf(this.#get(name)).detail(name);
  }

  /** @returns {Gallery} */
  gallery() {
    return this.data.gallery;
  }

  /** @param {Rgba} picture @param {string} [model] @returns {Classified} */
  classify(picture, model) {
    const start = performance.now();
    const { name, reader } = this.#get(model);
    const { digit, confidence, probabilities, note } = reader.classify(rgbOf(picture));
    return {
      digit,
      confidence: sixDecimals(confidence),
      probabilities: probabilities.map(sixDecimals),
      model: name,
      note,
      ms: millisecondsSince(start),
    };
  }

  /** @param {Rgba} picture @param {string} [model] @returns {ReadPage} */
  read(picture, model) {
    return this.#read(rgbOf(picture), model).page;
  }

  /**
   * Read a page; return the answer, and the digits with their probabilities.
   * @param {Picture} picture @param {string} [model]
   */
  #read(picture, model) {
    const start = performance.now();
    const { name, reader } = this.#get(model);
    const { digits, marks, note, turned } = reader.read(picture);
    const lines = linesOf(digits);
    const writtenNumbers = numbersOf(digits, marks, turned);
    const numbers = writtenNumbers.map(({ line: _, ...each }) => ({
      ...each,
      confidence: sixDecimals(each.confidence),
    }));
    const readDigits = digits.map(({ digit, confidence, box, line }) => ({
      digit,
      confidence: sixDecimals(confidence),
      box,
      line,
    }));
    const { width, height } = picture;
    const text = lines.join("\n");
    const onlyPage = { page: 1, pages: 1, numbers, written: writtenLines(lines, writtenNumbers, marks) };
    const ms = millisecondsSince(start);
    const page = { text, lines, digits: readDigits, note, turned, ms, width, height, model: name, ...onlyPage };
    return { page, digits };
  }

  /**
   * One frame of the camera.
   * @param {Rgba} frame
   * @param {string | undefined} model
   * @param {number} number
   * @param {number} at milliseconds: when it arrived
   * @param {boolean} first whether it is the first of a line
   * @returns {LiveAnswer}
   */
  live(frame, model, number, at, first) {
    if (first) this.#tracker = new Tracker();
    const picture = rgbOf(frame);
    const { page, digits: found } = this.#read(picture, model);
    this.#tracker.add(found.map(detectionOf), at / 1000, picture);
    const { steady, drawing } = this.#tracker;
    const { text, digits, turned, width, height, ms } = page;
    return {
      frame: number,
      text,
      steady,
      drawing,
      digits,
      probabilities: [],
      turned,
      width,
      height,
      ms,
      latency_ms: ms,
      skipped: 0,
      error: null,
    };
  }

  /** @param {Rgba} picture @param {string} [model] @returns {Inspected} */
  inspect(picture, model) {
    const served = this.#get(model);
    const glyph = mainDigit(rgbOf(picture))?.glyph ?? null;
    return this.#layersOf(served).inspect(served.name, glyph, served.reader.threshold);
  }

  /** @param {string[]} glyphs @param {string[]} names @returns {Probabilities} */
  probabilities(glyphs, names) {
    const batch = new Uint8Array(784 * glyphs.length);
    glyphs.forEach((glyph, index) => {
      batch.set(fromBase64(glyph), 784 * index);
    });
    const served = (names.length ? names : [undefined]).map((name) => this.#get(name));
    return {
      models: served.map(({ name }) => name),
      probabilities: served.map(({ reader }) =>
        reader.classifier.probabilities(batch).map((row) => Array.from(row, sixDecimals)),
      ),
    };
  }

  /** @param {ExplainQuestion} question @returns {Explained} */
  explain(question) {
    return this.#layersOf(this.#get(question.model)).explain(question);
  }

  /** @param {OcclusionQuestion} question @returns {Occluded} */
  occlusion(question) {
    const { name, reader } = this.#get(question.model);
    return occlude(reader.classifier, name, question);
  }

  /** @param {Damage} damage @returns {Damaged} */
  damaged(damage) {
    const served = this.#get(damage.model);
    this.#test ??= { glyphs: fromBase64(this.data.test.glyphs), labels: this.data.test.labels };
    return damaged(served.reader.classifier, this.#layersOf(served), damage, this.#test);
  }

  /** @param {Rgba} picture @returns {FilterBank} */
  filters(picture) {
    return filterBank(rgbOf(picture), this.data.filters);
  }
}

/** @param {Rgba} picture @returns {Picture} */
function rgbOf({ width, height, data }) {
  const rgb = new Uint8Array(3 * width * height);
  for (let to = 0, from = 0; to < rgb.length; to += 3, from += 4) {
    rgb[to] = data[from];
    rgb[to + 1] = data[from + 1];
    rgb[to + 2] = data[from + 2];
  }
  return { width, height, channels: 3, data: rgb };
}
