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

    points: Points
    descriptors: NDArray[np.uint8]


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
        if len(self._own.points) < _FEWEST:
            raise RecipeError(
                f"{form.blank}: has too little print to be found again ({len(self._own.points)} features, expected "
                f"{_FEWEST} or more); draw a form with `digitlab sheet new` instead"
            )
        self._print = print_of(self.registration.flat(grey, (0.0, 0.0, *self.layout.size), _FIT))

    def register(self, grey: NDArray[np.uint8]) -> Registration:
        """Find the form in a photo, uint8 (H, W).

        Raises:
            ImageError: when it is not there, or not certainly; the message names no file.
        """
        features = _features(grey)
        blank_points, photo_points = _matches(self._own, features)
        homography, _ = _homography(blank_points, photo_points, max(grey.shape) / _SIDE * _NEAR)
        if homography is not None:
            homography = self._shifted(grey, homography)
            nearby = _matches_near(self._own, features, homography, max(grey.shape) / _SIDE * _AGAIN)
            blank_points = np.concatenate([blank_points, nearby[0]])
            photo_points = np.concatenate([photo_points, nearby[1]])
        sheet_points = (blank_points + 0.5) / self.layout.scale
        plane, inliers = self._plane(sheet_points, photo_points, grey.shape)
        self._expect_one(features, plane, grey.shape)
        flat = plane_only(plane, self.layout.size)
        registration = surface_through(flat, sheet_points[inliers], photo_points[inliers])
        for reach in _REACHES:
            registration = self._refined(grey, registration, reach)
        self._expect_print(grey, registration)
        return registration

    def _shifted(self, grey: NDArray[np.uint8], homography: Points) -> Points:
        """Shift the homography, from pixels of the blank, to where all print fits best: lines of text look alike."""
        scale, step = self.layout.scale, _FIT / 2
        registration = plane_only(homography @ np.diag([scale, scale, 1.0]), self.layout.size)
        width, height = self.layout.size
        flat = print_of(registration.flat(grey, (-_SLIDE, -_SLIDE, width + _SLIDE, height + _SLIDE), step))
        template = cv2.resize(self._print, (round(width * step), round(height * step)), interpolation=cv2.INTER_AREA)
        correlation = cv2.matchTemplate(flat.astype(np.float32), template.astype(np.float32), cv2.TM_CCOEFF_NORMED)
        _, _, _, (left, top) = cv2.minMaxLoc(correlation)
        translation = np.eye(3)
        translation[0, 2], translation[1, 2] = (left / step - _SLIDE) * scale, (top / step - _SLIDE) * scale
        return np.asarray(homography @ translation, np.float64)

    def _refined(self, grey: NDArray[np.uint8], registration: Registration, reach: int) -> Registration:
        """Refine the registration by matching all parts of the print: features are few, and only in dense print."""
        flat = print_of(registration.flat(grey, (0.0, 0.0, *self.layout.size), _FIT))
        padded = cv2.copyMakeBorder(flat, reach, reach, reach, reach, cv2.BORDER_REFLECT).astype(np.float32)
        points, offsets = [], []
        for y in range(0, flat.shape[0] - _TILE // 2, _TILE // 2):
            for x in range(0, flat.shape[1] - _TILE // 2, _TILE // 2):
                template = self._print[y : y + _TILE, x : x + _TILE]
                if (template > _DARK).sum() < _ENOUGH:
                    continue
                height, width = template.shape
                area = padded[y : y + height + 2 * reach, x : x + width + 2 * reach]
                correlation = cv2.matchTemplate(area, template.astype(np.float32), cv2.TM_CCOEFF_NORMED)
                _, best, _, (left, top) = cv2.minMaxLoc(correlation)
                if best > _SAME and 0 < left < 2 * reach and 0 < top < 2 * reach:
                    ink = np.argwhere(template > _DARK).mean(axis=0)
                    points.append([(x + ink[1] + 0.5) / _FIT, (y + ink[0] + 0.5) / _FIT])
                    offsets.append([(left - reach) / _FIT, (top - reach) / _FIT])
        if len(points) < _FEWEST_TILES:
            return registration
        positions = np.array(points)
        flat_registration = plane_only(registration.plane, registration.size)
        return surface_through(flat_registration, positions, registration(positions + np.array(offsets)))

    def _plane(
        self, sheet_points: Points, photo_points: Points, shape: tuple[int, ...]
    ) -> tuple[Points, NDArray[np.bool_]]:
        plane, inliers = _homography(sheet_points, photo_points, max(shape) / _SIDE * _NEAR)
        if plane is None or inliers.sum() < max(_INLIERS, _SHARE * len(sheet_points)):
            raise ImageError(
                f"does not show this form ({int(inliers.sum())} of {len(sheet_points)} features agree, expected "
                f"{_INLIERS} or more); photograph the whole sheet, flat and sharp"
            )
        if _area(sheet_points[inliers]) < _SPREAD * _area(self._own.points) / self.layout.scale**2:
            raise ImageError("shows only a part of this form; photograph the whole sheet")
        if not self._plausible(plane, shape):
            raise ImageError("shows this form more distorted than a flat sheet can be; photograph it from above")
        return plane, inliers

    def _outline(self, plane: Points) -> NDArray[np.float32]:
        """Return the sheet's corners in the photo, float32 (4, 2)."""
        width, height = self.layout.size
        corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
        return np.asarray(cv2.perspectiveTransform(corners, plane)[0], np.float32)

    def _plausible(self, plane: Points, shape: tuple[int, ...]) -> bool:
        """Return whether the sheet's outline is one: convex, not mirrored, not tiny, tilted by less than 60 degrees."""
        (width, height), outline = self.layout.size, self._outline(plane)
        area = float(cv2.contourArea(outline, oriented=True))
        if not cv2.isContourConvex(outline) or area < 0.1 * shape[0] * shape[1]:
            return False
        sides = np.linalg.norm(outline - np.roll(outline, -1, axis=0), axis=1)
        across, down = sides[0] / sides[2], sides[1] / sides[3]
        aspect = (sides[0] + sides[2]) / (sides[1] + sides[3]) / (width / height)
        return all(0.5 < each < 2.0 for each in (across, down, aspect))

    def _expect_one(self, features: _Features, plane: Points, shape: tuple[int, ...]) -> None:
        """Reject a second sheet: features beyond the outline of the first that match the form once more."""
        outline = self._outline(plane)
        outside = [cv2.pointPolygonTest(outline, (float(x), float(y)), False) < 0 for x, y in features.points]
        others = _Features(features.points[outside], features.descriptors[outside])
        blank_points, photo_points = _matches(self._own, others)
        other, inliers = _homography((blank_points + 0.5) / self.layout.scale, photo_points, max(shape) / _SIDE * _NEAR)
        many = other is not None and inliers.sum() >= 2 * _INLIERS
        if other is not None and many and self._plausible(other, (shape[0] // 2, shape[1] // 2)):
            raise ImageError("shows more than one sheet; photograph each alone")

    def _expect_print(self, grey: NDArray[np.uint8], registration: Registration) -> None:
        """Require the print of the blank to be found again: inliers may lie on a heading that two forms share."""
        flat = print_of(registration.flat(grey, (0.0, 0.0, *self.layout.size), _FIT))
        thick = cv2.dilate(flat, np.ones((5, 5), np.uint8))
        expected = self._print > _DARK
        paper = cv2.dilate(expected.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
        # In a dark, noisy photo something is dark everywhere: print must be darker than nine tenths of the paper.
        level = max(_DARK / 2, float(np.percentile(thick[paper], 90)) if paper.any() else 0.0)
        present = thick > level
        share = float(present[expected].mean()) if expected.any() else 0.0
        tiles = [
            float(present[y : y + _TILE, x : x + _TILE][part].mean())
            for y in range(0, expected.shape[0], _TILE)
            for x in range(0, expected.shape[1], _TILE)
            if (part := expected[y : y + _TILE, x : x + _TILE]).sum() >= _ENOUGH
        ]
        if share < _PRINT or min(tiles, default=0.0) < _IN_TILE:
            raise ImageError(
                f"is not this form, or not flat enough: {100 * share:.0f} % of its print is where it should be, and "
                f"{100 * min(tiles, default=0.0):.0f} % in the poorest part (expected {100 * _PRINT:.0f} and "
                f"{100 * _IN_TILE:.0f} %)"
            )


def _area(points: Points) -> float:
    """Return the area of the convex hull of places, float64 (N, 2)."""
    return float(cv2.contourArea(cv2.convexHull(np.asarray(points, np.float32))))


def print_of(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return how much darker than the paper around it each pixel is: strokes and lines, no shadows; uint8 (H, W)."""
    brush = cv2.getStructuringElement(cv2.MORPH_RECT, (13, 13))
    return np.asarray(cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, brush), np.uint8)


def _features(grey: NDArray[np.uint8]) -> _Features:
    small = shrink(grey, _SIDE, quick=True)
    detector = cv2.ORB_create(nfeatures=_MOST, scaleFactor=1.25, nlevels=6, fastThreshold=8)  # type: ignore[attr-defined]
    keypoints, descriptors = detector.detectAndCompute(small, None)
    if descriptors is None:
        return _Features(np.empty((0, 2)), np.empty((0, 32), np.uint8))
    scale = np.array([grey.shape[1] / small.shape[1], grey.shape[0] / small.shape[0]])
    points = (np.array([point.pt for point in keypoints], np.float64) + 0.5) * scale - 0.5
    return _Features(points, np.asarray(descriptors, np.uint8))


def _matches(blank: _Features, photo: _Features) -> tuple[Points, Points]:
    """Match features of the blank to unambiguous ones of the photo: places, float64 (N, 2) each."""
    if len(photo.points) < 2:
        return np.empty((0, 2)), np.empty((0, 2))
    pairs: Any = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(blank.descriptors, photo.descriptors, k=2)
    full_pairs = [pair for pair in pairs if len(pair) == 2]
    matches = [best for best, second in full_pairs if best.distance < _RATIO * second.distance]
    if len(matches) < _INLIERS:  # with two sheets, each feature is there twice
        matches = list(cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(blank.descriptors, photo.descriptors))
    return blank.points[[match.queryIdx for match in matches]], photo.points[[match.trainIdx for match in matches]]


def _matches_near(blank: _Features, photo: _Features, homography: Points, radius: float) -> tuple[Points, Points]:
    """Additional matches near the places that the first homography predicts, including ambiguous ones."""
    predicted = np.asarray(cv2.perspectiveTransform(blank.points[None], homography)[0], np.float64)
    order = np.argsort(photo.points[:, 0])
    xs, ys = photo.points[order].T
    starts, stops = np.searchsorted(xs, predicted[:, 0] - radius), np.searchsorted(xs, predicted[:, 0] + radius)
    pairs: list[tuple[int, int]] = []
    for row, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        nearby = order[start:stop][np.abs(ys[start:stop] - predicted[row, 1]) < radius]
        if len(nearby):
            distances = _BITS[blank.descriptors[row] ^ photo.descriptors[nearby]].sum(axis=1)
            if distances.min() < _ALIKE:
                pairs.append((row, int(nearby[distances.argmin()])))
    rows, columns = np.array(pairs, np.int64).reshape(-1, 2).T
    return blank.points[rows], photo.points[columns]


def _homography(source: Points, target: Points, tolerance: float) -> tuple[Points | None, NDArray[np.bool_]]:
    if len(source) < 8:
        return None, np.zeros(len(source), np.bool_)
    cv2.setRNGSeed(1)  # the same photo gives the same answer
    homography, inliers = cv2.findHomography(
        source, target, cv2.USAC_MAGSAC, tolerance, maxIters=4000, confidence=0.999
    )
    if homography is None or not np.isfinite(homography).all():
        return None, np.zeros(len(source), np.bool_)
    return np.asarray(homography, np.float64), np.asarray(inliers).ravel().astype(np.bool_)
