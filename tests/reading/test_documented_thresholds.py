"""docs/reading.md says which thresholds give which precision, as the shipped page reader's file has them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """tools/reading_thresholds.py as a module."""
    return importlib.import_module("tools.reading_thresholds")


def test_the_page_has_the_thresholds_of_the_shipped_file(tool: ModuleType) -> None:
    page = (ROOT / "docs" / "reading.md").read_text("utf-8")
    assert tool.with_sentence(page, tool.stored_thresholds()) == page, "renew it: python tools/reading_thresholds.py"


def test_other_thresholds_make_another_page(tool: ModuleType) -> None:
    page = "before\n<!-- thresholds of page.onnx -->\n0.123\n<!-- end of thresholds -->\nafter"
    words = " ".join(tool.with_sentence(page, {0.9: 0.25, 0.99: 0.875, 0.95: 0.5, 0.999: 1.0}).split())
    assert "90 of 100 answers with a confidence of at least 0.25 are correct, 95 from 0.5, 99 from 0.875; " in words
    assert "`--threshold 0.875` answers fewer" in words
    assert "0.123" not in words
    assert "99.9" not in words
    assert words.startswith("before")
    assert words.endswith("after")


def test_a_page_without_the_place_is_refused(tool: ModuleType) -> None:
    with pytest.raises(ValueError, match="add both"):
        tool.with_sentence("no place", {0.9: 0.5})
