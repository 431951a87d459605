"""Trains the page reader's region head on candidates that the already trained networks find on drawn pages."""

from __future__ import annotations

import hashlib
import multiprocessing
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab.datasets.pages import NOT_A_DIGIT, draw_page
from digitlab.models.backend import keras
from digitlab.reading.page_network import PageNetwork
from digitlab.storage import atomic_path
from digitlab.training.page_reader.measure import same_place
from digitlab.training.page_reader.networks import KNOWN, region_head

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.datasets.pages import DrawnPage
    from digitlab.datasets.pages.alphabets import Alphabets

__all__ = ["draw_examples", "mixed_page", "train_head"]

_BLOCK = 100  # pages per file
_LEAST_SCORE = 0.005  # less likely candidates are left out: there are too many of them
_LEVELS = 40.0  # 8-bit level of a feature of 1; features hardly exceed 6
_SMALL, _ENLARGED = 0.12, 0.3  # shares of small pictures, and of enlarged ones
_SIDES = ((320, 0.55), (512, 0.17), (736, 0.08))  # (side, share) of the others
_SMALL_KINDS, _SHARES = ("single", "lone_sign", "letters", None), (0.4, 0.2, 0.2, 0.2)
_EPOCHS, _BATCH, _RATE, _DECAY = 6, 256, 2e-3, 0.02

_worker: tuple[PageNetwork, Alphabets] | None = None


def draw_examples(
    path: Path,
    alphabets: Alphabets,
    folder: Path,
    *,
    pages: int,
    block: int = _BLOCK,
    seed: int,
    workers: int,
    tell: Callable[[str], None],
) -> list[Path]:
    """Draw pages and store the features of the candidates of a page reader without a head; resumes if interrupted.

    Examples from another model file are deleted.

    path: of a model without a head, see `compose`; block: pages per file

    Returns:
        Files of "areas", uint8 (N, 3136), "known", float16 (N, 279), and "labels", int8 (N,), 0 … 10.
    """
    folder.mkdir(parents=True, exist_ok=True)
    of = hashlib.sha256(path.read_bytes() + f"{seed} {block}".encode()).hexdigest()[:12]
    for old in folder.glob("examples-*.npz"):
        if not old.name.startswith(f"examples-{of}-"):
            old.unlink()
    files = [folder / f"examples-{of}-{number:04}.npz" for number in range(-(-pages // block))]
    missing = [(number * block, block, each, seed) for number, each in enumerate(files) if not each.exists()]
    began = time.monotonic()
    # Spawn, not fork: see `loop.batches`.
    with multiprocessing.get_context("spawn").Pool(workers, _start, (path, alphabets)) as pool:
        for done, _ in enumerate(pool.imap_unordered(_block, missing), 1):
            left = (time.monotonic() - began) / done * (len(missing) - done)
            tell(f"{done * block:,}/{len(missing) * block:,} pages of candidates; {left / 60:.0f} min left")
    return files


def _start(path: Path, alphabets: Alphabets) -> None:
    global _worker  # noqa: PLW0603 - what a pool's tasks share
    cv2.setNumThreads(1)
    _worker = PageNetwork(path, 1), alphabets


def _block(task: tuple[int, int, Path, int]) -> None:
    first, count, file, seed = task
    assert _worker is not None  # noqa: S101 - by `_start`
    network, alphabets = _worker
    areas, known, labels = [], [], []
    for number in range(first, first + count):
        page = mixed_page(alphabets, np.random.default_rng((seed, 11, number)))
        boxes, scores, around, told = network.outputs(page.image, ["boxes", "scores", "areas", "known"])
        places = [(row, place) for row, place in same_place(page, boxes) if scores[row] >= _LEAST_SCORE]
        rows = [row for row, _ in places]
        areas.append(np.clip(np.rint(around[rows] * _LEVELS), 0, 255).astype(np.uint8))
        known.append(told[rows].astype(np.float16))
        labels += [NOT_A_DIGIT if place is None else int(page.labels[place]) for _, place in places]
    with atomic_path(file) as temporary, temporary.open("wb") as opened:
        np.savez(opened, areas=np.concatenate(areas), known=np.concatenate(known), labels=np.array(labels, np.int8))


def mixed_page(alphabets: Alphabets, rng: np.random.Generator) -> DrawnPage:
    """Draw at random a small picture, mostly of one sign, an enlarged page, or a page of one of three sizes."""
    chance = rng.random()
    if chance < _SMALL:
        return draw_page(alphabets, rng, size=160, kind=_SMALL_KINDS[int(rng.choice(4, p=_SHARES))])
    if chance < _SMALL + _ENLARGED:
        return _enlarged(draw_page(alphabets, rng), float(np.exp(rng.uniform(np.log(1.3), np.log(3.4)))))
    sides, shares = zip(*_SIDES, strict=True)
    return draw_page(alphabets, rng, size=int(rng.choice(sides, p=np.array(shares) / sum(shares))))


def _enlarged(page: DrawnPage, by: float) -> DrawnPage:
    """Enlarge a page, as if seen from nearer: large digits in a large picture, which is read at three scales."""
    image = np.asarray(cv2.resize(page.image, None, fx=by, fy=by, interpolation=cv2.INTER_CUBIC), np.uint8)
    return replace(page, image=image, boxes=page.boxes * np.float32(by), letters=page.letters * np.float32(by))


def train_head(files: Sequence[Path], *, seed: int, tell: Callable[[str], None]) -> keras.Model:
    """Train a region head on examples, which are held in memory, 4 kB each."""
    blocks = []
    for file in files:
        with np.load(file) as block:
            blocks.append((block["areas"], block["known"], block["labels"]))
    areas, known, labels = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    blocks.clear()
    told = known.reshape(-1, KNOWN).astype(np.float32)
    keras.utils.set_random_seed(seed)
    head = region_head(told.mean(axis=0), told.std(axis=0) + 1e-3)
    del told
    examples = _Examples(areas, known, labels, seed)
    rate = keras.optimizers.schedules.CosineDecay(
        1e-5, len(examples) * _EPOCHS, warmup_target=_RATE, warmup_steps=len(examples) // 4
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile(keras.optimizers.AdamW(rate, weight_decay=_DECAY), loss)
    began = time.monotonic()

    def say(epoch: int, logs: dict[str, float]) -> None:
        left = (time.monotonic() - began) / (epoch + 1) * (_EPOCHS - epoch - 1)
        tell(f"region head, epoch {epoch + 1}/{_EPOCHS}: loss {logs['loss']:.4f}; {left / 60:.0f} min left")

    head.fit(examples, epochs=_EPOCHS, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=say)])
    return head


class _Examples(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of examples, in a new random order in each epoch."""

    def __init__(
        self, areas: NDArray[np.uint8], known: NDArray[np.float16], labels: NDArray[np.int8], seed: int
    ) -> None:
        super().__init__()
        self._areas, self._known, self._labels = areas, known, labels
        self._rng = np.random.default_rng(seed)
        self._order = self._rng.permutation(len(labels))

    def __len__(self) -> int:
        return max(1, len(self._labels) // _BATCH)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        rows = self._order[index * _BATCH : (index + 1) * _BATCH]
        areas = self._areas[rows].astype(np.float32) / np.float32(_LEVELS)
        return (areas, self._known[rows].astype(np.float32)), self._labels[rows].astype(np.int32)

    def on_epoch_end(self) -> None:
        self._order = self._rng.permutation(len(self._labels))
