"""Scores that are probabilities: logistic regressions on what is known of a candidate (Platt 1999)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["context_of", "fit_logistic"]

_STEPS = 30  # of Newton's method; ten are enough
_PRIOR = 1.0  # weight of the pull towards 0, in samples

# What `context_of` is made of; `compose` computes the same inside the graph.
ALIKE = 0.6  # difference of the logarithms of two sizes: a page's digits and letters are of about one size
BESIDE, ALONG = 0.6, 8.0  # of the larger size: two candidates on one line, and within reach on it
MIDDLE, WORD = 0.3, 1.5  # of a box's sides: a letter there is what the box holds; of the longer: the word around it
MOST_LETTERS = 400  # the most likely ones of a page
MANY = 5.0  # letters on a page: of more, it is no surer that the page is one of text
COUNTED, ENOUGH = 0.2, 1.5  # least score of those that tell the usual size; least sum of scores that tells it


def fit_logistic(inputs: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, ...]:
    """The weights of the inputs and, last, a bias, by which their sum is the logit of being a digit.

    inputs: (N, K), of each candidate; right: (N,), whether it is a digit
    """
    inputs = np.column_stack([inputs, np.ones(len(inputs))])
    weights = np.zeros(inputs.shape[1])
    loss = _loss(weights, inputs, right)
    for _ in range(_STEPS):
        probability = 1.0 / (1.0 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        gradient = inputs.T @ (probability - right) + _PRIOR * weights
        curvature = (inputs * (probability * (1 - probability))[:, None]).T @ inputs + _PRIOR * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        # A whole step may lead far off where nearly all are told apart already.
        while (after := _loss(weights - step, inputs, right)) > loss and np.abs(step).max() > 1e-9:
            step /= 2
        weights, loss = weights - step, min(after, loss)
    return tuple(float(weight) for weight in weights)


def _loss(weights: NDArray[np.float64], inputs: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The cross-entropy, and the pull towards 0."""
    logits = inputs @ weights
    entropy = np.logaddexp(0.0, np.where(right, -logits, logits)).sum()
    return float(entropy + 0.5 * _PRIOR * (weights**2).sum())


def context_of(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], letters: NDArray[np.float32]
) -> NDArray[np.float64]:
    """What a page tells of each of its candidates: an S among letters is a letter, the same among digits a 5.

    boxes: (N, 4), x0, y0, x1, y1 in pixels; scores: (N,), how likely each is a digit when looked at alone; letters:
        (M, 3), x, y and how likely a letter's middle lies there

    Returns:
        float64 (N, 11): the logit of its own score; of the mean score of the others of about its size; of that of those
        on its line; the logarithm of its size by the usual size of the others, and how far that is from 0; the
        logarithm of its width by its height; and of one more than the number of others of its size; how likely it is a
        letter itself; the logarithms of one more than the letters beside it and on its line; and that of one more than
        all letters elsewhere (`MANY` at most), by how unlikely the likeliest of the others is: on a page of letters
        alone, what is taken for a digit is none.
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
    """Of boxes with these middles and sides, (N,) each: see `context_of`; last, the sum of all letters elsewhere."""
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
