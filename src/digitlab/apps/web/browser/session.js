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
    this.#keep(this.model.graph, this.#constants);
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
   * @param {Record<string, Tensor>} given
   * @param {Map<string, Tensor>} [instead] constants to override in this run
   * @returns {Scope}
   */
  run(given, instead = new Map()) {
    const scope = new Map([...this.#constants, ...instead, ...Object.entries(given)]);
    this.#pass(this.model.graph, scope, false);
    return scope;
  }

  /** Collect the constants; dequantise quantised ones once, here. @param {Graph} graph @param {Scope} scope */
  #keep(graph, scope) {
    for (const [name, { type, dims, values }] of graph.constants) scope.set(name, new Tensor(type, dims, values));
    graph.nodes = graph.nodes.filter((node) => {
      for (const value of Object.values(node.settings)) if (value?.nodes) this.#keep(value, scope);
      if (node.operator !== "DequantizeLinear" || !graph.constants.has(node.takes[0])) {
        if (node.operator === "DequantizeLinear" && scope.has(node.takes[0])) return this.#levelled(node, scope);
        return true;
      }
      return this.#levelled(node, scope);
    });
  }

  /** @param {Node} node @param {Scope} scope */
  #levelled(node, scope) {
    const given = node.takes.map((name) => scope.get(name));
    if (given.some((each) => each === undefined)) return true;
    const made = /** @type {Tensor} */ (OPERATORS.DequantizeLinear(/** @type {Tensor[]} */ (given), node.settings));
    scope.set(node.makes[0], made);
    return false;
  }

  /** @param {Graph} graph @param {Scope} scope @param {boolean} inside whether the graph is nested in another */
  #pass(graph, scope, inside) {
    for (const node of graph.nodes) {
      const given = /** @type {Tensor[]} */ (node.takes.map((name) => (name ? scope.get(name) : undefined)));
      const made = this.#step(node, given, scope, inside);
      node.makes.forEach((name, place) => {
        if (name) scope.set(name, made[place]);
      });
    }
  }

  /** @param {Node} node @param {Tensor[]} given @param {Scope} scope @param {boolean} inside @returns {Tensor[]} */
  #step({ operator, settings, makes }, given, scope, inside) {
    // ONNX Runtime processes a convolution's maps in blocks, but not in a nested graph.
    if (operator === "Conv") return [this.#bench.convolve(given[0], given[1], given[2], settings, !inside)];
    if (operator === "If") {
      const branch = /** @type {Graph} */ (given[0].number ? settings.then_branch : settings.else_branch);
      const inner = new Map(scope);
      this.#pass(branch, inner, true);
      return branch.outputs.map((name) => /** @type {Tensor} */ (inner.get(name)));
    }
    const made = OPERATORS[operator](given, { ...settings, opset: this.model.opset, outputs: makes.length });
    return Array.isArray(made) ? made : [made];
  }
}

/** @param {Graph} graph @returns {string[]} */
function operatorsOf(graph) {
  return graph.nodes.flatMap(({ operator, settings }) => [
    operator,
    ...Object.values(settings).flatMap((each) => (each?.nodes ? operatorsOf(each) : [])),
  ]);
}
