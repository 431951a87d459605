"""The newest frame of a source, for readers slower than the camera; reconnects a lost camera."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

from digitlab.camera.source import (
    FIRST_FRAME_WITHIN,
    GIVEN_UP_AFTER,
    STALLED_AFTER,
    SourceState,
    SourceStatus,
    pause,
    seconds_asleep,
)  # fmt: skip
from digitlab.errors import SourceError, WrongSourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.camera.source import Source
    from digitlab.values import Frame

__all__ = ["Keep", "NewestFrame"]

_log = logging.getLogger(__name__)

Keep = Literal["newest", "all"]

_PATIENCE = 1.0  # seconds that `close` waits for a source to return from `read`
_MOMENT = 0.1  # seconds that a new attempt waits for the previous one to return from `read`
_USUAL_RATE = 25.0  # frames per second, of a file that does not say
# Number of the latest intervals between a camera's frames, over all connections. The second longest counts: one outage
# says nothing about the rate.
_GAPS = 8
_KNOWN_AFTER = 4  # intervals after which they are known
_MOST_LEFT_BEHIND = 4  # maximum number of hanging reader threads; at this number, a new attempt waits for one to return
_SLEPT = "this program was suspended, or had no processor, for {seconds:.0f} s"


class NewestFrame:
    """Threads that own a source: they open it, read it into a one-frame slot, supervise it, and reconnect it when lost.

    A context manager: starts and closes. Starting never blocks: the source is opened in the background, and its errors
    are raised by `get`.

    keep: with "newest", the next frame replaces one that has not been fetched; with "all", the source waits instead.
        Default: "newest" for a source in real time, "all" for any other.
    reconnect: reopen a camera (`source.live`) that failed or stalled, with growing pauses, indefinitely. A source that
        could never be opened still ends with its error, unless `insist` is set
    insist: keep retrying in that case as well (for a window, or a robot that starts before its camera), except after a
        `WrongSourceError`
    on_change: called with every new status, in order, in a thread of this class, with no lock held

    captured: number of frames from the source so far; a frame's `number` counts them, over all connections
    dropped: how many of them were not fetched; after closing, captured − dropped frames were returned by `get`
    reconnects: how often a lost source delivered frames again
    first_captured: `Frame.captured` of the first frame, fetched or not; None before it arrived
    """

    def __init__(
        self,
        source: Source,
        *,
        keep: Keep | None = None,
        reconnect: bool = False,
        insist: bool = False,
        on_change: Callable[[SourceStatus], None] | None = None,
    ) -> None:
        self.source = source
        self.keep: Keep = keep or ("newest" if source.realtime else "all")
        self.captured = 0
        self.dropped = 0
        self.reconnects = 0
        self.first_captured: float | None = None
        self._reconnect = reconnect and source.live
        self._insist = insist
        self._on_change = on_change
        self._slot: Frame | None = None
        self._latest: Frame | None = None
        self._error: Exception | None = None
        self._over = False
        self._closed = False
        self._status = SourceStatus(SourceState.CONNECTING, None, time.monotonic())
        self._untold: deque[SourceStatus] = deque([self._status])
        self._left_behind: list[threading.Thread] = []
        self._given_up = 0  # how often it was, because no frame followed
        self._gaps: deque[float] = deque(maxlen=_GAPS)  # the latest seconds between two frames of one connection
        # One lock with three condition variables.
        self._lock = threading.RLock()
        self._arrival = threading.Condition(self._lock)  # for consumers: a frame, or the end
        self._room = threading.Condition(self._lock)  # for the reading thread: the slot is empty
        self._event = threading.Condition(self._lock)  # for the supervising thread: a change, an attempt's end, closing
        self._watch = threading.Thread(target=self._run, name="digitlab-frames", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the threads; returns at once."""
        self._watch.start()

    @property
    def status(self) -> SourceStatus:
        """State and problem, as one consistent pair."""
        return self._status

    @property
    def state(self) -> SourceState:
        """What the source is doing."""
        return self._status.state

    @property
    def problem(self) -> str | None:
        """The problem in one line; None without one."""
        return self._status.problem

    @property
    def latest(self) -> Frame | None:
        """The newest frame, fetched or not; None before the first and after closing."""
        return self._latest

    @property
    def ended(self) -> bool:
        """Whether the source has ended without an error, and its last frame was fetched."""
        with self._lock:
            return self._over and self._slot is None and self._error is None

    def get(self, timeout: float | None = None) -> Frame | None:
        """Return the newest frame not fetched yet; None after `timeout` seconds, or when the source has ended.

        Keeps waiting while the source reconnects.

        Raises:
            Exception: the one that ended the source (mostly SourceError), after its last frame was fetched.
        """
        with self._lock:
            self._arrival.wait_for(lambda: self._slot is not None or self._over, timeout)
            frame, self._slot = self._slot, None
            self._room.notify_all()
            if frame is None and self._error is not None:
                raise self._error
            return frame

    def close(self) -> None:
        """Close the source, from any thread. If it hangs, its threads are soon abandoned, with a log message."""
        with self._lock:
            self._closed = self._over = True
            for waiting in (self._arrival, self._room, self._event):
                waiting.notify_all()
        if self._watch.ident is None:
            self.source.close()
            self._end(None)
        elif self._watch is not threading.current_thread():
            self._watch.join(2.0 * _PATIENCE)
            if self._watch.is_alive():
                _log.warning("the source did not close within %g s; its threads keep running", 2.0 * _PATIENCE)
        with self._lock:
            self._latest = None
            if self._slot is not None:
                self._slot = None
                self.dropped += 1

    # The supervising thread: attempts, waits, reports, and retries.

    def _run(self) -> None:
        failures = 0
        error = None
        while not self._closed:
            attempt = _Attempt()
            self._see_through(attempt)
            error = attempt.error
            if not self._worth_another_try(error):
                break
            failures = 1 if attempt.frames else failures + 1
            self._become(SourceState.RECONNECTING, str(error))
            # The pause starts at the last frame, or at opening: time already spent waiting counts towards it.
            self._rest(attempt.last_sign + pause(failures))
        self._end(error)

    def _see_through(self, attempt: _Attempt) -> None:
        """Open the source and read it to its end."""
        reader = threading.Thread(target=self._read_source, args=(attempt,), name="digitlab-frames-reader", daemon=True)
        reader.start()
        while True:
            self._tell()
            with self._lock:
                over = attempt.over or self._closed
                if over or (left := self._patience_left(attempt)) <= 0.0:
                    attempt.abandoned = True
                    self._room.notify_all()
                    break
                if not self._untold:
                    self._event.wait(left)
        self.source.close()
        patience = _PATIENCE if self._closed else _MOMENT
        reader.join(patience)
        if reader.is_alive():
            self._left_behind.append(reader)
            _log.log(
                logging.WARNING if self._closed else logging.INFO,
                "the source did not stop within %g s; its thread keeps running",
                patience,
            )

    def _patience_left(self, attempt: _Attempt) -> float:
        """Return the seconds until this attempt must be checked again; 0 if it has failed (then its error is set)."""
        silence = attempt.silence
        if not attempt.frames:
            if self.source.live and silence >= FIRST_FRAME_WITHIN:
                attempt.fail(SourceError(f"no frame within {FIRST_FRAME_WITHIN:g} s"))
                return 0.0
            return FIRST_FRAME_WITHIN - silence if self.source.live else STALLED_AFTER
        if silence < (limit := max(STALLED_AFTER, self._slow())):
            return limit - silence
        self._become(SourceState.STALLED, f"no frame for {limit:.3g} s")
        if not self._reconnect:
            return STALLED_AFTER
        if silence < (limit := self._given_up_after(attempt)):
            return limit - silence
        self._given_up += 1
        attempt.fail(SourceError(f"no frame for {limit:.3g} s"))
        return 0.0

    def _slow(self) -> float:
        """Three frame intervals in seconds, declared or measured; 0 if unknown: a slow camera is not a stalled one."""
        rate = self.source.rate
        *_, measured, _ = sorted([0.0, 0.0, *self._gaps])
        return 3.0 * max(1.0 / rate if rate else 0.0, min(FIRST_FRAME_WITHIN, measured))

    def _given_up_after(self, attempt: _Attempt) -> float:
        """Return the seconds without a frame after which a camera is lost.

        While its rate is unknown, twice as many after each time in vain: it may be slow, and is soon known to be.
        """
        if not attempt.frames:
            return max(FIRST_FRAME_WITHIN, self._slow())
        known = self.source.rate is not None or len(self._gaps) >= _KNOWN_AFTER
        patience = GIVEN_UP_AFTER * (1.0 if known else 2.0**self._given_up)
        return max(min(patience, FIRST_FRAME_WITHIN), self._slow())

    def _worth_another_try(self, error: Exception | None) -> bool:
        if not self._reconnect or self._closed or not isinstance(error, SourceError | OSError):
            return False
        return self.captured > 0 or (self._insist and not isinstance(error, WrongSourceError))

    def _rest(self, until: float) -> None:
        """Wait until `until`, or longer while too many earlier attempts still hang."""
        while not self._closed:
            self._tell()
            self._left_behind = [reader for reader in self._left_behind if reader.is_alive()]
            left = until - time.monotonic()
            if left <= 0.0 and len(self._left_behind) < _MOST_LEFT_BEHIND:
                return
            with self._lock:
                self._event.wait_for(lambda: self._closed, left if left > 0.0 else _MOMENT)

    def _end(self, error: Exception | None) -> None:
        with self._lock:
            if not self._closed:  # closing a source during a read may raise
                self._error = error
            self._over = True
            self._arrival.notify_all()
            self._become(SourceState.ENDED, None if self._error is None else str(self._error))
        self._tell()

    def _become(self, state: SourceState, problem: str | None) -> None:
        with self._lock:
            if (state, problem) != (self._status.state, self._status.problem):
                self._status = SourceStatus(state, problem, time.monotonic())
                self._untold.append(self._status)
                self._event.notify_all()

    def _tell(self) -> None:
        while self._untold:
            status = self._untold.popleft()
            if self._on_change is not None:
                try:
                    self._on_change(status)
                except Exception:  # noqa: BLE001 - a listener's error must not end the camera
                    _log.exception("the source's listener failed")

    # The reading thread, one per attempt: everything that may hang.

    def _read_source(self, attempt: _Attempt) -> None:
        try:
            self.source.open()
            while self._has_room(attempt):
                frame = self.source.read()
                if attempt.frames > 1 and not attempt.abandoned:  # some cameras begin with two frames at once
                    self._gaps.append(attempt.silence)
                attempt.waits_since = None
                if frame is None:
                    break
                self._offer(frame, attempt)
        except Exception as error:  # noqa: BLE001 - raised in the consumer's thread
            attempt.fail(error)
        finally:
            with self._lock:
                attempt.over = True
                self._event.notify_all()

    def _has_room(self, attempt: _Attempt) -> bool:
        """If all frames are kept, wait until the last one is fetched; return False when this attempt is over."""
        with self._lock:
            if self.keep == "all":
                self._room.wait_for(lambda: self._slot is None or self._closed or attempt.abandoned)
            if attempt.frames:
                attempt.waits_since = time.monotonic()
            return not (self._closed or attempt.abandoned)

    def _is_old(self, attempt: _Attempt) -> bool:
        """Return whether the frame just read may have been buffered for long; if so, the attempt fails.

        A camera that is silent for that long is given up by the supervising thread, unless that was suspended as well
        (SIGSTOP, a closed lid). Frames buffered meanwhile by the system or the camera would then pass for new ones.
        """
        if not (self._reconnect and self.keep == "newest"):
            return False
        seconds = time.monotonic() - attempt.last_sign + seconds_asleep() - attempt.asleep
        if seconds < self._given_up_after(attempt):
            return False
        attempt.fail(SourceError(_SLEPT.format(seconds=seconds)))
        attempt.abandoned = True
        return True

    def _offer(self, frame: Frame, attempt: _Attempt) -> None:
        with self._lock:
            if self._closed or attempt.abandoned:
                return
            if self._is_old(attempt):
                return
            attempt.frames += 1
            attempt.last_sign, attempt.asleep = time.monotonic(), seconds_asleep()
            if attempt.frames == 1 and self.captured:
                self.reconnects += 1
            if frame.number != self.captured:  # the source restarted its count
                frame = replace(frame, number=self.captured)
            if frame.seconds is None and not self.source.realtime:  # it comes as fast as it is read
                frame = replace(frame, seconds=frame.number / (self.source.rate or _USUAL_RATE))
            self.captured += 1
            if self.first_captured is None:
                self.first_captured = frame.captured
            if self._slot is not None:
                self.dropped += 1
            self._slot = self._latest = frame
            self._become(SourceState.RUNNING, None)
            self._arrival.notify_all()


@dataclass(slots=True)
class _Attempt:
    """One attempt: opening the source, and reading it until it ends.

    frames: how many it delivered; last_sign: time of the last one, or of opening; asleep: `seconds_asleep` at that time
    waits_since: when waiting for the current frame began (for the first: opening); None while the source itself waits
    over: whether its thread has finished; abandoned: whether its frames are ignored from now on
    error: why it ended; None for a normal end
    """

    frames: int = 0
    last_sign: float = field(default_factory=time.monotonic)
    waits_since: float | None = field(default_factory=time.monotonic)
    asleep: float = field(default_factory=lambda: seconds_asleep())  # noqa: PLW0108 - looked up when called
    over: bool = False
    abandoned: bool = False
    error: Exception | None = None

    @property
    def silence(self) -> float:
        """Seconds spent so far waiting for the current frame."""
        since = self.waits_since
        return 0.0 if since is None else time.monotonic() - since

    def fail(self, error: Exception) -> None:
        """Record an error, unless there is one: later ones are consequences of giving up."""
        if self.error is None:
            self.error = error
