"""The configurations of 2017 and 2018."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitlab.errors import RecipeError
from digitlab.live.configuration import read_configuration

OF_2018 = """\
DigitClassifier:
  Camera:
    Server: 1  # 0 -> Deactivate, 1 -> Ice, 2 -> ROS
    Proxy: "cameraA:tcp -h localhost -p 9999"
    Format: RGB8
    Topic: "/usb_cam/image_raw"
    Name: cameraA

  Framework: "Keras"
  Model: "Network/net.h5"

  NodeName: dl-digitclassifier
"""


@pytest.fixture
def read(tmp_path):
    def read(text, name="digitclassifier.yml"):
        path = tmp_path / name
        path.write_text(text)
        return read_configuration(path)

    return read


def test_that_of_2017(read):
    found = read("Digitclassifier.Camera.Proxy=cameraA:default -h localhost -p 9999\n", "digitclassifier.cfg")
    assert found.source == "ice:cameraA:default -h localhost -p 9999"
    assert found.server == "ice"
    assert found.model is None
    assert found.warnings == ()


def test_unknown_keys_of_2017_are_named(read):
    found = read("Digitclassifier.Camera.Proxy=a:tcp -p 1\nDigitclassifier.Net=x\nIce.Plugin.X=evil\n", "d.cfg")
    assert found.warnings == ("Digitclassifier.Net: unknown, not used", "Ice.Plugin.X: unknown, not used")


def test_that_of_2018(read, tmp_path):
    (tmp_path / "Network").mkdir()
    (tmp_path / "Network" / "net.h5").touch()
    found = read(OF_2018)
    assert found.source == "ice:cameraA:tcp -h localhost -p 9999"
    assert (found.topic, found.camera_name, found.node_name) == ("/usb_cam/image_raw", "cameraA", "dl-digitclassifier")
    assert found.model == str(tmp_path / "Network" / "net.h5")
    obsolete, advice = found.warnings
    assert obsolete == "DigitClassifier.Framework: not used; a model file itself records what it is"
    assert "digitlab import net.h5 net.keras --form sobel" in advice


def test_a_model_that_is_not_there_does_not_keep_it_from_starting(read):
    found = read(OF_2018)
    assert found.model is None
    assert found.warnings[-1] == "Model: Network/net.h5: there is no such file; the shipped reader is used"


@pytest.mark.parametrize("name", ["n" * 300, "m/" * 3000])
def test_a_name_that_no_file_can_have_is_that_of_a_missing_one(read, name):
    found = read(OF_2018.replace("Network/net.h5", name))
    assert found.model is None
    assert found.warnings[-1].endswith("there is no such file; the shipped reader is used")


def test_a_model_of_tensorflow(read, tmp_path):
    (tmp_path / "mnist-model").mkdir()
    found = read(OF_2018.replace("Network/net.h5", "mnist-model/"))
    assert found.model is None
    assert "a folder of TensorFlow cannot be read" in found.warnings[-1]


def test_a_model_of_ours_is_just_used(read, tmp_path):
    (tmp_path / "mine.onnx").touch()
    found = read(OF_2018.replace("Network/net.h5", "mine.onnx").replace('  Framework: "Keras"\n', ""))
    assert found.model == str(tmp_path / "mine.onnx")
    assert found.warnings == ()


@pytest.mark.parametrize(("server", "source"), [("0", None), ("2", "ros:/usb_cam/image_raw")])
def test_the_other_servers(read, server, source):
    assert read(OF_2018.replace("Server: 1", f"Server: {server}")).source == source


def test_an_earlier_one_of_2018(read):
    found = read(
        "DigitClassifier:\n  Camera:\n    Server: 1\n    Proxy: a:tcp -p 1\n    Fps: 30\n    Format: GRAY8\n"
        "    Colour: red\nNodeName: old\n"
    )
    assert found.node_name == "old"
    assert found.warnings == (
        "Format is 'GRAY8'; the camera is asked for a format that can be read, RGB8 first",
        "DigitClassifier.Camera.Fps: not used; a camera is read at its own rate",
        "DigitClassifier.Camera.Colour: unknown, not used",
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Server: 1", "Server: Ice", r"DigitClassifier\.Camera\.Server is 'Ice'; expected a whole number from 0 to 2"),
        ("Server: 1", "Server: 3", r"Camera\.Server is 3"),
        ("Server: 1", "Server: true", r"Camera\.Server is True"),
        ("Server: 1", "Server: 0x" + "f" * 5000, r"Camera\.Server is a huge number"),
        ("Server: 1", "Server: [1, 2]", r"Camera\.Server is a list"),
        ("Server: 1", "Server: 2018-13-45", r"not YAML \(ValueError\)|Camera\.Server is '2018-13-45'"),
        ('Topic: "/usb_cam/image_raw"', "Topic: 7", r"Camera\.Topic is 7; expected a text"),
        (
            'Proxy: "cameraA:tcp -h localhost -p 9999"',
            "Proxy:",
            r"Camera\.Proxy is missing; Server is 1, which needs it",
        ),
        ("  Camera:\n", "  Camera: off\n  Was:\n", r"DigitClassifier\.Camera is False; expected keys and values"),
        ("DigitClassifier:", "Other:", r"DigitClassifier is nothing; expected keys and values"),
        ("Name: cameraA", "Name: cameraA: b", r"not YAML at line 7"),
        ("Name: cameraA", "Name: !!python/object/apply:os.system [id]", r"not YAML at line 7"),
        ("Name: cameraA", "Name: " + "[" * 20_000, r"nested too deeply"),
        ("Name: cameraA", "1: 2", r"DigitClassifier\.Camera is keys and values; expected keys and values"),
    ],
)
def test_a_value_of_the_wrong_kind(read, old, new, message):
    with pytest.raises(RecipeError, match=message) as caught:
        read(OF_2018.replace(old, new))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_small_file_that_stands_for_a_huge_one_is_refused_at_once(read):
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 30)]
    begun = time.monotonic()
    with pytest.raises(RecipeError, match="has aliases"):
        read("\n".join(lines))
    assert time.monotonic() - begun < 2.0


def test_open_brackets_are_counted_before_anything_is_parsed(read):
    begun = time.process_time()
    with pytest.raises(RecipeError, match="nested too deeply"):
        read("DigitClassifier:\n  " + "{" * 1200)
    assert time.process_time() - begun < 0.2  # PyYAML's time for these grows with their square


def test_the_wrong_program_s_configuration(read):
    with pytest.raises(RecipeError, match=r"start it with `digitlab camera-server --config cameraserver\.cfg`"):
        read("CameraSrv.NCameras=1\n", "cameraserver.cfg")


@pytest.mark.parametrize("text", ["", "# nothing\n", "just words", "- a\n- b\n", "Other.Key=1\n"])
def test_what_is_neither(read, text):
    with pytest.raises(RecipeError, match="expected"):
        read(text)


@given(text=st.text(max_size=100))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yml"
    path.write_text(text, errors="replace")
    with contextlib.suppress(RecipeError):
        read_configuration(path)
