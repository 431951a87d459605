"""Find studies: shipped ones by name, a user's own by its file."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from dataclasses import replace
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, cast

from digitlab.errors import DigitlabError, UsageError
from digitlab.studies.study import Study

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["find_study", "study_names"]

# In the order of the documents, S0 to S4.
_NAMES = (
    "thesis-baseline", "thesis-datasets", "thesis-early-stopping", "thesis-dropout", "thesis-architectures",
    "thesis-patience",
    "ann", "ann-cross-validation", "ann-grid", "first-cnn", "kernel-size", "lr-range", "optimisers", "losses",
    "batch-size", "pooling", "conv-pairs", "filters", "dense-layers", "dense-width", "dropout", "leaky-relu",
    "augmentation", "final-cnn",
    "slides-cnn", "batch-norm", "spatial-dropout", "parameter-counts",
    "exercise",
    "notebook",
)  # fmt: skip
# Our own studies, in `own/`: questions that the documents leave open.
_OWN = ("own-fashion", "own-preparation", "own-augmentation-cost", "own-small-designs", "own-network-size")


def study_names() -> tuple[str, ...]:
    """Names of all shipped studies: the published ones, then our own."""
    return (*_NAMES, *_OWN)


def find_study(text: str) -> Study:
    """Find a shipped study by name, or load a user's own from a Python file that defines ``STUDY``.

    Raises:
        UsageError: when neither exists, suggesting the closest name; for a file that defines no study.
    """
    if text in _NAMES:
        return _of(importlib.import_module(f"digitlab.studies.published.{text.replace('-', '_')}"), text)
    if text in _OWN:
        module = text.removeprefix("own-").replace("-", "_")
        return _of(importlib.import_module(f"digitlab.studies.own.{module}"), text)
    path = Path(text)
    if path.suffix == ".py":
        name = path.stem.replace("_", "-")
        if name in study_names():
            raise UsageError(f"{path}: the results of the shipped study {name} would be overwritten; rename the file")
        return _of(_run(path), name)
    similar = difflib.get_close_matches(text, study_names(), n=1)
    hint = f" Did you mean {similar[0]!r}?" if similar else ""
    raise UsageError(
        f"there is no study {text!r}; `digitlab study list` shows them, and one of your own is named by its .py file."
        + hint
    )


def _of(module: ModuleType, name: str) -> Study:
    study = getattr(module, "STUDY", None)
    if not isinstance(study, Study):
        raise UsageError(f"{module.__file__}: expected a Study called STUDY; see examples/own_study.py")
    return replace(study, name=name, about=(module.__doc__ or name).strip())


def _run(path: Path) -> ModuleType:
    """Execute a user's own study file, which the user named explicitly."""
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file")
    loader = SourceFileLoader(f"own_study_{path.stem}", str(path))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(cast("ModuleSpec", spec))
    sys.modules[loader.name] = module
    try:
        loader.exec_module(module)
    except DigitlabError:
        raise
    except Exception as error:
        raise UsageError(f"{path}: cannot be run ({type(error).__name__}: {error})") from error
    return module
