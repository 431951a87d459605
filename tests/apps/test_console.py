"""What is written to the terminal, a pipe or a full disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from digitlab.apps.cli.console import say_json


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
