"""Rectify photos of a form for people to look at: the whole sheet, and its fields cut out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.errors import ImageError
from digitlab.reading.images import load_reduced
from digitlab.sheets.features import Blank, layout_of
from digitlab.sheets.registration import register

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.sheets.form import Form
    from digitlab.sheets.layout import Rectangle
    from digitlab.sheets.registration import Registration

__all__ = ["FlatSheet", "FlatSheets"]

_SIDE = 2400  # pixels: size at which photos are opened
_WHOLE, _PART = 3.0, 6.0  # pixels per mm: of the sheet, of a field
_AROUND = 2.5  # mm of paper around a field


@dataclass(frozen=True, slots=True)
class FlatSheet:
    """One photo and the place of the form in it. picture: uint8 (H, W, 3) RGB, as taken."""

    picture: NDArray[np.uint8]
    registration: Registration

    def whole(self) -> NDArray[np.uint8]:
        """Return the whole sheet, upright, uint8 (H, W, 3) at three pixels per mm."""
        return self.registration.flat(self.picture, (0.0, 0.0, *self.registration.size), _WHOLE)

    def part(self, box: Rectangle) -> NDArray[np.uint8]:
        """Return a field (``box`` in mm) with some paper around it, uint8 (H, W, 3) at six pixels per mm."""
        (x0, y0, x1, y1), (width, height) = box, self.registration.size
        left, top = max(0.0, x0 - _AROUND), max(0.0, y0 - _AROUND)
        right, bottom = min(width, x1 + _AROUND), min(height, y1 + _AROUND)
        return self.registration.flat(self.picture, (left, top, right, bottom), _PART)


class FlatSheets:
    """Opens photos of one form."""

    def __init__(self, form: Form) -> None:
        """Compute the layout of the form.

        Raises:
            RecipeError: for a form that does not fit on its paper, or a blank that cannot be used.
        """
        self.layout = layout_of(form)
        self._blank = None if form.blank is None else Blank(form)

    def open(self, path: str | Path) -> FlatSheet:
        """Open one photo.

        Raises:
            ImageError: when it cannot be opened, or does not show the form (any more).
        """
        picture, _ = load_reduced(path, _SIDE)
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        try:
            registration = register(grey, self.layout) if self._blank is None else self._blank.register(grey)
        except ImageError as error:
            raise ImageError(f"{path}: {error}") from error
        return FlatSheet(picture, registration)
