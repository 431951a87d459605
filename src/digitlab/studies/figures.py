"""The figures of studies: functions of the results, drawn by `digitlab.reports.figures`."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Any

from digitlab.errors import UsageError
from digitlab.studies.measures import MEASURES, expect_measures

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from matplotlib.figure import Figure

    from digitlab.evaluation.seeds import MeansDifference
    from digitlab.reports.figures.effects import Estimated
    from digitlab.studies.cells import Draw, Results
    from digitlab.studies.effects import Effect

__all__ = [
    "against", "confusion", "digit_report", "dots", "effects", "learning_curves", "over_epochs", "price",
    "range_tests",
    "validation_curves",
]  # fmt: skip

_TITLES = {
    "accuracy": "training accuracy",
    "loss": "training loss",
    "validation_accuracy": "validation accuracy",
    "validation_loss": "validation loss",
}


def over_epochs(*columns: str) -> Draw:
    """Plot columns of the history over epochs, one panel each, one line per cell; published values as crosses.

    Raises:
        UsageError: for a column that the history does not have.
    """
    for column in columns:
        if column not in _TITLES:
            raise UsageError(f"the history has no column {column!r}; expected one of {', '.join(_TITLES)}")

    def draw(study: Results) -> Figure:
        from digitlab.reports.figures.studies import cells_over_epochs_figure

        panels, printed = {}, {}
        for column in columns:
            title = _title(column, study)
            panels[title] = {
                cell.label: [_numbers(result, column) for result in study.results(cell.key)] for cell in study.cells
            }
            printed[title] = {
                study.label(key): each.curves[column] for key, each in study.published.items() if column in each.curves
            }
        return cells_over_epochs_figure(panels, printed, _published_ends(study))

    return draw


def _published_ends(study: Results) -> dict[str, float]:
    """The last epoch of each published training; empty where all trainings end at the same epoch."""
    measured = {epochs for cell in study.cells for epochs in study.values(cell.key, "epochs").values()}
    printed = {
        study.label(key): each.numbers["epochs"] for key, each in study.published.items() if "epochs" in each.numbers
    }
    return printed if len({*measured, *printed.values()}) > 1 else {}


def dots(*measures: str, logarithmic: bool = False) -> Draw:
    """Plot measures of each cell, one panel each, one dot per seed, beside the published value."""
    expect_measures(measures)

    def draw(study: Results) -> Figure:
        from digitlab.reports.figures.studies import cells_figure

        panels = {}
        for measure in measures:
            cells = {cell.label: list(study.values(cell.key, measure).values()) for cell in study.cells}
            printed = {
                study.label(key): each.numbers[measure]
                for key, each in study.published.items()
                if measure in each.numbers
            }
            panels[MEASURES[measure].title] = (cells, printed)
        return cells_figure(panels, logarithmic=logarithmic)

    return draw


def digit_report(printed: Mapping[str, Sequence[float]]) -> Draw:
    """Plot precision, recall and F1 score of each digit for the first measured cell, beside the published report.

    printed: one number per digit, by "precision", "recall" and "F1"
    """

    def draw(study: Results) -> Figure:
        from digitlab.reports.figures.studies import cells_figure

        first = next((cell.key for cell in study.cells if study.results(cell.key)), None)
        matrices = [] if first is None else [result["confusion_matrix"] for result in study.results(first)]
        panels = {}
        for title, numbers in printed.items():
            seeds = {str(digit): [_of_digit(matrix, digit)[title] for matrix in matrices] for digit in range(10)}
            panels[f"{title}, published to two decimals"] = (
                seeds,
                {str(digit): number for digit, number in enumerate(numbers)},
            )
        return cells_figure(panels)

    return draw


def against(across: str, up: str, lines: Mapping[str, Sequence[Hashable]], *, level: float | None = None) -> Draw:
    """Plot measure ``up`` over measure ``across``: one line per family of cells, which are listed by key.

    level: the position of a horizontal line
    """
    expect_measures([across, up])

    def draw(study: Results) -> Figure:
        from digitlab.reports.figures.studies import against_figure

        points = {
            name: [
                (fmean(places), list(study.values(key, up).values()))
                for key in keys
                if (places := list(study.values(key, across).values()))
            ]
            for name, keys in lines.items()
        }
        return against_figure(points, MEASURES[across].title, MEASURES[up].title, level=level)

    return draw


def effects(
    rows: Mapping[str, tuple[str, Mapping[str, Effect]]], *, title: str, linear_to: float | None = None
) -> Draw:
    """Plot effects with their 95 % intervals, in percentage points, one row each.

    rows: by row label: the measure, an accuracy, and the effects by legend label ("" for a single one)
    linear_to: points beyond which the scale is logarithmic
    """
    for measure, _ in rows.values():
        expect_measures([measure])

    def draw(study: Results) -> Figure:
        from digitlab.reports.figures.effects import effects_figure
        from digitlab.studies.effects import size_of

        keys = {cell.key for cell in study.cells}
        panel = {
            row: {
                name: _in_points(size_of(study, measure, effect)) if keys.issuperset(effect.keys) else None
                for name, effect in named.items()
            }
            for row, (measure, named) in rows.items()
        }
        return effects_figure({title: panel}, linear_to=linear_to)

    return draw


def price(measure: str, *, without: Hashable) -> Draw:
    """Plot each cell's gain over ``without``, its processor seconds per epoch, and its gain per minute of training."""
    expect_measures([measure])

    def draw(study: Results) -> Figure:
        from digitlab.evaluation.seeds import over_seeds
        from digitlab.reports.figures.effects import effects_figure
        from digitlab.studies.effects import Effect, gain_per_second, size_of

        gains: dict[str, dict[str, Estimated | None]] = {}
        durations: dict[str, dict[str, Estimated | None]] = {}
        gains_per_minute: dict[str, dict[str, Estimated | None]] = {}
        for cell in study.cells:
            seconds = list(study.values(cell.key, "epoch_seconds").values())
            spread = over_seeds(seconds) if len(seconds) > 1 else None
            ends = spread.interval if spread else None
            durations[cell.label] = {"": (spread.mean, *ends) if spread and ends else None}
            if cell.key == without:
                gains[cell.label] = {"": None}
            else:
                gain = size_of(study, measure, Effect(frm=(without,), to=(cell.key,)))
                gains[cell.label] = {"": _in_points(gain)}
                gains_per_minute[cell.label] = {"": _in_points(gain_per_second(study, measure, cell.key, without), 60)}
        times = "seconds per epoch"
        panels = {"gain in points": gains, times: durations, "points per minute": gains_per_minute}
        return effects_figure(panels, from_zero=[times])

    return draw


def _in_points(estimate: MeansDifference | None, factor: float = 1.0) -> Estimated | None:
    if estimate is None:
        return None
    scale = 100 * factor
    return scale * estimate.difference, scale * estimate.interval.low, scale * estimate.interval.high


def _of_digit(matrix: Sequence[Sequence[int]], digit: int) -> dict[str, float]:
    correct, actual, predicted = matrix[digit][digit], sum(matrix[digit]), sum(row[digit] for row in matrix)
    return {
        "precision": correct / max(1, predicted),
        "recall": correct / max(1, actual),
        "F1": 2 * correct / max(1, actual + predicted),
    }


def confusion(study: Results) -> Figure:
    """Draw the confusion matrix of the first measured cell, summed over its repeats (S1, §4.2)."""
    from digitlab.reports.figures.confusion import confusion_matrix_figure

    first = next(cell.key for cell in study.cells if study.results(cell.key))
    matrices = [result["confusion_matrix"] for result in study.results(first)]
    return confusion_matrix_figure(
        [[sum(counts) for counts in zip(*rows, strict=True)] for rows in zip(*matrices, strict=True)]
    )


def range_tests(study: Results) -> Figure:
    """Plot the loss over the rising learning rate, one panel per cell."""
    from digitlab.reports.figures.studies import range_tests_figure

    tests = {
        cell.label: [(each["rates"], each["smoothed"]) for each in study.results(cell.key)] for cell in study.cells
    }
    printed = {study.label(key): each.numbers["rate"] for key, each in study.published.items()}
    return range_tests_figure(tests, printed)


def learning_curves(study: Results) -> Figure:
    """Plot the first repeat's loss and accuracy over batches, validation per epoch; one row a cell (S0, figure 5.7)."""
    from digitlab.reports.figures.studies import batches_figure

    first = {cell.label: study.results(cell.key)[0] for cell in study.cells if study.results(cell.key)}
    return batches_figure(
        {name: result["history"] for name, result in first.items()},
        {name: _placed(result["batches"]) for name, result in first.items()},
    )


def _placed(batches: Mapping[str, Any]) -> dict[str, list[float]]:
    """Means over a few batches each, with their positions in epochs."""
    step = batches["each"] / batches["batches"]
    positions = [(number + 0.5) * step for number in range(len(batches["loss"]))]
    return {"place": positions, "loss": batches["loss"], "accuracy": batches["accuracy"]}


def _title(column: str, study: Results) -> str:
    return _TITLES[column].replace("validation", "test") if study.watches_test else _TITLES[column]


def _numbers(result: Mapping[str, Any], column: str) -> list[float]:
    return [float("nan") if value is None else float(value) for value in result["history"][column]]


validation_curves = over_epochs("validation_loss", "validation_accuracy")
