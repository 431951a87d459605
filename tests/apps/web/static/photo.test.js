// Photos that follow each other: the answer is that to the one that is shown.

import assert from "node:assert/strict";
import { test } from "node:test";
import { answerFrom } from "../../../../src/digitlab/apps/web/static/api.js";
import { FakeElement, startPage } from "./page.js";

startPage();
const elements = new Map();
Object.assign(document, {
  addEventListener() {},
  getElementById: (/** @type {string} */ name) => {
    const made = elements.get(name) ?? new FakeElement("div");
    elements.set(name, made);
    return made;
  },
});
const { Photo } = await import("../../../../src/digitlab/apps/web/static/photo.js");

const digit = { digit: 4, confidence: 0.9, box: [0, 0, 9, 9], line: 0 };
const read = { text: "4", lines: ["4"], written: ["4"], digits: [digit], ms: 1, width: 40, height: 30, turned: 0 };

/** A photo whose files take as long to be decoded as the test wants, and whose readings are `answer`'s. */
function opened(/** @type {() => Promise<object>} */ answer) {
  /** @type {Map<File, (bitmap: any) => void>} */
  const decoding = new Map();
  Object.assign(globalThis, {
    createImageBitmap: (/** @type {File} */ file) => new Promise((done) => decoding.set(file, done)),
  });
  /** @type {unknown[]} */
  const asked = [];
  answerFrom(
    /** @type {any} */ ({
      here: true,
      pictureOf: (/** @type {unknown} */ picture) => picture,
      photoOf: (/** @type {{ width: number }} */ picture) => Promise.resolve(picture.width),
      read: (/** @type {unknown} */ body) => {
        asked.push(body);
        return answer();
      },
    }),
  );
  const photo = new Photo();
  /** @type {string[]} */
  const told = [];
  for (const name of ["read", "trouble"]) photo.addEventListener(name, () => told.push(name));
  return {
    photo,
    asked,
    told,
    decode: (/** @type {File} */ file, width = 40) => decoding.get(file)?.({ width, height: 30 }),
  };
}
const file = (/** @type {string} */ name) => new File(["…"], name, { type: "image/png" });

test("of two pictures the one that was opened last stays, also where the first takes longer to be decoded", async () => {
  const { photo, asked, decode } = opened(() => Promise.resolve(read));
  const [slow, quick] = [file("slow.png"), file("quick.png")];
  const both = [photo.open(slow), photo.open(quick)];
  decode(quick, 41);
  await both[1];
  decode(slow, 42);
  await both[0];
  assert.deepEqual([asked, photo.picture?.width], [[41], 41]);
});

test("a picture that cannot be read has no digits, not those of the picture before", async () => {
  let answers = 0;
  const { photo, told, decode } = opened(() => {
    answers += 1;
    return answers > 1 ? Promise.reject(new Error("busy")) : Promise.resolve(read);
  });
  const [one, two] = [file("one.png"), file("two.png")];
  for (const each of [one, two]) {
    const opening = photo.open(each);
    decode(each);
    await opening;
  }
  assert.deepEqual(told, ["read", "trouble", "read"]);
  assert.deepEqual([photo.page, photo.body, photo.digit()], [null, null, null]);
});
