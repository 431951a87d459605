"""Hostile ONNX files: refused by the reading room's own look, before ONNX Runtime opens anything."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from digitlab.errors import ModelError
from digitlab.network.check import check_onnx
from digitlab.network.classifier import DEFAULT_MODEL, resolve_model
from digitlab.reading import Classifier
from endurance._onnx_attacks import elsewhere, endless_onnx, hostile_onnx, linear_onnx

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a stranger's relative names would be looked for."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("attack", list(hostile_onnx(Path("secret.bin"))))
def test_hostile_files_have_no_effect(attack: str, here: Path, secret: Any) -> None:
    outside, watch = secret
    (here / "link.bin").symlink_to(outside)
    (here / "secret.bin").hardlink_to(outside)
    content, reason = hostile_onnx(outside)[attack]
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
    onnxruntime.InferenceSession(linear_onnx(weights=[elsewhere("secret.bin")]), providers=["CPUExecutionProvider"])
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
    path.write_bytes(linear_onnx(nodes, [kernel, numpy_helper.from_array(np.array([-1, 1, 28, 28]), "p")]))


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
    path.write_bytes(linear_onnx(nodes, weights))


def test_the_first_run_ends_by_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from digitlab.network import bounds, classifier

    monkeypatch.setattr(classifier, "time_limit", lambda prefix: bounds.time_limit(prefix, 0.2))
    (tmp_path / "evil.onnx").write_bytes(endless_onnx(300))
    with pytest.raises(ModelError, match="the model takes more than 0 s for a few images"):
        Classifier(tmp_path / "evil.onnx", threads=1)


def test_the_limit_names_no_other_error() -> None:
    from digitlab.network.bounds import time_limit

    with pytest.raises(ModelError, match=r"^other$"), time_limit("file: ", 5):
        raise ModelError("other")
    with time_limit("file: ", 5) as options:
        assert not options.terminate


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
    content = bytearray(linear_onnx())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 300)) if data.draw(st.booleans()) else -data.draw(st.integers(1, 300))] = (
            data.draw(st.integers(0, 255))
        )
    with contextlib.suppress(ModelError):
        check_onnx(bytes(content[: data.draw(st.integers(0, len(content)))]))
