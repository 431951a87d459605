"""Image transforms: pure functions on batches, all randomness from an argument.

A transform is ``(images, rng) -> images``, uint8 (N, 28, 28), light ink on dark; `by_blocks` applies one to
any number of images; the result depends on the seed, not on the number of threads.
"""

from __future__ import annotations

from digitlab.datasets.transforms.affine import augment_affine, realtime_images, vary_pose
from digitlab.datasets.transforms.batches import by_blocks
from digitlab.datasets.transforms.copies import MOST_COPIES, mean_answer, tta_copies
from digitlab.datasets.transforms.corruptions import CORRUPTIONS
from digitlab.datasets.transforms.cutout import cut_out
from digitlab.datasets.transforms.filter_bank import BANK, apply_bank
from digitlab.datasets.transforms.handmade import handmade_blocks, make_handmade, transform_images
from digitlab.datasets.transforms.handwriting import vary_handwriting
from digitlab.datasets.transforms.plain_loop import plain_loop
from digitlab.datasets.transforms.sobel import sobel_images
from digitlab.datasets.transforms.warp import deform

__all__ = [
    "BANK", "CORRUPTIONS", "MOST_COPIES", "apply_bank", "augment_affine", "by_blocks", "cut_out", "deform",
    "handmade_blocks", "make_handmade", "mean_answer", "plain_loop", "realtime_images", "sobel_images",
    "transform_images", "tta_copies", "vary_handwriting", "vary_pose",
]  # fmt: skip
