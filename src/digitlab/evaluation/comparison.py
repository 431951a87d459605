"""Ranking of networks or recipes, with significance tests.

Single networks are compared image by image (`paired`); the result applies to these networks. Recipes with several
seeds are compared by the means over the seeds (`seeds`); the result applies to the recipes, on these test images.

Among many comparisons some pair differs by chance. Holm's correction (Scandinavian Journal of Statistics 6, 1979) keeps
the probability of even one false "better" in a ranking below 0.05.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from digitlab.errors import UsageError, counted
from digitlab.evaluation.intervals import Interval, wilson
from digitlab.evaluation.metrics import accuracy_of
from digitlab.evaluation.paired import Paired, judge, losses_of, resampled_means
from digitlab.evaluation.seeds import Spread, differ, over_seeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "Contestant", "Difference", "Placed", "Ranking", "holm",
    "in_words", "over_seeds", "rank",
]  # fmt: skip

_SURE = 0.05  # significance level

Method = Literal["McNemar", "Welch", "one against seeds"]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A contestant: one network, or the networks of one recipe, one per seed.

    answers: probabilities (N, 10), one array per network
    """

    name: str
    answers: tuple[NDArray[np.floating], ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A contestant in the ranking.

    accuracy_interval: the t interval of the mean over seeds; for one network Wilson's interval over the images
    places: its best and worst possible rank, given the significant differences, from 1
    """

    name: str
    accuracy: Spread
    accuracy_interval: Interval
    loss: Spread
    places: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """Two contestants, the one with the higher accuracy first; differences are first minus second.

    seeds: the number of networks of each
    p: for this pair alone; corrected: by Holm's method, for all ``comparisons`` of the ranking
    shown: whether ``corrected`` is below 0.05
    paired: the image-by-image comparison, where the method is McNemar's
    """

    first: str
    second: str
    method: Method
    seeds: tuple[int, int]
    accuracy: float
    accuracy_interval: Interval
    loss: float
    loss_interval: Interval
    p: float
    paired: Paired | None
    corrected: float
    comparisons: int
    shown: bool

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON; of the images with different predictions only their number."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "paired"}
        if self.paired is not None:
            counts = {name: getattr(self.paired, name) for name in ("both", "only_first", "only_second", "neither")}
            plain["images"] = {**counts, "differing": len(self.paired.differing)}
        return plain


@dataclass(frozen=True, slots=True)
class Ranking:
    """Contestants by accuracy, highest first; the difference of each pair, in the same order."""

    placed: tuple[Placed, ...]
    differences: tuple[Difference, ...]


def rank(contestants: Sequence[Contestant], labels: NDArray[np.integer]) -> Ranking:
    """Rank two or more contestants by accuracy on the images with these labels (N,).

    Raises:
        UsageError: for fewer than two contestants, one without predictions, or two with the same name.
        ShapeError: when predictions and labels differ in number.
    """
    if len({each.name for each in contestants}) < max(2, len(contestants)) or not all(c.answers for c in contestants):
        names = ", ".join(each.name for each in contestants)
        raise UsageError(
            f"cannot compare {names or 'nothing'}; expected two or more, each with its own name and predictions"
        )
    measured = sorted((_measure(each, labels) for each in contestants), key=lambda each: each.order)
    resampled = resampled_means(np.stack([each.losses for each in measured]), seed=0)  # (1000, K)
    pairs = [
        (first, second, _compared(first, second, labels, resampled[:, one] - resampled[:, other]))
        for (one, first), (other, second) in itertools.combinations(enumerate(measured), 2)
    ]
    differences = tuple(
        Difference(
            first.contestant.name,
            second.contestant.name,
            **pair_fields,
            corrected=corrected,
            comparisons=len(pairs),
            shown=corrected < _SURE,
        )
        for (first, second, pair_fields), corrected in zip(
            pairs, holm([pair_fields["p"] for _, _, pair_fields in pairs]), strict=True
        )
    )
    return Ranking(tuple(_placed(each, len(labels), len(measured), differences) for each in measured), differences)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the Holm-corrected p-values of several comparisons.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


@dataclass(frozen=True, slots=True)
class _Measured:
    """A contestant with its metrics; losses: its first network's log loss for every image (N,)."""

    contestant: Contestant
    accuracy: Spread
    loss: Spread
    losses: NDArray[np.float64]

    @property
    def order(self) -> tuple[float, float]:
        return -self.accuracy.mean, self.loss.mean


def _measure(contestant: Contestant, labels: NDArray[np.integer]) -> _Measured:
    losses = losses_of(contestant.answers, labels)
    accuracy = over_seeds([accuracy_of(each, labels) for each in contestant.answers], shares=True)
    return _Measured(contestant, accuracy, over_seeds(losses.mean(axis=1).tolist()), losses[0])


def _compared(
    first: _Measured, second: _Measured, labels: NDArray[np.integer], resampled: NDArray[np.float64]
) -> dict[str, Any]:
    """Compute the fields of `Difference` that depend on these two only."""
    seeds = len(first.accuracy.values), len(second.accuracy.values)
    if first.accuracy.spreads or second.accuracy.spreads:
        accuracy = differ(first.accuracy.values, second.accuracy.values)
        loss = differ(first.loss.values, second.loss.values)
        return {
            "method": "Welch" if min(seeds) > 1 else "one against seeds",
            "seeds": seeds,
            "accuracy": accuracy.difference,
            "accuracy_interval": accuracy.interval,
            "loss": loss.difference,
            "loss_interval": loss.interval,
            "p": accuracy.p,
            "paired": None,
        }
    # One network each; or neither side varies over its seeds, so that only the images allow a test.
    answers = first.contestant.answers[0], second.contestant.answers[0]
    pair = judge(answers, labels, first.losses - second.losses, resampled)
    return {
        "method": "McNemar",
        "seeds": seeds,
        "accuracy": pair.accuracy,
        "accuracy_interval": pair.accuracy_interval,
        "loss": pair.loss,
        "loss_interval": pair.loss_interval,
        "p": pair.p,
        "paired": pair,
    }


def _placed(measured: _Measured, images: int, contestants: int, differences: Sequence[Difference]) -> Placed:
    name, accuracy = measured.contestant.name, measured.accuracy
    better = sum(each.shown and each.second == name for each in differences)
    worse = sum(each.shown and each.first == name for each in differences)
    interval = accuracy.interval if accuracy.interval and accuracy.spreads else _over_images(accuracy.mean, images)
    return Placed(name, accuracy, interval, measured.loss, (1 + better, contestants - worse))


def _over_images(accuracy: float, images: int) -> Interval:
    return wilson(round(accuracy * images), images)


def in_words(difference: Difference) -> str:
    """Describe a difference of accuracies in a sentence, in percentage points.

    "A and B: no significant difference: 0.12 percentage points, 95 % CI −0.05 to 0.29, McNemar p = 0.21"
    """
    if difference.paired is not None and not len(difference.paired.differing):
        return f"{difference.first} and {difference.second}: no difference: the same prediction for every image"
    low, high = difference.accuracy_interval
    size = f"{_points(difference.accuracy)} percentage points, 95 % CI {_points(low)} to {_points(high)}"
    test = {"one against seeds": "t test"}.get(difference.method, difference.method)
    remarks = []
    if difference.seeds != (1, 1):
        remarks.append(f"{difference.seeds[0]} and {difference.seeds[1]} seeds")
    if difference.comparisons > 1:
        remarks.append(f"corrected for {counted(difference.comparisons, 'comparison')}")
    chance = f"{test} {_chance(difference.corrected)}" + (f" ({', '.join(remarks)})" if remarks else "")
    if difference.shown:
        return f"{difference.first} is better than {difference.second}: {size}, {chance}"
    return f"{difference.first} and {difference.second}: no significant difference: {size}, {chance}"


def _points(share: float) -> str:
    return f"{100 * share:.2f}".replace("-", "−")


def _chance(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3g}" if p < 0.1 else f"p = {p:.2f}"
