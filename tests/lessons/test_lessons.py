"""Lessons: those that ship lead somewhere, and a file that is none is refused with what is wrong."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from digitlab.errors import RecipeError
from digitlab.lessons import lessons_with, read_lesson, shipped_lessons
from digitlab.network.layers import NetworkLayers
from digitlab.static_page.gallery import gallery_sets

LANGUAGES = {"en", "es", "fr"}
VIEWS = {"network", "why", "pair", "damage", "tour", "learning", "training"}


def test_four_ship_in_each_language_of_the_page() -> None:
    lessons = shipped_lessons()
    assert [each.name for each in lessons] == [
        "convolution", "what-makes-a-4", "sure-of-nonsense", "how-a-network-learns",
    ]  # fmt: skip
    for lesson in lessons:
        assert set(lesson.title) == LANGUAGES
        assert all(set(part.text) == LANGUAGES for part in lesson.parts)
        for texts in (lesson.title, *(part.text for part in lesson.parts)):
            assert len(set(texts.values())) == len(LANGUAGES), "a text was copied, not translated"
            assert len({text.count("\n\n") for text in texts.values()}) == 1, "one has another number of paragraphs"
        assert len(lesson.parts) >= 4


@pytest.mark.parametrize(("language", "file"), [("es", "spanish.js"), ("fr", "french.js")])
def test_what_they_quote_from_the_page_is_what_the_page_says_there(language: str, file: str) -> None:
    words = (resources.files("digitlab.apps.web") / "static" / file).read_text(encoding="utf-8")
    said = dict(re.findall(r'^  "?([^"\n]*?)"?:\s+"(.*)",$', words, re.M))
    quoted = 0
    for lesson in shipped_lessons():
        for part in lesson.parts:
            for quote in re.findall('"([^"]*)"', part.text["en"]):
                known = [key for key in said if key.partition(" (")[0] == re.sub(r"\d+", "{n}", quote)]
                if not known:
                    continue  # not a word of the page, but what is said
                number = "".join(re.findall(r"\d+", quote))
                there = said[known[0]].partition(" (")[0].replace("{n}", number)
                assert f"«{there}»" in re.sub(r"«\s|\s»", lambda found: found[0].strip(), part.text[language]), quote
                quoted += 1
    assert quoted >= 7


def test_their_links_lead_to_what_is_there() -> None:
    plain = resources.files("digitlab.static_page") / "plain.onnx"
    networks = {"reader": NetworkLayers(), "plain": NetworkLayers(Path(str(plain)))}
    digits = {f"{each.name}-{row + 1}" for each in gallery_sets() for row in range(len(each.images))}
    for lesson in shipped_lessons():
        for part in lesson.parts:
            said = {name: values[0] for name, values in parse_qs(part.link, strict_parsing=True).items()}
            assert said["view"] in VIEWS
            assert said["digit"] in digits, said
            if "layer" not in said:
                continue
            shape = networks[said.get("model", "reader")].layer(said["layer"]).shape
            assert int(said.get("map", 1)) <= shape[-1]
            assert all(int(place) <= side for place, side in zip(said.get("at", "1.1").split("."), shape, strict=False))


def test_ones_own_come_first(tmp_path: Path) -> None:
    own = tmp_path / "my lesson.toml"
    own.write_text('title = "Mine"\n[[part]]\nlink = "#view=tour"\ntext = "Go."\n')
    first, *others = lessons_with([own])
    assert (first.name, first.title, first.parts[0].link) == ("my-lesson", {"en": "Mine"}, "view=tour")
    assert tuple(others) == shipped_lessons()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('title = "No parts"', r"part is missing; expected 1 to 100 \[\[part\]\] sections"),
        ('title = "A"\npart = 3', r"part is 3; expected 1 to 100"),
        ('[[part]]\nlink = "a"\ntext = "b"', "title is missing; expected a text"),
        ('title = "A"\n[[part]]\nlink = "a"', "part 1 is {'link': 'a'}; expected link and text"),
        ('title = "A"\n[[part]]\nlink = "a b"\ntext = "c"', "link is 'a b'; expected what follows # .* without spaces"),
        (
            'title = "A"\n[[part]]\nlink = "a"\ntext = {english = "c"}',
            "english is 'c'; expected a language of two letters",
        ),
        ('title = "A"\nauthor = "B"\n[[part]]\nlink = "a"\ntext = "c"', "unknown key 'author'; a lesson has"),
        ('title = "A"\nmodel = "a b"\n[[part]]\nlink = "a"\ntext = "c"', "model is 'a b'; expected the name"),
        ("title = ", "not a readable TOML file"),
    ],
)
def test_what_is_no_lesson_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "lesson.toml"
    file.write_text(text)
    with pytest.raises(RecipeError, match=message):
        read_lesson(file)
