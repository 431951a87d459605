"""The smallest changes that get another answer, of answers whose reasons are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitlab.inspection.counterfactuals import smallest_changes, smallest_patch, smallest_rotation, smallest_shift

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def by(measure: Callable[[NDArray[np.uint8]], NDArray[Any]], limit: float) -> Callable[..., NDArray[np.float32]]:
    """Answers 3, and 8 where a measure of the image exceeds the limit: the surer, the more."""

    def answer(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = np.zeros((len(images), 10), np.float32)
        over = measure(images.astype(np.float64)) - limit
        found[:, 8] = 1 / (1 + np.exp(-over))
        found[:, 3] = 1 - found[:, 8]
        return found

    return answer


def square() -> NDArray[np.uint8]:
    image = np.zeros((28, 28), np.uint8)
    image[10:14, 8:12] = 200
    return image


def middle(axis: int) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Of the ink, across (2) or down (1)."""
    return lambda images: (images.sum(axis=3 - axis) * np.arange(28)).sum(axis=1) / (images.sum(axis=(1, 2)) + 1e-9)


@pytest.mark.parametrize(
    ("axis", "limit", "place", "told"),
    [(2, 12.0, (3, 0), "moved 3 right"), (1, 15.0, (0, 4), "moved 4 down")],
)
def test_the_shortest_way(axis: int, limit: float, place: tuple[int, int], told: str) -> None:
    change = smallest_shift(by(middle(axis), limit), square())
    assert change is not None
    assert (change.place, change.size, change.digit, str(change)) == (place, sum(place), 8, told)
    np.testing.assert_array_equal(change.image, np.roll(square(), place[::-1], (0, 1)))
    assert change.as_dict()["right"] == place[0]


def test_a_way_aslant() -> None:
    change = smallest_shift(by(lambda images: -middle(1)(images) - middle(2)(images), -17.6), square())
    assert change is not None
    assert change.place == (-2, -2)
    assert change.size == pytest.approx(8**0.5)
    assert str(change) == "moved 2 left and 2 up"


@pytest.mark.parametrize(("sign", "told"), [(1, "clockwise"), (-1, "counter-clockwise")])
def test_the_smallest_turn(sign: int, told: str) -> None:
    stroke = np.zeros((28, 28), np.uint8)
    stroke[4:14, 13:15] = 255  # upright, above the middle; turned clockwise, its end goes to the right
    change = smallest_rotation(by(lambda images: sign * (middle(2)(images) - 13.5), 2.0), stroke)
    assert change is not None
    assert str(change) == f"turned {change.size:g}° {told}"
    assert (
        24 <= change.size <= 28
    )  # the ink's middle is 5 above the image's: sin(turn) = 2 / 5 where nothing is rounded


def test_the_smallest_square() -> None:
    image = square()
    image[20:22, 20:22] = 255
    change = smallest_patch(by(lambda images: -images[:, 20:22, 20:22].sum(axis=(1, 2)), -400), image)
    assert change is not None
    assert change.size == 2
    assert change.place == (20, 20)  # of several the surest: all four pixels
    assert str(change) == "erased 2×2, 20 from the left, 20 from the top"
    assert not change.image[20:22, 20:22].any()
    np.testing.assert_array_equal(change.image[:18], image[:18])


def test_nothing_changes_a_stubborn_answer() -> None:
    stubborn = by(lambda images: np.zeros(len(images)), 5)
    assert set(smallest_changes(stubborn, square()).values()) == {None}
    assert set(smallest_changes(stubborn, np.zeros((28, 28), np.uint8)).values()) == {None}
