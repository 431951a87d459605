"""The constants and films that the browser's tracking is tested with are those of Python's."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WRITER = Path(__file__).parents[2] / "tools" / "write_live_numbers.py"


@pytest.fixture(scope="module")
def writer() -> Any:
    found = importlib.util.spec_from_file_location("write_live_numbers", WRITER)
    assert found is not None
    assert found.loader is not None
    made = importlib.util.module_from_spec(found)
    sys.modules[found.name] = made  # its dataclass looks itself up there
    found.loader.exec_module(made)
    return made


def test_the_browser_has_the_constants_of_python(writer: Any) -> None:
    assert writer.CONSTANTS.read_text(encoding="utf-8") == writer.constants(), f"run python tools/{WRITER.name}"


def test_films_and_comparisons_are_what_python_makes(writer: Any) -> None:
    kept, now = json.loads(writer.TARGET.read_text(encoding="utf-8")), json.loads(writer.text())
    beliefs, others = kept.pop("beliefs"), now.pop("beliefs")
    assert len(beliefs) == len(others)
    for one, other in zip(beliefs, others, strict=True):
        assert one["seen"] == other["seen"]
        for name in ("seconds", "states", "classes", "stood"):
            np.testing.assert_allclose(one[name], other[name], atol=1e-9, err_msg=f"run python tools/{WRITER.name}")
    assert kept == now, f"run python tools/{WRITER.name}"


def test_each_film_shows_what_it_should(writer: Any) -> None:
    films = json.loads(writer.TARGET.read_text(encoding="utf-8"))["films"]
    for name, film in films.items():
        steady = [text for _, _, text, _ in film["frames"] if text is not None]
        texts = [text for place, text in enumerate(steady) if text not in steady[place - 1 : place]]
        if "edge" in name:
            assert set(texts) == {"1"}, name
            continue
        assert texts[:4] == ["", "4", "7", "72"], name  # never 9, as which the 4 is misread once
        assert "2" in texts[4:], name
        assert any(drawing for *_, drawing in film["frames"]), name
