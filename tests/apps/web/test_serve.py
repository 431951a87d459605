"""`digitlab serve` as a user starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from digitlab.apps.cli import run, serve
from digitlab.apps.web.access import Access
from digitlab.apps.web.config import ServeConfig
from digitlab.errors import UsageError
from digitlab.jobs import page as jobs
from digitlab.static_page.config import PageConfig

TOKEN = "correct-horse-battery"  # noqa: S105


def test_it_says_where_it_is_and_ends_at_ctrl_c() -> None:
    command = [sys.executable, "-m", "digitlab", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address + "healthz", timeout=20) as answer:  # noqa: S310
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--host", "0.0.0.0"), "--no-token"),  # noqa: S104
        (("--port", "99999"), "expected 0 to 65535"),
        (("--host", "203.0.113.7", "--no-token", "--port", "0"), "cannot listen"),
        (("--token", "short"), "8 or more"),
        (("--token", "correct-horse", "--token-file", "token.txt"), "both given"),
        (("--token-file", "/dev/null"), "8 or more"),
        (("--token-file", "/"), "--token-file /"),
        (("--allowed-host", "digits.example.org"), "--no-token"),
        (("--allowed-host", "https://digits.example.org/", "--no-token"), "a name or an address alone"),
        (("--trusted-proxy", "nginx"), "an address or a network"),
        (("--class", "--no-token"), "--token-file"),
        (("--class", "--class-data", "class.csv", "--port", "0"), "ending in .npz"),
        (("--class", "--static", "page"), "exclude each other"),
        (("--model", "no-such-model"), "there is no model"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["serve", *arguments]) == 2
    complaint = capsys.readouterr().err
    assert said in complaint
    assert len(complaint.strip().splitlines()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("way", ["--token", "--token=", "--token-file", "DIGITLAB_TOKEN"])
def test_the_token_is_in_no_log_and_in_no_list_of_processes(way: str, tmp_path: Path) -> None:
    (tmp_path / "token.txt").write_text(TOKEN + "\n")
    given = {
        "--token": ["--token", TOKEN],
        "--token=": [f"--token={TOKEN}"],
        "--token-file": ["--token-file", str(tmp_path / "token.txt")],
        "DIGITLAB_TOKEN": [],
    }[way]
    environment = {**os.environ, **({"DIGITLAB_TOKEN": TOKEN} if way == "DIGITLAB_TOKEN" else {})}
    command = [sys.executable, "-m", "digitlab", "serve", "--port", "0", "--access-log", *given]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        address = said.split()[-1]
        assert TOKEN.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        with urllib.request.urlopen(f"{address}healthz?token={TOKEN}", timeout=20):  # noqa: S310
            pass
        with pytest.raises(urllib.error.HTTPError, match="401"):  # sent on to /, where this client brings no cookie
            urllib.request.urlopen(f"{address}?token={TOKEN}", timeout=20)  # noqa: S310
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{address}{TOKEN}", timeout=20)  # noqa: S310
        process.send_signal(signal.SIGINT)
        out, complaints = process.communicate(timeout=20)
    assert TOKEN not in said + out + complaints
    lines = [line for line in complaints.splitlines() if line.endswith(" ms")]
    assert [line.split()[2:5] for line in lines[:3]] == [
        ["GET", "/healthz", "200"],
        ["GET", "/", "303"],
        ["GET", "/", "401"],
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ 127.0.0.1 GET /healthz 200 \d+\.\d ms", lines[0])
    assert len(lines) == 4


def test_static_is_the_page_as_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[object] = []

    def write_page(folder: Path, config: object, **_: object) -> object:
        asked.append((folder, config))
        return jobs.WrittenPage(folder, ("reader",), {})

    monkeypatch.setattr(jobs, "write_page", write_page)
    assert run(["serve", "--static", str(tmp_path / "digits"), "--model", "mine.onnx"]) == 0
    assert asked == [(tmp_path / "digits", PageConfig(model=["mine.onnx"]))]


def test_a_token_file_is_made_for_its_owner_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "token.txt"
    made = serve._secret(ServeConfig(token_file=file))
    assert made is not None
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert file.stat().st_mode & 0o777 == 0o600
    assert made not in capsys.readouterr().err
    assert serve._secret(ServeConfig(token_file=file)) == made
    with pytest.raises(UsageError, match="No such file"):
        serve._secret(ServeConfig(token_file=tmp_path / "nowhere" / "token.txt"))


def test_the_browser_is_started_with_a_word_that_opens_the_page_once() -> None:
    access, host = Access("127.0.0.1", TOKEN), {b"host": b"localhost"}
    ticket = access.ticket()
    assert ticket is not None
    assert ticket != TOKEN
    assert access.cookie_for(host, b"token=x" + ticket.encode()) is None
    cookie = access.cookie_for(host, b"token=" + ticket.encode())
    assert cookie == access.cookie_for(host, f"token={TOKEN}".encode())
    assert access.cookie_for(host, b"token=" + ticket.encode()) is None
    assert Access("127.0.0.1", None).ticket() is None
