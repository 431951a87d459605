"""Files that cannot be used are called by their name, wherever a model or a dataset is wanted."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from digitlab.datasets import find_dataset
from digitlab.errors import DatasetError, ModelError
from digitlab.kinds import kind_of
from digitlab.reading import resolve_model

WHAT = {
    "net.pt": "a PyTorch file",
    "net.pth": "a PyTorch file",
    "unnamed": "a PyTorch file",
    "net.pkl": "a Python pickle, which is never loaded",
    "net.json": "a JSON file",
    "tfjs.json": "a TensorFlow.js model",
    "net.tflite": "a LiteRT (TFLite) file",
    "saved": "a SavedModel folder of TensorFlow",
    "net.safetensors": "a safetensors file",
    "net.caffemodel": "a model of Caffe",
    "photo.jpg": "a picture",
    "set.parquet": "a Parquet file",
    "set.mat": "a MATLAB file",
    "set.npz": "a file of NumPy arrays",
}


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strangers")
    for name in ("net.pt", "unnamed"):
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr("net/data.pkl", pickle.dumps({"weight": 1}))
    for name in ("net.pth", "net.pkl"):
        (folder / name).write_bytes(pickle.dumps({"weight": 1}))
    (folder / "net.json").write_text(json.dumps({"class_name": "Sequential", "config": []}, indent=2))
    (folder / "tfjs.json").write_text(json.dumps({"format": "layers-model", "modelTopology": {}}))
    (folder / "net.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(100))
    (folder / "saved" / "variables").mkdir(parents=True)
    (folder / "saved" / "saved_model.pb").write_bytes(b"\x08\x01")
    (folder / "net.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    (folder / "net.caffemodel").write_bytes(bytes(50))
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(50))
    (folder / "set.parquet").write_bytes(b"PAR1" + bytes(50))
    np.savez(folder / "set.npz", pictures=np.zeros((5, 28, 28)))
    (folder / "set.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(50))
    return folder


# Models of these kinds are taken; such damaged ones are refused for what they lack.
DAMAGED = {
    "net.json": "is a network's description without its weights; put them beside it",
    "net.tflite": "cannot be converted to ONNX; it is damaged or uncommon",
    "saved": "is a SavedModel of TensorFlow 1, or holds several; expected one of TensorFlow 2",
}


@pytest.mark.parametrize("name", WHAT)
def test_what_is_no_model_is_named_with_what_to_do(strangers: Path, name: str) -> None:
    with pytest.raises(ModelError) as caught:
        resolve_model(strangers / name)
    said = str(caught.value)
    assert f"{name}: {DAMAGED.get(name, f'is {WHAT[name]}')}" in said
    assert "; " in said
    assert "\n" not in said


@pytest.mark.parametrize("name", [name for name in WHAT if not name.startswith("set.")])
def test_what_is_no_dataset_is_named_with_what_is_expected(strangers: Path, name: str) -> None:
    with pytest.raises(DatasetError) as caught:
        find_dataset(str(strangers / name))
    assert f"{name} is {WHAT[name]}" in str(caught.value)
    assert "expected" in str(caught.value)


@pytest.mark.parametrize("name", ["set.parquet", "set.mat"])
def test_damaged_files_of_a_kind_that_is_read_are_refused(strangers: Path, name: str) -> None:
    with pytest.raises(DatasetError, match=rf"{name}.*(is not a readable Parquet|is truncated)"):
        find_dataset(str(strangers / name)).open("all")


def test_a_keras_file_is_no_dataset_and_a_zip_of_pictures_must_be_unpacked(tmp_path: Path) -> None:
    for name, member in (("net.keras", "config.json"), ("digits.zip", "0/a.png")):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(member, b"{}")
    with pytest.raises(DatasetError, match=r"net\.keras is a Keras model; expected NAME\.h5"):
        find_dataset(str(tmp_path / "net.keras"))
    with pytest.raises(DatasetError, match="zip of pictures must be unpacked"):
        find_dataset(str(tmp_path / "digits.zip")).split("all")


def test_what_can_be_used_is_not_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.zeros((1, 28, 28), np.uint8), labels=np.zeros(1, np.uint8))
    assert len(find_dataset(str(tmp_path / "a.npz")).split("all")) == 1
    assert kind_of(tmp_path / "nothing") is None
    assert kind_of("a\0b") is None


@pytest.mark.parametrize("name", ["nosuch.h5", "nosuch.keras", "nosuch.onnx", "runs/nosuch"])
def test_a_model_that_is_not_there_is_told_so(name: str) -> None:
    with pytest.raises(ModelError, match=rf"there is no file or folder '{name}'; expected a shipped name"):
        resolve_model(name)
