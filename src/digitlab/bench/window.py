"""How often the window of `digitlab live` paints while its camera is stalled."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass

from digitlab.errors import DigitlabError, MissingExtraError

__all__ = ["WindowPaints", "measure_window"]

# By name: views stand above the benches, which may not import them.
_MODULE = "digitlab.apps.desktop.paint_rate"


@dataclass(frozen=True, slots=True)
class WindowPaints:
    """What was measured.

    paints_per_second: over `seconds`, with a camera that has said nothing for more than two
    longest_gap_ms: the longest time from one paint to the next
    """

    seconds: float
    paints: int
    paints_per_second: float
    longest_gap_ms: float
    state: str
    size: tuple[int, int]

    def sentence(self) -> str:
        """For people."""
        return (
            f"window: {self.paints_per_second:.1f} paints/s over {self.seconds:.1f} s with a {self.state} camera "
            f"(longest gap {self.longest_gap_ms:.0f} ms; asked: 60 paints/s)"
        )


def measure_window(seconds: float = 5.0, *, settle: float = 2.5) -> WindowPaints:
    """Open the window in a process of its own, off the screen, on a camera that falls silent, and count.

    seconds: how long is counted; settle: how long the camera has said nothing before

    Raises:
        MissingExtraError: without PySide6.
        DigitlabError: when the window could not be opened; the text ends with Qt's own last line.
    """
    if importlib.util.find_spec("PySide6") is None:
        raise MissingExtraError("desktop", needed_for="the window's bench")
    command = [sys.executable, "-m", _MODULE, f"{seconds:g}", f"{settle:g}"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise DigitlabError(f"the window could not be measured: {last}")
    result = json.loads(done.stdout.splitlines()[-1])
    return WindowPaints(**{**result, "size": tuple(result["size"])})
