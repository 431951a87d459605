"""The steps in 8-bit integers, and the same computation in NumPy, with exactly the numbers of the C code.

A tensor's value is scale × (number − zero), with numbers from -128 to 127. Weights have one scale per output; the last
product has one for all ten, so that its sums are the logits up to a single factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.models.export.c_source.steps import Concatenation, Pool, Product, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from digitlab.models.export.c_source.steps import Program, Shape

__all__ = ["Quantised", "Weights", "answers", "quantise"]

_TOGETHER = 50  # images per batch; the pixels under all kernel positions stay below 100 MB
_EXACT = 2**24  # float32 represents every integer up to here exactly
_LARGEST_BIAS = 2.0**28


@dataclass(frozen=True, slots=True)
class Weights:
    """Of one product: its sum of ``weights`` × numbers + ``bias`` is requantised by ``multipliers`` / 2**``shifts``.

    weights: int8; bias, multipliers: int32; shifts: uint8; one for each output
    """

    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    multipliers: NDArray[np.int32]
    shifts: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Quantised:
    """A network in 8 bits.

    scales, zeros: of each tensor; the image's zero need not be an integer
    weights: of each product, by the number of its step
    tables: int8 (256,), by step and input, for numbers from -128 upwards
    logit: the value of one unit of the last sums, as a logit
    """

    program: Program
    scales: list[float]
    zeros: list[float]
    weights: dict[int, Weights]
    tables: dict[tuple[int, int], NDArray[np.int8]]
    logit: float


def quantise(program: Program, images: NDArray[np.uint8]) -> Quantised:
    """Choose scales from the minimum and maximum values that occur for these images, and round the weights."""
    ranges = _ranges(program, images)
    sign = -1.0 if program.scale < 0 else 1.0
    scales, zeros = [abs(program.scale)], [-128.0 * sign - (sign < 0) - program.offset / abs(program.scale)]
    weights: dict[int, Weights] = {}
    tables: dict[tuple[int, int], NDArray[np.int8]] = {}
    logit = 1.0
    for number, step in enumerate(program.steps):
        inputs = step.inputs if isinstance(step, Concatenation) else (step.input,)
        same = len({(scales[tensor], zeros[tensor]) for tensor in inputs}) == 1
        if isinstance(step, Pool) or (isinstance(step, Concatenation) and same):
            scale, zero = scales[inputs[0]], zeros[inputs[0]]
        else:
            scale, zero = _scale_and_zero(*ranges[step.output])
        scales.append(scale)
        zeros.append(zero)
        if isinstance(step, Product):
            last = number == len(program.steps) - 1
            weights[number], logit = _weights(step, scales[step.input], zeros[step.input], None if last else scale)
        elif isinstance(step, Table) or not same:
            for position, tensor in enumerate(inputs):
                values = scales[tensor] * (np.arange(-128.0, 128.0) - zeros[tensor])
                values = step.function(values) if isinstance(step, Table) else values
                tables[number, position] = np.clip(np.rint(values / scale + zero), -128, 127).astype(np.int8)
    return Quantised(program, scales, zeros, weights, tables, logit)


def answers(network: Quantised, images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the last sums for uint8 (N, 28, 28), int64 (N, 10), as in the C code; times ``logit`` they are logits."""
    return np.concatenate([tensors[-1] for tensors in _run(network, images)])


def _scale_and_zero(least: float, largest: float) -> tuple[float, float]:
    """Choose them so that 0 is an integer, and -128 if no value is negative: int8's limits then act as a ReLU."""
    least, largest = min(least, 0.0), max(largest, 0.0)
    scale = (largest - least) / 255 or 1.0
    return scale, float(np.rint(-128 - least / scale))


def _weights(step: Product, scale: float, zero: float, output_scale: float | None) -> tuple[Weights, float]:
    """Quantise a product; also return the unit of its sums. ``output_scale``: None: one unit for all outputs."""
    axes = tuple(range(2)) if step.depthwise else tuple(range(1, 4))
    # If a bias would be too large in units that suit the weights, the unit is enlarged until it fits.
    unit = np.maximum(np.abs(step.weights).max(axis=axes) / 127, np.abs(step.bias) / scale / _LARGEST_BIAS)
    if output_scale is None:
        unit = np.full_like(unit, unit.max())
    unit[unit == 0] = 1.0
    spread = unit if step.depthwise else unit[:, None, None, None]
    rounded = np.clip(np.rint(step.weights / spread), -127, 127)
    bias = np.rint(step.bias / (scale * unit) - zero * rounded.sum(axis=axes))
    factor = scale * unit / (output_scale or 1.0)
    shifts = np.clip(31 - np.frexp(factor)[1], 1, 62)
    multipliers = np.minimum(np.rint(factor * 2.0**shifts), 2**31 - 1)
    quantised = Weights(
        rounded.astype(np.int8), bias.astype(np.int32), multipliers.astype(np.int32), shifts.astype(np.uint8)
    )
    return quantised, float(scale * unit[0])


def _ranges(program: Program, images: NDArray[np.uint8]) -> list[tuple[float, float]]:
    extremes = [[(tensor.min(), tensor.max()) for tensor in tensors] for tensors in _run(program, images)]
    return [
        (float(min(low for low, _ in each)), float(max(high for _, high in each)))
        for each in zip(*extremes, strict=True)
    ]


def _run(network: Program | Quantised, images: NDArray[np.uint8]) -> Iterator[list[NDArray[Any]]]:
    """Yield all tensors, batch by batch: real values for a `Program`, integers for a `Quantised` network."""
    whole = None if not isinstance(network, Quantised) else network
    program = network.program if isinstance(network, Quantised) else network
    for start in range(0, len(images), _TOGETHER):
        pixels = images[start : start + _TOGETHER, :, :, None].astype(np.float32)
        if whole is None:
            tensors = [pixels * np.float32(program.scale) + np.float32(program.offset)]
        else:
            tensors = [pixels - 128 if program.scale > 0 else 127 - pixels]
        for number, step in enumerate(program.steps):
            tensors.append(_result(program, whole, number, step, tensors))
        yield tensors


def _result(
    program: Program, whole: Quantised | None, number: int, step: Any, tensors: list[NDArray[Any]]
) -> NDArray[Any]:
    input_shape, shape = program.input_shapes[number], program.shapes[step.output]
    if isinstance(step, Concatenation):
        parts = [tensors[each].reshape(len(tensors[each]), *program.shapes[each]) for each in step.inputs]
        if whole is not None:
            parts = [_looked_up(whole.tables.get((number, position)), part) for position, part in enumerate(parts)]
        whole_pixels: NDArray[Any] = np.concatenate(
            [part.reshape(len(part), *shape[:2], -1) for part in parts], axis=-1
        )
        return whole_pixels
    values = tensors[step.input].reshape(-1, *input_shape)
    if isinstance(step, Table):
        return step.function(values) if whole is None else _looked_up(whole.tables[number, 0], values)
    if isinstance(step, Pool):
        return _pooled(step, values, shape, rounds=whole is not None)
    if whole is None:
        results = _sums(step, values, shape, step.weights.astype(np.float32), 0.0) + step.bias.astype(np.float32)
        return np.maximum(results, 0, dtype=np.float32) if step.rectified else results  # type: ignore[no-any-return]
    sums = _whole_sums(step, values, shape, whole.weights[number], float(np.rint(whole.zeros[step.input])))
    if number == len(program.steps) - 1:
        return sums.reshape(len(sums), -1)
    return _numbers(sums, whole.weights[number], int(whole.zeros[step.output]))


def _whole_sums(
    step: Product, values: NDArray[Any], shape: Shape, quantised: Weights, outside: float
) -> NDArray[np.int64]:
    axes = tuple(range(2)) if step.depthwise else tuple(range(1, 4))
    largest = 128 * int(np.abs(quantised.weights.astype(np.int64)).sum(axis=axes).max())
    weights = quantised.weights.astype(np.float32 if largest < _EXACT else np.float64)
    sums: NDArray[np.int64] = _sums(step, values, shape, weights, outside).astype(np.int64) + quantised.bias
    return sums


def _numbers(sums: NDArray[np.int64], quantised: Weights, zero: int) -> NDArray[np.float32]:
    shifts = quantised.shifts.astype(np.int64)
    numbers: NDArray[np.int64] = (sums * quantised.multipliers.astype(np.int64) + (1 << (shifts - 1))) >> shifts
    return np.clip(numbers + zero, -128, 127).astype(np.float32)


def _looked_up(table: NDArray[np.int8] | None, numbers: NDArray[Any]) -> NDArray[Any]:
    if table is None:
        return numbers
    entries: NDArray[np.int8] = table[numbers.astype(np.int64) + 128]
    return entries.astype(np.float32)


def _windows(step: Product | Pool, values: NDArray[Any], shape: Shape, outside: float) -> Iterator[Any]:
    """Yield the pixels under each position of the window, (N, rows, columns, channels)."""
    after = [
        max((extent_out - 1) * stride + size - before - extent, 0)
        for extent_out, stride, size, before, extent in zip(
            shape, step.stride, step.size, step.before, values.shape[1:3], strict=False
        )
    ]
    framed = np.pad(
        values, [(0, 0), (step.before[0], after[0]), (step.before[1], after[1]), (0, 0)], constant_values=outside
    )
    for row in range(step.size[0]):
        for column in range(step.size[1]):
            rows = slice(row, row + (shape[0] - 1) * step.stride[0] + 1, step.stride[0])
            columns = slice(column, column + (shape[1] - 1) * step.stride[1] + 1, step.stride[1])
            yield framed[:, rows, columns]


def _sums(step: Product, values: NDArray[Any], shape: Shape, weights: NDArray[Any], outside: float) -> NDArray[Any]:
    """Compute them as a matrix product, which is fast in floating point only; the integers are exact in it."""
    pixels = [part.astype(weights.dtype) for part in _windows(step, values, shape, outside)]
    if step.depthwise:
        kernels = weights.reshape(-1, weights.shape[2])
        return np.sum([part * kernel for part, kernel in zip(pixels, kernels, strict=True)], axis=0)  # type: ignore[no-any-return]
    return np.concatenate(pixels, axis=-1) @ weights.reshape(len(weights), -1).T  # type: ignore[no-any-return]


def _pooled(step: Pool, values: NDArray[Any], shape: Shape, *, rounds: bool) -> NDArray[Any]:
    if step.largest:
        return np.max(list(_windows(step, values, shape, -np.inf)), axis=0)  # type: ignore[no-any-return]
    total: Any = sum(_windows(step, values, shape, 0.0))
    count: Any = sum(_windows(step, np.ones_like(values[:1]), shape, 0.0))
    means: NDArray[Any] = (total + 128 * count + count // 2) // count - 128 if rounds else total / count
    return means
