"""Numbers of a list: the likeliest entry, its margin, and a batch in which no two pictures get the same."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitlab.errors import DatasetError, ImageError, UsageError
from digitlab.reading.constraints import Constraints
from digitlab.reading.numbers import NumberList, assigned, nearest, number_list, one_to_one
from digitlab.reading.numbers.assignment import _margins
from digitlab.reading.numbers.matching import with_known_numbers
from digitlab.values import Reading

if TYPE_CHECKING:
    from pathlib import Path

    from digitlab.values import ReadDigit

CLASS = NumberList(tuple(f"{number:07d}" for number in np.random.default_rng(0).choice(10**7, 300, replace=False)))


def test_a_misread_digit_a_missing_and_an_invented_one_are_survived(seen: Any) -> None:
    entry = CLASS.entries[7]
    unlike = str((int(entry[3]) + 5) % 10)
    for digits in (
        seen.text(entry),
        seen.text(entry[:3] + unlike + entry[4:], doubts={3: (int(entry[3]), 0.1)}),
        seen.text(entry[:4] + entry[5:]),
        seen.text(entry[:-1]),
        [*seen.text(entry[:5]), seen.digit(np.full(10, 0.1), 5, score=0.4), *seen.text(entry[5:])],
    ):
        choice = nearest(digits, CLASS)
        assert (choice.text, choice.entry, choice.fits) == (entry, 7, True)
        assert choice.margin > 1.0
        assert choice.second in CLASS.entries


def test_what_is_not_on_the_list_is_not_bent_to_an_entry(seen: Any) -> None:
    rng = np.random.default_rng(1)
    others = [f"{number:07d}" for number in rng.choice(10**7, 200) if f"{number:07d}" not in CLASS.digits]
    given = sum(nearest(seen.text(text, 0.999), CLASS).fits for text in others)
    assert given <= 2
    choice = nearest(seen.text(others[0], 0.999), CLASS)
    assert choice.text == "???????"
    assert choice.read == others[0]
    assert nearest([], CLASS).fits is False


def test_of_two_entries_that_are_alike_none_is_given(seen: Any) -> None:
    two = NumberList(("1234561", "1234567"))
    choice = nearest(seen.text("1234561", doubts={6: (7, 0.48)}), two)
    assert choice.fits is False or choice.confidence < 0.7
    assert abs(choice.margin) < 0.3
    assert nearest(seen.text("1234561", doubts={6: (7, 0.48)}), two, threshold=0.9).text == "???????"


def test_where_no_entry_is_given_the_nearest_ones_are_named(seen: Any) -> None:
    page = Reading(tuple(seen.text("1234999", 0.999)), 1.0)
    reading = with_known_numbers(page, Constraints(among=("7654321", "1234567")), 0.5)
    assert (reading.text, reading.fits) == ("???????", False)
    assert reading.note == ("1234999 matches no number of the list with certainty: nearest 1234567 (0 %), then 7654321")
    told = reading.numbers[0].as_dict()
    assert (told["nearest"], told["second"]) == ("1234567", "7654321")
    given = with_known_numbers(
        Reading(tuple(seen.text("1234567")), 1.0), Constraints(among=("7654321", "1234567")), 0.5
    )
    assert "nearest" not in given.numbers[0].as_dict()


def test_signs_of_an_entry_need_not_be_written(seen: Any) -> None:
    assert nearest(seen.text("0815"), NumberList(("4711", "08-15"))).text == "08-15"


@pytest.mark.parametrize(
    ("content", "column", "entries"),
    [
        ("name,number\nAnna,4711\nOtto,4712\n", "", ("4711", "4712")),
        ("name;number;room\nAnna;4711;1\nOtto;4712;2\n", ":number", ("4711", "4712")),
        ("name\tnumber\nAnna\t4711\n", ":2", ("4711",)),
        ("4711\n\n4712\n", "", ("4711", "4712")),
        ("\ufeffnumber\n0012\n", "", ("0012",)),
        ("name,exam 2\nAnna,4711\n", "", ("4711",)),
        ("name,exam 2\nAnna,4711\n", ":exam 2", ("4711",)),
        ("name,exam 2\nAnna,4711\n", ":2", ("4711",)),
        ("exam 2\nA-4711\n", ":exam 2", ("A-4711",)),
        ("A-4711\nA-4712\n", ":1", ("A-4711", "A-4712")),
        ('"name, first";"number"\n"Miller, Ann";"4711"\n', "", ("4711",)),
        ("sep=;\nname, first;number\nMiller, Ann;4711\n", "", ("4711",)),
        ("sep=\t\nname, first\tnumber\nMiller, Ann\t4711\n", ":number", ("4711",)),
        ('name,number\n"Miller\nAnn",4711\n', "", ("4711",)),
        ("name,number,bonus\nAnna,4711,\nOtto,,1\nIda,4713,\n", "", ("4711", "4713")),
        ("name,bonus,number\nAnna,,4711\nOtto,1,4712\nIda,2,4713\n", "", ("4711", "4712", "4713")),
    ],
)
def test_a_file_of_numbers(tmp_path: Path, content: str, column: str, entries: tuple[str, ...]) -> None:
    path = tmp_path / "class.csv"
    path.write_text(content, encoding="utf-8")
    assert number_list(f"{path}{column}").entries == entries


def test_a_file_of_numbers_in_utf_16(tmp_path: Path) -> None:
    path = tmp_path / "class.txt"
    path.write_bytes("name\tnumber\r\nÄnne\t4711\r\n".encode("utf-16"))
    assert number_list(f"{path}:number").entries == ("4711",)


def test_a_workbook_or_picture_is_no_list(tmp_path: Path) -> None:
    (tmp_path / "class.xlsx").write_bytes(b"PK\x03\x04\x14\0\x06\0\x08\0")
    (tmp_path / "class.csv").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    with pytest.raises(DatasetError, match=r"class.xlsx: is a zip archive; expected .* save it as CSV"):
        number_list(tmp_path / "class.xlsx")
    with pytest.raises(DatasetError, match=r"class.csv: is not a text file; expected .* save it as CSV"):
        number_list(tmp_path / "class.csv")


@pytest.mark.parametrize(
    ("content", "column", "said"),
    [
        ("name,number\nAnna,4711\n", ":nr", r"no column 'nr'; expected one of name, number"),
        ("name,number\nAnna,4711\nOtto,none\n", ":number", r"line 3 has no number"),
        ('name,number\n"Anna\nB",4711\nOtto,none\n', ":number", r"line 4 has no number"),
        ("name,place\nAnna,Ulm\n", "", r"no column contains only numbers; choose one"),
        ("number\n4711\n47-11\n", "", r"'4711' and '47-11' are the same number"),
        ("", "", r"is empty"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_what_is_wrong(
    tmp_path: Path, content: str, column: str, said: str
) -> None:
    path = tmp_path / "class.csv"
    path.write_text(content)
    with pytest.raises((DatasetError, UsageError), match=said):
        number_list(f"{path}{column}")


def test_a_list_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"there is no file .*gone.csv"):
        number_list(tmp_path / "gone.csv")


def test_each_picture_gets_its_own_entry_and_doubt_is_said(seen: Any) -> None:
    entries = ("1234561", "1234567", "7654321", "5555555")
    batch = [
        seen.text("1234561", doubts={6: (7, 0.45)}),  # by itself the first; but that is surely another's
        seen.text("1234561", 0.999),
        seen.text("7654321"),
        seen.text("9080706", 0.999),
    ]
    found = one_to_one(batch, NumberList(entries))
    assert [each.text for each in found] == ["1234567", "1234561", "7654321", "???????"]
    assert [each.entry for each in found] == [1, 0, 2, None]
    assert [each.doubtful for each in found][2:] == [False, True]
    unclear = one_to_one(batch[:1] * 2, NumberList(entries))
    assert {each.text for each in unclear} == {"1234561", "1234567"}
    assert all(each.doubtful and each.margin < 0.2 for each in unclear)


def test_more_pictures_than_entries_leave_the_worst_without(seen: Any) -> None:
    found = one_to_one([seen.text("4711"), seen.text("4712"), seen.text("9999")], NumberList(("4711", "4712")))
    assert [each.text for each in found] == ["4711", "4712", "????"]
    assert one_to_one([], CLASS) == ()
    assert one_to_one([[]], CLASS)[0].entry is None


@pytest.mark.parametrize("others", [(), ("65",)])
def test_where_no_entry_is_left_over_a_picture_may_still_be_of_no_entry(seen: Any, others: tuple[str, ...]) -> None:
    """As many pictures as entries: the one that fits hardly better than "none of them" is doubtful."""
    batch = [seen.text("47", 0.12), *map(seen.text, others)]
    found, *_ = one_to_one(batch, NumberList(("47", *others)))
    assert found.text == "47"
    assert found.doubtful
    assert found.margin < 2.0


def test_margins_are_the_costs_of_doing_without_each_pair() -> None:
    rng = np.random.default_rng(5)
    for pictures, entries in ((4, 4), (3, 6), (5, 5)):
        costs = rng.uniform(0.0, 6.0, (pictures, entries))
        every = list(itertools.permutations(range(entries), pictures))
        total = {way: sum(costs[row, column] for row, column in enumerate(way)) for way in every}
        best = min(every, key=total.__getitem__)
        expected = [min(total[way] for way in every if way[row] != best[row]) - total[best] for row in range(pictures)]
        limit = 4.0 * math.log(10.0)
        assert _margins(costs, np.array(best)) == pytest.approx(np.minimum(expected, limit), abs=1e-6)


def reading_of(digits: list[ReadDigit]) -> Reading:
    return Reading(tuple(digits), 1.0)


def test_readings_of_a_batch_are_assigned_and_errors_stay_where_they_are(seen: Any) -> None:
    wrong = ImageError("scan3.png: is no picture")
    found = assigned([reading_of(seen.text("4712")), wrong, reading_of(seen.text("4711"))], ["4711", "4712", "4713"])
    assert found[1] is wrong
    texts = [each.text for each in found if isinstance(each, Reading)]
    assert texts == ["4712", "4711"]
    assert all(each.fits for each in found if isinstance(each, Reading))
    (foreign,) = assigned([reading_of(seen.text("9898", 0.999))], ["4711", "4712"])
    assert isinstance(foreign, Reading)
    assert (foreign.text, foreign.fits) == ("????", False)
    assert "of the remaining numbers of the list" in str(foreign.note)


def test_what_was_said_of_a_picture_stays_beside_its_assignment(seen: Any) -> None:
    """But not what was said because no entry fitted by itself, which the assignment has replaced."""
    turned = "the page is upside down; it was set upright first"
    given = Constraints(among=("4711", "4712"))
    pages = [replace(reading_of(seen.text(text, 0.999)), note=turned) for text in ("4711", "9898")]
    found = assigned([with_known_numbers(each, given, 0.7) for each in pages], given.among or ())
    notes = [each.note for each in found if isinstance(each, Reading)]
    assert notes == [turned, f"{turned}; none of the remaining numbers of the list is likely enough"]
