"""A total and the fields that it is the sum of: read together, never bent."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.errors import RecipeError, UsageError
from digitlab.sheets import read_form
from digitlab.sheets.form import Field, Form
from digitlab.sheets.stack_options import SheetOptions, read_options, save_options, with_checks
from digitlab.sheets.sums import sums_of
from digitlab.sheets.table import SheetTable, TableRow
from digitlab.sheets.values import Seen

from .test_values import BOX, digit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TASKS = """\
[form]
number = 3
[[table]]
name = "task"
rows = ["1", "2", "3"]
columns = [{ name = "points", boxes = 2 }, { name = "seen", tick = true }]
[[field]]
name = "total"
boxes = 3
check = "sum:task.*.points"
"""


def boxes(name: str, count: int = 2, **known: Any) -> Field:
    return Field(name, name, "boxes", boxes=count, pattern="#" * count, **known)


def cells(text: str, second: int = 0, sure: float = 0.99) -> tuple[Any, ...]:
    """Its digits; a small letter is a digit that is read as 7 with 0.55 and else is ``second``."""
    return tuple(digit("7", 0.55, second=second) if sign == "s" else digit(sign, sure) for sign in text)


def read(form: Form, second: int = 1, **written: str) -> TableRow:
    seen = [Seen(name, cells(text, second), (), (), BOX) for name, text in written.items()]
    row = {"path": "a.jpg", "fields": [asdict(each) for each in seen], "note": None, "error": None}
    (found,) = SheetTable(form, [row], 0.5)
    return found


@pytest.fixture
def form(tmp_path: Path) -> Form:
    fields = (boxes("a"), boxes("b"), boxes("sum", 3, check="sum:a+b"))
    return Form(tmp_path / "f.toml", "T", 1, "a4", "", fields)


def told(row: TableRow) -> dict[str, tuple[str, str]]:
    return {each.name: (each.value, each.state) for each in row.fields}


def test_what_adds_up_is_answered(form: Form) -> None:
    row = read(form, a="12", b=" 5", sum="17 ")
    assert told(row) == {"a": ("12", "answered"), "b": ("5", "answered"), "sum": ("17", "answered")}
    assert row.note == ""


def test_the_sum_decides_between_two_digits(form: Form) -> None:
    row = read(form, a="1s", b="20", sum=" 31")  # 17 or 11
    assert told(row)["a"] == ("11", "answered")
    total = read(form, a="11", b="20", sum=" 3s")
    assert told(total)["sum"] == ("31", "answered")


def test_what_does_not_add_up_is_a_question_and_nothing_is_bent(form: Form) -> None:
    row = read(form, a="12", b="20", sum=" 35")
    found = told(row)
    assert found["sum"] == ("??", "failed check")
    assert (found["a"], found["b"]) == (("12", "doubtful"), ("20", "doubtful"))  # whichever of them was misread
    assert row.note == "sum is read as 35, and 32 is what its fields add up to"
    blamed = told(read(form, a="1s", b="20", sum=" 45"))
    assert blamed["a"] == ("1?", "doubtful")
    assert blamed["b"] == ("20", "doubtful")
    assert blamed["sum"][1] == "failed check"


def test_nothing_written_counts_nothing_and_a_gap_cannot_be_checked(form: Form) -> None:
    assert told(read(form, a="12", b="  ", sum=" 12"))["sum"] == ("12", "answered")
    assert told(read(form, a="12", b="  ", sum=" 12"))["b"] == ("", "empty")
    assert told(read(form, a="12", b=" 3", sum="   "))["sum"] == ("", "empty")
    gap = read(form, a="12", b=" 3", sum="1 5")
    assert told(gap)["sum"] == ("1?5", "doubtful")
    assert "cannot be checked" in gap.note


def test_an_addend_keeps_its_own_check(tmp_path: Path) -> None:
    fields = (boxes("a", check="range:0-15"), boxes("b"), boxes("sum", 3, check="sum:a+b"))
    form = Form(tmp_path / "f.toml", "T", 1, "a4", "", fields)
    row = read(form, second=1, a="1s", b="20", sum=" 37")  # 17 would fit the sum
    assert told(row)["sum"][1] == "failed check"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 99), min_size=1, max_size=6), st.integers(-3, 3))
def test_sure_digits_are_never_changed(values: list[int], off: int) -> None:
    from pathlib import Path

    names = [f"f{number}" for number in range(len(values))]
    form = Form(Path("f.toml"), "T", 1, "a4", "", (*map(boxes, names), boxes("sum", 3, check=f"sum:{'+'.join(names)}")))
    total = max(0, sum(values) + off)
    texts: dict[str, Any] = dict(zip(names, map(str, values), strict=True))
    row = read(form, **texts, sum=str(total))
    for each, value in zip(row.fields, [*values, total], strict=True):
        assert each.value == str(value) or set(each.value) <= {"?"}
        assert (each.state == "answered") == (total == sum(values))


def test_a_form_says_what_adds_up(form_file: Callable[[str], Path]) -> None:
    (total,) = sums_of(read_form(form_file(TASKS)).fields).items()
    assert (total[0], [each.name for each in total[1]]) == (
        "total", ["task.1.points", "task.2.points", "task.3.points"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("task.*.points", "task.*.poins", "line 10, check: no field is called 'task.*.poins'; expected some of task.1"),
        ("task.*.points", "task.*", "line 10, check: task.1.seen cannot be added up to total"),
        ('"sum:task.*.points"', '"sum:"', "line 10, check: no field is called ''"),
        ("boxes = 3\n", 'pattern = "##:##"\n', "line 10, check: total contains no number"),
        ("boxes = 3\n", 'pattern = "###.#"\n', "expected boxes with 1 digit after the decimal sign"),
        ("boxes = 2 }", 'boxes = 2, check = "sum:total" }', "line 6, check: a sum is for a [[field]]"),
        (
            "[[field]]", '[[field]]\nname = "other"\nboxes = 3\ncheck = "sum:task.1.points"\n[[field]]',
            "line 14, check: task.1.points belongs to other already",
        ),
    ],
)  # fmt: skip
def test_a_sum_that_cannot_be_is_said_with_its_line(
    form_file: Callable[[str], Path], old: str, new: str, said: str
) -> None:
    with pytest.raises(RecipeError) as error:
        read_form(form_file(TASKS.replace(old, new, 1)))
    assert said in str(error.value)


def test_checks_can_be_given_beside_the_form(form_file: Callable[[str], Path], tmp_path: Path) -> None:
    plain = read_form(form_file(TASKS.replace('check = "sum:task.*.points"\n', "")))
    checked = with_checks(plain, ["total=sum:task.*.points", "task.*.points=range:0-20"])
    assert {each.name: each.check for each in checked.fields if each.check} == {
        "total": "sum:task.*.points",
        **{f"task.{row}.points": "range:0-20" for row in "123"},
    }
    for text, said in (
        ("total", "expected FIELD=CHECK"),
        ("totl=luhn", "no field is called totl; expected one of task.1.points"),
        ("total=lun", "expected one of luhn"),
        ("task.1.points=luhn", r"of a whole column; expected task\.\*\.points=luhn"),
        ("task.*.seen=luhn", "is ticked; expected a field of digits"),
        ("total=sum:nothing", "no field is called 'nothing'"),
        ("task.*.points=sum:total", "expected a field outside of tables"),
    ):
        with pytest.raises(UsageError, match=said):
            with_checks(plain, [text])


def test_what_was_asked_is_kept(tmp_path: Path) -> None:
    path, asked = tmp_path / "marks.asked.json", SheetOptions(0.25, ("total=sum:a+b",))
    save_options(path, SheetOptions())
    assert not path.exists()
    save_options(path, asked)
    assert read_options(path) == asked
    save_options(path, SheetOptions())
    assert read_options(path) == SheetOptions()


def test_drawn_totals_are_sums(form_file: Callable[[str], Path]) -> None:
    from digitlab.examples.sheet_stacks import sheet_values

    form = read_form(form_file(TASKS))
    for values in sheet_values(form, 30, 5):
        assert int(values["total"]) == sum(int(values[f"task.{row}.points"] or 0) for row in "123")
    small = read_form(form_file(TASKS.replace("boxes = 3", "boxes = 1")))
    with pytest.raises(UsageError, match="give it more"):
        list(sheet_values(small, 30, 5))
