"""Nothing is sent, and nothing is written but into our own cache and where one asked for it.

Each command runs with a home folder of its own, watched by strace: every socket that it, its workers and their helpers
connect, bind or send to.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

STUDY = '''"""Own: one small cell."""
from digitlab.studies import Study
from digitlab.training import TrainingConfig
STUDY = Study(
    base=TrainingConfig("conv-family", "digits-8x8", options={"filters": [4]}, optimiser="adam", epochs=1),
    vary={"kernel": [3]}, repeats=1,
)
'''
CALLS = "connect,bind,sendto,sendmsg,sendmmsg"
DNS = 53
ADDRESS = re.compile(  # as strace writes it
    r"sa_family=AF_INET6?, sin6?_port=htons\((?P<port>\d+)\)"
    r".*?(?:inet_addr\(|inet_pton\(AF_INET6, )\"(?P<host>[^\"]+)\""
)


@dataclass(frozen=True)
class Watch:
    """A folder with a fresh home and a place for results, and strace."""

    folder: Path
    strace: str

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @contextlib.contextmanager
    def started(self, *command: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
        """The command, in a session of its own; strace passes signals by, so they are for the whole session."""
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
        tracing = [self.strace, "-f", "-qq", "--seccomp-bpf", "-e", f"trace={CALLS}", "-o", str(self.folder / "trace")]
        process = subprocess.Popen(
            [*tracing, *command],
            cwd=self.out,
            env={**kept, "HOME": str(self.home), **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def run(self, *command: str, **settings: str) -> None:
        with self.started(*command, **settings) as process:
            _, complaint = process.communicate(timeout=250)
            assert process.returncode == 0, complaint

    def files(self) -> list[str]:
        """What lies in the home folder outside our own cache: files, and folders with nothing in them."""
        found = [path for path in self.home.rglob("*") if path.is_file() or not any(path.iterdir())]
        own = self.home / ".cache" / "digitlab"
        return sorted(str(path.relative_to(self.home)) for path in found if not path.is_relative_to(own))

    def sockets(self) -> list[str]:
        """The system calls that reach, or can be reached from, beyond this machine, or that ask for a name."""
        lines = (self.folder / "trace").read_text(errors="replace").splitlines()
        return [line[:300] for line in lines if "/run/systemd/resolve" in line or any(map(outside, named(line)))]


def named(line: str) -> list[tuple[str, int]]:
    return [(found["host"], int(found["port"])) for found in ADDRESS.finditer(line)]


def outside(place: tuple[str, int]) -> bool:
    """A resolver may stand on this machine, and asks others then."""
    address = ipaddress.ip_address(place[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return place[1] == DNS or not (mapped or address).is_loopback


@pytest.fixture
def watch(tmp_path: Path, needs_program: Callable[..., str]) -> Watch:
    strace = needs_program("strace")
    tried = subprocess.run([strace, "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect", "true"], capture_output=True)
    if tried.returncode:
        reason = f"strace may not trace here: {tried.stderr.decode().strip()}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    made = Watch(tmp_path, strace)
    made.home.mkdir()
    made.out.mkdir()
    return made


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A seven, dark on light."""
    paper = Image.new("L", (200, 200), 235)
    ImageDraw.Draw(paper).line([(60, 50), (140, 50), (90, 160)], fill=30, width=14, joint="curve")
    paper.save(tmp_path / "seven.png")
    return tmp_path / "seven.png"


def digitlab(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "digitlab", *arguments]


def test_the_watch_sees_a_name_asked_for_and_a_file_left_behind(watch: Watch) -> None:
    code = (
        "import pathlib, socket\n"
        "(pathlib.Path.home() / '.config' / 'id').mkdir(parents=True)\n"
        "try: socket.getaddrinfo('digitlab.invalid', 80)\n"
        "except OSError: pass\n"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect_ex(('192.0.2.1', 9))\n"
        "socket.create_server(('127.0.0.1', 0)).close()\n"
    )
    watch.run(sys.executable, "-c", code)
    assert watch.files() == [".config/id"]
    assert any(line.count("htons(53)") or "/run/systemd/resolve" in line for line in watch.sockets())
    assert any("192.0.2.1" in line for line in watch.sockets())
    assert not any("127.0.0.1" in line and "htons(53)" not in line for line in watch.sockets())


@pytest.mark.parametrize("verb", ["read", "classify"])
def test_pictures_stay_here(verb: str, watch: Watch, picture: Path) -> None:
    watch.run(*digitlab(verb, str(picture)))
    assert watch.files() == []
    assert watch.sockets() == []


def test_the_server_asks_nobody(watch: Watch, picture: Path) -> None:
    with watch.started(*digitlab("serve", "--port", "0")) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        for path, body in (("", None), ("v1/read", picture.read_bytes()), ("v1/inspect", picture.read_bytes())):
            with urllib.request.urlopen(address + path, body, timeout=60) as answer:  # noqa: S310
                assert answer.status == 200
        time.sleep(1)  # events are sent in batches
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
    assert watch.files() == []
    assert watch.sockets() == []


@pytest.mark.slow
@pytest.mark.xdist_group("keras")
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["train", "--architecture", "tiny-cnn", "--dataset", "digits-8x8", "--epochs", "1"], id="train"),
        pytest.param(
            [
                "train",
                "--architecture",
                "tiny-cnn",
                "--dataset",
                "digits-8x8",
                "--epochs",
                "1",
                "--log",
                "mlflow:store",
            ],
            id="train told to MLflow",
        ),
        pytest.param(["study", "run", "own.py", "--engine", "ray"], id="study on ray"),
        pytest.param(["export", "READER", "reader.xml"], id="export to OpenVINO"),
    ],
)
def test_long_work_leaves_nothing_but_its_results(command: list[str], watch: Watch) -> None:
    if "ray" in command:
        pytest.importorskip("ray", reason="the extra ray is not installed")
    if "--log" in command:
        pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    if "export" in command:
        pytest.importorskip("openvino", reason="the extra export is not installed")
    import digitlab as package

    (watch.out / "own.py").write_text(STUDY)
    reader = Path(package.__file__).parent / "reading" / "shipped" / "reader.keras"
    watch.run(*digitlab(*(str(reader) if each == "READER" else each for each in command)))
    assert watch.files() == []
    assert watch.sockets() == []
    assert len(list(watch.out.iterdir())) > 1  # beside own.py


def test_a_switch_that_the_user_has_set_stays(watch: Watch) -> None:
    code = (
        "import digitlab, os; raise SystemExit(os.environ['ORT_DISABLE_TELEMETRY'] + os.environ['KERAS_HOME'] != '0x')"
    )
    watch.run(sys.executable, "-c", code, ORT_DISABLE_TELEMETRY="0", KERAS_HOME="x")


def test_doctor_says_how_it_stands() -> None:
    for settings, said in (({}, "nothing is sent by ONNX Runtime, Ray, MLflow, OpenVINO"), (
        {"ORT_DISABLE_TELEMETRY": "0"}, "ORT_DISABLE_TELEMETRY=0 is set, so ONNX Runtime may send",
    )):  # fmt: skip
        environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
        told = subprocess.run(digitlab("doctor"), capture_output=True, text=True, env={**environment, **settings})
        assert said in told.stdout


def test_folders_that_the_user_has_already_are_used(watch: Watch) -> None:
    code = "from digitlab import privacy; privacy.keep_folders(); import os; print(os.environ.get('KERAS_HOME'))"
    for there, expected in ((False, str(watch.home / ".cache" / "digitlab" / "keras")), (True, "None")):
        if there:
            (watch.home / ".keras").mkdir()
        with watch.started(sys.executable, "-c", code) as process:
            assert process.communicate()[0].strip() == expected
