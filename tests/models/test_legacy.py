"""Old files against an independent forward pass in NumPy."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from digitlab.errors import ModelError, UsageError
from digitlab.models import build, load_keras, predict_probabilities
from digitlab.models.backend import keras
from digitlab.models.legacy import import_legacy
from digitlab.models.legacy.importing import AS_IT_IS, brought_over
from digitlab.models.saving import open_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

pytestmark = pytest.mark.xdist_group("keras")

RNG = np.random.default_rng(7)
IMAGES = RNG.integers(0, 256, (5, 28, 28), np.uint8)


def numbers(*shape: int) -> NDArray[np.float32]:
    return RNG.normal(0, 0.15, shape).astype(np.float32)


def correlate(images: NDArray[Any], kernel: NDArray[Any]) -> NDArray[Any]:
    """TensorFlow's convolution: (N, H, W, I) with (rows, columns, I, O), without padding."""
    windows = sliding_window_view(images, kernel.shape[:2], axis=(1, 2))  # (N, H', W', I, rows, columns)
    return np.einsum("nhwirc,rcio->nhwo", windows, kernel)


def convolve(images: NDArray[Any], kernel: NDArray[Any]) -> NDArray[Any]:
    """Theano's: (N, I, H, W) with (O, I, rows, columns); the kernel runs backwards over the image."""
    _, _, rows, columns = kernel.shape
    height, width = images.shape[2] - rows + 1, images.shape[3] - columns + 1
    made = np.zeros((len(images), kernel.shape[0], height, width))
    for row in range(rows):
        for column in range(columns):
            top, left = rows - 1 - row, columns - 1 - column
            part = images[:, :, top : top + height, left : left + width]
            made += np.einsum("nihw,oi->nohw", part, kernel[:, :, row, column])
    return made


def pool_first(images: NDArray[Any]) -> NDArray[Any]:
    n, channels, height, width = images.shape
    cut = images[:, :, : height // 2 * 2, : width // 2 * 2]
    return cut.reshape(n, channels, height // 2, 2, width // 2, 2).max(axis=(3, 5))


def softmax(x: NDArray[Any]) -> NDArray[Any]:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def keras1_layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, "trainable": True, **config}}


def keras1_theano(path: Path, write_old: Callable[..., None], **attributes: str) -> dict[str, NDArray[Any]]:
    """Keras 1.2 on Theano: a bare list, channels_first, kernels (out, in, rows, columns), old words throughout."""
    w = {
        "k1": numbers(6, 1, 3, 5), "c1": numbers(6), "k2": numbers(4, 6, 3, 3), "c2": numbers(4),
        "gamma": 1 + numbers(528), "beta": numbers(528), "mean": numbers(528), "std": 1 + np.abs(numbers(528)),
        "d1": numbers(4 * 12 * 11, 20), "e1": numbers(20), "d2": numbers(20, 10), "e2": numbers(10),
    }  # fmt: skip
    th = {"dim_ordering": "th", "border_mode": "valid"}
    regular = {"W_regularizer": {"name": "WeightRegularizer", "l2": 0.01, "l1": 0.0}, "b_regularizer": None}
    conv = {"subsample": [1, 1], "init": "glorot_uniform", "W_constraint": None, "b_constraint": None, "bias": True}
    conv |= {"activity_regularizer": None, **regular, **th}
    dense = {"init": "normal", "bias": True, "input_dim": None, "W_constraint": None, "b_constraint": None, **regular}
    layers = [
        keras1_layer("Convolution2D", "convolution2d_1", nb_filter=6, nb_row=3, nb_col=5, activation="linear",
                     batch_input_shape=[None, 1, 28, 28], input_dtype="float32", **conv),
        keras1_layer("LeakyReLU", "leakyrelu_1", alpha=0.08),
        keras1_layer("Convolution2D", "convolution2d_2", nb_filter=4, nb_row=3, nb_col=3, activation="relu", **conv),
        keras1_layer("MaxPooling2D", "maxpooling2d_1", pool_size=[2, 2], strides=[2, 2], **th),
        keras1_layer("Dropout", "dropout_1", p=0.25),
        keras1_layer("Flatten", "flatten_1"),
        keras1_layer("BatchNormalization", "batchnormalization_1", epsilon=1e-3, mode=0, axis=1, momentum=0.9,
                     beta_init="zero", gamma_init="one", gamma_regularizer=None, beta_regularizer=None),
        keras1_layer("Dense", "dense_1", output_dim=20, activation="tanh", **dense),
        keras1_layer("Dense", "dense_2", output_dim=10, activation="linear", **dense),
        keras1_layer("Activation", "activation_1", activation="softmax"),
    ]  # fmt: skip
    weights = [
        ("convolution2d_1", [("convolution2d_1_W", w["k1"]), ("convolution2d_1_b", w["c1"])]),
        ("leakyrelu_1", []),
        ("convolution2d_2", [("convolution2d_2_W", w["k2"]), ("convolution2d_2_b", w["c2"])]),
        ("maxpooling2d_1", []), ("dropout_1", []), ("flatten_1", []),
        ("batchnormalization_1", [(f"batchnormalization_1_{each}", w[key]) for each, key in (
            ("gamma", "gamma"), ("beta", "beta"), ("running_mean", "mean"), ("running_std", "std"))]),
        ("dense_1", [("dense_1_W", w["d1"]), ("dense_1_b", w["e1"])]),
        ("dense_2", [("dense_2_W", w["d2"]), ("dense_2_b", w["e2"])]),
        ("activation_1", []),
    ]  # fmt: skip
    write_old(path, weights, {"class_name": "Sequential", "config": layers}, **attributes)
    return w


def keras1_theano_answers(w: dict[str, NDArray[Any]], pixels: NDArray[Any]) -> NDArray[Any]:
    x = convolve(pixels[:, None], w["k1"]) + w["c1"][:, None, None]
    x = np.where(x > 0, x, 0.08 * x)
    x = np.maximum(convolve(x, w["k2"]) + w["c2"][:, None, None], 0)
    x = pool_first(x).reshape(len(x), -1)
    x = (x - w["mean"]) / np.sqrt(w["std"] + 1e-3) * w["gamma"] + w["beta"]
    x = np.tanh(x @ w["d1"] + w["e1"])
    return softmax(x @ w["d2"] + w["e2"])


def test_keras_1_on_theano_channels_first(tmp_path: Path, write_old: Callable[..., None]) -> None:
    path = tmp_path / "old.h5"
    w = keras1_theano(path, write_old, keras_version="1.2.2", backend="theano")
    found = import_legacy(path)
    expected = keras1_theano_answers(w, IMAGES / 255)
    np.testing.assert_allclose(predict_probabilities(found.model, IMAGES), expected, atol=1e-5)
    said = "\n".join(found.changes)
    assert "2 convolution kernels were rotated by 180° (convolution2d_1, convolution2d_2)" in said
    assert "Convolution2D → Conv2D" in said
    assert "nb_filter → filters" in said
    assert "p → rate" in said
    assert "channels_first became channels_last" in said
    assert "dense_1" in said
    assert "regularisers" in said
    assert found.origin == "Keras 1.2.2 on theano"


def test_a_file_that_names_no_backend_is_guessed_and_can_be_told(
    tmp_path: Path, write_old: Callable[..., None]
) -> None:
    path = tmp_path / "old.h5"
    w = keras1_theano(path, write_old)
    found = import_legacy(path, preparation="x / 255 - 0.5")
    expected = keras1_theano_answers(w, IMAGES / 255 - 0.5)
    np.testing.assert_allclose(predict_probabilities(found.model, IMAGES), expected, atol=1e-5)
    assert any("does not name its backend; taken to be theano" in change for change in found.changes)
    told = import_legacy(path, backend="tensorflow")
    assert not any("rotated by" in change for change in told.changes)


def test_options_that_the_file_makes_needless_are_told(tmp_path: Path, write_old: Callable[..., None]) -> None:
    keras1_theano(tmp_path / "old.h5", write_old)
    found = import_legacy(tmp_path / "old.h5", "thesis-4conv", backend="theano")
    assert "--architecture was not used: the file itself determines it" in found.changes
    assert not any("--backend was not used" in change for change in found.changes)
    build("slides-cnn").save(tmp_path / "new.keras")
    found = import_legacy(tmp_path / "new.keras", "thesis-4conv", backend="theano")
    assert [change.partition(" was not used")[0] for change in found.changes[:2]] == ["--architecture", "--backend"]


def keras2_functional(path: Path, write_old: Callable[..., None]) -> dict[str, NDArray[Any]]:
    """Keras 2 on TensorFlow, two branches, TF-Keras' names of weights, layers not in order."""
    w = {"k": numbers(3, 3, 1, 4), "c": numbers(4), "k2": numbers(1, 1, 1, 4), "d": numbers(8, 10), "e": numbers(10)}
    ones = {"class_name": "VarianceScaling", "config": {"scale": 1.0, "mode": "fan_avg", "seed": None}}

    def layer(kind: str, name: str, takes: list[str], **config: Any) -> dict[str, Any]:
        nodes = [[[each, 0, 0, {}] for each in takes]] if takes else []
        return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}

    conv = {"strides": [1, 1], "dilation_rate": [1, 1], "data_format": "channels_last", "kernel_initializer": ones}
    layers = [
        layer("Concatenate", "concatenate_1", ["left_pool", "right_pool"], axis=-1, trainable=True, dtype="float32"),
        layer("InputLayer", "input_1", [], batch_input_shape=[None, 28, 28, 1], dtype="float32", sparse=False),
        layer("Conv2D", "left", ["input_1"], filters=4, kernel_size=[3, 3], padding="valid", activation="relu",
              use_bias=True, groups=1, **conv),
        layer("Conv2D", "right", ["input_1"], filters=4, kernel_size=[1, 1], padding="same", activation="linear",
              use_bias=False, **conv),
        layer("GlobalMaxPooling2D", "left_pool", ["left"], data_format="channels_last"),
        layer("GlobalAveragePooling2D", "right_pool", ["right"], data_format="channels_last", keepdims=False),
        layer("Dense", "dense", ["concatenate_1"], units=10, activation="softmax", use_bias=True),
    ]  # fmt: skip
    ends = {"input_layers": [["input_1", 0, 0]], "output_layers": [["dense", 0, 0]]}
    weights = [
        ("concatenate_1", []), ("input_1", []),
        ("left", [("left/kernel:0", w["k"]), ("left/bias:0", w["c"])]), ("right", [("right/kernel:0", w["k2"])]),
        ("left_pool", []), ("right_pool", []), ("dense", [("dense/kernel:0", w["d"]), ("dense/bias:0", w["e"])]),
    ]  # fmt: skip
    config = {"class_name": "Model", "config": {"name": "model_1", "layers": layers, **ends}}
    write_old(path, weights, config, keras_version="2.2.4", backend="tensorflow")
    return w


def test_keras_2_functional(tmp_path: Path, write_old: Callable[..., None]) -> None:
    path = tmp_path / "old.h5"
    w = keras2_functional(path, write_old)
    found = import_legacy(path, preparation="x")
    pixels = IMAGES[..., None].astype(float)
    left = np.maximum(correlate(pixels, w["k"]) + w["c"], 0).max(axis=(1, 2))
    right = correlate(pixels, w["k2"]).mean(axis=(1, 2))
    expected = softmax(np.concatenate([left, right], axis=1) @ w["d"] + w["e"])
    np.testing.assert_allclose(predict_probabilities(found.model, IMAGES), expected, atol=1e-5)
    assert not any("rotated" in change for change in found.changes)


def test_theano_pads_even_kernels_and_strides_otherwise(tmp_path: Path, write_old: Callable[..., None]) -> None:
    kernel, rows = numbers(4, 4, 1, 3), numbers(3, 10)
    conv = {"filters": 3, "kernel_size": [4, 4], "strides": [2, 2], "padding": "same", "use_bias": False}
    conv |= {"data_format": "channels_last", "batch_input_shape": [None, 28, 28, 1], "activation": "relu"}
    layers = [
        keras1_layer("Conv2D", "conv", **conv),
        keras1_layer("GlobalAveragePooling2D", "pool", data_format="channels_last"),
        keras1_layer("Dense", "dense", units=10, use_bias=False, activation="softmax"),
    ]
    weights = [("conv", [("kernel", kernel)]), ("pool", []), ("dense", [("kernel", rows)])]
    path = tmp_path / "old.h5"
    write_old(path, weights, {"class_name": "Sequential", "config": layers}, keras_version="2.0.4", backend="theano")
    # Theano's "half": k // 2 zeros on every side; Keras then keeps the first ceil(size / stride) rows and columns.
    framed = np.pad(IMAGES / 255, ((0, 0), (2, 2), (2, 2)))[:, None]
    whole = convolve(framed, kernel.transpose(3, 2, 0, 1))[:, :, ::2, ::2][:, :, :14, :14]
    expected = softmax(np.maximum(whole, 0).mean(axis=(2, 3)) @ rows)
    np.testing.assert_allclose(predict_probabilities(import_legacy(path).model, IMAGES), expected, atol=1e-5)


@pytest.mark.parametrize("flatten", ["channels_first", "channels_last", None])
def test_channels_first_on_tensorflow(tmp_path: Path, write_old: Callable[..., None], flatten: str | None) -> None:
    """From Keras 2.1 on, a Flatten can put the channels last itself."""
    kernel, rows = numbers(3, 3, 1, 3), numbers(3 * 26 * 26, 10)
    conv = {"filters": 3, "kernel_size": [3, 3], "padding": "valid", "use_bias": False, "activation": "relu"}
    layers = [
        keras1_layer("Conv2D", "conv", data_format="channels_first", batch_input_shape=[None, 1, 28, 28], **conv),
        keras1_layer("Flatten", "flatten", **({"data_format": flatten} if flatten else {})),
        keras1_layer("Dense", "dense", units=10, use_bias=False, activation="softmax"),
    ]
    weights = [("conv", [("kernel", kernel)]), ("flatten", []), ("dense", [("kernel", rows)])]
    path = tmp_path / "old.h5"
    config = {"class_name": "Sequential", "config": {"name": "sequential_1", "layers": layers}}
    write_old(path, weights, config, keras_version="2.3.1", backend="tensorflow")
    maps = np.maximum(correlate(IMAGES[..., None] / 255, kernel), 0)  # (N, H, W, C)
    maps = maps if flatten == "channels_first" else maps.transpose(0, 3, 1, 2)
    expected = softmax(maps.reshape(len(maps), -1) @ rows)
    np.testing.assert_allclose(predict_probabilities(import_legacy(path).model, IMAGES), expected, atol=1e-5)


def weights_of(model: keras.Model, *, old_theano: bool) -> list[tuple[str, list[tuple[str, Any]]]]:
    """The weights of one of our networks as a file of Keras 2 or, with ``old_theano``, of Keras 1 on Theano."""
    saved = []
    for number, layer in enumerate(model.layers):
        arrays = [np.array(array) for array in layer.get_weights()] if layer.weights else []
        if old_theano and isinstance(layer, keras.layers.Conv2D):
            arrays[0] = arrays[0][::-1, ::-1].transpose(3, 2, 0, 1)
        if old_theano and arrays and arrays[0].shape == (512, 128):
            arrays[0] = arrays[0].reshape(4, 4, 32, 128).transpose(2, 0, 1, 3).reshape(512, 128)
        saved.append((f"layer_{number}", [(f"layer_{number}_{each}", array) for each, array in enumerate(arrays)]))
    return saved


@pytest.mark.parametrize("old_theano", [False, True])
def test_weights_alone_go_into_a_named_architecture(
    tmp_path: Path, write_old: Callable[..., None], old_theano: bool
) -> None:
    model, path = build("thesis-4conv"), tmp_path / "weights.h5"
    said = {"backend": "theano", "keras_version": "1.1.0"} if old_theano else {"backend": "tensorflow"}
    write_old(path, weights_of(model, old_theano=old_theano), **said)
    found = import_legacy(path, "thesis-4conv")
    np.testing.assert_allclose(
        predict_probabilities(found.model, IMAGES), predict_probabilities(model, IMAGES), atol=1e-6
    )
    assert any("the preparation is that of thesis-4conv" in change for change in found.changes)
    raw = brought_over(path, "thesis-4conv", AS_IT_IS, None, raw=True)  # whoever finds its convention will say it
    assert not any("preparation" in change for change in raw.changes)
    with pytest.raises(ModelError, match="contains weights only; give their network with --architecture"):
        import_legacy(path)
    with pytest.raises(ModelError, match="weights for 6 layers; slides-cnn has 4"):
        import_legacy(path, "slides-cnn")


def test_arrays_of_another_shape_are_refused(tmp_path: Path, write_old: Callable[..., None]) -> None:
    path = tmp_path / "old.h5"
    write_old(path, [("dense", [("kernel", numbers(783, 10))])], sequential_of(), backend="tensorflow")
    with pytest.raises(
        ModelError, match=r"layer 'dense' has arrays of the shapes \[\(783, 10\)\]; expected \[\(784, 10"
    ):
        import_legacy(path)


@pytest.mark.parametrize("name", ["thesis-4conv", "reader-cnn", "tiny-family"])
def test_weights_alone_without_the_preparation(tmp_path: Path, name: str) -> None:
    """As `digitlab import` opens them, to find by trial how the pixels were prepared."""
    model, path = build(name), tmp_path / "new.weights.h5"
    model.save_weights(path)
    bare = brought_over(path, name, AS_IT_IS, None, raw=True).model
    assert bare.input_shape == (None, 28, 28)
    assert bare.inputs[0].dtype == "float32"
    found = np.asarray(bare(IMAGES.astype(np.float32) / 255, training=False))
    np.testing.assert_allclose(found, predict_probabilities(model, IMAGES), atol=1e-5)


def test_weights_of_keras_3_go_into_a_named_architecture(tmp_path: Path) -> None:
    model, path = build("slides-cnn"), tmp_path / "new.weights.h5"
    model.save_weights(path)
    found = import_legacy(path, "slides-cnn")
    np.testing.assert_array_equal(predict_probabilities(found.model, IMAGES), predict_probabilities(model, IMAGES))
    assert not any("prepar" in each for each in brought_over(path, "slides-cnn", AS_IT_IS, None, raw=True).changes)
    with pytest.raises(ModelError, match="its weights do not fit ann-397"):
        import_legacy(path, "ann-397")


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5:UserWarning")
@pytest.mark.parametrize("functional", [False, True])
def test_an_h5_of_keras_3_opens_and_keeps_its_own_scaling(tmp_path: Path, functional: bool) -> None:
    model, path = build("reader-cnn" if functional else "final-cnn"), tmp_path / "new.h5"
    model.save(path)
    said: list[str] = []
    opened = open_model(path, on_note=said.append)
    np.testing.assert_allclose(predict_probabilities(opened, IMAGES), predict_probabilities(model, IMAGES), atol=1e-6)
    assert any("begins with its own Rescaling" in sentence for sentence in said)


@pytest.mark.parametrize("shape", [(28, 28, 1), (784,), (28, 28)])
def test_a_stranger_s_keras_file_gets_our_input(tmp_path: Path, shape: tuple[int, ...]) -> None:
    theirs = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    path = tmp_path / "theirs.keras"
    theirs.save(path)
    found = import_legacy(path)
    expected = theirs.predict((IMAGES / 255).reshape(-1, *shape).astype(np.float32), verbose=0)
    np.testing.assert_allclose(predict_probabilities(found.model, IMAGES), expected, atol=1e-6)
    if shape != (28, 28):
        with pytest.raises(ModelError, match=r"digitlab import .* adds a preparation before it"):
            load_keras(path)


def stranger(path: Path, ending: list[Any], shape: tuple[int, ...] = (28, 28)) -> keras.Model:
    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), *ending])
    model.save(path)
    return model


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5:UserWarning")
@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("last", [None, "log_softmax"])
def test_logits_become_probabilities_and_it_is_said(tmp_path: Path, ending: str, last: str | None) -> None:
    path = tmp_path / f"theirs{ending}"
    theirs = stranger(path, [keras.layers.Dense(10, last)])
    said: list[str] = []
    found = predict_probabilities(open_model(path, on_note=said.append), IMAGES)
    logits = theirs.predict((IMAGES / 255).astype(np.float32), verbose=0)
    np.testing.assert_allclose(found, keras.ops.convert_to_numpy(keras.ops.softmax(logits)), atol=1e-6)
    assert any("it outputs logits" in sentence and "a softmax was added" in sentence for sentence in said)


@pytest.mark.parametrize("shape", [(28, 28), (784,)])
def test_ten_sigmoids_become_their_shares(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tmp_path / "theirs.keras"
    theirs = stranger(path, [keras.layers.Dense(10, "sigmoid")], shape)
    said: list[str] = []
    found = predict_probabilities(open_model(path, on_note=said.append), IMAGES)
    values = theirs.predict((IMAGES / 255).reshape(-1, *shape).astype(np.float32), verbose=0)
    np.testing.assert_allclose(found, values / values.sum(axis=1, keepdims=True), atol=1e-6)
    assert any("ten sigmoids" in sentence for sentence in said)


def test_answers_of_which_no_probabilities_can_be_made_are_refused(tmp_path: Path) -> None:
    stranger(tmp_path / "theirs.keras", [keras.layers.Dense(10, "hard_sigmoid")])
    with pytest.raises(ModelError, match=r"theirs.keras: its outputs lie between 0 and 1 .* End it with a softmax"):
        open_model(tmp_path / "theirs.keras")


def test_a_keras_file_of_tf_keras(tmp_path: Path) -> None:
    """The zip of Keras 3 with the words of Keras 2; arrays lie under their layer's class and number."""
    kernels, rows = (numbers(3, 3, 1, 3), numbers(3, 3, 3, 2)), numbers(2, 10)
    conv = {"kernel_size": [3, 3], "padding": "valid", "use_bias": False, "activation": "relu"}
    layers = [
        keras1_layer("InputLayer", "input_1", batch_input_shape=[None, 28, 28, 1]),
        keras1_layer("Conv2D", "a", filters=3, batch_input_shape=[None, 28, 28, 1], **conv),
        keras1_layer("Conv2D", "b", filters=2, **conv),
        keras1_layer("GlobalAveragePooling2D", "pool"),
        keras1_layer("Dense", "dense", units=10, use_bias=False, activation="softmax"),
    ]
    held = tmp_path / "held.h5"
    with h5py.File(held, "w") as file:
        for place, array in (("conv2d", kernels[0]), ("conv2d_1", kernels[1]), ("dense", rows)):
            file[f"layers/{place}/vars/0"] = array
    path = tmp_path / "theirs.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "2.15.0"}))
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": layers}}))
        archive.write(held, "model.weights.h5")
    x = IMAGES[..., None] / 255
    for kernel in kernels:
        x = np.maximum(correlate(x, kernel), 0)
    expected = softmax(x.mean(axis=(1, 2)) @ rows)
    np.testing.assert_allclose(predict_probabilities(open_model(path), IMAGES), expected, atol=1e-5)
    with pytest.raises(ModelError, match=r"written by Keras 2\.15\.0; `digitlab import` converts it"):
        load_keras(path)


def sequential_of(*layers: dict[str, Any]) -> dict[str, Any]:
    first = keras1_layer("Flatten", "flatten", batch_input_shape=[None, 28, 28, 1])
    last = keras1_layer("Dense", "dense", units=10, use_bias=False)
    return {"class_name": "Sequential", "config": [first, *layers, last]}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (sequential_of(keras1_layer("Lambda", "l", function="x")), "class 'Lambda', which is not allowed"),
        (sequential_of(keras1_layer("Activation", "a", activation="hard_sigmoid")), "Keras 3 computes differently"),
        (
            sequential_of(keras1_layer("Activation", "a", activation="os.system")),
            "'os.system'; expected a number, a word",
        ),
        (sequential_of(keras1_layer("BatchNormalization", "b", mode=2)), "only mode 0"),
        (sequential_of(keras1_layer("Dropout", "d", rate=0.5, path="/etc/passwd")), "unknown argument 'path'"),
        (sequential_of(keras1_layer("Dense", "d", units=10**6)), "at most 50,000,000 are read"),
        (
            {"class_name": "Sequential", "config": [keras1_layer("Dense", "dense", units=10)]},
            "takes images of the shape",
        ),
        ({"class_name": "Graph", "config": {}}, "expected Sequential, Model or Functional"),
        ([1, 2], "expected an object"),
    ],
)
def test_what_cannot_be_brought_over_is_refused_in_one_line(
    tmp_path: Path, write_old: Callable[..., None], config: object, reason: str
) -> None:
    path = tmp_path / "old.h5"
    write_old(path, [("dense", [("kernel", numbers(784, 10))])], config, backend="tensorflow")
    with pytest.raises(ModelError, match=reason) as caught:
        import_legacy(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_wrong_options_and_files_are_answered(tmp_path: Path, write_old: Callable[..., None]) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        import_legacy(tmp_path / "none.h5")
    with pytest.raises(UsageError, match="expected one of x / 255, x / 255 - 0"):
        import_legacy(tmp_path / "none.h5", preparation="x / 256")
    with pytest.raises(UsageError, match="expected tensorflow or theano"):
        import_legacy(tmp_path / "none.h5", backend="cntk")
    path = tmp_path / "text.h5"
    path.write_text("weights")
    with pytest.raises(ModelError, match="not an HDF5 file"):
        import_legacy(path)
    write_old(path, [("dense", [("kernel", np.full((784, 10), np.nan))])], sequential_of(), backend="tensorflow")
    with pytest.raises(ModelError, match="expected finite floating-point numbers"):
        import_legacy(path)


def file_of_2017() -> Path:
    shared = Path(os.environ.get("DIGITLAB_SHARED") or Path(__file__).parents[3] / "shared")
    path = shared / "legacy" / "keras2-theano-4conv.h5"
    if not path.is_file():
        pytest.skip(f"the model of 2017 is not here ({path}); DIGITLAB_SHARED names its folder")
    return path


def measured(model: keras.Model, digits: Any) -> tuple[float, float]:
    probabilities = predict_probabilities(model, digits.images)
    right = probabilities[np.arange(len(digits)), digits.labels]
    return float((probabilities.argmax(axis=1) == digits.labels).mean()), float(-np.log(right.clip(1e-7)).mean())


def test_the_model_of_2017_is_as_good_as_it_was(tmp_path: Path) -> None:
    from digitlab.datasets import load_dataset
    from digitlab.datasets.transforms import make_handmade

    path = file_of_2017()
    digits = make_handmade(load_dataset("mnist").split("test"), 1, 6, 0)
    found = import_legacy(path)
    accuracy, loss = measured(found.model, digits)
    assert abs(accuracy - 0.973) <= 0.003
    assert abs(loss - 0.083) <= 0.006
    assert any("4 convolution kernels were rotated by 180°" in change for change in found.changes)

    edited = tmp_path / "edited.h5"
    shutil.copy(path, edited)
    with h5py.File(edited, "a") as file:
        file.attrs["backend"] = b"tensorflow"
    unturned = import_legacy(edited)
    assert not any("rotated by 180°" in change for change in unturned.changes)
    assert abs(measured(unturned.model, digits[:20_000])[0] - 0.219) <= 0.02
