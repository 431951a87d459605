"""`digitlab serve` as a user starts it."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request

import pytest

from digitlab.apps.cli import run


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
