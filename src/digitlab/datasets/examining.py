"""Diagnose labelled images with a trained network (polarity, transposition, label mapping); find duplicates.

verdict = examine(reader.probabilities, sample)
verdict.agreement, verdict.best, verdict.changes
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from digitlab.datasets.formats.polarity import inks_of
from digitlab.values import NONE, Digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Answer = Callable[[NDArray[np.uint8]], NDArray[np.floating]]
    from collections.abc import Iterable

__all__ = [
    "NO_DIGITS", "Changes", "Sample", "SplitSummary", "Verdict", "examine", "fingerprints", "nearly_the_same",
    "summarise_batches",
]  # fmt: skip

NO_DIGITS = 0.4  # agreement (or mean confidence, without labels): if no change reaches it, these are no digits
_FEWEST = 20  # minimum number of images for judging the labels
_PERMUTED = 0.7  # minimum agreement for accepting the mapping of each label to its most frequent prediction
# Cosine similarity of two mean-centred images: JPEG compression or noise of ±8 keeps 0.993; no MNIST test image is this
# similar to a training image.
_NEAR = 0.99
_IDENTITY = tuple(range(11))


class Changes(NamedTuple):
    """The changes that correct images and labels.

    inverted: True or False for all images; None: only those with a light background are inverted
    labels: the digit that each label 0 … 10 stands for; 10 where it stands for none
    moved: the offset from an image's row to the row that holds its label
    """

    inverted: bool | None = False
    transposed: bool = False
    labels: tuple[int, ...] = _IDENTITY
    moved: int = 0

    def images(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return corrected images, uint8 (N, 28, 28)."""
        if self.inverted is None:
            images = _lightened(images)
        elif self.inverted:
            images = 255 - images
        return np.ascontiguousarray(images.transpose(0, 2, 1)) if self.transposed else images

    def apply(self, digits: Digits) -> Digits:
        """Return corrected images and labels; labels that are in another row are not moved."""
        return Digits(self.images(digits.images), np.array(self.labels, np.uint8)[digits.labels])


@dataclass(frozen=True, slots=True)
class Verdict:
    """A network's verdict on a sample.

    agreement: share of predictions that equal the label, without changes; for unlabelled images, the mean confidence
    best: the same, after the changes
    labelled: whether there are labels, and enough of them
    """

    agreement: float
    best: float
    changes: Changes
    images: int
    labelled: bool = True

    def of_the_reader(self, share: float) -> str:
        """Say what ``share``, ``agreement`` or ``best``, is of."""
        percent = f"{100 * share:.1f} %"
        return f"agrees with {percent} of the labels" if self.labelled else f"has a mean confidence of {percent}"

    @property
    def no_digits(self) -> bool:
        """Whether the images do not look like digits under any of the changes tried."""
        return self.best < NO_DIGITS

    def sentences(self) -> Iterator[str]:
        """Yield one sentence per problem found."""
        by = f"the reader {self.of_the_reader(self.best)} when this is corrected, {100 * self.agreement:.1f} % as it is"
        if self.changes.inverted:
            yield f"dark ink on light; models expect light ink on dark ({by})"
        if self.changes.inverted is None:
            yield "some images are dark ink on light, others light ink on dark"
        if self.changes.transposed:
            yield f"transposed: rows are columns ({by})"
        if self.changes.moved:
            yield f"each label is {abs(self.changes.moved)} row {_where(self.changes.moved)} its image ({by})"
        if self.changes.labels != _IDENTITY:
            yield f"{_labels_told(self.changes.labels)} ({by})"


def _where(moved: int) -> str:
    return "after" if moved > 0 else "before"


def _labels_told(labels: tuple[int, ...]) -> str:
    if all(digit in (label, NONE) for label, digit in enumerate(labels[:NONE])):
        return f"the label 10{'' if labels[NONE] == 0 else ' or −1'} stands for {labels[NONE]}"
    step = (1 - labels[1]) % 10
    if labels == _shifted(1, ten=9):
        return "labels begin at 1: each is the digit plus 1"
    if all((label - digit) % 10 == step for label, digit in enumerate(labels[:10]) if digit != NONE):
        return f"labels are shifted: each is the digit plus {step}, modulo 10"
    pairs = ", ".join(f"{label} is {digit}" for label, digit in enumerate(labels) if digit not in (label, NONE))
    return f"labels are in another order: {pairs}"


def _shifted(step: int, *, ten: int = NONE) -> tuple[int, ...]:
    """Return the digit of each label 0 … 10, for labels that are the digit plus ``step``; ``ten``: that of label 10."""
    if ten == 0:
        return (*range(10), 0)
    return (*((label - step) % 10 for label in range(10)), ten)


@dataclass(slots=True)
class Sample:
    """A uniform random sample of at most ``size`` images of a stream, with the labels of the adjacent rows.

    images: uint8 (N, 28, 28)
    labels: uint8 (N, 3): of the previous row, the image's own row, the next row
    """

    size: int
    rng: np.random.Generator
    images: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 28, 28), np.uint8))
    labels: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 3), np.uint8))
    _keys: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def add(self, digits: Digits) -> None:
        """Update the sample with a batch."""
        labels = digits.labels
        neighbours = np.stack([np.roll(labels, 1), labels, np.roll(labels, -1)], axis=1)
        keys = self.rng.random(len(labels))
        keys[[0, -1]] += 2  # a batch's first and last row lack a neighbour: used only if images are few
        self._keys = np.concatenate([self._keys, keys])
        self.images = np.concatenate([self.images, digits.images])
        self.labels = np.concatenate([self.labels, neighbours])
        if len(self._keys) > self.size:
            selected = np.sort(np.argpartition(self._keys, self.size)[: self.size])
            self._keys, self.images, self.labels = self._keys[selected], self.images[selected], self.labels[selected]


def examine(answer: Answer, sample: Sample) -> Verdict:
    """Try polarity, transposition and label mappings; choose the best agreement, less a penalty for complex changes."""
    images, own = sample.images, sample.labels[:, 1]
    labelled = bool((own != NONE).any()) and len(own) >= _FEWEST
    mixed = inks_of(images).verdict == "mixed"
    tried: list[tuple[float, float, Changes]] = []  # penalised score, plain score, changes
    for inverted in (None,) if mixed else (False, True):
        for transposed in (False, True):
            view = Changes(inverted, transposed)
            probabilities = answer(view.images(images))
            cost = 0.02 * (bool(inverted) + transposed)
            if not labelled:
                sure = float(probabilities.max(axis=1).mean()) if len(images) else 0.0
                tried.append((sure - 0.05 * (bool(inverted) + transposed), sure, view))
                continue
            for share, extra, labels, moved in _meanings(probabilities.argmax(axis=1), sample.labels):
                tried.append((share - cost - extra, share, view._replace(labels=labels, moved=moved)))
    _, best, changes = max(tried, key=lambda each: each[0])
    return Verdict(tried[0][1], best, changes, len(images), labelled)


def _meanings(
    guesses: NDArray[np.intp], labels: NDArray[np.uint8]
) -> Iterator[tuple[float, float, tuple[int, ...], int]]:
    """Yield the label mappings to try: agreement, penalty, the digit that each label stands for, row offset."""
    labels_here = labels[:, 1]
    counts = np.bincount(labels_here.astype(np.intp) * 10 + guesses, minlength=110).reshape(11, 10)

    def share(digits: tuple[int, ...]) -> float:
        return sum(int(counts[label, digit]) for label, digit in enumerate(digits) if digit < NONE) / len(labels_here)

    yield share(_IDENTITY), 0.0, _IDENTITY, 0
    for moved in (-1, 1):
        yield float(np.mean(labels[:, 1 + moved] == guesses)), 0.03, _IDENTITY, moved
    has_ten = bool(counts[NONE].any())
    if has_ten:
        yield share(_shifted(1, ten=0)), 0.01, _shifted(1, ten=0), 0
        yield share(_shifted(1, ten=9)), 0.02, _shifted(1, ten=9), 0
    for step in range(1, 10):
        yield share(_shifted(step)), 0.02, _shifted(step), 0
    present = counts.sum(axis=1) > 0
    likeliest = tuple(int(counts[label].argmax()) if present[label] else NONE for label in range(11))
    digits_used = [digit for digit in likeliest if digit != NONE]
    if len(set(digits_used)) == len(digits_used) and share(likeliest) >= _PERMUTED:
        yield share(likeliest), 0.05, likeliest, 0


def _lightened(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    edge = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    dark = np.median(edge, axis=1) > 127
    return np.where(dark[:, np.newaxis, np.newaxis], 255 - images, images)


_WEIGHTS = np.random.default_rng(20).integers(0, 1 << 64, 784, dtype=np.uint64) | np.uint64(1)


def fingerprints(images: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash images to uint64 (N,): equal for equal images, almost certainly different for others."""
    sums: NDArray[np.uint64] = images.reshape(len(images), 784).astype(np.uint64) @ _WEIGHTS
    return sums


def nearly_the_same(some: NDArray[np.uint8], others: Iterator[Digits]) -> int:
    """Count the images of ``some`` that also occur in ``others``, up to noise, brightness or compression."""
    directions, nearest = _directions(some), np.zeros(len(some), np.float32)
    for batch in others:
        np.maximum(nearest, (directions @ _directions(batch.images).T).max(axis=1, initial=0), out=nearest)
    return int(np.count_nonzero(nearest >= _NEAR))


def _directions(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    flat = images.reshape(len(images), 784).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), np.float32(1e-6))
    return flat


_TOGETHER = 1000  # rows per call of bincount, which converts them to 64-bit integers, 6 MB


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """The statistics of a split.

    counts: images per class, 0 first
    mean, deviation: of all pixels, 0..255 (standard deviation)
    digest: the first 16 hexadecimal digits of the SHA-256 of images and labels
    dark_ink: number of images that are certainly dark ink on light; models expect light ink on dark
    """

    images: int
    counts: tuple[int, ...]
    mean: float
    deviation: float
    digest: str
    dark_ink: int


def summarise_batches(batches: Iterable[Digits]) -> SplitSummary:
    """Compute the statistics of a stream of batches; labels (one byte per image) stay in memory, pixels do not.

    The result does not depend on the size of the batches.
    """
    # A histogram of the pixels gives mean and deviation exactly, without a float copy of the images.
    histogram = np.zeros(256, np.int64)
    digest = hashlib.sha256()
    dark = 0
    labels = bytearray()  # hashed after all images, whose number is not known in advance
    for batch in batches:
        for start in range(0, len(batch), _TOGETHER):
            block = np.ascontiguousarray(batch.images[start : start + _TOGETHER])
            histogram += np.bincount(block.ravel(), minlength=256)
            digest.update(block.data)
            dark += inks_of(block).dark
        labels += batch.labels.tobytes()
    digest.update(labels)
    counts = np.bincount(np.frombuffer(labels, np.uint8), minlength=10)
    mean, deviation = _mean_and_deviation(histogram)
    return SplitSummary(len(labels), tuple(counts.tolist()), mean, deviation, digest.hexdigest()[:16], dark)


def _mean_and_deviation(histogram: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> tuple[float, float]:
    levels, pixels = np.arange(256), max(1, int(histogram.sum()))
    mean = float(histogram @ levels) / pixels
    return mean, (float(histogram @ (levels - mean) ** 2) / pixels) ** 0.5
