// How old what the camera's answers are about is, and that a camera runs as long as it is wanted and no longer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { answerFrom } from "../../../../src/digitlab/apps/web/static/api.js";
import { Camera, SentFrames } from "../../../../src/digitlab/apps/web/static/camera.js";
import { FakeElement, startPage } from "./page.js";

test("an answer is as old as the frame that it is about, however long it was under way", () => {
  const sent = new SentFrames();
  for (const now of [1000, 1040, 1080, 9000]) sent.send(now);
  assert.equal(sent.age(1, 1100), 60);
  assert.equal(sent.waits(1100), 20); // frame 0 was passed over: nobody waits for it
  assert.equal(sent.age(2, 9080), 8000);
  assert.equal(sent.age(3, 9080), 80);
});

test("a line on which nothing comes back waits longer and longer; one that has answered all does not", () => {
  const sent = new SentFrames();
  assert.equal(sent.waits(5000), 0);
  sent.send(5000);
  sent.send(5040);
  assert.equal(sent.waits(13_000), 8000);
  sent.age(1, 13_000);
  assert.equal(sent.waits(60_000), 0);
  assert.equal(sent.age(7, 60_000), 0); // of a frame that was never sent
});

/** A camera of the browser, given when the test says so. */
class Track extends EventTarget {
  stopped = false;
  muted = false;

  stop() {
    this.stopped = true;
  }
}

/** The page's camera; `give` lets the browser give one that was asked for, and returns its track. */
function opened() {
  startPage();
  const elements = new Map();
  const byName = (/** @type {string} */ name) => {
    const made = elements.get(name) ?? Object.assign(new FakeElement("div"), { play: () => Promise.resolve() });
    elements.set(name, made);
    return made;
  };
  Object.assign(document, { getElementById: byName, addEventListener() {} });
  /** @type {((stream: any) => void)[]} */
  const waiting = [];
  const mediaDevices = { getUserMedia: () => new Promise((done) => waiting.push(done)) };
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices }, configurable: true });
  const line = Object.assign(new EventTarget(), { readyState: 0, send() {}, close() {} });
  answerFrom(/** @type {any} */ ({ liveLine: () => line }));
  const camera = new Camera();
  /** @type {string[]} */
  const troubles = [];
  camera.addEventListener("trouble", (event) => troubles.push(/** @type {CustomEvent<string>} */ (event).detail));
  const give = async () => {
    const track = new Track();
    waiting.shift()?.({ getTracks: () => [track] });
    await new Promise((done) => setTimeout(done));
    return track;
  };
  return { camera, give, troubles };
}

test("a camera that the browser gives after the visitor has gone on is switched off at once", async () => {
  const { camera, give, troubles } = opened();
  camera.start();
  camera.stop(); // another tab of the page was opened, while the browser still asked
  const late = await give();
  assert.deepEqual([late.stopped, camera.running, troubles], [true, false, []]);
});

test("of two presses of the button, one camera is left, and it stops", async () => {
  const { camera, give } = opened();
  camera.start();
  camera.start();
  const [one, two] = [await give(), await give()];
  assert.deepEqual([one.stopped, two.stopped, camera.running], [true, false, true]);
  camera.stop();
  assert.deepEqual([two.stopped, camera.running], [true, false]);
});

test("a camera that is unplugged is said to be gone; its last picture is not read on", async () => {
  const { camera, give, troubles } = opened();
  camera.start();
  const track = await give();
  assert.ok(camera.running);
  track.dispatchEvent(new Event("ended"));
  assert.equal(camera.running, false);
  assert.match(troubles.join(), /The camera is gone/);
});
