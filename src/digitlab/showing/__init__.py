"""How values look: in a notebook, on a terminal, as a figure, as a pandas table. Values call this by `digitlab.shown`.

The pictures are those of the reports; only a photo with its boxes and the bars of ten probabilities are made here,
since reading goes without matplotlib.
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

# Class → the module here whose LOOKS has it. By name: what is shown is loaded already, and nothing else is to be.
_PLACES = {
    **dict.fromkeys(("Digits", "Prediction", "Reading"), "values"),
    **dict.fromkeys(("Classifier", "Dataset"), "values"),
    **dict.fromkeys(("Evaluation", "History", "Metrics", "Run", "RunTable", "Trained", "TransferResult"), "runs"),
    **dict.fromkeys(("Comparison", "Diagnosis", "DiagnosisResult", "Outcome", "Ran"), "results"),
}


def look_of(value: object) -> Look:
    """How a value looks, by its class or the nearest one above it."""
    for each in type(value).__mro__:
        if each.__module__.startswith("digitlab.") and each.__name__ in _PLACES:
            module = importlib.import_module(f"digitlab.showing.{_PLACES[each.__name__]}")
            return module.LOOKS[each.__name__]  # type: ignore[no-any-return]
    raise UsageError(f"{type(value).__name__} has no look; expected one of {', '.join(sorted(_PLACES))}")


def html_of(value: object) -> str | None:
    """Its tables as HTML; None for a value that is a picture, or one whose files are gone: then its text is shown."""
    look = look_of(value)
    if look.png is not None and _shown(look.png, value) is not None:
        return None
    return None if look.sheet is None else _shown(lambda of: look.sheet(of).html(), value)  # type: ignore[misc]


def png_of(value: object) -> bytes | None:
    """Its picture, where that is what it shows."""
    look = look_of(value)
    return None if look.png is None else _shown(look.png, value)


def rich_of(value: object) -> Any:
    """What rich prints: its tables, or its text."""
    from rich.text import Text

    look = look_of(value)
    sheet = None if look.sheet is None else _shown(look.sheet, value)
    return Text(repr(value)) if sheet is None else sheet.rich()


def figure_of(value: object, what: str | None, *, dark: bool = False) -> Figure:
    """One of its figures.

    Raises:
        UsageError: when it has no such figure.
        MissingExtraError: without matplotlib.
    """
    name = type(value).__name__
    _expect_matplotlib(name)
    from digitlab.reports.figures import house_style

    look = look_of(value)
    drawings = {} if look.figures is None else look.figures(value)
    chosen = what or next(iter(drawings), "")
    if chosen not in drawings:
        known = ", ".join(drawings) or "none: it has nothing to draw"
        raise UsageError(f"{name}.plot: there is no figure {what!r}; there are: {known}")
    with house_style(dark=dark):
        return drawings[chosen]()


def frame_of(value: object) -> Any:
    """Its rows as a pandas table.

    Raises:
        UsageError: without pandas.
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


def _shown(how: Callable[[Any], Any], value: object) -> Any:
    """None in place of what cannot be shown, e.g. of a run folder that was deleted: a repr raises nothing."""
    try:
        return how(value)
    except DigitlabError:
        return None
    except ModuleNotFoundError as error:
        if extra_of_module(error.name or "") is None:
            raise
        return None


def _expect_matplotlib(name: str) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError("train", needed_for=f"{name}.plot")
