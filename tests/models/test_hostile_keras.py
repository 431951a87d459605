"""Hostile .keras and .h5 files: each is refused in one line, and nothing that it names is run, opened or made."""

from __future__ import annotations

import copy
import io
import json
import pickle
import resource
import sys
import time
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from digitlab.errors import ModelError
from digitlab.models import build, load_keras, predict_probabilities, read_card
from digitlab.models.backend import keras
from digitlab.models.legacy import import_legacy
from digitlab.models.saving import open_model
from endurance._keras_attacks import (
    WEIGHT_ATTACKS,
    Bomb,
    Members,
    called_models,
    function,
    hostile_layers,
    hostile_weights,
    keras_file,
    marshalled,
    reversed_chain,
    with_layer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("keras")

_opened: list[str] | None = None


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if _opened is not None and event in (
        "open",
        "os.system",
        "subprocess.Popen",
        "socket.connect",
        "exec",
        "marshal.loads",
    ):
        _opened.append(f"{event} {arguments[0]!r:.200}")


@pytest.fixture
def events() -> Iterator[list[str]]:
    """What Python itself opened, started or connected to; hooks cannot be taken away, so one stays and sleeps."""
    global _opened  # noqa: PLW0603
    if not getattr(_listen, "added", False):
        sys.addaudithook(_listen)
        _listen.added = True  # type: ignore[attr-defined]
    _opened = []
    yield _opened
    _opened = None


LAYERS = list(hostile_layers("marker", "outside"))


@pytest.mark.parametrize("attack", LAYERS)
def test_hostile_layers_have_no_effect(
    attack: str, tmp_path: Path, good_members: Members, secret: Any, events: list[str]
) -> None:
    outside, watch = secret
    marker = tmp_path / "marker"
    evil = hostile_layers(str(marker), str(outside))[attack]
    path = keras_file(tmp_path / "evil.keras", good_members, config=with_layer(good_members, evil))
    events.clear()
    refused(lambda: load_keras(path), path)
    refused(lambda: import_legacy(path), path)
    as_tf_keras = {"config": with_layer(good_members, evil), "metadata.json": b'{"keras_version": "2.15.0"}'}
    keras_file(path, good_members, **as_tf_keras)
    refused(lambda: import_legacy(path), path)
    assert not marker.exists()
    assert not watch.touched()
    assert not [event for event in events if not event.startswith("open") or str(outside) in event or "marker" in event]


@pytest.mark.parametrize("attack", LAYERS)
def test_the_same_layers_in_h5(
    attack: str, tmp_path: Path, secret: Any, events: list[str], write_old: Callable[..., None]
) -> None:
    """CVE-2025-9905: Keras ignored ``safe_mode`` for .h5."""
    outside, watch = secret
    marker = tmp_path / "marker"
    evil = hostile_layers(str(marker), str(outside))[attack]
    start = {
        "class_name": "Rescaling",
        "config": {"name": "r", "scale": 1.0, "offset": 0.0, "batch_input_shape": [None, 28, 28, 1]},
    }
    end = [
        {"class_name": "Flatten", "config": {"name": "f"}},
        {"class_name": "Dense", "config": {"name": "d", "units": 10}},
    ]
    path = tmp_path / "evil.h5"
    write_old(path, [("d", [("k", np.zeros((784, 10), np.float32)), ("b", np.zeros(10, np.float32))])],
              {"class_name": "Sequential", "config": [start, evil, *end]}, backend="tensorflow")  # fmt: skip
    events.clear()
    refused(lambda: open_model(path), path)
    assert not marker.exists()
    assert not watch.touched()
    assert not [event for event in events if not event.startswith("open") or str(outside) in event]


ODD_LAYERS = {
    "list as activation": {"class_name": "Dense", "config": {"name": "e", "units": 3, "activation": [1]}},
    "list of lists as axis": {
        "class_name": "BatchNormalization",
        "config": {"name": "e", "axis": [[1], 2], "data_format": "channels_first"},
    },
    "no axis": {"class_name": "Softmax", "config": {"name": "e", "axis": [], "dim_ordering": "th"}},
    "no shape": {"class_name": "Reshape", "config": {"name": "e", "dim_ordering": "th"}},
    "number as a shape": {"class_name": "Reshape", "config": {"name": "e", "target_shape": 3, "dim_ordering": "th"}},
    "no kernel": {"class_name": "Conv2D", "config": {"name": "e", "filters": 3, "padding": "same"}},
    "number as a name": {"class_name": "Dropout", "config": {"name": 3, "rate": 0.5}},
}


@pytest.mark.parametrize("kind", ODD_LAYERS)
def test_values_of_other_types_are_damage(kind: str, tmp_path: Path, write_old: Callable[..., None]) -> None:
    start = {
        "class_name": "Rescaling",
        "config": {"name": "r", "scale": 1.0, "offset": 0.0, "batch_input_shape": [None, 1, 28, 28]},
    }
    path = tmp_path / "odd.h5"
    write_old(path, [("e", [])], {"class_name": "Sequential", "config": [start, ODD_LAYERS[kind]]}, backend="theano")
    refused(lambda: open_model(path), path)
    node = {"class_name": "Dropout", "name": "e", "config": {"name": "e", "rate": 0.5}, "inbound_nodes": [{"args": 5}]}
    config = {"name": "m", "layers": [node], "input_layers": ["i", 0, 0], "output_layers": ["e", 0, 0]}
    write_old(path, [("e", [])], {"class_name": "Functional", "config": config}, backend="theano")
    refused(lambda: open_model(path), path)


def refused(action: Callable[[], object], path: Path, reason: str = ".") -> None:
    """Refused as a model, in one line that names the file, in bounded time and memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, computing = time.monotonic(), time.process_time()
    with pytest.raises(ModelError, match=reason) as caught:
        action()
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert text.isprintable()
    assert len(text) < 500 + len(str(path))
    # Where others keep the machine busy, the clock tells nothing of us.
    assert min(time.monotonic() - start, time.process_time() - computing) < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_what_is_left_out_of_a_description_has_no_effect(tmp_path: Path, good_members: Members) -> None:
    """Compilation and build entries are never handed on, so there is nothing to refuse."""
    marker = tmp_path / "marker"
    config = json.loads(good_members["config.json"])
    config["compile_config"] = {"optimizer": function("system", "os"), "loss": marshalled(str(marker))}
    config["build_config"] = {"input_shape": [None, 10**9, 10**9]}
    for each in config["config"]["layers"]:
        each["build_config"] = {"input_shape": [None, 10**9, 10**9]}
    path = keras_file(tmp_path / "model.keras", good_members, config=json.dumps(config).encode())
    assert load_keras(path).count_params() == 30_762
    assert not marker.exists()


def hostile_archives(folder: Path, members: Members) -> Iterator[tuple[Path, str]]:
    """Files whose wrapping is the attack, and the reason that each is given."""
    zeros = bytes(30_000_000)
    yield keras_file(folder / "bomb.keras", members, weights=zeros), "as only a zip bomb does"
    yield keras_file(folder / "long.keras", members, config=zeros), "unpacks to 30,000,000 bytes"
    yield (
        keras_file(folder / "asset.keras", members, **{"assets/words.txt": b"x"}),
        "its zip contains 'assets/words.txt'",
    )
    yield keras_file(folder / "climb.keras", members, **{"../x": b"x"}), r"its zip contains '\.\./x'"
    yield keras_file(folder / "many.keras", members, **{f"m{i}": b"" for i in range(3000)}), "directory of"
    yield keras_file(folder / "deep.keras", members, config=b"[" * 200_000 + b"]" * 200_000), "is not valid JSON"
    yield keras_file(folder / "list.keras", members, config=b"[1, 2]"), "expected an object"
    yield keras_file(folder / "weights.keras", members, weights=b"\x89HDF\r\n\x1a\n" + bytes(500)), "not an HDF5 file"
    yield keras_file(folder / "none.keras", {"config.json": members["config.json"]}), "lacks model.weights.h5"
    config = json.loads(members["config.json"])
    config["config"]["layers"][0]["config"]["batch_shape"] = [None, 28, 28, 1 << 40]
    yield keras_file(folder / "input.keras", members, config=json.dumps(config).encode()), "expected at most"
    config["config"]["layers"][0]["config"]["batch_shape"] = [None, 280, 280]
    yield keras_file(folder / "larger.keras", members, config=json.dumps(config).encode()), "cannot take"
    order = reversed_chain(100, 60)  # a look at each layer for every other one, here and in Keras
    yield keras_file(folder / "order.keras", members, config=order), "connecting them takes too long"
    yield keras_file(folder / "called.keras", members, config=called_models()), "called more than 3,000 times"
    config["config"]["layers"] = [config["config"]["layers"][0]] * 1100
    yield keras_file(folder / "layers.keras", members, config=json.dumps(config).encode()), "more than 1,000 layers"
    nested = json.loads(members["config.json"])
    for _ in range(8):
        nested["config"]["layers"] = [nested["config"]["layers"][0], copy.deepcopy(nested)]
    yield keras_file(folder / "nested.keras", members, config=json.dumps(nested).encode()), "are nested"
    for ending in ("keras", "h5"):
        path = folder / f"pickle.{ending}"
        path.write_bytes(pickle.dumps(Bomb(folder / "marker")))
        yield path, "not a"
    path = folder / "cut.keras"
    path.write_bytes((folder / "none.keras").read_bytes()[:-30])
    yield path, "not a .keras file"
    path = folder / "zip64.keras"
    whole = (folder / "none.keras").read_bytes()
    path.write_bytes(whole[:-22] + b"PK\x06\x07" + bytes(16) + whole[-22:])
    yield path, "is a zip64"


def test_hostile_archives_are_refused(tmp_path: Path, good_members: Members) -> None:
    for path, reason in hostile_archives(tmp_path, good_members):
        refused(lambda path=path: open_model(path), path, reason)  # type: ignore[misc]
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("attack", WEIGHT_ATTACKS)
def test_weights_that_point_elsewhere_are_refused(
    attack: str, tmp_path: Path, good_members: Members, secret: Any
) -> None:
    outside, watch = secret
    held = io.BytesIO(good_members["model.weights.h5"])
    with h5py.File(held, "a") as file:
        hostile_weights(file, attack, outside)
    path = keras_file(tmp_path / "evil.keras", good_members, weights=held.getvalue())
    refused(lambda: load_keras(path), path, WEIGHT_ATTACKS[attack])
    bare = tmp_path / "evil.h5"
    bare.write_bytes(held.getvalue())
    refused(lambda: import_legacy(bare, "slides-cnn"), bare, WEIGHT_ATTACKS[attack])
    assert not watch.touched()


def test_names_that_multiply_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.h5"
    with h5py.File(path, "w") as file:
        file.attrs.create("layer_names", ["x"] * 3000, dtype=h5py.string_dtype())
        file.attrs.create("filler", np.zeros(60_000, np.uint8))
    with path.open("ab") as grown:
        grown.write(bytes(1_000_000))
    refused(lambda: import_legacy(path, "slides-cnn"), path, "layer_names is too large")


def test_a_stranger_s_card_is_believed_only_where_it_is_one(tmp_path: Path, good_members: Members) -> None:
    for card in (b"[1]", b"{}", b'{"name": 3}', b"[" * 100_000, b"\xff"):
        path = keras_file(tmp_path / "model.keras", good_members, **{"digitlab.json": card})
        assert read_card(path) is None
        assert load_keras(path).count_params() == 30_762


def zoo() -> keras.Model:
    """Every allowed layer that takes one image."""
    make = keras.layers
    images = keras.Input((28, 28), dtype="uint8")
    x = make.Reshape((28, 28, 1))(make.Rescaling(1 / 255)(images))
    for one in (
        make.RandomRotation(0.1), make.RandomTranslation(0.1, 0.1), make.RandomZoom(0.1), make.GaussianNoise(0.1),
        make.ZeroPadding2D(1), make.Conv2D(8, 3, strides=2, padding="same", activation="swish"),
        make.Conv2D(8, 1, kernel_regularizer="l2"),
        make.DepthwiseConv2D(3, padding="same", activation="gelu"), make.SeparableConv2D(8, 3, activation="elu"),
        make.BatchNormalization(), make.LayerNormalization(), make.GroupNormalization(4), make.UnitNormalization(),
        make.PReLU(shared_axes=[1, 2]), make.UpSampling2D(2), make.Conv2DTranspose(4, 3, strides=2, padding="same"),
        make.AveragePooling2D(2), make.MaxPooling2D(2), make.SpatialDropout2D(0.1), make.Cropping2D(1), make.ELU(),
        make.Permute((2, 1, 3)), make.GaussianDropout(0.1), make.LeakyReLU(0.1), make.ReLU(6.0), make.Normalization(),
    ):  # fmt: skip
        x = one(x)
    gate = make.Dense(4, "sigmoid", kernel_constraint=keras.constraints.MaxNorm(2))(make.GlobalAveragePooling2D()(x))
    x = make.Multiply()([x, make.Reshape((1, 1, 4))(gate)])
    merged = [make.Add()([x, x]), make.Average()([x, x]), make.Maximum()([x, x]), make.Subtract()([x, x])]
    x = make.Flatten()(make.Concatenate()([*merged, make.Minimum()([x, x])]))
    return keras.Model(images, make.Softmax()(make.Dense(10)(make.Dropout(0.1, seed=1 << 40)(x))))


@pytest.mark.parametrize("kind", ["zoo", "ensemble", "reader-cnn", "final-cnn"])
def test_honest_files_open_as_they_were(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "model.keras"
    if kind == "ensemble":
        images = keras.Input((28, 28), dtype="uint8", name="images")
        parts = [build("slides-cnn"), build("first-cnn")]
        model = keras.Model(images, keras.layers.Average()([part(images) for part in parts]))
    else:
        model = zoo() if kind == "zoo" else build(kind)
    model.save(path)
    opened = load_keras(path)
    assert opened.count_params() == model.count_params()
    pixels = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    np.testing.assert_array_equal(predict_probabilities(opened, pixels), predict_probabilities(model, pixels))
