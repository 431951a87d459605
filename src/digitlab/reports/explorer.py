"""A dataset in a network's feature space → `explorer.html`: one interactive page that needs no server.

The pictures are one image (a sheet of thumbnails), the numbers one block of JSON; script and style are inline. Only
that script may run: the content security policy has its hash. The selection is in the address (`#cell=4,9`,
`#image=17`, `#class=3`, `#map=PCA`), so that it can be shared.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import UsageError
from digitlab.reports.rendering import render
from digitlab.storage import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.values import Digits

__all__ = ["Exploration", "Pictured", "expect_so_many", "write_explorer"]

_FEWEST, _MOST = 100, 6000  # images on the map; more would exceed 5 MB with Fashion-MNIST
_ACROSS = 64  # thumbnails per row of the sheet
_SIDE = 28
_STEPS = 2000  # positions along each side of the map: half a pixel of the widest
_GUESSES = 3
_LEVELS = 16  # grey levels of a thumbnail: more would not be visible; saves a third of the size


@dataclass(frozen=True, slots=True)
class Pictured:
    """Images of the page, with predictions.

    split: their split; numbers: their rows in it, int64 (N,); probabilities: float32 (N, 10)
    """

    split: str
    digits: Digits
    probabilities: NDArray[np.float32]
    numbers: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Exploration:
    """The content of the page.

    layers: whose activations are the features
    points, places: the images on the map, and their positions: by map name, float32 (N, 2), 0 … 1
    others: images shown beside them
    confusion: int (10, 10), true by predicted digit, of all images, not only of the points
    neighbours: by point, rows of ``others``; prototypes, unusual: for each class, rows of ``others``
    """

    model: str
    data: str
    layers: list[str]
    points: Pictured
    others: Pictured
    places: dict[str, NDArray[np.float32]]
    confusion: NDArray[np.int64]
    neighbours: dict[int, list[int]]
    prototypes: list[list[int]]
    unusual: list[list[int]]


def expect_so_many(images: int) -> None:
    """Check that there are enough images for a map, and not too many for the page.

    Raises:
        UsageError: for fewer than 100 or more than 6,000.
    """
    if not _FEWEST <= images <= _MOST:
        raise UsageError(f"--images is {images}; expected {_FEWEST} to {_MOST}")


def write_explorer(exploration: Exploration, out: Path) -> int:
    """Write the page; returns its size in bytes.

    Raises:
        StorageError: when it cannot be written.
    """
    templates = resources.files("digitlab.reports").joinpath("templates")
    script = templates.joinpath("explorer.js").read_text("utf-8")
    counted = int(exploration.confusion.sum())
    mistakes = counted - int(np.trace(exploration.confusion))
    page = render(
        "explorer.html",
        title=f"{exploration.model} on {exploration.data}",
        exploration=exploration,
        counted=counted,
        mistakes=mistakes,
        accuracy=(counted - mistakes) / counted if counted else 0.0,
        digits=range(10),
        most=int((exploration.confusion - np.diag(np.diag(exploration.confusion))).max()),
        sheet=_sheet(np.concatenate([exploration.points.digits.images, exploration.others.digits.images])),
        # "</script>" must not end the block early, whatever the model is called.
        content=json.dumps(_content(exploration), separators=(",", ":")).replace("<", "\\u003c"),
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        made=datetime.now().strftime("%Y-%m-%d %H:%M"),
    )
    write_text(out, page)
    return len(page.encode())


def _content(exploration: Exploration) -> dict[str, Any]:
    first = len(exploration.points.digits)  # the numbers of ``others`` continue from here
    return {
        "across": _ACROSS,
        "points": first,
        "splits": [exploration.points.split, exploration.others.split],
        "images": _numbers(exploration.points) + _numbers(exploration.others),
        "maps": {
            name: np.rint(positions * _STEPS).astype(int).ravel().tolist()
            for name, positions in exploration.places.items()
        },
        "steps": _STEPS,
        "confusion": exploration.confusion.tolist(),
        "neighbours": {point: [first + row for row in rows] for point, rows in exploration.neighbours.items()},
        "prototypes": [[first + row for row in rows] for rows in exploration.prototypes],
        "unusual": [[first + row for row in rows] for rows in exploration.unusual],
    }


def _numbers(images: Pictured) -> list[list[int]]:
    """For each image: its row, its true class, then the most probable classes with their percentages."""
    best = np.argsort(-images.probabilities, axis=1, kind="stable")[:, :_GUESSES]
    percent = np.rint(100 * np.take_along_axis(images.probabilities, best, axis=1)).astype(int)
    guesses = np.stack([best, percent], axis=2).reshape(len(best), 2 * _GUESSES)
    return np.column_stack([images.numbers, images.digits.labels.astype(int), guesses]).tolist()  # type: ignore[no-any-return]


def _sheet(images: NDArray[np.uint8]) -> str:
    """uint8 (N, 28, 28) → one picture of all, row by row, as data URI."""
    from PIL import Image

    rows = -(-len(images) // _ACROSS)
    tiles = np.zeros((rows * _ACROSS, _SIDE, _SIDE), np.uint8)
    tiles[: len(images)] = images // (256 // _LEVELS) * (255 // (_LEVELS - 1))
    whole = tiles.reshape(rows, _ACROSS, _SIDE, _SIDE).swapaxes(1, 2).reshape(rows * _SIDE, _ACROSS * _SIDE)
    out = io.BytesIO()
    Image.fromarray(whole).save(out, "WEBP", lossless=True, method=4)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode("ascii")
