"""The record of how values of one class look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.figure import Figure

    from digitlab.showing.sheet import Sheet

__all__ = ["Look"]


@dataclass(frozen=True, slots=True)
class Look:
    """How values of a class look; None: in this way not at all.

    sheet: its tables
    png: its picture, which a notebook shows in place of the tables; it may be None for a value without one
    figures: its figures by name, each drawn when it is called; the first is the usual one
    columns: its rows as columns by name, for pandas
    """

    sheet: Callable[[Any], Sheet] | None = None
    png: Callable[[Any], bytes | None] | None = None
    figures: Callable[[Any], Mapping[str, Callable[[], Figure]]] | None = None
    columns: Callable[[Any], Any] | None = None
