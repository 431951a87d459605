// What all parts of the page are about: the model, and the digit that is being looked at ("subject").

import * as api from "./api.js";

const listeners = { model: new Set(), models: new Set(), subject: new Set(), shade: new Set() };
const details = new Map(); // model's name → ModelDetail
const inspections = new WeakMap(); // subject → Map(model's name → promise of Inspected)

export const state = {
  model: "", // name of the chosen model
  models: [], // ModelSummary
  subject: null, // { picture: Blob, from: "pad" | "photo" | "camera" } or null
};

/** Is called whenever "model", "models", "subject" or "shade" changes. */
export const on = (what, listener) => listeners[what].add(listener);
export const tell = (what) => listeners[what].forEach((listener) => listener());

/** Fetch the models again; choose `wanted`, or keep what is chosen, or take the server's default. */
export async function refreshModels(wanted = null) {
  const found = await api.models();
  state.models = found.models;
  const names = found.models.map((each) => each.name);
  const next = [wanted, state.model, found.default].find((each) => names.includes(each)) ?? names[0];
  tell("models");
  if (next !== state.model) chooseModel(next);
}

export function chooseModel(name) {
  state.model = name;
  tell("model");
}

/** Look at another digit, or at none. */
export function lookAt(subject) {
  state.subject = subject;
  tell("subject");
}

/** The layers of a model: fetched once. */
export function detailOf(name) {
  if (!details.has(name)) {
    const asked = api.modelDetail(name);
    asked.catch(() => details.delete(name));
    details.set(name, asked);
  }
  return details.get(name);
}

/** Everything that a model makes of the subject, asked for once. */
export function inspected(subject, name) {
  if (!inspections.has(subject)) inspections.set(subject, new Map());
  const known = inspections.get(subject);
  if (!known.has(name)) {
    const asked = api.inspect(subject.picture, name);
    asked.catch(() => known.delete(name));
    known.set(name, asked);
  }
  return known.get(name);
}
