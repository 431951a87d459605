"""Run by ``pdf.py`` as a separate program: render one page of a PDF, within limits, to standard output.

    python -P pdf_process.py PAGE MOST_PIXELS FILE

Page 0 only counts pages. If FILE is empty, the PDF comes from standard input. The output is a line of JSON (pages,
width, height, stride; or error) and the rows of the picture, RGB. Nothing of digitlab is imported: it starts in 0.1 s.
PDFium is used without its form module and its JavaScript: nothing in a file is run.
"""

from __future__ import annotations

import json
import math
import sys

__all__: list[str] = []

_MEMORY = 1 << 30  # bytes of address space
_SECONDS = 15  # of CPU time; a large scan in colour takes one or two
_POINTS = 72.0  # PDF units per inch
_RESOLUTION = 200.0  # pixels per inch: a digit of 3 mm is 24 pixels high
_LONGEST = 4096  # pixels per side: limits photos at one point per pixel, and plans


def _limit() -> None:
    try:
        import resource
    except ImportError:  # not on Windows: there the parent's timeout is the limit
        return
    for kind, limit in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, _SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        ours = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (ours, ours))


def _scale(width: float, height: float, most_pixels: int) -> float:
    """Compute the scale in pixels per point."""
    longest, area, half = max(width, height, 1e-3), max(width * height, 1e-6), (width + height) / 2
    most = (math.sqrt(half * half + area * (most_pixels - 1)) - half) / area  # each side is rounded up to whole pixels
    return min(_RESOLUTION / _POINTS, (_LONGEST - 1) / longest, most)


def _answer(page: int, most_pixels: int, source: str | bytes) -> tuple[dict[str, object], bytes | memoryview]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == pypdfium2.raw.FPDF_ERR_PASSWORD or "password" in str(error).lower():
            return {"error": "is encrypted, and needs a password to be opened; print it to a new PDF without one"}, b""
        return {"error": "is damaged, truncated or without a page; copy or save it again"}, b""
    pages = len(document)
    if not pages:
        return {"error": "has no pages, or is damaged; copy or save it again"}, b""
    if not page:
        return {"pages": pages}, b""
    if page > pages:
        has = "one page" if pages == 1 else f"{pages} pages"
        return {"error": f"there is no page {page}; the file has {has}"}, b""
    try:
        drawn = document[page - 1]
        width, height = drawn.get_size()
        scale = _scale(width, height, most_pixels)
        bitmap = drawn.render(scale=scale, rev_byteorder=True, maybe_alpha=False, may_draw_forms=False)
    except pypdfium2.PdfiumError:
        return {"error": "this page is damaged; copy or save the file again"}, b""
    told = {"pages": pages, "width": bitmap.width, "height": bitmap.height, "stride": bitmap.stride}
    return told, memoryview(bitmap.buffer)


def main() -> None:
    """See the module."""
    page, most_pixels, file = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    _limit()
    told, rows = _answer(page, most_pixels, file or sys.stdin.buffer.read())
    out = sys.stdout.buffer
    out.write(json.dumps(told).encode() + b"\n")
    out.write(rows)
    out.flush()


if __name__ == "__main__":
    main()
