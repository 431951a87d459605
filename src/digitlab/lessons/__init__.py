"""Lessons: lists of links into the page, each with a short text. Those shipped are the TOML files in this folder.

    title.en = "What a convolution is"
    model = "plain"                              # shown only if the page has this model; optional

    [[part]]
    link = "view=tour&step=2&digit=mnist-9"      # what follows # in the page's address ("Copy link")
    text.en = "A filter is laid on every place …"

Texts are given by language; if a visitor's language is missing, English is shown. A blank line separates paragraphs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import RecipeError
from digitlab.toml_files import read_toml, shipped_names

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Lesson", "Part", "lessons_with", "read_lesson", "shipped_lessons"]

_MOST_PARTS, _MOST_TEXT, _MOST_LINK = 100, 5_000, 60_000
_ORDER = ("convolution", "what-makes-a-4", "sure-of-nonsense", "how-a-network-learns")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a lesson. text: by language; link: the fragment of the page's address that the text is about."""

    text: dict[str, str]
    link: str


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson. name: that of its file; title: by language; model: the one that the page must have, or None."""

    name: str
    title: dict[str, str]
    parts: tuple[Part, ...]
    model: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the lesson as a dictionary for JSON."""
        parts = [{"text": part.text, "link": part.link} for part in self.parts]
        return {"name": self.name, "title": self.title, "parts": parts, "model": self.model}


def lessons_with(files: Sequence[str | Path]) -> tuple[Lesson, ...]:
    """Read these lessons; return them, then the shipped ones.

    Raises:
        RecipeError: as `read_lesson`.
    """
    return (*(read_lesson(Path(each)) for each in files), *shipped_lessons())


def shipped_lessons() -> tuple[Lesson, ...]:
    """Read the lessons in this folder."""
    folder = resources.files("digitlab.lessons")
    names = sorted(shipped_names("lessons"), key=lambda each: (*_ORDER, each).index(each))
    lessons = []
    for name in names:
        with resources.as_file(folder / f"{name}.toml") as path:
            lessons.append(read_lesson(path))
    return tuple(lessons)


def read_lesson(path: Path) -> Lesson:
    """Read a lesson from its file.

    Raises:
        RecipeError: when it is missing, not TOML, or not a lesson; the message says where.
    """
    content = read_toml(path)
    unknown = set(content) - {"title", "part", "model"}
    if unknown:
        raise RecipeError(f"{path}: unknown key {min(unknown)[:60]!r}; a lesson has title, model and parts ([[part]])")
    parts = content.get("part")
    if not isinstance(parts, list) or not 1 <= len(parts) <= _MOST_PARTS:
        raise RecipeError(
            f"{path}: part is {_shown(parts)}; expected 1 to {_MOST_PARTS} [[part]] sections with link and text"
        )
    name = re.sub(r"[^A-Za-z0-9._-]", "-", path.stem)
    title = _texts(content.get("title"), f"{path}: title")
    model = content.get("model")
    if not (model is None or (isinstance(model, str) and re.fullmatch(r"[\w.-]{1,100}", model))):
        raise RecipeError(f"{path}: model is {_shown(model)}; expected the name of a model that the page has")
    made = tuple(_part(part, f"{path}: part {number}") for number, part in enumerate(parts, 1))
    return Lesson(name, title, made, model)


def _part(part: Any, where: str) -> Part:
    if not isinstance(part, dict) or set(part) != {"link", "text"}:
        raise RecipeError(f"{where} is {_shown(part)}; expected link and text, and nothing else")
    link = part["link"]
    if not isinstance(link, str) or len(link) > _MOST_LINK or re.search(r"\s", link):
        raise RecipeError(
            f"{where}: link is {_shown(link)}; expected what follows # in the page's address, without spaces"
        )
    return Part(_texts(part["text"], f"{where}: text"), link.removeprefix("#"))


def _texts(texts: Any, where: str) -> dict[str, str]:
    """Validate texts by language; a plain text is English."""
    if isinstance(texts, str):
        texts = {"en": texts}
    if not isinstance(texts, dict) or not texts:
        raise RecipeError(f"{where} is {_shown(texts)}; expected a text, or texts by language such as en and es")
    for language, text in texts.items():
        if not re.fullmatch("[a-z]{2}", language) or not isinstance(text, str) or len(text) > _MOST_TEXT:
            raise RecipeError(
                f"{where}: {language[:20]} is {_shown(text)}; expected a language of two letters and a text of at "
                f"most {_MOST_TEXT:,} characters"
            )
    return dict(texts)


def _shown(value: Any) -> str:
    """Describe a value of the file in a message: short, and on one line."""
    if value is None:
        return "missing"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
