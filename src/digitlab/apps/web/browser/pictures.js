// Pictures in memory, and resizing them as OpenCV does, bit for bit for 8-bit pixels.

/**
 * Pixels row by row, with `channels` numbers each: bytes or floats.
 * @template {Uint8Array | Float32Array} Kind
 * @typedef {{ width: number, height: number, channels: number, data: Kind }} Pixels
 */
/**
 * @typedef {Pixels<Uint8Array>} Picture
 * @typedef {Pixels<Float32Array>} Ink
 */

const NEAR = 1.5; // old pixels per new one

/** Round as Python does, half to even. @param {number} value */
export function rounded(value) {
  const below = Math.floor(value);
  const fraction = value - below;
  if (fraction !== 0.5) return fraction < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** @param {number} value */
export const byte = (value) => Math.max(0, Math.min(255, rounded(value)));

/**
 * @template {Uint8Array | Float32Array} Kind
 * @param {Pixels<Kind>} like @param {number} width @param {number} height
 * @returns {Pixels<Kind>}
 */
export function emptyLike(like, width, height) {
  const Kind = /** @type {any} */ (like.data.constructor);
  return { width, height, channels: like.channels, data: new Kind(width * height * like.channels) };
}

/**
 * Crop a picture from (x0, y0) to (x1, y1), exclusive.
 * @template {Uint8Array | Float32Array} Kind
 * @param {Pixels<Kind>} picture @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1
 */
export function crop(picture, x0, y0, x1, y1) {
  const result = emptyLike(picture, x1 - x0, y1 - y0);
  const [sourceStride, stride] = [picture.width * picture.channels, result.width * picture.channels];
  for (let row = 0; row < result.height; row++) {
    const start = (y0 + row) * sourceStride + x0 * picture.channels;
    result.data.set(/** @type {any} */ (picture.data.subarray(start, start + stride)), row * stride);
  }
  return result;
}

/**
 * Reduce a picture by area averaging so that its longest side has at most `side` pixels.
 * @param {Picture} picture @param {number} side
 */
export function shrink(picture, side) {
  const size = reducedSize(picture, side);
  return size ? byArea(picture, ...size) : picture;
}

/**
 * The same, but halve as often as possible, then interpolate bilinearly where the remaining factor skips no pixels.
 * @param {Picture} picture @param {number} side
 */
export function halvedTo(picture, side) {
  const size = reducedSize(picture, side);
  if (!size) return picture;
  const [width, height] = size;
  let small = picture;
  while (small.width >= 2 * width && small.height >= 2 * height) {
    const [wide, high] = [small.width >> 1, small.height >> 1];
    small = byArea(crop(small, 0, 0, 2 * wide, 2 * high), wide, high);
  }
  const factor = Math.max(small.width / width, small.height / height);
  return factor < NEAR ? linear(small, width, height) : byArea(small, width, height);
}

/** @param {Picture} picture @param {number} side @returns {[number, number] | null} */
function reducedSize(picture, side) {
  const scale = side / Math.max(picture.height, picture.width);
  if (scale >= 1) return null;
  return [Math.max(1, rounded(picture.width * scale)), Math.max(1, rounded(picture.height * scale))];
}

/**
 * Rotate a picture by this number of quarter turns to the left.
 * @param {Picture} picture @param {number} turns
 */
export function turned(picture, turns) {
  if (!turns) return picture;
  const [isSideways, { width, height, channels, data }] = [turns % 2 === 1, picture];
  const result = emptyLike(picture, isSideways ? height : width, isSideways ? width : height);
  for (let y = 0, to = 0; y < result.height; y++)
    for (let x = 0; x < result.width; x++) {
      const [fromX, fromY] =
        turns === 1
          ? [width - 1 - y, x]
          : turns === 2
            ? [width - 1 - x, height - 1 - y]
            : turns === 3
              ? [y, height - 1 - x]
              : [x, y];
      for (let channel = 0; channel < channels; channel++)
        result.data[to++] = data[(fromY * width + fromX) * channels + channel];
    }
  return result;
}

/**
 * Resize to a smaller size: each new pixel is the mean of the area that it covers (INTER_AREA).
 * @template {Uint8Array | Float32Array} Kind
 * @param {Pixels<Kind>} picture @param {number} width @param {number} height
 * @param {number} [across] old pixels per new one; OpenCV uses a factor that it is given instead of the sizes' ratio
 * @param {number} [down]
 * @returns {Pixels<Kind>}
 */
export function byArea(picture, width, height, across = picture.width / width, down = picture.height / height) {
  if (width === picture.width && height === picture.height) return picture;
  if (across < 1 || down < 1) return linear(picture, width, height); // one side grows
  const isBytes = picture.data instanceof Uint8Array;
  if (Number.isInteger(across) && Number.isInteger(down)) return byBlocks(picture, width, height, across, down);
  const { channels, data } = picture;
  const result = emptyLike(picture, width, height);
  const [columns, rows] = [shares(picture.width, width, across), shares(picture.height, height, down)];
  const line = width * channels;
  const [sums, row] = [new Float32Array(line), new Float32Array(line)];
  let last = 0;
  const write = () => {
    for (let index = 0; index < line; index++)
      result.data[last * line + index] = isBytes ? byte(sums[index]) : sums[index];
  };
  for (let entry = 0; entry < rows.to.length; entry++) {
    row.fill(0);
    const from = rows.from[entry] * picture.width * channels;
    for (let index = 0; index < columns.to.length; index++) {
      const [target, source, share] = [
        columns.to[index] * channels,
        from + columns.from[index] * channels,
        columns.share[index],
      ];
      for (let channel = 0; channel < channels; channel++)
        row[target + channel] += Math.fround(data[source + channel] * share);
    }
    const share = rows.share[entry];
    if (rows.to[entry] === last && entry > 0)
      for (let index = 0; index < line; index++) sums[index] += Math.fround(share * row[index]);
    else {
      if (entry > 0) write();
      for (let index = 0; index < line; index++) sums[index] = share * row[index];
      last = rows.to[entry];
    }
  }
  write();
  return result;
}

/**
 * List the old pixels that each new one covers, and the share of it that each makes up.
 * @param {number} from @param {number} to @param {number} scale old pixels per new one
 */
function shares(from, to, scale) {
  const [targets, sources, share] = [
    /** @type {number[]} */ ([]),
    /** @type {number[]} */ ([]),
    /** @type {number[]} */ ([]),
  ];
  const add = (/** @type {number} */ target, /** @type {number} */ source, /** @type {number} */ fraction) => {
    targets.push(target);
    sources.push(source);
    share.push(Math.fround(fraction));
  };
  for (let target = 0; target < to; target++) {
    const [begin, end] = [target * scale, (target + 1) * scale];
    const cell = Math.min(scale, from - begin);
    let [first, last] = [Math.ceil(begin), Math.floor(end)];
    last = Math.min(last, from - 1);
    first = Math.min(first, last);
    if (first - begin > 1e-3) add(target, first - 1, (first - begin) / cell);
    for (let source = first; source < last; source++) add(target, source, 1 / cell);
    if (end - last > 1e-3) add(target, last, Math.min(Math.min(end - last, 1), cell) / cell);
  }
  return { to: targets, from: sources, share: Float32Array.from(share) };
}

/**
 * @template {Uint8Array | Float32Array} Kind
 * @param {Pixels<Kind>} picture @param {number} width @param {number} height @param {number} across @param {number} down
 */
function byBlocks({ width: wide, height: high, channels, data }, width, height, across, down) {
  const result = emptyLike({ width, height, channels, data }, width, height);
  const isBytes = data instanceof Uint8Array;
  const full = across * down;
  const factor = Math.fround(1 / full);
  const isHalving = isBytes && across === 2 && down === 2;
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [right, bottom] = [Math.min((x + 1) * across, wide), Math.min((y + 1) * down, high)];
      const count = (right - x * across) * (bottom - y * down); // a block at the border may be cut
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let row = y * down; row < bottom; row++)
          for (let column = x * across; column < right; column++)
            sum += data[(row * wide + column) * channels + channel];
        const mean = count === full ? Math.fround(sum * factor) : Math.fround(sum / count);
        result.data[to++] = isHalving && count === full ? (sum + 2) >> 2 : isBytes ? byte(mean) : mean;
      }
    }
  return /** @type {Pixels<Kind>} */ (/** @type {unknown} */ (result));
}

/**
 * Resize by bilinear interpolation between the four nearest pixels (INTER_LINEAR).
 * @template {Uint8Array | Float32Array} Kind
 * @param {Pixels<Kind>} picture @param {number} width @param {number} height
 * @returns {Pixels<Kind>}
 */
export function linear(picture, width, height) {
  const { channels, data } = picture;
  if (width === picture.width && height === picture.height) return picture;
  if (picture.width === 2 * width && picture.height === 2 * height) return byBlocks(picture, width, height, 2, 2);
  const isBytes = data instanceof Uint8Array;
  const [columns, rows] = [
    interpolation(picture.width, width, isBytes, true),
    interpolation(picture.height, height, isBytes, false),
  ];
  const result = emptyLike(picture, width, height);
  const line = width * channels;
  /** @type {Map<number, Float64Array>} */
  const cache = new Map();
  const across = (/** @type {number} */ row) => {
    const cached = cache.get(row);
    if (cached) return cached;
    const sums = new Float64Array(line);
    for (let x = 0, to = 0; x < width; x++)
      for (let channel = 0; channel < channels; channel++) {
        const [left, right] = [
          data[(row * picture.width + columns.low[x]) * channels + channel],
          data[(row * picture.width + columns.high[x]) * channels + channel],
        ];
        const sum = left * columns.first[x] + right * columns.second[x];
        sums[to++] = isBytes ? sum : Math.fround(sum);
      }
    cache.delete(row - 2);
    cache.set(row, sums);
    return sums;
  };
  for (let y = 0; y < height; y++) {
    const [top, bottom] = [across(rows.low[y]), across(rows.high[y])];
    const [a, b] = [rows.first[y], rows.second[y]];
    for (let index = 0, to = y * line; index < line; index++, to++)
      result.data[to] = isBytes
        ? (((a * (top[index] >> 4)) >> 16) + ((b * (bottom[index] >> 4)) >> 16) + 2) >> 2
        : top[index] * a + bottom[index] * b;
  }
  return result;
}

/**
 * Compute interpolation weights; of 8-bit pixels, integers that sum to 2048. Beyond the border the last column is used
 * alone, whereas a row is blended with itself, which rounds differently.
 * @param {number} from @param {number} to @param {boolean} isBytes @param {boolean} columns
 */
function interpolation(from, to, isBytes, columns) {
  const scale = from / to;
  const [low, high] = [new Int32Array(to), new Int32Array(to)];
  const [first, second] = [new Float64Array(to), new Float64Array(to)];
  for (let index = 0; index < to; index++) {
    let weight = Math.fround((index + 0.5) * scale - 0.5);
    let below = Math.floor(weight);
    weight = Math.fround(weight - below);
    if (columns && below < 0) [below, weight] = [0, 0];
    if (columns && below >= from - 1) [below, weight] = [from - 1, 0];
    low[index] = Math.max(0, Math.min(below, from - 1));
    high[index] = Math.max(0, Math.min(below + 1, from - 1));
    const complement = Math.fround(1 - weight);
    [first[index], second[index]] = isBytes
      ? [rounded(complement * 2048), rounded(weight * 2048)]
      : [complement, weight];
  }
  return { low, high, first, second };
}
