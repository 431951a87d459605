"""Everything that digitlab does besides reading pictures, as functions: settings in, frozen result out, no printing.

    from digitlab import evaluate
    print(evaluate("reader").metrics.accuracy)

Command line, page and window parse their input, call one of these functions and show the result. What happens
meanwhile is reported to one listener (`events`). Nothing heavy is imported before a job is called.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitlab.jobs.answers import ClassifiedData, classify_data
    from digitlab.jobs.comparison import Comparison, compare
    from digitlab.jobs.conversion import ImportResult, ensemble, export, import_model
    from digitlab.jobs.data_check import DataCheck
    from digitlab.jobs.datasets import (
        build_dataset,
        check_data,
        convert_dataset,
        dataset_from_review,
        describe_dataset,
        draw_dataset,
        draw_filters,
    )
    from digitlab.jobs.diagnosis import DiagnosisResult, diagnose
    from digitlab.jobs.evaluation import (
        Evaluation,
        RobustnessResult,
        evaluate,
        evaluate_predictions,
        load_run,
        robustness,
    )
    from digitlab.jobs.forms import BlankMarked, example_form, mark_form, new_form
    from digitlab.jobs.inspection import Inspection, inspect
    from digitlab.jobs.labels import LabelErrors, label_errors
    from digitlab.jobs.named_models import load_model
    from digitlab.jobs.page import WrittenPage, write_page
    from digitlab.jobs.practice import ByWriter, PracticeSet, by_writer, from_sheets
    from digitlab.jobs.reporting import report
    from digitlab.jobs.run_list import RunTable, list_runs
    from digitlab.jobs.searches import Tuned, tune
    from digitlab.jobs.sheet_agreement import Agreement, compare_sheets
    from digitlab.jobs.sheet_review import Corrected, PromiseMade, correct_sheets, promise_sheets, review_sheets
    from digitlab.jobs.sheets import StackRead, read_sheets, show_sheets
    from digitlab.jobs.studies import list_studies, run_study, show_study, write_study_page
    from digitlab.jobs.trainings import TransferResult, cross_validate, lr_range_test, resume, train, transfer

_MODULES = {
    **dict.fromkeys(("ClassifiedData", "classify_data"), "answers"),
    **dict.fromkeys(("Comparison", "compare"), "comparison"),
    "DataCheck": "data_check",
    **dict.fromkeys(("build_dataset", "check_data", "convert_dataset", "dataset_from_review"), "datasets"),
    **dict.fromkeys(("describe_dataset", "draw_dataset", "draw_filters"), "datasets"),
    **dict.fromkeys(("DiagnosisResult", "diagnose"), "diagnosis"),
    **dict.fromkeys(("ImportResult", "ensemble", "export", "import_model"), "conversion"),
    **dict.fromkeys(("BlankMarked", "example_form", "mark_form", "new_form"), "forms"),
    **dict.fromkeys(("Evaluation", "RobustnessResult", "evaluate", "evaluate_predictions"), "evaluation"),
    **dict.fromkeys(("load_run", "robustness"), "evaluation"),
    "load_model": "named_models",
    **dict.fromkeys(("WrittenPage", "write_page"), "page"),
    **dict.fromkeys(("Inspection", "inspect"), "inspection"),
    **dict.fromkeys(("LabelErrors", "label_errors"), "labels"),
    **dict.fromkeys(("ByWriter", "PracticeSet", "by_writer", "from_sheets"), "practice"),
    "report": "reporting",
    **dict.fromkeys(("RunTable", "list_runs"), "run_list"),
    **dict.fromkeys(("Tuned", "tune"), "searches"),
    **dict.fromkeys(("Agreement", "compare_sheets"), "sheet_agreement"),
    **dict.fromkeys(("Corrected", "PromiseMade", "correct_sheets", "promise_sheets", "review_sheets"), "sheet_review"),
    **dict.fromkeys(("StackRead", "read_sheets", "show_sheets"), "sheets"),
    **dict.fromkeys(("list_studies", "run_study", "show_study", "write_study_page"), "studies"),
    **dict.fromkeys(("TransferResult", "cross_validate", "lr_range_test", "resume", "train", "transfer"), "trainings"),
}

__all__ = [
    "Agreement", "BlankMarked", "ByWriter", "ClassifiedData", "Comparison", "Corrected", "DataCheck", "DiagnosisResult",
    "Evaluation", "ImportResult", "Inspection", "LabelErrors", "PracticeSet", "PromiseMade", "RobustnessResult",
    "RunTable", "StackRead", "TransferResult", "Tuned", "WrittenPage", "build_dataset", "by_writer", "check_data",
    "classify_data", "compare", "compare_sheets", "convert_dataset", "correct_sheets", "cross_validate",
    "dataset_from_review", "describe_dataset", "diagnose", "draw_dataset", "draw_filters", "ensemble", "evaluate",
    "evaluate_predictions", "example_form", "export", "from_sheets", "import_model", "inspect", "label_errors",
    "list_runs", "list_studies", "load_model", "load_run", "lr_range_test", "mark_form", "new_form", "promise_sheets",
    "read_sheets", "report", "resume", "review_sheets", "robustness", "run_study", "show_sheets", "show_study", "train",
    "transfer", "tune", "write_page", "write_study_page",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'digitlab.jobs' has no attribute {name!r}")
    return getattr(importlib.import_module(f"digitlab.jobs.{_MODULES[name]}"), name)
