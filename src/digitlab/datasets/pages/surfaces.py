"""The surface that is written on, the light on it, and the camera that photographs it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.datasets.pages.drawing import Drawing

    Colour = NDArray[np.float32]

__all__ = ["PAPER", "WOOD", "coloured", "grain", "light", "photographed"]

_TILE = 768
_BINARY = 0.05  # share of the pictures that are black and white
_MARKER = 0.2  # share of the pens whose ink is a marker's


@functools.cache
def _tiles() -> tuple[NDArray[np.float32], ...]:
    """Make grain textures, float32 (_TILE, _TILE), standard deviation 1: fine, mottled, fibrous, woven, wooden."""
    rng = np.random.default_rng(11)

    def noise(sx: float, sy: float) -> NDArray[np.float32]:
        raw = rng.standard_normal((_TILE, _TILE), np.float32)
        soft = raw if sx == sy == 0 else cv2.GaussianBlur(raw, (0, 0), sigmaX=max(sx, 0.1), sigmaY=max(sy, 0.1))
        return np.asarray((soft - soft.mean()) / soft.std(), np.float32)

    ys, xs = np.mgrid[:_TILE, :_TILE].astype(np.float32)
    weave = np.sin(xs * 1.1) * np.sin(ys * 1.3) + 0.5 * noise(1, 1)
    wood = np.sin(ys / 5 + 4 * noise(60, 12)) + 0.6 * noise(25, 0.8)
    tiles = [noise(0, 0), noise(0.7, 0.7), noise(1.5, 1.5), noise(4, 4), noise(14, 14), noise(3, 0.6), weave, wood]
    return tuple(np.asarray(each / each.std(), np.float32) for each in tiles)


WOOD, PAPER = (5, 6, 7, 4), (0, 1, 2, 3, 4)


def grain(size: int, kinds: Sequence[int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Sample grain of a surface, float32 (size, size), standard deviation 1; size ≤ 768. kinds: `PAPER` or `WOOD`."""
    tile = _tiles()[kinds[int(rng.integers(len(kinds)))]]
    y, x = rng.integers(0, _TILE - size + 1, 2)
    return tile[y : y + size, x : x + size]


def _smooth(size: int, cells: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Make smooth, low-frequency noise from about -1 to 1, float32 (size, size)."""
    coarse = rng.standard_normal((cells, cells), np.float32)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)


def coloured(drawing: Drawing, kinds: Sequence[str], rng: np.random.Generator, *, digital: bool) -> NDArray[np.float32]:
    """Colour the sheet and its ink: float32 (3, size, size), red, green, blue, 0 … 255.

    kinds: of each layer, "pen", "rule" or "print"; digital: a drawing on a screen, or a clean scan
    """
    size = drawing.size
    dark = rng.random() < 0.14
    base = _ground_colour(rng, dark=dark, digital=digital)
    planes = np.empty((3, size, size), np.float32)
    if digital:
        planes[:] = base[:, None, None]
    else:
        texture = grain(size, PAPER, rng) * np.float32(rng.uniform(0.2, 4.0))
        if rng.random() < 0.2:  # crumpled, or translucent
            texture += grain(size, (3, 4), rng) * np.float32(rng.uniform(1.0, 8.0))
        np.add(texture[None], base[:, None, None], out=planes)
    main = _ink_colour(base, rng, dark=dark, digital=digital)
    for ink, kind in zip(drawing.layers, kinds, strict=True):
        if kind == "rule":
            colour = base + (_ink_colour(base, rng, dark=dark, digital=digital) - base) * rng.uniform(0.15, 1.0)
        elif kind == "print":
            colour = base + (main - base) * rng.uniform(0.5, 1.0)
            if rng.random() < 0.5:
                colour = _ink_colour(base, rng, dark=dark, digital=digital)
        else:
            colour = main if rng.random() < 0.75 else _ink_colour(base, rng, dark=dark, digital=digital)
        _lay_on(planes, ink, np.asarray(colour, np.float32), rng, grainy=kind == "pen" and not digital)
    return planes


def _lay_on(
    planes: NDArray[np.float32], ink: NDArray[np.uint8], colour: Colour, rng: np.random.Generator, *, grainy: bool
) -> None:
    """Blend a layer of ink into the colour planes, where there is any ink."""
    x, y, width, height = cv2.boundingRect(ink)
    if not width:
        return
    part = slice(y, y + height), slice(x, x + width)
    cover = ink[part].astype(np.float32)
    cover *= np.float32(1.0 / 255.0)
    if grainy and rng.random() < 0.5:  # pencil, chalk, a dry marker
        rough = grain(planes.shape[1], (0, 1, 2, 5), rng)[part] * np.float32(rng.uniform(0.05, 0.45))
        cover *= np.clip(rough + np.float32(1.0), 0.15, 1.0)
    if grainy and rng.random() < _MARKER:
        cover *= _streaks(cover, rng, grain(planes.shape[1], (2, 3, 5), rng)[part])
    for plane, level in zip(planes, colour, strict=True):
        area = plane[part]
        area += (level - area) * cover


def _streaks(cover: NDArray[np.float32], rng: np.random.Generator, texture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return factors that make ink a marker's: paler inside broad strokes than along their edges, and uneven.

    cover: float32 (h, w), 0 … 1; texture: float32 (h, w), standard deviation 1
    """
    inside = cv2.GaussianBlur(cover, (0, 0), float(rng.uniform(1.0, 4.0)))
    inside = np.clip(2.0 * inside - 1.0, 0.0, 1.0) * np.float32(rng.uniform(0.1, 0.6))
    uneven = np.clip(texture, -1.5, 1.5) * np.float32(rng.uniform(0.0, 0.2))
    return np.asarray(np.clip(1.0 - inside + uneven, 0.2, 1.0), np.float32)


def _ground_colour(rng: np.random.Generator, *, dark: bool, digital: bool) -> Colour:
    if digital:
        if rng.random() < 0.7:
            return np.full(3, 0.0 if dark else 255.0, np.float32)
        level = rng.uniform(0, 60) if dark else rng.uniform(170, 255)
        return np.asarray(np.clip(level + rng.normal(0, 15, 3), 0, 255), np.float32)
    if dark:
        return np.asarray(np.clip(rng.uniform(10, 95) + rng.normal(0, 12, 3), 3, 140), np.float32)
    level = rng.uniform(135, 250) if rng.random() < 0.8 else rng.uniform(70, 160)
    tint = rng.normal(0, 6, 3) if rng.random() < 0.85 else rng.normal(0, 28, 3)
    return np.asarray(np.clip(level + tint, 50, 255), np.float32)


def _ink_colour(base: Colour, rng: np.random.Generator, *, dark: bool, digital: bool) -> Colour:
    """Sample a pen's colour, from full contrast to almost none."""
    if dark:
        colour = np.full(3, rng.uniform(170, 255)) + rng.normal(0, 18, 3)
    elif digital and rng.random() < 0.6:
        colour = np.zeros(3)
    else:
        pens = ((20, 20, 25), (35, 35, 40), (25, 45, 130), (30, 60, 180), (170, 30, 35), (30, 110, 60), (90, 90, 95),
                (110, 40, 120), (200, 90, 20))  # fmt: skip
        colour = np.array(pens[rng.integers(len(pens))], float) + rng.normal(0, 14, 3)
        colour *= base.mean() / 235.0  # the same light falls on it
    strength = 1.0 if digital and rng.random() < 0.7 else float(np.clip(rng.beta(2.2, 1.1), 0.12, 1.0))
    return np.asarray(np.clip(base + (colour - base) * strength, 0, 255), np.float32)


def photographed(
    planes: NDArray[np.float32], rng: np.random.Generator, *, digital: bool
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Simulate the picture that a camera, a scanner or a screen gives.

    Returns:
        uint8 (size, size, 3) RGB, and a mask, uint8 (size, size), 255 where something covers the sheet or the sheet has
        ended; None if that is nowhere.
    """
    size = planes.shape[1]
    hidden = None
    if not digital:
        planes *= light(size, rng)
        if rng.random() < 0.22:
            hidden = _beyond_the_sheet(planes, rng)
        if rng.random() < 0.07:
            fingers = _fingers(planes, rng)
            hidden = fingers if hidden is None else np.maximum(hidden, fingers)
    image = _softened(np.asarray(cv2.merge(list(planes)), np.float32), rng, digital=digital)
    if not digital or rng.random() < 0.2:
        image = _noisy(image, rng)
    if rng.random() < 0.12:  # too little or too much contrast
        gain, lift = rng.uniform(0.35, 1.6), rng.uniform(-30, 60)
        image = (image - 128.0) * np.float32(gain) + np.float32(128.0 + lift)
    seen = np.clip(image, 0, 255).astype(np.uint8)
    if rng.random() < 0.15:  # everything grey
        seen = np.asarray(cv2.cvtColor(cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)
    if rng.random() < 0.45:
        quality = int(rng.uniform(12, 96)) if rng.random() < 0.4 else int(rng.uniform(50, 96))
        packed = cv2.imencode(".jpg", seen, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
        seen = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    if rng.random() < _BINARY:
        seen = _binary(seen, rng)
    return seen, hidden


def _binary(seen: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Binarise, as scanners and copiers do: thin strokes break, faint ones vanish, noise becomes specks."""
    grey = cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY)
    if rng.random() < 0.5:
        level = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0]
        white = grey > level + rng.normal(0, 12)
    else:  # local threshold
        around = cv2.blur(grey, (2 * int(rng.integers(8, 40)) + 1,) * 2).astype(np.float32)
        light_on_dark = np.median(grey) < 110
        step = np.float32(rng.uniform(5, 22))
        white = grey > around + step if light_on_dark else grey > around - step
    two = np.where(white, np.uint8(255), np.uint8(0))
    return np.asarray(cv2.cvtColor(two, cv2.COLOR_GRAY2RGB), np.uint8)


def _softened(image: NDArray[np.float32], rng: np.random.Generator, *, digital: bool) -> NDArray[np.float32]:
    """Blur as if out of focus, or moved during the exposure; sometimes leave it sharp."""
    softness = rng.random()
    if softness < 0.55 and not (digital and softness < 0.3):
        deviation = rng.uniform(0.3, 1.3) if rng.random() < 0.85 else rng.uniform(1.3, 2.2)
        return np.asarray(cv2.GaussianBlur(image, (0, 0), float(deviation)), np.float32)
    return _shaken(image, rng) if softness < 0.62 else image


def _noisy(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Add sensor noise: grey, and sometimes coarser spots of colour."""
    size, noise = image.shape[0], rng.exponential(3.0)
    if noise <= 0.5:
        return image
    rough = grain(size, (0, 1), rng) * np.float32(noise)
    image += cv2.merge([rough, rough, rough])
    if rng.random() < 0.3:
        coarse = rng.standard_normal((size // 3, size // 3, 3), np.float32) * np.float32(noise)
        image += cv2.resize(coarse, (size, size))
    return image


def light(size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Make a map of brightness factors, float32 (size, size), about 1: uneven, a shadow with an edge, a lamp."""
    level = 1.0 + _smooth(size, 3, rng) * rng.uniform(0.0, 0.12)
    kind = rng.random()
    if kind < 0.3:  # a shadow with an edge
        ys, xs = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j].astype(np.float32)
        angle, edge = rng.uniform(0, 6.3), rng.uniform(-0.7, 0.7)
        inside = (np.cos(angle) * xs + np.sin(angle) * ys + 0.2 * _smooth(size, 4, rng) - edge) / rng.uniform(0.01, 0.3)
        level *= 1.0 - rng.uniform(0.1, 0.6) / (1.0 + np.exp(-np.clip(inside, -20, 20)))
    elif kind < 0.38:  # the reflection of a lamp
        x, y = rng.uniform(0, size, 2)
        ys, xs = np.mgrid[:size, :size].astype(np.float32)
        reach = rng.uniform(0.05, 0.3) * size
        level += rng.uniform(0.2, 0.8) * np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * reach**2))
    return np.asarray(level, np.float32)


def _beyond_the_sheet(planes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a table, a book's other page, cloth or darkness beyond one edge of the sheet, perhaps with a shadow."""
    size = planes.shape[1]
    angle = rng.integers(4) * np.pi / 2 + rng.normal(0, 0.12)
    share = rng.uniform(0.02, 0.25) if rng.random() < 0.8 else rng.uniform(0.25, 0.5)
    normal = np.array([np.cos(angle), np.sin(angle)])
    middle = np.array([size / 2, size / 2]) + normal * size * (0.5 - share)
    along = np.array([-normal[1], normal[0]]) * 2 * size
    far = normal * 2 * size
    corners = np.array([middle - along, middle + along, middle + along + far, middle - along + far])
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.rint(corners * 8).astype(np.int32)], 255, cv2.LINE_AA, 3)
    level = rng.uniform(5, 235)
    colour = np.clip(level + rng.normal(0, 30, 3), 0, 255).astype(np.float32)
    rough = grain(size, WOOD, rng) * np.float32(rng.uniform(0.5, 18))
    cover = mask.astype(np.float32) / np.float32(255.0)
    if rng.random() < 0.5:  # the sheet's shadow, or its thickness
        soft = cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(0.7, 9))).astype(np.float32)
        planes *= np.float32(1.0) - soft * np.float32(rng.uniform(0.1, 0.5) / 255.0)
    planes += cover * (rough + colour[:, None, None] - planes)
    return mask


def _fingers(planes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    size = planes.shape[1]
    mask = np.zeros((size, size), np.uint8)
    angle = rng.uniform(0, 6.3)
    start = np.array([size / 2, size / 2]) + np.array([np.cos(angle), np.sin(angle)]) * size * 0.75
    for _ in range(int(rng.integers(1, 4))):
        stop = start + (np.array([size / 2, size / 2]) - start) * rng.uniform(0.2, 0.7) + rng.normal(0, 0.15 * size, 2)
        ends = start.astype(int).tolist(), stop.astype(int).tolist()
        cv2.line(mask, *ends, 255, int(rng.uniform(0.06, 0.2) * size), cv2.LINE_AA)
    skin = np.array([200, 150, 125], np.float32) * rng.uniform(0.3, 1.15)
    cover = cv2.GaussianBlur(mask, (0, 0), 1.5).astype(np.float32) / np.float32(255.0)
    rough = grain(size, (3, 4), rng) * np.float32(6)
    planes += cover * (rough + skin[:, None, None] - planes)
    return mask


def _shaken(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    reach = int(rng.integers(2, 6))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    angle = rng.uniform(0, np.pi)
    dx, dy = np.cos(angle) * reach, np.sin(angle) * reach
    cv2.line(kernel, (round(reach - dx), round(reach - dy)), (round(reach + dx), round(reach + dy)), 1.0, 1)
    return np.asarray(cv2.filter2D(image, -1, kernel / max(float(kernel.sum()), 1e-6)), np.float32)
