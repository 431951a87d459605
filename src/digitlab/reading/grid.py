"""The grid of a form or a sudoku: find it, rectify it, and cut it into cells without its lines."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.errors import ImageError
from digitlab.reading.candidates import Candidate
from digitlab.reading.components import FAINT, with_soft_edges
from digitlab.reading.glyph import normalise
from digitlab.reading.ink import INK, ink_strength, scaled, shrink
from digitlab.reading.ruled_lines import Rule, find_rules, taken_out

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from digitlab.values import Box

__all__ = ["read_grid"]

_SEARCH_SIDE = 1000  # pixels: size of the picture in which the grid is searched for
_WINDOW = 0.08  # of the side: wider than the grid's lines
_LEAST = 0.04  # least fraction of the picture that a square grid covers; a row of 11 boxes as long, an eleventh
_CANDIDATES = 6
_CORNER_ANGLE = 0.12  # fraction of an outline's area by which its four-sided approximation may be smaller

_CELL = 56  # pixels: shorter side of a rectified cell
_SQUARE = 1.25  # aspect ratio up to which cells are square: a sudoku seen from the side, not a form
_LARGEST = 2400  # pixels: longest side of the rectified grid
_OUTSIDE = 0.25  # of a cell: margin kept around the grid, so that its outermost lines are inside
_THICKEST = 0.2  # of a cell: greatest thickness of a line (the frame's)
_SPAN = 0.5  # fraction of the grid that a line must span
# Across a single row of boxes, a line is no longer than a tall 1: it must span most of the box, and is followed in
# strips of a seventh of a box or less.
_SPAN_OF_BOX, _STRIPS = 0.75, 24
_OFF = 0.22  # of a cell: how far a line may be from its expected place
_FEWEST_LINES = 0.55  # least fraction of the expected lines that must be found

_PROBABLE = 0.2  # least score of a digit in a cell
_LOWEST = 0.28  # of a cell: least length of a digit's longest side
_THINNEST = 0.012  # of a cell's area: least ink of a digit
_AT_EDGE = 0.14  # of a cell, from its border: what lies there is the remainder of a line
_LEAST_CELLS = 8  # fewest digits from which the usual strength of ink is determined
_STROKES = 97  # percentile of the ink in a digit's box that is the ink of its strokes
# Fainter than this share of the faintest tenth of the others: erased, and answered as "?". Pencil beside print is
# fainter, too, but it is seldom the pen of one digit alone.
_ERASED, _FAINTEST = 0.35, 0.1
_WRITTEN = 0.12  # of a cell, from its border: the part inside is scaled by the cell's own strongest ink


@dataclass(frozen=True, slots=True)
class _Cell:
    """The writing in one cell. box: in pixels of the picture; ink: float32, cropped to it."""

    column: int
    row: int
    box: Box
    ink: NDArray[np.float32]


def read_grid(
    rgb: NDArray[np.uint8],
    grid: tuple[int, int],
    find: Callable[[NDArray[np.uint8]], list[Candidate]],
    classify: Callable[[list[NDArray[np.uint8] | None]], list[NDArray[np.float32] | None]],
) -> list[tuple[int, int, Box, Candidate]]:
    """Read the largest grid of this size: row, column, box in the picture and digit of each written cell, row by row.

    A cell with ink in which no digit was found, or one that was erased, is included with a score of 0.

    rgb: uint8 (H, W, 3); grid: columns and rows; find: returns the candidates of a picture
    classify: returns the classifier's answers to images of 28×28

    Raises:
        ImageError: when there is no such grid in the picture.
    """
    flat = _rectified_grid(rgb, *grid)
    by_cell: dict[tuple[int, int], Candidate] = {}
    for candidate in find(flat.picture):  # most likely first
        x0, y0, x1, y1 = candidate.box
        position = flat.cell_at((x0 + x1) / 2, (y0 + y1) / 2)
        if position is not None and candidate.score >= _PROBABLE:
            by_cell.setdefault(position, candidate)
    by_cell = _without_erased(flat, by_cell)
    written = [cell for cell in flat.cells() if (cell.row, cell.column) not in by_cell]
    answers = classify([normalise(cell.ink) for cell in written])
    results = {position: (flat.in_picture(each.box), each) for position, each in by_cell.items()}
    for cell, answer in zip(written, answers, strict=True):
        probabilities = np.full(10, 0.1, np.float32) if answer is None else answer
        results.setdefault((cell.row, cell.column), (cell.box, Candidate(_floats(cell.box), 0.0, probabilities)))
    return [(row, column, *results[row, column]) for row, column in sorted(results)]


def _without_erased(flat: _Rectified, by_cell: dict[tuple[int, int], Candidate]) -> dict[tuple[int, int], Candidate]:
    """Give digits whose ink is far fainter than that of the others a score of 0: what is left after erasing."""
    if len(by_cell) < _LEAST_CELLS:
        return by_cell
    strengths = {position: flat.ink_in(candidate.box) for position, candidate in by_cell.items()}
    least = _ERASED * float(np.quantile(list(strengths.values()), _FAINTEST, method="higher"))
    return {
        position: candidate if strengths[position] >= least else replace(candidate, score=0.0)
        for position, candidate in by_cell.items()
    }


def _floats(box: Box) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
    return float(x0), float(y0), float(x1), float(y1)


def _rectified_grid(rgb: NDArray[np.uint8], columns: int, rows: int) -> _Rectified:
    best, best_share = None, 0.0
    least = _LEAST * min(columns, rows) / max(columns, rows)
    for corners in _quadrilaterals(rgb, least):
        for turned in _orientations(corners, columns, rows):
            flat = _Rectified.of(rgb, turned, columns, rows)
            share = flat.lines_found()
            if share > best_share + 0.05:
                best, best_share = flat, share
        if best_share > 0.9:
            break
    if best is None or best_share < _FEWEST_LINES:
        reason = f"only {100 * best_share:.0f} % of its lines were found" if best is not None else "no frame was found"
        raise ImageError(
            f"there is no grid of {columns}x{rows} cells in the picture ({reason}); "
            "expected one whole frame of lines, seen from above or slightly from the side"
        )
    return best


def _quadrilaterals(rgb: NDArray[np.uint8], share: float) -> list[NDArray[np.float32]]:
    """Find four-sided outlines, largest first: corners, float32 (4, 2) in pixels, clockwise from the upper left.

    share: least fraction of the picture that an outline encloses
    """
    small = shrink(rgb, _SEARCH_SIDE)
    strength = ink_strength(small, round(_WINDOW * max(small.shape)), page=True)
    ink = scaled(strength)
    if ink is None:
        return []
    mask = cv2.dilate((ink >= FAINT).astype(np.uint8), np.ones((3, 3), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    least = share * mask.size
    large = [np.asarray(cv2.convexHull(outline), np.int32) for outline in outlines if len(outline) >= 4]
    large = sorted((hull for hull in large if cv2.contourArea(hull) >= least), key=cv2.contourArea, reverse=True)
    scale = np.array([rgb.shape[1] / small.shape[1], rgb.shape[0] / small.shape[0]], np.float32)
    quadrilaterals: list[NDArray[np.float32]] = []
    for hull in large:
        corners = _four_corners(hull)
        if corners is None or len(quadrilaterals) == _CANDIDATES:
            continue
        if all(np.abs(corners - other).max() > 0.02 * _SEARCH_SIDE for other in quadrilaterals):
            quadrilaterals.append(corners)
    return [(corners + 0.5) * scale - 0.5 for corners in quadrilaterals]


def _four_corners(hull: NDArray[np.int32]) -> NDArray[np.float32] | None:
    length = cv2.arcLength(hull, closed=True)
    for share in (0.01, 0.02, 0.03, 0.05, 0.08):
        outline = cv2.approxPolyDP(hull, share * length, closed=True)
        if len(outline) == 4:
            break
    else:
        return None
    if cv2.contourArea(outline) < (1.0 - _CORNER_ANGLE) * cv2.contourArea(hull):
        return None
    corners = outline.reshape(4, 2).astype(np.float32)
    middle = corners.mean(axis=0)
    corners = corners[np.argsort(np.arctan2(corners[:, 1] - middle[1], corners[:, 0] - middle[0]))]
    return np.roll(corners, -int(corners.sum(axis=1).argmin()), axis=0)


def _orientations(corners: NDArray[np.float32], columns: int, rows: int) -> list[NDArray[np.float32]]:
    """Return the corners as they are, and rotated by one if the outline's long side is not that of the grid."""
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    wide, high = sides[0] + sides[2], sides[1] + sides[3]
    if columns != rows and (wide > high) != (columns > rows) and max(wide, high) > 1.2 * min(wide, high):
        return [corners, np.roll(corners, -1, axis=0)]
    return [corners]


def _cell_size(corners: NDArray[np.float32], columns: int, rows: int) -> tuple[int, int]:
    """Return width and height of a rectified cell in pixels, with the proportion that it has in the picture."""
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    aspect = float((sides[0] + sides[2]) / columns / max(float(sides[1] + sides[3]) / rows, 1.0))
    if 1 / _SQUARE <= aspect <= _SQUARE:
        aspect = 1.0
    wide, high = _CELL * max(1.0, aspect), _CELL * max(1.0, 1.0 / aspect)
    scale = min(1.0, _LARGEST / max(columns * wide, rows * high))
    return max(1, round(wide * scale)), max(1, round(high * scale))


@dataclass(frozen=True, slots=True)
class _Rectified:
    """The rectified grid, with a margin of ``border`` pixels. strength: uint8 of the ink; to_picture: to the picture.

    picture: uint8 (H, W, 3); size: width and height of the picture that it was taken from

    cell_width, cell_height: a cell in pixels; side: the shorter of them, the unit for sizes of digits and lines
    """

    picture: NDArray[np.uint8]
    strength: NDArray[np.uint8]
    to_picture: NDArray[np.float64]
    columns: int
    rows: int
    cell_width: int
    cell_height: int
    side: int
    border: int
    size: tuple[int, int]
    horizontal: list[Rule]
    vertical: list[Rule]

    @classmethod
    def of(cls, rgb: NDArray[np.uint8], corners: NDArray[np.float32], columns: int, rows: int) -> _Rectified:
        cell_width, cell_height = _cell_size(corners, columns, rows)
        side = min(cell_width, cell_height)
        border = round(_OUTSIDE * side)
        right, bottom = columns * cell_width, rows * cell_height
        target = np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], np.float32) + np.float32(border)
        transform = np.asarray(cv2.getPerspectiveTransform(corners, target), np.float64)
        extent = right + 2 * border, bottom + 2 * border
        flat = np.asarray(
            cv2.warpPerspective(rgb, transform, extent, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE), np.uint8
        )
        strength = ink_strength(flat, 2 * side, page=True)
        level = float(np.median(strength)) + 12.0
        thickest = max(4, round(_THICKEST * side))
        horizontal, vertical = (
            find_rules(pixels, level, thickest, *((_SPAN,) if cells > 1 else (_SPAN_OF_BOX * box / length, _STRIPS)))
            for pixels, cells, box, length in (
                (strength, columns, cell_width, extent[0]),
                (np.ascontiguousarray(strength.T), rows, cell_height, extent[1]),
            )
        )
        size = rgb.shape[1], rgb.shape[0]
        to_picture = np.asarray(np.linalg.inv(transform), np.float64)
        return cls(
            flat, strength, to_picture, columns, rows, cell_width, cell_height, side, border, size, horizontal, vertical
        )

    def lines_found(self) -> float:
        """Return the fraction of the expected lines that were found, less the unexpected ones."""
        expected = len(self._positions(self.horizontal, self.rows, self.cell_height))
        expected += len(self._positions(self.vertical, self.columns, self.cell_width))
        unexpected = self._unexpected(self.horizontal, self.rows, self.cell_height)
        unexpected += self._unexpected(self.vertical, self.columns, self.cell_width)
        return (expected - unexpected) / (self.rows + self.columns + 2)

    def _unexpected(self, rules: Sequence[Rule], cells: int, pitch: int) -> int:
        """Count the lines within the grid that are apart from the expected ones."""
        middles = np.sort([float(np.median(rule.y)) - self.border for rule in rules])
        middles = middles[(middles > -_OFF * pitch) & (middles < (cells + _OFF) * pitch)]
        apart = 1 + int((np.diff(middles) > _OFF * pitch).sum()) if len(middles) else 0
        return max(0, apart - len(self._positions(rules, cells, pitch)))

    def _positions(self, rules: Sequence[Rule], cells: int, pitch: int) -> dict[int, float]:
        """Return the positions in pixels of the grid lines found, by number. pitch: pixels from line to line."""
        positions: dict[int, float] = {}
        for rule in rules:
            middle = float(np.median(rule.y)) - self.border
            number = round(middle / pitch)
            if 0 <= number <= cells and abs(middle - number * pitch) <= _OFF * pitch:
                positions[number] = middle
        return positions

    def ink_in(self, box: tuple[float, float, float, float]) -> float:
        """Return the strength of the strokes in a box of the rectified picture, 0 … 255."""
        x0, y0, x1, y1 = (max(0, round(side)) for side in box)
        part = self.strength[y0 : max(y0 + 1, y1), x0 : max(x0 + 1, x1)]
        return float(np.percentile(part, _STROKES)) if part.size else 0.0

    def cell_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Return the row and column of a place in the rectified picture; None outside the grid."""
        xs = self._borders(self.vertical, self.columns, self.cell_width)
        ys = self._borders(self.horizontal, self.rows, self.cell_height)
        column, row = int(np.searchsorted(xs, x)) - 1, int(np.searchsorted(ys, y)) - 1
        return (row, column) if 0 <= column < self.columns and 0 <= row < self.rows else None

    def cells(self) -> list[_Cell]:
        """Return the written cells, row by row; some twice, from two ways of scaling the ink.

        Ink is scaled by the strongest of the whole grid, and by that of its own cell: a pencil is faint beside print.
        """
        cleaned = taken_out(self.strength, self.horizontal, self.vertical)
        xs = self._borders(self.vertical, self.columns, self.cell_width)
        ys = self._borders(self.horizontal, self.rows, self.cell_height)
        ink = scaled(cleaned)
        written = [] if ink is None else self._written(ink, xs, ys)
        written += self._written(self._ink_by_cell(cleaned, xs, ys), xs, ys)
        return sorted(written, key=lambda cell: (cell.row, cell.column))

    def _ink_by_cell(
        self, cleaned: NDArray[np.uint8], xs: NDArray[np.float64], ys: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Scale the ink of each cell by its own strongest, without what lies along the cell's border."""
        result = np.zeros(cleaned.shape, np.float32)
        edge = _WRITTEN * self.side
        for row, column in itertools.product(range(self.rows), range(self.columns)):
            y = slice(round(float(ys[row]) + edge), round(float(ys[row + 1]) - edge))
            x = slice(round(float(xs[column]) + edge), round(float(xs[column + 1]) - edge))
            part = cleaned[y, x]
            ink = scaled(np.ascontiguousarray(part)) if part.size else None
            if ink is not None:
                result[y, x] = ink
        return result

    def _written(self, ink: NDArray[np.float32], xs: NDArray[np.float64], ys: NDArray[np.float64]) -> list[_Cell]:
        """Return the cells in which there is as much ink as a digit has."""
        _, labels, statistics, centres = cv2.connectedComponentsWithStats(
            (ink >= INK).astype(np.uint8), connectivity=8, ltype=cv2.CV_32S
        )
        parts_by_cell: dict[tuple[int, int], list[int]] = {}
        for part in range(1, len(statistics)):
            position = self._cell_of(statistics[part].tolist(), centres[part].tolist(), xs, ys)
            if position is not None:
                parts_by_cell.setdefault(position, []).append(part)
        label_map, boxes = np.asarray(labels, np.int32), np.asarray(statistics, np.int32)
        cells = (self._cell(ink, label_map, boxes, position, parts) for position, parts in parts_by_cell.items())
        return [cell for cell in cells if cell is not None]

    def _borders(self, rules: Sequence[Rule], cells: int, pitch: int) -> NDArray[np.float64]:
        """Return the pixels at which the cells begin, and the last one ends; lines not found are interpolated."""
        positions = self._positions(rules, cells, pitch)
        numbers = sorted(positions)
        borders = np.arange(cells + 1, dtype=np.float64) * pitch
        if numbers:
            offsets = [positions[number] - number * pitch for number in numbers]
            borders = borders + np.interp(borders, [number * pitch for number in numbers], offsets)
        return borders + self.border

    def _cell_of(
        self, statistics: list[int], centre: list[float], xs: NDArray[np.float64], ys: NDArray[np.float64]
    ) -> tuple[int, int] | None:
        """Return the row and column of the cell that holds a stroke; None outside, or for the remainder of a line."""
        x, y, width, height, area = statistics
        column, row = int(np.searchsorted(xs, centre[0])) - 1, int(np.searchsorted(ys, centre[1])) - 1
        if not (0 <= column < self.columns and 0 <= row < self.rows) or area < 4:
            return None
        if max(width, height) > 1.6 * self.side:
            return None
        edge = _AT_EDGE * self.side
        near_side = x + width < xs[column] + edge or x > xs[column + 1] - edge
        near_end = y + height < ys[row] + edge or y > ys[row + 1] - edge
        return None if near_side or near_end else (row, column)

    def _cell(
        self,
        ink: NDArray[np.float32],
        labels: NDArray[np.int32],
        statistics: NDArray[np.int32],
        position: tuple[int, int],
        parts: list[int],
    ) -> _Cell | None:
        boxes = statistics[parts]
        largest = int(boxes[:, cv2.CC_STAT_AREA].max())
        large = [part for part, box in zip(parts, boxes, strict=True) if box[cv2.CC_STAT_AREA] >= 0.06 * largest]
        boxes = statistics[large]
        x0, y0 = boxes[:, 0].min() - 1, boxes[:, 1].min() - 1
        x1, y1 = (boxes[:, 0] + boxes[:, 2]).max() + 1, (boxes[:, 1] + boxes[:, 3]).max() + 1
        x0, y0, x1, y1 = max(0, int(x0)), max(0, int(y0)), min(ink.shape[1], int(x1)), min(ink.shape[0], int(y1))
        area = int(boxes[:, cv2.CC_STAT_AREA].sum())
        if max(x1 - x0, y1 - y0) - 2 < _LOWEST * self.side or area < _THINNEST * self.side * self.side:
            return None
        cut, left, top = with_soft_edges(ink[y0:y1, x0:x1], np.isin(labels[y0:y1, x0:x1], large))
        box = x0 + left, y0 + top, x0 + left + cut.shape[1], y0 + top + cut.shape[0]
        return _Cell(position[1], position[0], self.in_picture(box), cut)

    def in_picture(self, box: tuple[float, float, float, float]) -> Box:
        """Return the axis-aligned box in the picture around a box of the rectified grid."""
        x0, y0, x1, y1 = box
        corners = np.array([[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]], np.float64)
        mapped = cv2.perspectiveTransform(corners, self.to_picture)[0]
        left, top = np.clip(np.floor(mapped.min(axis=0)), 0, np.array(self.size) - 1).astype(int).tolist()
        right, bottom = np.clip(np.ceil(mapped.max(axis=0)), 1, self.size).astype(int).tolist()
        return left, top, max(right, left + 1), max(bottom, top + 1)
