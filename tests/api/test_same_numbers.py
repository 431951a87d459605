"""The table of docs/python.md: each task at the prompt and in Python, run as it stands, with the same numbers."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.apps.test_documented import tokens_of

import digitlab
from digitlab.apps.cli import run

pytestmark = [pytest.mark.xdist_group("examples"), pytest.mark.usefixtures("quick_ending")]

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
ROW = re.compile(r"^\| ([a-z ]+) \| `digitlab (.+?)` \| `(.+?)` \|$", re.MULTILINE)


def rows() -> list[tuple[str, str, str]]:
    table = PAGE.read_text("utf-8").partition("| task |")[2].partition("\n\n")[0]
    return [(row[1], row[2], row[3]) for row in ROW.finditer(table)]


# Task → what of the command's JSON, and what of Python's value, is the same.
NUMBERS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "train": (
        lambda told: (told["accuracy"], told["loss"], told["images"], told["epochs"]),
        lambda found: (
            found.metrics.accuracy, found.metrics.loss, found.metrics.images, len(found.history.epochs),
        ),
    ),
    "evaluate": (
        lambda told: {name: told[name] for name in ("accuracy", "loss", "ece", "intervals", "confusion_matrix")},
        lambda found: json.loads(json.dumps({
            name: found.kept[name] for name in ("accuracy", "loss", "ece", "intervals", "confusion_matrix")
        })),
    ),
    "compare two": (lambda told: told, lambda found: json.loads(json.dumps(found.as_dict()))),
    "look inside": (
        lambda told: (told["name"], told["pictures"], told["digit"] if "digit" in told else told.keys()),
        lambda found: (
            found.kept["name"], list(found.pictures),
            json.loads(json.dumps(found.kept["digit"])) if "digit" in found.kept else found.kept.keys(),
        ),
    ),
    "read": (
        lambda told: (told["text"], told["digits"]),
        lambda found: (found.text, json.loads(json.dumps([each.as_dict() for each in found.digits]))),
    ),
}  # fmt: skip


@pytest.fixture
def folder(examples_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The names of the table: `few.npz`, `page.png`, `runs/first`, `runs/second`."""
    for name in ("few.npz", "page.png"):
        shutil.copy(examples_folder / name, tmp_path)
    kept = sorted((examples_folder / "runs").glob("*-slides-cnn-few*"))
    for name, path in zip(("first", "second"), kept, strict=False):
        shutil.copytree(path, tmp_path / "runs" / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("task", "command", "python"), rows(), ids=[row[0] for row in rows()])
@pytest.mark.usefixtures("folder")
def test_both_sides_give_the_same(task: str, command: str, python: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*tokens_of(command), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    offered = {name: getattr(digitlab, name) for name in digitlab.__all__}
    found = eval(python, offered)  # noqa: S307 - our own page
    of_command, of_python = NUMBERS[task]
    assert of_command(told) == of_python(found)


def test_the_table_has_five_tasks() -> None:
    assert [row[0] for row in rows()] == list(NUMBERS)
