"""Live reading for hours of video time, with cameras that fail in ten ways, and a process that is suspended.

    python bench/endurance/live.py                           # 8 hours of video time, 500 losses: about an hour
    python bench/endurance/live.py --hours 0.1 --count 20 --minutes 2

The camera delivers as fast as it is read, and its frames are timed by their number: five per second of video time. The
region, the page and the window get about a third each. Each session runs in a separate process, whose memory and
threads are counted. Every picture carries the number of its connection, so that one from an earlier one is known.

Then a `digitlab live` process is stopped (SIGSTOP) and continued while its camera goes on, the wall clock of another
session jumps, the computer seems to have slept, and an MJPEG camera fails on a real socket (`camera_recovery.py`).
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _cameras import RATE, WAYS, LosingCamera, Reading, connection_of, drawn, jpeg
from results import Row, arguments, finish, time_left

from camera_recovery import measure_recovery
from digitlab.bench.machine import memory_megabytes
from digitlab.camera import Recorded
from digitlab.live import LiveEngine
from faulty_camera import FaultyCamera

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.live import LiveReading

BACK_WITHIN = 3.0  # seconds
GROWTH = 5.0  # MB
STALE = 2.0  # seconds: older readings must be marked as stale
SHARES = {"region": 0.4, "page": 0.3, "window": 0.3}


# A session --------------------------------------------------------------------------------------------------------


class Session:
    """One engine on one failing camera; the engine's listener records what happens.

    old: readings of pictures from an earlier connection; recoveries: way of failing and seconds until reading resumed
    """

    def __init__(self, mode: str, frames: int, losses: int, seed: int) -> None:
        blank = drawn("", 10)
        texts = [("5", "8"), ("3", "1")] if mode != "page" else [("05/13", "68"), ("792", "4")]
        own, others = ([*drawn(a, 12), *blank, *drawn(b, 12), *blank] for a, b in texts)
        self.camera = LosingCamera(own, others, frames)
        self.mode, self.frames, self.seed = mode, frames, seed
        order = list(itertools.islice(itertools.cycle(WAYS), losses))
        random.Random(seed).shuffle(order)  # noqa: S311 - no secret
        self.at = {int((number + 1) * frames / (losses + 1)): way for number, way in enumerate(order)}
        self.old: list[str] = []
        self.recoveries: list[tuple[str, float]] = []
        self.texts: set[str] = set()
        self.memory: list[float] = []
        self.threads: list[int] = []
        self.failing: str | None = None
        self.read = self.newest = 0
        self.engine = LiveEngine(self.camera, mode="page" if mode == "page" else "region", keep="all")
        self.engine.subscribe(self._listen)

    def _listen(self, live: LiveReading) -> None:
        if not live.reading.digits and live.steady is None and live.changed and self.camera.lost:
            return  # the camera is gone: nothing is decided meanwhile
        self.read += 1
        camera, frame = self.camera, self.engine.snapshot().frame
        shown = None if frame is None else connection_of(frame.image)
        if shown is not None:
            if shown < self.newest:  # a picture may have been queued when the camera was reopened
                self.old.append(f"frame {live.frame_number} of connection {shown}, now is {camera.connection}")
            self.newest = max(self.newest, shown)
            if camera.lost is not None and self.failing is not None and shown > camera.lost_connection:
                self.recoveries.append((self.failing, max(0.0, time.monotonic() - camera.lost)))
                camera.lost = self.failing = None
        if live.steady:
            self.texts.add(live.steady)
        for number in [each for each in self.at if each <= self.read]:
            if self.failing is None:
                self.failing = self.at.pop(number)
                camera.lose(self.failing)
        if self.read % max(1, self.frames // 40) == 0:
            gc.collect()
            self.memory.append(memory_megabytes())
            self.threads.append(threading.active_count())

    def run(self, over: Callable[[], bool], look: Callable[[LiveEngine], str | None]) -> dict[str, Any]:
        """Run until all frames are read or the time is over. look: called repeatedly; returns what it finds wrong"""
        wrong: list[str] = []
        before = threading.active_count()
        start, self.began_cpu = time.monotonic(), time.process_time()
        with self.engine:
            while self.camera.delivered < self.camera.frame_limit and not over():
                problem = look(self.engine)
                if problem is not None and len(wrong) < 20:
                    wrong.append(problem)
                if self.engine.failure is not None:
                    wrong.append(f"the session ended: {self.engine.failure}")
                    break
            self.camera.over.set()
        until = time.monotonic() + 6.0
        while threading.active_count() > before and time.monotonic() < until:
            time.sleep(0.05)
        settled = len(self.memory) // 2  # both sets of pictures were read by then: networks keep memory for the largest
        return {
            "mode": self.mode, "frames": self.read, "video_hours": round(self.read / RATE / 3600, 3),
            "seconds": round(time.monotonic() - start, 1), "old": self.old[:20], "recoveries": self.recoveries,
            "wrong": wrong,
            "growth_mb": round(self.memory[-1] - self.memory[settled], 2) if len(self.memory) > 4 else None,
            "memory_mb": [round(each, 1) for each in self.memory],
            "threads": self.threads, "threads_left": threading.active_count() - before, "texts": sorted(self.texts),
        }  # fmt: skip


def _watch_snapshot(engine: LiveEngine) -> str | None:
    """Look at what a view would show, sixty times a second: nothing old may be shown without being marked as stale."""
    engine.wait(1 / 60)
    seen = engine.snapshot()
    if seen.age_ms is not None and seen.age_ms > 1000 * (STALE + 0.1) and not seen.stale:
        return f"a picture of {seen.age_ms:.0f} ms ago is not called stale"
    return None


def run_session(mode: str, frames: int, losses: int, seed: int, minutes: float) -> dict[str, Any]:
    """Run one session, in this process."""
    over = time_left(minutes)
    session = Session(mode, frames, losses, seed)
    if mode != "window":
        return session.run(over, _watch_snapshot)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QEventLoop, QTimer

    from digitlab.apps.desktop.running import application
    from digitlab.apps.desktop.settings import WindowSettings
    from digitlab.apps.desktop.window import LiveWindow

    app = application()
    with tempfile.TemporaryDirectory() as folder:
        window = LiveWindow(session.engine, WindowSettings(Path(folder) / "window.json"))
        window.show()

        def look(engine: LiveEngine) -> str | None:
            loop = QEventLoop()
            QTimer.singleShot(50, loop.quit)
            loop.exec()
            seen, view = engine.snapshot(), window.panels.answer_view
            old = seen.age_ms is not None and seen.age_ms > 1000 * (STALE + 0.3)
            wrong = old and view.text and not view.stale
            return f"the window shows {view.text!r} of {seen.age_ms} ms ago as new" if wrong else None

        result = session.run(over, look)
        window.close()
        app.processEvents()
    return result


def _session_apart(mode: str, frames: int, losses: int, seed: int, minutes: float) -> dict[str, Any]:
    command = [sys.executable, __file__, "--session", mode, str(frames), str(losses), str(seed), str(minutes)]
    with tempfile.TemporaryDirectory() as settings:
        environment = {**os.environ, "DIGITLAB_CONFIG": settings}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        return {"crash": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:300]}
    return json.loads(done.stdout.splitlines()[-1])


def judge_session(result: dict[str, Any], lost: Row, steady: Row) -> None:
    """Add the results of a session to the rows."""
    if "crash" in result:
        steady.add(result["crash"])
        return
    where = result["mode"]
    for way, seconds in result["recoveries"]:
        late = seconds > BACK_WITHIN
        lost.add(f"{where}, {way}: back after {seconds:.2f} s" if late else None)
    for line in [*result["old"], *result["wrong"]]:
        lost.failures.append(f"{where}: {line}")
    growth, count = result["growth_mb"], result["threads"]
    faults = []
    if growth is not None and growth > GROWTH:
        faults.append(f"memory grew by {growth} MB")
    if result["threads_left"] > 0 or (count and max(count[len(count) // 2 :]) > max(count[: len(count) // 2 + 1]) + 4):
        faults.append(f"threads: {result['threads_left']} left; {count}")
    if not result["texts"]:
        faults.append("no text was ever steady")
    steady.add(f"{where}: {'; '.join(faults)}" if faults else None)
    steady.measured[where] = {key: result[key] for key in (
        "frames", "video_hours", "seconds", "growth_mb", "threads_left", "texts")}  # fmt: skip


# A suspended process -----------------------------------------------------------------------------------------------


def suspend(row: Row, times: int, seconds: tuple[float, ...], over: Callable[[], bool]) -> None:
    """Stop `digitlab live` with SIGSTOP while its camera goes on and shows other digits, and continue it."""
    pictures = {digit: jpeg(digit) for digit in "538"}
    recoveries: list[float] = []
    with FaultyCamera(pictures=[pictures["5"]] * 32) as camera, contextlib.ExitStack() as closing:
        reading = Reading(camera.address, "--mode", "region")
        closing.callback(reading.close)
        for number in range(times):
            if over():
                break
            stopped_for = seconds[number % len(seconds)]
            camera.show(pictures["5"])
            reading.wait_for(lambda line: line.get("steady") == "5", 60)
            reading.process.send_signal(signal.SIGSTOP)
            time.sleep(stopped_for / 2)
            camera.show(pictures["3"])
            time.sleep(stopped_for / 2)
            camera.show(pictures["8"])
            time.sleep(0.3)
            while not reading.lines.empty():
                reading.lines.get_nowait()
            again = time.monotonic()
            reading.process.send_signal(signal.SIGCONT)
            fault = None
            try:
                lines = reading.wait_for(lambda line: line.get("text") == "8", 15)
            except TimeoutError as error:
                row.add(f"stopped for {stopped_for:g} s: {error}")
                continue
            recoveries.append(lines[-1][0] - again)
            new = [line for _, line in lines if line.get("age", np.inf) < min(STALE, stopped_for)]
            old = [line for line in new if {"5", "3"} & {line["text"], line["steady"]}]
            if stopped_for > 2.5 and old:
                fault = f"stopped for {stopped_for:g} s: {len(old)} old pictures read as new, e.g. {old[0]}"
            elif recoveries[-1] > BACK_WITHIN:
                fault = f"stopped for {stopped_for:g} s: back after {recoveries[-1]:.2f} s"
            row.add(fault)
    if recoveries:
        row.measured["back_s"] = {"median": round(float(np.median(recoveries)), 2), "most": round(max(recoveries), 2)}


class _Lasting(Recorded):
    """Pictures from memory that act as a live camera: it has no end, and may fail."""

    live = True


def jump_clocks(row: Row, times: int) -> None:
    """Make the wall clock jump, and the computer seem to sleep, in a session: ages stay right, old is marked as old."""
    import digitlab.camera.newest as newest
    import digitlab.live.loop as loop

    real, wall, slept = time.time, [0.0], [0.0]
    time.time = lambda: real() + wall[0]  # type: ignore[assignment]
    asleep = (newest.seconds_asleep, loop.seconds_asleep)
    newest.seconds_asleep = loop.seconds_asleep = lambda: slept[0]  # type: ignore[assignment]
    try:
        pictures = [cv2.cvtColor(each, cv2.COLOR_BGR2RGB) for each in drawn("5", 8)]
        source = _Lasting(itertools.cycle(pictures), rate=30.0)
        readings: list[LiveReading] = []
        with LiveEngine(source) as engine:
            engine.subscribe(lambda live: (readings.clear(), readings.append(live)))
            for number in range(times):
                until = time.monotonic() + 30
                while engine.snapshot().steady != "5" and time.monotonic() < until:
                    time.sleep(0.02)
                kind = ("forward", "back", "asleep")[number % 3]
                if kind == "asleep":
                    slept[0] += 3600.0
                    row.add(_after_sleep(engine))
                else:
                    wall[0] += 86_400.0 * (365 if kind == "forward" else -700)
                    time.sleep(0.3)
                    sent, seen = readings[0].announcement().as_json(), engine.snapshot()
                    late = sent["age"] > 1.0 or abs(sent["time"] - time.time()) > 1.0
                    wrong = late or seen.stale or seen.steady != "5"
                    row.add(f"wall clock {kind}: {sent}, {seen.steady!r}, stale {seen.stale}" if wrong else None)
    finally:
        time.time = real
        newest.seconds_asleep, loop.seconds_asleep = asleep  # type: ignore[assignment]


def _after_sleep(engine: LiveEngine) -> str | None:
    """After an hour of sleep, the reading must be an hour old or new, and the camera must soon be read again."""
    number, slept = engine.snapshot().captured, time.monotonic()
    until = slept + BACK_WITHIN
    while time.monotonic() - engine.silence < slept + 0.2 and time.monotonic() < until:  # two iterations of the reader
        time.sleep(0.01)
    seen = engine.snapshot()
    if seen.captured <= number + 1 and seen.steady is not None and not seen.stale:
        return f"an hour of sleep later {seen.steady!r} counts as new"
    while time.monotonic() < until:
        if engine.snapshot().steady == "5" and engine.snapshot().captured > number:
            return None
        time.sleep(0.02)
    return f"after an hour of sleep not read again within {BACK_WITHIN:g} s: {engine.snapshot().state}"


def main() -> int:
    parser = arguments(__doc__, count=500)
    parser.add_argument("--hours", type=float, default=8.0, help="of video time (default 8)")
    parser.add_argument("--stops", type=int, default=0, help="of a suspended process; 0: count/25")
    parser.add_argument("--stopped-for", type=float, nargs="*", default=[3.0, 10.0, 60.0], help="seconds, in turn")
    parser.add_argument("--session", nargs=5, help="for this script itself: one session in this process")
    options = parser.parse_args()
    if options.session:
        mode, frames, losses, seed, minutes = options.session
        print(json.dumps(run_session(mode, int(frames), int(losses), int(seed), float(minutes))))
        return 0
    over = time_left(options.minutes)
    lost = Row("cameras of this computer lost in ten ways", "back in ≤ 3 s, no old frame shown")
    steady = Row("hours of video time through region, page and window", "≤ 5 MB growth, threads flat")
    network = Row("an MJPEG camera lost in six ways", "back in ≤ 3 s, no thread left")
    stopped = Row("`digitlab live` suspended (SIGSTOP)", "back in ≤ 3 s, no old frame shown as new")
    clocks = Row("clock jumps: a year on, two back, an hour asleep", "ages right, nothing old shown as new")
    frames, losses = int(options.hours * 3600 * RATE), options.count * 4 // 5
    minutes = 0.7 * options.minutes
    for mode, share in SHARES.items():
        result = _session_apart(mode, int(share * frames), int(share * losses), options.seed, share * minutes)
        judge_session(result, lost, steady)
        print(
            mode, json.dumps({key: result.get(key) for key in ("frames", "seconds", "growth_mb", "crash")}), flush=True
        )
    steady.measured["video_hours"] = round(sum(each["video_hours"] for each in steady.measured.values()), 2)
    recovery = measure_recovery(max(6, min(options.count // 5, 100)), gone_for=(0.3, 1.1, 2.6))
    for seconds in recovery.seconds:
        network.add(f"back after {seconds:.2f} s" if seconds > BACK_WITHIN else None)
    network.measured = {key: value for key, value in recovery.as_dict().items() if key != "seconds"}
    if recovery.crashes or recovery.threads_left:
        network.failures.append(recovery.describe())
    jump_clocks(clocks, max(3, options.count // 20))
    suspend(stopped, options.stops or max(1, options.count // 25), tuple(options.stopped_for), over)
    return finish("live", [steady, lost, network, stopped, clocks], options)


if __name__ == "__main__":
    sys.exit(main())
