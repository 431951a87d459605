"""The text of the C files: weights, the memory offset of each tensor, and the sequence of calls."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.models.export.c_source.functions import DECLARED, FUNCTIONS, PROBABILITIES
from digitlab.models.export.c_source.quantised import answers, quantise
from digitlab.models.export.c_source.steps import Concatenation, Pool, Product, steps_of
from digitlab.models.export.verify import INT8_TOLERANCE, Exported, checking_images, compare_digits
from digitlab.storage import atomic_paths
from digitlab.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.models.backend import keras
    from digitlab.models.export.c_source.quantised import Quantised
    from digitlab.models.export.c_source.steps import Shape, Step
    from digitlab.values import ModelCard

__all__ = ["export_c"]

_C_TYPES = {"int8": "int8_t", "int32": "int32_t", "uint8": "uint8_t"}


def export_c(model: keras.Model, path: Path, card: ModelCard) -> Exported:
    """Write ``path`` (.c) and its header (.h): the network in 8 bits, C99 without dependencies or malloc.

    Its only function takes 28×28 bytes and returns ten probabilities and the digit. Scales come from 1,000 of MNIST's
    training images; the same computation in NumPy is compared with Keras before the files are written.

    Raises:
        ModelError: for a layer that is not supported, or when more than INT8_TOLERANCE of the digits differ.
        StorageError: when they cannot be written.
    """
    images = checking_images()
    network = quantise(steps_of(model, path.name), images)
    differing, accuracy, in_float = compare_digits(model, lambda pixels: answers(network, pixels), path, images)
    text = _Text(network, re.sub(r"\W|^(?=\d)", "_", path.stem, flags=re.ASCII))
    header = path.with_suffix(".h")
    about = (
        f"Reads a handwritten digit: {card.name}, written by digitlab {VERSION}. {100 * accuracy:.2f} % of MNIST's "
        f"test images in 8 bits ({100 * in_float:.2f} % in float32). Memory: {text.ram:,} bytes of RAM, static, beside "
        f"some 300 of stack; {text.flash:,} bytes of constants in flash, beside the code (some 2 kB)."
    )
    with atomic_paths(path, header) as (source_file, header_file):
        source_file.write_bytes(text.source(about, header.name).encode())
        header_file.write_bytes(text.header(about).encode())
    return Exported(
        path, len(images), differing, INT8_TOLERANCE, accuracy, in_float, ram=text.ram, flash=text.flash, beside=header
    )


class _Text:
    """The text of both files. ram: bytes of memory; flash: bytes of weights and tables."""

    def __init__(self, network: Quantised, name: str) -> None:
        self._network, self._name = network, name
        self._constants: list[str] = []
        self._calls: list[str] = []
        self._used: set[str] = set()
        self.flash = 0
        self._offsets, self.ram = _memory_layout(network.program.shapes, network.program.steps)
        for number, step in enumerate(network.program.steps):
            self._write(number, step)

    def header(self, about: str) -> str:
        guard = f"{self._name.upper()}_H"
        return f"""\
{_comment(about)}
#ifndef {guard}
#define {guard}

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

/* The digit, 0 to 9, and the probability of each.
   image: 28 rows of 28 grey levels, light ink (255) on dark paper (0), the digit 20 pixels large, as MNIST's
   probabilities: ten numbers to be written; 0 (NULL) if they are not wanted
   One call at a time: its memory is static. */
int {self._name}_classify(const uint8_t image[784], float probabilities[10]);

#ifdef __cplusplus
}}
#endif

#endif
"""

    def source(self, about: str, header: str) -> str:
        functions = [text for text, needed_by in FUNCTIONS.values() if self._used & set(needed_by)]
        return "\n".join(
            [
                _comment(about),
                f'#include "{header}"\n',
                *([DECLARED] if self._constants else []),
                *functions,
                PROBABILITIES,
                *self._constants,
                f"\nstatic int8_t memory[{self.ram}]; /* maps share it, one after another */\n",
                self._classify(),
            ]
        )

    def _classify(self) -> str:
        level = "image[i] - 128" if self._network.program.scale > 0 else "127 - image[i]"
        calls = "\n".join(f"    {call}" for call in self._calls)
        return f"""\
int {self._name}_classify(const uint8_t image[784], float probabilities[10])
{{
    int32_t scores[10];
    int digit = 0;
    for (int i = 0; i < 784; i++) {{
        memory[{self._offsets[0]} + i] = (int8_t)({level});
    }}
{calls}
    for (int k = 1; k < 10; k++) {{
        digit = scores[k] > scores[digit] ? k : digit;
    }}
    if (probabilities) {{
        float total = 0.0f;
        for (int k = 0; k < 10; k++) {{
            probabilities[k] = exponential((float)(scores[k] - scores[digit]) * {self._network.logit:.9g}f);
            total += probabilities[k];
        }}
        for (int k = 0; k < 10; k++) {{
            probabilities[k] /= total;
        }}
    }}
    return digit;
}}
"""

    def _write(self, number: int, step: Step) -> None:
        program, offsets = self._network.program, self._offsets
        input_shape, shape = program.input_shapes[number], program.shapes[step.output]
        if isinstance(step, Product | Pool):
            self._window(number, step, input_shape, shape)
            source, target = f"memory + {offsets[step.input]}", f"memory + {offsets.get(step.output)}"
            if isinstance(step, Pool):
                self._call("pool", f"{source}, &window_{number}, {int(step.largest)}, {target}")
            else:
                self._product(number, step, source, target)
            return
        inputs = step.inputs if isinstance(step, Concatenation) else (step.input,)
        pixels, channels = shape[0] * shape[1], 0
        for position, tensor in enumerate(inputs):
            own = int(np.prod(program.shapes[tensor])) // pixels
            table = "0"
            if (number, position) in self._network.tables:
                table = self._constant(f"table_{number}_{position}", self._network.tables[number, position])
            at = offsets[step.output] + channels
            self._call("place", f"memory + {offsets[tensor]}, {pixels}, {own}, {table}, {shape[2]}, memory + {at}")
            channels += own

    def _product(self, number: int, step: Product, source: str, target: str) -> None:
        numbers, zeros = self._network.weights[number], self._network.zeros
        weights = self._constant(f"weights_{number}", numbers.weights)
        bias = self._constant(f"bias_{number}", numbers.bias)
        outside = int(np.rint(zeros[step.input]))
        if number == len(self._network.program.steps) - 1:
            length = numbers.weights[0].size
            self._used.add("sum_of")
            total = f"{bias}[k] + sum_of({source}, &window_{number}, {weights} + k * {length}, 0, 0, {outside})"
            self._calls += ["for (int k = 0; k < 10; k++) {", f"    scores[k] = {total};", "}"]
            return
        multipliers = self._constant(f"multipliers_{number}", numbers.multipliers)
        shifts = self._constant(f"shifts_{number}", numbers.shifts)
        self._call(
            "depthwise" if step.depthwise else "product",
            f"{source}, &window_{number}, {weights}, {bias}, {multipliers}, {shifts}, {outside}, "
            f"{int(zeros[step.output])}, {target}",
        )

    def _call(self, function: str, arguments: str) -> None:
        self._used.add(function)
        self._calls.append(f"{function}({arguments});")

    def _window(self, number: int, step: Product | Pool, input_shape: Shape, shape: Shape) -> None:
        parts = (input_shape, shape, step.size, step.stride, step.before)
        inside = ", ".join("{" + ", ".join(map(str, part)) + "}" for part in parts)
        self._constants.append(f"static const window window_{number} = {{{inside}}};")
        self.flash += 4 * sum(map(len, parts))

    def _constant(self, name: str, numbers: NDArray[Any]) -> str:
        lines = textwrap.fill(
            ", ".join(map(str, numbers.reshape(-1).tolist())), 118, initial_indent="  ", subsequent_indent="  "
        )
        kind = _C_TYPES[numbers.dtype.name]
        self._constants.append(f"static const {kind} {name}[{numbers.size}] = {{\n{lines}\n}};")
        self.flash += numbers.nbytes
        return name


def _memory_layout(shapes: list[Shape], steps: list[Step]) -> tuple[dict[int, int], int]:
    """Return each tensor's offset, and the total bytes; a tensor gets the first gap between those still needed."""
    until = {0: 0}
    for number, step in enumerate(steps):
        for source in step.inputs if isinstance(step, Concatenation) else (step.input,):
            until[source] = number
    offsets: dict[int, int] = {}
    for born, tensor in enumerate([0, *(step.output for step in steps[:-1])], start=-1):
        size = int(np.prod(shapes[tensor]))
        busy = sorted(
            (offsets[each], offsets[each] + int(np.prod(shapes[each])))
            for each in offsets
            if until.get(each, -1) >= born
        )
        offset = 0
        for begins, ends in busy:
            if begins - offset >= size:
                break
            offset = max(offset, ends)
        offsets[tensor] = offset
    return offsets, max(offset + int(np.prod(shapes[each])) for each, offset in offsets.items())


def _comment(text: str) -> str:
    return textwrap.fill(text.replace("*/", "* /"), 112, initial_indent="/* ", subsequent_indent="   ") + " */"
