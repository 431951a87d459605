"""`digitlab camera-server`: in a process of its own, asked by our client and by a client directly on zeroc-ice."""

import contextlib
import ctypes
import json
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from digitlab.camera import NewestFrame, Recorded, SourceState
from digitlab.camera.ice import IceCamera
from digitlab.camera_server import CameraServer, CameraSettings, ServerSettings
from digitlab.errors import SourceError, UsageError

pytestmark = pytest.mark.usefixtures("needs_ice")

SIZE = (64, 48)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A second of a number on paper."""
    from digitlab.examples.paper_video import make_video

    path = tmp_path_factory.mktemp("video") / "paper.mp4"
    make_video(path, numbers=["7"], seconds_each=0.5, size=(160, 120))
    return path


class Told:
    """The lines that a server's process says, as they come."""

    def __init__(self, process):
        self.lines = queue.Queue()
        self.process = process
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def next(self):
        return self.lines.get(timeout=20.0)


@contextlib.contextmanager
def camera_server(configuration, *options):
    command = [sys.executable, "-W", "error", "-m", "digitlab.apps.cli", "camera-server", "--json", "--config"]
    with subprocess.Popen(
        [*command, str(configuration), *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def written(folder, *uris, endpoints="default -h localhost -p 0", size=SIZE, more=""):
    lines = [f"CameraSrv.Endpoints={endpoints}", f"CameraSrv.NCameras={len(uris)}", more]
    for number, uri in enumerate(uris):
        begin = f"CameraSrv.Camera.{number}."
        lines += [f"{begin}Name=camera{'ABC'[number]}", f"{begin}Uri={uri}", f"{begin}FramerateN=30"]
        lines += [f"{begin}ImageWidth={size[0]}", f"{begin}ImageHeight={size[1]}", f"{begin}Format=RGB8"]
    path = folder / "cameraserver.cfg"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory, video):
    """A process that serves a video that is there, and one that is not; proxies by name."""
    folder = tmp_path_factory.mktemp("served")
    with camera_server(written(folder, video, folder / "later.mp4")) as process:
        told = Told(process)
        proxies = {line["camera"]: line["proxy"] for line in (told.next(), told.next())}
        yield proxies, folder


def test_a_file_goes_round_at_its_own_pace(served):
    with NewestFrame(IceCamera(served[0]["cameraA"]), keep="all") as frames:
        begun = frames.get(timeout=10.0).captured
        got = [frames.get(timeout=5.0) for _ in range(40)]
    assert all(frame.image.shape == (48, 64, 3) for frame in got)
    assert got[0].image.mean() > 60  # paper in light
    assert 40 / 60 < got[-1].captured - begun < 40 / 5  # half a second of video at 30 frames/s, nearly three times


def test_several_clients_see_the_same(served):
    counts = []

    def watch():
        with IceCamera(served[0]["cameraA"]) as camera:
            counts.append(sum(camera.read() is not None for _ in range(10)))

    clients = [threading.Thread(target=watch) for _ in range(4)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(20.0)
    assert counts == [10] * 4


def test_a_source_that_fails_is_said_and_comes_back(served, video):
    proxies, folder = served
    camera = IceCamera(proxies["cameraB"])
    with (
        camera,
        pytest.raises(SourceError, match=r"has no picture from its camera \(.*later\.mp4: there is no such file"),
    ):
        camera.read()
    (folder / "later.mp4").write_bytes(video.read_bytes())
    with NewestFrame(camera, reconnect=True, insist=True) as frames:
        assert frames.get(timeout=10.0) is not None


CLIENT = """
import sys, Ice, json, tempfile, pathlib
slice, proxy = sys.argv[1:3]
Ice.loadSlice("", [*sys.argv[3:], slice])
import jderobot
with Ice.initialize() as ic:
    ic.getProperties()
    base = ic.stringToProxy(proxy)
    camera = jderobot.CameraPrx.checkedCast(base)
    said = {"formats": camera.getImageFormat()}
    described = camera.getImageDescription()
    said["description"] = [described.width, described.height, described.size, described.format]
    for name in said["formats"]:
        data = camera.getImageData(name)
        said[name] = [len(data.pixelData), data.description.format, data.timeStamp.seconds]
        if hasattr(data.description, "md5sum"):
            import hashlib
            said["md5sum"] = data.description.md5sum == hashlib.md5(data.pixelData).hexdigest()
    try:
        camera.getImageData("H264")
    except jderobot.DataNotExistException as error:
        said["unknown"] = error.what
    about = camera.getCameraDescription()
    said["camera"] = [about.name, about.shortDescription, about.roll]
    said["set"] = camera.setCameraDescription(about)
    said["start"] = camera.startCameraStreaming()
    camera.stopCameraStreaming()
    camera.reset()
    print(json.dumps(said))
"""


def asked(proxy, *options):
    from importlib.resources import files

    definitions = str(files("digitlab.camera_server") / "camera.ice")
    command = [sys.executable, "-c", CLIENT, definitions, proxy, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check_operations(said):
    assert said["formats"] == ["RGB8", "RGB8_Z", "GRAY8"]
    assert said["description"] == [*SIZE, 64 * 48 * 3, "RGB8"]
    assert said["RGB8"][:2] == [64 * 48 * 3, "RGB8"]
    assert said["GRAY8"][:2] == [64 * 48, "GRAY8"]
    assert said["RGB8_Z"][1] == "RGB8_Z"
    assert abs(said["RGB8"][2] - time.time()) < 60
    assert said["unknown"] == "'H264' is not served; expected one of RGB8, RGB8_Z, GRAY8"
    assert said["camera"] == ["cameraA", "", 0.0]
    assert (said["set"], said["start"]) == (0, "")


def test_a_client_of_nobody_s_gets_every_operation(served):
    said = asked(served[0]["cameraA"])
    check_operations(said)
    assert said["md5sum"]


def test_ctrl_c_ends_it_and_clients_of_older_programs_are_served(tmp_path, video):
    with camera_server(written(tmp_path, video, more="Typo=1"), "--without-md5sum") as process:
        proxy = Told(process).next()["proxy"]
        said = asked(proxy, "-DWITHOUT_MD5SUM")
        check_operations(said)
        assert "md5sum" not in said
        process.send_signal(signal.SIGINT)
        assert process.wait(10.0) == 0
        complaints = process.stderr.read()
    assert complaints.splitlines() == ["cameraserver.cfg: Typo: unknown, not used", "the camera server has stopped"]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are addressed by their Linux numbers")
def test_a_signal_that_reaches_another_thread_ends_it_too(tmp_path, video):
    with camera_server(written(tmp_path, video)) as process:
        Told(process).next()
        others = [
            int(task.name) for task in Path(f"/proc/{process.pid}/task").iterdir() if int(task.name) != process.pid
        ]
        assert ctypes.CDLL(None).tgkill(process.pid, max(others), signal.SIGTERM) == 0
        assert process.wait(15.0) == 0


def test_a_reader_of_our_output_that_goes_away_ends_it(tmp_path, video):
    film = Path(shutil.copy(video, tmp_path))
    with camera_server(written(tmp_path, film)) as process:
        assert json.loads(process.stdout.readline())["camera"] == "cameraA"
        process.stdout.close()
        film.unlink()  # this change of its state is told to nobody
        assert process.wait(15.0) == 141
        assert "Traceback" not in process.stderr.read()


def test_killed_and_started_again_it_is_read_again(tmp_path, video):
    with camera_server(written(tmp_path, video)) as process:
        proxy = Told(process).next()["proxy"]
        port = proxy.split()[-1]
        frames = NewestFrame(IceCamera(proxy), reconnect=True)
        with frames:
            assert frames.get(timeout=10.0) is not None
            process.kill()
            process.wait()
            with camera_server(written(tmp_path, video, endpoints=f"default -h localhost -p {port}")) as again:
                Told(again).next()
                begun = time.monotonic()
                while frames.state is not SourceState.RUNNING:
                    assert time.monotonic() - begun < 3.0
                    time.sleep(0.01)
                assert frames.get(timeout=3.0) is not None


def test_from_a_video_through_two_processes_to_the_digits(tmp_path):
    from digitlab.examples.paper_video import make_video

    make_video(tmp_path / "42.mp4", numbers=["42"], seconds_each=0.5)
    configuration = written(tmp_path, tmp_path / "42.mp4", size=(640, 480))
    with camera_server(configuration) as process:
        proxy = Told(process).next()["proxy"]
        command = [sys.executable, "-m", "digitlab.apps.cli", "live", "--source", f"ice:{proxy}"]
        done = subprocess.run(
            [*command, "--headless", "--json", "--mode", "page", "--for", "2"],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    readings = [json.loads(line) for line in done.stdout.splitlines()]
    assert "42" in {reading.get("steady") for reading in readings}


def pictures(count=1000):
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :32] = (200, 100, 50)
    return [image] * count


def one_camera(endpoints="default -h localhost -p 0", **settings):
    camera = CameraSettings("cameraA", **{"uri": "x", "rate": 100.0, "width": 64, "height": 48, **settings})
    return ServerSettings(endpoints, (camera,))


def hundred_a_second(uri):
    assert uri == "x"
    return Recorded(pictures(), rate=100.0)


def serve(settings=None, source=hundred_a_second, **options):
    return CameraServer(settings or one_camera(), source=source, **options)


def read(server, count=1):
    with IceCamera(server.offers[0].proxy) as camera:
        return [camera.read() for _ in range(count)]


def test_mirrored_and_in_another_size():
    with serve(one_camera(mirror=True, width=32, height=24)) as server:
        image = read(server)[0].image
    assert image.shape == (24, 32, 3)
    assert not image[:, :15].any()
    assert (image[:, 17:] == (200, 100, 50)).all()


def test_the_configured_rate_is_the_highest():
    with serve(one_camera(rate=20.0)) as server:
        frames = read(server, 11)
    assert 0.04 < (frames[-1].captured - frames[1].captured) / 9 < 0.25


def test_changes_are_told_and_a_source_that_breaks_comes_back():
    told = []
    tries = iter((SourceError("the cable is out"), ZeroDivisionError()))

    def source(uri):
        error = next(tries, None)
        if error is not None:
            raise error
        return Recorded(pictures(), rate=100.0)

    with serve(source=source, on_change=lambda name, state: told.append((name, state))) as server:
        begun = time.monotonic()
        while ("cameraA", "running") not in told:
            assert time.monotonic() - begun < 5.0
            time.sleep(0.01)
        assert read(server)
    assert told == [("cameraA", "the cable is out"), ("cameraA", "x: ZeroDivisionError"), ("cameraA", "running")]


def test_a_listener_that_fails_does_not_end_the_camera(caplog):
    def say(*_):
        raise BrokenPipeError(32, "Broken pipe")

    with serve(on_change=say) as server:
        assert len(read(server, 3)) == 3
    assert "the listener of cameraA failed" in caplog.text


@pytest.mark.parametrize(
    ("endpoints", "message"),
    [
        ("tcp -h 127.0.0.1 -p {taken}", "cannot listen at .*Address already in use; is another server running there"),
        ("udp -h 127.0.0.1 -p 0", r"udp is not supported: it has no responses\); expected e\.g\."),
        ("nonsense", r"expected e\.g\. \"default -h 0\.0\.0\.0 -p 9999\""),
        ("tcp -h 127.0.0.1 -p x", r"expected e\.g\."),
        ("tcp -h 192.0.2.1 -p 0", "cannot listen at .*Cannot assign"),
    ],
)
def test_a_place_that_cannot_be_had(endpoints, message):
    before = threading.active_count()
    with serve() as server:
        taken = server.offers[0].proxy.split()[-1]
        with pytest.raises(SourceError, match=message):
            serve(one_camera(endpoints.format(taken=taken))).start()
    begun = time.monotonic()
    while threading.active_count() > before:
        assert time.monotonic() - begun < 3.0
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("endpoints", "place"),
    [
        ("default -p 0", "tcp -h localhost"),
        ("tcp -h 0.0.0.0 -p 0", "tcp -h localhost"),
        ("ws -h localhost -p 0", "ws -h"),
    ],
)
def test_the_offered_proxy_leads_to_the_camera(endpoints, place):
    with serve(one_camera(endpoints)) as server:
        assert server.offers[0].proxy.startswith(f"cameraA:{place}")
        assert read(server)[0].image.shape == (48, 64, 3)


def test_one_layout_a_process():
    serve()
    with pytest.raises(UsageError, match="md5sum already"):
        serve(md5sum=False)


def test_who_asks_for_more_than_can_be_fetched_is_refused():
    from digitlab.camera_server.serving import ServedCamera

    camera = ServedCamera(one_camera().cameras[0], lambda: Recorded(pictures()))
    answers = []
    for _ in range(5):
        camera.ask("one client", answers.append)
    camera.ask("another", answers.append)
    assert answers == ["too many requests at once: earlier ones are still waiting"] * 3
    camera.close()
    assert answers[3:] == ["the camera server is shutting down"] * 3
