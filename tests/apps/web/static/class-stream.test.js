// The class's streams of events, as the wall and the pupils' pages hear them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { handleEvents } from "../../../../src/digitlab/apps/web/static/class/api.js";

const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);

test("events are heard to the end of the stream, however they are cut", async () => {
  const stream = new ReadableStream({
    start(line) {
      for (const piece of ["event: tiles\nda", 'ta: [1]\n\n: still here\n\nevent: gone\ndata: {"a":2}\n', "\n"])
        line.enqueue(bytes(piece));
      line.close();
    },
  });
  /** @type {unknown[]} */
  const told = [];
  await handleEvents(new Response(stream), { tiles: (data) => told.push(data), gone: (data) => told.push(data) });
  assert.deepEqual(told, [[1], { a: 2 }]);
});

test("a line on which nothing comes, not even a sign of life, is given up and its stream is ended", async () => {
  let ended = false;
  const stream = new ReadableStream({
    start: (line) => line.enqueue(bytes("event: tiles\ndata: 1\n\n")),
    cancel: () => {
      ended = true;
    },
  });
  /** @type {unknown[]} */
  const told = [];
  const hearing = handleEvents(new Response(stream), { tiles: (data) => told.push(data) }, 50);
  await assert.rejects(hearing, /does not answer/);
  assert.deepEqual([told, ended], [[1], true]);
});
