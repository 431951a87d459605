"""Model files: ours work, others are refused in one line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import zipfile
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.testing import assert_allclose

from digitlab.errors import ModelError, ShapeError
from digitlab.reading import Classifier, resolve_model, shipped_models
from digitlab.values import ModelCard

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from digitlab.values import Digits

onnx = pytest.importorskip("onnx", reason="the extra 'train' is not installed")

CARD = ModelCard("small", "linear", "x/255", training={"epochs": 0}, versions={"digitlab": "0"})


def save_linear(
    path: Path,
    *,
    shape: tuple[Any, ...] = ("N", 28, 28),
    type_: int | None = None,
    classes: int = 10,
    card: str | None = None,
    external: bool = False,
    scale: float = 1.0,
    last: str = "Softmax",
) -> Path:
    """An ONNX network of one layer: flatten, cast, multiply, softmax or another ``last``."""
    helper, types = onnx.helper, onnx.TensorProto
    weights = np.random.default_rng(0).normal(0, 0.01 * scale, (int(np.prod(shape[1:])), classes)).astype(np.float32)
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("Cast", ["flat"], ["floats"], to=types.FLOAT),
        helper.make_node("MatMul", ["floats", "weights"], ["logits"]),
        helper.make_node(last, ["logits"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("x", type_ or types.UINT8, shape)],
        [helper.make_tensor_value_info("y", types.FLOAT, ["N", classes])],
        [onnx.numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if card is not None:
        helper.set_model_props(model, {"digitlab": card})
    onnx.save(model, path, save_as_external_data=external, location="beside.bin", size_threshold=0)
    return path


def test_probabilities_of_any_number_of_images(few_digits: Digits) -> None:
    classifier = Classifier(resolve_model(None), threads=1)
    whole = classifier.probabilities(few_digits.images)
    assert whole.shape == (20, 10)
    assert whole.dtype == np.float32
    assert_allclose(whole.sum(axis=1), 1.0, atol=1e-5)
    assert classifier.probabilities(few_digits.images[:0]).shape == (0, 10)
    many = classifier.probabilities(np.repeat(few_digits.images, 101, axis=0))  # 2020: three batches
    assert_allclose(many[::101], whole, atol=1e-5)
    strided = np.repeat(few_digits.images, 2, axis=2)[:, :, ::2]
    assert_allclose(classifier.probabilities(strided), whole, atol=1e-6)


@pytest.mark.parametrize(
    "images", [np.zeros((1, 28, 28), np.float32), np.zeros((28, 28), np.uint8), np.zeros((1, 8, 8), np.uint8)]
)
def test_other_images_are_refused(images: np.ndarray) -> None:
    with pytest.raises(ShapeError, match=r"expected uint8 \(N, 28, 28\)"):
        Classifier(resolve_model(None), threads=1).probabilities(images)


def test_logits_are_noticed_and_their_softmax_taken(tmp_path: Path, few_digits: Digits) -> None:
    plain = Classifier(save_linear(tmp_path / "softmax.onnx")).probabilities(few_digits.images)
    for last in ("Identity", "LogSoftmax"):
        with pytest.warns(UserWarning, match=r"outputs logits, not probabilities; a softmax is applied"):
            other = Classifier(save_linear(tmp_path / "logits.onnx", last=last))
        np.testing.assert_allclose(other.probabilities(few_digits.images), plain, atol=1e-6)


def test_of_ten_sigmoids_the_shares_are_taken(tmp_path: Path, few_digits: Digits) -> None:
    with pytest.warns(UserWarning, match=r"each is divided by their sum"):
        found = Classifier(save_linear(tmp_path / "a.onnx", last="Sigmoid")).probabilities(few_digits.images)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_the_card_comes_back(tmp_path: Path) -> None:
    assert Classifier(save_linear(tmp_path / "a.onnx", card=json.dumps(asdict(CARD)))).card == CARD


def test_a_model_without_card_works_and_one_of_the_future_too(tmp_path: Path) -> None:
    assert Classifier(save_linear(tmp_path / "a.onnx")).card is None
    future = json.dumps(asdict(CARD) | {"licence": "new"})
    assert Classifier(save_linear(tmp_path / "b.onnx", card=future)).card == CARD


@pytest.mark.parametrize("card", ["{", "[]", "{}", '{"classes": 3}', "[" * 100_000])
def test_a_damaged_card_is_refused(tmp_path: Path, card: str) -> None:
    with pytest.raises(ModelError, match="card cannot be read"):
        Classifier(save_linear(tmp_path / "a.onnx", card=card))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shape": ("N", 28, 28, 1)}, "takes tensor.uint8. .*28, 28, 1.*; expected one"),
        ({"shape": ("N", 32, 32)}, "expected one tensor"),
        ({"shape": (1, 28, 28)}, "expected one tensor"),
        ({"type_": 1}, "takes tensor.float."),
        ({"classes": 7}, r"float32 \(2, 7\)"),
        ({"scale": np.nan}, "finite"),
        ({"external": True}, "in another file"),
    ],
)
def test_networks_for_something_else_are_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    path = save_linear(tmp_path / "a.onnx", **changes)
    with pytest.raises(ModelError, match=said) as caught:
        Classifier(path)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_models_are_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = resolve_model(None).read_bytes()
    with zipfile.ZipFile(tmp_path / "keras.onnx", "w") as archive:
        archive.writestr("config.json", "{}")
    for name, content in {
        "text": b"no model\n" * 50,
        "empty": b"",
        "zeros": bytes(500),
        "cut": whole[: len(whole) // 2],
        "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(100),
    }.items():
        (tmp_path / f"{name}.onnx").write_bytes(content)
    for path in (*sorted(tmp_path.iterdir()), tmp_path, tmp_path / "missing.onnx", tmp_path / "a\0b"):
        with pytest.raises(ModelError) as caught:
            Classifier(path)
        assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_large_files_are_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.onnx").open("wb") as file:
        file.truncate(200_000_001)  # sparse
    with pytest.raises(ModelError, match="200,000,001 bytes"):
        Classifier(tmp_path / "a.onnx")


def test_models_are_found_by_name_run_and_file(tmp_path: Path) -> None:
    default = resolve_model(None)
    assert "reader" in shipped_models()
    assert "page" not in shipped_models(), "the page reader's network is no classifier"
    assert resolve_model("reader") == default
    assert resolve_model(default) == default
    assert resolve_model(str(default)) == default
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(default, run / "model.onnx")
    assert resolve_model(run) == run / "model.onnx"


def test_unknown_models_are_refused_with_what_is_possible(tmp_path: Path) -> None:
    for name in ("raeder", "missing.onnx", "a\0b", "x" * 5000, ""):
        with pytest.raises(ModelError, match=r"shipped name \(.*reader.*\), a run folder, or a file"):
            resolve_model(tmp_path / "none" / name if name == "" else name)
    (tmp_path / "notes").write_text("x")
    with pytest.raises(ModelError, match=r"notes: is not a known kind of model file; expected a shipped name"):
        resolve_model(tmp_path / "notes")
    for name in ("old.h5", "model.keras"):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(ModelError, match=rf"{name}: not (an HDF5|a \.keras) file"):
            resolve_model(tmp_path / name)


def test_runs_without_a_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"^{tmp_path}: not a run folder; expected model\.onnx"):
        resolve_model(tmp_path)
    (tmp_path / "config.toml").write_text("")
    with pytest.raises(ModelError, match=r"has no model\.onnx: its training did not finish; continue it with"):
        resolve_model(tmp_path)
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(ModelError, match=r"has no model\.onnx: the classifier of this run could not be written"):
        resolve_model(tmp_path)


def test_threads_may_share_one(few_digits: Digits) -> None:
    classifier = Classifier(resolve_model(None), threads=1)
    expected = classifier.probabilities(few_digits.images)
    answers: list[np.ndarray] = []

    def ask() -> None:
        answers.extend(classifier.probabilities(few_digits.images) for _ in range(10))

    workers = [threading.Thread(target=ask) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(answers) == 40
    for answer in answers:
        assert_allclose(answer, expected, atol=1e-6)


def test_reading_stays_light() -> None:
    heavy = "keras tensorflow jax sklearn matplotlib scipy h5py onnx"
    program = f"import sys, digitlab.reading; print([name for name in '{heavy}'.split() if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
