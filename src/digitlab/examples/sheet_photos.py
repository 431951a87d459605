"""Simulate phone photos of a printed and filled-in sheet on a table: curled, from above or slightly from the side."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.pages.surfaces import WOOD, grain, light

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["SIZES", "Scene", "photographed_sheet"]

SIZES = {3: (1512, 2016), 12: (3024, 4032)}  # megapixels → width and height in pixels, as of phones
_STEP = 16  # pixels between the points of the coarse grid on which the camera is computed
_DISTANCE = (330.0, 480.0)  # mm from the lens to the middle of the sheet
_MOST_TILT = 0.32  # radians
_MOST_CURL = 9.0  # mm by which the middle rises above the edges
_BLUR = (0.25, 1.1)  # standard deviation in pixels, at a height of 2,016


@dataclass(frozen=True, slots=True)
class Scene:
    """The geometry of a photo. place: maps mm on the sheet (N, 2) to pixels (N, 2)."""

    place: Callable[[Floats], Floats]


def photographed_sheet(
    page: NDArray[np.uint8], size: tuple[float, float], rng: np.random.Generator, *, megapixels: int = 3
) -> tuple[NDArray[np.uint8], Scene]:
    """Simulate a photo of a sheet, uint8 (H, W, 3) RGB; return it and its geometry.

    page: uint8 (h, w, 3) RGB, the sheet from edge to edge; size: its width and height in mm
    """
    width, height = SIZES[megapixels]
    scene = _scene(size, (width, height), rng)
    back = _backwards(scene, size, (width, height))
    per_mm = page.shape[1] / size[0]
    maps = np.asarray(back * per_mm - 0.5, np.float32)
    across, down = (cv2.resize(maps[:, :, axis], (width, height), interpolation=cv2.INTER_LINEAR) for axis in (0, 1))
    seen = cv2.remap(page, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = (across > -0.5) & (across < page.shape[1] - 0.5) & (down > -0.5) & (down < page.shape[0] - 0.5)
    image = np.where(inside[:, :, None], seen, _table((width, height), rng)).astype(np.float32)
    return _developed(image, rng), scene


def _scene(size: tuple[float, float], photo: tuple[int, int], rng: np.random.Generator) -> Scene:
    curl = _curl(size, rng)
    roll = rng.normal(0, 0.05) + (math.pi if rng.random() < 0.08 else 0.0)
    tilt, towards = abs(rng.normal(0, 0.13)), rng.uniform(0, 2 * math.pi)
    tilt = min(tilt, _MOST_TILT)
    turn = _rotation(math.cos(towards) * tilt, math.sin(towards) * tilt, roll)
    distance = rng.uniform(*_DISTANCE)
    middle = np.array([size[0] / 2, size[1] / 2, 0.0])

    def seen(points: Floats) -> Floats:
        turned = (curl(points) - middle) @ turn.T
        return np.asarray(turned[:, :2] / (1.0 + turned[:, 2:] / distance), np.float64)

    edge = np.array([[x * size[0], y * size[1]] for x in (0, 0.5, 1) for y in (0, 0.5, 1)])
    flat = seen(edge)
    low, high = flat.min(axis=0), flat.max(axis=0)
    share = rng.uniform(0.86, 0.985) if rng.random() < 0.85 else rng.uniform(0.7, 0.86)
    zoom = share * float((np.array(photo) / (high - low)).min())
    free = np.array(photo) - zoom * (high - low)
    offset = free * rng.uniform(0.15, 0.85, 2) - zoom * low
    return Scene(lambda points: seen(points) * zoom + offset)


def _rotation(x: float, y: float, z: float) -> Floats:
    return np.asarray(
        cv2.Rodrigues(np.array([x, 0.0, 0.0]))[0]
        @ cv2.Rodrigues(np.array([0.0, y, 0.0]))[0]
        @ cv2.Rodrigues(np.array([0.0, 0.0, z]))[0],
        np.float64,
    )


def _curl(size: tuple[float, float], rng: np.random.Generator) -> Callable[[Floats], Floats]:
    """Return a random bend of the paper, about one axis; lengths along the paper are preserved."""
    height = 0.0 if rng.random() < 0.35 else min(abs(rng.normal(0, 3.5)), _MOST_CURL)
    angle = rng.choice((0.0, math.pi / 2)) + rng.normal(0, 0.12)
    along = np.array([math.cos(angle), math.sin(angle)])
    reach = abs(along) @ np.array(size)
    lean, waves = rng.uniform(-0.3, 0.3), rng.choice((1.0, 1.0, 1.5))
    share = np.linspace(-0.25, 1.25, 400)
    lift = height * np.sin(math.pi * waves * (share + lean * share * (1 - share)))
    slope = np.gradient(lift, share * reach)
    arc = np.concatenate([[0.0], np.cumsum(np.sqrt(np.maximum(1 - slope[1:] ** 2, 0.2)) * np.diff(share * reach))])
    middle = np.interp(0.5, share, arc)

    def curled(points: Floats) -> Floats:
        where = (points @ along) / reach + (0.5 - (np.array(size) / 2 @ along) / reach)
        moved = np.interp(where, share, arc) - middle - (where - 0.5) * reach
        flat = points + moved[:, None] * along
        return np.column_stack([flat, -np.interp(where, share, lift)])

    return curled


def _backwards(scene: Scene, size: tuple[float, float], photo: tuple[int, int]) -> Floats:
    """Find the place on the sheet in mm for every `_STEP`-th pixel, float64 (h, w, 2), by fixed-point iteration."""
    wide, high = photo[0] // _STEP, photo[1] // _STEP
    columns, rows = (np.arange(wide) + 0.5) * photo[0] / wide - 0.5, (np.arange(high) + 0.5) * photo[1] / high - 0.5
    xs, ys = np.meshgrid(columns, rows)
    pixels = np.column_stack([xs.ravel(), ys.ravel()])
    corners = np.array([[0, 0], [size[0], 0], list(size), [0, size[1]]], np.float64)
    flat = cv2.getPerspectiveTransform(corners.astype(np.float32), scene.place(corners).astype(np.float32))
    there = np.asarray(flat, np.float64)
    back = np.asarray(np.linalg.inv(there), np.float64)
    bounds = np.array(size) * 0.2
    found = _mapped(back, pixels)
    for _ in range(6):
        held = np.clip(found, -bounds, np.array(size) + bounds)
        off = scene.place(held) - _mapped(there, held)
        found = _mapped(back, pixels - off)
    return found.reshape(high, wide, 2)


def _mapped(matrix: Floats, points: Floats) -> Floats:
    return np.asarray(cv2.perspectiveTransform(points[None], matrix)[0], np.float64)


def _table(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Render the table that the sheet lies on, uint8 (H, W, 3)."""
    colour = np.clip(rng.uniform(20, 190) + rng.normal(0, 22, 3), 3, 215)
    tile = grain(512, WOOD, rng) * np.float32(rng.uniform(1, 16))
    large = cv2.resize(tile, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(large[:, :, None] + colour, 0, 255), np.uint8)


@functools.cache
def _noise() -> NDArray[np.float32]:
    """Return a sensor's noise, standard deviation 1, generated only once: float32 (4224, 3200)."""
    return np.random.default_rng(12).standard_normal((4224, 3200), np.float32)


def _developed(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Apply the effects of light, lens, sensor and JPEG."""
    height, width = image.shape[:2]
    dimmed = np.asarray(light(256, rng) * np.float32(rng.uniform(0.62, 1.0)), np.float32)
    level = np.asarray(cv2.resize(dimmed, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    tint = 1.0 + rng.normal(0, 0.03, 3)
    for channel in range(3):
        image[:, :, channel] *= level * np.float32(tint[channel])
    blur = rng.uniform(*_BLUR) * height / 2016
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), blur), np.float32)
    strength = rng.exponential(2.0) if rng.random() < 0.7 else 0.4
    y, x = int(rng.integers(0, 4224 - height + 1)), int(rng.integers(0, 3200 - width + 1))
    image += (_noise()[y : y + height, x : x + width] * np.float32(min(strength, 9.0)))[:, :, None]
    seen = np.clip(image, 0, 255).astype(np.uint8)
    packed = cv2.imencode(".jpg", seen, (cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(60, 95))))[1]
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
