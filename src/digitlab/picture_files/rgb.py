"""Conversion of pictures of any number of bits, and of transparent ones, to uint8 RGB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["on_paper", "pillow_rgb"]

_ROWS = 256  # rows converted at once, so that pixels are in memory at most twice, not once more for each step


def pillow_rgb(picture: Image.Image) -> NDArray[np.uint8]:
    """Convert a picture to uint8 (H, W, 3) RGB, in bands of rows.

    Grey of 16 or 32 bits is scaled to 8 (Pillow would clip it). What is transparent becomes paper (for Pillow, black):
    white, or black if the drawing is light throughout.
    """
    width, height = picture.size
    rgb = np.empty((height, width, 3), np.uint8)
    bands = [(top, min(height, top + _ROWS)) for top in range(0, height, _ROWS)]
    if picture.mode.startswith(("I", "F")):
        brightest = max(_brightest(np.asarray(_band(picture, *rows))) for rows in bands)
        scale = _full_scale(brightest, floating=picture.mode.startswith("F"))
        for top, bottom in bands:
            rgb[top:bottom] = _to_8_bits(np.asarray(_band(picture, top, bottom)), scale)[:, :, None]
        return rgb
    if not picture.has_transparency_data:
        for top, bottom in bands:
            rgb[top:bottom] = np.asarray(_band(picture, top, bottom).convert("RGB"))
        return rgb
    step = max(1, round((width * height / 1e6) ** 0.5))
    sample = [np.asarray(_band(picture, *rows).convert("RGBA"))[::step, ::step] for rows in bands]
    paper = 0 if _is_light_ink(np.concatenate(sample)) else 255
    for top, bottom in bands:
        rgb[top:bottom] = _blended(np.asarray(_band(picture, top, bottom).convert("RGBA")), paper)
    return rgb


def on_paper(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Blend RGBA, uint8 (H, W, 4), onto white, or onto black if only light ink is drawn: uint8 (H, W, 3)."""
    height, width = rgba.shape[:2]
    step = max(1, round((width * height / 1e6) ** 0.5))
    paper = 0 if _is_light_ink(rgba[::step, ::step]) else 255
    rgb = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _ROWS):
        rgb[top : top + _ROWS] = _blended(rgba[top : top + _ROWS], paper)
    return rgb


def _band(picture: Image.Image, top: int, bottom: int) -> Image.Image:
    return picture.crop((0, top, picture.width, bottom))


def _brightest(grey: NDArray[Any]) -> float:
    return float(np.nan_to_num(grey, nan=0.0, posinf=0.0, neginf=0.0).max())


def _full_scale(brightest: float, *, floating: bool) -> float:
    """Return the grey level of 16 or 32 bits that becomes 255: the smallest usual scale that fits: 255, 65535, 2³²-1.

    Floating-point values up to 1 are taken to range over 0…1.
    """
    scales = (1.0, 255.0, 65535.0) if floating else (255.0, 65535.0)
    return next((scale for scale in scales if brightest <= scale), max(brightest, float(2**32 - 1)))


def _to_8_bits(grey: NDArray[Any], scale: float) -> NDArray[np.uint8]:
    """Convert grey of 16 or 32 bits, (H, W), to 8 bits; ``scale`` becomes 255."""
    values = np.nan_to_num(grey.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    return np.asarray(np.clip(np.rint(values * (255.0 / scale)), 0, 255), np.uint8)


def _blended(rgba: NDArray[np.uint8], paper: int) -> NDArray[np.uint8]:
    """Blend RGBA, uint8 (H, W, 4), onto paper of this grey level."""
    alpha = rgba[:, :, 3]
    if alpha.min() == 255:
        return np.ascontiguousarray(rgba[:, :, :3])
    weight = alpha.astype(np.uint16)[:, :, None]
    blended = rgba[:, :, :3] * weight + paper * (255 - weight) + 127
    return np.asarray(blended // 255, np.uint8)


def _is_light_ink(rgba: NDArray[np.uint8]) -> bool:
    """Return whether the opaque part is light throughout and a minority: strokes, not a card with something on it."""
    opaque = rgba[rgba[:, :, 3] >= 128]
    if not len(opaque) or len(opaque) > rgba[:, :, 3].size // 2:
        return False
    return bool(np.percentile(opaque[:, :3].max(axis=1), 5) > 127)
