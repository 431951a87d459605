"""Write the reference numbers for tests of the browser's modules: `python tools/write_browser_numbers.py`.

``tests/apps/web/static/from-python.json`` holds pictures, and the results of OpenCV, ONNX Runtime and our reader.
``tests/static_page/test_numbers.py`` fails if these results have changed.
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
from digitlab.reading.candidates import Candidate
from digitlab.reading.ink_crops import main_digit
from digitlab.reading.numbers.line_context import with_line_context
from digitlab.reading.numbers.line_ink import LineInk, Speck, line_ink
from digitlab.reading.numbers.marks import signs_of, with_signs
from digitlab.reading.page_network import page_network
from digitlab.values import ReadDigit, Reading, ReadMark

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.values import Box

TARGET = Path(__file__).parents[1] / "tests" / "apps" / "web" / "static" / "from-python.json"


def packed(values: NDArray[Any]) -> dict[str, Any]:
    """Encode an array as JSON."""
    data = base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
    return {"type": str(values.dtype), "shape": list(values.shape), "data": data}


def pictures() -> dict[str, NDArray[Any]]:
    """Make the pictures from which everything is computed."""
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
        "written": written_line(),
    }


DIGITS = (3, 5, 41, 8, 2, 7, 40, 18)  # rows of MNIST's test images
LEFT, TOP, STEP, TALL = 24, 18, 46, 36  # pixels: position of the first digit, distance between digits, height
SLASH = 5.78  # position of a slash's middle, in steps


def written_line() -> NDArray[np.uint8]:
    """Draw a line of digits with signs between them, uint8 (H, W)."""
    paper = np.full((TALL + 2 * TOP, 2 * LEFT + STEP * len(DIGITS)), 235, np.uint8)
    images = load_dataset("mnist").split("test").images
    for position, row in enumerate(DIGITS):
        ys, xs = np.nonzero(images[row] > 100)
        digit = images[row][ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
        wide = round(digit.shape[1] * TALL / digit.shape[0])
        digit = np.asarray(cv2.resize(digit, (wide, TALL), interpolation=cv2.INTER_AREA))
        left = LEFT + STEP * position
        paper[TOP : TOP + TALL, left : left + wide] -= digit // 4 * 3
    base, pen = TOP + TALL, 3

    def stroke(position: float, *ends: tuple[int, int]) -> None:
        left = round(LEFT + STEP * position)
        cv2.line(paper, *[(left + x, base + y) for x, y in ends], 45, pen, cv2.LINE_AA)  # type: ignore[call-overload]

    stroke(-0.25, (-6, -18), (4, -18))  # a minus in front
    stroke(1.84, (2, -3), (-2, 6))  # a comma
    stroke(3.86, (0, -4), (0, -3))  # a colon
    stroke(3.86, (0, -20), (0, -19))
    stroke(SLASH, (6, -42), (-7, 6))
    return paper


def digit_boxes() -> list[tuple[float, float, float, float]]:
    """Return the boxes of the line's digits."""
    paper, boxes = written_line(), []
    for position in range(len(DIGITS)):
        left = LEFT + STEP * position
        xs = np.flatnonzero((paper[TOP : TOP + TALL, left - 4 : left + STEP - 12] < 200).any(axis=0)) + left - 4
        boxes.append((float(xs.min()), float(TOP), float(xs.max() + 1), float(TOP + TALL)))
    return boxes


def results_of(inputs: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Compute the results, by function name and arguments."""
    soft, floats, colours, paper = (inputs[name] for name in ("soft", "floats", "colours", "paper"))
    lab = cv2.cvtColor(colours, cv2.COLOR_RGB2Lab)
    results: dict[str, NDArray[Any]] = {"lightness": lab[:, :, 0], "grey": cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)}
    for width, height in ((20, 10), (13, 10), (25, 19)):
        results[f"byArea {width} {height}"] = cv2.resize(soft, (width, height), interpolation=cv2.INTER_AREA)
        results[f"byArea-floats {width} {height}"] = cv2.resize(floats, (width, height), interpolation=cv2.INTER_AREA)
    for width, height in ((80, 60), (55, 51)):
        results[f"linear {width} {height}"] = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
        results[f"linear-floats {width} {height}"] = cv2.resize(floats, (width, height), interpolation=cv2.INTER_LINEAR)
    for side in (3, 11):
        results[f"median {side}"] = cv2.medianBlur(soft, side)
        results[f"closed {side}"] = cv2.morphologyEx(soft, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    for side in (3, 4):
        brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        results[f"bolder {side}"] = cv2.dilate(floats, brush)
        results[f"finer {side}"] = cv2.erode(floats, brush)
    odd = np.ascontiguousarray(soft[:27, :39])  # its scaled size is not whole, and is rounded
    for factor in (0.37, 0.5):
        results[f"byFactor {factor}"] = cv2.resize(odd, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    for side in (31, 21, 17, 9):  # of 39 by 27, odd when halved: scale near 1, not near, halved once and twice
        results[f"halvedTo {side}"] = ink.halved_to(odd, side)
    results["distances"] = cv2.distanceTransform((soft > 120).astype(np.uint8), cv2.DIST_L2, 3)
    results["strength"] = ink.ink_strength(paper, 40)
    return {name: packed(np.asarray(each)) for name, each in results.items()} | _answers(inputs) | _lines(inputs)


def _answers(inputs: dict[str, NDArray[Any]]) -> dict[str, Any]:
    reader = Reader(threads=1)
    main = main_digit(inputs["digit"])
    assert main is not None  # noqa: S101 - it is a digit
    candidates, layers = page_network(1).find(inputs["paper"]), NetworkLayers()
    explanation = layers.explain(main[1], "conv-2", 3, 2, 2)
    prediction, read = reader.classify(inputs["digit"]), reader.read(inputs["paper"])
    return {
        "glyph": packed(main[1]),
        "candidates": [[each.score, *each.box, *each.probabilities.tolist()] for each in candidates],
        "classified": [prediction.digit, prediction.confidence, *prediction.probabilities],
        "read": [[each.digit, each.confidence, *each.box, each.line] for each in read.digits],
        "layers": [[layer.name, layer.operator, list(layer.shape), layer.parameters] for layer in layers.layers],
        "explained": [
            explanation.before,
            explanation.after,
            explanation.bias,
            list(explanation.inputs),
            list(explanation.field or ()),
        ],
    }


def _lines(inputs: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Compute a line's ink, what its digits are evidence of, and which numbers they form."""
    picture, boxes = np.repeat(inputs["written"][:, :, None], 3, axis=2), digit_boxes()
    own = line_ink(picture, boxes)
    assert own is not None  # noqa: S101 - there is ink
    main = [own.digit(index) for index in range(len(boxes))]
    read = Reader(threads=1).read(picture)
    return {
        "line": [own.pen, *own.placed((1.0, 2.0, 3.0, 4.0)), *own.ink.shape],
        "specks": [_fields(each) for each in own.specks],
        "main": [None if each is None else _fields(each) for each in main],
        "signs": _signs(),
        "supported": [_supported(picture, boxes, case) for case in SCORES],
        "numbers": [_numbers(seed) for seed in range(24)],
        "written": [list(read.written), [[each.text, each.confidence, *each.box] for each in read.numbers]],
    }


def _fields(speck: Speck) -> list[float]:
    return [
        *speck.box, speck.gap, speck.wide, speck.high, speck.low, speck.left, speck.lean, speck.thin,
    ]  # fmt: skip


def _signs() -> list[dict[str, Any]]:
    """Draw components between two digits randomly around typical signs, and return the signs that they are read as."""
    rng, cases = np.random.default_rng(12), []
    middles = [  # width, height, lower end, lean: for a point, a comma, a minus, a slash, a colon's upper dot
        (0.1, 0.12, 0.0, 0.0), (0.12, 0.24, -0.08, 0.2), (0.3, 0.1, 0.4, 0.0), (0.4, 1.0, 0.0, 0.4),
        (0.1, 0.12, 0.4, 0.0),
    ]  # fmt: skip
    nothing = np.zeros((1, 1), np.float32), np.zeros((1, 1), np.int32)
    for _ in range(160):
        pen, gap = float(rng.uniform(0.05, 0.15)), int(rng.integers(0, 2))
        specks = []
        for _ in range(int(rng.choice([1, 1, 2]))):
            wide, high, low, lean = np.array(middles[rng.integers(len(middles))]) + rng.normal(0.0, 0.05, 4)
            wide, high = max(wide, 0.03), max(high, 0.03)
            specks.append(Speck(1, (0, 0, 1, 1), gap, wide, high, low, float(rng.normal(0, 0.05)), lean, wide / 2))
        ink = LineInk(*nothing, ((0.0, 0.0, 1.0, 1.0),) * 2, pen, (0, 0), 1.0, (), tuple(specks))
        signs = signs_of(ink)
        cases.append(
            {"pen": pen, "specks": [_fields(each) for each in specks], "sign": signs[0].character if signs else None}
        )
    return cases


SCORES: list[dict[str, Any]] = [
    {"lines": [0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]},
    {"lines": [0.9, 0.9, 0.4, 0.9, 0.9, 0.12, 0.9, 0.4]},  # doubtful, too doubtful
    {"lines": [0.9, 0.9, 0.4, 0.9, 0.9, 0.9, 0.9], "others": [0.35]},  # one that is not on a line
    {"lines": [0.9, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4]},  # one digit alone supports no other
    {"lines": [0.9, 0.9, 0.4, 0.9, 0.9, 0.9, 0.9, 0.9], "which": 0.6},  # the class of the digits is uncertain
    {"lines": [0.9, 0.9, 0.4, 0.9], "others": [0.4, 0.4, 0.4, 0.4]},  # half of the ink is unexplained
    {"lines": [0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9], "slash": 0.6},  # a slash that was mistaken for a 7
]
"""How likely each of the written line's digits is one: those on the line, and those after them that are on no line."""


def _supported(picture: NDArray[np.uint8], boxes: list[Any], case: dict[str, Any]) -> dict[str, Any]:
    scores = [*case["lines"], *case.get("others", ())]
    sure, rest = case.get("which", 0.91), (1.0 - case.get("which", 0.91)) / 9.0
    candidates = []
    for box, score, digit in zip(boxes, scores, (0, 1, 2, 3, 4, 5, 6, 7), strict=True):
        which = np.full(10, rest, np.float32)
        which[digit] = sure
        candidates.append(Candidate(box, score, which))
    count = len(case["lines"])
    if "slash" in case:
        middle, base = LEFT + SLASH * STEP, TOP + TALL
        box = middle - 8.0, base - 44.0, middle + 8.0, base + 8.0
        candidates.insert(6, Candidate(box, case["slash"], candidates[7].probabilities))
        count += 1
    likelier = with_line_context(picture, candidates, [candidates[:count]], 0.5)
    lines, signs = with_signs(picture, [likelier[:count]])
    return {
        "likelier": [each.score for each in likelier],
        "candidates": [[each.score, *each.box, each.digit, float(each.probabilities.max())] for each in candidates],
        "count": count,
        "lines": [[[each.score, *each.box] for each in line] for line in lines],
        "signs": [[[each.character, *each.box] for each in line] for line in signs],
    }


def _numbers(seed: int) -> dict[str, Any]:
    """Draw random digits and signs of two lines, on a page in some orientation; return the numbers written there."""
    rng = np.random.default_rng(seed)
    digits, marks, turned = [], [], seed % 4
    for line in range(2):
        along = 0
        for _ in range(int(rng.integers(2, 8))):
            along += int(rng.choice([4, 6, 14, 40]))
            if rng.random() < 0.3:
                mark = _turned((along, 60 * line + 22, along + 5, 60 * line + 30), turned)
                marks.append(ReadMark(str(rng.choice(list(",.-/:"))), mark, line))
                along += 5 + int(rng.choice([3, 5, 40]))
            box = _turned((along, 60 * line, along + 18, 60 * line + 30), turned)
            digit = None if rng.random() < 0.2 else int(rng.integers(10))
            digits.append(ReadDigit(digit, float(rng.uniform(0.3, 1.0)), box, line))
            along += 18
    reading = Reading(tuple(digits), 0.0, turned=turned, marks=tuple(marks))
    return {
        "digits": [[each.digit, each.confidence, *each.box, each.line] for each in digits],
        "marks": [[each.sign, *each.box, each.line] for each in marks],
        "turned": turned,
        "numbers": [[each.text, each.confidence, *each.box] for each in reading.numbers],
        "written": list(reading.written),
    }


def _turned(box: Box, turned: int) -> Box:
    """Rotate a box of an upright page of 1,000 × 1,000 pixels back to how the page lay before it was turned."""
    x0, y0, x1, y1 = box
    for _ in range(turned):
        x0, y0, x1, y1 = y0, 1000 - x1, y1, 1000 - x0
    return x0, y0, x1, y1


def text() -> str:
    """Generate the content of the file."""
    inputs = pictures()
    parts = {"given": {name: packed(each) for name, each in inputs.items()}, "made": results_of(inputs)}
    groups = (
        f"{json.dumps(name)}: {{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(each)}" for key, each in part.items())
        for name, part in parts.items()
    )
    return "{\n" + "\n},\n".join(groups) + "\n}\n}\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
