"""A camera that goes away and comes back: how long until we read again?"""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from digitlab.bench.faulty_camera import Fault, FaultyCamera
from digitlab.camera import MjpegStream, NewestFrame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["GoneAndBack", "camera_gone_and_back"]

# What happens, in turn. "killed" is the server's end; the others are faults of a server that stays.
_HAPPENINGS: tuple[Fault | str, ...] = ("killed", "cut", "frozen", "garbage", "sizes", "halves")
_GONE_FOR = (0.3, 1.1, 2.6, 0.6, 3.4)  # seconds, in turn: pauses between our tries grow while a camera is gone longer
_ASKED = 3.0  # seconds
_PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class GoneAndBack:
    """What was measured.

    seconds: from each return of the camera to the first frame after it
    late: how often that took longer than three seconds; crashes: threads that died, and streams that ended
    threads_left: of ours, after closing; reconnects: new connections that gave frames; damaged: pictures left out
    """

    times: int
    seconds: list[float]
    late: int
    crashes: int
    threads_left: int
    reconnects: int
    damaged: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "median_s": statistics.median(self.seconds), "max_s": max(self.seconds)}

    def describe(self) -> str:
        """One line for people."""
        return (
            f"camera gone and back {self.times} times: first frame after {statistics.median(self.seconds):.2f} s "
            f"(median), {max(self.seconds):.2f} s (longest; asked: {_ASKED:g} s), {self.late} late, "
            f"{self.crashes} crashes, {self.threads_left} threads left"
        )


def camera_gone_and_back(
    times: int, say: Callable[[str], None] = lambda _: None, *, gone_for: tuple[float, ...] = _GONE_FOR
) -> GoneAndBack:
    """Let an MJPEG camera on this computer go away so many times, in different ways, and measure its return.

    It takes about three seconds a time. ``say`` is told of each; ``gone_for`` is used in turn, in seconds.
    """
    before = set(threading.enumerate())
    seconds: list[float] = []
    with _counted_crashes() as crashes:
        with FaultyCamera() as camera:
            source = MjpegStream(camera.address)
            with NewestFrame(source, reconnect=True) as frames:
                _frame_after(frames, time.monotonic())
                for number in range(times):
                    happening = _HAPPENINGS[number % len(_HAPPENINGS)]
                    _let_happen(camera, happening, gone_for[number % len(gone_for)])
                    back = time.monotonic()
                    try:
                        seconds.append(_frame_after(frames, back) - back)
                    except Exception as error:  # noqa: BLE001 - to be counted, whatever it is
                        crashes.append(repr(error))
                        seconds.append(_PATIENCE)
                        break
                    say(f"{number + 1:4d}. {happening:8} back after {seconds[-1]:.2f} s")
        left = [thread for thread in threading.enumerate() if thread not in before]
    return GoneAndBack(
        times=len(seconds),
        seconds=[round(each, 3) for each in seconds],
        late=sum(each > _ASKED for each in seconds),
        crashes=len(crashes),
        threads_left=len(left),
        reconnects=frames.reconnects,
        damaged=source.damaged,
    )


def _let_happen(camera: FaultyCamera, happening: str, seconds: float) -> None:
    if happening == "killed":
        camera.switch_off()
        time.sleep(seconds)
        camera.switch_on()
    else:
        camera.fault = happening  # type: ignore[assignment]
        time.sleep(seconds)
        camera.fault = "none"


def _frame_after(frames: NewestFrame, moment: float) -> float:
    """When the first frame came that was captured after the moment.

    Raises:
        TimeoutError: when none comes.
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
    """The errors that end threads meanwhile."""
    crashes: list[str] = []
    before = threading.excepthook
    threading.excepthook = lambda happened: crashes.append(repr(happened.exc_value))
    try:
        yield crashes
    finally:
        threading.excepthook = before
