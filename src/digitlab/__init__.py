"""digitlab: handwritten digits, from the first epoch to the live camera.

    from digitlab import Reader, evaluate, train
    print(Reader().read("photo.jpg").text)
    print(train("fast", epochs=1).metrics.accuracy)
    print(evaluate("reader").metrics.accuracy)

The names here are imported lazily, on first use, so that ``import digitlab`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from digitlab import privacy
from digitlab.version import VERSION

if TYPE_CHECKING:  # for editors and type checkers; `_MODULES` lists the same names for run time
    from digitlab.api.data import check_data, classify_data, convert_dataset
    from digitlab.api.measuring import compare, evaluate, label_errors, list_runs, list_studies, report, robustness
    from digitlab.api.models import (
        Reader,
        diagnose,
        ensemble,
        export,
        import_model,
        inspect,
        load_dataset,
        load_model,
        load_run,
    )
    from digitlab.api.sheets import (
        compare_sheets,
        correct_sheets,
        example_form,
        new_form,
        promise_sheets,
        read_sheets,
        review_sheets,
    )
    from digitlab.api.trainings import cross_validate, lr_range_test, resume, run_study, train, transfer, tune
    from digitlab.errors import DigitlabError
    from digitlab.runs import Run
    from digitlab.stopping import StopRequest
    from digitlab.training.config import TrainingConfig
    from digitlab.training.estimator import DigitClassifier
    from digitlab.training.events import EpochEnded
    from digitlab.transfer_learning.settings import Transfer
    from digitlab.values import Digits, Frame, Prediction, ReadDigit, Reading

__all__ = [
    "DigitClassifier", "DigitlabError", "Digits", "EpochEnded", "Frame", "Prediction", "ReadDigit", "Reader", "Reading",
    "Run", "StopRequest", "TrainingConfig", "Transfer", "check_data", "classify_data", "compare", "compare_sheets",
    "convert_dataset", "correct_sheets", "cross_validate", "diagnose", "ensemble", "evaluate", "example_form", "export",
    "import_model", "inspect", "label_errors", "list_runs", "list_studies", "load_dataset", "load_model", "load_run",
    "lr_range_test", "new_form", "promise_sheets", "read_sheets", "report", "resume", "review_sheets", "robustness",
    "run_study", "train", "transfer", "tune",
]  # fmt: skip

__version__ = VERSION

privacy.switch_off()  # before any library that would send telemetry is imported

_MODULES = {
    "DigitClassifier": "training.estimator",
    "DigitlabError": "errors",
    "EpochEnded": "training.events",
    "Run": "runs",
    "StopRequest": "stopping",
    "TrainingConfig": "training.config",
    "Transfer": "transfer_learning.settings",
    **dict.fromkeys(("Digits", "Frame", "Prediction", "ReadDigit", "Reading"), "values"),
    **dict.fromkeys(("check_data", "classify_data", "convert_dataset"), "api.data"),
    **dict.fromkeys(("compare", "evaluate", "label_errors", "list_runs", "list_studies"), "api.measuring"),
    **dict.fromkeys(("report", "robustness"), "api.measuring"),
    **dict.fromkeys(("Reader", "diagnose", "ensemble", "export", "import_model", "inspect"), "api.models"),
    **dict.fromkeys(("load_dataset", "load_model", "load_run"), "api.models"),
    **dict.fromkeys(("correct_sheets", "example_form", "new_form", "promise_sheets"), "api.sheets"),
    **dict.fromkeys(("read_sheets", "review_sheets", "compare_sheets"), "api.sheets"),
    **dict.fromkeys(
        ("cross_validate", "lr_range_test", "resume", "run_study", "train", "transfer", "tune"), "api.trainings"
    ),
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'digitlab' has no attribute {name!r}")
    from digitlab.errors import naming_the_extra

    with naming_the_extra(f"digitlab.{name}"):
        return getattr(importlib.import_module(f"digitlab.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
