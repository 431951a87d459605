"""The short form of the endurance scripts: a few of each, as `make endurance` does them for hours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[2] / "bench" / "endurance"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("keras"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the processes of this system cannot be watched"),
]


def run(name: str, folder: Path, *words: str) -> list[dict[str, Any]]:
    """The rows of a script; all must have held."""
    command = [sys.executable, str(SCRIPTS / "run.py"), name, "--results", str(folder), "--minutes", "2", *words]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    rows: list[dict[str, Any]] = json.loads((folder / f"{name}.json").read_text())["rows"]
    return rows


def test_an_archive_that_is_killed_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    rows = run("kills", tmp_path, "--only", "archive", "archive-folder", "--count", "4")
    assert sum(row["measured"]["kills"] for row in rows) > 0
    assert not any(row["failures"] for row in rows)


def test_no_kill_and_no_full_disk_damages_a_file(tmp_path: Path) -> None:
    kinds = ["metrics.json", "d.h5", "idx3-ubyte", "arrays", "marks.xlsx", "snapshot", "session.mp4", "journal"]
    rows = run("writes", tmp_path, "--light", "--count", "3", "--only", *kinds)
    assert sum(row["tried"] for row in rows) >= 3 * len(kinds)
    assert not any(row["failures"] for row in rows)


def test_two_processes_on_one_folder_are_kept_apart(tmp_path: Path) -> None:
    rows = run("shared_folders", tmp_path, "--only", "cache", "archive", "--count", "5")
    assert [row["tried"] for row in rows] == [5, 1]


def test_a_script_that_does_not_exist_is_said(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(SCRIPTS / "run.py"), "kils"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "kils: no such script; expected:" in done.stderr
