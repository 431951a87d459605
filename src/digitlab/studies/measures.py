"""The measures used in tables and conclusions: numbers computed from the result of one cell."""

from __future__ import annotations

import difflib
import itertools
import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Result = Mapping[str, Any]

__all__ = ["MEASURES", "Measure", "duration", "expect_measures"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a cell.

    title: the head of its column
    better: "more", "less", or "neither"
    digits: decimal places; if negative, two significant digits instead
    of: computes it from a cell's result
    """

    title: str
    better: Literal["more", "less", "neither"]
    digits: int
    of: Callable[[Result], float]

    def format(self, value: float) -> str:
        """Format a value as in tables."""
        return f"{value:.2g}" if self.digits < 0 else f"{value:,.{self.digits}f}"

    def difference(self, value: float, low: float, high: float) -> str:
        """Format a difference and its interval; accuracies in percentage points."""
        scale, digits, unit = (100, 2, " points") if "accuracy" in self.title else (1, max(self.digits, 0), "")
        middle, *ends = (f"{scale * each:+,.{digits}f}".replace("-", "−") for each in (value, low, high))
        if low == high:  # no variance
            return f"{middle}{unit}" if value else "no difference"
        return f"{middle}{unit} ({' to '.join(ends)})"


def duration(result: Result) -> float:
    """The seconds that a job took: its epochs, and what came before and after them.

    Earlier versions subtracted all epochs of a resumed training from the time after its resumption; the negative
    difference is ignored.
    """
    return float(result.get("seconds", 0.0)) + max(0.0, float(result.get("overhead", 0.0)))


def _number(name: str) -> Callable[[Result], float]:
    return lambda result: float(result[name])


def _column(name: str) -> Callable[[Result], list[float]]:
    """A column of the history, without epochs that have no finite value."""
    return lambda result: [float(each) for each in result["history"][name] if each is not None]


def _last(name: str) -> Callable[[Result], float]:
    column = _column(name)
    return lambda result: column(result)[-1]


def _first(name: str) -> Callable[[Result], float]:
    column = _column(name)
    return lambda result: column(result)[0]


def _mean(name: str) -> Callable[[Result], float]:
    column = _column(name)
    return lambda result: sum(values := column(result)) / len(values)


def _worst_drop(result: Result) -> float:
    """The largest drop of the monitored accuracy from one epoch to the next; 0 where it never drops."""
    values = _column("validation_accuracy")(result)
    return max((before - after for before, after in itertools.pairwise(values)), default=0.0)


def _gap(result: Result) -> float:
    """Absolute gap between monitored and training loss in the last epoch: from overfitting, or from dropout."""
    return abs(_last("validation_loss")(result) - _last("loss")(result))


def _least_f1(result: Result) -> float:
    """The lowest F1 score of a digit."""
    matrix: list[list[int]] = result["confusion_matrix"]
    return min(
        2 * matrix[digit][digit] / max(1, sum(matrix[digit]) + sum(row[digit] for row in matrix)) for digit in range(10)
    )


def _least_area(result: Result) -> float:
    return float(min(area for area in result["areas"] if area is not None))


def _epoch_seconds(result: Result) -> float:
    """Processor seconds per epoch: the median, as the first epoch includes compilation. NaN where not measured."""
    seconds: list[float] = result.get("processor_seconds", [])
    return statistics.median(seconds) if seconds else math.nan


def _rate(result: Result) -> float:
    """The learning rate at the lowest smoothed loss, or NaN where the loss never fell."""
    return math.nan if result["least"] is None else float(result["least"])


MEASURES: dict[str, Measure] = {
    "accuracy": Measure("accuracy", "more", 4, _number("accuracy")),
    "loss": Measure("loss", "less", 4, _number("loss")),
    "epochs": Measure("epochs", "less", 1, _number("epochs")),
    "best_epoch": Measure("best epoch", "neither", 1, _number("best_epoch")),
    "seconds": Measure("seconds", "less", 0, _number("seconds")),
    "epoch_seconds": Measure("processor seconds of an epoch", "less", 2, _epoch_seconds),
    "parameters": Measure("parameters", "neither", 0, _number("parameters")),
    "trained_parameters": Measure("trainable parameters", "neither", 0, _number("trained_parameters")),
    "training_accuracy": Measure("training accuracy", "more", 4, _last("accuracy")),
    "training_loss": Measure("training loss", "less", 4, _last("loss")),
    "first_accuracy": Measure("monitored accuracy after epoch 1", "more", 4, _first("validation_accuracy")),
    "mean_training_accuracy": Measure("training accuracy, mean of epochs", "more", 4, _mean("accuracy")),
    "mean_training_loss": Measure("training loss, mean of epochs", "less", 4, _mean("loss")),
    "mean_watched_accuracy": Measure("monitored accuracy, mean of epochs", "more", 4, _mean("validation_accuracy")),
    "mean_watched_loss": Measure("monitored loss, mean of epochs", "less", 4, _mean("validation_loss")),
    "watched_loss": Measure("monitored loss, last epoch", "less", 4, _last("validation_loss")),
    "worst_drop": Measure("largest drop of monitored accuracy", "less", 4, _worst_drop),
    "gap": Measure("gap between monitored and training loss", "less", 4, _gap),
    "least_f1": Measure("lowest F1 of a digit", "more", 4, _least_f1),
    "least_area": Measure("lowest AUC of a digit", "more", 5, _least_area),
    "rate": Measure("learning rate of the lowest loss", "neither", -1, _rate),
}


def expect_measures(names: Iterable[str]) -> None:
    """Check that all names are known measures.

    Raises:
        UsageError: for an unknown name, suggesting the closest known one.
    """
    for name in names:
        if name not in MEASURES:
            similar = difflib.get_close_matches(name, MEASURES, n=1)
            hint = f" Did you mean {similar[0]!r}?" if similar else ""
            raise UsageError(f"there is no measure {name!r}; known: {', '.join(MEASURES)}.{hint}")
