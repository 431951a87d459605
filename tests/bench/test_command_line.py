"""The commands in result files: as typed, but without paths of the machine on which they ran."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digitlab.bench.machine import command_line

STORED = Path(__file__).parents[2] / "studies-results"
LOCAL = re.compile(r"(?:^|[\s='\"])(?:~|/|[A-Za-z]:[\\/]|\.\./)")


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("--minutes", "--minutes"),
        ("3.5", "3.5"),
        ("studies-results/fast.json", "studies-results/fast.json"),
        ("HERE/out/fast.json", "out/fast.json"),
        ("/elsewhere/hostile-run4", "hostile-run4"),
        ("--results=/elsewhere/hostile-run4", "--results=hostile-run4"),
        ("../older/src", "src"),
        ("clean_epochs=4", "clean_epochs=4"),
        ("onnx: by symlink", "'onnx: by symlink'"),
        ("rtsp://camera/live", "rtsp://camera/live"),
    ],
)
def test_a_path_of_this_machine_is_not_stored(
    word: str, kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path.resolve() / "checkout"
    here.mkdir()
    monkeypatch.chdir(here)
    assert command_line("bench/x.py", [word.replace("HERE", str(here))]) == f"python bench/x.py {kept}"


def commands(value: Any) -> Iterator[str]:
    """All texts under the key "command", at any depth."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name == "command" and isinstance(each, str):
                yield each
            yield from commands(each)
    elif isinstance(value, list):
        for each in value:
            yield from commands(each)


def test_no_stored_command_has_a_path_of_a_machine() -> None:
    stored = {path: list(commands(json.loads(path.read_text("utf-8")))) for path in STORED.rglob("*.json")}
    assert sum(map(len, stored.values())) > 20
    found = [f"{path.name}: {command}" for path, each in stored.items() for command in each if LOCAL.search(command)]
    assert not found
