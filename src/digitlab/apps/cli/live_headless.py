"""`digitlab live --headless`: what is printed and published, and the exit code."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from digitlab.apps.cli.console import advise, complain, say, say_json
from digitlab.errors import counted
from digitlab.live.delivery import Health, HealthReport, deliver, failure_of
from digitlab.live.service import Service
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

    from digitlab.live import LiveEngine, LiveReading
    from digitlab.live.config import LiveConfig
    from digitlab.live.delivery import Outlet
    from digitlab.live.metrics import MetricsServer
    from digitlab.live.on_digit import DigitCommand

__all__ = ["Outlets", "asked_to_stop", "run_headless"]

_TURN = 0.1  # seconds between two checks of the camera's state
_GRACE = 2.0  # seconds that a program has to finish after the source has ended
_HANGS = 20.0  # seconds without a turn of the reader, after which it is no longer reported alive
_NOT_DELIVERED = 3  # not 2, after which a service is not restarted: the next session may well deliver
_CONTROL_C = 130


class Outlets:
    """Outlets for readings besides stdout: a program, MQTT, ROS, metrics. A context manager that closes them.

    One that fails is tried again with each reading, and does not affect the others.
    healths: whether each delivers, also after closing
    """

    def __init__(self, config: LiveConfig) -> None:
        """Create the outlets that the configuration asks for.

        Raises:
            UsageError: for an invalid address, topic or command.
            MissingExtraError: if the extra that an outlet needs is missing.
        """
        self._all: list[Outlet] = []
        self._command: DigitCommand | None = None
        self.metrics: MetricsServer | None = None
        try:
            if config.on_digit is not None:
                from digitlab.live.on_digit import DigitCommand

                self._command = DigitCommand(config.on_digit, advise, once=config.once)
            if config.mqtt is not None:
                from digitlab.live.mqtt import Broker, MqttOutlet

                broker = Broker.parse(config.mqtt)
                self._all.append(MqttOutlet(broker, advise, announced=config.home_assistant))
            if config.ros is not None:
                from digitlab.live.ros import DEFAULT_TOPIC, RosOutlet

                self._all.append(RosOutlet(config.ros, advise, topic=config.topic or DEFAULT_TOPIC))
            if config.metrics is not None:
                from digitlab.live.metrics import MetricsServer

                self.metrics = MetricsServer(config.metrics)
                self._all.append(self.metrics)
        except BaseException:
            self.close()
            raise
        commands = [] if self._command is None else [self._command]
        self.healths = tuple(outlet.health for outlet in (*commands, *self._all))
        if self.metrics is not None:
            self.metrics.healths = self.healths

    def tell(self, live: LiveReading) -> None:
        """Pass a reading on to all outlets."""
        for outlet in self._all:
            deliver(outlet, live, advise)
        if self._command is not None:
            deliver(self._command, live, advise)

    def close(self, grace: float = 0.0) -> None:
        """Close all outlets; a running program has `grace` seconds to finish."""
        if self._command is not None:
            self._command.close(grace)
            self._command = None
        for outlet in self._all:
            outlet.close()
        self._all = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def run_headless(engine: LiveEngine, outlets: Outlets, config: LiveConfig, *, json: bool) -> int:
    """Read until the source ends, the time is up, or the process is asked to stop; return the exit code.

    Raises:
        DigitlabError: the error that ended the source, or kept it from being opened; or the output or the recording
            cannot be written.
    """
    speaker = _Speaker(engine, outlets, json=json, once=config.once)
    if outlets.metrics is not None:
        outlets.metrics.engine = engine
    interrupted = False
    with contextlib.ExitStack() as closing:
        closing.callback(engine.close)
        if config.record is not None:
            engine.record(config.record)
        stopped = closing.enter_context(asked_to_stop())
        engine.subscribe(speaker.tell)
        engine.start()
        try:
            speaker.watch(stopped, config.seconds)
        except KeyboardInterrupt:
            interrupted = True
            advise("")
    at_end = not (interrupted or stopped.is_set() or speaker.broken)
    outlets.close(_GRACE if at_end else 0.0)
    if speaker.broken is not None:
        with saying_what_failed(Path("the output")):
            raise speaker.broken
    if engine.failure is None or engine.statistics.captured:
        speaker.finish()
    if engine.failure is not None and not interrupted:
        raise engine.failure
    if interrupted:
        return _CONTROL_C
    if engine.recording_failure is not None:
        raise engine.recording_failure
    if (failure := failure_of(outlets.healths)) is not None:
        complain(failure)
        return _NOT_DELIVERED
    return 0 if speaker.any_digit else 1


class _Speaker:
    """Prints readings and the camera's state. `tell` runs in the reader's thread, all else in the main thread."""

    def __init__(self, engine: LiveEngine, outlets: Outlets, *, json: bool, once: bool) -> None:
        self.any_digit = False
        self.broken: OSError | None = None  # the error of writing to stdout, once its reader has gone
        self._engine = engine
        self._outlets = outlets
        self._json, self._once = json, once
        self._service = Service()
        self._recording = Health("record")
        self._report = HealthReport([*outlets.healths, self._recording])
        self._state: tuple[str, str | None] = ("connecting", None)
        self._stopped = threading.Event()

    def tell(self, live: LiveReading) -> None:
        """Print one reading."""
        if self.broken is not None:
            return
        self.any_digit = self.any_digit or live.reading.answered > 0
        try:
            if self._json:
                say_json(live.as_json())
            elif self._once:
                for number in live.numbers:
                    say(f"{live.seconds:8.2f} s  {number.text}")
                    _flush()
            elif live.changed and live.steady is not None:
                say(f"{live.seconds:8.2f} s  {live.steady.replace(chr(10), ' | ') or '(nothing)'}")
                _flush()
        except OSError as error:
            self.broken = error
        self._outlets.tell(live)

    def watch(self, stopped: threading.Event, seconds: float | None) -> None:
        """Wait for the end, and print changes of the camera's state meanwhile."""
        until = None if seconds is None else time.monotonic() + seconds
        while not (stopped.is_set() or self.broken or (until is not None and time.monotonic() >= until)):
            left = _TURN if until is None else max(0.0, min(_TURN, until - time.monotonic()))
            over = self._engine.wait(left)
            self._service.alive(self._status(), alive=self._engine.silence < _HANGS)
            if over:
                break
            self._say_state()
            self._say_health()
        self._service.ending()

    def _status(self) -> str:
        """Describe the state in a line, for `systemctl status`."""
        snapshot = self._engine.snapshot()
        text = {None: "not sure", "": "nothing"}.get(snapshot.steady, snapshot.steady)
        failing = [f"; --{health.name} fails" for health in self._outlets.healths if health.problem is not None]
        return f"{snapshot.state}: {text}; {snapshot.frames_per_second:.0f} frames/s{''.join(failing)}"

    def finish(self) -> None:
        """Print the summary."""
        self._say_health()  # a short session may have ended before it was said
        statistics = self._engine.statistics
        snapshot = self._engine.snapshot()
        if self._json:
            outlets = {health.name: health.as_json() for health in self._outlets.healths}
            say_json({"summary": {"source": _short(snapshot.source), **statistics.summary(), "outlets": outlets}})
        advise(statistics.describe())
        missing = self._engine.frames_not_recorded
        if missing:
            advise(
                f"{counted(missing, 'frame is', 'frames are')} "
                f"missing from the recording: the disk was too slow for them"
            )

    def _say_health(self) -> None:
        """Report outlets that fail; the first time, they have said so themselves on stderr."""
        if (problem := self._engine.recording_problem) is None:
            self._recording.works()
        else:
            self._recording.failed(problem)
        for news in self._report.news():
            if self._json:
                say_json(news.as_json())
            if news.again:
                advise(str(news))

    def _say_state(self) -> None:
        snapshot = self._engine.snapshot()
        state = (str(snapshot.state), snapshot.problem)
        if state == self._state:
            return
        before, self._state = self._state[0], state
        # The first connection and an end without a problem are not reported; an end with one is raised as an error.
        lost = state[0] in ("stalled", "reconnecting") or (state[0] == "connecting" and state[1])
        if lost or (state[0] == "running" and (state[1] or before != "connecting")):
            if self._json:
                say_json({"state": state[0], "problem": state[1]})
            advise(f"{state[0]}: {state[1]}" if state[1] else f"{state[0]} again")


@contextlib.contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """Yield an event that is set when the system asks us to end (SIGTERM), as `systemctl stop` does."""
    stopped = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        stopped.set()

    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    before: Any = signal.signal(signal.SIGTERM, on_signal)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGTERM, before)


def _short(source: str) -> str:
    """Shorten a source: a file to its name, an address without user and password."""
    from urllib.parse import urlsplit

    if "://" not in source:
        return Path(source).name or source
    parts = urlsplit(source)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _flush() -> None:
    import sys

    sys.stdout.flush()
