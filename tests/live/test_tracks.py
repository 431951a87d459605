from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.live import Steadiness, Track, Tracker
from digitlab.live.frame_reading import Detection

STILL = cv2.dilate(np.eye(12, dtype=np.float32), np.ones((2, 2), np.uint8))
STILL = np.maximum(STILL, np.roll(STILL[::-1], 3, axis=0) * (np.arange(12)[:, None] > 6))


class Mark(NamedTuple):
    """What the reader finds, and the ink that a picture shows there, float32 (12, 12)."""

    found: Detection
    sketch: np.ndarray


def mark(digit, box=(100, 100, 140, 160), *, line=0, sketch=STILL, confidence=0.97, score=1.0):
    rest = (1.0 - confidence) / 9.0
    probabilities = tuple(confidence if each == digit else rest for each in range(10))
    return Mark(Detection(box, line, digit, (0.1,) * 10 if digit is None else probabilities, score), sketch)


def shifted(box, right, down=0):
    return (box[0] + right, box[1] + down, box[2] + right, box[3] + down)


def drawn(marks, picture=None):
    """A picture of the marks on paper, uint8 (480, 640, 3)."""
    picture = np.full((480, 640, 3), 230, np.uint8) if picture is None else picture.copy()
    for (x0, y0, x1, y1), sketch in ((each.found.box, each.sketch) for each in marks):
        part = picture[max(0, y0) : y1, max(0, x0) : x1]
        if part.size:
            ink = cv2.resize(np.asarray(sketch, np.float32), (part.shape[1], part.shape[0]))[..., None]
            part[:] = (part * (1 - ink) + 40 * ink).astype(np.uint8)
    return picture


class Film:
    """Frames at a rate, with their pictures, for a tracker."""

    def __init__(self, rate=30.0, steadiness=None):
        self.tracker = Tracker(steadiness)
        self.rate = rate
        self.at = 0.0
        self.tracks: tuple[Track, ...] = ()

    def show(self, *marks, frames=1, picture=None):
        for _ in range(frames):
            image = drawn(marks) if picture is None else picture
            found = [replace(each.found, image=image) for each in marks]
            self.tracks = self.tracker.add(found, self.at, image)
            self.at += 1.0 / self.rate
        return self.tracker.steady

    def texts(self, *marks, frames, picture=None):
        return [self.show(*marks, picture=picture) for _ in range(frames)]


RATES = [3, 5, 6, 10, 12, 15, 30, 60]


@pytest.mark.parametrize("rate", RATES)
def test_a_finished_digit_is_steady_soon_at_every_rate(rate):
    film = Film(rate)
    film.show(frames=max(2, rate // 3))
    seen = film.texts(mark(7), frames=2 * rate)
    assert 0.1 < (seen.index("7") + 1) / rate <= max(0.7, 3 / rate)
    assert set(seen[seen.index("7") :]) == {"7"}


@pytest.mark.parametrize("rate", RATES)
def test_an_erased_digit_is_withdrawn_with_the_next_frames(rate):
    film = Film(rate)
    film.show(mark(7), frames=2 * rate)
    seen = film.texts(frames=max(2, rate // 3))
    assert "7" not in seen[max(1, round(0.1 * rate)) :]


@pytest.mark.parametrize("rate", RATES)
def test_another_digit_in_its_place_never_carries_the_old_answer(rate):
    film = Film(rate)
    film.show(mark(7), frames=2 * rate)
    other = mark(3, sketch=np.fliplr(STILL))
    seen = film.texts(other, frames=2 * rate)
    assert "7" not in seen[max(1, round(0.2 * rate)) :]
    assert seen[-1] == "3"


@pytest.mark.parametrize("rate", [10, 15, 30, 60])
def test_one_misread_frame_does_not_withdraw_it(rate):
    film = Film(rate)
    film.show(mark(6), frames=2 * rate)
    assert film.texts(mark(8), frames=1) == ["6"]
    assert film.texts(mark(6), frames=rate) == ["6"] * rate


@pytest.mark.parametrize("rate", [5, 10, 30, 60])
def test_a_hand_over_it_does_not_withdraw_it_and_it_is_told_once(rate):
    film = Film(rate)
    film.show(mark(6), frames=2 * rate)
    told = film.tracker.telling
    covered = drawn([mark(6)])
    covered[90:480, 90:150] = (200, 150, 120)
    seen = film.texts(frames=max(1, round(0.3 * rate)), picture=covered)
    assert set(seen) == {"6"}
    assert set(film.texts(mark(6), frames=2 * rate)) == {"6"}
    assert film.tracker.telling == told == 1


@pytest.mark.parametrize("rate", [5, 30])
def test_a_hand_as_dark_as_ink_withdraws_it_and_gives_it_back_untold(rate):
    """Its colour does not tell it from ink; that the ink is what it was, as soon as it has passed, does."""
    film = Film(rate)
    film.show(mark(0), mark(5, (200, 100, 240, 160)), frames=2 * rate)
    for right in (270, 215, 190, 175, 160, 115, 60):  # it also rests where it only touches the digit's surroundings
        page = drawn([mark(0), mark(5, (200, 100, 240, 160))])
        page[110:480, right : right + 25] = (45, 45, 45)
        film.show(mark(0), mark(5, (200, 100, 240, 160)), picture=page)
    assert film.texts(mark(0), mark(5, (200, 100, 240, 160)), frames=rate)[1:] == ["05"] * (rate - 1)
    assert film.tracker.telling == 1


@pytest.mark.parametrize("rate", [5, 30])
def test_two_digits_that_are_once_read_as_one_are_not_told_again(rate):
    film = Film(rate)
    row = mark(0), mark(5, (150, 100, 190, 160))
    film.show(*row, frames=2 * rate)
    identities = [track.identity for track in film.tracks]
    film.show(mark(8, (100, 100, 190, 160)), picture=drawn(row))
    assert film.texts(*row, frames=rate)[-1] == "05"
    assert [track.identity for track in film.tracks] == identities
    assert film.tracker.telling == 1


@pytest.mark.parametrize("rate", [5, 10, 30])
def test_strokes_that_are_joined_become_one_digit_soon(rate):
    """As the two strokes of a 4 that are read as ones before they meet."""
    film = Film(rate)
    film.show(mark(1), mark(1, (150, 100, 190, 160)), frames=round(0.4 * rate))
    whole = mark(4, (100, 100, 190, 160))
    seen = film.texts(whole, frames=rate)
    assert set(seen) <= {None, "4"}
    assert seen.index("4") <= 0.8 * rate
    assert film.tracker.telling == 1


@pytest.mark.parametrize("rate", [10, 30])
def test_a_stroke_is_seen_also_where_the_hand_was_taken_for_a_part_of_the_digit(rate):
    film = Film(rate)
    hand = drawn([mark(5, (100, 100, 140, 160))])
    hand[130:400, 120:300] = (60, 60, 60)
    film.show(mark(5, (100, 100, 300, 400)), frames=round(0.4 * rate), picture=hand)
    page, seen = drawn([mark(5, (100, 100, 140, 160))]), []
    frames = round(0.6 * rate)
    for step in range(1, frames + 1):  # a bar to its right, after the hand has gone
        right = 135 + round(60 * step / frames)
        cv2.line(page, (135, 105), (right, 105), (40, 40, 40), 6)
        seen.append(film.show(mark(5, (100, 100, max(140, right + 3), 160)), picture=page.copy()))
    assert set(seen) == {None}


def test_a_thin_digit_that_moves_further_than_it_is_wide_is_the_same():
    film = Film(3)
    box = (100, 100, 112, 160)
    film.show(mark(1, box), frames=6)
    identity = film.tracks[0].identity
    for step in (1, 2, 3):
        assert film.show(mark(1, shifted(box, -20 * step))) == "1"
        assert film.tracks[0].identity == identity
    assert film.tracker.telling == 1


def test_what_is_left_of_a_number_that_leaves_quickly_is_not_told():
    film = Film(30)
    one, nine = (40, 100, 80, 160), (100, 100, 140, 160)
    film.show(mark(1, one), mark(9, nine), frames=60)
    for step in range(1, 16):
        row = [mark(digit, shifted(box, -12 * step)) for digit, box in ((1, one), (9, nine))]
        assert film.show(*(each for each in row if each.found.box[0] >= 0), picture=drawn(row)) in ("19", None)
    assert film.tracker.telling == 1


def test_what_is_hidden_for_long_is_withdrawn_and_the_setting_says_when():
    covered = drawn([mark(6)])
    covered[90:480, 90:150] = (200, 150, 120)
    gone = {}
    for hidden in (0.2, 3.0):
        film = Film(30, Steadiness(hidden=hidden))
        film.show(mark(6), frames=60)
        seen = film.texts(frames=150, picture=covered)
        gone[hidden] = next(number for number, text in enumerate(seen) if text != "6")
    assert gone[0.2] < gone[3.0]


@pytest.mark.parametrize("rate", [6, 10, 30, 60])
def test_ink_that_joins_withdraws_the_answer_also_where_no_digit_is_seen_in_it(rate):
    film = Film(rate)
    film.show(mark(4), frames=2 * rate)
    page = drawn([mark(4)])
    seen = []
    for step in range(rate):  # a stroke far from the digit, which the reader does not see
        cv2.line(page, (300, 100), (300, 100 + round(100 * (step + 1) / rate)), (40, 40, 40), 7)
        seen.append(film.show(mark(4), picture=page.copy()))
    assert set(seen[round(0.5 * rate) :]) == {None}
    assert film.tracker.drawing
    assert film.texts(mark(4), frames=2 * rate, picture=page)[-1] == "4"  # it is no digit


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0.012, 0.4), min_size=40, max_size=60), st.randoms(use_true_random=False))
def test_uneven_and_lost_frames_change_nothing(gaps, chance):
    tracker, at, seen = Tracker(), 0.0, []
    picture = drawn([mark(7)])
    for gap in gaps:
        at += gap * (3 if chance.random() < 0.1 else 1)
        tracker.add([replace(mark(7).found, image=picture)], at, picture)
        seen.append((at, tracker.steady))
    late = [text for at, text in seen if at > seen[0][0] + 1.0]
    assert set(late) <= {"7"}
    assert {text for _, text in seen} <= {None, "7"}


@pytest.mark.parametrize("rate", [5, 10, 30])
def test_the_same_digit_drawn_anew_is_told_anew(rate):
    film = Film(rate)
    film.show(mark(7), frames=2 * rate)
    film.show(frames=rate)
    film.show(mark(7, sketch=np.flipud(STILL)), frames=2 * rate)
    assert film.tracker.steady == "7"
    assert film.tracker.telling == 2


def test_light_that_is_switched_changes_nothing():
    film = Film(15)
    film.show(mark(5), frames=30)
    for gain in (0.5, 0.9, 0.6):
        picture = (drawn([mark(5)]) * gain).astype(np.uint8)
        assert set(film.texts(mark(5), frames=10, picture=picture)) == {"5"}
    assert film.tracker.telling == 1


def test_a_digit_wins_over_several_frames_and_not_in_the_first():
    film = Film()
    seen = film.texts(mark(7), frames=30)
    assert seen[0] is None
    assert seen[-1] == "7"
    assert set(seen) == {None, "7"}
    assert seen.index("7") <= 20  # two thirds of a second
    assert film.tracks[0].digit == 7
    assert film.tracks[0].confidence > 0.9
    assert sum(film.tracks[0].probabilities) == pytest.approx(1.0)


def test_nothing_is_said_of_an_empty_page_and_that_is_an_answer():
    film = Film()
    assert film.show(frames=6) == ""
    assert film.tracks == ()


def test_a_misread_frame_now_and_then_does_not_unsettle():
    film = Film()
    film.show(mark(6), frames=30)
    for _ in range(10):
        assert film.show(mark(8)) == "6"
        assert film.show(mark(6), frames=4) == "6"


def test_a_change_is_followed_and_what_is_between_is_never_said():
    film = Film()
    film.show(mark(1), frames=30)
    other = np.fliplr(STILL)
    seen = film.texts(mark(4, sketch=other), frames=40)
    assert seen[-1] == "4"
    assert set(seen) <= {"1", "4", None}


def test_identity_is_kept_while_digits_move_and_lost_where_they_vanish():
    film = Film()
    box = (100, 100, 140, 160)
    film.show(mark(3, box), mark(5, shifted(box, 200)), frames=10)
    first, second = (track.identity for track in film.tracks)
    for step in range(40):
        film.show(mark(3, shifted(box, 5 * step)), mark(5, shifted(box, 200 + 5 * step, 2 * step)))
    assert [track.identity for track in film.tracks] == [first, second]
    film.show(frames=12)
    film.show(mark(3, shifted(box, 200)))
    assert film.tracks[0].identity not in (first, second)


def test_a_finger_before_a_digit_for_a_moment_changes_nothing():
    film = Film()
    box = (100, 100, 140, 160)
    film.show(mark(3, box), mark(5, shifted(box, 200)), frames=30)
    identity = film.tracks[1].identity
    finger = drawn([mark(3, box), mark(5, shifted(box, 200))])
    finger[90:480, 290:350] = (200, 150, 120)
    assert film.texts(mark(3, box), frames=4, picture=finger) == ["35"] * 4
    assert film.texts(mark(3, box), mark(5, shifted(box, 200)), frames=10) == ["35"] * 10
    assert film.tracks[1].identity == identity


def test_a_digit_that_leaves_leaves_the_text():
    film = Film()
    box = (100, 100, 140, 160)
    film.show(mark(3, box), mark(5, shifted(box, 200)), frames=30)
    assert film.texts(mark(3, box), frames=40)[-1] == "3"
    assert film.texts(frames=40)[-1] == ""


def growing(steps):
    """A stroke that grows from the top to the bottom of its box."""
    for step in range(1, steps + 1):
        sketch = np.zeros((12, 12), np.float32)
        sketch[: max(1, round(12 * step / steps)), 4:8] = 1.0
        yield (100, 100, 130, 100 + max(6, round(60 * step / steps))), sketch


@pytest.mark.parametrize("seconds", [0.5, 1.0])
def test_nothing_is_shouted_while_a_digit_is_being_drawn(seconds):
    film = Film()
    film.show(frames=10)
    early = [film.show(mark(7, box, sketch=sketch)) for box, sketch in growing(round(30 * seconds))]
    assert set(early) <= {"", None}
    assert film.texts(mark(1, (100, 100, 130, 160), sketch=sketch_of_last()), frames=40)[-1] == "1"


def sketch_of_last():
    return list(growing(30))[-1][1]


def test_a_digit_that_is_drawn_on_is_not_what_it_was():
    film = Film()
    film.show(mark(1), frames=30)
    rng = np.random.default_rng(0)
    page, seen = drawn([mark(1)]), []
    for _ in range(40):
        ends = rng.integers((85, 85), (160, 175), (2, 2)).tolist()
        cv2.line(page, ends[0], ends[1], (40, 40, 40), 3)
        seen.append(film.show(mark(1), picture=page.copy()))
    assert set(seen[6:20]) == {None}


def test_the_grain_of_a_camera_does_not_keep_a_digit_from_being_read():
    film = Film()
    rng = np.random.default_rng(0)
    seen = [
        film.show(mark(2, shifted((100, 100, 140, 160), int(rng.integers(-2, 3))), sketch=grainy(rng)))
        for _ in range(60)
    ]
    assert seen[20:] == ["2"] * 40


def grainy(rng):
    return np.clip(STILL + 0.03 * rng.standard_normal((12, 12)), 0, 1).astype(np.float32)


def test_lines_are_read_in_order():
    film = Film()
    marks = (mark(1), mark(2, (200, 100, 240, 160)), mark(3, (100, 300, 140, 360), line=1))
    assert film.show(*marks, frames=40) == "12\n3"


def test_a_digit_that_stays_declined_is_said_to_be_there():
    film = Film()
    assert film.show(mark(None), mark(4, (300, 100, 340, 160)), frames=40) == "?4"
    assert [track.digit for track in film.tracks] == [None, 4]


def test_specks_that_flicker_do_not_hold_the_text_back():
    film = Film()
    rng = np.random.default_rng(1)
    seen = []
    for frame in range(120):
        speck = (mark(1, shifted((0, 0, 8, 12), int(rng.integers(0, 80)), 300)),) if frame % 5 == 0 else ()
        seen.append(film.show(mark(9), *speck, picture=drawn([mark(9)])))
    assert set(seen[40:]) == {"9"}


def test_a_slow_camera_is_believed_by_its_frames():
    seen = Film(5).texts(mark(7), frames=15)
    assert seen[-1] == "7"
    assert "7" not in seen[:1]


def test_the_pace_of_s0_answers_within_a_second():
    assert "7" in Film(1 / 0.15).texts(mark(7), frames=7)


boxes = st.tuples(st.integers(0, 500), st.integers(0, 400), st.integers(1, 120), st.integers(1, 120)).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)
digits = st.one_of(st.none(), st.integers(0, 9))


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(digits, boxes), max_size=6), max_size=30))
def test_whatever_is_seen_each_mark_has_a_track_of_its_own(frames):
    tracker = Tracker()
    for number, frame in enumerate(frames):
        tracks = tracker.add([mark(digit, box).found for digit, box in frame], number / 30)
        assert len({track.identity for track in tracks}) == len(tracks) == len(frame)
        assert [track.box for track in tracks] == [box for _, box in frame]
        for track in tracks:
            assert sum(track.probabilities) == pytest.approx(1.0)
        assert tracker.steady is None or set(tracker.steady) <= set("0123456789?\n")


@pytest.mark.parametrize("frames", [1, 3, 30])
def test_the_confidence_is_that_of_a_still_reading(frames):
    """Of a page: the score, how likely a digit stands there, times its largest probability."""
    film = Film()
    film.show(mark(7, confidence=0.9, score=0.8), frames=frames)
    assert film.tracks[0].score == pytest.approx(0.8)
    assert film.tracks[0].confidence == pytest.approx(0.72)
    assert sum(film.tracks[0].probabilities) == pytest.approx(1.0)


def test_the_score_is_averaged_over_the_frames_that_count():
    film = Film()
    film.show(mark(7, score=0.9), frames=60)
    film.show(mark(7, score=0.5))
    assert 0.8 < film.tracks[0].score < 0.9
    film.show(mark(7, score=0.5), frames=60)
    assert film.tracks[0].score == pytest.approx(0.5, abs=0.01)
