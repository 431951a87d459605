"""`digitlab serve` as a separate process, and requests to it over plain sockets."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Answer", "Server", "answer_in", "digit_png", "memory_of", "png_of", "served"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. status: 0 when the connection was closed without an answer; headers: by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """A running server.

    token: its owner's, "" if it has none; folder: where it was started; log: its lines on stderr so far
    """

    port: int
    process: subprocess.Popen[str]
    folder: Path
    token: str = ""
    log: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def connect(self, timeout: float = 20.0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def raw(self, sent: bytes, seconds: float = 20.0, after: bytes = b"") -> bytes:
        """Send bytes on a new connection; return everything received until it is closed or the time is over.

        after: sent once the first answer has begun to arrive: a WebSocket's frames
        """
        parts: list[bytes] = []
        until = time.monotonic() + seconds
        with self.connect() as connection, contextlib.suppress(OSError):
            with contextlib.suppress(ConnectionError):  # it may be reset while we still send; what was received is read
                connection.sendall(sent)
            while (seconds_left := until - time.monotonic()) > 0:
                connection.settimeout(seconds_left)
                part = connection.recv(1 << 16)
                if not part:
                    break
                parts.append(part)
                if after:
                    with contextlib.suppress(ConnectionError):
                        connection.sendall(after)
                    after = b""
        return b"".join(parts)

    def ask(
        self, method: str, path: str, *headers: str, body: bytes = b"", host: str | None = None, token: bool = False
    ) -> Answer:
        """Send one request, exactly as given, on a new connection.

        headers: whole lines; host: for the Host header, "" for none; token: whether to send the owner's token
        """
        lines = [f"{method} {path} HTTP/1.1"]
        name = self.host if host is None else host
        lines += [f"Host: {name}"] if name else []
        lines += [f"Authorization: Bearer {self.token}"] if token else []
        lines += [*headers, "Connection: close"]
        if (body or method not in ("GET", "HEAD", "OPTIONS")) and not any("ength:" in each for each in headers):
            lines.append(f"Content-Length: {len(body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")
        return answer_in(self.raw(head + body))


def answer_in(response: bytes) -> Answer:
    """Parse the first answer in the bytes received."""
    head, _, body = response.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    match = re.match(r"HTTP/1\.1 (\d{3})", lines[0])
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return Answer(int(match[1]) if match else 0, headers, body)


@contextlib.contextmanager
def served(*options: str, token: bool = False) -> Iterator[Server]:
    """Run `digitlab serve` with these options, in an empty folder, until the block ends.

    token: whether to give it an owner's token, in a file
    """
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        command = [sys.executable, "-m", "digitlab", "serve", "--port", "0", *options]
        command += ["--token-file", "token.txt"] if token else []
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
        )
        try:
            yield _ready(process, folder, token)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def _ready(process: subprocess.Popen[str], folder: Path, token: bool) -> Server:
    line = process.stdout.readline() if process.stdout is not None else ""
    match = re.search(r"http://[^ ]*?:(\d+)/", line)
    if match is None:
        raise RuntimeError(f"the server did not start: {(process.stderr.read() if process.stderr else '')[-500:]}")
    secret = (folder / "token.txt").read_text("utf-8").strip() if token else ""
    server = Server(int(match[1]), process, folder, secret)

    def listen() -> None:
        with contextlib.suppress(ValueError):  # the stream is closed at the end
            for each in process.stderr or ():
                server.log.append(each)

    threading.Thread(target=listen, daemon=True).start()
    return server


def memory_of(server: Server) -> int:
    """Return the server's resident memory in bytes."""
    pages = Path(f"/proc/{server.process.pid}/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def png_of(width: int, height: int, data: bytes, chunks: Sequence[tuple[bytes, bytes]] = (), depth: int = 0) -> bytes:
    """Build a PNG file. data: its compressed pixels; chunks: more chunks before them; depth: 0 grey, 2 colour"""
    header = struct.pack(">IIBBBBB", width, height, 8, depth, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )


def digit_png() -> bytes:
    """Build a picture of a one, 28×28, dark on light."""
    rows = b"".join(
        b"\0" + (b"\xff" * 12 + b"\x10" * 4 + b"\xff" * 12 if 4 <= row < 24 else b"\xff" * 28) for row in range(28)
    )
    return png_of(28, 28, zlib.compress(rows))
