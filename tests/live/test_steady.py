from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitlab.errors import UsageError
from digitlab.live import Steady

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
