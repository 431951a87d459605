import json
import os
import signal
import socket
import subprocess
import time
from dataclasses import replace

import pytest

from digitlab.errors import UsageError
from digitlab.live import LiveReading
from digitlab.live.mqtt import Broker, MqttOutlet
from digitlab.live.numbers import Number
from digitlab.values import Reading

mqtt = pytest.importorskip("paho.mqtt.client")


def reading(text, number=0):
    return LiveReading(number, time.monotonic(), 0.0, 1.0, Reading((), 1.0), text, changed=True)


class Mosquitto:
    """A real broker on loopback, and whatever is published there."""

    def __init__(self, program, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.program = program
        self.passwords = folder / "passwords"
        self.configuration = folder / "mosquitto.conf"
        self.configure("allow_anonymous true")
        self.process = None
        self.heard = []
        self.listener = None

    def configure(self, *lines):
        # "user root": it stays whoever it was, and can read files in a folder of ours; without root it is passed over.
        self.configuration.write_text("\n".join((f"listener {self.port} 127.0.0.1", "user root", *lines, "")))

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "-c", str(self.configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.02)
        raise AssertionError("mosquitto did not start")

    def listen(self, topic="#"):
        self.listener = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.listener.on_message = lambda _, __, message: self.heard.append(
            (message.topic, message.payload.decode(), bool(message.retain))
        )
        self.listener.on_connect = lambda client, *_: client.subscribe(topic, 1)
        self.listener.connect("127.0.0.1", self.port)
        self.listener.loop_start()

    def stop_listening(self):
        if self.listener is not None:
            self.listener.disconnect()
            self.listener.loop_stop()
            self.listener = None

    def stop(self):
        self.stop_listening()
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    @property
    def texts(self):
        return [json.loads(payload)["text"] for topic, payload, _ in self.heard if topic == "robot/digits"]

    @property
    def states(self):
        return [payload for topic, payload, _ in self.heard if topic == "robot/digits/state"]


@pytest.fixture
def broker(needs_program, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/sbin", prepend=":")  # Debian keeps servers there
    broker = Mosquitto(needs_program("mosquitto"), tmp_path)
    yield broker
    broker.stop()


def test_readings_arrive_and_stay_for_whoever_comes_later(broker, eventually):
    said = []
    broker.start().listen()
    outlet = MqttOutlet(Broker.parse(f"mqtt://127.0.0.1:{broker.port}/robot/digits"), said.append)
    eventually(lambda: broker.states == ["online"])
    outlet.tell(reading("6885", 12))
    outlet.tell(LiveReading(13, time.monotonic(), 0.0, 1.0, Reading((), 1.0), "6885"))  # no change
    outlet.tell(reading("7", 14))
    eventually(lambda: broker.texts == [None, "6885", "7"])
    nothing, first, _ = (json.loads(payload) for topic, payload, _ in broker.heard if topic == "robot/digits")
    assert nothing.keys() == first.keys()
    assert (nothing["digits"], nothing["time"], nothing["age"], nothing["frame"]) == ([], None, None, None)
    assert first["digits"] == [6, 8, 8, 5]
    assert first["digit"] is None
    assert first["frame"] == 12
    assert abs(first["time"] - time.time()) < 30
    broker.stop_listening()
    broker.heard.clear()
    broker.listen()
    eventually(lambda: len(broker.heard) == 2)
    assert all(retained for _, _, retained in broker.heard)
    kept = {topic: payload for topic, payload, _ in broker.heard}
    assert json.loads(kept["robot/digits"])["digit"] == 7
    outlet.close()
    eventually(lambda: broker.states[-1] == "offline")
    assert said == [f"publishing to mqtt://127.0.0.1:{broker.port}/robot/digits"]


def test_a_broker_that_comes_later_and_one_that_goes_and_comes_back(broker, eventually):
    said = []
    outlet = MqttOutlet(Broker.parse(f"mqtt://127.0.0.1:{broker.port}/robot/digits"), said.append)
    try:
        outlet.tell(reading("1"))
        eventually(lambda: any("does not respond" in line for line in said))
        broker.start().listen()
        eventually(lambda: broker.texts == ["1"], timeout=20)
        broker.stop()
        eventually(lambda: any("connection lost" in line for line in said))
        outlet.tell(reading("2"))
        broker.heard.clear()
        broker.start().listen()
        eventually(lambda: "2" in broker.texts, timeout=20)
        assert broker.states[-1] == "online"
        eventually(lambda: outlet.health.problem is None)
        assert outlet.health.failures == 2
    finally:
        outlet.close()
    assert (outlet.health.problem, outlet.health.lost) == (None, 0)


def test_a_text_that_cannot_be_published_does_not_end_the_sender(broker, eventually, monkeypatch):
    broker.start().listen()
    outlet = MqttOutlet(Broker.parse(f"mqtt://127.0.0.1:{broker.port}/robot/digits"), print)
    publish = outlet._publish

    def fails_once(payload):
        if "bad" in payload:
            raise ZeroDivisionError("a defect")
        return publish(payload)

    monkeypatch.setattr(outlet, "_publish", fails_once)
    try:
        eventually(lambda: broker.states == ["online"])
        outlet.tell(reading("bad"))
        eventually(lambda: "ZeroDivisionError" in (outlet.health.problem or ""))
        outlet.tell(reading("7"))
        eventually(lambda: broker.texts[-1:] == ["7"] and outlet.health.problem is None)
        assert outlet.health.lost == 1
    finally:
        outlet.close()


def test_a_session_that_ends_before_the_broker_was_found_says_what_was_lost():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        outlet = MqttOutlet(Broker.parse(f"mqtt://127.0.0.1:{closed.getsockname()[1]}/t"), print)
        outlet.tell(reading("7"))
        outlet.close()
    assert outlet.health.problem.endswith("does not respond; retrying")
    assert outlet.health.lost == 1


def test_after_a_broker_has_hung_it_has_the_newest_text_and_its_age(broker, eventually):
    broker.start().listen()
    outlet = MqttOutlet(Broker.parse(f"mqtt://127.0.0.1:{broker.port}/robot/digits"), print)
    try:
        outlet.tell(reading("first"))
        eventually(lambda: broker.texts[-1:] == ["first"])
        broker.stop_listening()
        broker.heard.clear()
        os.kill(broker.process.pid, signal.SIGSTOP)
        for number in range(20):  # more than would be kept of texts that nobody confirms
            outlet.tell(reading(str(number)))
        outlet.tell(reading(None))
        gone = time.monotonic()
        broker.process.kill()
        broker.process.wait()
        broker.start().listen()
        eventually(lambda: broker.texts[-1:] == [None] and set(broker.states) == {"online"}, timeout=20)
        time.sleep(0.2)
        assert len(broker.texts) <= 3  # what was on its way is sent again
        last = json.loads([payload for topic, payload, _ in broker.heard if topic == "robot/digits"][-1])
        assert last["age"] >= 0.9  # we reconnect after a second
        assert last["age"] <= time.monotonic() - gone + 0.1
    finally:
        outlet.close()
    eventually(lambda: broker.states[-1] == "offline")


def test_all_numbers_of_a_page_arrive_and_all_changes_in_order(broker, eventually):
    broker.start().listen()
    outlet = MqttOutlet(Broker.parse(f"mqtt://127.0.0.1:{broker.port}/robot/digits"), print, announced=True)
    eventually(lambda: broker.states == ["online"])
    numbers = tuple(Number(count, str(count), (0, 0, 9, 9), 0.9) for count in range(1, 61))
    outlet.tell(replace(reading("1"), numbers=numbers))
    for text in ("2", "3", "4"):
        outlet.tell(reading(text))
    outlet.close()
    eventually(lambda: broker.texts == [None, "1", "2", "3", "4"])
    heard = [json.loads(payload)["number"] for topic, payload, _ in broker.heard if topic == "robot/digits/number"]
    assert sorted(heard) == list(range(1, 61))


def test_a_session_that_has_read_nothing_yet_does_not_pass_on_what_an_earlier_one_read(broker, eventually):
    broker.start().listen()
    address = Broker.parse(f"mqtt://127.0.0.1:{broker.port}/robot/digits")
    earlier = MqttOutlet(address, print)
    earlier.tell(reading("7"))
    eventually(lambda: broker.texts[-1:] == ["7"])
    earlier.close()
    later = MqttOutlet(address, print)
    eventually(lambda: broker.texts[-2:] == ["7", None])
    later.close()


def test_a_broker_that_hangs_does_not_keep_the_session_from_ending_and_publishes_its_will(broker, eventually):
    broker.start().listen()
    said = []
    outlet = MqttOutlet(Broker.parse(f"mqtt://127.0.0.1:{broker.port}/robot/digits"), said.append)
    eventually(lambda: broker.states == ["online"])
    os.kill(broker.process.pid, signal.SIGSTOP)
    outlet.tell(reading("1"))
    begun = time.monotonic()
    outlet.close()
    assert time.monotonic() - begun < 7
    os.kill(broker.process.pid, signal.SIGCONT)
    eventually(lambda: broker.states[-1] == "offline")


def test_the_broker_says_offline_for_one_that_vanished(broker, eventually):
    broker.start().listen()
    outlet = MqttOutlet(Broker.parse(f"mqtt://127.0.0.1:{broker.port}/robot/digits"), print)
    eventually(lambda: broker.states == ["online"])
    outlet._client.socket().shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]  # as a cable that is pulled, seen at once
    eventually(lambda: "offline" in broker.states)
    outlet.close()


def test_a_wrong_password_is_said_and_never_shown(broker, eventually, needs_program):
    subprocess.run(
        [needs_program("mosquitto_passwd"), "-b", "-c", str(broker.passwords), "robot", "right"],
        check=True,
        capture_output=True,
    )
    broker.configure("allow_anonymous false", f"password_file {broker.passwords}")
    said = []
    broker.start()
    outlet = MqttOutlet(Broker.parse(f"mqtt://robot:wrong@127.0.0.1:{broker.port}/robot/digits"), said.append)
    eventually(lambda: said)
    outlet.close()
    assert "refuses the connection" in said[0]
    assert "wrong" not in said[0]
    said.clear()
    outlet = MqttOutlet(Broker.parse(f"mqtt://robot:right@127.0.0.1:{broker.port}/robot/digits"), said.append)
    eventually(lambda: said)
    outlet.close()
    assert "publishing to" in said[0]


def test_addresses(monkeypatch):
    full = Broker.parse("mqtt://me:p%40ss@broker.local:1884/home/desk/digits/")
    assert (full.host, full.port, full.topic) == ("broker.local", 1884, "home/desk/digits")
    assert (full.user, full.password, full.encrypted) == ("me", "p@ss", False)
    assert "p@ss" not in str(full) + repr(full)
    assert Broker.parse("mqtts://broker/t").port == 8883
    monkeypatch.setenv("DIGITLAB_MQTT_PASSWORD", "from outside")
    assert Broker.parse("mqtt://me@broker/t").password == "from outside"  # noqa: S105


@pytest.mark.parametrize(
    "text",
    [
        *("", "broker/topic", "http://broker/topic", "mqtt://broker", "mqtt://broker/", "mqtt:///topic"),
        *("mqtt://b:x/t", "mqtt://b:70000/t", "mqtt://b:0/t", "mqtt://[::1/t", "mqtt://b/a/+/b", "mqtt://b/%23"),
        *("mqtt://b/digits/#", "mqtt://b/room#1", "mqtt://b/digits?qos=2"),  # what would be cut off
        *("mqtt://broker..local/t", f"mqtt://{'b' * 64}/t"),  # what is no name of a host
    ],
)
def test_what_is_no_address(text):
    with pytest.raises(UsageError, match="--mqtt"):
        Broker.parse(text)


def test_no_part_of_a_password_is_shown_of_what_is_no_broker():
    with pytest.raises(UsageError) as caught:
        Broker.parse("mqtt://me:qz/qx@broker/digits")
    assert "qz" not in str(caught.value)
