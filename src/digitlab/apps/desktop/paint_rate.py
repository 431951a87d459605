"""How often the window paints while its camera says nothing: in a process of its own, for `digitlab bench live`.

    python -m digitlab.apps.desktop.paint_rate 5

prints one JSON object. Without QT_QPA_PLATFORM nothing appears on the screen.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from digitlab.camera.source import Source
from digitlab.values import Frame

__all__ = ["PaintRate", "SilentCamera", "main", "measure_paints"]


class SilentCamera(Source):
    """A camera that gives some frames and then says nothing more, whoever waits for it."""

    rate = 30.0
    realtime = True

    def __init__(self, frames: int = 3, size: tuple[int, int] = (640, 480)) -> None:
        width, height = size
        self._image = np.full((height, width, 3), 214, np.uint8)
        self._image[height * 2 // 5 : height * 3 // 5, width * 49 // 100 : width * 51 // 100] = 40  # a bar: a one
        self._frames = frames
        self._given = 0
        self._closing = threading.Event()

    def open(self) -> None:
        """Begin; the second time it is as silent as before."""
        self._closing.clear()

    def read(self) -> Frame | None:
        """The next frame, or a wait that only `close` ends."""
        silent = self._given >= self._frames
        if self._closing.wait(3600.0 if silent else 1.0 / self.rate):
            return None
        self._given += 1
        return Frame(self._image.copy(), time.monotonic(), self._given - 1)

    def close(self) -> None:
        """End the wait."""
        self._closing.set()


@dataclass(frozen=True, slots=True)
class PaintRate:
    """What was measured.

    seconds: over how long; paints: of the camera's picture, in this time
    paints_per_second: their ratio
    longest_gap_ms: the longest time from one paint to the next
    state: of the camera, at the end
    size: of the window, in points
    """

    seconds: float
    paints: int
    paints_per_second: float
    longest_gap_ms: float
    state: str
    size: tuple[int, int]


def measure_paints(seconds: float = 5.0, *, settle: float = 2.5, size: tuple[int, int] = (1180, 760)) -> PaintRate:
    """Open the window on a camera that falls silent, and count its paints once it has.

    Args:
        seconds: how long is counted.
        settle: how long before that; the camera counts as stalled two seconds after its last frame.
        size: of the window.
    """
    from PySide6.QtCore import QEventLoop, QTimer

    from digitlab.apps.desktop.running import application
    from digitlab.apps.desktop.settings import WindowSettings
    from digitlab.apps.desktop.window import LiveWindow
    from digitlab.live.engine import LiveEngine

    app = application()
    with tempfile.TemporaryDirectory() as folder, LiveEngine(SilentCamera()) as engine:
        window = LiveWindow(engine, WindowSettings(Path(folder) / "window.json"))
        window.resize(*size)
        window.show()

        def run(how_long: float) -> None:
            loop = QEventLoop()
            QTimer.singleShot(round(1000 * how_long), loop.quit)
            loop.exec()

        deadline = time.monotonic() + 20.0  # the model loads, and the first frames come
        while engine.snapshot().frame is None and time.monotonic() < deadline:
            run(0.05)
        run(settle)
        gaps = window.frame_view.watch_paints()
        start, before = time.perf_counter(), window.frame_view.paints
        run(seconds)
        lasted, paints = time.perf_counter() - start, window.frame_view.paints - before
        state = str(engine.snapshot().state)
        window.close()
        app.processEvents()
    longest = max((later - earlier for earlier, later in itertools.pairwise(gaps)), default=lasted)
    return PaintRate(round(lasted, 3), paints, round(paints / lasted, 1), round(1000 * longest, 1), state, size)


def main() -> int:
    """Measure as the command line says, and print it."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    settle = float(sys.argv[2]) if len(sys.argv) > 2 else 2.5
    sys.stdout.write(json.dumps(asdict(measure_paints(seconds, settle=settle))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
