"""Everything that digitlab does beside reading pictures, as functions: settings in, a frozen result out, no printing.

    from digitlab import evaluate
    print(evaluate("reader").metrics.accuracy)

Command line, page and window parse, call one of these and show what came of it. What happens meanwhile is told to one
listener (`events`). Nothing heavy is imported before a job is called.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitlab.jobs.comparison import Comparison, compare
    from digitlab.jobs.conversion import ImportResult, ensemble, export, import_model
    from digitlab.jobs.data_check import DataCheck, check_data
    from digitlab.jobs.diagnosis import DiagnosisResult, diagnose, mistakes_of
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
    from digitlab.jobs.run_list import RunTable, list_runs
    from digitlab.jobs.searches import Tuned, tune
    from digitlab.jobs.studies import list_studies, run_study, show_study, write_study_page
    from digitlab.jobs.trainings import TransferResult, cross_validate, lr_range_test, resume, train, transfer

_PLACES = {
    **dict.fromkeys(("Comparison", "compare"), "comparison"),
    **dict.fromkeys(("DataCheck", "check_data"), "data_check"),
    **dict.fromkeys(("DiagnosisResult", "diagnose", "mistakes_of"), "diagnosis"),
    **dict.fromkeys(("ImportResult", "ensemble", "export", "import_model"), "conversion"),
    **dict.fromkeys(("Evaluation", "RobustnessResult", "evaluate", "evaluate_predictions"), "evaluation"),
    **dict.fromkeys(("load_run", "lr_range_test", "robustness"), "evaluation"),
    "load_model": "named_models",
    **dict.fromkeys(("Inspection", "inspect"), "inspection"),
    **dict.fromkeys(("LabelErrors", "label_errors"), "labels"),
    **dict.fromkeys(("RunTable", "list_runs"), "run_list"),
    **dict.fromkeys(("Tuned", "tune"), "searches"),
    **dict.fromkeys(("list_studies", "run_study", "show_study", "write_study_page"), "studies"),
    **dict.fromkeys(("TransferResult", "cross_validate", "lr_range_test", "resume", "train", "transfer"), "trainings"),
}

__all__ = [
    "Comparison", "DataCheck", "DiagnosisResult", "Evaluation", "ImportResult", "Inspection", "LabelErrors",
    "RobustnessResult", "RunTable", "TransferResult", "Tuned", "check_data", "compare", "cross_validate", "diagnose",
    "ensemble", "evaluate", "evaluate_predictions", "export", "import_model", "inspect", "label_errors", "list_runs",
    "list_studies", "load_model", "load_run", "lr_range_test", "mistakes_of", "resume", "robustness", "run_study",
    "show_study", "train", "transfer", "tune", "write_study_page",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module 'digitlab.jobs' has no attribute {name!r}")
    return getattr(importlib.import_module(f"digitlab.jobs.{_PLACES[name]}"), name)
