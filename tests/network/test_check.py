"""Hostile ONNX files: refused by the reading room's own look, before ONNX Runtime opens anything."""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from digitlab.errors import ModelError
from digitlab.network.check import check_onnx
from digitlab.network.classifier import DEFAULT_MODEL, resolve_model
from digitlab.reading import Classifier

if TYPE_CHECKING:
    from collections.abc import Callable

ENDS = (
    [helper.make_tensor_value_info("x", TensorProto.UINT8, ["N", 28, 28])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])],
)


def model(nodes: list[Any] | None = None, weights: list[Any] | None = None, **more: Any) -> bytes:
    """A linear classifier, with other nodes or weights where they are given."""
    usual = [
        helper.make_node("Cast", ["x"], ["c"], to=1),
        helper.make_node("Reshape", ["c", "s"], ["r"]),
        helper.make_node("MatMul", ["r", "w"], ["y"]),
    ]
    start = [numpy_helper.from_array(np.array([-1, 784]), "s")]
    weights = [numpy_helper.from_array(np.ones((784, 10), np.float32), "w")] if weights is None else weights
    graph = helper.make_graph(usual if nodes is None else nodes, "g", *ENDS, start + weights)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("custom", 1), helper.make_opsetid("com.microsoft", 1)]
    made: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8, **more).SerializeToString()
    return made


def elsewhere(place: str, **more: str) -> Any:
    tensor = TensorProto(name="w", dims=[784, 10], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": place, **more}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def hostile(outside: Path) -> dict[str, tuple[bytes, str]]:
    """Attack → file and reason."""
    other = "keeps weights in another file"
    in_attribute = helper.make_node("Constant", [], ["w"], value=elsewhere(str(outside)))
    branch = helper.make_graph([], "branch", [], [helper.make_tensor_value_info("b", 1, [1])])
    branch.initializer.append(elsewhere("../secret.bin"))
    half = TensorProto(name="w", dims=[784, 10], data_type=TensorProto.FLOAT)
    half.external_data.add(key="location", value="../secret.bin")
    absurd = TensorProto(name="w", dims=[1 << 40, 1 << 20], data_type=TensorProto.FLOAT, raw_data=b"1234")
    negative = TensorProto(name="w", dims=[-1, -7840], data_type=TensorProto.FLOAT, raw_data=bytes(31360))
    scattered = TensorProto(name="w", dims=[400_000], data_type=TensorProto.FLOAT)
    scattered = scattered.SerializeToString() + b"\x25\x00\x00\x80\x3f" * 400_000  # float_data, one by one
    function = helper.make_function("custom", "F", [], [], [], [helper.make_opsetid("", 17)])
    sparse = onnx.SparseTensorProto(values=elsewhere(str(outside)))
    with_sparse = onnx.load_from_string(model())
    with_sparse.graph.sparse_initializer.append(sparse)
    many = [helper.make_node("Identity", ["x"], [f"i{number}"]) for number in range(6000)]
    good = model()
    attacks: dict[str, tuple[bytes, str]] = {
        "beside": (model(weights=[elsewhere("secret.bin")]), other),
        "climbing (CVE-2022-25882)": (model(weights=[elsewhere("../outside/secret.bin")]), other),
        "climbing in disguise (CVE-2024-27318)": (model(weights=[elsewhere("a/../../outside/secret.bin")]), other),
        "absolute": (model(weights=[elsewhere(str(outside))]), other),
        "by symlink (CVE-2026-27489)": (model(weights=[elsewhere("link.bin")]), other),
        "from memory": (model(weights=[elsewhere("*/_ORT_MEM_ADDR_/*", offset="4096", length="31360")]), other),
        "other keys (CVE-2026-34445)": (model(weights=[elsewhere("x", __class__="y")]), other),
        "half external": (model(weights=[half]), other),
        "in an attribute": (model(nodes=[in_attribute]), other),
        "in a branch": (
            model(nodes=[helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)]),
            "'If'",
        ),
        "in a branch of an allowed operator": (
            model(nodes=[helper.make_node("Relu", ["x"], ["y"], body=branch)]),
            "holds subgraphs inside",
        ),
        "sparse": (with_sparse.SerializeToString(), "sparse weights"),
        "loop": (model(nodes=[helper.make_node("Loop", ["x"], ["y"], body=branch)]), "'Loop'"),
        "large out of small": (model(nodes=[helper.make_node("ConstantOfShape", ["s"], ["y"])]), "'ConstantOfShape'"),
        "operator of its own": (model(nodes=[helper.make_node("Relu", ["x"], ["y"], domain="custom")]), "'custom'"),
        "operator of the runtime": (
            model(nodes=[helper.make_node("Relu", ["x"], ["y"], domain="com.microsoft")]),
            "'com.microsoft'",
        ),
        "functions": (model(functions=[function]), "functions or training"),
        "absurd shape": (model(weights=[absurd]), "has a tensor of"),
        "negative shape": (model(weights=[negative]), "has a tensor of"),
        "scattered numbers": (good + b"\x3a" + _sized(b"\x2a" + _sized(scattered)), "more than 300,000 fields"),
        "many operators": (model(nodes=many), "more than 5,000 operators"),
        "second graph": (
            good + b"\x3a" + _sized(onnx.load_from_string(model(weights=[elsewhere("x")])).graph.SerializeToString()),
            other,
        ),
        "odd encoding": (model(weights=[elsewhere("x")]).replace(b"\x70\x01", b"\xf0\x00\x01"), "."),
        "cut off": (good[: len(good) // 2], "damaged"),
        "pickle": (pickle.dumps({"weights": [1.0] * 100}), "ONNX"),
        "text": (b"weights" * 100, "ONNX"),
        "group": (b"\x3b" * 1000, "ONNX"),
        "endless number": (b"\xff" * 1000, "ONNX"),
        "no graph": (b"\x08\x08", "has no graph"),
    }
    return attacks


def _sized(data: bytes) -> bytes:
    length, size = len(data), b""
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return size + bytes([length]) + data


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a stranger's relative names would be looked for."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("attack", list(hostile(Path("secret.bin"))))
def test_hostile_files_have_no_effect(attack: str, here: Path, secret: Any) -> None:
    outside, watch = secret
    (here / "link.bin").symlink_to(outside)
    (here / "secret.bin").hardlink_to(outside)
    content, reason = hostile(outside)[attack]
    path = here / "evil.onnx"
    path.write_bytes(content)
    start = time.monotonic()
    with pytest.raises(ModelError, match=reason) as caught:
        Classifier(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).isprintable()
    assert time.monotonic() - start < 5
    assert not watch.touched()


def test_without_our_look_the_runtime_reads_beside_the_current_folder(here: Path, secret: Any) -> None:
    """Why the look is there; and that the watch sees what a library in C opens."""
    import onnxruntime

    outside, watch = secret
    (here / "secret.bin").hardlink_to(outside)
    onnxruntime.InferenceSession(model(weights=[elsewhere("secret.bin")]), providers=["CPUExecutionProvider"])
    assert watch.touched()


def wide(path: Path) -> None:
    """1.6 MB of weights that make 2.5 GB of an image's 28×28 pixels, two images 5 GB."""
    nodes = [
        helper.make_node("Cast", ["x"], ["c"], to=1),
        helper.make_node("Reshape", ["c", "p"], ["r"]),
        helper.make_node("Conv", ["r", "w"], ["k"]),
        helper.make_node("GlobalAveragePool", ["k"], ["y"]),
    ]
    kernel = numpy_helper.from_array(np.ones((800_000, 1, 1, 1), np.float32), "w")
    path.write_bytes(model(nodes, [kernel, numpy_helper.from_array(np.array([-1, 1, 28, 28]), "p")]))


def folded(path: Path) -> None:
    """Two small constants whose product has 40 GB, which a runtime may work out while it loads."""
    weights = [
        numpy_helper.from_array(np.ones(shape, np.float32), name)
        for name, shape in (("a", (100_000, 1)), ("b", (1, 100_000)))
    ]
    nodes = [
        helper.make_node("MatMul", ["a", "b"], ["m"]),
        helper.make_node("ReduceMax", ["m"], ["h"], keepdims=0),
        helper.make_node("Cast", ["x"], ["c"], to=1),
        helper.make_node("Add", ["c", "h"], ["y"]),
    ]  # fmt: skip
    path.write_bytes(model(nodes, weights))


_OPEN = """
import sys
from digitlab.errors import ModelError
from digitlab.reading import Classifier
try:
    Classifier(sys.argv[1])
except ModelError as error:
    print(error)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize("make", [wide, folded])
def test_memory_is_bounded_whatever_a_file_computes(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "evil.onnx"
    make(path)
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", _OPEN, path], capture_output=True, text=True)
    reason, kibibytes = done.stdout.splitlines()
    assert reason.startswith(f"{path}: the model cannot run")
    assert int(kibibytes) < 1_000_000
    assert time.monotonic() - start < 20


def test_the_shipped_model_passes_and_answers_as_without_bounds() -> None:
    import onnxruntime

    path = resolve_model(DEFAULT_MODEL)
    images = np.random.default_rng(0).integers(0, 256, (50, 28, 28), np.uint8)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    expected = session.run(None, {session.get_inputs()[0].name: images})[0]
    np.testing.assert_allclose(Classifier(path).probabilities(images), expected, atol=1e-6)


@given(st.data())
@settings(deadline=None)
def test_damage_never_ends_in_anything_but_a_refusal(data: st.DataObject) -> None:
    content = bytearray(model())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 300)) if data.draw(st.booleans()) else -data.draw(st.integers(1, 300))] = (
            data.draw(st.integers(0, 255))
        )
    with contextlib.suppress(ModelError):
        check_onnx(bytes(content[: data.draw(st.integers(0, len(content)))]))
