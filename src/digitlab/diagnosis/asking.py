"""A network under diagnosis: how it wants its images, and its answers to images that are prepared otherwise."""

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
_FLOAT = 1  # ONNX's number of the type


@dataclass(frozen=True, slots=True)
class Network:
    """A classifier, and how its images differ from MNIST's.

    Images are given as MNIST has them, uint8 (N, 28, 28), light ink on dark; what the network wants otherwise is done
    here or within its file. `seen` shows an image as the network sees it.

    inverted: it was trained on dark ink on light
    transposed: it was trained on images whose rows are columns
    inside: whether its file inverts and transposes by itself, as that of an imported model does
    scale: what its numbers are, one of `SCALES`; None where that is unknown
    """

    classifier: Classifier
    inverted: bool = False
    transposed: bool = False
    inside: bool = False
    scale: str | None = OURS

    @classmethod
    def of(cls, classifier: Classifier) -> Network:
        """As the model's card says; what a model of ours was trained on, it does not."""
        card = classifier.card
        if card is None or "imported_from" not in card.training:
            return cls(classifier)
        inverted = "(255 - x)" in card.preparation
        transposed = card.preparation.endswith(", transposed")
        return cls(classifier, inverted, transposed, inside=True, scale=scale_of_formula(card.preparation))

    def trained_on(self, *, inverted: bool, transposed: bool) -> Network:
        """The same, where it was measured that it was trained on such images."""
        return replace(self, inverted=inverted, transposed=transposed, inside=False)

    def seen(self, image: NDArray[Any]) -> NDArray[Any]:
        """An image (…, H, W) as the network's own training images are, of one as MNIST has it; and back."""
        if self.transposed:
            image = np.ascontiguousarray(np.swapaxes(image, -1, -2))
        return 255 - image if self.inverted else image

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Of images uint8 (N, 28, 28) as MNIST has them: float32 (N, 10)."""
        answers: NDArray[np.float32] = self.classifier.probabilities(images if self.inside else self.seen(images))
        return answers

    def of_numbers(self, images: NDArray[Any], scale: str) -> NDArray[np.float32]:
        """The same where the network is given numbers of another scale than its own.

        Args:
            images: (N, 28, 28), levels 0…255.
            scale: what they become before they are given to the network, one of `SCALES`.

        Raises:
            MissingExtraError: for a model of another program, without the package onnx.
        """
        times, plus = SCALES[scale]
        levels = self.seen(np.asarray(images, np.float32))
        numbers = levels * np.float32(times) + np.float32(plus)
        own = SCALES.get(self.scale or OURS, SCALES[OURS])
        if self.scale == OURS and not self.inside:  # takes bytes: fractions are lost, as NumPy's conversion loses them
            answers: NDArray[np.float32] = self.classifier.probabilities(np.clip(numbers, 0, 255).astype(np.uint8))
            return answers
        taken = (numbers - np.float32(np.mean(own[1]))) / np.float32(np.mean(own[0]))  # levels that would give them
        return _run_on_floats(self.classifier, self.seen(taken))


def _run_on_floats(classifier: Classifier, levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The answers to levels beyond 0…255."""
    session = _session_of_floats(classifier)
    name = session.get_inputs()[0].name
    parts = [session.run(None, {name: levels[start : start + 250]})[0] for start in range(0, len(levels), 250)]
    return np.concatenate(parts)


@functools.lru_cache(maxsize=2)
def _session_of_floats(classifier: Classifier) -> Any:
    """The same network, taking floats: the first thing in every file that was imported is a cast to them."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("train", needed_for="numbers of another scale") from error
    model = onnx.load_model_from_string(read_model(classifier.path))
    model.graph.input[0].type.tensor_type.elem_type = _FLOAT
    return start_session(model.SerializeToString(), classifier.path, 0)
