"""What the compiled graph does to images is what NumPy and OpenCV do to them outside."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from digitlab.datasets import load_dataset
from digitlab.models import build
from digitlab.models.backend import keras
from digitlab.stopping import StopRequest
from digitlab.training.augmentation import AUGMENTATIONS, augmentation
from digitlab.training.loop import Loop
from digitlab.training.optimisers import make_optimiser
from digitlab.values import Digits

pytestmark = [pytest.mark.xdist_group("keras"), pytest.mark.backends]

DIGITS = load_dataset("mnist").split("train")[:1000]
FEW = DIGITS[:500]
EVEN = 125  # a batch size that leaves no smaller batch: the steps are compiled for one shape, not for two
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


@pytest.mark.parametrize(
    ("name", "clean_from", "batch"),
    [("none", None, EVEN), ("affine", None, 130), ("pose+cutout", None, EVEN), ("pose", 2, EVEN)],
)
def test_the_quick_way_ends_as_the_plain_way(name: str, clean_from: int | None, batch: int) -> None:
    quick, plain = (_trained(name, plain=plain, clean_from=clean_from, batch=batch) for plain in (False, True))
    # Losses; and accuracies over all batches, for a network that has hardly begun is torn between two digits.
    np.testing.assert_allclose(quick[0][:, 0], plain[0][:, 0], atol=2e-3)
    np.testing.assert_allclose(quick[0][:, 1].mean(), plain[0][:, 1].mean(), atol=0.01)
    for left, right in zip(quick[1], plain[1], strict=True):
        np.testing.assert_allclose(left, right, atol=2e-3)


def test_clean_from_the_first_epoch_on_nothing_is_varied() -> None:
    clean, never = _trained("pose", clean_from=1), _trained("none")
    np.testing.assert_array_equal(clean[0], never[0])
    varied_first = _trained("pose", clean_from=2)
    assert not np.array_equal(varied_first[0][0], never[0][0])


def test_clean_images_are_of_the_kind_that_the_augmentation_makes() -> None:
    sobel = augmentation("realtime").to_network_input
    assert sobel is not None
    expected = _train(Digits(sobel(FEW.images), FEW.labels), "none")
    np.testing.assert_array_equal(_trained("realtime", clean_from=1)[0], expected[0])


def _trained(
    name: str, *, plain: bool = False, clean_from: int | None = None, batch: int = EVEN
) -> tuple[np.ndarray, list[np.ndarray]]:
    return _of_digits(name, plain, clean_from, batch)


@functools.cache  # compiling takes longer than the rest, and two tests look at the same training
def _of_digits(name: str, plain: bool, clean_from: int | None, batch: int) -> tuple[np.ndarray, list[np.ndarray]]:
    return _train(FEW, name, plain=plain, clean_from=clean_from, batch=batch)


def _train(
    digits: Digits, name: str, *, plain: bool = False, clean_from: int | None = None, batch: int = EVEN
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Each batch's loss and accuracy, and the weights at the end."""
    keras.utils.set_random_seed(3)
    model = build("slides-cnn")
    optimiser = make_optimiser("sgd", learning_rate=0.1, schedule="one-cycle", steps=8)
    how = {"augmentation": augmentation(name), "clean_from": clean_from, "plain": plain}
    loop = Loop(model, optimiser, digits, None, batch_size=batch, seed=3, **how)  # type: ignore[arg-type]
    history = loop.run(2, lambda _: None, StopRequest())
    return np.array([row[2:] for row in history.batches]), model.get_weights()
