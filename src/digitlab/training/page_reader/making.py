"""Makes the shipped page reader from scratch: glyphs, drawn pages, training, calibration, one ONNX file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.mnist import load
from digitlab.datasets.pages import draw_page
from digitlab.datasets.pages.alphabets import make_alphabets
from digitlab.datasets.pages.typefaces import fonts
from digitlab.reading import Reader
from digitlab.reading.page_network import PageNetwork
from digitlab.storage import write_bytes
from digitlab.training.page_reader.calibration import context_of, fit_logistic
from digitlab.training.page_reader.measure import by_kind, measured, same_place, threshold_for, touching_parted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.datasets.pages import DrawnPage
    from digitlab.datasets.pages.alphabets import Alphabets
    from digitlab.models.backend import keras

__all__ = ["drawn_pages", "finish", "made_alphabets", "make_page_reader"]

STEPS, BATCH = 12_000, 32  # about two and a half hours on two cores, at 45 pages per second
_RANGED, _FITTED, _MEASURED = 60, 500, 500  # drawn pages for quantisation, score calibration and thresholds
_EXAMPLES = 18_000  # drawn pages for the region head: ten minutes on two cores
_CONTEXT = 2_400  # drawn pages for fitting the context weights,
_SIDES = 320, 512, 736  # and their sides in pixels: larger ones contain more context
THRESHOLD = 0.5  # scores are probabilities: accept what is more likely a digit than not
_SHARES = (0.9, 0.95, 0.98, 0.99)  # precisions on drawn pages for which confidence thresholds are stored


def make_page_reader(
    folder: Path,
    out: Path,
    *,
    steps: int = STEPS,
    seed: int = 0,
    workers: int = 2,
    start: Path | None = None,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Train the page reader and write it to ``out``; an interrupted training is continued from ``folder``.

    start: a finished file whose networks are trained further; None: begin with random weights

    Returns:
        Measurements on drawn pages with fonts, MNIST images and seeds not used in training: the confidence thresholds
        for some precisions, and by layout the number of digits, recall and precision at the threshold.

    Raises:
        DatasetError: when the fonts are missing (`make fonts`).
        ModelError: when `start` is not a page reader.
    """
    from digitlab.training.page_reader.loop import train
    from digitlab.training.page_reader.restoring import history, restored
    from digitlab.training.page_reader.targets import draw_batch

    tell("drawing glyphs …")
    glyphs = made_alphabets("train")
    begin = None
    if start is not None:
        seen = draw_batch(glyphs, (seed, 2, 1), _RANGED)
        begin = restored(start, as_units(seen.pages), as_units(seen.crops))
    trained = train(glyphs, folder, steps=steps, batch=BATCH, seed=seed, workers=workers, begin=begin, tell=tell)
    told: dict[str, Any] = {"steps": steps, "batch": BATCH, "seed": seed}
    if start is not None:
        told["after"] = history(start)
    return finish(*trained, glyphs, folder, out, told, workers=workers, tell=tell)


def finish(
    where: keras.Model,
    what: keras.Model,
    glyphs: Alphabets,
    folder: Path,
    out: Path,
    told: dict[str, Any],
    *,
    workers: int = 2,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Quantise trained networks to 8 bits, train the head on their candidates, calibrate scores, and write ``out``.

    glyphs: for the pages that determine the activations' ranges, and for the head's training pages; told: metadata
        stored in the file
    """
    from digitlab.training.page_reader.export import converted, converted_head, export_page_reader, in_eight_bits
    from digitlab.training.page_reader.region_head import draw_examples, mixed_page, train_head
    from digitlab.training.page_reader.targets import draw_batch

    tell("bringing it to 8 bits …")
    seen = draw_batch(glyphs, (told["seed"], 1, 1), _RANGED)
    pages = [as_units(seen.pages[row : row + 1]) for row in range(_RANGED)]
    crops = [as_units(part) for part in np.array_split(seen.crops, 10)]
    networks = in_eight_bits(converted(where, what), pages, crops)
    tell("calibrating on drawn pages …")
    validation = made_alphabets("validation")
    raw, scaled = folder / "uncalibrated.onnx", folder / "calibrated.onnx"
    raw.write_bytes(export_page_reader(networks, {}))
    fitted = drawn_pages(validation, _FITTED, seed=1)
    scale = fit_logistic(*_known(raw, fitted, ["boxes", "witnesses"], lambda _, logits: logits))
    scaled.write_bytes(export_page_reader(networks, {}, scale))
    examples = draw_examples(
        scaled, glyphs, folder / "examples", pages=_EXAMPLES, seed=told["seed"], workers=workers, tell=tell
    )
    head = converted_head(train_head(examples, seed=told["seed"], tell=tell))
    scaled.write_bytes(export_page_reader(networks, {}, scale, head))
    tell("weighing what the rest of a page says …")
    larger = (
        mixed_page(validation, np.random.default_rng((3, 7, number))) if number % 3 == 0 else page
        for number, page in enumerate(drawn_pages(validation, _CONTEXT, seed=3, sides=_SIDES))
    )
    context = fit_logistic(*_known(scaled, larger, ["boxes", "scores", "letters"], context_of))
    metadata = {"digitlab": json.dumps({**told, "scale": scale, "context": context})}
    scaled.write_bytes(export_page_reader(networks, metadata, scale, head, context))
    reader = Reader(threads=1, pages=PageNetwork(scaled, 1))
    results = measured(drawn_pages(validation, _MEASURED, seed=2), reader.candidates)
    thresholds = {f"{share:g}": round(threshold_for(results, share), 3) for share in _SHARES}
    told_more = {**metadata, "threshold": f"{THRESHOLD:g}", "thresholds": json.dumps(thresholds)}
    write_bytes(out, export_page_reader(networks, told_more, scale, head, context))
    return {
        "scale": scale, "context": context, "thresholds": thresholds, "drawn": by_kind(results, THRESHOLD),
        "touching": touching_parted(results, THRESHOLD),
    }  # fmt: skip


def as_units(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Normalise like `networks.normalised`, in NumPy."""
    return pixels.astype(np.float32) / np.float32(64) - np.float32(2)


def made_alphabets(split: str) -> Alphabets:
    """Make the glyphs of "train" or "validation"; takes a minute or two."""
    images = load()[0]
    return make_alphabets(np.asarray(images.images), np.asarray(images.labels), fonts(split), split=split)


def drawn_pages(alphabets: Alphabets, count: int, *, seed: int, sides: tuple[int, ...] = (320,)) -> Iterator[DrawnPage]:
    """Draw pages of all kinds, the same for the same seed. sides: in pixels; one is chosen for each page."""
    for number in range(count):
        rng = np.random.default_rng((seed, 7, number))
        size = sides[0] if len(sides) == 1 else int(rng.choice(sides))
        yield draw_page(alphabets, rng, size=size)


def _known(
    path: Path,
    pages: Iterator[DrawnPage],
    outputs: list[str],
    inputs: Callable[..., NDArray[np.floating]],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Collect the features of each candidate, (N, K), and whether it is a digit, (N,), without ignored places.

    outputs: names of outputs of the model at ``path``, boxes first; inputs: function from these to (N, K)
    """
    network = PageNetwork(path, 1)
    known: list[NDArray[np.float64]] = []
    right: list[bool] = []
    for page in pages:
        boxes, *said = network.outputs(page.image, outputs)
        if not len(boxes):
            continue
        rows = list(same_place(page, boxes))
        known.append(np.asarray(inputs(boxes, *said), np.float64)[[row for row, _ in rows]])
        right.extend(digit is not None for _, digit in rows)
    return np.concatenate(known), np.array(right, np.bool_)
