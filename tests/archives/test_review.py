"""The review page in a real browser: what is typed there comes back as a dataset."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitlab.apps.cli import run
from digitlab.archives import Doubts, read_corrections, write_review
from digitlab.archives.review_page import KIND
from digitlab.datasets import find_dataset
from digitlab.errors import DatasetError


def a_row(path: str, *confidences: float) -> dict[str, Any]:
    digits = [
        {"digit": 1, "confidence": each, "guess": 1, "second": 7, "second_confidence": 0.1, "box": [0, 0, 9, 9],
         "line": 0, "position": place}
        for place, each in enumerate(confidences)
    ]  # fmt: skip
    return {"path": path, "digits": digits, "turned": 0}


def test_the_least_certain_are_those_nearest_to_the_threshold() -> None:
    doubts = Doubts(3, threshold=0.5)
    for name, confidences in (("a", (0.99, 0.02)), ("b", (0.45, 0.52)), ("c", (0.7, 0.97))):
        doubts.see(a_row(name, *confidences))
    assert [each.confidence for each in doubts.least_certain()] == [0.52, 0.45, 0.7]
    assert doubts.seen == 6


@pytest.fixture(scope="module")
def page(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review")
    assert run(["read", str(scans / "b.png"), str(scans / "a.jpg"), "--review", str(folder), "--most", "9"]) == 0
    return folder / "review.html"


def test_the_page_loads_nothing_and_is_small(page: Path) -> None:
    text = page.read_text("utf-8")
    assert page.stat().st_size < 100_000
    assert not re.search(r"""(src|href)=["']?(?!data:|#)\w""", text)
    assert "http" not in text.replace("http-equiv", "")


@pytest.mark.slow
def test_what_is_typed_comes_back_as_a_dataset(
    page: Path, tmp_path: Path, needs_program: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    browser_path = needs_program("chromium", "chromium-browser", "google-chrome")
    from playwright.sync_api import sync_playwright

    troubles: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 390, "height": 800})
        shown.on("pageerror", lambda error: troubles.append(str(error)))
        shown.on("console", lambda message: troubles.append(message.text))
        shown.goto(page.as_uri())
        assert shown.evaluate("document.documentElement.scrollWidth") == 390
        for key in ("3", "n", "n", "ArrowLeft", "Backspace", "n", "8"):  # the third is taken back and said again
            shown.keyboard.press(key)
        shown.reload()  # what was typed is still there, and the first open one is chosen
        said = shown.locator(".label").all_text_contents()
        assert said == ["3", "–", "–", "8", *["?"] * 5]
        shown.locator("#keys button").nth(5).click()
        shown.keyboard.press("Enter")
        with shown.expect_download() as download:
            shown.click("#json")
        download.value.save_as(tmp_path / "corrections.json")
        with shown.expect_download() as download:
            shown.click("#csv")
        download.value.save_as(tmp_path / "corrections.csv")
        browser.close()
    assert not troubles
    assert len((tmp_path / "corrections.csv").read_text().splitlines()) == 7
    out = tmp_path / "mine.npz"
    assert run(["data", "from-review", str(tmp_path / "corrections.json"), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    digits = find_dataset(str(out)).split("all")
    assert told["images"] == len(digits)
    assert digits.labels.tolist()[:3] == [3, 8, 5]
    assert (digits.images.max(axis=(1, 2)) == 255).all()
    assert told["no_digit"] == 2 + (4 - len(digits))  # the last one counts as it was read, be it declined


def test_a_page_without_digits_says_so(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (50, 50), "white").save(tmp_path / "blank.png")
    assert run(["read", str(tmp_path / "blank.png"), "--review", str(tmp_path / "r.html")]) == 1
    assert "nothing to review" in (tmp_path / "r.html").read_text()


def test_a_page_of_pictures_that_are_gone_does_not_say_that_they_hold_nothing(tmp_path: Path) -> None:
    doubts = Doubts(5, 0.5)
    doubts.see(a_row(str(tmp_path / "gone.png"), 0.6))
    assert write_review(doubts.least_certain(), tmp_path / "r.html", seen=doubts.seen) == 0
    assert "No digit can be shown: the pictures cannot be opened here." in (tmp_path / "r.html").read_text("utf-8")


def entry(**changes: Any) -> dict[str, Any]:
    glyph = base64.b64encode(np.full(784, 9, np.uint8).tobytes()).decode()
    known = {"path": "a.png", "line": 0, "position": 0, "box": [0, 0, 5, 5], "read": 1, "label": 7, "glyph": glyph}
    return {**known, **changes}


def saved(path: Path, *entries: Any, kind: str = "digitlab corrections 1") -> Path:
    path.write_text(json.dumps({"kind": kind, "digits": entries}))
    return path


def test_the_last_word_counts_and_no_digit_has_no_label(tmp_path: Path) -> None:
    one = saved(tmp_path / "1.json", entry(), entry(box=[9, 0, 12, 5], label=None), entry(box=[1, 1, 2, 2], glyph=None))
    two = saved(tmp_path / "2.json", entry(label=1))
    found = read_corrections([one, two])
    assert found.digits.labels.tolist() == [1]
    assert (found.changed, found.no_digit, found.without_picture) == (0, 1, 1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"label": 10}, "expected 0 to 9"),
        ({"label": "7"}, "expected 0 to 9"),
        ({"label": True}, "expected 0 to 9"),
        ({"glyph": "AAAA"}, "3 bytes, expected 784"),
        ({"glyph": "!"}, "not base64"),
        ({"glyph": 5}, "not base64"),
        ({"box": None}, "has a value of the wrong kind"),
        ({"box": [0, 0, float("inf"), 5]}, "infinity"),
    ],
)
def test_a_wrong_entry_is_told_with_its_place(wrong: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.json", entry(), entry(**wrong))
    with pytest.raises(DatasetError, match=rf"digits\[1\] .*{message}.*; save the corrections again"):
        read_corrections([path])


def test_an_entry_that_is_no_object_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"kind": KIND, "digits": [5]}))
    with pytest.raises(DatasetError, match=r"digits\[0\] is not an object; save the corrections again"):
        read_corrections([path])
    with pytest.raises(DatasetError, match=r": is a folder; expected corrections"):
        read_corrections([tmp_path])


@pytest.mark.parametrize("content", ["", "[]", "{", '{"kind": "other", "digits": []}', "[" * 100_000])
def test_what_is_no_corrections_file_is_told(content: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(DatasetError, match="expected a file that the review page saved"):
        read_corrections([path])
    with pytest.raises(DatasetError, match="there is no file"):
        read_corrections([tmp_path / "none.json"])
