"""Camera in, digits out, for hours: what the window shows and the command line prints.

engine = LiveEngine("0", mode="region")
engine.start()                     # returns at once; connecting goes on in a thread
while …:
    seen = engine.snapshot()       # never waits
    …
engine.close()                     # ends the threads, the recording and the source
"""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from digitlab.camera.source import SourceState
from digitlab.errors import DigitlabError, StorageError, UsageError
from digitlab.live.frame_reading import Mode, check_mode
from digitlab.live.loop import THREADS, ReadingLoop, Wishes
from digitlab.live.recording import Recording
from digitlab.live.snapshot import Change, Snapshot
from digitlab.live.tracks import Track
from digitlab.storage import atomic_path, write_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from digitlab.camera import Keep, Source
    from digitlab.live.region import Region
    from digitlab.live.session import LiveReading
    from digitlab.live.statistics import LiveStatistics
    from digitlab.reading import Reader
    from digitlab.values import Box

__all__ = ["Change", "LiveEngine", "Mode", "Snapshot", "Track"]

_log = logging.getLogger(__name__)

_USUAL_RATE = 25.0


class LiveEngine:
    """A feed (the camera's threads) and a reader (a thread of its own), and what they made of the last frame.

    All methods may be called from any thread, and none but `close`, `stop_recording` and `wait` waits for the camera or
    the reader: settings take effect with the next frame. A context manager: starts, and closes.
    """

    def __init__(
        self,
        source: str | Source,
        reader: Reader | None = None,
        *,
        region: Region | Box | None = None,
        mode: Mode = "region",
        model: str | Path | None = None,
        realtime: bool = True,
        keep: Keep | None = None,
        insist: bool = False,
    ) -> None:
        """Nothing is opened yet.

        source: as a user writes it after `--source`, or a source at hand
        reader: what reads; None: `Reader(model, threads=1)` is loaded in the reader's thread
        region: what is read in the modes "region" and "thesis", as shares (`Region`) or in pixels (a box); None is S0's
        realtime: for files, whether they play at their own pace
        keep: as in `NewestFrame`
        insist: whether a camera that cannot be had at all is asked for again and again

        Raises:
            UsageError: for an unknown mode.
        """
        wishes = Wishes(source, reader, model, region, check_mode(mode), realtime, keep, insist)
        self._wishes = wishes
        self._loop = ReadingLoop(wishes)

    # For whoever shows it

    def start(self) -> None:
        """Start the threads; returns at once. What goes wrong from now on stands in `Snapshot.problem`."""
        self._loop.start()

    def close(self) -> None:
        """End the threads, the source and the recording; at most a few seconds. A second call does nothing."""
        self._loop.close()
        try:
            self.stop_recording()
        except StorageError as error:
            self._loop.trouble = str(error)
            _log.warning("%s", error)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def statistics(self) -> LiveStatistics:
        """Counts and latencies of the present source."""
        return self._loop.statistics

    @property
    def reader(self) -> Reader | None:
        """What reads; None until it is loaded. A view asks it for its model's file."""
        return self._wishes.reader

    @property
    def failure(self) -> DigitlabError | None:
        """What ended the present source, or keeps every frame from being read; None where all is well."""
        return self._loop.unreadable or self._loop.lost

    def snapshot(self) -> Snapshot:
        """What is to be shown now; never waits, takes microseconds."""
        loop, wishes, now = self._loop, self._wishes, time.monotonic()
        seen, feed, recording, reader = loop.seen, loop.feed, loop.recording, wishes.reader
        sight, frame = seen.sight, seen.frame
        state, problem = self._state()
        return Snapshot(
            frame=frame,
            region=None if sight is None else sight.region,
            reading=None if sight is None else sight.reading,
            tracks=seen.tracks,
            glyph=None if sight is None else sight.glyph,
            probabilities=(0.0,) * 10 if sight is None else sight.probabilities,
            steady=seen.steady,
            mode=wishes.mode,
            paused=wishes.paused,
            recording=None if recording is None else recording.path,
            source=wishes.source if isinstance(wishes.source, str) else type(wishes.source).__name__,
            model="" if reader is None else _name_of(reader),
            state=state,
            problem=problem,
            frames_per_second=loop.rate(now),
            latency_ms=seen.latency_ms,
            age_ms=None if frame is None else (now - frame.captured) * 1000.0,
            captured=0 if feed is None else feed.captured,
            dropped=0 if feed is None else feed.dropped,
            read=loop.statistics.read,
            history=seen.history,
            number=seen.number,
        )

    def _state(self) -> tuple[SourceState, str | None]:
        """The source's state, and the most important thing that is wrong."""
        loop = self._loop
        feed, recording, failure = loop.feed, loop.recording, self.failure
        if loop.lost is not None:
            state, problem = SourceState.ENDED, None
        elif feed is None:
            state, problem = SourceState.CONNECTING, None
        else:
            state, problem = feed.status.state, feed.status.problem
        if failure is not None:
            problem = str(failure)
        return state, problem or loop.trouble or (None if recording is None else recording.problem)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing more will be read: the source has ended or failed, or the model cannot read.

        False after `timeout` seconds.
        """
        return self._loop.wait(timeout)

    def subscribe(self, listener: Callable[[LiveReading], None]) -> Callable[[], None]:
        """Call `listener(LiveReading)` after each reading, in the reader's thread; what is returned ends that.

        `LiveReading.changed` says whether the steady text is another than before. A listener that raises is dropped,
        and named in `Snapshot.problem`. A view that paints need not subscribe: it takes snapshots with a timer.
        """
        self._loop.listen(listener)
        return lambda: self._loop.leave(listener)

    # Settings

    def pause(self) -> None:
        """Read no more frames; the last snapshot stays, the source keeps running."""
        self._wishes.paused = True

    def resume(self) -> None:
        """Read again, from the newest frame on."""
        with self._loop.lock:
            self._wishes.paused = False
            self._loop.renew()

    def set_region(self, region: Region | Box | None) -> None:
        """Read this part from the next frame on, and remember it (in a file) for the next session; None is S0's."""
        with self._loop.lock:
            self._wishes.region = region
            self._loop.renew(region=True)

    def set_mode(self, mode: Mode) -> None:
        """Read in this way from the next frame on; tracks and steady text begin anew.

        Raises:
            UsageError: for an unknown mode.
        """
        mode = check_mode(mode)
        with self._loop.lock:
            self._wishes.mode = mode
            self._loop.renew(mode=True)

    def set_source(self, source: str | Source) -> None:
        """Leave the source and connect to another, or to the same anew; history stays, tracks and steady text go.

        Returns at once; an unknown name stands in `Snapshot.problem`.
        """
        with self._loop.lock:
            self._wishes.source = source
            self._loop.renew(source=True)

    def set_reader(self, reader: Reader) -> None:
        """Read with another reader from the next frame on."""
        with self._loop.lock:
            self._wishes.reader = reader
            self._loop.renew(reader=True)

    def set_model(self, model: str | Path | None) -> None:
        """Load a model in a thread and read with it then; returns at once; a bad one stands in `Snapshot.problem`.

        Until it is there, the one before goes on reading.
        """
        threading.Thread(target=self._load, args=(model,), name="digitlab-model", daemon=True).start()

    def _load(self, model: str | Path | None) -> None:
        from digitlab.reading.reader import Reader

        before = self._wishes.reader
        try:
            threshold = None if before is None else before.asked_threshold
            reader = Reader(model, threshold=threshold, threads=THREADS)
        except DigitlabError as error:
            self._loop.trouble = str(error)
        else:
            self._wishes.model = model
            self.set_reader(reader)

    # To keep what was seen

    def record(self, path: Path) -> None:
        """Write every frame that is read to a video (`path`, .mp4 or .avi), and its readings beside it (.jsonl).

        A thread of its own writes; frames that it cannot keep up with are left out of the video, and counted.

        Raises:
            UsageError: for another ending, or while a recording is on.
            StorageError: when the folder cannot be written.
        """
        loop = self._loop
        with loop.lock:
            if loop.recording is not None:
                raise UsageError(f"{loop.recording.path} is being recorded; stop that first")
            loop.recording = Recording(Path(path), self._rate)

    def _rate(self) -> float:
        """Frames a second, as far as it is known."""
        loop = self._loop
        nominal = None if loop.feed is None else loop.feed.source.rate
        return loop.rate(time.monotonic()) or nominal or _USUAL_RATE

    def stop_recording(self) -> Path | None:
        """End the recording; the path of the video, or None where none was on. Waits for the last frames.

        Raises:
            StorageError: when the video could not be written.
        """
        with self._loop.lock:
            recording, self._loop.recording = self._loop.recording, None
        if recording is None:
            return None
        recording.close()
        return recording.path

    def save_snapshot(self, path: Path) -> Path:
        """Write the frame as it is to `path` (.png), with its reading beside it (.json).

        Raises:
            UsageError: before the first frame.
            StorageError: when it cannot be written.
        """
        import cv2

        seen = self._loop.seen
        live = seen.reading(changed=False)
        if seen.frame is None or live is None:
            raise UsageError("there is no frame yet to be saved; wait for the first")
        path = Path(path).with_suffix(".png")
        with atomic_path(path) as temporary:
            if not cv2.imwrite(str(temporary), cv2.cvtColor(seen.frame.image, cv2.COLOR_RGB2BGR)):
                raise StorageError(f"cannot write {path}: the picture could not be encoded")
        write_text(path.with_suffix(".json"), json.dumps(live.as_json(), indent=1) + "\n")
        return path


def _name_of(reader: Reader) -> str:
    card = reader.classifier.card
    return card.name if card is not None and card.name else reader.classifier.path.stem
