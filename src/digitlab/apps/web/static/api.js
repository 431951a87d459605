// The server's API, as apps/web/schemas.py writes it. Addresses are relative: the page works behind any prefix.

import { relayed, t } from "./words.js";

/**
 * @import {
 *   Classified, Diagnosed, Explained, ExplainQuestion, FilterBank, Gallery, Inspected, LiveAnswer, ModelDetail,
 *   ModelMistakes, Models, Occluded, OcclusionQuestion, Probabilities, ReadPage, TrainingEpoch, TrainingProgress,
 *   TrainingQuestion, TrainingState, Trainings
 * } from "../schemas.js"
 */

// By the last word of a problem's type, as apps/web/problems.py has them.
/** @type {Record<string, string>} */
const PROBLEMS = {
  image: "The server cannot read this as a picture.",
  model: "The server cannot use this model.",
  "missing-part": "A part of digitlab that this needs is not installed.",
  training: "This training cannot be started, stopped or found.",
  token: "The server wants its token: open its address with ?token=TOKEN once.",
  origin: "The server takes requests from its own page only.",
  host: "The server does not go by this address.",
  "too-large": "The picture has too many bytes for the server.",
  timeout: "The server took too long for this.",
  slow: "The picture came too slowly.",
  value: "The server does not take this value.",
  mistake: "The server made a mistake; its log says more.",
  other: "The server refuses this.",
};

/** What the server refused, in its own words; `status` is 0 where it could not be reached. */
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
async function ask(path, settings = {}) {
  let answer;
  try {
    answer = await fetch(path, settings);
  } catch {
    throw new Refused(t("The server does not answer. Is it still running?"), 0);
  }
  const content = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (answer.ok) return content;
  const word = content?.type?.split(":").at(-1);
  if (word === "overloaded" || answer.status === 429)
    throw new Refused(t("The server is busy; try again in a moment."), answer.status);
  const detail = content?.detail ?? `${answer.status} ${answer.statusText}`;
  throw new Refused(relayed(PROBLEMS[word] ?? PROBLEMS.other, detail), answer.status);
}

/**
 * @param {string} path
 * @param {Blob | undefined} body
 */
const post = (path, body) => ask(path, { method: "POST", body });

/**
 * @param {string} path
 * @param {object} question
 */
const say = (path, question) =>
  ask(path, { method: "POST", body: JSON.stringify(question), headers: { "Content-Type": "application/json" } });

/** @type {(picture: Blob, model?: string) => Promise<Classified>} */
export const classify = (picture, model) => post(`v1/classify${query(model)}`, picture);
/** @type {(picture: Blob, model?: string) => Promise<ReadPage>} */
export const read = (picture, model) => post(`v1/read${query(model)}`, picture);
/** @type {(picture: Blob, model?: string) => Promise<Inspected>} */
export const inspect = (picture, model) => post(`v1/inspect${query(model)}`, picture);
/** @type {(picture: Blob) => Promise<FilterBank>} */
export const filters = (picture) => post("v1/filters", picture);
/** @type {() => Promise<Models>} */
export const models = () => ask("v1/models");
/** @type {(name: string) => Promise<ModelDetail>} */
export const modelDetail = (name) => ask(`v1/models/${encodeURIComponent(name)}`);
/** @type {(picture: Blob, model: string, label: number | null) => Promise<Diagnosed>} */
export const diagnose = (picture, model, label) =>
  post(`v1/diagnose?${new URLSearchParams({ model, ...(label === null ? {} : { label: String(label) }) })}`, picture);
/** @type {(name: string) => Promise<ModelMistakes>} */
export const mistakes = (name) => ask(`v1/models/${encodeURIComponent(name)}/mistakes`);
/** @type {() => Promise<Gallery>} */
export const gallery = () => ask("v1/gallery");
/** @type {(glyphs: string[], names: string[]) => Promise<Probabilities>} */
export const probabilities = (glyphs, names) => say("v1/probabilities", { glyphs, models: names });
/** @type {(question: ExplainQuestion) => Promise<Explained>} */
export const explain = (question) => say("v1/explain", question);
/** @type {(question: Partial<OcclusionQuestion>) => Promise<Occluded>} */
export const occlusion = (question) => say("v1/occlusion", question);
/** @type {() => Promise<Trainings>} */
export const trainings = () => ask("v1/trainings");
/** @type {(question: TrainingQuestion) => Promise<TrainingState>} */
export const startTraining = (question) => say("v1/trainings", question);
/** @type {(id: string) => Promise<TrainingState>} */
export const stopTraining = (id) => ask(`v1/trainings/${encodeURIComponent(id)}`, { method: "DELETE" });

/**
 * The events of a training, those of the past first; each listener takes what is told.
 * @param {string} id
 * @param {{
 *   progress: (told: TrainingProgress) => void,
 *   epoch: (told: TrainingEpoch) => void,
 *   stage: (told: { text: string }) => void,
 *   state: (told: TrainingState, source: EventSource) => void,
 * }} listeners
 */
export function trainingEvents(id, listeners) {
  const source = new EventSource(`v1/trainings/${encodeURIComponent(id)}/events`);
  for (const [name, listener] of Object.entries(listeners)) {
    source.addEventListener(name, (event) => listener(JSON.parse(event.data), source));
  }
  return source;
}

/**
 * The line for frames of the camera.
 * @param {string} [model]
 */
export function liveLine(model) {
  const address = new URL(`v1/live${query(model)}`, document.baseURI);
  address.protocol = address.protocol.replace("http", "ws");
  return new WebSocket(address);
}

/** "Bytes" and glyphs: base64 ↔ Uint8Array. @param {string} text */
export const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
/** @param {Uint8Array} bytes */
export const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));

/**
 * `work` with the newest argument only: while it is at one, the last that comes is kept and the others are forgotten.
 * @template {any[]} Given
 * @param {(...given: Given) => unknown} work
 * @returns {(...given: Given) => Promise<void>}
 */
export function newest(work) {
  let busy = false;
  /** @type {Given | null} */
  let next = null;
  return async function offer(...given) {
    if (busy) {
      next = given;
      return;
    }
    busy = true;
    try {
      await work(...given);
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
