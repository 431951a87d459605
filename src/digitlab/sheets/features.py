"""Existing forms: located in a photo by what is printed on them, using a scan of the empty form.

ORB features of both pictures are matched (Rublee et al. 2011; AKAZE is no longer in OpenCV 5), a homography is fitted
by MAGSAC (Barath et al. 2020), and the curl of the paper by the surface of `registration`. Forms look alike, so a fit
is accepted only if the print of the blank is found again all over the photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab.errors import ImageError, RecipeError
from digitlab.reading.images import load_reduced
from digitlab.reading.ink import shrink
from digitlab.sheets.layout import Layout, lay_out
from digitlab.sheets.registration import Registration, plane_only, surface_through

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.sheets.form import Form

    Points = NDArray[np.float64]

__all__ = ["Blank", "layout_of", "print_of"]

_SIDE = 1300  # pixels: picture size for finding features; letters of 3 mm have 15
_MOST = 4000  # features
_FEWEST = 60  # least features of a blank: with fewer it is not a form, but an empty page
_RATIO = 0.78  # most that the best match's distance is of the second's (Lowe 2004)
_INLIERS, _SHARE = 28, 0.2  # least number of inliers, and their least share of all matches
_SPREAD = 0.4  # least share of the area of the blank's features that the inliers cover
_NEAR = 3.0  # pixels at `_SIDE`: greatest distance of an inlier
_FIT = 4.0  # pixels per mm at which the print is compared
# Share of the blank's print that must be found again: overall, and in each tile with enough print. Drawn photos of the
# form have 99.5 % and 90 %; those of other forms that differ in one field have 97 % and 66 %.
_PRINT, _IN_TILE = 0.95, 0.75
_SLIDE = 16.0  # mm: how far the first homography may be off: a line or two of text
_REACHES = (16, 6)  # pixels at `_FIT`: how far parts of the print may be off, in the first and second pass
_SAME, _FEWEST_TILES = 0.35, 6  # least correlation of a part with its place; least number of parts found
_TILE, _ENOUGH = 100, 150  # pixels: the side of a tile, and how much print in it is enough
_AGAIN = 25.0  # pixels at `_SIDE`: search radius of the second matching
_BITS = np.array([bin(byte).count("1") for byte in range(256)], np.uint16)
_ALIKE = 64  # of 256 bits: in how many those may differ
_DARK = 24  # grey levels darker than the paper: print


@dataclass(frozen=True, slots=True)
class _Features:
    """Feature positions in pixels, float64 (N, 2), and their descriptors, uint8 (N, 32)."""

    places: Points
    looks: NDArray[np.uint8]


def layout_of(form: Form) -> Layout:
    """Return the layout of a form, either one that digitlab prints or an existing one with a blank.

    Raises:
        RecipeError: when something does not fit. ImageError: when a blank cannot be opened.
    """
    if form.blank is None:
        return lay_out(form)
    picture, _ = load_reduced(form.blank, None)
    return lay_out(form, (picture.shape[1], picture.shape[0]))


class Blank:
    """An existing form, whose blank is analysed once; threads may share it.

    layout: of the form; picture: uint8 (H, W, 3) RGB of the empty one; registration: of the blank itself
    """

    def __init__(self, form: Form) -> None:
        """Open and analyse the blank.

        Raises:
            ImageError: when it cannot be opened. RecipeError: when there is too little print to locate it by.
        """
        if form.blank is None:
            raise RecipeError(f"{form.path}: has no blank; expected a form that exists already")
        self.layout = layout_of(form)
        self.picture, _ = load_reduced(form.blank, None)
        self.registration = plane_only(np.diag([self.layout.scale, self.layout.scale, 1.0]), self.layout.size)
        grey = np.asarray(cv2.cvtColor(self.picture, cv2.COLOR_RGB2GRAY), np.uint8)
        self._own = _features(grey)
        if len(self._own.places) < _FEWEST:
            raise RecipeError(
                f"{form.blank}: has too little print to be found again ({len(self._own.places)} features, expected "
                f"{_FEWEST} or more); draw a form with `digitlab sheet new` instead"
            )
        self._print = print_of(self.registration.flat(grey, (0.0, 0.0, *self.layout.size), _FIT))

    def register(self, grey: NDArray[np.uint8]) -> Registration:
        """Find the form in a photo, uint8 (H, W).

        Raises:
            ImageError: when it is not there, or not certainly; the message names no file.
        """
        there = _features(grey)
        own, seen = _matches(self._own, there)
        first, _ = _homography(own, seen, max(grey.shape) / _SIDE * _NEAR)
        if first is not None:
            first = self._slid(grey, first)
            close = _matches_near(self._own, there, first, max(grey.shape) / _SIDE * _AGAIN)
            own, seen = (np.concatenate(both) for both in zip((own, seen), close, strict=True))
        wanted = (own + 0.5) / self.layout.scale
        plane, agree = self._plane(wanted, seen, grey.shape)
        self._expect_one(there, plane, grey.shape)
        found = surface_through(plane_only(plane, self.layout.size), wanted[agree], seen[agree])
        for reach in _REACHES:
            found = self._settled(grey, found, reach)
        self._expect_print(grey, found)
        return found

    def _slid(self, grey: NDArray[np.uint8], first: Points) -> Points:
        """Shift the homography, from pixels of the blank, to where all print fits best: lines of text look alike."""
        scale, step = self.layout.scale, _FIT / 2
        now = plane_only(first @ np.diag([scale, scale, 1.0]), self.layout.size)
        wide, high = self.layout.size
        flat = print_of(now.flat(grey, (-_SLIDE, -_SLIDE, wide + _SLIDE, high + _SLIDE), step))
        own = cv2.resize(self._print, (round(wide * step), round(high * step)), interpolation=cv2.INTER_AREA)
        alike = cv2.matchTemplate(flat.astype(np.float32), own.astype(np.float32), cv2.TM_CCOEFF_NORMED)
        _, _, _, (left, top) = cv2.minMaxLoc(alike)
        moved = np.eye(3)
        moved[0, 2], moved[1, 2] = (left / step - _SLIDE) * scale, (top / step - _SLIDE) * scale
        return np.asarray(first @ moved, np.float64)

    def _settled(self, grey: NDArray[np.uint8], found: Registration, reach: int) -> Registration:
        """Refine the registration by matching all parts of the print: features are few, and only in dense print."""
        flat = print_of(found.flat(grey, (0.0, 0.0, *self.layout.size), _FIT))
        around = cv2.copyMakeBorder(flat, reach, reach, reach, reach, cv2.BORDER_REFLECT).astype(np.float32)
        places, moved = [], []
        for y in range(0, flat.shape[0] - _TILE // 2, _TILE // 2):
            for x in range(0, flat.shape[1] - _TILE // 2, _TILE // 2):
                own = self._print[y : y + _TILE, x : x + _TILE]
                if (own > _DARK).sum() < _ENOUGH:
                    continue
                high, wide = own.shape
                there = around[y : y + high + 2 * reach, x : x + wide + 2 * reach]
                alike = cv2.matchTemplate(there, own.astype(np.float32), cv2.TM_CCOEFF_NORMED)
                _, best, _, (left, top) = cv2.minMaxLoc(alike)
                if best > _SAME and 0 < left < 2 * reach and 0 < top < 2 * reach:
                    ink = np.argwhere(own > _DARK).mean(axis=0)
                    places.append([(x + ink[1] + 0.5) / _FIT, (y + ink[0] + 0.5) / _FIT])
                    moved.append([(left - reach) / _FIT, (top - reach) / _FIT])
        if len(places) < _FEWEST_TILES:
            return found
        at = np.array(places)
        return surface_through(plane_only(found.plane, found.size), at, found(at + np.array(moved)))

    def _plane(self, wanted: Points, seen: Points, shape: tuple[int, ...]) -> tuple[Points, NDArray[np.bool_]]:
        plane, agree = _homography(wanted, seen, max(shape) / _SIDE * _NEAR)
        if plane is None or agree.sum() < max(_INLIERS, _SHARE * len(wanted)):
            raise ImageError(
                f"does not show this form ({int(agree.sum())} of {len(wanted)} features agree, expected {_INLIERS} or "
                "more); photograph the whole sheet, flat and sharp"
            )
        if _area(wanted[agree]) < _SPREAD * _area(self._own.places) / self.layout.scale**2:
            raise ImageError("shows only a part of this form; photograph the whole sheet")
        if not self._plausible(plane, shape):
            raise ImageError("does not show this form as a sheet of paper lies; photograph it from above")
        return plane, agree

    def _plausible(self, plane: Points, shape: tuple[int, ...]) -> bool:
        """Return whether the sheet's outline is one: convex, not mirrored, not tiny, tilted by less than 60 degrees."""
        wide, high = self.layout.size
        corners = np.array([[[0, 0], [wide, 0], [wide, high], [0, high]]], np.float64)
        seen = np.asarray(cv2.perspectiveTransform(corners, plane)[0], np.float32)
        area = float(cv2.contourArea(seen, oriented=True))
        if not cv2.isContourConvex(seen) or area < 0.1 * shape[0] * shape[1]:
            return False
        sides = np.linalg.norm(seen - np.roll(seen, -1, axis=0), axis=1)
        across, down = sides[0] / sides[2], sides[1] / sides[3]
        aspect = (sides[0] + sides[2]) / (sides[1] + sides[3]) / (wide / high)
        return all(0.5 < each < 2.0 for each in (across, down, aspect))

    def _expect_one(self, there: _Features, plane: Points, shape: tuple[int, ...]) -> None:
        """Reject a second sheet: features beyond the outline of the first that match the form once more."""
        wide, high = self.layout.size
        corners = np.array([[[0, 0], [wide, 0], [wide, high], [0, high]]], np.float64)
        outline = np.asarray(cv2.perspectiveTransform(corners, plane)[0], np.float32)
        beyond = [cv2.pointPolygonTest(outline, (float(x), float(y)), False) < 0 for x, y in there.places]
        others = _Features(there.places[beyond], there.looks[beyond])
        own, seen = _matches(self._own, others)
        other, agree = _homography((own + 0.5) / self.layout.scale, seen, max(shape) / _SIDE * _NEAR)
        many = other is not None and agree.sum() >= 2 * _INLIERS
        if other is not None and many and self._plausible(other, (shape[0] // 2, shape[1] // 2)):
            raise ImageError("shows more than one sheet; photograph each alone")

    def _expect_print(self, grey: NDArray[np.uint8], found: Registration) -> None:
        """Require the print of the blank to be found again: inliers may lie on a heading that two forms share."""
        flat = print_of(found.flat(grey, (0.0, 0.0, *self.layout.size), _FIT))
        around = cv2.dilate(flat, np.ones((5, 5), np.uint8))
        own = self._print > _DARK
        paper = cv2.dilate(own.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
        # In a dark, noisy photo something is dark everywhere: print must be darker than nine tenths of the paper.
        level = max(_DARK / 2, float(np.percentile(around[paper], 90)) if paper.any() else 0.0)
        near = around > level
        share = float(near[own].mean()) if own.any() else 0.0
        tiles = [
            float(near[y : y + _TILE, x : x + _TILE][part].mean())
            for y in range(0, own.shape[0], _TILE)
            for x in range(0, own.shape[1], _TILE)
            if (part := own[y : y + _TILE, x : x + _TILE]).sum() >= _ENOUGH
        ]
        if share < _PRINT or min(tiles, default=0.0) < _IN_TILE:
            raise ImageError(
                f"is not this form, or not flat enough: {100 * share:.0f} % of its print are where they should be, and "
                f"{100 * min(tiles, default=0.0):.0f} % in the poorest part (expected {100 * _PRINT:.0f} and "
                f"{100 * _IN_TILE:.0f} %)"
            )


def _area(places: Points) -> float:
    """Return the area of the convex hull of places, float64 (N, 2)."""
    return float(cv2.contourArea(cv2.convexHull(np.asarray(places, np.float32))))


def print_of(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return how much darker than the paper around it each pixel is: strokes and lines, no shadows; uint8 (H, W)."""
    brush = cv2.getStructuringElement(cv2.MORPH_RECT, (13, 13))
    return np.asarray(cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, brush), np.uint8)


def _features(grey: NDArray[np.uint8]) -> _Features:
    small = shrink(grey, _SIDE, quick=True)
    finder = cv2.ORB_create(nfeatures=_MOST, scaleFactor=1.25, nlevels=6, fastThreshold=8)  # type: ignore[attr-defined]
    keypoints, looks = finder.detectAndCompute(small, None)
    if looks is None:
        return _Features(np.empty((0, 2)), np.empty((0, 32), np.uint8))
    scale = np.array([grey.shape[1] / small.shape[1], grey.shape[0] / small.shape[0]])
    places = (np.array([point.pt for point in keypoints], np.float64) + 0.5) * scale - 0.5
    return _Features(places, np.asarray(looks, np.uint8))


def _matches(own: _Features, there: _Features) -> tuple[Points, Points]:
    """Match features of the blank to unambiguous ones of the photo: places, float64 (N, 2) each."""
    if len(there.places) < 2:
        return np.empty((0, 2)), np.empty((0, 2))
    pairs: Any = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(own.looks, there.looks, k=2)
    good = [one for one, two in (pair for pair in pairs if len(pair) == 2) if one.distance < _RATIO * two.distance]
    if len(good) < _INLIERS:  # with two sheets, each feature is there twice
        good = list(cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(own.looks, there.looks))
    return own.places[[each.queryIdx for each in good]], there.places[[each.trainIdx for each in good]]


def _matches_near(own: _Features, there: _Features, first: Points, within: float) -> tuple[Points, Points]:
    """Additional matches near the places that the first homography predicts, including ambiguous ones."""
    guess = np.asarray(cv2.perspectiveTransform(own.places[None], first)[0], np.float64)
    order = np.argsort(there.places[:, 0])
    across, down = there.places[order].T
    starts, stops = np.searchsorted(across, guess[:, 0] - within), np.searchsorted(across, guess[:, 0] + within)
    found: list[tuple[int, int]] = []
    for row, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        near = order[start:stop][np.abs(down[start:stop] - guess[row, 1]) < within]
        if len(near):
            apart = _BITS[own.looks[row] ^ there.looks[near]].sum(axis=1)
            if apart.min() < _ALIKE:
                found.append((row, int(near[apart.argmin()])))
    rows, columns = np.array(found, np.int64).reshape(-1, 2).T
    return own.places[rows], there.places[columns]


def _homography(wanted: Points, seen: Points, within: float) -> tuple[Points | None, NDArray[np.bool_]]:
    if len(wanted) < 8:
        return None, np.zeros(len(wanted), np.bool_)
    cv2.setRNGSeed(1)  # the same photo gives the same answer
    found, agree = cv2.findHomography(wanted, seen, cv2.USAC_MAGSAC, within, maxIters=4000, confidence=0.999)
    if found is None or not np.isfinite(found).all():
        return None, np.zeros(len(wanted), np.bool_)
    return np.asarray(found, np.float64), np.asarray(agree).ravel().astype(np.bool_)
