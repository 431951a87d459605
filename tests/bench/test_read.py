"""`digitlab bench read` on a folder of pictures made here; how good the reader is, only the command tells."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitlab.apps.cli import run
from digitlab.bench import made_pages, peers, read
from digitlab.bench.answering import PageResult, PagesResult, ratio_interval
from digitlab.bench.photos import find_sets
from digitlab.bench.read_table import renew_card, target_of
from digitlab.errors import DatasetError, UsageError
from digitlab.values import Digits

SPEED = {
    "page_ms": 30.0, "large_page_ms": 100.0, "digit_ms": 1.2, "idle_mb": 200.0, "digits_per_second": 3e4,
    "bad_ms": {"noise": 50.0}, "peak_mb": 400.0, "cold_ms": 700.0,
}  # fmt: skip


@pytest.fixture
def photos(tmp_path: Path, few_digits: Digits) -> Path:
    """A set of single pictures by two writers, one without digits, cells, scans, a page, and pages of two kinds."""
    folder = tmp_path / "photos"
    for name in ("photo_single", "neg_blank", "photo_multi", "cells", "pages_mixed", "pages_of_text"):
        (folder / name).mkdir(parents=True)
    big = [np.kron(255 - image, np.ones((4, 4), np.uint8)) for image in few_digits.images]
    rows = []
    for number, (image, label) in enumerate(zip(big, few_digits.labels, strict=True)):
        Image.fromarray(image).save(folder / "photo_single" / f"{number}.png")
        rows.append([f"{number}.png", label, "anna" if number % 2 else "otto"])
    write(folder / "photo_single" / "labels.csv", [["file", "label", "writer"], *rows])
    Image.new("L", (90, 90), 240).save(folder / "neg_blank" / "a.jpg")
    Image.fromarray(np.hstack(big[2:6])).save(folder / "photo_multi" / "p.png")
    text = "".join(map(str, few_digits.labels[2:6]))
    write(folder / "photo_multi" / "labels.csv", [["file", "text"], ["p.png", text]])
    Image.fromarray(np.hstack(big[2:6])).save(folder / "pages_mixed" / "p.png")
    for name in ("pages_mixed/blank.png", "pages_of_text/blank.png"):
        Image.new("L", (300, 200), 240).save(folder / name)
    mixed: list[list[object]] = [
        ["file", "kind", "text"],
        ["p.png", "a", f"{text[:2]}|{text[2:]}"],
        ["blank.png", "b", ""],
    ]
    write(folder / "pages_mixed" / "labels.csv", mixed)
    np.savez(folder / "scans.npz", X=big[:3], y=few_digits.labels[:3])
    cells = np.stack([np.repeat(image[..., None], 3, axis=2) for image in big[2:5]])
    cells[2] = 255
    np.savez(folder / "cells" / "cells.npz", X=cells, y=[*few_digits.labels[2:4], 0], handwritten=[True, True, False])
    return folder


@pytest.fixture(autouse=True)
def few_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speeds are not measured, and of MNIST's test images only some are asked for."""
    monkeypatch.setattr(read, "measure_apart", lambda *_, **__: SPEED)
    monkeypatch.setattr(read, "digits_on_pages", lambda _: list(made_pages.digits_on_pages(5)))


def write(path: Path, rows: list[list[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def test_every_measure_stands_beside_its_target(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "read", "--photos", str(photos), "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    found = {each["what"]: each for each in result["measures"]}
    assert found["photo_single"]["of"] == 20
    assert found["photo_single"]["value"] >= 0.9
    assert found["neg_blank"] | {"value": 1.0, "target": "≥ 0.98", "met": True} == found["neg_blank"]
    assert found["cells, empty"]["unit"] == "refused"
    assert found["one cropped digit of 64×64 by the Python API"]["met"] is False
    assert found["page of 12 megapixels"]["met"] is True
    assert found["start: one photo by `digitlab read`, cold"]["met"] is True
    assert found["shipped models"]["target"] == "≤ 6"
    assert found["MNIST's test images on white pages"]["of"] == 5
    assert found["photo_single, through read"]["of"] == 20
    assert found["scans"]["of"] == 3
    low, high = found["photo_single"]["interval"]
    assert 0 < low < found["photo_single"]["value"] <= high <= 1
    counts = result["writers"]["photo_single"]["digitlab"]
    assert sorted(counts) == ["anna", "otto"]
    assert sum(right for right, _ in counts.values()) == round(20 * found["photo_single"]["value"])
    for name in ("pages_mixed b", "pages_of_text"):
        claimed, without = found[f"{name}: digits claimed"], found[f"{name}: pages without any"]
        assert (claimed["value"], claimed["target"], without["value"], without["target"]) == (0, "≤ 0.3", 1, "≥ 0.85")
    assert found["pages_mixed a: character error"]["target"] == "≤ 0.12"
    assert [each["text"] for each in result["pages"]] == ["11|22", "", "", "1122"]


def test_among_other_things_only_the_digits_count() -> None:
    pages = [PageResult("a", (1, 1), "11|22", "?1122", 1.0), PageResult("b", (1, 1), "", "7|?", 1.0)]
    lined, mixed = PagesResult(pages), PagesResult(pages, digits_only=True)
    assert mixed.edits() == [(0, 4), (1, 0)]
    assert lined.edits() == [(2, 5), (3, 0)]
    assert (mixed.character_error, mixed.exact, mixed.claimed(), mixed.blank) == (0.25, 1, [4, 1], False)
    assert PagesResult(pages[1:], digits_only=True).blank


def test_the_interval_of_an_error_is_over_the_pages() -> None:
    low, high = ratio_interval([(1, 10), (0, 10), (0, 10), (3, 10)])
    assert 0 <= low < 0.1 < high <= 0.3


def test_the_card_gets_its_tables(photos: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("# A\n<!-- facts -->\nstale words\n<!-- /facts -->\nb\n<!-- measured -->\n<!-- /measured -->\nc\n")
    for _ in range(2):
        run(["bench", "read", "--photos", str(photos), "--card", str(card)])
    text = card.read_text()
    assert text.startswith("# A\n<!-- facts -->\n\n| ")
    assert text.count("| photo_single (accuracy) | 20 |") == 1
    assert "| photo_single | otto | 10 |" in text
    assert "stale words" not in text
    card.write_text("# A")
    with pytest.raises(UsageError, match="lacks the marks"):
        renew_card(card, read.measure_reading(photos, lambda _: None), None)


def test_a_folder_without_labels_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(DatasetError, match="labelled pictures"):
            find_sets(path)


def test_missing_peers_are_told_and_a_wrong_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "_has_rapidocr", lambda _: False)
    monkeypatch.setattr(peers.shutil, "which", lambda _: None)  # type: ignore[attr-defined]
    with peers.peers() as (found, missing):
        assert not found
        assert [line.split()[0] for line in missing] == ["rapidocr", "Tesseract"]
    with pytest.raises(UsageError, match="has no rapidocr"), peers.peers(sys.executable):
        pass


def test_targets_know_which_way_is_better() -> None:
    most, least = target_of("page of 12 megapixels"), target_of("neg_operators")
    assert most is not None
    assert least is not None
    assert (most.met(199), most.met(201), least.met(0.99), least.met(0.97)) == (True, False, True, False)
    assert str(target_of("neg_letters")) == "≥ 0.95", "the more particular one counts"
    assert target_of("mnist") is None
