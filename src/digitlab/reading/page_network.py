"""The page reader's network at inference time: one ONNX file from pixels to candidates."""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import ModelError
from digitlab.network.classifier import start_session
from digitlab.reading.candidates import Candidate
from digitlab.reading.ink import halved_to

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PAGE_SIDE", "PageNetwork", "page_network"]

PAGE_SIDE = 1024  # pixels: the longest side of the network's input; the graph itself adds two smaller scales
_OUTPUTS = ["boxes", "scores", "probabilities"]
_LEAST_SCORE = 0.1  # lower scores are not candidates


class PageNetwork:
    """Detects digits on a page. Threads may share one.

    path: the ONNX file; threshold: the least confidence at which a digit is answered
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Load ``path``; ``threads`` is the number of threads per call, 0 for one per core.

        Raises:
            ModelError: when the file is missing or damaged.
        """
        self.path = path
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{path}: cannot be read ({error.strerror}); install digitlab again") from error
        self._session = start_session(content, path, threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.threshold = float(metadata.get("threshold", 0.5))

    def outputs(self, picture: NDArray[np.uint8], names: list[str]) -> list[NDArray[np.float32]]:
        """Run the graph on a picture, uint8 (H, W, 3) RGB, whose sides have at most `PAGE_SIDE` pixels.

        names: of its outputs: boxes (N, 4), scores (N,), probabilities (N, 10); for a file that is not calibrated also
            witnesses (N, 2), both networks' logits for the presence of a digit

        Raises:
            ModelError: when the network cannot run.
        """
        try:
            return list(self._session.run(names, {"picture": np.ascontiguousarray(picture)}))
        except Exception as error:  # ONNX Runtime's errors have no other common base class
            raise ModelError(f"{self.path}: the page reader cannot run ({str(error)[:200]})") from error

    def find(self, picture: NDArray[np.uint8]) -> list[Candidate]:
        """Find the candidates in a picture, uint8 (H, W, 3) RGB, most likely first.

        Raises:
            ModelError: when the network cannot run.
        """
        small = halved_to(picture, PAGE_SIDE)
        boxes, scores, probabilities = self.outputs(small, _OUTPUTS)
        (small_height, small_width), (height, width) = small.shape[:2], picture.shape[:2]
        boxes = boxes * np.array([width / small_width, height / small_height] * 2, np.float32)
        rows = np.flatnonzero(scores >= _LEAST_SCORE)
        return [Candidate(tuple(boxes[row].tolist()), float(scores[row]), probabilities[row]) for row in rows]


@functools.lru_cache(maxsize=4)
def page_network(threads: int = 0) -> PageNetwork:
    """Return the shipped network, loaded once for each number of threads.

    Raises:
        ModelError: when the installation is damaged.
    """
    return PageNetwork(Path(str(resources.files("digitlab.reading"))) / "shipped" / "page.onnx", threads)
