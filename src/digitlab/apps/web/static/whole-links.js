// Which maps of a network are shown on one screen, and which of them are computed from which.

import { convolutionBefore, makesMaps } from "./layers.js";
import { Weights } from "./maps.js";

/**
 * @import { LayerDetail } from "../schemas.js"
 * @import { Maps } from "./maps.js"
 * @typedef {{ column: number, map: number }} Spot
 * @typedef {{ from: Spot, to: Spot, share: number }} Link `share`: strength of the line, 0 … 1
 * @typedef {{ layer: LayerDetail, maps: Maps, shown: number[], together: boolean, count: number, names: string[], parts: LayerDetail[] }} Column
 *   `together`: all its numbers are one picture; `parts`: the layers that it stands for, `names`: their names
 */

const SHOWN = 8;
const SOURCES = 3; // maximum number of links drawn per map
const MOVES = ["flatten", "normalisation"];

/**
 * The columns: an activation stands also for the layer before it; layers that only move or scale numbers have none.
 * @param {LayerDetail[]} layers
 * @param {Map<string, Maps>} maps
 * @returns {Column[]}
 */
export function columnsOf(layers, maps) {
  /** @type {Column[]} */
  const columns = [];
  /** @type {LayerDetail[]} */
  let passed = [];
  for (const [index, layer] of layers.entries()) {
    const next = layers[index + 1];
    const covered = next?.kind === "activation" && next.takes[0] === layer.name;
    if (covered || MOVES.includes(layer.kind)) {
      passed.push(layer);
      continue;
    }
    const parts = [...passed, layer];
    const layerMaps = /** @type {Maps} */ (maps.get(layer.name));
    const digits = layerMaps.count === 10 && !makesMaps(layer);
    const together = !makesMaps(layer) && !digits;
    const shown = together ? [0] : digits ? [...Array(10).keys()] : shownOf(layer, layerMaps, layers, columns);
    columns.push({
      layer,
      maps: layerMaps,
      shown,
      together,
      count: layerMaps.count,
      names: parts.map(({ name }) => name),
      parts,
    });
    passed = [];
  }
  return columns;
}

/**
 * The strongest maps; after a convolution, the same ones that are already shown of it.
 * @param {LayerDetail} layer @param {Maps} maps @param {LayerDetail[]} layers @param {Column[]} columns
 */
function shownOf(layer, maps, layers, columns) {
  const maker = convolutionBefore(layer, layers);
  const earlier = columns.find(({ names }) => maker && names.includes(maker.name));
  const same = earlier && earlier.count === maps.count;
  return same
    ? earlier.shown
    : maps
        .strongest()
        .slice(0, SHOWN)
        .sort((a, b) => a - b);
}

/**
 * Links to each shown map from the shown maps that it is computed from: those with the largest weights.
 * @param {Column[]} columns
 * @param {LayerDetail[]} layers
 * @returns {Link[]}
 */
export function linksOf(columns, layers) {
  return columns.flatMap((column, index) => {
    const maker = [...column.names]
      .map((name) => layers.find((each) => each.name === name))
      .find((each) => each?.kernels);
    const weights = maker?.kernels ? new Weights(maker.kernels) : null;
    const takes = [...new Set(column.names.flatMap((name) => layers.find((each) => each.name === name)?.takes ?? []))];
    return takes.flatMap((name) => {
      const source = columns.findLastIndex(({ names }, at) => at < index && names.includes(name));
      return source < 0 ? [] : between(columns[source], source, column, index, weights);
    });
  });
}

/** @param {Column} before @param {number} from @param {Column} column @param {number} to @param {Weights | null} weights @returns {Link[]} */
function between(before, from, column, to, weights) {
  return column.shown.flatMap((map) => {
    const link = (/** @type {number} */ source, share = 1) => ({
      from: { column: from, map: source },
      to: { column: to, map },
      share,
    });
    const all = before.shown.map((source) => link(source, 0.3));
    if (column.together || before.together) return all;
    if (!weights) return before.count === column.count && before.shown.includes(map) ? [link(map)] : all;
    if (weights.inputs !== before.count) return all;
    const order = weights.strongestInputs(map).filter((input) => before.shown.includes(input));
    return order.slice(0, SOURCES).map((source, rank) => link(source, 1 - rank / SOURCES));
  });
}
