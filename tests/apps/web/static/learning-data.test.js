// Digits of a class in a file of NumPy's: what digitlab writes is read, and what is wrong is refused in words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";

// `Blob.stream` of Node.js gives its bytes in one piece, as browsers do with small ones.
const { readNpz, together } = await import("../../../../src/digitlab/apps/web/static/learning-data.js");

/** An array as NumPy saves it. @param {string} type @param {number[]} shape @param {Uint8Array} content */
function npy(type, shape, content) {
  const head = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  const padded = head.padEnd(117, " ");
  return Buffer.concat([
    Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, 118, 0]),
    Buffer.from(`${padded}\n`),
    content,
  ]);
}

/** A zip of these entries. @param {Record<string, Buffer>} entries @param {boolean} packed @param {number} [size] that it says an entry has */
function zip(entries, packed, size) {
  const [parts, directory] = [/** @type {Buffer[]} */ ([]), /** @type {Buffer[]} */ ([])];
  let at = 0;
  for (const [name, content] of Object.entries(entries)) {
    const body = packed ? deflateRawSync(content) : content;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(packed ? 8 : 0, 10);
    entry.writeUInt32LE(body.length, 20);
    entry.writeUInt32LE(size ?? content.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    parts.push(local, Buffer.from(name), body);
    directory.push(entry, Buffer.from(name));
    at += 30 + name.length + body.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(entries).length, 10);
  end.writeUInt32LE(at, 16);
  return Uint8Array.from(Buffer.concat([...parts, ...directory, end]));
}

const glyphs = Uint8Array.from({ length: 3 * 784 }, (_, place) => (place % 784 > 300 && place % 784 < 400 ? 200 : 0));
const labels = Uint8Array.from([3, 0, 9]);
const good = { "images.npy": npy("|u1", [3, 28, 28], glyphs), "labels.npy": npy("|u1", [3], labels) };

for (const packed of [false, true])
  test(`images and labels are read, ${packed ? "packed" : "plain"}`, async () => {
    assert.deepEqual(await readNpz(zip(good, packed)), { glyphs, labels });
  });

test("floats, long labels and dark ink on light are taken as they are meant", async () => {
  const floats = Float32Array.from(glyphs, (each) => (255 - each) / 255);
  const long = BigInt64Array.from(Array.from(labels, BigInt));
  const read = await readNpz(
    zip(
      {
        "x.npy": npy("<f4", [3, 784], new Uint8Array(floats.buffer)),
        "y.npy": npy("<i8", [3], new Uint8Array(long.buffer)),
      },
      true,
    ),
  );
  assert.deepEqual(read, { glyphs, labels });
});

test("what is no such file is refused", async () => {
  const eleven = { ...good, "labels.npy": npy("|u1", [3], Uint8Array.from([3, 11, 9])) };
  const fewer = { ...good, "labels.npy": npy("|u1", [2], labels.subarray(0, 2)) };
  for (const [bytes, message] of /** @type {[Uint8Array<ArrayBuffer>, RegExp][]} */ ([
    [new Uint8Array(0), /not a readable npz/],
    [Uint8Array.from(Buffer.from("no zip at all, but long enough to have an end")), /not a readable npz/],
    [zip(good, false).subarray(60), /not a readable npz/],
    [zip({ "a.npy": good["images.npy"] }, false), /a\.npy; expected images and labels/],
    [zip(fewer, false), /images are 3 × 28 × 28, its labels 2/],
    [zip(eleven, false), /Label 2 is 11/],
    [zip({ ...good, "images.npy": npy("|O", [3, 28, 28], glyphs) }, false), /not a readable npz/],
    [zip({ ...good, "images.npy": npy("|u1", [3_000_000, 28, 28], glyphs) }, false), /not a readable npz/],
    [zip(good, true, 400), /holds more data than it declares/],
    [zip(good, true, 2 ** 31), /more than 20000 images/],
  ]))
    await assert.rejects(readNpz(bytes), message);
});

test("several sets are one", () => {
  const all = together([
    { glyphs, labels },
    { glyphs: glyphs.subarray(0, 784), labels: labels.subarray(0, 1) },
  ]);
  assert.deepEqual([all.labels.length, all.glyphs.length, all.labels[3]], [4, 4 * 784, 3]);
});
