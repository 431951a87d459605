"""Common mistakes with images, made with MNIST's test images: what each costs a network."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab.diagnosis.asking import OURS
from digitlab.errors import StorageError
from digitlab.network.scales import SCALES
from digitlab.storage import cache_folder, write_text
from digitlab.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitlab.diagnosis.asking import Network

    Image = NDArray[np.uint8]
    OnProgress = Callable[[int, int], None]

__all__ = ["IMAGES", "MISTAKES", "Cost", "Costs", "examples", "measure_costs", "test_images", "training_images"]

IMAGES = 1000  # every tenth of MNIST's test images: an accuracy of 90 % is known to ±2 points
_REVISION = 1  # of the measurements: results in the cache are only valid for the same one
_SHOWN = 6  # training images
_OTHERWISE = 0.1  # gain in accuracy with inverted or transposed images that shows that a network was trained on such


def _moved(image: Image, scale: float, x: float = 0.0, y: float = 0.0, angle: float = 0.0) -> Image:
    matrix = cv2.getRotationMatrix2D((13.5, 13.5), angle, scale)
    matrix[0, 2] += x
    matrix[1, 2] += y
    flags = cv2.INTER_LINEAR if scale >= 1 else cv2.INTER_AREA
    return np.asarray(cv2.warpAffine(image, matrix, (28, 28), flags=flags), np.uint8)


def _small(image: Image) -> Image:
    small = np.asarray(cv2.resize(image, (14, 14), interpolation=cv2.INTER_AREA), np.uint8)
    return np.pad(small, 7)


def _fine(image: Image, change: Any, side: int) -> Image:
    fine = np.asarray(cv2.resize(image, (112, 112), interpolation=cv2.INTER_CUBIC), np.uint8)
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.resize(change(fine, brush), (28, 28), interpolation=cv2.INTER_AREA), np.uint8)


def _thin(image: Image) -> Image:
    thin = _fine(image, cv2.erode, 5)
    return np.asarray(cv2.convertScaleAbs(thin, alpha=255 / max(int(thin.max()), 64)), np.uint8)


def _on_grey(image: Image) -> Image:
    return (100 + image * (155 / 255)).astype(np.uint8)


# Difference → the mistake in words, and what is done to an image, uint8 (28, 28), light ink on dark.
MISTAKES: dict[str, tuple[str, Callable[[Image], Image]]] = {
    "polarity": ("not inverted: {inverted}", lambda image: 255 - image),
    "background": ("a grey background (100 of 255)", _on_grey),
    "grey level": ("faint: contrast 80 of 255", lambda image: (image * (80 / 255)).astype(np.uint8)),
    "transposition": ("rows and columns interchanged", lambda image: np.ascontiguousarray(image.T)),
    "rotation": ("turned by 90°", lambda image: np.ascontiguousarray(np.rot90(image))),
    "tilt": ("tilted by 25°", lambda image: _moved(image, 1, angle=25)),
    "crop": ("not cropped: half as large", _small),
    "box": ("cropped too closely: 28 pixels large", lambda image: _moved(image, 1.4)),
    "centre": ("not centred: 4 pixels off", lambda image: _moved(image, 1, x=-4, y=2)),
    "thin strokes": ("thin strokes", _thin),
    "bold strokes": ("bold strokes", lambda image: _fine(image, cv2.dilate, 11)),
    "photo": ("a phone's photo made 28×28: all at once", lambda image: 255 - _on_grey(_small(image)) // 2),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """One mistake: its name (a key of `MISTAKES`, or "scale" and a scale), a description, and the accuracy with it."""

    name: str
    words: str
    accuracy: float


@dataclass(frozen=True, slots=True)
class Costs:
    """What each mistake costs one network.

    images: how many of MNIST's test images it was measured on
    accuracy: on those images, prepared as the network expects them
    inverted, transposed: what was found out about its training images; always False for imported models, whose files
        contain the conversion
    mistakes: one for each, in the order of `MISTAKES`, numbers of other scales first
    """

    images: int
    accuracy: float
    inverted: bool
    transposed: bool
    mistakes: tuple[Cost, ...]

    def of(self, name: str) -> float:
        """Return the accuracy with this mistake."""
        return next(each.accuracy for each in self.mistakes if each.name == name)

    def suits(self) -> Cost | None:
        """Return a mistake with which the network is three standard errors better: it was trained on such images."""
        best = max(self.mistakes, key=lambda each: each.accuracy)
        return best if best.accuracy - self.accuracy > 3 * (0.25 / self.images) ** 0.5 else None

    def as_json(self) -> dict[str, Any]:
        """Return plain texts and numbers."""
        totals = {"images": self.images, "accuracy": self.accuracy}
        form = {"inverted": self.inverted, "transposed": self.transposed}
        rows = [{"name": each.name, "mistake": each.words, "accuracy": each.accuracy} for each in self.mistakes]
        return totals | form | {"mistakes": rows}


def measure_costs(network: Network, on_progress: OnProgress = lambda _done, _of: None) -> Costs:
    """Measure what each mistake costs this network, on `IMAGES` images; the result is cached by the model's content.

    Args:
        network: as described by its card; what it was trained on is measured if the card does not say so.
        on_progress: called with the number of mistakes measured so far, and of all.
    """
    content = hashlib.sha256(network.classifier.path.read_bytes()).hexdigest()[:32]
    path = cache_folder() / "diagnosis" / f"{content}-{_REVISION}-{VERSION}.json"
    costs = _cached(path)
    if costs is None:
        costs = _measured(network, on_progress)
        with contextlib.suppress(StorageError):  # next time it is measured again
            write_text(path, json.dumps(costs.as_json()))
    return costs


def _cached(path: Any) -> Costs | None:
    try:
        content = json.loads(path.read_text("utf-8"))
        rows = tuple(Cost(each["name"], each["mistake"], each["accuracy"]) for each in content.pop("mistakes"))
        return Costs(**content, mistakes=rows)
    except (OSError, ValueError, KeyError, TypeError):
        return None


@functools.cache
def test_images() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return every tenth of MNIST's test images, uint8 (1000, 28, 28), and the labels."""
    from digitlab.datasets import load_dataset

    test = load_dataset("mnist").split("test")
    step = len(test) // IMAGES
    return test.images[::step], test.labels[::step]


def _measured(network: Network, on_progress: OnProgress) -> Costs:
    images, labels = test_images()
    scales = [name for name in ("0…1", "0…255") if name != network.scale]
    total = len(MISTAKES) + len(scales)

    def accuracy(answers: NDArray[np.float32]) -> float:
        return round(float((answers.argmax(axis=1) == labels).mean()), 4)

    on_progress(0, total)
    network, plain = _as_trained(network, images, accuracy)
    costs = []
    for scale in scales:
        costs.append(Cost(f"scale {scale}", _of_scale(scale, network), accuracy(network.of_numbers(images, scale))))
        on_progress(len(costs), total)
    for name, (words, make) in MISTAKES.items():
        changed = np.stack([make(image) for image in images])
        inverted = "light on dark" if network.inverted else "dark on light"
        costs.append(Cost(name, words.format(inverted=inverted), accuracy(network.probabilities(changed))))
        on_progress(len(costs), total)
    form = (network.inverted, network.transposed) if not network.inside else (False, False)
    return Costs(len(images), plain, *form, tuple(costs))


def _of_scale(scale: str, network: Network) -> str:
    return f"numbers {scale} in place of {network.scale or OURS}"


def _as_trained(network: Network, images: Image, accuracy: Callable[[Any], float]) -> tuple[Network, float]:
    """Return the network with the polarity and the order of rows that suit it, and its accuracy with them."""
    plain = accuracy(network.probabilities(images))
    if network.inside:
        return network, plain
    forms = [
        network.trained_on(inverted=inverted, transposed=transposed)
        for inverted, transposed in ((True, False), (False, True), (True, True))
    ]
    shares = [accuracy(form.probabilities(images)) for form in forms]
    best = int(np.argmax(shares))
    return (forms[best], shares[best]) if shares[best] > plain + _OTHERWISE else (network, plain)


def examples(network: Network, costs: Costs, digit: int) -> dict[str, NDArray[np.uint8]]:
    """Return one test image of this digit as the network would be given it with each mistake; "" is without any."""
    images, labels = test_images()
    image = images[labels == digit][0]
    shown = {"": network.in_own_form(image)}
    for each in costs.mistakes:
        if each.name in MISTAKES:
            shown[each.name] = network.in_own_form(MISTAKES[each.name][1](image))
        else:
            times, plus = SCALES[each.name.removeprefix("scale ")]
            own = SCALES.get(network.scale or OURS, SCALES[OURS])
            levels = (network.in_own_form(image) * float(times) + float(plus) - float(np.mean(own[1]))) / float(
                np.mean(own[0])
            )
            shown[each.name] = np.clip(levels, 0, 255).astype(np.uint8)
    return shown


def training_images(network: Network, digit: int) -> NDArray[np.uint8]:
    """Return some of MNIST's training images of this digit as the network expects them, uint8 (6, 28, 28)."""
    from digitlab.datasets import load_dataset

    train = load_dataset("mnist").split("train")[:1000]
    return np.asarray(network.in_own_form(train.images[train.labels == digit][:_SHOWN]), np.uint8)
