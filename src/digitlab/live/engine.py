"""Camera in, digits out, for hours: the engine behind the window and the command line.

engine = LiveEngine("0", mode="region")
engine.start()                     # returns at once; connects in a thread
while …:
    seen = engine.snapshot()       # never blocks
    …
engine.close()                     # stops the threads, the recording and the source
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
from digitlab.live.config import Steadiness
from digitlab.live.frame_reading import Mode, check_mode
from digitlab.live.loop import THREADS, ReadingLoop
from digitlab.live.session_recorder import SessionRecorder
from digitlab.live.snapshot import Change, Requested, Snapshot
from digitlab.live.tracks import Track
from digitlab.storage import atomic_paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.camera import Keep, Source
    from digitlab.live.live_reading import LiveReading, LiveStatistics
    from digitlab.live.region import Region
    from digitlab.reading import Reader
    from digitlab.values import Box

__all__ = ["Change", "LiveEngine", "Snapshot", "Track"]

_log = logging.getLogger(__name__)


class LiveEngine:
    """A camera with its threads, a reader in its own thread, and the result of the last frame.

    All methods are thread-safe. Only `close`, `stop_recording` and `wait` may block; settings take effect with the next
    frame. A context manager: starts and closes.
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
        steadiness: Steadiness | None = None,
    ) -> None:
        """Store the settings; nothing is opened yet.

        source: as the user gives it with `--source`, or a `Source`
        reader: reads the frames; None: `Reader(model, threads=1)` is loaded in the reader's thread
        region: the part that is read in the modes "region" and "thesis", in fractions of the frame (`Region`) or in
            pixels (a box); None means the square of S0 in the middle
        realtime: for files, whether they play at their own rate
        keep: as in `NewestFrame`
        insist: whether to keep retrying until a camera appears, even if it was never there
        steadiness: when an answer counts as steady, and for how long

        Raises:
            UsageError: for an unknown mode.
        """
        steadiness = steadiness or Steadiness()
        self._requested = Requested(source, reader, model, region, check_mode(mode), realtime, keep, insist, steadiness)
        self._loop = ReadingLoop(self._requested)
        self._models_asked = 0
        self._recording_failure: StorageError | None = None
        self._frames_not_recorded = 0

    # For views

    def start(self) -> None:
        """Start the threads; returns at once. Errors from now on appear in `Snapshot.problem`."""
        self._loop.start()

    def close(self) -> None:
        """Stop the threads, the source and the recording, in a few seconds at most. A second call does nothing."""
        self._loop.close()
        try:
            self.stop_recording()
        except StorageError as error:
            self._recording_failure = error
            self._loop.warning = str(error)
            _log.warning("%s", error)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def statistics(self) -> LiveStatistics:
        """Counts and latencies of the current source."""
        return self._loop.statistics

    @property
    def reader(self) -> Reader | None:
        """The reader; None until it is loaded."""
        return self._requested.reader

    @property
    def failure(self) -> DigitlabError | None:
        """The error that ended the current source, or that prevents every reading; None without one."""
        return self._loop.reader_error or self._loop.source_error

    @property
    def recording_failure(self) -> StorageError | None:
        """Why the recording that `close` finished is not there; None without an error."""
        return self._recording_failure

    @property
    def recording_problem(self) -> str | None:
        """Why the running recording has ended, or lacks frames; None without a problem, or without a recording."""
        recording = self._loop.recording
        return None if recording is None else recording.problem

    @property
    def frames_not_recorded(self) -> int:
        """How many frames are missing from the last recording that was finished, since they came too fast for it."""
        return self._frames_not_recorded

    @property
    def silence(self) -> float:
        """Seconds since the reader's thread began its last iteration; it makes ten per second, or one per frame."""
        return time.monotonic() - self._loop.turned

    def snapshot(self) -> Snapshot:
        """Return the current state; never blocks, takes microseconds."""
        loop, requested, now = self._loop, self._requested, time.monotonic()
        latest, feed, recording, reader = loop.latest, loop.feed, loop.recording, requested.reader
        read, frame = latest.read, latest.frame
        state, problem = self._state()
        warning = loop.warning or self.recording_problem
        return Snapshot(
            frame=frame,
            region=None if read is None else read.region,
            reading=None if read is None else read.reading,
            tracks=latest.tracks,
            glyph=None if read is None else read.glyph,
            probabilities=(0.0,) * 10 if read is None else read.probabilities,
            steady=latest.steady,
            mode=requested.mode,
            paused=requested.paused,
            recording=None if recording is None else recording.path,
            source=requested.source if isinstance(requested.source, str) else type(requested.source).__name__,
            model="" if reader is None else _name_of(reader),
            state=state,
            problem=problem or warning,
            frames_per_second=loop.rate(now),
            latency_ms=latest.latency_ms,
            age_ms=None if frame is None else (now - frame.captured) * 1000.0,
            captured=0 if feed is None else feed.captured,
            dropped=0 if feed is None else feed.dropped,
            read=loop.statistics.read,
            history=latest.history,
            number=latest.number,
            drawing=latest.drawing,
            stale=frame is not None and now - frame.captured > requested.steadiness.stale,
            last=None if latest.last is None else (latest.last[0], max(0.0, now - latest.last[1])),
            seconds=latest.seconds,
            only_warning=problem is None and warning is not None,
        )

    def _state(self) -> tuple[SourceState, str | None]:
        """Return the source's state, and the problem of the source or the reader."""
        loop = self._loop
        feed, failure = loop.feed, self.failure
        if loop.source_error is not None:
            state, problem = SourceState.ENDED, None
        elif feed is None:
            state, problem = SourceState.CONNECTING, None
        else:
            state, problem = feed.status.state, feed.status.problem
        if failure is not None:
            problem = str(failure)
        return state, problem

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until no more frames will be read: the source has ended or failed, or the model cannot be used.

        Returns False after `timeout` seconds.
        """
        return self._loop.wait(timeout)

    def subscribe(self, listener: Callable[[LiveReading], None]) -> Callable[[], None]:
        """Call `listener(LiveReading)` after each reading, in the reader's thread; return a function that ends this.

        `LiveReading.changed` tells whether the steady text changed. A listener that raises is dropped, and its error
        appears in `Snapshot.problem`. A view need not subscribe: it can take snapshots with a timer.
        """
        self._loop.listen(listener)
        return lambda: self._loop.leave(listener)

    # Settings

    def pause(self) -> None:
        """Stop reading frames; the last snapshot stays, the source keeps running."""
        self._requested.paused = True

    def resume(self) -> None:
        """Continue reading, from the newest frame on."""
        with self._loop.lock:
            self._requested.paused = False
            self._loop.renew()

    def set_region(self, region: Region | Box | None) -> None:
        """Read this part from the next frame on, and save it for the next session; None means the square of S0."""
        with self._loop.lock:
            self._requested.region = region
            self._loop.renew(region=True)

    def set_mode(self, mode: Mode) -> None:
        """Read in this mode from the next frame on; tracks and steady text are reset.

        Raises:
            UsageError: for an unknown mode.
        """
        mode = check_mode(mode)
        with self._loop.lock:
            self._requested.mode = mode
            self._loop.renew(mode=True)

    def set_source(self, source: str | Source) -> None:
        """Connect to another source, or to the same again; the history is kept, tracks and steady text are reset.

        Returns at once; the error for an unknown name appears in `Snapshot.problem`.
        """
        with self._loop.lock:
            self._requested.source = source
            self._loop.renew(source=True)

    def set_reader(self, reader: Reader) -> None:
        """Read with another reader from the next frame on."""
        with self._loop.lock:
            self._requested.reader = reader
            self._loop.renew(reader=True)

    def set_model(self, model: str | Path | None) -> None:
        """Load a model in a thread, then read with it; returns at once; an error appears in `Snapshot.problem`.

        Until it is loaded, the previous one is used. Of several, the last one counts, however long each takes to load.
        """
        with self._loop.lock:
            self._models_asked += 1
            number = self._models_asked
        threading.Thread(target=self._load, args=(model, number), name="digitlab-model", daemon=True).start()

    def _load(self, model: str | Path | None, number: int) -> None:
        from digitlab.reading.reader import Reader

        before = self._requested.reader
        try:
            threshold = None if before is None else before.requested_threshold
            reader = Reader(model, threshold=threshold, threads=THREADS)
        except DigitlabError as error:
            if number == self._models_asked:
                self._loop.warning = str(error)
            return
        with self._loop.lock:
            if number == self._models_asked:
                self._requested.model = model
                self.set_reader(reader)

    # Recordings and snapshots

    def record(self, path: Path) -> None:
        """Write every frame that is read to a video (`path`, .mp4 or .avi), and its readings beside it (.jsonl).

        A separate thread writes; frames for which it is too slow are left out of the video, and counted.

        Raises:
            UsageError: for another file name extension, or while a recording is running.
            StorageError: when the folder cannot be written.
        """
        loop = self._loop
        with loop.lock:
            if loop.recording is not None:
                raise UsageError(f"{loop.recording.path} is being recorded; stop that first")
            loop.recording = SessionRecorder(Path(path), self._rate)

    def _rate(self) -> float | None:
        """Return the frames per second of a file that is read as fast as possible; None: to be measured."""
        source = None if self._loop.feed is None else self._loop.feed.source
        return None if source is None or source.realtime else source.rate

    def stop_recording(self) -> Path | None:
        """Finish the recording; return the path of the video, or None without a recording. Waits for the last frames.

        Raises:
            StorageError: when the video could not be written.
        """
        with self._loop.lock:
            recording, self._loop.recording = self._loop.recording, None
        if recording is None:
            return None
        self._frames_not_recorded = recording.lost
        recording.close()
        return recording.path

    def save_snapshot(self, path: Path, seen: Snapshot | None = None) -> Path:
        """Write an unmodified frame to `path` (.png), with its reading beside it (.json).

        seen: the snapshot whose frame it is; None: the last frame that was read

        Raises:
            UsageError: before the first frame.
            StorageError: when it cannot be written.
        """
        import cv2

        latest = self._loop.latest if seen is None else seen
        live = latest.live_reading(changed=False)
        if latest.frame is None or live is None:
            raise UsageError("there is no frame yet to save; wait for the first")
        path = Path(path).with_suffix(".png")
        with atomic_paths(path, path.with_suffix(".json")) as (picture, reading):
            reading.write_bytes((json.dumps(live.as_json(), indent=1) + "\n").encode())
            # Not imwrite, which reports success even on a full disk.
            encoded, content = cv2.imencode(".png", cv2.cvtColor(latest.frame.image, cv2.COLOR_RGB2BGR))
            if not encoded:
                raise StorageError(f"cannot write {path}: the picture could not be encoded")
            picture.write_bytes(content.tobytes())
        return path


def _name_of(reader: Reader) -> str:
    card = reader.classifier.card
    return card.name if card is not None and card.name else reader.classifier.path.stem
