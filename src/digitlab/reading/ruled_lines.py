"""Find and remove long thin lines (ruled and squared paper, margins, table lines), keeping strokes across them.

Works on the ink strength before it is scaled, so that many faint rules cannot be mistaken for the pen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "Rule",
    "find_rules",
    "taken_out",
]

_THICKEST = 0.005  # of the page's longest side, at least 3 pixels: table lines; pens are as wide, but not as long
_STRIP = 0.025  # of the longest side: the width of the strips in which lines are searched for
_COVERED, _BARE = 0.75, 0.35  # least fraction of a strip's columns with any ink, and with the line alone
_TOLERANCE = 0.14  # of a strip's width, plus 2 pixels: how far a line may deviate from its extrapolated course
_LONGEST_GAP = 6  # most successive strips that a digit on the line may hide
_FILLED = 0.65  # least fraction of the strips between a line's ends in which it must be found
_SPAN, _LONE_SPAN = 0.25, 0.6  # least length as a fraction of the picture: among three or more such lines, and alone
_STRAIGHT = 2.0  # pixels: largest median distance from a slightly bent line (a parabola)
_FEWEST_STRIPS = 5

_PROFILE_REACH = 6  # pixels on either side of a line within which its thickness is measured
_EDGE = 0.3  # of a line's own strength: the level that marks its edges
_PEN = 1.35  # times a line's own strength: above it, a pen runs along the line or crosses it
_SAMPLES = 160  # columns at which a line is sampled


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the picture: y at each x of the picture (of the transposed picture, for an upright line).

    y: float32 (W,); above, below: pixels that it extends to either side; strength: at its middle, 0 … 255
    """

    y: NDArray[np.float32]
    above: int
    below: int
    strength: float


def taken_out(strength: NDArray[np.uint8], horizontal: Sequence[Rule], vertical: Sequence[Rule]) -> NDArray[np.uint8]:
    """Remove the rules from an ink strength, uint8 (H, W); strokes that cross them stay whole.

    A pixel on a rule is kept if it is clearly stronger than the rule, or lies between strokes on both sides of it.
    horizontal, vertical: the horizontal and the vertical rules
    """
    if not horizontal and not vertical:
        return strength
    remaining = strength.copy()
    mask = np.zeros(strength.shape, np.bool_)
    for rules, target, marked in ((horizontal, remaining, mask), (vertical, remaining.T, mask.T)):
        for rule in rules:
            _erase(rule, target, marked)
    _erase_crossings(horizontal, vertical, remaining, mask)
    thickest = max(rule.above + rule.below + 1 for rule in [*horizontal, *vertical])
    side = min(thickest, 12) + 2
    padded = cv2.copyMakeBorder(remaining, side, side, side, side, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    closed = closed[side:-side, side:-side]
    return np.asarray(cv2.copyTo(cv2.min(strength, closed), mask.view(np.uint8), strength.copy()), np.uint8)


def find_rules(
    strength: NDArray[np.uint8],
    level: float,
    thickest: int | None = None,
    least_span: float | None = None,
    fewest_strips: int = 8,
) -> list[Rule]:
    """Find thin, long horizontal lines; they may slope and bend a little.

    strength: uint8 (H, W); level: the strength above which anything is there at all
    thickest: pixels; by default derived from the picture's size
    least_span: fraction of the width that every line must span, whether it is alone or not
    fewest_strips: least number of strips that the width is divided into, for lines that span only a part of it
    """
    height, width = strength.shape
    thickest = max(3, round(_THICKEST * max(height, width))) if thickest is None else thickest
    if width < 64 or height < 4 * thickest:
        return []
    binary = cv2.threshold(strength, level, 255, cv2.THRESH_BINARY)[1]
    thick = cv2.morphologyEx(binary, cv2.MORPH_OPEN, np.ones((thickest + 1, 1), np.uint8))
    thin = cv2.dilate(cv2.subtract(binary, thick), np.ones((5, 1), np.uint8))
    thin = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, np.ones((1, thickest + 2), np.uint8))  # bridges lines that cross it
    strips = min(64, max(fewest_strips, round(width / max(12.0, _STRIP * max(height, width)))))
    # A digit's strokes across the line are too thick there, but they are ink: the line continues beneath them.
    # The means are taken on the transposed picture: OpenCV adds whole rows faster than pixels within a row.
    filled, bare = (
        cv2.transpose(cv2.resize(cv2.transpose(pixels), (height, strips), interpolation=cv2.INTER_AREA))
        for pixels in (cv2.max(thin, binary), thin)
    )
    covered = (filled >= round(_COVERED * 255)) & (bare >= round(_BARE * 255))
    crossings = _crossings(covered, 2 * thickest + 8)
    if sum(map(len, crossings)) < _FEWEST_STRIPS:
        return []
    tracks = [track for track in _tracks(crossings, width / strips) if _is_line(track)]
    least = _SPAN if least_span is None else least_span
    long = [track for track in tracks if _length(track) >= least * strips]
    if len(long) < 3 and least_span is None:
        long = [track for track in long if _length(track) >= _LONE_SPAN * strips]
    rules = (_rule(track, strength, width / strips) for track in long)
    return [rule for rule in rules if rule is not None and rule.above + rule.below <= 2 * thickest]


def _crossings(covered: NDArray[np.bool_], thickest: int) -> list[NDArray[np.float32]]:
    """Find where thin lines cross each strip: the middles of the covered runs, from top to bottom.

    covered: bool (H, strips)
    """
    edges = np.diff(np.pad(covered.T.astype(np.int8), ((0, 0), (1, 1))), axis=1)  # (strips, H + 1)
    strip, start = np.nonzero(edges == 1)
    stop = np.nonzero(edges == -1)[1]
    narrow = stop - start <= thickest
    middle = ((start + stop - 1) / 2.0).astype(np.float32)
    return [middle[narrow & (strip == number)] for number in range(covered.shape[1])]


def _tracks(crossings: Sequence[NDArray[np.float32]], step: float) -> list[list[tuple[int, float]]]:
    """Follow lines from strip to strip: lists of (strip, y)."""
    finished: list[list[tuple[int, float]]] = []
    active: list[list[tuple[int, float]]] = []
    for strip, ys in enumerate(crossings):
        finished += [track for track in active if strip - track[-1][0] > _LONGEST_GAP]
        active = [track for track in active if strip - track[-1][0] <= _LONGEST_GAP]
        matched = np.zeros(len(ys), np.bool_)
        # The longest tracks choose first: a stroke beside a line must not lead it astray.
        for track in sorted(active, key=len, reverse=True):
            if not len(ys):
                break
            distance = np.abs(ys - _extrapolated(track, strip)) + np.where(matched, np.inf, 0.0)
            nearest = int(distance.argmin())
            if distance[nearest] <= 2.0 + _TOLERANCE * step * min(2, strip - track[-1][0]):
                matched[nearest] = True
                track.append((strip, float(ys[nearest])))
        active += [[(strip, y)] for y in ys[~matched].tolist()]
    return finished + active


def _extrapolated(track: Sequence[tuple[int, float]], strip: int) -> float:
    """Extrapolate a line to a later strip from its last points."""
    last, y = track[-1]
    if len(track) < 3:
        return y
    first, first_y = track[max(0, len(track) - 6)]
    return y + (y - first_y) / (last - first) * (strip - last)


def _length(track: Sequence[tuple[int, float]]) -> int:
    return track[-1][0] - track[0][0] + 1


def _is_line(track: Sequence[tuple[int, float]]) -> bool:
    if len(track) < _FEWEST_STRIPS or len(track) < _FILLED * _length(track):
        return False
    strips, ys = np.array(track).T
    parabola = np.polynomial.polynomial.Polynomial.fit(strips, ys, 2)
    return float(np.median(np.abs(parabola(strips) - ys))) <= _STRAIGHT


def _rule(track: Sequence[tuple[int, float]], strength: NDArray[np.uint8], step: float) -> Rule | None:
    """Make the rule through a track, with its thickness and strength from the median profile across it."""
    height, width = strength.shape
    strips, ys = np.array(track, np.float64).T
    centres = (strips + 0.5) * step
    y = np.interp(np.arange(width), centres, ys)
    slope = (ys[-1] - ys[0]) / (centres[-1] - centres[0])
    left, right = np.arange(width) < centres[0], np.arange(width) > centres[-1]
    y[left] += slope * (np.arange(width)[left] - centres[0])
    y[right] += slope * (np.arange(width)[right] - centres[-1])
    columns = np.unique(np.linspace(centres[0], min(width - 1.0, centres[-1]), _SAMPLES).astype(np.intp))
    offsets = np.arange(-_PROFILE_REACH, _PROFILE_REACH + 1)
    rows = np.clip(np.rint(y[columns]).astype(np.intp) + offsets[:, None], 0, height - 1)
    profile = np.median(strength[rows, columns], axis=1)  # (2 reach + 1,): digits on the line cover fewer columns
    peak = int(np.argmax(profile))
    above_edge = profile >= max(_EDGE * profile[peak], 1.0)
    above = peak - next((n for n in range(peak, -1, -1) if not above_edge[n]), -1) - 1
    below = next((n for n in range(peak, len(above_edge)) if not above_edge[n]), len(above_edge)) - peak - 1
    if profile[peak] < 1.0:
        return None
    return Rule((y + offsets[peak]).astype(np.float32), above + 1, below + 1, float(profile[peak]))


def _erase(rule: Rule, strength: NDArray[np.uint8], taken: NDArray[np.bool_]) -> None:
    """Set the rule's pixels to 0 where there is no pen stroke, and mark them in ``taken``."""
    rows = np.rint(rule.y).astype(np.intp) + np.arange(-rule.above, rule.below + 1)[:, None]  # (thickness, W)
    inside = (rows >= 0) & (rows < strength.shape[0])
    pixels = rows[inside], np.broadcast_to(np.arange(strength.shape[1]), rows.shape)[inside]
    values = strength[pixels]
    erased = values < min(250.0, _PEN * rule.strength + 6.0)
    taken[pixels] |= erased
    strength[pixels] = np.where(erased, np.uint8(0), values)


def _erase_crossings(
    horizontal: Sequence[Rule], vertical: Sequence[Rule], strength: NDArray[np.uint8], taken: NDArray[np.bool_]
) -> None:
    """Remove crossings of two rules, which are darker than each rule alone, but not pen strokes."""
    for rule in vertical:
        middle = min(strength.shape[1] - 1, max(0, round(float(rule.y.mean()))))
        for other in horizontal:
            y = round(float(other.y[middle]))
            x = round(float(rule.y[min(len(rule.y) - 1, max(0, y))]))
            rows = slice(max(0, y - other.above), max(0, y + other.below + 1))
            columns = slice(max(0, x - rule.above), max(0, x + rule.below + 1))
            strength[rows, columns] = 0
            taken[rows, columns] = True
