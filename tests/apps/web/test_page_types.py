"""The types that the page's scripts are checked with are those of what the server sends."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

WRITER = Path(__file__).parents[3] / "tools" / "write_page_types.py"


def test_the_scripts_are_checked_with_the_servers_types() -> None:
    found = importlib.util.spec_from_file_location("write_page_types", WRITER)
    assert found is not None
    assert found.loader is not None
    writer = importlib.util.module_from_spec(found)
    found.loader.exec_module(writer)
    assert writer.TARGET.read_text(encoding="utf-8") == writer.page_types(), f"run python tools/{WRITER.name}"
