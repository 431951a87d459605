"""What systemd, Prometheus and Home Assistant are told."""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

from digitlab.apps.cli import run
from digitlab.errors import UsageError
from digitlab.live import LiveReading
from digitlab.live.home_assistant import discovery
from digitlab.live.metrics import MetricsServer
from digitlab.live.mqtt import NOTHING_READ
from digitlab.live.service import Service
from digitlab.values import Reading


@pytest.fixture
def manager(tmp_path):
    """systemd's end of the line."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.settimeout(20)
        yield line, str(tmp_path / "notify")


def test_ready_alive_and_ending_are_said_and_one_that_hangs_is_not_said_to_be_alive(manager):
    line, address = manager
    service = Service({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "20000"})
    service.alive("running: 7", alive=True)
    assert set(line.recv(999).decode().split("\n")) == {"READY=1", "STATUS=running: 7", "WATCHDOG=1"}
    time.sleep(0.02)
    service.alive("hangs", alive=False)
    service.ending()
    assert line.recv(999) == b"STOPPING=1"


def test_without_systemd_nothing_happens_and_another_process_watchdog_is_not_ours(manager):
    Service({}).alive("x", alive=True)
    _, address = manager
    assert not Service({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}).watched
    Service({"NOTIFY_SOCKET": address + "gone"}).alive("x", alive=True)


def test_a_session_says_it(manager):
    line, address = manager
    words = [sys.executable, "-m", "digitlab", "live", "--headless", "--source", "synthetic:7", "--for", "2"]
    environment = {**os.environ, "NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"}
    environment.pop("WATCHDOG_PID", None)
    process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    said = [line.recv(999).decode()]
    while said[-1] != "STOPPING=1":
        said.append(line.recv(999).decode())
    assert "READY=1" in said[0]
    assert sum("WATCHDOG=1" in each for each in said) >= 2
    assert process.wait(20) in (0, 1)  # 1: so slow a machine that nothing was read


def test_figures_are_served(camera, page_of, reader):
    from digitlab.live import LiveEngine

    server = MetricsServer("0")
    engine = LiveEngine(camera(page_of("5")[:6]), reader)
    server.engine = engine
    engine.subscribe(server.tell)
    with engine:
        assert engine.wait(60)
        address = f"http://127.0.0.1:{server.port}"
        with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:  # noqa: S310
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            lines = answer.read().decode().splitlines()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{address}/other", timeout=10)  # noqa: S310
    server.close()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values["digitlab_live_frames_read_total"] == "6"
    assert values['digitlab_live_source_state{state="ended"}'] == "1"
    assert float(values['digitlab_live_latency_seconds{quantile="0.95"}']) > 0


def test_figures_are_served_over_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as here:
            here.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 on this machine")
    server = MetricsServer("[::1]:0")
    with urllib.request.urlopen(f"http://[::1]:{server.port}/metrics", timeout=10) as answer:
        assert b"digitlab_live_tellings_total 0" in answer.read()
    server.close()


def test_whoever_disconnects_or_says_nothing_leaves_neither_a_traceback_nor_a_thread_each(capfd, monkeypatch):
    monkeypatch.setattr(socket, "getfqdn", lambda *_: pytest.fail("it looks up a name"))
    monkeypatch.setattr("digitlab.live.metrics._SILENT_FOR", 0.5)
    before = threading.active_count()
    server = MetricsServer("0")
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", server.port)) as rude:
            rude.send(b"GET /met")
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
    for each in silent:
        each.settimeout(20)
        assert each.recv(1) == b""  # closed by the server
        assert threading.active_count() <= before + 20
        each.close()
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as answer:
        assert answer.status == 200
    server.close()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("address", ["", "host", "1:2:x", "127.0.0.1:99999"])
def test_what_is_no_address_for_figures(address):
    with pytest.raises(UsageError, match="expected HOST:PORT"):
        MetricsServer(address)


def test_a_port_that_is_taken_is_said(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = ["live", "--headless", "--source", "synthetic:7", "--metrics", str(taken.getsockname()[1])]
        assert run(words) == 2
    assert "cannot listen there" in capsys.readouterr().err
    with pytest.raises(UsageError, match="cannot listen there"):
        MetricsServer("a..b:0")


def test_home_assistant_gets_one_device_with_what_it_needs():
    messages = {place: json.loads(payload) for place, payload in discovery("robot/digits")}
    assert len({json.dumps(each["device"], sort_keys=True) for each in messages.values()}) == 1
    assert len({each["unique_id"] for each in messages.values()}) == len(messages) == 5
    for place, each in messages.items():
        assert place.startswith("homeassistant/")
        assert place.endswith("/config")
        assert (each["state_topic"], each["availability_topic"]) == ("robot/digits", "robot/digits/state")
        assert each["expire_after"] > 1
    assert {next(iter(discovery(topic)))[0] for topic in ("a/b", "a_b")} != {next(iter(discovery("a/b")))[0]}
    # Home Assistant ignores a message whose topic has other characters.
    assert all(re.fullmatch(r"[a-zA-Z0-9_/-]+", place) for place, _ in discovery("küche/ziffern 山"))


def test_the_templates_render_as_home_assistant_does():
    jinja2 = pytest.importorskip("jinja2")
    live = LiveReading(3, time.monotonic() - 4.0, 0.0, 1.0, Reading((), 1.0), None, last=("68", time.monotonic() - 9.0))
    rendered = {}
    for text in (None, "", "7"):
        payload = {**live.announcement().as_json(), "text": text}
        for place, said in discovery("t"):
            template = jinja2.Environment(autoescape=True).from_string(json.loads(said)["value_template"])
            rendered[text, place.split("/")[-2]] = template.render(value_json=payload)
    assert [rendered[text, "number"] for text in (None, "", "7")] == ["None", "nothing", "7"]  # None: unknown
    assert rendered[None, "last_good"] == "68"
    assert 4.0 <= float(rendered[None, "age"]) < 30.0
    assert rendered[None, "drawing"] == "OFF"
    assert rendered[None, "confidence"] == "None"
    before_the_first_frame = {
        jinja2.Template(json.loads(said)["value_template"]).render(value_json=NOTHING_READ)
        for _, said in discovery("t")
    }
    assert before_the_first_frame == {"None", "OFF"}
