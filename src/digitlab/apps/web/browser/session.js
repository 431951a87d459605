// A network from its ONNX file, run node by node.

import { Workbench } from "./convolution.js";
import { OPERATORS } from "./layers.js";
import { ModelError, readOnnx } from "./onnx.js";
import { Tensor } from "./tensor.js";

/**
 * @import { Graph, Model, Node } from "./onnx.js"
 * @typedef {Map<string, Tensor>} Scope
 */

export class Session {
  /** @type {Model} */
  model;
  /** @type {Scope} */
  #constants = new Map();
  #bench = new Workbench();

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.model = readOnnx(bytes);
    this.#collectConstants(this.model.graph, this.#constants);
    const missing = [
      ...new Set(
        operatorsOf(this.model.graph).filter((each) => !(each in OPERATORS) && each !== "Conv" && each !== "If"),
      ),
    ];
    if (missing.length) throw new ModelError(`uses ${missing.slice(0, 5).join(", ")}, which this page cannot compute`);
  }

  /** Names of all constants, including those dequantised from constants alone. */
  get constantNames() {
    return new Set(this.#constants.keys());
  }

  /** Name of the only input. */
  get input() {
    const { inputs, constants } = this.model.graph;
    return inputs.filter(({ name }) => !constants.has(name))[0]?.name ?? "";
  }

  /**
   * Run one forward pass; return all tensors by name. What is never read may stay unevaluated (see tensor.js).
   * @param {Record<string, Tensor>} inputs
   * @param {Map<string, Tensor>} [overrides] constants to override in this run
   * @returns {Scope}
   */
  run(inputs, overrides = new Map()) {
    const scope = new Map([...this.#constants, ...overrides, ...Object.entries(inputs)]);
    this.#runGraph(this.model.graph, scope, false);
    return scope;
  }

  /** Collect the constants; dequantise quantised ones once, here. @param {Graph} graph @param {Scope} scope */
  #collectConstants(graph, scope) {
    for (const [name, { type, dims, values }] of graph.constants) scope.set(name, new Tensor(type, dims, values));
    graph.nodes = graph.nodes.filter((node) => {
      for (const value of Object.values(node.settings)) if (value?.nodes) this.#collectConstants(value, scope);
      if (node.operator !== "DequantizeLinear" || !graph.constants.has(node.inputs[0])) {
        if (node.operator === "DequantizeLinear" && scope.has(node.inputs[0])) return this.#dequantised(node, scope);
        return true;
      }
      return this.#dequantised(node, scope);
    });
  }

  /** @param {Node} node @param {Scope} scope */
  #dequantised(node, scope) {
    const inputs = node.inputs.map((name) => scope.get(name));
    if (inputs.some((each) => each === undefined)) return true;
    const result = /** @type {Tensor} */ (OPERATORS.DequantizeLinear(/** @type {Tensor[]} */ (inputs), node.settings));
    scope.set(node.outputs[0], result);
    return false;
  }

  /** @param {Graph} graph @param {Scope} scope @param {boolean} inside whether the graph is nested in another */
  #runGraph(graph, scope, inside) {
    for (const node of graph.nodes) {
      const inputs = /** @type {Tensor[]} */ (node.inputs.map((name) => (name ? scope.get(name) : undefined)));
      const results = this.#runNode(node, inputs, scope, inside);
      node.outputs.forEach((name, index) => {
        if (name) scope.set(name, results[index]);
      });
    }
  }

  /** @param {Node} node @param {Tensor[]} inputs @param {Scope} scope @param {boolean} inside @returns {Tensor[]} */
  #runNode({ operator, settings, outputs }, inputs, scope, inside) {
    // ONNX Runtime processes a convolution's maps in blocks, but not in a nested graph.
    if (operator === "Conv") return [this.#bench.convolve(inputs[0], inputs[1], inputs[2], settings, !inside)];
    if (operator === "If") {
      const branch = /** @type {Graph} */ (inputs[0].number ? settings.then_branch : settings.else_branch);
      const inner = new Map(scope);
      this.#runGraph(branch, inner, true);
      return branch.outputs.map((name) => /** @type {Tensor} */ (inner.get(name)));
    }
    const result = OPERATORS[operator](inputs, { ...settings, opset: this.model.opset, outputs: outputs.length });
    return Array.isArray(result) ? result : [result];
  }
}

/** @param {Graph} graph @returns {string[]} */
function operatorsOf(graph) {
  return graph.nodes.flatMap(({ operator, settings }) => [
    operator,
    ...Object.values(settings).flatMap((each) => (each?.nodes ? operatorsOf(each) : [])),
  ]);
}
