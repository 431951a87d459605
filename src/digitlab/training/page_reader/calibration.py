"""Calibration of scores as probabilities: logistic regression on features of a candidate (Platt 1999)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["context_of", "fit_logistic"]

_STEPS = 30  # of Newton's method; ten are enough
_PRIOR = 1.0  # strength of the L2 penalty on the weights, in samples

# Parameters of `context_of`; `compose` computes the same inside the graph.
ALIKE = 0.6  # maximum difference of log sizes to count as similar: a page's digits and letters have similar sizes
BESIDE, ALONG = 0.6, 8.0  # times the larger size: maximum offset of neighbours on a line, across and along it
MIDDLE, WORD = 0.3, 1.5  # times a box's sides: a letter so near is its content; times the longer: the word around it
MOST_LETTERS = 400  # only the most likely ones of a page are used
MANY = 5.0  # cap on the letters of a page: more do not make it more certain that the page is text
COUNTED, ENOUGH = 0.2, 1.5  # minimum score to count for the usual size; minimum sum of scores to determine it


def fit_logistic(inputs: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, ...]:
    """Fit a logistic regression: the weights of the inputs and, last, a bias, which give the logit of being a digit.

    inputs: (N, K), features of each candidate; right: (N,), whether it is a digit
    """
    inputs = np.column_stack([inputs, np.ones(len(inputs))])
    weights = np.zeros(inputs.shape[1])
    loss = _loss(weights, inputs, right)
    for _ in range(_STEPS):
        probability = 1.0 / (1.0 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        gradient = inputs.T @ (probability - right) + _PRIOR * weights
        curvature = (inputs * (probability * (1 - probability))[:, None]).T @ inputs + _PRIOR * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        # A full Newton step may overshoot when the samples are almost separable: halve it until the loss falls.
        while (after := _loss(weights - step, inputs, right)) > loss and np.abs(step).max() > 1e-9:
            step /= 2
        weights, loss = weights - step, min(after, loss)
    return tuple(float(weight) for weight in weights)


def _loss(weights: NDArray[np.float64], inputs: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Compute the cross-entropy plus the L2 penalty."""
    logits = inputs @ weights
    entropy = np.logaddexp(0.0, np.where(right, -logits, logits)).sum()
    return float(entropy + 0.5 * _PRIOR * (weights**2).sum())


def context_of(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], letters: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Compute context features of a page's candidates: an S among letters is a letter, the same among digits a 5.

    boxes: (N, 4), x0, y0, x1, y1 in pixels; scores: (N,), the probability that each is a digit, judged alone; letters:
        (M, 3), x, y and the probability that a letter's centre lies there

    Returns:
        float64 (N, 11): the logits of its own score, of the mean score of the others of similar size, and of the mean
        over those of them on its line; log(its size / usual size of the others), and the absolute value of that;
        log(width / height); log(1 + number of others of similar size); the probability that it is itself a letter;
        log(1 + letters beside it), log(1 + letters on its line); and log(1 + letters elsewhere, at most `MANY`) times
        (1 - highest score of the others): on a page of letters only, a candidate is not a digit. Letters are counted
        by their probabilities.
    """
    own = _logit(scores)
    x0, y0, x1, y1 = boxes.astype(np.float64).T
    wide, high = np.maximum(x1 - x0, 1.0), np.maximum(y1 - y0, 1.0)
    side = np.maximum(wide, high)
    size = np.log(side)
    others = 1.0 - np.eye(len(boxes))
    alike = others * (np.abs(size[:, None] - size) < ALIKE)
    larger = np.maximum(side[:, None], side)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    near = (np.abs(y[:, None] - y) < BESIDE * larger) & (np.abs(x[:, None] - x) < ALONG * larger)
    count, line = alike.sum(1), alike * near
    page_mean = (alike @ scores + 1.0) / (count + 2.0)
    line_mean = (line @ scores + 0.5) / (line.sum(1) + 1.0)
    weight = others @ np.where(scores > COUNTED, scores, 0.0)
    usual = others @ np.where(scores > COUNTED, scores * size, 0.0) / np.maximum(weight, 1e-6)
    relative = np.where(weight > ENOUGH, size - usual, 0.0)
    best = (others * scores).max(axis=1, initial=0.0)
    *near_letters, elsewhere = _among_letters(letters.astype(np.float64), x, y, wide, high)
    return np.column_stack([
        own, _logit(page_mean), _logit(line_mean), relative, np.abs(relative), np.log(wide / high), np.log1p(count),
        *near_letters, (1.0 - best) * np.log1p(np.minimum(elsewhere, MANY)),
    ])  # fmt: skip


def _among_letters(
    letters: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    wide: NDArray[np.float64],
    high: NDArray[np.float64],
) -> Iterator[NDArray[np.float64]]:
    """Yield boxes' letter features from centres and sides, (N,) each: see `context_of`; last, the letters elsewhere."""
    letters = np.concatenate([letters[np.argsort(-letters[:, 2], kind="stable")][:MOST_LETTERS], [[-1e6, -1e6, 0.0]]])
    right, down = np.abs(x[:, None] - letters[:, 0]), np.abs(y[:, None] - letters[:, 1])
    inside = (right < MIDDLE * wide[:, None]) & (down < MIDDLE * high[:, None])
    yield (inside * letters[:, 2]).max(axis=1)
    side = np.maximum(wide, high)[:, None]
    for reach in (WORD, ALONG):
        around = (right < reach * side) & (down < BESIDE * side) & ~inside
        yield np.log1p(around @ letters[:, 2])
    yield ~inside @ letters[:, 2]


def _logit(probability: NDArray[np.floating]) -> NDArray[np.float64]:
    inside = np.clip(probability.astype(np.float64), 1e-4, 1.0 - 1e-4)
    return np.asarray(np.log(inside / (1.0 - inside)))
