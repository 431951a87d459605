// Parse ONNX files into nodes and constants. Field numbers are those of onnx.proto.

/**
 * @typedef {"float32" | "uint8" | "int8" | "int32" | "bool"} Type 64-bit integers are stored as 32-bit: they are sizes.
 * @typedef {Float32Array | Uint8Array | Int8Array | Int32Array} Values
 * @typedef {{ type: Type, dims: number[], values: Values }} Constant
 * @typedef {{ operator: string, inputs: string[], outputs: string[], settings: Record<string, any> }} Node
 * @typedef {{ nodes: Node[], constants: Map<string, Constant>, inputs: Input[], outputs: string[] }} Graph
 * @typedef {{ name: string, type: number, dims: (number | null)[] }} Input
 * @typedef {{ graph: Graph, opset: number, metadata: Record<string, string> }} Model
 */

/** A file that cannot be used; the message is meant for users. */
export class ModelError extends Error {}

/** @type {Record<number, Type>} */
const TYPES = { 1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int32", 9: "bool", 10: "float32", 11: "float32" };
const decoder = new TextDecoder();

/**
 * Parse the fields of a protobuf message: [field number, value], where values are numbers or bytes.
 * @param {Uint8Array} bytes
 * @returns {Generator<[number, number | Uint8Array]>}
 */
function* fields(bytes) {
  let offset = 0;
  while (offset < bytes.length) {
    const [key, valueStart] = varint(bytes, offset);
    const kind = key & 7;
    let length = 0;
    offset = valueStart;
    if (kind === 0) {
      const [value, end] = varint(bytes, offset);
      offset = end;
      yield [key >>> 3, value];
      continue;
    }
    if (kind === 2) [length, offset] = varint(bytes, offset);
    else if (kind === 5) length = 4;
    else if (kind === 1) length = 8;
    else throw new ModelError("is not an ONNX model, or is damaged");
    if (offset + length > bytes.length) throw new ModelError("is damaged or truncated");
    yield [key >>> 3, bytes.subarray(offset, offset + length)];
    offset += length;
  }
}

/**
 * Decode a varint: its value and the offset behind it. Values of more than 53 bits are rounded to a double.
 * @param {Uint8Array} bytes
 * @param {number} start
 * @returns {[number, number]}
 */
function varint(bytes, start) {
  let [value, factor, offset] = [0, 1, start];
  let high = false;
  for (;;) {
    if (offset >= bytes.length || offset - start > 9) throw new ModelError("is not an ONNX model, or is damaged");
    const byte = bytes[offset++];
    if (offset - start === 10) high = (byte & 1) === 1;
    value += (byte & 127) * factor;
    factor *= 128;
    if (byte < 128) return [high ? negative(bytes, start) : value, offset];
  }
}

/** Decode a negative varint: ten bytes, 64-bit two's complement. @param {Uint8Array} bytes @param {number} start */
function negative(bytes, start) {
  let value = 0n;
  for (let index = 0; index < 10; index++) value |= BigInt(bytes[start + index] & 127) << BigInt(7 * index);
  return Number(BigInt.asIntN(64, value));
}

/** @param {Uint8Array} bytes */
function floatOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true);
}

/** @param {number | Uint8Array} part */
function varints(part) {
  if (typeof part === "number") return [part];
  const values = [];
  for (let offset = 0; offset < part.length; ) {
    const [value, end] = varint(part, offset);
    values.push(value);
    offset = end;
  }
  return values;
}

/** @param {number | Uint8Array} part */
const textOf = (part) => (typeof part === "number" ? "" : decoder.decode(part));
/** @param {number | Uint8Array} part */
const messageFields = (part) => fields(/** @type {Uint8Array} */ (part));
/** @param {number} value Clamped to 32 bits: ends of slices may be the largest 64-bit integer. */
const clampedToInt32 = (value) => Math.max(-0x80000000, Math.min(0x7fffffff, value));

/**
 * Parse an ONNX file.
 * @param {Uint8Array} bytes
 * @returns {Model}
 */
export function readOnnx(bytes) {
  /** @type {Model} */
  const model = { graph: { nodes: [], constants: new Map(), inputs: [], outputs: [] }, opset: 0, metadata: {} };
  let hasGraph = false;
  for (const [number, part] of fields(bytes)) {
    if (number === 7) {
      hasGraph = true;
      readGraph(/** @type {Uint8Array} */ (part), model.graph);
    } else if (number === 8) {
      const entry = Object.fromEntries(messageFields(part));
      if (!entry[1] || !textOf(entry[1])) model.opset = Number(entry[2] ?? 1);
    } else if (number === 14) {
      const entry = Object.fromEntries(messageFields(part));
      model.metadata[textOf(entry[1] ?? 0)] = textOf(entry[2] ?? 0);
    }
  }
  if (!hasGraph || !model.graph.nodes.length) throw new ModelError("is not an ONNX model, or is damaged");
  return model;
}

/**
 * @param {Uint8Array} bytes
 * @param {Graph} graph
 */
function readGraph(bytes, graph = { nodes: [], constants: new Map(), inputs: [], outputs: [] }) {
  for (const [number, part] of fields(bytes)) {
    if (number === 1) {
      const node = readNode(/** @type {Uint8Array} */ (part));
      const constant = node.operator === "Constant" ? constantOf(node) : null;
      if (constant) graph.constants.set(node.outputs[0], constant);
      else graph.nodes.push(node);
    } else if (number === 5) {
      const [name, tensor] = readTensor(/** @type {Uint8Array} */ (part));
      graph.constants.set(name, tensor);
    } else if (number === 11) graph.inputs.push(readInput(/** @type {Uint8Array} */ (part)));
    else if (number === 12) graph.outputs.push(textOf(Object.fromEntries(messageFields(part))[1] ?? 0));
  }
  return graph;
}

/** @param {Node} node @returns {Constant | null} */
function constantOf({ settings }) {
  if (settings.value) return settings.value;
  const [integers, floats] = [settings.value_ints ?? settings.value_int, settings.value_floats ?? settings.value_float];
  const value = integers ?? floats;
  if (value === undefined) return null;
  const list = Array.isArray(value) ? value : [value];
  const dims = Array.isArray(value) ? [list.length] : [];
  return integers !== undefined
    ? { type: "int32", dims, values: Int32Array.from(list, clampedToInt32) }
    : { type: "float32", dims, values: Float32Array.from(list) };
}

/** @param {Uint8Array} bytes @returns {Input} */
function readInput(bytes) {
  const entry = Object.fromEntries(fields(bytes));
  /** @type {Input} */
  const input = { name: textOf(entry[1] ?? 0), type: 0, dims: [] };
  const tensor = entry[2] && Object.fromEntries(messageFields(entry[2]))[1];
  for (const [number, part] of tensor ? messageFields(tensor) : []) {
    if (number === 1) input.type = Number(part);
    else if (number === 2)
      for (const [, dim] of messageFields(part)) {
        const size = Object.fromEntries(messageFields(dim))[1];
        input.dims.push(typeof size === "number" && size > 0 ? size : null);
      }
  }
  return input;
}

/** @param {Uint8Array} bytes @returns {Node} */
function readNode(bytes) {
  /** @type {Node} */
  const node = { operator: "", inputs: [], outputs: [], settings: {} };
  for (const [number, part] of fields(bytes)) {
    if (number === 1) node.inputs.push(textOf(part));
    else if (number === 2) node.outputs.push(textOf(part));
    else if (number === 4) node.operator = textOf(part);
    else if (number === 5) {
      const [name, value] = readSetting(/** @type {Uint8Array} */ (part));
      node.settings[name] = value;
    }
  }
  return node;
}

/** @param {Uint8Array} bytes @returns {[string, any]} */
function readSetting(bytes) {
  let name = "";
  /** @type {any} */
  let value;
  /** @type {any[]} */
  const list = [];
  let isList = false;
  for (const [number, part] of fields(bytes)) {
    if (number === 1) name = textOf(part);
    else if (number === 2) value = floatOf(/** @type {Uint8Array} */ (part));
    else if (number === 3) value = part;
    else if (number === 4) value = textOf(part);
    else if (number === 5) value = readTensor(/** @type {Uint8Array} */ (part))[1];
    else if (number === 6) value = readGraph(/** @type {Uint8Array} */ (part));
    else if (number === 7) {
      isList = true;
      const floats = /** @type {Uint8Array} */ (part);
      for (let offset = 0; offset < floats.length; offset += 4) list.push(floatOf(floats.subarray(offset, offset + 4)));
    } else if (number === 8) {
      isList = true;
      list.push(...varints(part));
    }
  }
  return [name, isList ? list : value];
}

/** @param {Uint8Array} bytes @returns {[string, Constant]} */
function readTensor(bytes) {
  /** @type {number[]} */
  const dims = [];
  /** @type {number[]} */
  const numbers = [];
  /** @type {Uint8Array | null} */
  let raw = null;
  let [name, kind] = ["", 0];
  for (const [number, part] of fields(bytes)) {
    if (number === 1) dims.push(...varints(part));
    else if (number === 2) kind = Number(part);
    else if (number === 5 || number === 7) for (const each of varints(part)) numbers.push(each);
    else if (number === 4 || number === 9 || number === 10) raw = /** @type {Uint8Array} */ (part);
    else if (number === 8) name = textOf(part);
    else if (number === 13 || (number === 14 && part === 1))
      throw new ModelError("keeps its weights in another file; expected one file");
  }
  const type = TYPES[kind];
  if (!type) throw new ModelError(`has weights of ONNX type ${kind}; expected float32 or integers`);
  const values = raw ? unpacked(raw, kind) : typedArrayOf(type, numbers);
  if (values.length !== dims.reduce((product, each) => product * each, 1))
    throw new ModelError("is damaged: a tensor's numbers do not fill its shape");
  return [name, { type, dims, values }];
}

/** @param {Type} type @param {number[]} numbers @returns {Values} */
function typedArrayOf(type, numbers) {
  if (type === "float32") return Float32Array.from(numbers);
  return type === "int32"
    ? Int32Array.from(numbers, clampedToInt32)
    : type === "int8"
      ? Int8Array.from(numbers)
      : Uint8Array.from(numbers);
}

/** @param {Uint8Array} raw @param {number} kind @returns {Values} */
function unpacked(raw, kind) {
  const bytes = new Uint8Array(raw).buffer; // a copy: typed arrays must start at a multiple of their element size
  if (kind === 1) return new Float32Array(bytes);
  if (kind === 2 || kind === 9) return new Uint8Array(bytes);
  if (kind === 3) return new Int8Array(bytes);
  if (kind === 6) return new Int32Array(bytes);
  if (kind === 7) return Int32Array.from(new BigInt64Array(bytes), (each) => clampedToInt32(Number(each)));
  if (kind === 11) return Float32Array.from(new Float64Array(bytes));
  return Float32Array.from(new Uint16Array(bytes), half);
}

/** Decode a 16-bit float. @param {number} bits */
function half(bits) {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
}
