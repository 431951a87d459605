"""What the tests of the live room share: pages that need no camera, and a settings file of their own."""

import threading
import time

import numpy as np
import pytest

from digitlab.camera import Recorded
from digitlab.camera.synthetic import SyntheticPage


@pytest.fixture(autouse=True)
def own_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITLAB_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    until = time.monotonic() + 5.0
    while (left := set(threading.enumerate()) - before) and time.monotonic() < until:
        time.sleep(0.01)
    assert not {thread.name for thread in left}


@pytest.fixture(scope="session")
def reader():
    from digitlab.reading import Reader

    return Reader(threads=1)


@pytest.fixture(scope="session")
def page_of():
    """Frames of a synthetic page, as a list of arrays; the same text gives the same frames."""
    made = {}

    def make(text, count=12, size=(640, 480)):
        if (text, count, size) not in made:
            with SyntheticPage(text, size=size, frames=count, realtime=False) as page:
                made[text, count, size] = [frame.image for frame in iter(page.read, None)]
        return made[text, count, size]

    return make


@pytest.fixture
def camera():
    """A source of arrays at hand, as fast as they are read unless told."""

    def make(images, rate=30.0, *, realtime=False):
        return Recorded(images, rate=rate, realtime=realtime)

    return make


@pytest.fixture
def eventually():
    def wait(condition, timeout=10.0):
        until = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < until, "it did not happen in time"
            time.sleep(0.005)

    return wait


@pytest.fixture
def blank():
    return np.full((480, 640, 3), 230, np.uint8)


def tiny_network(path, card):
    """A linear network in ONNX: 28×28 bytes to ten probabilities, with a card or without; weights by chance."""
    onnx = pytest.importorskip("onnx")
    import json

    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).normal(0, 0.02, (784, 10)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["images"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["flat"]),
        helper.make_node("Mul", ["flat", "scale"], ["small"]),
        helper.make_node("MatMul", ["small", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["answers"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", 28, 28])],
        [helper.make_tensor_value_info("answers", TensorProto.FLOAT, ["N", 10])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array(1 / 255, np.float32), "scale"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if card is not None:
        helper.set_model_props(model, {"digitlab": json.dumps(card)})
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def sobel_model(tmp_path_factory):
    """A file of ours for Sobel images: it takes grey images, and would make the Sobel image itself."""
    card = {
        "name": "tiny",
        "architecture": "tiny",
        "preparation": "none",
        "form": "sobel",
        "classes": [str(digit) for digit in range(10)],
    }
    return tiny_network(tmp_path_factory.mktemp("models") / "sobel.onnx", card)


@pytest.fixture(scope="session")
def foreign_model(tmp_path_factory):
    """A file without a card."""
    return tiny_network(tmp_path_factory.mktemp("models") / "foreign.onnx", None)
