"""The content of a run folder, read and checked once for all pages and figures."""

from __future__ import annotations

import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import RunError, StorageError
from digitlab.evaluation.metrics import without_undefined
from digitlab.reports.facts import NUMBERS
from digitlab.runs import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from digitlab.runs import Predictions

__all__ = ["Record"]

_HISTORY = ("epoch", "loss", "accuracy", "validation_loss", "validation_accuracy")
_BATCHES = ("epoch", "batch", "loss", "accuracy")


@dataclass(frozen=True, slots=True)
class Record:
    """A run folder's content.

    metrics: of `metrics.json`, checked; missing ones of old runs are None or absent, except images, loss, accuracy,
        precision, recall, f1, support and confusion_matrix, which are required. Undefined metrics of a class are
        None, also in old runs, which have 0 there
    history, batches: columns by name; empty without a training
    config, environment: of the training; of the enclosing run where this is an evaluation on other data
    trained: the folder of the training, None where there is none
    robustness: of `robustness.json`, checked; None without a robustness test
    """

    run: Run
    metrics: dict[str, Any]
    predictions: Predictions
    history: dict[str, list[float]]
    batches: dict[str, list[float]]
    config: dict[str, Any]
    environment: dict[str, Any]
    trained: Run | None
    robustness: dict[str, Any] | None

    @classmethod
    def read(cls, run: Run) -> Record:
        """Read ``run``.

        Raises:
            RunError: when it has no metrics or predictions, or a file is damaged or from another evaluation.
            StorageError: when a file cannot be read.
        """
        metrics = _checked_metrics(run)
        predictions = run.read_predictions()
        _expect_answers(run, metrics, predictions)
        trained = next((each for each in (run, _around(run)) if each is not None and each.config.is_file()), None)
        origin = trained or run
        with _naming_damage(origin.config):
            config = origin.read_config()
        return cls(
            run,
            metrics,
            predictions,
            _table(run, "history", _HISTORY),
            _table(run, "batches", _BATCHES),
            config,
            run.read_json(origin.environment) if origin.environment.is_file() else {},
            trained,
            _checked_robustness(run),
        )

    @property
    def name(self) -> str:
        """The folder's name, after that of the enclosing run for an evaluation on other data."""
        path, around = self.run.path.resolve(), _around(self.run)
        return path.name if around is None else f"{around.path.resolve().name} · {path.name}"

    @property
    def has_pictures(self) -> bool:
        """Whether the images of the errors are stored; not for stored probabilities without images."""
        return len(self.predictions.mistakes) == len(self.predictions.mistaken_images)


def _around(run: Run) -> Run | None:
    """The run whose model was evaluated on other data in this folder."""
    path = run.path if run.path.name not in {"", ".."} else run.path.resolve()
    return Run(path.parent.parent) if path.parent.name == "evaluations" else None


def _checked_metrics(run: Run) -> dict[str, Any]:
    """Read `metrics.json` and check its types, so that a damaged file is reported here.

    Missing or invalid optional metrics become None; missing required ones are an error.
    """
    metrics = run.read_json(run.metrics)
    for keys, fits, expected in _DEMANDED:
        for key in keys:
            if not fits(metrics.get(key)):
                raise RunError(
                    f"{run.metrics}: {key} is missing or damaged; expected {expected}. "
                    "`digitlab evaluate` writes it again"
                )
    intervals = metrics.get("intervals")
    intervals = intervals if isinstance(intervals, dict) else {}
    doubtful = metrics.get("doubtful")
    wished = {
        "accuracy_interval": _pair(metrics.get("accuracy_interval")),
        "intervals": {key: _pair(value) for key, value in intervals.items() if _pair(value)},
        "auc": metrics["auc"] if _is_list(metrics.get("auc"), 10, or_none=True) else None,
        "doubtful": doubtful
        if isinstance(doubtful, dict) and all(_is_number(doubtful.get(key)) for key in _DOUBTFUL)
        else None,
    }
    named = {key: str(metrics.get(key, "?")) for key in ("model", "data", "split")}
    scalars = {key: value if _is_number(value) else None for key, value in metrics.items() if key in NUMBERS}
    by_class = without_undefined({name: metrics[name] for name in _BY_CLASS}, metrics["confusion_matrix"])
    return {"tta": None, **metrics, **scalars, **wished, **by_class, **named}


def _checked_robustness(run: Run) -> dict[str, Any] | None:
    """Read `robustness.json`, and check that every set has a kind, a name and numbers."""
    if not run.robustness.is_file():
        return None
    content = run.read_json(run.robustness)
    sets = content.get("sets")
    if not isinstance(sets, list) or not all(isinstance(each, dict) and _is_set(each) for each in sets):
        raise RunError(
            f"{run.robustness}: damaged; expected sets with names and numbers. `digitlab evaluate --robustness` "
            "writes it again"
        )
    mean = content.get("corruption_mean")
    return {"sets": sets, "corruption_mean": mean if _is_number(mean) else None}


def _is_set(entry: dict[str, Any]) -> bool:
    numbers = all(_is_number(entry.get(key)) for key in ("images", "answered"))
    optional = all(entry.get(key) is None or _is_number(entry[key]) for key in ("accuracy", "low", "high", "auroc"))
    return numbers and optional and all(isinstance(entry.get(key), str) for key in ("kind", "name"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list(value: Any, length: int, *, or_none: bool = False) -> bool:
    return (
        isinstance(value, list)
        and len(value) == length
        and all(_is_number(each) or (or_none and each is None) for each in value)
    )


def _is_matrix(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 10 and all(_is_list(row, 10) for row in value)


def _pair(value: Any) -> list[float] | None:
    return value if _is_list(value, 2) else None


_BY_CLASS = ("precision", "recall", "f1")
_DOUBTFUL = ("accuracy_raw", "accuracy_corrected", "accuracy_without")
_DEMANDED: tuple[tuple[tuple[str, ...], Callable[[Any], bool], str], ...] = (
    (("images", "loss", "accuracy"), _is_number, "a number"),
    (_BY_CLASS, partial(_is_list, length=10, or_none=True), "ten numbers"),
    (("support",), partial(_is_list, length=10), "ten numbers"),
    (("confusion_matrix",), _is_matrix, "ten rows of ten counts"),
)


def _expect_answers(run: Run, metrics: dict[str, Any], predictions: Predictions) -> None:
    images, probabilities = len(predictions.labels), predictions.probabilities
    if probabilities.shape != (images, 10) or images != metrics["images"]:
        raise RunError(
            f"{run.predictions}: has {probabilities.shape} probabilities of {images} images, but metrics.json has "
            f"{metrics['images']} images; expected one evaluation. `digitlab evaluate` writes both again"
        )
    known_shape = predictions.mistaken_images.shape[1:] in {(28, 28), ()}
    if not np.isin(predictions.mistakes, np.arange(images)).all() or not known_shape:
        raise RunError(
            f"{run.predictions}: its errors are not among its {images} images. `digitlab evaluate` writes it again"
        )


def _table(run: Run, name: str, expected: tuple[str, ...]) -> dict[str, list[float]]:
    """A table's columns; empty without rows, as after a training stopped in its first epoch."""
    path = getattr(run, name)
    with _naming_damage(path):
        table = run.read_table(path)
        rows = min(len(table[column]) for column in expected) if table else 0
    return table if rows else {}


@contextmanager
def _naming_damage(path: Any) -> Iterator[None]:
    try:
        yield
    except StorageError:
        raise
    except tomllib.TOMLDecodeError as error:
        raise RunError(f"{path}: damaged, not TOML ({error})") from error
    except KeyError as error:
        raise RunError(f"{path}: damaged; it lacks the column {error}") from error
    except (ValueError, IndexError) as error:
        raise RunError(f"{path}: damaged; expected a table of numbers ({error})") from error
