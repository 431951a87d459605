"""The filter of one place: what must hold whatever it sees, at whatever rate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.live.config import Steadiness
from digitlab.live.digit_filter import ANSWERS, DigitFilter, Seen, _step

SURE = tuple(0.982 if digit == 7 else 0.002 for digit in range(10))
USUAL = Steadiness()


@settings(deadline=None)
@given(st.floats(0.001, 1.0), st.floats(0.02, 5.0), st.floats(0.05, 60.0))
def test_a_step_with_and_one_without_a_change_are_all_that_can_happen(seconds, pause, hidden):
    steadiness = Steadiness(pause, hidden)
    whole, calm, busy = (_step(seconds, changed, steadiness) for changed in (None, False, True))
    np.testing.assert_allclose(whole.sum(axis=1), 1.0, atol=1e-9)
    np.testing.assert_allclose(calm + busy, whole, atol=1e-9)
    assert min(calm.min(), busy.min()) >= -1e-12


@settings(deadline=None)
@given(st.floats(0.001, 0.5))
def test_two_short_steps_are_a_long_one(seconds):
    whole, calm, busy = (_step(2 * seconds, changed, USUAL) for changed in (None, False, True))
    first, still, moved = (_step(seconds, changed, USUAL) for changed in (None, False, True))
    np.testing.assert_allclose(first @ first, whole, atol=1e-9)
    np.testing.assert_allclose(still @ still, calm, atol=1e-9)
    np.testing.assert_allclose(moved @ first + still @ moved, busy, atol=1e-9)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(ANSWERS), st.sampled_from([None, True, False]), st.floats(0, 3)), max_size=40)
)
def test_whatever_is_seen_the_belief_is_one(frames):
    belief = DigitFilter(USUAL)
    for answer, changed, seconds in frames:
        belief.step(seconds, Seen(answer, changed, SURE if answer in ("sure", "likely", "doubtful") else ()))
        assert belief.finished.sum() + belief.nothing + belief.drawing == pytest.approx(1.0)
        assert belief.finished.min() >= 0.0


@pytest.mark.parametrize("rate", [5, 10, 15, 30, 60])
def test_a_finished_digit_is_believed_within_half_a_second_at_every_rate(rate):
    """Its last stroke ends somewhere between two frames."""
    belief = DigitFilter(USUAL)
    for _ in range(rate):
        belief.step(1.0 / rate, Seen("sure", True, SURE))
    assert belief.finished[7] < 0.6
    waited = 0.0
    while belief.finished[7] < 0.905:
        belief.step(1.0 / rate, Seen("sure", False, SURE))
        waited += 1.0 / rate
    assert waited <= 0.5 + 1e-6


@pytest.mark.parametrize("rate", [5, 10, 15, 30, 60])
def test_what_stood_is_doubted_with_the_first_change_and_believed_without_one(rate):
    belief = DigitFilter(USUAL)
    for _ in range(2 * rate):
        belief.step(1.0 / rate, Seen("sure", False, SURE))
        assert belief.stood == 1.0
    belief.step(1.0 / rate, Seen("sure", True, SURE))
    assert belief.stood < 0.5
