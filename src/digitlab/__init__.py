"""digitlab: handwritten digits, from the first epoch to the live camera.

    from digitlab import Reader, evaluate, train
    print(Reader().read("photo.jpg").text)
    print(train("fast", epochs=1).metrics.accuracy)
    print(evaluate("reader").metrics.accuracy)

The names here are loaded when first used, so that ``import digitlab`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from digitlab import privacy
from digitlab.version import VERSION

if TYPE_CHECKING:
    from digitlab.datasets import load_dataset
    from digitlab.errors import DigitlabError
    from digitlab.jobs import (
        compare,
        cross_validate,
        ensemble,
        evaluate,
        export,
        import_model,
        inspect,
        label_errors,
        load_model,
        load_run,
        lr_range_test,
        report,
        resume,
        robustness,
        run_study,
        train,
        transfer,
        tune,
    )
    from digitlab.reading import Reader
    from digitlab.training.estimator import DigitClassifier
    from digitlab.values import Digits, Frame, Prediction, ReadDigit, Reading

__all__ = [
    "DigitClassifier", "DigitlabError", "Digits", "Frame", "Prediction", "ReadDigit", "Reader", "Reading", "compare",
    "cross_validate", "ensemble", "evaluate", "export", "import_model", "inspect", "label_errors", "load_dataset",
    "load_model", "load_run", "lr_range_test", "report", "resume", "robustness", "run_study", "train", "transfer",
    "tune",
]  # fmt: skip

__version__ = VERSION

privacy.switch_off()  # before any library is loaded that would send something

_JOBS = (
    "compare", "cross_validate", "ensemble", "evaluate", "export", "import_model", "inspect", "label_errors",
    "load_model", "load_run", "lr_range_test", "report", "resume", "robustness", "run_study", "train", "transfer",
    "tune",
)  # fmt: skip
_ROOMS = {
    "DigitClassifier": "training.estimator",
    "DigitlabError": "errors",
    "Reader": "reading",
    "load_dataset": "datasets",
    **dict.fromkeys(("Digits", "Frame", "Prediction", "ReadDigit", "Reading"), "values"),
    **dict.fromkeys(_JOBS, "jobs"),
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module 'digitlab' has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"digitlab.{_ROOMS[name]}"), name)
    except ModuleNotFoundError as error:
        from digitlab.errors import MissingExtraError
        from digitlab.extras import extra_of_module

        extra = extra_of_module(error.name or "")
        if extra is None:
            raise
        raise MissingExtraError(extra, needed_for=f"digitlab.{name}") from error
