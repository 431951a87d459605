// What the page asks the server, and what it remembers.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import * as api from "../../../../src/digitlab/apps/web/static/api.js";
import * as page from "../../../../src/digitlab/apps/web/static/state.js";

/** @type {string[]} */
let asked = [];
/** @type {(path: string) => Response} */
let answer;
beforeEach(() => {
  asked = [];
  answer = () => Response.json({});
  globalThis.fetch = (path) => {
    asked.push(String(path));
    return Promise.resolve().then(() => answer(String(path)));
  };
});

test("without a name the server's own model answers; names are written for an address", async () => {
  await api.classify(new Blob([]));
  await api.read(new Blob([]), "");
  await api.inspect(new Blob([]), "a b&c");
  await api.modelDetail("a/b");
  assert.deepEqual(asked, ["v1/classify", "v1/read", "v1/inspect?model=a+b%26c", "v1/models/a%2Fb"]);
});

test("a refusal is told in the server's words, a busy server in ours, an absent one too", async () => {
  answer = () => Response.json({ type: "urn:digitlab:problem:image", detail: "no picture" }, { status: 422 });
  await assert.rejects(
    api.gallery(),
    (error) => error instanceof api.Refused && error.status === 422 && error.message === "no picture",
  );
  answer = () => Response.json({ type: "urn:digitlab:problem:overloaded", detail: "queue" }, { status: 503 });
  await assert.rejects(api.gallery(), /busy/);
  answer = () => new Response("<html>", { status: 502, statusText: "Bad Gateway" });
  await assert.rejects(api.gallery(), /502 Bad Gateway/);
  answer = () => {
    throw new TypeError("network");
  };
  await assert.rejects(api.gallery(), (error) => error instanceof api.Refused && error.status === 0);
  answer = () => new Response(null, { status: 204 });
  assert.equal(await api.stopTraining("t1"), null);
});

test("the newest question is asked, and those between are forgotten", async () => {
  /** @type {number[]} */
  const done = [];
  /** @type {(value?: unknown) => void} */
  let release = () => {};
  const offer = api.newest(async (/** @type {number} */ n) => {
    await new Promise((ready) => {
      release = ready;
    });
    done.push(n);
  });
  const first = offer(1);
  offer(2);
  offer(3);
  release();
  await first;
  release();
  await new Promise((ready) => setTimeout(ready, 1));
  assert.deepEqual(done, [1, 3]);
});

test("the model that was wanted is chosen, else the one before, else the server's default", async () => {
  /** @type {string[]} */
  const heard = [];
  page.on("model", () => heard.push(page.state.model));
  const models = ["reader", "mine"].map((name) => ({ name }));
  answer = () => Response.json({ default: "reader", models });
  await page.refreshModels();
  await page.refreshModels("mine");
  await page.refreshModels();
  await page.refreshModels("gone");
  assert.deepEqual(heard, ["reader", "mine"]);
});

test("a model's layers and what it makes of a digit are asked for once, and again after a failure", async () => {
  const subject = { picture: new Blob([]), from: /** @type {const} */ ("pad") };
  await Promise.all([page.inspected(subject, "a"), page.inspected(subject, "a"), page.inspected(subject, "b")]);
  await Promise.all([page.detailOf("a"), page.detailOf("a")]);
  assert.deepEqual(asked, ["v1/inspect?model=a", "v1/inspect?model=b", "v1/models/a"]);
  answer = () => Response.json({ detail: "no" }, { status: 500 });
  await assert.rejects(page.detailOf("c"));
  answer = () => Response.json({ name: "c" });
  assert.equal((await page.detailOf("c")).name, "c");
});
