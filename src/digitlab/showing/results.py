"""Display of comparisons, studies and diagnoses: rankings with tests, tables with published values, verdicts."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from digitlab.errors import counted
from digitlab.evaluation.comparison import in_words
from digitlab.reports.facts import percent
from digitlab.showing.sheet import Look, Sheet, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.figure import Figure

    from digitlab.diagnosis import Diagnosis
    from digitlab.jobs import Comparison, DiagnosisResult
    from digitlab.studies.outcome import Outcome
    from digitlab.studies.running import Ran

    Figures = Mapping[str, Callable[[], Figure]]

__all__ = ["LOOKS"]


def _comparison_sheet(comparison: Comparison) -> Sheet:
    rows = []
    for placed in comparison.ranking.placed:
        (low, high), (best, worst) = placed.accuracy_interval, placed.places
        rows.append([
            placed.name, str(best) if best == worst else f"{best}–{worst}", str(len(placed.accuracy.values)),
            percent(placed.accuracy.mean), f"{percent(low)} to {percent(high)}", f"{placed.loss.mean:.4f}",
        ])  # fmt: skip
    head = ["", "rank", "seeds", "accuracy", "95 % confidence interval", "log loss"]
    return Sheet(comparison.images, [in_words(each) for each in comparison.ranking.differences], [Table(head, rows)])


def _comparison_figures(comparison: Comparison) -> Figures:
    """The figures of a comparison's report; none where a run is not a folder but a file of predictions."""
    from digitlab.reports.comparison_page import comparison_drawings
    from digitlab.reports.records import Record
    from digitlab.runs import Run

    paths = [one.path for placed in comparison.ranking.placed for one in comparison.members[placed.name]]
    if not all(path.is_dir() for path in paths):
        return {}
    drawings = comparison_drawings([Record.read(Run(path)) for path in paths])
    usual = "recall"
    return {name: drawings[name].draw for name in sorted(drawings, key=lambda name: (name != usual, name))}


def _comparison_columns(comparison: Comparison) -> dict[str, list[Any]]:
    placed = comparison.ranking.placed
    return {
        "name": [each.name for each in placed],
        "best_rank": [each.places[0] for each in placed],
        "worst_rank": [each.places[1] for each in placed],
        "seeds": [len(each.accuracy.values) for each in placed],
        "accuracy": [each.accuracy.mean for each in placed],
        "accuracy_low": [each.accuracy_interval[0] for each in placed],
        "accuracy_high": [each.accuracy_interval[1] for each in placed],
        "loss": [each.loss.mean for each in placed],
    }


def _outcome_sheet(outcome: Outcome) -> Sheet:
    from digitlab.studies.results import QUICK, as_dict, plain_table

    results = as_dict(outcome)
    head, rows = plain_table(results)
    lines = [results["source"], *([QUICK] if outcome.quick else [])]
    if missing := results["planned"] - results["found"]:
        lines.append(f"{missing} of {results['planned']} trainings are still missing")
    verdicts = [[each["verdict"], each["text"], each["evidence"]] for each in results["conclusions"]]
    tables = [Table(head, rows)]
    if verdicts:
        tables.append(Table(["verdict", "conclusion", "evidence"], verdicts, left=3))
    return Sheet(outcome.study.name, lines, tables)


def _outcome_figures(outcome: Outcome) -> Figures:
    from digitlab.studies.results import figure_names

    if not outcome.repeats:
        return {}
    names = [name.removesuffix(".png") for name in figure_names(outcome.study)]
    return {name: functools.partial(draw, outcome) for name, draw in zip(names, outcome.study.figures, strict=True)}


def _outcome_columns(outcome: Outcome) -> dict[str, list[Any]]:
    """One row per cell and repeat: means and deviations are left to pandas."""
    from digitlab.studies.results import rows_of

    rows = [
        (row["label"], repeat, row)
        for row in rows_of(outcome)
        for repeat in range(max((len(column["values"]) for column in row["columns"].values()), default=0))
    ]
    names = outcome.study.columns
    return {
        "cell": [label for label, _, _ in rows],
        "repeat": [repeat for _, repeat, _ in rows],
        **{name: [_at(row["columns"][name]["values"], repeat) for _, repeat, row in rows] for name in names},
    }


def _at(values: list[float], repeat: int) -> float | None:
    return values[repeat] if repeat < len(values) else None


def _ran_sheet(ran: Ran) -> Sheet:
    sheets = [_outcome_sheet(outcome) for outcome in ran.outcomes]
    if len(sheets) == 1:
        return sheets[0]
    lines = [f"{outcome.study.name}: {outcome.found} of {outcome.planned} trainings" for outcome in ran.outcomes]
    tables = [
        Table(table.head, table.rows, title=sheet.title if first else "", left=table.left)
        for sheet in sheets
        for first, table in zip([True] + [False] * len(sheet.tables), sheet.tables, strict=False)
    ]
    return Sheet(f"{counted(len(sheets), 'study', 'studies')}", lines, tables)


def _ran_figures(ran: Ran) -> Figures:
    """Figures named STUDY/figure; without the study's name if there is only one."""
    by_study = {outcome.study.name: _outcome_figures(outcome) for outcome in ran.outcomes}
    if len(by_study) == 1:
        return next(iter(by_study.values()))
    return {f"{study}/{name}": draw for study, drawings in by_study.items() for name, draw in drawings.items()}


def _ran_columns(ran: Ran) -> dict[str, list[Any]]:
    merged: dict[str, list[Any]] = {"study": []}
    done = 0
    for outcome in ran.outcomes:
        columns = _outcome_columns(outcome)
        count = len(columns["cell"])
        merged["study"] += [outcome.study.name] * count
        for name in (*columns, *(each for each in merged if each not in columns and each != "study")):
            before = merged.setdefault(name, [None] * done)
            before += columns.get(name, [None] * count)
        done += count
    return merged


def _diagnosis_sheet(diagnosis: Diagnosis) -> Sheet:
    steps = [step for step in diagnosis.steps if step.measured is not None]
    rows = [[step.name, str(step.measured), str(step.answer), str(step.alone)] for step in steps]
    head = ["difference", "what was found", "corrected up to here", "mended alone"]
    reader = "finds no digit" if diagnosis.reader is None else f"answers {diagnosis.reader}"
    lines = [
        f"as given it answers {diagnosis.first}, with all differences mended {diagnosis.last}; "
        f"the shipped reader {reader}"
    ]
    return Sheet(diagnosis.sentence, lines, [Table(head, rows, left=2)] if rows else [])


def _diagnosis_figures(diagnosis: Diagnosis) -> Figures:
    return {"steps": functools.partial(_steps_figure, diagnosis)}


def _steps_figure(diagnosis: Diagnosis) -> Figure:
    """The network's input as given, and after each difference that was corrected, with its predictions."""
    import numpy as np

    from digitlab.reports.figures import digits_figure

    steps = [step for step in diagnosis.steps if step.measured is not None]
    images = np.stack([diagnosis.shown, *(step.image for step in steps)])
    return digits_figure(images, [str(diagnosis.first), *(str(step.answer) for step in steps)])


def _result_sheet(result: DiagnosisResult) -> Sheet:
    if len(result.photos) == 1 and result.data is None:
        return _diagnosis_sheet(result.photos[0])
    rows = [[each.photo, each.sentence] for each in result.photos]
    return Sheet(result.sentence, list(result.refused), [Table(["photo", "outcome"], rows, left=2)] if rows else [])


def _result_figures(result: DiagnosisResult) -> Figures:
    if len(result.photos) == 1:
        return _diagnosis_figures(result.photos[0])
    return {f"{number}/steps": functools.partial(_steps_figure, each) for number, each in enumerate(result.photos, 1)}


LOOKS = {
    "Comparison": Look(_comparison_sheet, figures=_comparison_figures, columns=_comparison_columns),
    "Diagnosis": Look(_diagnosis_sheet, figures=_diagnosis_figures),
    "DiagnosisResult": Look(_result_sheet, figures=_result_figures),
    "Outcome": Look(_outcome_sheet, figures=_outcome_figures, columns=_outcome_columns),
    "Ran": Look(_ran_sheet, figures=_ran_figures, columns=_ran_columns),
}
