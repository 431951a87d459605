"""The reader's thread: connects to the source, takes the newest frame, reads it and publishes the result."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from digitlab.camera import NewestFrame, SourceState, open_source
from digitlab.camera.source import STALLED_AFTER, seconds_asleep
from digitlab.errors import DigitlabError, SourceError, StorageError, UsageError
from digitlab.live.frame_reading import look, warm_up
from digitlab.live.live_reading import LiveReading, LiveStatistics
from digitlab.live.region import Region
from digitlab.live.remembered import forget_region, remember_region
from digitlab.live.snapshot import Change, FrameResult
from digitlab.live.tracks import Tracker
from digitlab.values import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.live.frame_reading import FrameReading
    from digitlab.live.session_recorder import SessionRecorder
    from digitlab.live.snapshot import Requested
    from digitlab.live.track import Track
    from digitlab.values import Box, Frame

    Listener = Callable[[LiveReading], None]

__all__ = ["THREADS", "ReadingLoop"]

_log = logging.getLogger(__name__)

THREADS = 1  # of the network: two are no faster for the few digits of a page, and busy-wait for each other
_TURN = 0.1  # polling interval in seconds for changed settings while no frame arrives
_CYCLE = 0.15  # seconds from frame to frame in mode "thesis", as in the program of S0
_RATE_OVER = 2.0  # seconds over which the frame rate is measured
_HISTORY = 200
_SAVE_AFTER = 1.0  # seconds without a change before the region is saved: not once per mouse movement
_PATIENCE = 10.0  # seconds that `close` waits for the thread: it may be loading its first model
_SLEEP = 0.5  # seconds from which the computer counts as having slept; less is the difference between two clocks
_BAD_FRAME = "the last frame could not be read"


class ReadingLoop:
    """The thread and its results. The public members are for `LiveEngine`, which documents them.

    latest: replaced as a whole, so that it may be read without a lock
    feed: the camera's threads; None before they start
    source_error: why the source ended; reader_error: why no frame can be read (the model, or the mode)
    warning: about one frame, a listener or the settings file; the session continues
    turned: when the thread began its last iteration, on the monotonic clock
    """

    def __init__(self, requested: Requested) -> None:
        self.requested = requested
        self.latest = FrameResult()
        self.feed: NewestFrame | None = None
        self.statistics = LiveStatistics()
        self.recording: SessionRecorder | None = None
        self.source_error: DigitlabError | None = None
        self.reader_error: DigitlabError | None = None
        self.warning: str | None = None
        self.closed = False
        self.turned = time.monotonic()
        self.lock = threading.RLock()
        self._listeners: tuple[Listener, ...] = ()
        self._tracker = self._new_tracker()
        self._readings: deque[float] = deque(maxlen=1000)  # times at which the last readings were ready
        self._save_at: float | None = None
        self._reconnects = 0  # the number of the feed's reconnects that have been handled here
        self._asleep = seconds_asleep()
        self._ended = False  # whether the current source has ended, with or without an error
        self._new_source = self._new_reader = self._new_mode = True
        self._changed = threading.Condition(self.lock)  # the settings changed, or the end
        self._thread = threading.Thread(target=self._run, name="digitlab-live", daemon=True)

    # Called from other threads

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and close the source."""
        with self.lock:
            self.closed = True
            self._changed.notify_all()
            feed = self.feed
        if feed is not None:
            feed.close()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(_PATIENCE)
            if self._thread.is_alive():
                _log.warning("the reader did not stop within %g s; its thread keeps running", _PATIENCE)
        self._save_region(at_once=True)

    def wait(self, timeout: float | None) -> bool:
        """Wait until no more frames will be read; return False after `timeout` seconds."""
        with self.lock:
            return self._changed.wait_for(lambda: self._idle or self.closed, timeout)

    def renew(self, *, source: bool = False, reader: bool = False, mode: bool = False, region: bool = False) -> None:
        """Apply changed settings; called with the lock held."""
        self._new_source |= source
        self._new_reader |= reader
        self._new_mode |= mode
        if source:
            self._ended = False
        if region:
            self._save_at = time.monotonic() + _SAVE_AFTER
        self._changed.notify_all()

    def listen(self, listener: Listener) -> None:
        """Call this listener after each reading."""
        with self.lock:
            self._listeners = (*self._listeners, listener)

    def leave(self, listener: Listener) -> None:
        """Stop calling this listener."""
        with self.lock:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

    def rate(self, now: float) -> float:
        """Return the frames read per second, over the last two seconds, or since the first frame if that is shorter."""
        times = [each for each in tuple(self._readings) if each >= now - _RATE_OVER]
        if len(times) < 2:
            return 0.0
        return (len(times) - 1) / (max(times[-1], now - 0.5) - times[0])

    # The thread

    def _run(self) -> None:
        try:
            while not self.closed:
                self._turn()
        except Exception as error:  # noqa: BLE001 - a session whose thread is gone must not pass for one at its end
            _log.exception("the reading ended")
            with self.lock:
                self.reader_error = DigitlabError(f"the reading ended unexpectedly ({type(error).__name__}: {error})")
                self._new_source = self._new_reader = self._new_mode = False
        finally:
            self._end_feed()
            self._end()

    def _turn(self) -> None:
        self.turned = time.monotonic()
        self._note_sleep()
        if self._new_reader or self._new_mode:
            self._prepare()
        elif self._new_source:
            self._connect()
        elif self.requested.paused or self._idle:
            with self.lock:
                self._changed.wait_for(self._something_to_do, _TURN)
        else:
            self._take_next()
        self._save_region()

    @property
    def _new(self) -> bool:
        return self._new_source or self._new_reader or self._new_mode

    @property
    def _idle(self) -> bool:
        return (self._ended or self.reader_error is not None) and not self._new

    def _something_to_do(self) -> bool:
        return self.closed or self._new or not (self.requested.paused or self._idle)

    def _prepare(self) -> None:
        """Load and warm up the reader, so that the first frame does not wait for it."""
        requested = self.requested
        with self.lock:
            restart = self._new_mode
            self._new_reader = self._new_mode = False
            mode, reader = requested.mode, requested.reader
        if restart:
            self._restart()
        try:
            if reader is None:
                from digitlab.reading import Reader

                reader = Reader(requested.model, threads=THREADS)
                with self.lock:
                    requested.reader = requested.reader or reader
            warm_up(reader, mode)
        except DigitlabError as error:
            with self.lock:
                self.reader_error = error
                self._changed.notify_all()
        else:
            self.reader_error = self.warning = None

    def _connect(self) -> None:
        self._end_feed()
        requested = self.requested
        with self.lock:
            source, self._new_source = requested.source, False
            self._ended, self.source_error, self.feed = False, None, None
            self._reconnects = 0
        self._restart()
        self.statistics = LiveStatistics()
        try:
            opened = open_source(source, realtime=requested.realtime) if isinstance(source, str) else source
        except DigitlabError as error:
            self._fail(error)
            return
        feed = NewestFrame(opened, keep=requested.keep, reconnect=True, insist=requested.insist)
        with self.lock:
            if self.closed:
                return
            self.feed = feed
            feed.start()

    def _note_sleep(self) -> None:
        """If the computer has slept, age the last result by that time, during which the frames' clock stood still."""
        asleep = seconds_asleep()
        seconds, self._asleep = asleep - self._asleep, asleep
        before = self.latest
        if seconds < _SLEEP or before.frame is None:
            return
        last = None if before.last is None else (before.last[0], before.last[1] - seconds)
        frame = replace(before.frame, captured=before.frame.captured - seconds)
        self.latest = replace(before, frame=frame, last=last)
        self._forget_tracks()

    def _take_next(self) -> None:
        feed = self.feed
        if feed is None:
            self._fail(SourceError("there is no source to read from"))
            return
        begun = time.monotonic()
        try:
            frame = feed.get(timeout=_TURN)
        except DigitlabError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - camera libraries raise anything, and a window must stay alive
            _log.exception("the source failed")
            self._fail(SourceError(f"the source failed ({type(error).__name__}: {error})"))
        else:
            if frame is not None:
                if feed.reconnects != self._reconnects:  # perhaps another camera with the same number
                    self._reconnects = feed.reconnects
                    self._forget_tracks()
                self._read(frame, feed)
                if self.requested.mode == "thesis" and feed.source.realtime:
                    with self.lock:
                        self._changed.wait_for(lambda: self.closed, max(0.0, begun + _CYCLE - time.monotonic()))
            elif feed.ended:
                self.statistics.count(captured=feed.captured, dropped=feed.dropped)
                self._end()
            elif feed.state in (SourceState.STALLED, SourceState.RECONNECTING):
                self._forget_tracks()

    def _read(self, frame: Frame, feed: NewestFrame) -> None:
        reader, mode = self.requested.reader, self.requested.mode
        if reader is None:
            return
        try:
            read = look(frame.image, mode, self._box(frame), reader)
            # A file has its own clock, however fast it is read.
            at = frame.captured if frame.seconds is None else frame.seconds
            tracks = self._tracker.add(read.detections, at, frame.image)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with this frame, the next one is tried
            if self.warning is None:
                _log.exception("a frame could not be read")
            self.warning = f"{_BAD_FRAME} ({error})"
            last = self.latest.frame
            if last is not None and time.monotonic() - last.captured >= STALLED_AFTER:
                self._forget_tracks()  # the camera runs, but nothing is known of its pictures
            return
        if self.warning is not None and self.warning.startswith(_BAD_FRAME):
            self.warning = None
        self._publish(frame, read, tracks, feed)

    def _publish(self, frame: Frame, read: FrameReading, tracks: tuple[Track, ...], feed: NewestFrame) -> None:
        before, tracker = self.latest, self._tracker
        steady = tracker.steady
        seconds = frame.captured - (feed.first_captured or 0.0) if frame.seconds is None else frame.seconds
        history = before.history
        if steady is not None and steady != (history[-1].text if history else ""):
            history = (*history[1 - _HISTORY :], Change(seconds, time.time(), steady))
        now = time.monotonic()
        self.latest = latest = FrameResult(
            before.number + 1,
            replace(frame, image=_read_only(frame.image)),
            read if read.glyph is None else replace(read, glyph=_read_only(read.glyph)),
            tracks,
            steady,
            (now - frame.captured) * 1000.0,
            seconds,
            history,
            tracker.drawing,
            tracker.telling,
            tracker.numbers,
            (steady, frame.captured) if steady else before.last,
        )
        self._readings.append(now)
        live = latest.live_reading(changed=steady != before.steady, telling=latest.telling != before.telling)
        if live is not None:
            self.statistics.add(live)
            self.statistics.count(captured=feed.captured, dropped=feed.dropped)
            if (recording := self.recording) is not None:
                recording.offer(frame.image, live)
            self._tell(live)

    def _forget_tracks(self) -> None:
        """Reset tracks and steady text, since nothing is decided without a camera; its last frame remains visible."""
        before, self._tracker = self.latest, self._new_tracker()
        if before.steady is None and not (before.tracks or before.drawing):
            return
        self.latest = latest = replace(
            before, number=before.number + 1, tracks=(), steady=None, drawing=False, telling=0, numbers=()
        )
        live = latest.live_reading(changed=before.steady is not None, telling=False)
        if live is not None and (before.steady is not None or before.drawing):
            self._tell(replace(live, reading=Reading((), 0.0)))

    def _tell(self, live: LiveReading) -> None:
        for listener in self._listeners:
            try:
                listener(live)
            except Exception as error:  # noqa: BLE001 - a listener's error must not end the reading
                _log.exception("a listener failed and is not called again")
                self.warning = f"a listener failed ({type(error).__name__}: {error})"
                self.leave(listener)

    def _box(self, frame: Frame) -> Box:
        """Return the part that is read, in pixels; a region in pixels becomes one in fractions with the first frame."""
        region, shape = self.requested.region, frame.image.shape
        if isinstance(region, tuple):
            box, region = region, None
            try:
                region = Region.of_box(box, shape)
            except UsageError as error:
                self.warning = f"{error}; reading the default region"
            with self.lock:
                if self.requested.region is box:
                    self.requested.region = region
        return (region or Region.default(shape)).box(shape)

    def _restart(self) -> None:
        self._tracker = self._new_tracker()
        self._readings.clear()
        self.latest = FrameResult(self.latest.number + 1, history=self.latest.history, last=self.latest.last)

    def _new_tracker(self) -> Tracker:
        return Tracker(self.requested.steadiness, whole=self.requested.mode == "page")

    def _fail(self, error: DigitlabError) -> None:
        self.source_error = error
        self._end()

    def _end(self) -> None:
        with self.lock:
            if not self._new_source or self.closed:
                self._ended = True
                self._changed.notify_all()

    def _end_feed(self) -> None:
        if (feed := self.feed) is not None:
            feed.close()
            self.statistics.count(captured=feed.captured, dropped=feed.dropped)

    def _save_region(self, *, at_once: bool = False) -> None:
        """Save the region that was set, once it has not changed for a second."""
        with self.lock:
            region = self.requested.region
            due = self._save_at is not None and (at_once or time.monotonic() >= self._save_at)
            # A region in pixels waits for the first frame, whose size is needed.
            if not due or isinstance(region, tuple):
                return
            self._save_at = None
        try:
            if region is None:
                forget_region()
            else:
                remember_region(region)
        except StorageError as error:
            self.warning = str(error)


def _read_only(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a read-only view of the same pixels."""
    view = image.view()
    view.flags.writeable = False
    return view
