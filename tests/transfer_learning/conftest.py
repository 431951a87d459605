"""A small network whose weights are random but not tiny, and small sets of digits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitlab.datasets import load_dataset
from digitlab.transfer_learning import TransferData
from digitlab.values import Digits


@pytest.fixture(scope="session")
def base() -> Any:
    """A network with normalisation and dropout, laid open."""
    from digitlab.models.backend import keras
    from digitlab.models.layers import conv, dense, max_pool, output, sequential
    from digitlab.transfer_learning import Base
    from digitlab.values import ModelCard

    keras.utils.set_random_seed(4)
    normalisation = keras.layers.BatchNormalization(name="even")
    model = sequential(
        conv(6, 5, name="lines"), max_pool(), normalisation, conv(8, name="corners"), max_pool(),
        keras.layers.Flatten(), dense(24, name="dense"), keras.layers.Dropout(0.25), output(), name="small",
    )  # fmt: skip
    return Base.of(model, ModelCard("small", "small", "x / 255"))


@pytest.fixture
def few() -> TransferData:
    """Six of each class to learn from, 100 to measure on."""
    train, test = load_dataset("mnist").split("train"), load_dataset("mnist").split("test")
    rows = np.concatenate([np.flatnonzero(train.labels == digit)[:6] for digit in range(10)])
    return TransferData(train[np.sort(rows)], test[:100], "mnist", "mnist")


@pytest.fixture
def own_digits(tmp_path: Path) -> Path:
    """A user's own fifty digits: a folder of pictures by class."""
    from digitlab.datasets.formats import dataset_writer

    train = load_dataset("mnist").split("train")
    rows = np.concatenate([np.flatnonzero(train.labels == digit)[100:105] for digit in range(10)])
    path = tmp_path / "own"
    with dataset_writer(f"{path}/") as sink:
        sink.write(Digits(train.images[rows], train.labels[rows]))
    return path
