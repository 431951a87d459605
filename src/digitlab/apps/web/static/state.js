// State shared by all parts of the page: the model, and the current digit ("subject").

import * as api from "./api.js";

/**
 * @import { Picture } from "./api.js"
 * @import { Inspected, ModelDetail, ModelSummary } from "../schemas.js"
 * @typedef {{ picture: Picture, from: "pad" | "photo" | "camera", whole?: Picture | null }} Subject
 *   `whole`: the whole photo, if it is of one digit
 * @typedef {"model" | "models" | "subject" | "shade" | "place"} Topic `place`: the position within a view
 */

/** @type {Record<Topic, Set<() => void>>} */
const listeners = { model: new Set(), models: new Set(), subject: new Set(), shade: new Set(), place: new Set() };
/** @type {Map<string, Promise<ModelDetail>>} */
const details = new Map(); // by the model's name
/** @type {WeakMap<Subject, Map<string, Promise<Inspected>>>} */
const inspections = new WeakMap(); // by the subject, then by the model's name

/** `model` is the name of the chosen one. @type {{ model: string, models: ModelSummary[], subject: Subject | null }} */
export const state = { model: "", models: [], subject: null };

/**
 * Call `listener` whenever this topic changes.
 * @param {Topic} topic
 * @param {() => void} listener
 */
export function on(topic, listener) {
  listeners[topic].add(listener);
}

/** @param {Topic} topic */
export function notify(topic) {
  for (const listener of listeners[topic]) listener();
}

/**
 * Fetch the list of models again; choose `preferred`, else keep the current choice, else take the server's default.
 * @param {string | null} preferred
 */
export async function refreshModels(preferred = null) {
  const list = await api.models();
  state.models = list.models;
  const names = list.models.map((each) => each.name);
  const next = [preferred, state.model, list.default].find((each) => each && names.includes(each)) ?? names[0];
  notify("models");
  if (next !== state.model) chooseModel(next);
}

/** @param {string} name */
export function chooseModel(name) {
  state.model = name;
  notify("model");
}

/**
 * Set the current digit, or none.
 * @param {Subject | null} subject
 */
export function lookAt(subject) {
  state.subject = subject;
  notify("subject");
}

/**
 * Get the details of a model; they are fetched once.
 * @param {string} name
 */
export function detailOf(name) {
  return once(details, name, () => api.modelDetail(name));
}

/**
 * Get all that a model computes for the subject; it is fetched once.
 * @param {Subject} subject
 * @param {string} name
 */
export function inspected(subject, name) {
  const cache = inspections.get(subject) ?? new Map();
  inspections.set(subject, cache);
  return once(cache, name, () => api.inspect(subject.picture, name));
}

/**
 * Get the cached result of this name, or else ask for it; a failed request is not cached.
 * @template Told
 * @param {Map<string, Promise<Told>>} cache
 * @param {string} name
 * @param {() => Promise<Told>} request
 */
function once(cache, name, request) {
  const promise = cache.get(name) ?? request();
  if (!cache.has(name)) promise.catch(() => cache.delete(name));
  cache.set(name, promise);
  return promise;
}
