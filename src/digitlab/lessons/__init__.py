"""Lessons: lists of links into the page, with a few words each. Those that ship are the TOML files in this folder.

    title.en = "What a convolution is"
    model = "plain"                              # only where the page has this one; left out: any will do

    [[part]]
    link = "view=tour&step=2&digit=mnist-9"      # what stands behind # in the page's address ("Copy link")
    text.en = "A filter is laid on every place …"

Texts are by language; a visitor whose language a text lacks sees the English one. A blank line parts paragraphs.
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
    """text: by language; link: the fragment of the page's address that it is about."""

    text: dict[str, str]
    link: str


@dataclass(frozen=True, slots=True)
class Lesson:
    """name: of its file; title: by language; model: that the page must have for it, or None."""

    name: str
    title: dict[str, str]
    parts: tuple[Part, ...]
    model: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        parts = [{"text": part.text, "link": part.link} for part in self.parts]
        return {"name": self.name, "title": self.title, "parts": parts, "model": self.model}


def lessons_with(files: Sequence[str | Path]) -> tuple[Lesson, ...]:
    """These lessons, then those that ship.

    Raises:
        RecipeError: as `read_lesson`.
    """
    return (*(read_lesson(Path(each)) for each in files), *shipped_lessons())


def shipped_lessons() -> tuple[Lesson, ...]:
    """The lessons in this folder."""
    folder = resources.files("digitlab.lessons")
    names = sorted(shipped_names("lessons"), key=lambda each: (*_ORDER, each).index(each))
    lessons = []
    for name in names:
        with resources.as_file(folder / f"{name}.toml") as path:
            lessons.append(read_lesson(path))
    return tuple(lessons)


def read_lesson(path: Path) -> Lesson:
    """A lesson from its file.

    Raises:
        RecipeError: when it is missing, not TOML, or not a lesson; the message says where.
    """
    content = read_toml(path)
    unknown = set(content) - {"title", "part", "model"}
    if unknown:
        raise RecipeError(f"{path}: {', '.join(sorted(unknown))}: a lesson has a title and parts ([[part]])")
    parts = content.get("part")
    if not isinstance(parts, list) or not 1 <= len(parts) <= _MOST_PARTS:
        raise RecipeError(f"{path}: expected 1 to {_MOST_PARTS} parts, each [[part]] with a link and a text")
    name = re.sub(r"[^A-Za-z0-9._-]", "-", path.stem)
    title = _texts(content.get("title"), f"{path}: title")
    model = content.get("model")
    if not (model is None or (isinstance(model, str) and re.fullmatch(r"[\w.-]{1,100}", model))):
        raise RecipeError(f"{path}: model: expected the name of a model that the page has")
    made = tuple(_part(part, f"{path}: part {number}") for number, part in enumerate(parts, 1))
    return Lesson(name, title, made, model)


def _part(part: Any, where: str) -> Part:
    if not isinstance(part, dict) or set(part) != {"link", "text"}:
        raise RecipeError(f"{where}: expected a link and a text, and nothing else")
    link = part["link"]
    if not isinstance(link, str) or len(link) > _MOST_LINK or re.search(r"\s", link):
        raise RecipeError(f"{where}: link: expected what stands behind # in the page's address, without spaces")
    return Part(_texts(part["text"], f"{where}: text"), link.removeprefix("#"))


def _texts(texts: Any, where: str) -> dict[str, str]:
    """Texts by language."""
    if isinstance(texts, str):
        texts = {"en": texts}
    if not isinstance(texts, dict) or not texts:
        raise RecipeError(f"{where}: expected a text, or texts by language such as en and es")
    for language, text in texts.items():
        if not re.fullmatch("[a-z]{2}", language) or not isinstance(text, str) or len(text) > _MOST_TEXT:
            raise RecipeError(
                f"{where}: {language}: expected a language of two letters and a text of at most {_MOST_TEXT:,} letters"
            )
    return dict(texts)
