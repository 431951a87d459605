"""ONNX files of every habit become ours: the convention is found, the accuracy is the plain network's."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from digitlab.apps.cli import run
from digitlab.datasets import load_dataset
from digitlab.errors import ModelError
from digitlab.models.conventions import Convention, Form, import_model, own_onnx
from digitlab.models.conventions.convention import FIRST, FLAT, LAST, ROWS
from digitlab.reading import Classifier

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEST = load_dataset("mnist").split("test")
SCALES = ("0…1", "0…255", "−1…1", "standardised")


def accuracy(answers: np.ndarray) -> float:
    return float((answers.argmax(axis=1) == TEST.labels).mean())


def brought_over(content: bytes, folder: Path) -> tuple[Convention, float]:
    (folder / "theirs.onnx").write_bytes(content)
    done = import_model(folder / "theirs.onnx", folder / "ours.onnx")
    ours = Classifier(folder / "ours.onnx")
    assert ours.card is not None
    assert ours.card.training["convention"] == str(done.search.best.convention)
    assert ours.card.training["runner_up_accuracy"] <= ours.card.training["accuracy"] + 0.03
    return done.search.best.convention, accuracy(ours.probabilities(TEST.images))


@pytest.mark.parametrize("answers", ["logits", "probabilities"])
@pytest.mark.parametrize("layout", [ROWS, FIRST, LAST])
def test_polarities_scales_and_layouts(net: Any, tmp_path: Path, as_onnx: Any, layout: str, answers: str) -> None:
    plain = accuracy(net.logits(TEST.images))
    for inverted, scale in itertools.product((False, True), SCALES):
        made = Convention(Form(layout), scale, inverted, answers=answers)
        found, reached = brought_over(as_onnx(net, made), tmp_path)
        assert found == made
        assert abs(reached - plain) <= 1e-4


RARER = {
    "flat, log-probabilities": (Convention(Form(FLAT), "standardised", answers="log-probabilities"), {}),
    "sigmoids": (Convention(Form(FIRST), answers="shares"), {}),
    "transposed": (Convention(Form(ROWS), "0…255", transposed=True, answers="logits"), {}),
    "32 pixels": (Convention(Form(FIRST, 32), "−1…1", answers="logits"), {}),
    "32 pixels, dark on light": (Convention(Form(LAST, 32), inverted=True), {}),
    "3 channels first": (Convention(Form(FIRST, channels=3), "−0.5…0.5"), {}),
    "3 channels last": (Convention(Form(LAST, channels=3), answers="logits"), {}),
    "bytes": (Convention(Form(LAST, dtype="uint8"), "0…255", inverted=True, answers="logits"), {}),
    "signed bytes": (Convention(Form(LAST, dtype="int8"), "−128…127", answers="logits"), {}),
    "11 classes": (Convention(Form(FIRST), answers="logits", classes=11), {"none": 10}),
    "11 classes, none first": (Convention(Form(FIRST), classes=11, zero=1), {"none": 0}),
    "one image at a time": (Convention(Form(FIRST), answers="logits"), {"batch": 1}),
    "32 images at a time, flat": (Convention(Form(FLAT), answers="logits"), {"batch": 32}),
    "an old operator set": (Convention(Form(FLAT), inverted=True), {"opset": 9}),
}


@pytest.mark.parametrize("name", RARER)
def test_rarer_habits(net: Any, tmp_path: Path, as_onnx: Any, name: str) -> None:
    made, more = RARER[name]
    found, reached = brought_over(as_onnx(net, made, **more), tmp_path)
    assert found == made
    if made.classes == 10:  # "none" takes some of the share, not of the order
        assert abs(reached - accuracy(net.logits(TEST.images))) <= 1e-4
    assert reached > 0.8


def test_sizes_that_the_file_leaves_open(net: Any, tmp_path: Path, as_onnx: Any) -> None:
    model = onnx.load_from_string(as_onnx(net, Convention(Form(FIRST))))
    for place, dim in enumerate(model.graph.input[0].type.tensor_type.shape.dim):
        dim.dim_param = f"size{place}"
    found, _ = brought_over(model.SerializeToString(), tmp_path)
    assert found.form in (Form(FIRST), Form(LAST))  # (1, 28, 28) and (28, 28, 1) are the same numbers


def scikit(opset: int) -> bytes:
    """What skl2onnx writes for a pipeline of a scaler and a logistic regression: labels, and a list of dictionaries."""
    train = load_dataset("mnist").split("train")[:3000]
    pixels = train.images.reshape(-1, 784) / 255.0
    mean = pixels.mean(axis=0)
    targets = np.eye(10)[train.labels] * 2 - 1
    times = np.linalg.solve((pixels - mean).T @ (pixels - mean) + 10 * np.eye(784), (pixels - mean).T @ targets)
    ml = {"domain": "ai.onnx.ml"}
    nodes = [
        helper.make_node("Scaler", ["X"], ["scaled"], offset=(mean).tolist(), scale=[1.0] * 784, **ml),
        helper.make_node(
            "LinearClassifier",
            ["scaled"],
            ["label", "scores"],
            coefficients=(4 * times.T).ravel().tolist(),
            intercepts=[-1.0] * 10,
            classlabels_ints=list(range(10)),
            post_transform="LOGISTIC",
            **ml,
        ),
        helper.make_node("Normalizer", ["scores"], ["shares"], norm="L1", **ml),
        helper.make_node("Cast", ["label"], ["output_label"], to=TensorProto.INT64),
        helper.make_node("ZipMap", ["shares"], ["output_probability"], classlabels_int64s=list(range(10)), **ml),
    ]
    labels = helper.make_tensor_value_info("output_label", TensorProto.INT64, ["N"])
    tables = onnx.ValueInfoProto(name="output_probability")
    given = helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 784])
    graph = helper.make_graph(nodes, "sklearn", [given], [labels, tables])
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 1)]
    content: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    return content


@pytest.mark.parametrize("opset", [12, 15])
def test_scikit_learn_by_way_of_skl2onnx(tmp_path: Path, opset: int) -> None:
    found, reached = brought_over(scikit(opset), tmp_path)
    assert found == Convention(Form(FLAT))
    assert reached > 0.75


def test_the_verbs_take_such_a_file_as_it_is(
    net: Any, tmp_path: Path, as_onnx: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIGITLAB_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "theirs.onnx"
    path.write_bytes(as_onnx(net, Convention(Form(FIRST), "−1…1", inverted=True, answers="logits")))
    told: list[str] = []
    ours = own_onnx(path, on_note=told.append)
    assert "−1…1, dark on light" in told[0]
    assert own_onnx(path, on_note=told.append) == ours
    assert len(told) == 1
    assert own_onnx(ours) == ours
    from PIL import Image

    Image.fromarray(TEST.images[0]).resize((84, 84)).save(tmp_path / "seven.png")
    assert run(["classify", str(tmp_path / "seven.png"), "--model", str(path)]) == 0
    assert run(["evaluate", str(path), "--out", str(tmp_path / "measured")]) == 0
    said = capsys.readouterr().out
    assert f"{100 * accuracy(net.logits(TEST.images)):.2f}" in said


def broken(net: Any, as_onnx: Callable[..., bytes]) -> dict[str, tuple[bytes, str]]:
    good = as_onnx(net, Convention(Form(FIRST)))

    def changed(change: Callable[[Any], object]) -> bytes:
        model = onnx.load_from_string(good)
        change(model.graph)
        content: bytes = model.SerializeToString()
        return content

    def classes(number: int) -> bytes:
        from dataclasses import replace

        return as_onnx(replace(net, second=np.tile(net.second, (1, 3))[:, :number]), Convention(Form(FIRST)))

    def two_inputs(graph: Any) -> None:
        graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["N", 10]))

    def large(graph: Any) -> None:
        graph.input[0].type.tensor_type.shape.dim[2].dim_value = 224
        graph.input[0].type.tensor_type.shape.dim[3].dim_value = 224

    def foreign_operator(graph: Any) -> None:
        graph.node[0].domain = "com.example"

    def many_outputs(graph: Any) -> None:
        for number in range(500):
            graph.output.add(name=f"output {number}")

    def half_a_shape(graph: Any) -> None:
        graph.node.add(op_type="Scaler", domain="ai.onnx.ml", input=["images"], output=[graph.output[0].name])

    random = np.random.default_rng(1).normal(0, 1, net.second.shape).astype(np.float32)

    def untrained(graph: Any) -> None:
        place = [each.name for each in graph.initializer].index("second")
        graph.initializer[place].CopyFrom(numpy_helper.from_array(random, "second"))

    return {
        "letters": (classes(26), r"answers 3 images with float32 \(3, 26\); expected a number for each of the ten"),
        "three classes": (classes(3), r"answers 3 images with float32 \(3, 3\)"),
        "two inputs": (changed(two_inputs), r"takes 2 inputs \(images, mask\); expected one image"),
        "large pictures": (changed(large), r"takes \(N, 1, 224, 224\); expected images of 28 × 28 pixels"),
        "empty": (b"", r"is empty \(0 bytes\)"),
        "cut off": (good[: len(good) // 2], "is not an ONNX model, or is damaged"),
        "of another kind": (b"\x89PNG\r\n\x1a\n" + bytes(100), "is a picture"),
        "an operator of its own": (changed(foreign_operator), "uses operators of"),
        "many outputs": (changed(many_outputs), "has 501 outputs; expected one, or at most 20"),
        "half a scaler": (changed(half_a_shape), "is not an ONNX model, or is damaged"),
        "untrained": (changed(untrained), r"answers MNIST's digits no better than .* in any of the 20 conventions"),
    }


NAMES = (
    "letters", "three classes", "two inputs", "large pictures", "empty", "cut off", "of another kind",
    "an operator of its own", "many outputs", "half a scaler", "untrained",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_brought_over_is_refused_on_one_line(
    net: Any, tmp_path: Path, as_onnx: Any, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    content, said = broken(net, as_onnx)[name]
    path = tmp_path / "theirs.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=said):
        import_model(path, tmp_path / "ours.onnx")
    assert run(["import", str(path), str(tmp_path / "ours.onnx")]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.endswith(" …")]  # what takes its time
    assert [line.startswith(f"digitlab: {path}: ") for line in lines] == [True]
    assert not (tmp_path / "ours.onnx").exists()


def test_weights_beside_the_file_are_not_looked_for(net: Any, tmp_path: Path, as_onnx: Any) -> None:
    model = onnx.load_from_string(as_onnx(net, Convention(Form(FIRST))))
    tensor = model.graph.initializer[0]
    (tmp_path / "beside.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="beside.bin")
    (tmp_path / "theirs.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="stores weights in another file"):
        import_model(tmp_path / "theirs.onnx", tmp_path / "ours.onnx")
