// Training data for a network in the browser: digits shipped with the page, and a class's own in a NumPy file (.npz).

import * as api from "./api.js";
import { PIXELS } from "./learning-network.js";
import { t } from "./words.js";

/**
 * @import { LabelledGlyphs } from "../schemas.js"
 * @import { Labelled } from "./learning-trainer.js"
 * @typedef {{ method: number, packed: Uint8Array<ArrayBuffer>, size: number }} Entry Of a zip archive.
 * @typedef {{ shape: number[], values: ArrayLike<number | bigint>, floats: boolean }} NumpyArray
 */

const [MOST_BYTES, MOST_IMAGES] = [64 << 20, 20_000];
const NAMES = { images: ["images", "x_train", "x", "data"], labels: ["labels", "y_train", "y", "target"] };
/** @type {Promise<{ train: Labelled, held: Labelled }> | null} */
let shipped = null;

/** The digits shipped with the page, decompressed once. */
export function shippedDigits() {
  shipped ??= api
    .learningDigits()
    .then(async ({ train, test }) => ({ train: await labelled(train), held: await labelled(test) }));
  shipped.catch(() => {
    shipped = null;
  });
  return shipped;
}

/** @param {LabelledGlyphs} given @returns {Promise<Labelled>} */
async function labelled({ labels, data, packed }) {
  const bytes = api.fromBase64(data);
  const size = PIXELS * labels.length;
  return { glyphs: packed ? await unpacked(bytes, "deflate", size) : bytes, labels: Uint8Array.from(labels) };
}

/** Concatenate sets of labelled digits. @param {Labelled[]} parts @returns {Labelled} */
export function together(parts) {
  const count = parts.reduce((sum, { labels }) => sum + labels.length, 0);
  const all = { glyphs: new Uint8Array(PIXELS * count), labels: new Uint8Array(count) };
  let row = 0;
  for (const { glyphs, labels } of parts) {
    all.glyphs.set(glyphs, PIXELS * row);
    all.labels.set(labels, row);
    row += labels.length;
  }
  return all;
}

/**
 * Decompress to at most `size` bytes; more is an error, so a file cannot exceed the size that it declares.
 * @param {Uint8Array<ArrayBuffer>} packed @param {CompressionFormat} format @param {number} size
 */
async function unpacked(packed, format, size) {
  if (typeof DecompressionStream === "undefined") throw new Error(t("This browser is too old to unpack the digits."));
  const bytes = new Uint8Array(size);
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream(format)).getReader();
  for (let offset = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return bytes.subarray(0, offset);
    if (offset + value.length > size) throw new Error(t("The file holds more data than it declares."));
    bytes.set(value, offset);
    offset += value.length;
  }
}

/**
 * Read digits and labels from an npz file, as written by `digitlab data from-sheets`: images (N, 28, 28), labels (N,).
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<Labelled>}
 */
export async function readNpz(bytes) {
  if (bytes.length > MOST_BYTES) throw new Error(t("The file is larger than {n} MB.", { n: MOST_BYTES >> 20 }));
  const entries = entriesOf(bytes);
  /** @type {(names: string[]) => Promise<NumpyArray>} */
  const read = (names) => {
    const member = names.find((name) => entries.has(`${name}.npy`));
    if (!member)
      throw new Error(
        t("It holds {found}; expected images and labels.", {
          found: [...entries.keys()].join(", ").slice(0, 80) || "–",
        }),
      );
    return arrayOf(/** @type {Entry} */ (entries.get(`${member}.npy`)));
  };
  const [images, labels] = [await read(NAMES.images), await read(NAMES.labels)];
  const count = labels.values.length;
  if (labels.shape.length !== 1 || images.shape[0] !== count || images.values.length !== PIXELS * count || !count)
    throw new Error(
      t("Its images are {images}, its labels {labels}; expected N × 28 × 28 and N.", {
        images: images.shape.join(" × "),
        labels: labels.shape.join(" × "),
      }),
    );
  if (count > MOST_IMAGES) throw new Error(t("It has more than {n} images.", { n: MOST_IMAGES }));
  const digits = Array.from(labels.values, Number);
  const wrong = digits.findIndex((label) => !(Number.isInteger(label) && label >= 0 && label <= 9));
  if (wrong >= 0) throw new Error(t("Label {n} is {label}; expected 0 to 9.", { n: wrong + 1, label: digits[wrong] }));
  return { glyphs: glyphsOf(images), labels: Uint8Array.from(digits) };
}

/** Convert images to bytes, light ink on dark, whatever they are in the file. @param {NumpyArray} images */
function glyphsOf({ values, floats }) {
  let most = 0;
  for (let index = 0; index < values.length; index++) most = Math.max(most, Number(values[index]));
  const scale = floats && most <= 1 ? 255 : 1;
  const glyphs = Uint8Array.from(/** @type {ArrayLike<number>} */ (values), (value) =>
    Math.min(255, Math.max(0, Math.round(scale * Number(value)))),
  );
  // The top and bottom rows are paper: if they are light, the ink is dark and the image is inverted.
  let [edge, of] = [0, 0];
  for (let start = 0; start < glyphs.length; start += PIXELS)
    for (let column = 0; column < 28; column++, of += 2) edge += glyphs[start + column] + glyphs[start + 756 + column];
  return edge / of > 127 ? glyphs.map((value) => 255 - value) : glyphs;
}

/** Read a zip's entries, by name, from the central directory at its end. @param {Uint8Array<ArrayBuffer>} bytes */
function entriesOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const broken = new Error(t("This is not a readable npz file."));
  let end = bytes.length - 22;
  while (end >= 0 && end > bytes.length - 66_000 && view.getUint32(end, true) !== 0x06054b50) end -= 1;
  if (end < 0 || view.getUint32(end, true) !== 0x06054b50) throw broken;
  /** @type {Map<string, Entry>} */
  const entries = new Map();
  try {
    for (
      let offset = view.getUint32(end + 16, true), remaining = view.getUint16(end + 10, true);
      remaining > 0;
      remaining -= 1
    ) {
      if (view.getUint32(offset, true) !== 0x02014b50) throw broken;
      const [name, extra, comment] = [28, 30, 32].map((field) => view.getUint16(offset + field, true));
      const [packed, size] = [view.getUint32(offset + 20, true), view.getUint32(offset + 24, true)];
      const local = view.getUint32(offset + 42, true);
      const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      const entry = { method: view.getUint16(offset + 10, true), packed: bytes.slice(start, start + packed), size };
      entries.set(String.fromCharCode(...bytes.subarray(offset + 46, offset + 46 + name)), entry);
      offset += 46 + name + extra + comment;
    }
  } catch {
    throw broken; // an offset outside the file
  }
  return entries;
}

/** @param {Entry} entry @returns {Promise<NumpyArray>} */
async function arrayOf({ method, packed, size }) {
  if (size > 8 * PIXELS * MOST_IMAGES) throw new Error(t("It has more than {n} images.", { n: MOST_IMAGES }));
  const bytes = method === 0 ? packed : await unpacked(packed, "deflate-raw", size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const broken = new Error(t("This is not a readable npz file."));
  if (bytes.length < 12 || view.getUint32(0) !== 0x934e554d || ![0, 8].includes(method)) throw broken;
  const isVersion1 = bytes[6] === 1;
  const start = isVersion1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
  const head = String.fromCharCode(...bytes.subarray(isVersion1 ? 10 : 12, Math.min(start, 4096)));
  const [, type = "", order = "", dimensions = ""] =
    /'descr': '([^']*)', 'fortran_order': (\w+), 'shape': \(([\d, ]*)\)/.exec(head) ?? [];
  const kinds = { u1: Uint8Array, i1: Int8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array };
  const all = { ...kinds, i8: BigInt64Array, u8: BigUint64Array, f4: Float32Array, f8: Float64Array };
  const Kind = all[/** @type {keyof typeof all} */ (type.slice(1))];
  if (!Kind || type[0] === ">" || order !== "False") throw broken;
  const shape = (dimensions.match(/\d+/g) ?? []).map(Number);
  const count = shape.reduce((product, side) => product * side, 1);
  if (start + count * Kind.BYTES_PER_ELEMENT > bytes.length) throw broken;
  const values = new Kind(bytes.slice(start, start + count * Kind.BYTES_PER_ELEMENT).buffer);
  return { shape, values, floats: type[1] === "f" };
}
