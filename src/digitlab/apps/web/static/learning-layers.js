// The layers of two small networks, forward and backward, one image at a time. Arrays are laid out as in Keras:
// a dense kernel [input][unit], a convolution's [row][column][filter], maps [row][column][filter].
//
// Zeros are skipped: four fifths of a digit's pixels are 0, and most outputs of a ReLU.

/**
 * Weights and their gradient, summed over the images since it was last cleared.
 * @typedef {{ name: "kernel" | "bias", values: Values, gradient: Values }} Parameter
 * @typedef {Float32Array<ArrayBuffer>} Values
 * @typedef {[number, number, number]} Shape Rows, columns, maps; a row of units is [1, 1, units].
 * @typedef {Dense | Convolution | Relu | Pooling} Layer
 */

export class Dense {
  /** @type {Values} The input of the last forward pass. */
  input = new Float32Array(0);

  /** @param {string} name @param {Shape} inputs @param {number} units */
  constructor(name, inputs, units) {
    const size = inputs[0] * inputs[1] * inputs[2];
    this.name = name;
    this.kind = /** @type {const} */ ("dense");
    this.inputs = inputs;
    this.units = units;
    /** @type {Shape} */
    this.shape = [1, 1, units];
    this.fan = [size, units];
    this.kernel = parameter("kernel", size * units);
    this.bias = parameter("bias", units);
    this.output = new Float32Array(units);
    this.outputGradient = new Float32Array(units);
    this.inputGradient = new Float32Array(size);
  }

  /** @param {Values} input */
  forward(input) {
    const { output, units } = this;
    const kernel = this.kernel.values;
    this.input = input;
    output.set(this.bias.values);
    for (let from = 0, start = 0; from < input.length; from++, start += units) {
      const value = input[from];
      if (value !== 0) for (let unit = 0; unit < units; unit++) output[unit] += value * kernel[start + unit];
    }
    return output;
  }

  /** Backpropagate `outputGradient` to the weights and, if `further`, to the input. @param {boolean} further */
  backward(further) {
    const { input, units, outputGradient, inputGradient } = this;
    const [kernel, sums, bias] = [this.kernel.values, this.kernel.gradient, this.bias.gradient];
    for (let unit = 0; unit < units; unit++) bias[unit] += outputGradient[unit];
    for (let from = 0, start = 0; from < input.length; from++, start += units) {
      const value = input[from];
      if (value !== 0) for (let unit = 0; unit < units; unit++) sums[start + unit] += value * outputGradient[unit];
      if (!further) continue;
      let sum = 0;
      for (let unit = 0; unit < units; unit++) sum += kernel[start + unit] * outputGradient[unit];
      inputGradient[from] = sum;
    }
    return inputGradient;
  }
}

export class Convolution {
  /** @type {Values} */
  input = new Float32Array(0);

  /**
   * Convolution of one input map, without padding.
   * @param {string} name @param {Shape} inputs @param {number} units filters @param {number} side of a filter
   */
  constructor(name, inputs, units, side) {
    const [rows, columns] = [inputs[0] - side + 1, inputs[1] - side + 1];
    this.name = name;
    this.kind = /** @type {const} */ ("convolution");
    this.inputs = inputs;
    this.units = units;
    this.side = side;
    /** @type {Shape} */
    this.shape = [rows, columns, units];
    this.fan = [side * side, side * side * units];
    this.kernel = parameter("kernel", side * side * units);
    this.bias = parameter("bias", units);
    this.output = new Float32Array(rows * columns * units);
    this.outputGradient = new Float32Array(this.output.length);
    this.inputGradient = new Float32Array(inputs[0] * inputs[1]);
  }

  /** @param {Values} input */
  forward(input) {
    const { output, units, side } = this;
    const kernel = this.kernel.values;
    const bias = this.bias.values;
    const [high, wide] = this.inputs;
    const [rows, columns] = this.shape;
    this.input = input;
    output.set(bias);
    for (let filled = units; filled < output.length; filled *= 2) output.copyWithin(filled, 0, filled);
    // Each pixel contributes to all windows that contain it.
    for (let row = 0; row < high; row++)
      for (let column = 0; column < wide; column++) {
        const value = input[row * wide + column];
        if (value === 0) continue;
        const [first, last] = [Math.max(0, column - columns + 1), Math.min(side, column + 1)];
        for (let down = Math.max(0, row - rows + 1); down < Math.min(side, row + 1); down++) {
          let to = ((row - down) * columns + column - first) * units;
          let from = (down * side + first) * units;
          for (let right = first; right < last; right++, to -= 2 * units)
            for (let unit = 0; unit < units; unit++) output[to++] += value * kernel[from++];
        }
      }
    return output;
  }

  /** @param {boolean} further */
  backward(further) {
    const { input, units, side, outputGradient, inputGradient } = this;
    const [kernel, sums, bias] = [this.kernel.values, this.kernel.gradient, this.bias.gradient];
    const wide = this.inputs[1];
    const [rows, columns] = this.shape;
    if (further) inputGradient.fill(0);
    for (let row = 0, index = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        for (let unit = 0; unit < units; unit++, index++) {
          const gradient = outputGradient[index];
          if (gradient === 0) continue;
          bias[unit] += gradient;
          for (let down = 0, from = unit; down < side; down++) {
            let at = (row + down) * wide + column;
            for (let right = 0; right < side; right++, at++, from += units) {
              sums[from] += gradient * input[at];
              if (further) inputGradient[at] += gradient * kernel[from];
            }
          }
        }
    return inputGradient;
  }
}

export class Relu {
  /** @param {string} name @param {Shape} shape */
  constructor(name, shape) {
    this.name = name;
    this.kind = /** @type {const} */ ("relu");
    this.shape = shape;
    this.output = new Float32Array(shape[0] * shape[1] * shape[2]);
    this.outputGradient = new Float32Array(this.output.length);
    this.inputGradient = new Float32Array(this.output.length);
  }

  /** @param {Values} input */
  forward(input) {
    const { output } = this;
    for (let index = 0; index < input.length; index++) output[index] = Math.max(input[index], 0);
    return output;
  }

  backward() {
    const { output, outputGradient, inputGradient } = this;
    for (let index = 0; index < output.length; index++)
      inputGradient[index] = output[index] > 0 ? outputGradient[index] : 0;
    return inputGradient;
  }
}

/** Max pooling over 2×2 windows; of several equal maxima, the first is chosen. */
export class Pooling {
  /** @param {string} name @param {Shape} inputs */
  constructor(name, inputs) {
    this.name = name;
    this.kind = /** @type {const} */ ("pooling");
    this.inputs = inputs;
    /** @type {Shape} */
    this.shape = [inputs[0] >> 1, inputs[1] >> 1, inputs[2]];
    this.output = new Float32Array(this.shape[0] * this.shape[1] * this.shape[2]);
    this.outputGradient = new Float32Array(this.output.length);
    this.inputGradient = new Float32Array(inputs[0] * inputs[1] * inputs[2]);
    this.chosen = new Int32Array(this.output.length);
  }

  /** @param {Values} input */
  forward(input) {
    const { output, chosen } = this;
    const [, wide, units] = this.inputs;
    const [rows, columns] = this.shape;
    for (let row = 0, index = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        for (let unit = 0; unit < units; unit++, index++) {
          let best = (2 * row * wide + 2 * column) * units + unit;
          const below = best + wide * units;
          if (input[best + units] > input[best]) best += units;
          if (input[below] > input[best]) best = below;
          if (input[below + units] > input[best]) best = below + units;
          chosen[index] = best;
          output[index] = input[best];
        }
    return output;
  }

  backward() {
    const { chosen, outputGradient, inputGradient } = this;
    inputGradient.fill(0);
    for (let index = 0; index < chosen.length; index++) inputGradient[chosen[index]] = outputGradient[index];
    return inputGradient;
  }
}

/** @param {Parameter["name"]} name @param {number} size @returns {Parameter} */
function parameter(name, size) {
  return { name, values: new Float32Array(size), gradient: new Float32Array(size) };
}
