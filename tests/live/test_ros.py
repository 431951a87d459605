import base64
import contextlib
import json
import threading
import time

import cv2
import numpy as np
import pytest

from digitlab.camera import NewestFrame, SourceState
from digitlab.camera.ros import RosCamera, picture_of
from digitlab.errors import SourceError, UsageError
from digitlab.live import LiveEngine, LiveReading
from digitlab.live.ros import RosOutlet
from digitlab.values import Reading

sync = pytest.importorskip("websockets.sync.server")


class Bridge:
    """The part of rosbridge's protocol that a publisher and a subscriber need, over a real WebSocket.

    port: 0 until started, then kept, so that it may be started anew
    """

    def __init__(self):
        self.port = 0
        self.received = []
        self.clients = set()
        self.topics = {}
        self.refuse = None
        self._server = self._thread = None

    def start(self):
        self._server = sync.serve(self._serve, "127.0.0.1", self.port, max_size=64 << 20)
        self.port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    @property
    def address(self):
        return f"ws://127.0.0.1:{self.port}"

    def _serve(self, connection):
        self.clients.add(connection)
        with contextlib.suppress(Exception):
            for text in connection:
                message = json.loads(text)
                self.received.append(message)
                if message["op"] == "subscribe":
                    if self.refuse:
                        connection.send(json.dumps({"op": "status", "level": "error", "msg": self.refuse}))
                    self.topics.setdefault(message["topic"], set()).add(connection)
        self.clients.discard(connection)
        for subscribers in self.topics.values():
            subscribers.discard(connection)

    def publish(self, topic, message):
        for connection in list(self.topics.get(topic, ())):
            with contextlib.suppress(Exception):
                connection.send(json.dumps({"op": "publish", "topic": topic, "msg": message}))

    def published(self, topic):
        return [each["msg"]["data"] for each in self.received if each["op"] == "publish" and each["topic"] == topic]

    def stop(self):
        if self._server is not None:
            self._server.shutdown()
            for connection in list(self.clients):
                connection.close()
            self._thread.join()
            self._server = None
            self.topics.clear()


@pytest.fixture
def bridge():
    bridge = Bridge().start()
    yield bridge
    bridge.stop()


def reading(text, number=0):
    return LiveReading(number, time.monotonic(), 0.0, 1.0, Reading((), 1.0), text, changed=True)


def jpeg(image):
    coded, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert coded
    return {"header": {}, "format": "jpeg", "data": base64.b64encode(data.tobytes()).decode()}


def raw(image, encoding="rgb8", pad=0):
    height, width = image.shape[:2]
    rows = np.pad(image.reshape(height, -1), ((0, 0), (0, pad)))
    data = base64.b64encode(rows.tobytes()).decode()
    fields = {"height": height, "width": width, "encoding": encoding, "is_bigendian": 0, "step": rows.shape[1]}
    return {"header": {}, **fields, "data": data}


def test_readings_are_published_with_their_types(bridge, eventually):
    said = []
    outlet = RosOutlet(bridge.address, said.append, topic="robot")
    outlet.tell(reading("7", 3))
    eventually(lambda: bridge.published("/robot/digit") == [7])
    outlet.tell(reading("68"))
    eventually(lambda: bridge.published("/robot/digit") == [7, -1])
    outlet.close()
    advertised = {each["topic"]: each["type"] for each in bridge.received if each["op"] == "advertise"}
    assert advertised == {"/robot/reading": "std_msgs/String", "/robot/digit": "std_msgs/Int32"}
    texts = [json.loads(text) for text in bridge.published("/robot/reading")]
    assert [text["text"] for text in texts] == ["7", "68"]
    assert texts[1]["digits"] == [6, 8]
    assert said == [f"publishing to {bridge.address} as /robot/reading and /robot/digit"]
    eventually(lambda: {each["op"] for each in bridge.received} >= {"unadvertise"})


def test_a_bridge_that_was_started_anew_gets_the_last_reading(bridge, eventually):
    said = []
    outlet = RosOutlet(bridge.address, said.append)
    outlet.tell(reading("7"))
    eventually(lambda: bridge.published("/digitlab/digit") == [7])
    bridge.stop()
    bridge.received.clear()
    eventually(lambda: len(said) >= 2)
    bridge.start()
    eventually(lambda: bridge.published("/digitlab/digit") == [7], timeout=15)
    outlet.close()
    assert "retrying" in said[1]


def test_a_bridge_that_is_not_there_does_not_hold_us_up():
    said = []
    outlet = RosOutlet("ws://127.0.0.1:9", said.append)
    outlet.tell(reading("7"))
    time.sleep(0.2)
    begun = time.monotonic()
    outlet.close()
    assert time.monotonic() - begun < 4.5
    assert "no rosbridge answers" in said[0]
    assert "no rosbridge answers" in outlet.health.problem
    assert outlet.health.lost == 1


def test_an_unexpected_error_does_not_end_the_publishing(bridge, eventually, monkeypatch):
    said, publish, failing = [], RosOutlet._publish, [True]

    def fails_once(outlet, *arguments):
        if failing:
            failing.clear()
            raise ZeroDivisionError("a defect")
        publish(outlet, *arguments)

    monkeypatch.setattr(RosOutlet, "_publish", fails_once)
    outlet = RosOutlet(bridge.address, said.append)
    outlet.tell(LiveReading(0, time.monotonic(), 0.0, 1.0, Reading((), 1.0), "7", changed=True))
    eventually(lambda: bridge.published("/digitlab/digit") == [7], timeout=15)
    outlet.close()
    assert any("publishing failed (ZeroDivisionError: a defect); retrying" in line for line in said)
    assert (outlet.health.problem, outlet.health.failures, outlet.health.lost) == (None, 1, 0)


@pytest.mark.parametrize(
    ("address", "topic"), [("http://x", "/a"), ("ws://", "/a"), ("ws://x", "a b"), ("", "/a"), ("ws://a..b", "/a")]
)
def test_what_is_no_address_or_name(address, topic):
    with pytest.raises(UsageError):
        RosOutlet(address, print, topic=topic)


@pytest.mark.parametrize("topic", ["/camera/image_raw/compressed", "/camera/image_raw"])
def test_a_robots_camera_is_read(bridge, page_of, reader, eventually, topic):
    message = jpeg if topic.endswith("compressed") else raw
    images = page_of("5")
    engine = LiveEngine(f"ros:{bridge.address}{topic}", reader, mode="region")
    with engine:
        eventually(lambda: bridge.topics.get(topic))
        number = 0
        while engine.snapshot().steady != "5":
            assert number < 400
            bridge.publish(topic, message(images[number % 12]))
            number += 1
            time.sleep(0.02)
    subscribed = next(each for each in bridge.received if each["op"] == "subscribe")
    assert subscribed["type"] == f"sensor_msgs/{'CompressedImage' if message is jpeg else 'Image'}"
    assert subscribed["queue_length"] == 1


def test_names_of_ros_2_may_be_asked_for(bridge, page_of, eventually):
    source = RosCamera(f"ros:{bridge.address}/cam?type=sensor_msgs/msg/CompressedImage")
    with NewestFrame(source) as frames:
        eventually(lambda: bridge.topics.get("/cam"))
        assert bridge.received[0]["type"] == "sensor_msgs/msg/CompressedImage"
        bridge.publish("/cam", {"nothing": 1})
        bridge.publish("/other", jpeg(page_of("5")[0]))
        bridge.publish("/cam", jpeg(page_of("5")[0]))
        assert frames.get(timeout=5).image.shape == (480, 640, 3)


def test_a_bridge_that_goes_and_comes_back(bridge, page_of, eventually):
    source = RosCamera(f"ros:{bridge.address}/cam")
    image = page_of("5")[0]
    with NewestFrame(source, reconnect=True) as frames:
        eventually(lambda: bridge.topics.get("/cam"))
        bridge.publish("/cam", raw(image))
        assert frames.get(timeout=5) is not None
        bridge.stop()
        eventually(lambda: frames.state == SourceState.RECONNECTING)
        bridge.start()
        eventually(lambda: bridge.topics.get("/cam"), timeout=15)
        bridge.publish("/cam", raw(image))
        assert frames.get(timeout=5).number == 1
        assert frames.reconnects == 1


def test_pictures_that_pile_up_while_one_is_decoded_are_passed_over(bridge, eventually):
    source = RosCamera(f"ros:{bridge.address}/cam")
    with source:
        eventually(lambda: bridge.topics.get("/cam"))
        for level in range(40):
            bridge.publish("/cam", raw(np.full((8, 8, 3), level, np.uint8)))
        seen = []
        while not seen or seen[-1] < 39:
            seen.append(int(source.read().image[0, 0, 0]))
            time.sleep(0.02)
    assert seen == sorted(set(seen))
    assert len(seen) < 10


def test_a_topic_that_the_bridge_refuses_is_said(bridge, eventually):
    bridge.refuse = "the type sensor_msgs/Image is not that of the topic"
    with NewestFrame(RosCamera(f"ros:{bridge.address}/cam")) as frames, pytest.raises(SourceError, match="is not that"):
        frames.get(timeout=5)


def test_closing_ends_a_wait(bridge, eventually):
    frames = NewestFrame(RosCamera(f"ros:{bridge.address}/cam"))
    with frames:
        eventually(lambda: bridge.topics.get("/cam"))
        begun = time.monotonic()
    assert time.monotonic() - begun < 4.0


def test_nobody_there_is_one_line():
    with NewestFrame(RosCamera("ros:ws://127.0.0.1:9/cam")) as frames, pytest.raises(SourceError, match="no rosbridge"):
        frames.get(timeout=5)


@pytest.mark.parametrize("text", ["ros:", "ros:ws://robot:9090", "ros:ws://robot:9090/"])
def test_a_source_without_a_topic(text):
    with pytest.raises(SourceError, match="names no topic"):
        RosCamera(text)


def test_a_topic_alone_is_one_of_this_machine():
    source = RosCamera("ros:/usb_cam/image_raw")
    assert (source.address, source.topic) == ("ws://localhost:9090", "/usb_cam/image_raw")


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "rgba8", "bgra8", "mono8", "8UC1", "8UC3"])
def test_encodings(encoding):
    colours = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    grey = np.repeat(colours[:, :, :1], 3, axis=2)
    opaque = np.full((6, 8, 1), 255, np.uint8)
    forms = {
        "rgb8": (colours, colours),
        "bgr8": (colours[:, :, ::-1], colours),
        "8UC3": (colours[:, :, ::-1], colours),
        "rgba8": (np.dstack((colours, opaque)), colours),
        "bgra8": (np.dstack((colours[:, :, ::-1], opaque)), colours),
        "mono8": (grey[:, :, 0], grey),
        "8UC1": (grey[:, :, 0], grey),
    }
    sent, expected = forms[encoding]
    np.testing.assert_array_equal(picture_of(raw(np.ascontiguousarray(sent), encoding, pad=5)), expected)


def test_sixteen_bits_in_both_orders():
    grey = np.random.default_rng(0).integers(0, 65536, (6, 8), dtype=np.uint16)
    for big, order in ((0, "<u2"), (1, ">u2")):
        message = raw(np.frombuffer(grey.astype(order).tobytes(), np.uint8).reshape(6, 16), "mono16")
        picture = picture_of({**message, "width": 8, "is_bigendian": big})
        np.testing.assert_array_equal(picture[:, :, 0], (grey >> 8).astype(np.uint8))


def test_a_bayer_mosaic_shows_its_colours():
    mosaic = np.zeros((8, 8), np.uint8)
    mosaic[::2, ::2] = 200  # red of "rggb"
    red, green, blue = picture_of(raw(mosaic, "bayer_rggb8"))[4, 4].tolist()
    assert red > 150 > max(green, blue)


def test_a_list_of_numbers_is_data_too():
    message = {"width": 2, "height": 1, "encoding": "mono8", "step": 2, "data": [0, 255]}
    assert picture_of(message)[:, :, 0].tolist() == [[0, 255]]


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {},
        {"data": "not base64 !"},
        {"data": ""},
        {"data": base64.b64encode(b"no picture").decode(), "format": "jpeg"},
        {"data": "AAAA", "encoding": "rgb8", "width": 100, "height": 100, "step": 300},
        {"data": "AAAA", "encoding": "rgb8", "width": -1, "height": 1},
        {"data": "AAAA", "encoding": "rgb8", "width": 100_000, "height": 100_000},
        {"data": "AAAA", "encoding": "rgb8", "width": "x", "height": 1},
        {"data": "AAAA", "encoding": "32FC1", "width": 1, "height": 1},
        {"data": "AAAA", "encoding": "rgb8", "width": 2, "height": 1, "step": 3},
        {"data": {"a": 1}, "encoding": "rgb8", "width": 1, "height": 1},
        {"data": 10**13, "encoding": "rgb8", "width": 1, "height": 1},
        {"data": "AAAA", "encoding": "rgb8", "width": float("inf"), "height": 1},
        *({"data": bytes(12), "encoding": kind, "width": 3, "height": 2} for kind in ("yuv422", "yuyv")),
    ],
)
def test_what_is_no_picture(message):
    with pytest.raises(SourceError):
        picture_of(message)
