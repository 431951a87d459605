"""`digitlab doctor` and the words that are no verbs."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from digitlab.apps.cli import doctor, run
from digitlab.apps.cli.verbs import HEADINGS, VERBS, no_such_verb
from digitlab.extras import EXTRAS

Captured = pytest.CaptureFixture[str]


def hide(monkeypatch: pytest.MonkeyPatch, *hidden: str) -> None:
    """Let modules seem not to be installed."""
    found = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> Any:
        return None if name.partition(".")[0] in hidden else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)


def lines_of(out: str) -> dict[str, str]:
    return {line.split()[0]: " ".join(line.split()[1:]) for line in out.splitlines() if line.strip()}


def test_every_extra_is_named(capsys: Captured) -> None:
    run(["doctor"])
    named = lines_of(capsys.readouterr().out)
    for name, extra in EXTRAS.items():
        assert extra.purpose in named[name]


def test_what_was_never_asked_for_is_not_broken(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    # ONNX Runtime brings protobuf, which is one of the packages of "train".
    modules = {module.partition(".")[0] for extra in EXTRAS.values() for module in extra.packages.values()} - {"google"}
    hide(monkeypatch, *modules)
    assert run(["doctor"]) == 0
    out = capsys.readouterr().out
    named = lines_of(out)
    assert all(named[name] == f"no {extra.purpose}" for name, extra in EXTRAS.items() if name != "ice")
    assert "missing" not in out
    assert "[train]" in out
    assert "five minutes" in out


def test_what_is_there_in_part_names_what_it_lacks(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    hide(monkeypatch, "lmdb", "jinja2")
    assert run(["doctor"]) == 0
    assert lines_of(capsys.readouterr().out)["train"].endswith("missing: jinja2, lmdb")


def test_without_what_reading_needs_it_says_no(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    hide(monkeypatch, "cv2")
    monkeypatch.setattr(doctor, "_READING", {"opencv-nobody-has": "cv2"})
    assert run(["doctor"]) == 1
    assert "missing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["predict", "x.png"], "digitlab read or digitlab classify?"),
        (["recognize"], "digitlab read or digitlab classify?"),
        (["recognise"], "digitlab read or digitlab classify?"),
        (["recogniz"], "digitlab read or digitlab classify?"),
        (["test"], "digitlab evaluate?"),
        (["Tset"], "digitlab evaluate?"),
        (["help"], "digitlab --help or digitlab COMMAND --help?"),
        (["help", "train"], "digitlab train --help?"),
        (["trian"], "digitlab train?"),
        (["clasify", "x.png"], "digitlab classify?"),
        (["xyzzy"], "expected one of: read, classify"),
    ],
)
def test_a_word_that_is_no_verb_names_the_one_that_is_meant(words: list[str], meant: str, capsys: Captured) -> None:
    assert run(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert meant in err


def test_what_is_meant_is_there() -> None:
    from digitlab.apps.cli.verbs import _MEANT

    assert {meant.split()[0] for names in _MEANT.values() for meant in names} <= set(VERBS)
    assert not set(_MEANT) & set(VERBS)
    assert "digitlab evaluate" in no_such_verb("test")


def test_the_help_has_the_verbs_under_headings(capsys: Captured) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    places = [shown.index(f"─ {heading} ─") for heading in HEADINGS]
    assert places == sorted(places)
    assert list(HEADINGS) == ["Read", "Train", "Measure", "Look", "Run", "Data", "Tools"]
    boxes = shown.split("╭─ ")[1:]
    for box, verbs in zip(boxes, HEADINGS.values(), strict=False):
        assert [line.split()[1] for line in box.splitlines() if line.startswith("│ ") and line[2] != " "] == list(verbs)
