"""Networks of `keras.applications`: weights from a file, images prepared in the graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from digitlab.errors import ModelError, UsageError
from digitlab.models import load_keras, predict_probabilities
from digitlab.runs import Run
from digitlab.transfer_learning import Transfer, TransferData, open_application, open_base, run_transfer

pytestmark = pytest.mark.xdist_group("keras")


@pytest.mark.slow
def test_a_small_one_takes_digits_and_its_run_can_be_opened(few: TransferData, tmp_path: Path) -> None:
    base = open_base("mobilenetv2", weights="random")
    run = Run.create("some", tmp_path)
    data = TransferData(few.train, few.test[:20], "mnist", "mnist")
    done, _ = run_transfer(base, data, Transfer("features", learner="nearest-mean"), run, about={})
    assert done.layers == ["average"]
    opened = load_keras(run.keras)
    np.testing.assert_allclose(predict_probabilities(opened, data.test.images), done.probabilities, atol=1e-4)


def test_weights_come_from_a_file_that_is_looked_at(tmp_path: Path) -> None:
    from digitlab.models.backend import keras

    theirs = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(56, 56, 3), alpha=1.0)
    theirs.save_weights(tmp_path / "mobile.weights.h5")
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    ours = open_application("MobileNet", tmp_path / "mobile.weights.h5")
    body = next(layer for layer in ours.layers if isinstance(layer, keras.Model))
    for one, other in zip(body.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    prepared = keras.Model(ours.inputs[0], ours.get_layer("prepare").output).predict(images, verbose=0)
    assert prepared.shape == (3, 56, 56, 3)
    assert -1 <= prepared.min() < prepared.max() <= 1
    np.testing.assert_array_equal(prepared[..., 0], prepared[..., 2])
    with pytest.raises(ModelError, match="not the weights of VGG16"):
        open_application("VGG16", tmp_path / "mobile.weights.h5")


def test_what_is_no_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.h5").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="not an HDF5 file"):
        open_application("MobileNet", tmp_path / "bad.h5")
    with pytest.raises(ModelError, match="there is no such file"):
        open_application("MobileNet", tmp_path / "nothing.h5")
    with pytest.raises(ModelError, match="nothing is fetched"):
        open_base("MobileNet")
    with pytest.raises(UsageError, match="Did you mean 'MobileNet'"):
        open_application("MobileNte", "random")
