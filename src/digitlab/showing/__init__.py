"""Display of values in a notebook, in a terminal, as a figure or as a pandas table; called through `digitlab.shown`.

The figures are those of the reports; only a photo with its boxes and the bars of ten probabilities are made here,
since reading works without matplotlib.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from digitlab.errors import DigitlabError, MissingExtraError, UsageError
from digitlab.extras import extra_of_module

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

    from digitlab.showing.sheet import Look

__all__ = ["figure_of", "frame_of", "html_of", "look_of", "png_of", "rich_of"]

# Class → the module here whose LOOKS has it. By name: the class of a shown value is loaded, others should not be.
_MODULES = {
    **dict.fromkeys(("Digits", "Prediction", "Reading"), "values"),
    **dict.fromkeys(("Classifier", "Dataset"), "values"),
    **dict.fromkeys(("Evaluation", "History", "Metrics", "Run", "RunTable", "Trained", "TransferResult"), "runs"),
    **dict.fromkeys(("Comparison", "Diagnosis", "DiagnosisResult", "Outcome", "Ran"), "results"),
}


def look_of(value: object) -> Look:
    """Find how to display a value, by its class or the nearest base class."""
    for each in type(value).__mro__:
        if each.__module__.startswith("digitlab.") and each.__name__ in _MODULES:
            module = importlib.import_module(f"digitlab.showing.{_MODULES[each.__name__]}")
            return module.LOOKS[each.__name__]  # type: ignore[no-any-return]
    raise UsageError(f"{type(value).__name__} cannot be displayed; expected one of {', '.join(sorted(_MODULES))}")


def html_of(value: object) -> str | None:
    """A value's tables as HTML; None if it is shown as a picture, or its files are gone and its text is shown."""
    look = look_of(value)
    if look.png is not None and _shown(look.png, value) is not None:
        return None
    return None if look.sheet is None else _shown(lambda of: look.sheet(of).html(), value)  # type: ignore[misc]


def png_of(value: object) -> bytes | None:
    """A value's picture as PNG; None if it is not displayed as a picture."""
    look = look_of(value)
    return None if look.png is None else _shown(look.png, value)


def rich_of(value: object) -> Any:
    """What rich prints for a value: its tables, or its text."""
    from rich.text import Text

    look = look_of(value)
    sheet = None if look.sheet is None else _shown(look.sheet, value)
    return Text(repr(value)) if sheet is None else sheet.rich()


def figure_of(value: object, what: str | None, *, dark: bool = False) -> Figure:
    """Draw one of a value's figures.

    Raises:
        UsageError: when it has no such figure.
        MissingExtraError: without matplotlib.
    """
    name = type(value).__name__
    _expect_matplotlib(name)
    from digitlab.reports.figures import figure_style

    look = look_of(value)
    drawings = {} if look.figures is None else look.figures(value)
    chosen = what or next(iter(drawings), "")
    if chosen not in drawings:
        names = ", ".join(drawings) or "none: it has nothing to draw"
        raise UsageError(f"{name}.plot: there is no figure {what!r}; there are: {names}")
    with figure_style(dark=dark):
        return drawings[chosen]()


def frame_of(value: object) -> Any:
    """A value's rows as a pandas table.

    Raises:
        UsageError: without pandas, or for a value without rows.
    """
    if importlib.util.find_spec("pandas") is None:
        raise UsageError(
            f"{type(value).__name__}.to_frame needs pandas, which is not installed; "
            "add it with `pip install pandas`, or use the value's own fields"
        )
    import pandas as pd

    look = look_of(value)
    if look.columns is None:
        raise UsageError(f"{type(value).__name__} has no rows")
    return pd.DataFrame(look.columns(value))


def _shown(function: Callable[[Any], Any], value: object) -> Any:
    """Call ``function``; None where the value cannot be shown, e.g. a deleted run folder: a repr must not raise."""
    try:
        return function(value)
    except DigitlabError:
        return None
    except ModuleNotFoundError as error:
        if extra_of_module(error.name or "") is None:
            raise
        return None


def _expect_matplotlib(name: str) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError("train", needed_for=f"{name}.plot")
