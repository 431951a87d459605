"""A real ROS 1 on loopback: roscore, a camera, `digitlab ros-node` and a listener, each in a separate process.

    python bench/ros_exchange.py                 # prints the transcript; tests/live/test_ros_node.py checks it

The camera is killed and another one started that shows another number; roscore is restarted, too. Then the node is
started as the program of 2018 was, with its YAML, in which `Server: 2` means a ROS topic. Needed are Debian's
python3-rospy, python3-sensor-msgs, python3-std-msgs and python3-roslaunch (`make system`), built for this Python.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

DEBIAN = "/usr/lib/python3/dist-packages"
# Debian's folder comes last: its other packages must not hide ours.
_START = f"import sys; sys.path.append({DEBIAN!r}); "
_NODE = _START + "from digitlab.apps.cli import main; main()"
_CAMERA = (
    _START
    + """
import rospy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from digitlab.camera.synthetic import SyntheticPage
import cv2
text, topic = sys.argv[1:3]
rospy.init_node("camera")
compressed = topic.endswith("compressed")
pictures = rospy.Publisher(topic, CompressedImage if compressed else Image, queue_size=1)
lens = rospy.Publisher("/camera/camera_info", CameraInfo, queue_size=1, latch=True)
lens.publish(CameraInfo(width=320, height=240))
with SyntheticPage(text, size=(320, 240), frames=20, realtime=False) as page:
    images = [frame.image for frame in iter(page.read, None)]
rate, number = rospy.Rate(10), 0
print("camera: publishes", text or "an empty page", "to", topic, flush=True)
while not rospy.is_shutdown():
    image = images[number % 20]
    if compressed:
        data = cv2.imencode(".jpg", image[:, :, ::-1])[1].tobytes()
        message = CompressedImage(format="jpeg", data=data)
    else:
        pad = bytes(8)  # as cameras with aligned rows send it
        data = b"".join(row.tobytes() + pad for row in image)
        message = Image(height=240, width=320, encoding="rgb8", step=320 * 3 + 8, data=data)
    message.header.stamp, message.header.frame_id = rospy.Time.now(), "camera_optical_frame"
    pictures.publish(message)
    number += 1
    rate.sleep()
"""
)
_LISTENER = (
    _START
    + """
import rospy, rosgraph, sys, time
from std_msgs.msg import Int32, String
rospy.init_node("listener", disable_signals=True)
def say(*words):  # topics are heard in threads of their own: print writes its newline apart, and lines would mix
    sys.stdout.write(" ".join(map(str, words)) + "\\n")
    sys.stdout.flush()
def listen():
    for name, kind in (("reading", String), ("digit", Int32), ("number", String)):
        rospy.Subscriber("/digits/" + name, kind, lambda m, n=name: say(n, m.data))
    try:
        from vision_msgs.msg import Detection2DArray
        rospy.Subscriber("/digits/detections", Detection2DArray, lambda m: say(
            "detections", m.header.frame_id, [each.results[0].id for each in m.detections]))
    except ImportError:
        pass
listen()
while True:
    time.sleep(1)
"""
)


_YAML_OF_2018 = """DigitClassifier:
  Camera:
    Server: 2
    Proxy: "cameraA:tcp -h localhost -p 9999"
    Format: RGB8
    Topic: "/usb_cam/image_raw/compressed"
    Name: cameraA
  NodeName: dl-digitclassifier
"""


def missing() -> str | None:
    """Return why it cannot run here; None if it can."""
    if shutil.which("rosmaster") is None or not Path(DEBIAN, "rospy").is_dir():
        return "ROS is not installed: python3-rospy, python3-roslaunch (`make setup` installs them where it may)"
    if importlib.util.find_spec("_posixshmem") is None and sys.version_info[:2] != (3, 11):
        return f"rospy is for Debian's own Python, not for {sys.version.split()[0]}"
    return None


class Exchange:
    """The processes and their output. A context manager: ends them all.

    transcript: lines "who: what", in the order of their arrival
    """

    def __init__(self, folder: Path, on_progress: Callable[[str], None] = lambda _: None) -> None:
        self.folder = folder
        self.transcript: list[str] = []
        self._on_progress = on_progress
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._heard: queue.Queue[tuple[str, str]] = queue.Queue()
        self._threads: list[threading.Thread] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        folder.mkdir(parents=True, exist_ok=True)
        self._environment = {
            **os.environ,
            "ROS_MASTER_URI": f"http://127.0.0.1:{self.port}",
            "ROS_IP": "127.0.0.1",
            "ROS_HOME": str(folder),
            "ROS_LOG_DIR": str(folder / "log"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }

    def roscore(self) -> None:
        """Start the master, and wait until it answers."""
        plain = {name: value for name, value in self._environment.items() if name != "PYTHONPATH"}
        plain["PATH"] = "/usr/bin:/bin"
        self._start("roscore", ["/usr/bin/rosmaster", "--core", "-p", str(self.port)], plain)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self._note("roscore", f"answers at port {self.port}")
            time.sleep(0.05)
        raise AssertionError("roscore did not start")

    def camera(self, text: str, topic: str = "/camera/image_raw") -> None:
        """Start a camera that shows a number."""
        self._start("camera", [sys.executable, "-c", _CAMERA, text, topic])

    def node(self, *arguments: str) -> None:
        """Start `digitlab ros-node`."""
        self._note("node", "$ digitlab ros-node " + " ".join(arguments))
        self._start("node", [sys.executable, "-c", _NODE, "ros-node", *arguments])

    def listener(self) -> None:
        """Start a subscriber to what the node publishes."""
        self._start("listener", [sys.executable, "-c", _LISTENER])

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """End a process with a signal; return its exit code."""
        process = self._running.pop(name)
        process.send_signal(number)
        code = process.wait(20)
        self._note(name, f"killed by {number.name}" if code < 0 else f"asked to end by {number.name}: exit code {code}")
        return code

    def wait_for(self, name: str, condition: Callable[[str], bool], timeout: float = 45.0) -> str:
        """Wait for the next line of a process for which ``condition`` is true, and return it.

        Raises:
            AssertionError: if none comes in time.
        """
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                process, line = self._heard.get(timeout=left)
                if process == name and condition(line):
                    return line
        raise AssertionError("it was not said in time:\n" + "\n".join(self.transcript[-40:]))

    def read(self, text: str | None, timeout: float = 45.0) -> dict[str, Any]:
        """Wait until the listener hears this steady text; return the whole message."""

        def holds(line: str) -> bool:
            return line.startswith("reading ") and json.loads(line[8:])["text"] == text

        message: dict[str, Any] = json.loads(self.wait_for("listener", holds, timeout)[8:])
        return message

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            process.kill()
            process.wait(20)
        for thread in self._threads:
            thread.join(10)

    def _start(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> None:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=environment or self._environment, cwd=self.folder,
        )  # fmt: skip
        self._running[name] = process
        thread = threading.Thread(target=self._listen, args=(name, process), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _listen(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # noqa: S101
        with process.stdout:
            for line in process.stdout:
                if line.strip():
                    self._note(name, line.rstrip())
                    self._heard.put((name, line.rstrip()))

    def _note(self, name: str, text: str) -> None:
        same = text.split('"time"')[0]
        if not any(each.split('"time"')[0] == f"{name}: {same}" for each in self.transcript[-3:]):
            self.transcript.append(f"{name}: {text}")
            self._on_progress(f"{name}: {text}")


def exchange(folder: Path, on_progress: Callable[[str], None]) -> Exchange:
    """Run the whole scenario: a number is read, the camera dies and shows another, roscore dies and comes back."""
    with Exchange(folder, on_progress) as ros:
        ros.roscore()
        ros.camera("68")
        ros.node("_topic:=/digits", "_image:=/camera/image_raw", "__name:=digits")
        ros.listener()
        ros.read("68")
        ros.kill("camera")
        ros.read(None)  # nothing is certain any more
        ros.camera("7")
        ros.read("7")
        ros.kill("roscore")
        ros.wait_for("node", lambda line: "does not answer" in line)
        ros.roscore()
        ros.wait_for("node", lambda line: "was restarted" in line)
        ros.kill("listener")
        ros.listener()  # a new one finds the node through the new roscore
        ros.kill("camera")  # the old one knows only the previous roscore
        ros.camera("42")
        ros.read("42")
        ros.kill("node", signal.SIGTERM)
        _as_in_2018(ros)
    return ros


def _as_in_2018(ros: Exchange) -> None:
    """Run the program of 2018 with its YAML; its camera sends compressed pictures."""
    (ros.folder / "digitclassifier.yml").write_text(_YAML_OF_2018)
    ros.kill("camera")
    ros.camera("5", "/usb_cam/image_raw/compressed")
    ros.node("--config", "digitclassifier.yml", "_topic:=/digits")
    ros.wait_for("node", lambda line: line.startswith("node /dl_digitclassifier"))
    ros.read("5")
    ros.kill("node", signal.SIGTERM)


if __name__ == "__main__":
    if (reason := missing()) is not None:
        sys.exit(reason)
    with tempfile.TemporaryDirectory() as place:
        exchange(Path(place), print)
