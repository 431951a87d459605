"""Pictures of one digit: `read` answers them as `classify` does. And what is no digit is no "?"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from digitlab.reading import Reader
from digitlab.reading.candidates import Candidate, confidence_alone, found_digits, without_twins
from digitlab.reading.constraints import Constraints
from digitlab.reading.decoding import decode

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitlab.values import Digits

    Write = Callable[..., NDArray[np.uint8]]


def photo(strokes: list[list[tuple[int, int]]], *, thick: int, noise: float = 2.0) -> NDArray[np.uint8]:
    """Strokes of a felt pen on paper, uint8 (1000, 750, 3), as a phone sees them."""
    picture = np.full((1000, 750, 3), (205, 200, 192), np.float32)
    for stroke in strokes:
        cv2.polylines(picture, [np.array(stroke, np.int32)], False, (45, 40, 42), thick, cv2.LINE_AA)
    picture *= np.linspace(1.0, 0.85, 750)[None, :, None]
    picture += np.random.default_rng(1).normal(0, noise, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


SEVEN = [[(110, 150), (600, 130), (200, 880)]]
TWO = [[(110, 280), (200, 215), (320, 220), (395, 300), (380, 440), (280, 590), (60, 745), (400, 720), (715, 715)]]
FOUR = [[(420, 130), (90, 600), (660, 585)], [(470, 330), (455, 900)]]


@pytest.mark.parametrize(("strokes", "digit"), [(SEVEN, 7), (TWO, 2), (FOUR, 4)])
@pytest.mark.parametrize("thick", [14, 22])
def test_a_long_stroke_of_a_large_digit_is_no_ruled_line(
    reader: Reader, strokes: list[list[tuple[int, int]]], digit: int, thick: int
) -> None:
    picture = photo(strokes, thick=thick)
    assert reader.classify(picture).digit == digit
    assert reader.read(picture).text == str(digit)


def test_read_answers_one_digit_as_classify_does(reader: Reader, sure_digits: Digits, write: Write) -> None:
    """Of any size: torn by the page's window, in the grain of paper, as MNIST's own 28 pixels, broken, as a JPEG."""
    for image, label in zip(sure_digits.images, sure_digits.labels, strict=True):
        broken = image.copy()
        broken[9::9] //= 3
        drawn = write([(image, 200, 100, 400)], noise=9.0, shade=0.3)
        small = cv2.imencode(".jpg", cv2.resize(255 - image, (90, 110)), [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
        for picture in (image, 255 - image, 255 - broken, drawn, cv2.imdecode(small, cv2.IMREAD_GRAYSCALE)):
            said = reader.classify(np.asarray(picture, np.uint8)).digit
            text = reader.read(np.asarray(picture, np.uint8)).text
            assert said in (None, label)
            assert (text == str(said)) if said is not None else text in ("", "?"), (label, said, text, picture.shape)


def test_the_box_of_one_digit_is_in_pixels_of_the_picture(reader: Reader) -> None:
    (found,) = reader.read(photo(SEVEN, thick=22)).digits
    assert np.abs(np.array(found.box) - np.array([100, 120, 612, 892])).max() <= 15
    (found,) = reader.read(photo(SEVEN, thick=22), region=(50, 60, 650, 900)).digits
    assert np.abs(np.array(found.box) - np.array([100, 120, 612, 892])).max() <= 15


def test_classify_says_when_there_are_several_digits(reader: Reader, sure_digits: Digits, write: Write) -> None:
    for first in range(0, 20, 4):
        one = [(sure_digits.images[first], 40, 60, 112)]
        row = [(sure_digits.images[first + n], 40 + 130 * n, 60, 112) for n in range(4)]
        assert reader.classify(write(one, size=(240, 200))).note is None
        note = reader.classify(write(row, size=(240, 600))).note
        assert note is not None
        assert "several digits" in note
        assert "read" in note


def test_a_page_in_a_frame_is_no_nought(reader: Reader, sure_digits: Digits, write: Write) -> None:
    for shape in ("box", "ring"):
        picture = write([(sure_digits.images[2 * n], 230 + 90 * (n % 4), 200 + 100 * (n // 4), 70) for n in range(8)])
        if shape == "box":
            cv2.rectangle(picture, (150, 120), (650, 480), (40, 46, 88), 4)
        else:
            cv2.ellipse(picture, (400, 300), (300, 240), 0, 0, 360, (40, 46, 88), 4)
        text = reader.read(picture).text
        assert len(text) == 9
        assert sum(sign != other for sign, other in zip(text, "0123\n4567", strict=True)) == text.count("?") <= 1


def test_a_doubtful_mark_in_line_with_digits_is_one_and_specks_are_not() -> None:
    line = [(0, 0, 30, 50), (40, 2, 70, 50), (80, 44, 88, 50), (100, 1, 200, 49), (110, 0, 138, 52), (900, 0, 930, 50)]
    sure = [0.99, 0.5, 0.5, 0.5, 0.99, 0.5]
    said = found_digits(line, sure, 0.7)
    #       answered, in line, a speck, too wide, answered, far away
    assert said == [True, True, False, False, True, False]
    dirt = found_digits(line, [0.99, 0.12, 0.12, 0.12, 0.99, 0.12], 0.7)
    assert dirt == [True, False, False, False, True, False]
    assert found_digits(line[:2], [0.6, 0.3], 0.7) == [False, False]
    assert found_digits(line[:2], [0.6, 0.3], 0.7, alone=True) == [True, False]


def test_what_is_not_answered_is_shown(sure_digits: Digits, write: Write) -> None:
    """With a threshold that half of the digits miss: each is in its place in the text, as itself or as "?"."""
    rows = [
        write(
            [(image, 40 + 110 * n, 60, 100) for n, image in enumerate(sure_digits.images[first : first + 5])],
            size=(220, 620),
        )
        for first in range(0, 20, 5)
    ]
    plain = Reader(threads=1)
    typical = float(np.median([digit.confidence for row in rows for digit in plain.read(row).digits]))
    strict = Reader(threshold=typical, threads=1)
    asked = 0
    for number, row in enumerate(rows):
        truth = "".join(str(label) for label in sure_digits.labels[5 * number : 5 * number + 5])
        text = strict.read(row).text
        assert len(text) == 5, text
        assert all(sign in (digit, "?") for sign, digit in zip(text, truth, strict=True)), (text, truth)
        asked += text.count("?")
    assert 0 < asked < 20


def test_the_walls_of_boxes_are_no_ones(reader: Reader, sure_digits: Digits) -> None:
    """A box a digit, each a bit higher or lower than its neighbour; some walls broken, as scanners leave them."""
    rng = np.random.default_rng(2)
    for broken in (False, True):
        picture = np.full((150, 960), 250, np.uint8)
        for place in range(8):
            left, top = 40 + 110 * place, 30 + int(rng.integers(-6, 7))
            cv2.rectangle(picture, (left, top), (left + 106, top + 92), 30, 3)
            glyph = 255 - cv2.resize(sure_digits.images[2 * place], (62, 62))
            part = picture[top + 16 : top + 78, left + 22 : left + 84]
            np.minimum(part, glyph, out=part)
            if broken:
                picture[top + 10 : top + 15, left - 4 : left + 5] = 250
                picture[top - 5 : top + 6, left + 8 : left + 13] = 250
                picture[top + 87 : top + 98, left + 8 : left + 13] = 250
        assert reader.read(picture).text == "01234567"
        assert reader.read(picture, count=8).fits


def _candidate(digit: int, sureness: float, score: float = 1.0, box: float = 0.0) -> Candidate:
    probabilities = np.full(10, (1.0 - sureness) / 9, np.float32)
    probabilities[digit] = sureness
    return Candidate((box, box, box + 40.0, box + 60.0), score, probabilities)


def test_of_a_pictures_whole_ink_both_networks_decide() -> None:
    sure, nearly = _candidate(4, 1.0), _candidate(4, 0.95)
    assert confidence_alone(sure, [_candidate(4, 0.9, 0.3)]) > 0.6  # doubted by one, and the same digit for both
    assert confidence_alone(nearly, []) < 0.5  # brackets and letters that only one of them takes for a digit
    assert confidence_alone(nearly, [_candidate(0, 0.9, 0.3)]) < 0.5  # or for two digits
    assert confidence_alone(nearly, [_candidate(4, 0.9, 0.3, box=200.0)]) < 0.5  # or elsewhere


def test_the_surer_either_network_is_of_the_same_digit_the_likelier_it_is() -> None:
    by_first = [confidence_alone(_candidate(7, sure), [_candidate(7, 0.9, 0.4)]) for sure in (0.7, 0.9, 0.99)]
    by_second = [confidence_alone(_candidate(7, 0.9), [_candidate(7, 0.9, score)]) for score in (0.1, 0.3, 0.8)]
    assert by_first == sorted(by_first)
    assert by_second == sorted(by_second)
    assert by_second[0] < by_second[-1]


def test_a_digit_is_one_candidate_also_where_only_one_of_two_boxes_was_brought_to_its_ink() -> None:
    one, neighbour = np.eye(10, dtype=np.float32)[1], np.eye(10, dtype=np.float32)[7]
    tight, loose = Candidate((262, 112, 301, 450), 0.76, one), Candidate((225, 107, 293, 477), 0.37, one)
    beside = Candidate((290, 110, 420, 450), 0.3, neighbour)  # touches it
    assert without_twins([loose, beside, tight]) == [tight, beside]
    touching = Candidate((225, 107, 293, 477), 0.37, neighbour)  # another digit, whose box holds this one
    assert without_twins([touching, tight]) == [tight, touching]
    assert without_twins([loose]) == [loose]
    assert without_twins([]) == []


def test_one_large_mark_that_may_be_a_digit_is_found_but_not_answered() -> None:
    nine = _candidate(9, 0.99, 0.42)
    (found,) = decode([nine], Constraints(), 0.5, side=2 * nine.longest).lines
    assert found == [nine]
    assert decode([nine], Constraints(), 0.5, side=10 * nine.longest).lines == [], "a letter or a speck of a large page"
    unlikely = _candidate(9, 0.99, 0.3)
    assert decode([unlikely], Constraints(), 0.5, side=2 * unlikely.longest).lines == []
