"""A page of lines, squares and text as a PDF: vector graphics, one page, nothing in it but what is drawn.

A hundred lines instead of a library: the fourteen standard fonts of every PDF reader need no embedding, and a form
needs no more than rectangles and text (ISO 32000-1, sections 7.5, 8.5 and 9.6.2.2).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from digitlab.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PdfPage"]

_POINTS = 72.0 / 25.4  # per mm
_FONTS = ("Helvetica", "Helvetica-Bold")
_ENCODING = "cp1252"  # PDF's WinAnsiEncoding: the letters of Western Europe


class PdfPage:
    """Collects what is drawn; places are in mm from the upper left corner, greys from 0 (black) to 1."""

    def __init__(self, size: tuple[float, float], title: str) -> None:
        self._size, self._title = size, title
        self._content: list[str] = []

    def squares(self, places: Sequence[tuple[float, float, float, float]]) -> None:
        """Draw black rectangles: left, top, right, bottom."""
        self._content.append("0.000 g")
        self._content += [f"{self._rectangle(*place)} re" for place in places]
        self._content.append("f")

    def frames(self, places: Sequence[tuple[float, float, float, float]], width: float, grey: float) -> None:
        """Draw outlines of rectangles, with the stroke centred on their sides."""
        self._content.append(f"{grey:.3f} G {width * _POINTS:.3f} w")
        self._content += [f"{self._rectangle(*place)} re" for place in places]
        self._content.append("S")

    def line(self, x0: float, y0: float, x1: float, y1: float, width: float, grey: float) -> None:
        """Draw a straight line."""
        (ax, ay), (bx, by) = self._point(x0, y0), self._point(x1, y1)
        self._content.append(f"{grey:.3f} G {width * _POINTS:.3f} w {ax} {ay} m {bx} {by} l S")

    def text(self, text: str, x: float, y: float, size: float, *, bold: bool = False, grey: float = 0.0) -> None:
        """Draw a line of text with the left end of its baseline at (x, y).

        Raises:
            RecipeError: for letters that Helvetica does not have.
        """
        left, base = self._point(x, y)
        escaped = _escaped(text)
        self._content.append(
            f"BT {grey:.3f} g /F{int(bold)} {size * _POINTS:.3f} Tf {left} {base} Td ({escaped}) Tj ET"
        )

    def content(self) -> bytes:
        """Serialise the page as a PDF file."""
        width, height = (side * _POINTS for side in self._size)
        stream = zlib.compress("\n".join(self._content).encode("latin-1"), 9)
        fonts = " ".join(f"/F{number} {5 + number} 0 R" for number in range(len(_FONTS)))
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.3f} {height:.3f}] /Contents 4 0 R "
            f"/Resources << /Font << {fonts} >> >> >>".encode(),
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream),
            *(
                f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode()
                for name in _FONTS
            ),
            f"<< /Title ({_escaped(self._title)}) /Producer (digitlab) >>".encode("latin-1"),
        ]
        out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
        offsets = []
        for number, body in enumerate(objects, 1):
            offsets.append(len(out))
            out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        xref = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
        out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
            len(objects) + 1, len(objects), xref,
        )  # fmt: skip
        return bytes(out)

    def _point(self, x: float, y: float) -> tuple[str, str]:
        return f"{x * _POINTS:.3f}", f"{(self._size[1] - y) * _POINTS:.3f}"

    def _rectangle(self, x0: float, y0: float, x1: float, y1: float) -> str:
        left, bottom = self._point(x0, y1)
        return f"{left} {bottom} {(x1 - x0) * _POINTS:.3f} {(y1 - y0) * _POINTS:.3f}"


def _escaped(text: str) -> str:
    r"""Escape a text as a PDF string; its bytes are decoded as Latin-1, one character each.

    >>> _escaped("a (b)")
    'a \\(b\\)'
    """
    try:
        encoded = text.encode(_ENCODING)
    except UnicodeEncodeError as error:
        sign = text[error.start]
        raise RecipeError(
            f"{text!r}: the font of printed forms has no {sign!r}; expected letters of Western European languages"
        ) from error
    escaped = encoded.decode("latin-1")
    return escaped.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
