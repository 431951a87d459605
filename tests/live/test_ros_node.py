"""The native node against a real roscore, a camera and a listener in processes of their own; and what needs no ROS."""

import json
import os
import sys
import types
from typing import Any

import numpy as np
import pytest

import ros_exchange
from digitlab.apps.cli import run
from digitlab.apps.cli.ros_node import _parameters, _run, node_source
from digitlab.camera import NewestFrame
from digitlab.camera.ros_native import Ros2, ros_client
from digitlab.camera.ros_topic import RosTopic
from digitlab.errors import SourceError, UsageError
from digitlab.live import LiveReading
from digitlab.live.configuration import read_configuration
from digitlab.live.ros_node import NodeOutlet
from digitlab.values import ReadDigit, Reading


@pytest.mark.slow
def test_a_real_roscore_a_camera_a_node_and_a_listener(tmp_path, capsys):
    if (missing := ros_exchange.missing()) is not None:
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    ros = ros_exchange.exchange(tmp_path, lambda _: None)
    with capsys.disabled():  # the transcript is kept in the log of the tests
        sys.stdout.write("\n" + "\n".join(ros.transcript) + "\n")
    said = "\n".join(ros.transcript)
    assert "registered with a ROS master that was restarted" in said
    assert said.count("asked to end by SIGTERM: exit code 0") == 2
    assert "node: node /dl_digitclassifier (ROS 1) publishes /digits/" in said
    assert "Traceback" not in said


class Fields(types.SimpleNamespace):
    """A message of no ROS."""


class Client:
    """A node that is none: what is subscribed, and what is published."""

    version = 1
    name = "/digits"

    def __init__(self, *, vision=True):
        self.callbacks, self.published, self.vision = {}, [], vision
        self.known = True
        self.over = False

    def parameter(self, _name, default):
        return default

    def subscribe(self, topic, kind, callback):
        self.callbacks[topic] = (kind, callback)
        return lambda: self.callbacks.pop(topic, None)

    def publisher(self, topic, kind, **_):
        if kind.startswith("vision_msgs") and not self.vision:
            raise SourceError("no such message")
        return lambda fields: self.published.append((topic, fields))

    def message(self, kind):
        if kind.endswith("Array"):
            return Fields(header=None, detections=[])
        if kind.endswith("Detection2D"):
            return Fields(header=None, results=[], bbox=Fields(center=Fields(x=0.0, y=0.0), size_x=0.0, size_y=0.0))
        return Fields(id=0, score=0.0)

    def registered(self, _topic):
        return self.known

    def renew(self):
        self.known = True

    def is_over(self):
        return self.over

    def close(self):
        pass


def picture(step=0, value=90):
    return Fields(width=4, height=2, encoding="mono8", step=4 + step, is_bigendian=0,
                  data=bytes([value] * 4 + [0] * step) * 2, header="stamp 7")  # fmt: skip


def test_pictures_come_from_a_topic_and_the_newest_counts():
    client = Client()
    with NewestFrame(RosTopic(client, "/cam/image_raw")) as frames:
        while "/cam/image_raw" not in client.callbacks:
            pass
        kind, callback = client.callbacks["/cam/image_raw"]
        assert kind == "sensor_msgs/Image"
        assert client.callbacks["/cam/camera_info"][0] == "sensor_msgs/CameraInfo"
        callback(picture(step=3))  # rows may be padded
        frame = frames.get(timeout=5)
        assert frame.image.shape == (2, 4, 3)
        assert set(frame.image.ravel()) == {90}
    assert client.callbacks == {}


def test_a_lens_that_is_said_to_bend_is_straightened():
    client = Client()
    source = RosTopic(client, "/cam/image_raw")
    source.open()
    rng = np.random.default_rng(0)
    data = rng.integers(0, 255, (120, 160), dtype=np.uint8)
    image = Fields(width=160, height=120, encoding="mono8", step=160, is_bigendian=0, data=data.tobytes())
    lens = Fields(width=160, height=120, K=[100, 0, 80, 0, 100, 60, 0, 0, 1], D=[0.3, 0, 0, 0, 0])
    taken = []
    for info in (None, lens, Fields(width=160, height=120, K=[0] * 9, D=[])):
        if info is not None:
            client.callbacks["/cam/camera_info"][1](info)
        client.callbacks["/cam/image_raw"][1](image)
        taken.append(source.read().image)
    source.close()
    assert (taken[0] == taken[2]).all()
    assert (taken[0] != taken[1]).mean() > 0.2


def test_a_lens_of_a_model_that_is_not_supported_is_left_as_it_is(caplog):
    client = Client()
    source = RosTopic(client, "/cam/image_raw")
    source.open()
    data = np.random.default_rng(0).integers(0, 255, (120, 160), dtype=np.uint8)
    image = Fields(width=160, height=120, encoding="mono8", step=160, is_bigendian=0, data=data.tobytes())
    lens = {"width": 160, "height": 120, "K": [100, 0, 80, 0, 100, 60, 0, 0, 1], "D": [0.3, 0.1, 0.1, 0.1]}
    for model, bent in (("equidistant", False), ("plumb_bob", True), ("equidistant", False)):
        client.callbacks["/cam/camera_info"][1](Fields(**lens, distortion_model=model))
        client.callbacks["/cam/image_raw"][1](image)
        assert ((source.read().image[..., 0] != data).mean() > 0.2) == bent
    source.close()
    assert caplog.text.count("'equidistant' is not supported") == 1


def test_what_each_frame_shows_is_a_detection_array():
    client, said = Client(), []
    source = RosTopic(client, "/cam")
    outlet = NodeOutlet(client, said.append, topic="/digits", source=source)
    digit = ReadDigit(4, 0.9, (10, 20, 30, 60), 0)
    source.open()
    client.callbacks["/cam"][1](picture())
    frame = source.read()
    client.callbacks["/cam"][1](Fields(**{**vars(picture()), "header": "stamp 8"}))
    source.read()  # the next picture arrives while the first one is being read
    outlet.tell(LiveReading(0, frame.captured, 0.0, 1.0, Reading((digit,), 1.0), "4", changed=True))
    outlet.close()
    source.close()
    array = next(fields for topic, fields in client.published if topic == "/digits/detections")
    found = array.detections[0]
    assert array.header == found.header == "stamp 7"
    assert (found.bbox.center.x, found.bbox.center.y, found.bbox.size_x, found.bbox.size_y) == (20, 40, 20, 40)
    assert (found.results[0].id, found.results[0].score) == (4, 0.9)
    texts = [json.loads(fields["data"]) for topic, fields in client.published if topic == "/digits/reading"]
    assert texts[0]["digit"] == 4
    assert texts[0]["age"] >= 0


def test_without_vision_msgs_the_rest_is_published():
    client, said = Client(vision=False), []
    outlet = NodeOutlet(client, said.append, topic="/digits")
    outlet.tell(LiveReading(0, 0.0, 0.0, 1.0, Reading((), 1.0), "4", changed=True))
    outlet.close()
    assert {topic for topic, _ in client.published} == {"/digits/reading", "/digits/digit"}
    assert "vision_msgs is not installed" in said[0]


def test_the_program_of_2018_with_server_2_is_a_node_of_its_topic(tmp_path):
    path = tmp_path / "digitclassifier.yml"
    path.write_text(
        "DigitClassifier:\n  Camera:\n    Server: 2\n    Proxy: 'cameraA:tcp -h localhost -p 9999'\n    Format: RGB8\n"
        "    Topic: '/usb_cam/image_raw'\n    Name: cameraA\n  NodeName: dl-digitclassifier\n"
    )
    old = read_configuration(path)
    source: Any = node_source(Client(), None, old)
    assert (source.topic, source.compressed, source.info) == ("/usb_cam/image_raw", False, "/usb_cam/camera_info")
    other: Any = node_source(Client(), "/other/compressed", old)
    assert other.topic == "/other/compressed"
    assert old.node_name == "dl-digitclassifier"


def test_the_program_of_2017_is_a_node_whose_camera_speaks_ice(tmp_path):
    path = tmp_path / "digitclassifier.cfg"
    path.write_text("Digitclassifier.Camera.Proxy=cameraA:default -h localhost -p 9999\n")
    assert node_source(Client(), None, read_configuration(path)) == "ice:cameraA:default -h localhost -p 9999"
    usual: Any = node_source(Client(), None, None)
    assert usual.topic == "/camera/image_raw"


class Parameters(Client):
    """A node with parameters."""

    def __init__(self, **given):
        super().__init__()
        self.given = given

    def parameter(self, name, default):
        return self.given.get(name, default)


def test_the_model_of_an_old_configuration_is_used_unless_another_is_given(tmp_path, foreign_model, capsys):
    path = tmp_path / "digitclassifier.yml"
    settings = (
        "DigitClassifier:\n  Camera:\n    Server: 2\n    Topic: '/usb_cam/image_raw'\n"
        "  Framework: Keras\n  Model: '{}'\n  NodeName: dl-digitclassifier\n"
    )
    path.write_text(settings.format(foreign_model))
    assert _parameters(Parameters(), read_configuration(path))["reader"].classifier.path == foreign_model
    other = _parameters(Parameters(model="reader"), read_configuration(path))["reader"].classifier.path
    assert other.name == "reader.onnx"
    (tmp_path / "net.h5").write_bytes(b"of an old Keras")
    path.write_text(settings.format("net.h5"))
    usual = _parameters(Parameters(), read_configuration(path))["reader"].classifier.path
    assert usual.name == "reader.onnx"
    assert "net.h5 cannot be used as it is" in capsys.readouterr().err


def test_a_model_of_any_framework_is_taken_as_by_live(monkeypatch, foreign_model):
    monkeypatch.setattr("digitlab.apps.cli.reading.as_onnx", lambda model: foreign_model if model == "x.h5" else model)
    assert _parameters(Parameters(model="x.h5"), None)["reader"].classifier.path == foreign_model


def test_a_region_and_the_mode_that_has_none_are_refused():
    with pytest.raises(UsageError, match="~region is for the modes region and thesis"):
        _parameters(Parameters(mode="page", region="1,2,30,40"), None)
    assert _parameters(Parameters(region="1,2,30,40"), None)["mode"] == "region"


def test_a_node_whose_camera_fails_leaves_no_thread_that_asks_the_master(monkeypatch):
    def fails(*_):
        raise SourceError("the cable came out")

    monkeypatch.setattr("digitlab.apps.cli.ros_node._watch", fails)
    with pytest.raises(SourceError, match="the cable"):
        _run(Client(), None, None)


@pytest.mark.parametrize(("given", "compressed"), [("false", False), ("true", True), (False, False), (None, False)])
def test_whether_pictures_are_compressed_may_be_said_as_a_text(given, compressed):
    """ROS 1 parses parameters of the command line, ROS 2 has their text."""
    source: Any = node_source(Parameters(compressed=given), "/cam/image_raw", None)
    assert source.compressed is compressed
    with pytest.raises(UsageError, match="~compressed is 'perhaps'; expected true or false"):
        node_source(Parameters(compressed="perhaps"), "/cam/image_raw", None)


@pytest.fixture
def no_ros(monkeypatch):
    for name in ("rospy", "rclpy"):
        monkeypatch.setitem(sys.modules, name, None)


def test_without_ros_it_is_said_what_to_do(no_ros, capsys):
    with pytest.raises(UsageError, match="no ROS is sourced here"):
        ros_client("digits")
    assert run(["ros-node", "--image", "/camera"]) == 2
    assert "rosbridge" in capsys.readouterr().err


def test_a_word_that_is_no_remapping_is_refused(capsys):
    assert run(["ros-node", "/camera/image_raw"]) == 2
    assert "expected FROM:=TO" in capsys.readouterr().err


def test_ros_2_is_asked_by_its_own_names(monkeypatch):  # noqa: C901 - a stand-in of its classes
    """No ROS 2 is packaged here: that its calls are made as rclpy documents them is checked with a stand-in."""
    calls: list[tuple[object, ...]] = []

    class Node:
        def get_fully_qualified_name(self):
            return "/digits"

        def has_parameter(self, name):
            return name == "mode"

        def get_parameter(self, _name):
            return Fields(value="region")

        def create_subscription(self, kind, topic, _callback, qos):
            calls.append(("subscribe", topic, kind.__name__, qos))
            return "subscription"

        def destroy_subscription(self, subscription):
            calls.append(("end", subscription))

        def create_publisher(self, kind, topic, qos):
            calls.append(("advertise", topic, kind.__name__, qos))
            return Fields(publish=lambda message: calls.append(("publish", message.data)))

        def destroy_node(self):
            calls.append(("destroy",))

    class Executor:
        def add_node(self, node):
            pass

        def spin_once(self, timeout_sec):
            pass

    rclpy: Any = types.ModuleType("rclpy")
    rclpy.ok, rclpy.init, rclpy.shutdown = (lambda: True), (lambda **_: None), (lambda: None)
    rclpy.create_node = lambda _name, **_: Node()
    modules: dict[str, Any] = {
        "rclpy": rclpy,
        "rclpy.executors": types.ModuleType("e"),
        "rclpy.qos": types.ModuleType("q"),
    }
    modules["rclpy.executors"].SingleThreadedExecutor = Executor
    modules["rclpy.qos"].qos_profile_sensor_data = "sensor"
    modules["rclpy.qos"].DurabilityPolicy = Fields(TRANSIENT_LOCAL="latched", VOLATILE="volatile")
    modules["rclpy.qos"].QoSProfile = lambda depth, durability: (depth, durability)
    string = type("String", (), {"data": ""})
    modules["std_msgs"], modules["std_msgs.msg"] = types.ModuleType("std_msgs"), types.ModuleType("std_msgs.msg")
    modules["std_msgs.msg"].String = string
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    client = Ros2("digits", {"hidden": "3"})
    assert client.parameter("hidden", None) == "3"
    assert (client.parameter("mode", None), client.parameter("region", "none")) == ("region", "none")
    end = client.subscribe("/cam", "std_msgs/String", print)
    client.publisher("/digits/reading", "std_msgs/String", latched=True)({"data": "7"})
    end()
    client.close()

    def shut_down(**_):
        raise RuntimeError("ExternalShutdownException")

    client._executor, client._closing = Fields(spin_once=shut_down), False
    states = iter((True, False))
    rclpy.ok = lambda: next(states)
    client._spin()  # Ctrl-C, which rclpy handles itself, is no fault
    assert calls == [
        ("subscribe", "/cam", "String", "sensor"), ("advertise", "/digits/reading", "String", (1, "latched")),
        ("publish", "7"), ("end", "subscription"), ("destroy",),
    ]  # fmt: skip
