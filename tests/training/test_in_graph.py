"""What the compiled graph does to images is what NumPy and OpenCV do to them outside."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.datasets import load_dataset
from digitlab.models import build
from digitlab.models.backend import keras
from digitlab.training.augmentation import AUGMENTATIONS, augmentation
from digitlab.training.loop import Loop, StopRequest
from digitlab.training.optimisers import make_optimiser

pytestmark = [pytest.mark.xdist_group("keras"), pytest.mark.backends]

DIGITS = load_dataset("mnist").split("train")[:1000]
IN_GRAPH = [name for name in (*AUGMENTATIONS, "affine+cutout", "cutout+pose") if augmentation(name).in_graph]


def test_most_augmentations_have_a_form_for_the_graph() -> None:
    assert set(AUGMENTATIONS) - set(IN_GRAPH) == {"none", "handwriting", "elastic"}
    assert augmentation("handwriting+cutout").in_graph is None


@pytest.mark.parametrize("name", IN_GRAPH)
def test_the_graph_makes_the_same_images(name: str) -> None:
    chosen = augmentation(name)
    assert chosen.vary is not None
    assert chosen.in_graph is not None
    outside = chosen.vary(DIGITS.images, np.random.default_rng(5)).astype(int)
    numbers = chosen.in_graph.draw(np.random.default_rng(5), len(DIGITS))
    assert numbers.shape == (len(DIGITS), chosen.in_graph.width)
    inside = keras.ops.convert_to_numpy(chosen.in_graph.vary(DIGITS.images, numbers))
    difference = np.abs(inside - outside)
    assert np.array_equal(inside, np.rint(inside))
    assert np.mean(difference > 0) < 0.002  # values that lie between two levels
    # A Sobel image is stretched to its own range: a level in the image moves a whole picture by a few.
    assert difference.max() <= (12 if "realtime" in name else 1)


@pytest.mark.parametrize("name", ["none", "affine", "pose+cutout"])
def test_the_quick_way_ends_as_the_plain_way(name: str) -> None:
    quick, plain = (_trained(name, plain=plain) for plain in (False, True))
    # Losses; and accuracies over all batches, for a network that has hardly begun is torn between two digits.
    np.testing.assert_allclose(quick[0][:, 0], plain[0][:, 0], atol=2e-3)
    np.testing.assert_allclose(quick[0][:, 1].mean(), plain[0][:, 1].mean(), atol=0.01)
    for left, right in zip(quick[1], plain[1], strict=True):
        np.testing.assert_allclose(left, right, atol=2e-3)


def _trained(name: str, *, plain: bool) -> tuple[np.ndarray, list[np.ndarray]]:
    """Each batch's loss and accuracy, and the weights at the end."""
    keras.utils.set_random_seed(3)
    model = build("slides-cnn")
    optimiser = make_optimiser("sgd", learning_rate=0.1, schedule="one-cycle", steps=16)
    loop = Loop(model, optimiser, DIGITS, None, batch_size=130, seed=3, augmentation=augmentation(name), plain=plain)
    history = loop.run(2, lambda _: None, StopRequest())
    return np.array([row[2:] for row in history.batches]), model.get_weights()
