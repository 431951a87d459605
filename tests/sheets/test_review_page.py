"""Looking over: the page, corrections into table and dataset, promises, drift, agreement."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from digitlab.apps.cli import run
from digitlab.errors import ImageError, UsageError
from digitlab.sheets import lay_out, read_form
from digitlab.sheets.promise import drift_of, needed_for, promise_of, upper_bound
from digitlab.sheets.promise_file import StoredPromise, read_promise, save_promise
from digitlab.sheets.review_page import KIND, chosen_fields, write_fields_page
from digitlab.sheets.values import FieldRead

from .conftest import FORM, VALUES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.sheets.values import State

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def marks(photo: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a form, a photo and the table of it."""
    folder = tmp_path_factory.mktemp("marks")
    (folder / "weights.toml").write_text(FORM)
    Image.fromarray(photo).save(folder / "a.jpg", quality=92)
    words = [str(folder / "weights.toml"), str(folder / "a.jpg"), "--out", str(folder / "m.csv"), "--jobs", "1"]
    assert run(["sheet", "read", *words]) == 0
    return folder


def said(field: str, value: str, *, read: str = "", confidence: float = 0.99, file: str = "a.jpg") -> dict[str, Any]:
    return {
        "file": file, "field": field, "value": read or VALUES.get(field, ""), "state": "answered", "sampled": True,
        "confidence": confidence, "said": value,
    }  # fmt: skip


def corrections(path: Path, *fields: dict[str, Any]) -> str:
    path.write_text(json.dumps({"kind": KIND, "fields": list(fields)}))
    return str(path)


def row(folder: Path) -> dict[str, str]:
    return next(csv.DictReader((folder / "m.csv").read_text("utf-8").splitlines()))


def content_of(page: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(page.read_text("utf-8").split('id="content">')[1].split("</script>")[0])
    return content


def test_the_page_shows_whole_fields_and_runs_nothing_else(marks: Path) -> None:
    out = marks / "review.html"
    words = [str(marks / "weights.toml"), str(marks / "m.csv"), "--out", str(out), "--sample", "-1"]
    assert run(["sheet", "review", *words]) == 0
    page = out.read_text("utf-8")
    content = content_of(out)["fields"]
    filled = {name for name, value in VALUES.items() if value not in ("", "no")}
    assert {each["field"] for each in content} == filled
    assert all(each["sampled"] and each["crop"].startswith("data:image/webp;base64,") for each in content)
    assert "default-src 'none'" in page
    (sheet,) = content_of(out)["sheets"]  # once, however many of its fields are shown
    assert sheet["picture"].startswith("data:image/webp;base64,")
    boxes = {name: (value, *(round(side) for side in sides)) for name, value, _, *sides in sheet["boxes"]}
    assert boxes.keys() == VALUES.keys()
    placed = {each.field.name: each.box for each in lay_out(read_form(marks / "weights.toml")).placed}
    x0, y0, *_ = placed["animal"]
    assert boxes["animal"][:3] == ("40713", round(100 * x0 / 210), round(100 * y0 / 297))


def test_a_page_says_which_photos_are_missing(marks: Path, tmp_path: Path) -> None:
    rows = [
        ({"path": str(marks / "a.jpg")}, [replace(field("animal", "doubtful", 0.4), value="4?713")]),
        ({"path": str(tmp_path / "gone.jpg")}, [field("animal", "doubtful", 0.6)]),
    ]
    form, out = read_form(marks / "weights.toml"), tmp_path / "r.html"
    assert write_fields_page(chosen_fields(rows, 9, 0, 0), form, marks / "m.csv", out) == 1
    assert "1 of 2 fields cannot be shown: their photos cannot be opened here." in out.read_text("utf-8")
    assert write_fields_page(chosen_fields(rows[1:], 9, 0, 0), form, marks / "m.csv", out) == 0
    assert "1 of 1 field cannot be shown" in out.read_text("utf-8")
    assert "Every field is answered" not in out.read_text("utf-8")


def test_how_many_fields_are_left_out_is_said(
    marks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(*_: object) -> None:
        raise ImageError("there is no such file")

    monkeypatch.setattr("digitlab.sheets.flat_sheet.FlatSheets.open", gone)
    words = [str(marks / "weights.toml"), str(marks / "m.csv"), "--out", str(tmp_path / "r.html"), "--sample", "-1"]
    assert run(["sheet", "review", *words]) == 0
    count = sum(value not in ("", "no") for value in VALUES.values())
    assert f"{count} of {count} fields are left out: their photos cannot be opened here" in capsys.readouterr().err


def field(name: str, state: State, confidence: float) -> FieldRead:
    return FieldRead(name, "1", confidence, state, "1", (0, 0, 9, 9))


def test_the_sheet_of_the_least_certain_field_comes_first() -> None:
    rows = [
        ({"path": "a.jpg"}, [field("n", "answered", 0.9), field("m", "doubtful", 0.4)]),
        ({"path": "b.jpg"}, [field("n", "doubtful", 0.6), field("m", "failed check", 0.9)]),
        ({"path": "c.jpg"}, [field("n", "doubtful", 0.7), field("m", "answered", 0.8)]),
    ]
    found = chosen_fields(rows, 3, -1, 0)
    assert [(each.file, each.read.name, each.sampled) for each in found.fields] == [
        ("b.jpg", "n", False), ("b.jpg", "m", False), ("a.jpg", "m", False), ("a.jpg", "n", True), ("c.jpg", "m", True),
    ]  # fmt: skip
    assert found.sheets["a.jpg"] == {"n": ("1", "answered"), "m": ("1", "doubtful")}
    differing = chosen_fields(rows, 1, 0, 0, {("a.jpg", "n"): "7"})
    assert [each.read.name for each in differing.fields] == ["m"]  # one at most: the failed one
    both = chosen_fields(rows, 9, -1, 0, {("a.jpg", "n"): "7"})
    assert [(each.other, each.sampled) for each in both.fields if each.read.name == "n" and each.file == "a.jpg"] == [
        ("7", False)
    ]


def test_what_another_reader_read_differently_is_looked_over(marks: Path, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "theirs.csv").write_text("file,animal,day\nx/a.jpg,40712,24.12\n")
    out = tmp_path / "review.html"
    words = ["sheet", "review", str(marks / "weights.toml"), str(marks / "m.csv"), "--out", str(out), "--sample", "0"]
    assert run([*words, "--other", str(tmp_path / "theirs.csv")]) == 0
    (only,) = content_of(out)["fields"]
    assert (only["field"], only["value"], only["other"]) == ("animal", "40713", "40712")
    (tmp_path / "none.csv").write_text("file,animal\nz.jpg,40712\n")
    assert run([*words, "--other", str(tmp_path / "none.csv")]) == 2
    assert "has no sheet and column of this table" in capsys.readouterr().err


def test_corrections_stay_in_the_table_and_become_digits(marks: Path, tmp_path: Path) -> None:
    photo = str(marks / "a.jpg")
    file = corrections(tmp_path / "c.json", said("animal", "40713", file=photo), said("w.am.g", "386", file=photo))
    words = ["sheet", "correct", str(marks / "weights.toml"), str(marks / "m.csv"), file]
    assert run([*words, "--dataset", str(tmp_path / "d.npz")]) == 0
    assert (row(marks)["w.am.g"], row(marks)["w.am.g confidence"]) == ("386", "1.0")
    with np.load(tmp_path / "d.npz") as kept:
        labels = next(kept[name] for name in kept.files if kept[name].ndim == 1)
        assert labels.tolist() == [4, 0, 7, 1, 3, 3, 8, 6]
    again = [str(marks / "weights.toml"), photo, "--out", str(marks / "m.csv"), "--jobs", "1"]
    assert run(["sheet", "read", *again]) == 0
    assert row(marks)["w.am.g"] == "386"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ('{"kind": "x", "fields": []}', "contains no corrections"),
        (json.dumps({"kind": KIND, "fields": [{"file": "a"}]}), "fields[0] lacks 'field'"),
        (json.dumps({"kind": KIND, "fields": [said("animal", "1", confidence=7)]}), "fields[0] has the confidence 7"),
        (
            json.dumps({"kind": KIND, "fields": [said("animal", "1", confidence=10**400)]}),
            "fields[0] has a value of the wrong kind",
        ),
        (json.dumps({"kind": KIND, "fields": [said("animal", "1", file="b.jpg")]}), "corrections of b.jpg, which"),
    ],
)
def test_what_is_no_correction_is_refused(
    content: str, message: str, marks: Path, tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "c.json").write_text(content)
    words = [str(marks / "weights.toml"), str(marks / "m.csv"), str(tmp_path / "c.json")]
    assert run(["sheet", "correct", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_two_tables_agree_or_say_where_not(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "one.csv").write_text("file,n,m,n state,note\nx/a.jpg,12,3,answered,\nb.jpg,4,,doubtful,\n")
    (tmp_path / "two.csv").write_text("file,n,m\na.jpg,12,3\nb.jpg,5,\n")
    assert run(["sheet", "agree", str(tmp_path / "one.csv"), str(tmp_path / "two.csv")]) == 1
    said = capsys.readouterr()
    assert said.out == "b.jpg, n: 4 | 5\n"
    assert "3 of 4 fields are the same (75.00 %, 30.1 to 95.4 with 95 % confidence)" in said.err
    (tmp_path / "none.csv").write_text("a,b\n1,2\n")
    assert run(["sheet", "agree", str(tmp_path / "one.csv"), str(tmp_path / "none.csv")]) == 2


def test_photos_of_one_name_in_two_folders_are_told_apart(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "one.csv").write_text("file,n\nx/a.jpg,12\ny/a.jpg,4\n")
    (tmp_path / "two.csv").write_text("file,n\nx/a.jpg,13\ny/a.jpg,4\n")
    assert run(["sheet", "agree", str(tmp_path / "one.csv"), str(tmp_path / "two.csv")]) == 1
    told = capsys.readouterr()
    assert told.out == "x/a.jpg, n: 12 | 13\n"
    assert "1 of 2 fields are the same" in told.err
    (tmp_path / "elsewhere.csv").write_text("file,n\nz/a.jpg,13\n")
    assert run(["sheet", "agree", str(tmp_path / "one.csv"), str(tmp_path / "elsewhere.csv")]) == 2


REFUSED = "file,n,n confidence,n state,note\n"


def test_photos_that_were_refused_do_not_count_as_agreement(tmp_path: Path, capsys: Captured) -> None:
    """Of three photos, one is refused by both, one by the second reader alone; an empty field is a value."""
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text(REFUSED + "a.jpg,12,0.9,answered,\nb.jpg,,1.0,empty,\nc.jpg,7,0.9,answered,\nd.jpg,,,,no marker\n")
    two.write_text(
        REFUSED + "x/a.jpg,13,0.9,answered,\nx/b.jpg,,1.0,empty,\nx/c.jpg,,,,cut off\nx/d.jpg,,,,no marker\n"
    )
    assert run(["sheet", "agree", str(one), str(two)]) == 1
    told = capsys.readouterr()
    assert told.out == "a.jpg, n: 12 | 13\n"
    assert "1 of 2 fields are the same (50.00 %, " in told.err
    assert "not compared: 2 photos without values: c.jpg, d.jpg\n" in told.err
    assert run(["sheet", "agree", str(one), str(two), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["refused"] == ["c.jpg", "d.jpg"]
    two.write_text(REFUSED + "a.jpg,,,,no marker\n")
    assert run(["sheet", "agree", str(one), str(two)]) == 2
    assert "no sheet and column in common; 2 photos without values not counted" in capsys.readouterr().err


def test_photos_that_the_other_reader_refused_are_not_doubtful(marks: Path, tmp_path: Path, capsys: Captured) -> None:
    form, table, other, out = str(marks / "weights.toml"), tmp_path / "m.csv", tmp_path / "o.csv", tmp_path / "r.html"
    photos = [str(tmp_path / name) for name in ("a.jpg", "b.jpg")]
    for photo in photos:
        shutil.copy(marks / "a.jpg", photo)
    assert run(["sheet", "read", form, *photos, "--out", str(table), "--jobs", "1"]) == 0
    head, first, second = table.read_text("utf-8").splitlines()
    refused = ",".join([photos[0], *[""] * (head.count(",") - 1), "no marker"])
    assert first.startswith(photos[0])
    other.write_text(f"{head}\n{refused}\n{second}\n")
    words = ["sheet", "review", form, str(table), "--sample", "0", "--other", str(other), "--out", str(out)]
    assert run(words) == 0
    assert f"not compared: 1 photo without values in {other}" in capsys.readouterr().err
    assert content_of(out)["fields"] == []
    other.write_text(f"{head}\n{refused}\n")
    assert run(words) == 2
    assert "no sheet and column of this table" in capsys.readouterr().err


def test_a_person_is_a_reader_too(tmp_path: Path, capsys: Captured) -> None:
    one = corrections(tmp_path / "one.json", said("n", "4", file="x/b.jpg"), said("m", "12"))
    other = corrections(tmp_path / "other.json", said("n", "5", file="b.jpg"), said("m", "12"))
    assert run(["sheet", "agree", one, other]) == 1
    told = capsys.readouterr()
    assert told.out == "b.jpg, n: 4 | 5\n"
    assert "1 of 2 fields are the same (50.00 %, " in told.err


def test_the_bound_is_that_of_clopper_and_pearson() -> None:
    stats = pytest.importorskip("scipy.stats")
    for wrong, count in ((0, 50), (1, 400), (7, 3000)):
        assert upper_bound(wrong, count) == pytest.approx(
            stats.binomtest(wrong, count).proportion_ci(0.9, "exact").high, rel=1e-6
        )  # two-sided at 90 % is one-sided at 95 %


def test_a_small_sample_promises_little_and_says_what_it_takes() -> None:
    with pytest.raises(UsageError, match="49 sampled fields were reviewed; expected 50"):
        promise_of(np.full(49, 0.9), np.zeros(49), 0.01)
    found = promise_of(np.linspace(0.5, 1, 200), np.zeros(200), 0.001)
    assert found.threshold is None
    assert found.needed == needed_for(0.001) == 2995
    assert found.attainable == pytest.approx(upper_bound(0, 200))
    assert promise_of(np.full(60, 0.9), np.zeros(60), 1e-17).threshold is None


def test_a_promise_is_kept_in_19_of_20_stacks() -> None:
    """Errors are likelier where confidence is low; the threshold is of a sample, its error known from the law."""
    pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    error, broken, made = 0.01, 0, 0
    for _ in range(200):
        sure = 1 - rng.beta(0.5, 8, 1200)
        wrong = rng.random(1200) < (1 - sure) * 0.25
        found = promise_of(sure, wrong, error)
        if found.threshold is not None:
            made += 1
            every = 1 - rng.beta(0.5, 8, 20_000)
            broken += float(((1 - every) * 0.25)[every >= found.threshold].mean()) > error
    assert made > 100
    assert broken <= 0.08 * made


def test_a_stack_that_looks_different_raises_the_alarm() -> None:
    rng = np.random.default_rng(1)
    earlier = rng.beta(20, 1, 800)
    assert not drift_of(earlier, rng.beta(20, 1, 600)).alarm
    assert drift_of(earlier, rng.beta(8, 1, 600)).alarm
    stats = pytest.importorskip("scipy.stats")
    later = rng.beta(17, 1, 500)
    ours, theirs = drift_of(earlier, later), stats.ks_2samp(earlier, later)
    assert ours.distance == pytest.approx(theirs.statistic)
    assert ours.probability == pytest.approx(theirs.pvalue, abs=0.02)


def test_lower_confidences_are_told_from_higher_ones() -> None:
    rng = np.random.default_rng(1)
    usual, low = rng.beta(20, 1, 800), rng.beta(8, 1, 600)
    assert drift_of(usual, low).lower
    assert not drift_of(low, usual).lower


def test_a_stack_that_is_read_with_a_promise_is_compared_with_the_stack_of_the_promise(
    marks: Path, tmp_path: Path, capsys: Captured
) -> None:
    made_by = json.loads((marks / "m.sheets.jsonl").read_text("utf-8").splitlines()[0])["made_by"]
    promise, out = tmp_path / "m.promise.json", tmp_path / "later.csv"
    words = [
        "sheet",
        "read",
        str(marks / "weights.toml"),
        str(marks / "a.jpg"),
        "--jobs",
        "1",
        "--promise",
        str(promise),
    ]

    def note_of(confidences: NDArray[np.float64], threshold: float) -> str:
        save_promise(promise, StoredPromise(0.01, threshold, made_by, confidences))
        assert run([*words, "--out", str(out)]) == 0
        return capsys.readouterr().err

    assert "confidences are lower than in the stack of the promise" in note_of(np.full(400, 1.0), 1.0)
    states = next(csv.DictReader(out.read_text("utf-8").splitlines()))
    assert states["animal state"] == "doubtful"
    assert "are lower" not in note_of(np.full(400, 0.1), 0.0)  # higher ones keep the promise
    assert next(csv.DictReader(out.read_text("utf-8").splitlines()))["animal state"] == "answered"
    assert run([*words, "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["drift"]["lower"] is False
    for more, complaint in (
        (["--out", str(out), "--least", "0.9"], "leave out --least"),
        ([], "--promise needs a table to write; add --out"),
    ):
        assert run([*words, *more]) == 2
        assert complaint in capsys.readouterr().err
    save_promise(promise, StoredPromise(0.01, 0.9, "another", np.full(9, 0.5)))
    assert run([*words, "--out", str(out)]) == 2
    assert "was made with another form, model or version" in capsys.readouterr().err
    promise.write_text('{"kind": "digitlab sheet promise 1", "confidences": [2]}')
    assert run([*words, "--out", str(out)]) == 2
    assert f"{promise}: contains no promise" in capsys.readouterr().err


def test_of_many_confidences_their_quantiles_are_kept(tmp_path: Path) -> None:
    confidences = np.random.default_rng(0).beta(20, 1, 50_000)
    save_promise(tmp_path / "p.json", StoredPromise(0.01, 0.9, "x", confidences))
    stored = read_promise(tmp_path / "p.json")
    assert len(stored.confidences) == 10_000
    assert drift_of(confidences, stored.confidences).distance < 0.001


def test_the_promise_of_a_table(marks: Path, tmp_path: Path, capsys: Captured) -> None:
    pytest.importorskip("scipy.stats")
    form, table = str(marks / "weights.toml"), str(marks / "m.csv")
    beside = marks / "m.corrections.json"
    kept = beside.read_text("utf-8") if beside.exists() else None
    try:
        corrections(beside, *(said(f"x{n}", "1", read="1", confidence=0.9 + n / 4000) for n in range(320)))
        assert run(["sheet", "promise", form, table, "--error", "0.01", "--later", table]) == 0
        out = capsys.readouterr().out
        assert "at most 1 % of the filled fields are wrong, with 95 % confidence (0 of 320 sampled fields" in out
        assert "the later stack looks the same" in out
        corrections(beside, *(said(f"x{n}", "1", read="1", confidence=0.99998) for n in range(299)))
        assert run(["sheet", "promise", form, table, "--error", "0.01"]) == 0
        told = capsys.readouterr()
        assert "at a confidence of 0.999980 or more" in told.out
        promise = marks / "m.promise.json"
        assert f"--promise {promise} marks" in told.err
        stored = read_promise(promise)
        assert (stored.error, stored.threshold) == (0.01, 0.99998)
        filled = [value for value in VALUES.values() if value not in ("", "no")]
        assert len(stored.confidences) == len(filled)
        assert run(["sheet", "promise", form, table, "--error", "0.001"]) == 1
        assert "at least 2,995 sampled fields" in capsys.readouterr().err
    finally:
        beside.write_text(kept) if kept is not None else beside.unlink()
