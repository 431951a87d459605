"""Display of trainings and evaluations: run folders, learning curves, metrics."""

from __future__ import annotations

import functools
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from digitlab.errors import counted
from digitlab.reports.facts import numbers_of, percent
from digitlab.showing.sheet import Look, Sheet, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.figure import Figure

    from digitlab.evaluation import Metrics
    from digitlab.jobs import Evaluation, TransferResult
    from digitlab.jobs.run_list import RunTable
    from digitlab.runs import Run
    from digitlab.training import History, Trained

    Figures = Mapping[str, Callable[[], Figure]]

__all__ = ["LOOKS"]

_BY_DIGIT = ("precision", "recall", "f1")


def _metrics_sheet(metrics: Metrics) -> Sheet:
    values = metrics.as_dict()
    right = round(metrics.accuracy * metrics.images)
    title = f"accuracy {percent(metrics.accuracy)}: {right:,} of {counted(metrics.images, 'image')}"
    return Sheet(title, (), [_numbers(values), _by_digit(values)])


def _numbers(values: Mapping[str, Any]) -> Table:
    rows = []
    for row in numbers_of(values):
        number, low, high = row["number"], row["low"], row["high"]
        interval = "" if low is None else f"{number.text(low)} to {number.text(high)}"
        rows.append([number.name, number.text(row["value"]), interval])
    return Table(["metric", "value", "95 % confidence interval"], rows)


def _by_digit(values: Mapping[str, Any]) -> Table:
    rows = [
        [str(digit), *("–" if values[name][digit] is None else percent(values[name][digit]) for name in _BY_DIGIT),
         f"{values['support'][digit]:,}"]
        for digit in range(10)
    ]  # fmt: skip
    return Table(["digit", "precision", "recall", "F1", "support"], rows)


def _metrics_figures(metrics: Metrics) -> Figures:
    """The figures that need no probabilities of single images; a run or an evaluation has the others as well."""
    from digitlab.reports import figures

    matrix = metrics.confusion_matrix
    report = {"precision": metrics.precision, "recall": metrics.recall, "F1": metrics.f1}
    return {
        "confusion-matrix": functools.partial(figures.confusion_matrix_figure, matrix),
        "confusion-matrix-shares": functools.partial(figures.confusion_matrix_figure, matrix, shares=True),
        "classification-report": functools.partial(figures.classification_report_figure, report, metrics.support),
        "precision-recall-bars": functools.partial(
            figures.precision_recall_bars_figure, metrics.precision, metrics.recall
        ),
    }


def _metrics_columns(metrics: Metrics) -> dict[str, Sequence[Any]]:
    values = metrics.as_dict()
    return {"digit": list(range(10)), **{name: values[name] for name in (*_BY_DIGIT, "support")}}


def _history_sheet(history: History) -> Sheet:
    rows = [
        [str(each.epoch), *(_number(value) for value in (each.loss, each.accuracy)),
         *(_number(value) for value in (each.validation_loss, each.validation_accuracy)), f"{each.seconds:.1f}"]
        for each in history.epochs
    ]  # fmt: skip
    head = ["epoch", "loss", "accuracy", "validation loss", "validation accuracy", "seconds"]
    return Sheet(
        f"{counted(len(rows), 'epoch')}; ended: {history.stopped}", (), [Table(head, rows, left=0)] if rows else []
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _columns_of(history: History) -> dict[str, list[Any]]:
    rows = [asdict(each) for each in history.epochs]
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def _history_figures(history: History) -> Figures:
    from digitlab.reports.figures import learning_curves_figure

    if not history.epochs:
        return {}
    columns = {
        name: [float("nan") if value is None else value for value in values]
        for name, values in _columns_of(history).items()
    }
    names = ("epoch", "batch", "loss", "accuracy")
    batches = dict(zip(names, map(list, zip(*history.batches, strict=True)), strict=True)) if history.batches else {}
    draw = functools.partial(learning_curves_figure, columns, batches)
    return {
        "learning-curves": draw,
        "learning-loss": functools.partial(draw, of=("loss",)),
        "learning-accuracy": functools.partial(draw, of=("accuracy",)),
    }


def _history_png(history: History) -> bytes | None:
    from digitlab.reports.figures.style import png_content

    draw = next(iter(_history_figures(history).values()), None)
    return None if draw is None else png_content(draw())


def _run_sheet(run: Run) -> Sheet:
    from digitlab.reports.facts import facts_of

    config = run.read_config()
    environment = run.read_json(run.environment) if run.environment.is_file() else {}
    facts = [[name, text] for name, text in facts_of(config, environment, _epochs(run))]
    measured = run.read_json(run.metrics) if run.metrics.is_file() else {}
    lines = [f"folder {run.path}"]
    if measured:
        lines.append(
            f"accuracy {percent(measured['accuracy'])} on {counted(measured['images'], 'image')} of {_tested(measured)}"
        )
    if run.report.is_file():
        lines.append(f"report {run.report}")
    return Sheet(run.path.name, lines, [Table(["", ""], facts, left=2)] if facts else [])


def _epochs(run: Run) -> list[dict[str, float]]:
    table = run.read_table(run.history)
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


def _tested(measured: Mapping[str, Any]) -> str:
    return f"{measured.get('data', '?')} ({measured.get('split', '?')})"


def _run_figures(run: Run) -> Figures:
    """All figures of the run's report, the learning curves first."""
    from digitlab.reports.figures import learning_curves_figure
    from digitlab.reports.records import Record
    from digitlab.reports.run_figures import drawings_of

    record = Record.read(run)
    drawings: dict[str, Callable[[], Figure]] = {name: drawing.draw for name, drawing in drawings_of(record).items()}
    both = {"learning-curves": functools.partial(learning_curves_figure, record.history, record.batches)}
    return {**(both if record.history else {}), **drawings}


def _trained_sheet(trained: Trained) -> Sheet:
    metrics, history = trained.metrics, trained.history
    lines = [
        f"{counted(len(history.epochs), 'epoch')}; ended: {history.stopped}",
        f"log loss {metrics.loss:.4f} on {counted(metrics.images, 'test image')}",
    ]
    if trained.tta is not None:
        lines.append(f"with test-time augmentation: accuracy {percent(trained.tta.accuracy)}")
    return Sheet(f"accuracy {percent(metrics.accuracy)}", [*lines, *_paths(trained.run)], [_numbers(metrics.as_dict())])


def _paths(run: Run) -> list[str]:
    report = [f"report {run.report}"] if run.report.is_file() else []
    return [f"folder {run.path}", *report]


def _evaluation_sheet(evaluation: Evaluation) -> Sheet:
    sheet = _metrics_sheet(evaluation.metrics)
    about = f"{evaluation.kept.get('model', '?')} on {_tested(evaluation.kept)}"
    return Sheet(sheet.title, [about, *_paths(evaluation.run)], sheet.tables)


def _transfer_sheet(result: TransferResult) -> Sheet:
    before = "" if result.learned.before is None else f"; {percent(result.learned.before)} before"
    lines = [f"learned from {counted(len(result.data.train), 'image')}, tested on {result.data.tested_on}{before}"]
    numbers = [_numbers(result.metrics.as_dict())]
    return Sheet(f"accuracy {percent(result.metrics.accuracy)}", [*lines, *_paths(result.run)], numbers)


def _table_sheet(table: RunTable) -> Sheet:
    left_out = [f"left out: {reason}" for reason in table.left_out]
    head, rows = table.as_texts()
    count = counted(table.found, "run")
    count = f"{len(table.rows)} of {count}" if len(table.rows) != table.found else count
    return Sheet(f"{count} in {table.folder}", left_out, [Table(head, rows, left=table.texts)] if rows else [])


LOOKS = {
    "Evaluation": Look(_evaluation_sheet, figures=lambda found: _run_figures(found.run)),
    "History": Look(_history_sheet, _history_png, _history_figures, _columns_of),
    "Metrics": Look(_metrics_sheet, figures=_metrics_figures, columns=_metrics_columns),
    "Run": Look(_run_sheet, figures=_run_figures),
    "RunTable": Look(_table_sheet, columns=lambda table: table.as_columns()),
    "Trained": Look(_trained_sheet, figures=lambda found: _run_figures(found.run)),
    "TransferResult": Look(_transfer_sheet, figures=lambda found: _run_figures(found.run)),
}
