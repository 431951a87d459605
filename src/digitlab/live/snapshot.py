"""The state of a live session at one moment: what was requested, the latest result, and what a view shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from digitlab.live.config import Steadiness
from digitlab.live.live_reading import LiveReading

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.camera import Keep, Source, SourceState
    from digitlab.live.frame_reading import FrameReading, Mode
    from digitlab.live.numbers import Number
    from digitlab.live.region import Region
    from digitlab.live.tracks import Track
    from digitlab.reading import Reader
    from digitlab.values import Box, Frame, Reading

__all__ = ["Change", "FrameResult", "Requested", "Snapshot"]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the steady text. seconds: since the session's first frame; clock: `time.time()`."""

    seconds: float
    clock: float
    text: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    r"""All that a view shows, at one moment. Its arrays are read-only and may be kept.

    frame: the frame that `reading` belongs to; None before the first (then everything else is empty as well)
    region: the part that is read, in pixels of the frame; None in mode "page", which reads the whole frame
    reading: of this frame alone, with bounding boxes in pixels of the whole frame in every mode
    tracks: digits tracked over frames, in reading order
    glyph: uint8 (28, 28), light ink on dark: the prepared image. In mode "page" of the most confident digit; in
        "thesis" the Sobel image; None if no ink could be segmented
    probabilities: ten, from this frame, for the same digit, class 0 first; all 0 if none was found
    steady: the text decided over several frames ("6885"; lines are joined by "\n"; "": certainly an empty page); None
        while undecided
    mode, paused, recording: as set; `recording` is the file being written, or None
    source: the source as it was given, e.g. "0" or an address
    model: the name of the model in use; "" until it is loaded
    state: of the source; ENDED together with a problem is a failure, unless that is only a warning
    problem: one line to be shown, or None
    frames_per_second: read, over the last two seconds; 0.0 when there were none
    latency_ms: from capture to reading, of the last frame; None before the first
    age_ms: time since the frame was captured; None before the first
    captured, dropped, read: frames so far, of this source
    drawing: whether ink is probably being added or removed
    stale: whether the frame is older than `Steadiness.stale`
    last: the last non-empty steady text, and the seconds since it was last seen
    history: the last changes of the steady text, oldest first, at most 200
    number: increases with each frame read and each restart; with the same number only state, problem, age and settings
        can differ
    seconds: from the source's first frame to this one, of a file by its own clock
    only_warning: whether the problem is neither the source's nor the reader's: of a recording, the settings file …
    """

    frame: Frame | None
    region: Box | None
    reading: Reading | None
    tracks: tuple[Track, ...]
    glyph: NDArray[np.uint8] | None
    probabilities: tuple[float, ...]
    steady: str | None
    mode: Mode
    paused: bool
    recording: Path | None
    source: str
    model: str
    state: SourceState
    problem: str | None
    frames_per_second: float
    latency_ms: float | None
    age_ms: float | None
    captured: int
    dropped: int
    read: int
    history: tuple[Change, ...]
    number: int
    drawing: bool = False
    stale: bool = False
    last: tuple[str, float] | None = None
    seconds: float = 0.0
    only_warning: bool = False

    def live_reading(self, *, changed: bool) -> LiveReading | None:
        """Return the reading of its frame in the form that listeners get; None before the first frame."""
        if self.frame is None or self.reading is None or self.latency_ms is None:
            return None
        return LiveReading(
            frame_number=self.frame.number,
            captured=self.frame.captured,
            seconds=self.seconds,
            latency_ms=self.latency_ms,
            reading=self.reading,
            steady=self.steady,
            tracks=self.tracks,
            changed=changed,
            drawing=self.drawing,
        )


@dataclass(slots=True)
class Requested:
    """The settings requested by the caller: changed under the loop's lock, applied with the next frame.

    reader: None until `model` is loaded
    region: in fractions of the frame, in pixels until the first frame, or None for the default of S0
    realtime, keep, insist, steadiness: as in `LiveEngine`
    """

    source: str | Source
    reader: Reader | None
    model: str | Path | None
    region: Region | Box | None
    mode: Mode
    realtime: bool
    keep: Keep | None
    insist: bool
    steadiness: Steadiness = field(default_factory=Steadiness)
    paused: bool = False


@dataclass(frozen=True, slots=True)
class FrameResult:
    """The result of one frame, published as a whole.

    number, history, drawing, seconds: as in `Snapshot`
    telling, numbers: as in `Tracker`; last: as in `LiveReading`
    """

    number: int = 0
    frame: Frame | None = None
    read: FrameReading | None = None
    tracks: tuple[Track, ...] = ()
    steady: str | None = None
    latency_ms: float | None = None
    seconds: float = 0.0
    history: tuple[Change, ...] = ()
    drawing: bool = False
    telling: int = 0
    numbers: tuple[Number, ...] = ()
    last: tuple[str, float] | None = None

    def live_reading(self, *, changed: bool, telling: bool = False) -> LiveReading | None:
        """Return the result in the form that listeners get; None before the first frame."""
        if self.frame is None or self.read is None or self.latency_ms is None:
            return None
        return LiveReading(
            frame_number=self.frame.number,
            captured=self.frame.captured,
            seconds=self.seconds,
            latency_ms=self.latency_ms,
            reading=self.read.reading,
            steady=self.steady,
            tracks=self.tracks,
            changed=changed,
            drawing=self.drawing,
            telling=telling,
            numbers=self.numbers,
            last=self.last,
        )
