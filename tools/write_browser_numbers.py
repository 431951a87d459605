"""Write the numbers that the browser's modules are tested with: `python tools/write_browser_numbers.py`.

``tests/apps/web/static/from-python.json`` has pictures, and what OpenCV, ONNX Runtime and our reader make of them.
``tests/static_page/test_numbers.py`` fails where it is no longer what they make.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab.datasets import load_dataset
from digitlab.examples.paper import Layout, paper_page
from digitlab.network.layers import NetworkLayers
from digitlab.reading import Reader, ink
from digitlab.reading.ink_crops import main_digit
from digitlab.reading.page_network import page_network

if TYPE_CHECKING:
    from numpy.typing import NDArray

TARGET = Path(__file__).parents[1] / "tests" / "apps" / "web" / "static" / "from-python.json"


def packed(values: NDArray[Any]) -> dict[str, Any]:
    """An array as JSON."""
    data = base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
    return {"type": str(values.dtype), "shape": list(values.shape), "data": data}


def pictures() -> dict[str, NDArray[Any]]:
    """What everything is computed from."""
    rng = np.random.default_rng(4)
    soft = cv2.GaussianBlur(rng.integers(0, 256, (30, 40), dtype=np.uint8), (0, 0), 3)
    soft = np.asarray(cv2.normalize(soft, None, 0, 255, cv2.NORM_MINMAX), np.uint8)  # type: ignore[call-overload]
    test = load_dataset("mnist").split("test")
    paper = paper_page([test[np.array([4, 7])]], Layout((160, 120)), seed=1).image
    return {
        "soft": soft,
        "floats": (soft / np.float32(255)).astype(np.float32),
        "colours": rng.integers(0, 256, (20, 30, 3), dtype=np.uint8),
        "paper": paper,
        "digit": np.repeat(test.images[9][:, :, None], 3, axis=2),
    }


def made(given: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """By name and arguments, what comes of them."""
    soft, floats, colours, paper = (given[name] for name in ("soft", "floats", "colours", "paper"))
    lab = cv2.cvtColor(colours, cv2.COLOR_RGB2Lab)
    found: dict[str, NDArray[Any]] = {"lightness": lab[:, :, 0], "grey": cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)}
    for width, height in ((20, 10), (13, 10), (25, 19)):
        found[f"byArea {width} {height}"] = cv2.resize(soft, (width, height), interpolation=cv2.INTER_AREA)
        found[f"byArea-floats {width} {height}"] = cv2.resize(floats, (width, height), interpolation=cv2.INTER_AREA)
    for width, height in ((80, 60), (55, 51)):
        found[f"linear {width} {height}"] = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
        found[f"linear-floats {width} {height}"] = cv2.resize(floats, (width, height), interpolation=cv2.INTER_LINEAR)
    for side in (3, 11):
        found[f"median {side}"] = cv2.medianBlur(soft, side)
        found[f"closed {side}"] = cv2.morphologyEx(soft, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    for side in (3, 4):
        brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        found[f"bolder {side}"] = cv2.dilate(floats, brush)
        found[f"finer {side}"] = cv2.erode(floats, brush)
    found["strength"] = ink.ink_strength(paper, 40)
    return {name: packed(np.asarray(each)) for name, each in found.items()} | _answers(given)


def _answers(given: dict[str, NDArray[Any]]) -> dict[str, Any]:
    reader = Reader(threads=1)
    main = main_digit(given["digit"])
    assert main is not None  # noqa: S101 - it is a digit
    seen, layers = page_network(1).find(given["paper"]), NetworkLayers()
    told = layers.explain(main[1], "conv-2", 3, 2, 2)
    said, read = reader.classify(given["digit"]), reader.read(given["paper"])
    return {
        "glyph": packed(main[1]),
        "candidates": [[each.score, *each.box, *each.probabilities.tolist()] for each in seen],
        "classified": [said.digit, said.confidence, *said.probabilities],
        "read": [[each.digit, each.confidence, *each.box, each.line] for each in read.digits],
        "layers": [[layer.name, layer.operator, list(layer.shape), layer.parameters] for layer in layers.layers],
        "explained": [told.before, told.after, told.bias, list(told.inputs), list(told.field or ())],
    }


def text() -> str:
    """The file's content."""
    given = pictures()
    told = {"given": {name: packed(each) for name, each in given.items()}, "made": made(given)}
    return json.dumps(told, indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
