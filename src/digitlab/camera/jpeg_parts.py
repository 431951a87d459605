"""Extract JPEG pictures from a byte stream by their own markers, not by the stream's headers.

An MJPEG stream is a multipart message: a boundary, some headers, a blank line, a picture, and so on. In practice
boundaries differ from the announced ones, lengths are missing or wrong, and pictures are truncated. So none of these is
used: a picture begins with its start-of-image marker and ends where its segments (ITU T.81, annex B) end. Only after a
damaged picture, whose remainder may contain the start of a thumbnail, must the next one begin at the start of a line,
as it does after the blank line.
"""

from __future__ import annotations

import re

__all__ = ["JpegParts"]

_START = re.compile(rb"\xff\xd8\xff")
_START_OF_LINE = re.compile(rb"\n\xff\xd8\xff")
_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # ends entropy-coded data: not a stuffed zero, restart or fill

_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN = 0xD8, 0xD9, 0xDA
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MAY_HOLD_ANYTHING = frozenset((*range(0xE0, 0xF0), 0xFE))  # application data (a thumbnail), comments
_ALONE = frozenset((0x00, 0x01, *range(0xD0, 0xD9)))  # markers without a segment: invalid between segments

_MOST_PIXELS = 50_000_000  # 150 MB decoded


class JpegParts:
    """Collects the bytes of a stream and returns the newest complete picture.

    most: maximum number of bytes kept; a longer picture is discarded
    skipped: number of incomplete or damaged pictures
    passed: number of complete pictures superseded by a newer one before they were fetched
    """

    def __init__(self, most: int = 16_000_000) -> None:
        self.most = most
        self.skipped = 0
        self.passed = 0
        self._bytes = bytearray()
        self._after_damage = False
        self._inside = False  # a picture begins at byte 0 …
        self._at = 0  # … and has been parsed up to here
        self._in_scan = False

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        self._bytes += data

    def newest(self) -> bytes | None:
        """Return the newest complete picture, from its start to its end marker; None while there is no new one."""
        newest = None
        while (part := self._next()) is not None:
            self.passed += newest is not None
            newest = part
        return newest

    def _next(self) -> bytes | None:
        while self._inside or self._find_start():
            whole = self._follow()
            if whole:
                part = bytes(self._bytes[: self._at])
                self._drop(self._at)
                self._after_damage = False
                return part
            if whole is None and len(self._bytes) <= self.most:
                return None
            self.skipped += 1
            self._drop(2)  # continue with the next start marker
            self._after_damage = True
        return None

    def _find_start(self) -> bool:
        found = (_START_OF_LINE if self._after_damage else _START).search(self._bytes)
        if found is None:
            del self._bytes[:-3]  # a start marker may be split between two reads
            return False
        del self._bytes[: found.end() - 3]
        self._inside, self._at, self._in_scan = True, 2, False
        return True

    def _drop(self, count: int) -> None:
        del self._bytes[:count]
        self._inside = False

    def _follow(self) -> bool | None:
        """Advance to the picture's end; return True there, False if it is damaged, None if more bytes are needed."""
        while self._to_marker():
            if len(self._bytes) < self._at + 2:
                return None
            code = self._bytes[self._at + 1]
            if self._bytes[self._at] != 0xFF or code in _ALONE:
                return False
            if code == 0xFF:  # fill byte
                self._at += 1
            elif code == _END_OF_IMAGE:
                self._at += 2
                return True
            elif (passed := self._pass_segment(code)) is not True:
                return passed
        return None

    def _to_marker(self) -> bool:
        """Skip entropy-coded data; return False if its end has not been received yet."""
        if not self._in_scan:
            return True
        found = _IN_SCAN.search(self._bytes, self._at)
        if found is None:
            self._at = max(self._at, len(self._bytes) - 1)  # the last byte may be half a marker
            return False
        self._at, self._in_scan = found.start(), False
        return True

    def _pass_segment(self, code: int) -> bool | None:
        """Skip the segment that begins here; return values are those of `_follow`."""
        head = self._bytes[self._at + 2 : self._at + 9]
        if len(head) < 2:
            return None
        length = int.from_bytes(head[:2])
        if length < 2:
            return False
        if len(self._bytes) < self._at + 3 + length:  # every segment is followed by a marker
            return None
        if code not in _MAY_HOLD_ANYTHING and _START.search(self._bytes, self._at, self._at + 3 + length):
            return False  # a truncated table: its length reaches into the next picture
        if code in _FRAME_HEADERS:
            pixels = int.from_bytes(head[3:5]) * int.from_bytes(head[5:7])
            if length < 8 or not 0 < pixels <= _MOST_PIXELS:
                return False
        self._at += 2 + length
        self._in_scan = code == _START_OF_SCAN
        return True
