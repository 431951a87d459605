// From the nodes of an ONNX graph to layers as people name them: a port of digitlab/network/layer_walk.py.

import { windowOf } from "./convolution.js";
import { behind, joinedFields, mapsShape, POINT, product } from "./fields.js";

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
  const made = new Set(graph.nodes.flatMap((node) => node.makes));
  const moving = new Set(
    graph.nodes.flatMap((node) => node.takes).filter((name) => name && !isConstant(name) && !made.has(name)),
  );
  for (const node of graph.nodes)
    if (!["Shape", "Size"].includes(node.operator) && node.takes.some((name) => moving.has(name)))
      for (const name of node.makes) if (name) moving.add(name);
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
    const found = this.scope.get(name);
    return this.moving.has(name) && found?.type === "float32" && found.dims[0] === 1 ? found.dims : null;
  }

  /** @param {string} name */
  #constant(name) {
    return this.constants.has(name) ? (this.scope.get(name) ?? null) : null;
  }

  /** @param {Node} node */
  step(node) {
    if (node.operator === "QuantizeLinear" || node.operator === "DequantizeLinear") return this.#rounding(node);
    const given = node.takes.find((name) => this.moving.has(name));
    if (given === undefined || !this.moving.has(node.makes[0])) return undefined;
    if (!this.#shape(given) || !this.#shape(node.makes[0]) || !this.#layer(node, given)) this.#pass(node, given);
    return undefined;
  }

  done() {
    const steps = [...this.#steps.values()];
    const alone = ["input", "flatten", "softmax", "mean"].filter((name) => this.#counts.get(name) === 1);
    const short = (/** @type {string} */ name) =>
      name.endsWith("-1") && alone.includes(name.slice(0, -2)) ? name.slice(0, -2) : name;
    for (const { layer } of steps) [layer.name, layer.takes] = [short(layer.name), layer.takes.map(short)];
    return steps;
  }

  /** @param {Node} node @param {string} given */
  #layer(node, given) {
    const { operator } = node;
    if (operator === "Conv") return this.#convolution(node, given);
    if (operator === "MatMul" || operator === "Gemm") return this.#dense(node, given);
    if (operator === "Softmax") return Boolean(this.#add(node, given, "softmax", "softmax", "Softmax"));
    if (operator === "Concat" || operator === "Mean") return this.#merged(node, given);
    if (ACTIVATIONS.has(operator)) return this.#activation(node, given);
    if (["AveragePool", "MaxPool", ...GLOBAL_POOLS].includes(operator)) return this.#pooling(node, given);
    if (["Add", "Sub", "Mul", "Div"].includes(operator)) return this.#affine(node, given);
    if (["Reshape", "Flatten", "Squeeze"].includes(operator)) return this.#reshaped(node, given);
    if (operator !== "BatchNormalization") return false;
    const parameters = node.takes.slice(1, 3).reduce((sum, name) => sum + (this.#constant(name)?.size ?? 0), 0);
    return Boolean(this.#add(node, given, "norm", "normalisation", operator, { parameters }));
  }

  /**
   * Quantise–dequantise is identity, or the ReLU that exporters drop where the lowest level is 0.
   * @param {Node} node
   */
  #rounding(node) {
    if (node.operator === "QuantizeLinear") return void this.#rounded.set(node.makes[0], node);
    const rounding = this.#rounded.get(node.takes[0]);
    if (!rounding) return undefined;
    const [given, made] = [rounding.takes[0], node.makes[0]];
    const before = this.#steps.get(this.#value(given).layer ?? "");
    const zero = rounding.takes[2] ? this.#constant(rounding.takes[2]) : null;
    const cuts = zero?.type === "uint8" && zero.values.every((/** @type {number} */ each) => each === 0);
    const weighed = before && before.tensor === given && SIGNED.includes(before.layer.kind);
    if (cuts && weighed && this.#shape(given) && this.#shape(made))
      this.#activation({ ...node, operator: "Relu", takes: [given] }, given);
    else this.#values.set(made, this.#value(given));
    return undefined;
  }

  /** @param {Node} node @param {string} given */
  #convolution(node, given) {
    const kernel = this.#constant(node.takes[1]);
    if (kernel?.dims.length !== 4) return false;
    const size = kernel.dims.slice(2);
    this.#add(node, given, "conv", "convolution", `Conv ${size.join("×")}`, {
      window: this.#window(node, size, given),
      kernel,
      bias: node.takes[2] ? this.#constant(node.takes[2]) : null,
      groups: node.settings.group ?? 1,
    });
    return true;
  }

  /** @param {Node} node @param {number[]} size @param {string} given @returns {Window} */
  #window({ settings }, size, given) {
    const { stride, dilation, before } = windowOf(settings, size, (this.#shape(given) ?? []).slice(2));
    return { size, stride, dilation, padding: before };
  }

  /** @param {Node} node @param {string} given */
  #dense(node, given) {
    const weights = this.#constant(node.takes[1]);
    if (weights?.dims.length !== 2 || node.takes[0] !== given || node.settings.transA) return false;
    const [a, b] = weights.dims;
    const [units, inputs] = node.settings.transB ? [a, b] : [b, a];
    const factor = node.settings.alpha ?? 1;
    const values = new Float32Array(units * inputs);
    for (let unit = 0; unit < units; unit++)
      for (let input = 0; input < inputs; input++)
        values[unit * inputs + input] =
          weights.values[node.settings.transB ? unit * inputs + input : input * units + unit] * factor;
    const bias = node.takes[2] ? this.#constant(node.takes[2]) : null;
    this.#add(node, given, "dense", "dense", "Dense", {
      kernel: weights,
      kernelDims: [units, inputs, 1, 1],
      kernelValues: values,
      bias,
    });
    const step = [...this.#steps.values()].at(-1);
    if (step?.bias && (node.settings.beta ?? 1) !== 1) step.bias = step.bias.map((each) => each * node.settings.beta);
    return true;
  }

  /** @param {Node} node @param {string} given */
  #activation(node, given) {
    const before = this.#steps.get(this.#value(given).layer ?? "");
    if (!before) return false;
    const step = this.#add(node, given, node.operator.toLowerCase(), "activation", node.operator);
    if (before.tensor === given && ["convolution", "dense"].includes(before.layer.kind))
      step.follows = before.layer.name;
    return true;
  }

  /** @param {Node} node @param {string} given */
  #pooling(node, given) {
    const shape = this.#shape(given) ?? [];
    if (shape.length !== 4 || this.#value(given).layer === null) return false;
    const largest = node.operator.includes("Max");
    if (GLOBAL_POOLS.includes(node.operator)) {
      if (product(this.#shape(node.makes[0]) ?? []) !== mapsShape(shape, this.#value(given).layout)[0]) return false;
      this.#add(node, given, "pool", "pooling", node.operator, { largest });
      return true;
    }
    const size = node.settings.kernel_shape;
    const more = {
      window: this.#window(node, size, given),
      largest,
      countsPadding: Boolean(node.settings.count_include_pad),
    };
    this.#add(node, given, "pool", "pooling", `${node.operator} ${size.join("×")}`, more);
    return true;
  }

  /** @param {Node} node @param {string} given */
  #merged(node, given) {
    if (node.takes.filter((name) => this.#shape(name)).length < 2) return false;
    const [prefix, kind] = { Concat: ["concat", "concatenation"], Mean: ["mean", "mean"] }[node.operator] ?? [
      "add",
      "addition",
    ];
    this.#add(node, given, prefix, kind, node.operator);
    return true;
  }

  /**
   * Handle a product or sum with constants (preparation, bias or normalisation), or the sum of two layers.
   * @param {Node} node @param {string} given
   */
  #affine(node, given) {
    const others = node.takes.filter((name) => name !== given);
    if (others.some((name) => this.moving.has(name))) return node.operator === "Add" && this.#merged(node, given);
    const constant = others.length ? this.#constant(others[0]) : null;
    const before = this.#steps.get(this.#value(given).layer ?? "");
    if (!constant || !before) return false;
    const whole = before.tensor === given;
    const units = before.kernelDims[0];
    if (
      whole &&
      node.operator === "Add" &&
      units &&
      !before.bias &&
      constant.size === units &&
      units === Math.max(...constant.dims)
    ) {
      before.bias = Float32Array.from(constant.values);
    } else if (!(whole && before.layer.kind === "normalisation")) {
      this.#add(node, given, "norm", "normalisation", "Scale and shift", { parameters: constant.size });
      return true;
    }
    before.layer.parameters += constant.size;
    before.tensor = node.makes[0];
    this.#values.set(node.makes[0], this.#value(given));
    return true;
  }

  /** @param {Node} node @param {string} given */
  #reshaped(node, given) {
    const [shape, made] = [this.#shape(given) ?? [], this.#shape(node.makes[0]) ?? []];
    if (this.#value(given).layer === null || shape.length !== 4 || made.length !== 2) return false;
    if (product(shape) === mapsShape(shape, this.#value(given).layout)[0]) return false;
    this.#add(node, given, "flatten", "flatten", "Flatten");
    return true;
  }

  /**
   * @param {Node} node @param {string} given @param {string} prefix @param {string} kind @param {string} operator
   * @param {{ window?: Window, kernel?: Tensor, kernelDims?: number[], kernelValues?: Float32Array, bias?: Tensor | null,
   *   parameters?: number, groups?: number, largest?: boolean, countsPadding?: boolean }} more
   * @returns {Step}
   */
  #add(node, given, prefix, kind, operator, more = {}) {
    const takes = [...new Set(node.takes.filter((name) => this.#shape(name)).map((name) => this.#layerOf(name)))];
    const made = node.makes[0];
    const shape = this.#shape(made) ?? [];
    const layout = this.#layout(node, given);
    const field = shape.length >= 3 ? this.#field(node, kind, more.window ?? null) : null;
    const { kernel = null, bias = null } = more;
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
        parameters: (more.parameters ?? 0) + (kernel?.size ?? 0) + (bias?.size ?? 0),
      },
      tensor: made,
      layout,
      source: given,
      sourceLayout: this.#value(given).layout,
      kernel,
      kernelDims: more.kernelDims ?? kernel?.dims ?? [],
      weights: kernel ? node.takes[1] : null,
      turned: kind === "dense" && !node.settings.transB,
      kernelValues: more.kernelValues ?? /** @type {Float32Array | null} */ (kernel?.values ?? null),
      bias: bias ? Float32Array.from(bias.values) : null,
      window: more.window ?? null,
      groups: more.groups ?? 1,
      largest: more.largest ?? false,
      countsPadding: more.countsPadding ?? false,
      follows: null,
    };
    this.#steps.set(name, step);
    this.#values.set(made, { layer: name, layout, field });
    return step;
  }

  /** @param {string} prefix */
  #name(prefix) {
    const count = (this.#counts.get(prefix) ?? 0) + 1;
    this.#counts.set(prefix, count);
    return `${prefix}-${count}`;
  }

  /** Handle a node that only moves numbers, or is part of the preparation. @param {Node} node @param {string} given */
  #pass(node, given) {
    const value = this.#value(given);
    const rank = (this.#shape(node.makes[0]) ?? []).length;
    let field = rank >= 3 && node.operator !== "Resize" ? value.field : null;
    const layout = this.#layout(node, given);
    if (node.operator === "Pad" && field) {
      const pads = node.settings.pads ?? (node.takes[1] ? this.#constant(node.takes[1])?.list : null) ?? [];
      const down = layout === "channels last" ? 1 : pads.length / 2 - 2;
      const padding = [pads[down], pads[down + 1]];
      field = pads.length < 6 ? null : behind(field, { size: [1, 1], stride: [1, 1], dilation: [1, 1], padding });
    }
    this.#values.set(node.makes[0], { layer: value.layer, layout, field });
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

  /** @param {Node} node @param {string} given @returns {Layout} */
  #layout(node, given) {
    const made = this.#shape(node.makes[0]) ?? [];
    if (made.length !== 4) return null;
    if (["Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"].includes(node.operator))
      return "channels first";
    const before = this.#value(given).layout;
    if (node.operator === "Transpose") {
      const order = (node.settings.perm ?? []).join();
      return order === "0,2,3,1" ? "channels last" : order === "0,3,1,2" ? "channels first" : before;
    }
    if (["Reshape", "Unsqueeze"].includes(node.operator) && (made[1] === 1) !== (made[3] === 1))
      return made[1] === 1 ? "channels first" : "channels last";
    return before ?? "channels first";
  }

  /** @param {Node} node @param {string} kind @param {Window | null} window @returns {Field | null} */
  #field(node, kind, window) {
    if (kind === "dense" || (kind === "pooling" && !window)) return null;
    const fields = node.takes.filter((name) => this.#shape(name)).map((name) => this.#value(name).field);
    const joined = fields.reduce((one, other) => (one && other ? joinedFields(one, other) : null));
    return joined && window ? behind(joined, window) : joined;
  }
}
