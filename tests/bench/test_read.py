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
from digitlab.bench import peers, read
from digitlab.bench.model_card import renew_card
from digitlab.bench.photos import find_sets
from digitlab.bench.targets import target_of
from digitlab.errors import DatasetError, UsageError
from digitlab.values import Digits

SPEED = {
    "page_ms": 30.0, "large_page_ms": 100.0, "digit_ms": 0.2, "idle_mb": 200.0, "digits_per_second": 3e4,
    "bad_ms": {"noise": 50.0}, "peak_mb": 400.0,
}  # fmt: skip


@pytest.fixture
def photos(tmp_path: Path, few_digits: Digits) -> Path:
    """A set of single pictures by two writers, one without digits, cells, and a page."""
    folder = tmp_path / "photos"
    for name in ("photo_single", "neg_blank", "photo_multi", "cells"):
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
    cells = np.stack([np.repeat(image[..., None], 3, axis=2) for image in big[2:5]])
    cells[2] = 255
    np.savez(folder / "cells" / "cells.npz", X=cells, y=[*few_digits.labels[2:4], 0], handwritten=[True, True, False])
    return folder


def write(path: Path, rows: list[list[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def test_every_measure_stands_beside_its_target(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(read, "measure_apart", lambda *_, **__: SPEED)
    assert run(["bench", "read", "--photos", str(photos), "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    found = {each["what"]: each for each in result["measures"]}
    assert found["photo_single"]["of"] == 20
    assert found["photo_single"]["value"] >= 0.9
    assert found["neg_blank"] | {"value": 1.0, "target": "≥ 0.98", "met": True} == found["neg_blank"]
    assert found["cells, empty"]["unit"] == "refused"
    assert found["one cropped digit of 64×64 by the Python API"]["met"] is False
    assert found["page of 12 megapixels"]["met"] is True
    assert found["shipped models"]["value"] < 5
    counts = result["writers"]["photo_single"]["digitlab"]
    assert sorted(counts) == ["anna", "otto"]
    assert sum(right for right, _ in counts.values()) == round(20 * found["photo_single"]["value"])
    assert result["pages"][0]["text"] == "1122"


def test_the_card_gets_its_tables(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "measure_apart", lambda *_, **__: SPEED)
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
    monkeypatch.setattr(peers.shutil, "which", lambda _: None)
    with peers.peers() as (found, missing):
        assert not found
        assert [line.split()[0] for line in missing] == ["rapidocr", "Tesseract"]
    with pytest.raises(UsageError, match="has no rapidocr"), peers.peers(sys.executable):
        pass


def test_targets_know_which_way_is_better() -> None:
    most, least = target_of("page of 12 megapixels"), target_of("neg_letters")
    assert most is not None
    assert least is not None
    assert (most.met(149), most.met(151), least.met(0.99), least.met(0.97)) == (True, False, True, False)
    assert target_of("mnist") is None
