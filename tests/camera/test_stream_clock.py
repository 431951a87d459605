import pytest

from digitlab.camera.stream_clock import StreamClock


def played(clock, pace, seconds, start=0.0, rate=25.0):
    """Pictures whose time stamps advance by 1 / `rate`, and that arrive `pace` times as slowly; returns how late."""
    for number in range(int(seconds * rate)):
        clock.add(1000.0 + number / rate, start + number / rate * pace)
        if clock.is_too_late:
            return number / rate * pace
    return None


def test_a_stream_in_time_is_never_behind():
    clock = StreamClock()
    assert played(clock, 1.0, 3600.0) is None
    assert clock.behind == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("pace", [0.5, 0.999, 1.003])
def test_a_camera_whose_clock_is_not_exact_is_not_late(pace):
    assert played(StreamClock(), pace, 6 * 3600.0, rate=2.0) is None


def test_a_stream_at_four_fifths_of_its_speed_is_late_in_seconds():
    clock = StreamClock()
    late = played(clock, 1.25, 60.0)
    assert 2.0 / 0.25 < late < 15.0
    assert 2.0 < clock.behind < 3.0


def test_what_came_late_and_catches_up_is_no_reason_to_reopen():
    clock = StreamClock()
    now = 0.0
    for number in range(500):
        now = max(number / 25.0, now + 0.01) if number != 100 else now + 5.0  # five seconds without the network
        clock.add(1.0 + number / 25.0, now)
        if number == 100:
            assert clock.behind > 4.5
        assert not clock.is_too_late
    assert clock.behind < 0.1


def test_without_time_stamps_nothing_is_known():
    clock = StreamClock()
    for number in range(500):
        assert clock.add(0.0, number * 0.5) == 0.0
    assert clock.behind == 0.0


def test_time_stamps_that_start_again_are_no_delay():
    clock = StreamClock()
    clock.add(1000.0, 1.0)
    clock.add(1000.1, 1.1)
    assert clock.add(3.0, 1.2) == 0.0
    assert clock.add(3.1, 1.3) == pytest.approx(0.1)
    assert clock.behind == pytest.approx(0.0, abs=1e-6)


def test_a_stream_whose_time_stamps_are_wrong_is_reopened_less_and_less_often_until_it_is_in_time():
    clock = StreamClock()
    times = []
    for _ in range(6):
        clock.restart()
        times.append(played(clock, 1.25, 600.0))
        clock.tolerate_more()
    assert times == sorted(times)
    assert times[1] > 1.5 * times[0]
    assert times[-1] < 100.0, "a picture is never older than about 16 seconds"
    clock.restart()
    assert played(clock, 1.0, 90.0) is None
    clock.restart()
    assert played(clock, 1.25, 60.0) < 15.0
