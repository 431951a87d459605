import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

from digitlab.apps.cli import run
from digitlab.errors import MissingExtraError, StorageError
from digitlab.live import Steadiness
from digitlab.live.session_recorder import SessionRecorder


@pytest.fixture(scope="module")
def video(tmp_path_factory, page_of):
    """Two seconds of a page that shows 68."""
    path = tmp_path_factory.mktemp("videos") / "page.avi"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 30.0, (640, 480))
    assert writer.isOpened()
    for image in page_of("68") * 4:
        writer.write(image[:, :, ::-1])
    writer.release()
    return path


def lines(capsys):
    out, err = capsys.readouterr()
    return [json.loads(line) for line in out.splitlines()], err


def test_a_steady_text_is_one_line(video, capsys):
    assert run(["live", "--source", str(video), "--headless", "--fast"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[-1] for line in out.splitlines()] == ["68"]
    assert "48 frames captured, 48 read, 0 dropped" in err


def test_json_has_a_line_a_reading_and_a_summary(video, capsys):
    assert run(["live", "--source", str(video), "--headless", "--fast", "--json"]) == 0
    (*readings, last), _ = lines(capsys)
    assert [reading["frame"] for reading in readings] == list(range(48))
    assert readings[-1]["steady"] == "68"
    assert [track["digit"] for track in readings[-1]["tracks"]] == [6, 8]
    assert last["summary"]["source"] == "page.avi"
    assert last["summary"]["read"] == 48


def test_one_digit_of_a_region(video, capsys):
    assert run(["live", "--source", str(video), "--headless", "--fast", "--region", "320,100,170,280"]) == 0
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["8"]


def test_nothing_read_is_1(video, capsys):
    assert run(["live", "--source", str(video), "--headless", "--fast", "--region", "0,0,60,60"]) == 1


def test_it_ends_after_the_seconds_that_were_given(video, capsys):
    begun = time.monotonic()
    assert run(["live", "--source", str(video), "--headless", "--for", "0.4", "--json"]) in (0, 1)
    assert time.monotonic() - begun < 10.0
    readings, _ = lines(capsys)
    assert 0 < readings[-1]["summary"]["read"] < 30


def test_a_program_is_started_for_what_is_read(video, tmp_path, capsys):
    code = "import sys; open(sys.argv[1], 'a').write(sys.argv[2])"
    command = f'{sys.executable} -c "{code}" {tmp_path / "log"} {{digit}}'
    assert run(["live", "--source", str(video), "--headless", "--fast", "--on-digit", command]) == 0
    assert (tmp_path / "log").read_text() == "68"


def test_it_is_recorded(video, tmp_path, capsys):
    kept = tmp_path / "kept.avi"
    assert run(["live", "--source", str(video), "--headless", "--record", str(kept), "--for", "1"]) in (0, 1)
    assert kept.stat().st_size > 1000
    assert kept.with_suffix(".jsonl").read_text().count("\n") > 3


def test_an_old_configuration_starts_it_and_its_odd_keys_are_named(tmp_path, capsys):
    pytest.importorskip("Ice")
    old = tmp_path / "digitclassifier.yml"
    old.write_text(
        "DigitClassifier:\n  Camera:\n    Server: 1\n    Proxy: 'cameraA:tcp -h 127.0.0.1 -p 9'\n    Format: RGB8\n"
        "  Framework: Keras\n  Model: nowhere/net.h5\n  NodeName: dl\n"
    )
    assert run(["live", "--config", str(old), "--headless", "--for", "20"]) == 2
    err = capsys.readouterr().err
    assert "nowhere/net.h5: there is no such file; the shipped reader is used" in err
    assert "Framework: not used" in err
    assert "127.0.0.1 -p 9" in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no source given"),
        (["--source", "nowhere.mp4"], "nowhere.mp4"),
        (["--source", "x", "--region", "1,2"], "expected x,y,w,h"),
        (["--source", "x", "--for", "-3"], "expected seconds"),
        (["--source", "x", "--threshold", "7"], "expected 0 to 1"),
        (["--source", "x", "--topic", "/a"], "--ros ws://HOST:9090 is missing"),
        (["--source", "x", "--mqtt", "broker"], "expected mqtt://"),
        (["--source", "x", "--ros", "robot"], "expected ws://host:9090"),
        (["--source", "x", "--on-digit", "no-such-program {digit}"], "there is no program"),
        (["--source", "x", "--model", "nobody"], "there is no model 'nobody'"),
        (["--source", "x", "--mode", "book"], "book"),
        (["--source", "x", "--mode", "page", "--region", "0,0,50,50"], "--mode page reads the whole frame"),
    ],
)
def test_wrong_use_is_one_line_and_2(arguments, message, capsys):
    assert run(["live", "--headless", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_what_needs_no_window_says_so(capsys):
    assert run(["live", "--source", "0", "--json", "--mqtt", "mqtt://b/t"]) == 2
    assert "--json, --mqtt: only with --headless" in capsys.readouterr().err


def test_without_the_extra_the_way_without_a_window_is_named(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "PySide6", None)
    monkeypatch.setitem(sys.modules, "PySide6.QtWidgets", None)
    assert run(["live", "--source", "0"]) == 2
    assert "--headless" in capsys.readouterr().err


def test_the_window_gets_the_settings_of_the_session(monkeypatch):
    given = {}
    monkeypatch.setattr("digitlab.apps.desktop.run_window", lambda *_, **settings: given.update(settings) or 0)
    assert run(["live", "--source", "synthetic", "--pause", "0.4", "--hidden", "3", "--stale", "9"]) == 0
    assert given["steadiness"] == Steadiness(0.4, 3.0, 9.0)


def test_an_extra_that_a_model_needs_is_no_reason_for_headless(monkeypatch, capsys):
    def needs_more(_):
        raise MissingExtraError("train", needed_for="this model")

    monkeypatch.setattr("digitlab.apps.cli.reading.as_onnx", needs_more)
    assert run(["live", "--source", "synthetic", "--model", "net.h5"]) == 2
    err = capsys.readouterr().err
    assert "this model needs the extra" in err
    assert "--headless" not in err


def started(*arguments):
    command = [sys.executable, "-m", "digitlab", "live", "--headless", "--json", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_whoever_ends_it_gets_the_summary_and_the_code(number, code):
    process = started("--source", "synthetic:68")
    for _ in range(40):
        reading = json.loads(process.stdout.readline())
    assert reading["text"] == "68"
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert "summary" in json.loads(out.splitlines()[-1])
    assert "Traceback" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux' device for a full disk")
def test_output_that_cannot_be_written_is_said_in_a_line():
    command = [sys.executable, "-m", "digitlab", "live", "--headless", "--json", "--source", "synthetic:68"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    assert "cannot write the output: the disk is full" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_of_our_output_that_goes_away_is_no_fault():
    process = started("--source", "synthetic:68")
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(20) == 141
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()


def test_a_recording_that_fails_at_its_end_is_2(video, tmp_path, capsys, monkeypatch):
    close = SessionRecorder.close

    def fails(recorder):
        close(recorder)
        raise StorageError("the disk is full")

    monkeypatch.setattr(SessionRecorder, "close", fails)
    arguments = ["--source", str(video), "--headless", "--fast", "--record", str(tmp_path / "kept.mp4")]
    assert run(["live", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out, "what was read is printed all the same"
    assert "digitlab: the disk is full" in err


def test_a_program_that_fails_is_started_again_and_told_at_the_end(video, capsys):
    command = shlex.join([sys.executable, "-c", "import sys; sys.exit(3)"])
    assert run(["live", "--source", str(video), "--headless", "--json", "--on-digit", command]) == 3
    (*readings, last), err = lines(capsys)
    states = [line for line in readings if "outlet" in line]
    assert states[0] | {"seconds": 0.0} == {
        "outlet": "on-digit", "problem": f"{sys.executable} ended with 3", "seconds": 0.0, "failures": 1, "lost": 1,
    }  # fmt: skip
    assert last["summary"]["outlets"]["on-digit"]["lost"] == 1
    assert "is started again for the next text" in err
    assert err.splitlines()[-1] == f"digitlab: --on-digit: {sys.executable} ended with 3 (1 message lost)"


def test_a_broker_that_is_not_there_is_told_meanwhile_and_at_the_end(video, capsys):
    pytest.importorskip("paho.mqtt.client")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"mqtt://127.0.0.1:{closed.getsockname()[1]}/t"
        assert run(["live", "--source", str(video), "--headless", "--json", "--mqtt", address]) == 3
    (*readings, last), err = lines(capsys)
    problem = f"{address} does not respond; retrying"
    assert [line["problem"] for line in readings if "outlet" in line] == [problem]
    assert last["summary"]["outlets"]["mqtt"]["problem"] == problem
    assert err.splitlines()[-1].startswith(f"digitlab: --mqtt: {problem}")


def test_an_outlet_with_a_defect_silences_neither_the_lines_nor_the_other_outlets(video, tmp_path, capsys, monkeypatch):
    def fails(*_):
        raise RuntimeError("a defect")

    monkeypatch.setattr("digitlab.live.metrics.MetricsServer.tell", fails)
    command = shlex.join([sys.executable, "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])",
                          str(tmp_path / "log"), "{digit}"])  # fmt: skip
    arguments = ["--source", str(video), "--headless", "--fast", "--metrics", "127.0.0.1:0", "--on-digit", command]
    assert run(["live", *arguments]) == 3
    out, err = capsys.readouterr()
    assert [line.split()[-1] for line in out.splitlines()] == ["68"]
    assert (tmp_path / "log").read_text() == "68"
    assert err.count("--metrics: failed (RuntimeError: a defect); the next reading is tried again") == 1
    assert "digitlab: --metrics: failed (RuntimeError: a defect) (48 messages lost)" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("ice:cameraA:tcp -h -p x", "is not a proxy"),
        ("ice:cameraA", "has no endpoint"),
        ("ice:", "has no endpoint"),
        ("htp://phone/video", "addresses of this kind are not supported"),
        ("http://phone:x/video", "not an address"),
        ("rtsp:///1", "not an address"),
        ("ros:ws://robot", "names no topic"),
        ("synthetic,30fps", "expected synthetic:,30fps"),
    ],
)
def test_what_cannot_be_mended_by_waiting_ends_at_once_also_with_retry(source, message, capsys):
    if source.startswith("ice"):
        pytest.importorskip("Ice")
    begun = time.monotonic()
    assert run(["live", "--source", source, "--headless", "--retry", "--for", "60"]) == 2
    assert time.monotonic() - begun < 30.0
    assert message in capsys.readouterr().err.splitlines()[-1]
