import time

import pytest

from digitlab.live import LiveReading
from digitlab.live.delivery import Health, HealthReport, deliver, failure_of
from digitlab.live.metrics import MetricsServer
from digitlab.values import Reading


class Faulty:
    """An outlet that raises what it is given, or keeps the reading."""

    def __init__(self):
        self.health = Health("mqtt")
        self.error = None
        self.texts = []

    def tell(self, live):
        if self.error is not None:
            raise self.error
        self.texts.append(live.steady)

    def close(self):
        pass


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("digitlab.live.delivery.time.monotonic", lambda: now[0])
    return now


def reading(text):
    return LiveReading(0, time.monotonic(), 0.0, 1.0, Reading((), 1.0), text, changed=True)


def test_an_outlet_that_raises_gets_the_next_reading_all_the_same():
    outlet, said = Faulty(), []
    deliver(outlet, reading("1"), said.append)
    outlet.error = RuntimeError("closed topic\nand more")
    for text in ("2", "3"):
        deliver(outlet, reading(text), said.append)
    assert outlet.health.problem == "failed (RuntimeError: closed topic)"
    assert (outlet.health.failures, outlet.health.lost) == (1, 2)
    outlet.error = None
    deliver(outlet, reading("4"), said.append)
    assert outlet.texts == ["1", "4"]
    assert outlet.health.problem is None
    assert said == [
        "--mqtt: failed (RuntimeError: closed topic); the next reading is tried again",
        "--mqtt: works again",
    ]


def test_what_its_own_thread_reports_lasts_although_readings_are_accepted():
    outlet = Faulty()
    outlet.health.failed("mqtt://b:1883/t does not respond; retrying")
    deliver(outlet, reading("1"), print)
    assert outlet.health.problem == "mqtt://b:1883/t does not respond; retrying"
    outlet.health.works()
    assert (outlet.health.problem, outlet.health.failures) == (None, 1)


def test_a_failure_is_said_at_once_then_once_a_minute_and_its_end_is_said(clock):
    health = Health("ros")
    report = HealthReport([health, Health("metrics")])
    assert list(report.news()) == []
    health.failed("gone", lost=1)
    (first,) = report.news()
    assert first.as_json() == {"outlet": "ros", "seconds": 0.0, "problem": "gone", "failures": 1, "lost": 1}
    assert not first.again
    clock[0] += 59.0
    assert list(report.news()) == []
    clock[0] += 1.0
    (second,) = report.news()
    assert second.again
    assert str(second) == "--ros: still failing after 60 s: gone; 1 message lost"
    clock[0] += 60.0
    assert [news.seconds for news in report.news()] == [120.0]
    health.failed("gone, for another reason")
    assert [news.again for news in report.news()] == [False]
    health.works()
    assert [(news.problem, news.again) for news in report.news()] == [(None, False)]
    assert list(report.news()) == []


def test_which_sessions_have_failed():
    well, lost, failing = Health("metrics"), Health("on-digit"), Health("mqtt")
    assert failure_of([well]) is None
    lost.failed("say ended with 1", lost=1)
    lost.works()
    failing.failed("does not respond")
    assert (
        failure_of([well, lost, failing]) == "--on-digit: failed in between (1 message lost); --mqtt: does not respond"
    )
    failing.works()
    assert failure_of([well, failing]) is None, "it was back in time, and published the newest text"


def test_the_figures_tell_which_outlet_fails():
    server, failing = MetricsServer("127.0.0.1:0"), Health("mqtt")
    try:
        failing.failed("gone", lost=3)
        server.healths = (server.health, failing)
        lines = server.text().splitlines()
    finally:
        server.close()
    assert 'digitlab_live_outlet_failing{outlet="metrics"} 0' in lines
    assert 'digitlab_live_outlet_failing{outlet="mqtt"} 1' in lines
    assert 'digitlab_live_outlet_failures_total{outlet="mqtt"} 1' in lines
    assert 'digitlab_live_outlet_lost_total{outlet="mqtt"} 3' in lines
