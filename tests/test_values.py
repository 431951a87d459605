from __future__ import annotations

import numpy as np
import pytest

from digitlab.errors import DatasetError, ShapeError
from digitlab.values import Digits, Frame, Prediction, ReadDigit, Reading


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.zeros((3, 28, 28)), np.zeros(3, np.uint8)),
        (np.zeros((3, 28, 27), np.uint8), np.zeros(3, np.uint8)),
        (np.zeros((28, 28), np.uint8), np.zeros(28, np.uint8)),
        (np.zeros((3, 28, 28), np.uint8), np.zeros(2, np.uint8)),
        (np.zeros((3, 28, 28), np.uint8), np.zeros(3, np.int64)),
    ],
)
def test_digits_refuse_other_shapes_and_types(images: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(ShapeError, match="expected uint8"):
        Digits(images, labels)


def test_digits_name_the_first_label_that_is_no_digit() -> None:
    with pytest.raises(DatasetError, match=r"labels\[1\] is 12; expected 0 to 9"):
        Digits(np.zeros((3, 28, 28), np.uint8), np.array([9, 12, 13], np.uint8))


def test_digits_are_sliced_together() -> None:
    digits = Digits(
        np.arange(3, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8), np.array([4, 5, 6], np.uint8)
    )
    part = digits[1:]
    assert part.labels.tolist() == [5, 6]
    assert part.images[:, 0, 0].tolist() == [1, 2]
    assert len(digits[:0]) == 0


def test_a_digit_that_was_not_answered_is_never_left_out_of_the_text() -> None:
    box = (0, 0, 1, 1)
    marks = (
        ReadDigit(4, 0.9, box, 0),
        ReadDigit(None, 0.3, box, 0),
        ReadDigit(2, 0.9, box, 0),
        ReadDigit(None, 0.1, box, 1),
        ReadDigit(7, 0.9, box, 2),
    )
    reading = Reading(marks, 1.0)
    assert reading.lines == ("4?2", "?", "7")
    assert reading.text == "4?2\n?\n7"
    assert reading.answered == 3


def test_predictions_and_frames_check_themselves() -> None:
    with pytest.raises(ShapeError):
        Prediction(3, 0.9, (0.1, 0.9))
    with pytest.raises(ShapeError):
        Prediction(10, 0.9, (0.1,) * 10)
    with pytest.raises(ShapeError):
        Frame(np.zeros((4, 4), np.uint8), 0.0, 0)
