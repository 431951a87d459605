from __future__ import annotations

import time

from digitlab.stopping import StopRequest


def test_a_part_is_asked_with_the_whole_and_not_the_other_way_round() -> None:
    whole = StopRequest()
    one, other = StopRequest(within=whole), StopRequest(within=whole)
    one()
    assert one.asked
    assert not whole.asked
    assert not other.asked
    whole()
    assert other.asked
    assert not other.called


def test_a_deadline_asks_by_itself() -> None:
    soon, over = StopRequest(time.monotonic() + 60), StopRequest(time.monotonic())
    assert (soon.asked, over.asked, over.called) == (False, True, False)
