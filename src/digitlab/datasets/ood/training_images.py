"""Synthetic out-of-distribution images for training with outlier exposure.

Handwritten symbols and doodles, blobs and textures, and damaged digits: merged, cut, rotated, crossed out. The images
of `test_images` are different, and are never used for training.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.ood import alphabet
from digitlab.datasets.ood.pen import CANVAS, as_mnist, blank, draw_lines, placed, shaken
from digitlab.datasets.transforms.batches import by_blocks
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from numpy.typing import NDArray

    from digitlab.datasets.ood.pen import Canvas, Points
    from digitlab.values import Digits

    Draw = Callable[[Canvas, np.random.Generator, Digits], None]

__all__ = ["DISTRACTORS", "KINDS", "draw_distractors"]

_SIDEWAYS = (2, 3, 4, 5, 7)  # excludes digits that still look like a digit when rotated by 90°
_MIRRORED = (3, 4, 6, 7, 9)  # a mirrored 2 looks like a 5, and vice versa
_UPRIGHT = 1.9  # height-to-width ratio at which a fragment may look like a 1


def _sign(signs: Mapping[str, str]) -> Draw:
    texts = tuple(signs.values())

    def draw(canvas: Canvas, rng: np.random.Generator, _digits: Digits) -> None:
        strokes = alphabet.strokes_of(texts[rng.integers(len(texts))])
        draw_lines(canvas, placed(shaken(strokes, rng)), rng)

    return draw


def _word(canvas: Canvas, rng: np.random.Generator, _digits: Digits) -> None:
    """Draw two or three overlapping letters."""
    signs = tuple(alphabet.LATIN.values())
    strokes = []
    for number in range(rng.integers(2, 4)):
        letter = shaken(alphabet.strokes_of(signs[rng.integers(len(signs))]), rng)
        strokes += [points * (0.8, 1.0) + (0.8 * number, 0.0) for points in letter]
    draw_lines(canvas, placed(strokes), rng, float(rng.uniform(3, 7)))


def _doodle(canvas: Canvas, rng: np.random.Generator, _digits: Digits) -> None:
    """Draw one or two random curves, long enough that few look like a digit by chance."""
    strokes = []
    for _ in range(rng.integers(1, 3)):
        points = rng.random((rng.integers(6, 13), 2))
        strokes.append(alphabet.curve(points) if rng.random() < 0.7 else points)
    draw_lines(canvas, placed(strokes), rng, float(rng.uniform(2, 9)))


def _rings(canvas: Canvas, rng: np.random.Generator, _digits: Digits) -> None:
    """Draw some crossing circles and strokes."""
    time = np.linspace(0, 2 * np.pi, 24)
    strokes = []
    for _ in range(rng.integers(2, 5)):
        middle, reach = rng.random(2), rng.uniform(0.1, 0.4, 2)
        strokes.append(middle + reach * np.stack([np.cos(time), np.sin(time)], axis=1))
    strokes += [rng.random((2, 2)) for _ in range(rng.integers(0, 3))]
    draw_lines(canvas, placed(strokes), rng, float(rng.uniform(2, 9)))


def _blob(canvas: Canvas, rng: np.random.Generator, _digits: Digits) -> None:
    """Draw a filled shape with a rough border, sometimes with off-centre holes."""
    count = int(rng.integers(3, 14))
    angles = np.sort(rng.uniform(0, 2 * np.pi, count))
    reach = rng.uniform(0.35, 1.0, count)[:, None] * np.exp(rng.normal(0, 0.3, 2))
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach
    (outline,) = placed([alphabet.curve(np.concatenate([points, points[:1]])) if rng.random() < 0.6 else points])
    cv2.fillPoly(canvas, [np.asarray(np.rint(outline), np.int32)], 255, cv2.LINE_AA)
    for _ in range(rng.integers(0, 3)):
        x, y = rng.integers(20, CANVAS - 20, 2).tolist()
        cv2.circle(canvas, (x, y), int(rng.integers(3, 12)), 0, cv2.FILLED, cv2.LINE_AA)


def _cloud(canvas: Canvas, rng: np.random.Generator, _digits: Digits) -> None:
    """Draw thresholded noise of random grain size: paper, cloth, foliage, print."""
    noise = cv2.GaussianBlur(rng.standard_normal((CANVAS, CANVAS), np.float32), (0, 0), float(rng.uniform(1.5, 12)))
    light = noise / max(float(noise.std()), 1e-6)
    if rng.random() < 0.7:  # a patch of it, as a detector crops it
        y, x = np.mgrid[:CANVAS, :CANVAS] / (CANVAS / 2) - 1
        light -= 4 * np.maximum(0, np.hypot(x * rng.uniform(0.8, 2), y * rng.uniform(0.8, 2)) - rng.uniform(0.4, 0.9))
    canvas[...] = np.clip((light - rng.uniform(-0.5, 1.5)) * rng.uniform(100, 600), 0, 255)


def _specks(canvas: Canvas, rng: np.random.Generator, _digits: Digits) -> None:
    """Draw marks on paper: dust, holes, short scratches."""
    for _ in range(rng.integers(1, 12)):
        x, y = rng.integers(10, CANVAS - 10, 2).tolist()
        cv2.circle(canvas, (x, y), int(rng.integers(1, 7)), int(rng.integers(120, 256)), cv2.FILLED, cv2.LINE_AA)
    for _ in range(rng.integers(0, 4)):
        start = rng.integers(10, CANVAS - 10, 2)
        stop = start + rng.integers(-20, 21, 2)
        cv2.line(canvas, start.tolist(), stop.tolist(), 255, int(rng.integers(1, 5)), cv2.LINE_AA)


def _stripes(canvas: Canvas, rng: np.random.Generator, _digits: Digits) -> None:
    """Draw ruled or squared paper, or edges: two to six lines in one or two directions."""
    turn = rng.normal(0, 0.15) + (np.pi / 2 if rng.random() < 0.2 else 0.0)
    along, across = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])

    def lines(
        direction: NDArray[np.float64], normal: NDArray[np.float64], offsets: NDArray[np.float64]
    ) -> list[Points]:
        return [np.array([-direction, direction]) * rng.uniform(0.5, 1) + normal * offset for offset in offsets]

    strokes = lines(along, across, rng.uniform(-1, 1, rng.integers(2, 6)))
    if rng.random() < 0.6:
        strokes += lines(across, along, rng.uniform(-1, 1, rng.integers(1, 4)))
    draw_lines(canvas, placed(strokes), rng, float(rng.uniform(2, 10)))


def _merged(canvas: Canvas, rng: np.random.Generator, digits: Digits) -> None:
    """Draw two or three touching digits, as if they were not separated."""
    count = int(rng.integers(2, 4))
    width = 84 // count + 8
    left = 6
    for row in rng.integers(len(digits), size=count):
        ink = _cropped(digits.images[row])
        size = (width, int(rng.integers(50, 80)))
        digit = cv2.resize(ink, size, interpolation=cv2.INTER_LINEAR)
        top = int(rng.integers(4, CANVAS - 4 - size[1]))
        width_left = min(width, CANVAS - left)
        area = canvas[top : top + size[1], left : left + width_left]
        np.maximum(area, digit[:, :width_left], out=area)
        left += round(width * rng.uniform(0.75, 0.95))


def _fragment(canvas: Canvas, rng: np.random.Generator, digits: Digits) -> None:
    """Draw a part of a digit; try another if it is upright and thin like a 1, up to five times."""
    for _ in range(5):
        ink = _cropped(digits.images[rng.integers(len(digits))])
        height, width = ink.shape
        rows, columns = max(3, round(height * rng.uniform(0.3, 0.6))), max(3, round(width * rng.uniform(0.4, 0.8)))
        top, left = (height - rows) * int(rng.integers(2)), (width - columns) * int(rng.integers(2))
        part = _cropped(ink[top : top + rows, left : left + columns])
        if part.size and part.shape[0] < _UPRIGHT * part.shape[1]:
            _put(canvas, part)
            return


def _turned(canvas: Canvas, rng: np.random.Generator, digits: Digits) -> None:
    """Draw a digit rotated by 90°, or mirrored."""
    sideways = rng.random() < 0.6
    rows = rng.integers(len(digits), size=40)
    fitting = rows[np.isin(digits.labels[rows], _SIDEWAYS if sideways else _MIRRORED)]
    ink = _cropped(digits.images[fitting[0] if len(fitting) else rows[0]])
    _put(canvas, np.rot90(ink, int(rng.choice([1, 3]))) if sideways else ink[:, ::-1])


def _struck(canvas: Canvas, rng: np.random.Generator, digits: Digits) -> None:
    """Draw a crossed-out digit."""
    _put(canvas, _cropped(digits.images[rng.integers(len(digits))]))
    strokes = []
    for _ in range(rng.integers(2, 7)):
        (ya, yb), slope = rng.uniform(10, 86, 2), rng.uniform(-20, 20)
        strokes.append(np.array([[rng.uniform(4, 20), ya - slope], [rng.uniform(76, 92), yb + slope]]))
    draw_lines(canvas, strokes, rng, float(rng.uniform(4, 9)))


# The share of each kind, per cent.
KINDS: dict[str, tuple[int, Draw]] = {
    "latin": (16, _sign(alphabet.LATIN)),
    "greek": (12, _sign(alphabet.GREEK)),
    "operator": (14, _sign(alphabet.OPERATORS)),
    "bracket": (6, _sign(alphabet.BRACKETS)),
    "picture": (6, _sign(alphabet.PICTURES)),
    "word": (4, _word),
    "doodle": (8, _doodle),
    "rings": (3, _rings),
    "blob": (5, _blob),
    "cloud": (6, _cloud),
    "specks": (3, _specks),
    "stripes": (4, _stripes),
    "merged": (5, _merged),
    "fragment": (3, _fragment),
    "turned": (3, _turned),
    "struck": (2, _struck),
}


def _cropped(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = np.flatnonzero(image.max(axis=1, initial=0) > 40), np.flatnonzero(image.max(axis=0, initial=0) > 40)
    if not len(rows):
        return image[:0, :0]
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _put(canvas: Canvas, ink: NDArray[np.uint8]) -> None:
    """Put the ink at the centre of the canvas, scaled to fill it."""
    if not ink.size:
        return
    scale = 80 / max(ink.shape)
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    large = cv2.resize(np.ascontiguousarray(ink), size, interpolation=cv2.INTER_LINEAR)
    left, top = (CANVAS - size[0]) // 2, (CANVAS - size[1]) // 2
    canvas[top : top + size[1], left : left + size[0]] = large


DISTRACTORS = tuple(KINDS)


def draw_distractors(
    count: int, digits: Digits, *, seed: int = 0, kinds: Collection[str] = DISTRACTORS
) -> NDArray[np.uint8]:
    """Draw images that are not digits, light ink on dark, placed like MNIST's digits: uint8 (count, 28, 28).

    digits: the source of the damaged digits
    kinds: a subset of `DISTRACTORS`, in proportion to their shares

    Raises:
        UsageError: for a negative count or seed, or if none of the kinds is known.
    """
    if count < 0:
        raise UsageError(f"{count} distractors were requested; expected 0 or more")
    chosen = [KINDS[kind] for kind in DISTRACTORS if kind in kinds]
    if not chosen:
        raise UsageError(f"no kind of distractor among {sorted(kinds)}; expected some of {', '.join(DISTRACTORS)}")
    shares = np.array([share for share, _ in chosen], np.float64)

    def draw(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        results = np.empty(images.shape, np.uint8)
        for row, kind in enumerate(rng.choice(len(chosen), len(images), p=shares / shares.sum()).tolist()):
            canvas = blank()
            chosen[kind][1](canvas, rng, digits)
            results[row] = as_mnist(canvas)
        return results

    return by_blocks(draw, np.zeros((count, 28, 28), np.uint8), seed, jobs=os.cpu_count() or 1)
