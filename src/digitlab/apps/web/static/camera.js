// Live camera: sends frames to the server, dropping older ones for newer ones, and draws boxes over the picture.

import * as api from "./api.js";
import { drawBoxes } from "./boxes.js";
import { byId, canvas, penOf } from "./elements.js";
import { relayed, t } from "./words.js";

/**
 * @import { Line } from "./api.js"
 * @import { FoundDigit, LiveAnswer } from "../schemas.js"
 */

const WIDE = 640; // width in pixels of a frame that is sent
const UNDER_WAY = 2; // maximum number of unanswered frames: one is read while the next one travels
const PAUSE = 40; // milliseconds between frames: 25 a second at most
const LOST_AFTER = 8000; // milliseconds without an answer until the connection counts as lost: there may be no event

/**
 * The most confident of several digits, whose probabilities are shown; undefined if none was answered.
 * @param {FoundDigit[]} digits
 * @returns {FoundDigit | undefined}
 */
export const mostCertain = (digits) =>
  digits.filter((each) => each.digit !== null).sort((a, b) => b.confidence - a.confidence)[0];

/** Stop the camera of a stream. @param {MediaStream | null} stream */
function release(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/** Send times of one connection's frames, so that a late answer is not taken for a current one. */
export class SentFrames {
  /** @type {Map<number, number>} */
  #sentAt = new Map();
  #count = 0;

  /** @param {number} now milliseconds */
  send(now) {
    this.#sentAt.set(this.#count, now);
    this.#count += 1;
  }

  /**
   * Age in milliseconds of the frame that an answer is about; 0 if unknown.
   * @param {number} frame its number, from 0
   * @param {number} now milliseconds
   */
  age(frame, now) {
    const at = this.#sentAt.get(frame) ?? now;
    for (const each of this.#sentAt.keys()) if (each <= frame) this.#sentAt.delete(each);
    return now - at;
  }

  /** Milliseconds that the oldest unanswered frame has waited; 0 if there is none. @param {number} now */
  waits(now) {
    const [first] = this.#sentAt.values();
    return first === undefined ? 0 : now - first;
  }
}

export class Camera extends EventTarget {
  /** @type {MediaStream | null} */
  #stream = null;
  #turn = 0; // number of starts and stops: a camera that is given late must not run after a stop, nor beside another
  /** @type {Line | null} */
  #line = null;
  #underWay = 0;
  #skipped = 0;
  #sending = false;
  #last = 0;
  #sent = new SentFrames();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #watch;
  /** @type {string | null} */
  #error = null;
  model = "";

  /**
   * Events: "answer" with a LiveAnswer, its `surest` digit and its `age` in milliseconds as `detail`, "stopped",
   * "trouble" with a text.
   */
  constructor() {
    super();
    this.video = byId("video");
    this.frame = canvas(WIDE, 480);
    byId("camera-switch").addEventListener("click", () => (this.running ? this.stop() : this.start()));
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.stop();
    });
  }

  get running() {
    return this.#stream !== null;
  }

  async start() {
    if (!navigator.mediaDevices?.getUserMedia)
      return this.#reportTrouble(t("Browsers give the camera only to pages on this machine or over https."));
    const turn = (this.#turn += 1);
    let stream;
    try {
      const constraints = { width: { ideal: WIDE }, facingMode: { ideal: "environment" } };
      stream = await navigator.mediaDevices.getUserMedia({ video: constraints, audio: false });
    } catch (error) {
      if (turn !== this.#turn) return;
      const denied = error.name === "NotAllowedError";
      return this.#reportTrouble(
        denied
          ? t("The browser was not allowed to use the camera.")
          : t("No camera was found, or another program has it."),
      );
    }
    if (turn !== this.#turn) return release(stream);
    this.#stream = stream;
    for (const track of stream.getTracks()) track.addEventListener("ended", () => this.#cameraLost(turn));
    this.video.srcObject = stream;
    try {
      await this.video.play();
    } catch {
      return this.#cameraLost(turn);
    }
    if (turn !== this.#turn) return;
    this.#connect();
    this.#show();
  }

  /** Report that the camera of this start is lost, unless it was stopped. @param {number} turn */
  #cameraLost(turn) {
    if (turn !== this.#turn) return;
    this.stop();
    this.#reportTrouble(t("The camera is gone: it was unplugged, or another program has it."));
  }

  stop() {
    this.#turn += 1;
    release(this.#stream);
    clearInterval(this.#watch);
    this.#line?.close();
    [this.#stream, this.#line, this.video.srcObject] = [null, null, null];
    this.forget();
    this.#show();
    this.dispatchEvent(new Event("stopped"));
  }

  /** Remove the boxes, which are too old to match what the camera shows now. */
  forget() {
    byId("video-boxes").replaceChildren();
  }

  /** Connect anew: the model has changed, or the connection is lost. */
  reconnect() {
    if (!this.running) return;
    this.#line?.close();
    this.#connect();
  }

  /** Capture the current camera picture as a new canvas. */
  still() {
    const picture = canvas(this.video.videoWidth, this.video.videoHeight);
    penOf(picture).drawImage(this.video, 0, 0);
    return picture;
  }

  #connect() {
    const line = (this.#line = api.liveLine(this.model));
    [this.#underWay, this.#skipped, this.#sending, this.#sent] = [0, 0, false, new SentFrames()];
    clearInterval(this.#watch);
    this.#watch = setInterval(() => {
      if (this.#sent.waits(performance.now()) > LOST_AFTER) this.reconnect();
    }, 1000);
    line.addEventListener("open", () => this.#next());
    line.addEventListener("message", (event) => {
      if (line === this.#line) this.#showAnswer(JSON.parse(/** @type {MessageEvent<string>} */ (event).data));
    });
    line.addEventListener("close", (event) => {
      const { reason } = /** @type {CloseEvent} */ (event);
      if (line !== this.#line || !this.running) return;
      this.stop();
      const lost = t("The connection to the server was lost; start the camera again.");
      this.#reportTrouble(reason ? `${lost} (${reason})` : lost);
    });
  }

  /** @param {LiveAnswer} answer */
  #showAnswer(answer) {
    this.#underWay = Math.max(0, this.#underWay - 1 - Math.max(0, (answer.skipped ?? 0) - this.#skipped));
    this.#skipped = answer.skipped ?? 0;
    const age = this.#sent.age(answer.frame, performance.now());
    if (answer.error && answer.error !== this.#error)
      this.#reportTrouble(relayed("A frame could not be read.", answer.error));
    this.#error = answer.error;
    if (!answer.error) {
      const surest = mostCertain(answer.digits);
      const chosen = surest ? answer.digits.indexOf(surest) : -1;
      drawBoxes(byId("video-boxes"), answer.digits, answer.width, answer.height, chosen);
      this.dispatchEvent(new CustomEvent("answer", { detail: { ...answer, surest, age } }));
    }
    this.#next();
  }

  /** Send the current camera picture, unless enough frames are unanswered. */
  #next() {
    const line = this.#line;
    if (!line || line.readyState !== WebSocket.OPEN || this.#sending || this.#underWay >= UNDER_WAY) return;
    const wait = this.#last + PAUSE - performance.now();
    // While a camera is silent (a call on the phone has it), its last picture stays, and is not read as a new one.
    const silent = this.#stream?.getTracks().some((track) => track.muted);
    if (wait > 0 || silent || !this.video.videoWidth) {
      setTimeout(() => this.#next(), Math.max(wait, 5));
      return;
    }
    this.#sending = true;
    this.#last = performance.now();
    this.frame.height = Math.round((WIDE * this.video.videoHeight) / this.video.videoWidth);
    penOf(this.frame).drawImage(this.video, 0, 0, this.frame.width, this.frame.height);
    api.photoOf(this.frame, 0.8).then((frame) => {
      if (line === this.#line) this.#sending = false;
      if (!frame || line !== this.#line || line.readyState !== WebSocket.OPEN) return;
      this.#underWay += 1;
      line.send(frame);
      this.#sent.send(this.#last);
      this.#next();
    });
  }

  #show() {
    byId("camera-switch").textContent = this.running ? t("Stop the camera") : t("Start the camera");
    byId("camera-keep").disabled = !this.running;
  }

  /** @param {string} detail */
  #reportTrouble(detail) {
    this.dispatchEvent(new CustomEvent("trouble", { detail }));
  }
}
