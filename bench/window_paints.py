"""Rate at which the window paints while its camera is stalled:  python bench/window_paints.py [SECONDS]

Unless QT_QPA_PLATFORM is set, nothing appears on the screen. The target is 60 paints per second.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digitlab.camera import Source
from digitlab.values import Frame

__all__ = ["PaintRate", "SilentCamera", "measure_paints"]


class SilentCamera(Source):
    """A camera that delivers a few frames and then no more; reading blocks."""

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
        """Start; reopening it gives no new frames."""
        self._closing.clear()

    def read(self) -> Frame | None:
        """Return the next frame, or block until `close`."""
        silent = self._given >= self._frames
        if self._closing.wait(3600.0 if silent else 1.0 / self.rate):
            return None
        self._given += 1
        return Frame(self._image.copy(), time.monotonic(), self._given - 1)

    def close(self) -> None:
        """Unblock `read`."""
        self._closing.set()


@dataclass(frozen=True, slots=True)
class PaintRate:
    """Result of the measurement.

    seconds: the measured time; paints: number of paints of the camera's picture in this time
    longest_gap_ms: the longest time between two paints
    state: of the camera, at the end
    """

    seconds: float
    paints: int
    longest_gap_ms: float
    state: str

    @property
    def paints_per_second(self) -> float:
        """Mean paint rate."""
        return self.paints / self.seconds

    def describe(self) -> str:
        """Describe the result on one line."""
        return (
            f"window: {self.paints_per_second:.1f} paints/s over {self.seconds:.1f} s with a {self.state} camera "
            f"(longest gap {self.longest_gap_ms:.0f} ms; target: 60 paints/s)"
        )


def measure_paints(seconds: float = 5.0, *, settle: float = 2.5, size: tuple[int, int] = (1180, 760)) -> PaintRate:
    """Open the window with a camera that stalls, and count its paints.

    seconds: the measured time; settle: the time before it (a camera is stalled two seconds after its last frame)
    size: of the window, in points
    """
    from PySide6.QtCore import QEventLoop, QTimer

    from digitlab.apps.desktop.running import application
    from digitlab.apps.desktop.settings import WindowSettings
    from digitlab.apps.desktop.window import LiveWindow
    from digitlab.live import LiveEngine

    app = application()
    with tempfile.TemporaryDirectory() as folder, LiveEngine(SilentCamera()) as engine:
        window = LiveWindow(engine, WindowSettings(Path(folder) / "window.json"))
        window.resize(*size)
        window.show()

        def run(how_long: float) -> None:
            loop = QEventLoop()
            QTimer.singleShot(round(1000 * how_long), loop.quit)
            loop.exec()

        deadline = time.monotonic() + 20.0  # until the model is loaded and the first frames have arrived
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
    return PaintRate(lasted, paints, 1000 * longest, state)


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    print(measure_paints(float(sys.argv[1]) if sys.argv[1:] else 5.0).describe())
