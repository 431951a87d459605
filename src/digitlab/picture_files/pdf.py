"""Pages of a PDF as pictures, each drawn by a process of its own (`pdf_process`), whose memory and time are bounded.

A PDF is a program for a large library in C++: a file made to crash it, to fill the memory or never to end takes only
that process along. Starting it costs about a tenth of a second a page.
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
_SECONDS = 60.0  # of waiting for one page, on a machine that is busy; how long it may compute, the process limits

Source = Path | bytes  # a file, or one's content


def count_pdf_pages(source: Source, name: object) -> int:
    """How many pages a PDF has.

    Raises:
        ImageError: encrypted, damaged, or without a page.
    """
    return int(_ask(source, name, 0, 0)[0]["pages"])


def draw_pdf_page(source: Source, name: object, page: int, most_pixels: int) -> tuple[NDArray[np.uint8], int]:
    """One page, from 1, as uint8 (H, W, 3) RGB on white, and how many pages there are.

    Raises:
        ImageError: encrypted, damaged, without such a page, or drawing it takes too much time or memory.
    """
    told, content = _ask(source, name, page, most_pixels)
    width, height, stride = told["width"], told["height"], told["stride"]
    rows = np.frombuffer(content, np.uint8, height * stride).reshape(height, stride)
    return rows[:, : 3 * width].reshape(height, width, 3), told["pages"]


def _ask(source: Source, name: object, page: int, most_pixels: int) -> tuple[dict[str, Any], memoryview]:
    """What the process tells of the file, and the page's rows."""
    place = str(source.absolute()) if isinstance(source, Path) else ""
    content = b"" if isinstance(source, Path) else source
    # -P: the process's own folder holds modules that must not stand before Python's.
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
