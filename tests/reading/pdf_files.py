"""PDF files made by code, the smallest that readers take."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

__all__ = ["pdf", "pdf_of_objects"]


def pdf_of_objects(objects: Iterable[bytes], root: int = 1, trailer: bytes = b"") -> bytes:
    """A PDF of these numbered objects, with the table of their places."""
    parts, places, size = [b"%PDF-1.7\n"], [], 9
    for number, content in enumerate(objects, 1):
        part = b"%d 0 obj\n%s\nendobj\n" % (number, content)
        places.append(size)
        size += len(part)
        parts.append(part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(places) + 1, table))
    parts.append(b"trailer\n<< /Size %d /Root %d 0 R %s >>\n" % (len(places) + 1, root, trailer))
    parts.append(b"startxref\n%d\n%%%%EOF\n" % size)
    return b"".join(parts)


def pdf(
    greys: Sequence[float], width: float = 144.0, height: float = 72.0, *, extra: bytes = b"", more: bytes = b""
) -> bytes:
    """A page of each grey, 0 … 1, of this size in points, its left half painted; ``extra`` goes into each page's
    dictionary, ``more`` into the catalogue."""
    pages = range(len(greys))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % more,
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(greys), b" ".join(b"%d 0 R" % (3 + 2 * at) for at in pages)),
    ]
    for at, grey in enumerate(greys):
        drawn = b"%g g 0 0 %f %f re f" % (grey, width / 2, height)
        box = b"[0 0 %f %f]" % (width, height)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox %s /Contents %d 0 R /Resources << >> %s >>"
            % (box, 4 + 2 * at, extra)
        )
        packed = zlib.compress(drawn)
        objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed))
    return pdf_of_objects(objects)
