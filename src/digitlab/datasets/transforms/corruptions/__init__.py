"""MNIST-C's fifteen corruptions (Mu and Gilmer 2019, arXiv 1906.02337), at the severities of the published set.

Our implementation, from the paper and the published parameters. Each is ``(images, rng) -> images``,
uint8 (N, 28, 28), for `transforms.by_blocks`. The published set was made with another random generator and other
libraries' filters: results agree in kind and strength, not pixel by pixel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.datasets.transforms.corruptions.drawn import (
    canny_edges,
    dotted_line,
    rotate,
    scale,
    shear,
    translate,
    zigzag,
)
from digitlab.datasets.transforms.corruptions.light import brightness, fog, spatter, stripe
from digitlab.datasets.transforms.corruptions.noise import glass_blur, impulse_noise, motion_blur, shot_noise

if TYPE_CHECKING:
    from digitlab.datasets.transforms.batches import Transform

__all__ = ["CORRUPTIONS"]

# In the paper's order; the datasets are named "mnist-c/" plus one of these.
CORRUPTIONS: dict[str, Transform] = {
    "shot-noise": shot_noise,
    "impulse-noise": impulse_noise,
    "glass-blur": glass_blur,
    "motion-blur": motion_blur,
    "shear": shear,
    "scale": scale,
    "rotate": rotate,
    "brightness": brightness,
    "translate": translate,
    "stripe": stripe,
    "fog": fog,
    "spatter": spatter,
    "dotted-line": dotted_line,
    "zigzag": zigzag,
    "canny-edges": canny_edges,
}
