"""Attempts below and inside HTTP: smuggled requests, bombs, WebSocket frames, JSON, trainings."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import struct
import time
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from _attempts import ATTEMPTS, Attempt, attempt, first
from _servers import png_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from _servers import Server

__all__ = ["BOMBS", "SMUGGLED", "frame", "shaken"]

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
    "HTTP/2 by upgrade": b"GET /metrics HTTP/1.1\r\nHost: {host}\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\nPRI *",
    "HTTP/1.1 with other letters": b"GET /metrics HTTP/9.9\r\nHost: {host}\r\n\r\n",
    "a WebSocket of no version, and a request in it": (
        b"GET /v1/live HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 99\r\n"
        b"Sec-WebSocket-Key: x\r\n\r\n" + _HIDDEN
    ),
}


def _smuggler(sent: bytes) -> Callable[[Server], str | None]:
    def run(server: Server) -> str | None:
        told = server.raw(sent.replace(b"{host}", server.host.encode()), 1.5)
        if (
            b"digitlab_requests_total" in told
            and b"GET /metrics" in sent
            and not sent.startswith(b"GET /metrics HTTP/1.1")
        ):
            return f"the hidden request was answered: {told[:60]!r} …"
        return f"{told[:60]!r}" if b" 101 " in told[:20] or b"HTTP/1.1 5" in told else None

    return run


ATTEMPTS.extend(
    Attempt(f"smuggling: {name}", "to have a second request taken for a part of the first", "400 or an end, one answer", "open",
            _smuggler(sent))
    for name, sent in SMUGGLED.items()
)  # fmt: skip


# Bombs -------------------------------------------------------------------------------------------------------------


def _tiff(width: int, height: int) -> bytes:
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1),
            (278, 4, 1, height), (279, 4, 1, 2**31 - 1)]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", *each) for each in tags)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"


def _zipped(levels: int) -> bytes:
    content = bytes(30_000_000)
    for level in range(levels):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{level}.bin", content)
        content = stream.getvalue()
    return content


def _form_of(parts: int) -> bytes:
    return b"--x\r\nContent-Disposition: form-data; name=image\r\n\r\n" + b"--x\r\nA: b\r\n\r\n1\r\n" * parts + b"--x--"


BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG of 20,000 × 20,000": lambda: png_of(20_000, 20_000, zlib.compress(bytes(10_000_000), 9), depth=2),
    "PNG of 2³¹ sides": lambda: png_of(2**31 - 1, 2**31 - 1, b"", depth=2),
    "PNG of 25 million pixels, all there": lambda: png_of(5000, 5000, zlib.compress(bytes(25_005_000), 9)),
    "PNG with 50 MB of text": lambda: png_of(8, 8, zlib.compress(bytes(72)), [(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000), 9))]),
    "PNG with a colour profile of 50 MB": lambda: png_of(8, 8, zlib.compress(bytes(72)), [(b"iCCP", b"a\0\0" + zlib.compress(bytes(50_000_000), 9))]),
    "PNG with 100,000 chunks": lambda: png_of(8, 8, zlib.compress(bytes(72)), [(b"tEXt", b"a\0b")] * 100_000),
    "PNG whose pixels never end": lambda: png_of(28, 28, zlib.compress(bytes(19_000_000), 1)[:18_000_000]),
    "TIFF of 2³¹ bytes": lambda: _tiff(60_000, 60_000),
    "TIFF that is its own next page": lambda: b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
    "GIF of 65,535 × 65,535": lambda: b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(6) + b",\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;",
    "BMP of 2³⁰ rows": lambda: b"BM" + struct.pack("<IHHIIiiHHIIIIII", 100, 0, 0, 54, 40, 28, 2**30, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(50),
    "PDF of nested arrays": lambda: b"%PDF-1.7\n1 0 obj\n" + b"[" * 100_000 + b"\nendobj\ntrailer<</Root 1 0 R>>",
    "PDF of a million pages": lambda: b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Count 1000000/Kids[2 0 R]>>endobj trailer<</Root 1 0 R>>",
    "zip in zip in zip": lambda: _zipped(3),
    "SVG of a billion laughs": lambda: b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)) + b"]><svg>&j;</svg>",
    "JPEG of 65,500 × 65,500": lambda: b"\xff\xd8\xff\xc0\0\x11\x08\xff\xdc\xff\xdc\x03\x01\x22\0\x02\x11\x01\x03\x11\x01" + bytes(5000) + b"\xff\xd9",
    "HEIC of nothing but boxes": lambda: struct.pack(">I4s4sI", 16, b"ftyp", b"heic", 0) + struct.pack(">I4s", 8, b"meta") * 20_000,
    "data URL in a data URL": lambda: b"data:image/png;base64,ZGF0YTppbWFnZS9wbmc7YmFzZTY0LA==",
    "data URL of 15 MB of %": lambda: b"data:image/png," + b"%41" * 5_000_000,
    "20 MB of nothing": lambda: bytes(19_999_999),
}  # fmt: skip
ROUTES = ("/v1/classify", "/v1/read", "/v1/inspect", "/v1/picture", "/v1/filters")


def _bomb(make: Callable[[], bytes]) -> Callable[[Server], str | None]:
    def run(server: Server) -> str | None:
        wrong, content, before = [], make(), _memory(server)
        for path in ROUTES:
            began = time.monotonic()
            told = server.ask("POST", path, body=content)
            seconds = time.monotonic() - began
            if told.status not in (200, 400, 413, 415, 422, 503, 504) or seconds > 25:
                wrong.append(f"{path}: {told.status} after {seconds:.1f} s")
        grown = _memory(server) - before
        return first(wrong + ([f"{grown / 1e6:.0f} MB more"] if grown > 250e6 else []))

    return run


def _memory(server: Server) -> int:
    with open(f"/proc/{server.process.pid}/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


ATTEMPTS.extend(
    Attempt(f"bomb: {name}", "to fill the memory, or the processor for long", "an answer in seconds, memory as before", "open", _bomb(make))
    for name, make in BOMBS.items()
)  # fmt: skip


@attempt("open", "packed bodies, forms of 100,000 parts, boundaries of 60 kB", "400, 413, 415 or 422")
def bodies_that_swell(server: Server) -> str | None:
    packed = gzip.compress(bytes(30_000_000))
    wrong = []
    for header, body in (
        ("Content-Encoding: gzip", packed), ("Content-Encoding: br", packed),
        ("Content-Encoding: deflate, gzip", packed),
        ("Content-Type: multipart/form-data; boundary=x", _form_of(100_000)),
        (f"Content-Type: multipart/form-data; boundary={'y' * 60_000}", b"--y"),
        ("Content-Type: multipart/form-data; boundary=x", b"--x\r\n" + b"A: b\r\n" * 100_000),
        ("Content-Type: multipart/form-data; boundary=x", b"--x\r\n" * 100_000),
        ("Content-Type: multipart/form-data; boundary*=utf-8''x; boundary*0=y", b"--x--"),
    ):  # fmt: skip
        told = server.ask("POST", "/v1/read", header, body=body)
        wrong += [] if told.status in (400, 413, 415, 422) else [f"{header[:50]}: {told.status}"]
    return first(wrong)


@attempt("open", "JSON 100,000 deep, numbers of 10,000 digits, NaN, repeated names, odd encodings", "400 or 422")
def json_that_is_none(server: Server) -> str | None:
    wrong = []
    for body in (
        b"[" * 100_000, b'{"a":' * 50_000, b'{"epochs": ' + b"9" * 10_000 + b"}", b'{"epochs": NaN}',
        b'{"epochs": 1e999}', b"\xff\xfe{\0}\0",
        b'{"epochs": 1, "epochs": -5}', b'"\\ud800"', b"\0", b"", b"{}" * 1000, b'{"architecture": {"$ref": "#/x"}}',
        b'{"seed": true}',
        b'{"__proto__": {"epochs": 9}, "constructor": 1}', b'{"images": 1e12}', b'{"learning_rate": -Infinity}',
    ):  # fmt: skip
        for path in ("/v1/explain", "/v1/probabilities", "/v1/occlusion"):
            told = server.ask("POST", path, "Content-Type: application/json", body=body)
            wrong += [] if told.status in (400, 422) else [f"{path} {body[:30]!r}: {told.status}"]
    return first(wrong)


@attempt("open", "headers: 70 kB, 20,000 of them, names and values of odd bytes", "400 or an end")
def giant_headers(server: Server) -> str | None:
    wrong = []
    for lines in (
        b"X: " + b"a" * 70_000 + b"\r\n", b"X: a\r\n" * 20_000, b"\x80\xff: a\r\n", b": a\r\n", b"X\r\n",
        b"X: \x01\x02\r\n",
        b"Cookie: " + b"a=b; " * 20_000 + b"\r\n", b"Range: bytes=" + b"0-1," * 10_000 + b"\r\n",
        b"Accept: " + b"*/*;q=0.1," * 8_000 + b"\r\n",
    ):  # fmt: skip
        told = server.raw(
            b"GET /v1/models HTTP/1.1\r\nHost: "
            + server.host.encode()
            + b"\r\n"
            + lines
            + b"Connection: close\r\n\r\n",
            5,
        )
        if told.startswith((b"HTTP/1.1 5", b"HTTP/1.1 200")) and len(lines) > 65_536:
            wrong.append(f"{lines[:12]!r}: {told[:20]!r}")
        if told.startswith(b"HTTP/1.1 500"):
            wrong.append(f"{lines[:12]!r}: 500")
    return first(wrong)


# WebSockets --------------------------------------------------------------------------------------------------------


def frame(kind: int, content: bytes, *, mask: bool = True, final: bool = True, length: int | None = None) -> bytes:
    """A frame of RFC 6455. kind: its opcode; length: what it says of its length, where that is not the truth"""
    size = len(content) if length is None else length
    head = bytes([kind | (0x80 if final else 0)])
    bit = 0x80 if mask else 0
    head += (
        bytes([bit | size])
        if size < 126
        else bytes([bit | 126]) + struct.pack(">H", size)
        if size < 65_536
        else bytes([bit | 127]) + struct.pack(">Q", size)
    )
    return head + (b"\0\0\0\0" if mask else b"") + content


def shaken(server: Server, path: str = "/v1/live?mode=digit", *headers: str) -> bytes:
    """The request that opens a WebSocket."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {server.host}", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *headers]  # fmt: skip
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


def _is_closed(told: bytes) -> bool:
    """Whether a WebSocket was opened and then closed, with a code of RFC 6455."""
    return b" 101 " in told[:20] and re.search(rb"\x88[\x02-\x7d]\x03", told.partition(b"\r\n\r\n")[2]) is not None


@attempt(
    "open",
    "frames that are none: unmasked, of 2⁶³ bytes, reserved, endless fragments, texts, ten thousand pings",
    "closed, nothing held",
)
def frames_that_are_none(server: Server) -> str | None:
    before = _memory(server)
    with ThreadPoolExecutor(8) as threads:
        told = threads.map(lambda sent: server.raw(shaken(server), 5, sent), NO_FRAMES.values())
        wrong = [f"{name}: {each[-60:]!r}" for name, each in zip(NO_FRAMES, told, strict=True) if not _is_closed(each)]
    pinged = server.raw(shaken(server), 3, frame(9, b"x") * 200 + frame(8, b"\x03\xe8"))
    wrong += [] if pinged.count(b"\x8a\x01x") >= 1 else ["pings were not answered"]
    for path in ("/v1/live?model=../../etc/passwd", "/v1/live?mode=../x", "/v1/live?model=" + "a" * 5000):
        closed = server.raw(shaken(server, path), 2)
        wrong += [] if _is_closed(closed) or b" 40" in closed[:16] else [f"{path[:30]}: {closed[-40:]!r}"]
    grown = _memory(server) - before
    return first(wrong + ([f"{grown / 1e6:.0f} MB more"] if grown > 60e6 else []))


@attempt("open", "to be offered compression for a WebSocket, and send a bomb through it", "no compression")
def packed_frames(server: Server) -> str | None:
    told = server.raw(
        shaken(server, "/v1/live", "Sec-WebSocket-Extensions: permessage-deflate"), 5, frame(8, b"\x03\xe8")
    )
    return "permessage-deflate is taken" if b"permessage-deflate" in told.partition(b"\r\n\r\n")[0] else None


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
        told = server.ask("POST", "/v1/trainings", "Content-Type: application/json", body=json.dumps(question).encode())
        wrong += [] if told.status in (400, 422) else [f"{question}: {told.status}"]
    for path in ("/v1/trainings?epochs=1", "/v1/trainings/trained-1?_method=DELETE"):
        server.ask("GET", path)
    begun = server.ask("GET", "/v1/trainings").json()["trainings"]
    return first(wrong + ([f"begun: {begun[0]['question']}"] if begun else []))
