"""`digitlab live`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from digitlab.apps.cli.console import advise, say, say_json

if TYPE_CHECKING:
    from digitlab.live import LiveReading

__all__ = ["live"]


def live(
    *,
    source: str,
    model: str | None = None,
    threshold: float | None = None,
    headless: bool = False,
    fast: Annotated[bool, Parameter(negative=())] = False,
    json: bool = False,
) -> int:
    """Read digits from a video while it plays; one line a reading, the newest frame first.

    Ends with 1 when no digit was ever read. Frames a second and latency stand at the end, on stderr.

    For example:
    digitlab live --source paper.mp4 --headless
    digitlab live --source paper.mp4 --headless --json --fast

    Args:
        source: A video file, or a folder of pictures.
        model: A shipped name, a run folder or an .onnx file; else the shipped reader.
        threshold: Answer only where the confidence is at least this, 0 to 1.
        headless: Without a window; this version has no other way.
        fast: Every frame, as fast as they can be read, instead of at the video's own pace.
        json: One JSON object a reading; the last line is the summary.
    """
    from digitlab.camera import open_source
    from digitlab.live import LiveStatistics, watch
    from digitlab.reading import Reader

    frames = open_source(source, realtime=not fast)
    reader = Reader(model) if threshold is None else Reader(model, threshold=threshold)
    if not headless:
        advise("the window comes in a later version; reading headless")
    statistics = LiveStatistics()
    seen, shown = False, None
    try:
        for reading in watch(frames, reader, statistics=statistics):
            seen = seen or bool(reading.reading.text)
            if json:
                say_json(reading.as_json())
            elif reading.steady != shown and reading.steady is not None:
                shown = reading.steady
                say(_line(reading))
    except KeyboardInterrupt:
        advise("")
    if json:
        say_json({"summary": {"source": Path(source).name, **statistics.summary()}})
    advise(statistics.describe())
    return 0 if seen else 1


def _line(reading: LiveReading) -> str:
    return f"{reading.seconds:8.2f} s  {(reading.steady or '(nothing)').replace(chr(10), ' | ')}"
