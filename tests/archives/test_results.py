"""What survives: parts, changes of files and of settings, both forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from digitlab.archives import Answer, Picture, Results, find_pictures, row_of
from digitlab.archives.job import stamp_of
from digitlab.errors import DatasetError, UsageError
from digitlab.values import ReadDigit, Reading

NAMES = ("r.jsonl", "r.parquet", "r")


def rows_for(pictures: list[Picture], made_by: str = "m", error: str | None = None) -> list[dict[str, Any]]:
    digit = ReadDigit(7, 0.9, (1, 2, 30, 40), 0, (0.0,) * 7 + (0.9, 0.1, 0.0))
    reading = Reading((digit, ReadDigit(None, 0.4, (31, 2, 50, 40), 0)), 3.0, size=(60, 50))
    answers = [Answer(each.name, None if error else reading, error, stamp_of(each.path)) for each in pictures]
    return [row_of(each, made_by) for each in answers]


@pytest.fixture
def pictures(tmp_path: Path) -> list[Picture]:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in "abcdef":
        (folder / f"{name}.png").write_text(name)
    return find_pictures([folder])


def needs_parquet(name: str) -> None:
    if not name.endswith(".jsonl"):
        pytest.importorskip("pyarrow", reason="the extra ray is not installed")


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_run_goes_on_with_what_is_missing(name: str, tmp_path: Path, pictures: list[Picture]) -> None:
    needs_parquet(name)
    out = tmp_path / name
    with Results(out, "m") as results:
        assert results.missing(pictures) == pictures
        for row in rows_for(pictures[::2]):
            results.add(row)
    if name != "r":
        assert not out.exists()  # nothing under that name before all is there
    with Results(out, "m") as results:
        missing = results.missing(pictures)
        assert missing == pictures[1::2]
        for row in rows_for(missing):
            results.add(row)
        results.finish(pictures)
        found = list(results)
    expected = rows_for(pictures)
    assert (found if name != "r" else sorted(found, key=lambda row: row["path"])) == expected
    assert not out.with_name(out.name + ".parts").exists()
    with Results(out, "m") as results:
        assert results.missing(pictures) == []
        results.finish(pictures)
        assert len(list(results)) == len(pictures)


@pytest.mark.parametrize("name", NAMES)
def test_what_changed_or_failed_is_read_again(name: str, tmp_path: Path, pictures: list[Picture]) -> None:
    needs_parquet(name)
    out = tmp_path / name
    with Results(out, "m") as results:
        for row in [*rows_for(pictures[1:]), *rows_for(pictures[:1], error="cannot be opened")]:
            results.add(row)
        results.finish(pictures)
    Path(pictures[2].path).write_text("changed")
    Path(pictures[5].path).unlink()
    with Results(out, "m") as results:
        missing = results.missing(pictures[:5])
        assert missing == [pictures[0], pictures[2]]
        for row in rows_for(missing):
            results.add(row)
        results.finish(pictures[:5])
        found = sorted(row["path"] for row in results)
    assert found == [each.name for each in pictures[:5]]


def test_readings_of_other_settings_or_pictures_are_not_mixed(tmp_path: Path, pictures: list[Picture]) -> None:
    out = tmp_path / "r.jsonl"
    with Results(out, "m") as results:
        for row in rows_for(pictures):
            results.add(row)
        results.finish(pictures)
    before = out.read_bytes()
    with Results(out, "other") as results, pytest.raises(UsageError, match="another model"):
        results.missing(pictures)
    with Results(out, "m") as results, pytest.raises(UsageError, match="not among the pictures given now"):
        results.missing(pictures[:2])
    assert out.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1]\n", b'{"path": 1}\n', b"{" * 100_000])
def test_a_foreign_file_is_told(content: bytes, tmp_path: Path, pictures: list[Picture]) -> None:
    out = tmp_path / "r.jsonl"
    out.write_bytes(content)
    with Results(out, "m") as results:
        if content:
            with pytest.raises(DatasetError, match="not a reading of digitlab"):
                results.missing(pictures)
        else:
            assert results.missing(pictures) == pictures


def test_a_name_that_is_taken_by_the_other_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").mkdir()
    (tmp_path / "b").touch()
    for name in ("a.jsonl", "b"):
        with pytest.raises(UsageError, match="expected a"):
            Results(tmp_path / name, "m")
    with pytest.raises(UsageError, match="expected a folder"):
        Results(tmp_path / "c.jsonl", "m", folder=True)


def test_a_row_tells_guesses_and_places(pictures: list[Picture]) -> None:
    row = rows_for(pictures[:1])[0]
    assert json.loads(json.dumps(row)) == row
    first, second = row["digits"]
    assert (first["digit"], first["guess"], first["second"], first["position"]) == (7, 7, 8, 0)
    assert (second["digit"], second["guess"], second["second"], second["position"]) == (None, None, None, 1)
    assert (row["text"], row["width"], row["height"]) == ("7?", 60, 50)


def test_no_second_guess_is_surer_than_the_first() -> None:
    """Of a mark that is a digit with 0.6 only, both guesses count that."""
    shares = (0.55, 0.45, *[0.0] * 8)
    reading = Reading((ReadDigit(None, 0.6 * 0.55, (0, 0, 9, 9), 0, shares),), 1.0)
    found = row_of(Answer("a", reading, None, (1, 1)), "m")["digits"][0]
    assert (found["confidence"], found["second"], found["second_confidence"]) == (0.33, 1, 0.27)
