"""Time until a network camera is read again after an outage:  python bench/camera_recovery.py [TIMES]

The camera is an MJPEG server on this computer that fails in six ways in turn; each outage takes about three seconds.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from digitlab.camera import MjpegStream, NewestFrame
from faulty_camera import Fault, FaultyCamera

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Recovery", "measure_recovery"]

# The failures, used in turn. "killed" stops the server; the others are faults of a running server.
_FAILURES: tuple[Fault | str, ...] = ("killed", "cut", "frozen", "garbage", "sizes", "halves")
_GONE_FOR = (0.3, 1.1, 2.6, 0.6, 3.4)  # seconds, used in turn: our pauses between attempts grow with the outage
_TARGET = 3.0  # seconds
_PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class Recovery:
    """Result of the measurement.

    seconds: from each return of the camera to the first frame after it
    late: how often that took longer than three seconds; crashes: exceptions that ended a thread or the stream
    threads_left: our threads alive after closing; reconnects: new connections with frames; damaged: skipped pictures
    """

    times: int
    seconds: list[float]
    late: int
    crashes: int
    threads_left: int
    reconnects: int
    damaged: int

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a dictionary for JSON."""
        return {**asdict(self), "median_s": statistics.median(self.seconds), "max_s": max(self.seconds)}

    def describe(self) -> str:
        """Describe the result on one line."""
        return (
            f"camera gone and back {self.times} times: first frame after {statistics.median(self.seconds):.2f} s "
            f"(median), {max(self.seconds):.2f} s (longest; target: {_TARGET:g} s), {self.late} late, "
            f"{self.crashes} crashes, {self.threads_left} threads left"
        )


def measure_recovery(
    times: int, on_progress: Callable[[str], None] = lambda _: None, *, gone_for: tuple[float, ...] = _GONE_FOR
) -> Recovery:
    """Make an MJPEG camera on this computer fail ``times`` times, in different ways, and time each recovery.

    on_progress: called with a line per outage; gone_for: lengths of the outages in seconds, used in turn
    """
    before = set(threading.enumerate())
    seconds: list[float] = []
    with _counted_crashes() as crashes:
        with FaultyCamera() as camera:
            source = MjpegStream(camera.address)
            with NewestFrame(source, reconnect=True) as frames:
                _frame_after(frames, time.monotonic())
                for number in range(times):
                    failure = _FAILURES[number % len(_FAILURES)]
                    _fail(camera, failure, gone_for[number % len(gone_for)])
                    back = time.monotonic()
                    try:
                        seconds.append(_frame_after(frames, back) - back)
                    except Exception as error:  # noqa: BLE001 - every exception counts as a crash
                        crashes.append(repr(error))
                        seconds.append(_PATIENCE)
                        break
                    on_progress(f"{number + 1:4d}. {failure:8} back after {seconds[-1]:.2f} s")
        left = [thread for thread in threading.enumerate() if thread not in before]
    return Recovery(
        times=len(seconds),
        seconds=[round(each, 3) for each in seconds],
        late=sum(each > _TARGET for each in seconds),
        crashes=len(crashes),
        threads_left=len(left),
        reconnects=frames.reconnects,
        damaged=source.damaged,
    )


def _fail(camera: FaultyCamera, failure: str, seconds: float) -> None:
    if failure == "killed":
        camera.switch_off()
        time.sleep(seconds)
        camera.switch_on()
    else:
        camera.fault = failure  # type: ignore[assignment]
        time.sleep(seconds)
        camera.fault = "none"


def _frame_after(frames: NewestFrame, moment: float) -> float:
    """Return the time at which the first frame captured after the moment arrived.

    Raises:
        TimeoutError: if none arrives.
    """
    while time.monotonic() < moment + _PATIENCE:
        frame = frames.get(timeout=0.1)
        if frame is not None and frame.captured > moment:
            return time.monotonic()
        if frame is None and frames.ended:
            break
    raise TimeoutError(f"no frame: {frames.state}, {frames.problem}")


@contextlib.contextmanager
def _counted_crashes() -> Iterator[list[str]]:
    """Collect the exceptions that end threads while the context is active."""
    crashes: list[str] = []
    before = threading.excepthook
    threading.excepthook = lambda happened: crashes.append(repr(happened.exc_value))
    try:
        yield crashes
    finally:
        threading.excepthook = before


if __name__ == "__main__":
    print(measure_recovery(int(sys.argv[1]) if sys.argv[1:] else 100, print).describe())
