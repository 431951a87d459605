// Client of the class's API for pupils and the teacher, defined in apps/web/classroom/messages.py.

import { fetchOrRefuse, Refused } from "../api.js";
import { addDictionaries, relayed, t } from "../words.js";

/**
 * @import { ClassSettings, ClassState, Joined, OwnState, PupilDrawings, Sketched, TrainingState, Trainings } from "../../schemas.js"
 */

addDictionaries({ es: () => import("./spanish.js"), fr: () => import("./french.js") });

// Keyed by the last word of a problem's type, as in apps/web/classroom/routes.py.
/** @type {Record<string, string>} */
const REFUSALS = {
  "class-code": "This is not the class's code; the wall shows it.",
  "class-key": "You are not in the class, or no longer; join again.",
  "class-closed": "Nobody else can join now; ask your teacher.",
  "class-full": "The class is full, or you already have the largest number of drawings on the wall.",
  "class-taken": "Somebody in the class has this name already; choose another one.",
  "class-name": "A name has 1 to 20 characters, at least one of them a letter or a digit.",
  "class-task": "The task has changed meanwhile; draw the new one.",
  "class-empty": "There is nothing to keep or hand in yet.",
  "class-missing": "It is not there any more.",
  "class-often": "That was too often; wait a moment.",
  token: "This is the teacher's page: open its address with ?token=TOKEN once.",
};
const RETRY = 1500; // milliseconds until the next attempt to connect
const SILENT_FOR = 20_000; // milliseconds; the server sends a keep-alive every 15 seconds

/**
 * @param {string} path
 * @param {RequestInit} settings
 * @returns {Promise<any>}
 */
async function request(path, settings = {}) {
  const answer = await acceptedAnswer(path, settings);
  return answer.json();
}

/**
 * Fetch, and return the response; throw Refused, in the class's words, for one that reports a problem.
 * @param {string} path
 * @param {RequestInit} settings
 */
async function acceptedAnswer(path, settings) {
  const answer = await fetchOrRefuse(path, settings);
  if (answer.ok) return answer;
  const content = await answer.json().catch(() => null);
  const word = content?.type?.split(":").at(-1) ?? "";
  const refusal = REFUSALS[word];
  throw new Refused(
    refusal ? t(refusal) : relayed("The server refuses this.", content?.detail ?? String(answer.status)),
    answer.status,
  );
}

/** @param {string} path @param {object} question */
const postJson = (path, question) =>
  request(path, { method: "POST", body: JSON.stringify(question), headers: { "Content-Type": "application/json" } });
/** @param {string} path */
const remove = (path) => request(path, { method: "DELETE" });

// Pupils ---------------------------------------------------------------------------------------------------------

/** @param {string} code @param {string} name @returns {Promise<Joined>} */
export const join = (code, name) => postJson("v1/pupil", { code, name });

/** The requests of the pupil with this key. @param {string} key */
export function pupilWith(key) {
  const headers = { Authorization: `Pupil ${key}` };
  return {
    /** @returns {Promise<OwnState>} */
    state: () => request("v1/pupil", { headers }),
    /** @param {Blob | null} picture @returns {Promise<Sketched>} */
    sketch: (picture) => request("v1/pupil/sketch", { method: "POST", headers, body: picture ?? "" }),
    /** @param {Blob} picture @param {number} label @returns {Promise<OwnState>} */
    handIn: (picture, label) => request(`v1/pupil/drawings?label=${label}`, { method: "POST", headers, body: picture }),
    /** @param {number} number @returns {Promise<OwnState>} */
    withdraw: (number) => request(`v1/pupil/drawings/${number}`, { method: "DELETE", headers }),
    /** @param {Listeners} listeners */
    follow: (listeners) => follow("v1/pupil/events", headers, listeners),
  };
}

// The teacher ----------------------------------------------------------------------------------------------------

export const teacher = {
  /** @param {Partial<ClassSettings>} settings @returns {Promise<ClassState>} */
  set: (settings) => postJson("v1/class", settings),
  /** @returns {Promise<ClassState>} */
  keep: () => request("v1/class/keep", { method: "POST" }),
  /** @returns {Promise<TrainingState>} */
  train: () => request("v1/class/training", { method: "POST" }),
  /** @returns {Promise<Trainings>} */
  trainings: () => request("v1/trainings"),
  /** @returns {Promise<ClassState>} */
  beginAgain: () => remove("v1/class"),
  /** @param {number} number @returns {Promise<PupilDrawings>} */
  pupil: (number) => request(`v1/class/pupils/${number}`),
  /** @param {number} number @returns {Promise<ClassState>} */
  removePupil: (number) => remove(`v1/class/pupils/${number}`),
  /** @param {number} number @returns {Promise<PupilDrawings>} */
  rename: (number) => remove(`v1/class/pupils/${number}/name`),
  /** @param {number} number @param {number} drawing @returns {Promise<PupilDrawings>} */
  removeDrawing: (number, drawing) => remove(`v1/class/pupils/${number}/drawings/${drawing}`),
  /** @param {Listeners} listeners */
  follow: (listeners) => follow("v1/class/events", {}, listeners),
};

/**
 * Event handlers by event name; also `begun`, when connected, and `lost(error)`, when the connection fails.
 * @typedef {Record<string, (data: any) => void>} Listeners
 */

/**
 * Follow a stream of events, reconnecting when it breaks off, until the server refuses it.
 * @param {string} path
 * @param {Record<string, string>} headers
 * @param {Listeners} listeners
 */
async function follow(path, headers, listeners) {
  for (;;) {
    try {
      const answer = await acceptedAnswer(path, { headers });
      listeners.begun?.(null);
      await handleEvents(answer, listeners);
    } catch (error) {
      listeners.lost?.(error);
      if (error instanceof Refused && [401, 403, 404].includes(error.status)) return;
    }
    await new Promise((done) => setTimeout(done, RETRY));
  }
}

/**
 * Handle a stream of events until it ends, or is silent: a lost connection may never report an error.
 * @param {Response} answer
 * @param {Listeners} listeners
 * @param {number} patience milliseconds
 */
export async function handleEvents(answer, listeners, patience = SILENT_FOR) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const silence = new Promise((_, fail) => {
      const late = () => fail(new Refused(t("The server does not answer. Is it still running?"), 0));
      timer = setTimeout(late, patience);
    });
    let part;
    try {
      part = await Promise.race([reader.read(), /** @type {Promise<never>} */ (silence)]);
    } catch (error) {
      reader.cancel().catch(() => {});
      throw error;
    } finally {
      clearTimeout(timer);
    }
    const { done, value } = part;
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const [, name, data] = event.match(/^event: (\w+)\ndata: (.*)$/s) ?? [];
      if (name) listeners[name]?.(JSON.parse(data));
    }
  }
}
