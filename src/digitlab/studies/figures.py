"""Which figure a study has, as its source has it: a function of the outcome, drawn by `digitlab.reports.figures`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from digitlab.studies.measures import MEASURES, expect_measures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from digitlab.studies.outcome import Outcome

    Draw = Callable[[Outcome], Figure]

__all__ = ["Draw", "confusion", "dots", "learning_curves", "over_epochs", "range_tests", "validation_curves"]

if not TYPE_CHECKING:
    Draw = Callable

_TITLES = {
    "accuracy": "training accuracy",
    "loss": "training loss",
    "validation_accuracy": "validation accuracy",
    "validation_loss": "validation loss",
}


def over_epochs(*columns: str) -> Draw:
    """Columns of the history over epochs, a panel each, a line a cell; what was published as crosses."""

    def draw(outcome: Outcome) -> Figure:
        from digitlab.reports.figures.studies import cells_over_epochs_figure

        panels, printed = {}, {}
        for column in columns:
            title = _title(column, outcome)
            panels[title] = {
                cell.label: [_numbers(result, column) for result in outcome.results(cell.key)] for cell in outcome.cells
            }
            printed[title] = {
                outcome.label(key): each.curves[column]
                for key, each in outcome.published.items()
                if column in each.curves
            }
        return cells_over_epochs_figure(panels, printed)

    return draw


def dots(measure: str, *, logarithmic: bool = False) -> Draw:
    """A measure of each cell, seed by seed, beside the published one."""
    expect_measures([measure])

    def draw(outcome: Outcome) -> Figure:
        from digitlab.reports.figures.studies import cells_figure

        cells = {cell.label: list(outcome.values(cell.key, measure).values()) for cell in outcome.cells}
        printed = {
            outcome.label(key): each.numbers[measure]
            for key, each in outcome.published.items()
            if measure in each.numbers
        }
        return cells_figure(cells, printed, MEASURES[measure].title, logarithmic=logarithmic)

    return draw


def confusion(outcome: Outcome) -> Figure:
    """The confusion matrix of the first cell that was measured, all repeats together (S1, §4.2)."""
    from digitlab.reports.figures.confusion import confusion_matrix_figure

    first = next(cell.key for cell in outcome.cells if outcome.records[cell.key])
    matrices = [result["confusion_matrix"] for result in outcome.results(first)]
    return confusion_matrix_figure(
        [[sum(counts) for counts in zip(*rows, strict=True)] for rows in zip(*matrices, strict=True)]
    )


def range_tests(outcome: Outcome) -> Figure:
    """Loss against a rising rate, a panel a cell."""
    from digitlab.reports.figures.studies import range_tests_figure

    tests = {
        cell.label: [
            (each["result"]["rates"], each["result"]["smoothed"]) for each in outcome.records[cell.key].values()
        ]
        for cell in outcome.cells
    }
    printed = {outcome.label(key): each.numbers["rate"] for key, each in outcome.published.items()}
    return range_tests_figure(tests, printed)


def learning_curves(outcome: Outcome) -> Figure:
    """Of the first repeat: loss and accuracy over batches, the validation after each epoch; a row a cell (S0, 5.7)."""
    from digitlab.reports.figures.studies import batches_figure

    first = {cell.label: outcome.results(cell.key)[0] for cell in outcome.cells if outcome.records[cell.key]}
    return batches_figure(
        {name: result["history"] for name, result in first.items()},
        {name: _placed(result["batches"]) for name, result in first.items()},
    )


def _placed(batches: Mapping[str, Any]) -> dict[str, list[float]]:
    """Means of some batches each, with their place, counted in epochs."""
    step = batches["each"] / batches["batches"]
    place = [(number + 0.5) * step for number in range(len(batches["loss"]))]
    return {"place": place, "loss": batches["loss"], "accuracy": batches["accuracy"]}


def _title(column: str, outcome: Outcome) -> str:
    watched = outcome.study.task.settings().get("watch") == "test"
    return _TITLES[column].replace("validation", "test") if watched else _TITLES[column]


def _numbers(result: Mapping[str, Any], column: str) -> list[float]:
    return [float("nan") if value is None else float(value) for value in result["history"][column]]


validation_curves = over_epochs("validation_loss", "validation_accuracy")
