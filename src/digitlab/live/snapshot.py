"""All that a view shows of a live session, at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.camera.source import SourceState
    from digitlab.live.frame_reading import Mode
    from digitlab.live.tracks import Track
    from digitlab.values import Box, Frame, Reading

__all__ = ["Change", "Snapshot"]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the steady text. seconds: since the session's first frame; clock: `time.time()`."""

    seconds: float
    clock: float
    text: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    r"""All that a view shows, at one moment. Its arrays are read-only and may be kept.

    frame: the frame that `reading` is of; None before the first (then there is nothing else either)
    region: what is read, in pixels of the frame; None in mode "page", where the whole frame is
    reading: of this frame alone, with boxes in pixels of the whole frame in every mode
    tracks: digits followed over frames, in reading order
    glyph: uint8 (28, 28), light ink on dark: the prepared image. In mode "page" of the surest digit; in "thesis" the
        Sobel image; None where no ink could be cut out
    probabilities: ten of this frame for the same digit, class 0 first; all 0 where none was found
    steady: the text that won over several frames ("6885"; lines are joined by "\n"; "" is surely nothing there); None
        while nothing is sure
    mode, paused, recording: as set; `recording` is the file being written, or None
    source: the text that the source was named by
    model: the name of the model in use; "" until it is loaded
    state: what the source does; an end with a problem is a failure
    problem: one line to be shown, or None
    frames_per_second: read, over the last two seconds; 0.0 when there were none
    latency_ms: from capture to reading, of the last frame; None before it
    age_ms: how old the frame is now; None before the first
    captured, dropped, read: frames so far, of this source
    history: the last changes of the steady text, oldest first, at most 200
    number: counts what was read and begun anew; the same number means that nothing changed but state, problem, age and
        settings
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
