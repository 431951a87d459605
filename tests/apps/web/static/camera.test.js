// How old what the camera's answers are about is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SentFrames } from "../../../../src/digitlab/apps/web/static/camera.js";

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
