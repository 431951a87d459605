"""Our client against servers built directly on zeroc-ice, in processes of their own."""

import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import numpy as np
import pytest

from digitlab.camera import NewestFrame, SourceState, open_source
from digitlab.camera.ice import IceCamera
from digitlab.errors import SourceError

pytestmark = pytest.mark.usefixtures("needs_ice")

SERVER = Path(__file__).with_name("jderobot_server.py")


@contextlib.contextmanager
def serving(folder, *options):
    """A server, and its port."""
    command = [sys.executable, str(SERVER), str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = process.stdout.readline().strip()
            assert port, "the server did not start"
            yield process, int(port)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """Of a server whose descriptions have an md5sum."""
    with serving(tmp_path_factory.mktemp("ice")) as (_, port):
        yield port


@pytest.fixture(scope="module")
def old_port(tmp_path_factory):
    """Of one whose descriptions have none."""
    with serving(tmp_path_factory.mktemp("ice"), "--without-md5sum") as (_, port):
        yield port


@pytest.fixture(scope="module")
def sliced_ports(tmp_path_factory):
    """Of two that write their answers in slices, with md5sum and without."""
    folder = tmp_path_factory.mktemp("ice")
    with serving(folder, "--sliced") as (_, new), serving(folder, "--sliced", "--without-md5sum") as (_, old):
        yield new, old


def at(port, name="camera", options=""):
    return f"{name}{options}:tcp -h 127.0.0.1 -p {port}"


def frames_of(proxy, count=3):
    with IceCamera(proxy) as camera:
        return [camera.read() for _ in range(count)]


def check(frames):
    """That these are pictures of the honest camera, one after the other."""
    for number, frame in enumerate(frames):
        assert frame.number == number
        assert frame.image.shape == (48, 64, 3)
        assert frame.image.dtype == np.uint8
        assert (frame.image[0] == (255, 0, 0)).all()
        assert (frame.image[1:-1] == (10, 20, 30)).all()
        assert abs(frame.captured - time.monotonic()) < 5.0
    counts = [int(frame.image[-1, -1, 0]) for frame in frames]
    assert [(count - counts[0]) % 256 for count in counts] == list(range(len(counts)))


@pytest.mark.parametrize("encoding", ["", " -e 1.1", " -e 1.0"])
@pytest.mark.parametrize("server", ["port", "old_port"])
def test_servers_with_and_without_md5sum_are_understood(server, encoding, request):
    check(frames_of(at(request.getfixturevalue(server), options=encoding)))


def test_so_are_servers_that_write_in_slices(sliced_ports):
    for port in sliced_ports:
        check(frames_of(at(port)))


@pytest.mark.parametrize("name", ["grey", "blue", "packed", "yuy2", "camera", "frozen", "unstamped"])
def test_other_formats_are_made_rgb(port, name):
    image = frames_of(at(port, name), count=1)[0].image
    expected = {"grey": (10, 10, 10), "yuy2": (76, 76, 76)}.get(name, (10, 20, 30))
    assert image.shape == (48, 64, 3)
    assert np.abs(image[20].astype(int) - expected).max() <= 2
    image[0] = 0  # it is ours to draw on


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("strange", r"offers the formats H264, DEPTH8_16; expected one of RGB8"),
        ("short", r"sends 9,215 bytes as 64×48 pixels RGB8; expected 9,216"),
        ("huge", r"sends a picture of 2147483647×2147483647 pixels; expected 1 to 16,384"),
        ("negative", r"sends a picture of -64×-48 pixels"),
        ("nothing", r"response is not a picture of JdeRobot"),
        ("undescribed", r"response is not a picture of JdeRobot"),
        ("bomb", r"sends 9,217 bytes as 64×48 pixels RGB8; expected 9,216"),
        ("flood", r"sends more than 64 MB at once"),
        ("broken", r"has no picture from its camera \(the lens fell off\)"),
        ("motors", r"responds, but is not a camera of JdeRobot"),
        ("nobody", r"the server has no camera with this name"),
    ],
)
def test_what_is_no_picture_is_said_in_a_line(port, name, message):
    with pytest.raises(SourceError, match=message) as caught:
        frames_of(at(port, name), count=1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "proxy",
    ["", "cameraA", "cameraA@adapter", "camera A:tcp -p 1", "a:foo -p 1", "a:tcp -p x", ":tcp", '"', "a:tcp -h"],
)
def test_a_proxy_that_is_nonsense(proxy):
    with pytest.raises(SourceError, match=r"expected e\.g\. \"cameraA:tcp -h localhost -p 9999\"") as caught:
        IceCamera(proxy).open()
    assert "\n" not in str(caught.value)


def test_nobody_there():
    with pytest.raises(SourceError, match="connection refused; is the camera server running"):
        IceCamera(at(1)).open()


def test_somebody_who_does_not_speak_ice():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet():
            with contextlib.suppress(OSError), listener.accept()[0] as connection:
                connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n" * 4)
                connection.recv(1000)

        greeter = threading.Thread(target=greet)
        greeter.start()
        with pytest.raises(SourceError, match="does not speak Ice"):
            IceCamera(at(listener.getsockname()[1])).open()
        greeter.join(2.0)


def test_the_same_picture_again_is_left_out(port):
    camera = IceCamera(at(port, "frozen"))
    with NewestFrame(camera, keep="all") as frames:
        seen = 0
        while frames.get(timeout=0.3) is not None:
            seen += 1
    assert seen <= 2


@pytest.mark.parametrize("name", ["hanging", "frozen"])
def test_closing_ends_a_read_that_waits(port, name):
    camera = IceCamera(at(port, name))
    camera.open()
    got = []

    def drain():
        while (frame := camera.read()) is not None:
            got.append(frame)

    reader = threading.Thread(target=drain)
    reader.start()
    time.sleep(0.2)
    begun = time.monotonic()
    camera.close()
    reader.join(2.0)
    assert not reader.is_alive()
    assert time.monotonic() - begun < 1.0
    assert camera.read() is None


def test_closing_ends_an_opening_that_waits():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        camera = IceCamera(at(silent.getsockname()[1]))
        opener = threading.Thread(target=_open_quietly, args=(camera,))
        opener.start()
        time.sleep(0.2)
        camera.close()
        opener.join(1.5)
        assert not opener.is_alive()


def _open_quietly(camera):
    with contextlib.suppress(SourceError):
        camera.open()


def test_one_that_is_closed_while_ice_starts_leaves_nothing_running(monkeypatch):
    camera, ended = IceCamera("cameraA:tcp -h localhost -p 1"), threading.Event()

    def started(**_):
        camera.close()
        return types.SimpleNamespace(destroy=ended.set)

    monkeypatch.setattr("digitlab.camera.ice.client.communicator", started)
    camera.open()
    assert ended.wait(10)
    assert camera.read() is None


def test_it_can_be_opened_again(port):
    camera = IceCamera(at(port))
    for _ in range(3):
        with camera:
            assert camera.read().number == 0
    camera.close()


def test_reading_before_opening_is_said():
    with pytest.raises(SourceError, match="before it was opened"):
        IceCamera(at(1)).read()


def test_it_is_what_ice_means_as_a_source(port):
    with open_source(f"ice:{at(port)}", realtime=True) as camera:
        assert isinstance(camera, IceCamera)
        assert camera.live
        assert camera.realtime
        assert camera.rate is None
        check([camera.read()])


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_server_killed_and_started_again_is_read_again(tmp_path):
    before = threading.active_count()
    with serving(tmp_path) as (process, port), NewestFrame(IceCamera(at(port)), reconnect=True) as frames:
        assert frames.get(timeout=5.0) is not None
        process.kill()
        process.wait()
        wait_for(lambda: frames.state is SourceState.RECONNECTING)
        assert "was interrupted" in frames.problem or "connection refused" in frames.problem
        wait_for(lambda: "connection refused" in (frames.problem or ""))
        with serving(tmp_path, "--port", str(port)):
            back = time.monotonic()
            wait_for(lambda: frames.state is SourceState.RUNNING)
            assert time.monotonic() - back < 3.0
            assert frames.get(timeout=5.0) is not None
            assert frames.reconnects == 1
    wait_for(lambda: threading.active_count() <= before)


def test_a_server_that_is_stopped_and_goes_on_is_read_again(tmp_path):
    import signal

    with serving(tmp_path) as (process, port), NewestFrame(IceCamera(at(port)), reconnect=True) as frames:
        assert frames.get(timeout=5.0) is not None
        process.send_signal(signal.SIGSTOP)
        wait_for(lambda: frames.state is SourceState.STALLED)
        process.send_signal(signal.SIGCONT)
        wait_for(lambda: frames.state is SourceState.RUNNING)


@pytest.mark.skipif(importlib.util.find_spec("Ice") is None, reason="for where Ice is installed")
def test_nothing_is_taken_from_the_environment(port, monkeypatch, tmp_path):
    configuration = tmp_path / "ice.cfg"
    configuration.write_text("Ice.MessageSizeMax=1\n")
    monkeypatch.setitem(os.environ, "ICE_CONFIG", str(configuration))
    check(frames_of(at(port)))
