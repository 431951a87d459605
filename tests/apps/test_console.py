"""What is written to the terminal, a pipe or a full disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from digitlab.apps.cli import run
from digitlab.apps.cli.console import mention, say_json


def test_a_file_name_that_is_not_utf_8_is_valid_json(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"path": "vid\udcff.mp4", "text": "é"})
    written = capsys.readouterr().out
    assert written.isascii()
    assert json.loads(written) == {"path": "vid\udcff.mp4", "text": "é"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_behind_the_output_is_said_in_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "digitlab", "data", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 2
    assert ended.stderr == "digitlab: the output cannot be written: no space is left on the device\n"


def test_an_error_is_one_line_whatever_the_name_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["read", "a\x1b[31m\nb.jpg"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("digitlab: a\\x1b[31m b.jpg: cannot be opened")


def test_a_note_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    mention("new\r\nline\x1b[2J\u202e")
    assert capsys.readouterr().err == "digitlab: note: new line\\x1b[2J\\u202e\n"
