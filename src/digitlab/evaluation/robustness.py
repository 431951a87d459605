"""Robustness under distribution shift: corruptions, rotations, translations, another dataset, OOD images.

No side effects: takes a function from images to probabilities, and named test sets; returns a table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from digitlab.errors import DatasetError, UsageError
from digitlab.evaluation.checks import checked
from digitlab.evaluation.intervals import Interval, wilson
from digitlab.evaluation.thresholds import roc_area

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Images = NDArray[np.uint8]

__all__ = ["ANSWERED", "COLUMNS", "LEVELS", "ImageSet", "Robustness", "Separation", "SetResult", "measure_robustness"]

Answer = Callable[["Images"], "NDArray[np.floating]"]
Progress = Callable[[int, int, str], None]

ANSWERED = 0.99  # share of the plain digits accepted at the threshold
LEVELS = tuple(level / 200 for level in range(180, 201))  # shares of plain digits accepted: 90 to 100 %
_EXAMPLES = 10  # images of each set that are kept for the report


class ImageSet(Protocol):
    """A test set; `digitlab.datasets.robustness_sets` makes them."""

    @property
    def kind(self) -> str:
        """Plain, corruption, rotation, shift-x, shift-y, other-hand or stranger."""

    @property
    def name(self) -> str:
        """The name to display."""

    @property
    def place(self) -> float | None:
        """The rotation in degrees or the shift in pixels; None for other kinds."""

    @property
    def optional(self) -> bool:
        """Whether it is skipped if it cannot be loaded."""

    @property
    def load(self) -> Callable[[], tuple[Images, Images | None]]:
        """Returns images uint8 (N, 28, 28), and labels uint8 (N,), or None for out-of-distribution images."""


@dataclass(frozen=True, slots=True)
class Separation:
    """How well a score separates the plain digits from out-of-distribution (OOD) images.

    auroc: probability that a digit's score is above an OOD image's; ties count half
    answered: share of the OOD images accepted at the threshold that accepts `ANSWERED` of the digits (FPR at 99 % TPR)
    curve: the same for each of `LEVELS` instead of `ANSWERED`
    """

    auroc: float
    answered: float
    curve: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SetResult:
    """A model's results on one set.

    accuracy, interval: with Wilson's 95 % interval; None for OOD images, which have no label
    answered: share of the images accepted at the confidence that accepts `ANSWERED` of the plain digits
    by_confidence: OOD images only: separation from the plain digits by the largest probability
    examples: uint8 (≤ 10, 28, 28), the first images
    """

    kind: str
    name: str
    place: float | None
    images: int
    accuracy: float | None
    interval: Interval | None
    answered: float
    by_confidence: Separation | None
    examples: Images


# The columns of `robustness.csv`.
COLUMNS = (
    "kind", "name", "place", "images", "accuracy", "low", "high", "answered", "auroc",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Robustness:
    """The results on all sets.

    threshold: the highest confidence threshold that accepts `ANSWERED` of the plain digits
    left_out: sets that could not be loaded, and why
    """

    sets: tuple[SetResult, ...]
    threshold: float
    left_out: tuple[tuple[str, str], ...]

    def of(self, *kinds: str) -> tuple[SetResult, ...]:
        """Return the results of these kinds, in order."""
        return tuple(each for each in self.sets if each.kind in kinds)

    @property
    def plain(self) -> SetResult:
        """The unchanged digits."""
        return self.of("plain")[0]

    @property
    def corruption_mean(self) -> float | None:
        """Mean accuracy over the corruptions; all share the same images, so Wilson intervals do not apply."""
        accuracies = [each.accuracy for each in self.of("corruption") if each.accuracy is not None]
        return float(np.mean(accuracies)) if accuracies else None

    def sweep(self, kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return degrees or pixels (P,), accuracies (P,), intervals (P, 2) of a rotation or shift; plain at 0."""
        results = [(0.0, self.plain), *((float(each.place or 0), each) for each in self.of(kind))]
        points = [(place, each.accuracy, each.interval) for place, each in sorted(results, key=lambda point: point[0])]
        places, accuracies, intervals = zip(*points, strict=True)
        return np.array(places), np.array(accuracies, np.float64), np.array(intervals, np.float64)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "corruption_mean": self.corruption_mean,
            "threshold": self.threshold,
            "sets": [dict(zip(COLUMNS, row, strict=True)) for row in self.rows()],
            "left_out": dict(self.left_out),
        }

    def rows(self) -> list[tuple[object, ...]]:
        """Return one row per set, with the columns `COLUMNS`."""
        return [
            (
                *(each.kind, each.name, each.place, each.images, each.accuracy),
                *(each.interval or (None, None)),
                each.answered,
                each.by_confidence and each.by_confidence.auroc,
            )
            for each in self.sets
        ]


def measure_robustness(
    answer: Answer, sets: Sequence[ImageSet], *, on_progress: Progress = lambda *_: None
) -> Robustness:
    """Evaluate a model on every set.

    Args:
        answer: images uint8 (N, 28, 28) → probabilities (N, 10)
        sets: one of them plain, which is evaluated first
        on_progress: called with the number of sets done, the total, and the name of the next set, or "" at the end

    Raises:
        UsageError: when there is not exactly one plain set.
        DatasetError: when a set that is not optional cannot be loaded, or the output is not probabilities.
    """
    plain = [each for each in sets if each.kind == "plain"]
    if len(plain) != 1:
        raise UsageError(f"{len(plain)} of the sets contain plain digits; expected one, as the reference")
    on_progress(0, len(sets), plain[0].name)
    reference = _evaluate(answer, plain[0], *plain[0].load())
    results = [_result(reference, reference)]
    left_out: list[tuple[str, str]] = []
    for each in sets:
        if each.kind == "plain":
            continue
        on_progress(len(results) + len(left_out), len(sets), each.name)
        try:
            images, labels = each.load()
        except DatasetError as error:
            if not each.optional:
                raise
            left_out.append((each.name, str(error)))
            continue
        results.append(_result(_evaluate(answer, each, images, labels), reference))
    on_progress(len(sets), len(sets), "")
    return Robustness(tuple(results), _threshold(reference.confidences, ANSWERED), tuple(left_out))


@dataclass(frozen=True, slots=True)
class _Evaluated:
    """A set with its results: right is the number of correct predictions; confidences: float64 (N,)."""

    image_set: ImageSet
    count: int
    right: int | None
    confidences: NDArray[np.float64]
    examples: Images


def _evaluate(answer: Answer, image_set: ImageSet, images: Images, labels: Images | None) -> _Evaluated:
    probabilities, _ = checked(answer(images), np.zeros(len(images)) if labels is None else labels)
    return _Evaluated(
        image_set,
        len(images),
        None if labels is None else int(np.sum(probabilities.argmax(axis=1) == labels)),
        probabilities.max(axis=1),
        images[:_EXAMPLES].copy(),
    )


def _result(evaluated: _Evaluated, reference: _Evaluated) -> SetResult:
    image_set, right = evaluated.image_set, evaluated.right
    is_ood = right is None
    return SetResult(
        image_set.kind,
        image_set.name,
        image_set.place,
        evaluated.count,
        accuracy=None if right is None else right / evaluated.count,
        interval=None if right is None else wilson(right, evaluated.count),
        answered=_share_answered(evaluated.confidences, reference.confidences, ANSWERED),
        by_confidence=_separation(evaluated.confidences, reference.confidences) if is_ood else None,
        examples=evaluated.examples,
    )


def _separation(ood: NDArray[np.float64] | None, digits: NDArray[np.float64] | None) -> Separation | None:
    """How well the scores of out-of-distribution images (``ood``) are separated from those of digits."""
    if ood is None or digits is None:
        return None
    is_digit = np.arange(len(digits) + len(ood)) < len(digits)
    return Separation(
        auroc=roc_area(is_digit, np.concatenate([digits, ood])),
        answered=_share_answered(ood, digits, ANSWERED),
        curve=tuple(_share_answered(ood, digits, level) for level in LEVELS),
    )


def _share_answered(scores: NDArray[np.float64], digits: NDArray[np.float64], level: float) -> float:
    return float(np.mean(scores >= _threshold(digits, level)))


def _threshold(digits: NDArray[np.float64], level: float) -> float:
    """Find the highest threshold that accepts at least this share of the plain digits."""
    accepted = max(1, int(np.ceil(level * len(digits) - 1e-9)))
    return float(np.sort(digits)[len(digits) - accepted])
