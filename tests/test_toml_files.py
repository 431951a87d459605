"""TOML files of a stranger: whatever stands in them, one of our errors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from digitlab.errors import RecipeError, RunError
from digitlab.runs import Run
from digitlab.sheets.form_file import read_form
from digitlab.toml_files import parse_toml, read_toml
from digitlab.training.config import architecture_options

if TYPE_CHECKING:
    from pathlib import Path

DEEP = "a = " + "[" * 5_000 + "]" * 5_000
TABLES = "[" + ".".join("a" * 3_000) + "]"
LONG = "a = " + "9" * 5_000


@pytest.mark.parametrize("text", [DEEP, LONG, "a = 1979-99-99", "\x00", 'a = "\\ud800"'])
def test_what_the_parser_does_not_survive_is_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"."):
        parse_toml(text)
    with pytest.raises(RecipeError, match="not a readable TOML file"):
        read_toml(path)
    with pytest.raises(RecipeError, match="is not TOML"):
        read_form(path)
    with pytest.raises(RunError, match="damaged, not TOML"):
        Run(tmp_path).read_config()
    assert architecture_options([f"kernel={text.removeprefix('a = ')}"])["kernel"]


def test_a_folder_is_not_called_bad_toml(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=rf"^{tmp_path}: cannot be read \(Is a directory\); expected a TOML file$"):
        read_toml(tmp_path)


def test_many_tables_within_tables_are_read(tmp_path: Path) -> None:
    """Headers nest without recursion; who looks for keys finds none of theirs."""
    found, depth = parse_toml(TABLES), 0
    while found:
        found, depth = found["a"], depth + 1
    assert depth == 3_000 > sys.getrecursionlimit()


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# " + "x" * 1_000_000)
    with pytest.raises(RecipeError, match="has 1,000,002 bytes; expected at most 1,000,000"):
        read_toml(path)


def test_a_deep_json_of_a_run_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text("[" * 100_000)
    with pytest.raises(RunError, match="cannot be read"):
        Run(tmp_path).read_json(path)
