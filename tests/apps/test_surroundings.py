"""The command where the locale takes ASCII only, and where the home cannot be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def digitlab(*arguments: str | bytes | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "digitlab.apps.cli", *arguments],
        env={**os.environ, "COLUMNS": "120", **environment},
        capture_output=True,
        timeout=120,
    )


ASCII = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def seven(tmp_path: Path) -> Path:
    """A picture whose name is not of ASCII."""
    image = np.full((90, 90), 255, np.uint8)
    image[20:26, 25:65] = 0
    for row in range(20, 75):
        image[row, 60 - (row - 20) // 3 : 66 - (row - 20) // 3] = 0
    folder = tmp_path / "é"
    folder.mkdir()
    Image.fromarray(image).save(folder / "山.png")
    return folder / "山.png"


@pytest.mark.parametrize("arguments", [("data", "list"), ("--help",), ("evaluate", "--help"), ("read", "ж.png")])
def test_no_sign_is_too_much_for_an_ascii_locale(arguments: tuple[str, ...]) -> None:
    done = digitlab(*arguments, **ASCII)
    assert b"Traceback" not in done.stderr
    assert (done.stdout + done.stderr).isascii()
    assert done.returncode == (2 if arguments[0] == "read" else 0)


def test_names_and_files_survive_an_ascii_locale(seven: Path, tmp_path: Path) -> None:
    table = tmp_path / "r.csv"
    told = digitlab("read", seven, "--json", "--csv", table, "--draw", tmp_path / "ж", **ASCII)
    assert told.stdout.isascii()
    assert json.loads(told.stdout)["path"] == str(seven)
    assert str(seven) in table.read_text(encoding="utf-8")
    assert (tmp_path / "ж" / "山.png").is_file()
    said = digitlab("classify", seven, **ASCII)
    assert rb"e/\u5c71.png: 7" in said.stdout


def test_a_name_that_is_no_utf8_is_printed_and_is_json(seven: Path) -> None:
    odd = os.fsencode(seven.parent) + b"/\xff.png"
    Path(os.fsdecode(odd)).write_bytes(seven.read_bytes())
    assert rb"\xff.png: 7" in digitlab("classify", odd, PYTHONIOENCODING="").stdout
    for verb in ("classify", "read"):
        found = json.loads(digitlab(verb, odd, "--json", PYTHONIOENCODING="").stdout)
        assert found["path"].endswith(r"\xff.png")


def test_a_home_that_cannot_be_written_is_not_complained_of_by_matplotlib(tmp_path: Path) -> None:
    out = tmp_path / "grid.png"
    home = {"HOME": "/dev/null", "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": "", "MPLCONFIGDIR": ""}
    done = digitlab("data", "show", "mnist", "-n", "12", "--out", out, **home)
    assert done.returncode == 0
    assert out.is_file()
    assert b"atplotlib" not in done.stderr
    assert b"MPLCONFIGDIR" not in done.stderr
