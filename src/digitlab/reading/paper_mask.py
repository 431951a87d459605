"""The sheet in a photo that shows a table too: where the light paper ends, reading ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["only_the_sheet"]

_SIDE = 160  # pixels at which the sheet is looked for
_INK = 5  # pixels of it: strokes are gone, or few enough; narrow stretches of table along the border are not
_SMALLEST_PICTURE = 200  # pixels; smaller ones are crops of single digits, not photos of sheets
_SURELY_LIGHTER = 0.55  # of the sheet's lightness: that is no table, even if only single pixels were looked at
_DARKER = 0.5  # of the sheet's lightness: few shadows are as dark, tables under white paper are
_BETWEEN, _MOST_BETWEEN = 0.2, 0.1  # lightness around that border, and the share of such pixels: an edge is sharp
_LEAST_LIGHT = 100.0  # of 255; a sheet is white, or well lit
_SURELY_DARKER = 0.25  # no shadow is
_OTHER_COLOUR = 0.06  # in shares of red, green and blue: a shadow has the paper's colour
_SMALLEST, _LARGEST = 0.25, 0.97  # of the picture
_FULL = 0.85  # of its own hull: a sheet is convex, a lit spot on a wall seldom
_AT_BORDER = 0.04  # of the picture's border that must show the table


def only_the_sheet(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same picture, uint8 (H, W, 3), with the colour of its sheet laid over the table around it.

    A picture that shows nothing but paper, or no sheet that is much lighter than its surroundings, comes back as it is.
    """
    height, width = rgb.shape[:2]
    scale = _SIDE / max(height, width)
    if max(height, width) < _SMALLEST_PICTURE or min(height, width) * scale < 4 * _INK:
        return rgb
    size = round(width * scale), round(height * scale)
    if _is_surely_all_sheet(np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_NEAREST), np.uint8)):
        return rgb
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    sheet = _sheet(np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8))
    if sheet is None:
        return rgb
    colour, around = (np.median(small[sheet == inside], axis=0) for inside in (1, 0))
    if around.sum() > _SURELY_DARKER * colour.sum() and _apart(colour, around) < _OTHER_COLOUR:
        return rgb
    beyond = cv2.dilate(1 - sheet, np.ones((3, 3), np.uint8))  # the edge itself is no ink either
    laid = rgb.copy()
    laid[cv2.resize(beyond, (width, height), interpolation=cv2.INTER_NEAREST) > 0] = np.rint(colour).astype(np.uint8)
    return laid


def _is_surely_all_sheet(picked: NDArray[np.uint8]) -> bool:
    """Whether single pixels of the picture, uint8 (H, W, 3), show already that no table is there.

    Most pages are that plain, and to pick pixels takes no time, while their means take as long as reading two digits.
    """
    paper = _without_strokes(np.asarray(cv2.cvtColor(picked, cv2.COLOR_RGB2GRAY), np.uint8))
    dark = paper <= _SURELY_LIGHTER * float(np.percentile(paper, 90))
    return bool(dark.mean() < (1.0 - _LARGEST) / 2.0)


def _without_strokes(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((_INK, _INK), np.uint8)), np.uint8)


def _sheet(grey: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The sheet's hull as 1 among 0, uint8 (H, W); None where all is sheet, or no sheet is."""
    paper = _without_strokes(grey)
    lightest = float(np.percentile(paper, 90))
    light = (paper > _DARKER * lightest).astype(np.uint8)
    if lightest < _LEAST_LIGHT or not _SMALLEST <= light.mean() <= _LARGEST:
        return None
    if (np.abs(paper / lightest - _DARKER) < _BETWEEN / 2.0).mean() > _MOST_BETWEEN:
        return None
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(light, connectivity=4)
    sheet = (labels == 1 + int(np.argmax(statistics[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
    outlines, _ = cv2.findContours(sheet, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.convexHull(max(outlines, key=cv2.contourArea))
    filled = np.asarray(cv2.fillConvexPoly(np.zeros_like(sheet), hull, 1), np.uint8)
    if not _SMALLEST <= filled.mean() <= _LARGEST or sheet.sum() < _FULL * filled.sum():
        return None
    around = np.concatenate([filled[0], filled[-1], filled[:, 0], filled[:, -1]])
    return filled if 1.0 - around.mean() >= _AT_BORDER else None


def _apart(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """How far two colours are from each other, however light they are: 0 to 2."""
    return float(np.abs(one / max(float(one.sum()), 1.0) - other / max(float(other.sum()), 1.0)).sum())
