"""The server under hostile requests: mixed ones, a thousand sockets, floods of frames, bombs; and its state afterwards.

    python bench/endurance/web.py                            # 100,000 requests, 1,000 sockets: ten minutes
    python bench/endurance/web.py --count 2000 --sockets 60 --minutes 1

`digitlab serve` is started as a user would. Every request is of one of some sixty kinds, valid ones among them, in
random order. Meanwhile `/healthz` is requested twenty times a second on a separate connection, and so is an echo in a
separate process: its delays are due to the machine, not the server. Memory, threads and open files come from /proc.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from _attempts_http import SMUGGLED, frame, shaken
from _bombs import BOMBS
from _servers import Server, digit_png, served
from results import Row, arguments, finish, time_left

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONNECTIONS = 32  # concurrent, for the mixed requests
HEALTH_WITHIN, RECOVERS_WITHIN = 0.05, 2.0  # seconds
GROWTH, MOST_MEMORY = (
    40.0,
    700.0,
)  # MB, in the second half of the requests, and ever: a picture takes 75 MB, several are read
PATIENCE = 40.0  # seconds for an answer; the server's own limits are shorter
HONEST = (503, 504)  # 503 must say when to retry; 504 is for what exceeds the server's time limit
LARGE = {
    "PNG of 25 million pixels, all there",
    "20 MB of nothing",
    "data URL of 15 MB of %",
    "PNG whose pixels never end",
}
AFTER = b"\r\n-- then --\r\n"  # what follows is sent after the first answer has come
RARELY = 0.02  # relative frequency of large requests


def kinds_of(server: Server) -> dict[str, tuple[bytes, float]]:
    """Return what is sent, by name, with its relative frequency."""
    host = f"Host: {server.host}\r\n".encode()

    def post(path: str, body: bytes, more: bytes = b"") -> bytes:
        return (
            f"POST {path} HTTP/1.1\r\n".encode() + host + more + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
        )

    def get(path: bytes, more: bytes = b"") -> bytes:
        return b"GET " + path + b" HTTP/1.1\r\n" + host + more + b"\r\n"

    picture = digit_png()
    form = b"--x\r\nContent-Disposition: form-data; name=image\r\n\r\n" + picture + b"\r\n--x--\r\n"
    kinds: dict[str, tuple[bytes, float]] = {
        "classify": (post("/v1/classify", picture), 30.0),
        "read": (post("/v1/read", picture), 5.0),
        "inspect": (post("/v1/inspect", picture), 2.0),
        "form": (post("/v1/classify", form, b"Content-Type: multipart/form-data; boundary=x\r\n"), 2.0),
        "page": (get(b"/"), 2.0),
        "models": (get(b"/v1/models"), 2.0),
        "a path out": (get(b"/../../etc/passwd"), 2.0),
        "no such path": (get(b"/" + b"x" * 3000), 2.0),
        "foreign host": (b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n", 2.0),
        "foreign origin": (post("/v1/classify", picture, b"Origin: http://evil.example\r\n"), 2.0),
        "no such model": (post("/v1/classify?model=../../x", picture), 2.0),
        "odd threshold": (post("/v1/read?threshold=NaN", picture), 2.0),
        "cut off": (post("/v1/read", picture[:70]), 2.0),
        "packed": (post("/v1/read", b"x" * 100, b"Content-Encoding: gzip\r\n"), 1.0),
        "deep JSON": (post("/v1/explain", b"[" * 50_000, b"Content-Type: application/json\r\n"), 0.5),
        "huge number": (
            post("/v1/explain", b'{"unit":' + b"9" * 5000 + b"}", b"Content-Type: application/json\r\n"),
            1.0,
        ),
        "giant headers": (get(b"/v1/models", b"X: " + b"a" * 70_000 + b"\r\n"), 0.5),
        "many headers": (get(b"/v1/models", b"X: a\r\n" * 9_000), 0.5),
        "bad cookies": (get(b"/v1/models", b"Cookie: " + b"a=b; " * 5_000 + b"\r\n"), 0.5),
        "odd method": (b"BREW /v1/models HTTP/1.1\r\n" + host + b"\r\n", 1.0),
        "binary": (bytes(range(256)) * 4, 1.0),
        "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(400), 1.0),
        "half a request": (b"GET /v1/models HTTP/1.1\r\nHo", 0.1),
        "half a body": (b"POST /v1/read HTTP/1.1\r\n" + host + b"Content-Length: 500\r\n\r\n" + bytes(20), 0.1),
    }
    for name, sent in SMUGGLED.items():
        kinds[f"smuggled: {name}"] = (sent.replace(b"{host}", server.host.encode()), 0.3)
    for name, make in BOMBS.items():
        kinds[f"bomb: {name}"] = (post("/v1/read", make()), RARELY if name in LARGE else 0.1)
    sockets = {"unmasked": frame(2, b"x", mask=False), "3 MB": frame(2, bytes(3_000_000)),
               "pings": frame(9, b"x") * 200,
               "text": frame(1, b"x"), "digits": frame(2, picture) * 20 + frame(8, b"\x03\xe8")}  # fmt: skip
    for name, sent in sockets.items():
        kinds[f"WebSocket: {name}"] = (shaken(server) + AFTER + sent, 0.02 if name == "3 MB" else 0.3)
    return kinds


class Health:
    """Requests /healthz twenty times a second in a thread, and an echo that has nothing to do with the server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.health: list[float] = []
        self.echo: list[float] = []
        self.failed: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Health:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)

    def _watch(self) -> None:
        request = f"GET /healthz HTTP/1.1\r\nHost: {self._server.host}\r\n\r\n".encode()
        echo = subprocess.Popen([sys.executable, "-c", _ECHO], stdout=subprocess.PIPE, text=True)
        try:
            port = int(echo.stdout.readline()) if echo.stdout is not None else 0
            with socket.create_connection(("127.0.0.1", port)) as other, self._server.connect() as connection:
                while not self._over.wait(0.05):
                    self.echo.append(_round_trip(other, request)[0])
                    seconds, response = _round_trip(connection, request)
                    self.health.append(seconds)
                    if b" 200 " not in response[:16]:
                        self.failed.append(f"/healthz: {response[:40]!r}")
        except OSError as error:
            self.failed.append(f"/healthz: {error}")
        finally:
            echo.kill()
            echo.wait()
            if echo.stdout is not None:
                echo.stdout.close()

    def figures(self) -> dict[str, float]:
        """Return median, 99th percentile and maximum in milliseconds."""
        result = {}
        for name, times in (("healthz", self.health), ("echo", self.echo)):
            if len(times) > 1:
                summary = {"median": statistics.median(times), "p99": _p99(times), "most": max(times)}
                result |= {f"{name}_{what}_ms": round(1000 * value, 1) for what, value in summary.items()}
        return result

    def fault(self) -> str | None:
        """Return what was wrong, after allowing for the delays of the machine itself."""
        if self.failed:
            return f"{len(self.failed)} times, first {self.failed[0]}"
        late = len(self.health) > 20 and _p99(self.health) > HEALTH_WITHIN + _p99(self.echo)
        return f"/healthz took {self.figures()}" if late else None


_ECHO = """
import socket
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
connection, _ = listening.accept()
while came := connection.recv(65536):
    connection.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n{}")
"""


def _round_trip(connection: socket.socket, request: bytes) -> tuple[float, bytes]:
    start, response = time.perf_counter(), b""
    connection.settimeout(PATIENCE)
    connection.sendall(request)
    while not response.endswith(b"}"):
        received = connection.recv(65_536)
        if not received:
            raise ConnectionResetError("the connection was closed")
        response += received
    return time.perf_counter() - start, response


def _p99(times: list[float]) -> float:
    return sorted(times)[min(len(times) - 1, int(0.99 * len(times)))]


def state_of(server: Server) -> dict[str, float]:
    """Return the megabytes, threads and open files of a server at present."""
    proc = Path(f"/proc/{server.process.pid}")
    pages = int((proc / "statm").read_text("ascii").split()[1])
    threads = re.search(r"Threads:\s+(\d+)", (proc / "status").read_text("ascii"))
    files = len(list((proc / "fd").iterdir()))
    return {
        "mb": round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1),
        "threads": int(threads[1]) if threads else 0,
        "files": files,
    }


def recovers(server: Server) -> str | None:
    """Check that the server reads a digit again soon after a flood."""
    start = time.monotonic()
    while time.monotonic() - start < 30:
        answer = server.ask("POST", "/v1/classify", body=digit_png())
        if answer.status == 200:
            seconds = time.monotonic() - start
            return None if seconds <= RECOVERS_WITHIN else f"recovered after {seconds:.1f} s"
        time.sleep(0.05)
    return "did not recover within 30 s"


# Mixed requests ----------------------------------------------------------------------------------------------------


async def _send(port: int, sent: bytes, cut: bool) -> bytes:
    """Return the answer received within the time limit; `cut`: hang up at once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with contextlib.suppress(ConnectionError):
            first, _, later = sent.partition(AFTER)
            writer.write(first)
            await writer.drain()
            if later:
                await asyncio.wait_for(reader.read(4096), PATIENCE)
                writer.write(later)
                await writer.drain()
        if cut:
            return b""
        return await asyncio.wait_for(reader.read(65_536), PATIENCE)
    finally:
        writer.transport.abort()


def _chosen(kinds: dict[str, tuple[bytes, float]], chance: random.Random) -> Iterator[tuple[str, bytes]]:
    names, weights = list(kinds), [weight for _, weight in kinds.values()]
    while True:
        for name in chance.choices(names, weights, k=500):
            yield name, kinds[name][0]


async def _mixed(server: Server, count: int, seed: int, over: Callable[[], bool], row: Row) -> Counter[str]:
    chance = random.Random(seed)  # noqa: S311 - no secret
    waiting = _chosen(kinds_of(server), chance)
    statuses: Counter[str] = Counter()
    states = [state_of(server)]

    async def work() -> None:
        while row.tried < count and not over():
            name, sent = next(waiting)
            number, cut = row.tried, chance.random() < 0.02
            row.add(None)
            try:
                response = await _send(server.port, sent, cut)
            except (OSError, TimeoutError) as error:
                status = type(error).__name__
                if isinstance(error, TimeoutError) and not name.startswith(("WebSocket", "half")):
                    row.failures.append(f"request {number}, {name}: no answer within {PATIENCE:g} s")
            else:
                status = response[9:12].decode("latin-1") if response.startswith(b"HTTP/1.1 ") else "none"
                if response.startswith(b"HTTP/1.1 5") and not _is_honest(response):
                    row.failures.append(f"request {number}, {name}: {response[:200]!r}")
            statuses[status] += 1
            if number % max(1, min(500, count // 20)) == 0:
                states.append(state_of(server))

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    row.measured |= {"statuses": dict(statuses.most_common()), "states": [*states, state_of(server)]}
    return statuses


def _is_honest(response: bytes) -> bool:
    status = int(response[9:12])
    return status in HONEST and (status != 503 or b"retry-after" in response.lower())


def mixed(server: Server, count: int, seed: int, over: Callable[[], bool], row: Row) -> None:
    """Send requests of all kinds; then check memory and recovery."""
    start = time.monotonic()
    with Health(server) as health:
        asyncio.run(_mixed(server, count, seed, over, row))
    seconds = time.monotonic() - start
    row.measured |= {"seconds": round(seconds, 1), "per_second": round(row.tried / seconds, 1), **health.figures()}
    memory = [each["mb"] for each in row.measured["states"]]
    growth = round(memory[-1] - memory[len(memory) // 2], 1)
    row.measured |= {
        "growth_mb": growth,
        "most_mb": max(memory),
        "states": row.measured["states"][:: max(1, len(memory) // 20)],
    }
    wrong = f"memory grew by {growth} MB, to {max(memory)}" if growth > GROWTH or max(memory) > MOST_MEMORY else None
    for fault in (health.fault(), recovers(server), wrong):
        row.failures += [fault] if fault else []


# Sockets -----------------------------------------------------------------------------------------------------------


def many_sockets(server: Server, count: int, over: Callable[[], bool], row: Row, seconds: float = 8.0) -> None:
    """Hold ``count`` sockets: idle, slow, half a body, WebSockets, unread answers. Other clients must be served."""
    began = [
        b"", b"GET / HTTP/1.1\r\nHost: x\r\nA",
        b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n",
        shaken(server), f"GET /static/main.js HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode() * 20,
    ]  # fmt: skip
    before = state_of(server)
    sockets: list[socket.socket] = []
    with Health(server) as health:
        try:
            for number in range(count):
                sockets.append(server.connect())
                sockets[-1].sendall(began[number % len(began)])
                sockets[-1].setblocking(False)
            until = time.monotonic() + seconds
            while time.monotonic() < until and not over():
                for each in sockets[1::5]:  # one byte per round
                    with contextlib.suppress(OSError):
                        each.send(b"a")
                answer = server.ask("POST", "/v1/classify", body=digit_png())
                fine = answer.status == 200 or (answer.status == 503 and "retry-after" in answer.headers)
                row.add(None if fine else f"with {len(sockets)} sockets a digit got {answer.status}")
            peak = state_of(server)
        finally:
            for each in sockets:
                each.close()
    time.sleep(1.0)
    after = state_of(server)
    row.measured |= {"sockets": len(sockets), "before": before, "with_all": peak, "after": after, **health.figures()}
    faults = [health.fault(), recovers(server)]
    faults.append(
        f"{after['files'] - before['files']} files are left open" if after["files"] > before["files"] + 8 else None
    )
    faults.append(f"{after['mb'] - before['mb']:.0f} MB are kept" if after["mb"] > before["mb"] + GROWTH else None)
    row.failures += [fault for fault in faults if fault]


def flood_of_frames(server: Server, clients: int, seconds: float, row: Row) -> None:
    """Run clients that send frames as fast as the connection takes them, and never read the answers."""
    sent = frame(2, digit_png()) * 50 + frame(9, b"x") * 20
    before, flooding, sockets = state_of(server), threading.Event(), [server.connect(60) for _ in range(clients)]

    def flood(connection: socket.socket) -> None:
        connection.settimeout(2.0)
        with contextlib.suppress(OSError):
            connection.sendall(shaken(server))
            connection.recv(4096)  # before that, frames would be lost
            while not flooding.is_set():
                connection.sendall(sent)

    threads = [threading.Thread(target=flood, args=(each,), daemon=True) for each in sockets]
    with Health(server) as health:
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        peak = state_of(server)
        flooding.set()
        for thread in threads:
            thread.join(10)
        for each in sockets:
            each.close()
    row.add(health.fault())
    row.add(recovers(server))
    time.sleep(0.5)
    after = state_of(server)
    row.add(f"{after['mb'] - before['mb']:.0f} MB are kept" if after["mb"] > before["mb"] + GROWTH else None)
    row.measured |= {
        "clients": clients,
        "seconds": seconds,
        "before": before,
        "most": peak,
        "after": after,
        **health.figures(),
    }


def main() -> int:
    parser = arguments(__doc__, count=100_000)
    parser.add_argument("--sockets", type=int, default=1000, help="held at once (default 1000)")
    parser.add_argument("--clients", type=int, default=50, help="that flood with frames (default 50)")
    options = parser.parse_args()
    over = time_left(options.minutes)
    many = Row(f"{options.sockets} sockets held", "others served, ≤ 2 s to recover, nothing kept")
    flood = Row(f"{options.clients} clients that flood with frames", "memory flat, recovers in ≤ 2 s, /healthz ≤ 50 ms")
    all_kinds = Row("mixed hostile requests", "0 5xx but honest 503, memory flat, /healthz ≤ 50 ms")
    with served() as server:
        many_sockets(server, options.sockets, over, many)
        flood_of_frames(server, options.clients, 10.0 if options.clients >= 50 else 2.0, flood)
        mixed(server, options.count, options.seed, over, all_kinds)
        mistakes = [line for line in server.log if "Traceback" in line or "internal error" in line]
        all_kinds.failures += [f"the server's log: {line.strip()}" for line in mistakes[:5]]
    return finish("web", [all_kinds, many, flood], options)


if __name__ == "__main__":
    sys.exit(main())
