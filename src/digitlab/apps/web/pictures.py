"""Decoding of a request's body to a picture, in memory: nothing of an upload is ever written to disk."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from digitlab.apps.web.problems import ProblemError
from digitlab.errors import ImageError, MissingExtraError
from digitlab.reading.images import decode_page

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["OPENAPI_BODY", "page_of", "picture_bytes", "picture_of", "shown", "with_page_note"]

SIDE = 1600  # pixels of the longer side of a picture for display; the reader sees pages 1,280 pixels wide

_FIELD = "image"
_MOST_QUOTED = 300_000  # percent-encoded characters in a data URL: five million of them take seconds
_MOST_PARTS = 16
_KINDS = ("png", "jpeg", "webp", "bmp", "tiff", "gif", "jp2", "avif", "heic")
_DATA_URL = re.compile(rb"\s{0,8}data:[^,]{0,200},", re.IGNORECASE)
_BINARY = {"schema": {"type": "string", "format": "binary"}}
# OpenAPI description of the routes that take a picture, which FastAPI cannot derive.
OPENAPI_BODY = {
    "requestBody": {
        "required": True,
        "description": "The picture: the file itself, a data URL of it as text, or a form with either.",
        "content": {
            **{f"image/{kind}": _BINARY for kind in _KINDS},
            "application/pdf": _BINARY,
            "text/plain": {"schema": {"type": "string", "format": "uri"}},
            "application/octet-stream": _BINARY,
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {_FIELD: {"type": "string", "format": "binary"}},
                    "required": [_FIELD],
                }
            },
        },
    }
}


def picture_bytes(body: bytes, content_type: bytes) -> bytes:
    """Extract the picture file from a body: the body itself, or the file in a form; either may be a data URL.

    Raises:
        ProblemError: 400 for a damaged form or data URL, 413 if that would take long, 422 for a form without a file.
    """
    is_form = content_type.lower().startswith(b"multipart/form-data")
    return _unpacked(_file_of_form(body, content_type) if is_form else body)


def picture_of(content: bytes, most_pixels: int, page: int | None = None) -> NDArray[np.uint8]:
    """Decode a picture, upright, to uint8 (H, W, 3) RGB; of several pages this one, from 1, or the first.

    Raises:
        ImageError: if it is no picture, damaged, truncated or too large; or if there is no such page.
        MissingExtraError: if the server lacks the extra that decodes it.
    """
    return page_of(content, most_pixels, page)[0]


def page_of(content: bytes, most_pixels: int, page: int | None = None) -> tuple[NDArray[np.uint8], int]:
    """Return the picture as `picture_of` does, and the number of pages in the file.

    Raises:
        ImageError, MissingExtraError: as `picture_of`.
    """
    try:
        return decode_page(content, page=page, most_pixels=most_pixels)
    except ImageError as error:
        if isinstance(error.__cause__, MissingExtraError):  # the text of the ImageError names a folder of the server
            raise error.__cause__ from None
        raise


def shown(picture: NDArray[np.uint8]) -> bytes:
    """Encode a picture, uint8 (H, W, 3) RGB, as a JPEG that every browser shows, at most SIDE pixels a side."""
    import cv2

    from digitlab.reading.ink import shrink

    small = cv2.cvtColor(shrink(picture, SIDE), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def with_page_note(note: str | None, pages: int, page: int | None = None) -> str | None:
    """Add to a note which page was read of a file of several pages.

    >>> with_page_note("the page is upside down; it was set upright first", 3)
    'page 1 of 3 was read; the page is upside down; it was set upright first'
    >>> with_page_note(None, 3, 2), with_page_note(None, 1)
    ('page 2 of 3 was read', None)
    """
    page_note = f"page {page or 1:,} of {pages:,} was read" if pages > 1 else None
    return "; ".join(part for part in (page_note, note) if part) or None


def _unpacked(content: bytes) -> bytes:
    """Decode a data URL; return anything else as it is."""
    match = _DATA_URL.match(content[:256])
    if match is None:
        return content
    data = content[match.end() :].strip()
    is_base64 = match[0].lower().endswith(b";base64,")
    if data.count(b"%") > _MOST_QUOTED:
        raise ProblemError(
            413, "too-large", f"the data URL has {data.count(b'%'):,} characters written with %; at most "
            f"{_MOST_QUOTED:,} are accepted: send the file itself, or base64",
        )  # fmt: skip
    if not is_base64:
        return unquote_to_bytes(data)
    try:
        return base64.b64decode(unquote_to_bytes(data) if b"%" in data else data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProblemError(400, "data-url", f"the data URL is not base64 ({error}); copy all of it") from error


def _file_of_form(body: bytes, content_type: bytes) -> bytes:
    """Return the content of the form field "image"; all other fields are ignored."""
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise ProblemError(400, "form", "the form has no boundary in its Content-Type")
    form = _Form()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": form.begin,
                "on_header_field": form.header_name,
                "on_header_value": form.header_value,
                "on_header_end": form.header_end,
                "on_headers_finished": form.headers_end,
                "on_part_data": form.data,
            },
            max_size=len(body),
        )
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise ProblemError(400, "form", f"the form cannot be read ({str(error)[:100]})") from error
    if form.file is None:
        raise ProblemError(422, "form", f"the form has no field {_FIELD!r}; expected one with the picture in it")
    return b"".join(form.file)


class _Form:
    """Callbacks of the form parser, which keep the first file in the right field."""

    def __init__(self) -> None:
        self.file: list[bytes] | None = None
        self._parts = 0
        self._name, self._value = b"", b""
        self._disposition = b""
        self._takes = False

    def begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise ValueError(f"it has more than {_MOST_PARTS} parts")
        self._disposition, self._takes = b"", False

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name, self._value = b"", b""

    def headers_end(self) -> None:
        from python_multipart.multipart import parse_options_header

        name = parse_options_header(self._disposition)[1].get(b"name")
        self._takes = name == _FIELD.encode() and self.file is None
        if self._takes:
            self.file = []

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._takes and self.file is not None:
            self.file.append(data[start:end])
