// The weights after each epoch of the training in this browser, kept while the page is open to look back at them.

/**
 * @import { Checkpoint, Settings } from "./learning-trainer.js"
 * @typedef {{ settings: Settings | null, checkpoints: Checkpoint[] }} Trained
 */

/** @type {Trained} */
export const trained = { settings: null, checkpoints: [] };
/** @type {Set<() => void>} */
const listeners = new Set();

/** Call `listener` after each epoch, and when a training begins. @param {() => void} listener */
export function onTrained(listener) {
  listeners.add(listener);
}

/** Forget the previous training; later checkpoints belong to the new one. @param {Settings | null} settings */
export function beginTraining(settings) {
  [trained.settings, trained.checkpoints] = [settings, []];
  for (const listener of listeners) listener();
}

/** @param {Checkpoint} checkpoint */
export function keepCheckpoint(checkpoint) {
  trained.checkpoints.push(checkpoint);
  for (const listener of listeners) listener();
}
