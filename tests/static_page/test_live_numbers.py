"""The constants and films that the browser's tracking is tested with are those of Python's."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import numpy as np
import pytest

RENEW = "run python tools/write_live_numbers.py"


@pytest.fixture(scope="module")
def writer() -> Any:
    return importlib.import_module("tools.write_live_numbers")


def test_the_browser_has_the_constants_of_python(writer: Any) -> None:
    assert writer.CONSTANTS.read_text(encoding="utf-8") == writer.constants(), RENEW


def test_films_and_comparisons_are_what_python_makes(writer: Any) -> None:
    kept, now = json.loads(writer.TARGET.read_text(encoding="utf-8")), json.loads(writer.text())
    beliefs, others = kept.pop("beliefs"), now.pop("beliefs")
    assert len(beliefs) == len(others)
    for one, other in zip(beliefs, others, strict=True):
        assert one["seen"] == other["seen"]
        for name in ("seconds", "states", "classes", "stood"):
            np.testing.assert_allclose(one[name], other[name], atol=1e-9, err_msg=RENEW)
    assert kept == now, RENEW


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
