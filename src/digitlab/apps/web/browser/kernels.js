// The inner loops of convolutions, as WebAssembly that is assembled here: its SIMD takes a tenth of JavaScript's time,
// and no compiler is needed to read, change or check it.
//
// All three forms multiply eight filters with four (or one) neighbouring positions at once. In each, a position's
// window lies in memory row by row, and a step reads 4 bytes of it: one float, or two 16-bit integers.

/**
 * Arguments, all of them addresses or counts except the last three:
 * x: window of the first position; w: weights, [row][step][8 filters]; bias: of these 8; out: the first result;
 * rows, steps (an even number): of a window; rowBytes: between rows; stepBytes: between positions; count: of positions,
 * a multiple of four for the wide form; outBytes: between results; scales: float32, of these 8; least, most: limits of
 * the result before the zero point is added; zero: the zero point.
 * @typedef {(
 *   x: number, w: number, bias: number, out: number, rows: number, steps: number, rowBytes: number, stepBytes: number,
 *   count: number, outBytes: number, scales: number, least: number, most: number, zero: number
 * ) => void} Kernel
 * @typedef {{ memory: WebAssembly.Memory, real4: Kernel, real1: Kernel, whole4: Kernel, whole1: Kernel, rounded4: Kernel,
 *   rounded1: Kernel }} Kernels real: float32 in and out; whole: int16 in, int32 out; rounded: int16 in, uint8 out
 * @typedef {"real" | "whole" | "rounded"} Form
 */

const [I32, F32, V128] = [0x7f, 0x7d, 0x7b];
const [X, W, BIAS, OUT, ROWS, STEPS, ROW_BYTES, STEP_BYTES, COUNT, OUT_BYTES, SCALES, LEAST, MOST, ZERO] = [
  ...Array(14).keys(),
];
/** @type {[Form, number][]} */
const FORMS = [
  ["real", 4],
  ["real", 1],
  ["whole", 4],
  ["whole", 1],
  ["rounded", 4],
  ["rounded", 1],
];

/** Encode a number as WebAssembly does (LEB128): seven bits per byte. @param {number} value @returns {number[]} */
const leb = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)]);
/** @param {number} code @param {...number} more */
const simd = (code, ...more) => [0xfd, ...leb(code), ...more];
/** @param {number} local */
const get = (local) => [0x20, ...leb(local)];
/** @param {number} local */
const set = (local) => [0x21, ...leb(local)];
/** @param {number} value Not negative: the last byte's seventh bit is the sign, and must be 0. */
const constant = (value) => [0x41, ...(value & 64 ? [value | 128, 0] : [value])];
/** @param {number} local @param {number[]} by */
const advance = (local, by) => [...get(local), ...by, 0x6a, ...set(local)];
const [load, loadSplat, store] = [0x00, 0x09, 0x0b].map(
  (code) => (/** @type {number} */ offset) => simd(code, 2, ...leb(offset)),
);
// biome-ignore format: instruction by instruction
const SIMD = {
  splat32: simd(0x11), splatReal: simd(0x13), addWhole: simd(0xae), dot: simd(0xba), narrow16: simd(0x85),
  narrow8: simd(0x66), nearest: simd(0x6a), addReal: simd(0xe4), multiply: simd(0xe6), least: simd(0xe8),
  most: simd(0xe9), toWhole: simd(0xf8), toReal: simd(0xfa),
};

/**
 * Emit a loop: repeat `body` until `local`, counted down by `by`, is 0; it must not be 0 before.
 * @param {number} local @param {number} by @param {number[]} body
 */
const repeat = (local, by, body) => [
  0x03,
  0x40,
  ...body,
  ...get(local),
  ...constant(by),
  0x6b,
  0x22,
  ...leb(local),
  0x0d,
  0,
  0x0b,
];

/**
 * Assemble one function's body. Locals after the arguments: the rows and steps left, the weights' address, addresses
 * within the positions' windows, then (v128) two weights, one input, and two sums per position.
 * @param {Form} form
 * @param {number} places
 */
function body(form, places) {
  const real = form === "real";
  const [rows, steps, w] = [14, 15, 16];
  const at = Array.from({ length: places }, (_, place) => 17 + place);
  const first = 17 + places;
  const [w0, w1, x] = [first, first + 1, first + 2];
  const sums = at.map((_, place) => [first + 3 + 2 * place, first + 4 + 2 * place]);
  const product = real ? [...SIMD.multiply, ...SIMD.addReal] : [...SIMD.dot, ...SIMD.addWhole];
  /** @param {number} part 0 or 1: the loop takes two steps at once */
  // biome-ignore format: instruction by instruction
  const step = (part) => [
    ...get(w), ...load(32 * part), ...set(w0),
    ...get(w), ...load(32 * part + 16), ...set(w1),
    ...at.flatMap((address, place) => [
      ...get(address), ...loadSplat(4 * part), ...set(x),
      ...sums[place].flatMap((sum, half) => [...get(sum), ...get(x), ...get(half ? w1 : w0), ...product, ...set(sum)]),
    ]),
  ];
  // biome-ignore format: instruction by instruction
  const begin = [
    ...get(W), ...set(w), ...get(ROWS), ...set(rows),
    ...at.flatMap((address, place) => [...(place ? [...get(at[place - 1]), ...get(STEP_BYTES), 0x6a] : get(X)), ...set(address)]),
    ...sums.flatMap((pair) => pair.flatMap((sum, half) => [...get(BIAS), ...load(16 * half), ...set(sum)])),
  ];
  // biome-ignore format: instruction by instruction
  const windowRow = [
    ...get(STEPS), ...set(steps),
    ...repeat(steps, 2, [...step(0), ...step(1), ...advance(w, constant(64)), ...at.flatMap((address) => advance(address, constant(8)))]),
    // Advance to the next row, less what the steps have advanced already.
    ...at.flatMap((address) => advance(address, [...get(ROW_BYTES), ...get(STEPS), ...constant(2), 0x74, 0x6b])),
  ];
  const end = sums.flatMap((pair) => [
    ...(form === "rounded" ? rounded(pair, x) : storeSums(pair)),
    ...advance(OUT, get(OUT_BYTES)),
  ]);
  const next = advance(X, [...get(STEP_BYTES), ...constant(places), 0x6c]);
  const code = [...repeat(COUNT, places, [...begin, ...repeat(rows, 1, windowRow), ...end, ...next]), 0x0b];
  const locals = [2, ...leb(3 + places), I32, ...leb(3 + 2 * places), V128];
  return [...leb(locals.length + code.length), ...locals, ...code];
}

/** @param {number[]} pair */
const storeSums = (pair) => pair.flatMap((sum, half) => [...get(OUT), ...get(sum), ...store(16 * half)]);

/** Quantise to 8 bits, rounding half to even, as ONNX Runtime does. @param {number[]} pair @param {number} spare */
function rounded(pair, spare) {
  // biome-ignore format: instruction by instruction
  const integers = pair.flatMap((sum, half) => [
    ...get(sum), ...SIMD.toReal, ...get(SCALES), ...load(16 * half), ...SIMD.multiply,
    ...get(LEAST), ...SIMD.splatReal, ...SIMD.most, ...get(MOST), ...SIMD.splatReal, ...SIMD.least,
    ...SIMD.nearest, ...SIMD.toWhole, ...get(ZERO), ...SIMD.splat32, ...SIMD.addWhole,
  ]);
  const bytes = [
    ...integers,
    ...SIMD.narrow16,
    ...set(spare),
    ...get(spare),
    ...get(spare),
    ...SIMD.narrow8,
    ...set(spare),
  ];
  return [...bytes, ...get(OUT), ...get(spare), ...simd(0x5b, 0, 0, 0)]; // stores its lower 8 bytes
}

/** @param {number} number @param {number[]} content */
const section = (number, content) => [number, ...leb(content.length), ...content];
/** @param {string} text */
const name = (text) => [...leb(text.length), ...[...text].map((letter) => letter.charCodeAt(0))];

/** Assemble the WebAssembly module. */
export function moduleBytes() {
  const type = [0x60, 14, ...Array(11).fill(I32), F32, F32, I32, 0];
  const exports = [
    [...name("memory"), 2, 0],
    ...FORMS.map(([form, places], index) => [...name(`${form}${places}`), 0, index]),
  ];
  // biome-ignore format: instruction by instruction
  return new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, ...type]),
    ...section(3, [FORMS.length, ...FORMS.map(() => 0)]),
    ...section(5, [1, 0, 1]),
    ...section(7, [exports.length, ...exports.flat()]),
    ...section(10, [FORMS.length, ...FORMS.flatMap(([form, places]) => body(form, places))]),
  ]);
}

/** @type {WebAssembly.Module | null | undefined} */
let compiled;

/** Start kernels with their own memory; null where the browser has no WebAssembly with SIMD, or may not use it. */
export function startKernels() {
  if (compiled === undefined) {
    try {
      compiled = new WebAssembly.Module(moduleBytes());
    } catch {
      compiled = null;
    }
  }
  return compiled && /** @type {Kernels} */ (/** @type {unknown} */ (new WebAssembly.Instance(compiled).exports));
}
