"""A run as text: data, optimiser, schedule, duration; and its metrics for tables: name, value, interval, meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitlab.errors import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["NUMBERS", "Number", "curve_in_words", "curves_beside", "duration", "facts_of", "numbers_of", "percent"]


def facts_of(
    config: Mapping[str, Any], environment: Mapping[str, Any], history: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Name and text of the main settings; empty without a training.

    config: settings of a training, as in `config.toml`; environment: `environment.json`; history: one row per epoch
    """
    if not config:
        return []
    rows = [
        ("network", _network(config)),
        ("trained on", _data(config)),
        ("epochs", _epochs(config, history)),
        ("ended", str(environment.get("ended", ""))),
        ("optimiser", _optimiser(config)),
        ("augmentation", _augmentation(config)),
        ("regularised by", _smoothing(config)),
        ("tested on", _unless(config.get("test"), (config.get("dataset"), None))),
        ("seed", _unless(config.get("seed"), (None,))),
        ("machine", _machine(environment)),
    ]
    return [(name, text) for name, text in rows if text]


def curves_beside(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which curve accompanies the training curve: "validation", "test" or none."""
    return [name for name in ("validation", "test") if any(row.get(f"{name}_loss") is not None for row in history)]


def curve_in_words(history: Sequence[Mapping[str, Any]]) -> str:
    """An explanation of the learning curves."""
    training = (
        "Training: the training images, each batch before its update, with dropout and augmentation active where used"
    )
    beside = curves_beside(history)
    if "validation" in beside:
        return f"{training}. Validation: held-out images, which are never trained on, after each epoch."
    if "test" in beside:
        return f"{training}. Test: the test images after each epoch; they were not used to choose anything."
    return (
        f"{training}. No images were held out: the curve shows how well the network fits the training images, not how "
        "well it generalises; the accuracy above does (digitlab train --validation 0.1 or --watch test adds a second "
        "curve)."
    )


def duration(seconds: float) -> str:
    """A duration in words.

    >>> duration(8.31), duration(84.9), duration(5025)
    ('8.3 s', '1 min 25 s', '1 h 23 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes} min {left} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _unless(value: Any, nothing: Sequence[Any]) -> str:
    return "" if value in nothing else str(value)


def _network(config: Mapping[str, Any]) -> str:
    without = "" if config.get("dropout", True) else ", without dropout"
    return f"{config.get('architecture', '')}{without}"


def _data(config: Mapping[str, Any]) -> str:
    share = config.get("validation") or 0
    held_out = f", {100 * share:g} % of it held out for validation" if share else ""
    return f"{config.get('dataset', '')}{held_out}"


def _epochs(config: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> str:
    most = config.get("epochs")
    text = str(most) if not history or len(history) == most else f"{len(history)} of at most {most}"
    if config.get("patience") is not None:
        text += f", patience {config['patience']}"
    seconds = sum(row.get("seconds") or 0 for row in history)
    return f"{text}; {duration(seconds)}" if seconds else text


def _optimiser(config: Mapping[str, Any]) -> str:
    parts = [str(config.get("optimiser", ""))]
    if config.get("learning_rate") is not None:
        parts.append(f"learning rate {config['learning_rate']:g}")
    if config.get("schedule", "constant") != "constant":
        parts.append(f"{config['schedule']} schedule")
    if config.get("batch_size") is not None:
        parts.append(f"batches of {config['batch_size']}")
    return ", ".join(parts)


def _augmentation(config: Mapping[str, Any]) -> str:
    named, clean = _unless(config.get("augmentation"), ("none", None)), config.get("clean_epochs", 0)
    last = "epoch" if clean == 1 else f"{clean} epochs"
    return f"{named}, none in the last {last}" if named and clean else named


def _smoothing(config: Mapping[str, Any]) -> str:
    names = {"noise": "Gaussian noise", "label_smoothing": "label smoothing", "weight_average": "weight average"}
    return ", ".join(f"{text} {config[key]:g}" for key, text in names.items() if config.get(key))


def _machine(environment: Mapping[str, Any]) -> str:
    cores = f", {counted(environment['cores'], 'core')}" if environment.get("cores") else ""
    precision = f"; trained in {environment['precision']}" if environment.get("precision") else ""
    return f"{environment['processor']}{cores}{precision}" if environment.get("processor") else ""


def percent(share: float, decimals: int = 2) -> str:
    """A share in per cent.

    >>> percent(0.5), percent(1)
    ('50.00 %', '100.00 %')
    """
    return f"{100 * share:.{decimals}f} %"


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
        Number(
            "average_precision_macro",
            "average precision",
            "area under the precision–recall curve, mean over digits",
            _five_places,
        ),
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
