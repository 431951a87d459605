"""Detect the markers of a form in a photo: which form it is, which way up it lies, and where its corners are."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab.errors import ImageError
from digitlab.reading.ink import shrink
from digitlab.sheets.printing import CODE_BOOK, MARKER_BOOK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

__all__ = ["CORNERS", "Corners", "find_corners", "read_code"]

CORNERS = ("upper left", "upper right", "lower right", "lower left")
_SEARCH_SIDE = 800  # pixels: a marker of a sheet that fills half of the picture has 16 there
_FEWEST = 3  # of the four: the corners of two alone determine a plane badly


@dataclass(frozen=True, slots=True)
class Corners:
    """The corner markers found. points: by corner 0 … 3, the marker's outline, float64 (4, 2) in pixels, clockwise."""

    points: dict[int, Points]

    @property
    def missing(self) -> list[str]:
        """Names of the markers that were not found."""
        return [name for corner, name in enumerate(CORNERS) if corner not in self.points]


def find_corners(grey: NDArray[np.uint8], number: int) -> Corners:
    """Find the markers of the form with this number, to a fraction of a pixel; three of the four are enough.

    grey: uint8 (H, W)

    Raises:
        ImageError: for no marker, too few, those of another form, or of two sheets; the message names no file.
    """
    small = shrink(grey, _SEARCH_SIDE, quick=True)
    detected = _detected(small)
    if len(_of_form(detected, number)) < len(CORNERS):  # dark, small or shaded: retried with the light evened out
        detected += _new_markers(detected, _detected(_equalised(small)))
    if len(_of_form(detected, number)) < len(CORNERS) and small is not grey:
        detected += _new_markers(detected, [(name, _rescaled(points, small, grey)) for name, points in _detected(grey)])
    of_form = _of_form(detected, number)
    duplicates = sorted({corner for corner, _ in of_form if sum(other == corner for other, _ in of_form) > 1})
    if duplicates:
        names = ", ".join(CORNERS[corner] for corner in duplicates)
        raise ImageError(f"shows more than one sheet (marker {names} occurs twice); photograph each alone")
    if len(of_form) < _FEWEST:
        raise ImageError(_too_few([name for name, _ in detected], [corner for corner, _ in of_form], number))
    return Corners({corner: _refined(grey, _rescaled(points, grey, small)) for corner, points in of_form})


def _too_few(names: list[int], corners: list[int], number: int) -> str:
    others = sorted({name // 4 for name in names if name // 4 != number})
    if others and not corners:
        shown = " and ".join(str(other) for other in others[:3])
        return f"is form {shown}, expected form {number}; give the TOML file that this sheet was printed from"
    if not corners:
        return "shows no marker of a form; expected a sheet that `digitlab sheet new` drew, with its four corners"
    visible = ", ".join(CORNERS[corner] for corner in sorted(corners))
    verb = "is" if len(corners) == 1 else "are"
    return (
        f"only {len(corners)} of 4 corner markers {verb} seen ({visible}); expected 3: photograph the whole sheet, "
        "flat and sharp"
    )


Detected = list[tuple[int, "Points"]]


def _of_form(detected: Detected, number: int) -> Detected:
    return [(name - 4 * number, points) for name, points in detected if name // 4 == number]


@functools.cache
def _detector(book: int, *, small: bool) -> Any:
    settings = cv2.aruco.DetectorParameters()
    settings.adaptiveThreshWinSizeMin, settings.adaptiveThreshWinSizeMax = (5, 29) if small else (11, 71)
    settings.adaptiveThreshWinSizeStep = 12 if small else 30
    settings.minMarkerPerimeterRate = 0.035
    settings.errorCorrectionRate = 0.5
    return cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(book), settings)


def _detected(grey: NDArray[np.uint8]) -> Detected:
    outlines, names, _ = _detector(MARKER_BOOK, small=max(grey.shape) <= _SEARCH_SIDE).detectMarkers(grey)
    if names is None:
        return []
    return [
        (int(name), np.asarray(outline, np.float64).reshape(4, 2))
        for name, outline in zip(names.ravel(), outlines, strict=True)
    ]


def _new_markers(known: Detected, detected: Detected) -> Detected:
    """Return the markers not known before: another number, or the same one elsewhere."""
    return [
        (name, points)
        for name, points in detected
        if not any(
            name == other and np.linalg.norm(points.mean(axis=0) - known_points.mean(axis=0)) < _side(points)
            for other, known_points in known
        )
    ]


def _side(points: Points) -> float:
    return float(np.linalg.norm(points[0] - points[2])) / 2**0.5


def _rescaled(points: Points, target: NDArray[np.uint8], source: NDArray[np.uint8]) -> Points:
    """Convert places in the picture ``source`` to the same picture at another size."""
    scale = np.array([target.shape[1] / source.shape[1], target.shape[0] / source.shape[0]])
    return np.asarray((points + 0.5) * scale - 0.5, np.float64)


def _equalised(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.createCLAHE(3.0, (8, 8)).apply(grey), np.uint8)


def _refined(grey: NDArray[np.uint8], points: Points) -> Points:
    """Refine each corner to a fraction of a pixel: where the edges around it meet."""
    reach = max(2, round(_side(points) / 8 * 0.7))  # less than a square of the marker
    x0, y0 = np.maximum(np.floor(points.min(axis=0)).astype(int) - 3 * reach, 0).tolist()
    x1, y1 = (np.ceil(points.max(axis=0)).astype(int) + 3 * reach).tolist()
    part = np.ascontiguousarray(grey[y0:y1, x0:x1])
    start = np.asarray(points - [x0, y0], np.float32).reshape(-1, 1, 2)
    if min(part.shape) < 2 * reach + 6 or start.min() < 0 or (start.max(axis=(0, 1)) > part.shape[::-1]).any():
        return points
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 30, 0.02)
    refined = cv2.cornerSubPix(part, start.copy(), (reach, reach), (-1, -1), criteria)
    result = np.asarray(refined, np.float64).reshape(4, 2) + np.array([x0, y0], np.float64)
    close = np.linalg.norm(result - points, axis=1) < 1.5 * reach
    return np.where(close[:, None], result, points)


def read_code(patch: NDArray[np.uint8]) -> int | None:
    """Read the number of the small marker that distinguishes versions of a form; None if it cannot be read.

    patch: uint8 (H, W), the place of the marker with paper around it
    """
    _, names, _ = _detector(CODE_BOOK, small=True).detectMarkers(patch)
    return None if names is None or len(names) != 1 else int(names.ravel()[0])
