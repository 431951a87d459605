// Receptive fields: which pixels of the 28×28 image one unit of a layer can see.

/**
 * @import { Layout, Window } from "./walk.js"
 * @typedef {{ size: number[], step: number[], middle: number[] }} Field Of the first unit, in pixels (down, across).
 */

const SIDE = 28;

/** A pixel's own field. @type {Field} */
export const POINT = { size: [1, 1], step: [1, 1], middle: [0, 0] };

/** Fields of units that see a `window` of these units. @param {Field} field @param {Window} window @returns {Field} */
export function throughWindow(field, { size, stride, dilation, padding }) {
  const extent = [0, 1].map((axis) => (size[axis] - 1) * dilation[axis]);
  return {
    size: [0, 1].map((axis) => field.size[axis] + extent[axis] * field.step[axis]),
    step: [0, 1].map((axis) => field.step[axis] * stride[axis]),
    middle: [0, 1].map((axis) => field.middle[axis] + (extent[axis] / 2 - padding[axis]) * field.step[axis]),
  };
}

/** Fields of units that sum two branches, or null. @param {Field} one @param {Field} other @returns {Field | null} */
export function joinedFields(one, other) {
  if (one.step.some((step, axis) => step !== other.step[axis])) return null;
  const edge = (/** @type {(...all: number[]) => number} */ choose, /** @type {number} */ sign) =>
    [0, 1].map((axis) => choose(...[one, other].map((each) => each.middle[axis] + (sign * (each.size[axis] - 1)) / 2)));
  const [low, high] = [edge(Math.min, -1), edge(Math.max, 1)];
  return {
    size: [0, 1].map((axis) => Math.round(high[axis] - low[axis]) + 1),
    step: one.step,
    middle: [0, 1].map((axis) => (low[axis] + high[axis]) / 2),
  };
}

/** @param {number[]} list */
export const product = (list) => list.reduce((all, each) => all * each, 1);

/** Shape of one image's tensor as maps, rows, columns. @param {number[]} dims @param {Layout} layout */
export function mapsShape(dims, layout) {
  if (layout === "picture") return [1, SIDE, SIDE];
  if (dims.length === 4) return layout === "channels last" ? [dims[3], dims[1], dims[2]] : dims.slice(1);
  return dims.length === 3 ? [1, dims[1], dims[2]] : [product(dims), 1, 1];
}
