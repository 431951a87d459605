from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.bench.steady_counts import Moment, judged
from digitlab.datasets import load_dataset
from digitlab.errors import UsageError
from digitlab.examples.drawn_scenes import FIRST_OF_BENCH, Truth, times_of_frames
from digitlab.examples.scene_kinds import KINDS, made_scene
from digitlab.examples.strokes import Pace, drawn_digit, strokes_of, thinned


def digit(row, seed=0):
    images = load_dataset("mnist").split("train")
    rng = np.random.default_rng(seed)
    return drawn_digit(
        images.images[row], int(images.labels[row]), height=80, pace=Pace.random(rng), rng=rng
    )  # fmt: skip


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 5000))
def test_ink_only_grows_while_a_digit_is_drawn_and_ends_as_the_digit(row):
    drawn = digit(row)
    inks = [drawn.ink(share * drawn.seconds) for share in np.linspace(0, 1, 9)]
    assert all((later >= before - 1e-6).all() for before, later in pairwise(inks))
    np.testing.assert_array_equal(drawn.ink(drawn.seconds + 1), drawn.coverage)
    assert inks[0].sum() < 0.2 * drawn.coverage.sum()
    assert abs(max(drawn.coverage.shape) - 80) < 12


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 5000))
def test_strokes_follow_each_other_and_the_pen_is_where_the_ink_is(row):
    drawn = digit(row)
    ends = [time for stroke in drawn.strokes for time in stroke]
    assert ends == sorted(ends)
    assert ends[0] == 0.0
    for start, end in drawn.strokes:
        x, y = drawn.pen((start + end) / 2)
        assert 0 <= x < drawn.coverage.shape[1]
        assert 0 <= y < drawn.coverage.shape[0]
        assert drawn.touches((start + end) / 2)


def test_a_bar_is_thinned_to_its_middle_and_drawn_from_the_top():
    ink = np.zeros((60, 30), bool)
    ink[5:55, 10:18] = True
    line = thinned(ink)
    assert np.asarray(line.any(axis=1))[10:50].all()
    assert line.sum(axis=1).max() <= 2
    (path,) = strokes_of(line)
    assert path[0][1] < path[-1][1]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_scene_and_its_truth_changes_with_the_ink(kind):
    one, other = made_scene(kind, 4), made_scene(kind, 4)
    for at in (0.1, one.seconds / 2):
        np.testing.assert_array_equal(one.image(at), other.image(at))
        assert one.image(at).shape == (240, 320, 3)
        assert one.truth(at) == other.truth(at)
    for mark in one.drawn():
        assert one.truth((mark.start + mark.end) / 2) == Truth(None, "drawing")
        assert str(mark.drawn.digit) in one.truth(mark.end + 0.3).text
        assert one.truth(mark.gone + mark.wiped + 0.005).text != one.truth(mark.gone - 0.01).text


def test_the_bench_draws_other_digits_than_those_that_were_learned_from():
    assert made_scene("canvas", 0).seed < FIRST_OF_BENCH
    train, test = (load_dataset("mnist").split(name).images for name in ("train", "test"))
    assert not (test[:50, None].reshape(50, 1, -1) == train[None, :500].reshape(1, 500, -1)).all(-1).any()


def test_a_kind_that_there_is_not():
    with pytest.raises(UsageError, match="expected one of canvas, paper"):
        made_scene("film", 0)


@given(st.floats(1, 60))
def test_frames_come_in_order(rate):
    times = times_of_frames(5.0, rate)
    assert times == sorted(times)
    assert len(times) == int(5 * rate)
    assert all(0 <= at < 5.0 for at in times)


def moments(*spans):
    """Ten frames a second; each span: its length in frames, the truth, and what is steady; told counts the texts."""
    out, told, last = [], 0, None
    for frames, truth, steady in spans:
        for _ in range(frames):
            told += bool(steady) and steady != last
            last = steady
            out.append(Moment(len(out) / 10, truth, truth.text or "", steady, told))
    return out


NOTHING, DRAWING, SEVEN = Truth("", "nothing"), Truth(None, "drawing"), Truth("7", "standing")


def test_the_bench_counts_what_is_late_early_wrong_doubled_and_lost():
    right = judged(moments((5, NOTHING, ""), (5, DRAWING, None), (4, SEVEN, None), (16, SEVEN, "7")), 10)
    assert (right.median, right.wrong, right.early, right.doubled, right.lost) == (pytest.approx(0.4), 0, 0, 0, 0)
    early = judged(moments((5, NOTHING, ""), (2, DRAWING, None), (5, DRAWING, "1"), (20, SEVEN, "7")), 10)
    assert (early.early, early.wrong, early.drawn) == (1, 5, 1)
    twice = judged(moments((5, SEVEN, "7"), (2, SEVEN, None), (1, SEVEN, "1"), (20, SEVEN, "7")), 10)
    assert (twice.wrongly, twice.doubled) == (1, 1)
    lost = judged(moments((20, SEVEN, None), (20, NOTHING, "7")), 10)
    assert (lost.lost, lost.median, lost.wrong) == (1, float("inf"), 18)
