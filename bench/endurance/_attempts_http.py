"""Attempts below HTTP: smuggled requests and WebSocket frames; and attempts by trainings."""

from __future__ import annotations

import json
import re
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from _attempts import ATTEMPTS, Attempt, attempt, first
from _servers import memory_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from _servers import Server

__all__ = ["SMUGGLED", "frame", "shaken"]

_HIDDEN = b"GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n"
_POST = b"POST /nothing HTTP/1.1\r\nHost: {host}\r\n"
SMUGGLED: dict[str, bytes] = {
    "length and chunks": _POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
    "chunks and length": _POST + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n" + _HIDDEN,
    "two lengths": _POST + b"Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + _HIDDEN,
    "two lengths in one": _POST + b"Content-Length: 0, 60\r\n\r\n" + _HIDDEN,
    "a signed length": _POST + b"Content-Length: +0\r\n\r\n" + _HIDDEN,
    "a negative length": _POST + b"Content-Length: -1\r\n\r\n" + _HIDDEN,
    "a length in hex": _POST + b"Content-Length: 0x0\r\n\r\n" + _HIDDEN,
    "a length beyond 64 bits": _POST + b"Content-Length: 18446744073709551616\r\n\r\n" + _HIDDEN,
    "chunks, disguised": _POST + b"Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n" + _HIDDEN,
    "chunks, twice": _POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + _HIDDEN,
    "chunks, with a tab": _POST + b"Transfer-Encoding:\tchunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" + _HIDDEN,
    "chunks, with a space before the colon": _POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
    "a chunk's size beyond 64 bits": _POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" + _HIDDEN,
    "a negative chunk": _POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" + _HIDDEN,
    "a chunk without its end": _POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\naGET " + _HIDDEN,
    "a folded header": _POST + b"X: a\r\n Content-Length: 60\r\n\r\n" + _HIDDEN,
    "bare line feeds": b"POST /nothing HTTP/1.1\nHost: {host}\nContent-Length: 60\n\n" + _HIDDEN,
    "bare carriage returns": b"POST /nothing HTTP/1.1\rHost: {host}\r\r\n\r\n" + _HIDDEN,
    "a null in a header": _POST + b"X: a\0\r\nContent-Length: 0\r\n\r\n" + _HIDDEN,
    "HTTP/0.9": b"GET /metrics\r\n\r\n",
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2 by upgrade": (
        b"GET /metrics HTTP/1.1\r\nHost: {host}\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
        b"Connection: Upgrade, HTTP2-Settings\r\n\r\nPRI *"
    ),
    "HTTP/1.1 with other letters": b"GET /metrics HTTP/9.9\r\nHost: {host}\r\n\r\n",
    "a WebSocket of no version, and a request in it": (
        b"GET /v1/live HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 99\r\n"
        b"Sec-WebSocket-Key: x\r\n\r\n" + _HIDDEN
    ),
}


def _smuggler(sent: bytes) -> Callable[[Server], str | None]:
    def run(server: Server) -> str | None:
        response = server.raw(sent.replace(b"{host}", server.host.encode()), 1.5)
        if (
            b"digitlab_requests_total" in response
            and b"GET /metrics" in sent
            and not sent.startswith(b"GET /metrics HTTP/1.1")
        ):
            return f"the hidden request was answered: {response[:60]!r} …"
        return f"{response[:60]!r}" if b" 101 " in response[:20] or b"HTTP/1.1 5" in response else None

    return run


ATTEMPTS.extend(
    Attempt(f"smuggling: {name}", "a second request, taken for a part of the first", "one answer, 400, or an end",
            "open", _smuggler(sent))
    for name, sent in SMUGGLED.items()
)  # fmt: skip


# WebSockets --------------------------------------------------------------------------------------------------------


def frame(kind: int, content: bytes, *, mask: bool = True, final: bool = True, length: int | None = None) -> bytes:
    """Build an RFC 6455 frame. kind: its opcode; length: the length that it declares, where that is to be false"""
    size = len(content) if length is None else length
    header = bytes([kind | (0x80 if final else 0)])
    bit = 0x80 if mask else 0
    header += (
        bytes([bit | size])
        if size < 126
        else bytes([bit | 126]) + struct.pack(">H", size)
        if size < 65_536
        else bytes([bit | 127]) + struct.pack(">Q", size)
    )
    return header + (b"\0\0\0\0" if mask else b"") + content


def shaken(server: Server, path: str = "/v1/live?mode=digit", *headers: str) -> bytes:
    """Build the request that opens a WebSocket."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {server.host}", "Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *headers]  # fmt: skip
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


NO_FRAMES = {
    "unmasked": frame(2, b"x", mask=False),
    "2⁶³ bytes": frame(2, b"x", length=2**63 - 1),
    "reserved": frame(11, b"x"),
    "reserved bits": bytes([0xF2]) + frame(2, b"x")[1:],
    "a text": frame(1, b"hello"),
    "text that is no UTF-8": frame(1, b"\xff"),
    "3 MB in one": frame(2, bytes(3_000_000)),
    "a long ping": frame(9, b"x" * 126),
    "a fragmented ping": frame(9, b"x", final=False),
    "a continuation of nothing": frame(0, b"x"),
    "10,000 pings": frame(9, b"") * 10_000,
    "10,000 frames of a byte": frame(2, b"x") * 10_000,
    "3 MB in fragments": frame(2, b"", final=False) + frame(0, bytes(1000), final=False) * 3000,
}


def _is_closed(received: bytes) -> bool:
    """Return whether a WebSocket was opened and then closed, with a close code of RFC 6455."""
    return (
        b" 101 " in received[:20] and re.search(rb"\x88[\x02-\x7d]\x03", received.partition(b"\r\n\r\n")[2]) is not None
    )


@attempt(
    "open",
    "frames that are none: unmasked, of 2⁶³ bytes, reserved, endless fragments, texts, ten thousand pings",
    "closed, nothing held",
)
def frames_that_are_none(server: Server) -> str | None:
    before = memory_of(server)
    with ThreadPoolExecutor(8) as threads:
        responses = threads.map(lambda sent: server.raw(shaken(server), 20, sent), NO_FRAMES.values())
        wrong = [
            f"{name}: {each[-60:]!r}" for name, each in zip(NO_FRAMES, responses, strict=True) if not _is_closed(each)
        ]
    pinged = server.raw(shaken(server), 20, frame(9, b"x") * 200 + frame(8, b"\x03\xe8"))
    wrong += [] if pinged.count(b"\x8a\x01x") >= 1 else ["pings were not answered"]
    for path in ("/v1/live?model=../../etc/passwd", "/v1/live?mode=../x", "/v1/live?model=" + "a" * 5000):
        closed = server.raw(shaken(server, path), 20)
        wrong += [] if _is_closed(closed) or b" 40" in closed[:16] else [f"{path[:30]}: {closed[-40:]!r}"]
    growth = memory_of(server) - before
    return first(wrong + ([f"{growth / 1e6:.0f} MB more"] if growth > 60e6 else []))


@attempt("open", "to be offered compression for a WebSocket, and send a bomb through it", "no compression")
def packed_frames(server: Server) -> str | None:
    response = server.raw(
        shaken(server, "/v1/live", "Sec-WebSocket-Extensions: permessage-deflate"), 5, frame(8, b"\x03\xe8")
    )
    return "permessage-deflate is taken" if b"permessage-deflate" in response.partition(b"\r\n\r\n")[0] else None


# Trainings ---------------------------------------------------------------------------------------------------------


@attempt(
    "open",
    "trainings that read files, last for ever or fill the memory; GETs that change something",
    "422, and nothing begun",
)
def trainings_that_cost(server: Server) -> str | None:
    wrong = []
    for question in (
        {"epochs": 10**9}, {"epochs": -1}, {"images": 10**9}, {"images": -1}, {"dataset": "/etc/passwd"},
        {"architecture": "../../x"},
        {"seed": 2**70}, {"learning_rate": 1e30}, {"batch": 10**9}, {"own": "/etc/passwd"},
        {"architecture": "__import__('os')"}, [], None,
    ):  # fmt: skip
        answer = server.ask(
            "POST", "/v1/trainings", "Content-Type: application/json", body=json.dumps(question).encode()
        )
        wrong += [] if answer.status in (400, 422) else [f"{question}: {answer.status}"]
    for path in ("/v1/trainings?epochs=1", "/v1/trainings/trained-1?_method=DELETE"):
        server.ask("GET", path)
    begun = server.ask("GET", "/v1/trainings").json()["trainings"]
    return first(wrong + ([f"begun: {begun[0]['question']}"] if begun else []))
