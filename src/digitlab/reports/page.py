"""A run folder → `report.html`: one self-contained page without scripts."""

from __future__ import annotations

import math
import shlex
from datetime import datetime
from typing import TYPE_CHECKING, Any

from digitlab.evaluation import doubtful
from digitlab.reports.facts import curve_in_words, curves_beside, duration, facts_of, numbers_of
from digitlab.reports.records import Record
from digitlab.reports.rendering import picture, png_of, render, svg
from digitlab.reports.run_figures import drawings_of
from digitlab.storage import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from digitlab.runs import Run

__all__ = ["report_page", "write_report"]

_MOST_MISTAKES = 30
_MOST_CONFUSED = 8
_FIGURES = (
    "learning-loss", "learning-accuracy", "confusion-matrix", "precision-recall-bars", "roc", "roc-corner",
    "precision-recall", "precision-recall-corner", "reliability", "error-reject",
)  # fmt: skip


def write_report(run: Run, out: Path | None = None) -> None:
    """Write ``run``'s `report.html`, or ``out``, from its other files; missing parts are left out.

    Raises:
        RunError: when it has no metrics or predictions, or a file is damaged.
        StorageError: when the page cannot be written.
    """
    write_text(out or run.report, report_page(run))


def report_page(run: Run) -> str:
    """The content of ``run``'s `report.html`.

    Raises:
        RunError: when it has no metrics or predictions, or a file is damaged.
    """
    record = Record.read(run)
    drawings = drawings_of(record)
    history = _rows(record.history)
    return render(
        "report.html",
        title=record.name,
        made=datetime.now().strftime("%Y-%m-%d %H:%M"),
        metrics=record.metrics,
        numbers=numbers_of(record.metrics),
        training=record.config,
        settings=record.trained.config.read_text("utf-8") if record.trained else "",
        facts=facts_of(record.config, record.environment, history),
        environment={key: value for key, value in record.environment.items() if key != "ended"},  # among the facts
        history=history,
        duration=duration(sum(row.get("seconds") or 0 for row in history)),
        rates=len({row.get("learning_rate") for row in history}) > 1,
        beside=curves_beside(history),
        curve=curve_in_words(history),
        figures={name: svg(name, drawings[name]) for name in _FIGURES if name in drawings},
        confused=_confused(record.metrics["confusion_matrix"]),
        mistakes=_mistakes(record),
        wrong=round(record.metrics["images"] * (1 - record.metrics["accuracy"])),
        evaluations=_evaluations(record),
        robustness=_robustness(record),
        commands=_commands(record),
    )


def _rows(table: dict[str, list[float]]) -> list[dict[str, float | None]]:
    """Columns → rows; NaN (an empty cell) becomes None."""
    count = len(next(iter(table.values()), []))
    return [
        {name: None if math.isnan(column[row]) else column[row] for name, column in table.items()}
        for row in range(count)
    ]


def _confused(matrix: list[list[int]]) -> list[dict[str, int]]:
    """The most frequently confused pairs of digits."""
    pairs = [
        {"truth": truth, "answer": answer, "count": count, "images": sum(row)}
        for truth, row in enumerate(matrix)
        for answer, count in enumerate(row)
        if truth != answer and count
    ]
    return sorted(pairs, key=lambda pair: -pair["count"])[:_MOST_CONFUSED]


def _mistakes(record: Record) -> list[dict[str, Any]]:
    """The most confident errors with their three most probable classes, and the picture where available."""
    predictions = record.predictions
    doubted = set(doubtful.DOUBTFUL) if doubtful.are_mnists_test_labels(predictions.labels) else set()
    shown = []
    for index, row in enumerate(predictions.mistakes[:_MOST_MISTAKES]):
        guesses = predictions.probabilities[row].argsort()[::-1][:3]
        shown.append(
            {
                "number": int(row),
                "truth": int(predictions.labels[row]),
                "guesses": [(int(digit), float(predictions.probabilities[row, digit])) for digit in guesses],
                "picture": picture(255 - predictions.mistaken_images[index]) if record.has_pictures else None,
                "doubted": int(row) in doubted,
            }
        )
    return shown


def _evaluations(record: Record) -> list[dict[str, Any]]:
    """The evaluations of the same model on other data, from the run's subfolders."""
    rows = []
    for path in sorted(record.run.path.glob("evaluations/*/metrics.json")):
        numbers = record.run.read_json(path)
        if all(isinstance(numbers.get(key), int | float) for key in ("accuracy", "loss", "images")):
            copies = numbers.get("tta")
            name = path.parent.name
            if isinstance(copies, int):
                name = f"{name.removesuffix(f'-tta-{copies}')}, test-time augmentation, {copies} copies per image"
            rows.append({**numbers, "name": name})
    return rows


def _robustness(record: Record) -> dict[str, Any] | None:
    """The robustness results, one row per set, without rotations and shifts, which the figure shows."""
    robustness = record.robustness
    if robustness is None:
        return None
    rows = [each for each in robustness["sets"] if each["kind"] not in ("rotation", "shift-x", "shift-y")]
    spoilt = [each for each in rows if each["kind"] in ("plain", "corruption")]
    return {
        "spoilt": spoilt,
        "others": [each for each in rows if each not in spoilt],
        "mean": robustness["corruption_mean"],
        "picture": png_of(record.run.robustness_plot),
    }


def _commands(record: Record) -> list[str]:
    """The commands that reproduce these metrics."""
    metrics, trained = record.metrics, record.trained
    commands = [["digitlab", "train", str(trained.config)]] if trained is not None else []
    if "command" in record.config:  # an evaluation: training recipes have no such key
        commands = [shlex.split(str(record.config["command"]))]
    if "logits" in metrics:  # stored probabilities
        options = ["--logits"] if metrics["logits"] else []
        commands = [
            ["digitlab", "evaluate", "--probabilities", metrics["model"], "--labels", metrics["data"], *options]
        ]
    elif trained is None or trained.path != record.run.path:
        options = ["--tta", str(metrics["tta"])] if metrics["tta"] else []
        model = str(trained.path) if trained else metrics["model"]
        commands.append(
            ["digitlab", "evaluate", model, "--data", metrics["data"], "--split", metrics["split"], *options]
        )
    return [shlex.join(command) for command in commands]
