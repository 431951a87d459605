from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.errors import UsageError
from digitlab.live import Pace, Steady, Track, Tracker
from digitlab.live.frame_reading import Detection

STILL = np.eye(12, dtype=np.float32)


def mark(digit, box=(100, 100, 140, 160), *, line=0, sketch=STILL, confidence=0.97, score=1.0):
    rest = (1.0 - confidence) / 9.0
    probabilities = tuple(confidence if each == digit else rest for each in range(10))
    return Detection(box, line, digit, (0.1,) * 10 if digit is None else probabilities, sketch, score)


def shifted(box, right, down=0):
    return (box[0] + right, box[1] + down, box[2] + right, box[3] + down)


class Film:
    """Frames at 30 a second for a tracker."""

    def __init__(self, pace=None):
        self.tracker = Tracker(pace)
        self.frame = 0
        self.tracks: tuple[Track, ...] = ()

    def show(self, *marks, frames=1):
        for _ in range(frames):
            self.tracks = self.tracker.add(marks, self.frame / 30.0)
            self.frame += 1
        return self.tracker.steady

    def texts(self, *marks, frames):
        return [self.show(*marks) for _ in range(frames)]


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
    assert film.texts(mark(3, box), frames=4) == ["35"] * 4
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


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0])
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
    seen = [film.show(mark(1, sketch=rng.random((12, 12), np.float32).round())) for _ in range(40)]
    assert seen[-1] is None


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
        seen.append(film.show(mark(9), *speck))
    assert set(seen[40:]) == {"9"}


def test_a_slow_camera_is_believed_by_its_frames():
    tracker = Tracker()
    seen = []
    for frame in range(15):
        tracker.add((mark(7),), frame / 5.0)
        seen.append(tracker.steady)
    assert seen[-1] == "7"
    assert "7" not in seen[:4]


def test_s0_pace_answers_within_a_second():
    tracker = Tracker(Pace(rest=0.15, rest_frames=1, needed=3, window=4))
    seen = []
    for frame in range(9):
        tracker.add((mark(7),), frame * 0.15)
        seen.append(tracker.steady)
    assert "7" in seen


boxes = st.tuples(st.integers(0, 500), st.integers(0, 400), st.integers(1, 120), st.integers(1, 120)).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)
digits = st.one_of(st.none(), st.integers(0, 9))


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(digits, boxes), max_size=6), max_size=30))
def test_whatever_is_seen_each_mark_has_a_track_of_its_own(frames):
    tracker = Tracker()
    for number, frame in enumerate(frames):
        tracks = tracker.add([mark(digit, box) for digit, box in frame], number / 30)
        assert len({track.identity for track in tracks}) == len(tracks) == len(frame)
        assert [track.box for track in tracks] == [box for _, box in frame]
        for track in tracks:
            assert sum(track.probabilities) == pytest.approx(1.0)
        assert tracker.steady is None or set(tracker.steady) <= set("0123456789\n")


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


texts = st.lists(st.sampled_from(["", "1", "7", "17"]), max_size=40)
rules = st.integers(1, 9).flatmap(lambda window: st.tuples(st.integers(window // 2 + 1, window), st.just(window)))


@given(texts, rules)
def test_the_winner_has_the_votes_and_nobody_wins_without_them(seen, rule):
    needed, window = rule
    steady = Steady(needed, window)
    for count, text in enumerate(seen, start=1):
        winner = steady.add(text)
        votes = Counter(seen[max(0, count - window) : count])
        if winner is None:
            assert all(number < needed for number in votes.values())
        else:
            assert votes[winner] >= needed


@given(st.text(max_size=3), texts)
def test_four_alike_are_enough_whatever_came_before(text, before):
    steady = Steady()
    for other in before:
        steady.add(other)
    assert [steady.add(text) for _ in range(4)][-1] == text


def test_one_misread_frame_does_not_unsettle():
    steady = Steady()
    assert [steady.add(text) for text in ["6885"] * 5 + ["6835"] + ["6885"]][3:] == ["6885"] * 4


def test_a_change_is_first_unsure_and_then_followed():
    steady = Steady()
    assert [steady.add(text) for text in ["1"] * 6 + ["2"] * 4][6:] == ["1", "1", None, "2"]


@pytest.mark.parametrize(("needed", "window"), [(0, 0), (0, 1), (3, 6), (7, 6), (-1, -3)])
def test_rules_by_which_two_could_win_or_none_are_refused(needed, window):
    with pytest.raises(UsageError, match="more than half"):
        Steady(needed, window)
