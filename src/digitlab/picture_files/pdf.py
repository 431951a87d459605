"""Render pages of a PDF as pictures, each in a process of its own (`pdf_process`), whose memory and time are limited.

A PDF is a program for a large C++ library: a file made to crash it, to exhaust memory or to run forever takes down only
that process. Starting it costs about a tenth of a second per page.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import ImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["count_pdf_pages", "draw_pdf_page"]

_PROCESS = Path(__file__).with_name("pdf_process.py")
_SECONDS = 60.0  # timeout for one page, on a busy machine; the process itself limits its CPU time

Source = Path | bytes  # a path, or a file's content


def count_pdf_pages(source: Source, name: object) -> int:
    """Count the pages of a PDF.

    Raises:
        ImageError: if it is encrypted, damaged, or without a page.
    """
    return int(_ask(source, name, 0, 0)[0]["pages"])


def draw_pdf_page(source: Source, name: object, page: int, most_pixels: int) -> tuple[NDArray[np.uint8], int]:
    """Render a page, from 1, as uint8 (H, W, 3) RGB on white; also return the number of pages.

    Raises:
        ImageError: if it is encrypted, damaged, without such a page, or takes too much time or memory to render.
    """
    told, content = _ask(source, name, page, most_pixels)
    width, height, stride = told["width"], told["height"], told["stride"]
    rows = np.frombuffer(content, np.uint8, height * stride).reshape(height, stride)
    return rows[:, : 3 * width].reshape(height, width, 3), told["pages"]


def _ask(source: Source, name: object, page: int, most_pixels: int) -> tuple[dict[str, Any], memoryview]:
    """Run the process; return what it reports about the file, and the page's rows."""
    place = str(source.absolute()) if isinstance(source, Path) else ""
    content = b"" if isinstance(source, Path) else source
    # -P: modules in the process's own folder must not shadow Python's.
    command = [sys.executable, "-P", str(_PROCESS), str(page), str(most_pixels), place]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ImageError(f"{name}: drawing its page takes more than {_SECONDS:.0f} s; print it to a new PDF") from error
    head, _, _ = done.stdout[:500].partition(b"\n")
    try:
        told = json.loads(head)
    except ValueError:
        told = {}
    if done.returncode or not told:
        raise ImageError(
            f"{name}: is damaged, or too large to draw within the limits of time and memory; print it to a new PDF"
        )
    if "error" in told:
        raise ImageError(f"{name}: {told['error']}")
    return told, memoryview(done.stdout)[len(head) + 1 :]
