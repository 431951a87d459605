"""A whole set of images as a network sees it → `explorer.html`: one page to click through, without a network.

The pictures are one image (a sheet of thumbnails), the numbers one block of JSON, script and style stand in the page.
Only that script may run: the page names its digest. What is looked at stands in the address (`#cell=4,9`, `#image=17`,
`#class=3`, `#map=PCA`), so that it can be sent to somebody.
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

_FEWEST, _MOST = 100, 6000  # images on the map; more would not fit into 5 MB where they show clothes
_ACROSS = 64  # thumbnails in a row of the sheet
_SIDE = 28
_STEPS = 2000  # places on the map: half a pixel of the widest
_GUESSES = 3
_LEVELS = 16  # of grey in a thumbnail: nobody sees more, and it takes two thirds of the room


@dataclass(frozen=True, slots=True)
class Pictured:
    """Images that the page shows, and what was said of them.

    split: where they are from; numbers: their places in it, int64 (N,); probabilities: float32 (N, 10)
    """

    split: str
    digits: Digits
    probabilities: NDArray[np.float32]
    numbers: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Exploration:
    """What the page shows.

    layers: whose numbers the map is made of
    points, places: the images on the map, and where they lie: by the map's name, float32 (N, 2), 0 … 1
    others: images that are shown beside them
    confusion: int (10, 10), truth by answer, of all images and not of the points only
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
    """Refuse a number of images that makes no map, or a page that is too large.

    Raises:
        UsageError: for fewer than 100 or more than 6,000.
    """
    if not _FEWEST <= images <= _MOST:
        raise UsageError(f"--images is {images}; expected {_FEWEST} to {_MOST}")


def write_explorer(found: Exploration, out: Path) -> int:
    """Write the page; returns its size in bytes.

    Raises:
        StorageError: when it cannot be written.
    """
    templates = resources.files("digitlab.reports").joinpath("templates")
    script = templates.joinpath("explorer.js").read_text("utf-8")
    counted = int(found.confusion.sum())
    mistakes = counted - int(np.trace(found.confusion))
    page = render(
        "explorer.html",
        title=f"{found.model} on {found.data}",
        found=found,
        counted=counted,
        mistakes=mistakes,
        accuracy=(counted - mistakes) / counted if counted else 0.0,
        digits=range(10),
        most=int((found.confusion - np.diag(np.diag(found.confusion))).max()),
        sheet=_sheet(np.concatenate([found.points.digits.images, found.others.digits.images])),
        # "</script>" must not end the block early, whatever the model is called.
        content=json.dumps(_content(found), separators=(",", ":")).replace("<", "\\u003c"),
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        made=datetime.now().strftime("%Y-%m-%d %H:%M"),
    )
    write_text(out, page)
    return len(page.encode())


def _content(found: Exploration) -> dict[str, Any]:
    first = len(found.points.digits)  # the others' numbers in the page count on from here
    return {
        "across": _ACROSS,
        "points": first,
        "splits": [found.points.split, found.others.split],
        "images": _numbers(found.points) + _numbers(found.others),
        "maps": {name: np.rint(places * _STEPS).astype(int).ravel().tolist() for name, places in found.places.items()},
        "steps": _STEPS,
        "confusion": found.confusion.tolist(),
        "neighbours": {point: [first + row for row in rows] for point, rows in found.neighbours.items()},
        "prototypes": [[first + row for row in rows] for rows in found.prototypes],
        "unusual": [[first + row for row in rows] for rows in found.unusual],
    }


def _numbers(images: Pictured) -> list[list[int]]:
    """Of each image: its place, its true class, then the likeliest answers and their percentages in turn."""
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
