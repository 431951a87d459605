"""Map millimetres of a form to pixels of its photo: a plane in perspective, and the curl of the paper.

The corner markers determine the plane (a homography). A curled sheet deviates from it by millimetres: the small
squares along the edges show how far, and a smooth surface (a polynomial of the third degree with small coefficients)
is fitted through them. If the fit is poor, the photo is refused: a field read in the wrong place is worse than none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.errors import ImageError
from digitlab.sheets.layout import CODE_SIDE, MARK_SIDE, MARKER_SIDE, corner_markers
from digitlab.sheets.markers import Corners, find_corners, read_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.sheets.layout import Layout, Rectangle

    Points = NDArray[np.float64]

__all__ = ["Registration", "plane_only", "register", "surface_through", "terms"]

_MOST_OFF = 2.5  # mm: greatest distance of a marker's corner from the plane; a curl of 10 mm gives 1
_MOST_UNEVEN = 0.8  # mm: greatest median distance of the squares from the smooth surface
_FEWEST_MARKS = 0.5  # least share of the squares that must be found
_SEARCH = 6.0  # mm around the expected place of a square
_FINE = 6.0  # pixels per mm at which it is searched for
_AREA = (0.55, 1.6)  # bounds, relative to a square's area
_STIFFNESS = np.array([1e-4, 1e-4, 1e-4, 3e-3, 3e-3, 3e-3, 2e-2, 2e-2, 2e-2, 2e-2])  # penalty of each surface term
_STEP = 3.0  # mm between places that are computed exactly when a part is rectified


@dataclass(frozen=True, slots=True)
class Registration:
    """The mapping of a form's places into a photo.

    plane: float64 (3, 3), from mm to pixels; bend: float64 (10, 2), in mm, added before; size: of the sheet in mm
    off: median distance of the squares from the surface in mm
    missing: names of corner markers that were not found
    """

    plane: Points
    bend: Points
    size: tuple[float, float]
    off: float = 0.0
    missing: tuple[str, ...] = ()

    def __call__(self, places: Points) -> Points:
        """Map places in mm, float64 (N, 2), to pixels."""
        return _mapped(self.plane, places + terms(places, self.size) @ self.bend)

    def flat(self, picture: NDArray[np.uint8], part: Rectangle, per_mm: float) -> NDArray[np.uint8]:
        """Rectify a part of the sheet (left, top, right and bottom in mm): uint8 at this many pixels per mm."""
        x0, y0, x1, y1 = part
        width, height = max(1, round((x1 - x0) * per_mm)), max(1, round((y1 - y0) * per_mm))
        columns, rows = max(2, round((x1 - x0) / _STEP) + 1), max(2, round((y1 - y0) / _STEP) + 1)
        xs, ys = np.meshgrid(np.linspace(x0, x1, columns), np.linspace(y0, y1, rows))
        places = self(np.column_stack([xs.ravel(), ys.ravel()])).reshape(rows, columns, 2)
        left, top = np.floor(places.min(axis=(0, 1))).astype(int) - 2
        right, bottom = np.ceil(places.max(axis=(0, 1))).astype(int) + 3
        left, top = max(0, int(left)), max(0, int(top))
        right, bottom = min(picture.shape[1], int(right)), min(picture.shape[0], int(bottom))
        if left >= right or top >= bottom:  # beyond the photo's edge
            return np.full((height, width, *picture.shape[2:]), 255, np.uint8)
        coarse = np.asarray(places - [left, top], np.float32)
        maps = [_stretched(coarse[:, :, axis], width, height) for axis in (0, 1)]
        crop = picture[top:bottom, left:right]
        rectified = cv2.remap(crop, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(rectified, np.uint8)

    def box(self, part: Rectangle) -> tuple[int, int, int, int]:
        """Return the axis-aligned box in pixels around a part in mm."""
        x0, y0, x1, y1 = part
        corners = self(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64))
        left, top = np.floor(corners.min(axis=0)).astype(int).tolist()
        right, bottom = np.ceil(corners.max(axis=0)).astype(int).tolist()
        return left, top, max(right, left + 1), max(bottom, top + 1)


def _stretched(coarse: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Interpolate values at the points of a grid linearly to the centre of every pixel: float32 (height, width)."""
    rows, columns = coarse.shape
    xs = np.asarray(((np.arange(width) + 0.5) / width * (columns - 1))[None].repeat(height, 0), np.float32)
    ys = np.asarray(((np.arange(height) + 0.5) / height * (rows - 1))[:, None].repeat(width, 1), np.float32)
    result = cv2.remap(coarse, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(result, np.float32)


def terms(places: Points, size: tuple[float, float]) -> Points:
    """Return the polynomial's terms at each place, float64 (N, 10), in coordinates from -1 to 1 over the sheet."""
    x, y = (places / (np.array(size) / 2.0) - 1.0).T
    one = np.ones_like(x)
    return np.column_stack([one, x, y, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3])


def _mapped(matrix: Points, places: Points) -> Points:
    return np.asarray(cv2.perspectiveTransform(places[None], matrix)[0], np.float64)


def _inverse(matrix: Points) -> Points:
    return np.asarray(np.linalg.inv(matrix), np.float64)


def register(grey: NDArray[np.uint8], layout: Layout) -> Registration:
    """Find a form in a photo, uint8 (H, W).

    Raises:
        ImageError: when it is not found as it should be; the message names no file.
    """
    corners = find_corners(grey, layout.form.number)
    sheet_points, photo_points = _corner_places(layout, corners)
    plane = _fit_plane(sheet_points, photo_points)
    off = np.linalg.norm(_mapped(_inverse(plane), photo_points) - sheet_points, axis=1)
    if off.max() > _MOST_OFF:
        raise ImageError(
            f"the corner markers do not lie on one sheet (off by {off.max():.0f} mm); expected one sheet, not folded"
        )
    first = Registration(plane, np.zeros((10, 2)), layout.size, missing=tuple(corners.missing))
    registration = _with_curl(grey, layout, first, sheet_points, photo_points)
    code = read_code(_code_patch(grey, layout, registration))
    if code is not None and code != layout.code:
        raise ImageError(
            f"was printed from another version of {layout.form.path.name}: its fields have moved; give the older file"
        )
    return registration


def plane_only(plane: Points, size: tuple[float, float]) -> Registration:
    """Make a registration without curl. plane: float64 (3, 3), from mm to pixels."""
    return Registration(np.asarray(plane, np.float64), np.zeros((10, 2)), size)


def surface_through(first: Registration, places: Points, photo_points: Points) -> Registration:
    """Add the curl that many places show: float64 (N, 2) in mm, and where they are in the photo.

    Raises:
        ImageError: when they do not lie on a smooth surface.
    """
    shifts = _mapped(_inverse(first.plane), photo_points) - places
    bend, residuals = _fit_surface(places, shifts, first.size, first_marks=0)
    off = float(np.median(residuals))
    if off > _MOST_UNEVEN:
        raise ImageError(f"is too uneven (off by {off:.1f} mm); expected a sheet that lies flat")
    return replace(first, bend=bend, off=off)


def _corner_places(layout: Layout, corners: Corners) -> tuple[Points, Points]:
    """Return the markers' corners on the sheet and in the photo, float64 (N, 2) each."""
    places = corner_markers(layout.size)
    sheet_points = []
    for corner in corners.points:
        x0, y0, x1, y1 = places[corner]
        sheet_points += [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
    return np.array(sheet_points, np.float64), np.concatenate([*corners.points.values()])


def _fit_plane(sheet_points: Points, photo_points: Points) -> Points:
    homography, _ = cv2.findHomography(sheet_points, photo_points, 0)
    if homography is None or not np.isfinite(homography).all():
        raise ImageError("its corner markers do not lie as on a sheet; photograph it from above")
    return np.asarray(homography, np.float64)


def _with_curl(
    grey: NDArray[np.uint8], layout: Layout, first: Registration, sheet_points: Points, photo_points: Points
) -> Registration:
    """Add the surface through the squares along the edges; searched for twice, as the first surface shows where."""
    registration = first
    to_sheet = _inverse(first.plane)
    corner_shifts = _mapped(to_sheet, photo_points) - sheet_points
    for reach in (_SEARCH, _SEARCH / 2):
        found = [(mark, _find_mark(grey, registration, mark, reach)) for mark in layout.marks]
        pairs = [(mark, point) for mark, point in found if point is not None]
        if len(pairs) < _FEWEST_MARKS * len(layout.marks):
            raise ImageError(
                f"only {len(pairs)} of {len(layout.marks)} small squares along its edges are where they should be; "
                "expected a whole sheet, not folded, and a sharp photo"
            )
        places = np.array([mark for mark, _ in pairs])
        mark_shifts = _mapped(to_sheet, np.array([point for _, point in pairs])) - places
        all_points, all_shifts = np.concatenate([sheet_points, places]), np.concatenate([corner_shifts, mark_shifts])
        bend, residuals = _fit_surface(all_points, all_shifts, layout.size, first_marks=len(sheet_points))
        registration = replace(first, bend=bend, off=float(np.median(residuals)))
    if registration.off > _MOST_UNEVEN:
        off = f"{registration.off:.1f} mm"
        raise ImageError(f"its edges are too uneven (off by {off}); expected a sheet that lies flat")
    return registration


def _fit_surface(
    places: Points, shifts: Points, size: tuple[float, float], *, first_marks: int
) -> tuple[Points, NDArray[np.float64]]:
    """Fit the surface robustly: coefficients, float64 (10, 2), and the distance of each square from it."""
    basis = terms(places, size)
    weights = np.ones(len(places))
    weights[:first_marks] = 0.5  # the four corners of a marker are nearly redundant
    bend = np.zeros((10, 2))
    residuals = np.zeros(len(places))
    for _ in range(3):
        weighted = basis * weights[:, None]
        normal = weighted.T @ basis + np.diag(_STIFFNESS) * len(places) / 30.0
        bend = np.asarray(np.linalg.solve(normal, weighted.T @ shifts), np.float64)
        residuals = np.linalg.norm(shifts - basis @ bend, axis=1)
        weights = np.where(np.arange(len(places)) < first_marks, 0.5, 1.0) / (1.0 + (residuals / 0.4) ** 2)
    return bend, residuals[first_marks:]


def _find_mark(
    grey: NDArray[np.uint8], registration: Registration, mark: tuple[float, float], reach: float
) -> tuple[float, float] | None:
    """Find a small square in the photo; None if it is covered, or something else is there."""
    x, y = mark
    flat = registration.flat(grey, (x - reach, y - reach, x + reach, y + reach), _FINE)
    inside = registration(np.array([[x, y]]))[0]
    if not (0 <= inside[0] < grey.shape[1] and 0 <= inside[1] < grey.shape[0]):
        return None
    level, dark = cv2.threshold(flat, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    if float(np.median(flat)) - level < 12:
        return None
    _, _, statistics, centres = cv2.connectedComponentsWithStats(dark, connectivity=4)
    side = MARK_SIDE * _FINE
    best, nearest = None, reach * _FINE
    for row in range(1, len(statistics)):
        _, _, width, height, area = statistics[row].tolist()
        square = _AREA[0] * side <= width <= 1.5 * side and _AREA[0] * side <= height <= 1.5 * side
        if not square or not _AREA[0] * side**2 <= area <= _AREA[1] * side**2 or area < 0.75 * width * height:
            continue
        distance = float(np.linalg.norm(centres[row] + 0.5 - reach * _FINE))
        if distance < nearest:
            best, nearest = centres[row], distance
    if best is None:
        return None
    place = np.array([[x - reach, y - reach]]) + (best[None] + 0.5) / _FINE
    px, py = registration(place)[0].tolist()
    return px, py


def _code_patch(grey: NDArray[np.uint8], layout: Layout, registration: Registration) -> NDArray[np.uint8]:
    x0, y0, x1, y1 = layout.code_at
    margin = CODE_SIDE / 4
    return registration.flat(grey, (x0 - margin, y0 - margin, x1 + margin, y1 + margin), _FINE * 12.0 / MARKER_SIDE)
