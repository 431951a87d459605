"""The metrics of an evaluation for tables: name, value with interval, meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["NUMBERS", "Number", "numbers_of", "percent"]


def percent(share: float, places: int = 2) -> str:
    """A share in per cent.

    >>> percent(0.5), percent(1)
    ('50.00 %', '100.00 %')
    """
    return f"{100 * share:.{places}f} %"


_four_places, _five_places = "{:.4f}".format, "{:.5f}".format


@dataclass(frozen=True, slots=True)
class Number:
    """A scalar metric of `metrics.json`.

    key: its name there; text: formats a value; best: selects the best of several

    >>> NUMBERS["accuracy"].text(0.99141), NUMBERS["loss"].text(0.02768)
    ('99.14 %', '0.0277')
    """

    key: str
    name: str
    meaning: str
    text: Callable[[float], str] = percent
    best: Callable[[list[float]], float] = max


NUMBERS = {
    number.key: number
    for number in (
        Number("accuracy", "accuracy", "share of images classified correctly"),
        Number("top_2", "top-2 accuracy", "share whose true digit is among the two most probable"),
        Number("top_3", "top-3 accuracy", "share whose true digit is among the three most probable"),
        Number("loss", "log loss", "cross-entropy: mean −ln of the true digit's probability (NLL)", _four_places, min),
        Number(
            "brier",
            "Brier score",
            "squared distance of the probabilities from the one-hot label",
            _four_places,
            min,
        ),
        Number("ece", "calibration error", "expected |confidence − accuracy| over 15 bins (ECE)", _four_places, min),
        Number("precision_macro", "macro precision", "correct share of the predictions of a digit, mean over digits"),
        Number("recall_macro", "macro recall", "correctly classified share of a digit's images, mean over digits"),
        Number("f1_macro", "macro F1", "harmonic mean of precision and recall, mean over digits"),
        Number("precision_weighted", "weighted precision", "precision, the digits weighted by their support"),
        Number("f1_weighted", "weighted F1", "F1, the digits weighted by their support"),
        Number("auc_macro", "macro AUC", "area under the ROC curve, one-vs-rest, mean over digits", _five_places),
        Number("average_precision_macro", "average precision", "area under precision–recall, mean", _five_places),
    )
}


def numbers_of(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of the table of metrics: metric, value, lower and upper limit or None."""
    intervals = {**metrics["intervals"], "accuracy": metrics["accuracy_interval"]}
    rows = []
    for key, number in NUMBERS.items():
        if metrics.get(key) is not None:
            low, high = intervals.get(key) or (None, None)
            rows.append({"number": number, "value": metrics[key], "low": low, "high": high})
    return rows
