// From the nodes of an ONNX graph to layers as people name them: a port of digitlab/network/layer_walk.py.

import { windowOf } from "./convolution.js";
import { joinedFields, mapsShape, POINT, product, throughWindow } from "./fields.js";

/**
 * @import { Field } from "./fields.js"
 * @import { Graph, Node } from "./onnx.js"
 * @import { Tensor } from "./tensor.js"
 * @typedef {{ size: number[], stride: number[], dilation: number[], padding: number[] }} Window
 * @typedef {"channels first" | "channels last" | "picture" | null} Layout
 * @typedef {{
 *   name: string, kind: string, operator: string, shape: number[], parameters: number, takes: string[],
 *   field: Field | null, explainable: boolean
 * }} Layer
 * @typedef {{
 *   layer: Layer, tensor: string, layout: Layout, source: string, sourceLayout: Layout, kernel: Tensor | null,
 *   kernelDims: number[], kernelValues: Float32Array | null, weights: string | null, turned: boolean, bias: Float32Array | null, window: Window | null,
 *   groups: number, largest: boolean, countsPadding: boolean, follows: string | null
 * }} Step
 * @typedef {{ layer: string | null, layout: Layout, field: Field | null }} Value
 */

const SIDE = 28;
const ACTIVATIONS = new Set(
  "Clip Elu Erf Gelu HardSigmoid HardSwish LeakyRelu Mish PRelu Relu Selu Sigmoid Softplus Softsign Tanh ThresholdedRelu".split(
    " ",
  ),
);
const GLOBAL_POOLS = ["GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceMax"];
const SIGNED = ["convolution", "dense", "normalisation", "addition"];
/** Names of the tensors that depend on the image. @param {Graph} graph @param {(name: string) => boolean} isConstant */
function movingTensors(graph, isConstant) {
  const produced = new Set(graph.nodes.flatMap((node) => node.outputs));
  const moving = new Set(
    graph.nodes.flatMap((node) => node.inputs).filter((name) => name && !isConstant(name) && !produced.has(name)),
  );
  for (const node of graph.nodes)
    if (!["Shape", "Size"].includes(node.operator) && node.inputs.some((name) => moving.has(name)))
      for (const name of node.outputs) if (name) moving.add(name);
  return moving;
}

/**
 * List the layers of a graph.
 * @param {Graph} graph
 * @param {Map<string, Tensor>} scope all tensors of one image's forward pass, including constants
 * @param {Set<string>} constants
 * @returns {Step[]}
 */
export function walk(graph, scope, constants) {
  const walker = new Walker(graph, scope, constants);
  for (const node of graph.nodes) walker.step(node);
  return walker.done();
}

class Walker {
  /** @type {Map<string, Value>} */
  #values = new Map();
  /** @type {Map<string, Step>} */
  #steps = new Map();
  /** @type {Map<string, Node>} */
  #rounded = new Map();
  /** @type {Map<string, number>} */
  #counts = new Map();

  /** @param {Graph} graph @param {Map<string, Tensor>} scope @param {Set<string>} constants */
  constructor(graph, scope, constants) {
    this.scope = scope;
    this.constants = constants;
    this.moving = movingTensors(graph, (name) => constants.has(name));
  }

  /** Dims of a float tensor that depends on the image; else null. @param {string} name */
  #shape(name) {
    const tensor = this.scope.get(name);
    return this.moving.has(name) && tensor?.type === "float32" && tensor.dims[0] === 1 ? tensor.dims : null;
  }

  /** @param {string} name */
  #constant(name) {
    return this.constants.has(name) ? (this.scope.get(name) ?? null) : null;
  }

  /** @param {Node} node */
  step(node) {
    if (node.operator === "QuantizeLinear" || node.operator === "DequantizeLinear") return this.#rounding(node);
    const input = node.inputs.find((name) => this.moving.has(name));
    if (input === undefined || !this.moving.has(node.outputs[0])) return undefined;
    if (!this.#shape(input) || !this.#shape(node.outputs[0]) || !this.#layer(node, input)) this.#pass(node, input);
    return undefined;
  }

  done() {
    const steps = [...this.#steps.values()];
    const unique = ["input", "flatten", "softmax", "mean"].filter((name) => this.#counts.get(name) === 1);
    const short = (/** @type {string} */ name) =>
      name.endsWith("-1") && unique.includes(name.slice(0, -2)) ? name.slice(0, -2) : name;
    for (const { layer } of steps) [layer.name, layer.takes] = [short(layer.name), layer.takes.map(short)];
    return steps;
  }

  /** @param {Node} node @param {string} input */
  #layer(node, input) {
    const { operator } = node;
    if (operator === "Conv") return this.#convolution(node, input);
    if (operator === "MatMul" || operator === "Gemm") return this.#dense(node, input);
    if (operator === "Softmax") return Boolean(this.#add(node, input, "softmax", "softmax", "Softmax"));
    if (operator === "Concat" || operator === "Mean") return this.#merged(node, input);
    if (ACTIVATIONS.has(operator)) return this.#activation(node, input);
    if (["AveragePool", "MaxPool", ...GLOBAL_POOLS].includes(operator)) return this.#pooling(node, input);
    if (["Add", "Sub", "Mul", "Div"].includes(operator)) return this.#affine(node, input);
    if (["Reshape", "Flatten", "Squeeze"].includes(operator)) return this.#reshaped(node, input);
    if (operator !== "BatchNormalization") return false;
    const parameters = node.inputs.slice(1, 3).reduce((sum, name) => sum + (this.#constant(name)?.size ?? 0), 0);
    return Boolean(this.#add(node, input, "norm", "normalisation", operator, { parameters }));
  }

  /**
   * Quantise–dequantise is identity, or the ReLU that exporters drop where the lowest level is 0.
   * @param {Node} node
   */
  #rounding(node) {
    if (node.operator === "QuantizeLinear") return void this.#rounded.set(node.outputs[0], node);
    const rounding = this.#rounded.get(node.inputs[0]);
    if (!rounding) return undefined;
    const [input, output] = [rounding.inputs[0], node.outputs[0]];
    const previous = this.#steps.get(this.#value(input).layer ?? "");
    const zero = rounding.inputs[2] ? this.#constant(rounding.inputs[2]) : null;
    const cutsNegative = zero?.type === "uint8" && zero.values.every((/** @type {number} */ each) => each === 0);
    const isSigned = previous && previous.tensor === input && SIGNED.includes(previous.layer.kind);
    if (cutsNegative && isSigned && this.#shape(input) && this.#shape(output))
      this.#activation({ ...node, operator: "Relu", inputs: [input] }, input);
    else this.#values.set(output, this.#value(input));
    return undefined;
  }

  /** @param {Node} node @param {string} input */
  #convolution(node, input) {
    const kernel = this.#constant(node.inputs[1]);
    if (kernel?.dims.length !== 4) return false;
    const size = kernel.dims.slice(2);
    this.#add(node, input, "conv", "convolution", `Conv ${size.join("×")}`, {
      window: this.#window(node, size, input),
      kernel,
      bias: node.inputs[2] ? this.#constant(node.inputs[2]) : null,
      groups: node.settings.group ?? 1,
    });
    return true;
  }

  /** @param {Node} node @param {number[]} size @param {string} input @returns {Window} */
  #window({ settings }, size, input) {
    const { stride, dilation, padding } = windowOf(settings, size, (this.#shape(input) ?? []).slice(2));
    return { size, stride, dilation, padding };
  }

  /** @param {Node} node @param {string} input */
  #dense(node, input) {
    const weights = this.#constant(node.inputs[1]);
    if (weights?.dims.length !== 2 || node.inputs[0] !== input || node.settings.transA) return false;
    const [a, b] = weights.dims;
    const [units, inputs] = node.settings.transB ? [a, b] : [b, a];
    const factor = node.settings.alpha ?? 1;
    const values = new Float32Array(units * inputs);
    for (let unit = 0; unit < units; unit++)
      for (let inputIndex = 0; inputIndex < inputs; inputIndex++)
        values[unit * inputs + inputIndex] =
          weights.values[node.settings.transB ? unit * inputs + inputIndex : inputIndex * units + unit] * factor;
    const bias = node.inputs[2] ? this.#constant(node.inputs[2]) : null;
    this.#add(node, input, "dense", "dense", "Dense", {
      kernel: weights,
      kernelDims: [units, inputs, 1, 1],
      kernelValues: values,
      bias,
    });
    const step = [...this.#steps.values()].at(-1);
    if (step?.bias && (node.settings.beta ?? 1) !== 1) step.bias = step.bias.map((each) => each * node.settings.beta);
    return true;
  }

  /** @param {Node} node @param {string} input */
  #activation(node, input) {
    const previous = this.#steps.get(this.#value(input).layer ?? "");
    if (!previous) return false;
    const step = this.#add(node, input, node.operator.toLowerCase(), "activation", node.operator);
    if (previous.tensor === input && ["convolution", "dense"].includes(previous.layer.kind))
      step.follows = previous.layer.name;
    return true;
  }

  /** @param {Node} node @param {string} input */
  #pooling(node, input) {
    const shape = this.#shape(input) ?? [];
    if (shape.length !== 4 || this.#value(input).layer === null) return false;
    const largest = node.operator.includes("Max");
    if (GLOBAL_POOLS.includes(node.operator)) {
      if (product(this.#shape(node.outputs[0]) ?? []) !== mapsShape(shape, this.#value(input).layout)[0]) return false;
      this.#add(node, input, "pool", "pooling", node.operator, { largest });
      return true;
    }
    const size = node.settings.kernel_shape;
    const options = {
      window: this.#window(node, size, input),
      largest,
      countsPadding: Boolean(node.settings.count_include_pad),
    };
    this.#add(node, input, "pool", "pooling", `${node.operator} ${size.join("×")}`, options);
    return true;
  }

  /** @param {Node} node @param {string} input */
  #merged(node, input) {
    if (node.inputs.filter((name) => this.#shape(name)).length < 2) return false;
    const [prefix, kind] = { Concat: ["concat", "concatenation"], Mean: ["mean", "mean"] }[node.operator] ?? [
      "add",
      "addition",
    ];
    this.#add(node, input, prefix, kind, node.operator);
    return true;
  }

  /**
   * Handle a product or sum with constants (preparation, bias or normalisation), or the sum of two layers.
   * @param {Node} node @param {string} input
   */
  #affine(node, input) {
    const others = node.inputs.filter((name) => name !== input);
    if (others.some((name) => this.moving.has(name))) return node.operator === "Add" && this.#merged(node, input);
    const constant = others.length ? this.#constant(others[0]) : null;
    const previous = this.#steps.get(this.#value(input).layer ?? "");
    if (!constant || !previous) return false;
    const isDirect = previous.tensor === input;
    const units = previous.kernelDims[0];
    if (
      isDirect &&
      node.operator === "Add" &&
      units &&
      !previous.bias &&
      constant.size === units &&
      units === Math.max(...constant.dims)
    ) {
      previous.bias = Float32Array.from(constant.values);
    } else if (!(isDirect && previous.layer.kind === "normalisation")) {
      this.#add(node, input, "norm", "normalisation", "Scale and shift", { parameters: constant.size });
      return true;
    }
    previous.layer.parameters += constant.size;
    previous.tensor = node.outputs[0];
    this.#values.set(node.outputs[0], this.#value(input));
    return true;
  }

  /** @param {Node} node @param {string} input */
  #reshaped(node, input) {
    const [shape, outputShape] = [this.#shape(input) ?? [], this.#shape(node.outputs[0]) ?? []];
    if (this.#value(input).layer === null || shape.length !== 4 || outputShape.length !== 2) return false;
    if (product(shape) === mapsShape(shape, this.#value(input).layout)[0]) return false;
    this.#add(node, input, "flatten", "flatten", "Flatten");
    return true;
  }

  /**
   * @param {Node} node @param {string} input @param {string} prefix @param {string} kind @param {string} operator
   * @param {{ window?: Window, kernel?: Tensor, kernelDims?: number[], kernelValues?: Float32Array, bias?: Tensor | null,
   *   parameters?: number, groups?: number, largest?: boolean, countsPadding?: boolean }} options
   * @returns {Step}
   */
  #add(node, input, prefix, kind, operator, options = {}) {
    const takes = [...new Set(node.inputs.filter((name) => this.#shape(name)).map((name) => this.#layerOf(name)))];
    const output = node.outputs[0];
    const shape = this.#shape(output) ?? [];
    const layout = this.#layout(node, input);
    const field = shape.length >= 3 ? this.#field(node, kind, options.window ?? null) : null;
    const { kernel = null, bias = null } = options;
    const [maps, rows, columns] = mapsShape(shape, layout);
    const name = this.#name(prefix);
    const explainable =
      ["convolution", "pooling", "activation"].includes(kind) || (kind === "dense" && shape.length === 2);
    /** @type {Step} */
    const step = {
      layer: {
        name,
        kind,
        operator,
        takes,
        field,
        explainable,
        shape: shape.length > 2 ? [rows, columns, maps] : [maps],
        parameters: (options.parameters ?? 0) + (kernel?.size ?? 0) + (bias?.size ?? 0),
      },
      tensor: output,
      layout,
      source: input,
      sourceLayout: this.#value(input).layout,
      kernel,
      kernelDims: options.kernelDims ?? kernel?.dims ?? [],
      weights: kernel ? node.inputs[1] : null,
      turned: kind === "dense" && !node.settings.transB,
      kernelValues: options.kernelValues ?? /** @type {Float32Array | null} */ (kernel?.values ?? null),
      bias: bias ? Float32Array.from(bias.values) : null,
      window: options.window ?? null,
      groups: options.groups ?? 1,
      largest: options.largest ?? false,
      countsPadding: options.countsPadding ?? false,
      follows: null,
    };
    this.#steps.set(name, step);
    this.#values.set(output, { layer: name, layout, field });
    return step;
  }

  /** @param {string} prefix */
  #name(prefix) {
    const count = (this.#counts.get(prefix) ?? 0) + 1;
    this.#counts.set(prefix, count);
    return `${prefix}-${count}`;
  }

  /** Handle a node that only moves numbers, or is part of the preparation. @param {Node} node @param {string} input */
  #pass(node, input) {
    const value = this.#value(input);
    const rank = (this.#shape(node.outputs[0]) ?? []).length;
    let field = rank >= 3 && node.operator !== "Resize" ? value.field : null;
    const layout = this.#layout(node, input);
    if (node.operator === "Pad" && field) {
      const pads = node.settings.pads ?? (node.inputs[1] ? this.#constant(node.inputs[1])?.list : null) ?? [];
      const down = layout === "channels last" ? 1 : pads.length / 2 - 2;
      const padding = [pads[down], pads[down + 1]];
      field =
        pads.length < 6 ? null : throughWindow(field, { size: [1, 1], stride: [1, 1], dilation: [1, 1], padding });
    }
    this.#values.set(node.outputs[0], { layer: value.layer, layout, field });
  }

  /** Name of a tensor's layer; adds the preparation if there is none yet. @param {string} tensor @returns {string} */
  #layerOf(tensor) {
    let value = this.#value(tensor);
    if (value.layer !== null) return value.layer;
    const shape = this.#shape(tensor) ?? [];
    if (shape.length === 2 && shape[1] === SIDE * SIDE) value = { ...value, layout: "picture", field: POINT };
    const [maps, rows, columns] = mapsShape(shape, value.layout);
    const name = this.#name("input");
    this.#steps.set(name, {
      layer: {
        name,
        kind: "preparation",
        operator: "Input",
        shape: rows * columns > 1 ? [rows, columns, maps] : [maps],
        parameters: 0,
        takes: [],
        field: value.field,
        explainable: false,
      },
      tensor,
      layout: value.layout,
      source: tensor,
      sourceLayout: value.layout,
      kernel: null,
      kernelDims: [],
      kernelValues: null,
      weights: null,
      turned: false,
      bias: null,
      window: null,
      groups: 1,
      largest: false,
      countsPadding: false,
      follows: null,
    });
    this.#values.set(tensor, { ...value, layer: name });
    return name;
  }

  /** @param {string} tensor @returns {Value} */
  #value(tensor) {
    return this.#values.get(tensor) ?? { layer: null, layout: null, field: POINT };
  }

  /** @param {Node} node @param {string} input @returns {Layout} */
  #layout(node, input) {
    const shape = this.#shape(node.outputs[0]) ?? [];
    if (shape.length !== 4) return null;
    if (["Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"].includes(node.operator))
      return "channels first";
    const before = this.#value(input).layout;
    if (node.operator === "Transpose") {
      const order = (node.settings.perm ?? []).join();
      return order === "0,2,3,1" ? "channels last" : order === "0,3,1,2" ? "channels first" : before;
    }
    if (["Reshape", "Unsqueeze"].includes(node.operator) && (shape[1] === 1) !== (shape[3] === 1))
      return shape[1] === 1 ? "channels first" : "channels last";
    return before ?? "channels first";
  }

  /** @param {Node} node @param {string} kind @param {Window | null} window @returns {Field | null} */
  #field(node, kind, window) {
    if (kind === "dense" || (kind === "pooling" && !window)) return null;
    const fields = node.inputs.filter((name) => this.#shape(name)).map((name) => this.#value(name).field);
    const joined = fields.reduce((one, other) => (one && other ? joinedFields(one, other) : null));
    return joined && window ? throughWindow(joined, window) : joined;
  }
}
