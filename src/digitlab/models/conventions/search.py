"""Find the convention of a foreign network by trying all candidates on labelled images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import ModelError
from digitlab.models.conventions.convention import Convention, answer_kind, candidates, probabilities_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from digitlab.models.conventions.convention import Form
    from digitlab.values import Digits

    # The network's outputs, float (N, classes), for images uint8 (N, 28, 28) that are prepared by a convention.
    Predict = Callable[[Convention, NDArray[np.uint8]], NDArray[np.float32]]

__all__ = ["IMAGES", "ConventionSearch", "NoConventionError", "Tried", "find_convention", "known_digits", "table_of"]

IMAGES = 2000  # to compare the last candidates; MNIST's last training images, so that its test images stay unseen
# Per round: images, conventions kept for the next. Only the last round decides; the others must not lose the right one.
_ROUNDS = ((50, 16), (200, 4), (IMAGES, 2))
_LEAST = 0.3  # accuracy: three times chance
_TOGETHER = 250  # images per call
_ALIKE = 1.06  # relative loss: briefly trained on 0…1, networks are that much more confident on standardised images


class NoConventionError(ModelError):
    """Raised when a network classifies no digits in any convention."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One convention on some images: accuracy 0…1, and log loss (see `_loss`), ∞ if an output was not finite."""

    convention: Convention
    images: int
    accuracy: float
    loss: float


@dataclass(frozen=True, slots=True)
class ConventionSearch:
    """The outcome: all that were tried, each on the most images that it reached; best first, the runner-up second."""

    tried: tuple[Tried, ...]

    @property
    def best(self) -> Tried:
        """The best convention's result."""
        return self.tried[0]

    def as_card(self) -> dict[str, Any]:
        """Return plain strings and numbers for a model's card."""
        second = self.tried[1] if len(self.tried) > 1 else None
        return {
            "convention": str(self.best.convention),
            "shape": list(self.best.convention.form.shape()),
            "answers": self.best.convention.answers,
            "accuracy": round(self.best.accuracy, 4),
            "images": self.best.images,
            "runner_up": None if second is None else str(second.convention),
            "runner_up_accuracy": None if second is None else round(second.accuracy, 4),
            "tried": len(self.tried),
        }


def known_digits() -> Digits:
    """Load the images on which conventions are compared: MNIST's last 2,000 training images."""
    from digitlab.datasets import load_dataset

    return load_dataset("mnist").split("train")[-IMAGES:]


def find_convention(predict: Predict, forms: Iterable[Form], classes: int) -> ConventionSearch:
    """Try every convention of every form on `known_digits`, and the best of them on more images.

    Among those whose accuracy is not significantly below the best (three standard errors), the one with the lowest log
    loss wins: a network without biases gives the same digits for 0…1 and 0…255, but only one of them gives it the right
    confidence. If the losses are nearly the same, the most common convention wins.

    Args:
        predict: runs the network.
        forms: the input arrays that it can take.
        classes: the number of its outputs, 10 or 11.

    Raises:
        NoConventionError: when none is clearly above chance; the message says what was tried, without the file's name.
    """
    digits = known_digits()
    left = [convention for form in forms for convention in candidates(form, classes)]
    usual = {_plain(each): index for index, each in enumerate(left)}
    results: list[Tried] = []
    for images, keep in _ROUNDS:
        ranked = _ranked(_tried_all(predict, left, digits[:images]))
        results = ranked + results[len(ranked) :]
        left = sorted((each.convention for each in ranked[:keep]), key=lambda each: usual[_plain(each)])
        most = max(each.accuracy for each in ranked)
        if most + 4 * np.sqrt(most * (1 - most) / images) < _LEAST:  # more images would not help
            break
    search = ConventionSearch(tuple(results))
    if not search.best.accuracy >= _LEAST:
        most = max(each.accuracy for each in results if each.images >= search.best.images)
        raise NoConventionError(
            f"answers MNIST's digits no better than {100 * most:.0f} % right (chance is 10 %) in any of "
            f"the {len(results)} conventions that were tried ({table_of(search)}); expected a classifier of the "
            "digits 0 to 9, class 0 first"
        )
    return search


def _plain(convention: Convention) -> Convention:
    """Return the convention without the type of outputs, which is only known after a run."""
    return replace(convention, answers="")


def _tried_all(predict: Predict, conventions: list[Convention], digits: Digits) -> list[Tried]:
    """Test each convention on all images; those that differ only in the index of digit 0 share one run."""
    outputs: dict[Convention, NDArray[np.float32]] = {}
    tried = []
    for convention in conventions:
        key = replace(convention, zero=0)
        if key not in outputs:
            outputs = {key: _answers(predict, convention, digits.images)}
        tried.append(_judged(convention, outputs[key], digits.labels))
    return tried


def _answers(predict: Predict, convention: Convention, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    parts = (images[start : start + _TOGETHER] for start in range(0, len(images), _TOGETHER))
    return np.concatenate([predict(convention, part) for part in parts])


def _judged(convention: Convention, answers: NDArray[np.float32], labels: NDArray[np.uint8]) -> Tried:
    if not np.isfinite(answers).all():
        return Tried(convention, len(labels), 0.0, float("inf"))
    convention = replace(convention, answers=answer_kind(answers))
    shares = probabilities_of(answers, convention.answers, convention.zero)
    right = shares.argmax(axis=1) == labels
    return Tried(convention, len(labels), float(right.mean()), _loss(shares, labels))


def _loss(shares: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """Return the log loss at the best temperature, increased by 1 % for each factor of 2 between it and 1.

    A network's confidence also depends on its training; how well its outputs separate the digits does not.
    """
    logits = np.log(np.maximum(shares, 1e-12))
    rows = np.arange(len(labels))

    def at(doublings: float) -> float:
        powers = np.exp(logits * 2**doublings)
        losses = np.log(powers.sum(axis=1)) - logits[rows, labels] * 2**doublings
        return float(losses.mean()) * (1 + 0.01 * abs(doublings))

    return min(at(doublings) for doublings in np.arange(-4, 3.5, 0.5))


def _ranked(tried: list[Tried]) -> list[Tried]:
    """Sort with the best first; ties keep the order of `candidates`."""
    best = max(each.accuracy for each in tried)
    error = 3 * np.sqrt(max(best * (1 - best), 1e-3) / tried[0].images)
    near = [each for each in tried if each.accuracy >= best - error]
    least = min(each.loss for each in near)

    def rank(each: Tried) -> tuple[float, float, float]:
        if each not in near:
            return 2.0, -each.accuracy, 0.0
        return (0.0, 0.0, 0.0) if each.loss <= _ALIKE * least else (1.0, round(each.loss, 6), -each.accuracy)

    return sorted(tried, key=rank)


def table_of(search: ConventionSearch, most: int = 4) -> str:
    """Summarise the attempts on one line, best first."""
    shown = [f"{each.convention}: {100 * each.accuracy:.0f} %" for each in search.tried[:most]]
    others = search.tried[most:]
    more = [f"{len(others)} others: at most {100 * max(each.accuracy for each in others):.0f} %"] if others else []
    return "; ".join(shown + more)
