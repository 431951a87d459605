"""A network under diagnosis: how its images must be prepared, and its answers to images prepared differently."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import MissingExtraError
from digitlab.network.classifier import Classifier, read_model, start_session
from digitlab.network.scales import SCALES, scale_of_formula

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OURS", "Network"]

OURS = "0…255"  # the scale of the numbers that digitlab's own models take
_FLOAT = 1  # ONNX's number of this type


@dataclass(frozen=True, slots=True)
class Network:
    """A classifier, and how its images differ from MNIST's.

    Images are given in MNIST's form, uint8 (N, 28, 28), light ink on dark; they are converted to what the network
    expects either here or within its file. `in_own_form` returns an image as the network sees it.

    inverted: whether it was trained on dark ink on light
    transposed: whether it was trained on transposed images
    inside: whether its file inverts and transposes by itself, as that of an imported model does
    scale: the scale of its input numbers, one of `SCALES`; None if unknown
    """

    classifier: Classifier
    inverted: bool = False
    transposed: bool = False
    inside: bool = False
    scale: str | None = OURS

    @classmethod
    def of(cls, classifier: Classifier) -> Network:
        """Create it from the model's card, which does not say what a model of ours was trained on."""
        card = classifier.card
        if card is None or "imported_from" not in card.training:
            return cls(classifier)
        inverted = "(255 - x)" in card.preparation
        transposed = card.preparation.endswith(", transposed")
        return cls(classifier, inverted, transposed, inside=True, scale=scale_of_formula(card.preparation))

    def trained_on(self, *, inverted: bool, transposed: bool) -> Network:
        """Return a copy, for when measurements have shown that it was trained on such images."""
        return replace(self, inverted=inverted, transposed=transposed, inside=False)

    def in_own_form(self, image: NDArray[Any]) -> NDArray[Any]:
        """Convert an image (…, H, W) from MNIST's form to that of the network's own training images, or back."""
        if self.transposed:
            image = np.ascontiguousarray(np.swapaxes(image, -1, -2))
        return 255 - image if self.inverted else image

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities for images in MNIST's form, uint8 (N, 28, 28): float32 (N, 10)."""
        answers: NDArray[np.float32] = self.classifier.probabilities(
            images if self.inside else self.in_own_form(images)
        )
        return answers

    def of_numbers(self, images: NDArray[Any], scale: str) -> NDArray[np.float32]:
        """Return the same if the network is given numbers of another scale than its own.

        Args:
            images: (N, 28, 28), levels 0…255.
            scale: to which they are converted before they are given to the network, one of `SCALES`.

        Raises:
            MissingExtraError: for a model of another program, when the package onnx is not installed.
        """
        times, plus = SCALES[scale]
        levels = self.in_own_form(np.asarray(images, np.float32))
        numbers = levels * np.float32(times) + np.float32(plus)
        own = SCALES.get(self.scale or OURS, SCALES[OURS])
        if self.scale == OURS and not self.inside:  # takes bytes: fractions are lost, as in NumPy's conversion
            answers: NDArray[np.float32] = self.classifier.probabilities(np.clip(numbers, 0, 255).astype(np.uint8))
            return answers
        own_levels = (numbers - np.float32(np.mean(own[1]))) / np.float32(
            np.mean(own[0])
        )  # levels that would yield them
        return _run_on_floats(self.classifier, self.in_own_form(own_levels))


def _run_on_floats(classifier: Classifier, levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the answers to levels beyond 0…255."""
    session = _session_of_floats(classifier)
    name = session.get_inputs()[0].name
    parts = [session.run(None, {name: levels[start : start + 250]})[0] for start in range(0, len(levels), 250)]
    return np.concatenate(parts)


@functools.lru_cache(maxsize=2)
def _session_of_floats(classifier: Classifier) -> Any:
    """Return the same network with float input: the first operation in every imported file is a cast to float."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("train", needed_for="numbers of another scale") from error
    model = onnx.load_model_from_string(read_model(classifier.path))
    model.graph.input[0].type.tensor_type.elem_type = _FLOAT
    return start_session(model.SerializeToString(), classifier.path, 0)
