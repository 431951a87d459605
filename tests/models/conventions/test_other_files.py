"""Files of Keras, LiteRT and TensorFlow become ours; what could run code is refused by its name."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitlab.apps.cli import run
from digitlab.datasets import load_dataset
from digitlab.errors import ModelError, UsageError
from digitlab.models import load_keras, predict_probabilities, read_card
from digitlab.models.backend import keras
from digitlab.models.conventions import Convention, Form, import_model
from digitlab.models.conventions.convention import LAST, ROWS
from digitlab.reading import Classifier

TEST = load_dataset("mnist").split("test")


def accuracy(answers: Any) -> float:
    return float((np.asarray(answers).argmax(axis=1) == TEST.labels).mean())


def as_keras(net: Any, convention: Convention) -> keras.Model:
    """The network as somebody would write it in Keras."""
    first, bias = net.for_convention(convention)
    model = keras.Sequential(
        [
            keras.Input(convention.form.shape()),
            keras.layers.Flatten(),
            keras.layers.Dense(96, activation="relu"),
            keras.layers.Dense(10, activation=None if convention.answers == "logits" else "softmax"),
        ]
    )
    model.layers[1].set_weights([first, bias])
    model.layers[2].set_weights([net.second, np.zeros(10, np.float32)])
    return model


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("scale", ["0…1", "0…255", "−1…1", "standardised"])
@pytest.mark.parametrize("inverted", [False, True])
def test_keras(net: Any, tmp_path: Path, inverted: bool, scale: str, ending: str) -> None:
    layout, answers = (LAST, "logits") if ending == ".keras" else (ROWS, "probabilities")
    made = Convention(Form(layout), scale, inverted, answers=answers)
    as_keras(net, made).save(tmp_path / f"theirs{ending}")
    done = import_model(tmp_path / f"theirs{ending}", tmp_path / "ours.keras")
    best = done.search.best.convention
    assert (best.scale, best.inverted, best.transposed, best.answers) == (scale, inverted, False, answers)
    ours = predict_probabilities(load_keras(tmp_path / "ours.keras"), TEST.images)
    assert abs(accuracy(ours) - accuracy(net.logits(TEST.images))) <= 1e-4
    card = read_card(tmp_path / "ours.keras")
    assert card is not None
    assert card.preparation == best.preparation()


def test_a_transposed_network_of_keras(net: Any, tmp_path: Path) -> None:
    as_keras(net, Convention(Form(ROWS), transposed=True)).save(tmp_path / "theirs.keras")
    done = import_model(tmp_path / "theirs.keras", tmp_path / "ours.onnx")
    assert done.search.best.convention.transposed
    reached = accuracy(Classifier(tmp_path / "ours.onnx").probabilities(TEST.images))
    assert abs(reached - accuracy(net.logits(TEST.images))) <= 1e-4


@pytest.mark.parametrize("keras_3", [True, False])
def test_a_description_with_its_weights_beside_it(net: Any, tmp_path: Path, write_old: Any, keras_3: bool) -> None:
    model = as_keras(net, Convention(Form(ROWS), "−1…1"))
    if keras_3:
        model.save_weights(tmp_path / "theirs.weights.h5")
        (tmp_path / "theirs.json").write_text(model.to_json())
    else:
        layers = [
            {"class_name": "Flatten", "config": {"name": "flatten", "batch_input_shape": [None, 28, 28]}},
            {"class_name": "Dense", "config": {"name": "a", "units": 96, "activation": "relu", "use_bias": True}},
            {"class_name": "Dense", "config": {"name": "b", "units": 10, "activation": "softmax", "use_bias": False}},
        ]
        first, bias = net.for_convention(Convention(Form(ROWS), "−1…1"))
        weights = [("flatten", []), ("a", [("a/kernel", first), ("a/bias", bias)]), ("b", [("b/kernel", net.second)])]
        write_old(tmp_path / "theirs.h5", weights, keras_version="2.2.4", backend="tensorflow")
        import json

        text = {"class_name": "Sequential", "config": {"name": "net", "layers": layers}, "keras_version": "2.2.4"}
        (tmp_path / "theirs.json").write_text(json.dumps(text))
    done = import_model(tmp_path / "theirs.json", tmp_path / "ours.keras")
    assert done.search.best.convention.scale == "−1…1"
    (tmp_path / "alone").mkdir()
    (tmp_path / "theirs.json").rename(tmp_path / "alone" / "theirs.json")
    with pytest.raises(ModelError, match="description without its weights; put them beside it"):
        import_model(tmp_path / "alone" / "theirs.json", tmp_path / "ours.keras")


@pytest.mark.parametrize("name", ["theirs.tflite", "theirs"])
def test_litert_files_and_saved_models(net: Any, tmp_path: Path, name: str) -> None:
    made = Convention(Form(LAST), "standardised", inverted=True, answers="logits")
    where = tmp_path / name
    as_keras(net, made).export(where, format="litert" if where.suffix else "tf_saved_model", verbose=False)
    done = import_model(where, tmp_path / "ours.onnx")
    assert done.search.best.convention == made
    reached = accuracy(Classifier(tmp_path / "ours.onnx").probabilities(TEST.images))
    assert abs(reached - accuracy(net.logits(TEST.images))) <= 1e-4


def test_a_saved_model_that_reads_files_is_not_loaded(tmp_path: Path, secret: Any) -> None:
    import tensorflow as tf

    outside, watch = secret

    class Thief(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 28, 28], tf.float32)])
        def answer(self, images: Any) -> Any:
            text = tf.io.read_file(str(outside))
            return tf.zeros((tf.shape(images)[0], 10)) + tf.cast(tf.strings.length(text), tf.float32)

    thief = Thief()
    tf.saved_model.save(thief, str(tmp_path / "thief"), signatures={"serving_default": thief.answer})
    while watch.touched():  # while it was made
        pass
    with pytest.raises(ModelError, match=r"uses the operation (ReadFile|StringLength); a classifier"):
        import_model(tmp_path / "thief", tmp_path / "ours.onnx")
    assert not watch.touched()


def test_a_saved_model_that_names_nodes_it_does_not_have_is_damaged(tmp_path: Path) -> None:
    pytest.importorskip("tf2onnx")
    from tensorflow.core.protobuf import saved_model_pb2

    described = saved_model_pb2.SavedModel()
    node = described.meta_graphs.add().object_graph_def.nodes.add()
    child = node.children.add()
    child.local_name, child.node_id = "signatures", 7
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "saved_model.pb").write_bytes(described.SerializeToString())
    with pytest.raises(ModelError, match="is a damaged SavedModel folder"):
        import_model(tmp_path / "theirs", tmp_path / "ours.onnx")


def strangers(folder: Path) -> dict[str, str]:
    """Files that are refused → what is said."""
    with zipfile.ZipFile(folder / "net.pt", "w") as archive:
        archive.writestr("net/data.pkl", pickle.dumps({"weight": 1}))
    (folder / "model.pkl").write_bytes(pickle.dumps({"weight": 1}))
    (folder / "model.joblib").write_bytes(b"\0" * 50)
    (folder / "empty.keras").write_bytes(b"")
    (folder / "empty.tflite").write_bytes(b"")
    (folder / "cut.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(100))
    (folder / "nothing").mkdir()
    (folder / "saved").mkdir()
    (folder / "saved" / "saved_model.pb").write_bytes(b"\x08\x01")
    (folder / "net.json").write_text("[1, 2")
    (folder / "photo.keras").write_bytes(b"\xff\xd8\xff\xe0" + bytes(50))
    return {
        "net.pt": r"is a PyTorch file; .*import torch; .*torch\.onnx\.export.*digitlab import net\.onnx",
        "model.pkl": "is a Python pickle, which is never loaded.*skl2onnx",
        "model.joblib": "is a Python pickle.*skl2onnx",
        "empty.keras": "not a .keras file",
        "empty.tflite": "is not a LiteRT",
        "cut.tflite": "cannot be converted to ONNX; it is damaged",
        "nothing": "is a folder without saved_model.pb",
        "saved": "is a SavedModel of TensorFlow 1, or holds several",
        "net.json": "description without its weights",
        "photo.keras": "not a Keras file but a picture",
        "not-there.onnx": "there is no such model file",
        "not-there.keras": "there is no such model file",
    }


def test_strangers_are_refused_on_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, said in strangers(tmp_path).items():
        with pytest.raises(ModelError, match=said):
            import_model(tmp_path / name, tmp_path / "ours.onnx")
        assert run(["import", str(tmp_path / name), str(tmp_path / "ours.onnx")]) == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len([line for line in lines if line.startswith("digitlab: ")]) == 1
    assert not (tmp_path / "ours.onnx").exists()


def test_options_and_names_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected a name that ends in \.keras or \.onnx"):
        import_model(tmp_path / "theirs.onnx", tmp_path / "ours.h5")
    with pytest.raises(UsageError, match="--architecture are for files of Keras"):
        import_model(tmp_path / "theirs.onnx", tmp_path / "ours.onnx", architecture="thesis-4conv")
    with pytest.raises(UsageError, match=r"theirs\.h5: has its own weights; --weights is for a \.json file"):
        import_model(tmp_path / "theirs.h5", tmp_path / "ours.onnx", weights=tmp_path / "other.h5")
    (tmp_path / "net.json").write_text('{"class_name": "Sequential"}')
    with pytest.raises(ModelError, match=r"net\.json: there is no weights file .*other\.h5"):
        import_model(tmp_path / "net.json", tmp_path / "ours.onnx", weights=tmp_path / "other.h5")
