// Client of the server's API, defined in apps/web/schemas.py. URLs are relative, so the page works behind any prefix.

import { relayed, t } from "./words.js";

/**
 * @import {
 *   Classified, Diagnosed, Explained, ExplainQuestion, FilterBank, Gallery, Inspected, LearningDigits, Lessons, LiveAnswer, ModelDetail,
 *   ModelMistakes, Models, Occluded, OcclusionQuestion, Probabilities, ReadPage, TrainingEpoch, TrainingProgress,
 *   TrainingQuestion, TrainingState, Trainings
 * } from "../schemas.js"
 */

// Keyed by the last word of a problem's type, as in apps/web/problems.py.
/** @type {Record<string, string>} */
const PROBLEMS = {
  image: "The server cannot read this as a picture.",
  model: "The server cannot use this model.",
  "missing-part": "A part of digitlab that this needs is not installed.",
  training: "This training cannot be started, stopped or found.",
  token: "This page needs a token: add ?token= and the token to its address. Whoever started the server has it.",
  origin: "The server accepts requests from its own page only.",
  host: "The server does not accept requests under this address.",
  "too-large": "The picture has too many bytes for the server.",
  timeout: "The server took too long for this.",
  slow: "The picture was sent too slowly.",
  value: "The server does not accept this value.",
  mistake: "The server made a mistake; its log says more.",
  other: "The server refuses this.",
};

/** The server's refusal of a request, with the reason; `status` is 0 if it could not be reached. */
export class Refused extends Error {
  /**
   * @param {string} message
   * @param {number} status
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** @param {string | undefined} model */
const query = (model) => (model ? `?${new URLSearchParams({ model })}` : "");

/**
 * @param {string} path
 * @param {RequestInit} settings
 * @returns {Promise<any>}
 */
async function request(path, settings = {}) {
  const answer = await fetchOrRefuse(path, settings);
  if (!answer.ok) throw await refusal(answer);
  return answer.status === 204 ? null : answer.json().catch(() => null);
}

/**
 * Fetch, and return the response whatever its status; throw Refused if the server cannot be reached.
 * @param {string} path
 * @param {RequestInit} settings
 */
export async function fetchOrRefuse(path, settings) {
  try {
    return await fetch(path, settings);
  } catch {
    throw new Refused(t("The server does not answer. Is it still running?"), 0);
  }
}

/** Convert an error response to a Refused. @param {Response} answer */
async function refusal(answer) {
  const content = await answer.json().catch(() => null);
  const word = content?.type?.split(":").at(-1);
  if (word === "overloaded" || answer.status === 429)
    return new Refused(t("The server is busy; try again in a moment."), answer.status);
  const detail = content?.detail ?? `${answer.status} ${answer.statusText}`;
  return new Refused(relayed(PROBLEMS[word] ?? PROBLEMS.other, detail), answer.status);
}

/**
 * @param {string} path
 * @param {Blob | undefined} body
 */
const post = (path, body) => request(path, { method: "POST", body });

/**
 * @param {string} path
 * @param {object} question
 */
const postJson = (path, question) =>
  request(path, { method: "POST", body: JSON.stringify(question), headers: { "Content-Type": "application/json" } });

/**
 * A picture for the reader: a file for a server, or pixels where the page itself does the reading.
 * @typedef {Blob | ImageData} Picture
 * @typedef {{
 *   progress: (data: TrainingProgress) => void,
 *   epoch: (data: TrainingEpoch) => void,
 *   stage: (data: { text: string }) => void,
 *   state: (data: TrainingState, source: EventSource) => void,
 * }} TrainingListeners
 * @typedef {{
 *   model: string, glyph: string | null, layer: string | null, kind: "none" | "noise" | "bits" | "zero" | "shuffle" | "filter",
 *   amount: number, images: [number, number]
 * }} Damage `layer` null: all layers; `images`: the range [start, end) of test images to classify
 * @typedef {{ probabilities: number[] | null, right: number, of: number, all: number }} Damaged
 * @typedef {EventTarget & { readyState: number, send: (frame: any) => void, close: () => void }} Line For the camera.
 */

/** The server that the page came from. */
const server = {
  /** Whether requests stay on this device. */
  here: false,
  /** @type {(picture: HTMLCanvasElement) => Picture} A PNG, without `toBlob`: that waits for idle time, tens of ms. */
  pictureOf: (picture) =>
    new Blob([fromBase64(picture.toDataURL("image/png").split(",", 2)[1])], { type: "image/png" }),
  /** @type {(picture: HTMLCanvasElement, quality: number) => Promise<Picture | null>} */
  photoOf: (picture, quality) => new Promise((done) => picture.toBlob(done, "image/jpeg", quality)),
  /** @type {(picture: any, model?: string) => Promise<Classified>} */
  classify: (picture, model) => post(`v1/classify${query(model)}`, picture),
  /** @type {(picture: any, model?: string) => Promise<ReadPage>} */
  read: (picture, model) => post(`v1/read${query(model)}`, picture),
  /**
   * Get a page of a file that the browser cannot show, as a picture that it can, and the number of pages.
   * @type {(file: Blob, page: number) => Promise<{ picture: Blob, pages: number }>}
   */
  pageOf: async (file, page) => {
    const answer = await fetchOrRefuse(`v1/picture?page=${page}`, { method: "POST", body: file });
    if (!answer.ok) throw await refusal(answer);
    return { picture: await answer.blob(), pages: Number(answer.headers.get("Digitlab-Pages")) || 1 };
  },
  /** @type {(picture: any, model?: string) => Promise<Inspected>} */
  inspect: (picture, model) => post(`v1/inspect${query(model)}`, picture),
  /** @type {(picture: any) => Promise<FilterBank>} */
  filters: (picture) => post("v1/filters", picture),
  /** @type {() => Promise<Models>} */
  models: () => request("v1/models"),
  /** @type {(name: string) => Promise<ModelDetail>} */
  modelDetail: (name) => request(`v1/models/${encodeURIComponent(name)}`),
  /** @type {(picture: any, model: string, label: number | null) => Promise<Diagnosed>} */
  diagnose: (picture, model, label) =>
    post(`v1/diagnose?${new URLSearchParams({ model, ...(label === null ? {} : { label: String(label) }) })}`, picture),
  /** @type {(name: string) => Promise<ModelMistakes>} */
  mistakes: (name) => request(`v1/models/${encodeURIComponent(name)}/mistakes`),
  /** @type {() => Promise<Gallery>} */
  gallery: () => request("v1/gallery"),
  /** @type {() => Promise<Lessons>} */
  lessons: () => request("v1/lessons"),
  /** @type {() => Promise<LearningDigits>} */
  learningDigits: () => request("v1/learning-digits"),
  /** Start a worker for training: see learning-answers.js. @type {() => Worker} */
  learner: () => new Worker(new URL("static/learning-worker.js", document.baseURI), { type: "module" }),
  /** @type {(glyphs: string[], names: string[]) => Promise<Probabilities>} */
  probabilities: (glyphs, names) => postJson("v1/probabilities", { glyphs, models: names }),
  /** @type {(question: ExplainQuestion) => Promise<Explained>} */
  explain: (question) => postJson("v1/explain", question),
  /** @type {(question: Partial<OcclusionQuestion>) => Promise<Occluded>} */
  occlusion: (question) => postJson("v1/occlusion", question),
  /** @type {() => Promise<Trainings>} */
  trainings: () => request("v1/trainings"),
  /** @type {(question: TrainingQuestion) => Promise<TrainingState>} */
  startTraining: (question) => postJson("v1/trainings", question),
  /** @type {(id: string) => Promise<TrainingState>} */
  stopTraining: (id) => request(`v1/trainings/${encodeURIComponent(id)}`, { method: "DELETE" }),
  /** @type {(id: string, listeners: TrainingListeners) => EventSource} */
  trainingEvents: (id, listeners) => {
    const source = new EventSource(`v1/trainings/${encodeURIComponent(id)}/events`);
    for (const [name, listener] of Object.entries(listeners)) {
      source.addEventListener(name, (event) => listener(JSON.parse(event.data), source));
    }
    return source;
  },
  /** @type {(model?: string) => Line} */
  liveLine: (model) => {
    const address = new URL(`v1/live${query(model)}`, document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    return new WebSocket(address);
  },
  /** @type {((question: Damage) => Promise<Damaged>) | null} Only where the networks run on this device. */
  damaged: null,
  /** @type {((file: File) => Promise<string>) | null} Add a model and return its name in the page. */
  addModel: null,
};

/** @typedef {typeof server} Service The backend that answers the page's requests. */
let service = server;

/** Replace the server by another backend, before the first request. @param {Service} other */
export function answerFrom(other) {
  service = other;
}

/** Whether requests stay on this device. */
export const here = () => service.here;
/** @type {Service["pictureOf"]} */
export const pictureOf = (picture) => service.pictureOf(picture);
/** @type {Service["photoOf"]} */
export const photoOf = (picture, quality) => service.photoOf(picture, quality);
/** @type {Service["classify"]} */
export const classify = (picture, model) => service.classify(picture, model);
/** @type {Service["read"]} */
export const read = (picture, model) => service.read(picture, model);
/** @type {Service["pageOf"]} */
export const pageOf = (file, page) => service.pageOf(file, page);
/** @type {Service["inspect"]} */
export const inspect = (picture, model) => service.inspect(picture, model);
/** @type {Service["filters"]} */
export const filters = (picture) => service.filters(picture);
/** @type {Service["models"]} */
export const models = () => service.models();
/** @type {Service["modelDetail"]} */
export const modelDetail = (name) => service.modelDetail(name);
/** @type {Service["diagnose"]} */
export const diagnose = (picture, model, label) => service.diagnose(picture, model, label);
/** @type {Service["mistakes"]} */
export const mistakes = (name) => service.mistakes(name);
/** @type {Service["gallery"]} */
export const gallery = () => service.gallery();
/** @type {Service["lessons"]} */
export const lessons = () => service.lessons();
/** @type {Service["learningDigits"]} Training and test digits for a network in the browser. */
export const learningDigits = () => service.learningDigits();
/** @type {Service["learner"]} A worker for training. */
export const learner = () => service.learner();
/** @type {Service["probabilities"]} */
export const probabilities = (glyphs, names) => service.probabilities(glyphs, names);
/** @type {Service["explain"]} */
export const explain = (question) => service.explain(question);
/** @type {Service["occlusion"]} */
export const occlusion = (question) => service.occlusion(question);
/** @type {Service["trainings"]} */
export const trainings = () => service.trainings();
/** @type {Service["startTraining"]} */
export const startTraining = (question) => service.startTraining(question);
/** @type {Service["stopTraining"]} */
export const stopTraining = (id) => service.stopTraining(id);
/** @type {Service["trainingEvents"]} The events of a training, past ones first. */
export const trainingEvents = (id, listeners) => service.trainingEvents(id, listeners);
/** @type {Service["liveLine"]} The connection for camera frames. */
export const liveLine = (model) => service.liveLine(model);
/** Whether weights can be damaged here. */
export const canDamage = () => service.damaged !== null;
/** Measure the effect of damaged weights on the answers. @param {Damage} question @returns {Promise<Damaged>} */
export const damaged = (question) => service.damaged?.(question) ?? Promise.reject(new Refused("", 0));
/** Add a model, if that is possible without a server; else null. @param {File} file */
export const addModel = (file) => service.addModel?.(file) ?? null;

/** Decode "Bytes" and glyphs from base64. @param {string} text */
export const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
/** The reverse. @param {Uint8Array} bytes */
export const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));

/**
 * Run `work` one call at a time: of the calls that come meanwhile, only the last is run later; the others are dropped.
 * @template {any[]} Given
 * @param {(...given: Given) => unknown} work
 * @returns {(...given: Given) => Promise<void>}
 */
export function newest(work) {
  let busy = false;
  /** @type {Given | null} */
  let next = null;
  return async function offer(...args) {
    if (busy) {
      next = args;
      return;
    }
    busy = true;
    try {
      await work(...args);
    } finally {
      busy = false;
      if (next) {
        const waiting = next;
        next = null;
        offer(...waiting);
      }
    }
  };
}
