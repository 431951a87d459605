"""Pictures made by code: digits of MNIST's test images written on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from digitlab.reading import Reader
from digitlab.values import ReadDigit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from digitlab.values import Digits


@pytest.fixture(scope="session")
def reader() -> Reader:
    return Reader(threads=1)


@pytest.fixture(scope="session")
def sure_digits(reader: Reader) -> Digits:
    """Two of each class on which both networks are sure, class by class: what is tested is the way to them."""
    from digitlab.datasets import load_dataset

    test = load_dataset("mnist").split("test")[:2000]
    probabilities = reader.classifier.probabilities(test.images)
    right = probabilities.argmax(axis=1) == test.labels
    sureness = np.where(right, probabilities.max(axis=1), 0.0)
    rows = []
    for digit in range(10):
        likely = np.argsort(-np.where(test.labels == digit, sureness, 0.0), kind="stable")[:12]
        found = [reader.classify(255 - np.pad(test.images[row], 8)) for row in likely]
        sure = [each.confidence if each.digit == digit else 0.0 for each in found]
        rows.append(likely[np.argsort(-np.array(sure), kind="stable")[:2]])
    return test[np.concatenate(rows)]


@pytest.fixture(scope="session")
def write() -> Callable[..., NDArray[np.uint8]]:
    return _write


def _write(
    digits: list[tuple[NDArray[np.uint8], int, int, int]],
    size: tuple[int, int] = (600, 800),
    paper: tuple[int, int, int] = (236, 232, 222),
    ink: tuple[int, int, int] = (40, 46, 88),
    **effects: Any,
) -> NDArray[np.uint8]:
    """Paper (H, W, 3) with digits (image, x, y, side of its 28×28 square in pixels) on it.

    effects: noise (standard deviation) and shade (how much darker the right side is, 0 … 1)
    """
    amount = np.zeros(size, np.float32)
    for image, x, y, side in digits:
        drawn = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
        amount[y : y + side, x : x + side] = np.maximum(amount[y : y + side, x : x + side], np.clip(drawn, 0, 1))
    mixed = np.array(paper) * (1 - amount[..., None]) + np.array(ink) * amount[..., None]
    mixed *= np.linspace(1.0, 1.0 - effects.get("shade", 0.0), size[1])[None, :, None]
    mixed += np.random.default_rng(0).normal(0, effects.get("noise", 0.0), mixed.shape)
    return np.clip(mixed, 0, 255).astype(np.uint8)


class Seen:
    """Digits as a reader has seen them, made up."""

    @staticmethod
    def text(text: str, sure: float = 0.995, doubts: dict[int, tuple[int, float]] | None = None) -> list[ReadDigit]:
        """The digits of a text; doubts: at which place which other digit is how likely."""
        digits = []
        for place, character in enumerate(text):
            shares = np.full(10, (1.0 - sure) / 9.0)
            shares[int(character)] = sure
            if doubts and place in doubts:
                other, share = doubts[place]
                shares = np.full(10, 0.0005)
                shares[int(character)], shares[other] = 1.0 - share - 0.004, share
            digits.append(Seen.digit(shares, place))
        return digits

    @staticmethod
    def digit(shares: Iterable[float], place: int, score: float = 0.9995) -> ReadDigit:
        """One digit of these ten probabilities."""
        listed = tuple(shares)
        likeliest = max(range(10), key=listed.__getitem__)
        box = (12 * place, 0, 12 * place + 9, 16)
        return ReadDigit(likeliest, score * listed[likeliest], box, 0, listed)


@pytest.fixture(scope="session")
def seen() -> type[Seen]:
    return Seen
