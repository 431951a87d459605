"""The alternatives, RapidOCR and Tesseract, measured in the same run on the same pictures.

RapidOCR installs its own OpenCV, which conflicts with ours; it may be in a separate virtual environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import cv2
import numpy as np

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from digitlab.bench.answering import Answerer

__all__ = ["RapidOcr", "Tesseract", "peers"]

_ONE_THREAD = {"OMP_THREAD_LIMIT": "1", "OMP_NUM_THREADS": "1"}


class RapidOcr:
    """RapidOCR with the models from its wheel, on one thread, in a process of another Python."""

    def __init__(self, python: str) -> None:
        script = Path(__file__).with_name("rapidocr_worker.py")
        self._process = subprocess.Popen(
            [python, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ONE_THREAD},
        )
        about = json.loads(self._line())
        self.name, self.megabytes = f"rapidocr {about['version']}", float(about["megabytes"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def single(self, image: NDArray[np.uint8]) -> tuple[str, float]:
        """See `Answerer.single`: recognition only, as the picture is one digit."""
        return self._ask("single", image)

    def page(self, image: NDArray[np.uint8]) -> tuple[str, float]:
        """See `Answerer.page`: detection and recognition."""
        return self._ask("page", image)

    def _ask(self, kind: str, image: NDArray[np.uint8]) -> tuple[str, float]:
        assert self._process.stdin is not None  # noqa: S101 - requested above
        image = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
        header = json.dumps({"kind": kind, "shape": list(image.shape)})
        self._process.stdin.write(header.encode() + b"\n" + image.tobytes())
        self._process.stdin.flush()
        answer = json.loads(self._line())
        return str(answer["text"]), float(answer["ms"])

    def _line(self) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 - requested above
        line = self._process.stdout.readline()
        if not line:
            raise UsageError("RapidOCR crashed; try it by itself: python -c 'import rapidocr; rapidocr.RapidOCR()'")
        return line


class Tesseract:
    """Tesseract restricted to digits, on one thread; its time includes starting its process, as for any caller."""

    def __init__(self, program: str) -> None:
        output = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        self._program = program
        self.name = " ".join((output.stdout or output.stderr).split()[:2])

    def single(self, image: NDArray[np.uint8]) -> tuple[str, float]:
        """See `Answerer.single`: "treat the image as a single character"."""
        text, milliseconds = self._ask(image, "10")
        return text.replace("|", ""), milliseconds

    def page(self, image: NDArray[np.uint8]) -> tuple[str, float]:
        """See `Answerer.page`: "a single uniform block of text"."""
        return self._ask(image, "6")

    def _ask(self, image: NDArray[np.uint8], mode: str) -> tuple[str, float]:
        encoded_ok, encoded = cv2.imencode(".png", image[..., ::-1] if image.ndim == 3 else image)
        start = time.perf_counter()
        command = [self._program, "stdin", "stdout", "--psm", mode, "-c", "tessedit_char_whitelist=0123456789"]
        output = subprocess.run(
            command, input=encoded.tobytes(), capture_output=True, env={**os.environ, **_ONE_THREAD}, check=False
        )
        milliseconds = (time.perf_counter() - start) * 1000
        if not encoded_ok or output.returncode:
            return "", milliseconds
        lines = ("".join(filter(str.isdigit, line)) for line in output.stdout.decode(errors="replace").splitlines())
        return "|".join(filter(None, lines)), milliseconds


@contextlib.contextmanager
def peers(python: str | None = None) -> Iterator[tuple[list[Answerer], list[str]]]:
    """Yield the installed peers, and a message for each missing one.

    python: the Python interpreter with RapidOCR; None: this one

    Raises:
        UsageError: if ``python`` is given and has no RapidOCR.
    """
    installed: list[Any] = []
    missing: list[str] = []
    with contextlib.ExitStack() as stack:
        interpreter = python or sys.executable
        if _has_rapidocr(interpreter):
            installed.append(stack.enter_context(RapidOcr(interpreter)))
        elif python is not None:
            raise UsageError(f"--peer-python {python}: has no rapidocr; expected a Python that can import it")
        else:
            missing.append("rapidocr is not installed: pip install rapidocr, best in an environment of its own, "
                           "and give its Python with --peer-python")  # fmt: skip
        program = shutil.which("tesseract")
        if program is None:
            missing.append("Tesseract is not installed: apt-get install tesseract-ocr")
        else:
            installed.append(Tesseract(program))
        yield installed, missing


def _has_rapidocr(python: str) -> bool:
    try:
        result = subprocess.run(
            [python, "-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('rapidocr') is None)"],
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise UsageError(f"--peer-python {python}: cannot be started ({error.strerror}); expected a Python") from error
    return result.returncode == 0
