"""The clients: `python -m digitlab.bench.web_client ADDRESS WHAT ...` prints one JSON object.

Requests are sent over plain connections with minimal overhead, so that the server is what is measured.

    closed CONNECTIONS SECONDS          each connection sends its next request after the response
    paced RATE SECONDS                  a fixed rate per second; the latency counts from the time a request was due
    live CLIENTS FRAMES_A_SECOND SECONDS    frames of 96×96 with one digit
    pages CLIENTS FRAMES_A_SECOND SECONDS   frames of 320×240 with three
    mixed REQUESTS                      photos, digits, damaged files and wrong paths, in turn
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["main"]

_DIGITS = 200
_STREAMS = 24  # connections in a paced run: more would only be needed if the server were too slow anyway
_LATE = 0.5  # seconds after the last frame within which results still count


def main() -> None:
    """Run one measurement."""
    address, measure, *numbers = sys.argv[1:]
    url = urlsplit(address)
    asker = _Asker(url.hostname or "127.0.0.1", url.port or 80)
    kinds: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
        "closed": asker.closed,
        "paced": asker.paced,
        "live": asker.live,
        "pages": asker.pages,
        "mixed": asker.mixed,
    }
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ModuleNotFoundError):
        import uvloop

        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        result = runner.run(_run(kinds[measure](*(float(number) for number in numbers))))
    sys.stdout.write(json.dumps(result) + "\n")


async def _run(measurement: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    return await measurement


class _Connection(asyncio.Protocol):
    """A connection with one request at a time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[int] | None = None
        self._got = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # TCP is both ways

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, ended, body = self._got.partition(b"\r\n\r\n")
        if not ended or self._answer is None:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0] or b"0")
        if len(body) >= length:
            self._got = b""
            answer, self._answer = self._answer, None
            answer.set_result(int(head[9:12]))

    def ask(self, request: bytes) -> asyncio.Future[int]:
        """Send a request; return a future for the response's status."""
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is not None:
            self._transport.write(request)
        return self._answer


class _Asker:
    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def closed(self, connections: float, seconds: float) -> dict[str, Any]:
        requests = [self._post("/v1/classify", content) for content in _digits()]
        end = time.perf_counter() + seconds
        times: list[float] = []
        statuses: list[int] = []

        async def ask_repeatedly(number: int) -> None:
            connection = await self._connect()
            while (start := time.perf_counter()) < end:
                statuses.append(await connection.ask(requests[number % len(requests)]))
                times.append(time.perf_counter() - start)
                number += 7

        start = time.perf_counter()
        await asyncio.gather(*(ask_repeatedly(13 * number) for number in range(int(connections))))
        return {**_told(times, statuses), "rate": len(times) / (time.perf_counter() - start)}

    async def paced(self, rate: float, seconds: float) -> dict[str, Any]:
        requests = [self._post("/v1/classify", content) for content in _digits()]
        free: deque[_Connection] = deque([await self._connect() for _ in range(_STREAMS)])
        available = asyncio.Semaphore(_STREAMS)
        times: list[float] = []
        statuses: list[int] = []

        async def ask_one(due: float, number: int) -> None:
            async with available:
                connection = free.popleft()
                statuses.append(await connection.ask(requests[number % len(requests)]))
                free.append(connection)
            times.append(time.perf_counter() - due)

        start = time.perf_counter()
        tasks = set()
        for number in range(int(rate * seconds)):
            due = start + number / rate
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            task = asyncio.create_task(ask_one(due, number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        return {**_told(times, statuses), "rate": len(times) / (time.perf_counter() - start)}

    async def live(self, clients: float, rate: float, seconds: float) -> dict[str, Any]:
        return await self._live("digit", _regions(), clients, rate, seconds)

    async def pages(self, clients: float, rate: float, seconds: float) -> dict[str, Any]:
        return await self._live("page", _frames(), clients, rate, seconds)

    async def _live(
        self, mode: str, frames: list[bytes], clients: float, rate: float, seconds: float
    ) -> dict[str, Any]:
        """Measure the age of results, since their frames were sent, and their age when the next result arrives."""
        ages: list[float] = []
        stale: list[float] = []
        count = int(clients)
        outcomes = await asyncio.gather(
            *(self._watch(mode, frames, number / count / rate, rate, seconds, ages, stale) for number in range(count)),
            return_exceptions=True,
        )
        failed = sum(isinstance(outcome, Exception) for outcome in outcomes)
        return {
            "answers": len(ages), "sent": int(rate * seconds) * count, "failed": failed,
            "age": _quantiles(ages), "stale": _quantiles(stale),
        }  # fmt: skip

    async def _watch(
        self, mode: str, frames: list[bytes], delay: float, rate: float, seconds: float, ages: list[float],
        stale: list[float],
    ) -> None:  # fmt: skip
        from websockets.asyncio.client import connect

        sent: dict[int, float] = {}
        last = time.perf_counter()
        address = f"ws://{self._host}:{self._port}/v1/live?mode={mode}"
        async with connect(address, compression=None, proxy=None, open_timeout=60, ping_interval=None) as socket:

            async def listen() -> None:
                nonlocal last
                async for text in socket:
                    now = time.perf_counter()
                    start = sent[json.loads(text)["frame"]]
                    ages.append(now - start)
                    stale.append(now - last)
                    last = start

            listening = asyncio.create_task(listen())
            await asyncio.sleep(1.0 + delay)
            start = last = time.perf_counter()
            for number in range(int(rate * seconds)):
                await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
                sent[number] = time.perf_counter()
                await socket.send(frames[number % len(frames)])
            await asyncio.sleep(_LATE)
            listening.cancel()

    async def mixed(self, requests: float) -> dict[str, Any]:
        digits, photos = _digits(), _frames()
        plan = [
            self._post("/v1/read", photos[0]), self._post("/v1/inspect", digits[1]),
            self._post("/v1/filters", photos[1]), self._post("/v1/read", photos[2][:900]),
            self._post("/v1/classify", b"no picture"), self._post("/v1/nothing", b""), self._get("/"),
            self._get("/v1/models/reader"), self._get("/../../etc/passwd"),
            *(self._post("/v1/classify", content) for content in digits[:41]),
        ]  # fmt: skip
        memory: list[int] = []
        statuses: list[int] = []
        connections = [await self._connect() for _ in range(4)]
        steps = max(1, int(requests) // 20)
        for number in range(0, int(requests), len(connections)):
            if number // steps > len(memory) - 1:
                memory.append(await asyncio.to_thread(self._memory))
            pending = [
                connection.ask(plan[(number + index) % len(plan)]) for index, connection in enumerate(connections)
            ]
            statuses += await asyncio.gather(*pending)
        memory.append(await asyncio.to_thread(self._memory))
        server_errors = sum(status >= 500 for status in statuses)
        return {"requests": len(statuses), "server_errors": server_errors, "memory": memory}

    async def _connect(self) -> _Connection:
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, self._host, self._port)
        return connection

    def _post(self, path: str, content: bytes) -> bytes:
        head = f"POST {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nContent-Length: {len(content)}\r\n\r\n"
        return head.encode() + content

    def _get(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n\r\n".encode()

    def _memory(self) -> int:
        """Return the server's resident memory in bytes, from its metrics."""
        from urllib.request import urlopen

        with urlopen(f"http://{self._host}:{self._port}/metrics", timeout=30) as answer:
            lines = io.TextIOWrapper(answer, "utf-8").read().splitlines()
        line = next(line for line in lines if line.startswith("process_resident_memory_bytes "))
        return int(float(line.split()[1]))


def _told(times: list[float], statuses: list[int]) -> dict[str, Any]:
    return {"requests": len(times), "refused": sum(status != 200 for status in statuses), "ms": _quantiles(times)}


def _quantiles(seconds: list[float]) -> dict[str, float]:
    """Return milliseconds: median, 99th percentile, maximum."""
    if not seconds:
        return {"median": float("nan"), "p99": float("nan"), "most": float("nan")}
    median, p99, most = np.percentile(seconds, [50, 99, 100]) * 1000.0
    return {"median": round(float(median), 2), "p99": round(float(p99), 2), "most": round(float(most), 2)}


def _digits() -> list[bytes]:
    """Make PNG files of 28×28, all different."""
    from digitlab.datasets import load_dataset

    images = load_dataset("mnist").split("test").images[: 40 * _DIGITS : 40]
    return [cv2.imencode(".png", np.asarray(image))[1].tobytes() for image in images]


def _regions() -> list[bytes]:
    """Make JPEG frames of 96×96: the region of a camera's picture where a digit is held."""
    from digitlab.datasets import load_dataset

    images = np.asarray(load_dataset("mnist").split("test").images[:30])
    frames = []
    for image in images:
        paper = np.full((96, 96), 225, np.uint8)
        paper[16:80, 16:80] -= (cv2.resize(image, (64, 64), interpolation=cv2.INTER_LINEAR) * 0.75).astype(np.uint8)
        frames.append(cv2.imencode(".jpg", cv2.GaussianBlur(paper, (3, 3), 0))[1].tobytes())
    return frames


def _frames() -> list[bytes]:
    """Make JPEG frames of 320×240: three digits on paper that moves slightly."""
    from digitlab.datasets import load_dataset

    images = np.asarray(load_dataset("mnist").split("test").images[:30])
    frames = []
    for number in range(10):
        paper = np.full((240, 320), 225, np.uint8)
        for position in range(3):
            digit = cv2.resize(images[3 * number + position], (64, 64), interpolation=cv2.INTER_LINEAR)
            left = 30 + 90 * position + 2 * number
            paper[80:144, left : left + 64] -= (digit * 0.75).astype(np.uint8)
        frames.append(cv2.imencode(".jpg", cv2.GaussianBlur(paper, (3, 3), 0))[1].tobytes())
    return frames


if __name__ == "__main__":
    main()
