"""The types that the page's scripts are checked with are those of what the server sends."""

from __future__ import annotations

import importlib.util

import pytest

pytest.importorskip("fastapi")

RENEW = "run python tools/write_page_types.py"


def test_the_scripts_are_checked_with_the_servers_types() -> None:
    writer = importlib.import_module("tools.write_page_types")
    assert writer.TARGET.read_text(encoding="utf-8") == writer.page_types(), RENEW
