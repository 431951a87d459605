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
    from digitlab.jobs.inspection import Inspection, inspect
    from digitlab.jobs.labels import LabelErrors, label_errors
    from digitlab.jobs.named_models import load_model
    from digitlab.jobs.page import WrittenPage, write_page
    from digitlab.jobs.reporting import report
    from digitlab.jobs.run_list import RunTable, list_runs
    from digitlab.jobs.searches import Tuned, tune
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
    **dict.fromkeys(("Evaluation", "RobustnessResult", "evaluate", "evaluate_predictions"), "evaluation"),
    **dict.fromkeys(("load_run", "robustness"), "evaluation"),
    "load_model": "named_models",
    **dict.fromkeys(("WrittenPage", "write_page"), "page"),
    **dict.fromkeys(("Inspection", "inspect"), "inspection"),
    **dict.fromkeys(("LabelErrors", "label_errors"), "labels"),
    "report": "reporting",
    **dict.fromkeys(("RunTable", "list_runs"), "run_list"),
    **dict.fromkeys(("Tuned", "tune"), "searches"),
    **dict.fromkeys(("list_studies", "run_study", "show_study", "write_study_page"), "studies"),
    **dict.fromkeys(("TransferResult", "cross_validate", "lr_range_test", "resume", "train", "transfer"), "trainings"),
}

__all__ = [
    "ClassifiedData", "Comparison", "DataCheck", "DiagnosisResult", "Evaluation", "ImportResult", "Inspection",
    "LabelErrors", "RobustnessResult", "RunTable", "TransferResult", "Tuned", "WrittenPage", "build_dataset",
    "check_data", "classify_data", "compare", "convert_dataset", "cross_validate", "dataset_from_review",
    "describe_dataset", "diagnose", "draw_dataset", "draw_filters", "ensemble", "evaluate", "evaluate_predictions",
    "export", "import_model", "inspect", "label_errors", "list_runs", "list_studies", "load_model", "load_run",
    "lr_range_test", "report", "resume", "robustness", "run_study", "show_study", "train",
    "transfer", "tune", "write_page", "write_study_page",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'digitlab.jobs' has no attribute {name!r}")
    return getattr(importlib.import_module(f"digitlab.jobs.{_MODULES[name]}"), name)
