"""A class of simulated pupils on one server: `python bench/classroom.py --minutes 10`.

Each pupil joins over HTTP, draws with the same pauses between pictures as the page, hands in digits, and follows the
stream of events; a teacher's wall follows too. Questions answered: is a picture lost, how old are pictures when they
reach the wall, does memory use stay flat, do names with markup do harm. The tests run the same for a few seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import httpx
import numpy as np

from digitlab.apps.web.classroom.values import ClassLimits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

NAMES = (
    "<b>Ana</b>", "<script>1</script>", "'; DROP TABLE", "../../etc", "{{7*7}}", "=cmd|' /C'!A0", "&lt;i&gt;", "Zoé",
    "李雷", "محمد", "${x}", "%s%n", "a\u202eb", "\"><img src=x>",
)  # fmt: skip
_STEPS = 8  # pictures sent of a digit while it is being drawn


@dataclass
class Told:
    """Measurements; times in seconds.

    ages: from sending a picture until the wall has it; read: until the wall has the digit that was read in it
    sent, handed_in: pictures and drawings that the server accepted; refused: pictures refused for coming too often
    missing: pictures that the wall got neither themselves nor a newer one of; lost: drawings not on the wall at the end
    nothing: durations of trivial requests (/healthz) meanwhile: how busy the machine is with other things
    memory: resident memory of the server in bytes, each with its time
    """

    ages: list[float] = field(default_factory=list)
    read: list[float] = field(default_factory=list)
    sent: int = 0
    handed_in: int = 0
    missing: int = 0
    lost: int = 0
    refused: int = 0
    nothing: list[float] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)


def strokes_of(digit: int, seed: int) -> list[bytes]:
    """Draw a digit stroke by stroke on a pad of 320 by 240, and return the successive pictures as PNG files."""
    random_ = random.Random(seed)  # noqa: S311 - no secret
    points = [(x, y) for x, y in _LINES[digit]]
    wide, high = 90 + random_.random() * 40, 150 + random_.random() * 50
    left, top = 60 + random_.random() * 100, 15 + random_.random() * 20
    scaled = [(left + wide * x, top + high * y) for x, y in points]
    pictures = []
    for step in range(1, _STEPS + 1):
        paper = np.full((240, 320), 255, np.uint8)
        count = max(2, round(len(scaled) * step / _STEPS))
        line = np.array(scaled[:count], np.float32).round().astype(np.int32)
        cv2.polylines(paper, [line.reshape(-1, 1, 2)], False, 0, 13, cv2.LINE_AA)
        pictures.append(cv2.imencode(".png", paper)[1].tobytes())
    return pictures


def _bow(x: float, y: float, wide: float, high: float, start: float, end: float) -> list[tuple[float, float]]:
    angles = np.radians(np.linspace(start, end, 12))
    return [(x + wide * float(np.cos(each)), y + high * float(np.sin(each))) for each in angles]


_LINES = {
    0: _bow(0.5, 0.5, 0.45, 0.5, -90, 270),
    1: [(0.3, 0.2), (0.55, 0.0), (0.55, 1.0)],
    2: [*_bow(0.5, 0.28, 0.4, 0.28, 190, 400), (0.1, 1.0), (0.95, 1.0)],
    3: [*_bow(0.45, 0.25, 0.4, 0.25, 200, 440), *_bow(0.45, 0.75, 0.45, 0.27, -80, 160)],
    4: [(0.4, 0.0), (0.05, 0.6), (0.95, 0.6), (0.7, 0.6), (0.7, 0.2), (0.7, 1.0)],
    5: [(0.9, 0.0), (0.25, 0.0), (0.2, 0.42), *_bow(0.45, 0.7, 0.45, 0.3, -110, 150)],
    6: [(0.75, 0.0), (0.3, 0.35), *_bow(0.5, 0.72, 0.38, 0.28, 180, -185)],
    7: [(0.05, 0.05), (0.95, 0.05), (0.4, 1.0)],
    8: [*_bow(0.5, 0.25, 0.33, 0.25, 90, 450), *_bow(0.5, 0.75, 0.4, 0.25, -90, 270)],
    9: [*_bow(0.5, 0.28, 0.35, 0.28, 0, 360), (0.82, 0.6), (0.65, 1.0)],
}  # fmt: skip


async def events_of(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> AsyncIterator[tuple[str, Any]]:
    """Yield the name and the parsed data of each event of a stream."""
    async with client.stream("GET", path, headers=headers, timeout=60) as answer:
        answer.raise_for_status()
        name = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                yield name, json.loads(line[6:])


@dataclass
class _Sent:
    """Pictures that a pupil has sent and the wall has not shown yet, with the times at which they were sent.

    sketches: by number; read: the same, kept until the wall has the digit read in them
    drawings: by the count of drawings including it; last: the number of the last sketch before that drawing
    """

    sketches: dict[int, float] = field(default_factory=dict)
    read: dict[int, float] = field(default_factory=dict)
    drawings: dict[int, float] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)


class Lesson:
    """A simulated class that lasts a few seconds or more.

    address, token, code: of the server; seconds: how long the pupils draw
    clock: used for the ages
    """

    def __init__(
        self, address: str, token: str, code: str, seconds: float, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.address, self.code, self.seconds, self.clock = address, code, seconds, clock
        self.teacher = {"Authorization": f"Bearer {token}"}
        self.told = Told()
        self._sent: dict[str, _Sent] = {}  # by name
        self._numbers: dict[str, int] = {}

    async def run(self, pupils: int, watch: Callable[[], int] | None = None) -> Told:
        """Let ``pupils`` pupils draw; ``watch`` returns the server's memory use."""
        limits = httpx.Limits(max_connections=4 * pupils + 10)
        async with httpx.AsyncClient(base_url=self.address, limits=limits, timeout=30) as client:
            beside = [asyncio.create_task(self._wall(client)), asyncio.create_task(self._yardstick(client))]
            if watch is not None:
                beside.append(asyncio.create_task(self._memory(watch)))
            names = [f"{NAMES[each % len(NAMES)][:16]} {each}" for each in range(pupils)]
            await asyncio.gather(*(self._pupil(client, each, name) for each, name in enumerate(names)))
            await asyncio.sleep(1.5)
            for task in beside:
                task.cancel()
            for ended in await asyncio.gather(*beside, return_exceptions=True):
                if not isinstance(ended, asyncio.CancelledError):
                    raise AssertionError(f"a stream ended: {ended!r}")
            self.told.missing = sum(len(each.sketches) + len(each.drawings) for each in self._sent.values())
            self.told.lost = self.told.handed_in - await self._standing(client)
        return self.told

    async def _standing(self, client: httpx.AsyncClient) -> int:
        """Count the drawings on the wall."""
        count = 0
        for name, number in self._numbers.items():
            pupil = (await client.get(f"/v1/class/pupils/{number}", headers=self.teacher)).json()
            count += len(pupil["drawings"])
            self.told.names.append(name)
        return count

    async def _pupil(self, client: httpx.AsyncClient, seed: int, name: str) -> None:
        random_ = random.Random(seed)  # noqa: S311 - no secret
        await asyncio.sleep(random_.random())
        joined = (await client.post("/v1/pupil", json={"code": self.code, "name": name})).raise_for_status().json()
        headers = {"Authorization": f"Pupil {joined['key']}"}
        sent = self._sent[joined["state"]["name"]] = _Sent()
        listening = asyncio.create_task(self._listen(client, headers))
        label, until, number = joined["state"]["label"], time.perf_counter() + self.seconds, 0
        drawings = 0
        while time.perf_counter() < until and drawings < ClassLimits().drawings:
            pictures = strokes_of(label, seed=1000 * seed + drawings)
            for picture in pictures:
                number += await self._sketch(client, headers, sent, number + 1, picture)
                await asyncio.sleep(0.14 + 0.2 * random_.random())  # the page's pause, and the time a hand takes
            sent.drawings[drawings + 1], sent.last[drawings + 1] = self.clock(), number
            path = f"/v1/pupil/drawings?label={label}"
            answer = (await client.post(path, content=pictures[-1], headers=headers)).raise_for_status()
            label = answer.json()["label"]
            drawings += 1
            self.told.handed_in += 1
            await asyncio.sleep(0.5 + random_.random())
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    async def _sketch(
        self, client: httpx.AsyncClient, headers: dict[str, str], sent: _Sent, number: int, picture: bytes
    ) -> int:
        """Send a picture; return 1 if it was accepted, else 0."""
        sent.sketches[number] = sent.read[number] = self.clock()
        answer = await client.post("/v1/pupil/sketch", content=picture, headers=headers)
        if answer.status_code == 200:
            self.told.sent += 1
            return 1
        self.told.refused += 1
        del sent.sketches[number], sent.read[number]
        return 0

    @staticmethod
    async def _listen(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        async for _ in events_of(client, "/v1/pupil/events", headers):
            pass

    async def _wall(self, client: httpx.AsyncClient) -> None:
        async for name, data in events_of(client, "/v1/class/events", self.teacher):
            for tile in data if name == "tiles" else ():
                self._numbers[tile["name"]] = tile["number"]
                if tile["shown"] is not None:
                    self._arrived(self._sent[tile["name"]], tile, self.clock())

    def _arrived(self, sent: _Sent, tile: dict[str, Any], now: float) -> None:
        """Note that the wall has this tile: everything sent before has arrived, or a newer picture in its place."""
        shown, drawings = tile["shown"], tile["drawings"]
        last = sent.last.get(drawings, 0) if shown["handed_in"] else shown["number"]
        self.told.ages += [now - sent.sketches.pop(each) for each in list(sent.sketches) if each <= last]
        self.told.ages += [now - sent.drawings.pop(each) for each in list(sent.drawings) if each <= drawings]
        if shown["read"]:
            self.told.read += [now - sent.read.pop(each) for each in list(sent.read) if each <= last]

    async def _yardstick(self, client: httpx.AsyncClient) -> None:
        while True:
            at = self.clock()
            await client.get("/healthz")
            self.told.nothing.append(self.clock() - at)
            await asyncio.sleep(0.2)

    async def _memory(self, watch: Callable[[], int]) -> None:
        while True:
            self.told.memory.append((time.perf_counter(), watch()))
            await asyncio.sleep(5.0)


def resident(process: int) -> int:
    """Return the resident memory of a process in bytes."""
    status = Path(f"/proc/{process}/status").read_text("ascii")
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


def main() -> None:
    """Start a server, let the class draw, and print the measurements."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--pupils", type=int, default=30)
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "class.npz"
        server = subprocess.Popen(
            [sys.executable, "-m", "digitlab", "serve", "--class", "--port", "0", "--class-data", str(data)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            lines = [server.stdout.readline() for _ in range(2)] if server.stdout else []
            address, token = re.findall(r"(http://[^/]+)/wall\?token=(\S+)", lines[0])[0]
            code = lines[1].split()[-1]
            lesson = Lesson(address, token, code, 60 * arguments.minutes)
            result = asyncio.run(lesson.run(arguments.pupils, lambda: resident(server.pid)))
            httpx.post(f"{address}/v1/class/keep", headers=lesson.teacher, timeout=30).raise_for_status()
            with np.load(data, allow_pickle=False) as saved:
                count = len(saved["labels"])
            _print_result(result, count, arguments.minutes)
        finally:
            server.terminate()
            server.wait(20)


def _print_result(result: Told, count: int, minutes: float) -> None:
    counts = f"{result.sent:,} pictures and {result.handed_in:,} drawings taken, {result.refused:,} refused"
    print(f"{len(result.names)} pupils, {minutes:g} minutes: {counts}")
    print(f"not on the wall: {result.missing}; not standing there at the end: {result.lost}; in the file: {count:,}")
    for description, times in (
        ("until the wall has a picture or a newer one", result.ages), ("until it is read", result.read),
        ("a request for nothing meanwhile", result.nothing),
    ):  # fmt: skip
        cuts = statistics.quantiles(times, n=100)
        print(
            f"{description}: median {1000 * cuts[49]:.0f}, 99 % {1000 * cuts[98]:.0f}, "
            f"longest {1000 * max(times):.0f} ms"
        )
    fifths = [each for _, each in result.memory]
    for name, part in (("first", fifths[: len(fifths) // 5]), ("last", fifths[-(len(fifths) // 5) :])):
        print(f"memory in the {name} fifth: {statistics.mean(part) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
