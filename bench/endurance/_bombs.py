"""Attempts to exhaust memory or CPU time: pictures, archives, forms, JSON and headers that expand."""

from __future__ import annotations

import gzip
import io
import struct
import time
import zipfile
import zlib
from typing import TYPE_CHECKING

from _attempts import ATTEMPTS, Attempt, attempt, first
from _servers import memory_of, png_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from _servers import Server

__all__ = ["BOMBS"]


# Bombs -------------------------------------------------------------------------------------------------------------


def _tiff(width: int, height: int) -> bytes:
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8),
            (277, 3, 1, 1),
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


def _swollen(kind: bytes, start: bytes) -> bytes:
    """Make a small PNG file with a chunk that decompresses to 50 MB."""
    return png_of(8, 8, zlib.compress(bytes(72)), [(kind, start + zlib.compress(bytes(50_000_000), 9))])


def _bmp(rows: int) -> bytes:
    header = (100, 0, 0, 54, 40, 28, rows, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHIIiiHHIIIIII", *header) + bytes(50)


def _laughs(levels: int) -> bytes:
    entities = (b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(levels))
    return b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(entities) + b"]><svg>&j;</svg>"


_GIF = b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(6) + b",\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;"
_JPEG = b"\xff\xd8\xff\xc0\0\x11\x08\xff\xdc\xff\xdc\x03\x01\x22\0\x02\x11\x01\x03\x11\x01" + bytes(5000) + b"\xff\xd9"
_PDF = (
    b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj "
    b"2 0 obj<</Type/Pages/Count 1000000/Kids[2 0 R]>>endobj trailer<</Root 1 0 R>>"
)
BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG of 20,000 × 20,000": lambda: png_of(20_000, 20_000, zlib.compress(bytes(10_000_000), 9), depth=2),
    "PNG of 2³¹ sides": lambda: png_of(2**31 - 1, 2**31 - 1, b"", depth=2),
    "PNG of 25 million pixels, all there": lambda: png_of(5000, 5000, zlib.compress(bytes(25_005_000), 9)),
    "PNG with 50 MB of text": lambda: _swollen(b"zTXt", b"a\0\0"),
    "PNG with a colour profile of 50 MB": lambda: _swollen(b"iCCP", b"a\0\0"),
    "PNG with 100,000 chunks": lambda: png_of(8, 8, zlib.compress(bytes(72)), [(b"tEXt", b"a\0b")] * 100_000),
    "PNG whose pixels never end": lambda: png_of(28, 28, zlib.compress(bytes(19_000_000), 1)[:18_000_000]),
    "TIFF of 2³¹ bytes": lambda: _tiff(60_000, 60_000),
    "TIFF that is its own next page": lambda: b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
    "GIF of 65,535 × 65,535": lambda: _GIF,
    "BMP of 2³⁰ rows": lambda: _bmp(2**30),
    "PDF of nested arrays": lambda: b"%PDF-1.7\n1 0 obj\n" + b"[" * 100_000 + b"\nendobj\ntrailer<</Root 1 0 R>>",
    "PDF of a million pages": lambda: _PDF,
    "zip in zip in zip": lambda: _zipped(3),
    "SVG of a billion laughs": lambda: _laughs(9),
    "JPEG of 65,500 × 65,500": lambda: _JPEG,
    "HEIC of nothing but boxes": lambda: struct.pack(">I4s4sI", 16, b"ftyp", b"heic", 0) + b"\0\0\0\x08meta" * 20_000,
    "data URL in a data URL": lambda: b"data:image/png;base64,ZGF0YTppbWFnZS9wbmc7YmFzZTY0LA==",
    "data URL of 15 MB of %": lambda: b"data:image/png," + b"%41" * 5_000_000,
    "20 MB of nothing": lambda: bytes(19_999_999),
}
ROUTES = ("/v1/classify", "/v1/read", "/v1/inspect", "/v1/picture", "/v1/filters")


def _bomb(make: Callable[[], bytes]) -> Callable[[Server], str | None]:
    def run(server: Server) -> str | None:
        wrong, content, before = [], make(), memory_of(server)
        for path in ROUTES:
            start = time.monotonic()
            answer = server.ask("POST", path, body=content)
            seconds = time.monotonic() - start
            if answer.status not in (200, 400, 413, 415, 422, 503, 504) or seconds > 25:
                wrong.append(f"{path}: {answer.status} after {seconds:.1f} s")
        growth = memory_of(server) - before
        return first(wrong + ([f"{growth / 1e6:.0f} MB more"] if growth > 250e6 else []))

    return run


_WANTS, _EXPECTED = "to fill the memory, or the processor for long", "an answer in seconds, memory as before"
ATTEMPTS.extend(Attempt(f"bomb: {name}", _WANTS, _EXPECTED, "open", _bomb(make)) for name, make in BOMBS.items())


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
        answer = server.ask("POST", "/v1/read", header, body=body)
        wrong += [] if answer.status in (400, 413, 415, 422) else [f"{header[:50]}: {answer.status}"]
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
            answer = server.ask("POST", path, "Content-Type: application/json", body=body)
            wrong += [] if answer.status in (400, 422) else [f"{path} {body[:30]!r}: {answer.status}"]
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
        response = server.raw(
            b"GET /v1/models HTTP/1.1\r\nHost: "
            + server.host.encode()
            + b"\r\n"
            + lines
            + b"Connection: close\r\n\r\n",
            5,
        )
        if response.startswith((b"HTTP/1.1 5", b"HTTP/1.1 200")) and len(lines) > 65_536:
            wrong.append(f"{lines[:12]!r}: {response[:20]!r}")
        if response.startswith(b"HTTP/1.1 500"):
            wrong.append(f"{lines[:12]!r}: 500")
    return first(wrong)
