"""Old and hostile model files, made by code."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@pytest.fixture(scope="session")
def write_old() -> Callable[..., None]:
    return _write_old


def _write_old(
    path: Path,
    weights: Sequence[tuple[str, Sequence[tuple[str, Any]]]],
    config: object = None,
    **attributes: str,
) -> None:
    """An HDF5 file as Keras 1 and 2 wrote them; weights only where ``config`` is None."""
    with h5py.File(path, "w") as file:
        root = file
        if config is not None:
            file.attrs["model_config"] = json.dumps(config).encode()
            root = file.create_group("model_weights")
        for place in (file, root):
            place.attrs.update({name: text.encode() for name, text in attributes.items()})
        root.attrs["layer_names"] = [layer.encode() for layer, _ in weights]
        for layer, arrays in weights:
            group = root.create_group(layer)
            group.attrs["weight_names"] = np.array([name.encode() for name, _ in arrays])
            for name, array in arrays:
                group[name] = array


@pytest.fixture(scope="session")
def good_members(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The members of a harmless .keras file."""
    from digitlab.models import build

    path = tmp_path_factory.mktemp("good") / "good.keras"
    build("slides-cnn").save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
