"""The reader's thread: it connects, takes the newest frame, reads it, and hands over what it made of it."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from digitlab.camera import NewestFrame, SourceState, open_source
from digitlab.errors import DigitlabError, SourceError, StorageError, UsageError
from digitlab.live.frame_reading import look, warm_up
from digitlab.live.region import Region
from digitlab.live.remembered import forget_region, remember_region
from digitlab.live.session import LiveReading
from digitlab.live.snapshot import Change
from digitlab.live.statistics import LiveStatistics
from digitlab.live.tracks import Pace, Tracker
from digitlab.values import Reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.camera import Keep, Source
    from digitlab.live.frame_reading import Mode, Sight
    from digitlab.live.recording import Recording
    from digitlab.live.tracks import Track
    from digitlab.reading import Reader
    from digitlab.values import Box, Frame

    Listener = Callable[[LiveReading], None]

__all__ = ["THREADS", "ReadingLoop", "Seen", "Wishes"]

_log = logging.getLogger(__name__)

THREADS = 1  # of the network: a page's few digits are read no quicker by two, which wait for each other, spinning
_TURN = 0.1  # seconds after which the thread looks for new wishes where no frame comes
_CYCLE = 0.15  # seconds from one look to the next in mode "thesis": S0's
_THESIS_PACE = Pace(rest=0.15, rest_frames=1, needed=3, window=4)  # else an answer would take two seconds of S0's cycle
_USUAL_RATE = 25.0
_RATE_OVER = 2.0  # seconds over which frames a second are counted
_HISTORY = 200
_REMEMBER_AFTER = 1.0  # seconds that a region must stay before it is written: a hand that drags is not followed
_PATIENCE = 10.0  # seconds that `close` gives the thread: a first loading of a model may be under way
_BAD_FRAME = "the last frame could not be read"


@dataclass(slots=True)
class Wishes:
    """What is wanted; changed under the loop's lock, and followed with the next frame.

    reader: None until `model` is loaded
    region: as shares, in pixels until the first frame, or None for S0's
    realtime, keep, insist: as `LiveEngine` takes them
    """

    source: str | Source
    reader: Reader | None
    model: str | Path | None
    region: Region | Box | None
    mode: Mode
    realtime: bool
    keep: Keep | None
    insist: bool
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What is handed over, whole, after each frame."""

    number: int = 0
    frame: Frame | None = None
    sight: Sight | None = None
    tracks: tuple[Track, ...] = ()
    steady: str | None = None
    latency_ms: float | None = None
    start: float = 0.0
    history: tuple[Change, ...] = ()

    def reading(self, *, changed: bool) -> LiveReading | None:
        """The same for a listener; None before the first frame."""
        if self.frame is None or self.sight is None or self.latency_ms is None:
            return None
        return LiveReading(
            frame_number=self.frame.number,
            captured=self.frame.captured,
            seconds=self.frame.captured - self.start,
            latency_ms=self.latency_ms,
            reading=self.sight.reading,
            steady=self.steady,
            tracks=self.tracks,
            changed=changed,
        )


class ReadingLoop:
    """The thread, and what it hands over. What is public here is for `LiveEngine`, which says what it means.

    seen: replaced whole, so that it may be looked at without a lock
    feed: the camera's threads; None before there are any
    lost: why the source ended; unreadable: why no frame can be read (the model, or the mode)
    trouble: of one frame, a listener, the settings file: the session goes on
    """

    def __init__(self, wishes: Wishes) -> None:
        self.wishes = wishes
        self.seen = Seen()
        self.feed: NewestFrame | None = None
        self.statistics = LiveStatistics()
        self.recording: Recording | None = None
        self.lost: DigitlabError | None = None
        self.unreadable: DigitlabError | None = None
        self.trouble: str | None = None
        self.closed = False
        self.lock = threading.RLock()
        self._listeners: tuple[Listener, ...] = ()
        self._tracker = Tracker()
        self._readings: deque[float] = deque(maxlen=1000)  # when the last ones were ready
        self._remember_at: float | None = None
        self._ended = False  # the present source, in whatever way
        self._new_source = self._new_reader = self._new_mode = True
        self._changed = threading.Condition(self.lock)  # wishes, or the end
        self._thread = threading.Thread(target=self._run, name="digitlab-live", daemon=True)

    # For other threads

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and the source."""
        with self.lock:
            self.closed = True
            self._changed.notify_all()
            feed = self.feed
        if feed is not None:
            feed.close()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(_PATIENCE)
            if self._thread.is_alive():
                _log.warning("the reader did not stop within %g s; its thread is left behind", _PATIENCE)
        self._remember(at_once=True)

    def wait(self, timeout: float | None) -> bool:
        """Wait until nothing more will be read; False after `timeout` seconds."""
        with self.lock:
            return self._changed.wait_for(lambda: self._idle or self.closed, timeout)

    def renew(self, *, source: bool = False, reader: bool = False, mode: bool = False, region: bool = False) -> None:
        """Follow a wish that was changed; called with the lock held."""
        self._new_source |= source
        self._new_reader |= reader
        self._new_mode |= mode
        if source:
            self._ended = False
        if region:
            self._remember_at = time.monotonic() + _REMEMBER_AFTER
        self._changed.notify_all()

    def listen(self, listener: Listener) -> None:
        """Tell this one of each reading."""
        with self.lock:
            self._listeners = (*self._listeners, listener)

    def leave(self, listener: Listener) -> None:
        """Tell this one no more."""
        with self.lock:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

    def rate(self, now: float) -> float:
        """Frames read a second, over the last two seconds, or since the first where that is shorter."""
        times = [each for each in tuple(self._readings) if each >= now - _RATE_OVER]
        if len(times) < 2:
            return 0.0
        return (len(times) - 1) / (max(times[-1], now - 0.5) - times[0])

    # The thread

    def _run(self) -> None:
        try:
            while not self.closed:
                self._turn()
        finally:
            self._end_feed()
            self._end()

    def _turn(self) -> None:
        if self._new_reader or self._new_mode:
            self._prepare()
        elif self._new_source:
            self._connect()
        elif self.wishes.paused or self._idle:
            with self.lock:
                self._changed.wait_for(self._something_to_do, _TURN)
        else:
            self._take_next()
        self._remember()

    @property
    def _new(self) -> bool:
        return self._new_source or self._new_reader or self._new_mode

    @property
    def _idle(self) -> bool:
        return (self._ended or self.unreadable is not None) and not self._new

    def _something_to_do(self) -> bool:
        return self.closed or self._new or not (self.wishes.paused or self._idle)

    def _prepare(self) -> None:
        """Load and warm the reader, so that the first frame need not wait for it."""
        wishes = self.wishes
        with self.lock:
            anew = self._new_mode
            self._new_reader = self._new_mode = False
            mode, reader = wishes.mode, wishes.reader
        if anew:
            self._begin_anew(mode)
        try:
            if reader is None:
                from digitlab.reading import Reader

                reader = Reader(wishes.model, threads=THREADS)
                with self.lock:
                    wishes.reader = wishes.reader or reader
            warm_up(reader, mode)
        except DigitlabError as error:
            with self.lock:
                self.unreadable = error
                self._changed.notify_all()
        else:
            self.unreadable = self.trouble = None

    def _connect(self) -> None:
        self._end_feed()
        wishes = self.wishes
        with self.lock:
            source, self._new_source = wishes.source, False
            self._ended, self.lost, self.feed = False, None, None
        self._begin_anew(wishes.mode)
        self.statistics = LiveStatistics()
        try:
            opened = open_source(source, realtime=wishes.realtime) if isinstance(source, str) else source
        except DigitlabError as error:
            self._fail(error)
            return
        feed = NewestFrame(opened, keep=wishes.keep, reconnect=True, insist=wishes.insist)
        with self.lock:
            if self.closed:
                return
            self.feed = feed
            feed.start()

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
            _log.exception("the source broke")
            self._fail(SourceError(f"the source broke ({type(error).__name__}: {error})"))
        else:
            if frame is not None:
                self._read(frame, feed)
                if self.wishes.mode == "thesis" and feed.source.realtime:
                    with self.lock:
                        self._changed.wait_for(lambda: self.closed, max(0.0, begun + _CYCLE - time.monotonic()))
            elif feed.ended:
                self.statistics.count(captured=feed.captured, dropped=feed.dropped)
                self._end()
            elif feed.state in (SourceState.STALLED, SourceState.RECONNECTING):
                self._lose_sight()

    def _read(self, frame: Frame, feed: NewestFrame) -> None:
        wishes = self.wishes
        reader, mode = wishes.reader, wishes.mode
        if reader is None:
            return
        try:
            sight = look(frame.image, mode, self._box(frame), reader)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with this frame, the next one is tried
            if self.trouble is None:
                _log.exception("a frame could not be read")
            self.trouble = f"{_BAD_FRAME} ({error})"
            return
        if self.trouble is not None and self.trouble.startswith(_BAD_FRAME):
            self.trouble = None
        self._hand_over(frame, sight, feed)

    def _hand_over(self, frame: Frame, sight: Sight, feed: NewestFrame) -> None:
        before = self.seen
        # A file that is read as fast as possible has a clock of its own.
        at = frame.captured if feed.source.realtime else frame.number / (feed.source.rate or _USUAL_RATE)
        tracks, steady = self._tracker.add(sight.marks, at), self._tracker.steady
        start = feed.first_captured or frame.captured
        history = before.history
        if steady is not None and steady != (history[-1].text if history else ""):
            history = (*history[1 - _HISTORY :], Change(frame.captured - start, time.time(), steady))
        now = time.monotonic()
        self.seen = seen = Seen(
            before.number + 1,
            replace(frame, image=_read_only(frame.image)),
            sight if sight.glyph is None else replace(sight, glyph=_read_only(sight.glyph)),
            tracks,
            steady,
            (now - frame.captured) * 1000.0,
            start,
            history,
        )
        self._readings.append(now)
        live = seen.reading(changed=steady != before.steady)
        if live is not None:
            self.statistics.add(live)
            self.statistics.count(captured=feed.captured, dropped=feed.dropped)
            if (recording := self.recording) is not None:
                recording.offer(frame.image, live)
            self._tell(live)

    def _lose_sight(self) -> None:
        """Of a camera that is gone nothing is sure any more; its last frame stays to be looked at."""
        before = self.seen
        if before.steady is None:
            return
        self._tracker = self._new_tracker(self.wishes.mode)
        self.seen = seen = replace(before, number=before.number + 1, tracks=(), steady=None)
        live = seen.reading(changed=True)
        if live is not None:
            self._tell(replace(live, reading=Reading((), 0.0)))

    def _tell(self, live: LiveReading) -> None:
        for listener in self._listeners:
            try:
                listener(live)
            except Exception as error:  # noqa: BLE001 - a listener's fault must not end the reading
                _log.exception("a listener failed and is told nothing more")
                self.trouble = f"a listener failed ({type(error).__name__}: {error})"
                self.leave(listener)

    def _box(self, frame: Frame) -> Box:
        """What is read of a frame; a region in pixels becomes one in shares with the first."""
        region, shape = self.wishes.region, frame.image.shape
        if isinstance(region, tuple):
            box, region = region, None
            try:
                region = Region.of_box(box, shape)
            except UsageError as error:
                self.trouble = f"{error}; reading the usual region"
            with self.lock:
                if self.wishes.region is box:
                    self.wishes.region = region
        return (region or Region.usual(shape)).box(shape)

    def _begin_anew(self, mode: Mode) -> None:
        self._tracker = self._new_tracker(mode)
        self._readings.clear()
        self.seen = Seen(self.seen.number + 1, history=self.seen.history)

    @staticmethod
    def _new_tracker(mode: Mode) -> Tracker:
        return Tracker(_THESIS_PACE if mode == "thesis" else Pace())

    def _fail(self, error: DigitlabError) -> None:
        self.lost = error
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

    def _remember(self, *, at_once: bool = False) -> None:
        """Write the region that was set, once it has stayed for a second."""
        with self.lock:
            region = self.wishes.region
            due = self._remember_at is not None and (at_once or time.monotonic() >= self._remember_at)
            # In pixels, it waits for the frame that says of how many.
            if not due or isinstance(region, tuple):
                return
            self._remember_at = None
        try:
            if region is None:
                forget_region()
            else:
                remember_region(region)
        except StorageError as error:
            self.trouble = str(error)


def _read_only(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same pixels, not to be written to by those who get them."""
    view = image.view()
    view.flags.writeable = False
    return view
