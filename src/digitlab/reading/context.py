"""How likely candidates are digits, given what stands beside them: a stroke among digits as tall as they are is a 1.

The page reader sees a digit and little around it, so of a plain stroke it cannot know whether it is a 1, an l or a
slash. The row that it stands in tells. A logistic regression of the score and of the place among surer digits, fitted
on drawn pages and drawn numbers (tools/fit_numbers.py), gives the score that a candidate has in its row.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.reading.candidates import Candidate

__all__ = ["FEATURES", "in_context", "neighbourhood"]

_SURE = 0.6  # confidence of the digits that speak for those beside them
_REACH = 2.5  # heights, to the side, within which a digit speaks
_UNTIL = 0.9  # score: surer ones need no word for them

FEATURES = (
    "score", "digits near", "inside", "height", "offset", "gap", "overlap", "narrow", "sure which", "neighbours sure",
)  # fmt: skip
_WEIGHTS = (1.09, -0.12, 0.26, -1.89, -0.2, -0.52, -1.01, -0.15, 0.54, -0.57)
_CONSTANT = 1.89
_RESERVE = 0.4  # of the logit: rather a digit is missed than one invented, which costs 2 to 3 at these odds


def in_context(candidates: list[Candidate]) -> list[Candidate]:
    """The candidates with their scores as their row makes them; those without sure digits beside them as they are."""
    rows = neighbourhood(candidates)
    told = []
    for each, row in zip(candidates, rows, strict=True):
        if row is None or each.score >= _UNTIL:
            told.append(each)
            continue
        logit = float(np.dot(_WEIGHTS, row)) + _CONSTANT - _RESERVE
        told.append(replace(each, score=float(1.0 / (1.0 + np.exp(-logit)))))
    return told


def neighbourhood(candidates: list[Candidate]) -> list[NDArray[np.float64] | None]:
    """What is known of each candidate, float64 (10,) as `FEATURES` names it; None where no sure digit is beside it."""
    if not candidates:
        return []
    boxes = np.array([each.box for each in candidates], np.float64)
    sure = np.array([each.confidence >= _SURE for each in candidates])
    high = np.maximum(boxes[:, 3] - boxes[:, 1], 1e-6)
    wide = boxes[:, 2] - boxes[:, 0]
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2.0, (boxes[:, 1] + boxes[:, 3]) / 2.0
    found: list[NDArray[np.float64] | None] = []
    for row, each in enumerate(candidates):
        others = sure.copy()
        others[row] = False
        gaps = np.maximum(boxes[:, 0] - boxes[row, 2], boxes[row, 0] - boxes[:, 2])
        beside = others & (gaps < _REACH * high) & (np.abs(y - y[row]) < 0.7 * high) & (high[row] < 2.2 * high)
        beside &= high[row] > 0.35 * high
        if not beside.any():
            found.append(None)
            continue
        usual = float(np.median(high[beside]))
        shared = np.maximum(np.minimum(boxes[:, 2], boxes[row, 2]) - np.maximum(boxes[:, 0], boxes[row, 0]), 0.0)
        shared *= np.maximum(np.minimum(boxes[:, 3], boxes[row, 3]) - np.maximum(boxes[:, 1], boxes[row, 1]), 0.0)
        overlap = float((shared[others] / max(float(wide[row] * high[row]), 1e-6)).max())
        inside = bool((beside & (x < x[row])).any() and (beside & (x > x[row])).any())
        level = float(np.median(y[beside]))
        if beside.sum() > 1:  # the row may slope
            slope = np.polyfit(x[beside], y[beside], 1) if np.ptp(x[beside]) > usual else None
            level = level if slope is None else float(np.polyval(slope, x[row]))
        score = min(max(each.score, 1e-3), 1.0 - 1e-3)
        found.append(
            np.array([
                np.log(score / (1.0 - score)),
                min(int(beside.sum()), 5),
                float(inside),
                abs(np.log(high[row] / usual)),
                abs(y[row] - level) / usual,
                min(max(float(gaps[beside].min()) / usual, -0.3), 1.5),
                overlap,
                float(wide[row] < 0.4 * usual),
                float(each.probabilities.max()),
                float(np.mean([candidates[at].score for at in np.flatnonzero(beside)])),
            ])
        )  # fmt: skip
    return found
